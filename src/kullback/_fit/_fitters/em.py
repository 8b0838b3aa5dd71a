"""Forward, a mixture of normals: EM from several starts, on nodes or on draws."""

from __future__ import annotations

from typing import Any

import numpy as np

from kullback._estimate import variance_floor
from kullback._fit._fitters.likelihood import by_draws
from kullback._fit._fitters.nodes import told
from kullback._fit._found import Local
from kullback._fit._search import Found, distinct, minimise, some
from kullback._fit._target import Target
from kullback._fit._task import Task
from kullback._fit._view import View
from kullback._objectives import Forward
from kullback._result import InputError, Status
from kullback._support import Array
from kullback.numerics import em


class EM:
    """The climbs end where the gradient does."""

    name = "EM"
    direction = "forward"

    def applies(self, task: Task) -> str | None:
        if task.searched.normals == 0 or task.searched.exact:
            return f"{task.family} is no mixture of normals"
        if task.problem.seen:
            return None
        return f"EM needs nodes or draws of P, and P is a density of {task.problem.dim} dimensions"

    def defers(self, task: Task) -> str | None:
        return task.problem.costly

    def view(self, task: Task) -> View:
        return task.problem.view

    def search(self, task: Task) -> list[Local]:
        view = task.problem.view
        if task.problem.draws:
            draws = view.sample
            assert draws is not None
            if 2 * task.searched.normals >= draws.n:
                raise InputError(f"{task.family} needs more than {2 * task.searched.normals} draws; P has {draws.n}")
        if not isinstance(view, Target):  # many columns of draws: no nodes
            return [by_draws(task, view)]
        found = _climbed(view, task)
        return [told(task, task.searched.density(f.theta, view.frame), f) for f in found]


def _climbed(target: Target, task: Task) -> list[Found]:
    """EM from several starts; the climb of each is finished by the gradient."""
    family, given = task.searched, task.begin()
    y, w = target.nodes
    k = family.normals
    weighted = np.sqrt(w @ (y - w @ y) ** 2)
    spread = np.diag(weighted**2)
    floor = 1e-16 * spread if target.sample is None else variance_floor(y, spread)
    starts = [] if given is None else [("given", given)]
    own = family.encode(target.density, target.frame)
    if own is not None:
        starts.append(("P's components", own))
    rng = np.random.default_rng([target.seed, 2])
    count = 8 if k > 1 else 1
    few, few_w = y, w
    if len(y) > em.LARGE and target.sample is not None:
        few, few_w = some(y, w, em.LARGE, rng)
    begin = em.spread_starts(few, few_w, k, rng, count)
    climbed = em.climb(few, np.repeat(few_w[None], count, axis=0), begin, floor=floor, tolerance=1e-9, max_steps=300)
    if few is not y:
        top = int(np.argmax(climbed.log_likelihood))
        m = em.climb_many(
            y, w, climbed.mixtures.pick(slice(top, top + 1)), floor=floor, tolerance=0.0, max_steps=0
        ).mixtures
        theta = family.from_components(m.weights[0], m.means[0], m.covariances[0])
        value, gradient = Forward(family, y, w)(theta)
        return [Found(theta, value, float(np.abs(gradient).max()), Status.CONVERGED, f"EM {top + 1}")]
    for r in np.argsort(-climbed.log_likelihood, kind="stable")[: 3 if k > 1 else 1]:
        m = climbed.mixtures.pick(int(r))
        starts.append((f"EM {r + 1}", family.from_components(m.weights, m.means, m.covariances)))
    objective = Forward(family, y, w)
    found = []
    for name, theta in starts:
        result = minimise(objective, theta, name)
        if result.value > objective(theta)[0] or _collapsed(family, result.theta, target, floor):
            value, gradient = objective(theta)
            result = Found(theta, value, float(np.abs(gradient).max()), Status.CONVERGED, name)
        found.append(result)
    return distinct(found, y, family)


def _collapsed(family: Any, theta: Array, target: Target, floor: Array) -> bool:
    """Whether a component is narrower than the floor: likelihood without bound, not an optimum."""
    _, rows = family.split(theta)
    widths = np.exp(rows[:, target.dim : 2 * target.dim])
    return bool((widths**2 < 0.999 * np.diag(floor)).any())
