"""A normal fitted to independent coordinates: the product of the coordinates' own fits is the best of all normals.

KL(Q‖P) = KL(Q‖ΠQᵢ) + Σ KL(Qᵢ‖Pᵢ) for a product P, and forward the moments are P's: no correlation helps.
"""

from __future__ import annotations

import math

import numpy as np

from kullback._distribution import Density
from kullback._fit._reverse import fit_reverse
from kullback._fit.space._factors import SHOWN, Factors
from kullback._measure import measure
from kullback._result import Divergence, InputError, Optimum, Status
from kullback._support import Array
from kullback._vocabulary import multivariate_normal
from kullback.families import Normal


class ProductFit:
    """Q, its optima, both divergences, and how the search ended."""

    def __init__(self, factors: Factors, direction: str, seed: int) -> None:
        sides = _forward(factors) if direction == "forward" else _reverse(factors, seed)
        self.status = Status.CONVERGED if direction == "forward" else Status.STATIONARY
        self.optima = _best(sides)
        self.q = self.optima[0].q
        own = [multivariate_normal([m], [[s**2]]) for m, s, _ in (side[0] for side in sides)]
        kept: dict[tuple[int, str], tuple[Divergence, Divergence]] = {}
        pairs = []
        for t, q in zip(factors.targets, own, strict=True):
            key = (id(t), str(q.parameters))
            if key not in kept:
                kept[key] = (measure(t.density, q), measure(q, t.density))
            pairs.append(kept[key])
        self.forward = _sum([a for a, _ in pairs], factors)
        self.reverse = _sum([b for _, b in pairs], factors)


Side = list[tuple[float, float, float]]  # mean, sd and value of each optimum, the best first


def _forward(factors: Factors) -> list[Side]:
    moments = factors.moments()
    if moments is None:
        raise InputError(
            "P has no finite mean and variance in some coordinate, so KL(P‖Q) is infinite for every normal Q. "
            "Fit student_t, or use direction='reverse'."
        )
    mean, covariance = moments
    return [[(float(m), float(s), 0.0)] for m, s in zip(mean, np.sqrt(np.diag(covariance)), strict=True)]


def _reverse(factors: Factors, seed: int) -> list[Side]:
    family = Normal()
    kept: dict[int, Side] = {}
    out = []
    for t in factors.targets:
        if id(t) not in kept:
            found = fit_reverse(t, family, None, seed)
            members = [family.density(f.theta, t.frame) for f in found]
            kept[id(t)] = [
                (float(q.parameters["loc"]), float(q.parameters["scale"]), f.value)
                for q, f in zip(members, found, strict=True)
            ]
        out.append(kept[id(t)])
    return out


def _best(sides: list[Side]) -> tuple[Optimum, ...]:
    """The lowest of the products of the coordinates' optima."""
    rows: list[tuple[float, list[tuple[float, float]]]] = [(0.0, [])]
    for side in sides:
        rows = [(total + value, [*row, (m, s)]) for total, row in rows for m, s, value in side]
        rows = sorted(rows, key=lambda r: r[0])[:SHOWN]
    return tuple(Optimum(_density(row), total, "each coordinate by itself", 0.0) for total, row in rows)


def _density(row: list[tuple[float, float]]) -> Density:
    loc: Array = np.array([m for m, _ in row])
    return multivariate_normal(loc, np.diag([s**2 for _, s in row]))


def _sum(parts: list[Divergence], factors: Factors) -> Divergence:
    """The divergence of independent coordinates is the sum of theirs; that they are is known from looks alone."""
    value = math.fsum(float(d.value) for d in parts)
    infinite = next((d for d in parts if d.status.infinite), None)
    if infinite is not None:
        return infinite
    status = next((d.status for d in parts if d.status is not Status.OK), Status.OK)
    error = math.fsum(float(d.error) for d in parts) + factors.slack + factors.unseen * (1 + abs(value))
    n = sum(d.n or 0 for d in parts)
    return Divergence(value, error, "estimate", method="coordinates", n=n, status=status)
