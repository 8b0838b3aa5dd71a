"""A place to begin where log p̃ has no summit to begin from: the best normal, searched for from the starts themselves.

In a hierarchical model log p̃ rises without bound as a scale shrinks to nothing, although the integral there is small.
The climb ends in that spike, whose curvature says nothing of where the mass is; KL(Q‖P) knows better.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np

from kullback._fit.space._climb import Peak, own_scale
from kullback._fit.space._optimum import Optimum
from kullback._fit.space._oracle import Oracle
from kullback._fit.space._reverse import minimise
from kullback._result import InputError
from kullback._support import Array
from kullback.families import Base, Normal

ROUGH = 0.05  # of Q's spread: enough to begin from
FEW = 64  # draws that tell whether the curvature misleads


def misleads(oracle: Oracle, peak: Peak, seed: int) -> bool:
    """Whether log p̃ around the peak is far from what the curvature there says, by more than a nat in the mean."""
    e = np.random.default_rng([seed, 34]).standard_normal((FEW // 4 if oracle.dear else FEW, oracle.dim))
    seen = oracle.values(peak.x + e @ peak.tril.T) - peak.height
    return not np.abs(seen + 0.5 * (e * e).sum(axis=1)).mean() < 1


def broad_peak(oracle: Oracle, starts: list[Array], seed: int, say: Callable[[str], None]) -> tuple[Peak, float] | None:
    """The centre and spread of the best normal as a peak, and the bound of log Z that it gives; None if there is none.

    Q has few draws and may lean on a spike that they miss: the bound is a guide, not a result.
    """
    family = Normal()
    found: list[Optimum] = []
    for x in np.unique(np.array(starts), axis=0):
        if not oracle.values(x[None])[0] > -np.inf:
            continue
        oracle.scale = own_scale(oracle, x)
        base = Base(x, np.diag(oracle.scale))
        with contextlib.suppress(InputError):
            found.append(minimise(oracle, family, base, family.unit(oracle.dim), "start", seed, say, ROUGH))
    if not found:
        return None
    best = min(found, key=lambda o: o.value)
    height = float(oracle.values(best.base.centre[None])[0])
    if not height > -np.inf:
        return None
    oracle.scale = np.sqrt((best.base.base**2).sum(axis=1))
    return Peak(best.base.centre, height, best.base.base, True), -best.value
