"""Whether two sets of draws come from one distribution, by all of them: the energy distance of their normal scores.

Each column is replaced by the normal scores of its ranks among both sets together, so that neither units nor heavy
tails matter. The energy distance (Székely and Rizzo 2004) is then an integral over directions and frequencies,

    ∫ |φ_P(r·w) − φ_Q(r·w)|² / r² dr dw,

here a sum over fixed ones: the squared length of the difference of the means of cosines and sines. What it may be by
chance is dealt where a side is small: exact in level, whatever the distribution. Else it is Σ λ·χ²₁ with λ the
eigenvalues of the covariance of these means, which is known exactly given both sets together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kullback.numerics.chi_square import sum_above
from kullback.numerics.lazy import special
from kullback.numerics.permutation import DEALS, p_value

Array = NDArray[np.float64]

DEALT, DEALT_IN_SPACE = 60, 150  # draws of the smaller side up to which labels are dealt
ON_LINE, IN_SPACE = np.geomspace(0.25, 16, 13), np.geomspace(0.4, 2.5, 3)  # frequencies, in a column's unit
DIRECTIONS, AT_MOST = 32, 128
TOGETHER = 2000  # draws of both sides up to which all deals are one product
ROWS = 1 << 14  # at once; and the rows that the covariance is looked at on


def is_dealt(n: int, m: int, d: int) -> bool:
    """Whether labels are dealt again, and not the limit taken."""
    return min(n, m) <= (DEALT if d == 1 else DEALT_IN_SPACE)


def energy(x: Array, y: Array, seed: int) -> float:
    """The p-value of draws of shape (n, d) and (m, d)."""
    rng = np.random.default_rng([seed, 13])
    few, many = (x, y) if len(x) <= len(y) else (y, x)
    z, n = scores(np.concatenate([few, many])), len(few)
    waves = _Waves(z.shape[1], rng)
    sums = waves.total(z[:n]), waves.total(z[n:])
    middle = (sums[0] + sums[1]) / len(z)
    if is_dealt(n, len(z) - n, z.shape[1]):
        statistic = _length(sums[0] - n * middle)
        if len(z) <= TOGETHER:
            labels = rng.permuted(np.tile(np.arange(len(z)) < n, (DEALS, 1)), axis=1)
            sums_dealt = labels.astype(float) @ waves(z)
        else:
            deals = (rng.choice(len(z), n, replace=False) for _ in range(DEALS))
            sums_dealt = np.array([waves(z[deal]).sum(axis=0) for deal in deals])
        return p_value(statistic, np.square(sums_dealt - n * middle).sum(axis=1))
    some = z if len(z) <= ROWS else z[rng.choice(len(z), ROWS, replace=False)]
    covariance = np.cov(waves(some).T) * (1 / n + 1 / (len(z) - n))
    return sum_above(_length(sums[0] / n - sums[1] / (len(z) - n)), np.linalg.eigvalsh(covariance))


def waves(x: Array, y: Array, seed: int) -> tuple[Array, Array]:
    """The features of both sides whose mean difference is the distance."""
    z = scores(np.concatenate([x, y]))
    found = _Waves(z.shape[1], np.random.default_rng([seed, 13]))(z)
    return found[: len(x)], found[len(x) :]


def scores(x: Array) -> Array:
    """Each column's ranks, equal values at their middle, as quantiles of a normal."""
    columns = []
    for column in x.T:
        _, inverse, times = np.unique(column, return_inverse=True, return_counts=True)
        columns.append(special.ndtri((np.cumsum(times) - 0.5 * times) / len(x))[inverse])
    return np.column_stack(columns)


def _length(x: Array) -> float:
    return float(x @ x)


class _Waves:
    """Cosines and sines of rows, weighted so that their squares add up to the integral."""

    def __init__(self, d: int, rng: np.random.Generator) -> None:
        radii = ON_LINE if d == 1 else IN_SPACE
        wanted = 1 if d == 1 else min(max(DIRECTIONS, d), AT_MOST)
        bases = [np.linalg.qr(rng.normal(size=(d, d) if d <= AT_MOST else (d, AT_MOST)))[0]
                 for _ in range(-(-wanted // d))] if d > 1 else [np.ones((1, 1))]  # fmt: skip
        directions = np.concatenate(bases, axis=1)[:, :wanted]
        self._turns = (directions[:, :, None] * radii).reshape(d, -1)
        self._weights = np.tile(radii**-0.5, wanted)

    def __call__(self, z: Array) -> Array:
        phase = z @ self._turns
        return np.concatenate([np.cos(phase) * self._weights, np.sin(phase) * self._weights], axis=1)

    def total(self, z: Array) -> Array:
        if len(z) <= ROWS:
            return np.asarray(self(z).sum(axis=0))
        found = np.zeros(2 * len(self._weights))
        half, turns = len(self._weights), self._turns.astype(np.float32)
        for start in range(0, len(z), ROWS):  # single precision is far below the noise of so many
            phase = z[start : start + ROWS].astype(np.float32) @ turns
            found[:half] += np.cos(phase).sum(axis=0, dtype=np.float64)
            found[half:] += np.sin(phase).sum(axis=0, dtype=np.float64)
        return found * np.tile(self._weights, 2)
