"""A column's rows by cell and group, and the names of groups, which are the same on every engine."""

from __future__ import annotations

import datetime as dt
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from kullback.numerics.clusters import Clusters, own_worth
from kullback.tables._cells import Key
from kullback.tables._reference import Worth
from kullback.tables._wanted import Slicing

Slice = Any
PLAIN = object()  # the slice that is the whole table


@dataclass(frozen=True, slots=True)
class Tabled:
    """A column of one side: sums of weights by group and cell; without groups one row of them, and of their squares."""

    keys: Sequence[Key]
    sums: np.ndarray
    rows: float
    names: np.ndarray | None = None
    squares: np.ndarray | None = None
    growth: float = 1.0
    free: float = math.inf

    def clusters(self, keys: Sequence[Key]) -> Clusters:
        """On cells in an order."""
        at = {k: i for i, k in enumerate(self.keys)}
        places = [at.get(k, len(self.keys)) for k in keys]  # the last column stands for cells without a row
        sums = np.pad(self.sums, ((0, 0), (0, 1)))[:, places]
        squares = None if self.squares is None else np.append(self.squares, 0.0)[places]
        return Clusters(sums, float(self.rows), self.names, squares, self.growth, self.free)

    def counts(self) -> dict[Key, float]:
        """Rows by cell, as heavy as their weights make them."""
        whole = self.sums.sum(axis=0)
        return dict(zip(self.keys, (whole * self.rows / whole.sum()).tolist(), strict=True))


def independent(counts: Mapping[Key, float], worth: Worth | None = None) -> Tabled:
    """Rows that are, or stand for so many that would be."""
    rows_ = math.fsum(counts.values())
    share = 1.0 if worth is None else worth.rows / rows_
    sums = np.array([n * share for n in counts.values()])
    told = () if worth is None else (worth.growth, worth.free)
    return Tabled(list(counts), sums[None, :], rows_ * share, None, sums, *told)


def worth_of(side: Tabled) -> Worth:
    """What is kept of how a side's rows go together."""
    found = side.clusters(side.keys)
    return Worth(*own_worth(found), found.degrees)


@dataclass(frozen=True, slots=True)
class Cells:
    """A column's rows by slice, group and cell."""

    slices: list[Slice]
    codes: list[Any]
    names: np.ndarray
    rows: np.ndarray
    sums: np.ndarray
    squares: np.ndarray | None

    def tabled(self, i: int, keys: Sequence[Key]) -> Tabled:
        """One slice; a cell that two codes stand for, such as NaN and nothing, once."""
        sums, squares = self.sums[i], None if self.squares is None else self.squares[i]
        unique = list(dict.fromkeys(keys))
        if len(unique) < len(keys):
            onto = np.array([[k == u for u in unique] for k in keys], dtype=float)
            sums, squares = sums @ onto, None if squares is None else squares @ onto
        if squares is not None:
            return Tabled(unique, sums.sum(axis=0, keepdims=True), float(self.rows[i]), None, squares)
        there = sums.any(axis=1)
        return Tabled(unique, sums[there], float(self.rows[i]), self.names[there])


def numbered(x: np.ndarray) -> tuple[list[Any], np.ndarray]:
    """The different values of an array, and the number of each entry's."""
    if x.dtype.kind in "iu" and len(x):
        low, high = int(x.min()), int(x.max())
        if high - low < 4 * len(x):
            there = np.flatnonzero(np.bincount(x - low))
            numbers = np.zeros(high - low + 1, dtype=np.int64)
            numbers[there] = np.arange(len(there))
            return (there + low).tolist(), numbers[x - low]
    if x.dtype.kind in "iuf" and not np.isnan(x).any():
        values, at = np.unique(x, return_inverse=True)
        return values.tolist(), at.reshape(-1)
    places: dict[Any, int] = {}
    found = x.tolist()
    at = np.fromiter((places.setdefault(v if v == v else None, len(places)) for v in found), np.int64, len(found))
    return list(places), at


def pieces(by: Slicing, values: list[Any], at: np.ndarray) -> tuple[list[Slice], np.ndarray]:
    """The slices that different values belong to, and the number of each entry's."""
    keys = [named(by.key(v)) for v in values]
    slices = list(dict.fromkeys(keys))
    places = {k: i for i, k in enumerate(slices)}
    return slices, np.array([places[k] for k in keys])[at]


def bucket(name: str, number: int) -> int:
    """Which of a number of buckets a group is put into."""
    return int(name) % number if name.removeprefix("-").isdecimal() else zlib.crc32(name.encode()) % number


def named(v: Any) -> str:
    """A value's name, the same on every engine: a midnight is its day, a moment in UTC, no point in whole numbers."""
    if isinstance(v, dt.datetime):
        if v.tzinfo is not None:
            v = v.astimezone(dt.UTC).replace(tzinfo=None)
        midnight = not (v.hour or v.minute or v.second or v.microsecond)
        return v.date().isoformat() if midnight else str(v)
    if isinstance(v, float | Decimal) and math.isfinite(v):
        return str(int(v)) if v == int(v) else str(float(v))
    return str(v)


def shared_groups(pairs: Mapping[str, tuple[Tabled, Tabled]]) -> int:
    """How many groups stand on both sides."""
    for p, q in pairs.values():
        if p.names is not None and q.names is not None:
            return len(np.intersect1d(p.names, q.names))
    return 0
