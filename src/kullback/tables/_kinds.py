"""What a column holds, and the number that stands for each of its values.

Numbers, booleans and dates become doubles, so that one path counts them all; a date becomes
((year·12 + month)·31 + day), a time that times 86,400 plus its second of the day: in order, one to one, and made of
parts that every engine can take.
"""

from __future__ import annotations

import calendar
import datetime as dt
import math
from typing import Any

import narwhals as nw

from kullback._result import InputError
from kullback.tables._sides import Side

DAY = 86_400
Kind = str  # "integer" | "number" | "boolean" | "date" | "datetime" | "instant" | "instant in <zone>" | "text"
NUMBERS = ("integer", "number")
TIMES = ("date", "datetime", "instant")
_REFUSED = (nw.List, nw.Array, nw.Struct, nw.Binary, nw.Object, nw.Duration)
_NAMES = {"List": "lists", "Array": "arrays", "Struct": "records", "Binary": "bytes", "Object": "mixed objects"}


def uncountable(side: Side, column: str, which: str) -> str:
    """Why a column cannot be counted by value; "" for one that can."""
    dtype = side.schema[column]
    if not isinstance(dtype, _REFUSED):
        return ""
    what = _NAMES.get(type(dtype).__name__, "spans of time")
    return f"holds {what} ({dtype}) in {which}, which cannot be counted by value"


def kind(side: Side, column: str, argument: str) -> Kind:
    dtype = side.schema[column]
    why = uncountable(side, column, side.name)
    if why:
        raise InputError(
            f"{argument}: column {column!r} {why}. Leave it out (exclude=, --exclude), or turn it into numbers or text."
        )
    if dtype.is_integer():
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


def _instant(side: Side, zone: str) -> Kind:
    """A moment has one number whatever zone it is shown in, where the engine can move it to UTC."""
    return "instant" if zone == "UTC" or _moves(side) else f"instant in {zone}"


def _moves(side: Side) -> bool:
    engine = side.frame.implementation
    return engine.is_polars() or engine.is_pandas_like() or engine.is_pyarrow()


def timed(kind: Kind) -> bool:
    """Whether a kind is one of days or times."""
    return kind.split(" ")[0] in TIMES


def common(a: Kind, b: Kind) -> Kind | None:
    """The kind under which two columns can be counted together; None if their types differ."""
    if a == b:
        return a
    if {a, b} == set(NUMBERS):
        return "number"
    return "datetime" if {a, b} == {"date", "datetime"} else None


def value(side: Side, column: str, as_kind: Kind) -> nw.Expr:
    """The column as doubles in order, or as text."""
    x = nw.col(column)
    if as_kind == "text":
        return x.cast(nw.String)
    if as_kind == "boolean":
        return x.cast(nw.Int32).cast(nw.Float64)
    if not timed(as_kind):
        return x.cast(nw.Float64)

    if as_kind == "instant" and _moves(side):
        x = x.dt.convert_time_zone("UTC")

    def part(expression: nw.Expr) -> nw.Expr:
        return expression.cast(nw.Float64)

    days = (part(x.dt.year()) * 12.0 + part(x.dt.month())) * 31.0 + part(x.dt.day())
    if as_kind == "date":
        return days
    if isinstance(side.schema[column], nw.Date):
        return days * float(DAY)
    clock = part(x.dt.hour()) * 3600.0 + part(x.dt.minute()) * 60.0 + part(x.dt.second())
    return days * float(DAY) + clock


def number(x: Any) -> float:
    """An engine's answer as the number that stands for it; NaN for none."""
    if x is None or x != x:
        return math.nan
    if isinstance(x, dt.date):
        return float((x.year * 12 + x.month) * 31 + x.day)
    return float(x)


def shown(code: float, kind: Kind) -> Any:
    """The value behind a number of `value`: what people read, and what JSON holds."""
    if kind == "boolean":
        return bool(code)
    if kind == "integer":
        return int(code)
    if kind == "date":
        return _date(code).isoformat()
    if timed(kind):
        days, seconds = divmod(code, DAY)
        whole = int(min(seconds, DAY - 1))
        clock = dt.time(whole // 3600, whole // 60 % 60, whole % 60)
        return dt.datetime.combine(_date(days), clock).isoformat(sep=" ") + ("Z" if kind == "instant" else "")
    return code


def _date(code: float) -> dt.date:
    """The day of a code; one past a month's end, where an edge may lie, is that month's last."""
    months = (int(code) - 1) // 31
    year, month = divmod(months - 1, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return dt.date(year, month + 1, min(int(code) - 31 * months, last))
