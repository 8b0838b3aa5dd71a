"""Linear algebra in twice the working precision: every number is a pair, high + low.

For matrices too ill-conditioned for doubles, of the few hundred dimensions for which it is quick enough. Entries
should be of moderate size: rows are to be scaled first, by powers of two.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kullback.numerics.sums import two_product, two_sum

Array = NDArray[Any]  # of floats
Pair = tuple[Array, Array]

EPS = 2.0**-102  # of one operation


def pair(x: Array) -> Pair:
    """Numbers that doubles hold."""
    return np.array(x, dtype=np.float64), np.zeros(np.shape(x))


def minus(a: Pair, b: Pair) -> Pair:
    high, low = two_sum(a[0], -b[0])
    return _neat(high, low + (a[1] - b[1]))


def times(a: Pair, b: Pair) -> Pair:
    high, low = two_product(*np.broadcast_arrays(a[0], b[0]))
    return _neat(high, low + (a[0] * b[1] + a[1] * b[0]))


def over(a: Pair, b: Pair) -> Pair:
    high = a[0] / b[0]
    rest = minus(a, times((high, np.zeros_like(high)), b))
    return _neat(high, rest[0] / b[0])


def squared(a: Pair) -> Pair:
    """a·aᵀ of a matrix."""
    found = pair(np.zeros((len(a[0]), len(a[0]))))
    for column in zip(a[0].T, a[1].T, strict=True):
        found = minus(found, _outer(column, (-column[0], -column[1])))
    return found


def cholesky(c: Pair) -> Pair | None:
    """The lower factor of a symmetric matrix; None if it is not positive definite."""
    scale = _unit(np.sqrt(np.abs(np.diagonal(c[0]))))
    rest = tuple(x / scale[:, None] / scale for x in c)
    d = len(scale)
    high, low = np.zeros((d, d)), np.zeros((d, d))
    for j in range(d):
        pivot = rest[0][0, 0], rest[1][0, 0]
        if not pivot[0] > 0:
            return None
        root = np.sqrt(pivot[0])
        square, lost = two_product(root, root)
        width = _neat(root, ((pivot[0] - square) - lost + pivot[1]) / (2 * root))
        column = over((rest[0][:, 0], rest[1][:, 0]), width)
        high[j:, j], low[j:, j] = column
        below = column[0][1:], column[1][1:]
        rest = minus((rest[0][1:, 1:], rest[1][1:, 1:]), _outer(below, below))
    return high * scale[:, None], low * scale[:, None]


def solve(tril: Pair, b: Pair) -> Pair:
    """tril⁻¹·b for a matrix b."""
    scale = _unit(np.abs(tril[0]).max(axis=1))
    t = tril[0] / scale[:, None], tril[1] / scale[:, None]
    rest = b[0] / scale[:, None], b[1] / scale[:, None]
    high, low = np.empty_like(rest[0]), np.empty_like(rest[0])
    for j in range(len(scale)):
        row = over((rest[0][0], rest[1][0]), (t[0][j, j], t[1][j, j]))
        high[j], low[j] = row
        rest = minus((rest[0][1:], rest[1][1:]), _outer((t[0][j + 1 :, j], t[1][j + 1 :, j]), row))
    return high, low


def _outer(a: Pair, b: Pair) -> Pair:
    return times((a[0][:, None], a[1][:, None]), b)


def _unit(x: Array) -> Array:
    """The nearest power of two below each number, 1 for 0."""
    return np.where(x > 0, np.exp2(np.floor(np.log2(np.where(x > 0, x, 1.0)))), 1.0)


def _neat(high: Any, low: Any) -> Pair:
    """The same sum, with |low| below the rounding of high."""
    s = high + low
    return s, low - (s - high)
