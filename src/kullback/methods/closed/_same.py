"""Same-family pairs in deviance form: 0 at equal parameters, and no digits lost near them.

Their blocks stand in `_deviance`. Powers of gamma variables have a form of their own in `_power_gamma`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from kullback._distribution import Density
from kullback._support import Array
from kullback.methods.closed._deviance import (
    bregman,
    bregman_log_gamma,
    gained,
    scaled,
    scaled_square,
    total,
)
from kullback.numerics import bessel
from kullback.numerics.lazy import special
from kullback.numerics.terms import log_ratio

EPS = float(np.finfo(float).eps)
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
    value, size = SAME[p.facts.family](_parameters(p), _parameters(q))
    return value, 64 * EPS * size


def _parameters(f: Density) -> Parameters:
    """With `rest`, for a chance near 1 whose difference from it the mean knows better."""
    found = f.parameters
    if f.facts.family == "negative_binomial" and f.facts.moments is not None and found["probs"] > 0.5:
        found["rest"] = found["probs"] * found["total_count"] / float(f.facts.moments[0])
    return found


def _normal(p: Parameters, q: Parameters) -> tuple[float, float]:
    """½(r² − 1 − log r²) + ½z² with r = s/t and z = Δ/t; Kullback 1959, ch. 9."""
    z = (p["loc"] - q["loc"]) / q["scale"]
    return total(0.5 * scaled_square(p["scale"], q["scale"]), 0.5 * z * z)


def _poisson(p: Parameters, q: Parameters) -> tuple[float, float]:
    """A Bregman divergence, λ·(r − 1 − log r) with r = λ₂/λ₁; Kullback 1959."""
    if p["rate"] == 0:
        return total(q["rate"])
    return total(p["rate"] * scaled(q["rate"], p["rate"]))


def _trial(a: float, b: float) -> float:
    """One trial of chance a against chance b."""
    sides = ((a, b, b - a), (1 - a, 1 - b, a - b))
    return sum(x * scaled(y, x, e) if x > 0 else y for x, y, e in sides)


def _bernoulli(p: Parameters, q: Parameters) -> tuple[float, float]:
    """One trial; Kullback 1959."""
    return total(_trial(p["probs"], q["probs"]))


def _binomial(p: Parameters, q: Parameters) -> tuple[float, float]:
    """As many times that of one trial; Kullback 1959."""
    return total(p["total_count"] * _trial(p["probs"], q["probs"]))


def _geometric(p: Parameters, q: Parameters) -> tuple[float, float]:
    """That of one trial, times the mean number of trials."""
    return total(_trial(p["probs"], q["probs"]) / p["probs"])


def _negative_binomial(p: Parameters, q: Parameters) -> tuple[float, float]:
    """That of one trial, times the mean number of trials; equal total_count (Distributions.jl)."""
    a, b = p["probs"], q["probs"]
    x, y = p.get("rest", 1 - a), q.get("rest", 1 - b)
    both = "rest" in p and "rest" in q
    d = x - y if both else b - a
    trial = sum(v * scaled(w, v, e) if v > 0 else w for v, w, e in ((a, b, d), (x, y, -d)))
    return total(p["total_count"] / x * trial)


def _beta(p: Parameters, q: Parameters) -> tuple[float, float]:
    """B(a, c−a) + B(b, d−b) − B(a+b, …), B the Bregman divergence of log Γ; Gil, Alajaji and Linder 2013, regrouped."""
    a, b = p["concentration1"], p["concentration0"]
    c, d = q["concentration1"], q["concentration0"]
    first, second = bregman_log_gamma(a, c, c - a), bregman_log_gamma(b, d, d - b)
    return total(*first, *second, *(-t for t in bregman_log_gamma(a + b, c + d, (c - a) + (d - b))))


def _laplace(p: Parameters, q: Parameters) -> tuple[float, float]:
    """With z = |Δ|/s and r = s/t: (r − 1 − log r) + r·(z + e^(−z) − 1); Gil 2011, regrouped."""
    s, t = p["scale"], q["scale"]
    z = abs(p["loc"] - q["loc"]) / s
    return total(scaled(s, t), s / t * gained(-z))


def _cauchy(p: Parameters, q: Parameters) -> tuple[float, float]:
    """log(((s+t)² + Δ²)/(4st)) = log1p(((s−t)² + Δ²)/(4st)); Chyzak and Nielsen 2019."""
    s, t, d = p["scale"], q["scale"], p["loc"] - q["loc"]
    ratio = ((s - t) / t * ((s - t) / s) + d / s * (d / t)) / 4
    if math.isinf(ratio):
        return total(2 * math.log(math.hypot(s + t, d) / 2), -math.log(s), -math.log(t))
    return total(math.log1p(ratio))


def _half_cauchy(p: Parameters, q: Parameters) -> tuple[float, float]:
    """The Cauchy's own, folded."""
    return _cauchy({"loc": 0.0, **p}, {"loc": 0.0, **q})


