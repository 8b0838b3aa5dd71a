"""A normal for coordinates that look independent: each is fitted on the line, in either direction.

KL(Q‖P) = KL(Q‖ΠQᵢ) + Σ KL(Qᵢ‖Pᵢ) for a product P, and forward the moments are P's: no correlation helps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from kullback._distribution import Density, Sample
from kullback._estimate import Estimate
from kullback._fit._found import Local
from kullback._fit._own_nodes import OwnNodes
from kullback._fit._task import Task
from kullback._fit._view import Look
from kullback._fit.space import SpaceTarget
from kullback._fit.space._assess import assess, false_claim
from kullback._fit.space._factors import SHOWN, Factors
from kullback._measure import measure
from kullback._result import Divergence, InputError, Later, Status
from kullback._support import Array
from kullback._vocabulary import multivariate_normal
from kullback.families import Normal

START = "each coordinate by itself"
Side = list[tuple[float, float, float]]  # mean, sd and value of each optimum, the best first


class Coordinates:
    """That they are independent rests on looks, which the error knows."""

    name = "coordinates"
    direction = ""

    def applies(self, task: Task) -> str | None:
        if not isinstance(task.direction, str):
            return "alpha between 0 and 1 does not add up over coordinates; take direction='forward' or 'reverse'"
        if task.searched.exact != "moments" or task.lattice:
            return "the best member of a product is a product for normals alone"
        if task.problem.draws:
            return "draws show no formula"
        if task.problem.dim <= 2:
            return "the line and the plane are seen on nodes"
        if task.problem.space.factors is None:
            return "P's coordinates are not independent, or its formula is known"
        return None

    def defers(self, task: Task) -> str | None:
        return None

    def view(self, task: Task) -> ProductView:
        space = task.problem.space
        assert space.factors is not None
        return ProductView(space, space.factors)

    def search(self, task: Task) -> list[Local]:
        view = self.view(task)
        factors = view.factors
        if view.space.density.normalized and abs(factors.log_z) > max(6 * factors.slack, factors.unseen):
            raise InputError(false_claim(factors.log_z))
        forward = task.direction == "forward"
        sides = _forward(factors) if forward else _reverse(factors)
        status = Status.CONVERGED if forward else Status.STATIONARY
        return [Local(task.onto(q), value, 0.0, status, START) for q, value in _best(sides)]


@dataclass(frozen=True, eq=False)
class ProductView:
    """P in space, its divergences sums over coordinates."""

    space: SpaceTarget
    factors: Factors
    sample: Sample | None = None
    estimated: Estimate | None = None

    @property
    def name(self) -> str:
        return self.space.name

    @property
    def seed(self) -> int:
        return self.space.seed

    @property
    def shown(self) -> SpaceTarget:
        return self.space

    def free(self, q: Density) -> Density:
        return self.space.free(q)

    def left(self, q: Density, direction: str | float) -> None:
        return None

    def look(self, q: Density, direction: str | float, left: Divergence | None) -> Look:
        space, factors, free = self.space, self.factors, self.space.free(q)
        forward, reverse = _sums(factors, free)
        seen = assess(space.oracle, free, space.cloud(free), [space.first], space.seed, space.power)
        known = replace(seen.importance, log_evidence=factors.log_z, log_evidence_error=factors.slack + factors.unseen)
        covered = factors.coverage(free, seen.coverage)
        notes = (
            f"the coordinates of P look independent, which rests on {factors.looks} looks and is not proven; "
            f"it has {factors.modes} modes" + (f", of which the {SHOWN} heaviest are listed" if factors.modes > SHOWN
            else ""),
            "a part of P that none of the looks met is in no number here; begin where one may lie: start=",
            f"{space.oracle.evaluations} evaluations of log_prob",
        )  # fmt: skip
        return Look(forward, reverse, Later.of(space.outward(covered)), Later.of(known), notes)


def _sums(factors: Factors, q: Density) -> tuple[Divergence, Divergence]:
    """Both divergences of a product from a product."""
    assert q.facts.moments is not None
    mean, sd = np.atleast_1d(q.facts.moments[0]), np.sqrt(np.diag(np.atleast_2d(q.facts.moments[1])))
    kept: dict[tuple[int, float, float], tuple[Divergence, Divergence]] = {}
    pairs = []
    for t, m, s in zip(factors.targets, mean, sd, strict=True):
        key = id(t), float(m), float(s)
        if key not in kept:
            side = multivariate_normal([m], [[s**2]])
            kept[key] = measure(t.density, side), measure(side, t.density)
        pairs.append(kept[key])
    return _sum([a for a, _ in pairs], factors), _sum([b for _, b in pairs], factors)


def _forward(factors: Factors) -> list[Side]:
    moments = factors.moments()
    if moments is None:
        raise InputError(
            "P has no finite mean and variance in some coordinate, so KL(P‖Q) is infinite for every normal Q. "
            "Fit student_t, or use direction='reverse'."
        )
    mean, covariance = moments
    return [[(float(m), float(s), 0.0)] for m, s in zip(mean, np.sqrt(np.diag(covariance)), strict=True)]


def _reverse(factors: Factors) -> list[Side]:
    family = Normal()
    kept: dict[int, Side] = {}
    out = []
    for t in factors.targets:
        if id(t) not in kept:
            found = OwnNodes(t, family).found(0.0)
            members = [family.density(f.theta, t.frame) for f in found]
            kept[id(t)] = [
                (float(q.parameters["loc"]), float(q.parameters["scale"]), f.value)
                for q, f in zip(members, found, strict=True)
            ]
        out.append(kept[id(t)])
    return out


def _best(sides: list[Side]) -> list[tuple[Density, float]]:
    """The lowest of the products of the coordinates' optima."""
    rows: list[tuple[float, list[tuple[float, float]]]] = [(0.0, [])]
    for side in sides:
        rows = [(total + value, [*row, (m, s)]) for total, row in rows for m, s, value in side]
        rows = sorted(rows, key=lambda r: r[0])[:SHOWN]
    return [(_density(row), total) for total, row in rows]


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
