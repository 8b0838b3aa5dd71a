"""Divergences of two samples of one family, without the bias of plugged-in parameters; x, y of shape (n, d), (m, d).

What a plug-in would be off by is known: E log|S| of a sample covariance, E S⁻¹, E log of a mean of exponentials and of
a range are digammas and ratios of counts. Errors are by the delta method at the family's own parameters.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kullback.numerics import chi_square
from kullback.numerics.counts import Estimate
from kullback.numerics.lazy import special

Array = NDArray[Any]


def normals(x: Array, y: Array) -> Estimate:
    """½[log|Σq| − log|Σp| + tr(Σq⁻¹Σp) + δᵀΣq⁻¹δ − d], each part unbiased. Needs m > d + 2."""
    n, d = x.shape
    m = len(y)
    unit = y.std(axis=0)
    x, y = x / unit, y / unit
    cov_p, cov_q = covariance(x), covariance(y)
    inverse = np.linalg.inv(cov_q) * ((m - d - 2) / (m - 1))
    delta = y.mean(axis=0) - x.mean(axis=0)
    grown = inverse @ cov_p
    trace = float(np.trace(grown))
    distance = float(delta @ inverse @ delta) - d / m - trace / n
    value = 0.5 * (log_det(cov_q, m) - log_det(cov_p, n) + trace + distance - d)
    # the influence of a draw of P, and of Q, is a quadratic form of it
    of_p = grown - np.eye(d)
    of_q = np.eye(d) - inverse @ (cov_p + np.outer(delta, delta))
    push = inverse @ delta
    variance = (0.5 * np.trace(of_p @ of_p) + push @ cov_p @ push) / n
    variance += (0.5 * np.trace(of_q @ of_q) + float(delta @ push)) / m
    return _estimate(value, max(float(variance), 0.0), d * (d + 3) / 2, n, m)


def exponentials(x: Array, y: Array) -> Estimate:
    """log(μq/μp) + μp/μq − 1."""
    n, m = len(x), len(y)
    ratio = float(x.mean() / y.mean()) * (m - 1) / m
    value = log_mean(y) - log_mean(x) + ratio - 1
    return _estimate(value, (ratio - 1) ** 2 * (1 / n + 1 / m), 1.0, n, m)


def uniforms(x: Array, y: Array) -> Estimate:
    """log of the ratio of the ranges, if that of P lies within that of Q."""
    return Estimate(log_range(y) - log_range(x), math.sqrt(range_variance(len(x)) + range_variance(len(y))))


def _estimate(value: float, variance: float, parameters: float, n: int, m: int) -> Estimate:
    form = parameters, chi_square.scale(value, variance, parameters, 0.5 * (1 / n + 1 / m))
    return Estimate(value, math.sqrt(variance), form)


def covariance(x: Array) -> Array:
    return np.asarray(np.cov(x.T).reshape(x.shape[1], -1))


def log_det(sample_covariance: Array, n: float) -> float:
    """log|Σ| from a sample covariance of n draws (Wishart's)."""
    d = len(sample_covariance)
    lost = d * math.log(2 / (n - 1)) + float(special.digamma((n - 1 - np.arange(d)) / 2).sum())
    return float(np.linalg.slogdet(sample_covariance)[1]) - lost


def log_mean(x: Array) -> float:
    """log of the mean of exponentials."""
    return log_mean_of(float(x.mean()), len(x))


def log_mean_of(mean: float, n: float) -> float:
    return math.log(mean) - float(special.digamma(n)) + math.log(n)


def log_range(x: Array) -> float:
    """log of a uniform's length: the range over it is Beta(n − 1, 2)."""
    n = len(x)
    return math.log(float(np.ptp(x))) - float(special.digamma(n - 1) - special.digamma(n + 1))


def range_variance(n: int) -> float:
    return float(special.polygamma(1, n - 1) - special.polygamma(1, n + 1))


def ends(x: Array) -> tuple[float, float]:
    """A uniform's ends, unbiased."""
    step = float(np.ptp(x)) / (len(x) - 1)
    return float(x.min()) - step, float(x.max()) + step
