"""Columns in this process's memory, counted by NumPy: frames, and small tables of DuckDB's, taken out of it once.

The counts are those that an engine would give, to the last one: integers are shifted, doubles multiplied by a power of
two. Neither rounds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np

from kullback.tables._kinds import Kind, in_steps, value, whole
from kullback.tables._rows import rows
from kullback.tables._sides import Side
from kullback.tables._times import own

SMALL = 20_000  # rows of a table of DuckDB's that is taken out of it, some columns at a time
TOGETHER = 128  # columns


class Column(NamedTuple):
    """Doubles or 64-bit integers that are there, and how many rows hold none."""

    values: np.ndarray
    missing: int

    @property
    def finite(self) -> np.ndarray:
        x = self.values
        if x.dtype.kind != "f" or not len(x) or (np.isfinite(x.min()) and np.isfinite(x.max())):
            return x
        return x[np.isfinite(x)]

    @property
    def odd(self) -> list[tuple[float | None, int]]:
        """What is missing, NaN, ∞ or −∞, each with its rows."""
        found: list[tuple[float | None, int]] = [(None, self.missing)]
        if len(self.finite) < len(self.values):
            tests = ((np.nan, np.isnan), (np.inf, np.isposinf), (-np.inf, np.isneginf))
            found += [(which, int(test(self.values).sum())) for which, test in tests]
        return [(which, n) for which, n in found if n]


class Held:
    """The columns of a side that are, or were brought, into memory."""

    def __init__(self, side: Side, kinds: Mapping[str, Kind]) -> None:
        self._side, self._kinds = side, kinds
        self._taken: dict[str, Column] = {}
        self.rows = -1
        if side.memory is not None:
            self.rows = len(side.memory)
        elif kinds and side.frame.implementation.is_duckdb():
            n = _length(side)
            if n <= SMALL:
                self.rows, self._taken = n, _taken(side, kinds)

    def holds(self, name: str) -> bool:
        """Whether the column can be had as doubles or as integers of 64 bits."""
        return self.rows >= 0 and name in self._kinds and _fits(self._side, name, self._kinds[name])

    def column(self, name: str) -> Column:
        found = self._taken.get(name)
        return _column(self._side, name, self._kinds[name]) if found is None else found


def _exact(side: Side, name: str, kind: Kind) -> bool:
    return name not in side.hollow and (kind == "integer" or in_steps(kind))


def _fits(side: Side, name: str, kind: Kind) -> bool:
    wide = isinstance(side.schema[name], nw.Int128 | nw.UInt128 | nw.Decimal)
    return kind != "date" and not (wide and _exact(side, name, kind))


def _expression(side: Side, name: str, kind: Kind) -> nw.Expr:
    return whole(side, name, kind, own(side, name)) if _exact(side, name, kind) else value(side, name, kind)


def _taken(side: Side, kinds: Mapping[str, Kind]) -> dict[str, Column]:
    names = [n for n, k in kinds.items() if _fits(side, n, k)]
    if not names:
        return {}
    frame = side.frame.select(*(_expression(side, n, kinds[n]).alias(f"x{i}") for i, n in enumerate(names)))
    found = nw.to_native(frame).fetchnumpy()
    return {n: _column_of(np.ma.asarray(found[f"x{i}"])) for i, n in enumerate(names)}


def _column_of(x: Any) -> Column:
    there = x.compressed() if x.mask is not np.ma.nomask else x.data
    return Column(
        there if there.dtype == np.uint64 or there.dtype.kind == "f" else there.astype(np.int64), len(x) - len(there)
    )


def _column(side: Side, name: str, kind: Kind) -> Column:
    """A column of a frame: as it lies there, if it can be."""
    assert side.memory is not None
    s = side.memory.get_column(name)
    if side.frame.implementation.is_pandas() and in_steps(kind) and isinstance(s.dtype, nw.Datetime):
        unit = "ns" if own(side, name) == 1 else "us"
        moments = nw.to_native(s).to_numpy(dtype=f"datetime64[{unit}]")
        there = moments[~np.isnat(moments)]
        return Column(there.view(np.int64), len(s) - len(there))
    plain = s.dtype.is_float() or (s.dtype.is_integer() and kind in ("integer", "number"))
    if not plain or name in side.hollow:
        s = side.memory.select(_expression(side, name, kind).alias(name)).get_column(name)
    present = s if _numpy(s) else s.drop_nulls()
    x = present.to_numpy()
    if s.dtype.is_float() or kind == "number":
        return Column(x.astype(np.float64, copy=False), len(s) - len(x))
    return Column(x if x.dtype == np.uint64 else x.astype(np.int64, copy=False), len(s) - len(x))


def _numpy(s: nw.Series[Any]) -> bool:
    """Whether a series of pandas is an array of NumPy's, in which NaN stands for what is missing."""
    return s.implementation.is_pandas() and isinstance(nw.to_native(s).dtype, np.dtype)


