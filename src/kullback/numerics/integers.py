"""Sums over integers from a low end to infinity, without visiting each: slow tails cost a few hundred points.

Short runs are summed term by term. On a long run the terms are interpolated by a Chebyshev series, in k where the run
is narrow for its distance from the low end and in the logarithm of that distance where it is wide. The sum of the
series is an integral with the midpoint correction of Euler and Maclaurin; a run whose check points disagree is split,
unless what they disagree by is the rounding of the terms.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # of floats

SHORT = 4096
DEGREE = 20
FARTHEST = 1e290
STALLED = 0.75  # of the error that halving should have taken away is left: it is rounding
PATIENCE = 4  # such halvings before a run is left as it is
EPS = float(np.finfo(float).eps)
_NODES = np.cos(np.pi * (np.arange(2 * DEGREE) + 0.5) / (2 * DEGREE))
_GAUSS, _WEIGHTS = np.polynomial.legendre.leggauss(32)


class Total(NamedTuple):
    """Sums and absolute errors of the rows, the number of points, the size of the last run, and where it ended.

    `end` is ∞ where nothing is left out, or only what is below 1e-20 of the sum.
    """

    value: Array
    error: Array
    n: int
    last: Array
    end: float

    def join(self, other: Total) -> Total:
        return Total(
            self.value + other.value,
            self.error + other.error,
            self.n + other.n,
            self.last + other.last,
            max(self.end, other.end),
        )


def total(
    f: Callable[[Array], Array],
    low: float,
    high: float,
    breaks: Array,
    *,
    rtol: float = 1e-13,
    budget: int = 1 << 20,
    farthest: float = FARTHEST,
    drivers: int | None = None,
) -> Total:
    """Σ f(k) for whole k from low to high (included); f maps (n,) integers to (r, n) terms.

    The first `drivers` rows steer, and where there are more the next is how far rounding moves the first of them, in
    units of the machine epsilon.
    """
    low = float(low)  # a whole number of Python's would make the points integers, which round what is set beside them
    edges = _edges(low, high, breaks, farthest)
    n, end, scale = 0, edges[-1], np.zeros(1)
    runs: list[_Run] = []
    for a, b in pairwise(edges):
        run = _run(f, a, b, low, drivers)
        runs.append(run)
        n += run.n
        scale = np.maximum(scale, np.abs(run.part))
        if (np.abs(run.part) <= 1e-20 * scale).all() and b > breaks.max(initial=low) and scale.any():
            end = math.inf
            break
    last = np.zeros_like(scale) if end > high else np.abs(runs[-1].part)
    k = drivers or len(scale)
    done: list[_Run] = []
    while runs:
        run = runs.pop()
        wanted = np.maximum(rtol * np.maximum(scale, np.abs(run.part)), run.floor)[:k]
        if run.stalls >= PATIENCE or n >= budget or not (run.error[:k] > wanted).any():
            done.append(run)
            continue
        middle = _middle(run.a, run.b, low)
        for a, b in ((middle, run.b), (run.a, middle)):
            half = _run(f, a, b, low, drivers)
            n += half.n
            stalled = float(half.error[:k].max()) > STALLED * 0.5 * float(run.error[:k].max())
            runs.append(half._replace(stalls=run.stalls + 1 if stalled else 0))
    value = np.array([math.fsum(row) for row in np.array([run.part for run in done]).T])
    return Total(value, np.sum([run.error for run in done], axis=0), n, last, math.inf if end > high else end)


class _Run(NamedTuple):
    """The sum over [a, b), its error, how much of that rounding explains, and how often halving did not help."""

    a: float
    b: float
    part: Array
    error: Array
    floor: Array
    n: int
    stalls: int = 0


def _run(f: Callable[[Array], Array], a: float, b: float, low: float, drivers: int | None) -> _Run:
    if b - a > SHORT:
        return _Run(a, b, *_long(f, a, b, low, drivers), 4 * DEGREE)
    part = np.array([math.fsum(row) for row in f(np.arange(a, b))])
    error = EPS * np.abs(part)
    return _Run(a, b, part, error, error, int(b - a))


def _edges(low: float, high: float, breaks: Array, farthest: float) -> list[float]:
    """Runs that double in length from either end, later grow faster, split at the breaks too.

    Breaks that lie in one short run do not split it.
    """
    end = min(high + 1, farthest)
    edges = {low, end}
    step = float(SHORT)
    while low + step < end:
        edges.add(low + step)
        if 2 * step < high - low < math.inf:
            edges.add(high + 1 - step)
        step *= 2 if step < 2.0**30 else 16 if step < 2.0**60 else 256
    found = sorted(edges | {low + math.floor(b - low) for b in breaks if low < b < end})
    kept = found[:1]
    for edge, following in pairwise(found[1:]):
        if following - kept[-1] > SHORT:
            kept.append(edge)
    return [*kept, found[-1]] if len(found) > 1 else found


def _middle(a: float, b: float, low: float) -> float:
    """Halfway, in the logarithm of the distance from the low end where that has many sizes."""
    first = a - low + 1
    half = low - 1 + math.sqrt(first) * math.sqrt(b - low + 1) if b - a > first else 0.5 * (a + b)
    return min(max(low + float(np.floor(half - low)), a + 1), b - 1)


def _long(
    f: Callable[[Array], Array], a: float, b: float, low: float, drivers: int | None
) -> tuple[Array, Array, Array]:
    """Σ over [a, b) of a smooth run, how far the interpolation misses between its nodes, and what rounding explains."""
    origin = low - 1 if b - a > a - low + 1 else None  # in the logarithm of the distance from there, or in k
    start, stop = (a, b - 1) if origin is None else (math.log(a - origin), math.log(b - 1 - origin))
    middle, half = 0.5 * (start + stop), 0.5 * (stop - start)
    x = middle + half * _NODES
    k = np.unique(np.clip(low + np.round((x if origin is None else origin + np.exp(x)) - low), a, b - 1))
    x = k if origin is None else np.log(k - origin)
    t = (x - middle) / half
    terms = f(k)
    rows = terms if origin is None else terms * (k - origin)  # as a density in x
    series = np.polynomial.chebyshev.chebfit(t, rows.T, DEGREE)
    missed = np.abs(np.polynomial.chebyshev.chebval(t, series) - rows).max(axis=1)
    ends = [a - 0.5, b - 0.5]
    edges = ends if origin is None else [math.log(end - origin) for end in ends]
    width = edges[1] - edges[0]
    u = (0.5 * (edges[0] + edges[1]) - middle + 0.5 * width * _GAUSS) / half
    part = np.polynomial.chebyshev.chebval(u, series) @ (_WEIGHTS * 0.5 * width)
    floor = 64 * EPS * np.abs(rows).max(axis=1)
    if drivers is not None and drivers < len(rows):
        floor[0] += 8 * EPS * float(np.abs(rows[drivers]).max())
    slope = np.polynomial.chebyshev.chebder(series)
    slopes = []
    for edge in edges:  # f′ = g′ in k; f = g/y in x = log y, so that f′ = (g′ − g)/y²
        v = (edge - middle) / half
        g, dg = np.polynomial.chebyshev.chebval(v, series), np.polynomial.chebyshev.chebval(v, slope) / half
        slopes.append(dg if origin is None else (dg - g) * math.exp(-2 * edge))
    part = part - (slopes[1] - slopes[0]) / 24
    return part, (missed + 64 * EPS * np.abs(rows).max(axis=1)) * width, 2 * floor * width
