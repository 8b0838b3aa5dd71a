"""P and Q as P's own place and width see them: what lies far out, or is tiny or huge, loses no digits to that."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TypeVar, cast

import numpy as np

from kullback._distribution import Density, Measured, moved
from kullback._result import InputError
from kullback._support import Interval

FAR = 64.0  # locations beyond this many widths are taken away
LEAST = 1e-300  # below it doubles lose digits
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
        found = _seen(p, loc, unit), _seen(q, loc, unit)
        if not all(_held(f) for f in found):
            return p, q
        return cast(Kind, found[0]), cast(Kind, found[1])
    except (InputError, OverflowError, ZeroDivisionError):  # a parameter that has no double in that unit
        return p, q


def _seen(f: Density, loc: float, unit: float) -> Density:
    found = moved(f, loc, unit)
    facts = replace(found.facts, view=(loc, unit))
    return Density(found._log_prob, support=found.support, vectorized=True, facts=facts, name=found.name)


def _held(f: Density) -> bool:
    """Whether its parameters are doubles of full precision."""
    return all(
        isinstance(v, float | int) and (v == 0 or LEAST < abs(v) < 1 / LEAST)
        for v in f.facts.parameters.values()
        if np.ndim(v) == 0
    )


def with_width(f: Measured, name: str) -> None:
    """Refuse an interval whose ends doubles cannot tell apart."""
    if isinstance(f, Density) and isinstance(f.support, Interval) and not f.support.low < f.support.high:
        raise InputError(f"{name}: {f} has no width in doubles: its support is {f.support}; shift both sides towards 0")
