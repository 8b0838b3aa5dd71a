"""Which columns are compared, and what slices Q."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import narwhals as nw

from kullback._format import listing
from kullback._result import InputError
from kullback.tables._sides import Side, require

EVERY = re.compile(r"[1-9][0-9]*(m|h|d|w|mo|q|y)")


@dataclass(frozen=True, slots=True)
class Slicing:
    """The column that slices Q, and into how long pieces of time."""

    column: str
    every: str | None = None

    @property
    def expression(self) -> nw.Expr:
        x = nw.col(self.column)
        return x if self.every is None else x.dt.truncate(self.every)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of two tables is asked for."""

    columns: str | Sequence[str] | None = None
    exclude: str | Sequence[str] | None = None
    by: str | None = None
    every: str | None = None

    def slicing(self, q: Side) -> Slicing | None:
        if self.by is None:
            if self.every is not None:
                raise InputError(f"every = {self.every!r} goes with by, which names a column of days or times")
            return None
        require(q, self.by, "q (by)")
        if self.every is None:
            return Slicing(self.by)
        if not EVERY.fullmatch(self.every):
            raise InputError(f'every = {self.every!r} is no length of time; "1d", "1w" and "1mo" are some')
        dtype = q.schema[self.by]
        if not isinstance(dtype, nw.Date | nw.Datetime):
            raise InputError(
                f"every = {self.every!r} cuts days or times, and column {self.by!r} of {q.name} holds {dtype}"
            )
        if isinstance(dtype, nw.Date) and self.every[-1] in "mh":
            raise InputError(f"every = {self.every!r} is shorter than a day, and column {self.by!r} holds days")
        return Slicing(self.by, self.every)

    def columns_of(self, sides: tuple[Side, Side]) -> tuple[list[str], tuple[str, ...], tuple[str, ...]]:
        """The columns that both sides have, P's alone and Q's alone, of those that are wanted."""
        return self.of((sides[0].name, list(sides[0].schema)), (sides[1].name, list(sides[1].schema)))

    def of(
        self, p: tuple[str, Sequence[str]], q: tuple[str, Sequence[str]]
    ) -> tuple[list[str], tuple[str, ...], tuple[str, ...]]:
        """The same of the names that a table or a reference has, and its columns."""
        (p_name, of_p), (q_name, of_q) = p, q
        every = list(dict.fromkeys([*of_p, *of_q]))
        without = {self.by, *self._asked("exclude", self.exclude, every, p_name, q_name)}
        asked = every
        if self.columns is not None:
            asked = self._asked("columns", self.columns, every, p_name, q_name)
            if not asked:
                raise InputError("columns is empty; name at least one, or leave it out for all that both sides have")
        names = [n for n in dict.fromkeys(asked) if n not in without]
        shared = [n for n in names if n in of_p and n in of_q]
        only_p = tuple(n for n in names if n not in of_q)
        only_q = tuple(n for n in names if n not in of_p)
        if not names:
            raise InputError(f"no column is left to compare without {listing(sorted(n for n in without if n))}")
        if not shared:
            raise InputError(
                f"the tables share no column{'' if names == every else ' of those'}: p ({p_name}) has "
                f"{listing(list(of_p))}; q ({q_name}) has {listing(list(of_q))}"
            )
        return shared, only_p, only_q

    def _asked(
        self, option: str, given: str | Sequence[str] | None, every: Sequence[str], p_name: str, q_name: str
    ) -> list[str]:
        names = [given] if isinstance(given, str) else list(given or ())
        for name in names:
            if name not in every:
                near = difflib.get_close_matches(str(name), every, n=1)
                hint = f"did you mean {near[0]!r}? " if near else ""
                shown = listing([repr(n) if n != n.strip() or "," in n else n for n in every])
                raise InputError(
                    f"p: {p_name} has no column {name!r}; {hint}q ({q_name}) has none either ({option}). "
                    f"The columns are {shown}"
                )
        return names
