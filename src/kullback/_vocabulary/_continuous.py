"""Densities on the line, each in a dozen lines: log density, quantile, moments, entropy, tails."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kullback._distribution import Density, Tail
from kullback._support import Array, Interval
from kullback._vocabulary._words import positive, scalar, univariate, word
from kullback.numerics.lazy import special
from kullback.numerics.masses import deviance_of, log_beta, log_gamma_step, stirling

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
EULER = 0.5772156649015329
NORMAL_TAIL = Tail(exponent=2.0)
EXPONENTIAL_TAIL = Tail(exponent=1.0)
NO_TAIL = Tail()  # a bounded side of which nothing is said
LOG_NORMAL_TAIL = Tail()  # lighter than any power, heavier than any exponential


def _shifted(loc: float, scale: float, standard: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """The quantile function of loc + scale·z from that of z."""
    return lambda u: loc + scale * standard(u)


@word
def normal(loc: Any = 0.0, scale: Any = 1.0) -> Density:
    m, s = scalar(loc, "loc"), positive(scale, "scale")
    constant = HALF_LOG_2PI + math.log(s)
    return univariate(
        "normal",
        {"loc": m, "scale": s},
        Interval(),
        lambda x: -0.5 * ((x - m) / s) ** 2 - constant,
        quantile=_shifted(m, s, special.ndtri),
        moments=(m, s * s),
        entropy=constant + 0.5,
        tails=(NORMAL_TAIL, NORMAL_TAIL),
        sample=lambda rng, n: rng.normal(m, s, n),
    )


@word
def laplace(loc: Any = 0.0, scale: Any = 1.0) -> Density:
    m, s = scalar(loc, "loc"), positive(scale, "scale")
    return univariate(
        "laplace",
        {"loc": m, "scale": s},
        Interval(),
        lambda x: -np.abs((x - m) / s) - math.log(2 * s),
        quantile=lambda u: m + s * np.where(u < 0.5, np.log(2 * u), -np.log(2 * (1 - u))),
        moments=(m, 2 * s * s),
        entropy=1 + math.log(2 * s),
        tails=(EXPONENTIAL_TAIL, EXPONENTIAL_TAIL),
        breaks=(m,),
        sample=lambda rng, n: rng.laplace(m, s, n),
    )


@word
def student_t(df: Any, loc: Any = 0.0, scale: Any = 1.0) -> Density:
    v, m, s = positive(df, "df"), scalar(loc, "loc"), positive(scale, "scale")
    constant = log_t_constant(v, 1) - math.log(s)
    half = 0.5 * (v + 1)
    entropy = half * (special.digamma(half) - special.digamma(v / 2)) - constant
    variance = s * s * v / (v - 2) if v > 2 else (math.inf if v > 1 else math.nan)
    return univariate(
        "student_t",
        {"df": v, "loc": m, "scale": s},
        Interval(),
        lambda x: constant - half * log1p_square((x - m) / s, v),
        quantile=_shifted(m, s, lambda u: special.stdtrit(v, u)),
        moments=(m if v > 1 else math.nan, variance),
        entropy=float(entropy),
        tails=(Tail(power=v), Tail(power=v)),
        sample=lambda rng, n: m + s * rng.standard_t(v, n),
    )


def log_t_constant(v: float, dim: int) -> float:
    """The log density of a standard t with v degrees of freedom at its centre."""
    if v > 1e15:
        return -dim * HALF_LOG_2PI
    return log_gamma_step(0.5 * v, 0.5 * dim) - 0.5 * dim * math.log(v * math.pi)


def log1p_square(z: Array, v: float) -> Array:
    """log(1 + z²/v), also where z² overflows."""
    size = np.abs(z)
    with np.errstate(over="ignore", divide="ignore"):
        return np.where(size < 1e100, np.log1p(z * z / v), 2 * np.log(size) - math.log(v))


@word
def cauchy(loc: Any = 0.0, scale: Any = 1.0) -> Density:
    m, s = scalar(loc, "loc"), positive(scale, "scale")
    return univariate(
        "cauchy",
        {"loc": m, "scale": s},
        Interval(),
        lambda x: -math.log(math.pi * s) - log1p_square((x - m) / s, 1.0),
        quantile=lambda u: m + s * np.tan(np.pi * (u - 0.5)),
        moments=(math.nan, math.nan),
        entropy=math.log(4 * math.pi * s),
        tails=(Tail(power=1.0), Tail(power=1.0)),
        sample=lambda rng, n: m + s * rng.standard_cauchy(n),
    )


@word
def logistic(loc: Any = 0.0, scale: Any = 1.0) -> Density:
    m, s = scalar(loc, "loc"), positive(scale, "scale")

    def log_prob(x: Array) -> Array:
        z = np.abs((x - m) / s)
        return -z - 2 * np.log1p(np.exp(-z)) - math.log(s)

    return univariate(
        "logistic",
        {"loc": m, "scale": s},
        Interval(),
        log_prob,
        quantile=_shifted(m, s, special.logit),
        moments=(m, (math.pi * s) ** 2 / 3),
        entropy=math.log(s) + 2,
        tails=(EXPONENTIAL_TAIL, EXPONENTIAL_TAIL),
    )


@word
def gumbel(loc: Any = 0.0, scale: Any = 1.0) -> Density:
    m, s = scalar(loc, "loc"), positive(scale, "scale")

    def log_prob(x: Array) -> Array:
        z = (x - m) / s
        return -z - np.exp(-z) - math.log(s)

    return univariate(
        "gumbel",
        {"loc": m, "scale": s},
        Interval(),
        log_prob,
        quantile=lambda u: m - s * np.log(-np.log(u)),
        moments=(m + EULER * s, (math.pi * s) ** 2 / 6),
        entropy=math.log(s) + EULER + 1,
        tails=(Tail(exponent=math.inf), EXPONENTIAL_TAIL),
    )


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
        tails=(NO_TAIL, NO_TAIL),
    )


@word
def exponential(rate: Any = 1.0) -> Density:
    r = positive(rate, "rate")
    return univariate(
        "exponential",
        {"rate": r},
        Interval(0.0),
        lambda x: math.log(r) - r * x,
        quantile=lambda u: -np.log1p(-u) / r,
        moments=(1 / r, 1 / r**2),
        entropy=1 - math.log(r),
        tails=(NO_TAIL, EXPONENTIAL_TAIL),
    )


@word
def gamma(concentration: Any, rate: Any = 1.0) -> Density:
    a, r = positive(concentration, "concentration"), positive(rate, "rate")
    entropy = a - math.log(r) + special.gammaln(a) + (1 - a) * special.digamma(a)
    return univariate(
        "gamma",
        {"concentration": a, "rate": r},
        Interval(0.0),
        lambda x: gamma_log_prob(x, a, r),
        quantile=lambda u: special.gammaincinv(a, u) / r,
        moments=(a / r, a / r**2),
        entropy=float(entropy),
        tails=(NO_TAIL, EXPONENTIAL_TAIL),
        sample=lambda rng, n: rng.gamma(a, 1 / r, n),
    )


def gamma_log_prob(x: Array, a: float, r: float) -> Array:
    """log of the gamma density; above a = 16 by deviances, as a·log r − log Γ(a) would cost digits."""
    if a < 16:
        return np.asarray(a * math.log(r) - special.gammaln(a) + special.xlogy(a - 1, x) - r * x)
    inner = deviance_of(np.full_like(x, a), r * x)
    return np.asarray(0.5 * math.log(a) - HALF_LOG_2PI - stirling(a) - inner - np.log(x))


@word
def chi2(df: Any) -> Density:
    return gamma(positive(df, "df") / 2, 0.5)


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
        tails=(NO_TAIL, NO_TAIL),
        sample=lambda rng, n: rng.beta(a, b, n),
        from_high=lambda t: special.xlogy(b - 1, t) + special.xlog1py(a - 1, -t) - constant,
    )


@word
def half_normal(scale: Any = 1.0) -> Density:
    s = positive(scale, "scale")
    constant = HALF_LOG_2PI + math.log(s) - math.log(2)
    return univariate(
        "half_normal",
        {"scale": s},
        Interval(0.0),
        lambda x: -0.5 * (x / s) ** 2 - constant,
        quantile=lambda u: s * special.ndtri(0.5 + 0.5 * u),
        moments=(s * math.sqrt(2 / math.pi), s * s * (1 - 2 / math.pi)),
        entropy=constant + 0.5,
        tails=(NO_TAIL, NORMAL_TAIL),
    )


@word
def half_cauchy(scale: Any = 1.0) -> Density:
    s = positive(scale, "scale")
    return univariate(
        "half_cauchy",
        {"scale": s},
        Interval(0.0),
        lambda x: math.log(2 / (math.pi * s)) - log1p_square(x / s, 1.0),
        quantile=lambda u: s * np.tan(0.5 * np.pi * u),
        moments=(math.inf, math.inf),
        entropy=math.log(2 * math.pi * s),
        tails=(NO_TAIL, Tail(power=1.0)),
    )


@word
def log_normal(loc: Any = 0.0, scale: Any = 1.0) -> Density:
    m, s = scalar(loc, "loc"), positive(scale, "scale")
    constant = HALF_LOG_2PI + math.log(s)

    def log_prob(x: Array) -> Array:
        log_x = np.log(x)
        with np.errstate(invalid="ignore"):
            value = -0.5 * ((log_x - m) / s) ** 2 - log_x - constant
        return np.where(x > 0, value, -np.inf)

    return univariate(
        "log_normal",
        {"loc": m, "scale": s},
        Interval(0.0),
        log_prob,
        quantile=lambda u: np.exp(m + s * special.ndtri(u)),
        moments=(
            math.exp(m + s * s / 2),
            math.expm1(s * s) * math.exp(2 * m + s * s) if s < 18 else math.inf,
        ),
        entropy=constant + 0.5 + m,
        tails=(NO_TAIL, LOG_NORMAL_TAIL),
    )


@word
def weibull(scale: Any, concentration: Any) -> Density:
    s, k = positive(scale, "scale"), positive(concentration, "concentration")
    mean = s * math.gamma(1 + 1 / k)
    return univariate(
        "weibull",
        {"scale": s, "concentration": k},
        Interval(0.0),
        lambda x: math.log(k / s) + special.xlogy(k - 1, x / s) - (x / s) ** k,
        quantile=lambda u: s * (-np.log1p(-u)) ** (1 / k),
        moments=(mean, s * s * math.gamma(1 + 2 / k) - mean**2),
        entropy=EULER * (1 - 1 / k) + math.log(s / k) + 1,
        tails=(NO_TAIL, Tail(exponent=k)),
    )


@word
def pareto(scale: Any, alpha: Any) -> Density:
    s, a = positive(scale, "scale"), positive(alpha, "alpha")
    mean = a * s / (a - 1) if a > 1 else math.inf
    variance = s * s * a / ((a - 1) ** 2 * (a - 2)) if a > 2 else math.inf
    return univariate(
        "pareto",
        {"scale": s, "alpha": a},
        Interval(s),
        lambda x: math.log(a / s) - (a + 1) * np.log(x / s),
        quantile=lambda u: s * (1 - u) ** (-1 / a),
        moments=(mean, variance),
        entropy=math.log(s / a) + 1 / a + 1,
        tails=(NO_TAIL, Tail(power=a)),
    )


@word
def inverse_gamma(concentration: Any, rate: Any = 1.0) -> Density:
    a, r = positive(concentration, "concentration"), positive(rate, "rate")
    mean = r / (a - 1) if a > 1 else math.inf
    variance = r * r / ((a - 1) ** 2 * (a - 2)) if a > 2 else math.inf

    def log_prob(x: Array) -> Array:
        with np.errstate(invalid="ignore"):
            value = gamma_log_prob(1 / x, a, r) - 2 * np.log(x)  # a gamma in 1/x
        return np.where(x > 0, value, -np.inf)

    return univariate(
        "inverse_gamma",
        {"concentration": a, "rate": r},
        Interval(0.0),
        log_prob,
        quantile=lambda u: r / special.gammainccinv(a, u),
        moments=(mean, variance),
        entropy=float(a + math.log(r) + special.gammaln(a) - (1 + a) * special.digamma(a)),
        tails=(NO_TAIL, Tail(power=a)),
    )
