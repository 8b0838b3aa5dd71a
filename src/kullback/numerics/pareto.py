"""The shape k̂ of the tail of importance weights, and what it means.

A generalised Pareto is fitted to the largest weights (Zhang and Stephens 2009), as Vehtari, Simpson, Gelman, Yao and
Gabry (Pareto smoothed importance sampling, JMLR 25, 2024) do: means of order 1/k exist.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # of floats


def tail_length(n: int) -> int:
    return min(n // 5, math.ceil(3 * math.sqrt(n)))


def pareto_k(log_weights: Array) -> float:
    """k̂ of weights given by their logarithms; −∞ where they do not vary, NaN for fewer than 25 of them."""
    log_w = np.asarray(log_weights, dtype=np.float64)
    log_w = log_w[log_w > -np.inf]
    n = len(log_w)
    if n < 25:
        return math.nan
    if np.ptp(log_w) < 1e-8:
        return -math.inf
    top = np.sort(log_w)[-tail_length(n) - 1 :]
    cut = math.exp(max(float(top[0] - top[-1]), -700.0))
    x = np.exp(top[1:] - top[-1]) - cut
    x = x[x > 0]
    if len(x) < 5:
        return -math.inf
    return _shape(x)


def _shape(x: Array) -> float:
    """The profile posterior mean of Zhang and Stephens, drawn to ½ by ten prior observations."""
    n = len(x)
    count = 30 + int(math.sqrt(n))
    quartile = x[int(n / 4 + 0.5) - 1]
    b = 1 / x[-1] + (1 - np.sqrt(count / (np.arange(1, count + 1) - 0.5))) / (3 * quartile)
    shapes = np.log1p(-b[:, None] * x).mean(axis=1)
    profile = n * (np.log(-b / shapes) - shapes - 1)
    weights = 1 / np.exp(np.minimum(profile - profile[:, None], 700.0)).sum(axis=1)
    mean_b = float(b @ weights / weights.sum())
    k = float(np.log1p(-mean_b * x).mean())
    return (n * k + 10 * 0.5) / (n + 10)


def threshold(n: int) -> float:
    """The k̂ above which n weights cannot be relied on."""
    return min(1 - 1 / math.log10(max(n, 11)), 0.7)


def meaning(k: float, n: int) -> str:
    """What k̂ says of averages over Q weighted by p/q, in words."""
    if math.isnan(k):
        return "too few weights to tell"
    if k > 1:
        return "weights p/q have no finite mean that draws could show: Q's tails are far too light for P"
    if k > threshold(n):
        return "weights p/q are too uneven to rely on: Q is too narrow somewhere, or misses a part of P"
    if k > 0.5:
        return "weights p/q have no finite variance, but averages over Q can be corrected by them"
    return "weights p/q have finite variance: averages over Q can be corrected by them"
