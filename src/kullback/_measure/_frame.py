"""P and Q as P's own place and width see them: what lies far out, or is tiny or huge, loses no digits to that."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TypeVar, cast

from kullback._distribution import Density, Measured, moved
from kullback._result import InputError
from kullback._support import Interval

FAR = 64.0  # locations beyond this many widths are taken away
WIDE = 200  # binary orders of a scale beyond which its squares may leave the doubles
WIDEST = 900  # how many binary orders the other scale may then lie away


Kind = TypeVar("Kind", bound=Measured)


def reduced(p: Kind, q: Kind) -> tuple[Kind, Kind]:
    """Both in P's place and unit, where that is far out or extreme.

    The unit is a power of two, so that nothing is rounded but the difference of the two locations.
    """
    if not (isinstance(p, Density) and isinstance(q, Density)) or p.facts.moved is None or q.facts.moved is None:
        return p, q
    loc, scale = p.facts.frame
    order = math.frexp(scale)[1]
    if abs(loc) <= FAR * scale and abs(order) < WIDE:
        return p, q
    theirs = math.frexp(q.facts.frame[1])[1]
    unit = math.ldexp(1.0, min(max(order, theirs - WIDEST), theirs + WIDEST))
    try:
        return cast(Kind, _seen(p, loc, unit)), cast(Kind, _seen(q, loc, unit))
    except (InputError, OverflowError, ZeroDivisionError):  # a parameter that has no double in that unit
        return p, q


def _seen(f: Density, loc: float, unit: float) -> Density:
    found = moved(f, loc, unit)
    facts = replace(found.facts, view=(loc, unit))
    return Density(found._log_prob, support=found.support, vectorized=True, facts=facts, name=found.name)


def with_width(f: Measured, name: str) -> None:
    """Refuse an interval whose ends doubles cannot tell apart."""
    if isinstance(f, Density) and isinstance(f.support, Interval) and not f.support.low < f.support.high:
        raise InputError(f"{name}: {f} has no width in doubles: its support is {f.support}; shift both sides towards 0")
