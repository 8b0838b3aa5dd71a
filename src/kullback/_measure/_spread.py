"""Entropy, Jensen-Shannon and mass outside for densities beyond the line: by cubature, by draws, or not at all."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from kullback._distribution import Density
from kullback._support import Array
from kullback._vocabulary import mixture
from kullback.methods import _space
from kullback.methods._request import Request
from kullback.methods.monte_carlo import MonteCarlo, draws
from kullback.methods.quadrature import Quadrature


class Spread(NamedTuple):
    """Of a pair: both entropies, the Jensen-Shannon divergence, the masses outside each other, and a note on them."""

    entropies: tuple[float, float]
    jensen_shannon: float
    outside: tuple[float, float]
    note: str = ""


def spread(f: Density, g: Density, seed: int) -> Spread:
    """By the nodes of a cubature where both are served by one, else by draws; NaN where neither can be had."""
    if all(_space.serves(d) == "" for d in (f, g)):
        method: Quadrature | MonteCarlo = Quadrature()
        nodes, note = [_space.nodes(d) for d in (f, g)], ""
    elif all(_drawn(d) for d in (f, g)):
        method, nodes = MonteCarlo(), [draws(d, seed) for d in (f, g)]
        note = f"entropies that no formula gives, Jensen-Shannon and mass outside are from {len(nodes[0][0])} draws"
    else:
        unknown = [d.facts.entropy if d.facts.entropy is not None else math.nan for d in (f, g)]
        note = "Jensen-Shannon and mass outside need three free coordinates at most, or draws of both sides"
        return Spread((unknown[0], unknown[1]), math.nan, (math.nan, math.nan), note)
    (x, w), (y, v) = nodes
    middle = mixture([0.5, 0.5], [f, g])
    halves = [method.estimate(d, middle, Request(seed=seed)) for d in (f, g)]
    if halves[0].error_kind == "standard_error":
        note += f"; Jensen-Shannon ± {0.5 * math.hypot(*(float(d.error) for d in halves)):.1g}"
    return Spread(
        (_entropy(f, x, w), _entropy(g, y, v)),
        0.5 * sum(float(d.value) for d in halves),
        (_outside(g, x, w), _outside(f, y, v)),
        note,
    )


def _drawn(f: Density) -> bool:
    return MonteCarlo().applies(f, f) is None


def _entropy(f: Density, x: Array, w: Array) -> float:
    return f.facts.entropy if f.facts.entropy is not None else float(-(w @ f._log_prob(x)))


def _outside(g: Density, x: Array, w: Array) -> float:
    """The weight of the points where g has no density."""
    return math.nan if g.facts.underflows else float(w[g._log_prob(x) == -np.inf].sum())
