"""JAX compiles a function once for each shape: batches go to it in blocks of few sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kullback._support import Array

BLOCKS = (64, 1024, 16384)


def drawn_in_blocks(draw: Callable[[Any, int], Any], rng: np.random.Generator, n: int) -> Array:
    """n draws, each block by draw(key, its size); what is over of the last is left."""
    import jax

    size = next((block for block in BLOCKS if n <= block), BLOCKS[-1])
    draws = []
    with jax.enable_x64(True):
        for start in range(0, max(n, 1), size):
            key = jax.random.PRNGKey(int(rng.integers(2**31)))
            draws.append(np.asarray(draw(key, size), dtype=np.float64)[: n - start])
    return np.concatenate(draws)


def in_blocks(function: Callable[[Any], Any], x: Array) -> Array:
    """function(x) in 64 bits, of x padded with its first point; the values have the precision that it returned."""
    import jax

    if not len(x):
        return np.empty(0)
    size = next((block for block in BLOCKS if len(x) <= block), BLOCKS[-1])
    values = []
    with jax.enable_x64(True):
        for start in range(0, len(x), size):
            part = x[start : start + size]
            padded = np.concatenate([part, np.repeat(part[:1], size - len(part), axis=0)])
            values.append(np.asarray(function(jax.numpy.asarray(padded)))[: len(part)])
    return np.concatenate(values)
