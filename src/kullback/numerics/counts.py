"""Estimates of KL(P‖Q) in nats from counts of draws, aligned by outcome; or with the shares of one side known.

Zhang & Grabchak (2014), here in closed form: their sums over the draws are differences of digammas, and the value is
Σ a/n·[ψ(a) − ψ(n) − ψ(b+1) + ψ(m+1)], whose bias dies exponentially in n and m while that of the plug-in never ends.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kullback.numerics import chi_square
from kullback.numerics.dependence import quadratic
from kullback.numerics.lazy import special
from kullback.numerics.shares import Drawn, Known, spectrum, variances

Array = NDArray[Any]


TRIGAMMA_1 = np.pi**2 / 6  # the variance of the logarithm that a count of 0 stands for


class Estimate(NamedTuple):
    value: float
    error: float  # one standard deviation
    chi_square: tuple[float, float] | None = None  # degrees and scale for an interval
    freedom: float = math.inf  # of Student's t


Side = Array | Known | Drawn


def zhang_grabchak(a: Side, b: Side) -> Estimate:
    """Nearly unbiased while every outcome of P has a share under Q; finite also where its draws show none."""
    value = float(_shares(a) @ (logs(a) - logs(b, 1.0)))
    error, freedom = _error(a, b)
    degrees = max(int(((_shares(a) > 0) | (_shares(b) > 0)).sum()) - 1, 0)
    if not degrees:
        return Estimate(value, error, None, freedom)
    widest = None
    if isinstance(a, Drawn) or isinstance(b, Drawn):
        found = spectrum(a, b)
        even, null = quadratic(found, degrees, freedom, degrees)
        widest = 0.5 * found.largest
    else:
        even, null = float(degrees), 0.5 * sum(1 / float(d.sum()) for d in (a, b) if not isinstance(d, Known))
    form = (even, chi_square.scale(value, error**2, even, null, widest)) if null > 0 else None
    return Estimate(value, error, form, freedom)


def plug_in(a: Side, b: Side) -> Estimate:
    """The divergence of the observed shares: ∞ where P shows an outcome that Q does not."""
    p, q = _shares(a), _shares(b)
    if (q[p > 0] == 0).any():
        return Estimate(np.inf, 0.0)
    error, freedom = _error(a, b)
    return Estimate(float(p @ _log_ratio(p, q)), error, None, freedom)


def smoothed(a: Side, b: Array | Drawn) -> Estimate:
    """As `zhang_grabchak`, with log of Q's shares under a Jeffreys prior: half a count more for each outcome."""
    counts = held(b) + 0.5
    q = counts / counts.sum()
    p = _shares(a)
    error, freedom = _error(a, b._replace(shares=q) if isinstance(b, Drawn) else counts)
    return Estimate(float(p @ (logs(a) - np.log(q))), error, None, freedom)


def rare(a: Side, b: Side) -> Estimate:
    """As `zhang_grabchak`, for outcomes of so few draws that its bias shows, or that Q shows none of.

    The bias is Σ p·[R(n, p) − R(m, q)] with R(n, p) ≈ E₁(np), here at the shares of both sides together: right where P
    and Q are near each other. The error holds half of it, the noise of a count of 0, and a nat for each share that Q
    does not show.
    """
    found, bias = zhang_grabchak(a, b), sparse_bias(a, b)
    lost = 0.0 if isinstance(b, Known) else _shares(a)[(_shares(a) > 0) & (_shares(b) == 0)]
    error = np.sqrt(found.error**2 + (0.5 * bias) ** 2 + np.sum(np.square(lost)) * TRIGAMMA_1 + np.sum(lost) ** 2)
    return Estimate(found.value - bias, float(error), None, found.freedom)


def sparse_bias(a: Side, b: Side) -> float:
    """The bias of `zhang_grabchak` if both sides have the shares that they show together."""
    drawn = [held(side) for side in (a, b) if not isinstance(side, Known)]
    known = [side.shares for side in (a, b) if isinstance(side, Known)]
    shares = known[0] if known else sum(drawn) / sum(float(side.sum()) for side in drawn)
    shares = np.asarray(shares)
    some = shares[shares > 0]
    parts = [0.0 if isinstance(s, Known) else float(some @ special.exp1(some * held(s).sum())) for s in (a, b)]
    return parts[0] - parts[1]


def held(side: Array | Drawn) -> Array:
    """Counts: as they are, or what independent draws as many as these are worth would show."""
    return side.counts if isinstance(side, Drawn) else side


def _shares(a: Side) -> Array:
    return a.shares if isinstance(a, Known | Drawn) else a / a.sum()


def logs(a: Side, one: float = 0.0) -> Array:
    """log of the shares, as nearly unbiased as counts allow: for the own draws with one=0, for others' with one=1."""
    if isinstance(a, Known):
        return np.log(np.where(a.shares > 0, a.shares, 1.0))
    size = a.sizes if isinstance(a, Drawn) else a.sum()
    counts = (a.shares * size if isinstance(a, Drawn) else a) + one
    return np.asarray(special.digamma(np.where(counts > 0, counts, 1.0)) - special.digamma(size + one))


def _log_ratio(p: Array, q: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.where((p > 0) & (q > 0), np.log(np.where(p > 0, p, 1.0) / np.where(q > 0, q, 1.0)), 0.0)


def _error(a: Side, b: Side) -> tuple[float, float]:
    """The delta method, and its degrees of freedom: the spread of log p/q under P over n, of p/q under Q over m.

    Near P = Q, where it should be doubled less, the plugged-in shares make up for the second order: measured.
    """
    p, q = _shares(a), _shares(b)
    ratio = _log_ratio(p, q)
    seen = q > 0
    if isinstance(a, Drawn) or isinstance(b, Drawn):
        odds = np.where(seen, p / np.where(seen, q, 1.0), 0.0)
        variance, freedom = variances(a, ratio, b, -odds)
        return variance**0.5, freedom
    variance = 0.0
    if not isinstance(a, Known):
        variance += max(float(p @ ratio**2) - float(p @ ratio) ** 2, 0.0) / float(a.sum())
    if not isinstance(b, Known):
        variance += max(float((p[seen] ** 2 / q[seen]).sum()) - float(p[seen].sum()) ** 2, 0.0) / float(b.sum())
    return variance**0.5, math.inf
