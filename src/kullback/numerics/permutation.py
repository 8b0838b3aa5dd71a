"""Whether two sets of draws may come from one distribution: the labels are dealt again, and the statistic looked at.

A p-value is (1 + the deals that reach the statistic) / (1 + all deals): exact in level, whatever the distribution.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

DEALS = 999
AT_ONCE = 128  # deals in one product
MOST = 1000  # draws a side for distances between all of them


def counts(a: Array, b: Array, seed: int) -> float:
    """By the likelihood ratio of counts, n·KL(P‖M) + m·KL(Q‖M) with M the shares of both together."""
    rng = np.random.default_rng([seed, 12])
    both = (a + b).astype(np.int64)
    dealt = rng.multivariate_hypergeometric(both, int(a.sum()), size=DEALS, method="marginals")
    statistic = _gain(a) + _gain(b)
    return _p_value(statistic, _gain(dealt) + _gain(both - dealt))


def energy(x: Array, y: Array, seed: int) -> float:
    """By the energy distance 2E|X−Y| − E|X−X'| − E|Y−Y'| of standardised columns (Székely & Rizzo 2004).

    Of more than MOST draws a side so many are taken at random.
    """
    rng = np.random.default_rng([seed, 13])
    x, y = (s if len(s) <= MOST else s[rng.choice(len(s), MOST, replace=False)] for s in (x, y))
    both = np.concatenate([x, y])
    spread = both.std(axis=0)
    both = (both - both.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    distance = np.sqrt(_squares(both))
    side = np.concatenate([np.full(len(x), 1 / len(x)), np.full(len(y), -1 / len(y))])
    statistic = -float(side @ distance @ side)
    found = []
    for start in range(0, DEALS, AT_ONCE):
        deals = rng.permuted(np.tile(side, (min(AT_ONCE, DEALS - start), 1)), axis=1)
        found.append(-np.einsum("ij,ij->i", deals @ distance, deals))
    return _p_value(statistic, np.concatenate(found))


def _squares(x: Array) -> Array:
    found = np.zeros((len(x), len(x)))
    for column in x.T:
        found += np.square(column[:, None] - column[None, :])
    return found


def _gain(a: Array) -> Array:
    a = np.asarray(a, dtype=float)
    return np.asarray((a * np.log(np.where(a > 0, a, 1.0))).sum(axis=-1))


def _p_value(statistic: Any, dealt: Array) -> float:
    slack = 1e-9 * abs(float(statistic))  # equal deals differ by rounding
    return (1 + int((dealt >= float(statistic) - slack).sum())) / (1 + len(dealt))
