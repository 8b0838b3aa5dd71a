"""Columns of numbers on cells fine enough for bins of nearly equal mass.

A first pass counts about two thousand cells between the least and the greatest value of both sides; cells that hold
more than a bin's share are counted again, finer, and in the end the least and greatest value of each cell tell a
heavy value from a crowded cell.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kullback.tables._cells import Cells, Task, power
from kullback.tables._count import count
from kullback.tables._ends import spread
from kullback.tables._foresee import Counter, Foresight, Rule, foreseen
from kullback.tables._held import TOGETHER, Held
from kullback.tables._kinds import Kind, in_steps
from kullback.tables._sides import Side

DEPTH = 8  # times that heavy cells are counted anew; each makes them up to two thousand times finer
EXACT = 2**53  # up to here doubles hold every integer


def cells(sides: tuple[Side, Side], kinds: dict[str, Kind], bins: Callable[[int], int]) -> tuple[dict[str, Cells], Any]:
    """Every column of both sides on cells fine enough for bins of nearly equal mass; and the rows of either side."""
    names = list(kinds)
    tables: dict[str, Cells] = {}
    total = (0, 0)
    for start in range(0, max(len(names), 1), TOGETHER):
        some = {n: kinds[n] for n in names[start : start + TOGETHER]}
        held = (Held(sides[0], some), Held(sides[1], some))
        alone = [n for n in some if all(h.holds(n) for h in held)]  # one at a time, so that one is in memory twice
        rest = {n: k for n, k in some.items() if n not in alone}
        for part in [{n: some[n]} for n in alone] + ([rest] if rest or not alone else []):
            found, total = _some(part, sides, bins, held)
            tables |= found
    return {n: tables[n] for n in names}, total


def _some(
    kinds: dict[str, Kind], sides: tuple[Side, Side], bins: Callable[[int], int], held: tuple[Held, Held]
) -> tuple[dict[str, Cells], tuple[int, int]]:
    spreads = [spread(side, kinds, h) for side, h in zip(sides, held, strict=True)]
    total = (spreads[0][0], spreads[1][0])
    odd = [{name: s[1][name].odd for name in kinds} for s in spreads]
    tables: dict[str, Cells] = {}
    tasks = []
    for name, kind in kinds.items():
        ends = [s[1][name] for s in spreads]
        known = [e for e in ends if math.isfinite(e.low) and math.isfinite(e.high)]
        low, high = min((e.low for e in known), default=math.nan), max((e.high for e in known), default=math.nan)
        unit = min((e.unit for e in known), default=1)
        exact = (kind == "integer" or in_steps(kind)) and max(-low, high) > EXACT * unit
        if high > 2**63 and any(s.frame.implementation.is_ibis() for s in sides):
            exact = False  # which has no literals beyond
        if unit > 1:
            low, high = low // unit, high // unit
        table = tables[name] = Cells(low, high, total, unit, exact)
        k = power(table.least, table.most, kind != "number") if known and kind != "date" else 0
        tasks.append(table.task(name, kind, k, table.least))

    def refine(tables: dict[str, Cells], tasks: list[Task], ask: Counter, rule: Rule) -> None:
        for _ in range(DEPTH):
            if not tasks:
                break
            for task, answers in zip(tasks, ask(tasks), strict=True):
                tables[task.column].take(task, answers, [side.nan_is_null for side in sides])
            tasks = finer(tables, rule)

    def finer(tables: dict[str, Cells], rule: Rule) -> list[Task]:
        return [t for name, table in tables.items() for t in table.finer(name, kinds[name], bins, rule)]

    levels = foreseen(sides, tables, tasks, refine)
    ask = Foresight(lambda tasks: count(sides, tasks, odd, held), levels).count
    refine(tables, tasks, ask, _heavy)  # first what both sides hold together decides, then what one of them does
    for table in tables.values():
        table.units = table.lower
    refine(tables, finer(tables, _spiked), ask, _spiked)
    for table in tables.values():
        table.in_nanoseconds()
    return tables, total


def _heavy(table: Cells, bins: int) -> np.ndarray:
    return table.weights() > 1 / bins


def _spiked(table: Cells, bins: int) -> np.ndarray:
    return table.spikes(min(4 / bins, 0.75))
