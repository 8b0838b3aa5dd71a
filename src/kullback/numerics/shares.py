"""Shares of outcomes as draws show them that have weights, groups or an order, and how uncertain these are."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kullback.numerics.dependence import (
    Design,
    Spectrum,
    growth,
    indicator_variance,
    indicators,
    joint,
    merged,
    paired,
    spectrum_of,
    welch,
)

Array = NDArray[Any]

CROSSED = 500  # outcomes up to which their covariances are looked at, not the variances alone


class Known(NamedTuple):
    """Shares that are known, where counts could stand."""

    shares: Array


class Drawn(NamedTuple):
    """Draws that have weights, groups or an order: shares by outcome, the effective size of each, every draw's outcome.

    The variance of a share is share·(1 − share) over its size, and so it is in the corrections for few draws.
    """

    shares: Array
    sizes: Array
    cells: Array
    design: Design

    @property
    def size(self) -> float:
        """Over all outcomes together, 1/size being the mean variance of the scores of the shares."""
        weight = 1 - self.shares
        return float(weight.sum() / (weight / self.sizes).sum()) if weight.sum() > 0 else float(self.sizes.mean())

    @property
    def counts(self) -> Array:
        """What independent draws as many as these are worth would show."""
        return self.shares * self.size


def drawn(a: Array, p: Design, b: Array, q: Design, number: int) -> tuple[Drawn, Drawn]:
    """Both sides, from the outcome of each draw; what groups of both sides share is in neither's size."""
    sides = [np.bincount(c, weights=d.shares, minlength=number) for c, d in ((a, p), (b, q))]
    sizes = [_sizes(c, s, d) for c, s, d in zip((a, b), sides, (p, q), strict=True)]
    found = Drawn(sides[0], sizes[0], a, p), Drawn(sides[1], sizes[1], b, q)
    if paired(p, q):
        middle = np.maximum(0.5 * (sides[0] + sides[1]), 1e-300)
        apart = sum(float((s * (1 - s) / n / middle).sum()) for s, n in zip(sides, sizes, strict=True))
        grown = growth(apart, spectrum(*found).first)
        found = found[0]._replace(sizes=sizes[0] * grown), found[1]._replace(sizes=sizes[1] * grown)
    return found


def drawn_alone(a: Array, p: Design, number: int) -> Drawn:
    shares = np.bincount(a, weights=p.shares, minlength=number)
    return Drawn(shares, _sizes(a, shares, p), a, p)


def _sizes(cells: Array, shares: Array, design: Design) -> Array:
    """share·(1 − share) over the variance of each share; that of the weights alone where there is none."""
    variance = indicator_variance(design, cells, shares)
    spread = shares * (1 - shares)
    seen = (variance > 0) & (spread > 0)
    return np.where(seen, spread / np.where(seen, variance, 1.0), design.kish)


def variances(a: Array | Known | Drawn, f: Array, b: Array | Known | Drawn, g: Array) -> tuple[float, float]:
    """The variance of Σ f·share of P + Σ g·share of Q, and its degrees of freedom."""
    if isinstance(a, Drawn) and isinstance(b, Drawn):
        return joint(a.design, f[a.cells], b.design, g[b.cells])
    parts = _variance(a, f), _variance(b, g)
    free = [d.design.degrees if isinstance(d, Drawn) else math.inf for d in (a, b)]
    return sum(parts), welch(parts, (free[0], free[1]))


def _variance(side: Array | Known | Drawn, f: Array) -> float:
    if isinstance(side, Known):
        return 0.0
    if isinstance(side, Drawn):
        return float(side.design.variance(f[side.cells])[0])
    share = side / side.sum()
    return max(float(share @ f**2) - float(share @ f) ** 2, 0.0) / float(side.sum())


def spectrum(a: Array | Known | Drawn, b: Array | Known | Drawn) -> Spectrum:
    """That of the covariance of (share of P − share of Q)/√share."""
    sides = [d.shares if isinstance(d, Known | Drawn) else d / d.sum() for d in (a, b)]
    middle = 0.5 * (sides[0] + sides[1])
    seen = np.flatnonzero(middle > 0)
    scale = 1 / np.sqrt(middle[seen])
    if isinstance(a, Drawn) and isinstance(b, Drawn) and paired(a.design, b.design):
        f, g = (indicators(d.design, d.cells, d.shares)[:, seen] * scale for d in (a, b))
        both = merged(a.design.names, f, b.design.names, g)
        grown = 1 - 1 / len(both)
        return spectrum_of((both.T @ both if len(seen) <= CROSSED else np.square(both).sum(axis=0)) * grown)
    parts = [_covariance(d, seen, scale) for d in (a, b)]
    whole = [np.diag(v) if v.ndim == 1 and len(seen) <= CROSSED else v for v in parts]
    return spectrum_of(whole[0] + whole[1])


def _covariance(side: Array | Known | Drawn, seen: Array, scale: Array) -> Array:
    """A matrix, or of many outcomes and of draws in an order its diagonal alone."""
    if isinstance(side, Known):
        return np.zeros(len(seen))
    if not isinstance(side, Drawn):
        n = float(side.sum())
        share = side[seen] / n
        if len(seen) > CROSSED:
            return np.asarray(share * (1 - share) * scale**2 / n)
        return np.asarray((np.diag(share) - np.outer(share, share)) * np.outer(scale, scale) / n)
    d, share = side.design, side.shares[seen]
    if len(seen) > CROSSED or d.chains is not None:
        return np.asarray(indicator_variance(d, side.cells, side.shares)[seen] * scale**2)
    if d.groups is not None:
        sums = indicators(d, side.cells, side.shares)[:, seen] * scale
        return np.asarray(sums.T @ sums) * (1 - 1 / len(sums))
    squares = np.square(d.shares)
    own = np.bincount(side.cells, weights=squares, minlength=len(side.shares))[seen]
    across = np.outer(own, share)
    found = np.diag(own) - across - across.T + squares.sum() * np.outer(share, share)
    return np.asarray(found * np.outer(scale, scale))
