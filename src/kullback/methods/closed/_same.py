"""Same-family pairs in deviance form: 0 at equal parameters, and no digits lost near them.

Two building blocks carry most of them. `excess(e)` = e − log(1+e), and the Bregman divergence of log Γ,
B(a, d) = log Γ(a + d) − log Γ(a) − d·ψ(a), which for small d is ∫₀¹ (1−t)·d²·ψ′(a + t·d) dt.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from kullback._distribution import Density
from kullback.numerics.lazy import special
from kullback.numerics.masses import log_gamma_step
from kullback.numerics.terms import excess

EPS = float(np.finfo(float).eps)
EULER = 0.5772156649015329
Parameters = dict[str, float]
Form = Callable[[Parameters, Parameters], tuple[float, float]]
TRIALS = ("binomial", "negative_binomial")


def has_form(p: Density, q: Density) -> bool:
    """Whether both are of one family with a form; for counts of trials, of equally many."""
    family = p.facts.family
    if family != q.facts.family or family not in SAME or p.support.shape != () or q.support.shape != ():
        return False
    return family not in TRIALS or p.parameters["total_count"] == q.parameters["total_count"]


def same_family(p: Density, q: Density) -> tuple[float, float]:
    """The value and its rounding error."""
    value, size = SAME[p.facts.family](p.parameters, q.parameters)
    return value, 64 * EPS * size


def total(*terms: float) -> tuple[float, float]:
    """The sum of terms, and of their sizes."""
    return math.fsum(terms), math.fsum(abs(t) for t in terms)


def scaled(ratio_less_one: float, ratio: float) -> float:
    """r − 1 − log r, from r − 1 where it is small."""
    if abs(ratio_less_one) < 0.5:
        return float(excess(np.array(ratio_less_one)))
    return ratio - 1 - math.log(ratio)


def bregman_log_gamma(a: float, d: float) -> float:
    """log Γ(a + d) − log Γ(a) − d·ψ(a) ≥ 0."""
    if abs(d) < 0.3 * a:
        t, w = np.polynomial.legendre.leggauss(24)
        t, w = 0.5 * (t + 1), 0.5 * w
        return float(d * d * (w * (1 - t)) @ special.polygamma(1, a + t * d))
    return log_gamma_step(a, d) - d * float(special.digamma(a))


def _poisson(p: Parameters, q: Parameters) -> tuple[float, float]:
    return total(p["rate"] * scaled((q["rate"] - p["rate"]) / p["rate"], q["rate"] / p["rate"]))


def _exponential(p: Parameters, q: Parameters) -> tuple[float, float]:
    return total(scaled((q["rate"] - p["rate"]) / p["rate"], q["rate"] / p["rate"]))


def _gamma(p: Parameters, q: Parameters) -> tuple[float, float]:
    """Gil, Alajaji and Linder 2013, table 2, regrouped as deviances."""
    a, b, r, s = p["concentration"], q["concentration"], p["rate"], q["rate"]
    e = (s - r) / r
    log_ratio = math.log1p(e) if abs(e) < 0.5 else math.log(s / r)
    return total(bregman_log_gamma(a, b - a), a * scaled(e, s / r), (a - b) * log_ratio)


def _trial(a: float, b: float) -> float:
    """One trial of chance a against chance b."""
    d = b - a
    sides = ((a, b, d), (1 - a, 1 - b, -d))
    return sum(x * scaled(e / x, y / x) if x > 0 else y for x, y, e in sides)


def _bernoulli(p: Parameters, q: Parameters) -> tuple[float, float]:
    return total(_trial(p["probs"], q["probs"]))


def _binomial(p: Parameters, q: Parameters) -> tuple[float, float]:
    return total(p["total_count"] * _trial(p["probs"], q["probs"]))


def _geometric(p: Parameters, q: Parameters) -> tuple[float, float]:
    return total(_trial(p["probs"], q["probs"]) / p["probs"])


def _negative_binomial(p: Parameters, q: Parameters) -> tuple[float, float]:
    return total(p["total_count"] / (1 - p["probs"]) * _trial(p["probs"], q["probs"]))


def _beta(p: Parameters, q: Parameters) -> tuple[float, float]:
    a, b = p["concentration1"], p["concentration0"]
    c, d = q["concentration1"], q["concentration0"]
    both = bregman_log_gamma(a + b, (c - a) + (d - b))
    return total(bregman_log_gamma(a, c - a), bregman_log_gamma(b, d - b), -both)


def _laplace(p: Parameters, q: Parameters) -> tuple[float, float]:
    """With z = |Δ|/s and r = s/t: log(t/s) + |Δ|/t + r·e^(−z) − 1 = (r − 1 − log r) + r·(z + e^(−z) − 1)."""
    s, t = p["scale"], q["scale"]
    z = abs(p["loc"] - q["loc"]) / s
    return total(scaled((s - t) / t, s / t), s / t * z * z * _curved(-z))


def _curved(u: float) -> float:
    """(e^u − 1 − u)/u²."""
    if abs(u) < 0.5:
        return sum(u**k / math.factorial(k + 2) for k in range(18))
    return (math.expm1(u) - u) / (u * u)


def _cauchy(p: Parameters, q: Parameters) -> tuple[float, float]:
    """log(((s+t)² + Δ²)/(4st)) = log1p(((s−t)² + Δ²)/(4st)); Chyzak and Nielsen 2019."""
    s, t, d = p["scale"], q["scale"], p["loc"] - q["loc"]
    return total(math.log1p(((s - t) / t * ((s - t) / s) + d / s * (d / t)) / 4))


def _half_cauchy(p: Parameters, q: Parameters) -> tuple[float, float]:
    """The Cauchy's own, folded."""
    return _cauchy({"loc": 0.0, **p}, {"loc": 0.0, **q})


