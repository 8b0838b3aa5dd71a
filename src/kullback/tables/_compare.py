"""compare_tables: columns → cells or categories → counts → divergences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from kullback._format import listing
from kullback._result import InputError, KindError
from kullback._result._tables import JointDivergence, SliceComparison, TableComparison
from kullback.numerics.quiet import quiet
from kullback.tables import _grid, _literal, _words
from kullback.tables._against import against, counted, fitting
from kullback.tables._assemble import Counts, grouped, notes, ranked, sliced, sliced_by
from kullback.tables._clusters import Grouping, hinted, noted, put_together
from kullback.tables._csv import Csv
from kullback.tables._files import Engine
from kullback.tables._kinds import Kind, agreed, type_of, uncountable
from kullback.tables._partition import Partition, bins, partition
from kullback.tables._private import Seal, hidden, marked, opened, sealed, sealing, unquoted
from kullback.tables._reference import Reference
from kullback.tables._sides import Side, require, side, sides
from kullback.tables._tabled import Tabled, shared_groups, worth_of
from kullback.tables._wanted import Wanted


@quiet
def compare_tables(
    p: Any,
    q: Any,
    *,
    columns: str | Sequence[str] | None = None,
    exclude: str | Sequence[str] | None = None,
    joint: Sequence[str] | None = None,
    by: str | None = None,
    every: str | None = None,
    groups: str | None = None,
    weights: str | None = None,
    csv: Csv | None = None,
    names: tuple[str, str] | None = None,
    private: bool | str = False,
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
        A CSV or Parquet file, a folder or a pattern of them, a frame of pandas, polars or pyarrow, a table of
        DuckDB, PySpark or Ibis, or draws of ArviZ, getdist or anesthetic, with their chains and weights; `p` may be a
        `kl.tables.Reference`.
    columns : str or sequence of str, optional
        The columns to compare; all that both tables have when not given.
    exclude : str or sequence of str, optional
        Columns to leave out, such as keys.
    joint : sequence of str, optional
        Columns whose joint divergence is estimated too, from at most about 5,000 complete rows of either table.
    by : str, optional
        A column of Q whose values slice it; P is compared with each slice, in one pass over Q.
    every : str, optional
        Slices of time where `by` names a column of days or times: "1h", "1d", "1w", "1mo", "1q", "1y" or more of one.
    groups : str, optional
        A column that says which rows go together, such as the day, the user or the document that they are of. Errors,
        intervals and p-values are by these groups then; without it they are for independent rows.
    weights : str, optional
        A column that says how much each row counts.
    csv : Csv, optional
        How text files are written: `kl.tables.Csv(decimal=",", null=["NA"])`. What is not said is found out.
    names : pair of str, optional
        What P and Q are called in reports; the names of their files when not given.
    private : bool or str
        Show and store hashes in the place of texts of the data; a text given here is the salt of the hashes. Texts
        that can be guessed, such as names, can be found from hashes without a salt.
    memory_limit : str, optional
        What the embedded DuckDB may hold of files, for example "2GB"; it spills the rest to a temporary folder.
    threads : int, optional
        Threads of the embedded DuckDB at most; never more than the machine has processors.
    seed : int
        Decides which rows stand for the joint divergence.

    Returns
    -------
    TableComparison
        Both divergences, Jensen-Shannon and PSI of every column, in nats, each with a 95 % interval, its value less
        the bias, finite also where the value is ∞; a p-value; the terms; ranked, the most different column first.

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
    how = Grouping(groups, weights)
    if how and joint is not None:
        raise InputError(
            "joint with groups or weights: measure these columns as draws, "
            "kl.compare(kl.Sample(x, groups=…, weights=…), kl.Sample(y, groups=…, weights=…))"
        )
    wanted = Wanted(columns, exclude, by, every, how.names)
    seal = sealing(private)
    with Engine(memory_limit, threads, csv, seal is not None) as engine, unquoted(seal):
        if isinstance(p, Reference):
            known = p if names is None else replace(p, name=names[0])
            kinds = {name: part.kind for name, part in known.partitions.items()}
            table = _called(side(q, "q", engine, kinds), names, 1)
            found = against(opened(known, table, seal), table, wanted, joint, how)
            return hidden(replace(found, reference=known), seal)
        one, other = sides(p, q, engine)
        return hidden(_fresh((_called(one, names, 0), _called(other, names, 1)), wanted, joint, seed, seal, how), seal)


def _called(found: Side, names: Any, which: int) -> Side:
    if names is None:
        return found
    if not isinstance(names, tuple | list) or len(names) != 2:
        raise InputError(f"names must be two, one for p and one for q, not {names!r}")
    return replace(found, name=str(names[which]))


def count(
    table: Any,
    like: Reference,
    *,
    private: bool | str = False,
    memory_limit: str | None = None,
    threads: int | None = None,
) -> Reference:
    """The counts of a table on the edges of a reference, so that they can be added to it.

    Parameters
    ----------
    table : path, data frame or engine's table
        As for `compare_tables`.
    like : Reference
        Whose edges and categories to use; the table must have all its columns.
    private : bool or str
        As the reference was made.
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
    seal = sealing(private)
    if seal is not None and like.private is None:
        raise InputError("private: the reference holds texts as they are; make one with private=True first")
    with Engine(memory_limit, threads, None, seal is not None) as engine, unquoted(seal):
        rows_of = side(table, "table", engine, {name: part.kind for name, part in like.partitions.items()})
        for name in like.partitions:
            require(rows_of, name, "table")
        parts, different = fitting(opened(like, rows_of, seal), rows_of, list(like.partitions))
        if different:
            name, a, b = different[0]
            raise InputError(f"table: column {name!r} is {b} in {rows_of.name} and {a} in the reference")
        found, unlisted = counted(rows_of, parts)
        rows = sum(next(iter(found.values())).values())
        reference = Reference(rows_of.name, rows, parts, found, unlisted)
        return replace(sealed(reference, seal), partitions=dict(like.partitions))


