"""Two densities of one bounded support in coordinates without ends, where no draw and no node rounds to an end."""

from __future__ import annotations

import math

from kullback._distribution import Density, _charts, unbound
from kullback._support import Interval, Simplex


def without_ends(p: Density, q: Density) -> tuple[Density, Density] | None:
    """Both in those coordinates, or nothing where they have them already or do not share them."""
    if p.support != q.support or not _charts.free(p.support) or not _has_ends(p):
        return None
    return unbound(p).density, unbound(q).density


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
