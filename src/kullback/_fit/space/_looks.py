"""Places where another mode may lie, found by values of log p̃ alone: on lines, and scattered far and wide.

A mode much narrower than the rest draws no particle, whose slope says nothing of it. Where the target is alike in its
coordinates, or in all of them but for signs, its modes lie on diagonals; and of many scattered points those are worth
a climb where log p̃ is higher than elsewhere so far out.
"""

from __future__ import annotations

import itertools

import numpy as np

from kullback._fit.space._climb import Peak
from kullback._fit.space._oracle import Oracle
from kullback._support import Array

ALL_SIGNS = 6  # dimensions up to which every diagonal is looked along
REACH, APART = 60, 0.4  # points of a line on either side, and the widths of the first mode between them
ON_LINES = 64  # the highest of the lines' local maxima that are followed
SCATTERED, SCATTER_DIM = 1 << 15, 12  # points, and the dimension above which they would meet nothing
WIDE = 4.0  # the scale of their Cauchy in widths of the first mode
SHELL, EACH = 256, 4  # points that lie about as far out, and how many of them are followed


def looks(oracle: Oracle, first: Peak, seed: int) -> Array:
    """Points (n, d) that stand out along lines, and among scattered points that are about as far out."""
    points = lines(oracle, first, seed)
    f = oracle.values(points.reshape(-1, oracle.dim)).reshape(points.shape[:2])
    inner = (f[:, 1:-1] > f[:, :-2]) & (f[:, 1:-1] >= f[:, 2:])
    inner[:, REACH - 1] = False  # the first mode itself
    x, f = points[:, 1:-1][inner], f[:, 1:-1][inner]
    found = x[np.argsort(-f, kind="stable")[:ON_LINES]]
    return np.concatenate([found, _standing_out(oracle, first, seed)])


def lines(oracle: Oracle, first: Peak, seed: int) -> Array:
    """Points on lines through the first mode, (lines, points, d): along each coordinate, and along diagonals."""
    d = oracle.dim
    signs = np.array(list(itertools.product([1.0, -1.0], repeat=d - 1))) if d <= ALL_SIGNS else np.ones((1, d - 1))
    if d > ALL_SIGNS:
        some = np.random.default_rng([seed, 35]).choice([1.0, -1.0], (2**ALL_SIGNS // 2, d - 1))
        signs = np.concatenate([signs, some])
    ways = np.concatenate([np.eye(d), np.column_stack([np.ones(len(signs)), signs])])
    steps = np.arange(-REACH, REACH + 1) * (APART if oracle.exact else 2 * APART)
    return np.asarray(first.x + steps[None, :, None] * (ways * np.sqrt((first.tril**2).sum(axis=1)))[:, None])


def _standing_out(oracle: Oracle, first: Peak, seed: int) -> Array:
    """Of points of a wide Cauchy those with the highest log p̃ in each shell around the first mode."""
    d = oracle.dim
    if d > SCATTER_DIM or not oracle.exact:
        return np.zeros((0, d))
    rng = np.random.default_rng([seed, 36])
    z = WIDE * rng.standard_normal((SCATTERED, d)) / np.sqrt(rng.chisquare(1, SCATTERED))[:, None]
    z = z[np.argsort((z * z).sum(axis=1), kind="stable")]
    x = first.x + z @ first.tril.T
    f = oracle.values(x).reshape(-1, SHELL)
    top = np.argsort(-f, axis=1, kind="stable")[:, :EACH] + SHELL * np.arange(len(f))[:, None]
    chosen = top.ravel()
    return x[chosen[f.ravel()[chosen] > -np.inf]]
