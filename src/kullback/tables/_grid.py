"""Counts of numbers on dyadic cells: cell i of width 2^k holds [i·2^k, (i + 1)·2^k).

Multiplying by a power of two is exact, so every engine puts every value in the same cell, and cells of two tables, of
two files or of two engines add up. Integers and times that doubles do not hold are divided as integers.

A first pass counts about two thousand cells between the least and the greatest value of both sides; cells that hold
more than a bin's share are counted again, finer, and on that pass the least and greatest value of each cell tell a
heavy value from a crowded cell.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np

from kullback._result import InputError
from kullback.tables._held import TOGETHER, Held, occupied, whole_multiples
from kullback.tables._kinds import Kind, in_steps, number, value, whole
from kullback.tables._rows import rows
from kullback.tables._sides import Side
from kullback.tables._times import UNITS, own

CELLS = 2048
FEW = 20  # at most so many distinct values are categories
FINEST = 2.0**-1000  # a cell's width at least; its inverse must be a double
DEPTH = 8  # times that heavy cells are counted anew; each makes them up to two thousand times finer
RUNS = 3  # stretches of heavy cells counted anew each by itself; above it, all cells at once
SPIKE = 3  # rows at least of one side in a cell that is counted anew for that side alone
UNION = 24  # columns counted in one query
EXACT = 2**53  # up to here doubles hold every integer

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
    unit: int = 1  # of times: nanoseconds in a step
    start: int | None = None  # of integers beyond doubles: where the counting of cells begins, a multiple of the width

    @property
    def whole(self) -> bool:
        return math.isinf(self.low)

    @property
    def sort(self) -> tuple[bool, bool]:
        """What is asked in one query has answers of one type."""
        return self.look, self.start is not None


class Ends(NamedTuple):
    """The least and greatest finite value of a column, and whether others are there; times in nanoseconds."""

    low: float = 0.0
    high: float = 1.0
    odd: bool = False
    unit: int = 1  # the largest of UNITS that all times are whole multiples of


@dataclass(slots=True)
class Cell:
    """[lower, upper) with its counts; `least` and `most` where they are known. All are integers but for numbers."""

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
    unit: int = 1  # of times while they are counted: nanoseconds in a step
    exact: bool = False  # integers beyond those that doubles hold
    known: np.ndarray | None = None
    units: list[float] = field(default_factory=list)  # where the cells began before those of one side's were made finer

    def counts(self) -> np.ndarray:
        """The counts of both sides, one row a cell; kept until the cells change."""
        if self.known is None:
            self.known = np.array([cell.counts for cell in self.cells], dtype=float).reshape(-1, 2)
        return self.known

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
        finite = [n - sum(pair[i] for pair in self.special.values()) for i, n in enumerate(self.rows)]
        return min((n for n in finite if n), default=0)


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
        x = _day(side, name) if kinds[name] == "date" and name not in side.hollow else x
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
            inner = side.frame.select(x.alias("x")).filter(nw.col("x").is_finite())
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


def power(low: float, high: float, integer: bool) -> int:
    """The cells' width as a power of two: about CELLS of them, never finer than the doubles or the integers are."""
    width = high / CELLS - low / CELLS
    k = math.frexp(width)[1] if width > 0 else -1074
    if integer:
        return max(k, 0)
    return max(k, math.frexp(max(abs(low), abs(high)))[1] - 53, math.frexp(FINEST)[1] - 1)


Answers = list[list[list[tuple[Any, ...]]]]


