"""The pieces of a line on which two densities are integrated, each seen from a point where doubles are fine enough."""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np

from kullback._distribution import Density, moved
from kullback._support import Array, Interval
from kullback.methods._line import component_marks, interval, landmarks
from kullback.numerics.quadrature import NEAREST_ROUNDINGS

EPS = float(np.finfo(float).eps)
FAR = 100.0  # locations beyond this many widths lose more than two digits of the distance from them


class Piece(NamedTuple):
    """P and Q of X − origin, the ends of the piece, and where to split it, all measured from the origin.

    `view` is that of the P that was cut up, as `Facts` has it.
    """

    p: Density
    q: Density
    origin: float
    low: float
    high: float
    breaks: Array
    view: tuple[float, float] = (0.0, 1.0)

    def as_given(self, x: float) -> float:
        """A point of the piece in the coordinate that the pair was given in."""
        return self.view[0] + self.view[1] * (self.origin + x)


def pieces(p: Density, q: Density, support: Interval) -> list[Piece]:
    """The line in pieces on which doubles are fine enough."""
    return [piece._replace(view=p.facts.view) for piece in _cut(p, q, support)]


def _cut(p: Density, q: Density, support: Interval) -> list[Piece]:
    """The line seen from its finite end, or from P's middle where that is far out; a coarse high end from itself."""
    low, high = support.low, support.high
    if p.facts.moved is None or q.facts.moved is None:  # x itself is all that a callable takes
        return [Piece(p, q, 0.0, low, high, _breaks(p, q))]
    if math.isinf(low) and math.isinf(high):
        return _around_anchors(p, q)
    if math.isinf(low):
        return [_seen_from(p, q, high, low, 0.0)]
    whole = _seen_from(p, q, low, 0.0, high - low)
    if math.isinf(high):
        return [whole]
    end = min(side.high for f in (whole.p, whole.q) if isinstance(side := f.support, Interval))
    end = end if abs(end - whole.high) <= 4 * EPS * max(abs(low), abs(high)) else whole.high
    whole = whole._replace(high=end)
    if not (_infinite_at(whole.p, end) or _infinite_at(whole.q, end)):
        return [whole]
    inner = whole.breaks[(whole.breaks > 0) & (whole.breaks < end)]
    middle = float(inner[len(inner) // 2]) if len(inner) else 0.5 * end
    far = _seen_from(whole.p, whole.q, end, middle - end, 0.0)
    return [whole._replace(high=middle), far._replace(origin=low + end)]


def _around_anchors(p: Density, q: Density) -> list[Piece]:
    """The whole line, split between the components that are narrow for their distance from 0."""
    marks = [x for f in (p, q) for x in component_marks(f)]
    sizes = sorted((_width(x), float(x[len(x) // 2])) for x in marks if len(x))
    anchors: list[float] = []
    near_zero = False
    for width, centre in sizes:  # the narrowest first: it is the most in need
        if abs(centre) <= FAR * width:
            near_zero = True
        elif all(abs(centre - a) > FAR * width for a in anchors):
            anchors.append(centre)
    if not anchors:
        breaks = _breaks(p, q)
        return [Piece(p, q, 0.0, -math.inf, math.inf, breaks)]
    anchors = sorted({*anchors, 0.0} if near_zero else anchors)
    middles = [-math.inf, *(0.5 * a + 0.5 * b for a, b in itertools.pairwise(anchors)), math.inf]
    return [_seen_from(p, q, a, b - a, c - a) for a, b, c in zip(anchors, middles, middles[1:], strict=False)]


def _breaks(p: Density, q: Density) -> Array:
    """Where either changes: its landmarks and the ends of its support, beyond which it is 0."""
    ends = [end for f in (p, q) for end in (interval(f).low, interval(f).high) if math.isfinite(end)]
    return np.unique(np.concatenate([landmarks(p), landmarks(q), ends]))


def _seen_from(p: Density, q: Density, origin: float, low: float, high: float) -> Piece:
    """`low` and `high` are measured from the origin."""
    p, q = moved(p, origin), moved(q, origin)
    return Piece(p, q, origin, low, high, _breaks(p, q))


def _width(breaks: Array) -> float:
    return float(np.median(np.diff(breaks))) if len(breaks) > 4 else 0.0


def _infinite_at(f: Density, high: float) -> bool:
    """Whether f grows like a power of the distance to its end, so that doubles cannot follow it there."""
    if interval(f).high != high:
        return False
    with np.errstate(all="ignore"):
        y = f._log_prob(high - NEAREST_ROUNDINGS * EPS * high * np.array([1.0, 2.0]))
        return not (y[0] - y[1]) / math.log(2) < 0.02  # the power; NaN is no answer
