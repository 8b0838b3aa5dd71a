"""Densities on a bounded interval, and on the circle."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kullback._distribution import Density, Tail
from kullback._result import InputError
from kullback._support import Array, Interval
from kullback._vocabulary._carried import carried
from kullback._vocabulary._real import normal
from kullback._vocabulary._tails import EULER, EXPONENTIAL_TAIL, FLAT_END, HALF_LOG_2PI, NO_TAIL
from kullback._vocabulary._words import positive, scalar, univariate, word
from kullback.numerics import bessel
from kullback.numerics.lazy import special
from kullback.numerics.masses import log_beta

EPS = float(np.finfo(float).eps)


@word
def uniform(low: Any = 0.0, high: Any = 1.0) -> Density:
    a, b = scalar(low, "low"), scalar(high, "high")
    width = positive(b - a, "high - low")
    return univariate(
        "uniform",
        {"low": a, "high": b},
        Interval(a, b),
        lambda x: np.full(x.shape, -math.log(width)),
        quantile=lambda u: a + width * u,
        moments=(0.5 * (a + b), width * width / 12),
        entropy=math.log(width),
        tails=(FLAT_END, FLAT_END),
    )


@word
def beta(concentration1: Any, concentration0: Any) -> Density:
    a, b = positive(concentration1, "concentration1"), positive(concentration0, "concentration0")
    constant = log_beta(a, b)
    entropy = (
        constant - (a - 1) * special.digamma(a) - (b - 1) * special.digamma(b) + (a + b - 2) * special.digamma(a + b)
    )
    return univariate(
        "beta",
        {"concentration1": a, "concentration0": b},
        Interval(0.0, 1.0),
        lambda x: special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x) - constant,
        quantile=lambda u: special.betaincinv(a, b, u),
        moments=(a / (a + b), a * b / ((a + b) ** 2 * (a + b + 1))),
        entropy=float(entropy),
        tails=(Tail(power=a), Tail(power=b)),
        sample=lambda rng, n: rng.beta(a, b, n),
        from_high=lambda t: special.xlogy(b - 1, t) + special.xlog1py(a - 1, -t) - constant,
        # of the formula, and of x beside the density's own width
        noise=EPS * (a * math.log1p(b / a) + b * math.log1p(a / b) + math.sqrt(a * (a + b + 1) / b)),
        free=lambda: _logit_beta(a, b, constant),
    )


def _logit_beta(a: float, b: float, constant: float) -> Density:
    """The log odds of a beta variable: a difference of logarithms of gamma variables."""

    def quantile(u: Array) -> Array:
        with np.errstate(divide="ignore"):
            low, high = _log_betaincinv(a, b, u, constant), _log_betaincinv(b, a, 1 - u, constant)
            return np.where(low < high, low - np.log1p(-np.exp(low)), np.log1p(-np.exp(high)) - high)

    def log_gamma(rng: np.random.Generator, shape: float, n: int) -> Array:
        return np.log(rng.standard_gamma(shape + 1, n)) - rng.standard_exponential(n) / shape

    return univariate(
        "unbound beta",
        {},
        Interval(),
        lambda z: -a * np.logaddexp(0.0, -z) - b * np.logaddexp(0.0, z) - constant,
        quantile=quantile,
        moments=(
            float(special.digamma(a) - special.digamma(b)),
            float(special.polygamma(1, a) + special.polygamma(1, b)),
        ),
        tails=(EXPONENTIAL_TAIL, EXPONENTIAL_TAIL),
        sample=lambda rng, n: log_gamma(rng, a, n) - log_gamma(rng, b, n),
    )


def _log_betaincinv(a: float, b: float, u: Array, constant: float) -> Array:
    """log x at the level u, also where x leaves the doubles: there u = x^a/(a·B(a, b))."""
    x = special.betaincinv(a, b, u)
    far = (np.log(u) + math.log(a) + constant) / a
    return np.where(x > 1e-280, np.log(np.maximum(x, 1e-300)), far)


@word
def kumaraswamy(concentration1: Any, concentration0: Any) -> Density:
    """x^concentration1 is Beta(1, concentration0)."""
    a, b = positive(concentration1, "concentration1"), positive(concentration0, "concentration0")
    harmonic = float(special.digamma(b + 1)) + EULER
    return carried(
        beta(1.0, b),
        ("power", 1 / a),
        lambda z: z ** (1 / a),
        lambda x: x**a,
        lambda x: math.log(a) + special.xlogy(a - 1, x),
        Interval(0.0, 1.0),
        family="kumaraswamy",
        parameters={"concentration1": a, "concentration0": b},
        entropy=1 - 1 / b + (1 - 1 / a) * harmonic - math.log(a * b),
        tails=(Tail(power=a), Tail(power=b)),
        from_high=lambda t: (
            math.log(a * b)
            + special.xlog1py(a - 1, -t)
            + special.xlogy(b - 1, -np.expm1(a * np.log1p(-np.minimum(t, 1 - 1e-16))))
        ),
    )


@word
def continuous_bernoulli(probs: Any) -> Density:
    """∝ probs^x·(1 − probs)^(1−x) on (0, 1): an exponential in x, cut at 1."""
    p = scalar(probs, "probs")
    if not 0 < p < 1:
        raise InputError(f"probs must lie strictly between 0 and 1 for continuous_bernoulli, not {p:g}")
    h = float(special.logit(p))
    high = 1.0 if h > 0 else 0.0
    constant = bessel.log_scaled(0.5, 0.5 * h) - 0.5 * math.log(2 / math.pi)  # log((1 − e^−|h|)/|h|)

    def quantile(u: Array) -> Array:
        if abs(h) < 1e-5:
            return np.asarray(u + 0.5 * h * u * (1 - u))
        if h > 0:  # from the high end, where e^h would overflow
            return np.asarray(1 + np.log(u + (1 - u) * math.exp(-h)) / h)
        return np.asarray(np.log1p(u * math.expm1(h)) / h)

    short = 0.5 * bessel.short_of_one(0.5, 0.5 * abs(h))  # how far the mean is from the heavy end
    return univariate(
        "continuous_bernoulli",
        {"probs": p},
        Interval(0.0, 1.0),
        lambda x: h * (x - high) - constant,
        quantile=quantile,
        moments=(1 - short if h > 0 else short, 0.25 * bessel.curvature(0.5, 0.5 * h)),
        entropy=constant + abs(h) * short,
        tails=(FLAT_END, FLAT_END),
        from_high=lambda t: h * (1 - high - t) - constant,
    )


@word
def logit_normal(loc: Any = 0.0, scale: Any = 1.0) -> Density:
    """The logistic function of a normal variable."""
    m, s = scalar(loc, "loc"), positive(scale, "scale")
    constant = HALF_LOG_2PI + math.log(s)

    def from_high(t: Array) -> Array:
        return np.asarray(-0.5 * ((np.log1p(-t) - np.log(t) - m) / s) ** 2 - constant - np.log(t) - np.log1p(-t))

    return carried(
        normal(m, s),
        ("logistic",),
        special.expit,
        special.logit,
        lambda x: -np.log(x) - np.log1p(-x),
        Interval(0.0, 1.0),
        family="logit_normal",
        parameters={"loc": m, "scale": s},
        tails=(NO_TAIL, NO_TAIL),
        from_high=from_high,
    )


@word
def von_mises(loc: Any, concentration: Any) -> Density:
    """On the circle, cut at ±π."""
    m, k = scalar(loc, "loc"), scalar(concentration, "concentration")
    if k < 0:
        raise InputError(f"concentration must not be negative, not {k:g}")
    m = math.remainder(m, 2 * math.pi)
    constant = math.log(2 * math.pi) + bessel.log_scaled(0.0, k)
    width = 1 / math.sqrt(k) if k > 1 else 1.0
    breaks = [math.remainder(m + t * width, 2 * math.pi) for t in (-30.0, -8.0, -3.0, -1.0, 0.0, 1.0, 3.0, 8.0, 30.0)]
    return univariate(
        "von_mises",
        {"loc": m, "concentration": k},
        Interval(-math.pi, math.pi),
        lambda x: -2 * k * np.sin(0.5 * (x - m)) ** 2 - constant,
        breaks=tuple(sorted(breaks)),
        tails=(FLAT_END, FLAT_END),
        sample=lambda rng, n: rng.vonmises(m, k, n),
    )
