"""A column of numbers of both sides on dyadic cells: cell i of width 2^k holds [i·2^k, (i + 1)·2^k).

Multiplying by a power of two is exact, so every engine puts every value in the same cell, and cells of two tables, of
two files or of two engines add up. Integers and times that doubles do not hold are divided as integers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from kullback.tables._kinds import Kind

CELLS = 2048
FEW = 20  # at most so many distinct values are categories
FINEST = 2.0**-1000  # a cell's width at least; its inverse must be a double
RUNS = 3  # stretches of heavy cells counted anew each by itself; above it, all cells at once
SPIKE = 3  # rows at least of one side in a cell that is counted anew for that side alone

NULL, NAN, POSITIVE, NEGATIVE = ("null",), ("nan",), ("inf",), ("-inf",)
Key = tuple[Any, ...]
Level = tuple[float, float, int]  # [low, high) on cells of width 2^k


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
    levels: tuple[
        Level, ...
    ] = ()  # stretches on finer cells, the finest first; cells are known by where they begin then

    @property
    def whole(self) -> bool:
        return math.isinf(self.low)

    @property
    def sort(self) -> tuple[bool, bool]:
        """What is asked in one query has answers of one type."""
        return self.look, self.start is not None


class Answer(NamedTuple):
    """What one side holds: cells by their numbers, with rows, and the ends of each where that was asked."""

    cells: np.ndarray
    rows: np.ndarray
    least: np.ndarray | None
    most: np.ndarray | None
    odd: Sequence[tuple[float | None, int]]  # rows of what is missing, NaN, ∞ or −∞


def answer(found: Sequence[tuple[Any, ...]], task: Task) -> Answer:
    """An engine's rows (number of the cell, rows[, least, greatest])."""
    there = [row for row in found if row[0] is not None and -math.inf < row[0] < math.inf]
    odd = [(row[0], int(row[1])) for row in found if row[0] is None or not -math.inf < row[0] < math.inf]
    columns = list(zip(*there, strict=True)) or [()] * (4 if task.look else 2)
    exact = task.start is not None
    if task.start is not None:
        first = task.start >> task.power
        columns = [tuple(int(i) + first for i in columns[0]), columns[1], *(tuple(map(int, c)) for c in columns[2:])]
    numbers = [np.array(c, dtype=object if exact else float) for c in (columns[0], *columns[2:])]
    least, most = numbers[1:] if task.look else (None, None)
    return Answer(numbers[0], np.array(columns[1], dtype=float), least, most, odd)


def _none() -> np.ndarray:
    return np.empty(0)


