"""Rows of counts whose rows go together in groups or have weights, and how many independent rows they are worth.

What a group adds to the errors of the shares tells their covariance: how far they move without it, the jackknife over
groups (Bell and McCaffrey, Survey Methodology 28, 2002). Where groups are of one size that is G/(G − 1) times the sum
of squares over groups, and a group that has most of the rows counts as what it is. Counts are then made smaller until
independent rows would err as much, as Rao and Scott do (Annals of Statistics 12, 1984): on the average over all cells,
and along the very direction in which a divergence changes, whichever asks for more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from kullback.numerics.chi_square import sum_above
from kullback.numerics.dependence import growth, merged, welch
from kullback.numerics.exchange import alike, dealt
from kullback.numerics.lazy import special
from kullback.numerics.tallies import INDEPENDENT, MEASURES, Spread, slopes
from kullback.numerics.terms import Array

TINY = 1e-300
DEALT = 1000  # groups of both sides
ADDED = 4.0  # rows' worth of weights like those of all that a cell's own are taken with
RELIABLE = 4.0  # degrees of freedom below which a variance says little, and Welch's are too many
CROSSED = 500  # cells up to which their covariances are looked at


@dataclass(frozen=True, eq=False)
class Clusters:
    """A column's rows by group and cell: the sums of their weights, each row having one where nobody gave any.

    Without groups every row is one: then `sums` is a single row, and `squares` the sums of the squared weights.
    """

    sums: Array  # (G, K)
    rows: float
    names: Array | None = None
    squares: Array | None = None
    growth: float = 1.0  # of rows that are told by how many they are worth: the largest variance over the mean one
    free: float = math.inf  # degrees of freedom of what is told so

    @cached_property
    def shares(self) -> Array:
        whole = self.sums.sum(axis=0)
        return np.asarray(whole / whole.sum())

    @property
    def alike(self) -> bool:
        """Whether rows are independent and of one weight."""
        return (
            self.squares is not None
            and self.growth == 1
            and math.isinf(self.free)
            and bool(np.allclose(self.squares * self.rows, self.sums[0] * self.sums.sum(), rtol=1e-12, atol=0.0))
        )

    @property
    def counts(self) -> Array:
        """Rows as heavy as one another, by cell."""
        return self.shares * self.rows

    @property
    def degrees(self) -> float:
        return self.free if self.names is None else float(len(self.names) - 1)

    @property
    def single(self) -> bool:
        """Whether all rows are of one group, which tells nothing of its own error."""
        return self.names is not None and len(self.names) < 2

    @property
    def _few(self) -> float:
        return 1.0 if self.names is None else 1 - 1 / len(self.names)

    def own(self, shares: Array) -> Array:
        """The squares of the weights by cell, where the cells have some shares.

        What a cell's rows weigh is told by these rows, and by as much as a few that weigh what all do: of few rows, or
        of one that has all the weight, the cells that they happen to lie in tell little.
        """
        assert self.squares is not None
        whole = self.squares.sum()
        more = ADDED * whole / self.sums.sum() ** 2
        return np.asarray(whole * shares * (self.squares / whole + more) / (self.shares + more))

    def errors(self, f: Array) -> Array:
        """What each group adds to the errors of Σ f·share, for the columns of f (K, k)."""
        return np.asarray(self.scores @ f)

    def variance(self, f: Array) -> float:
        if self.squares is not None:
            own = self.own(self.shares)
            return self.growth * float(own @ np.square(f - self.shares @ f)) / float(self.sums.sum()) ** 2
        return float(np.square(self.errors(f[:, None])).sum()) * self._few

    def covariance(self, seen: Array, shares: Array | None = None) -> Array:
        """Of the shares of some cells; of independent rows where these are the shares, such as those of both sides."""
        shares = self.shares if shares is None else shares
        p = shares[seen]
        if self.squares is not None:
            own = self.own(shares)
            across = np.outer(own[seen], p)
            found = np.diag(own[seen]) - across - across.T + own.sum() * np.outer(p, p)
            return np.asarray(found) / float(self.sums.sum()) ** 2
        errors = self.scores[:, seen]
        return np.asarray(errors.T @ errors) * self._few

    @cached_property
    def scores(self) -> Array:
        """What each group adds to the errors of the shares."""
        part = self.sums / self.sums.sum()
        size = part.sum(axis=1, keepdims=True)
        return np.asarray((part - size * self.shares) / (np.maximum(1 - size, TINY) if len(size) > 1 else 1.0))

    @cached_property
    def variances(self) -> Array:
        """Of each share."""
        p = self.shares
        if self.squares is not None:
            own = self.own(p)
            both = own * (1 - 2 * p) + own.sum() * p**2
            return np.asarray(both / float(self.sums.sum()) ** 2)
        return np.asarray(np.square(self.scores).sum(axis=0) * self._few)


def paired(p: Clusters, q: Clusters) -> bool:
    """Whether some groups stand on both sides."""
    return p.names is not None and q.names is not None and bool(np.isin(p.names, q.names).any())


def worth(p: Clusters, q: Clusters) -> tuple[float, float]:
    """How many independent rows either side is worth, all cells together."""
    middle = np.maximum(0.5 * (p.shares + q.shares), TINY)
    sizes = []
    for side in (p, q):
        spread, variance = (side.shares * (1 - side.shares) / middle).sum(), (side.variances / middle).sum()
        sizes.append(float(spread / variance) if variance > 0 and spread > 0 and not side.single else _kish(side))
    if paired(p, q):
        scale = np.diag(middle**-0.5)
        together = float(np.square(_differences(p, scale, q, scale)).sum())
        apart = float(((p.variances + q.variances) / middle).sum())
        sizes = [n * (growth(apart, together)) for n in sizes]
    return sizes[0], sizes[1]


def own_worth(p: Clusters) -> tuple[float, float]:
    """How many independent rows a side is worth by itself, and the largest variance in any direction over the mean.

    The largest eigenvalue of d with a mean and a variance is at most the mean and √(d − 1) standard deviations; the
    variance is less that which the noise of few groups adds.
    """
    seen = np.flatnonzero(p.shares > 0)
    if p.single or len(seen) < 2:
        return _kish(p), 1.0
    scale, dimensions = 1 / np.sqrt(p.shares[seen]), len(seen) - 1
    first = float((p.variances[seen] * scale**2).sum())
    if first <= 0:
        return _kish(p), 1.0
    worth_ = dimensions / first
    if len(seen) > CROSSED or dimensions < 2:
        return worth_, 1.0
    second = float(np.square(p.covariance(seen) * np.outer(scale, scale)).sum()) - first**2 / p.degrees
    spread_ = max(dimensions * second / first**2 - 1, 0.0)
    return worth_, 1 + math.sqrt(spread_ * (dimensions - 1))


def _kish(side: Clusters) -> float:
    squares = side.squares.sum() if side.squares is not None else np.square(side.sums.sum(axis=1)).sum()
    return float(side.sums.sum() ** 2 / squares)


def _differences(p: Clusters, f: Array, q: Clusters, g: Array) -> Array:
    """What each group of either side adds to the error of Σ f·share of P − Σ g·share of Q, a group of both once."""
    assert p.names is not None
    assert q.names is not None
    both = merged(p.names, p.errors(f), q.names, q.errors(g))
    return both * math.sqrt(1 - 1 / len(both))


class Uneven(NamedTuple):
    """How unevenly the errors of the cells grow, λ being the eigenvalues of their covariance."""

    first: float = 0.0  # Σλ
    second: float = 0.0  # Σλ²
    even: float = 1.0  # Σλ²/(Σλ)² if all grew alike
    widest: float = 1.0  # the largest λ over their mean
    noise: float = 0.0  # how much of the difference that is seen is noise

    def quadratic(self, degrees: float) -> float:
        """Σλ² over what it would be if all grew alike, less what the noise of few groups adds."""
        if self.first <= 0:
            return 1.0
        return max((self.second - self.first**2 / degrees) / self.first**2 / self.even, 1.0)


def spread(p: Clusters, q: Clusters, sizes: tuple[float, float], measure: str) -> Spread:
    """How much more one measure varies than that of independent rows, as many as these are worth."""
    return spreads(p, q, sizes, (measure,))[measure]


def spreads(
    p: Clusters, q: Clusters, sizes: tuple[float, float], measures: Sequence[str] = MEASURES
) -> dict[str, Spread]:
    """How much more the measures vary than those of independent rows, as many as these are worth.

    Near P = Q the direction in which they differ is that of the noise, and not known: there it is taken for the one
    with the largest variance, as far as noise and no difference is seen.
    """
    if p.single or q.single:
        return dict.fromkeys(measures, INDEPENDENT)  # nothing is known
    uneven = _uneven(p, q, sizes)
    return {m: _along(p, q, sizes, m, uneven) for m in measures}


def _along(p: Clusters, q: Clusters, sizes: tuple[float, float], measure: str, uneven: Uneven) -> Spread:
    """In the direction in which a measure changes with the shares."""
    n, m = sizes
    f, g = slopes(p.shares * n, q.shares * m, measure)
    plain = _spread(f, p.shares) / n + _spread(g, q.shares) / m
    if paired(p, q):
        both = _differences(p, f[:, None], q, -g[:, None])
        mine, degrees = float(np.square(both).sum()), float(len(both) - 1)
    else:
        parts = p.variance(f), q.variance(g)
        mine, degrees = sum(parts), min(welch(parts, (p.degrees, q.degrees)), p.degrees + q.degrees)
        least = min(p.degrees, q.degrees)
        degrees = min(degrees, least) if least < RELIABLE else degrees
    # Student's t has longer tails than a normal
    tails = (float(special.stdtrit(degrees, 0.975)) / float(special.ndtri(0.975))) ** 2 if degrees < 1e6 else 1.0
    linear = (mine / plain if plain > 0 else 1.0) * (1 - uneven.noise) + uneven.widest * uneven.noise
    return Spread(max(linear, 1.0) * tails, uneven.quadratic(degrees) * tails)


def _uneven(p: Clusters, q: Clusters, sizes: tuple[float, float]) -> Uneven:
    middle = 0.5 * (p.shares + q.shares)
    seen = np.flatnonzero(middle > 0)
    if not 1 < len(seen) <= CROSSED:
        return Uneven()
    scale = 1 / np.sqrt(middle[seen])
    found, _ = _covariance(p, q, seen, scale)
    shares = [(side.shares[seen], size) for side, size in zip((p, q), sizes, strict=True)]
    even = sum((np.diag(x) - np.outer(x, x)) / size for x, size in shares) * np.outer(scale, scale)
    first, second = float(np.trace(found)), float(np.square(found).sum())
    if first <= 0:
        return Uneven()
    widest = float(np.linalg.eigvalsh(found)[-1]) * (len(seen) - 1) / first
    apart = float(np.square((p.shares - q.shares)[seen] * scale).sum())
    alike_ = float(np.square(even).sum()) / float(np.trace(even)) ** 2
    return Uneven(first, second, alike_, max(widest, 1.0), first / max(apart, first))


def _spread(f: Array, shares: Array) -> float:
    mean = float(shares @ f)
    return max(float(shares @ np.square(f - mean)), 0.0)


def p_value(p: Clusters, q: Clusters, seed: int = 0) -> float:
    """By dealing groups to the sides, where these are of one size and not too many; else by Rao and Scott's F."""
    middle = 0.5 * (p.shares + q.shares)
    seen = np.flatnonzero(middle > 0)
    scale = 1 / np.sqrt(middle[seen])
    if p.names is not None and q.names is not None and len(p.names) + len(q.names) <= DEALT:
        units = [np.column_stack([d.sums[:, seen] * scale, d.sums.sum(axis=1)]) for d in (p, q)]
        a, b = (x * (d.rows / d.sums.sum()) for x, d in zip(units, (p, q), strict=True))
        if alike(a, b):
            return dealt(a, p.names, b, q.names, seed)
    if p.single or q.single:
        return 1.0
    statistic = float(np.square((p.shares - q.shares)[seen] * scale).sum())
    found, degrees = _covariance(p, q, seen, scale, middle)
    first = float(np.trace(found))
    if first <= 0:
        return 1.0
    if not math.isfinite(degrees):
        return sum_above(statistic, np.linalg.eigvalsh(found))
    wide = first**2 / float(np.square(found).sum())
    return float(special.fdtrc(wide, wide * degrees, statistic / first))


