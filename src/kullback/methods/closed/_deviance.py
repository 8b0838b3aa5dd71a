"""The blocks of deviance forms: what is 0 at equal parameters and loses no digits near them."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from kullback._support import Array
from kullback.numerics.lazy import special
from kullback.numerics.masses import log_gamma_step
from kullback.numerics.terms import excess_of, log_ratio

SMALL = 16.0  # shapes below it have no Stirling series


def total(*terms: float) -> tuple[float, float]:
    """The sum of terms, and of their sizes."""
    return math.fsum(terms), math.fsum(abs(t) for t in terms)


def scaled(x: float, y: float, difference: float | None = None) -> float:
    """r − 1 − log r ≥ 0 with r = x/y, from r − 1 where it is small; the difference x − y may be known better."""
    if x == 0 or y == 0:
        return math.inf
    e = (x - y if difference is None else difference) / y
    return excess_of(e) if abs(e) < 0.5 else x / y - 1 - log_ratio(x, y)


def scaled_square(x: float, y: float) -> float:
    """The same with r = (x/y)²."""
    e, r = (x - y) / y, x / y
    return excess_of(e * (2 + e)) if abs(e) < 0.2 else r * r - 1 - 2 * log_ratio(x, y)


def gained(u: float) -> float:
    """e^u − 1 − u ≥ 0; ∞ beyond the doubles."""
    if abs(u) < 0.5:
        return u * u * curved(u)
    return math.expm1(u) - u if u < 709 else math.inf


@lru_cache(maxsize=1)
def nodes() -> tuple[Array, Array]:
    """24 Gauss nodes and weights on (0, 1)."""
    t, w = np.polynomial.legendre.leggauss(24)
    return 0.5 * (t + 1), 0.5 * w


def bregman(bend: Callable[[Array], Array], at: float, step: float) -> float:
    """F(at + step) − F(at) − step·F′(at) = ∫₀¹ (1−t)·step²·F″(at + t·step) dt, `bend` being F″ and the step small."""
    t, w = nodes()
    return float(step * step * (w * (1 - t)) @ bend(at + t * step))


def trigamma_times_square(x: Array) -> Array:
    """x²·ψ′(x), which neither overflows nor vanishes near 0."""
    return np.where(x < 1, 1 + x * x * special.zeta(2.0, 1 + x), x * x * special.zeta(2.0, np.maximum(x, 1.0)))


def _bend(x: Array, step: Array) -> Array:
    """∫₀¹ (1−t)·step²·ψ′(x + t·step) dt for each x and a step small beside it: a column each."""
    t, w = nodes()
    places = x + step * t
    ratio = step / places
    return np.asarray((ratio * ratio * trigamma_times_square(places)) @ (w * (1 - t)))


def bregman_log_gammas(a: Array, b: Array, d: Array) -> list[tuple[float, ...]]:
    """For each pair log Γ(b) − log Γ(a) − d·ψ(a) ≥ 0 with d = b − a, as the terms whose sum it is."""
    near = np.abs(d) < 0.3 * a
    found: list[tuple[float, ...]] = [()] * len(a)
    for i, value in zip(np.flatnonzero(near), _bend(a[near, None], d[near, None]).tolist(), strict=True):
        found[i] = (value,)
    for i in np.flatnonzero(~near):
        x, y, step = float(a[i]), float(b[i]), float(d[i])
        slope = -step * float(special.digamma(x))
        if min(x, y) < SMALL:  # a + d would have lost a small b
            found[i] = (float(special.gammaln(y)), -float(special.gammaln(x)), slope)
        else:
            found[i] = (log_gamma_step(x, step), slope)
    return found


def bregman_log_gamma(a: float, b: float, d: float) -> tuple[float, ...]:
    """The same for one pair."""
    return bregman_log_gammas(np.array([a]), np.array([b]), np.array([d]))[0]


def curved(u: float) -> float:
    """(e^u − 1 − u)/u²."""
    if abs(u) < 0.5:
        return sum(u**k / math.factorial(k + 2) for k in range(18))
    return (math.expm1(u) - u) / (u * u)
