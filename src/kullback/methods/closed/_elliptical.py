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
from kullback.numerics.lazy import linalg

EPS = float(np.finfo(float).eps)
HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
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
    entropy = p.facts.entropy
    assert entropy is not None
    tril = _tril(q)
    widths = linalg.svd(linalg.solve_triangular(tril, _tril(p), lower=True), compute_uv=False)
    squares = widths**2
    half_det = float(np.log(np.diag(tril)).sum())
    if other == math.inf:  # by moments, about any point
        if mine <= 2:
            return math.inf, 0.0, f"P's second moments are infinite: it has {mine:g} degrees of freedom"
        z = linalg.solve_triangular(tril, shift, lower=True)
        spread = 0.5 * (mine / (mine - 2) * float(squares.sum()) + float(z @ z))
        constant = -d * HALF_LOG_2PI - half_det
    else:
        constant = log_t_constant(other, d) - half_det
        spread = 0.5 * (other + d) * mean_log(squares, mine, other)
    value = spread - constant - entropy
    size = spread + abs(constant) + abs(entropy) + abs(half_det)
    scale = np.sqrt(np.diag(tril @ tril.T))
    return value, 64 * EPS * (size + d * float(np.linalg.cond(tril / scale[:, None])) * (1 + spread)), ""


def mean_log(squares: Array, mine: float, other: float) -> float:
    """E log(1 + |L₂⁻¹(X − μ)|²/ν₂) for the squared singular values of L₂⁻¹L₁."""
    c = squares / other if mine == math.inf else squares * (mine / other)
    low = math.log(1e-18 / max(float(c.sum()), 1e-300)) - 2
    # past 0 the first factor falls like e^(−ν₁s/2), or doubly so; the second starts to matter at −log c
    high = 6.0 if mine == math.inf else 2 * 42 / mine + 4
    high = max(high, low + 20)
    s = STEP * np.arange(math.floor(low / STEP), math.ceil(high / STEP) + 1)
    faded = -0.5 * np.exp(s) if mine == math.inf else -0.5 * mine * np.logaddexp(0, s)
    grown = -np.expm1(-0.5 * np.logaddexp(0, np.log(c)[:, None] + s).sum(axis=0))
    return STEP * math.fsum(np.exp(faded) * grown)


def _df(f: Density) -> float:
    return float(f.parameters["df"]) if f.facts.family == T else math.inf


def _tril(f: Density) -> Array:
    if f.facts.family == T:
        return np.asarray(f.parameters["scale_tril"])
    return np.linalg.cholesky(f.parameters["covariance_matrix"])
