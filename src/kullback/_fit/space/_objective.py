"""The reverse objective on fixed points: a mean over them, with its exact gradient."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kullback._fit.space._oracle import Oracle
from kullback._support import Array
from kullback._vocabulary._tails import HALF_LOG_2PI
from kullback.families import Base, Family
from kullback.families._base import unpack
from kullback.families._transport import factor_back

HUGE = 1e100  # stands for ∞ where a line search wants a number

Objective = Callable[[Array], tuple[float, Array]]


def objective(oracle: Oracle, family: Family, base: Base, e: Array, weights: Array | None = None) -> Objective:
    """E_q[log q − log p̃] over the draws e (n, d) and its gradient in theta; p̃ as a density in y."""
    share = np.full(len(e), 1 / len(e)) if weights is None else weights
    member = family.transport()
    dim = len(base.centre)
    volume = float(np.log(np.abs(np.diag(base.base))).sum())
    closed = family.exact == "moments"  # a normal, whose entropy is known

    def normal_case(theta: Array) -> tuple[float, Array]:
        full = family.full
        mean, tril = unpack(theta, dim, full)
        log_p, slope = oracle(base.outward(mean + e @ tril.T))
        if not np.isfinite(log_p).all():
            return HUGE, np.zeros_like(theta)
        gradient = factor_back(-(slope @ base.base) * share[:, None], e, tril, full)
        gradient[dim : 2 * dim] -= 1.0
        entropy = dim * (0.5 + HALF_LOG_2PI) + float(theta[dim : 2 * dim].sum())
        value = -float(share @ log_p) - volume - entropy
        return (value, gradient) if value < HUGE else (HUGE, np.zeros_like(theta))

    def general(theta: Array) -> tuple[float, Array]:
        y, w = member.spread(theta, e)
        log_p, slope = oracle(base.outward(y))
        if not np.isfinite(log_p).all() or not np.isfinite(y).all():
            return HUGE, np.zeros_like(theta)
        log_q, slope_q, score = member.log_prob(theta, y)
        ratio = log_q - log_p - volume
        gy = w[:, None] * (slope_q - slope @ base.base)
        value = float(w @ ratio)
        if not value < HUGE:
            return HUGE, np.zeros_like(theta)
        return value, member.pull_back(theta, e, gy, ratio) + w @ score

    return normal_case if closed else general
