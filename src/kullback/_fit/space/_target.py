"""P in many dimensions as the fits see it: its oracle, its modes, and the clouds of draws that stand for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from kullback._distribution import Density
from kullback._fit.space._climb import Peak
from kullback._fit.space._cloud import Cloud, cloud
from kullback._fit.space._explore import first_peak, modes
from kullback._fit.space._far import check_far
from kullback._fit.space._oracle import Oracle
from kullback._support import Array

Say = Callable[[str], None]


class SpaceTarget:
    """Made once for all fits of the same P; what is costly is looked for when it is first asked for."""

    def __init__(self, density: Density, seed: int, say: Say, starts: list[Array] | None = None) -> None:
        self.density = density
        self.name = str(density)
        self.seed = seed
        self.say = say
        self.oracle = Oracle(density)
        self.dim = density.dim
        self._starts = starts or []

    @cached_property
    def first(self) -> Peak:
        known = [np.atleast_1d(part.facts.moments[0]) for part in _parts(self.density) if part.facts.moments]
        known = [x for x in known if np.isfinite(x).all()]
        return first_peak(self.oracle, [*self._starts, *known[:64], np.zeros(self.dim)], self.seed)

    @cached_property
    def power(self) -> float:
        """The power of P's tails."""
        return check_far(self.oracle, self.first, self.seed)

    @cached_property
    def _modes(self) -> tuple[list[Peak], bool]:
        assert self.power > 0
        return modes(self.oracle, self.first, self.seed, self.say)

    @property
    def peaks(self) -> list[Peak]:
        return self._modes[0]

    @property
    def enumerated(self) -> bool:
        """Whether the search for modes ended because no new ones came."""
        return self._modes[1]

    def cloud(self, q: Density | None) -> Cloud:
        return cloud(self.oracle, q, self.peaks, self.seed, self.say, power=self.power, many=not self.enumerated)

    @cached_property
    def own_cloud(self) -> Cloud:
        """Draws for P from its modes alone, for forward fits and starts."""
        return self.cloud(None)


def _parts(f: Density) -> list[Density]:
    return [part for _, part in f.facts.components] or [f]
