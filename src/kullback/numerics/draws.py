"""Standard normal draws for deterministic objectives: scrambled Sobol, antithetic, with exact second moments."""

from __future__ import annotations

import numpy as np

from kullback.numerics.lazy import special
from kullback.numerics.qmc import DIMENSIONS, Array, Sobol


def normal_blocks(dim: int, size: int, blocks: int, seed: list[int], *, whiten: bool = True) -> Array:
    """`blocks` independent scrambles of `size` draws each, of shape (blocks, size, dim).

    Every block is symmetric about 0, so that its odd moments vanish. With `whiten` its covariance is the identity
    to rounding, which makes the objective of a normal target exact; it takes size ≥ 4·dim.
    """
    assert not whiten or size >= 4 * dim
    half = size // 2
    out = np.empty((blocks, size, dim))
    for r in range(blocks):
        z = special.ndtri(_points(dim, half, [*seed, r]))
        if whiten:
            values, vectors = np.linalg.eigh(z.T @ z / half)
            z = z @ (vectors / np.sqrt(values)) @ vectors.T  # the symmetric root moves the draws least
        out[r, :half], out[r, half:] = z, -z
    return out


def _points(dim: int, n: int, seed: list[int]) -> Array:
    if dim > DIMENSIONS:
        return np.random.default_rng(seed).random((n, dim))
    return Sobol(dim, seed).next(n)
