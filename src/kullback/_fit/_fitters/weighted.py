"""Forward in space: draws that stand for P, weighted, and what is likeliest for them."""

from __future__ import annotations

import numpy as np

from kullback._fit._fitters._fitter import better_on_nodes, on_nodes
from kullback._fit._found import Local
from kullback._fit._task import Task
from kullback._fit.space import SpaceTarget, fit_draws
from kullback._fit.space._cloud import Cloud, larger
from kullback._fit.space._shrink import held_towards
from kullback._result import InputError, Status
from kullback._vocabulary import multivariate_normal

TARGET = 0.01  # of P's spread: the error of the mean and of log sd
VAGUE = 0.1  # of P's spread: with more the moments are not known
EACH, ENOUGH = 50, 8_000  # effective draws for each parameter of a mixture, and at most
KNOWN = 0.7  # k̂ of the second moments' terms above which they are not known
DOUBT = 0.2  # nats between two ways to log Z, above which parts of P may be missing from the draws


class Weighted:
    """Importance sampling around the modes, or tempered particles: moments, medians, EM or likelihood of them."""

    name = "weighted draws"
    direction = "forward"

    def applies(self, task: Task) -> str | None:
        if task.lattice:
            return f"{task.family} has its mass on points"
        if task.problem.draws:
            return "P is draws itself"
        if not (task.searched.transports or task.searched.exact):
            return f"no formula carries {task.family} from standard draws"
        return on_nodes(task)

    def defers(self, task: Task) -> str | None:
        return better_on_nodes(task)

    def view(self, task: Task) -> SpaceTarget:
        return task.problem.space

    def search(self, task: Task) -> list[Local]:
        target, family = task.problem.space, task.searched
        normal = family.exact == "moments"
        if normal and target.power <= 2:
            raise InputError(
                f"P = {target.name} has no finite variance (its tails have power {target.power:.3g}), so KL(P‖Q) is "
                "infinite for every normal Q. Fit student_t, or use direction='reverse'."
            )
        cloud = _enough(target, 0 if family.whitens else min(EACH * family.size(target.dim), ENOUGH))
        mean, covariance, error = cloud.moments()
        share = 0.0
        if normal:
            mean, covariance, share = held_towards(cloud, target.guide, mean, covariance, family)
            q = multivariate_normal(mean, covariance if family.full else np.diag(np.diag(covariance)))
            known = error <= VAGUE and cloud.moment_k <= KNOWN and cloud.doubt <= DOUBT
            status, gradient = Status.CONVERGED if known else Status.TOLERANCE_MISSED, 0.0
        else:
            q, status, gradient = fit_draws(cloud.x, cloud.weights, family, target)
        x = cloud.x[:, 0] if target.dim == 1 else cloud.x
        value = float(-cloud.weights @ q._log_prob(x))
        start = "moments"
        if share:
            start += f", {share:.0%} of the reverse fit's among them, as held-out draws want"
        return [Local(task.onto(q), value, gradient, status, start, _detail(status, error, len(cloud.x)))]


def _enough(target: SpaceTarget, least: int) -> Cloud:
    """Draws until mean and spread are known to TARGET and at least so many count, or their number ends."""
    cloud = target.own_cloud
    while cloud.moments()[2] > TARGET or cloud.effective < least:
        more = larger(target.oracle, cloud, [target.seed, 0])
        if more is None:
            break
        cloud = more
        target.say(f"forward: {len(cloud.x)} draws, the moments are known to {cloud.moments()[2]:.2g} of P's spread")
    return cloud


def _detail(status: Status, error: float, draws: int) -> str:
    if status is Status.TOLERANCE_MISSED:
        return (
            f"The moments of P are not known: {draws} weighted draws leave {error:.1g} of its spread, and their "
            "largest terms say that far more would be needed. Fit a family with heavier tails, or reverse."
        )
    return f"The moments of P are known to {error:.1g} of its spread, from {draws} weighted draws."
