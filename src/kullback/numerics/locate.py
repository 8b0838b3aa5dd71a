"""Where a log density lives, found by looking: maxima and the points where it has fallen away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # of floats

SAME = 1e-3  # of the distance at which a maximum has fallen by e^−½
_DROPS = (0.5, 4.0, 12.0, 40.0)


def landmarks(
    log_prob: Callable[[Array], Array],
    low: float,
    high: float,
    frame: tuple[float, float] = (0.0, 1.0),
    hints: Array | None = None,
) -> Array:
    """Points that bracket every maximum found on a graded scan, and where log_prob has dropped from it; poles.

    `frame` is where to look first, and on what scale; `hints` are points to look at too.
    """
    x = _scan(low, high, *frame)
    if hints is not None:
        x = np.union1d(x, hints[(hints > low) & (hints < high)])
    y = _finite(log_prob(x))
    if not np.isfinite(y).any():
        return x[len(x) // 2 :][:1]
    peaks = [i for i in range(len(x)) if y[i] >= y[max(i - 1, 0)] and y[i] >= y[min(i + 1, len(x) - 1)]]
    peaks = sorted((i for i in peaks if np.isfinite(y[i])), key=lambda i: -y[i])[:8]
    poles = x[y == np.inf]
    found: list[float] = [*poles, *_around(poles, low, high)]
    best = -np.inf
    seen: list[tuple[float, float, float]] = []  # maxima, their heights, and how near to them others are the same
    for i in peaks:
        if any(abs(x[i] - top) <= near and y[i] <= value for top, value, near in seen):
            continue
        top, value = climb(log_prob, x[max(i - 1, 0)], x[min(i + 1, len(x) - 1)])
        if value < y[i]:  # a peak narrower than the steps of the climb
            top, value = float(x[i]), float(y[i])
        best = max(best, value)
        if value == np.inf:
            found += [top, *_around(np.array([top]), low, high)]
        elif value > best - 60:
            flanks = _flanks(log_prob, top, value, low, high)
            found += [top, *flanks]
            if flanks:
                seen.append((top, value, SAME * min(abs(place - top) for place in flanks)))
    return np.unique(np.array(found))


def _around(poles: Array, low: float, high: float) -> list[float]:
    """Points at either side of each pole, nearer and nearer."""
    room = high - low if np.isfinite(high - low) else 1.0
    steps = room * np.array([1e-1, 1e-2, 1e-4, 1e-8])
    near = np.concatenate([poles[:, None] - steps, poles[:, None] + steps]).ravel()
    return [float(x) for x in near if low < x < high]


def edges(log_prob: Callable[[Array], Array], low: float, high: float, count: int) -> Array:
    """Where log_prob becomes −∞ or ceases to be, between neighbours of `count` points: to the last double."""
    x = np.linspace(low, high, count + 2)[1:-1]
    gone = _finite(log_prob(x)) == -np.inf
    turns = np.flatnonzero(gone[1:] != gone[:-1])
    a, b = x[turns], x[turns + 1]
    for _ in range(64 if len(turns) else 0):
        middle = 0.5 * (a + b)
        same = (_finite(log_prob(middle)) == -np.inf) == gone[turns]
        a, b = np.where(same, middle, a), np.where(same, b, middle)
    return np.unique(np.concatenate([a, b]))


def _scan(low: float, high: float, centre: float, scale: float) -> Array:
    steps = np.concatenate([[0.0], np.geomspace(1e-30, 1e-9, 60), np.geomspace(1e-9, 1e12, 190)[1:]])
    steps = scale * np.append(steps, np.geomspace(1e12, 1e30, 50)[1:])
    if np.isfinite(low) and np.isfinite(high):
        inner = low + (high - low) * np.linspace(0, 1, 203)[1:-1]
        near = (high - low) * np.geomspace(1e-12, 1e-2, 20)
        return np.unique(np.concatenate([inner, low + near, high - near]))
    if np.isfinite(low):
        x = low + steps[1:]
    elif np.isfinite(high):
        x = high - steps[1:]
    else:
        x = np.concatenate([centre - steps, centre + steps, centre + scale * np.linspace(-10, 10, 201)])
    x = np.unique(x)
    return x[(x > low) & (x < high)]


def climb(log_prob: Callable[[Array], Array], a: float, b: float) -> tuple[float, float]:
    """The maximum between a and b, by zooming until the bracket no longer matters."""
    for _ in range(40):
        x = np.linspace(a, b, 33)
        y = _finite(log_prob(x))
        i = int(np.argmax(y))
        a, b = x[max(i - 1, 0)], x[min(i + 1, 32)]
        with np.errstate(invalid="ignore"):
            drop = y[i] - min(y[max(i - 1, 0)], y[min(i + 1, 32)])
        if drop < 1e-13 or b - a <= 4e-16 * max(abs(a), abs(b)):
            break
    return float(x[i]), float(y[i])


def _flanks(log_prob: Callable[[Array], Array], top: float, value: float, low: float, high: float) -> list[float]:
    """Where the density has dropped by e^−½, e^−4, e^−12 and e^−40 on either side of a maximum: to a factor of 1.6."""
    found: list[float] = []
    for sign, end in ((1.0, high), (-1.0, low)):
        far = abs(end - top) if np.isfinite(end) else 1e150
        near = max(abs(top) * 1e-15, 1e-300)
        if far <= 2 * near:
            continue
        reach = np.geomspace(near, far, 60)[:-1]
        y = _finite(log_prob(top + sign * reach))
        first = [int(np.argmax(y < value - drop)) for drop in _DROPS]  # 0 where there is none, or it falls at once
        brackets = [np.geomspace(reach[i - 1], reach[i], 24) for i in first if i > 0]
        if not brackets:
            continue
        fine = np.concatenate(brackets)
        z = _finite(log_prob(top + sign * fine)).reshape(len(brackets), -1)
        drops = [drop for drop, i in zip(_DROPS, first, strict=True) if i > 0]
        for bracket, heights, drop in zip(brackets, z, drops, strict=True):
            below = np.flatnonzero(heights < value - drop)
            if len(below):
                found.append(float(top + sign * bracket[below[0]]))
    return [x for x in found if low < x < high]


def _finite(y: Array) -> Array:
    return np.where(np.isnan(y), -np.inf, y)
