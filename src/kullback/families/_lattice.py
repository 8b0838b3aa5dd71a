"""One-parameter families on the integers."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from kullback._distribution import Density
from kullback._result import InputError
from kullback._support import Array, Lattice
from kullback._vocabulary import build


@dataclass(frozen=True, repr=False)
class LatticeFamily(ABC):
    """A family whose mean m is its sufficient parameter: forward KL is least where Q's mean is P's."""

    lattice = True
    brings_nodes = transports = False
    exact = "moments"  # forward KL is least where Q's mean is P's
    normals = 0

    def __repr__(self) -> str:
        return f"kl.families: {self}"

    @property
    def support(self) -> Lattice:
        return Lattice()

    @abstractmethod
    def member(self, mean: float) -> Density:
        """The member with this mean."""

    def score(self, mean: float, k: Array) -> Array:
        """∂ log q/∂ log(odds) up to a positive factor: k − mean, for every exponential family in k."""
        return k - mean


@dataclass(frozen=True, repr=False)
class Poisson(LatticeFamily):
    """The Poisson."""

    def __str__(self) -> str:
        return "poisson"

    def member(self, mean: float) -> Density:
        return _density(build("poisson", (mean,)))


@dataclass(frozen=True, repr=False)
class Geometric(LatticeFamily):
    """The geometric on 0, 1, 2, …"""

    def __str__(self) -> str:
        return "geometric"

    def member(self, mean: float) -> Density:
        return _density(build("geometric", (1 / (1 + mean),)))


@dataclass(frozen=True, repr=False)
class Binomial(LatticeFamily):
    """The binomial with a known number of trials.

    Parameters
    ----------
    total_count : int
        The number of trials.
    """

    total_count: int

    def __post_init__(self) -> None:
        if not isinstance(self.total_count, int | np.integer) or self.total_count < 1:
            raise InputError(f"binomial needs total_count, a whole number of at least 1, not {self.total_count!r}")

    def __str__(self) -> str:
        return f"binomial({self.total_count})"

    @property
    def support(self) -> Lattice:
        return Lattice(0, self.total_count)

    def member(self, mean: float) -> Density:
        return _density(build("binomial", (self.total_count, min(mean / self.total_count, 1.0))))


def _density(d: object) -> Density:
    assert isinstance(d, Density)
    return d


def log_mean_range(family: LatticeFamily) -> tuple[float, float]:
    """The means worth searching, as logarithms."""
    if isinstance(family, Binomial):
        return math.log(1e-6 * family.total_count), math.log(family.total_count * (1 - 1e-9))
    return math.log(1e-6), math.log(1e9)
