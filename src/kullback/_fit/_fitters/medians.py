"""Forward, a Laplace: its place is P's median and its scale the mean distance from it, for each coordinate."""

from __future__ import annotations

import math

import numpy as np

from kullback._distribution import Density
from kullback._estimate import points_and_weights
from kullback._fit._fitters.nodes import told
from kullback._fit._found import Local
from kullback._fit._search import Found
from kullback._fit._target import Target
from kullback._fit._task import Task
from kullback._fit._view import View
from kullback._fit.space import SpaceTarget, medians
from kullback._objectives import Forward
from kullback._result import InputError, Status
from kullback._support import Array
from kullback._vocabulary import mixture, multivariate_normal
from kullback.methods import _line
from kullback.numerics.lazy import optimize
from kullback.numerics.quadrature import integrate


class Medians:
    """Exact: by integrals on the line, by draws in any number of dimensions."""

    name = "medians"
    direction = "forward"

    def applies(self, task: Task) -> str | None:
        if task.searched.exact != "medians":
            return f"the best {task.family} forward has other things in common with P than its medians"
        if task.problem.seen:
            return None
        return f"the medians of a density in {task.problem.dim} dimensions are not known without draws"

    def defers(self, task: Task) -> str | None:
        return task.problem.costly

    def view(self, task: Task) -> View:
        return task.problem.view

    def search(self, task: Task) -> list[Local]:
        view = task.problem.view
        if isinstance(view, SpaceTarget):  # many columns of draws: no nodes
            assert view.sample is not None
            q = medians(*points_and_weights(view.sample))
            return [Local(task.onto(q), 0.0, 0.0, Status.EXACT, "draws")]
        return [_on_nodes(task, view)]


def _on_nodes(task: Task, target: Target) -> Local:
    frame = target.frame
    pairs = [_median(target, axis) for axis in range(target.dim)]
    loc = (np.array([m for m, _ in pairs]) - frame.centre) / frame.scale
    scale = np.array([s for _, s in pairs]) / frame.scale
    if not np.isfinite(scale).all():
        raise InputError(f"P = {target.name} has no finite mean distance from its median; fit student_t instead")
    theta = np.concatenate([loc, np.log(scale)])
    value = Forward(task.searched, *target.nodes)(theta)[0]
    return told(task, task.searched.density(theta, frame), Found(theta, value, 0.0, Status.EXACT, "median"))


def _median(target: Target, axis: int) -> tuple[float, float]:
    """The median of a coordinate and the mean distance from it."""
    marginal = target.density if target.dim == 1 else _marginal(target.density, axis)
    if target.sample is not None or marginal is None:
        y, w = target.nodes
        x = target.frame.outward(y).reshape(len(y), -1)[:, axis]
        order = np.argsort(x)
        x, w = x[order], w[order]
        total = np.cumsum(w)
        upper = int(np.searchsorted(total, 0.5 * total[-1] * (1 + 1e-12)))
        lower = int(np.searchsorted(total, 0.5 * total[-1] * (1 - 1e-12)))
        middle = 0.5 * float(x[lower] + x[min(upper, len(x) - 1)])
        return middle, float(w @ np.abs(x - middle))
    f = marginal
    support, breaks = _line.interval(f), _line.landmarks(f)

    def below(m: float) -> float:
        if m <= support.low:
            return -0.5
        if m >= support.high:
            return 0.5

        def mass(x: Array) -> Array:
            return np.exp(f._log_prob(x))[None]

        return float(integrate(mass, support.low, m, breaks, rtol=1e-13, atol=1e-16).value[0]) - 0.5

    centre, scale = float(target.frame.centre[axis]), float(target.frame.scale[axis])
    reach = scale
    while below(centre - reach) > 0 or below(centre + reach) < 0:
        reach *= 4
    middle = float(optimize.brentq(below, centre - reach, centre + reach, xtol=1e-13 * scale, rtol=1e-14))

    def distance(x: Array) -> Array:
        return (np.exp(f._log_prob(x)) * np.abs(x - middle))[None]

    found = integrate(distance, support.low, support.high, np.union1d(breaks, [middle]))
    infinite = not math.isfinite(found.ends[0])
    return middle, math.inf if infinite else float(found.value[0])


def _marginal(f: Density, axis: int) -> Density | None:
    """One coordinate of a normal or normal mixture in the plane; None for other shapes."""
    components = f.facts.components or ((1.0, f),)
    if any(c.facts.family != "multivariate_normal" for _, c in components):
        return None
    keep = slice(axis, axis + 1)
    parts = [
        multivariate_normal(c.parameters["loc"][keep], c.parameters["covariance_matrix"][keep, keep])
        for _, c in components
    ]
    return mixture([w for w, _ in components], parts)
