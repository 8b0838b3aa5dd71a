"""Columns in this process's memory, counted by NumPy: frames, and small tables of DuckDB's, taken out of it once.

A column is sorted once; then every cell is a stretch of it. The counts are those that an engine would give, to the last
one: the ends of cells are exact, and so is a comparison.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np

from kullback.tables import _rows
from kullback.tables._kinds import Kind, in_steps, value, whole
from kullback.tables._rows import rows, told
from kullback.tables._sides import Side
from kullback.tables._times import own

TOGETHER = 128  # columns


class Column(NamedTuple):
    """The finite values in order, doubles or integers of 64 bits, and the rows of what is missing, NaN, ∞ or −∞."""

    values: np.ndarray
    odd: list[tuple[float | None, int]]


class Held:
    """The columns of a side that are, or were brought, into memory."""

    def __init__(self, side: Side, kinds: Mapping[str, Kind]) -> None:
        self._side, self._kinds = side, kinds
        self._taken: dict[str, tuple[np.ndarray, int]] = {}
        self._last: tuple[tuple[str, int], Column] | None = None
        self.rows = -1
        if side.memory is not None:
            self.rows = len(side.memory)
        elif kinds and side.frame.implementation.is_duckdb():
            n = _length(side)
            if n <= _rows.SMALL:
                self.rows, self._taken = n, _taken(side, kinds)

    def holds(self, name: str) -> bool:
        """Whether the column can be had as doubles or as integers of 64 bits."""
        return self.rows >= 0 and name in self._kinds and _fits(self._side, name, self._kinds[name])

    def column(self, name: str, unit: int = 0) -> Column:
        """The column, times in their own steps or in those of `unit`; the last one asked for is kept."""
        if self._last is None or self._last[0] != (name, unit):
            if unit:
                x, odd = self.column(name)
                mine = own(self._side, name)
                found = Column(x // (unit // mine) if unit >= mine else x * (mine // unit), odd)
            else:
                there, missing = self._taken.get(name) or _column(self._side, name, self._kinds[name])
                found = _ordered(there, missing)
            self._last = ((name, unit), found)
        return self._last[1]


def _ordered(there: np.ndarray, missing: int) -> Column:
    x = np.sort(there)
    odd: list[tuple[float | None, int]] = [(None, missing)]
    if x.dtype.kind == "f" and len(x) and not (np.isfinite(x[0]) and np.isfinite(x[-1])):
        n = len(x) - int(np.isnan(x).sum())
        low, high = np.searchsorted(x[:n], -np.inf, side="right"), np.searchsorted(x[:n], np.inf)
        odd += [(np.nan, len(x) - n), (np.inf, int(n - high)), (-np.inf, int(low))]
        x = x[low:high]
    return Column(x, [(which, n) for which, n in odd if n])


def _exact(side: Side, name: str, kind: Kind) -> bool:
    return name not in side.hollow and (kind == "integer" or in_steps(kind))


def _fits(side: Side, name: str, kind: Kind) -> bool:
    wide = isinstance(side.schema[name], nw.Int128 | nw.UInt128 | nw.Decimal)
    return kind != "date" and not (wide and _exact(side, name, kind))


def _expression(side: Side, name: str, kind: Kind) -> nw.Expr:
    return whole(side, name, kind, own(side, name)) if _exact(side, name, kind) else value(side, name, kind)


def _taken(side: Side, kinds: Mapping[str, Kind]) -> dict[str, tuple[np.ndarray, int]]:
    names = [n for n, k in kinds.items() if _fits(side, n, k)]
    if not names:
        return {}
    found = _fetched(side, names, [_expression(side, n, kinds[n]) for n in names])
    return {n: _column_of(np.ma.asarray(found[f"x{i}"])) for i, n in enumerate(names)}


def _fetched(side: Side, names: Sequence[str], wanted: Sequence[nw.Expr]) -> Any:
    """Columns of a table of DuckDB's as arrays x0, x1, …"""
    # these columns first and by their names: each expression is held against the names of all columns
    narrow = nw.to_native(side.frame).project(", ".join('"' + n.replace('"', '""') + '"' for n in names))
    frame = nw.from_native(narrow).select(*(x.alias(f"x{i}") for i, x in enumerate(wanted)))
    with told(side.frame):
        return nw.to_native(frame).fetchnumpy()


def _column_of(x: Any) -> tuple[np.ndarray, int]:
    there = x.compressed() if x.mask is not np.ma.nomask else x.data
    return _of_64_bits(there, there.dtype.kind == "f"), len(x) - len(there)


def _of_64_bits(x: np.ndarray, doubles: bool) -> np.ndarray:
    if doubles:
        return x.astype(np.float64, copy=False)
    return x if x.dtype == np.uint64 else x.astype(np.int64, copy=False)


