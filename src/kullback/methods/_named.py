"""The families that draws may be fitted by, each with its test and its unbiased forms."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kullback._support import Array
from kullback.numerics import goodness, unbiased, weighed
from kullback.numerics.counts import Estimate
from kullback.numerics.dependence import Design

LOG_2PI_E = math.log(2 * math.pi) + 1


class Named(NamedTuple):
    """Draws come as (n, d). `fits`: whether they can be the family's at all; `p_value` of its test.

    `evidence`: the maximised log likelihood less BIC's penalty. `divergence` of two samples. `log_density`: per draw
    what its log density adds, to first order, so that the mean is −entropy without bias; `hidden` is that mean's
    variance as far as the terms do not show it. `weighed` and `weighed_log_density` are the same of draws that have
    weights, groups or an order; None where such draws tell too little of the family (a uniform's ends).
    """

    name: str
    fits: Callable[[Array], bool]
    p_value: Callable[[Array], float]
    evidence: Callable[[Array], float]
    divergence: Callable[[Array, Array], Estimate]
    log_density: Callable[[Array], Array]
    hidden: Callable[[int], float] = lambda n: 0.0
    weighed: Callable[[Array, Array, Design, Design], Estimate] | None = None
    weighed_log_density: Callable[[Array, Design], Array] | None = None


def _normal_evidence(x: Array) -> float:
    n, d = x.shape
    biased = unbiased.covariance(x) * ((n - 1) / n)
    return -0.5 * n * (float(np.linalg.slogdet(biased)[1]) + d * LOG_2PI_E) - 0.25 * d * (d + 3) * math.log(n)


def _normal_terms(x: Array) -> Array:
    n, d = x.shape
    cov = unbiased.covariance(x)
    z = x - x.mean(axis=0)
    squares = np.einsum("ij,ij->i", z, np.linalg.solve(cov, z.T).T) * (n / (n - 1))  # whose mean is d
    return -0.5 * (unbiased.log_det(cov, n) + d * LOG_2PI_E) - 0.5 * (squares - d)


def _p_normal(x: Array) -> float:
    return goodness.normal(x[:, 0]) if x.shape[1] == 1 else goodness.multivariate_normal(x)


NORMAL = Named(
    "normal",
    lambda x: True,
    _p_normal,
    _normal_evidence,
    unbiased.normals,
    _normal_terms,
    weighed=weighed.normals,
    weighed_log_density=weighed.normal_terms,
)

LOG_NORMAL = Named(
    "log_normal",
    lambda x: bool((x > 0).all()),
    lambda x: _p_normal(np.log(x)),
    lambda x: _normal_evidence(np.log(x)) - float(np.log(x).sum()),
    lambda x, y: unbiased.normals(np.log(x), np.log(y)),
    lambda x: _normal_terms(np.log(x)) - np.log(x).sum(axis=1),
    weighed=lambda x, y, p, q: weighed.normals(np.log(x), np.log(y), p, q),
    weighed_log_density=lambda x, p: weighed.normal_terms(np.log(x), p) - np.log(x).sum(axis=1),
)

EXPONENTIAL = Named(
    "exponential",
    lambda x: x.shape[1] == 1 and bool((x >= 0).all()) and bool(x.any()),
    lambda x: goodness.exponential(x[:, 0]),
    lambda x: -len(x) * (1 + math.log(float(x.mean()))) - 0.5 * math.log(len(x)),
    lambda x, y: unbiased.exponentials(x[:, 0], y[:, 0]),
    lambda x: -unbiased.log_mean(x[:, 0]) - x[:, 0] / x.mean(),
    weighed=weighed.exponentials,
    weighed_log_density=weighed.exponential_terms,
)

UNIFORM = Named(
    "uniform",
    lambda x: x.shape[1] == 1,
    lambda x: goodness.uniform(x[:, 0]),
    lambda x: -len(x) * math.log(float(np.ptp(x))) - math.log(len(x)),
    lambda x, y: unbiased.uniforms(x[:, 0], y[:, 0]),
    lambda x: np.full(len(x), -unbiased.log_range(x[:, 0])),
    unbiased.range_variance,
)

FAMILIES = (NORMAL, LOG_NORMAL, EXPONENTIAL, UNIFORM)


def inside(x: Array, y: Array) -> bool:
    """Whether P's draws stay within the ends of a uniform Q."""
    low, high = unbiased.ends(y[:, 0])
    return low <= float(x.min()) and float(x.max()) <= high
