"""What a column holds, and the number that stands for each of its values.

Numbers, booleans and dates become doubles; a date becomes ((year·12 + month)·31 + day): in order, one to one, and
made of parts that every engine can take. Integers that doubles do not hold stay integers, and times are whole numbers
of nanoseconds.
"""

from __future__ import annotations

import calendar
import datetime as dt
import math
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import narwhals as nw

from kullback._result import InputError
from kullback.tables._native import SPAN, TIME
from kullback.tables._rows import rows
from kullback.tables._sides import Side
from kullback.tables._times import DAY, clock, own, span, steps, written

Kind = str  # "integer" | "number" | "boolean" | "date" | "datetime" | "instant" | "instant in <zone>" | "text"
NUMBERS = ("integer", "number")
TIMES = ("date", "datetime", "instant")
_COUNTED = (nw.String, nw.Categorical, nw.Enum, nw.Boolean, nw.Date, nw.Datetime)  # and all numbers
_NAMES = {"List": "lists", "Array": "arrays", "Struct": "records", "Binary": "bytes", "Object": "mixed objects"}
NOTHING = "nothing"  # the kind of a column without a value: that of any other


def uncountable(side: Side, column: str, which: str) -> str:
    """Why a column cannot be counted by value; "" for one that can."""
    dtype = side.schema[column]
    if column in side.hollow or isinstance(dtype, _COUNTED) or dtype.is_numeric():
        return ""
    what = _NAMES.get(type(dtype).__name__, "values of a type that is not known here")
    return f"holds {what} ({dtype}) in {which}, which cannot be counted by value"


def kind(side: Side, column: str, argument: str) -> Kind:
    dtype = side.schema[column]
    why = uncountable(side, column, side.name)
    if why:
        raise InputError(
            f"{argument}: column {column!r} {why}. Leave it out (exclude=, --exclude), or turn it into numbers or text."
        )
    if column in side.hollow:
        return NOTHING
    if column in side.times:
        return TIME
    if column in side.spans:
        return SPAN
    if dtype.is_integer() or (isinstance(dtype, nw.Decimal) and not dtype.scale and not _of_arrow(side)):
        return "integer"
    if dtype.is_numeric():
        return "number"
    if isinstance(dtype, nw.Boolean):
        return "boolean"
    if isinstance(dtype, nw.Date):
        return "date"
    if isinstance(dtype, nw.Datetime):
        return "datetime" if dtype.time_zone is None else _instant(side, dtype.time_zone)
    return "text"


def type_of(side: Side, column: str) -> str:
    """The type of a column as people know it; times of day and spans of time stand as integers here."""
    return "Time" if column in side.times else "Duration" if column in side.spans else str(side.schema[column])


def _of_arrow(side: Side) -> bool:
    """Whether a decimal that is one still was too large for an integer of 64 bits, and there are no longer ones."""
    return side.frame.implementation.is_pyarrow() or side.frame.implementation.is_pandas_like()


def hollowed(side: Side, names: Sequence[str]) -> Side:
    """The side, which knows now which of some columns hold no value."""
    if not names:
        return side
    counts = rows(side.frame.select(*(nw.col(n).count().alias(f"n{i}") for i, n in enumerate(names))))[0]
    return replace(side, hollow=tuple(n for n, c in zip(names, counts, strict=True) if not c))


def agreed(pair: tuple[Side, Side], names: Sequence[str]) -> tuple[tuple[Side, Side], dict[str, Kind | None]]:
    """The kind under which both sides count each column; None where their types differ."""
    doubtful = []
    for name in names:
        odd = any(uncountable(s, name, "") for s in pair)
        if odd or common(kind(pair[0], name, "p"), kind(pair[1], name, "q")) is None:
            doubtful.append(name)
    one, other = (hollowed(s, doubtful) for s in pair)
    found: dict[str, Kind | None] = {}
    for name in names:
        if not any(uncountable(s, name, "") for s in (one, other)):
            found[name] = common(kind(one, name, "p"), kind(other, name, "q"))
    return (one, other), found


def _instant(side: Side, zone: str) -> Kind:
    """A moment has one number whatever zone it is shown in, where the engine tells it in UTC."""
    return "instant" if zone == "UTC" or _moves(side) else f"instant in {zone}"


def _moves(side: Side) -> bool:
    engine = side.frame.implementation
    return engine.is_polars() or engine.is_pandas_like() or engine.is_pyarrow() or engine.is_duckdb()


