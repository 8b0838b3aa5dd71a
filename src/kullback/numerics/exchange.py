"""Whether two sets of draws come from one distribution, where draws depend on each other or have weights.

The statistic is the squared length of the difference of the means of features: waves of ranks as in `energy`, or shares
of outcomes. Whole groups are dealt to the sides, which is exact if groups are exchangeable; a group of both sides swaps
them. Series that are long are laid end to end in a circle, and the border between the sides is moved round it. Else,
and for groups that are larger on one side, the statistic is Σ λ·χ²₁, with λ the eigenvalues of the covariance of the
difference, over their sum: nearly an F (Rao and Scott, Annals of Statistics 12, 1984; Thomas and Rao, Journal of the
American Statistical Association 82, 1987).
"""

from __future__ import annotations

import numpy as np

from kullback.numerics.chi_square import sum_above
from kullback.numerics.dependence import (
    Array,
    Design,
    covariance,
    in_stretches,
    paired,
    sampling_covariance,
    spectrum_of,
    totals,
    welch,
)
from kullback.numerics.lazy import special
from kullback.numerics.permutation import DEALS, p_value

MOST = 4000  # groups that are dealt
SIZES = 1.25  # times the mean size of the groups of one side that those of the other may have to be dealt
SAME = 1e-26  # of squares: what rounding leaves between equal means
LONG = 30  # correlation lengths of a series from which shifts are many enough, and its ends few enough


def test(f: Array, p: Design, g: Array, q: Design, lengths: tuple[float, float], seed: int) -> tuple[float, str]:
    """The p-value of features (n, k) of P's draws and (m, k) of Q's, and how it was had."""
    f, g = np.asarray(f, float), np.asarray(g, float)
    means = p.mean(f), q.mean(g)
    statistic = _length(means[0] - means[1])
    if statistic <= SAME * (_length(means[0]) + _length(means[1])):
        return 1.0, "by equality in"
    rng = np.random.default_rng([seed, 16])
    if p.chains is not None and q.chains is not None and min(p.n / lengths[0], q.n / lengths[1]) >= LONG:
        return p_value(statistic, _shifted(f, p, g, q)), "by circular shifts of"
    one_kind = (p.groups is None) == (q.groups is None) and p.chains is None and q.chains is None
    units = [_units(d, v) for d, v in ((p, f), (q, g))]
    if one_kind and sum(len(u) for u in units) <= MOST and alike(*units):
        if paired(p, q):
            return p_value(
                statistic, _swapped(p.names, units[0], q.names, units[1], rng)
            ), "by swapping groups of both sides in"
        what = "groups" if p.groups is not None else "draws with their weights"
        return p_value(statistic, _dealt(units[0], units[1], rng)), f"by permutation of whole {what} in"
    return _above(statistic, f, p, g, q, lengths), "by Rao and Scott's F of"


def _above(statistic: float, f: Array, p: Design, g: Array, q: Design, lengths: tuple[float, float]) -> float:
    """P of a statistic as large, where the eigenvalues are those of as many groups or stretches as there are."""
    blocks = [in_stretches(d, length) for d, length in zip((p, q), lengths, strict=True)]
    if paired(p, q):
        spread, degrees = covariance(p, f, q, g), float(len(np.union1d(p.names, q.names)) - 1)  # type: ignore[arg-type]
    else:
        parts = [sampling_covariance(d, v, length) for d, v, length in ((p, f, lengths[0]), (q, g, lengths[1]))]
        spread = parts[0] + parts[1]
        free = (blocks[0].degrees, blocks[1].degrees)
        degrees = welch((float(np.trace(parts[0])), float(np.trace(parts[1]))), free)
    if not np.isfinite(degrees):
        return sum_above(statistic, np.linalg.eigvalsh(spread))
    found = spectrum_of(spread)
    if found.first <= 0:
        return 1.0
    wide = found.first**2 / found.second  # of few groups less than it is, which makes up for how few they are
    return float(special.fdtrc(wide, wide * degrees, statistic / found.first))


def alike(a: Array, b: Array) -> bool:
    """Whether the groups of both sides are of one size: large and small ones are not exchangeable, which dealing needs.

    The last column holds their weights.
    """
    one, other = float(a[:, -1].mean()), float(b[:, -1].mean())
    return max(one, other) <= SIZES * min(one, other)


def dealt(a: Array, of_p: Array, b: Array, of_q: Array, seed: int) -> float:
    """The p-value from the sums of the features of each group of P and of Q, and last of the weights; with names."""
    rng = np.random.default_rng([seed, 16])
    statistic = float(_apart(a.sum(axis=0, keepdims=True), b.sum(axis=0, keepdims=True))[0])
    both = bool(np.isin(of_p, of_q).any())
    return p_value(statistic, _swapped(of_p, a, of_q, b, rng) if both else _dealt(a, b, rng))


def _units(d: Design, f: Array) -> Array:
    """The sums of the features of each group or draw, and last of the weights."""
    whole = np.column_stack([f, np.ones(d.n)]) * (d.shares * d.n)[:, None]
    if d.groups is None:
        return np.asarray(whole)
    assert d.names is not None
    return totals(whole, d.groups, len(d.names))


def _dealt(a: Array, b: Array, rng: np.random.Generator) -> Array:
    both = np.concatenate([a, b])
    labels = rng.permuted(np.tile(np.arange(len(both)) < len(a), (DEALS, 1)), axis=1).astype(float)
    mine = labels @ both
    return _apart(mine, both.sum(axis=0) - mine)


def _swapped(of_p: Array | None, a: Array, of_q: Array | None, b: Array, rng: np.random.Generator) -> Array:
    assert of_p is not None
    assert of_q is not None
    names = np.unique(np.concatenate([of_p, of_q]))
    mine, theirs = np.zeros((len(names), a.shape[1])), np.zeros((len(names), a.shape[1]))
    mine[np.searchsorted(names, of_p)], theirs[np.searchsorted(names, of_q)] = a, b
    here, there = np.isin(names, of_p), np.isin(names, of_q)
    # a group of both sides by a coin; those of one side are dealt, so that either side has as many as it had
    kept = rng.integers(0, 2, (DEALS, len(names))).astype(float)
    alone = np.flatnonzero(here != there)
    dealt_ = rng.permuted(np.tile(here[alone], (DEALS, 1)), axis=1)
    kept[:, alone] = dealt_ == here[alone]
    return _apart(kept @ mine + (1 - kept) @ theirs, (1 - kept) @ mine + kept @ theirs)


def _shifted(f: Array, p: Design, g: Array, q: Design) -> Array:
    """The statistic with P's side begun at other places of the circle of both."""
    n, m = p.n, q.n
    weight = np.concatenate([p.shares * n, q.shares * m])
    whole = np.column_stack([np.concatenate([f, g]), np.ones(n + m)]) * weight[:, None]
    sums = np.concatenate([np.zeros((1, whole.shape[1])), np.cumsum(np.concatenate([whole, whole]), axis=0)])
    starts = np.unique(np.linspace(1, n + m - 1, min(DEALS, n + m - 1)).astype(int))
    mine = sums[starts + n] - sums[starts]
    return _apart(mine, sums[n + m] - mine)


def _apart(a: Array, b: Array) -> Array:
    """The squared lengths of the differences of means, from sums whose last column is that of the weights."""
    good = (a[:, -1] > 0) & (b[:, -1] > 0)
    a, b = a[good], b[good]
    return np.asarray(np.square(a[:, :-1] / a[:, -1:] - b[:, :-1] / b[:, -1:]).sum(axis=1))


def _length(x: Array) -> float:
    return float(x @ x)
