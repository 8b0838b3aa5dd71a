"""A table against a reference: counted on edges that are given."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from kullback._format import listing
from kullback._result import InputError
from kullback._result._tables import SliceComparison, TableComparison
from kullback.tables import _literal
from kullback.tables._assemble import added, compared, notes, ranked
from kullback.tables._cells import NULL, Key
from kullback.tables._kinds import Kind, common, hollowed, kind, uncountable
from kullback.tables._partition import OTHER, Partition
from kullback.tables._reference import Reference
from kullback.tables._sides import Side
from kullback.tables._wanted import Wanted

NEW = 100  # values that the reference lacks, by name


def against(reference: Reference, q: Side, wanted: Wanted, joint: Sequence[str] | None) -> TableComparison:
    if joint is not None:
        raise InputError("joint: a reference holds counts of single columns; give the table itself as p")
    slicing = wanted.slicing(q)
    of_p, of_q = list(reference.partitions), list(q.schema)
    if not set(of_p) & set(of_q):
        raise InputError(f"{q.name} has none of the columns of the reference: {listing(of_p)}")
    names, only_p, only_q = wanted.of((f"the reference {reference.name}", of_p), (q.name, of_q))
    q = hollowed(q, [n for n in names if uncountable(q, n, "") or not _fits(reference.partitions[n].kind, q, n)])
    left_out = [(n, why) for n in names if (why := uncountable(q, n, "Q"))]
    parts, different = fitting(reference, q, [n for n in names if n not in dict(left_out)])
    if not parts:
        raise InputError(f"no column of {q.name} is of the type that it has in the reference {reference.name}")
    slices: tuple[SliceComparison, ...] = ()
    if slicing is None:
        found = counted(q, parts)
    else:
        tallied = _literal.tallies(q, list(parts.values()), slicing)
        slices = compared(_literal.slices(q, slicing), parts, tallied, reference.counts)
        found = {n: added(tallied[n].values()) for n in parts}
    rows = sum(next(iter(found.values()), {}).values())
    if not rows:
        raise InputError(f"q: {q.name} has no rows")
    named = {n: _named(found[n], reference.counts[n]) for n in parts}
    shown = {n: _paired(reference.counts[n], named[n]) for n in parts}
    counts = {n: _sure(_paired(reference.counts[n], found[n])) for n in parts}
    return TableComparison(
        reference.name,
        q.name,
        (reference.rows, rows),
        ranked(parts, counts, shown),
        only_p,
        only_q,
        tuple(different),
        None,
        wanted.by,
        slices,
        notes((q,), parts),
        reference,
        tuple(left_out),
    )


def _paired(p: Mapping[Key, int], q: Mapping[Key, int]) -> dict[Key, list[int]]:
    return {k: [p.get(k, 0), q.get(k, 0)] for k in {**p, **q}}


def _sure(counts: dict[Key, list[int]]) -> dict[Key, list[int]]:
    """Counts, values that P might as well not have shown among the others where there are others.

    P's commonest values were chosen by P's own rows, and those that only just were among them would not be in another
    draw of it; what Q has of them is then too little, though nothing differs.
    """
    shown = [pair[0] for k, pair in counts.items() if k[0] == "value" and pair[0]]
    if OTHER not in counts or not shown:
        return counts
    least = min(shown) if counts[OTHER][0] else 1
    known = {k: pair for k, pair in counts.items() if k[0] != "value" or pair[0] >= least + 3 * math.sqrt(least)}
    rest = [pair for k, pair in counts.items() if k not in known]
    return known | {OTHER: [sum(pair[i] for pair in (counts[OTHER], *rest)) for i in (0, 1)]}


def _named(found: Mapping[Key, int], known: Mapping[Key, int]) -> dict[Key, int]:
    """Counts with the commonest of the values that the reference lacks by name, and the others as one."""
    new = [k for k in found if k not in known and k[0] == "value"]
    if len(new) <= NEW:
        return dict(found)
    rare = set(sorted(new, key=lambda k: (-found[k], k[1]))[NEW:])
    kept = {k: n for k, n in found.items() if k not in rare}
    return kept | {OTHER: kept.get(OTHER, 0) + sum(found[k] for k in rare)}


def fitting(
    reference: Reference, table: Side, names: Sequence[str]
) -> tuple[dict[str, Partition], list[tuple[str, str, str]]]:
    """The reference's partitions that serve this table, and the columns whose types differ."""
    parts, different = {}, []
    for name in names:
        part = reference.partitions[name]
        if not _fits(part.kind, table, name):
            different.append((name, part.kind, str(table.schema[name])))
        else:
            parts[name] = part
    return parts, different


def _fits(known: Kind, table: Side, name: str) -> bool:
    both = common(known, kind(table, name, "q"))
    return both is not None and not (both == "datetime" and known == "date")


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