def count(
    sides: tuple[Side, Side], tasks: list[Task], odd: Sequence[Mapping[str, bool]], held: tuple[Held, Held]
) -> Answers:
    """The occupied cells of each task on each side: (index, n) or (index, n, least, most).

    A few grouped counts are one query; where one DuckDB reads both sides' files, those of both.
    """
    found: Answers = [[[], []] for _ in tasks]
    wanted = []
    for j in (0, 1):
        for i, t in enumerate(tasks):
            if held[j].holds(t.column):
                found[i][j] = _counted(sides[j], t, held[j])
            elif t.kind == "date":
                found[i][j] = _days(sides[j], t)
            else:
                wanted.append((i, j))
    apart = [wanted] if all(side.ours for side in sides) else [[w for w in wanted if w[1] == j] for j in (0, 1)]
    sorts = [(look, exact) for look in (False, True) for exact in (False, True)]
    batches = [[w for w in group if tasks[w[0]].sort == sort] for group in apart for sort in sorts]
    for batch in batches:
        for start in range(0, len(batch), UNION):
            parts = [
                _grouped(sides[j], tasks[i], 2 * i + j, odd[j][tasks[i].column])
                for i, j in batch[start : start + UNION]
            ]
            for number_, *rest in rows(parts[0] if len(parts) == 1 else nw.concat(parts)):
                i, j = divmod(int(number_), 2)
                found[i][j].append(_placed(tasks[i], rest))
    return found


def _placed(task: Task, row: list[Any]) -> tuple[Any, ...]:
    """An engine's row with the number of its cell."""
    if task.start is None or row[0] is None:
        return tuple(row)
    return (int(row[0]) + (task.start >> task.power), row[1], *map(int, row[2:]))


def _counted(side: Side, task: Task, held: Held) -> list[tuple[Any, ...]]:
    timed = in_steps(task.kind) and task.column not in side.hollow
    values, odd = held.column(task.column, task.unit if timed else 0)
    return [*(odd if task.whole else ()), *occupied(values, task.power, task.low, task.high, task.look)]


def _grouped(side: Side, task: Task, number: int, odd: bool) -> nw.LazyFrame[Any]:
    x = nw.col("x")
    exact = task.start is not None
    taken = whole(side, task.column, task.kind, task.unit)
    if not exact:
        taken = taken.cast(nw.Float64) if in_steps(task.kind) else value(side, task.column, task.kind)
    frame = side.frame.select(taken.alias("x"))
    if not task.whole:
        frame = frame.filter((x >= task.low) & (x < task.high))
    if task.start is not None:
        width = 2**task.power
        cell = ((x - x % width if task.power else x) - task.start).cast(nw.Float64) * 2.0**-task.power
    elif _whole(task.kind) and task.power == 0:
        cell = x
    else:
        cell = (x * 2.0**-task.power).floor().cast(nw.Float64)
    if odd and task.whole and not exact:  # Spark's floor is an integer, and what is not finite would become one too
        cell = nw.when(x.is_finite()).then(cell).otherwise(x)
    more = [x.min().alias("least"), x.max().alias("most")] if task.look else []
    frame = frame.with_columns(cell.alias("cell")).group_by("cell").agg(nw.len().alias("n"), *more)
    ends = [nw.col(end).cast(nw.String) if exact else nw.col(end) for end in (("least", "most") if task.look else ())]
    return frame.select(nw.lit(number).alias("task"), "cell", "n", *ends)


def _days(side: Side, task: Task) -> list[tuple[Any, ...]]:
    """A column of days by its days: never many, and no engine need take them apart."""
    x = nw.col(task.column)
    day = _day(side, task.column)
    frame = side.frame.select(x.alias("x"), day.alias("day")).group_by("day")
    found = rows(frame.agg(nw.len().alias("n"), nw.col("x").count().alias("there")))
    if any(day is None and there for day, _, there in found):
        raise InputError(
            f"column {task.column!r} of {side.name} holds days that its engine knows no year of; leave it "
            "out (exclude=, --exclude)"
        )
    return [(None if math.isnan(number(day)) else number(day), n) for day, n, _ in found]


