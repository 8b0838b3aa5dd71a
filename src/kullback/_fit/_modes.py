"""The modes of a density and the mass of their basins.

On the line a basin reaches from one minimum to the next. In the plane every quadrature node climbs to its steepest
neighbour (quick shift; Vedaldi and Soatto 2008), and the summits are polished and merged.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from kullback._distribution import Density
from kullback._support import Array
from kullback.methods import _line, _plane
from kullback.numerics.lazy import optimize
from kullback.numerics.locate import climb
from kullback.numerics.quadrature import integrate

SHALLOW = 1e-6  # two summits whose pass lies less than this below the lower one are one
LIGHT = 1e-4  # basins with less of P than this are not told as modes


class Basins(NamedTuple):
    """Modes (m, d), the mass of each basin, and where points belong: cuts on the line, owned nodes in the plane."""

    modes: Array
    masses: Array
    cuts: Array
    nodes: Array
    owner: Array

    def assign(self, x: Array) -> Array:
        """The index of the basin each point lies in."""
        points = x.reshape(len(x), self.modes.shape[1])
        if self.modes.shape[1] == 1:
            return np.asarray(np.searchsorted(self.cuts, points[:, 0]))
        from scipy.spatial import cKDTree

        scale = self.nodes.std(axis=0)
        return np.asarray(self.owner[cKDTree(self.nodes / scale).query(points / scale)[1]])


def basins(f: Density) -> Basins:
    """Every mode with more than a ten-thousandth of the mass, the heaviest first on the line by place."""
    return _on_line(f) if f.dim == 1 else _in_plane(f)


def _on_line(f: Density) -> Basins:
    x, w = _line.nodes(f, rtol=1e-8)
    order = np.argsort(x)
    x, w = x[order], w[order]
    y = f._log_prob(x)
    peaks = [i for i in range(len(x)) if y[i] >= y[max(i - 1, 0)] and y[i] > (y[i + 1] if i + 1 < len(x) else -np.inf)]
    kept: list[int] = []
    for i in peaks:
        while kept:
            floor = float(y[kept[-1] : i + 1].min())
            lower = kept[-1] if y[kept[-1]] < y[i] else i
            if y[lower] - floor >= SHALLOW:
                break
            if lower == i:
                i = kept[-1]
            kept.pop()
        kept.append(i)
    modes = [climb(f._log_prob, x[max(i - 1, 0)], x[min(i + 1, len(x) - 1)])[0] for i in kept]
    passes = [a + int(np.argmin(y[a : b + 1])) for a, b in itertools.pairwise(kept)]
    cuts = [climb(lambda t: -f._log_prob(t), x[i - 1], x[i + 1])[0] for i in passes]
    support = _line.interval(f)
    ends = [support.low, *cuts, support.high]
    breaks = _line.landmarks(f)
    masses = []
    for low, high in itertools.pairwise(ends):
        found = integrate(lambda t: np.exp(f._log_prob(t))[None], low, high, breaks, rtol=1e-9, atol=1e-12)
        masses.append(float(found.value[0]))
    heavy = [i for i, m in enumerate(masses) if m > LIGHT]
    if len(heavy) < len(masses):
        cuts = [cuts[i - 1] for i in heavy[1:]]
        modes, masses = [modes[i] for i in heavy], [masses[i] for i in heavy]
    places = rounded(np.array(modes)[:, None], np.array([np.sqrt(w @ (x - w @ x) ** 2)]))
    return Basins(places, np.array(masses), np.array(cuts), np.zeros((0, 1)), np.zeros(0, int))


def _in_plane(f: Density) -> Basins:
    from scipy.spatial import cKDTree

    x, w = _plane.nodes(f, 0)
    heavy = w > 1e-7 * w.max()
    x, w = x[heavy], w[heavy]
    mean = (w @ x) / w.sum()
    covariance = ((x - mean) * w[:, None]).T @ (x - mean) / w.sum()
    tril = np.linalg.cholesky(covariance)
    z = np.linalg.solve(tril, (x - mean).T).T
    y = f._log_prob(x)
    distance, near = cKDTree(z).query(z, k=min(25, len(z)))
    slope = (y[near] - y[:, None]) / np.maximum(distance, 1e-300)
    slope[:, 0] = 0.0
    best = np.argmax(slope, axis=1)
    parent = np.where(slope[np.arange(len(z)), best] > 0, near[np.arange(len(z)), best], np.arange(len(z)))
    while (parent != parent[parent]).any():
        parent = parent[parent]
    roots, owner = np.unique(parent, return_inverse=True)
    tops = np.array([_summit(f, mean, tril, z[r]) for r in roots])
    merged, index = _merge(f, mean, tril, tops)
    owner = index[owner]
    masses = np.bincount(owner, weights=w, minlength=len(merged)) / w.sum()
    keep = masses > LIGHT
    renumber = np.cumsum(keep) - 1
    nearest = np.argmin(((z[:, None] - merged[keep][None]) ** 2).sum(axis=2), axis=1)
    owner = np.where(keep[owner], renumber[owner], nearest)
    order = np.argsort(-masses[keep], kind="stable")
    rank = np.argsort(order)
    places = rounded(mean + merged[keep][order] @ tril.T, np.sqrt(np.diag(covariance)))
    return Basins(places, masses[keep][order], np.zeros(0), x, rank[owner])


def rounded(modes: Array, width: Array) -> Array:
    """Places without the digits that a flat top cannot hold: a maximum is known to the root of the precision."""
    unit = 10.0 ** np.floor(np.log10(1e-6 * width))
    return np.asarray(np.round(modes / unit) * unit + 0.0)


def _summit(f: Density, mean: Array, tril: Array, start: Array) -> Array:
    def loss(z: Array) -> float:
        return -float(f._log_prob((mean + tril @ z)[None])[0])

    with np.errstate(invalid="ignore", over="ignore"):  # the differences of infinities, past a hard edge
        found = optimize.minimize(loss, start, method="BFGS", options={"gtol": 1e-6})
    return np.asarray(found.x if found.fun <= loss(start) else start)


def _merge(f: Density, mean: Array, tril: Array, tops: Array) -> tuple[Array, Array]:
    """Summits that are one: close together, or with no pass between them; and where each went."""
    heights = f._log_prob(mean + tops @ tril.T)
    order = np.argsort(-heights)
    kept: list[int] = []
    index = np.zeros(len(tops), dtype=int)
    steps = np.linspace(0, 1, 33)[:, None]
    for i in order:
        for place, j in enumerate(kept):
            path = f._log_prob(mean + (tops[i] + steps * (tops[j] - tops[i])) @ tril.T)
            if np.abs(tops[i] - tops[j]).max() < 1e-3 or path.min() > heights[i] - SHALLOW:
                index[i] = place
                break
        else:
            index[i] = len(kept)
            kept.append(int(i))
    return tops[kept], index
