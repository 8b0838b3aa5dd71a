"""Where P has mass and Q has none, noticed while the terms are evaluated."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kullback._support import Array

FAINT = -690.0  # log p below which a place without q proves nothing: q may only have underflowed
CLIFF = -100.0  # log(q / its maximum) below which the place where q ends may be where its formula does


class Gap:
    """The heaviest such place seen so far: `p` there, 0 while there is none, and `x`."""

    __slots__ = ("p", "x")

    def __init__(self) -> None:
        self.p: float = 0.0
        self.x: Any = math.nan

    def __bool__(self) -> bool:
        return self.p > 0

    def see(self, x: Array, log_p: Array, log_q: Array) -> Array:
        """Which of the points lie in the gap."""
        gone = (log_q == -np.inf) & (log_p > FAINT)
        if gone.any():
            worst = int(np.argmax(np.where(gone, log_p, -np.inf)))
            if math.exp(log_p[worst]) > self.p:
                self.p, self.x = math.exp(log_p[worst]), x[worst]
        return np.asarray(gone)


class Holes:
    """Which places without Q are gaps: those that Q ends at from some height, not those that it fades into."""

    __slots__ = ("known", "log_q", "seen", "top")

    def __init__(self, log_q: Callable[[Array], Array], landmarks: Array) -> None:
        with np.errstate(all="ignore"):
            y = log_q(landmarks)
        self.log_q, self.known = log_q, dict[int, bool]()
        self.seen = landmarks[np.isfinite(y)]
        self.top = float(np.max(y[np.isfinite(y)], initial=-np.inf))

    def real(self, x: Array) -> Array:
        """For points where log q is −∞, whether q ends on the way to them rather than underflows."""
        where = np.searchsorted(self.seen, x)
        for k in np.unique(where):
            if int(k) not in self.known:
                self.known[int(k)] = self._ends_at_a_cliff(x[where == k], int(k))
        return np.array([self.known[int(k)] for k in where], dtype=bool)

    def _ends_at_a_cliff(self, x: Array, k: int) -> bool:
        if not len(self.seen):
            return True
        sides = [(self.seen[k - 1], x.min())] if k > 0 else []
        sides += [(self.seen[k], x.max())] if k < len(self.seen) else []
        return any(last_height(self.log_q, np.asarray(a), np.asarray(b)) > self.top + CLIFF for a, b in sides)


def breaks_off(log_q: Callable[[Array], Array], near: Array, x: Array) -> bool:
    """Whether log q breaks off to −∞ on the way to x from the highest of some points, rather than fading out."""
    with np.errstate(all="ignore"):
        height = log_q(near)
    seen = np.isfinite(height)
    if not seen.any():
        return True
    top = int(np.argmax(np.where(seen, height, -np.inf)))
    return last_height(log_q, near[top], x) > float(height[top]) + CLIFF


def last_height(log_q: Callable[[Array], Array], a: Array, b: Array) -> float:
    """log q at the last point from a towards b, on the line or in space, where it is a number."""
    height = -np.inf
    for _ in range(14):
        line = np.linspace(a, b, 33)
        with np.errstate(all="ignore"):
            y = log_q(line)
        end = int(np.argmax(~np.isfinite(y)))
        if end == 0:
            break
        a, b, height = line[end - 1], line[end], float(y[end - 1])
    return height
