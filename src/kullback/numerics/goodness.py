"""Whether draws may come from a family: Anderson-Darling on the line, Mardia's moments in space; p-values.

Stephens, in D'Agostino & Stephens, Goodness-of-fit techniques (1986), ch. 4: statistics, their changes for small n, and
critical values, between which the logarithm of the level is interpolated. Mardia, Biometrika 57 (1970).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kullback.numerics.lazy import special

Array = NDArray[Any]

LEVELS = np.array([0.25, 0.15, 0.10, 0.05, 0.025, 0.01])
KNOWN = np.array([1.248, 1.610, 1.933, 2.492, 3.070, 3.880])  # nothing estimated
SCALE = np.array([0.736, 0.916, 1.062, 1.321, 1.591, 1.959])  # an exponential's scale estimated


def normal(x: Array) -> float:
    """For a normal whose mean and variance come from the draws themselves."""
    n = len(x)
    z = np.sort((x - x.mean()) / x.std(ddof=1))
    a = _statistic(special.log_ndtr(z), special.log_ndtr(-z)) * (1 + 0.75 / n + 2.25 / n**2)
    if a >= 0.6:
        return math.exp(min(1.2937 - 5.709 * a + 0.0186 * a * a, 0.0)) if a < 13 else 0.0
    if a >= 0.34:
        return math.exp(0.9177 - 4.279 * a - 1.38 * a * a)
    if a >= 0.2:
        return 1 - math.exp(-8.318 + 42.796 * a - 59.938 * a * a)
    return 1 - math.exp(-13.436 + 101.14 * a - 223.73 * a * a)


def exponential(x: Array) -> float:
    """For an exponential from 0 whose scale comes from the draws."""
    z = np.sort(x / x.mean())
    with np.errstate(divide="ignore"):
        a = _statistic(np.log(-np.expm1(-z)), -z)
    return _level(a * (1 + 0.6 / len(x)), SCALE)


def uniform(x: Array) -> float:
    """For a uniform between the least and the greatest draw: given these, the others are free of them."""
    y = np.sort(x)
    z = (y[1:-1] - y[0]) / (y[-1] - y[0])
    with np.errstate(divide="ignore"):
        return _level(_statistic(np.log(z), np.log1p(-z)), KNOWN)


def multivariate_normal(x: Array) -> float:
    """For a normal in space: the least of the p-values of skewness, kurtosis and each column, times their number."""
    n, d = x.shape
    z = x - x.mean(axis=0)
    z = np.linalg.solve(np.linalg.cholesky(z.T @ z / n), z.T).T
    thirds = np.zeros((d * d, d))
    for start in range(0, n, 4096):
        part = z[start : start + 4096]
        thirds += (part[:, :, None] * part[:, None, :]).reshape(len(part), -1).T @ part
    skewness = float(np.square(thirds / n).sum())
    correction = (d + 1) * (n + 1) * (n + 3) / (n * ((n + 1) * (d + 1) - 6))
    levels = [float(special.chdtrc(d * (d + 1) * (d + 2) / 6, n * skewness / 6 * correction))]
    fourth = float(np.square((z * z).sum(axis=1)).mean())
    mean = d * (d + 2) * (n - 1) / (n + 1)
    spread = math.sqrt(8 * d * (d + 2) / n)
    levels.append(2 * float(special.ndtr(-abs(fourth - mean) / spread)))
    levels += [normal(x[:, i]) for i in range(d)]
    return min(1.0, min(levels) * len(levels))


def _statistic(log_below: Array, log_above: Array) -> float:
    """A² of sorted draws, from log F and log (1 − F)."""
    n = len(log_below)
    weight = 2 * np.arange(1, n + 1) - 1
    value = -n - float(weight @ (log_below + log_above[::-1])) / n
    return math.inf if math.isnan(value) else value


def _level(a: float, critical: Array) -> float:
    """The level of a statistic; beyond the table on the line through its last two entries."""
    if a <= critical[0]:
        return 0.25
    logs = np.log(LEVELS)
    if a >= critical[-1]:
        slope = (logs[-1] - logs[-2]) / (critical[-1] - critical[-2])
        return math.exp(max(logs[-1] + slope * (a - critical[-1]), -700.0)) if math.isfinite(a) else 0.0
    return math.exp(float(np.interp(a, critical, logs)))
