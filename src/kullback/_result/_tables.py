"""Two tables, column by column."""

from __future__ import annotations

import html
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from kullback._format import dumps, html_table, listing, plain, text_table, value_text, visible
from kullback._result._column import ColumnComparison, brief, listed, probability
from kullback._result._divergence import Divergence
from kullback._result._errors import InputError
from kullback._result._verdict import Judge, Verdict, verdict

HEADER = ("column", "KL(P‖Q)", "KL(Q‖P)", "Jensen-Shannon", "PSI", "p-value", "carried by (P → Q)")


@dataclass(frozen=True, slots=True, eq=False)
class JointDivergence:
    """Both divergences of several columns together, from a bounded number of complete rows of either table."""

    columns: tuple[str, ...]
    forward: Divergence
    reverse: Divergence
    rows: tuple[int, int]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "columns": list(self.columns),
            "forward": self.forward.to_dict(),
            "reverse": self.reverse.to_dict(),
            "rows": {"p": self.rows[0], "q": self.rows[1]},
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        return f"{', '.join(self.columns)} together, by {self.forward.method}: {self.forward}, {self.reverse}"


@dataclass(frozen=True, slots=True, eq=False)
class SliceComparison:
    """P against one slice of Q."""

    key: Hashable
    rows: int
    columns: tuple[ColumnComparison, ...]

    @property
    def label(self) -> str:
        if isinstance(self.key, str):
            return value_text(self.key)
        return "missing" if self.key is None else visible(str(self.key))

    def __getitem__(self, column: str) -> ColumnComparison:
        return _named(self.columns, column)

    def to_dict(self) -> dict[str, Any]:
        kept = ("column", "forward", "reverse", "jensen_shannon", "psi", "p_value")
        columns = [{k: v for k, v in c.to_dict().items() if k in kept} for c in self.columns]
        return {"slice": plain(self.key), "rows": self.rows, "columns": columns}


