"""The named parts of a vector: where each site of a model lies in it, and how draws are told in its own terms."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from kullback._support import Array


@dataclass(frozen=True, eq=False)
class Sites:
    """Sites in the order of the vector, each with the shape of its unconstrained value.

    `constrain` maps points (n, dim) to values by site, of shape (n, …) on each site's own support.
    """

    shapes: Mapping[str, tuple[int, ...]]
    constrain: Callable[[Array], dict[str, Array]]

    def split(self, vector: Array) -> dict[str, Array]:
        """A vector (dim,) as an array a site."""
        out, start = {}, 0
        for name, shape in self.shapes.items():
            size = math.prod(shape)
            out[name] = np.asarray(vector[start : start + size]).reshape(shape)
            start += size
        return out
