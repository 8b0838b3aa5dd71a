"""Divergences and densities from the nearest of draws that have weights, groups or an order.

As `neighbours` has them, with the weight of a ball in the place of its count. A draw's own group, and what is nearer to
it in time than the correlation length (Theiler, Physical Review A 34, 1986), are not among its neighbours. The error is
that of the influence values with the balls held fixed: a draw's own term, and its part in the balls that it lies in.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from kullback.numerics.dependence import Array, Design, joint, paired
from kullback.numerics.lazy import spatial, special
from kullback.numerics.neighbours import WIDER, Found, default_k

LISTED, LONGEST = 32, 256  # neighbours always listed, and most of a ball
SHARED = 4  # of the balls on the line, how many hold a draw at least on either side of it
LOOKED_AT = 4_000  # ordered draws at which terms are evaluated, at least
ROWS = 1 << 22  # distances at a time


class _Side(NamedTuple):
    """Draws, how they go together, how many count for one, and a tag that neighbours do not share: group or place."""

    y: Array
    design: Design
    length: int
    tags: Array | None
    ends: Array | None = None  # where a column begins anew, 0 if it does not

    @property
    def places(self) -> Array | None:
        """In time; chains lie farther apart than the correlation length."""
        if self.design.chains is None:
            return None
        chain = np.repeat(np.arange(len(self.design.chains)), self.design.chains)
        return np.arange(self.design.n) + chain * self.length


class _Near(NamedTuple):
    """For each point: its nearest in a side, ∞ beyond the last, and the weight of all that may be its neighbours."""

    which: Array
    distance: Array
    whole: Array


def two_samples(
    x: Array, y: Array, p: Design, q: Design, lengths: tuple[float, float], ends: Array | None = None
) -> tuple[Found, float]:
    """As `neighbours.two_samples`, and the degrees of freedom of its error; columns with `ends` close at them."""
    mine, theirs = (_side(v, d, s)._replace(ends=ends) for v, d, s in ((x, p, lengths[0]), (y, q, lengths[1])))
    if paired(p, q):
        assert p.names is not None
        assert q.names is not None
        names = np.unique(np.concatenate([p.names, q.names]))
        mine, theirs = (
            s._replace(tags=np.searchsorted(names, d.names)[d.groups])  # type: ignore[arg-type]
            for s, d in ((mine, p), (theirs, q))
        )
    d, k = x.shape[1], min(_balls(mine, x.shape[1]), _balls(theirs, x.shape[1]))
    most = min(WIDER * max(k, LISTED // WIDER), len(x) - 1, len(y))
    at, held = _asked(mine, k)
    own = _nearest(mine, x[at], at, mine, most)
    across = _nearest(theirs, x[at], at, mine if paired(p, q) else None, most)
    k = min(k, most)
    weight = np.bincount(held, weights=p.shares, minlength=len(at))
    term, of_p, of_q = _terms(own, across, mine, theirs, weight, k, d)
    variance, degrees = joint(p, term[held] + of_p, q, -of_q)
    value = float(weight @ term)
    wide = min(WIDER * k, most)
    bias = math.inf
    if wide > k:
        wider, _, _ = _terms(own, across, mine, theirs, weight, wide, d)
        bias = float(weight @ (wider - term)) / ((wide / k) ** (1 / d) - 1)
    return Found(value, math.sqrt(variance), bias, k), degrees


def log_density(y: Array, q: Design, length: float, x: Array | None = None) -> tuple[Array, Array, Array, int, Array]:
    """log density at the draws themselves or at x: by balls of k and of four times as many, and each draw's part.

    Not all draws need be asked; the last array says which of them stands for each.
    """
    side, d = _side(y, q, length), y.shape[1]
    k = _balls(side, d)
    at, held = _asked(side, k) if x is None else (np.arange(len(x)), np.arange(len(x)))
    most = min(WIDER * k, len(y) - (x is None))
    k = min(k, most)
    near = _nearest(side, y[at] if x is None else x, at, side if x is None else None, most)
    weight = np.full(len(x), 1 / len(x)) if x is not None else np.bincount(held, weights=q.shares, minlength=len(at))
    found = []
    for size in (k, most):
        radius = near.distance[:, size - 1]
        logs, part = _log_mass(near, side, radius, np.full(len(at), size), weight)
        found.append(logs - d * np.log(radius) - 0.5 * d * math.log(math.pi) + math.lgamma(0.5 * d + 1))
        if size == k:
            parts = part
    return found[0], found[1], parts, k, held


def _side(y: Array, design: Design, length: float) -> _Side:
    return _Side(y, design, max(1, math.ceil(length)) if design.chains is not None else 1, design.groups)


def _balls(side: _Side, d: int) -> int:
    """Draws in a ball whose share is that of a ball among as many independent ones."""
    size = max(1, side.design.n // side.length)
    return max(1, min(round(default_k(size, d) * side.design.n / size), LONGEST, side.design.n - 1))


def _asked(side: _Side, k: int) -> tuple[Array, Array]:
    """The draws that are asked for their neighbours, and for each draw which of them stands for it.

    On the line a few of the k draws of a ball, evenly; else all draws, or of many in an order some at equal steps. One
    draw's weight stands for no other's: a ball's own draws would make it count for more where it is heavy.
    """
    n = side.design.n
    if side.design.weights is None and side.y.shape[1] == 1:
        step, order = max(1, k // SHARED), np.argsort(side.y[:, 0], kind="stable")
        at, held = order[step // 2 :: step], np.empty(n, int)
        held[order] = np.minimum(np.arange(n) // step, len(at) - 1)
        return at, held
    step = 1 if side.length < 4 else max(1, min(side.length // 4, n // LOOKED_AT))
    return np.arange(0, n, step), np.arange(n) // step


def _nearest(side: _Side, x: Array, at: Array, mine: _Side | None, most: int) -> _Near:
    """`mine` is the side of the x themselves, if some of the others must be left out."""
    tree = spatial.cKDTree(side.y, balanced_tree=False, compact_nodes=False, boxsize=side.ends)
    n, left = side.design.n, np.arange(len(x))
    which, distance = np.zeros((len(x), most), np.int64), np.full((len(x), most), np.inf)
    wanted = most if mine is None else most + 1 + 2 * (side.length - 1)
    while len(left):
        wanted, again = min(wanted, n), []
        for start in range(0, len(left), step := max(1, ROWS // wanted)):
            rows = left[start : start + step]
            r, i = tree.query(x[rows], k=np.arange(1, wanted + 1))
            if mine is not None:
                good = _may(side, i, mine, at[rows])
                order = np.argsort(~good, axis=1, kind="stable")[:, :most]
                r = np.take_along_axis(np.where(good, r, np.inf), order, axis=1)
                i = np.take_along_axis(i, order, axis=1)
                again.append(rows[good.sum(axis=1) < most])
            which[rows], distance[rows] = i[:, :most], r[:, :most]
        left = np.concatenate(again) if again and wanted < n else np.zeros(0, np.int64)
        wanted *= 2
    return _Near(which, distance, _whole(side, mine, at))


def _may(side: _Side, i: Array, mine: _Side, at: Array) -> Array:
    if side.tags is not None:
        assert mine.tags is not None
        return np.asarray(side.tags[i] != mine.tags[at][:, None])
    places = side.places
    if places is not None:
        return np.asarray(np.abs(places[i] - places[at][:, None]) >= side.length)
    return np.asarray(i != at[:, None])


def _whole(side: _Side, mine: _Side | None, at: Array) -> Array:
    """The weight of all that may be neighbours of each."""
    w = side.design.shares
    if mine is None:
        return np.ones(len(at))
    if side.tags is not None:
        assert mine.tags is not None
        held = np.bincount(side.tags, weights=w, minlength=int(mine.tags.max()) + 1)
        return np.asarray(1 - held[mine.tags[at]])
    places = side.places
    if places is None:
        return np.asarray(1 - w[at])
    sums = np.concatenate([[0.0], np.cumsum(w)])
    low = np.searchsorted(places, places[at] - side.length + 1)
    high = np.searchsorted(places, places[at] + side.length)
    return np.asarray(1 - (sums[high] - sums[low]))


def _terms(
    own: _Near, across: _Near, mine: _Side, theirs: _Side, weight: Array, k: int, d: int
) -> tuple[Array, Array, Array]:
    """Wang, Kulkarni and Verdú's eq. 29: log of the masses in one ball of both sides, each up to its own last draw."""
    radius = np.maximum(own.distance[:, k - 1], across.distance[:, k - 1])
    logs, parts = [], []
    for near, side in ((own, mine), (across, theirs)):
        count = np.maximum((near.distance <= radius[:, None]).sum(axis=1), 1)
        reach = near.distance[np.arange(len(count)), count - 1]
        mass, part = _log_mass(near, side, reach, count, weight)
        logs.append(mass - d * np.log(reach))
        parts.append(part)
    return logs[0] - logs[1], parts[0], parts[1]


