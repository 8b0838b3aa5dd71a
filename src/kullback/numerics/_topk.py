"""The nearest of many points in many dimensions, compiled by Numba: float32 blocks that stay in the cache.

For one x, |x − y|²/2 − |x|²/2 = |y|²/2 − x·y is built for a lane of y's, four coordinates at a time, and compared with
the worst that is kept. What is kept is a few more than wanted; the caller computes their distances afresh.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
# What Numba compiles has types of Numba's.

from __future__ import annotations

import functools
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
from numba import types

from kullback.numerics._rows import _workers

LANE = 128
ROWS = 8  # that share a lane while it is near
PART = 2048  # rows a thread takes at a time
_LOCK = threading.Lock()  # so that no two threads compile the same
_FREE = {"nnan", "nsz", "contract", "reassoc"}  # float32 sums only choose; float64 decides


def ready() -> bool:
    return not numba.config.DISABLE_JIT


class Lanes:
    """y in blocks of LANE points, coordinates outermost; the last block is filled up with points at infinity."""

    def __init__(self, y: Any) -> None:
        n, d = y.shape
        blocks = -(-n // LANE)
        filled = np.zeros((blocks * LANE, d), np.float32)
        filled[:n] = y
        half = np.full(blocks * LANE, np.inf, np.float32)
        half[:n] = 0.5 * np.square(filled[:n], dtype=np.float64).sum(axis=1)
        self.points = np.ascontiguousarray(filled.reshape(blocks, LANE, d).transpose(0, 2, 1))
        self.half = half.reshape(blocks, LANE)

    def smallest(self, x: Any, k: int) -> tuple[Any, Any]:
        """Per x the k least of |y|²/2 − x·y and where they are, in no order; every thread count gives the same."""
        with _LOCK:
            scan = _compiled()
        x = np.ascontiguousarray(x, dtype=np.float32)
        best, where = np.full((len(x), k), np.inf, np.float32), np.zeros((len(x), k), np.int64)

        def part(start: int) -> None:
            rows = slice(start, start + PART)
            scan(x[rows], self.points, self.half, best[rows], where[rows], np.empty(LANE, np.float32))

        starts = range(0, len(x), PART)
        if len(starts) == 1:
            part(0)
        else:
            with ThreadPoolExecutor(_workers()) as pool:
                list(pool.map(part, starts))
        return best, where


@functools.cache
def _compiled() -> Any:
    real, whole = types.float32, types.int64
    signature = types.void(
        types.Array(real, 2, "C"), types.Array(real, 3, "C"), types.Array(real, 2, "C"),
        types.Array(real, 2, "C"), types.Array(whole, 2, "C"), types.Array(real, 1, "C"),
    )  # fmt: skip
    options = {"nogil": True, "error_model": "numpy", "fastmath": _FREE}
    try:
        return numba.njit(signature, cache=True, **options)(_scan)
    except (RuntimeError, OSError):  # nowhere to write the cache
        return numba.njit(signature, **options)(_scan)


def _scan(x, points, half, best, where, acc):
    n, d = x.shape
    k = best.shape[1]
    for first in range(0, n, ROWS):
        for block in range(points.shape[0]):
            for i in range(first, min(first + ROWS, n)):
                h = half[block]
                for c in range(LANE):
                    acc[c] = h[c]
                t = 0
                while t + 4 <= d:
                    x0, x1, x2, x3 = x[i, t], x[i, t + 1], x[i, t + 2], x[i, t + 3]
                    y0, y1, y2, y3 = (points[block, t], points[block, t + 1], points[block, t + 2],
                                      points[block, t + 3])  # fmt: skip
                    for c in range(LANE):
                        acc[c] -= x0 * y0[c] + x1 * y1[c] + x2 * y2[c] + x3 * y3[c]
                    t += 4
                while t < d:
                    x0, y0 = x[i, t], points[block, t]
                    for c in range(LANE):
                        acc[c] -= x0 * y0[c]
                    t += 1
                least = np.float32(np.inf)
                for c in range(LANE):
                    least = min(least, acc[c])
                kept = best[i]
                w = 0
                for a in range(1, k):
                    if kept[a] > kept[w]:
                        w = a
                if least < kept[w]:
                    for c in range(LANE):
                        if acc[c] < kept[w]:
                            kept[w] = acc[c]
                            where[i, w] = block * LANE + c
                            w = 0
                            for a in range(1, k):
                                if kept[a] > kept[w]:
                                    w = a
