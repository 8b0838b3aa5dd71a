"""Standard normal draws for deterministic objectives: scrambled Sobol, antithetic, with exact second moments."""

from __future__ import annotations

import numpy as np

from kullback.numerics.lazy import special
from kullback.numerics.qmc import DIMENSIONS, Array, Sobol


def normal_blocks(dim: int, size: int, blocks: int, seed: list[int], *, whiten: bool = True) -> Array:
    """`blocks` independent scrambles of `size` draws each, of shape (blocks, size, dim).

    Every block is symmetric about 0, so that its odd moments vanish. With `whiten` its covariance is the identity
    to rounding, which makes the objective of a normal target exact; it takes size > 2·dim, and more for draws that look
    like a normal's.
    """
    assert not whiten or size > 2 * dim
    half = size // 2
    out = np.empty((blocks, size, dim))
    for r in range(blocks):
        z = special.ndtri(_points(dim, half, [*seed, r]))
        if whiten:
            values, vectors = np.linalg.eigh(z.T @ z / half)
            z = z @ (vectors / np.sqrt(values)) @ vectors.T  # the symmetric root moves the draws least
        out[r, :half], out[r, half:] = z, -z
    return out


def lattice(n: int, dim: int) -> Array:
    """n points (n, dim) of the open cube without SciPy: multiples of the powers of 1/g, where g^(dim+1) = g + 1."""
    g = 2.0
    for _ in range(40):
        g = (1 + g) ** (1 / (dim + 1))
    steps = g ** -np.arange(1.0, dim + 1)
    return np.asarray((0.5 + np.arange(n)[:, None] * steps) % 1 * (1 - 2.0**-40) + 2.0**-41)


def _points(dim: int, n: int, seed: list[int]) -> Array:
    if dim > DIMENSIONS:
        return np.random.default_rng(seed).random((n, dim))
    return Sobol(dim, seed).next(1 << (n - 1).bit_length())[:n]