def _log_mass(near: _Near, side: _Side, reach: Array, count: Array, weight: Array) -> tuple[Array, Array]:
    """log of the share of a ball, nearly unbiased, and the sum over the balls of weight/share for each draw in them.

    What a logarithm loses is that of a digamma of the ball's draws, those that are near in time, or of one group, being
    one. It gains half of what the weights of so many draws vary: the ball ends at a draw, not at a weight.
    """
    longest = int(count.max())
    i = near.which[:, :longest]
    inside = np.arange(longest) < count[:, None]
    w = np.where(inside, side.design.shares[i], 0.0)
    mass = w.sum(axis=1)
    even = inside / count[:, None]
    effective = 1 / _squares(even, i, side)
    varied = _squares(w / mass[:, None] - even, i, side) if side.design.weights is not None else 0.0
    share = mass / near.whole
    part = np.bincount(i.ravel(), weights=(w / mass[:, None] * weight[:, None]).ravel(), minlength=side.design.n)
    shares = side.design.shares
    part = np.where(shares > 0, part / np.where(shares > 0, shares, 1.0), 0.0)
    return np.log(share) + special.digamma(effective) - np.log(effective) + 0.5 * varied, part


def _squares(w: Array, i: Array, side: _Side) -> Array:
    """Σ of the squares of the weights, those that go together added first."""
    if side.design.groups is not None:
        codes = side.design.groups[i]
    elif side.design.chains is not None and side.length > 1:
        codes = i // side.length
    else:
        return np.asarray(np.square(w).sum(axis=1))
    order = np.argsort(codes, axis=1, kind="stable")
    codes, w = np.take_along_axis(codes, order, axis=1), np.take_along_axis(w, order, axis=1)
    sums = np.concatenate([np.zeros((len(w), 1)), np.cumsum(w, axis=1)], axis=1)
    last = np.ones(codes.shape, dtype=bool)
    last[:, :-1] = codes[:, 1:] != codes[:, :-1]
    until = np.zeros(sums.shape, int)  # of each place, where the last group before it ended
    until[:, 1:] = np.maximum.accumulate(np.where(last, np.arange(1, codes.shape[1] + 1), 0), axis=1)
    before = np.take_along_axis(sums, until[:, :-1], axis=1)
    return np.asarray((np.square(sums[:, 1:] - before) * last).sum(axis=1))
