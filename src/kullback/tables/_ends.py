"""How many rows a side has, and between which ends its columns lie."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import narwhals as nw

from kullback.tables._held import Held, whole_multiples
from kullback.tables._kinds import Kind, finite, in_steps, number, value, whole
from kullback.tables._rows import rows
from kullback.tables._sides import Side
from kullback.tables._times import UNITS, own


class Ends(NamedTuple):
    """The least and greatest finite value of a column, and whether others are there; times in nanoseconds."""

    low: float = 0.0
    high: float = 1.0
    odd: bool = False
    unit: int = 1  # the largest of UNITS that all times are whole multiples of


def spread(side: Side, kinds: Mapping[str, Kind], held: Held) -> tuple[int, dict[str, Ends]]:
    """Rows, and the ends of each column; of those that are not in memory by one aggregate.

    Columns are asked for as they are: of Parquet files many engines know the ends without reading the rows.
    """
    found = dict.fromkeys(kinds, Ends())
    asked = []
    for name, kind in kinds.items():
        if held.holds(name):
            found[name] = _ends(side, name, kind, held)
        elif kind != "boolean":
            asked.append(name)
    if held.rows >= 0 and not asked:
        return held.rows, found
    wanted = [nw.len().alias("rows")]
    for i, name in enumerate(asked):
        timed = in_steps(kinds[name]) and name not in side.hollow
        mine = own(side, name) if timed else 0
        x = whole(side, name, kinds[name], mine) if timed else nw.col(name)
        x = day(side, name) if kinds[name] == "date" and name not in side.hollow else x
        wanted += [x.min().alias(f"low{i}"), x.max().alias(f"high{i}")]
        wanted += [(x % (u // mine)).max().alias(f"rest{i}_{u}") for u in UNITS if mine and u > mine]
    first = rows(side.frame.select(*wanted))[0]
    answers = iter(first[1:])
    for name in asked:
        kind = kinds[name]
        low, high = (_number(next(answers), kind) for _ in "ab")
        if in_steps(kind) and name not in side.hollow:
            mine = own(side, name)
            rests = [(u, next(answers)) for u in UNITS if u > mine]
            unit = next((u for u, rest in rests if not rest), mine)
            found[name] = Ends(low * mine, high * mine, False, unit)
            continue
        odd = not (math.isfinite(low) and math.isfinite(high))
        if odd and first[0] and kind not in ("integer", "date"):
            x = value(side, name, kind)
            inner = side.frame.select(x.alias("x")).filter(finite(side, nw.col("x")))
            ends = inner.select(nw.col("x").min().alias("low"), nw.col("x").max().alias("high"))
            low, high = (number(v) for v in rows(ends)[0])
        found[name] = Ends(low, high, odd)
    return int(first[0]), found


def _ends(side: Side, name: str, kind: Kind, held: Held) -> Ends:
    x = held.column(name).values
    low, high = (x[0].item(), x[-1].item()) if len(x) else (math.nan, math.nan)
    if not in_steps(kind) or name in side.hollow:
        return Ends(low, high)
    mine = own(side, name)
    return Ends(low * mine, high * mine, False, mine * whole_multiples(x, [u // mine for u in UNITS if u >= mine]))


def _number(x: Any, kind: Kind) -> float:
    """An engine's answer; an integer of any size stays one."""
    return int(x) if (kind == "integer" or in_steps(kind)) and x is not None and x == x else number(x)


def day(side: Side, name: str) -> nw.Expr:
    """A column of days; of polars by their numbers, since Python has no days beyond the year 9999."""
    return value(side, name, "date") if side.frame.implementation.is_polars() else nw.col(name)