def _steep(side: Clusters, found: Array, apart: Array) -> Array:
    """A covariance whose largest variance, where only its size is known, lies in the direction of the difference."""
    dimensions, length = len(found) - 1, float(np.linalg.norm(apart))
    growth_ = min(side.growth, float(dimensions))
    if growth_ <= 1 or length == 0:
        return found
    rest, way = (dimensions - growth_) / (dimensions - 1), apart / length
    mean = float(np.trace(found)) / dimensions
    return np.asarray(rest * found + (growth_ - rest) * mean * np.outer(way, way))


def _covariance(
    p: Clusters, q: Clusters, seen: Array, scale: Array, shares: Array | None = None
) -> tuple[Array, float]:
    """Of the differences of the shares of some cells, each times its scale; and the degrees of freedom."""
    if paired(p, q):
        pick = np.zeros((len(p.shares), len(seen)))
        pick[seen, np.arange(len(seen))] = scale
        both = _differences(p, pick, q, pick)
        return np.asarray(both.T @ both), float(len(both) - 1)
    apart = (p.shares - q.shares)[seen] * scale
    parts = [_steep(side, side.covariance(seen, shares) * np.outer(scale, scale), apart) for side in (p, q)]
    return parts[0] + parts[1], welch((float(np.trace(parts[0])), float(np.trace(parts[1]))), (p.degrees, q.degrees))