@dataclass(slots=True)
class Cells:
    """A column of both sides on its cells, in order, and what is not a finite number.

    Cell i holds [lower[i], upper[i]); `low` and `high` are the least and the greatest value in it, NaN where they are
    not known. Integers that doubles do not hold stand as Python's.
    """

    least: float
    most: float
    rows: tuple[int, int]
    unit: int = 1  # of times while they are counted: nanoseconds in a step
    exact: bool = False  # integers beyond those that doubles hold
    special: dict[Key, list[int]] = field(default_factory=dict)
    lower: np.ndarray = field(default_factory=_none)
    upper: np.ndarray = field(default_factory=_none)
    low: np.ndarray = field(default_factory=_none)
    high: np.ndarray = field(default_factory=_none)
    counts: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))  # a row a cell, a column a side
    units: np.ndarray = field(default_factory=_none)  # where cells began before those of one side's were made finer
    looks: int = 0  # how often the cells were made finer
    sample: bool = False  # of rows that stand for many more: few cells are no sign of few values

    def atoms(self) -> np.ndarray:
        """Cells whose rows all hold one value."""
        return np.asarray(self.low == self.high, dtype=bool)

    def weights(self) -> np.ndarray:
        """The share of each cell of the rows of both sides together: under P = Q chance has no part in them."""
        both = self.counts.sum(axis=1)
        return np.asarray(both / max(both.sum(), 1))

    def spikes(self, share: float) -> np.ndarray:
        """Cells that hold so large a share of one side, though not of both together."""
        high = self.counts > share * np.maximum(self.counts.sum(axis=0), 1)
        return np.asarray((high & (self.counts >= SPIKE)).any(axis=1))

    def smaller(self) -> int:
        """Finite values on the side that has fewer of them, of those that have any."""
        finite = [n - sum(pair[i] for pair in self.special.values()) for i, n in enumerate(self.rows)]
        return min((n for n in finite if n), default=0)

    def take(self, task: Task, answers: Sequence[Answer], nan_is_null: Sequence[bool]) -> None:
        """The answers of both sides in place of the cells that they refine."""
        kept = np.zeros(len(self.lower), dtype=bool)
        if task.whole:
            self.special.clear()
        else:
            kept = ~np.asarray((self.lower >= task.low) & (self.lower < task.high), dtype=bool)
        for i, found in enumerate(answers):
            for which, n in found.odd:
                self.special.setdefault(special(which, nan_is_null[i]), [0, 0])[i] += n
        index, places = np.unique(np.concatenate([a.cells for a in answers]), return_inverse=True)
        at = np.split(places.ravel(), [len(answers[0].cells)])
        integers = task.kind != "number"
        width = 2**task.power if integers else 2.0**task.power
        with np.errstate(over="ignore"):
            lower, upper = index * width, (index + 1) * width
        counts = np.zeros((len(index), 2))
        low, high = (np.full(len(index), end, dtype=index.dtype) for end in (math.inf, -math.inf))
        for i, found in enumerate(answers):
            np.add.at(counts[:, i], at[i], found.rows)
            if found.least is not None and found.most is not None:
                np.minimum.at(low, at[i], found.least)
                np.maximum.at(high, at[i], found.most)
        if self.least == self.most:  # a constant needs no second look
            low[:] = high[:] = self.least
        elif integers and task.power == 0:
            low, high = lower, lower
        elif not task.look:
            low[:] = high[:] = math.nan
        mine = (self.lower[kept], self.upper[kept], self.low[kept], self.high[kept], self.counts[kept])
        joined = [np.concatenate(pair) for pair in zip(mine, (lower, upper, low, high, counts), strict=True)]
        order = np.argsort(joined[0], kind="stable")
        self.lower, self.upper, self.low, self.high, self.counts = (x[order] for x in joined)

    def finer(
        self, column: str, kind: Kind, bins: Callable[[int], int], rule: Callable[[Cells, int], np.ndarray]
    ) -> Iterable[Task]:
        """What to count again: cells heavier than a bin, and all of them where so few may be single values."""
        few = len(self.lower) <= FEW and not self.sample
        again = ~self.atoms() & self._divisible(kind) & (few | rule(self, bins(self.smaller())))
        if not again.any():
            return
        at = np.flatnonzero(again)
        breaks = (np.diff(at) > 1) | np.asarray(self.upper[at[:-1]] != self.lower[at[1:]], dtype=bool)
        if self.sample:  # chance parts what is one stretch
            breaks[:] = False
        starts, ends = at[np.r_[True, breaks]], at[np.r_[breaks, True]]
        known = not any(x != x for x in self.low[starts])
        self.looks += 1
        if len(starts) > RUNS and not known:  # the same cells, with their ends: single values need no more
            yield self.task(column, kind, power(self.least, self.most, kind != "number"), self.least, look=True)
            return
        # the ends cost as much as the counts: of many cells they are asked for when finer ones are heavy still
        look = (few or self.looks > 2) and not self.sample
        for start, end in zip(starts, ends, strict=True):
            low, high = self.number(self.lower[start], kind), self.number(self.upper[end], kind)
            known = self.low[start] == self.low[start]
            inner = (self.number(self.low[start], kind), self.number(self.high[end], kind)) if known else (low, high)
            yield self.task(column, kind, power(*inner, kind != "number"), low, (low, high), look=look)

    def _divisible(self, kind: Kind) -> np.ndarray:
        width = self.upper - self.lower
        if kind != "number":
            return np.asarray(width > 1, dtype=bool)
        return np.asarray(width > np.maximum(np.maximum(np.abs(self.lower), np.abs(self.upper)) * 2.0**-52, FINEST))

    def number(self, x: Any, kind: Kind) -> float:
        """An end of a cell as a plain number, whole where the column is."""
        return float(x) if kind == "number" else int(x)

    def task(
        self,
        column: str,
        kind: Kind,
        k: int,
        first: float,
        inside: tuple[float, float] | None = None,
        look: bool = False,
    ) -> Task:
        """The counting of a column on cells of width 2^k, from that of the value `first` on."""
        start = None
        if self.exact:
            start = 0 if self.most - self.least >= 2**62 and inside is None else (int(first) >> k) << k
        low, high = inside or (-math.inf, math.inf)
        return Task(column, kind, k, low, high, look, self.unit, start)

    def in_nanoseconds(self) -> None:
        """Times no longer in the steps that they were counted in."""
        u = self.unit
        if u > 1:
            self.least, self.most = self.least * u, self.most * u
            self.lower, self.upper, self.low, self.high, self.units = (
                _times(x, u) for x in (self.lower, self.upper, self.low, self.high, self.units)
            )


def _times(x: np.ndarray, unit: int) -> np.ndarray:
    """Steps in nanoseconds, which doubles may not hold."""
    return np.array([int(v) * unit if v == v else v for v in x], dtype=object)


def power(low: float, high: float, integer: bool) -> int:
    """The cells' width as a power of two: about CELLS of them, never finer than the doubles or the integers are."""
    width = high / CELLS - low / CELLS
    k = math.frexp(width)[1] if width > 0 else -1074
    if integer:
        return max(k, 0)
    return max(k, math.frexp(max(abs(low), abs(high)))[1] - 53, math.frexp(FINEST)[1] - 1)


def special(index: Any, nan_is_null: bool) -> Key:
    """What the number of a cell says when it is not finite."""
    if index is None:
        return NULL
    if index != index:
        return NULL if nan_is_null else NAN
    return POSITIVE if index > 0 else NEGATIVE
