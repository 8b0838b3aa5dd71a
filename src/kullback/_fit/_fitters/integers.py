"""Families on the integers: where the derivative in the mean changes sign, or sums that stay for a library's family."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from kullback._distribution import Density
from kullback._fit._fixed_nodes import on_integers
from kullback._fit._found import Local
from kullback._fit._mass import Mass
from kullback._fit._task import Task
from kullback._measure import measure
from kullback._result import InputError, Status
from kullback.families import LatticeFamily, log_mean_range
from kullback.methods.alpha import alpha_divergence
from kullback.methods.lattice import points
from kullback.numerics.lazy import optimize
from kullback.numerics.terms import drift


class Integers:
    """The stationary points in the mean, the best first; at any alpha."""

    name = "integers"
    direction = ""

    def applies(self, task: Task) -> str | None:
        return None if task.lattice else f"{task.family} has no mass on points"

    def defers(self, task: Task) -> str | None:
        return None

    def view(self, task: Task) -> Mass:
        return task.problem.mass

    def search(self, task: Task) -> list[Local]:
        mass = task.problem.mass.density
        if task.members is not None:
            return on_integers(task.problem.mass, task.members, task.alpha, task.start, task.support)
        family: LatticeFamily = task.searched
        slope = _reverse(mass, family) if task.direction == "reverse" else _between(mass, family, task.alpha)

        def value(q: Density) -> float:
            if task.alpha in (0.0, 1.0):
                return float((measure(q, mass) if task.alpha == 0 else measure(mass, q)).value)
            return float(alpha_divergence(mass, q, task.alpha).value)

        return _stationary(mass, family, task.start.mean, slope, value)


def _reverse(mass: Density, family: LatticeFamily) -> Callable[[float], float]:
    """The derivative of KL(Q‖P) in the log mean."""

    def slope(u: float) -> float:
        q = family.member(math.exp(u))
        k, _ = points(q, 1 << 22)
        log_q = q._log_prob(k)
        w = np.exp(log_q)
        ratio = np.where(w > 0, log_q - mass._log_prob(k), 0.0)
        if not np.isfinite(ratio[w > 0]).all():
            raise InputError(f"P has gaps within {family.support}, so KL(Q‖P) is infinite for every {family}")
        centre = float(w @ ratio)
        return float((w * family.score(math.exp(u), k)) @ (ratio - centre))

    return slope


def _between(mass: Density, family: LatticeFamily, alpha: float) -> Callable[[float], float]:
    """The derivative of D_α, over the integers that either needs."""
    own, _ = points(mass, 1 << 22)

    def slope(u: float) -> float:
        q = family.member(math.exp(u))
        k, _ = points(q, 1 << 22)
        k = np.arange(min(own[0], k[0]), max(own[-1], k[-1]) + 1.0)
        return -float(drift(mass._log_prob(k), q._log_prob(k), alpha) @ family.score(math.exp(u), k))

    return slope


def _stationary(
    mass: Density,
    family: LatticeFamily,
    start: float | None,
    slope: Callable[[float], float],
    value: Callable[[Density], float],
) -> list[Local]:
    """The roots of the slope where it turns upwards, from the least value; else the flattest edge."""
    low, high = log_mean_range(family)
    middle = math.log(max(float((mass.facts.moments or (1.0, 1.0))[0]), 1e-3))
    grid = np.unique(np.clip(np.concatenate([np.linspace(middle - 4, middle + 3, 57)]), low, high))
    if start is not None and not start > 0:
        raise InputError(f"start has mean {start:g}; a member of {family} has a positive one")
    if start is not None:
        grid = np.union1d(grid, math.log(start))
    slopes = np.array([slope(u) for u in grid])

    def local(u: float, left: float, status: Status, begin: str) -> Local:
        q = family.member(math.exp(u))
        return Local(q, value(q), left, status, begin)

    found = []
    for i in range(len(grid) - 1):
        if slopes[i] < 0 <= slopes[i + 1]:
            u = float(optimize.brentq(slope, grid[i], grid[i + 1], xtol=1e-15, rtol=1e-14))
            found.append(local(u, abs(slope(u)), Status.STATIONARY, f"mean near {math.exp(grid[i]):.4g}"))
    if not found:
        u = float(grid[int(np.argmin(np.abs(slopes)))])
        found = [local(u, float(np.abs(slopes).min()), Status.BOUNDARY, "edge")]
    return sorted(found, key=lambda f: f.value)
