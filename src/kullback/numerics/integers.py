"""Sums over integers from a low end to infinity, without visiting each: slow tails cost a few hundred points.

Short runs are summed term by term. On a long run the terms are interpolated in log k by a Chebyshev series, whose
sum is an integral with the midpoint correction of Euler and Maclaurin; a run whose check points disagree is split.
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
EPS = float(np.finfo(float).eps)
_NODES = np.cos(np.pi * (np.arange(2 * DEGREE) + 0.5) / (2 * DEGREE))
_GAUSS, _WEIGHTS = np.polynomial.legendre.leggauss(32)


class Total(NamedTuple):
    """Sums and absolute errors of the rows, the number of points, and the size of the last runs."""

    value: Array
    error: Array
    n: int
    last: Array


def total(
    f: Callable[[Array], Array],
    low: float,
    high: float,
    breaks: Array,
    *,
    rtol: float = 1e-13,
    budget: int = 1 << 22,
) -> Total:
    """Σ f(k) for whole k from low to high (included); f maps (n,) integers to (r, n) terms."""
    edges = _edges(low, high, breaks)
    runs = list(pairwise(edges))[::-1]
    parts: list[Array] = []
    errors: list[Array] = []
    n, last = 0, np.zeros(1)
    scale = np.zeros(1)
    while runs:
        a, b = runs.pop()
        if b - a <= SHORT:
            values = f(np.arange(a, b))
            part = np.array([math.fsum(row) for row in values])
            error = EPS * np.abs(part)
            n += int(b - a)
        else:
            part, error = _long(f, a, b)
            n += 4 * DEGREE
            if (error > rtol * np.maximum(scale, np.abs(part))).any() and n < budget:
                half = math.sqrt(a) * math.sqrt(b) if a > 0 else 0.5 * (a + b)
                middle = min(max(float(np.floor(half)), a + 1), b - 1)
                runs += [(middle, b), (a, middle)]
                continue
        parts.append(part)
        errors.append(error)
        last = np.abs(part)
        scale = np.maximum(scale, np.abs(part))
        tiny = (last <= 1e-20 * scale).all()
        if tiny and b > breaks.max(initial=low) and scale.any():
            break
    if not runs and math.isfinite(high):
        last = np.zeros_like(last)  # nothing is left out
    stacked = np.array(parts)
    value = np.array([math.fsum(row) for row in stacked.T])
    return Total(value, np.sum(errors, axis=0), n, last)


def _edges(low: float, high: float, breaks: Array) -> list[float]:
    """Runs that double in length from the low end, split at the breaks too."""
    end = min(high + 1, FARTHEST)
    edges = {low, end}
    step = float(SHORT)
    while low + step < end:
        edges.add(low + step)
        step *= 2
    edges |= {float(math.floor(b)) for b in breaks if low < b < end}
    return sorted(edges)


def _long(f: Callable[[Array], Array], a: float, b: float) -> tuple[Array, Array]:
    """Σ over [a, b) of a smooth run, and how far the interpolation misses between its nodes."""
    low, high = math.log(a + 0.5 if a <= 0 else a), math.log(b - 1)
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    k = np.unique(np.clip(np.round(np.exp(middle + half * _NODES)), a, b - 1))
    t = (np.log(np.maximum(k, 0.5)) - middle) / half
    rows = f(k) * k  # the terms as a density in log k
    series = np.polynomial.chebyshev.chebfit(t, rows.T, DEGREE)
    missed = np.abs(np.polynomial.chebyshev.chebval(t, series) - rows).max(axis=1)
    edge_low, edge_high = math.log(a - 0.5), math.log(b - 0.5)
    x = 0.5 * (edge_low + edge_high) + 0.5 * (edge_high - edge_low) * _GAUSS
    values = np.polynomial.chebyshev.chebval((x - middle) / half, series)
    part = values @ (_WEIGHTS * 0.5 * (edge_high - edge_low))
    return part - _midpoint(series, middle, half, edge_low, edge_high), (
        missed + 64 * EPS * np.abs(rows).max(axis=1)
    ) * (high - low)


def _midpoint(series: Array, middle: float, half: float, low: float, high: float) -> Array:
    """(f′(b − ½) − f′(a − ½))/24, where f(k) = g(log k)/k and so f′ = (g′ − g)/k²."""
    slope = np.polynomial.chebyshev.chebder(series)
    ends = []
    for x in (low, high):
        u = (x - middle) / half
        g, dg = np.polynomial.chebyshev.chebval(u, series), np.polynomial.chebyshev.chebval(u, slope) / half
        ends.append((dg - g) * math.exp(-2 * x))
    return np.asarray((ends[1] - ends[0]) / 24)
