"""Counts on a partition that is given: a reference's, or the one that both sides agreed on, slice by slice.

The bin of a value is found by a tree of comparisons with literal edges, six deep at 64 bins, that any engine can run.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import narwhals as nw
import numpy as np

from kullback._result import InputError
from kullback.tables._cells import NAN, NEGATIVE, NULL, POSITIVE, Key
from kullback.tables._count import UNION
from kullback.tables._grid import EXACT
from kullback.tables._held import TOGETHER, Held, binned, lumped
from kullback.tables._kinds import finite, in_steps, value, whole
from kullback.tables._partition import OTHER, OVER, UNDER, Partition
from kullback.tables._rows import rows
from kullback.tables._sides import Side
from kullback.tables._times import own
from kullback.tables._wanted import Slicing

SLICES = 1000
Slice = Any
Tally = dict[Key, int]


def slices(side: Side, by: Slicing) -> dict[Slice, int]:
    """The values of a column and their rows, in order."""
    frame = side.frame.select(by.expression.alias("by")).group_by("by").agg(nw.len().alias("n"))
    totals: dict[Slice, int] = {}
    for key, n in rows(frame.head(SLICES * by.parts + 1)):
        totals[by.key(key)] = totals.get(by.key(key), 0) + int(n)
    if len(totals) > SLICES:
        raise InputError(
            f"by = {by.column!r} has more than {SLICES} values in {side.name}; slice by a coarser column, or time "
            'by longer pieces: every="1mo", --every 1mo'
        )
    return dict(sorted(totals.items(), key=lambda item: (item[0] is None, item[0])))


def tallies(side: Side, partitions: Sequence[Partition], by: Slicing | None) -> dict[str, dict[Slice, Tally]]:
    """Counts on each partition, by slice; None is the one slice when there is no `by`."""
    found: dict[str, dict[Slice, Tally]] = {p.column: {} for p in partitions}
    for start in range(0, len(partitions), TOGETHER):
        for p, key, code, n in _answers(side, partitions[start : start + TOGETHER], by):
            tally = found[p.column].setdefault(key, {})
            name = key_of(p, code, side.nan_is_null)
            tally[name] = tally.get(name, 0) + n
    return found


def _answers(
    side: Side, partitions: Sequence[Partition], by: Slicing | None
) -> Iterable[tuple[Partition, Slice, Any, int]]:
    """Each partition's codes with their rows, by slice."""
    held = Held(side, {p.column: p.kind for p in partitions if by is None and p.kind != "text"})
    for p in partitions:
        if held.holds(p.column):
            yield from ((p, None, code, n) for code, n in _held(side, p, held))
        elif p.other and by is None and side.memory is not None:
            known = lumped(side, p.column, p.values or ())
            yield from ((p, None, "null" if v is None else f"={v}", n) for v, n in known if n)
            yield p, None, "other", len(side.memory) - sum(n for _, n in known)
    asked = [(i, p) for i, p in enumerate(partitions) if not held.holds(p.column)]
    if by is None and side.memory is not None:
        asked = [(i, p) for i, p in asked if not p.other]
    for text in (False, True):  # integers that doubles do not hold are written out
        group = [(i, p) for i, p in asked if worded(p) is text]
        for start in range(0, len(group), UNION):
            parts = [_grouped(side, p, i, by) for i, p in group[start : start + UNION]]
            for index, key, code, n in rows(parts[0] if len(parts) == 1 else nw.concat(parts)):
                p = partitions[int(index)]
                yield p, None if by is None else by.key(key), code_of(side, p, code), int(n)


def _held(side: Side, p: Partition, held: Held) -> Iterable[tuple[Any, int]]:
    """The codes of a column in memory."""
    column = held.column(p.column)
    if p.edges is None:
        values, counts = np.unique(column.values, return_counts=True)
        unit = unit_of(side, p)
        yield from zip((v * unit for v in values.tolist()), counts.tolist(), strict=True)
        yield from column.odd
        return
    yield from binned(column.values, edges_of(side, p) if column.values.dtype.kind != "f" else p.edges)
    outside = len(p.edges) - 1
    for which, n in column.odd:
        yield outside + (4 if which is None else 3 if which != which else 1 if which > 0 else 2), n


def worded(p: Partition) -> bool:
    """Whether an engine answers with texts, which are asked for together."""
    return p.kind == "text" or (p.edges is None and exact(p))


