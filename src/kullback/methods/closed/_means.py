"""What each P knows: means of functions under P, each a function of one argument.

square(c, s) = E((x−c)/s)², absolute(c) = E|x−c|, exp(t) = E e^(tx), power(k) = E x^k, log_square(c) = E(log x − c)²,
logit_square(c) = E(logit x − c)²; mean, log, log1m, logit and log_factorial ignore theirs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from kullback._distribution import Density, PowerGamma
from kullback.methods.closed._deviance import curved
from kullback.numerics import bessel, integers
from kullback.numerics.lazy import special
from kullback.numerics.masses import log_gamma_step

Parameters = Mapping[str, float]
Means = dict[str, Callable[..., float]]


class Diverges(Exception):
    """This mean is infinite."""


class Beyond(Exception):
    """This mean is finite, and larger than the largest double."""


def means(p: Density) -> Means | None:
    """All that P knows; None if its entropy is unknown or nothing is."""
    if p.facts.entropy is None or p.support.shape != ():
        return None
    known = _own(p)
    if known is None:
        return None
    mean, variance = p.facts.moments or (math.nan, math.nan)
    if math.isfinite(mean):
        known.setdefault("mean", lambda _: float(mean))
    if math.isfinite(variance):
        known.setdefault("square", lambda c, s=1.0: float(variance / s / s + _squared((mean - c) / s)))
    elif p.facts.power_gamma is not None:
        second = p.facts.power_gamma.moment(2.0)
        known.setdefault("square", lambda _, s=1.0: _exists(second) / s / s)
    return known


def _squared(x: float) -> float:
    return x * x  # where x**2 would raise, ∞


def _own(p: Density) -> Means | None:
    if p.facts.power_gamma is not None:
        return _of_power_gamma(p.facts.power_gamma, p)
    if p.facts.family in MEANS:
        return dict(MEANS[p.facts.family](p.parameters))
    if p.facts.base is None:
        return None
    key, base = p.facts.base
    inner = means(base)
    if inner is None or not isinstance(key, tuple):
        return None
    if key[0] == "affine":
        return viewed(inner, -key[1] / key[2], 1 / key[2])
    if key[0] == "exp":
        return _exponential(inner)
    return None


def viewed(inner: Means, loc: float, scale: float) -> Means:
    """The means of (X − loc)/scale from those of X."""
    rules: dict[str, Callable[[Callable[..., float]], Callable[..., float]]] = {
        "mean": lambda f: lambda _: (f(0.0) - loc) / scale,
        "square": lambda f: lambda c, s=1.0: f(loc + scale * c, scale * s),
        "absolute": lambda f: lambda c: f(loc + scale * c) / scale,
        "exp": lambda f: lambda t: math.exp(-loc * t / scale) * f(t / scale),
    }
    return {name: rules[name](f) for name, f in inner.items() if name in rules}


def _exponential(inner: Means) -> Means:
    """The means of exp(Z) from those of Z."""
    rules = {"mean": "log", "square": "log_square", "exp": "power"}
    return {rules[name]: f for name, f in inner.items() if name in rules}


def _of_power_gamma(f: PowerGamma, p: Density) -> Means:
    if f.logged:
        return {"exp": lambda t: _exists(f.moment(t))}

    def absolute(c: float) -> float:
        mean = _exists(f.moment(1.0))
        if c <= 0:
            return mean - c
        y, shape = math.exp(f.power * (math.log(c) - f.loc)), f.a + 1 / f.power
        rule = special.gammainc if f.power > 0 else special.gammaincc
        return c * (2 * float(rule(f.a, y)) - 1) + mean * (1 - 2 * float(rule(shape, y)))

    return {
        "log": lambda _: f.log_mean,
        "log_square": lambda m: f.log_variance + (f.log_mean - m) ** 2,
        "power": lambda k: _exists(f.moment(k)),
        "exp": lambda t: _exp_of_gamma(f, t),
        "absolute": absolute,
    }


def _exp_of_gamma(f: PowerGamma, t: float) -> float:
    """E e^(tx), which only the gamma's own power gives plainly."""
    if f.power == 1:
        scale = math.exp(f.loc)
        if t * scale >= 1:
            raise Diverges
        return float((1 - t * scale) ** -f.a)
    raise KeyError("exp")


