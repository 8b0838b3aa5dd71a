"""Moments of few weighted draws in many dimensions, held towards the reverse fit as far as held-out draws want it.

A covariance of d dimensions from n draws is off by about d²/(4n) nats at the forward optimum, whatever each of its
entries' own error. Where that matters, half of the blocks fit and the other half judges, both ways round.
"""

from __future__ import annotations

import numpy as np

from kullback._distribution import Density
from kullback._fit.space._cloud import Cloud
from kullback._support import Array
from kullback._vocabulary import multivariate_normal
from kullback.families import Normal

MATTERS = 0.01  # nats
SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9)


def held_towards(
    cloud: Cloud, guide: Density, mean: Array, covariance: Array, family: Normal
) -> tuple[Array, Array, float]:
    """Mean and covariance, and the guide's share in them."""
    d = len(mean)
    if not family.full or d * d / (4 * cloud.effective) < MATTERS:
        return mean, covariance, 0.0
    assert guide.facts.moments is not None
    other = np.asarray(guide.facts.moments[0]), np.asarray(guide.facts.moments[1])
    even = cloud.block % 2 == 0
    scores = np.zeros(len(SHARES))
    for fitted, judged in ((even, ~even), (~even, even)):
        own = _moments(cloud, fitted)
        w = cloud.weights[judged]
        for i, share in enumerate(SHARES):
            q = multivariate_normal(*_mixed(own, other, share))
            scores[i] += float(w @ q._log_prob(cloud.x[judged]))
    share = SHARES[int(np.argmax(scores))]
    return *_mixed((mean, covariance), other, share), share


def _moments(cloud: Cloud, keep: Array) -> tuple[Array, Array]:
    w = cloud.weights[keep] / cloud.weights[keep].sum()
    mean = w @ cloud.x[keep]
    offset = cloud.x[keep] - mean
    return mean, (offset * w[:, None]).T @ offset


def _mixed(own: tuple[Array, Array], other: tuple[Array, Array], share: float) -> tuple[Array, Array]:
    return (1 - share) * own[0] + share * other[0], (1 - share) * own[1] + share * other[1]