def code_of(side: Side, p: Partition, code: Any) -> Any:
    """An engine's code, as a number again where it was written out."""
    return int(code) * unit_of(side, p) if p.kind != "text" and isinstance(code, str) else code


def unit_of(side: Side, p: Partition) -> int:
    """The nanoseconds in a step of a column of times."""
    return own(side, p.column) if in_steps(p.kind) and p.column not in side.hollow else 1


def exact(p: Partition) -> bool:
    """Whether a column is placed as integers, since doubles may not hold its values."""
    return in_steps(p.kind) or (p.kind == "integer" and max(map(abs, p.edges or p.values or (0,))) > EXACT)


def edges_of(side: Side, p: Partition) -> list[int]:
    """Edges among the integers of a column, or among its steps of time, that part the same values."""
    assert p.edges is not None
    unit = unit_of(side, p)
    return [*(-(-math.ceil(e) // unit) for e in p.edges[:-1]), math.floor(p.edges[-1]) // unit]


def placed(side: Side, p: Partition) -> tuple[nw.Expr, nw.Expr]:
    """The column, and the code of the cell of a partition that it lies in, of it by the name of x."""
    x = nw.col("x")
    taken = whole(side, p.column, p.kind, unit_of(side, p)) if exact(p) else value(side, p.column, p.kind)
    if p.edges is not None:
        return taken, _code(side, x, edges_of(side, p) if exact(p) else p.edges)
    if p.kind == "text":
        # the column's own letters are kept apart from the two marks by a letter in front
        known = nw.when(x.is_in(list(p.values or ()))).then(nw.concat_str(nw.lit("="), x)).otherwise(nw.lit("other"))
        code = nw.when(x.is_null()).then(nw.lit("null")).otherwise(known if p.other else nw.concat_str(nw.lit("="), x))
        return taken, code
    return taken, x.cast(nw.String) if exact(p) else x


def _grouped(side: Side, p: Partition, index: int, by: Slicing | None) -> nw.LazyFrame[Any]:
    taken, code = placed(side, p)
    slice_ = nw.lit(0) if by is None else by.expression
    frame = side.frame.select(taken.alias("x"), slice_.alias("by"))
    frame = frame.with_columns(code.alias("code")).group_by("by", "code").agg(nw.len().alias("n"))
    return frame.select(nw.lit(index).alias("index"), "by", "code", "n")


def _code(side: Side, x: nw.Expr, edges: Sequence[float]) -> nw.Expr:
    """−1 below the edges, the number of the bin, the number of bins above them; three more for what is not finite."""
    n = len(edges) - 1
    inner = nw.when(x > edges[-1]).then(nw.lit(float(n))).otherwise(_tree(x, edges[:-1], -1))
    if not isinstance(edges[0], int):
        # NaN is what is left: Parquet's least and greatest values leave it out, and DuckDB believes then that none is
        below = nw.when(x == -math.inf).then(nw.lit(n + 2.0)).otherwise(nw.lit(n + 3.0))
        outer = nw.when(x == math.inf).then(nw.lit(n + 1.0)).otherwise(below)
        inner = nw.when(finite(side, x)).then(inner).otherwise(outer)
    return nw.when(x.is_null()).then(nw.lit(n + 4.0)).otherwise(inner)


def _tree(x: nw.Expr, edges: Sequence[float], first: int) -> nw.Expr:
    if not edges:
        return nw.lit(float(first))
    middle = len(edges) // 2
    below = _tree(x, edges[:middle], first)
    return nw.when(x < edges[middle]).then(below).otherwise(_tree(x, edges[middle + 1 :], first + middle + 1))


def key_of(p: Partition, code: Any, nan_is_null: bool) -> Key:
    if p.edges is not None:
        n = len(p.edges) - 1
        names = {-1: UNDER, n: OVER, n + 1: POSITIVE, n + 2: NEGATIVE, n + 3: NULL if nan_is_null else NAN, n + 4: NULL}
        return names.get(int(code), ("bin", int(code)))
    if p.kind == "text":
        return NULL if code == "null" else OTHER if code == "other" else ("value", code[1:])
    if code is None:
        return NULL
    if math.isnan(code):
        return NULL if nan_is_null else NAN
    if isinstance(code, int):
        return ("value", code)
    return ("value", float(code)) if math.isfinite(code) else POSITIVE if code > 0 else NEGATIVE
