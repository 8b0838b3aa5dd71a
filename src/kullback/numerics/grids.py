"""Rules on the line in standard coordinates, and their products in the plane.

A normal part is integrated by the trapezoidal rule, which converges faster than any power there. Other shapes
take Gauss-Legendre panels that double in length away from the centre, with an edge at the centre for a kink.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # of floats

NORMAL_REACH = 9.0  # beyond it a standard normal has 2e-19 of its mass
DOUBLED = 2.0 ** np.arange(1, 70) - 1  # where panels that double in length end


@lru_cache(maxsize=64)
def trapezoid(n: int) -> tuple[Array, Array]:
    """n points over ±NORMAL_REACH with equal weights."""
    z = np.linspace(-NORMAL_REACH, NORMAL_REACH, n)
    return z, np.full(n, z[1] - z[0])


@lru_cache(maxsize=64)
def graded(order: int, reach: float) -> tuple[Array, Array]:
    """Gauss-Legendre panels with edges 0, ±½, ±1, ±2, … up to ±reach."""
    edges = [0.0, 0.5]
    while edges[-1] < reach:
        edges.append(2 * edges[-1])
    return panels(np.array([-e for e in edges[:0:-1]] + edges), order)


def panels(edges: Array, order: int) -> tuple[Array, Array]:
    """Gauss-Legendre nodes and weights on every panel between sorted edges."""
    nodes, weights = legendre(order)
    half = 0.5 * np.diff(edges)
    middle = 0.5 * (edges[1:] + edges[:-1])
    return (middle[:, None] + half[:, None] * nodes).ravel(), (half[:, None] * weights).ravel()


@lru_cache(maxsize=32)
def legendre(order: int) -> tuple[Array, Array]:
    nodes, weights = np.polynomial.legendre.leggauss(order)
    return nodes, weights


def plane(rule: tuple[Array, Array]) -> tuple[Array, Array]:
    """The product of a rule with itself: points (n², 2) and weights (n²,)."""
    z, w = rule
    first, second = np.meshgrid(z, z, indexing="ij")
    return np.column_stack([first.ravel(), second.ravel()]), np.outer(w, w).ravel()


@lru_cache(maxsize=8)
def normal_plane(n: int) -> tuple[Array, Array, Array]:
    """n points a side over a standard normal in the plane: points, weights with its density, and the density's log."""
    z, dz = plane(trapezoid(n))
    half = -0.5 * (z * z).sum(axis=1)
    w = np.exp(half) * dz / (2 * np.pi)
    keep = w > 1e-20
    return z[keep], w[keep], half[keep] - math.log(2 * math.pi)


@lru_cache(maxsize=16)
def graded_plane(order: int, reach: float) -> tuple[Array, Array]:
    """The product of graded panels with itself."""
    return plane(graded(order, reach))


def balanced(edges: Array) -> Array:
    """Sorted edges with more between them, so that no panel is more than about twice as long as its neighbour."""
    gaps = np.diff(edges).tolist()  # lists: a search calls this at every step, and has some twenty edges
    size = [min(pair) for pair in zip([math.inf, *gaps], [*gaps, math.inf], strict=True)]  # how long a panel may be
    for i, gap in enumerate(gaps):
        size[i + 1] = min(size[i + 1], size[i] + gap)
    for i in range(len(gaps) - 1, -1, -1):
        size[i] = min(size[i], size[i + 1] + gaps[i])
    more = [edges]
    for i, gap in enumerate(gaps):
        if gap > 2 * min(size[i], size[i + 1]):
            meet = 0.5 * (gap + size[i + 1] - size[i])
            for start, step, reach in ((edges[i], size[i], meet), (edges[i + 1], -size[i + 1], gap - meet)):
                places = step * DOUBLED
                more.append(start + places[np.abs(places) < reach])
    return np.unique(np.concatenate(more))
