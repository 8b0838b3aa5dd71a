"""compare_tables: columns → cells or categories → counts → divergences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from kullback._result import InputError, KindError
from kullback._result._column import ColumnComparison
from kullback._result._tables import JointDivergence, SliceComparison, TableComparison
from kullback.tables import _grid, _literal
from kullback.tables._files import Engine
from kullback.tables._grid import NULL, Key
from kullback.tables._joint import joint as together
from kullback.tables._kinds import Kind, common, kind
from kullback.tables._measure import column as measured
from kullback.tables._measure import holm
from kullback.tables._partition import OTHER, Partition, bins, partition
from kullback.tables._reference import Reference
from kullback.tables._sides import Side, chosen, require, side

Counts = dict[str, dict[Key, list[int]]]


def compare_tables(
    p: Any,
    q: Any,
    *,
    columns: str | Sequence[str] | None = None,
    joint: Sequence[str] | None = None,
    by: str | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
    seed: int = 0,
) -> TableComparison:
    """How far apart two tables are, column by column, on the engine that holds the rows.

    Each column is counted on edges or categories that both tables share, and only the counts leave the engine.
    Columns of numbers are cut into bins of nearly equal mass, 2·n^(1/3) of them with n the rows of the smaller table,
    at least 4 and at most 64; a column of at most 20 different values keeps them as categories. Missing values, NaN
    and ±∞ are categories of their own.

    Parameters
    ----------
    p, q : path, data frame or engine's table
        A CSV or Parquet file, a folder or a pattern of them, a frame of pandas, polars or pyarrow, or a table of
        DuckDB, PySpark or Ibis; `p` may be a `kl.tables.Reference`.
    columns : str or sequence of str, optional
        The columns to compare; all that both tables have when not given.
    joint : sequence of str, optional
        Columns whose joint divergence is estimated too, from at most about 5,000 complete rows of either table.
    by : str, optional
        A column of Q whose values slice it; P is compared with each slice, in one pass over Q.
    memory_limit : str, optional
        What the embedded DuckDB may hold of files, for example "2GB"; it spills the rest to a temporary folder.
    threads : int, optional
        Threads of the embedded DuckDB.
    seed : int
        Decides which rows stand for the joint divergence.

    Returns
    -------
    TableComparison
        Both divergences, Jensen-Shannon and PSI of every column, in nats, each with a 95 % interval, its value less
        the bias and a smoothed value; a p-value; the terms; ranked, the most different column first.

    Raises
    ------
    InputError
        A file that cannot be read, tables without a common column or without rows, or a column that cannot be counted.
    KindError
        An argument that is no table.

    Examples
    --------
    >>> import polars as pl
    >>> import kullback as kl
    >>> p = pl.DataFrame({"colour": ["red"] * 50 + ["blue"] * 50, "size": list(range(100))})
    >>> q = pl.DataFrame({"colour": ["red"] * 90 + ["blue"] * 10, "size": list(range(100))})
    >>> found = kl.compare_tables(p, q)
    >>> [(c.column, round(c.forward.value, 6)) for c in found.columns]
    [('colour', 0.510826), ('size', 0.0)]
    """
    if isinstance(q, Reference):
        raise KindError("q is a Reference; pass it as p, the table that the other one is compared with")
    with Engine(memory_limit, threads) as engine:
        if isinstance(p, Reference):
            return _against(p, side(q, "q", engine), columns, joint, by)
        return _fresh((side(p, "p", engine), side(q, "q", engine)), columns, joint, by, seed)


def count(table: Any, like: Reference, *, memory_limit: str | None = None, threads: int | None = None) -> Reference:
    """The counts of a table on the edges of a reference, so that they can be added to it.

    Parameters
    ----------
    table : path, data frame or engine's table
        As for `compare_tables`.
    like : Reference
        Whose edges and categories to use; the table must have all its columns.
    memory_limit, threads
        Of the embedded DuckDB that reads files.

    Examples
    --------
    >>> import polars as pl
    >>> import kullback as kl
    >>> january, february = pl.DataFrame({"x": [1.5, 2.5]}), pl.DataFrame({"x": [2.5, 3.5, 9.0]})
    >>> reference = kl.compare_tables(january, february).reference
    >>> (reference + kl.tables.count(february, reference)).rows
    5
    """
    with Engine(memory_limit, threads) as engine:
        rows_of = side(table, "table", engine)
        for name in like.partitions:
            require(rows_of, name, "table")
        parts, different = _fitting(like, rows_of, list(like.partitions))
        if different:
            name, a, b = different[0]
            raise InputError(f"table: column {name!r} is {b} in {rows_of.name} and {a} in the reference")
        found = _on(rows_of, parts)
        rows = sum(next(iter(found.values())).values())
        return Reference(rows_of.name, rows, dict(like.partitions), found)


def _fresh(
    sides: tuple[Side, Side], columns: Any, joint: Sequence[str] | None, by: str | None, seed: int
) -> TableComparison:
    p, q = sides
    if by is not None:
        require(q, by, "q (by)")
    names = chosen(sides, columns, by)
    kinds: dict[str, Kind] = {}
    different = []
    for name in names:
        a, b = kind(p, name, "p"), kind(q, name, "q")
        both = common(a, b)
        if both is None:
            different.append((name, str(p.schema[name]), str(q.schema[name])))
        else:
            kinds[name] = both
    numeric = {n: k for n, k in kinds.items() if k != "text"}
    tables, rows = _grid.cells(sides, numeric, bins)
    for each, n, argument in zip(sides, rows, ("p", "q"), strict=True):
        if not n:
            raise InputError(f"{argument}: {each.name} has no rows")
    parts: dict[str, Partition] = {}
    counts: Counts = {}
    for name, table in tables.items():
        parts[name], counts[name] = partition(table, name, kinds[name])
    texts = [n for n, k in kinds.items() if k == "text"]
    for part, found in _literal.text(sides, texts) if texts else []:
        parts[part.column], counts[part.column] = part, found
    slices: tuple[SliceComparison, ...] = ()
    if by is not None:
        of_p = {n: {k: c[0] for k, c in counts[n].items()} for n in parts}
        slices = _sliced(q, by, list(parts.values()), of_p)
    combined: JointDivergence | None = None
    if joint is not None:
        for name in joint:
            require(p, name, "p (joint)")
            require(q, name, "q (joint)")
        combined = together(sides, list(joint), kinds, tables, seed)
    reference = Reference(p.name, rows[0], parts, {n: {k: c[0] for k, c in counts[n].items() if c[0]} for n in parts})
    return TableComparison(
        p.name,
        q.name,
        rows,
        _ranked(parts, counts),
        tuple(n for n in p.schema if n not in q.schema) if columns is None else (),
        tuple(n for n in q.schema if n not in p.schema and n != by) if columns is None else (),
        tuple(different),
        combined,
        by,
        slices,
        _notes(sides, parts),
        reference,
    )


def _against(
    reference: Reference, q: Side, columns: Any, joint: Sequence[str] | None, by: str | None
) -> TableComparison:
    if joint is not None:
        raise InputError("joint: a reference holds counts of single columns; give the table itself as p")
    if by is not None:
        require(q, by, "q (by)")
    asked = [columns] if isinstance(columns, str) else columns
    for name in asked or ():
        if name not in reference.partitions:
            raise InputError(f"the reference {reference.name} has no column {name!r}")
        require(q, name, "q")
    names = [n for n in (asked or reference.partitions) if n in q.schema and n != by]
    if not names:
        raise InputError(f"{q.name} has none of the columns of the reference: {', '.join(reference.partitions)}")
    parts, different = _fitting(reference, q, names)
    slices: tuple[SliceComparison, ...] = ()
    if by is None:
        found = _on(q, parts)
    else:
        tallied = _literal.tallies(q, list(parts.values()), by)
        slices = _compared(_literal.slices(q, by), parts, tallied, reference.counts)
        found = {n: _added(tallied[n].values()) for n in parts}
    rows = sum(next(iter(found.values()), {}).values())
    if not rows:
        raise InputError(f"q: {q.name} has no rows")
    counts = {
        n: {k: [reference.counts[n].get(k, 0), found[n].get(k, 0)] for k in {**reference.counts[n], **found[n]}}
        for n in parts
    }
    return TableComparison(
        reference.name,
        q.name,
        (reference.rows, rows),
        _ranked(parts, counts),
        tuple(n for n in reference.partitions if n not in q.schema) if columns is None else (),
        tuple(n for n in q.schema if n not in reference.partitions and n != by) if columns is None else (),
        tuple(different),
        None,
        by,
        slices,
        _notes((q,), parts),
        reference,
    )


def _fitting(
    reference: Reference, table: Side, names: Sequence[str]
) -> tuple[dict[str, Partition], list[tuple[str, str, str]]]:
    """The reference's partitions that serve this table, and the columns whose types differ."""
    parts, different = {}, []
    for name in names:
        part, here = reference.partitions[name], kind(table, name, "q")
        both = common(part.kind, here)
        if both is None or (both == "datetime" and part.kind == "date"):
            different.append((name, part.kind, str(table.schema[name])))
        else:
            parts[name] = part
    return parts, different


