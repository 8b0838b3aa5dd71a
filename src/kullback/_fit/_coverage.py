"""What Q misses and wastes, and which modes of P it covers."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np

from kullback._distribution import Density, Sample
from kullback._fit._modes import Basins
from kullback._result import Coverage, Mode
from kullback._support import Array
from kullback.methods import _line, _plane
from kullback.numerics.quadrature import integrate

THRESHOLD = math.log(0.01)


def coverage(p: Density, q: Density, basins: Basins, sample: Sample | None) -> Coverage:
    """missed = P{q < 0.01 p}, wasted = Q{p < 0.01 q}, and of each mode's basin the share that is missed."""
    lost, error_p = below(p, q, basins)
    wasted, error_q = below(q, p)
    names = labels(basins, sample)
    shares = np.clip(lost / np.maximum(basins.masses, 1e-300), 0.0, 1.0)
    modes = tuple(
        Mode(float(m[0]) if p.dim == 1 else m, float(mass), float(share), name)
        for m, mass, share, name in zip(basins.modes, basins.masses, shares, names, strict=True)
    )
    return Coverage(float(lost.sum()), float(wasted.sum()), modes, max(error_p, error_q))


def below(f: Density, g: Density, basins: Basins | None = None) -> tuple[Array, float]:
    """F{g < 0.01 f} in each of F's basins, or in all as one, and the error of their sum."""
    if f.dim == 1:
        support = _line.interval(f)

        def rows(x: Array) -> Array:
            log_f = f._log_prob(x)
            with np.errstate(invalid="ignore"):  # −∞ − −∞ where neither has mass
                return np.where(g._log_prob(x) - log_f < THRESHOLD, np.exp(log_f), 0.0)[None]

        breaks = np.union1d(_line.landmarks(f), _line.landmarks(g))
        ends = [support.low, *(basins.cuts if basins is not None else ()), support.high]
        parts = [
            integrate(rows, low, high, breaks, rtol=1e-9, atol=1e-9, max_points=200_000)
            for low, high in itertools.pairwise(ends)
        ]
        return np.array([float(part.value[0]) for part in parts]), math.fsum(float(part.error[0]) for part in parts)
    values = []
    for level in (2, 3):
        x, w = _plane.nodes(f, level)
        lost = g._log_prob(x) - f._log_prob(x) < THRESHOLD
        owner = np.zeros(int(lost.sum()), int) if basins is None else basins.assign(x[lost])
        count = 1 if basins is None else len(basins.modes)
        values.append(np.bincount(owner, weights=w[lost], minlength=count) / w.sum())
    return values[-1], abs(float((values[1] - values[0]).sum()))


def labels(basins: Basins, sample: Sample | None) -> list[str | None]:
    """The commonest label among the draws in each mode's basin."""
    if sample is None or sample.labels is None:
        return [None] * len(basins.modes)
    owner = basins.assign(sample.x)
    names: list[str | None] = []
    for i in range(len(basins.modes)):
        mine = [str(name) for name in sample.labels[owner == i]]
        names.append(Counter(mine).most_common(1)[0][0] if mine else None)
    return names
