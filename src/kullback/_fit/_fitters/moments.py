"""Forward, where the best member has P's own moments: a normal, and the one-parameter families on the integers."""

from __future__ import annotations

import numpy as np

from kullback._distribution import Density
from kullback._estimate import points_and_weights
from kullback._fit._fitters.nodes import told
from kullback._fit._found import Local
from kullback._fit._mass import Mass
from kullback._fit._search import Found
from kullback._fit._target import Target
from kullback._fit._task import Task
from kullback._fit._view import View
from kullback._fit.space import SpaceTarget
from kullback._objectives import Forward
from kullback._result import InputError, Status
from kullback._support import Array
from kullback._vocabulary import multivariate_normal
from kullback.methods.lattice import points


class Moments:
    """Exact where P states its moments, or they are those of draws, of sums, or of integrals on the line."""

    name = "moments"
    direction = "forward"

    def applies(self, task: Task) -> str | None:
        if task.searched.exact != "moments":
            return f"the best {task.family} forward has other things in common with P than mean and covariance"
        problem = task.problem
        if task.lattice or problem.seen or _stated(problem.p) is not None:
            return None
        return f"P does not state its moments, and has {problem.dim} dimensions"

    def defers(self, task: Task) -> str | None:
        problem = task.problem
        return None if task.lattice or _stated(problem.p) is not None else problem.costly

    def view(self, task: Task) -> View:
        return task.problem.mass if task.lattice else task.problem.view

    def search(self, task: Task) -> list[Local]:
        view = self.view(task)
        if isinstance(view, Mass):  # each view of P knows its moments in its own way
            return [_on_integers(task, view)]
        if isinstance(view, Target):
            return [_on_nodes(task, view)]
        assert isinstance(view, SpaceTarget)
        return [_in_space(task, view)]


def _stated(p: object) -> tuple[Array, Array] | None:
    moments = p.facts.moments if isinstance(p, Density) else None
    return moments if moments is not None and np.isfinite(moments[1]).all() else None


def _on_integers(task: Task, mass: Mass) -> Local:
    k, _ = points(mass.density, 1 << 24)
    w = np.exp(mass.density._log_prob(k))
    mean = float(w @ k / w.sum())
    if not mean > 0:
        raise InputError(f"P has mean {mean:g}; {task.family} needs a positive one")
    return Local(task.searched.member(mean), 0.0, 0.0, Status.EXACT, "mean")


def _on_nodes(task: Task, target: Target) -> Local:
    """Q's mean and covariance are P's (or its diagonal)."""
    moments = target.moments
    if moments is None:
        raise InputError(
            f"P = {target.name} has no finite mean and variance, so KL(P‖Q) is infinite for every {task.family} Q. "
            "Fit student_t, or use direction='reverse'."
        )
    mean, covariance = moments
    frame, family = target.frame, task.searched
    inner = covariance / np.outer(frame.scale, frame.scale)
    theta = family.from_moments((mean - frame.centre) / frame.scale, inner)
    value, _ = Forward(family, *target.nodes)(theta)
    exact = target.sample is not None or target.density.facts.moments is not None or target.dim == 1
    found = Found(theta, value, 0.0, Status.EXACT if exact else Status.CONVERGED, "moments")
    return told(task, family.density(theta, frame), found)


def _in_space(task: Task, target: SpaceTarget) -> Local:
    if target.sample is None:
        stated = _stated(target.density)
        assert stated is not None
        mean, covariance = np.atleast_1d(stated[0]), np.atleast_2d(stated[1])
    else:
        x, w = points_and_weights(target.sample)
        mean = w @ x
        mean, covariance = target.stated or (mean, ((x - mean) * w[:, None]).T @ (x - mean))
    q = multivariate_normal(mean, covariance if task.searched.full else np.diag(np.diag(covariance)))
    return Local(task.onto(q), 0.0, 0.0, Status.EXACT, "moments")
