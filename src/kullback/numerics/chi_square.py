"""Intervals for divergences of fitted parameters, which near P = Q are quadratic forms and no normals.

With ν parameters that tell P and Q apart, value/scale + ν is nearly a noncentral χ² of ν degrees with noncentrality
KL/scale: exactly so in the limit P → Q with scale ½(1/n + 1/m), and far from it a normal with the right variance.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kullback.numerics.lazy import special

Array = NDArray[Any]

LOWEST = 0.05
NORMAL = 2000.0  # beyond, a noncentral χ² is a normal to the eye


def scale(value: float, variance: float, degrees: float, null: float, widest: float | None = None) -> float:
    """The scale that gives the value's first-order variance, 4·scale·(value + degrees·null).

    Where directions differ in their variance, the one in which P and Q differ is not known near P = Q: there the
    variance is that of the `widest`, with the weight of the noise, degrees·null.
    """
    noise = degrees * null
    raw = value + noise
    if widest is not None:
        return (variance + 4 * widest * noise) / (4 * (max(raw, 0.0) + noise))
    return variance / (4 * raw) if raw > 0 and variance > 0 else null


def interval(
    value: float, error: float, degrees: float, unit: float, level: float, freedom: float = math.inf
) -> tuple[float, float]:
    """The divergences under which the value is neither too low nor too high; never below 0.

    Where the variance has few degrees of freedom the tails are those that a normal has beyond Student's quantile.
    """
    tail = 0.5 * (1 - level)
    if math.isfinite(freedom):
        tail = float(special.ndtr(special.stdtrit(freedom, tail)))
    x = value / unit + degrees
    if x > NORMAL:
        width = float(special.ndtri(1 - tail)) * error
        return value - width, value + width
    low = unit * float(special.chndtrinc(x, degrees, 1 - tail)) if x > special.chdtri(degrees, tail) else 0.0
    # a value as low as in a twentieth of all cases of P = Q is not believed to be lower, or the interval would vanish
    high = unit * float(special.chndtrinc(max(x, float(special.chdtri(degrees, 1 - LOWEST))), degrees, tail))
    return low, high


def sum_above(x: float, weights: Array) -> float:
    """P of Σ weight·χ²₁ above x, by the saddlepoint of Lugannani and Rice (Kuonen, Biometrika 86, 1999)."""
    largest = float(weights.max(initial=0.0))
    w = weights[weights > 1e-12 * largest]
    if not len(w) or x <= 0:
        return 1.0
    mean, sd = float(w.sum()), math.sqrt(2 * float(w @ w))
    if abs(x - mean) < 1e-3 * sd:  # the formula is 0/0 at the mean
        return 0.5 * (sum_above(mean - 2e-3 * sd, w) + sum_above(mean + 2e-3 * sd, w))
    low, high = -len(w) / (2 * x), 0.5 / largest  # the derivative of the cumulant grows from below x to infinity
    for _ in range(200):
        t = 0.5 * (low + high)
        low, high = (t, high) if float((w / (1 - 2 * t * w)).sum()) < x else (low, t)
        if high - low <= 1e-14 * abs(high):
            break
    cumulant, bend = -0.5 * float(np.log1p(-2 * t * w).sum()), 2 * float(np.square(w / (1 - 2 * t * w)).sum())
    root = math.copysign(math.sqrt(max(2 * (t * x - cumulant), 0.0)), t)
    return float(special.ndtr(-(root + math.log(t * math.sqrt(bend) / root) / root)))
