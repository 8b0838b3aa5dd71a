"""Columns of text by their values; of a long list the commonest of both sides together, the rest as one.

Which values are kept must not hang on one side's counts: those that only just were among its commonest would not be in
another draw of it, and P and Q would differ where nothing does. A reference therefore holds many more values than are
ever compared by name, and how many rows a value may have that it does not hold.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import narwhals as nw

from kullback.numerics.lazy import special
from kullback.tables._cells import NULL, Key
from kullback.tables._count import UNION
from kullback.tables._held import texts
from kullback.tables._kinds import value
from kullback.tables._literal import tallies
from kullback.tables._partition import OTHER, Partition
from kullback.tables._private import Seal
from kullback.tables._rows import rows
from kullback.tables._sides import Side

LIMIT = 1000  # categories of a column by name; of more of them, the commonest half as many
STORED = 10 * LIMIT  # values that a reference holds
MANY = 50 * LIMIT  # values asked of a side
CHANCE = 1e-6  # a value is new where a reference that does not hold it would hold it but for so small a chance
Top = list[tuple[str | None, int]]
Tops = list[Top]


class Listed(NamedTuple):
    """A column of text: its cut, the counts of both sides on it, and what is kept of P."""

    part: Partition
    counts: dict[Key, list[int]]
    stored: dict[Key, int]
    unlisted: int  # rows at most of a value that is not stored


def text(sides: tuple[Side, Side], names: Sequence[str]) -> list[Listed]:
    """Columns of text of two sides."""
    mine, leading = _leading(sides, names)
    found = []
    for i, name in enumerate(names):
        both = [t[i] for t in leading]
        if any(len(t) > LIMIT for t in both):
            part = _cut(name, _commonest(both, sum(t[-1][1] for t in both if len(t) >= MANY)))
            counts = paired(*(_tally(side, part) for side in sides))
            rows_ = sum(pair[0] for pair in counts.values())
            found.append(Listed(part, counts, *stored(mine[i], rows_)))
            continue
        counts = paired(*(dict(keyed(t)) for t in both))
        part = Partition(name, "text", None, tuple(sorted(k[1] for k in counts if k[0] == "value")))
        found.append(Listed(part, counts, {k: c[0] for k, c in counts.items() if c[0]}, 0))
    return found


def stored(top: Top, rows_: int) -> tuple[dict[Key, int], int]:
    """What a reference keeps of a column of so many rows: all values with more rows than it says in the end."""
    unlisted = top[STORED][1] if len(top) > STORED else 0
    kept = {key: n for key, n in keyed(top) if n > unlisted or key == NULL}
    rest = rows_ - sum(kept.values())
    return (kept | {OTHER: rest} if rest else kept), unlisted


def chosen(
    part: Partition, of_p: Mapping[Key, int], unlisted: int, q: Side, top: Top
) -> tuple[Partition, dict[Key, list[int]]] | None:
    """A reference's column cut anew by what both sides hold together, with its counts; None where the list is short."""
    known = {k[1]: n for k, n in of_p.items() if k[0] == "value"}
    if not part.other and len(known) <= LIMIT and len(top) <= LIMIT:
        return None
    if len(top) > LIMIT:
        top = tops(q, [part.column], MANY)[0]
    unseen = top[-1][1] if len(top) >= MANY else 0
    theirs = {v: n for v, n in top if v is not None}
    if unlisted:
        share = sum(of_p.values()) / max(sum(n for _, n in top), 1)
        new = {v: n for v, n in theirs.items() if v not in known}
        sure = {v for v, n in new.items() if special.pdtr(unlisted, max(n - 3 * math.sqrt(n), 0.0) * share) < CHANCE}
        # a value that neither is known nor surely new has so many rows of both sides, at most
        doubt = unlisted + max((n for v, n in new.items() if v not in sure), default=0)
        theirs = {v: n for v, n in theirs.items() if v in sure or known.get(v, 0) + n > doubt}
        known = {v: n for v, n in known.items() if v in theirs or n > doubt}
    cut = _cut(part.column, _commonest([list(known.items()), list(theirs.items())], unseen), part)
    of_q = _tally(q, cut)
    return cut, paired(lumped(of_p, cut), of_q)


