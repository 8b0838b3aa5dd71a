"""Whether what P's draws show and Q's do not is a gap in Q, or the end of a tail that so few draws do not reach."""

from __future__ import annotations

from typing import Any

import numpy as np

from kullback._support import Array
from kullback.methods._counted import Counted
from kullback.numerics.counts import held
from kullback.numerics.lazy import special
from kullback.numerics.shares import Known

CHANCE, SURE = 1e-4, 0.99  # below the first it was no chance; how sure of P's share
PART = 0.25  # of P's share: what Q may have there and yet be said to have some
EXPECTED = 10.0  # draws of Q where it shows none, by how its counts run beside it


def missed(shown: float, n: float, m: float, part: float = 1.0) -> float:
    """The chance that m draws of Q show none of what `shown` of P's n did, if Q has `part` of P's share there.

    With n = ∞ what is shown is P's share itself.
    """
    share = float(special.betaincinv(shown, n - shown + 1, 1 - SURE)) if np.isfinite(n) else min(shown, 1.0)
    return float(np.exp(m * np.log1p(-part * share)))


def proves_gap(pair: Counted) -> bool:
    """Known shares prove it. Draws do where it was no chance, and numbers beside it do not thin out towards it.

    A tail thins out: the ratio of two Poisson masses grows without end, and a large share of P alone proves nothing.
    """
    if isinstance(pair.q, Known):
        return True
    known = isinstance(pair.p, Known)
    p, q = pair.p.shares if isinstance(pair.p, Known) else held(pair.p), held(pair.q)
    lost = (p > 0) & (q == 0)
    mass, m = float(p[lost].sum()), float(q.sum())
    if missed(mass, np.inf if known else float(p.sum()), m, PART) > CHANCE:
        return False
    if not known and mass == p.sum():
        return True  # nothing is shared at all
    numbers = _numbers(pair.outcomes)
    if numbers is None:
        return True
    expected = m * np.prod([_run(column, q, lost) / m for column in numbers.T], axis=0)
    return bool(expected.max() >= EXPECTED)


def _numbers(outcomes: list[Any]) -> Array | None:
    try:
        found = np.array(outcomes, dtype=float)
    except (TypeError, ValueError):
        return None
    return found.reshape(len(found), -1)


def _run(x: Array, counts: Array, lost: Array) -> Array:
    """Draws to be expected at each lost outcome by one of its numbers: counted, or as the counts beside it run on."""
    at, where = np.unique(x, return_inverse=True)
    held = np.bincount(where, weights=counts)
    seen = held > 0
    xs, logs = at[seen], np.log(held[seen])
    asked = x[lost]
    up = _extrapolated(xs, logs, asked)
    down = _extrapolated(-xs[::-1], logs[::-1], -asked)
    here = held[where[lost]]
    return np.where(here > 0, here, np.maximum(up, down))


def _extrapolated(xs: Array, logs: Array, asked: Array) -> Array:
    """From the two outcomes below each, geometrically, never upwards; 0 where there is none below."""
    last = np.searchsorted(xs, asked) - 1
    some = last >= 0
    i = np.maximum(last, 0)
    j = np.maximum(i - 1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = np.where(i > j, np.minimum((logs[i] - logs[j]) / (xs[i] - xs[j]), 0.0), 0.0)
    return np.where(some, np.exp(logs[i] + slope * (asked - xs[i])), 0.0)
