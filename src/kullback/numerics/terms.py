"""The terms of a divergence from log densities, without the digits that cancel near p = q."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # of floats

_INVERSE_FACTORIALS = [1.0 / float(np.prod(np.arange(1.0, k + 1))) for k in range(2, 19)]
_ODD = [1.0 / k for k in range(33, 1, -2)]

TINY = 1e-300  # a ratio below it may be subnormal


def deviance(log_p: Array, log_q: Array) -> Array:
    """p·log(p/q) − p + q ≥ 0 for each entry: q where p = 0, ∞ where only q = 0.

    With d = log p − log q it is p·(d + e^(−d) − 1), by its series where |d| is small.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        p, q = np.exp(log_p), np.exp(log_q)
        d = np.where(p > 0, log_p - log_q, 0.0)
        direct = p * d - p + q
        series = p * _phi(np.clip(d, -0.5, 0.5))
    return np.where(p > 0, np.where(np.abs(d) < 0.5, series, direct), q)


def gain(log_p: Array, log_q: Array) -> Array:
    """p·log(p/q): 0 where p = 0, ∞ where only q = 0."""
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        p, d = np.exp(log_p), log_p - log_q
        # where p underflows, the product may still count on a long tail
        faint = (log_p < -600) & (log_p > -np.inf) & (log_q > -np.inf)
        product = np.where(faint, np.sign(d) * np.exp(log_p + np.log(np.abs(d))), p * d)
        return np.where((p > 0) | faint, product, 0.0)


def rounding(weight: Array, log_p: Array, log_q: Array) -> Array:
    """weight·(2 + |log p| + |log q|): times the machine epsilon, what rounding of the logarithms can move."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(weight > 0, weight * (2 + np.abs(log_p) + np.abs(log_q)), 0.0)


def _phi(d: Array) -> Array:
    """e^(−d) + d − 1 for |d| ≤ ½."""
    total = np.zeros_like(d)
    for c in reversed(_INVERSE_FACTORIALS):
        total = total * -d + c
    return np.asarray(total * d * d)


def excess(e: Array) -> Array:
    """e − log(1 + e) ≥ 0 for e > −1, to full relative precision."""
    e = np.asarray(e, dtype=np.float64)
    small = np.abs(e) < 0.25
    s = np.where(small, e / (2 + e), 0.0)
    z = s * s
    # log1p(e) = 2·artanh(s); e = 2s/(1 − s), so e − 2s = 2s²/(1 − s), and the rest is 2s³(1/3 + z/5 + …)
    tail = np.zeros_like(z)
    for c in _ODD:
        tail = tail * z + c
    with np.errstate(divide="ignore", invalid="ignore"):
        direct = e - np.log1p(e)
    return np.where(small, 2 * z / (1 - s) - 2 * s * z * tail, direct)


def excess_of(e: float) -> float:
    """The same for one number, without an array's overhead."""
    if abs(e) >= 0.25:
        return e - math.log1p(e)
    s = e / (2 + e)
    z, tail = s * s, 0.0
    for c in _ODD:
        tail = tail * z + c
    return 2 * z / (1 - s) - 2 * s * z * tail


def log_ratio(x: float, y: float) -> float:
    """log(x/y) of two positive numbers, also where their ratio leaves the doubles."""
    r = x / y
    if TINY < r < math.inf:
        return math.log1p((x - y) / y) if 0.5 < r < 2 else math.log(r)
    return math.log(x) - math.log(y)


def between(log_p: Array, log_q: Array, alpha: float) -> Array:
    """(α·p + (1 − α)·q − p^α·q^(1−α)) / (α(1 − α)) ≥ 0 for each entry; the two deviances at α = 1 and 0."""
    if alpha > 0.5:
        return _between(log_p, log_q, 1 - alpha)
    return _between(log_q, log_p, alpha)


def _between(log_b: Array, log_c: Array, a: float) -> Array:
    """The same for the share a ≤ ½ of c: (c − b − b·(e^(a·r) − 1)/a) / (1 − a) with r = log(c/b)."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        b, c = np.exp(log_b), np.exp(log_c)
        r = np.where((log_b > -np.inf) & (log_c > -np.inf), log_c - log_b, 0.0)
        direct = (c - b - _drift(log_b, log_c, b, r, a)) / (1 - a)
        near = np.abs(r) < 0.5
        small = r[near]
        total, powers = np.zeros_like(small), [1.0]
        for _ in _INVERSE_FACTORIALS[1:]:
            powers.append(1.0 + a * powers[-1])  # 1 + a + a² + …
        for f, power in zip(reversed(_INVERSE_FACTORIALS), reversed(powers), strict=True):
            total = total * small + f * power
        found = np.array(direct)
        found[near] = b[near] * small * small * total
        found = np.where(log_b == -np.inf, c / (1 - a), found)
        alone = (log_c == -np.inf) & (b > 0)
        return np.where(alone, b / a if a > 0 else np.inf, found)


def drift(log_p: Array, log_q: Array, alpha: float) -> Array:
    """(p^α·q^(1−α) − q)/α for each entry; q·log(p/q) at α = 0."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        q = np.exp(log_q)
        r = np.where(log_q > -np.inf, log_p - log_q, 0.0)
        return np.where(log_q > -np.inf, _drift(log_q, log_p, q, r, alpha), np.exp(log_p) if alpha == 1 else 0.0)


def _drift(log_b: Array, log_c: Array, b: Array, r: Array, a: float) -> Array:
    t = a * r
    growth = np.where(t == 0, 1.0, np.expm1(t) / np.where(t == 0, 1.0, t))
    gentle = np.sign(r) * np.exp(log_b + np.log(np.abs(r))) * growth
    if a == 0:
        return np.where(r == 0, 0.0, gentle)
    # not log b + t: where log b is huge, that difference would lose log c
    mean = np.exp((1 - a) * log_b + a * log_c if a < 1 else log_c)
    return np.where(np.abs(t) < 1, np.where(r == 0, 0.0, gentle), (mean - b) / a)
