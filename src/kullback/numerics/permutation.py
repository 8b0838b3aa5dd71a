"""Whether two sets of counts may come from one distribution: the labels are dealt again, and the statistic looked at.

A p-value is (1 + the deals that pass the statistic + half of those that equal it) / (1 + all deals): as Monte Carlo has
it where no two deals are equal, and Lancaster's mid-p where few outcomes make many of them so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

DEALS = 999
BATCH, ENOUGH = 111, 60  # deals between two looks; deals that pass the statistic, after which no more are needed


def counts(a: Array, b: Array, seed: int) -> float:
    """By the likelihood ratio of counts, n·KL(P‖M) + m·KL(Q‖M) with M the shares of both together.

    Besag and Clifford (1991): dealing ends when enough deals have passed the statistic.
    """
    rng = np.random.default_rng([seed, 12])
    both = (a + b).astype(np.int64)
    statistic = float(_gain(a) + _gain(b))
    found: list[Array] = []
    for _ in range(0, DEALS, BATCH):
        dealt = rng.multivariate_hypergeometric(both, int(a.sum()), size=BATCH, method="marginals")
        found.append(_gain(dealt) + _gain(both - dealt))
        if len(found) * BATCH * (level := p_value(statistic, np.concatenate(found))) > ENOUGH:
            break
    return level


def p_value(statistic: float, dealt: Array) -> float:
    slack = 1e-9 * abs(statistic)  # equal deals differ by rounding
    above, equal = int((dealt > statistic + slack).sum()), int((np.abs(dealt - statistic) <= slack).sum())
    if equal == len(dealt):
        return 1.0  # nothing that deals could tell apart
    return (1 + above + 0.5 * equal) / (1 + len(dealt))


def _gain(a: Array) -> Array:
    a = np.asarray(a, dtype=float)
    return np.asarray((a * np.log(np.where(a > 0, a, 1.0))).sum(axis=-1))
