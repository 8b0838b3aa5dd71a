"""A table against a reference: counted on edges that are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from kullback._result import InputError
from kullback._result._tables import SliceComparison, TableComparison
from kullback.tables import _literal
from kullback.tables._assemble import added, compared, notes, ranked
from kullback.tables._grid import NULL, Key
from kullback.tables._kinds import common, kind
from kullback.tables._partition import OTHER, Partition
from kullback.tables._reference import Reference
from kullback.tables._sides import Side, require


def against(
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
    parts, different = fitting(reference, q, names)
    slices: tuple[SliceComparison, ...] = ()
    if by is None:
        found = counted(q, parts)
    else:
        tallied = _literal.tallies(q, list(parts.values()), by)
        slices = compared(_literal.slices(q, by), parts, tallied, reference.counts)
        found = {n: added(tallied[n].values()) for n in parts}
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
        ranked(parts, counts),
        tuple(n for n in reference.partitions if n not in q.schema) if columns is None else (),
        tuple(n for n in q.schema if n not in reference.partitions and n != by) if columns is None else (),
        tuple(different),
        None,
        by,
        slices,
        notes((q,), parts),
        reference,
    )


def fitting(
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


def counted(table: Side, parts: Mapping[str, Partition]) -> dict[str, dict[Key, int]]:
    """The counts of a whole table on given partitions; values that a text column had not before are named."""
    numeric = [p for p in parts.values() if p.kind != "text"]
    found = {n: added(t.values()) for n, t in _literal.tallies(table, numeric, None).items()}
    texts = [p for p in parts.values() if p.kind == "text"]
    for part, top in zip(texts, _literal.tops(table, [p.column for p in texts]) if texts else [], strict=True):
        if len(top) > _literal.LIMIT:
            lumped = replace(part, other=True)
            found[part.column] = added(_literal.tallies(table, [lumped], None)[part.column].values())
            continue
        known: set[str] = set(part.values or ())
        tally: dict[Key, int] = {}
        for v, n in top:
            key: Key = NULL if v is None else OTHER if part.other and v not in known else ("value", v)
            tally[key] = tally.get(key, 0) + n
        found[part.column] = tally
    return {n: found[n] for n in parts}
