"""F(k) = log(I_v(k)·k^−v), the log-normaliser of directions, and its derivatives, without the digits that cancel.

A unit vector in 2v + 2 dimensions with density ∝ exp(k·x₁) has E x₁ = F′(k) = I_{v+1}(k)/I_v(k) and the variance
F″(k). With v = ½ it is also the uniform on (−1, 1) tilted by exp(k·x).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kullback.numerics.lazy import special

Array = NDArray[Any]  # of floats

TERMS = 24


def far(v: float) -> float:
    """Beyond it Hankel's asymptotic series of I_v serves to the last digit."""
    return max(30.0, 3 * v * v)


def log_scaled(v: float, k: float) -> float:
    """F(k) − |k|."""
    k = abs(k)
    if v == 0.5:
        scaled = _log_sinhc(k) - k if k < 0.5 else math.log1p(-math.exp(-2 * k)) - math.log(2 * k)
        return 0.5 * math.log(2 / math.pi) + scaled
    if k > far(v):
        return -(v + 0.5) * math.log(k) - 0.5 * math.log(2 * math.pi) + _series(v, k)[0]
    inside = float(special.ive(v, k)) if k > 0 else 0.0
    if inside > 1e-290:
        return math.log(inside) - v * math.log(k)
    j = np.arange(int(k) + 60.0)  # the power series, where k is far below v
    with np.errstate(divide="ignore"):
        terms = special.xlogy(2 * j, k / 2) - special.gammaln(j + 1) - special.gammaln(v + j + 1)
    top = float(terms.max())
    return top + math.log(math.fsum(np.exp(terms - top))) - v * math.log(2) - k


def short_of_one(v: float, k: float) -> float:
    """1 − F′(k) for k ≥ 0."""
    if v == 0.5:
        return 1 / k - 2 / math.expm1(2 * k) if 1 < k < 300 else (1 / k if k >= 300 else 1 - _langevin(k))
    if k > far(v):
        return (v + 0.5) / k - _series(v, k)[1]
    return 1 - mean(v, k)


def mean(v: float, k: float) -> float:
    """F′(k); odd in k."""
    size = abs(k)
    if v == 0.5:
        found = _langevin(size)
    elif size > far(v):
        found = 1 - (v + 0.5) / size + _series(v, size)[1]
    else:
        found = _fraction(v, size) if size < 3000 else float(special.ive(v + 1, size) / special.ive(v, size))
    return math.copysign(found, k)


def curvature(v: float, k: float) -> float:
    """F″(k) > 0; even in k."""
    k = abs(k)
    if v == 0.5:
        if k < 0.5:
            return _series_of_langevin(k)[1]
        return 1 / k**2 - (1 / math.sinh(k) ** 2 if k < 350 else 0.0)
    if k > far(v):
        return (v + 0.5) / k**2 + _series(v, k)[2]
    if k < 1e-4 * (v + 1):
        return 1 / (2 * v + 2) * (1 - 3 * k * k / (4 * (v + 1) * (v + 2)))
    a = mean(v, k)
    return 1 - a * ((2 * v + 1) / k + a)


def bregman(v: float, k: float, other: float, step: float | None = None) -> tuple[float, float]:
    """F(other) − F(k) − (other − k)·F′(k) ≥ 0, and the size of what cancels in it.

    `step` is other − k where that is known better than its two ends.
    """
    step = other - k if step is None else step
    size = max(abs(k), abs(other), v + 1)  # F changes on this scale
    if abs(step) < 0.5 * size:
        t, w = _nodes()
        bends = np.array([curvature(v, k + s * step) for s in t])
        value = float(step * step * (w * (1 - t)) @ bends)
        precise = v == 0.5 or min(abs(k), abs(other)) > far(v)
        return value, value if precise else value + 0.1 * step * step  # F″ is 1 less what is nearly 1
    if k < 0:
        k, other = -k, -other
    # exp(−|k|)-scaled normalisers and 1 − F′, as F grows like |k|
    outside = abs(other) - other if other < 0 else 0.0
    terms = (log_scaled(v, other), -log_scaled(v, k), (other - k) * short_of_one(v, k), outside)
    return math.fsum(terms), math.fsum(abs(t) for t in terms)


@lru_cache(maxsize=1)
def _nodes() -> tuple[Array, Array]:
    t, w = np.polynomial.legendre.leggauss(24)
    return 0.5 * (t + 1), 0.5 * w


def _log_sinhc(y: float) -> float:
    """log(sinh(y)/y) for 0 ≤ y < ½."""
    total = 0.0
    for j in range(9, 0, -1):
        total = y * y / (2 * j * (2 * j + 1)) * (1 + total)
    return math.log1p(total)


def _langevin(y: float) -> float:
    return _series_of_langevin(y)[0] if y < 0.5 else 1 / math.tanh(y) - 1 / y


_BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330]


def _series_of_langevin(y: float) -> tuple[float, float]:
    """coth y − 1/y and its derivative, by the Bernoulli numbers."""
    value = slope = 0.0
    for n, b in enumerate(_BERNOULLI, start=1):
        c = b * 4.0**n / math.factorial(2 * n)
        value += c * y ** (2 * n - 1)
        slope += c * (2 * n - 1) * y ** (2 * n - 2)
    return value, slope


def _fraction(v: float, k: float) -> float:
    """I_{v+1}(k)/I_v(k) by its continued fraction."""
    if k == 0:
        return 0.0
    value = 0.0
    for j in range(int(k) + 60, 0, -1):
        value = 1 / (2 * (v + j) / k + value)
    return value


def _series(v: float, k: float) -> tuple[float, float, float]:
    """g = log Σ(−1)^j·a_j(v)/k^j of Hankel's series, g′ and g″."""
    term, total, first, second = 1.0, 1.0, 0.0, 0.0
    for j in range(1, TERMS):
        step = -(4 * v * v - (2 * j - 1) ** 2) / (8 * j * k)
        if abs(step) > 1:
            break
        term *= step
        total += term
        first -= j * term / k
        second += j * (j + 1) * term / k**2
    return math.log(total), first / total, second / total - (first / total) ** 2