def texts(side: Side, names: Sequence[str]) -> list[Counter[str | None]] | None:
    """The values of columns of text with their rows, of a small table; None where the engine shall count them."""
    if side.memory is not None and len(side.memory) <= SMALL:
        columns = [side.memory.select(value(side, n, "text").alias("x")).get_column("x").to_list() for n in names]
        return [Counter(v if isinstance(v, str) else None for v in x) for x in columns]
    if side.memory is not None or not _small(side):
        return None
    found: list[Counter[str | None]] = []
    for start in range(0, len(names), TOGETHER):
        some = names[start : start + TOGETHER]
        frame = side.frame.select(*(value(side, n, "text").alias(f"x{i}") for i, n in enumerate(some)))
        taken = nw.to_native(frame).fetchnumpy()
        found += [Counter(taken[f"x{i}"].tolist()) for i in range(len(some))]
    return found


def _small(side: Side) -> bool:
    """Whether a table is DuckDB's, and small enough to be taken out of it."""
    return side.frame.implementation.is_duckdb() and _length(side) <= SMALL


def _length(side: Side) -> int:
    return int(rows(side.frame.select(nw.len().alias("n")))[0][0])


def binned(x: np.ndarray, edges: Sequence[Any]) -> list[tuple[int, int]]:
    """How many of some finite values lie in each bin, −1 below the first edge and the number of bins above the last."""
    at: Any = np.asarray(edges, dtype=float)
    if x.dtype.kind != "f":
        limits = np.iinfo(x.dtype)
        outside = any(not limits.min <= e <= limits.max for e in edges)
        x, at = (x.astype(object), np.array(edges, dtype=object)) if outside else (x, np.array(edges, dtype=x.dtype))
    index = np.searchsorted(at[:-1], x, side="right")
    index[x > at[-1]] = len(at)
    counts = np.bincount(index)
    there = np.flatnonzero(counts)
    return [(i - 1, n) for i, n in zip(there.tolist(), counts[there].tolist(), strict=True)]


def shares_of(x: np.ndarray, units: Sequence[int]) -> int:
    """The largest of some units, in steps, of which all values are whole multiples; 1 if of none."""
    return next((u for u in units if not (x % u).any()), 1)


def occupied(x: np.ndarray, power: int, look: bool) -> list[tuple[Any, ...]]:
    """The cells of width 2^power that hold any of some finite values: (index, n), with the ends of each where asked."""
    if not len(x):
        return []
    cell = np.floor(x * 2.0**-power) if x.dtype.kind == "f" else x >> power
    first = cell.min()
    index = (cell - first).astype(np.intp)
    counts = np.bincount(index)
    there = np.flatnonzero(counts)
    cells = [(first.item() + i, n) for i, n in zip(there.tolist(), counts[there].tolist(), strict=True)]
    if not look:
        return cells
    order = np.argsort(index.astype(np.uint16) if len(counts) <= 1 << 16 else index, kind="stable")
    starts = np.concatenate([[0], np.cumsum(counts[there])[:-1]])
    ordered = x[order]
    least, most = (f.reduceat(ordered, starts).tolist() for f in (np.minimum, np.maximum))
    return [(*cell, a, b) for cell, a, b in zip(cells, least, most, strict=True)]
