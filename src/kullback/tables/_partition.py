"""How a column is cut: bins with literal edges, or categories; and the counts of both sides on them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kullback._format import value_text
from kullback.tables._bins import Bins
from kullback.tables._cells import FEW, NAN, NEGATIVE, NULL, POSITIVE, Cells, Key
from kullback.tables._kinds import Kind, shown, timed

MOST = 64  # bins
UNDER, OVER, OTHER = ("under",), ("over",), ("other",)
_NAMES = {NULL: "missing", NAN: "NaN", POSITIVE: "∞", NEGATIVE: "−∞", OTHER: "any other value"}
Counts = dict[Key, list[int]]


def bins(n: int) -> int:
    """The number of bins: 2·n^(1/3), n the finite values of the smaller side; at least 4, at most 64."""
    return min(max(math.ceil(2 * n ** (1 / 3) - 1e-9), 4), MOST)


@dataclass(frozen=True, slots=True)
class Partition:
    """Bins between `edges`, [e₀, e₁), …, [eₖ₋₁, eₖ], or categories; `other` lumps the rare ones of a long list."""

    column: str
    kind: Kind
    edges: tuple[float, ...] | None
    values: tuple[Any, ...] | None = None
    other: bool = False
    gaps: int = 0  # bins that are wide and empty: what falls there was not seen before
    seal: Callable[[str], str] | None = None  # what a text is shown as, where it is private

    @property
    def rule(self) -> str:
        if self.edges is None:
            return "categories, the rare ones together" if self.other else "categories"
        gaps = f" and {self.gaps} gap{'s' if self.gaps > 1 else ''}" if self.gaps else ""
        return f"{len(self.edges) - 1 - self.gaps} bins of nearly equal mass{gaps}"

    def label(self, key: Key) -> str:
        """What people read for a key."""
        if key in _NAMES:
            return _NAMES[key]
        if key[0] == "value":
            return self._text(key[1])
        assert self.edges is not None
        if key == UNDER:
            return f"below {self._edge(0)}"
        if key == OVER:
            return f"above {self._edge(len(self.edges) - 1)}"
        i = key[1]
        low, high = self.edges[i], self.edges[i + 1]
        last = i == len(self.edges) - 2
        if self.kind == "integer":
            top = math.floor(high) if last else math.ceil(high) - 1
            bottom = math.ceil(low)
            return f"{bottom}" if bottom == top else f"{bottom} … {top}"
        return f"[{self._edge(i)}, {self._edge(i + 1)}{']' if last else ')'}"

    def _edge(self, i: int) -> str:
        """An edge with as many digits as tell it from its neighbours, and two more."""
        assert self.edges is not None
        x = self.edges[i]
        if self.kind != "number":
            return self._text(x)
        near = self.edges[max(i - 2, 0) : i + 3]  # of one value alone both edges are the same
        gaps = [abs(x - e) for e in near if e != x]
        apart = abs(x) / min(gaps) if gaps and x else 1.0
        return plainly(x, min(max(3, math.ceil(math.log10(max(apart, 1.0))) + 2), 17))

    def _text(self, code: Any) -> str:
        if isinstance(code, str):
            return value_text(code) if self.seal is None else self.seal(code)
        found = shown(code, self.kind)
        if isinstance(found, bool):
            return "true" if found else "false"
        if isinstance(found, int):
            return str(found)
        return found if isinstance(found, str) else plainly(found)

    def ordinal(self, key: Key) -> bool:
        """Whether a key is a bin, which has neighbours; `ordered` puts these first."""
        return self.edges is not None and (key in (UNDER, OVER) or key[0] == "bin")

    def ordered(self, keys: Sequence[Key]) -> list[Key]:
        """Keys in the order of the values, what is no value last."""
        rank = {UNDER: 0, OVER: 2, OTHER: 3, NEGATIVE: 4, POSITIVE: 5, NAN: 6, NULL: 7}
        seal = self.seal or (lambda text: text)
        return sorted(keys, key=lambda k: (rank.get(k, 1), 0 if k in rank else seal(k[1])))


def plainly(x: float, digits: int = 12) -> str:
    """A number of the data to so many digits, and without a point where it is whole."""
    whole = x == int(x) and abs(x) < 1e15
    return (repr(int(x)) if whole else f"{x:.{digits}g}").replace("-", "−")


def partition(cells: Cells, column: str, kind: Kind) -> tuple[Partition, Counts]:
    """The cut of a column of numbers, and the counts of both sides on it."""
    counts: Counts = {key: list(pair) for key, pair in cells.special.items()}
    if len(cells.lower) <= FEW and cells.atoms().all():
        values = tuple(cells.number(v, kind) for v in cells.low)
        counts |= {("value", v): _rows(pair) for v, pair in zip(values, cells.counts, strict=True)}
        return Partition(column, kind, None, values), counts
    cut = Bins(cells, bins(cells.smaller()))
    sums = np.add.reduceat(cells.counts, [start for start, _ in cut.stretches])
    edges, gaps = [cells.least], 0
    counts[("bin", 0)] = _rows(sums[0])
    for (left, right), held in zip(itertools.pairwise(cut.stretches), sums[1:], strict=True):
        low, high = (cells.number(x, kind) for x in (cells.upper[left[1] - 1], cells.lower[right[0]]))
        if cut.gap(left, right):
            near = 0.25 * (high - low) if kind == "number" else 0  # room for short edges
            edges += [_edge(low, low + near, kind), _edge(high - near, high, kind)]
            gaps += 1
        else:
            edges.append(_edge(low, high, kind))
        counts[("bin", len(edges) - 1)] = _rows(held)
    edges.append(cells.most)
    return Partition(column, kind, tuple(edges), gaps=gaps), counts


def _rows(pair: np.ndarray) -> list[int]:
    return [int(n) for n in pair]


def _edge(low: float, high: float, kind: Kind) -> float:
    """The shortest number in [low, high], which parts the same values as any other there."""
    if low >= high or timed(kind):
        return high
    for digits in range(1, 17):
        for x in (0.5 * (low + high), low, high):
            short = float(f"{x:.{digits}g}")
            if low <= short <= high and (kind != "integer" or short == int(short)):
                return int(short) if kind == "integer" else short
    return high
