"""Binomial and Poisson log masses to full precision, by deviances (Loader 2000).

A difference of log gammas of size k·log k would lose the digits that this form keeps.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kullback.numerics.lazy import special
from kullback.numerics.terms import excess

Array = NDArray[Any]  # of floats

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
# log n! − ((n + ½)·log n − n + ½·log 2π) for n = 1 … 15; the first entry is not used
_SMALL = np.array(
    [
        0.0,
        0.08106146679532726,
        0.0413406959554093,
        0.02767792568499834,
        0.020790672103765093,
        0.016644691189821193,
        0.013876128823070748,
        0.01189670994589177,
        0.010411265261972096,
        0.009255462182712733,
        0.00833056343336287,
        0.007573675487951841,
        0.00694284010720953,
        0.006408994188004207,
        0.0059513701127588475,
        0.005554733551962801,
    ]
)


def stirling_error(n: Array) -> Array:
    """The error of Stirling's formula for log n!, whole n ≥ 1."""
    m = np.maximum(n, 1.0)
    return np.where(m < 16, _SMALL[np.minimum(m, 15).astype(int)], stirling(m))


def stirling(x: Any) -> Any:
    """Stirling's series of log Γ(x) − ((x − ½)·log x − x + ½·log 2π), for x from 16 up."""
    z = (1 / x) * (1 / x)
    return (1 / 12 - z * (1 / 360 - z * (1 / 1260 - z * (1 / 1680 - z / 1188)))) / x


def log_gamma_step(x: float, step: float) -> float:
    """log Γ(x + step) − log Γ(x), without what the two share when both are large."""
    if min(x, x + step) < 16:
        return float(special.gammaln(x + step) - special.gammaln(x))
    shared = (x + step - 0.5) * math.log1p(step / x) + step * math.log(x) - step
    return float(stirling(x + step) - stirling(x) + shared)


def log_gamma_steps(x: Array, step: float) -> Array:
    """log Γ(x + step) − log Γ(x) for an array of x."""
    big = np.maximum(x, 16.0 + max(-step, 0.0))
    shared = (big + step - 0.5) * np.log1p(step / big) + step * np.log(big) - step
    far = stirling(big + step) - stirling(big) + shared
    near = np.minimum(x, 16.0 + max(-step, 0.0))
    return np.where(x < big, special.gammaln(near + step) - special.gammaln(near), far)


def log_beta(a: float, b: float) -> float:
    """log of the beta function, to a few units in the last place also where both are large."""
    small, large = min(a, b), max(a, b)
    if small < 16:
        return float(special.gammaln(small)) - log_gamma_step(large, small)
    whole = a + b
    powers = (small - 0.5) * math.log(small / whole) + (large - 0.5) * math.log1p(-small / whole)
    powers -= 0.5 * math.log(whole)
    return float(stirling(a) + stirling(b) - stirling(whole)) + _HALF_LOG_2PI + powers


def deviance_of(x: Array, mean: Array | float) -> Array:
    """x·log(x/mean) + mean − x for x > 0."""
    e = (mean - x) / x
    near = np.abs(e) < 0.5
    return np.where(near, x * excess(np.where(near, e, 0.0)), x * np.log(x / mean) + (mean - x))


def poisson(k: Array, rate: float) -> Array:
    """log of the Poisson mass at whole k ≥ 0."""
    x = np.maximum(k, 1.0)
    inner = -stirling_error(x) - deviance_of(x, rate) - _HALF_LOG_2PI - 0.5 * np.log(x)
    return np.where(k == 0, -rate, inner)


def binomial(k: Array, n: int, p: float) -> Array:
    """log of the binomial mass at whole k in [0, n], for 0 < p < 1."""
    log_q = math.log1p(-p)
    if n == 0:
        return np.zeros_like(k)
    x = np.clip(k, 1.0, max(n - 1.0, 1.0))
    y = np.maximum(n - x, 1.0)
    ends = np.where(k == 0, n * log_q, n * math.log(p))
    inner = (
        float(stirling_error(np.array(float(n))))
        - stirling_error(x)
        - stirling_error(y)
        - deviance_of(x, n * p)
        - deviance_of(y, n * (1 - p))
        - _HALF_LOG_2PI
        + 0.5 * np.log(n / (x * y))
    )
    return np.where((k == 0) | (k == n), ends, inner)