def _log_normal(p: Parameters, q: Parameters) -> tuple[float, float]:
    """A normal in log x; Gil, Alajaji and Linder 2013."""
    z = (p["loc"] - q["loc"]) / q["scale"]
    return total(0.5 * scaled_square(p["scale"], q["scale"]), 0.5 * z * z)


def _pareto(p: Parameters, q: Parameters) -> tuple[float, float]:
    """An exponential in log x; Gil, Alajaji and Linder 2013.

    P's scale is at least Q's; else the supports have said ∞.
    """
    a, b = p["alpha"], q["alpha"]
    return total(scaled(b, a), b * log_ratio(p["scale"], q["scale"]))


def _uniform(p: Parameters, q: Parameters) -> tuple[float, float]:
    """log of the ratio of the widths."""
    wider = (q["high"] - p["high"]) + (p["low"] - q["low"])
    return total(math.log1p(wider / (p["high"] - p["low"])))


def _continuous_bernoulli(p: Parameters, q: Parameters) -> tuple[float, float]:
    """The Bregman divergence of log(sinh(h/2)/(h/2)), h the logit of probs; Loaiza-Ganem and Cunningham 2019."""
    a, b = p["probs"], q["probs"]
    h, other = (float(special.logit(x)) for x in (a, b))
    step = other - h if abs(other - h) > 0.1 else math.log1p((b - a) / a) - math.log1p((a - b) / (1 - a))
    return bessel.bregman(0.5, 0.5 * h, 0.5 * other, 0.5 * step)


def _von_mises(p: Parameters, q: Parameters) -> tuple[float, float]:
    """The Bregman divergence of log I₀, and what the angle adds, as TensorFlow Probability has it."""
    k, other = p["concentration"], q["concentration"]
    value, size = bessel.bregman(0.0, k, other)
    turned = 2 * other * bessel.mean(0.0, k) * math.sin(0.5 * (p["loc"] - q["loc"])) ** 2
    return value + turned, size + turned


def _inverse_gaussian(p: Parameters, q: Parameters) -> tuple[float, float]:
    """½(r − 1 − log r) + λ₂(μ₁−μ₂)²/(2μ₁μ₂²), r = λ₂/λ₁; Gil 2011, regrouped."""
    k, other, m, n = p["concentration"], q["concentration"], p["loc"], q["loc"]
    d = (m - n) / n
    return total(0.5 * scaled(other, k), 0.5 * (other * d) * (d / m))


def _lindley(p: Parameters, q: Parameters) -> tuple[float, float]:
    """The Bregman divergence of log(1 + θ) − 2·log θ; Distributions.jl, regrouped."""
    a, b = p["rate"], q["rate"]
    if abs(b - a) < 0.5 * a:
        value = bregman(lambda t: 2 / t**2 - 1 / (1 + t) ** 2, a, b - a)
        return value, value
    mean = (a + 2) / (a * (a + 1))
    return total(2 * math.log(a / b), math.log1p(b) - math.log1p(a), (b - a) * mean)


def _logarithmic(p: Parameters, q: Parameters) -> tuple[float, float]:
    """The Bregman divergence of log(−log(1 − e^t)), t = log probs; exponential family."""
    a, b = p["probs"], q["probs"]
    step = math.log1p((b - a) / a)
    if abs(step) < 0.5 * min(1.0, 1 - a, 1 - b):
        value = bregman(_logarithmic_bend, math.log(a), step)
        return value, value
    norm = -math.log1p(-a)
    return total(math.log(-math.log1p(-b)), -math.log(norm), -a / ((1 - a) * norm) * math.log(b / a))


def _logarithmic_bend(t: Array) -> Array:
    """Its second derivative: the variance a·(1 − a/L)/((1 − a)²·L), L = −log(1 − a)."""
    a = np.exp(t)
    norm = -np.log1p(-a)
    rest = np.where(a < 1e-3, a * (0.5 + a / 3 + a * a / 4), norm - a)  # L − a
    return a * rest / (norm * norm * (1 - a) ** 2)


SAME: dict[str, Form] = {
    "normal": _normal,
    "poisson": _poisson,
    "bernoulli": _bernoulli,
    "binomial": _binomial,
    "geometric": _geometric,
    "negative_binomial": _negative_binomial,
    "beta": _beta,
    "laplace": _laplace,
    "cauchy": _cauchy,
    "half_cauchy": _half_cauchy,
    "log_normal": _log_normal,
    "pareto": _pareto,
    "uniform": _uniform,
    "continuous_bernoulli": _continuous_bernoulli,
    "von_mises": _von_mises,
    "inverse_gaussian": _inverse_gaussian,
    "lindley": _lindley,
    "logarithmic": _logarithmic,
}
