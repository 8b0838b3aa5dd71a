"""One family twice in more dimensions: shares, counts, directions, matrices; all arranged as deviances."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kullback._distribution import Density
from kullback.methods.closed._deviance import bregman_log_gammas, scaled, total
from kullback.methods.closed._spreads import excesses, grown, refined
from kullback.numerics import bessel, factors
from kullback.numerics.factors import Compared, Factor
from kullback.numerics.lazy import special
from kullback.numerics.masses import log_gamma_step
from kullback.numerics.sums import two_sum

EPS = float(np.finfo(float).eps)
Parameters = Mapping[str, Any]


def in_space(p: Density, q: Density) -> tuple[float, float, str] | None:
    """The value, its rounding error, and why it is infinite; None if there is no such form."""
    if p.support != q.support:
        return None
    if p.facts.family == q.facts.family and p.facts.family in WITH_SPREADS:
        return *WITH_SPREADS[p.facts.family](p, q), ""
    form = FORMS.get((p.facts.family, q.facts.family))
    if form is None:
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


def _wishart(p: Density, q: Density) -> tuple[float, float]:
    """With a = n/2, b = m/2 and 1 + e the eigenvalues of V₂⁻¹V₁: B_d(a, b−a) + a·Σ(e − log(1+e)) + (a−b)·Σlog(1+e).

    B_d is the Bregman divergence of the multivariate log Γ. StatProofBook, "wish-kl", regrouped.
    """
    return _of_scales(p, q, p.facts.spreads[0], q.facts.spreads[0])


def _inverse_wishart(p: Density, q: Density) -> tuple[float, float]:
    """The Wishart's own, of the inverses, whose ratio is V₁⁻¹V₂."""
    return _of_scales(p, q, q.facts.spreads[0], p.facts.spreads[0])


def _of_scales(p: Density, q: Density, scale: Factor, other: Factor) -> tuple[float, float]:
    a, b = (0.5 * d.parameters["concentration"] for d in (p, q))
    d = scale.dim
    steps = 0.5 * np.arange(d)
    gammas = [t for terms in bregman_log_gammas(a - steps, b - steps, np.full(d, b - a)) for t in terms]

    def measured(exactly: bool) -> tuple[float, float]:
        found = factors.compare(scale, other, exactly)
        e, ratio = found.diagonal, found.ratio
        near = np.abs(e) < 0.5
        logs = np.where(near, np.log1p(np.where(near, e, 0.0)), np.log(ratio))
        value, size = total(*gammas, 2 * a * grown(found), 2 * (a - b) * float(logs.sum()))
        return value, 64 * EPS * size + 2 * a * found.reach() + 2 * abs(a - b) * found.blur * math.sqrt(d)

    return refined(measured, d)


def _matrix_normal(p: Density, q: Density) -> tuple[float, float]:
    """A normal whose factor is the product of those of rows and columns: with I + E = (I + R) ⊗ (I + C), as a normal.

    StatProofBook, "matn-kl", regrouped.
    """
    shift = two_sum(p.parameters["loc"], -q.parameters["loc"])
    rows, columns = zip(p.facts.spreads, q.facts.spreads, strict=True)

    def measured(exactly: bool) -> tuple[float, float]:
        r, c = factors.compare(*rows, exactly), factors.compare(*columns, exactly)
        e = np.add.outer(r.diagonal, c.diagonal) + np.outer(r.diagonal, c.diagonal)
        diagonal = float(excesses(e, np.outer(r.ratio, c.ratio)).sum())
        # |E|²: its diagonal, and what lies below, in a row's own block and beyond it
        whole = float(((1 + c.diagonal) ** 2).sum()) + _below(c)
        square = float((e * e).sum()) + _below(c) * float(((1 + r.diagonal) ** 2).sum()) + _below(r) * whole
        left = factors.solve(rows[1], *shift, exactly)
        z = factors.solve(columns[1], left[0].T, left[1].T, exactly)[0]
        away = float((z * z).sum())
        value = diagonal + 0.5 * square + 0.5 * away
        size, blur = math.sqrt(square), r.blur + c.blur
        reach = size + math.sqrt(e.size)
        return value, blur * (size * (1 + reach) + away) + (blur * reach) ** 2 + 16 * EPS * value

    return refined(measured, max(rows[0].dim, columns[0].dim))


def _below(found: Compared) -> float:
    """The squares of E below its diagonal."""
    return float((np.tril(found.e, -1) ** 2).sum()) if found.e.ndim == 2 else 0.0


Form = Callable[[Any, Any], tuple[float, float]]
FORMS: dict[tuple[str, str], Form] = {
    ("dirichlet", "dirichlet"): _dirichlet,
    ("multinomial", "multinomial"): _multinomial,
    ("von_mises_fisher", "von_mises_fisher"): _von_mises_fisher,
    ("power_spherical", "von_mises_fisher"): _power_spherical,
}
WITH_SPREADS: dict[str, Form] = {
    "wishart": _wishart,
    "inverse_wishart": _inverse_wishart,
    "matrix_normal": _matrix_normal,
}