def _exists(mean: float) -> float:
    if math.isnan(mean):
        raise Beyond
    if math.isinf(mean):
        raise Diverges
    return mean


def _finite(holds: bool, value: Callable[[], float]) -> float:
    if not holds:
        raise Diverges
    return value()


def _normal(a: Parameters) -> Means:
    m, s = a["loc"], a["scale"]

    def absolute(c: float) -> float:
        z = (m - c) / s
        return s * (z * math.erf(z / math.sqrt(2)) + math.sqrt(2 / math.pi) * math.exp(-z * z / 2))

    return {"absolute": absolute, "exp": lambda t: math.exp(m * t + 0.5 * (s * t) ** 2)}


def _laplace(a: Parameters) -> Means:
    m, s = a["loc"], a["scale"]
    return {
        "absolute": lambda c: abs(m - c) + s * math.exp(-abs(m - c) / s),
        "exp": lambda t: _finite(abs(s * t) < 1, lambda: math.exp(m * t) / (1 - (s * t) ** 2)),
    }


def _logistic(a: Parameters) -> Means:
    m, s = a["loc"], a["scale"]

    def absolute(c: float) -> float:
        z = abs(m - c) / s
        return s * (z + 2 * math.log1p(math.exp(-z)))

    def exp(t: float) -> float:
        return _finite(abs(s * t) < 1, lambda: math.exp(m * t) / float(np.sinc(s * t)))

    return {"absolute": absolute, "exp": exp}


def _uniform(a: Parameters) -> Means:
    low, high = a["low"], a["high"]
    width = high - low

    def absolute(c: float) -> float:
        if c <= low or c >= high:
            return abs(0.5 * (low + high) - c)
        return 0.5 * ((c - low) ** 2 + (high - c) ** 2) / width

    def exp(t: float) -> float:
        half = 0.5 * width * t
        return math.exp(0.5 * (low + high) * t) * (math.sinh(half) / half if half else 1.0)

    def log_square(m: float) -> float:
        def inner(x: float) -> float:
            return x * ((math.log(x) - m - 1) ** 2 + 1) if x > 0 else 0.0

        return (inner(high) - inner(low)) / width

    known: Means = {"absolute": absolute, "exp": exp}
    if low >= 0:
        known["log"] = lambda _: (float(special.xlogy(high, high) - special.xlogy(low, low)) / width) - 1
        known["log_square"] = log_square
        known["power"] = lambda k: _finite(low > 0 or k > -1, lambda: _uniform_power(low, high, k))
    if low >= 0 and high <= 1:
        known["log1m"] = lambda _: (
            float(special.xlogy(1 - low, 1 - low) - special.xlogy(1 - high, 1 - high)) / width - 1
        )
    if (low, high) == (0, 1):
        known["logit_square"] = lambda m: math.pi**2 / 3 + m * m
    return known


def _uniform_power(low: float, high: float, k: float) -> float:
    if k == -1:
        return math.log(high / low) / (high - low)
    return float((high ** (k + 1) - low ** (k + 1)) / ((k + 1) * (high - low)))


def _continuous_bernoulli(a: Parameters) -> Means:
    h = math.log(a["probs"] / (1 - a["probs"]))

    def log_normaliser(t: float) -> float:
        """log((e^t − 1)/t)."""
        return 0.5 * t + abs(0.5 * t) + bessel.log_scaled(0.5, 0.5 * t) - 0.5 * math.log(2 / math.pi)

    mean = 0.5 + 0.5 * bessel.mean(0.5, 0.5 * h)

    def absolute(c: float) -> float:
        if c <= 0 or c >= 1:
            return abs(mean - c)
        # ∫₀ᶜ of the distribution function
        below = c * c * curved(h * c) * (h / math.expm1(h) if h else 1.0)
        return mean - c + 2 * below

    known: Means = {"exp": lambda t: math.exp(log_normaliser(h + t) - log_normaliser(h))}
    if h < 300:
        known["absolute"] = absolute
    return known


