"""Which columns are compared, and what slices Q."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from kullback._format import listing
from kullback._result import InputError
from kullback.tables._sides import Side, require

EVERY = re.compile(r"([1-9][0-9]{0,3})(m|h|d|w|mo|q|y)")
EPOCH, MONDAY = dt.date(1970, 1, 1).toordinal(), dt.date(1970, 1, 5).toordinal()
_UNITS = {"m": "1m", "h": "1h", "d": "1d", "w": "1d", "mo": "1mo", "q": "1mo", "y": "1mo"}


@dataclass(frozen=True, slots=True)
class Slicing:
    """The column that slices Q, and into how long pieces of time.

    The engine cuts time into minutes, hours, days or months; weeks and longer pieces are put together from them here,
    so that they begin on the same days on every engine: weeks on Mondays, pieces of days from 1970-01-01 on.
    """

    column: str
    every: str | None = None
    zoned: bool = False  # moments that DuckDB hands over in their zone only with a library beside it

    @property
    def expression(self) -> nw.Expr:
        x = nw.col(self.column)
        if self.zoned:
            x = x.dt.replace_time_zone(None)
        return x if self.every is None else x.dt.truncate(_UNITS[self._length[1]])

    @property
    def parts(self) -> int:
        """How many pieces of the engine's make one of ours, at most."""
        if self.every is None:
            return 1
        n, unit = self._length
        return n * {"w": 7, "q": 3, "y": 12}.get(unit, 1)

    def key(self, x: Any) -> Any:
        """The slice that a value of `expression` belongs to."""
        if x is None or x != x:
            return None
        if self.every is None:
            return x
        (n, unit), parts = self._length, self.parts
        if unit in ("mo", "q", "y"):
            year, month = divmod((x.year * 12 + x.month - 1) // parts * parts, 12)
            return dt.date(year, month + 1, 1)
        if unit in ("d", "w"):
            first = MONDAY if unit == "w" else EPOCH
            return dt.date.fromordinal((dt.date(x.year, x.month, x.day).toordinal() - first) // parts * parts + first)
        minutes = n * (60 if unit == "h" else 1)
        day = (dt.date(x.year, x.month, x.day).toordinal() - EPOCH) * 1440
        whole = (day + x.hour * 60 + x.minute) // minutes * minutes
        return dt.datetime(1970, 1, 1) + dt.timedelta(minutes=whole)

    @property
    def _length(self) -> tuple[int, str]:
        found = EVERY.fullmatch(self.every or "")
        assert found is not None
        return int(found[1]), found[2]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of two tables is asked for."""

    columns: str | Sequence[str] | None = None
    exclude: str | Sequence[str] | None = None
    by: str | None = None
    every: str | None = None
    apart: tuple[str, ...] = ()  # columns that say how the rows go together

    def slicing(self, q: Side) -> Slicing | None:
        if self.by is None:
            if self.every is not None:
                raise InputError(f"every = {self.every!r} goes with by, which names a column of days or times")
            return None
        require(q, self.by, "q (by)")
        zoned = isinstance(q.schema[self.by], nw.Datetime) and q.schema[self.by].time_zone is not None  # type: ignore[attr-defined]
        zoned = zoned and q.frame.implementation.is_duckdb()
        if self.every is None:
            return Slicing(self.by, None, zoned)
        if not EVERY.fullmatch(self.every):
            raise InputError(f'every = {self.every!r} is no length of time; "1d", "1w" and "1mo" are some')
        dtype = q.schema[self.by]
        if not isinstance(dtype, nw.Date | nw.Datetime):
            raise InputError(
                f"every = {self.every!r} cuts days or times, and column {self.by!r} of {q.name} holds {dtype}"
            )
        if isinstance(dtype, nw.Date) and self.every[-1] in "mh":
            raise InputError(f"every = {self.every!r} is shorter than a day, and column {self.by!r} holds days")
        return Slicing(self.by, self.every, zoned)

    def columns_of(self, sides: tuple[Side, Side]) -> tuple[list[str], tuple[str, ...], tuple[str, ...]]:
        """The columns that both sides have, P's alone and Q's alone, of those that are wanted."""
        return self.of((sides[0].name, list(sides[0].schema)), (sides[1].name, list(sides[1].schema)))

    def of(
        self, p: tuple[str, Sequence[str]], q: tuple[str, Sequence[str]]
    ) -> tuple[list[str], tuple[str, ...], tuple[str, ...]]:
        """The same of the names that a table or a reference has, and its columns."""
        (p_name, of_p), (q_name, of_q) = p, q
        every = list(dict.fromkeys([*of_p, *of_q]))
        without = {self.by, *self.apart, *self._asked("exclude", self.exclude, every, p_name, q_name)}
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
