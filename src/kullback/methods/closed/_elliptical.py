"""Centred t and normal pairs in any dimension: one integral on the line in the place of Lauricella's series.

log q needs E_P log(1 + δ), δ = |L₂⁻¹(X − μ)|²/ν₂. With X − μ = L₁z·√(ν₁/Y), Y ~ χ²(ν₁) and λ the squared singular
values of L₂⁻¹L₁, 1 + δ = (Y + Σ cᵢzᵢ²)/Y with c = λν₁/ν₂. From log(a/b) = ∫₀^∞ (e^(−bt) − e^(−at)) dt/t and
t = eˢ/2, E log(1 + δ) = ∫ (1 + eˢ)^(−ν₁/2)·(1 − ∏(1 + cᵢeˢ)^(−½)) ds over the whole line; for a normal P, ν₁ = ∞ and
Y/ν₁ = 1, the first factor is e^(−eˢ/2) with c = λ/ν₂. The integrand is positive and analytic for |Im s| < π/2, so
the trapezoidal rule with step h errs by e^(−π²/h).
"""

from __future__ import annotations

import math

import numpy as np

from kullback._distribution import Density
from kullback._support import Array
from kullback._vocabulary._real import log_t_constant
from kullback._vocabulary._tails import HALF_LOG_2PI
from kullback.methods.closed._deviance import total
from kullback.methods.closed._spreads import refined
from kullback.numerics import factors
from kullback.numerics.lazy import linalg
from kullback.numerics.masses import digamma_step

EPS = float(np.finfo(float).eps)
STEP = 0.2
T, NORMAL = "multivariate_student_t", "multivariate_normal"


def centred_pair(p: Density, q: Density) -> tuple[float, float, str] | None:
    """The value, its rounding error, and why it is infinite; None unless both are t or normal about one point."""
    families = p.facts.family, q.facts.family
    if not {*families} <= {T, NORMAL} or p.dim != q.dim or families == (NORMAL, NORMAL):
        return None
    shift = p.parameters["loc"] - q.parameters["loc"]
    if families[1] == T and shift.any():
        return None
    d, mine, other = p.dim, _df(p), _df(q)
    spread, spread0 = p.facts.spreads[0], q.facts.spreads[0]
    if other == math.inf and mine <= 2:
        return math.inf, 0.0, f"P's second moments are infinite: it has {mine:g} degrees of freedom"
    constants = *_entropy(mine, d), -log_t_constant(other, d)

    def measured(exactly: bool) -> tuple[float, float]:
        found = factors.compare(spread, spread0, exactly)
        ratio = found.e + np.eye(d)
        mean_square = float((ratio * ratio).sum()) * (mine / (mine - 2) if 2 < mine < math.inf else 1.0)
        if other == math.inf:  # by moments, about any point
            z = factors.solve(spread0, shift[:, None], np.zeros((d, 1)), exactly)[0]
            terms: tuple[float, ...] = (0.5 * mean_square, 0.5 * float((z * z).sum()))
            lost = 2 * found.blur * sum(terms)
        else:
            squares = linalg.svd(ratio, compute_uv=False) ** 2
            terms = (0.5 * (other + d) * mean_log(squares, mine, other),)
            lost = found.blur * (other + d) * (min(1.0, mean_square / other) if mine > 2 else 1.0)
        value, size = total(*terms, *constants, -float(np.log(found.ratio).sum()))
        return value, 64 * EPS * (size + d) + (lost + found.blur * math.sqrt(d)) * (1 + found.blur)

    return *refined(measured, d), ""


def _entropy(df: float, dim: int) -> tuple[float, ...]:
    """Less that of a standard t, or normal, in terms."""
    if df == math.inf:
        return -dim * HALF_LOG_2PI, -0.5 * dim
    power = 0.5 * (df + dim)
    return log_t_constant(df, dim), -power * digamma_step(0.5 * df, 0.5 * dim)


def mean_log(squares: Array, mine: float, other: float) -> float:
    """E log(1 + |L₂⁻¹(X − μ)|²/ν₂) for the squared singular values of L₂⁻¹L₁."""
    c = squares / other if mine == math.inf else squares * (mine / other)
    low = math.log(1e-18 / max(float(c.sum()), 1.0)) - 2  # below it the integrand is c·e^s/2
    # past 0 the first factor falls like e^(−ν₁s/2), or doubly so; the second starts to matter at −log c
    high = 6.0 if mine == math.inf else 2 * 42 / mine + 4
    high = max(high, low + 20)
    s = STEP * np.arange(math.floor(low / STEP), math.ceil(high / STEP) + 1)
    faded = -0.5 * np.exp(s) if mine == math.inf else -0.5 * mine * np.logaddexp(0, s)
    grown = -np.expm1(-0.5 * np.logaddexp(0, np.log(c)[:, None] + s).sum(axis=0))
    return STEP * math.fsum(np.exp(faded) * grown)


def _df(f: Density) -> float:
    return float(f.parameters["df"]) if f.facts.family == T else math.inf