def _beta(a: Parameters) -> Means:
    c, d = a["concentration1"], a["concentration0"]

    def absolute(x: float) -> float:
        mean = c / (c + d)
        if x <= 0 or x >= 1:
            return abs(mean - x)
        below, shifted = float(special.betainc(c, d, x)), float(special.betainc(c + 1, d, x))
        return x * (2 * below - 1) + mean * (1 - 2 * shifted)

    trigamma = float(special.polygamma(1, c) - special.polygamma(1, c + d))
    log_mean = float(special.digamma(c) - special.digamma(c + d))
    logit = float(special.digamma(c) - special.digamma(d))
    logit_variance = float(special.polygamma(1, c) + special.polygamma(1, d))
    return {
        "log": lambda _: log_mean,
        "log_square": lambda m: trigamma + (log_mean - m) ** 2,
        "log1m": lambda _: float(special.digamma(d) - special.digamma(c + d)),
        "logit_square": lambda m: logit_variance + (logit - m) ** 2,
        "power": lambda k: _finite(c + k > 0, lambda: math.exp(log_gamma_step(c, k) - log_gamma_step(c + d, k))),
        "exp": lambda t: float(special.hyp1f1(c, c + d, t)),
        "absolute": absolute,
    }


def _kumaraswamy(a: Parameters) -> Means:
    c, d = a["concentration1"], a["concentration0"]
    log_mean = -(float(special.digamma(d + 1) - special.digamma(1.0))) / c

    def power(k: float) -> float:
        return _finite(1 + k / c > 0, lambda: d * math.exp(special.betaln(1 + k / c, d)))

    def log1m(_: float) -> float:
        """−Σ E x^k/k: Nalisnick and Smyth 2017 (arXiv 1605.06197, eq. 12), summed to its end."""
        found = integers.total(
            lambda k: (d * np.exp(special.betaln(1 + k / c, d)) / k)[None], 1, math.inf, np.ones(1), budget=1 << 20
        )
        if float(found.error[0] + found.last[0]) > 1e-13 * float(found.value[0]):
            raise KeyError("the series does not settle")
        return -float(found.value[0])

    variance = float(special.polygamma(1, 1.0) - special.polygamma(1, d + 1)) / c**2
    return {
        "mean": lambda _: power(1.0),
        "square": lambda m, s=1.0: (power(2.0) - 2 * m * power(1.0) + m * m) / s / s,
        "log": lambda _: log_mean,
        "log_square": lambda m: variance + (log_mean - m) ** 2,
        "log1m": log1m,
        "power": power,
    }


def _log_normal(a: Parameters) -> Means:
    m, s = a["loc"], a["scale"]
    return {
        "log": lambda _: m,
        "log_square": lambda c: s * s + (m - c) ** 2,
        "power": lambda k: math.exp(k * m + 0.5 * (k * s) ** 2),
    }


def _pareto(a: Parameters) -> Means:
    s, k = a["scale"], a["alpha"]
    log_mean = math.log(s) + 1 / k
    return {
        "log": lambda _: log_mean,
        "log_square": lambda m: 1 / k**2 + (log_mean - m) ** 2,
        "power": lambda j: _finite(k > j, lambda: s**j * k / (k - j)),
    }


def _bernoulli(_: Parameters) -> Means:
    return {"log_factorial": lambda _: 0.0}


def _nothing_more(_: Parameters) -> Means:
    return {}


MEANS: dict[str, Callable[[Parameters], Means]] = {
    "normal": _normal,
    "laplace": _laplace,
    "logistic": _logistic,
    "uniform": _uniform,
    "continuous_bernoulli": _continuous_bernoulli,
    "beta": _beta,
    "kumaraswamy": _kumaraswamy,
    "log_normal": _log_normal,
    "pareto": _pareto,
    "bernoulli": _bernoulli,
    "student_t": _nothing_more,
    "von_mises": _nothing_more,
    "discrete_uniform": _nothing_more,
}
