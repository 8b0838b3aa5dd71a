"""Masses on vectors of counts: the sum over every one of them."""

from __future__ import annotations

import math

import numpy as np

from kullback._distribution import Density, Measured
from kullback._result import Divergence, Status
from kullback._support import Array, Counts
from kullback.methods._request import Request
from kullback.numerics.terms import deviance, gain, rounding

EPS = float(np.finfo(float).eps)
LONGEST = 1 << 20


class CountSum:
    """Σ p·log(p/q) over all vectors of counts with the given total; near P = Q the non-negative deviances."""

    name = "counts"
    random = False

    def applies(self, p: Measured, q: Measured) -> str | None:
        for d, name in ((p, "P"), (q, "Q")):
            if not isinstance(d, Density) or not isinstance(d.support, Counts):
                return f"{name} does not live on vectors of counts"
        support = p.support
        assert isinstance(support, Counts)
        number = math.comb(support.total + support.size - 1, support.size - 1)
        return None if number <= LONGEST else f"{number:.3g} vectors of counts are too many to sum over"

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence:
        assert isinstance(p, Density)
        assert isinstance(q, Density)
        assert isinstance(p.support, Counts)
        x = _all(p.support.size, p.support.total).astype(float)
        log_p, log_q = p._log_prob(x), q._log_prob(x)
        gone = (log_q == -np.inf) & (log_p > -np.inf)
        if gone.any():
            worst = x[gone][int(np.argmax(log_p[gone]))].astype(int)
            detail = f"P has {math.exp(log_p[gone].max()):.3g} of its mass at {worst.tolist()}, where Q has none"
            return Divergence(math.inf, 0.0, method=self.name, n=len(x), status=Status.SUPPORT_GAP, detail=detail)
        weight = np.exp(log_p)
        value, spare = math.fsum(gain(log_p, log_q)), math.fsum(deviance(log_p, log_q))
        # log gammas of counts and concentrations: their size, in roundings, is what a log mass may be off by
        noise = 4 * EPS * math.fsum(rounding(weight, log_p, log_q)) * (1 + math.lgamma(p.support.total + 2))
        direct = noise + abs(math.fsum(weight) - 1) * (1 + abs(value))
        closer = noise * math.sqrt(2 * max(spare, 0.0)) + 4 * EPS * spare
        value, error = (spare, closer) if closer < direct else (value, direct)
        wanted = request.tolerance if request.tolerance is not None else max(1e-9 * abs(value), 1e-12)
        status = Status.OK if error <= wanted else Status.TOLERANCE_MISSED
        return Divergence(value, error, "rounding", method=self.name, n=len(x), status=status)


def _all(size: int, total: int) -> Array:
    """Every vector of `size` counts that sum to `total`."""
    if size == 1:
        return np.array([[total]])
    return np.concatenate([np.insert(_all(size - 1, total - first), 0, first, axis=1) for first in range(total + 1)])