@dataclass(frozen=True, slots=True, eq=False)
class TableComparison:
    """Two tables compared column by column, the most different column first.

    Attributes
    ----------
    columns : tuple of ColumnComparison
        One for each column that both tables have under one type, ranked by `score`.
    only_p, only_q : tuple of str
        Columns of one table only.
    different_types : tuple of (column, type in P, type in Q)
        Columns that both have, under types that cannot be counted together.
    left_out : tuple of (column, reason)
        Columns that both have and that cannot be counted, such as lists.
    joint : JointDivergence or None
        Of the columns named by `joint=`.
    by : str or None
        The column that slices Q; `slices` holds one SliceComparison for each of its values, in order.
    reference : Reference
        The edges and counts of P, for later comparisons.
    """

    p: str
    q: str
    rows: tuple[int, int]
    columns: tuple[ColumnComparison, ...]
    only_p: tuple[str, ...] = ()
    only_q: tuple[str, ...] = ()
    different_types: tuple[tuple[str, str, str], ...] = ()
    joint: JointDivergence | None = None
    by: str | None = None
    slices: tuple[SliceComparison, ...] = ()
    notes: tuple[str, ...] = ()
    reference: Any = None
    left_out: tuple[tuple[str, str], ...] = ()

    def __getitem__(self, column: str) -> ColumnComparison:
        return _named(self.columns, column)

    def over(self, threshold: float) -> tuple[ColumnComparison, ...]:
        """The columns whose score passes the threshold, in nats."""
        return tuple(c for c in self.columns if c.score > threshold)

    def verdict(
        self,
        threshold: float | None = None,
        *,
        thresholds: Mapping[str, float] | None = None,
        judge: Judge = "lower",
        allow_missing_columns: bool = False,
        allow_type_change: bool = False,
    ) -> Verdict:
        """What passes a threshold, what is gone or changed, as `check` judges it, without raising.

        Parameters and errors are those of `check`.
        """
        return verdict(self, threshold, thresholds, judge, allow_missing_columns, allow_type_change)

    def check(
        self,
        threshold: float | None = None,
        *,
        thresholds: Mapping[str, float] | None = None,
        judge: Judge = "lower",
        allow_missing_columns: bool = False,
        allow_type_change: bool = False,
    ) -> Verdict:
        """Raise where a column, a slice or the joint divergence is surely over its threshold, or cannot be compared.

        A column fails when the lower end of its interval passes the threshold, all intervals holding together at 95 %,
        and its p-value, by Holm among all that is judged, is at most 0.05: of equal tables at most 5 % of the runs
        fail, however many columns and slices there are. A column of P that Q lacks, that has values in one table only,
        is of another type, or cannot be counted fails too.

        Parameters
        ----------
        threshold : float, optional
            In nats, of every column that has none of its own. Without it only the columns of `thresholds` are judged.
        thresholds : mapping of str to float, optional
            Thresholds by column; of columns measured together under their names joined by ", ".
        judge : "lower" or "value"
            "value" holds the value itself against the threshold, whatever its interval and the p-value.
        allow_missing_columns, allow_type_change : bool
            Whether columns may be gone or without values; whether types may change and columns not be countable.

        Returns
        -------
        Verdict
            What was judged, if all of it passed.

        Raises
        ------
        CheckError
            Something failed; an AssertionError, so that pytest shows it as a failed test. Its text begins with
            a summary and names every failure; its `verdict` holds them.
        InputError
            No threshold, one that is no number or negative, or one for a column that was not compared.

        Examples
        --------
        >>> import polars as pl
        >>> import kullback as kl
        >>> p = pl.DataFrame({"colour": ["red"] * 50 + ["blue"] * 50, "size": list(range(100))})
        >>> q = pl.DataFrame({"colour": ["red"] * 90 + ["blue"] * 10, "size": list(range(100))})
        >>> found = kl.compare_tables(p, q)
        >>> found.check(1.0).summary
        'none of 2 columns over 1 nats'
        >>> found.verdict(0.1).failures[0].column
        'colour'
        """
        found = verdict(self, threshold, thresholds, judge, allow_missing_columns, allow_type_change)
        return found.required()

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": 1,
            "p": self.p,
            "q": self.q,
            "rows": {"p": self.rows[0], "q": self.rows[1]},
            "columns": [c.to_dict() for c in self.columns],
            "only_p": list(self.only_p),
            "only_q": list(self.only_q),
            "different_types": [{"column": c, "p": a, "q": b} for c, a, b in self.different_types],
            "left_out": [{"column": c, "reason": why} for c, why in self.left_out],
            "joint": None if self.joint is None else self.joint.to_dict(),
            "by": self.by,
            "slices": [s.to_dict() for s in self.slices],
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        return dumps(self.to_dict())

    def table(self) -> list[tuple[str, ...]]:
        """The rows that a person reads, under HEADER."""
        return [
            (
                visible(c.column),
                str(c.forward),
                str(c.reverse),
                str(c.jensen_shannon),
                str(c.psi),
                probability(c.p_value),
                c.carried(),
            )
            for c in self.columns
        ]

    def heading(self) -> list[str]:
        return [visible(f"{a} = {b}, {n:,} rows") for a, b, n in zip("PQ", (self.p, self.q), self.rows, strict=True)]

    def lines(self) -> list[str]:
        """What stands under the table."""
        found = []
        if self.only_p:
            found.append(f"Columns of P only: {listing(self.only_p)}")
        if self.only_q:
            found.append(f"Columns of Q only: {listing(self.only_q)}")
        for name, a, b in self.different_types:
            found.append(f"{name} is {a} in P and {b} in Q, and was not compared")
        for name, why in self.left_out:
            found.append(f"{name} was not compared: it {why}")
        for c in self.columns:
            if c.only_p:
                found.append(f"{c.column}: only P has {listed(c.only_p)}")
            if c.only_q:
                found.append(f"{c.column}: only Q has {listed(c.only_q)}")
        if self.joint is not None:
            found += [str(self.joint), *self.joint.notes]
        if self.slices:
            found.append(f"Q in {len(self.slices)} slices by {self.by}; the largest score of each:")
            found += [f"  {s.label}: {_worst(s)}" for s in self.slices]
        return [visible(line) for line in (*found, *self.notes)]

    def __repr__(self) -> str:
        return "\n".join([*self.heading(), text_table([HEADER, *self.table()]), *self.lines()])

    def _repr_html_(self) -> str:
        heading = "<br>".join(html.escape(line) for line in self.heading())
        lines = "".join(f"<li>{html.escape(line)}</li>" for line in self.lines())
        return f"<p>{heading}</p>{html_table(self.table(), HEADER)}<ul>{lines}</ul>"


def _named(columns: tuple[ColumnComparison, ...], column: str) -> ColumnComparison:
    for c in columns:
        if c.column == column:
            return c
    raise InputError(f"no column {column!r} was compared; there are {listing([c.column for c in columns])}")


def _worst(found: SliceComparison) -> str:
    top = max(found.columns, key=lambda c: c.score)
    return f"{top.column} {brief(top.score)} nats, {found.rows:,} rows"
