"""Families whose support moves with their parameters: forward, their best member is known from P's own ends."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from kullback._distribution import Density
from kullback._support import Interval
from kullback._vocabulary import build


@dataclass(frozen=True, eq=False)
class ByEnds:
    """`member` is the best for a P of these ends and this mean of log(x/low); `why_not` tells which P has none."""

    name: str
    why_not: Callable[[Interval], str]
    member: Callable[[float, float, float], Density]

    lattice = brings_nodes = transports = whitens = False
    exact = "ends"
    normals = 0

    def __str__(self) -> str:
        return self.name


def _uniform(low: float, high: float, log_mean: float) -> Density:
    """−E log q = log(high − low): no wider than P."""
    return _density("uniform", low, high)


def _pareto(low: float, high: float, log_mean: float) -> Density:
    """−E log q = −log α − α·log scale + (α + 1)·E log x: the largest scale, and there α = 1/E log(x/scale)."""
    return _density("pareto", low, 1 / log_mean)


def _density(word: str, *parameters: float) -> Density:
    found = build(word, parameters)
    assert isinstance(found, Density)
    return found


def _bounded(support: Interval) -> str:
    return "" if math.isfinite(support.low) and math.isfinite(support.high) else "no uniform has mass all the way"


def _positive(support: Interval) -> str:
    return "" if support.low > 0 else "every pareto begins at a positive number"


ENDS = {"Uniform": ByEnds("uniform", _bounded, _uniform), "Pareto": ByEnds("pareto", _positive, _pareto)}
