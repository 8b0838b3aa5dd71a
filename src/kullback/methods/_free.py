"""Two densities of one bounded support in coordinates without ends, where no draw and no node rounds to an end."""

from __future__ import annotations

import math

import numpy as np

from kullback._distribution import Density, _charts, unbound
from kullback._support import Interval, Simplex

FAR = np.array([600.0, 650.0])  # where coordinates without ends tell the power of a pole
POLE = 0.06  # with a smaller power of the distance, 1e-17 of the mass is nearer to an end than the last panel


def without_ends(p: Density, q: Density) -> tuple[Density, Density] | None:
    """Both in those coordinates, or nothing where they have them already or do not share them."""
    if p.support != q.support or not _charts.free(p.support) or not _has_ends(p):
        return None
    return unbound(p).density, unbound(q).density


def without_poles(p: Density, q: Density) -> tuple[Density, Density] | None:
    """The same, where P has mass nearer to an end than doubles reach: there its pole is an exponential of them."""
    support = p.support
    if p.support != q.support or not isinstance(support, Interval) or not (resolved(p) and resolved(q)):
        return None
    sides = [sign for end, sign in ((support.low, -1.0), (support.high, 1.0)) if math.isfinite(end)]
    if not sides or any(f.anonymous or not _alike(f) for f in (p, q)):
        return None
    carried = unbound(p).density
    with np.errstate(all="ignore"):
        falls = [-np.diff(carried._log_prob(sign * FAR))[0] / (FAR[1] - FAR[0]) for sign in sides]
    return (carried, unbound(q).density) if any(0 < fall < POLE for fall in falls) else None


def _alike(f: Density) -> bool:
    """Whether its components end where it does, so that it has no gaps."""
    return all(part.support == f.support and _alike(part) for _, part in f.facts.components)


def resolved(f: Density) -> bool:
    """Whether f is known by formulas however near to an end: from 0 doubles tell all distances, from others not."""
    facts = f.facts
    if facts.free is not None or not _has_ends(f):
        return True
    if facts.components:
        return all(resolved(part) and part.support == f.support for _, part in facts.components)
    if facts.factors:
        return all(resolved(side) for side in facts.factors)
    if not isinstance(f.support, Interval):
        return False
    far = [end for end in (f.support.low, f.support.high) if math.isfinite(end) and end != 0]
    return not far or facts.moved is not None


def _has_ends(f: Density) -> bool:
    if isinstance(f.support, Interval):
        return f.support != Interval()
    return isinstance(f.support, Simplex) or _charts.bounded(f.support)
