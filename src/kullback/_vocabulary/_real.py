"""Densities on the whole line."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kullback._distribution import Density, PowerGamma, Tail
from kullback._support import Array, Interval
from kullback._vocabulary._power_gamma import log_power_gamma
from kullback._vocabulary._tails import EXPONENTIAL_TAIL, HALF_LOG_2PI, NORMAL_TAIL
from kullback._vocabulary._words import positive, scalar, univariate, word
from kullback.numerics.lazy import special
from kullback.numerics.masses import digamma_step, log_gamma_step


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
    entropy = half * digamma_step(v / 2, 0.5) - constant
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
        moments=(m, math.pi * s * (math.pi * s) / 3),
        entropy=math.log(s) + 2,
        tails=(EXPONENTIAL_TAIL, EXPONENTIAL_TAIL),
    )


@word
def gumbel(loc: Any = 0.0, scale: Any = 1.0) -> Density:
    """exp(−(x − loc)/scale) is exponential."""
    m, s = scalar(loc, "loc"), positive(scale, "scale")
    return log_power_gamma(
        "gumbel", {"loc": m, "scale": s}, PowerGamma(1.0, -1 / s, ((1.0, m, False),), logged=True, width=-s)
    )


@word
def exp_gamma(concentration: Any, rate: Any = 1.0) -> Density:
    """The logarithm of a gamma variable."""
    a, r = positive(concentration, "concentration"), positive(rate, "rate")
    return log_power_gamma(
        "exp_gamma", {"concentration": a, "rate": r}, PowerGamma(a, 1.0, ((-1.0, r, True),), logged=True)
    )


@word
def exp_inverse_gamma(concentration: Any, scale: Any = 1.0) -> Density:
    """The logarithm of an inverse gamma variable."""
    a, s = positive(concentration, "concentration"), positive(scale, "scale")
    return log_power_gamma(
        "exp_inverse_gamma", {"concentration": a, "scale": s}, PowerGamma(a, -1.0, ((1.0, s, True),), logged=True)
    )


@word
def log_gamma(concentration: Any, loc: Any = 0.0, scale: Any = 1.0) -> Density:
    """loc + scale·log of a standard gamma variable; concentration 1 is the Gumbel of minima."""
    a, m, s = positive(concentration, "concentration"), scalar(loc, "loc"), positive(scale, "scale")
    return log_power_gamma(
        "log_gamma",
        {"concentration": a, "loc": m, "scale": s},
        PowerGamma(a, 1 / s, ((1.0, m, False),), logged=True, width=s),
    )


@word
def moyal(loc: Any = 0.0, scale: Any = 1.0) -> Density:
    """exp(−(x − loc)/scale) is χ² with one degree of freedom."""
    m, s = scalar(loc, "loc"), positive(scale, "scale")
    return log_power_gamma(
        "moyal",
        {"loc": m, "scale": s},
        PowerGamma(0.5, -1 / s, ((1.0, m, False), (-math.log(2), s, False)), logged=True, width=-s),
    )
