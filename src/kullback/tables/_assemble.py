"""From counts to the comparison's parts: columns ranked, slices, notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kullback._result._column import ColumnComparison
from kullback._result._tables import SliceComparison
from kullback.tables import _literal, _words
from kullback.tables._cells import Key
from kullback.tables._measure import column as measured
from kullback.tables._measure import holm
from kullback.tables._partition import Partition
from kullback.tables._sides import Side
from kullback.tables._tabled import PLAIN, Tabled, named
from kullback.tables._wanted import Slicing
from kullback.tables._words import paired

Counts = dict[str, dict[Key, list[int]]]


Pairs = Mapping[str, tuple[Tabled, Tabled]]


def ranked(
    parts: Mapping[str, Partition], counts: Counts, shown: Counts | None = None, pairs: Pairs | None = None
) -> tuple[ColumnComparison, ...]:
    pairs = pairs or {}
    found = [measured(part, counts[name], (shown or counts)[name], pairs.get(name)) for name, part in parts.items()]
    adjusted = holm([c.p_value for c in found])
    found = [replace(c, p_adjusted=a) for c, a in zip(found, adjusted, strict=True)]
    return tuple(sorted(found, key=lambda c: (-c.score, c.column)))


def sliced(
    q: Side, by: Slicing, parts: Sequence[Partition], of_p: Mapping[str, Mapping[Key, int]]
) -> tuple[SliceComparison, ...]:
    rows = _literal.slices(q, by)
    return compared(rows, {p.column: p for p in parts}, _literal.tallies(q, parts, by), of_p)


def compared(
    rows: Mapping[Any, int], parts: Mapping[str, Partition], tallied: Any, of_p: Mapping[str, Mapping[Key, int]]
) -> tuple[SliceComparison, ...]:
    found = []
    for key, n in rows.items():
        counts = {}
        for name in parts:
            here = tallied[name].get(key, {})
            counts[name] = {k: [of_p[name].get(k, 0), here.get(k, 0)] for k in {**of_p[name], **here}}
        found.append(SliceComparison(key, n, ranked(parts, counts)))
    return tuple(found)


def added(tallies: Iterable[Mapping[Key, int]]) -> dict[Key, int]:
    total: dict[Key, int] = {}
    for tally in tallies:
        for key, n in tally.items():
            total[key] = total.get(key, 0) + n
    return total


def grouped(
    tables: tuple[Mapping[str, Mapping[Any, Tabled]], Mapping[str, Mapping[Any, Tabled]]],
    parts: Mapping[str, Partition],
) -> tuple[Counts, dict[str, tuple[Tabled, Tabled]]]:
    """Counts of whole tables as heavy as their weights make them, and what they are made of."""
    pairs = {n: (tables[0][n][PLAIN], tables[1][n][PLAIN]) for n in parts}
    return {n: paired(*(side.counts() for side in pair)) for n, pair in pairs.items()}, pairs


def sliced_by(
    rows: Mapping[Any, int],
    of_p: Mapping[str, Tabled],
    tables: Mapping[str, Mapping[Any, Tabled]],
    parts: Mapping[str, Partition],
) -> tuple[tuple[SliceComparison, ...], list[str]]:
    """Slices of Q against P, by groups or weights, with notes; a slice of one group alone has no error of its own."""
    found, single, empty = [], [], []
    for key, n in rows.items():
        pairs = {name: (of_p[name], tables[name][named(key)]) for name in parts}
        if not all(pair[1].sums.any() for pair in pairs.values()):
            empty.append(key)
            continue
        counts = {name: paired(*(side.counts() for side in pair)) for name, pair in pairs.items()}
        found.append(SliceComparison(key, n, ranked(parts, counts, None, pairs)))
        if any(pair[1].names is not None and len(pair[1].names) < 2 for pair in pairs.values()):
            single.append(key)
    said = []
    if single:
        said.append(f"{len(single):,} slices have one group, which tells nothing of its error: intervals have no end")
    if empty:
        said.append(f"{len(empty):,} slices are left out, whose rows all have the weight 0")
    return tuple(found), said


def notes(sides: Sequence[Side], parts: Mapping[str, Partition]) -> tuple[str, ...]:
    notes = [
        f"{n}: more than {_words.LIMIT} different values; the rare ones are counted together, "
        "which can only make the divergences smaller"
        for n, part in parts.items()
        if part.other
    ]
    if any(s.nan_is_null for s in sides):
        notes.append("pandas does not tell NaN from a missing value; both count as missing")
    told: dict[str, list[str]] = {}
    for side in sides:
        for note, which in side.notes:
            told.setdefault(note, []).append(which)
    return (*notes, *(f"{note} ({' and '.join(which)})" for note, which in told.items()))