def _half_normal(p: Parameters, q: Parameters) -> tuple[float, float]:
    r = (p["scale"] - q["scale"]) / q["scale"]
    return total(0.5 * scaled(r * (2 + r), (p["scale"] / q["scale"]) ** 2))


def _log_normal(p: Parameters, q: Parameters) -> tuple[float, float]:
    """A normal in log x."""
    z = (p["loc"] - q["loc"]) / q["scale"]
    return total(_half_normal(p, q)[0], 0.5 * z * z)


def _pareto(p: Parameters, q: Parameters) -> tuple[float, float]:
    """An exponential in log x. P's scale is at least Q's; else the supports have said ∞."""
    a, b = p["alpha"], q["alpha"]
    gap = math.log1p((p["scale"] - q["scale"]) / q["scale"])
    return total(scaled((b - a) / a, b / a), b * gap)


def _uniform(p: Parameters, q: Parameters) -> tuple[float, float]:
    wider = (q["high"] - p["high"]) + (p["low"] - q["low"])
    return total(math.log1p(wider / (p["high"] - p["low"])))


def _gumbel(p: Parameters, q: Parameters) -> tuple[float, float]:
    """With r = s/t, z = (m − m₀)/t: −log r + z + γ(r − 1) + e^(−z)·Γ(1+r) − 1, regrouped.

    With u = log Γ(1+r) − z it is (e^u − 1 − u) + B(2, r−1) + (r − 1 − log r): nothing is negative. The plain
    form: Gil, Alajaji and Linder 2013.
    """
    s, t = p["scale"], q["scale"]
    return _gumbel_standard(s / t, (s - t) / t, (p["loc"] - q["loc"]) / t)


def _gumbel_standard(r: float, e: float, z: float) -> tuple[float, float]:
    step = bregman_log_gamma(2.0, e)
    u = step + e * (1 - EULER) - z if abs(e) < 0.5 else float(special.gammaln(1 + r)) - z
    return total(u * u * _curved(u) if u else 0.0, step, scaled(e, r))


def _weibull(p: Parameters, q: Parameters) -> tuple[float, float]:
    """−log x is a Gumbel of location −log(scale) and scale 1/concentration."""
    a, b = p["concentration"], q["concentration"]
    shift = math.log1p((p["scale"] - q["scale"]) / q["scale"])
    return _gumbel_standard(b / a, (b - a) / a, -shift * b)


SAME: dict[str, Form] = {
    "poisson": _poisson,
    "exponential": _exponential,
    "gamma": _gamma,
    "inverse_gamma": _gamma,  # a gamma in 1/x
    "bernoulli": _bernoulli,
    "binomial": _binomial,
    "geometric": _geometric,
    "negative_binomial": _negative_binomial,
    "beta": _beta,
    "laplace": _laplace,
    "cauchy": _cauchy,
    "half_cauchy": _half_cauchy,
    "half_normal": _half_normal,
    "log_normal": _log_normal,
    "pareto": _pareto,
    "uniform": _uniform,
    "gumbel": _gumbel,
    "weibull": _weibull,
}