def timed(kind: Kind) -> bool:
    """Whether a kind is one of days or times."""
    return kind == "date" or in_steps(kind)


def in_steps(kind: Kind) -> bool:
    """Whether a kind is one of times, which are counted in steps of a unit."""
    return kind.split(" ")[0] in TIMES[1:] or kind in (TIME, SPAN)


def common(a: Kind, b: Kind) -> Kind | None:
    """The kind under which two columns can be counted together; None if their types differ."""
    if a == b:
        return "text" if a == NOTHING else a
    if NOTHING in (a, b):
        return b if a == NOTHING else a
    if {a, b} == set(NUMBERS):
        return "number"
    return "datetime" if {a, b} == {"date", "datetime"} else None


def whole_days(side: Side, column: str) -> bool:
    """Whether all moments of a column are midnights."""
    mine = own(side, column)
    rest = steps(side, column, mine) % (DAY // mine)
    return not rows(side.frame.select(rest.max().alias("rest")))[0][0]


def value(side: Side, column: str, as_kind: Kind) -> nw.Expr:
    """The column as doubles in order, or as text."""
    x = nw.col(column)
    if column in side.hollow:
        nothing = nw.when(~x.is_null()).then(nw.lit("" if as_kind == "text" else 0.0)).otherwise(nw.lit(None))
        return nothing if as_kind == "text" else nothing.cast(nw.Float64)
    if as_kind == "text":
        return x.cast(nw.String)
    if as_kind == "boolean":
        return x.cast(nw.Int32).cast(nw.Float64)
    if in_steps(as_kind):
        unit = own(side, column)
        return steps(side, column, unit).cast(nw.Float64) * float(unit)
    if as_kind != "date":
        return x.cast(nw.Float64)

    def part(expression: nw.Expr) -> nw.Expr:
        return expression.cast(nw.Float64)

    return (part(x.dt.year()) * 12.0 + part(x.dt.month())) * 31.0 + part(x.dt.day())


def finite(side: Side, x: nw.Expr) -> nw.Expr:
    """Whether doubles are finite; databases under Ibis have no word for it, and SQLite none for NaN."""
    if side.frame.implementation.is_ibis():
        return (x <= sys.float_info.max) & (x >= -sys.float_info.max)
    return x.is_finite()


def whole(side: Side, column: str, as_kind: Kind, unit: int) -> nw.Expr:
    """A column of integers as they are, of times as steps of `unit`; what no column holds as doubles."""
    if column in side.hollow:
        return value(side, column, as_kind)
    if in_steps(as_kind):
        return steps(side, column, unit)
    engine = side.frame.implementation
    longer = isinstance(side.schema[column], nw.Decimal) and (engine.is_polars() or engine.is_duckdb())
    return nw.col(column).cast(nw.Int128) if longer else nw.col(column)


def number(x: Any) -> float:
    """An engine's answer as the number that stands for it; NaN for none."""
    if x is None or x != x:
        return math.nan
    if isinstance(x, str):  # DuckDB's days beyond those of Python
        return _written(x)
    if isinstance(x, dt.date):
        return float((x.year * 12 + x.month) * 31 + x.day)
    return float(x)


def shown(code: Any, kind: Kind) -> Any:
    """The value behind a number of `value`: what people read, and what JSON holds."""
    if kind == "boolean":
        return bool(code)
    if kind == "integer":
        return int(code)
    if kind == "date":
        return _date(code)
    if kind == TIME:
        return clock(code)
    if kind == SPAN:
        return span(code)
    if in_steps(kind):
        return f"{written(code)}{'Z' if kind == 'instant' else ''}"
    return code


def _date(code: float) -> str:
    """The day of a code, in any year; one past a month's end, where an edge may lie, is that month's last."""
    months = (int(code) - 1) // 31
    year, month = divmod(months - 1, 12)
    last = calendar.monthrange(2000 + year % 400, month + 1)[1]  # the calendar repeats after 400 years
    return f"{year:04d}-{month + 1:02d}-{min(int(code) - 31 * months, last):02d}"


def _written(text: str) -> float:
    """The number of a day that is written out; years before Christ count from −1 = 2 BC on."""
    found = re.match(r"(\d+)-(\d+)-(\d+)(.*BC)?", text)
    if found is None:
        return math.inf if text == "infinity" else -math.inf if text == "-infinity" else math.nan
    year, month, day = map(int, found.groups()[:3])
    return float(((1 - year if found[4] else year) * 12 + month) * 31 + day)
