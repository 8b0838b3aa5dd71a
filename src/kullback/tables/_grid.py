"""Counts of doubles on dyadic cells: cell i of width 2^k holds [i·2^k, (i + 1)·2^k).

Multiplying by a power of two is exact, so every engine puts every value in the same cell, and cells of two tables, of
two files or of two engines add up. A first pass counts about two thousand cells between the least and the
greatest value of both sides; cells that hold more than a bin's share are counted again, finer, and on that pass the
least and greatest value of each cell tell a heavy value from a crowded cell.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np

from kullback.tables._kinds import Kind, number, timed, value
from kullback.tables._rows import rows
from kullback.tables._sides import Side

CELLS = 2048
FEW = 20  # at most so many distinct values are categories
FINEST = 2.0**-1000  # a cell's width at least; its inverse must be a double
DEPTH = 8  # times that heavy cells are counted anew; each makes them up to two thousand times finer
RUNS = 3  # stretches of heavy cells counted anew each by itself; above it, all cells at once
SPIKE = 8  # rows at least of one side in a cell that is counted anew for that side alone
UNION = 24  # columns counted in one query

NULL, NAN, POSITIVE, NEGATIVE = ("null",), ("nan",), ("inf",), ("-inf",)
Key = tuple[Any, ...]


class Task(NamedTuple):
    """One column to be counted: all of it, or what lies in [low, high)."""

    column: str
    kind: Kind
    power: int  # cells of width 2^power
    low: float = -math.inf
    high: float = math.inf
    look: bool = False  # also the least and the greatest value of each cell

    @property
    def whole(self) -> bool:
        return math.isinf(self.low)


@dataclass(slots=True)
class Cell:
    """[lower, upper) with its counts; `least` and `most` where they are known."""

    lower: float
    upper: float
    counts: list[int] = field(default_factory=lambda: [0, 0])
    least: float = math.nan
    most: float = math.nan

    @property
    def atom(self) -> bool:
        """All its rows hold one value."""
        return self.least == self.most


@dataclass(slots=True)
class Cells:
    """A column of both sides on its cells, in order, and what is not a finite number."""

    cells: list[Cell]
    special: dict[Key, list[int]]
    least: float
    most: float
    rows: tuple[int, int]
    units: list[float] = field(default_factory=list)  # where the cells began before those of one side's were made finer

    def counts(self) -> np.ndarray:
        """The counts of both sides, one row a cell."""
        return np.array([cell.counts for cell in self.cells], dtype=float).reshape(-1, 2)

    def weights(self) -> np.ndarray:
        """The share of each cell of the rows of both sides together: under P = Q chance has no part in them."""
        both = self.counts().sum(axis=1)
        return np.asarray(both / max(both.sum(), 1))

    def spikes(self, share: float) -> np.ndarray:
        """Cells that hold so large a share of one side, though not of both together."""
        counts = self.counts()
        high = counts > share * np.maximum(counts.sum(axis=0), 1)
        return np.asarray((high & (counts >= SPIKE)).any(axis=1))

    def smaller(self) -> int:
        """Finite values on the side that has fewer of them, of those that have any."""
        totals = [sum(cell.counts[i] for cell in self.cells) for i in (0, 1)]
        return min((t for t in totals if t), default=0)


def spread(side: Side, kinds: dict[str, Kind]) -> tuple[int, dict[str, tuple[float, float, bool]]]:
    """Rows, and of each column the least and greatest finite value and whether others are there; one aggregate.

    Columns are asked for as they are: of Parquet files many engines know the ends without reading the rows.
    """
    asked = [name for name, kind in kinds.items() if kind != "boolean"]
    wanted = [nw.len().alias("rows")]
    for i, name in enumerate(asked):
        x = value(side, name, kinds[name]) if timed(kinds[name]) and kinds[name] != "date" else nw.col(name)
        wanted += [x.min().alias(f"low{i}"), x.max().alias(f"high{i}")]
    first = rows(side.frame.select(*wanted))[0]
    found: dict[str, tuple[float, float, bool]] = dict.fromkeys(kinds, (0.0, 1.0, False))
    for i, name in enumerate(asked):
        low, high = (number(v) for v in first[1 + 2 * i : 3 + 2 * i])
        odd = not (math.isfinite(low) and math.isfinite(high))
        if odd and first[0]:
            x = value(side, name, kinds[name])
            inner = side.frame.select(x.alias("x")).filter(nw.col("x").is_finite())
            ends = inner.select(nw.col("x").min().alias("low"), nw.col("x").max().alias("high"))
            low, high = (number(v) for v in rows(ends)[0])
        found[name] = (low, high, odd)
    return int(first[0]), found


def power(low: float, high: float, integer: bool) -> int:
    """The cells' width as a power of two: about CELLS of them, never finer than the doubles or the integers are."""
    width = high / CELLS - low / CELLS
    k = math.frexp(width)[1] if width > 0 else -1074
    finest = math.frexp(max(abs(low), abs(high)))[1] - 53
    return max(k, finest, 0 if integer else math.frexp(FINEST)[1] - 1)