def _on(table: Side, parts: Mapping[str, Partition]) -> dict[str, dict[Key, int]]:
    """The counts of a whole table on given partitions; values that a text column had not before are named."""
    numeric = [p for p in parts.values() if p.kind != "text"]
    found = {n: _added(t.values()) for n, t in _literal.tallies(table, numeric, None).items()}
    texts = [p for p in parts.values() if p.kind == "text"]
    for part, top in zip(texts, _literal.tops(table, [p.column for p in texts]) if texts else [], strict=True):
        if len(top) > _literal.LIMIT:
            lumped = replace(part, other=True)
            found[part.column] = _added(_literal.tallies(table, [lumped], None)[part.column].values())
            continue
        known: set[str] = set(part.values or ())
        tally: dict[Key, int] = {}
        for v, n in top:
            key: Key = NULL if v is None else OTHER if part.other and v not in known else ("value", v)
            tally[key] = tally.get(key, 0) + n
        found[part.column] = tally
    return {n: found[n] for n in parts}


def _added(tallies: Any) -> dict[Key, int]:
    total: dict[Key, int] = {}
    for tally in tallies:
        for key, n in tally.items():
            total[key] = total.get(key, 0) + n
    return total


def _sliced(
    q: Side, by: str, parts: Sequence[Partition], of_p: Mapping[str, Mapping[Key, int]]
) -> tuple[SliceComparison, ...]:
    rows = _literal.slices(q, by)
    return _compared(rows, {p.column: p for p in parts}, _literal.tallies(q, parts, by), of_p)


