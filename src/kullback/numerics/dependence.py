"""How draws go together, and what the variance of a mean over them is: with weights, in groups, or in an order.

Every estimate is to first order a mean of influence values. Its variance comes from how far it moves without each
group, the jackknife (Bell and McCaffrey, Survey Methodology 28, 2002; of groups of one size that is CR1 of Liang and
Zeger, Biometrika 73, 1986), or from Geyer's initial monotone sequence over split chains (Geyer, Statistical Science 7,
1992; Vehtari, Gelman, Simpson, Carpenter and Bürkner, Bayesian Analysis 16, 2021). Means with weights are linearised:
what varies is w·(f − mean f).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

TINY = 1e-300
EQUAL = 1e-12  # of the variance of either side: what a difference of equal ones has by rounding
TWICE = 0.01  # of the weight: what may be lost where a draw would come again
STRETCH = 5  # correlation lengths of a stretch that stands for a group
FEWEST = 8  # stretches of a series, however long
AT_ONCE = 1 << 21  # numbers that a transform takes at a time


@dataclass(frozen=True, eq=False)
class Design:
    """Of n draws: weights that sum to one, the group of each with the groups' names, or lengths of ordered stretches.

    None of them: the draws are independent and weigh the same.
    """

    n: int
    weights: Array | None = None
    groups: Array | None = None
    names: Array | None = None
    chains: tuple[int, ...] | None = None

    @property
    def plain(self) -> bool:
        return self.weights is None and self.groups is None and self.chains is None

    @cached_property
    def shares(self) -> Array:
        return np.full(self.n, 1 / self.n) if self.weights is None else self.weights

    @cached_property
    def kish(self) -> float:
        """How many draws of one weight the weights are worth: 1/Σw²."""
        return float(self.n) if self.weights is None else 1 / float(self.weights @ self.weights)

    @cached_property
    def segments(self) -> list[slice]:
        """The halves of the chains."""
        assert self.chains is not None
        cuts = np.concatenate([[0], np.cumsum(self.chains)])
        halves = np.unique(np.concatenate([cuts, cuts[:-1] + np.array(self.chains) // 2]))
        return [slice(a, b) for a, b in pairwise(halves)]

    @property
    def degrees(self) -> float:
        """Of Student's t."""
        return math.inf if self.names is None else float(len(self.names) - 1)

    def mean(self, f: Array) -> Array:
        return np.asarray(self.shares @ f)

    def moved(self, f: Array) -> Array:
        """What each draw adds to the error of the mean, of shape (n, k)."""
        f = f.reshape(self.n, -1)
        return (f - self.shares @ f) * self.shares[:, None]

    def sums(self, f: Array) -> Array:
        """How far each group moves the mean when it is left out, of shape (G, k)."""
        assert self.groups is not None
        assert self.names is not None
        return np.asarray(totals(self.moved(f), self.groups, len(self.names)) / self.left)

    @property
    def left(self) -> Array:
        """The share of the draws that are left without each group, of shape (G, 1)."""
        assert self.groups is not None
        assert self.names is not None
        size = np.bincount(self.groups, self.shares, len(self.names))[:, None]
        return np.maximum(1 - size, TINY) if len(size) > 1 else np.ones((1, 1))

    def variance(self, f: Array) -> Array:
        """The variances of the means of the columns of f."""
        if self.chains is not None:
            return long_run(self.n * self.moved(f), self.segments) / self.n
        if self.groups is not None:
            moves = self.sums(f)
            return np.asarray(np.square(moves).sum(axis=0) * (1 - 1 / len(moves)))
        return np.asarray(np.square(self.moved(f)).sum(axis=0))

    def effective(self, f: Array) -> float:
        """How many independent draws of one weight would leave these means as uncertain, all columns together."""
        f = f.reshape(self.n, -1)
        spread = float((self.shares @ np.square(f - self.shares @ f)).sum())
        variance = float(self.variance(f).sum())
        return spread / variance if variance > 0 and spread > 0 else self.kish

    def thinned(self, size: float) -> Array:
        """The numbers of so many draws at most, at equal steps of the weight.

        So few that hardly any would come twice, which a test would take for a spike.
        """
        w = self.shares
        while size > 1 and float(np.maximum(size * w - 1, 0.0).sum()) > TWICE * size:
            size *= 0.9
        wanted = max(1, min(self.n, int(size)))
        steps = (np.arange(wanted) + 0.5) / wanted
        return np.unique(np.minimum(np.searchsorted(np.cumsum(w), steps), self.n - 1))

    def some(self, rows: Array) -> Design:
        """Of some of the draws, in their order."""
        if len(rows) == self.n:
            return self
        weights = None if self.weights is None else self.weights[rows] / self.weights[rows].sum()
        if self.groups is not None:
            assert self.names is not None
            found, codes = np.unique(self.groups[rows], return_inverse=True)
            return Design(len(rows), weights, codes.reshape(-1), self.names[found])
        if self.chains is None:
            return Design(len(rows), weights)
        chain = np.repeat(np.arange(len(self.chains)), self.chains)[rows]
        return Design(len(rows), weights, chains=tuple(np.bincount(chain, minlength=len(self.chains)).tolist()))

    def blocks(self, length: int) -> Array:
        """A number for each draw, equal for those that must stay together: its group, a stretch, or itself alone."""
        if self.groups is not None:
            return self.groups
        if self.chains is None:
            return np.arange(self.n)
        codes, last = [], 0
        for size in self.chains:
            number = max(1, size // max(length, 1))
            codes.append(last + np.arange(size) * number // size)
            last += number
        return np.concatenate(codes)


def paired(p: Design, q: Design) -> bool:
    """Whether some groups stand on both sides."""
    return p.names is not None and q.names is not None and bool(np.isin(p.names, q.names).any())


def differences(p: Design, f: Array, q: Design, g: Array) -> Array:
    """What each group of either side adds to the difference of the means; a group of both sides adds once."""
    return merged(p.names, p.sums(f), q.names, q.sums(g))


def merged(of_p: Array | None, sums: Array, of_q: Array | None, other: Array) -> Array:
    """Sums by group of P less those of Q, each with the names of the groups; a group of both sides once."""
    assert of_p is not None
    assert of_q is not None
    names, where = np.unique(np.concatenate([of_p, of_q]), return_inverse=True)
    return totals(np.concatenate([sums, -other]), where.reshape(-1), len(names))


def joint(p: Design, f: Array, q: Design, g: Array) -> tuple[float, float]:
    """The variance of mean f + mean g, f over P's draws and g over Q's, and the degrees of freedom it has.

    Degrees of both sides are joined as Welch and Satterthwaite do.
    """
    if paired(p, q):
        both = differences(p, f, q, -g)
        return float(np.square(both).sum()) * (1 - 1 / len(both)), float(len(both) - 1)
    parts = float(p.variance(f).sum()), float(q.variance(g).sum())
    return sum(parts), welch(parts, (p.degrees, q.degrees))


def welch(parts: tuple[float, float], degrees: tuple[float, float]) -> float:
    spent = sum(v * v / d for v, d in zip(parts, degrees, strict=True))
    return sum(parts) ** 2 / spent if spent > 0 else math.inf


def covariance(p: Design, f: Array, q: Design, g: Array) -> Array:
    """Of mean f − mean g, of shape (k, k); of draws in an order the diagonal alone."""
    if paired(p, q):
        both = differences(p, f, q, g)
        return np.asarray(both.T @ both) * (1 - 1 / len(both))
    return own_covariance(p, f) + own_covariance(q, g)


def own_covariance(d: Design, f: Array) -> Array:
    """Of mean f alone."""
    if d.chains is not None:
        return np.diag(d.variance(f))
    parts = d.moved(f) if d.groups is None else d.sums(f)
    return np.asarray(parts.T @ parts) * (1.0 if d.groups is None else 1 - 1 / len(parts))


def sizes(p: Design, f: Array, q: Design, g: Array) -> tuple[float, float]:
    """The effective sizes of both sides, larger where what both share leaves their difference more certain."""
    n, m = p.effective(f), q.effective(g)
    if paired(p, q):
        both = differences(p, f, q, g)
        apart = float(p.variance(f).sum() + q.variance(g).sum())
        together = float(np.square(both).sum()) * (1 - 1 / len(both))
        grown = growth(apart, together)
        n, m = n * grown, m * grown
    return n, m


def growth(apart: float, together: float) -> float:
    """By how much a variance of both sides apart is larger than that of their difference; finite for equal sides."""
    return apart / max(together, EQUAL * apart) if apart > 0 else 1.0


def sampling_covariance(d: Design, f: Array, length: float = 1.0) -> Array:
    """The covariance of the means of the columns of f, of shape (k, k); `length` is the draws' correlation length.

    Of draws in an order it is that of stretches, which lose something at their ends: scaled to the variances of the
    series.
    """
    f = f.reshape(d.n, -1)
    found = own_covariance(in_stretches(d, length), f)
    if d.chains is None:
        return found
    own = np.diag(found)
    unit = np.sqrt(np.where(own > 0, d.variance(f) / np.where(own > 0, own, 1.0), 0.0))
    return np.asarray(found * np.outer(unit, unit))


def in_stretches(d: Design, length: float) -> Design:
    """Draws in an order as groups: stretches of several correlation lengths."""
    if d.chains is None:
        return d
    codes = d.blocks(min(math.ceil(STRETCH * length), max(1, d.n // FEWEST)))
    return Design(d.n, d.weights, codes, np.arange(int(codes.max()) + 1))


class Spectrum(NamedTuple):
    """Of the eigenvalues of a covariance: their sum, that of their squares, and the largest."""

    first: float
    second: float
    largest: float


def spectrum_of(v: Array) -> Spectrum:
    """Of a matrix, or of its diagonal alone."""
    if v.ndim == 1:
        return Spectrum(float(v.sum()), float(v @ v), float(v.max(initial=0.0)))
    return Spectrum(float(np.trace(v)), float(np.square(v).sum()), float(np.linalg.eigvalsh(v)[-1]))


def quadratic(spectrum: Spectrum, k: float, degrees: float, parameters: float) -> tuple[float, float]:
    """ν and the unit c for which c·χ²_ν has mean and variance of ½ΣλX² (Rao and Scott's second order).

    The k eigenvalues λ are those of the covariance of scores whose own is the identity; they may stand for more
    `parameters`. What the noise of so few degrees adds to Σλ² is taken off.
    """
    first = spectrum.first
    if first <= 0:
        return parameters, 0.0
    second = min(max(spectrum.second - first**2 / degrees, first**2 / k), first**2)
    even = first**2 / (k * second)  # 1 if all λ are equal
    return parameters * even, 0.5 * first / k / even


def totals(x: Array, codes: Array, number: int) -> Array:
    """The sums of the rows of x with equal codes."""
    order = np.argsort(codes, kind="stable")
    first = np.searchsorted(codes[order], np.arange(number))
    return np.asarray(np.add.reduceat(x[order], first, axis=0))


def long_run(u: Array, segments: list[slice]) -> Array:
    """The variance of the mean of each column, times n, from its autocovariances within and between the segments."""
    k = u.shape[1]
    found = np.empty(k)
    longest = max(s.stop - s.start for s in segments)
    step = max(1, AT_ONCE // (4 * longest))
    for i in range(0, k, step):
        found[i : i + step] = _monotone(u[:, i : i + step], segments, longest)
    return found


def _monotone(u: Array, segments: list[slice], longest: int) -> Array:
    n = sum(s.stop - s.start for s in segments)
    covariances = np.zeros((longest, u.shape[1]))
    means, within = [], np.zeros(u.shape[1])
    for s in segments:
        x = u[s]
        size = len(x)
        means.append(x.mean(axis=0))
        z = np.fft.rfft(x - means[-1], n=1 << (2 * size - 1).bit_length(), axis=0)
        lags = np.fft.irfft(np.square(np.abs(z)), axis=0)[:size] / size
        covariances[:size] += lags * (size / n)
        within += lags[0] * (size / max(size - 1, 1)) * (size / n)
    total = covariances[0] + np.var(np.array(means), axis=0, ddof=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        rho = np.where(total > 0, 1 - (within - covariances) / total, 0.0)
    rho[0] = 1.0
    pairs = rho[: len(rho) // 2 * 2].reshape(-1, 2, u.shape[1]).sum(axis=1)
    kept = np.cumprod(pairs > 0, axis=0)
    tau = 2 * (np.minimum.accumulate(pairs, axis=0) * kept).sum(axis=0) - 1
    return np.asarray(total * np.maximum(tau, 1 / math.log10(n + 10)))


def indicator_variance(d: Design, cells: Array, shares: Array) -> Array:
    """The variances of the shares of outcomes, from the outcome of each draw."""
    number = len(shares)
    if d.chains is not None:
        return np.concatenate([d.variance((cells == k).astype(float)) for k in range(number)])
    if d.groups is not None:
        moves = indicators(d, cells, shares)
        return np.asarray(np.square(moves).sum(axis=0)) * (1 - 1 / len(moves))
    squares = np.square(d.shares)
    own = np.bincount(cells, weights=squares, minlength=number)
    return np.asarray(own * (1 - 2 * shares) + squares.sum() * shares**2)


def indicators(d: Design, cells: Array, shares: Array) -> Array:
    """How far each group moves the shares when it is left out, of shape (G, number of outcomes)."""
    assert d.groups is not None
    assert d.names is not None
    number, many = len(shares), len(d.names)
    held = np.bincount(d.groups * number + cells, weights=d.shares, minlength=many * number).reshape(many, number)
    return np.asarray((held - held.sum(axis=1, keepdims=True) * shares) / d.left)