Answers = list[list[list[tuple[Any, ...]]]]


def count(sides: tuple[Side, Side], tasks: list[Task], odd: Sequence[Mapping[str, bool]]) -> Answers:
    """The occupied cells of each task on each side: (index, n) or (index, n, least, most).

    A few grouped counts are one query; where one DuckDB reads both sides' files, those of both.
    """
    found: Answers = [[[], []] for _ in tasks]
    wanted = [(i, j) for j in (0, 1) for i, t in enumerate(tasks) if t.kind != "date"]
    apart = [wanted] if all(side.ours for side in sides) else [[w for w in wanted if w[1] == j] for j in (0, 1)]
    batches = [[w for w in group if tasks[w[0]].look is look] for group in apart for look in (False, True)]
    for batch in batches:
        for start in range(0, len(batch), UNION):
            parts = [
                _grouped(sides[j], tasks[i], 2 * i + j, odd[j][tasks[i].column])
                for i, j in batch[start : start + UNION]
            ]
            for number_, *rest in rows(parts[0] if len(parts) == 1 else nw.concat(parts)):
                found[int(number_) // 2][int(number_) % 2].append(tuple(rest))
    for i, t in enumerate(tasks):
        if t.kind == "date":
            found[i] = [_days(side, t) for side in sides]
    return found


def _grouped(side: Side, task: Task, number: int, odd: bool) -> nw.LazyFrame[Any]:
    x = nw.col("x")
    frame = side.frame.select(value(side, task.column, task.kind).alias("x"))
    if not task.whole:
        frame = frame.filter((x >= task.low) & (x < task.high))
    cell = x if _whole(task.kind) and task.power == 0 else (x * 2.0**-task.power).floor().cast(nw.Float64)
    if odd and task.whole:  # Spark's floor is an integer, and what is not finite would become one too
        cell = nw.when(x.is_finite()).then(cell).otherwise(x)
    more = [x.min().alias("least"), x.max().alias("most")] if task.look else []
    frame = frame.with_columns(cell.alias("cell")).group_by("cell").agg(nw.len().alias("n"), *more)
    return frame.select(nw.lit(number).alias("task"), "cell", "n", *(["least", "most"] if task.look else []))


def _days(side: Side, task: Task) -> list[tuple[Any, ...]]:
    """A column of days by its days: never many, and no engine need take them apart."""
    found = rows(side.frame.select(nw.col(task.column).alias("x")).group_by("x").agg(nw.len().alias("n")))
    return [(None if math.isnan(number(x)) else number(x), n) for x, n in found]


def cells(sides: tuple[Side, Side], kinds: dict[str, Kind], bins: Callable[[int], int]) -> tuple[dict[str, Cells], Any]:
    """Every column of both sides on cells fine enough for bins of nearly equal mass; and the rows of either side."""
    spreads = [spread(side, kinds) for side in sides]
    total = (spreads[0][0], spreads[1][0])
    odd = [{name: s[1][name][2] for name in kinds} for s in spreads]
    tables: dict[str, Cells] = {}
    tasks = []
    for name, kind in kinds.items():
        low = float(np.fmin(spreads[0][1][name][0], spreads[1][1][name][0]))
        high = float(np.fmax(spreads[0][1][name][1], spreads[1][1][name][1]))
        k = power(low, high, _whole(kind)) if math.isfinite(low) and kind != "date" else 0
        tasks.append(Task(name, kind, k))
        tables[name] = Cells([], {}, low, high, total)
    for rule in (_heavy, _spiked):  # first what both sides hold together decides, then what one of them does
        for _ in range(DEPTH):
            for task, answers in zip(tasks, count(sides, tasks, odd), strict=True):
                _take(tables[task.column], task, answers, [side.nan_is_null for side in sides])
            tasks = [t for name, kind in kinds.items() for t in _finer(tables[name], name, kind, bins, rule)]
            if not tasks:
                break
        for table in tables.values():
            table.units = table.units or [c.lower for c in table.cells]
        tasks = [t for name, kind in kinds.items() for t in _finer(tables[name], name, kind, bins, _spiked)]
    return tables, total


Rule = Callable[[Cells, int], np.ndarray]


def _heavy(table: Cells, bins: int) -> np.ndarray:
    return table.weights() > 1 / bins


def _spiked(table: Cells, bins: int) -> np.ndarray:
    return table.spikes(4 / bins)


def _whole(kind: Kind) -> bool:
    return kind != "number"


def _take(table: Cells, task: Task, answers: list[list[tuple[Any, ...]]], nan_is_null: list[bool]) -> None:
    """The answers of both sides in place of the cells that they refine."""
    kept = [] if task.whole else [c for c in table.cells if not task.low <= c.lower < task.high]
    if task.whole:
        table.special.clear()
    new: dict[float, Cell] = {}
    width, single = 2.0**task.power, _whole(task.kind) and task.power == 0
    for i, answer in enumerate(answers):
        for index, n, *ends in answer:
            if index is None or not -math.inf < index < math.inf:
                table.special.setdefault(special(index, nan_is_null[i]), [0, 0])[i] += int(n)
                continue
            cell = new.get(index)
            if cell is None:
                cell = new[index] = Cell(float(index) * width, float(index + 1) * width)
            cell.counts[i] += int(n)
            low, high = ends or ((cell.lower, cell.lower) if single else (math.nan, math.nan))
            if not cell.least <= low:  # also where none is known yet
                cell.least = float(low)
            if not cell.most >= high:
                cell.most = float(high)
    if table.least == table.most:  # a constant needs no second look
        for cell in new.values():
            cell.least = cell.most = table.least
    table.cells = sorted([*kept, *new.values()], key=lambda c: c.lower)


def special(index: Any, nan_is_null: bool) -> Key:
    """What the number of a cell says when it is not finite."""
    if index is None:
        return NULL
    if index != index:
        return NULL if nan_is_null else NAN
    return POSITIVE if index > 0 else NEGATIVE


def _finer(table: Cells, column: str, kind: Kind, bins: Callable[[int], int], rule: Rule) -> Iterable[Task]:
    """What to count again: cells heavier than a bin, and all of them where so few may be single values."""
    few = len(table.cells) <= FEW
    heavy = rule(table, bins(table.smaller())).tolist()
    open_ = [(few or w) and not c.atom and _divisible(c, kind) for c, w in zip(table.cells, heavy, strict=True)]
    if not any(open_):
        return
    runs: list[list[Cell]] = []
    for i, (cell, wanted) in enumerate(zip(table.cells, open_, strict=True)):
        if wanted and i and open_[i - 1] and table.cells[i - 1].upper == cell.lower:
            runs[-1].append(cell)
        elif wanted:
            runs.append([cell])
    known = all(not math.isnan(run[0].least) for run in runs)
    if len(runs) > RUNS and not known:  # the same cells, with their ends: single values need no more
        yield Task(column, kind, power(table.least, table.most, _whole(kind)), look=True)
        return
    for run in runs:
        low, high = run[0].lower, run[-1].upper
        inner = (low, high) if math.isnan(run[0].least) else (run[0].least, run[-1].most)
        yield Task(column, kind, power(*inner, _whole(kind)), low, high, look=True)


def _divisible(cell: Cell, kind: Kind) -> bool:
    width = cell.upper - cell.lower
    return width > 1 if _whole(kind) else width > max(max(abs(cell.lower), abs(cell.upper)) * 2.0**-52, FINEST)