def _compared(
    rows: Mapping[Any, int], parts: Mapping[str, Partition], tallied: Any, of_p: Mapping[str, Mapping[Key, int]]
) -> tuple[SliceComparison, ...]:
    found = []
    for key, n in rows.items():
        counts = {}
        for name in parts:
            here = tallied[name].get(key, {})
            counts[name] = {k: [of_p[name].get(k, 0), here.get(k, 0)] for k in {**of_p[name], **here}}
        found.append(SliceComparison(key, n, _ranked(parts, counts)))
    return tuple(found)


def _ranked(parts: Mapping[str, Partition], counts: Counts) -> tuple[ColumnComparison, ...]:
    found = [measured(part, counts[name]) for name, part in parts.items()]
    adjusted = holm([c.p_value for c in found])
    found = [replace(c, p_adjusted=a) for c, a in zip(found, adjusted, strict=True)]
    return tuple(sorted(found, key=lambda c: (-c.score, c.column)))


def _notes(sides: Sequence[Side], parts: Mapping[str, Partition]) -> tuple[str, ...]:
    notes = [
        f"{n}: more than {_literal.LIMIT} different values; the rare ones are counted together, "
        "which can only make the divergences smaller"
        for n, part in parts.items()
        if part.other
    ]
    if any(s.nan_is_null for s in sides):
        notes.append("pandas does not tell NaN from a missing value; both count as missing")
    return tuple(notes)


__all__ = ["compare_tables", "count"]
