"""Powers of gamma variables and their logarithms: one formula for the gamma, Weibull, chi, Lévy, Gumbel … families.

(X/scale)^power is a standard gamma variable of shape a. A negative power gives the inverses (inverse gamma,
Fréchet, Lévy). On the log scale exp(power·(X − loc)) is one.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from kullback._distribution import Density, PowerGamma, Tail
from kullback._support import Array, Interval
from kullback._vocabulary._tails import DOUBLE_EXPONENTIAL_TAIL, EXPONENTIAL_TAIL, HALF_LOG_2PI
from kullback._vocabulary._words import held, univariate
from kullback.numerics.lazy import special
from kullback.numerics.masses import deviance_of, log_gamma_step, stirling

EPS = float(np.finfo(float).eps)
FAINT = 1e-250  # below it the ratio of a shape to it may overflow


def power_gamma(
    family: str, parameters: dict[str, Any], a: float, power: float, *factors: tuple[float, float]
) -> Density:
    """The density on the positive half-line; the scale is the product of value^exponent over the factors."""
    facts = PowerGamma(a, power, tuple((exponent, value, True) for value, exponent in factors))
    scale = math.prod(value**exponent for value, exponent in factors)
    constant = math.log(abs(power) / scale)
    log_gamma = float(special.gammaln(a))

    def log_prob(x: Array) -> Array:
        ratio = x / scale
        with np.errstate(over="ignore", divide="ignore", invalid="ignore", under="ignore"):
            y = ratio if power == 1 else 1 / ratio if power == -1 else ratio**power
            lost = (np.isinf(ratio) & np.isfinite(x)) | ((ratio == 0) & (x > 0))  # not so its logarithm and its power
            if a < 16 and not lost.any():
                value = constant - log_gamma + special.xlogy(a * power - 1, ratio) - y
            else:  # by deviances, as a·log a − log Γ(a) would cost digits
                log_ratio = np.where(lost, np.log(x) - math.log(scale), np.log(ratio))
                y = np.where(lost, np.exp(power * log_ratio), y)
                far = -log_gamma + a * power * log_ratio - y
                value = constant + np.where((y > FAINT) & (a >= 16), log_shape(y, a), far) - log_ratio
        return np.where(np.isinf(y), -np.inf, value)

    def quantile(u: Array) -> Array:
        inverse = special.gammaincinv if power > 0 else special.gammainccinv
        with np.errstate(over="ignore", divide="ignore"):
            return np.asarray(scale * inverse(a, u) ** (1 / power))

    size = abs(power)
    ends = (Tail(power=a * size), Tail(exponent=size))
    mean, variance = facts.moment(1.0), facts.moment(2.0)
    if power == 1:
        mean, variance = a * scale, a * scale * scale
    elif math.isfinite(variance):
        relative = log_gamma_step(a, 2 / power) - 2 * log_gamma_step(a, 1 / power)
        variance = held(lambda: mean * mean * math.expm1(relative))
    return univariate(
        family,
        parameters,
        Interval(0.0),
        log_prob,
        quantile=quantile,
        moments=(mean, variance),
        entropy=facts.log_entropy + facts.log_mean,
        tails=ends if power > 0 else ends[::-1],
        noise=EPS * (1 + size) * math.sqrt(1 + a),
        sample=lambda rng, n: scale * rng.standard_gamma(a, n) ** (1 / power),
        power_gamma=facts,
        free=lambda: log_power_gamma(f"unbound {family}", {}, replace(facts, logged=True)),
    )


def log_power_gamma(family: str, parameters: dict[str, Any], facts: PowerGamma) -> Density:
    """The density of its logarithm, on the whole line."""
    a, power, loc = facts.a, facts.power, facts.loc
    constant = math.log(abs(power))
    log_gamma = float(special.gammaln(a))

    def log_prob(x: Array) -> Array:
        w = power * (x - loc)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore", under="ignore"):
            y = np.exp(w)
            if a < 16:
                return np.asarray(constant - log_gamma + a * w - y)
            return np.asarray(constant + np.where(y > FAINT, log_shape(y, a), a * w - y - log_gamma))

    def quantile(u: Array) -> Array:
        level = u if power > 0 else 1 - u
        with np.errstate(divide="ignore"):
            inside = special.gammaincinv(a, u) if power > 0 else special.gammainccinv(a, u)
            small = (np.log(level) + special.gammaln(a + 1)) / a  # P(Y < y) ≈ y^a/Γ(a+1)
            log_y = np.where(inside > 1e-280, np.log(np.maximum(inside, 1e-300)), small)
        return np.asarray(loc + log_y / power)

    sides = (EXPONENTIAL_TAIL, DOUBLE_EXPONENTIAL_TAIL)
    return univariate(
        family,
        parameters,
        Interval(),
        log_prob,
        quantile=quantile,
        moments=(facts.log_mean, facts.log_variance),
        entropy=facts.log_entropy,
        tails=sides if power > 0 else sides[::-1],
        power_gamma=facts,
        noise=EPS * (1 + abs(math.log(a))) * math.sqrt(1 + a),
    )


def log_shape(y: Array, a: float) -> Array:
    """a·log y − y − log Γ(a) for a from 16 up, to a few units in the last place of its deviance."""
    return np.asarray(0.5 * math.log(a) - HALF_LOG_2PI - stirling(a) - deviance_of(np.full_like(y, a), y))
