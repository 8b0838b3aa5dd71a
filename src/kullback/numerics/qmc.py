"""Scrambled Sobol points in the open cube."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kullback.numerics.lazy import Lazy

Array = NDArray[Any]  # of floats
_qmc: Any = Lazy("scipy.stats.qmc")

DIMENSIONS = 21_201  # Sobol's direction numbers end there


class Sobol:
    """One scramble, continued where the last draw ended; after 2^m points in all they are balanced."""

    def __init__(self, dim: int, seed: list[int]) -> None:
        self._engine = _qmc.Sobol(dim, scramble=True, rng=np.random.default_rng(seed))
        self._drawn = 0

    def next(self, n: int) -> Array:
        """n points of shape (n, dim). SciPy's lie on a grid of 2⁻³⁰ with 0 on it: half a step makes it open."""
        first = self._drawn == 0
        points = self._engine.random_base2(n.bit_length() - 1) if first else self._engine.random(n)
        self._drawn += n
        return np.asarray(points + 2.0**-31)