def lumped(counts: Mapping[Key, int], part: Partition) -> dict[Key, int]:
    """Counts with every value that a partition does not name among the others."""
    named, found = set(part.values or ()), Counter[Key]()
    for key, n in counts.items():
        found[key if key[0] != "value" or key[1] in named else OTHER] += n
    return dict(found)


def _commonest(both: Sequence[Sequence[tuple[str | None, int]]], unseen: int) -> list[str]:
    """The commonest values of some lists together, none of which another with up to `unseen` rows may have passed.

    Of those with equally many rows some are taken by their hashes: names may tell which side they are of. What was
    seen once tells of nothing.
    """
    totals: Counter[str] = Counter()
    for top in both:
        for v, n in top:
            if v is not None:
                totals[v] += n
    most, unseen = LIMIT // 2, max(unseen, 1)
    least = max(sorted(totals.values(), reverse=True)[most - 1] if len(totals) > most else 0, unseen)
    above = [v for v, n in totals.items() if n > least]
    level = [v for v, n in totals.items() if n == least > unseen]
    return above + sorted(level, key=Seal())[: most - len(above)]


def _cut(name: str, kept: Sequence[str], like: Partition | None = None) -> Partition:
    return Partition(name, "text", None, tuple(sorted(kept)), other=True, seal=None if like is None else like.seal)


def keyed(top: Top) -> list[tuple[Key, int]]:
    return [(NULL if v is None else ("value", v), n) for v, n in top]


def _tally(side: Side, part: Partition) -> dict[Key, int]:
    return tallies(side, [part], None)[part.column].get(None, {})


def paired(p: Mapping[Key, Any], q: Mapping[Key, Any]) -> dict[Key, list[Any]]:
    return {k: [p.get(k, 0), q.get(k, 0)] for k in {**p, **q}}


def _leading(sides: tuple[Side, Side], names: Sequence[str]) -> tuple[Tops, list[Tops]]:
    """The commonest values of P, and those of either side; of a list too long those of both sides together.

    They are counted together where one engine holds both sides, and else the longer list is asked of either: rows
    enough that those with equally many are all among them.
    """
    leading = [tops(side, names, STORED + 1) for side in sides]
    mine = list(leading[0])
    long = [name for i, name in enumerate(names) if any(len(t[i]) > LIMIT for t in leading)]
    if not long:
        return mine, leading
    at = [names.index(name) for name in long]
    if _one_engine(sides):
        for i, top in zip(at, _tops(sides, long, MANY), strict=True):
            leading[0][i], leading[1][i] = top, []
        return mine, leading
    for found, side in zip(leading, sides, strict=True):
        for i, top in zip(at, tops(side, long, MANY), strict=True):
            found[i] = top
    return mine, leading


def _one_engine(sides: tuple[Side, Side]) -> bool:
    """Whether one query reaches both sides' rows; two connections of a database do not."""
    p, q = sides
    by = p.frame.implementation
    return (p.ours and q.ours) or (by is q.frame.implementation and not (by.is_duckdb() or by.is_ibis()))


def tops(side: Side, names: Sequence[str], most: int) -> Tops:
    held = texts(side, names, most)
    if held is None:
        return _tops([side], names, most)
    return [sorted(t, key=lambda pair: (-pair[1], pair[0] is None, pair[0] or ""))[:most] for t in held]


def _tops(sides: Sequence[Side], names: Sequence[str], most: int) -> Tops:
    """Of each column the commonest values of the sides together, with their rows."""
    found: Tops = [[] for _ in names]
    for start in range(0, len(names), UNION):
        parts = []
        for i, name in list(enumerate(names))[start : start + UNION]:
            frames = [side.frame.select(value(side, name, "text").alias("x")) for side in sides]
            frame = (frames[0] if len(frames) == 1 else nw.concat(frames)).group_by("x").agg(nw.len().alias("n"))
            frame = frame.sort("n", "x", descending=[True, False]).head(most)
            parts.append(frame.select(nw.lit(i).alias("i"), "x", "n"))
        for i, x, n in rows(parts[0] if len(parts) == 1 else nw.concat(parts)):
            found[int(i)].append((None if x is None or x != x else str(x), int(n)))
    for t in found:
        t.sort(key=lambda pair: (-pair[1], pair[0] is None, pair[0] or ""))
    return found
