"""Exact distances to the nearest of many points: sorted on the line, SciPy's tree in few dimensions, blocks in many.

Every finder answers with the distances of the points as they are, in float64, whatever it searched in. `own=True` says
that the x are the y, row by row, and that no point is its own neighbour.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kullback.numerics._rows import _workers
from kullback.numerics.lazy import spatial

Array = NDArray[Any]

BLOCKED = 8  # dimensions from which blocks beat SciPy's tree
COMPILED = 2e7  # pairs from which compiling pays
SPARE = 8  # kept beyond what is wanted, to make up for float32
EPS32 = 2.0**-23


class Search(Protocol):
    """The x's that were asked about: `kth`, the distances to the k-th nearest, and what lies in balls around some.

    `within` counts up to `most` and then gives the `most`-th; where nothing lies within, the count is 0, the reach NaN.
    """

    kth: Array

    def within(self, rows: Array, radius: Array, most: int) -> tuple[Array, Array]: ...


class Finder(Protocol):
    """Points, and the search among them for the k nearest of each x."""

    n: int

    def search(self, x: Array, k: int, *, own: bool = False) -> Search: ...


def finder(y: Array) -> Finder:
    """For points of shape (n,) or (n, d)."""
    y = np.asarray(y, dtype=np.float64)
    if y.ndim == 1 or y.shape[1] == 1:
        return Line(y.reshape(-1))
    if y.shape[1] >= BLOCKED and len(y) ** 2 >= COMPILED and _topk() is not None:
        return Blocks(y)
    return Tree(y)


class Line:
    """Sorted points: the k-th of two sorted runs, to the left and to the right, by bisection."""

    def __init__(self, y: Array) -> None:
        self.y = np.sort(y)
        self.n = len(y)

    def search(self, x: Array, k: int, *, own: bool = False) -> Search:
        x = x.reshape(-1)
        return _OnLine(self, x, k, own)

    def kth(self, x: Array, k: int) -> Array:
        here = np.searchsorted(self.y, x)
        # how many of the k lie to the left: the least a such that the a-th left is beyond the (k − a)-th right
        low, high = np.maximum(k - (self.n - here), 0), np.minimum(here, k)
        while (low < high).any():
            a = (low + high) // 2
            left, right = self._left(x, here, a + 1), self._right(x, here, k - a)
            more = (left < right) & (low < high)
            low, high = np.where(more, a + 1, low), np.where(more, high, np.minimum(a, high))
        return np.maximum(self._left(x, here, low, 0.0), self._right(x, here, k - low, 0.0))

    def _left(self, x: Array, here: Array, a: Array, none: float = np.inf) -> Array:
        at = here - a
        found = x - self.y[np.clip(at, 0, self.n - 1)]
        return np.where(a <= 0, none, np.where(at < 0, np.inf, found))

    def _right(self, x: Array, here: Array, b: Array, none: float = np.inf) -> Array:
        at = here + b - 1
        found = self.y[np.clip(at, 0, self.n - 1)] - x
        return np.where(b <= 0, none, np.where(at >= self.n, np.inf, found))


class _OnLine:
    def __init__(self, line: Line, x: Array, k: int, own: bool) -> None:
        self.line, self.x, self.own = line, x, own
        self.kth = line.kth(x, k + own)

    def within(self, rows: Array, radius: Array, most: int) -> tuple[Array, Array]:
        line, z = self.line, self.x[rows]
        first = np.searchsorted(line.y, z - radius, side="left")
        last = np.searchsorted(line.y, z + radius, side="right")
        count = last - first - self.own
        reach = np.maximum(z - line.y[np.minimum(first, line.n - 1)], line.y[np.maximum(last - 1, 0)] - z)
        over = count > most
        if over.any():
            count = np.minimum(count, most)
            reach[over] = line.kth(z[over], most + self.own)
        return count, np.where(count > 0, reach, np.nan)


class _Listed(ABC):
    """What follows from lists of the nearest: `nearest(x, k)` of shape (n, k); the first of own points is itself."""

    n: int

    @abstractmethod
    def nearest(self, x: Array, k: int) -> Array: ...

    def search(self, x: Array, k: int, *, own: bool = False) -> Search:
        return _InLists(self, x, k, own)


class _InLists:
    def __init__(self, points: _Listed, x: Array, k: int, own: bool) -> None:
        self.points, self.x, self.own = points, x, own
        self.near = points.nearest(x, min(2 * k + own, points.n))[:, own:]
        self.kth = self.near[:, k - 1]

    def within(self, rows: Array, radius: Array, most: int) -> tuple[Array, Array]:
        most = min(most, self.points.n - self.own)
        near = self.near[rows][:, :most]
        count, reach = _counted(near, radius)
        left = np.flatnonzero(count == near.shape[1]) if near.shape[1] < most else np.zeros(0, np.int64)
        if len(left):
            longer = self.points.nearest(self.x[rows][left], most + self.own)[:, self.own :]
            count[left], reach[left] = _counted(longer, radius[left])
        return count, reach


def _counted(near: Array, radius: Array) -> tuple[Array, Array]:
    count = (near <= radius[:, None]).sum(axis=1)
    last = near[np.arange(len(near)), np.maximum(count - 1, 0)]
    return count, np.where(count > 0, last, np.nan)


class Tree(_Listed):
    """SciPy's k-d tree, asked by all processors."""

    def __init__(self, y: Array) -> None:
        self.n = len(y)
        self.tree = spatial.cKDTree(y, balanced_tree=False, compact_nodes=False)

    def nearest(self, x: Array, k: int) -> Array:
        found, _ = self.tree.query(x, k=np.arange(1, k + 1), workers=_workers())
        return np.asarray(found)


class Blocks(_Listed):
    """All pairs in float32, the nearest few afresh in float64; what float32 cannot settle goes to a tree."""

    def __init__(self, y: Array) -> None:
        self.y = y
        self.n = len(y)
        self.centre = y.mean(axis=0)
        self.scale = float(np.sqrt(np.mean((y - self.centre) ** 2))) or 1.0
        self.lanes = _topk().Lanes((y - self.centre) / self.scale)

    def nearest(self, x: Array, k: int) -> Array:
        z = (x - self.centre) / self.scale
        kept = min(k + SPARE, self.n)
        best, where = self.lanes.smallest(z, kept)
        exact = np.empty((len(z), kept))
        for start in range(0, len(z), 4096):
            rows = slice(start, start + 4096)
            difference = x[rows, None, :] - self.y[where[rows]]
            exact[rows] = np.sqrt(np.einsum("ijk,ijk->ij", difference, difference))
        exact.sort(axis=1)
        found = exact[:, :k]
        if kept < self.n:
            reach = exact[:, k - 1] / self.scale
            doubtful = np.flatnonzero(~self._settled(z, reach, best.max(axis=1)))
            if len(doubtful):
                found = found.copy()
                found[doubtful] = Tree(self.y).nearest(x[doubtful], k)
        return found

    def _settled(self, z: Array, reach: Array, worst: Array) -> Array:
        """Whether no point left out can be nearer than `reach`, for all that float32 may have lost."""
        size = np.sqrt((z * z).sum(axis=1))
        near = size + 1.1 * reach  # points beyond are too far to be doubted
        lost = (z.shape[1] + 8) * EPS32 * near * (size + 0.5 * near)
        return (0.5 * reach**2 + lost < worst + 0.5 * size**2) & (lost < 5e-3 * reach**2)


def _topk() -> Any:
    try:
        from kullback.numerics import _topk
    except ImportError:
        return None
    return _topk if _topk.ready() else None
