"""Times as whole numbers of nanoseconds since 1970, on every engine; and the codes that references once had.

An engine counts in steps: the finest unit of seconds, milli-, micro- and nanoseconds that the values of both sides
need, so that what lies in whole seconds is cut at whole seconds, whatever its type could hold.
"""

from __future__ import annotations

import calendar
import datetime as dt

import narwhals as nw

from kullback.tables._sides import Side

SECOND = 1_000_000_000
UNITS = (SECOND, 1_000_000, 1_000, 1)  # in nanoseconds
DAY = 86_400 * SECOND
CYCLE = 146_097  # days in 400 years, after which the calendar repeats
_EPOCH = dt.date(1970, 1, 1).toordinal()


def own(side: Side, column: str) -> int:
    """The nanoseconds in one step of the type of a column of times."""
    if column in side.spans:
        return SECOND // side.spans[column]
    dtype = side.schema[column]
    fine = isinstance(dtype, nw.Datetime) and dtype.time_unit == "ns" and not side.frame.implementation.is_ibis()
    return 1 if fine or column in side.times else 1_000


def steps(side: Side, column: str, unit: int) -> nw.Expr:
    """Times as whole steps of `unit` since 1970, times of day since midnight, spans of time from nothing."""
    mine = own(side, column)
    x = nw.col(column) if column in side.times or column in side.spans else _since(side, column, mine)
    if unit > mine:
        return x // (unit // mine)
    return x * (mine // unit) if mine > unit else x


def _since(side: Side, column: str, mine: int) -> nw.Expr:
    engine, x = side.frame.implementation, nw.col(column).dt
    day = isinstance(side.schema[column], nw.Date)
    if engine.is_polars() or engine.is_pandas_like() or engine.is_pyarrow():
        return x.timestamp("ns" if mine == 1 else "us")
    if engine.is_duckdb() and mine > 1 and not day:
        return x.total_microseconds()  # what DuckDB has for spans is the same function for moments

    def part(expression: nw.Expr) -> nw.Expr:
        return expression.cast(nw.Float64)

    # days since 1970 of a calendar whose year begins in March, by arithmetic that doubles hold exactly
    late = nw.when(x.month() > 2).then(nw.lit(0.0)).otherwise(nw.lit(1.0))
    year, month = part(x.year()) - late, part(x.month()) + 12.0 * late - 3.0
    leap = (year / 4.0).floor() - (year / 100.0).floor() + (year / 400.0).floor()
    days = 365.0 * year + leap + ((153.0 * month + 2.0) / 5.0).floor() + part(x.day()) - 719_469.0
    if day:
        return days.cast(nw.Int64) * (DAY // mine)
    seconds = days * 86_400.0 + part(x.hour()) * 3600.0 + part(x.minute()) * 60.0 + part(x.second())
    fraction = x.nanosecond() if mine == 1 else x.microsecond()
    return seconds.cast(nw.Int64) * (SECOND // mine) + fraction.cast(nw.Int64)


def written(code: int) -> str:
    """A moment as people write it, with as many digits of its second as it needs."""
    days, rest = divmod(int(code), DAY)
    return f"{_day(days)} {clock(rest)}"


def span(code: int) -> str:
    """A span of time: 90 s is 00:01:30, and days stand before."""
    days, rest = divmod(abs(int(code)), DAY)
    return f"{'−' if code < 0 else ''}{f'{days} d ' if days else ''}{clock(rest)}"


def clock(code: int) -> str:
    """A time of day."""
    seconds, fraction = divmod(int(code), SECOND)
    digits = f".{fraction:09d}".rstrip("0") if fraction else ""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{digits}"


def _day(days: int) -> str:
    cycles, within = divmod(days + _EPOCH - 1, CYCLE)
    day = dt.date.fromordinal(within + 1)
    return f"{day.year + 400 * cycles:04d}-{day.month:02d}-{day.day:02d}"


def of_code(code: float) -> int:
    """The moment of ((year·12 + month)·31 + day)·86,400 and seconds; one past a month's end begins the next."""
    days, seconds = divmod(int(code), 86_400)
    months, day = divmod(days - 1, 31)
    year, month = divmod(months - 1, 12)
    if day >= calendar.monthrange(2000 + year % 400, month + 1)[1]:
        year, month, day, seconds = year + month // 11, (month + 1) % 12, 0, 0
    cycles, within = divmod(year - 1, 400)
    first = dt.date(within + 1, month + 1, 1).toordinal() + cycles * CYCLE
    return (first + day - _EPOCH) * DAY + seconds * SECOND
