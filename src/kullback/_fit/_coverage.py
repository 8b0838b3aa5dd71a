"""What Q misses and wastes, and which modes of P it covers."""

from __future__ import annotations

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
    """missed = P{q < 0.01 p}, wasted = Q{p < 0.01 q}, and the modes with q ≥ 0.01 p."""
    missed, error_p = below(p, q)
    wasted, error_q = below(q, p)
    names = labels(basins, sample)
    points = _within(p, basins.modes[:, 0]) if p.dim == 1 else basins.modes
    covered = q._log_prob(points) - p._log_prob(points) >= THRESHOLD
    modes = tuple(
        Mode(float(m[0]) if p.dim == 1 else m, float(mass), bool(c), name)
        for m, mass, c, name in zip(basins.modes, basins.masses, covered, names, strict=True)
    )
    return Coverage(missed, wasted, modes, max(error_p, error_q))


def _within(p: Density, modes: Array) -> Array:
    """The modes, those on an end of the support moved a millionth of the way inwards."""
    support = _line.interval(p)
    middle = float(np.median(_line.landmarks(p)))
    at_end = (modes <= support.low) | (modes >= support.high)
    return np.where(at_end, modes + 1e-6 * (middle - modes), modes)


def below(f: Density, g: Density) -> tuple[float, float]:
    """F{g < 0.01 f} and its error."""
    if f.dim == 1:
        support = _line.interval(f)

        def rows(x: Array) -> Array:
            log_f = f._log_prob(x)
            with np.errstate(invalid="ignore"):  # −∞ − −∞ where neither has mass
                return np.where(g._log_prob(x) - log_f < THRESHOLD, np.exp(log_f), 0.0)[None]

        breaks = np.union1d(_line.landmarks(f), _line.landmarks(g))
        found = integrate(rows, support.low, support.high, breaks, rtol=1e-9, atol=1e-9, max_points=200_000)
        return float(found.value[0]), float(found.error[0])
    values = []
    for level in (2, 3):
        x, w = _plane.nodes(f, level)
        lost = g._log_prob(x) - f._log_prob(x) < THRESHOLD
        values.append(float(w[lost].sum() / w.sum()))
    return values[-1], abs(values[1] - values[0])


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
