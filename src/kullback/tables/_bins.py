"""Where a column of numbers is cut: bins of nearly equal mass, gaps, and where the two sides part.

A bin is a stretch of neighbouring cells, from one place in their order to another. What both sides' rows hold together
decides, so that under P = Q chance has no part in it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from kullback.numerics.gathered import CHANCE, ENOUGH, parted
from kullback.tables._cells import FEW, Cells

TAIL = 0.02  # of the rows in each of the outermost bins, where a side has fewer than FEW rows
RARE = 4.0  # times the usual distance of cells that a gap is wide at least
Stretch = tuple[int, int]


class Bins:
    """The bins of a column's cells, in order."""

    def __init__(self, cells: Cells, wanted: int) -> None:
        counts = cells.counts
        self._lower, self._upper = cells.lower.tolist(), cells.upper.tolist()
        self._before = np.concatenate([[0.0], np.cumsum(counts.sum(axis=1))]).tolist()  # rows of both, up to each cell
        self._need = ENOUGH * sum(cells.rows) / min(cells.rows)
        apart = cells.lower[1:] - cells.upper[:-1]
        # nothing for what is continuous, the step of what is rounded
        self._least = RARE * float(np.median(apart.astype(float))) if len(apart) else 0.0
        self._apart = apart
        whole = [part for bin_ in self._even(_units(cells), wanted, cells.smaller() < FEW) for part in self._full(bin_)]
        cuts = parted(*counts.T, *map(float, cells.rows))
        self.stretches = list(itertools.pairwise(sorted({0, *(end for _, end in whole), *cuts})))

    def gap(self, left: Stretch, right: Stretch) -> bool:
        """Whether a stretch between two bins, wider than they are, is empty where chance would have many rows."""
        width = self._lower[right[0]] - self._upper[left[1] - 1]
        return width > max(self._least, 0) and all(
            width > extent and self._rows(bin_) * width > CHANCE * extent
            for bin_, extent in ((b, self._upper[b[1] - 1] - self._lower[b[0]]) for b in (left, right))
        )

    def _rows(self, bin_: Stretch) -> float:
        return float(self._before[bin_[1]] - self._before[bin_[0]])

    def _even(self, ends: list[int], wanted: int, tailed: bool) -> Iterator[Stretch]:
        """Cells together until they hold what is left divided by the bins left; a heavy value alone.

        Where a side has few rows the outermost bins are narrow, or nothing would tell a row far out from any other.
        """
        before, total = self._before, self._before[-1]
        start, done, last = 0, 0, False

        def goal() -> float:
            left = 1 - before[start] / total
            if not tailed:
                return left / max(wanted - done, 1)
            return TAIL if not done else 2.0 if last else left / max(wanted + 1 - done, 1)

        target = goal()
        for begin, end in itertools.pairwise(ends):
            held, weight = (before[begin] - before[start]) / total, (before[end] - before[begin]) / total
            alone = weight >= 1 / wanted
            closing = tailed and not last and 1 - before[start] / total - held - weight / 2 < TAIL
            if begin > start and (alone or closing or held + weight / 2 > target):
                yield start, begin
                start, done, last = begin, done + 1, last or closing
                target = goal()
            if alone:
                yield start, end
                start, done = end, done + 1
                target = goal()
        if start < ends[-1]:
            yield start, ends[-1]

    def _full(self, bin_: Stretch) -> Iterator[Stretch]:
        """A bin parted at the widest gap inside it, if so many rows lie on either side, and so on."""
        start, end = bin_
        if end - start > 1 and self._rows(bin_) >= 2 * self._need:
            at = start + 1 + int(np.argmax(self._apart[start : end - 1]))
            parts = (start, at), (at, end)
            if all(self._rows(part) >= self._need for part in parts) and self.gap(*parts):
                for part in parts:
                    yield from self._full(part)
                return
        yield bin_


def _units(cells: Cells) -> list[int]:
    """Where the cells begin as they were before one side's were made finer, and the end of all."""
    n = len(cells.lower)
    if len(cells.units) == n:
        return list(range(n + 1))
    places = np.searchsorted(cells.units, cells.lower, side="right")
    return [0, *(np.flatnonzero(np.diff(places)) + 1).tolist(), n]
