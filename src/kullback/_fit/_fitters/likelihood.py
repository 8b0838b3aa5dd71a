"""Forward, any other family that has a score: the greatest likelihood on nodes or draws."""

from __future__ import annotations

import numpy as np

from kullback._estimate import points_and_weights
from kullback._fit._fitters.nodes import told
from kullback._fit._found import Local
from kullback._fit._search import Found, carried_on, distinct, search, some
from kullback._fit._target import Target
from kullback._fit._task import Task
from kullback._fit._view import View
from kullback._fit.space import SpaceTarget, fit_draws
from kullback._objectives import Forward
from kullback._support import Array
from kullback.numerics import em


class Likelihood:
    """From P's moments; on many draws first on some of them."""

    name = "likelihood"
    direction = "forward"

    def applies(self, task: Task) -> str | None:
        if not task.searched.brings_nodes:
            return f"{task.family} is searched on nodes that stay"
        if task.problem.seen:
            return None
        return f"the likelihood needs nodes or draws of P, and P is a density of {task.problem.dim} dimensions"

    def defers(self, task: Task) -> str | None:
        return task.problem.costly

    def view(self, task: Task) -> View:
        return task.problem.view

    def search(self, task: Task) -> list[Local]:
        view = task.problem.view
        if isinstance(view, SpaceTarget):  # many columns of draws: no nodes
            return [by_draws(task, view)]
        return [told(task, task.searched.density(f.theta, view.frame), f, task.searched.limit(f.theta))
                for f in _on_nodes(task, view)]  # fmt: skip


def by_draws(task: Task, view: View) -> Local:
    """The member that is likeliest for draws of many columns."""
    assert isinstance(view, SpaceTarget)
    assert view.sample is not None
    q, status, gradient = fit_draws(*points_and_weights(view.sample), task.searched, view)
    return Local(task.onto(q), 0.0, gradient, status, "draws")


def _on_nodes(task: Task, target: Target) -> list[Found]:
    family, given = task.searched, task.begin()
    y, w = target.nodes
    centre, covariance = _rough_moments(y, w)
    starts = [] if given is None else [("given", given)]
    starts.append(("moments", family.from_moments(centre, covariance)))
    whole = Forward(family, y, w)
    if target.sample is None or len(y) <= em.LARGE:
        return distinct(search(whole, starts), y, family)
    few, few_w = some(y, w, em.LARGE, np.random.default_rng([target.seed, 3]))
    part = Forward(family, few, few_w)
    found = distinct(search(part, starts), few, family)
    return distinct([carried_on(part, whole, f) for f in found], y, family)


def _rough_moments(y: Array, w: Array) -> tuple[Array, Array]:
    """Mean and covariance of what lies within 5 scales, which heavy tails do not carry away."""
    inside = (np.abs(y) < 5).all(axis=1)
    y, w = y[inside], w[inside] / w[inside].sum()
    mean = w @ y
    return mean, ((y - mean) * w[:, None]).T @ (y - mean)