def _column(side: Side, name: str, kind: Kind) -> tuple[np.ndarray, int]:
    """The values of a column of a frame, as they lie there if they can be had so, and the rows without one."""
    assert side.memory is not None
    s = side.memory.get_column(name)
    if side.frame.implementation.is_pandas() and in_steps(kind) and isinstance(s.dtype, nw.Datetime):
        unit = "ns" if own(side, name) == 1 else "us"
        moments = nw.to_native(s).to_numpy(dtype=f"datetime64[{unit}]")
        there = moments[~np.isnat(moments)]
        return there.view(np.int64), len(s) - len(there)
    plain = s.dtype.is_float() or (s.dtype.is_integer() and kind in ("integer", "number"))
    if not plain or name in side.hollow:
        s = side.memory.select(_expression(side, name, kind).alias(name)).get_column(name)
    present = s if _numpy(s) or not s.null_count() else s.drop_nulls()
    x = present.to_numpy()
    return _of_64_bits(x, s.dtype.is_float() or kind == "number"), len(s) - len(x)


def _numpy(s: nw.Series[Any]) -> bool:
    """Whether a series of pandas is an array of NumPy's, in which NaN stands for what is missing."""
    return s.implementation.is_pandas() and isinstance(nw.to_native(s).dtype, np.dtype)


def texts(side: Side, names: Sequence[str], most: int) -> list[list[tuple[str | None, int]]] | None:
    """The commonest values of columns of text with their rows; None where the engine shall count them."""
    if side.memory is None and not _small(side):
        return None
    found: list[list[tuple[str | None, int]]] = []
    for start in range(0, len(names), TOGETHER):
        some = names[start : start + TOGETHER]
        if side.memory is not None:
            columns = [side.memory.select(value(side, n, "text").alias("x")).get_column("x") for n in some]
            found += [_commonest(s, most) for s in columns]
            continue
        taken = _fetched(side, some, [value(side, n, "text") for n in some])
        found += [Counter(taken[f"x{i}"].tolist()).most_common() for i in range(len(some))]
    return found


def lumped(side: Side, name: str, kept: Sequence[str]) -> list[tuple[str | None, int]]:
    """The rows of those values of a column of text that are kept, and of what is missing."""
    assert side.memory is not None
    s = side.memory.select(value(side, name, "text").alias("x")).get_column("x")
    counts = s.drop_nulls().value_counts(name="n").filter(nw.col("x").is_in(list(kept)))
    return [*((str(v), int(n)) for v, n in counts.iter_rows()), (None, int(s.null_count()))]


def _commonest(s: nw.Series[Any], most: int) -> list[tuple[str | None, int]]:
    if len(s) <= _rows.SMALL:
        return Counter(v if isinstance(v, str) else None for v in s.to_list()).most_common()
    counts = s.value_counts(name="n").sort("n", "x", descending=[True, False]).head(most)
    return [(v if isinstance(v, str) else None, int(n)) for v, n in counts.iter_rows()]


def _small(side: Side) -> bool:
    """Whether a table is DuckDB's, and small enough to be taken out of it."""
    return side.frame.implementation.is_duckdb() and _length(side) <= _rows.SMALL


def _length(side: Side) -> int:
    return int(rows(side.frame.select(nw.len().alias("n")))[0][0])


def binned(x: np.ndarray, edges: Sequence[Any]) -> list[tuple[int, int]]:
    """How many of some values in order lie in each bin; −1 is below the first edge, the last number above the last."""
    at = [0, *(_place(x, e) for e in edges[:-1]), _place(x, edges[-1], "right"), len(x)]
    return [(i - 1, n) for i, n in enumerate(np.diff(at).tolist()) if n]


def _place(x: np.ndarray, v: Any, side: Any = "left") -> int:
    """Where a value would stand among others in order; it may be an integer that their type does not hold."""
    if not len(x) or v < x[0].item():
        return 0
    return len(x) if v > x[-1].item() else int(np.searchsorted(x, x.dtype.type(v), side=side))


def whole_multiples(x: np.ndarray, units: Sequence[int]) -> int:
    """The largest of some units of which all values are whole multiples; 1 if of none."""
    return next((u for u in units if not (x % u).any()), 1)


def occupied(
    x: np.ndarray, power: int, low: float, high: float, look: bool, exact: bool = False
) -> tuple[np.ndarray, ...]:
    """The cells of width 2^power that hold any of some values in order, of those in [low, high).

    Their numbers and rows, and the least and greatest value of each where that is asked; as doubles, or as Python's
    integers where these do not hold them.
    """
    x = x[_place(x, low) : _place(x, high)]
    kind = object if exact else float
    if not len(x):
        return tuple(np.empty(0, dtype=d) for d in (kind, float, kind, kind)[: 4 if look else 2])
    if x.dtype.kind == "f":
        first, last = (int(np.floor(e * 2.0**-power)) for e in (x[0], x[-1]))
        inner = np.arange(first + 1, last + 1, dtype=float) * 2.0**power
    else:
        first, last = x[0].item() >> power, x[-1].item() >> power
        inner = np.array([i << power for i in range(first + 1, last + 1)], dtype=x.dtype)
    at = np.concatenate([[0], np.searchsorted(x, inner), [len(x)]])
    counts = np.diff(at)
    there = np.flatnonzero(counts)
    index = np.array([first + i for i in there.tolist()], dtype=object) if exact else there + float(first)
    if not look:
        return index, counts[there].astype(float)
    return index, counts[there].astype(float), x[at[there]].astype(kind), x[at[there + 1] - 1].astype(kind)