def _fresh(
    pair: tuple[Side, Side], wanted: Wanted, joint: Sequence[str] | None, seed: int, seal: Seal | None, how: Grouping
) -> TableComparison:
    p, q = pair
    slicing = wanted.slicing(q)
    hows = how.of(p), how.of(q)
    drawn = put_together(hows[0].checked(p, "p"), hows[1].checked(q, "q")) if any(hows) else None
    wanted = replace(wanted, apart=(*hows[0].names, *hows[1].names))
    shared, only_p, only_q = wanted.columns_of(pair)
    kinds: dict[str, Kind] = {}
    different: list[tuple[str, str, str]] = []
    left_out: list[tuple[str, str]] = []
    pair, found = agreed(pair, shared)
    p, q = pair
    for name in shared:
        if name not in found:
            why = [text for s, which in zip(pair, "PQ", strict=True) if (text := uncountable(s, name, which))]
            left_out.append((name, why[0]))
        elif (both := found[name]) is None:
            different.append((name, type_of(p, name), type_of(q, name)))
        else:
            kinds[name] = both
    _some(kinds, different, left_out)
    numeric = {n: k for n, k in kinds.items() if k != "text"}
    tables, rows = _grid.cells(pair, numeric, bins)
    for each, n, argument in zip(pair, rows, ("p", "q"), strict=True):
        if not n:
            raise InputError(f"{argument}: {each.name} has no rows")
    parts: dict[str, Partition] = {}
    counts: Counts = {}
    for name, table in tables.items():
        parts[name], counts[name] = partition(table, name, kinds[name])
    texts = [n for n, k in kinds.items() if k == "text"]
    listed = {found.part.column: found for found in (_words.text(pair, texts) if texts else [])}
    parts |= {n: found.part for n, found in listed.items()}
    counts |= {n: found.counts for n, found in listed.items()}
    parts = marked(parts, seal)
    slices: tuple[SliceComparison, ...] = ()
    told: list[str] = []
    pairs: dict[str, tuple[Tabled, Tabled]] = {}
    if drawn is not None:
        tabled = tuple(side.tabled(parts) for side in drawn)
        weighed, pairs = grouped((tabled[0], tabled[1]), parts)
        counts = weighed if any(h.weights is not None for h in hows) else counts
        if slicing is not None:
            theirs = {n: pair[0] for n, pair in pairs.items()}
            slices, told = sliced_by(_literal.slices(q, slicing), theirs, drawn[1].tabled(parts, slicing), parts)
    elif slicing is not None and parts:
        of_p = {n: {k: c[0] for k, c in counts[n].items()} for n in parts}
        slices = sliced(q, slicing, list(parts.values()), of_p)
    combined: JointDivergence | None = None
    if joint is not None:
        from kullback.tables._joint import joint as together  # with every method there is, which few ask for

        for name in joint:
            require(p, name, "p (joint)")
            require(q, name, "q (joint)")
        combined = together(pair, list(joint), kinds, tables, seed)
    columns = ranked(parts, counts, None, pairs)
    worth = {n: worth_of(pair[0]) for n, pair in pairs.items()}
    kept = _reference(p.name, rows[0], parts, counts, listed)
    if drawn is not None and drawn[0].how.weights is not None:
        long = [n for n in listed if parts[n].other]
        heavy: dict[str, Any] = {n: drawn[0].weighed(kept.partitions[n]) for n in long}
        kept = replace(kept, counts={**kept.counts, **heavy})
    reference = replace(kept, worth=worth)
    said = [*noted(*drawn, shared_groups(pairs)), *told] if drawn else hinted(kinds)
    return TableComparison(
        p.name,
        q.name,
        rows,
        columns,
        only_p,
        only_q,
        tuple(different),
        combined,
        wanted.by,
        slices,
        (*notes(pair, parts), *said),
        reference,
        tuple(left_out),
    )


def _reference(
    name: str, rows: int, parts: Mapping[str, Partition], counts: Counts, listed: Mapping[str, _words.Listed]
) -> Reference:
    """What is kept of P."""
    cut, kept = dict(parts), {n: {k: c[0] for k, c in counts[n].items() if c[0]} for n in parts}
    for n, found in listed.items():
        if parts[n].other:
            kept[n] = found.stored
            values = tuple(sorted(k[1] for k in found.stored if k[0] == "value"))
            cut[n] = replace(parts[n], values=values, other=found.unlisted > 0)
    return Reference(name, rows, cut, kept, {n: found.unlisted for n, found in listed.items() if found.unlisted})


def _some(kinds: Any, different: Sequence[tuple[str, str, str]], left_out: Sequence[tuple[str, str]]) -> None:
    """An error where nothing can be said of any column: an empty comparison would look like an equal one."""
    if kinds or different:
        return
    why = [f"column {n!r} {text}" for n, text in left_out]
    raise InputError(f"no column is left to compare: {listing(why, 4)}")


__all__ = ["compare_tables", "count"]
