"""Densities on the positive half-line, or on a part of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kullback._distribution import Density, Tail
from kullback._support import Array, Interval
from kullback._vocabulary._carried import carried, shifted
from kullback._vocabulary._power_gamma import power_gamma
from kullback._vocabulary._real import log1p_square, logistic, normal
from kullback._vocabulary._tails import (
    DOUBLE_EXPONENTIAL_TAIL,
    EXPONENTIAL_TAIL,
    FLAT_END,
    HALF_LOG_2PI,
    LOG_NORMAL_TAIL,
    NO_TAIL,
)
from kullback._vocabulary._words import held, positive, scalar, univariate, word
from kullback.numerics.lazy import special

EPS = float(np.finfo(float).eps)


@word
def exponential(rate: Any = 1.0) -> Density:
    r = positive(rate, "rate")
    return power_gamma("exponential", {"rate": r}, 1.0, 1.0, (r, -1.0))


@word
def gamma(concentration: Any, rate: Any = 1.0) -> Density:
    a, r = positive(concentration, "concentration"), positive(rate, "rate")
    return power_gamma("gamma", {"concentration": a, "rate": r}, a, 1.0, (r, -1.0))


@word
def chi2(df: Any) -> Density:
    return gamma(positive(df, "df") / 2, 0.5)


@word
def chi(df: Any) -> Density:
    v = positive(df, "df")
    return power_gamma("chi", {"df": v}, v / 2, 2.0, (2.0, 0.5))


@word
def maxwell(scale: Any = 1.0) -> Density:
    s = positive(scale, "scale")
    return power_gamma("maxwell", {"scale": s}, 1.5, 2.0, (s, 1.0), (2.0, 0.5))


@word
def rayleigh(scale: Any = 1.0) -> Density:
    s = positive(scale, "scale")
    return power_gamma("rayleigh", {"scale": s}, 1.0, 2.0, (s, 1.0), (2.0, 0.5))


@word
def nakagami(shape: Any, spread: Any = 1.0) -> Density:
    """`spread` is E x²."""
    m, w = positive(shape, "shape"), positive(spread, "spread")
    return power_gamma("nakagami", {"shape": m, "spread": w}, m, 2.0, (w, 0.5), (m, -0.5))


@word
def generalized_gamma(concentration: Any, power: Any, scale: Any = 1.0) -> Density:
    """(x/scale)^power is a standard gamma variable; a negative power gives the inverses."""
    a, p, s = positive(concentration, "concentration"), scalar(power, "power"), positive(scale, "scale")
    positive(abs(p), "|power|")
    return power_gamma("generalized_gamma", {"concentration": a, "power": p, "scale": s}, a, p, (s, 1.0))


@word
def half_normal(scale: Any = 1.0) -> Density:
    s = positive(scale, "scale")
    return power_gamma("half_normal", {"scale": s}, 0.5, 2.0, (s, 1.0), (2.0, 0.5))


@word
def weibull(scale: Any, concentration: Any) -> Density:
    s, k = positive(scale, "scale"), positive(concentration, "concentration")
    return power_gamma("weibull", {"scale": s, "concentration": k}, 1.0, k, (s, 1.0))


@word
def frechet(scale: Any, concentration: Any) -> Density:
    """The inverse of a Weibull variable."""
    s, k = positive(scale, "scale"), positive(concentration, "concentration")
    return power_gamma("frechet", {"scale": s, "concentration": k}, 1.0, -k, (s, 1.0))


@word
def inverse_gamma(concentration: Any, rate: Any = 1.0) -> Density:
    a, r = positive(concentration, "concentration"), positive(rate, "rate")
    return power_gamma("inverse_gamma", {"concentration": a, "rate": r}, a, -1.0, (r, 1.0))


@word
def levy(loc: Any = 0.0, scale: Any = 1.0) -> Density:
    m, s = scalar(loc, "loc"), positive(scale, "scale")
    standard = power_gamma("levy", {"loc": 0.0, "scale": s}, 0.5, -1.0, (s, 1.0), (2.0, -1.0))
    return standard if m == 0 else shifted(standard, m)


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
        tails=(FLAT_END, Tail(power=1.0)),
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
            held(lambda: math.exp(m + s * s / 2)),
            held(lambda: math.expm1(s * s) * math.exp(2 * m + s * s)),
        ),
        entropy=constant + 0.5 + m,
        tails=(NO_TAIL, LOG_NORMAL_TAIL),
        base=(("exp",), normal(m, s)),
        noise=EPS * abs(m) / s,
    )


@word
def log_logistic(loc: Any = 0.0, scale: Any = 1.0) -> Density:
    """exp of a logistic variable."""
    m, s = scalar(loc, "loc"), positive(scale, "scale")
    tail = Tail(power=1 / s)
    return _exponential_of(logistic(m, s), "log_logistic", {"loc": m, "scale": s}, (tail, tail))


@word
def log_uniform(low: Any, high: Any) -> Density:
    """exp of a uniform variable."""
    from kullback._vocabulary._bounded import uniform

    a, b = positive(low, "low"), positive(high, "high")
    inner = uniform(math.log(a), math.log(b))
    return _exponential_of(inner, "log_uniform", {"low": a, "high": b}, (FLAT_END, FLAT_END), Interval(a, b))


def _exponential_of(
    base: Density, family: str, parameters: dict[str, Any], tails: tuple[Tail, Tail], support: Interval | None = None
) -> Density:
    entropy, moments = base.facts.entropy, base.facts.moments
    assert entropy is not None
    assert moments is not None
    return carried(
        base,
        ("exp",),
        np.exp,
        np.log,
        lambda x: -np.log(x),
        support or Interval(0.0),
        family=family,
        parameters=parameters,
        entropy=entropy + moments[0],
        tails=tails,
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
        tails=(FLAT_END, Tail(power=a)),
        noise=EPS * a,
    )


@word
def inverse_gaussian(loc: Any, concentration: Any) -> Density:
    """`loc` is the mean."""
    m, k = positive(loc, "loc"), positive(concentration, "concentration")
    constant = 0.5 * math.log(k) - HALF_LOG_2PI

    def log_prob(x: Array) -> Array:
        with np.errstate(invalid="ignore", over="ignore"):
            value = constant - 1.5 * np.log(x) - 0.5 * k * ((x - m) / m) * ((x - m) / m) / x
        return np.where(x > 0, value, -np.inf)

    return univariate(
        "inverse_gaussian",
        {"loc": m, "concentration": k},
        Interval(0.0),
        log_prob,
        moments=(m, held(lambda: m * m * (m / k))),
        tails=(Tail(exponent=1.0), EXPONENTIAL_TAIL),
        sample=lambda rng, n: rng.wald(m, k, n),
    )


@word
def lindley(rate: Any) -> Density:
    """rate²/(1 + rate)·(1 + x)·exp(−rate·x)."""
    r = positive(rate, "rate")
    constant = 2 * math.log(r) - math.log1p(r)

    def sample(rng: np.random.Generator, n: int) -> Array:
        return rng.gamma(np.where(rng.random(n) < r / (1 + r), 1.0, 2.0)) / r

    return univariate(
        "lindley",
        {"rate": r},
        Interval(0.0),
        lambda x: constant + np.log1p(x) - r * x,
        moments=((r + 2) / (r * (r + 1)), 2 / r**2 - 1 / (r + 1) ** 2),
        tails=(FLAT_END, EXPONENTIAL_TAIL),
        sample=sample,
    )


@word
def gompertz(concentration: Any, rate: Any = 1.0) -> Density:
    """concentration·rate·exp(rate·x − concentration·(exp(rate·x) − 1))."""
    a, r = positive(concentration, "concentration"), positive(rate, "rate")
    constant = math.log(a) + math.log(r)

    def log_prob(x: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.asarray(constant + r * x - a * np.expm1(r * x))

    return univariate(
        "gompertz",
        {"concentration": a, "rate": r},
        Interval(0.0),
        log_prob,
        quantile=lambda u: np.log1p(-np.log1p(-u) / a) / r,
        tails=(FLAT_END, DOUBLE_EXPONENTIAL_TAIL),
    )
