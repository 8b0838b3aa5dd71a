"""The moment rule: if log q needs only means that P knows, KL(P‖Q) = −entropy(P) − E_P log q.

MEANS says what each P knows, NEEDS what each Q asks for. It is a difference of entropies: near P = Q its digits
cancel, and the stated error says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from kullback._distribution import Density
from kullback._support import Lattice
from kullback.methods.closed._same import EULER
from kullback.numerics.lazy import special
from kullback.numerics.masses import log_beta, log_gamma_step

EPS = float(np.finfo(float).eps)
HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
Parameters = Mapping[str, float]
# Functions of one argument: "log" of E log x takes none and ignores it
Means = dict[str, Callable[[float], float]]


def by_moments(p: Density, q: Density) -> tuple[float, float] | None:
    """The value and its rounding error, or None if Q asks for a mean that P does not know."""
    needs = NEEDS.get(q.facts.family)
    if needs is None or p.dim != 1 or p.facts.entropy is None or p.facts.family not in MEANS:
        return None
    if isinstance(p.support, Lattice) != isinstance(q.support, Lattice):
        return None
    try:
        terms = needs(_known(p), q.parameters)
    except (KeyError, OverflowError):
        return None
    value = math.fsum(terms) - p.facts.entropy
    size = math.fsum(abs(t) for t in terms) + abs(p.facts.entropy)
    # log gammas and digammas of a large shape meet in the entropy and in the terms with the size of shape·log(shape)
    shapes = [v for d in (p, q) for k, v in d.parameters.items() if k.startswith("concentration")]
    size += math.fsum(v * (1 + abs(math.log(v))) for v in shapes)
    if not math.isfinite(value):
        return None
    return value, 64 * EPS * size


def _known(p: Density) -> Means:
    mean, variance = p.facts.moments or (math.nan, math.nan)
    known: Means = dict(MEANS[p.facts.family](p.parameters))
    if math.isfinite(mean):
        known["mean"] = lambda _: float(mean)
    if math.isfinite(variance):
        known["square"] = lambda c: float(variance + (mean - c) ** 2)
    return known


def _normal_means(a: Parameters) -> Means:
    m, s = a["loc"], a["scale"]

    def absolute(c: float) -> float:
        z = (m - c) / s
        return s * (z * math.erf(z / math.sqrt(2)) + math.sqrt(2 / math.pi) * math.exp(-z * z / 2))

    return {"absolute": absolute, "exp": lambda t: math.exp(m * t + 0.5 * (s * t) ** 2)}


def _laplace_means(a: Parameters) -> Means:
    m, s = a["loc"], a["scale"]
    return {
        "absolute": lambda c: abs(m - c) + s * math.exp(-abs(m - c) / s),
        "exp": lambda t: _while(abs(s * t) < 1, lambda: math.exp(m * t) / (1 - (s * t) ** 2)),
    }


def _logistic_means(a: Parameters) -> Means:
    m, s = a["loc"], a["scale"]

    def absolute(c: float) -> float:
        z = abs(m - c) / s
        return s * (z + 2 * math.log1p(math.exp(-z)))

    def exp(t: float) -> float:
        return _while(abs(s * t) < 1, lambda: math.exp(m * t) / float(special.sinc(s * t)))

    return {"absolute": absolute, "exp": exp}


def _gumbel_means(a: Parameters) -> Means:
    m, s = a["loc"], a["scale"]
    return {"exp": lambda t: _while(s * t < 1, lambda: math.exp(m * t) * math.gamma(1 - s * t))}


def _uniform_means(a: Parameters) -> Means:
    low, high = a["low"], a["high"]
    width = high - low

    def absolute(c: float) -> float:
        if c <= low or c >= high:
            return abs(0.5 * (low + high) - c)
        return 0.5 * ((c - low) ** 2 + (high - c) ** 2) / width

    def exp(t: float) -> float:
        half = 0.5 * width * t
        return math.exp(0.5 * (low + high) * t) * (math.sinh(half) / half if half else 1.0)

    known: Means = {"absolute": absolute, "exp": exp}
    if low >= 0:
        known["log"] = lambda _: (float(special.xlogy(high, high) - special.xlogy(low, low)) / width) - 1
        known["power"] = lambda k: _while(low > 0 or k > -1, lambda: _uniform_power(low, high, k))
    if low >= 0 and high <= 1:
        known["log1m"] = lambda _: (
            float(special.xlogy(1 - low, 1 - low) - special.xlogy(1 - high, 1 - high)) / width - 1
        )
    return known


def _uniform_power(low: float, high: float, k: float) -> float:
    if k == -1:
        return math.log(high / low) / (high - low)
    return float((high ** (k + 1) - low ** (k + 1)) / ((k + 1) * (high - low)))


def _gamma_means(a: Parameters) -> Means:
    c, r = a.get("concentration", 1.0), a["rate"]

    def absolute(x: float) -> float:
        if x <= 0:
            return c / r - x
        below, shifted = float(special.gammainc(c, r * x)), float(special.gammainc(c + 1, r * x))
        return x * (2 * below - 1) + c / r * (1 - 2 * shifted)

    log_mean = float(special.digamma(c)) - math.log(r)
    return {
        "log": lambda _: log_mean,
        "log_square": lambda m: float(special.polygamma(1, c)) + (log_mean - m) ** 2,
        "power": lambda k: _while(c + k > 0, lambda: math.exp(log_gamma_step(c, k) - k * math.log(r))),
        "exp": lambda t: _while(t < r, lambda: (1 - t / r) ** -c),
        "absolute": absolute,
    }


def _inverse_gamma_means(a: Parameters) -> Means:
    c, r = a["concentration"], a["rate"]
    log_mean = math.log(r) - float(special.digamma(c))
    return {
        "log": lambda _: log_mean,
        "log_square": lambda m: float(special.polygamma(1, c)) + (log_mean - m) ** 2,
        "power": lambda k: _while(c > k, lambda: math.exp(log_gamma_step(c, -k) + k * math.log(r))),
    }


def _beta_means(a: Parameters) -> Means:
    c, d = a["concentration1"], a["concentration0"]

    def absolute(x: float) -> float:
        mean = c / (c + d)
        if x <= 0 or x >= 1:
            return abs(mean - x)
        below, shifted = float(special.betainc(c, d, x)), float(special.betainc(c + 1, d, x))
        return x * (2 * below - 1) + mean * (1 - 2 * shifted)

    trigamma = float(special.polygamma(1, c) - special.polygamma(1, c + d))
    log_mean = float(special.digamma(c) - special.digamma(c + d))
    return {
        "log": lambda _: log_mean,
        "log_square": lambda m: trigamma + (log_mean - m) ** 2,
        "log1m": lambda _: float(special.digamma(d) - special.digamma(c + d)),
        "power": lambda k: _while(c + k > 0, lambda: math.exp(float(special.betaln(c + k, d) - special.betaln(c, d)))),
        "absolute": absolute,
    }


def _log_normal_means(a: Parameters) -> Means:
    m, s = a["loc"], a["scale"]
    return {
        "log": lambda _: m,
        "log_square": lambda c: s * s + (m - c) ** 2,
        "power": lambda k: math.exp(k * m + 0.5 * (k * s) ** 2),
    }


def _weibull_means(a: Parameters) -> Means:
    s, k = a["scale"], a["concentration"]
    log_mean = math.log(s) - EULER / k
    return {
        "log": lambda _: log_mean,
        "log_square": lambda m: (math.pi / k) ** 2 / 6 + (log_mean - m) ** 2,
        "power": lambda j: _while(1 + j / k > 0, lambda: s**j * math.gamma(1 + j / k)),
    }


def _pareto_means(a: Parameters) -> Means:
    s, k = a["scale"], a["alpha"]
    log_mean = math.log(s) + 1 / k
    return {
        "log": lambda _: log_mean,
        "log_square": lambda m: 1 / k**2 + (log_mean - m) ** 2,
        "power": lambda j: _while(k > j, lambda: s**j * k / (k - j)),
    }


def _half_normal_means(a: Parameters) -> Means:
    s = a["scale"]
    log_mean = math.log(s) - 0.5 * (EULER + math.log(2))
    return {
        "log": lambda _: log_mean,
        "log_square": lambda m: math.pi**2 / 8 + (log_mean - m) ** 2,
        "power": lambda k: _while(
            k > -1, lambda: (s * math.sqrt(2)) ** k * math.gamma(0.5 * (k + 1)) / math.sqrt(math.pi)
        ),
    }


def _nothing_more(_: Parameters) -> Means:
    return {}


def _while(holds: bool, value: Callable[[], float]) -> float:
    """A mean where it exists; elsewhere the pair has no closed form."""
    if not holds:
        raise KeyError("this mean is infinite")
    return value()


MEANS: dict[str, Callable[[Parameters], Means]] = {
    "normal": _normal_means,
    "laplace": _laplace_means,
    "logistic": _logistic_means,
    "gumbel": _gumbel_means,
    "uniform": _uniform_means,
    "exponential": _gamma_means,
    "gamma": _gamma_means,
    "inverse_gamma": _inverse_gamma_means,
    "beta": _beta_means,
    "log_normal": _log_normal_means,
    "weibull": _weibull_means,
    "pareto": _pareto_means,
    "half_normal": _half_normal_means,
    "student_t": _nothing_more,
    "discrete_uniform": _nothing_more,
}

Needs = Callable[[Means, Parameters], tuple[float, ...]]

NEEDS: dict[str, Needs] = {
    "normal": lambda e, q: (HALF_LOG_2PI + math.log(q["scale"]), 0.5 * e["square"](q["loc"]) / q["scale"] ** 2),
    "half_normal": lambda e, q: (
        HALF_LOG_2PI + math.log(q["scale"] / 2),
        0.5 * e["square"](0.0) / q["scale"] ** 2,
    ),
    "laplace": lambda e, q: (math.log(2 * q["scale"]), e["absolute"](q["loc"]) / q["scale"]),
    "gumbel": lambda e, q: (
        math.log(q["scale"]),
        (e["mean"](0.0) - q["loc"]) / q["scale"],
        math.exp(q["loc"] / q["scale"]) * e["exp"](-1 / q["scale"]),
    ),
    "uniform": lambda e, q: (math.log(q["high"] - q["low"]),),
    "exponential": lambda e, q: (-math.log(q["rate"]), q["rate"] * e["mean"](0.0)),
    "gamma": lambda e, q: (
        float(special.gammaln(q["concentration"])) - q["concentration"] * math.log(q["rate"]),
        (1 - q["concentration"]) * e["log"](0.0),
        q["rate"] * e["mean"](0.0),
    ),
    "inverse_gamma": lambda e, q: (
        float(special.gammaln(q["concentration"])) - q["concentration"] * math.log(q["rate"]),
        (1 + q["concentration"]) * e["log"](0.0),
        q["rate"] * e["power"](-1.0),
    ),
    "beta": lambda e, q: (
        log_beta(q["concentration1"], q["concentration0"]),
        (1 - q["concentration1"]) * e["log"](0.0),
        (1 - q["concentration0"]) * e["log1m"](0.0),
    ),
    "log_normal": lambda e, q: (
        HALF_LOG_2PI + math.log(q["scale"]),
        e["log"](0.0),
        0.5 * e["log_square"](q["loc"]) / q["scale"] ** 2,
    ),
    "weibull": lambda e, q: (
        math.log(q["scale"] / q["concentration"]),
        (1 - q["concentration"]) * (e["log"](0.0) - math.log(q["scale"])),
        e["power"](q["concentration"]) / q["scale"] ** q["concentration"],
    ),
    "pareto": lambda e, q: (
        -math.log(q["alpha"]) - q["alpha"] * math.log(q["scale"]),
        (1 + q["alpha"]) * e["log"](0.0),
    ),
    "geometric": lambda e, q: (-math.log(q["probs"]), -e["mean"](0.0) * math.log1p(-q["probs"])),
    "discrete_uniform": lambda e, q: (math.log(q["high"] - q["low"] + 1),),
}
