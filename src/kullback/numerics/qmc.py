"""Scrambled Sobol points in the open cube."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kullback.numerics.lazy import Lazy

Array = NDArray[Any]  # of floats
_qmc: Any = Lazy("scipy.stats.qmc")


def sobol(dim: int, log2_n: int, seed: list[int]) -> Array:
    """2^log2_n points of shape (n, dim). SciPy's lie on a grid of 2⁻³⁰ with 0 on it: half a step makes it open."""
    points = _qmc.Sobol(dim, scramble=True, rng=np.random.default_rng(seed)).random_base2(log2_n)
    return np.asarray(points + 2.0**-31)
