"""One family twice in more dimensions: shares, counts, directions, matrices; all arranged as deviances."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kullback._distribution import Density
from kullback._support import Array
from kullback.methods.closed._deviance import bregman_log_gammas, scaled, total
from kullback.numerics import bessel
from kullback.numerics.lazy import linalg, special
from kullback.numerics.masses import log_gamma_step
from kullback.numerics.terms import excess

EPS = float(np.finfo(float).eps)
Parameters = Mapping[str, Any]


def in_space(p: Density, q: Density) -> tuple[float, float, str] | None:
    """The value, its rounding error, and why it is infinite; None if there is no such form."""
    form = FORMS.get((p.facts.family, q.facts.family))
    if form is None or p.support != q.support:
        return None
    value, size = form(p.parameters, q.parameters)
    return value, 64 * EPS * size, "" if math.isfinite(value) else "an outcome that P has is impossible under Q"


def _dirichlet(p: Parameters, q: Parameters) -> tuple[float, float]:
    """Σ B(αᵢ, dᵢ) − B(α₀, d₀), B the Bregman divergence of log Γ; Gil, Alajaji and Linder 2013, regrouped."""
    a, b = p["concentration"], q["concentration"]
    d = b - a
    *parts, whole = bregman_log_gammas(np.append(a, a.sum()), np.append(b, b.sum()), np.append(d, d.sum()))
    return total(*(t for part in parts for t in part), *(-t for t in whole))


def _multinomial(p: Parameters, q: Parameters) -> tuple[float, float]:
    """n times the divergence of the shares."""
    a, b = p["probs"], q["probs"]
    if (b[a > 0] == 0).any():
        return math.inf, math.inf
    parts = [x * scaled(y, x) if x > 0 else y for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    value, size = total(*parts)
    return p["total_count"] * value, p["total_count"] * size


def _von_mises_fisher(p: Parameters, q: Parameters) -> tuple[float, float]:
    """The Bregman divergence of log(I_v(k)/k^v), and what the angle adds; exponential family (Banerjee 2005)."""
    v, k, other = 0.5 * len(p["mean_direction"]) - 1, p["concentration"], q["concentration"]
    value, size = bessel.bregman(v, k, other)
    apart = p["mean_direction"] - q["mean_direction"]
    turned = 0.5 * other * bessel.mean(v, k) * float(apart @ apart)
    return value + turned, size + turned


def _power_spherical(p: Parameters, q: Parameters) -> tuple[float, float]:
    """−entropy(P) − log C(k) − k·E μ·x against a von Mises-Fisher (De Cao and Aziz 2020); k = 0 is uniform."""
    m, n = p["mean_direction"], q["mean_direction"]
    v, b, k, other = 0.5 * len(m) - 1, 0.5 * (len(m) - 1), p["concentration"], q["concentration"]
    a = b + k
    log_norm = (a + b) * math.log(2) + b * math.log(math.pi) - log_gamma_step(a, b)
    entropy = (log_norm, -k * (math.log(2) + float(special.digamma(a) - special.digamma(a + b))))
    short = 2 * b / (a + b)  # 1 − E of the cosine
    turned = 0.5 * other * (1 - short) * float((m - n) @ (m - n))
    cross = (bessel.log_scaled(v, other), (v + 1) * math.log(2 * math.pi), other * short, turned)
    return total(*cross, *(-t for t in entropy))


def _wishart(p: Parameters, q: Parameters) -> tuple[float, float]:
    """With a = n/2, b = m/2 and e the eigenvalues of V₂⁻¹V₁ − I: B_d(a, b−a) + a·Σ(e − log(1+e)) + (a−b)·Σlog(1+e).

    B_d is the Bregman divergence of the multivariate log Γ. StatProofBook, "wish-kl", regrouped.
    """
    return _of_scales(p, q, _less_one(p["scale_matrix"], q["scale_matrix"]))


def _inverse_wishart(p: Parameters, q: Parameters) -> tuple[float, float]:
    """The Wishart's own, of the inverses."""
    return _of_scales(p, q, _less_one(q["scale_matrix"], p["scale_matrix"]))


def _of_scales(p: Parameters, q: Parameters, found: tuple[Array, float]) -> tuple[float, float]:
    e, lost = found
    a, b = 0.5 * p["concentration"], 0.5 * q["concentration"]
    steps = 0.5 * np.arange(len(e))
    gammas = bregman_log_gammas(a - steps, b - steps, np.full(len(e), b - a))
    widths = a * float(excess(e).sum()), (a - b) * float(np.log1p(e).sum())
    value, size = total(*(t for terms in gammas for t in terms), *widths)
    return value, size + lost * (a * float((e * e / (1 + e)).sum()) + abs(a - b) * len(e))


def _less_one(scale: Array, other: Array) -> tuple[Array, float]:
    """The eigenvalues of other⁻¹·scale − I, from the difference of the two, and the condition of the other."""
    tril = np.linalg.cholesky(other)
    half = linalg.solve_triangular(tril, scale - other, lower=True)
    e = np.linalg.eigvalsh(linalg.solve_triangular(tril, half.T, lower=True))
    return np.maximum(e, -1 + 1e-300), float(np.linalg.cond(tril))


def _matrix_normal(p: Parameters, q: Parameters) -> tuple[float, float]:
    """A normal with Kronecker covariance: 1 + e is the product of the ratios of rows and columns.

    StatProofBook, "matn-kl", regrouped.
    """
    sides = ("scale_tril_row", "scale_tril_column")
    (rows, lost), (columns, more) = (_less_one(p[s] @ p[s].T, q[s] @ q[s].T) for s in sides)
    e = np.add.outer(rows, columns) + np.outer(rows, columns)
    left = linalg.solve_triangular(q[sides[0]], p["loc"] - q["loc"], lower=True)
    z = linalg.solve_triangular(q[sides[1]], left.T, lower=True)
    value = 0.5 * (float(excess(e).sum()) + float((z * z).sum()))
    return value, value * (1 + lost + more)


Form = Callable[[Parameters, Parameters], tuple[float, float]]
FORMS: dict[tuple[str, str], Form] = {
    ("dirichlet", "dirichlet"): _dirichlet,
    ("multinomial", "multinomial"): _multinomial,
    ("von_mises_fisher", "von_mises_fisher"): _von_mises_fisher,
    ("power_spherical", "von_mises_fisher"): _power_spherical,
    ("wishart", "wishart"): _wishart,
    ("inverse_wishart", "inverse_wishart"): _inverse_wishart,
    ("matrix_normal", "matrix_normal"): _matrix_normal,
}
