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


def place(x: float) -> str:
    """A point in six digits; far out in all it has, as what lies near it differs in the last."""
    return f"{x:g}" if abs(x) < 1e5 else f"{x:.15g}"


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval of the real line, ends included."""

    low: float = -math.inf
    high: float = math.inf

    measure = "length"
    shape = ()
    dim = 1

    def contains(self, x: Any) -> NDArray[np.bool_]:
        values = np.asarray(x)
        return np.asarray((values >= self.low) & (values <= self.high))

    def __str__(self) -> str:
        if self.low == -math.inf and self.high == math.inf:
            return "the real line"
        return f"({place(self.low)}, {place(self.high)})"


@dataclass(frozen=True, slots=True)
class Lattice:
    """The integers from low to high, both included; either may be infinite."""

    low: float = 0.0
    high: float = math.inf

    measure = "counting"
    shape = ()
    dim = 1

    def contains(self, x: Any) -> NDArray[np.bool_]:
        values = np.asarray(x)
        return np.asarray((values >= self.low) & (values <= self.high) & (values == np.floor(values)))

    def __str__(self) -> str:
        if self.high == math.inf:
            return "the integers" if self.low == -math.inf else f"the integers from {self.low:g}"
        if self.low == -math.inf:
            return f"the integers up to {self.high:g}"
        return f"the integers {self.low:g} to {self.high:g}"


@dataclass(frozen=True, slots=True)
class Labels:
    """A finite set of named outcomes."""

    names: tuple[Hashable, ...]

    measure = "counting"
    shape = ()
    dim = 1

    def __str__(self) -> str:
        shown = ", ".join(repr(name) for name in self.names[:4])
        return f"{len(self.names)} outcomes ({shown}{', …' if len(self.names) > 4 else ''})"


@dataclass(frozen=True, slots=True)
class Box:
    """A product of intervals, of lattices, or of some of each."""

    sides: tuple[Interval | Lattice, ...]

    @property
    def measure(self) -> str:
        kinds = {side.measure for side in self.sides}
        if len(kinds) == 1:
            return "volume" if kinds == {"length"} else "counting"
        return " × ".join(side.measure for side in self.sides)

    @property
    def dim(self) -> int:
        return len(self.sides)

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.dim,)

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


@dataclass(frozen=True, slots=True)
class Simplex:
    """Vectors of `size` non-negative numbers that sum to one; densities are in all but the last of them."""

    size: int

    measure = "area of the simplex"

    @property
    def dim(self) -> int:
        return self.size

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.size,)

    def contains(self, x: Any) -> NDArray[np.bool_]:
        values = np.asarray(x)
        return np.asarray((values >= 0).all(axis=-1) & (np.abs(values.sum(axis=-1) - 1) < 1e-6))

    def __str__(self) -> str:
        return f"the simplex of {self.size} shares"


@dataclass(frozen=True, slots=True)
class Sphere:
    """Unit vectors with `size` coordinates."""

    size: int

    measure = "area of the sphere"

    @property
    def dim(self) -> int:
        return self.size

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.size,)

    def contains(self, x: Any) -> NDArray[np.bool_]:
        return np.asarray(np.abs((np.asarray(x) ** 2).sum(axis=-1) - 1) < 1e-6)

    def __str__(self) -> str:
        return f"the unit sphere in {self.size} dimensions"


@dataclass(frozen=True, slots=True)
class Counts:
    """Vectors of `size` counts that sum to `total`."""

    size: int
    total: int

    measure = "counting"

    @property
    def dim(self) -> int:
        return self.size

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.size,)

    def contains(self, x: Any) -> NDArray[np.bool_]:
        values = np.asarray(x)
        whole = (values >= 0) & (values == np.floor(values))
        return np.asarray(whole.all(axis=-1) & (values.sum(axis=-1) == self.total))

    def __str__(self) -> str:
        return f"{self.size} counts that sum to {self.total}"


@dataclass(frozen=True, slots=True)
class Matrices:
    """All real matrices of that shape."""

    rows: int
    columns: int

    measure = "volume of matrices"

    @property
    def dim(self) -> int:
        return self.rows * self.columns

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.rows, self.columns)

    def contains(self, x: Any) -> NDArray[np.bool_]:
        return np.asarray(np.isfinite(x).all(axis=(-2, -1)))

    def __str__(self) -> str:
        return f"the {self.rows} by {self.columns} matrices"


@dataclass(frozen=True, slots=True)
class PositiveDefinite:
    """Symmetric positive definite matrices; densities are in the entries on and below the diagonal."""

    size: int

    measure = "volume of symmetric matrices"

    @property
    def dim(self) -> int:
        return self.size * self.size

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.size, self.size)

    def contains(self, x: Any) -> NDArray[np.bool_]:
        values = np.asarray(x)
        symmetric = np.isclose(values, np.swapaxes(values, -1, -2)).all(axis=(-2, -1))
        return np.asarray(symmetric & (np.linalg.eigvalsh(values) > 0).all(axis=-1))

    def __str__(self) -> str:
        return f"the positive definite {self.size} by {self.size} matrices"


@dataclass(frozen=True, slots=True)
class Named:
    """A set of which only the name is known: its densities share a base measure with those of the same name."""

    name: str
    shape: tuple[int, ...]

    @property
    def measure(self) -> str:
        return f"volume of {self.name}"

    @property
    def dim(self) -> int:
        return math.prod(self.shape)

    def contains(self, x: Any) -> NDArray[np.bool_]:
        values = np.asarray(x)
        return np.isfinite(values).all(axis=tuple(range(values.ndim - len(self.shape), values.ndim)))

    def __str__(self) -> str:
        return f"{self.name} of shape {self.shape}"


Support = Named | Interval | Lattice | Labels | Box | Simplex | Sphere | Counts | Matrices | PositiveDefinite


def reals(dim: int) -> Interval | Box:
    """The whole line, or the whole space of `dim` dimensions."""
    return Interval() if dim == 1 else Box((Interval(),) * dim)


def ends(support: Support) -> tuple[float, float]:
    """The ends on the line or the integers; elsewhere ∓∞."""
    return (support.low, support.high) if isinstance(support, Interval | Lattice) else (-math.inf, math.inf)


def is_subset(inner: Support, outer: Support) -> bool:
    """Whether every point of `inner` lies in `outer`, as sets of the same base measure."""
    if isinstance(inner, Interval) and isinstance(outer, Interval):
        return outer.low <= inner.low and inner.high <= outer.high
    if isinstance(inner, Lattice) and isinstance(outer, Lattice):
        return outer.low <= inner.low and inner.high <= outer.high
    if isinstance(inner, Box) and isinstance(outer, Box):
        pairs = zip(inner.sides, outer.sides, strict=True)
        return inner.dim == outer.dim and all(is_subset(a, b) for a, b in pairs)
    if isinstance(inner, Labels) and isinstance(outer, Labels):
        return set(inner.names) <= set(outer.names)
    return inner == outer
