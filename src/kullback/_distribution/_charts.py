"""Coordinates without ends: a box or a simplex carried to the whole space of its free coordinates."""

from __future__ import annotations

import math

import numpy as np

from kullback._support import Array, Box, Interval, Simplex, Support

FARTHEST = 700.0  # e^±700 still is a double


def free(support: Support) -> int:
    """How many coordinates are free; 0 where this file has no chart."""
    if isinstance(support, Interval):
        return 1
    if isinstance(support, Box):
        return support.dim if all(isinstance(side, Interval) for side in support.sides) else 0
    return support.size - 1 if isinstance(support, Simplex) else 0


def bounded(support: Support) -> bool:
    """Whether some coordinate is carried by a logarithm, so that |y| must stay below FARTHEST."""
    return not (isinstance(support, Box) and all(side == Interval() for side in support.sides))


def outward(support: Support, y: Array) -> tuple[Array, Array]:
    """Points x of the support for y (n, free), and log |dx/dy|."""
    if isinstance(support, Simplex):
        return _softmax(y)
    if not bounded(support):
        return y, np.zeros(len(y))
    assert isinstance(support, Box)
    x, slope = np.empty_like(y), np.zeros(len(y))
    for i, side in enumerate(support.sides):
        assert isinstance(side, Interval)
        x[:, i], step = _side(side, y[:, i])
        slope += step
        x[:, i] = np.clip(x[:, i], np.nextafter(side.low, math.inf), np.nextafter(side.high, -math.inf))
    return x, slope


def inward(support: Support, x: Array) -> Array:
    """y for points x inside the support."""
    if isinstance(support, Simplex):
        with np.errstate(divide="ignore"):
            return np.log(x[:, :-1]) - np.log(x[:, -1:])
    if not bounded(support):
        return x
    assert isinstance(support, Box)
    return np.column_stack([_unside(side, x[:, i]) for i, side in enumerate(support.sides)])  # type: ignore[arg-type]


def _side(side: Interval, y: Array) -> tuple[Array, Array]:
    """x and log dx/dy: x = y, low + e^y, high − e^−y, or low + (high − low)/(1 + e^−y).

    Past FARTHEST x stays where it is, but the slope falls on: a density that were flat there would have no moments.
    """
    if side == Interval():
        return y, np.zeros_like(y)
    past = np.maximum(np.abs(y) - FARTHEST, 0.0)
    y = np.clip(y, -FARTHEST, FARTHEST)
    if math.isinf(side.high):
        return side.low + np.exp(y), y - past
    if math.isinf(side.low):
        return side.high - np.exp(-y), -y - past
    width = side.high - side.low
    near = np.exp(-np.abs(y))
    share = near / (1 + near)  # of the width, from the nearer end
    x = np.where(y < 0, side.low + width * share, side.high - width * share)
    return x, math.log(width) - np.abs(y) - 2 * np.log1p(near) - past


def _unside(side: Interval, x: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        if side == Interval():
            return x
        if math.isinf(side.high):
            return np.log(x - side.low)
        if math.isinf(side.low):
            return -np.log(side.high - x)
        return np.log(x - side.low) - np.log(side.high - x)


def _softmax(y: Array) -> tuple[Array, Array]:
    """Shares e^yᵢ/(1 + Σe^y), the last 1/(1 + Σe^y); the Jacobian is their product."""
    full = np.column_stack([np.clip(y, -FARTHEST, FARTHEST), np.zeros(len(y))])
    full = full - full.max(axis=1, keepdims=True)
    logs = full - np.log(np.exp(full).sum(axis=1, keepdims=True))
    return np.exp(np.maximum(logs, -FARTHEST)), logs.sum(axis=1)


def blur(support: Support, x: Array) -> Array:
    """Σ |end|/|x − end| over the finite ends: times the machine epsilon, how far rounding of x blurs the distance."""
    total = np.zeros(len(x))
    if not isinstance(support, Box):
        return total
    for i, side in enumerate(support.sides):
        for end in (side.low, side.high):
            if end != 0 and math.isfinite(end):
                total += np.minimum(abs(end) / np.maximum(np.abs(x[:, i] - end), 1e-300), 1e16)
    return total
