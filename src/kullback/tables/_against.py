"""A table against a reference: counted on edges that are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from kullback._format import listing
from kullback._result import InputError
from kullback._result._tables import SliceComparison, TableComparison
from kullback.tables import _literal, _words
from kullback.tables._assemble import added, compared, notes, ranked, sliced_by
from kullback.tables._cells import Key
from kullback.tables._clusters import Grouping, noted
from kullback.tables._kinds import Kind, common, hollowed, kind, type_of, uncountable, whole_days
from kullback.tables._partition import OTHER, Partition
from kullback.tables._reference import Reference
from kullback.tables._sides import Side
from kullback.tables._tabled import PLAIN, Tabled, independent
from kullback.tables._wanted import Wanted
from kullback.tables._words import paired

NEW = 100  # values that the reference lacks, by name


def against(
    reference: Reference, q: Side, wanted: Wanted, joint: Sequence[str] | None, how: Grouping
) -> TableComparison:
    if joint is not None:
        raise InputError("joint: a reference holds counts of single columns; give the table itself as p")
    how = how.of(q)
    wanted = replace(wanted, apart=how.names)
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
    drawn = how.checked(q, "q") if how else None
    long = _long(reference, q, parts)
    parts |= {n: part for n, (part, _) in long.items()}
    mine = {n: _words.lumped(reference.counts[n], p) if n in long else reference.counts[n] for n, p in parts.items()}
    slices: tuple[SliceComparison, ...] = ()
    if slicing is None:
        found, _ = counted(q, {n: part for n, part in parts.items() if n not in long})
    else:
        tallied = _literal.tallies(q, list(parts.values()), slicing)
        slices = compared(_literal.slices(q, slicing), parts, tallied, mine)
        found = {n: added(tallied[n].values()) for n in parts}
    counts = {n: long[n][1] if n in long else paired(mine[n], found[n]) for n in parts}
    pairs: dict[str, tuple[Tabled, Tabled]] = {}
    told: list[str] = []
    if drawn is not None or reference.worth:
        theirs = {n: independent(mine[n], reference.worth.get(n)) for n in parts}
        tabled = None if drawn is None else drawn.tabled(parts)
        pairs = {n: (theirs[n], independent(_second(counts[n])) if tabled is None else tabled[n][PLAIN]) for n in parts}
        if how.weights is not None:
            counts = {n: paired(mine[n], pair[1].counts()) for n, pair in pairs.items()}
        if drawn is not None and slicing is not None:
            slices, told = sliced_by(_literal.slices(q, slicing), theirs, drawn.tabled(parts, slicing), parts)
    rows = round(sum(pair[1] for pair in next(iter(counts.values())).values()))
    if not rows:
        raise InputError(f"q: {q.name} has no rows")
    shown = {n: paired(mine[n], _named(found[n], mine[n])) if n not in long else counts[n] for n in parts}
    return TableComparison(
        reference.name,
        q.name,
        (reference.rows, rows),
        ranked(parts, counts, counts if how.weights is not None else shown, pairs),
        only_p,
        only_q,
        tuple(different),
        None,
        wanted.by,
        slices,
        (*notes((q,), parts), *(noted(None, drawn, 0) if drawn is not None else []), *told),
        reference,
        tuple(left_out),
    )


def _second(counts: Mapping[Key, Sequence[float]]) -> dict[Key, float]:
    return {k: pair[1] for k, pair in counts.items()}


def _long(
    reference: Reference, q: Side, parts: Mapping[str, Partition]
) -> dict[str, tuple[Partition, dict[Key, list[int]]]]:
    """Columns of text whose lists are long, cut anew, with the counts of both sides."""
    texts = [n for n, part in parts.items() if part.kind == "text"]
    found = {}
    for name, top in zip(texts, _words.tops(q, texts, _words.LIMIT + 1) if texts else [], strict=True):
        cut = _words.chosen(parts[name], reference.counts[name], reference.unlisted.get(name, 0), q, top)
        if cut is not None:
            found[name] = cut
    return found


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
            different.append((name, part.kind, type_of(table, name)))
        else:
            parts[name] = part
    return parts, different


def _fits(known: Kind, table: Side, name: str) -> bool:
    both = common(known, kind(table, name, "q"))
    if both == "datetime" and known == "date":
        return whole_days(table, name)  # pandas has no type for days
    return both is not None


def counted(table: Side, parts: Mapping[str, Partition]) -> tuple[dict[str, dict[Key, int]], dict[str, int]]:
    """The counts of a whole table on given partitions, values that a list of texts did not have by name.

    Of a list that is too long the values that are given, and how many rows any other may have.
    """
    numeric = [p for p in parts.values() if p.kind != "text"]
    found = {n: added(t.values()) for n, t in _literal.tallies(table, numeric, None).items()}
    unlisted: dict[str, int] = {}
    texts = [p for p in parts.values() if p.kind == "text"]
    most = _words.STORED + 1
    for part, top in zip(texts, _words.tops(table, [p.column for p in texts], most) if texts else [], strict=True):
        if not part.other and len(top) < most:
            found[part.column] = dict(_words.keyed(top))
            continue
        found[part.column] = added(_literal.tallies(table, [replace(part, other=True)], None)[part.column].values())
        others = [n for v, n in top if v is not None and v not in (part.values or ())]
        unlisted[part.column] = others[0] if others else top[-1][1] if len(top) == most else 0
    return {n: found[n] for n in parts}, unlisted
