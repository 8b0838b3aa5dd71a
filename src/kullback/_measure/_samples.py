"""Two samples in a comparison: what stands for their draws, and whether they may be from one distribution."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from kullback._distribution import Density, Discrete, Measured, Sample
from kullback._estimate import estimate
from kullback._result import InputError
from kullback._support import Array
from kullback.methods._counted import Counted, counted
from kullback.methods._looks import circle, look, plain, rows, spaced
from kullback.methods.neighbours import Neighbours, flat, near, whitened
from kullback.numerics import exchange, neighbours, permutation
from kullback.numerics.energy import energy, is_dealt, waves
from kullback.numerics.shares import Drawn, Known

SHOWN, SUMMED = 5_000, 20_000  # draws a side at most for a mixture that is drawn, and for numbers without an error


class Tested(NamedTuple):
    """The p-value of no difference, and what it looked at."""

    p_value: float
    how: str


def tested(p: Measured, q: Measured, seed: int) -> Tested | None:
    """Of no difference; None unless both sides are draws, or counts of them."""
    if isinstance(p, Density) or isinstance(q, Density):
        return None
    found = counted(p, q)
    if isinstance(found, Counted):
        if isinstance(found.p, Known) or isinstance(found.q, Known):
            return None
        if isinstance(found.p, Drawn) or isinstance(found.q, Drawn):
            return _exchanged(p, q, found, seed)
        sizes = f"all {found.p.sum():.0f} and {found.q.sum():.0f} draws"
        level = permutation.counts(found.p, found.q, seed)
        return Tested(level, f"by permutation of the likelihood ratio of {len(found.outcomes)} outcomes, {sizes}")
    if not (isinstance(p, Sample) and isinstance(q, Sample)):
        return None
    if not plain(p, q):
        return _exchanged(p, q, None, seed)
    by = "by permutation of" if is_dealt(p.n, q.n, p.dim) else "by"
    how = f"{by} the energy distance of ranks, all {p.n} and {q.n} draws"
    return Tested(energy(rows(p), rows(q), seed), how)


def _exchanged(p: Measured, q: Measured, pair: Counted | None, seed: int) -> Tested | None:
    """Of draws that depend on each other or have weights; outcomes by the χ² distance of their shares."""
    if not (isinstance(p, Sample) and isinstance(q, Sample)):
        return None
    if pair is None:
        (f, g), what = waves(rows(p), rows(q), seed), "the energy distance of ranks"
    else:
        assert isinstance(pair.p, Drawn)
        assert isinstance(pair.q, Drawn)
        scale = np.diag(1 / np.sqrt(0.5 * (pair.p.shares + pair.q.shares)))
        f, g, what = scale[pair.p.cells], scale[pair.q.cells], f"the shares of {len(pair.outcomes)} outcomes"
    level, how = exchange.test(f, p.design, g, q.design, (p.correlation_length, q.correlation_length), seed)
    return Tested(level, f"{how} {what}, all {p.n} and {q.n} draws")


def summary(p: Measured, q: Measured, seed: int) -> tuple[float, float, float] | None:
    """Entropies and the Jensen-Shannon divergence by nearest neighbours, of continuous draws on both sides."""
    if not (isinstance(p, Sample) and isinstance(q, Sample)) or Neighbours().applies(p, q) is not None:
        return None
    if circle(p, q) is not None:
        return None
    p, q = (Sample(_some(d.x if d.design.plain else spaced(d), SUMMED, seed)) for d in (p, q))
    u, v = near(p, q)
    return _entropy(p), _entropy(q), neighbours.jensen_shannon(u, v)


def _entropy(d: Sample) -> float:
    """By the draws' own neighbours, in the unit that they came in; NaN where several columns have no common one."""
    if d.dim > 1 and flat([rows(d)]):
        return math.nan
    z, stretch = (rows(d), 0.0) if d.dim == 1 else whitened(rows(d))
    k = min(neighbours.default_k(*z.shape), len(z) - 1)
    return float(stretch - neighbours.log_density(z, z, k, own=True).mean())


def standing(p: Measured, q: Measured, seed: int) -> tuple[Measured | None, Measured | None]:
    """Tables of shares for draws that recur, else mixtures of normals; None where there is none."""
    if not any(isinstance(d, Sample) for d in (p, q)):
        return p, q
    found = counted(p, q)
    if isinstance(found, Counted) and not any(isinstance(d, Density) for d in (p, q)):
        return _table(found.p, found), _table(found.q, found)
    return _stand_in(p, seed), _stand_in(q, seed)


def _table(side: object, pair: Counted) -> Discrete:
    shares = side.shares if isinstance(side, Known | Drawn) else side
    return Discrete(shares, labels=pair.outcomes, normalize=True)


def _stand_in(d: Measured, seed: int) -> Measured | None:
    if not isinstance(d, Sample):
        return d
    if d.dim == 1 and d.weights is None and not isinstance(counted(d, Discrete([1.0])), str):
        values, n = np.unique(d.x, return_counts=True)
        if values[0] >= 0 and (values == np.floor(values)).all() and values[-1] < 1e6:
            return Discrete(np.bincount(values.astype(int), weights=n), normalize=True)
    if look(d).kinds & {"mixed", "discrete"} or circle(d) is not None:
        return None  # a density would have spikes that are not there, or miss masses that are
    try:
        return estimate(d if d.weights is not None else Sample(_some(d.x, SHOWN, seed)), seed=seed).density
    except InputError:
        return None


def _some(x: Array, most: int, seed: int) -> Array:
    return x if len(x) <= most else x[np.random.default_rng([seed, 15]).choice(len(x), most, replace=False)]
