"""Two samples in a comparison: what stands for their draws, and whether they may be from one distribution."""

from __future__ import annotations

import numpy as np

from kullback._distribution import Density, Discrete, Measured, Sample
from kullback._estimate import estimate
from kullback._result import InputError
from kullback.methods._counted import Counted, counted
from kullback.methods._looks import look, rows, weighted
from kullback.numerics import permutation
from kullback.numerics.counts import Known


def p_value(p: Measured, q: Measured, seed: int) -> float | None:
    """Of no difference, by permutation; None unless both sides are draws, or counts of them, without weights."""
    if weighted(p, q) or isinstance(p, Density) or isinstance(q, Density):
        return None
    found = counted(p, q)
    if isinstance(found, Counted):
        known = isinstance(found.p, Known) or isinstance(found.q, Known)
        return None if known else permutation.counts(found.p, found.q, seed)  # type: ignore[arg-type]
    both = isinstance(p, Sample) and isinstance(q, Sample)
    return permutation.energy(rows(p), rows(q), seed) if both else None  # type: ignore[arg-type]


def standing(p: Measured, q: Measured, seed: int) -> tuple[Measured | None, Measured | None]:
    """Tables of shares for draws that recur, else mixtures of normals; None where there is none."""
    if not any(isinstance(d, Sample) for d in (p, q)):
        return p, q
    found = counted(p, q)
    if isinstance(found, Counted) and not any(isinstance(d, Density) for d in (p, q)):
        return _table(found.p, found), _table(found.q, found)
    return _stand_in(p, seed), _stand_in(q, seed)


def _table(side: object, pair: Counted) -> Discrete:
    shares = side.shares if isinstance(side, Known) else side
    return Discrete(shares, labels=pair.outcomes, normalize=True)


def _stand_in(d: Measured, seed: int) -> Measured | None:
    if not isinstance(d, Sample):
        return d
    if d.dim == 1 and d.weights is None and not isinstance(counted(d, Discrete([1.0])), str):
        values, n = np.unique(d.x, return_counts=True)
        if values[0] >= 0 and (values == np.floor(values)).all() and values[-1] < 1e6:
            return Discrete(np.bincount(values.astype(int), weights=n), normalize=True)
    if look(d).kinds & {"mixed", "discrete"}:
        return None  # a density would have spikes that are not there, or miss masses that are
    try:
        return estimate(d, seed=seed).density
    except InputError:
        return None