def _day(side: Side, name: str) -> nw.Expr:
    """A column of days; of polars by their numbers, since Python has no days beyond the year 9999."""
    return value(side, name, "date") if side.frame.implementation.is_polars() else nw.col(name)


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
        table = Cells([], {}, low // unit if unit > 1 else low, high // unit if unit > 1 else high, total, unit, exact)
        tables[name] = table
        k = power(table.least, table.most, _whole(kind)) if known and kind != "date" else 0
        tasks.append(_task(table, name, kind, k, table.least))

    def refined(tasks: list[Task], rule: Rule) -> None:
        for _ in range(DEPTH):
            if not tasks:
                break
            for task, answers in zip(tasks, count(sides, tasks, odd, held), strict=True):
                _take(tables[task.column], task, answers, [side.nan_is_null for side in sides])
            tasks = finer(rule)

    def finer(rule: Rule) -> list[Task]:
        return [t for name, kind in kinds.items() for t in _finer(tables[name], name, kind, bins, rule)]

    refined(tasks, _heavy)  # first what both sides hold together decides, then what one of them does
    for table in tables.values():
        table.units = [c.lower for c in table.cells]
    refined(finer(_spiked), _spiked)
    for table in tables.values():
        _in_nanoseconds(table)
    return tables, total


Rule = Callable[[Cells, int], np.ndarray]


def _heavy(table: Cells, bins: int) -> np.ndarray:
    return table.weights() > 1 / bins


def _spiked(table: Cells, bins: int) -> np.ndarray:
    return table.spikes(min(4 / bins, 0.75))


def _task(
    table: Cells,
    name: str,
    kind: Kind,
    k: int,
    first: float,
    inside: tuple[float, float] | None = None,
    look: bool = False,
) -> Task:
    """The counting of a column on cells of width 2^k, from that of the value `first` on."""
    start = None
    if table.exact:
        start = 0 if table.most - table.least >= 2**62 and inside is None else (int(first) >> k) << k
    low, high = inside or (-math.inf, math.inf)
    return Task(name, kind, k, low, high, look, table.unit, start)


def _in_nanoseconds(table: Cells) -> None:
    u = table.unit
    if u > 1:
        table.least, table.most = table.least * u, table.most * u
        for c in table.cells:
            c.lower, c.upper, c.least, c.most = c.lower * u, c.upper * u, c.least * u, c.most * u
        table.units = [x * u for x in table.units]


def _whole(kind: Kind) -> bool:
    return kind != "number"


def _take(table: Cells, task: Task, answers: list[list[tuple[Any, ...]]], nan_is_null: list[bool]) -> None:
    """The answers of both sides in place of the cells that they refine."""
    kept = [] if task.whole else [c for c in table.cells if not task.low <= c.lower < task.high]
    if task.whole:
        table.special.clear()
    new: dict[float, Cell] = {}
    integers = _whole(task.kind)
    width, single = 2**task.power if integers else 2.0**task.power, integers and task.power == 0
    for i, answer in enumerate(answers):
        for index, n, *ends in answer:
            if index is None or not -math.inf < index < math.inf:
                table.special.setdefault(special(index, nan_is_null[i]), [0, 0])[i] += int(n)
                continue
            cell = new.get(index)
            if cell is None:
                at = int(index) if integers else float(index)
                cell = new[index] = Cell(at * width, (at + 1) * width)
            cell.counts[i] += int(n)
            if not ends and not single:
                continue
            low, high = (int(e) if integers else float(e) for e in ends) if ends else (cell.lower, cell.lower)
            if not cell.least <= low:  # also where none is known yet
                cell.least = low
            if not cell.most >= high:
                cell.most = high
    if table.least == table.most:  # a constant needs no second look
        for cell in new.values():
            cell.least = cell.most = table.least
    table.cells = sorted([*kept, *new.values()], key=lambda c: c.lower)
    table.known = None


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
        k = power(table.least, table.most, _whole(kind))
        yield _task(table, column, kind, k, table.least, look=True)
        return
    for run in runs:
        low, high = run[0].lower, run[-1].upper
        inner = (low, high) if math.isnan(run[0].least) else (run[0].least, run[-1].most)
        yield _task(table, column, kind, power(*inner, _whole(kind)), low, (low, high), look=True)


def _divisible(cell: Cell, kind: Kind) -> bool:
    width = cell.upper - cell.lower
    return width > 1 if _whole(kind) else width > max(max(abs(cell.lower), abs(cell.upper)) * 2.0**-52, FINEST)
