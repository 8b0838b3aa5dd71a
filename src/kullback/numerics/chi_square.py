"""Intervals for divergences of fitted parameters, which near P = Q are quadratic forms and no normals.

With ν parameters that tell P and Q apart, value/scale + ν is nearly a noncentral χ² of ν degrees with noncentrality
KL/scale: exactly so in the limit P → Q with scale ½(1/n + 1/m), and far from it a normal with the right variance.
"""

from __future__ import annotations

from kullback.numerics.lazy import special

LOWEST = 0.05
NORMAL = 2000.0  # beyond, a noncentral χ² is a normal to the eye


def scale(value: float, variance: float, degrees: float, null: float) -> float:
    """The scale that gives the value's first-order variance, 4·scale·(value + degrees·null)."""
    raw = value + degrees * null
    return variance / (4 * raw) if raw > 0 and variance > 0 else null


def interval(value: float, error: float, degrees: float, unit: float, level: float) -> tuple[float, float]:
    """The divergences under which the value is neither too low nor too high; never below 0."""
    tail = 0.5 * (1 - level)
    x = value / unit + degrees
    if x > NORMAL:
        width = float(special.ndtri(1 - tail)) * error
        return value - width, value + width
    low = unit * float(special.chndtrinc(x, degrees, 1 - tail)) if x > special.chdtri(degrees, tail) else 0.0
    # a value as low as in a twentieth of all cases of P = Q is not believed to be lower, or the interval would vanish
    high = unit * float(special.chndtrinc(max(x, float(special.chdtri(degrees, 1 - LOWEST))), degrees, tail))
    return low, high
