"""Reverse in space: the mean over fixed draws, from each mode, as many draws as the optimum needs."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from kullback._fit._fitters._fitter import better_on_nodes, on_nodes
from kullback._fit._found import Local
from kullback._fit._task import Task
from kullback._fit.space import STOPPED, SpaceTarget
from kullback._fit.space._optimum import Interrupted, Optimum
from kullback._fit.space._reverse import minimise
from kullback._fit.space._starts import Start, given_start, mixture_starts, mode_starts
from kullback._result import InputError, Status

FOLLOWED = 2  # of a mixture's starts, how many are carried through


class Draws:
    """L-BFGS on draws that stay, in coordinates whitened by the curvature, and again by the fit itself."""

    name = "draws"
    direction = "reverse"

    def applies(self, task: Task) -> str | None:
        if task.lattice:
            return f"{task.family} has its mass on points"
        if not task.searched.transports:
            return f"no formula carries {task.family} from standard draws; take normal, student_t or mixture(K)"
        return on_nodes(task)

    def defers(self, task: Task) -> str | None:
        return better_on_nodes(task)

    def view(self, task: Task) -> SpaceTarget:
        return task.problem.space

    def search(self, task: Task) -> list[Local]:
        found, interrupted = _searched(task, task.problem.space)
        out = []
        for i, o in enumerate(found):
            status = Status.INTERRUPTED if interrupted and i == 0 else o.status
            out.append(Local(task.onto(o.density), o.value, o.gradient, status, o.start, _detail(o)))
        return out


def _starts(task: Task, target: SpaceTarget) -> list[Start]:
    """What the caller gave, and each mode with its curvature, all modes as one, or for mixtures what EM finds."""
    family, given = task.searched, task.given()
    found = [] if given is None else [given_start(given, family)]
    if found and task.start.only:
        return found
    if family.whitens:
        return found + mode_starts(target.peaks, family)
    return found + mixture_starts(target.peaks, target.own_cloud, family, target.seed)


def _searched(task: Task, target: SpaceTarget) -> tuple[list[Optimum], bool]:
    """The distinct optima, the best first, and whether the search was interrupted."""
    family = task.searched
    found: list[Optimum] = []
    failed: InputError | None = None
    interrupted = False
    try:
        several = _starts(task, target)
        if not family.whitens and len(several) > 1:
            several = _promising(target, family, several)
    except (KeyboardInterrupt, Interrupted):
        return [_summit(target, family)], True
    for name, base, theta in several:
        try:
            found.append(minimise(target.oracle, family, base, theta, name, target.seed, target.say))
        except InputError as error:
            failed = error
        except Interrupted as stop:
            interrupted = True
            if stop.best is not None:
                found.append(stop.best)
            break
    if interrupted:
        first = target.hurry()
        if not found and first is not None:
            found.append(_summit(target, family))
    if not found:
        if interrupted:
            raise KeyboardInterrupt(STOPPED)
        assert failed is not None
        raise failed
    return _distinct(found), interrupted


def _summit(target: SpaceTarget, family: Any) -> Optimum:
    """After Ctrl-C before any search: the member that has the first mode's place and curvature."""
    first = target.hurry()
    if first is None or not family.whitens:
        raise KeyboardInterrupt(STOPPED)
    name, base, theta = mode_starts(target.peaks, family)[0]
    density = family.transport().density(theta, base)
    return Optimum(theta, base, np.inf, np.inf, np.inf, 0, Status.INTERRUPTED, name, density)


def _promising(target: SpaceTarget, family: Any, several: list[Start]) -> list[Start]:
    """The starts that lead lowest on few draws, from where they ended there."""
    ended: list[Optimum] = []
    for name, base, theta in several:
        with contextlib.suppress(InputError):
            ended.append(minimise(target.oracle, family, base, theta, name, target.seed, target.say, np.inf))
    kept = _distinct(ended)[:FOLLOWED]
    return [(o.start, o.base, o.theta) for o in kept] or several[:1]


def _distinct(found: list[Optimum]) -> list[Optimum]:
    kept: list[Optimum] = []
    for o in sorted(found, key=lambda o: o.value):
        if not any(_same(o, other) for other in kept):
            kept.append(o)
    return kept


def _same(a: Optimum, b: Optimum) -> bool:
    """Whether two optima differ by less than what is known of them."""
    if abs(a.value - b.value) > 0.02 + 0.01 * abs(a.value - b.value):
        return False
    one, other = a.density.facts.moments, b.density.facts.moments
    if one is None or other is None:
        return True
    sd = np.sqrt(np.diag(np.atleast_2d(one[1])))
    apart = np.abs(np.atleast_1d(one[0]) - np.atleast_1d(other[0])) / sd
    wider = np.abs(0.5 * np.log(np.diag(np.atleast_2d(other[1]))) - np.log(sd))
    return bool(apart.max() < 0.1 and wider.max() < 0.1)


def _detail(o: Optimum) -> str:
    if o.status is Status.INTERRUPTED:
        if not o.draws:
            return "Q is the normal of the first mode's place and curvature; no search had begun."
        return f"Largest gradient {o.gradient:.1g} on {o.draws} draws."
    return f"Largest gradient {o.gradient:.1g} on {o.draws} draws; the optimum is known to {o.error:.1g} of Q's spread."
