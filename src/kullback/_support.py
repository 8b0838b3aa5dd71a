"""Where a distribution lives, and with which base measure.

Two supports of different base measure (a lattice and an interval) share no density: the divergence between
them is infinite, and the text says why.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # of floats


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval of the real line, ends included."""

    low: float = -math.inf
    high: float = math.inf

    measure = "length"
    dim = 1

    def contains(self, x: Any) -> NDArray[np.bool_]:
        values = np.asarray(x)
        return np.asarray((values >= self.low) & (values <= self.high))

    def __str__(self) -> str:
        if self.low == -math.inf and self.high == math.inf:
            return "the real line"
        return f"({self.low:g}, {self.high:g})"


@dataclass(frozen=True, slots=True)
class Lattice:
    """The integers from low to high, both included; either may be infinite."""

    low: float = 0.0
    high: float = math.inf

    measure = "counting"
    dim = 1

    def contains(self, x: Any) -> NDArray[np.bool_]:
        values = np.asarray(x)
        return np.asarray((values >= self.low) & (values <= self.high) & (values == np.floor(values)))

    def __str__(self) -> str:
        if self.high == math.inf:
            return f"the integers from {self.low:g}"
        return f"the integers {self.low:g} to {self.high:g}"


@dataclass(frozen=True, slots=True)
class Labels:
    """A finite set of named outcomes."""

    names: tuple[Hashable, ...]

    measure = "counting"
    dim = 1

    def __str__(self) -> str:
        shown = ", ".join(repr(name) for name in self.names[:4])
        return f"{len(self.names)} outcomes ({shown}{', …' if len(self.names) > 4 else ''})"


@dataclass(frozen=True, slots=True)
class Box:
    """A product of intervals."""

    sides: tuple[Interval, ...]

    measure = "volume"

    @property
    def dim(self) -> int:
        return len(self.sides)

    def contains(self, x: Any) -> NDArray[np.bool_]:
        values = np.asarray(x)
        inside = np.ones(values.shape[:-1], dtype=bool)
        for axis, side in enumerate(self.sides):
            inside &= side.contains(values[..., axis])
        return inside

    def __str__(self) -> str:
        if all(side == Interval() for side in self.sides):
            return f"the real space of {self.dim} dimensions"
        return " × ".join(str(side) for side in self.sides)


Support = Interval | Lattice | Labels | Box


def reals(dim: int) -> Interval | Box:
    """The whole line, or the whole space of `dim` dimensions."""
    return Interval() if dim == 1 else Box((Interval(),) * dim)


def is_subset(inner: Support, outer: Support) -> bool:
    """Whether every point of `inner` lies in `outer`, as sets of the same base measure."""
    if isinstance(inner, Box) and isinstance(outer, Box):
        pairs = zip(inner.sides, outer.sides, strict=True)
        return inner.dim == outer.dim and all(is_subset(a, b) for a, b in pairs)
    if isinstance(inner, Labels) and isinstance(outer, Labels):
        return set(inner.names) <= set(outer.names)
    if isinstance(inner, Interval) and isinstance(outer, Interval):
        return outer.low <= inner.low and inner.high <= outer.high
    if isinstance(inner, Lattice) and isinstance(outer, Lattice):
        return outer.low <= inner.low and inner.high <= outer.high
    return False
