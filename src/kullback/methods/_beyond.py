"""What a sum over the integers leaves beyond its last point, where terms that fall like a power still count.

There log p is linear in t, the logarithm of the distance from the low end, and so is log q or, where q falls
exponentially, its logarithm divided by the distance: with y = e^t the terms as a density in t are C·e^(−γt)·(A + B·t),
which sums to its end. The slopes are the declared tails', or those seen on the way; what a third point disagrees by,
and what the slopes are unsure by, is the error.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from kullback._distribution import Density, Tail
from kullback._support import Array
from kullback.numerics.integers import FARTHEST, SHORT

EPS = float(np.finfo(float).eps)
NOISY = 1e-7  # the rounding of a log mass beyond which it is not followed
WHOLE = 2.0**52  # the integers that doubles tell apart
FALL = 1e-3  # the least power of the distance by which terms of no declared tail must fall to have a sum


class Beyond(NamedTuple):
    """The rest of Σ p·log(p/q), of Σ p, and of the deviances; its error; and why it is infinite, if it is."""

    gain: float = 0.0
    mass: float = 0.0
    deviance: float = 0.0
    error: float = 0.0
    infinite: str = ""

    @staticmethod
    def join(parts: Iterable[Beyond]) -> Beyond:
        found = Beyond()
        for part in parts:
            found = Beyond(
                found.gain + part.gain,
                found.mass + part.mass,
                found.deviance + part.deviance,
                found.error + part.error,
                found.infinite or part.infinite,
            )
        return found


def rough(f: Density) -> bool:
    """Whether the log mass is another's, right to no known number of units in the last place."""
    if f.facts.components:
        return any(rough(part) for _, part in f.facts.components)
    return f.anonymous or (f.facts.noise > 0 and not f.facts.family)


def noise(f: Density, k: Array) -> Array:
    """How far rounding moves a log mass at k: by its third differences, which far out are rounding alone.

    Nearer, where they are not, a difference of log gammas is supposed.
    """
    if not rough(f):
        return np.zeros(len(k))
    with np.errstate(all="ignore"):
        y = np.stack([f._log_prob(k + i) for i in range(4)])
        third = np.abs(y[3] - 3 * y[2] + 3 * y[1] - y[0]) / 4
    size = np.abs(k)
    lost = np.where(size < SHORT, 4 * EPS * (size * np.log(size + 2) + np.abs(y[0])), third)
    return np.where(np.isfinite(lost), np.maximum(lost, f.facts.noise * np.abs(y[0])), 0.0)


def reach(f: Density, sign: int, low: float) -> float:
    """How far sign·k can be followed: to where the log mass of a library drowns in its rounding."""
    if not rough(f):
        return FARTHEST
    k = low + 2.0 ** np.arange(13, 52)
    lost = np.flatnonzero(noise(f, sign * k) > NOISY)
    return float(k[lost[0] - 1]) if len(lost) and lost[0] else float(k[0]) if len(lost) else WHOLE


class _Slope(NamedTuple):
    value: float
    error: float


def beyond(f: Density, g: Density, sign: int, low: float, end: float) -> Beyond:
    """The rest past sign·end of a sum from sign·low on."""
    last = math.log(end - low)
    step = min(last / 8, 24.0)
    t = last - step * np.array([2.0, 1.0, 0.0])
    k = sign * np.floor(low - 1 + np.exp(t))
    t = np.log(sign * k - low + 1)
    with np.errstate(all="ignore"):
        log_p, log_q = f._log_prob(k), g._log_prob(k)
        height = log_p + t
        d = log_p - log_q
    if not np.isfinite(log_p).all():
        return Beyond()
    if not np.isfinite(log_q).all():
        return Beyond(error=math.inf)
    fall = _falls(_tail(f, sign), -np.diff(height) / np.diff(t))
    grows = _grows(_tail(g, sign), d, t)
    power = fall.value - grows.value
    unsure = fall.error + grows.error
    mass = _exp(height[2]) / fall.value if fall.value > fall.error else math.inf
    declared = _tail(f, sign) is not None and _tail(g, sign) is not None
    if power <= (0.0 if declared else max(FALL, unsure)):
        return Beyond(infinite=f"the terms p·log(p/q) fall off no faster than k^−{1 + power:.4g}")
    flat = d * np.exp(-grows.value * (t - t[2]))  # A + B·(t − t₂)
    a, b = float(flat[2]), float((flat[2] - flat[1]) / (t[2] - t[1]))
    stated = _tail(f, sign), _tail(g, sign)
    if stated[0] is not None and stated[1] is not None and max(tail.power for tail in stated if tail) < math.inf:
        b = stated[1].power - stated[0].power  # the slope that doubles would round, times 1/power²
    missed = float(np.abs(flat[:2] - (a + b * (t[:2] - t[2]))).max())
    largest = max(abs(a), abs(b), missed, 1e-300)
    if float(height[2]) + math.log(largest) < -740:
        return Beyond()
    size, a, b, missed = _exp(height[2] + math.log(largest)), a / largest, b / largest, missed / largest
    gain = size * (a / power + b / power**2)
    whole = size * (abs(a) / power + abs(b) / power**2)
    rounds = (
        16 * EPS * (1 + float(np.abs(height).max())) + 4 * EPS * abs(float(log_p[2])) + 2 * float(noise(f, k[2:])[0])
    )
    error = size * missed * (1 + 1 / (power * step)) / power + whole * (rounds + 2 * unsure / power)
    error += 2 * mass * float(noise(g, k[2:])[0]) if math.isfinite(mass) else 0.0
    rest = _rest(g, sign, log_q + t, t)
    return Beyond(gain, mass, gain - mass + rest, error + EPS * (mass + rest))


def _tail(f: Density, sign: int) -> Tail | None:
    return None if f.facts.tails is None else f.facts.tails[1 if sign > 0 else 0]


def _falls(stated: Tail | None, seen: Array) -> _Slope:
    """By which power the mass in t falls."""
    if stated is not None and stated.power < math.inf:
        return _Slope(stated.power, 0.0)
    return _Slope(float(seen[1]), abs(float(seen[1] - seen[0])) + 1e-12 * abs(float(seen[1])))


def _grows(stated: Tail | None, d: Array, t: Array) -> _Slope:
    """By which power of the distance log p − log q grows; 0 where it grows with its logarithm."""
    if stated is not None:
        return _Slope(stated.exponent if stated.power == math.inf else 0.0, 0.0)
    with np.errstate(all="ignore"):
        slopes = np.diff(np.log(np.abs(d))) / np.diff(t)
    if not np.isfinite(slopes).all() or slopes[1] * t[2] < 3:
        return _Slope(0.0, 0.0)
    return _Slope(float(slopes[1]), abs(float(slopes[1] - slopes[0])))


def _rest(g: Density, sign: int, height: Array, t: Array) -> float:
    """The mass of g past the end."""
    fall = _falls(_tail(g, sign), -np.diff(height) / np.diff(t)).value
    return _exp(height[2]) / fall if fall > 0 else 0.0


def _exp(x: float) -> float:
    return math.exp(min(max(float(x), -745.0), 700.0))
