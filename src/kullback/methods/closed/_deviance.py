"""The blocks of deviance forms: what is 0 at equal parameters and loses no digits near them."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from kullback._support import Array
from kullback.numerics.lazy import special
from kullback.numerics.masses import log_gamma_step
from kullback.numerics.terms import excess_of


def total(*terms: float) -> tuple[float, float]:
    """The sum of terms, and of their sizes."""
    return math.fsum(terms), math.fsum(abs(t) for t in terms)


def scaled(ratio_less_one: float, ratio: float) -> float:
    """r − 1 − log r, from r − 1 where it is small."""
    if abs(ratio_less_one) < 0.5:
        return excess_of(ratio_less_one)
    return ratio - 1 - math.log(ratio)


@lru_cache(maxsize=1)
def nodes() -> tuple[Array, Array]:
    """24 Gauss nodes and weights on (0, 1)."""
    t, w = np.polynomial.legendre.leggauss(24)
    return 0.5 * (t + 1), 0.5 * w


def bregman(bend: Callable[[Array], Array], at: float, step: float) -> float:
    """F(at + step) − F(at) − step·F′(at) = ∫₀¹ (1−t)·step²·F″(at + t·step) dt, `bend` being F″ and the step small."""
    t, w = nodes()
    return float(step * step * (w * (1 - t)) @ bend(at + t * step))


def trigamma(x: Array) -> Array:
    return np.asarray(special.zeta(2.0, x))


def bregman_log_gammas(a: Array, d: Array) -> list[float]:
    """The same for arrays of shapes and steps, the small steps in one call."""
    near = np.abs(d) < 0.3 * a
    t, w = nodes()
    bends = trigamma(a[near, None] + d[near, None] * t)
    found = np.empty(len(a))
    found[near] = d[near] ** 2 * (bends @ (w * (1 - t)))
    for i in np.flatnonzero(~near):
        found[i] = log_gamma_step(float(a[i]), float(d[i])) - float(d[i] * special.digamma(a[i]))
    return found.tolist()


def bregman_log_gamma(a: float, d: float) -> float:
    """log Γ(a + d) − log Γ(a) − d·ψ(a) ≥ 0."""
    if abs(d) < 0.3 * a:
        return bregman(trigamma, a, d)
    return log_gamma_step(a, d) - d * float(special.digamma(a))


def curved(u: float) -> float:
    """(e^u − 1 − u)/u²."""
    if abs(u) < 0.5:
        return sum(u**k / math.factorial(k + 2) for k in range(18))
    return (math.expm1(u) - u) / (u * u)
