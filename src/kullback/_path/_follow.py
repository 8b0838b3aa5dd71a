"""A local optimum followed as alpha moves: how far it goes, and where it folds or joins another."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from kullback._fit import NodeSearch
from kullback._fit._own_nodes import refined
from kullback._fit._search import GRADIENT, Found, minimise
from kullback._objectives import Objective
from kullback._result import Status
from kullback._support import Array

APART = 0.25  # of a density's height: two members that differ by more are not one step of a branch
SAME = 1e-3  # of its height: two members that differ by less are one
ENOUGH = 1e-9  # nats that a doubling of the nodes may change
MEETING = 1e-4  # of alpha: branches that meet part like a root, too slowly to tell the place more closely


class Place(NamedTuple):
    """A local optimum at one alpha."""

    alpha: float
    found: Found


@dataclass(eq=False)
class Trace:
    """A branch: its places by alpha, and how it ends below and above: "" at an end of the path."""

    places: list[Place]
    below: str = ""
    above: str = ""
    landed: list[Place] = field(default_factory=list)  # where the search fell to when the branch ended

    @property
    def low(self) -> float:
        return self.places[0].alpha

    @property
    def high(self) -> float:
        return self.places[-1].alpha

    def near(self, alpha: float) -> Place:
        return min(self.places, key=lambda place: abs(place.alpha - alpha))


class Follower:
    """Optima of one target and family at any alpha from 0 to 1; `ends` is how closely the ends of branches are told."""

    def __init__(self, nodes: NodeSearch, ends: float) -> None:
        self.nodes, self.ends = nodes, ends
        self._objectives: dict[float, list[Objective]] = {}

    def at(self, alpha: float, begin: Found) -> Found:
        """The local optimum that a search from another one leads to."""
        levels = self._levels(alpha)
        level = self._enough(levels, begin.theta)
        found = _newton(levels[level], begin) or minimise(levels[level], begin.theta, begin.start)
        return refined(found, levels, level, self.nodes.last)

    def _enough(self, levels: list[Objective], theta: Array) -> int:
        """The coarsest nodes that are fine enough where a search begins: on coarser ones it would leave its branch."""
        level, last = self.nodes.first, self.nodes.last
        value = levels[level](theta)[0]
        while level < last:
            finer = levels[level + 1](theta)[0]
            if abs(finer - value) < ENOUGH:
                break
            level, value = level + 1, finer
        return level

    def _levels(self, alpha: float) -> list[Objective]:
        if alpha not in self._objectives:
            if len(self._objectives) > 8:
                self._objectives.clear()
            self._objectives[alpha] = self.nodes.levels(alpha)
        return self._objectives[alpha]

    def apart(self, a: Found, b: Found) -> float:
        """The greatest difference of two members' densities, over the height of the taller."""
        q, r = self.nodes.heights(a.theta), self.nodes.heights(b.theta)
        return float(np.abs(q - r).max() / max(q.max(), r.max(), 1e-300))

    def follow(self, begin: Place, alphas: Array, stop: Callable[[Place], str]) -> tuple[list[Place], str, list[Place]]:
        """The places along these alphas, why they end before the last, and where the search fell to then."""
        places: list[Place] = []
        last = begin
        for alpha in alphas:
            before = last
            last, reached, landed = self._step(last, float(alpha), self.ends)
            if reached:
                why = stop(last)
                if why:
                    return [*places, self._meeting(before, last, stop)], why, []
            if last is not begin and (reached or not places or places[-1].alpha != last.alpha):
                places.append(last)
            if not reached:
                return places, "it folds", landed
        return places, "", []

    def _meeting(self, before: Place, last: Place, stop: Callable[[Place], str]) -> Place:
        """The first place that lies on another branch too."""
        while abs(last.alpha - before.alpha) > max(MEETING, self.ends):
            middle = 0.5 * (last.alpha + before.alpha)
            place = Place(middle, self.at(middle, before.found))
            if stop(place):
                last = place
            else:
                before = place
        return last

    def further(self, place: Place, alpha: float, narrow: float) -> list[Place]:
        """The last place before the end of a branch on the way to that alpha, told more closely."""
        last, _, _ = self._step(place, alpha, narrow)
        return [last] if last.alpha != place.alpha else []

    def _step(self, last: Place, alpha: float, narrow: float) -> tuple[Place, bool, list[Place]]:
        """From one place to that alpha in steps small enough to stay on the branch; or as far as it goes."""
        landed: list[Place] = []
        goal = alpha
        while last.alpha != alpha:
            found = self.at(goal, last.found)
            if self._goes_on(goal, found, last):
                last, goal = Place(goal, found), alpha
                if not landed:
                    continue
                lost = landed[-1].alpha
                if abs(lost - last.alpha) < narrow:  # either the branch ends, or only a longer step had lost it
                    beyond = lost + math.copysign(min(narrow, abs(alpha - lost)), alpha - last.alpha)
                    found = self.at(beyond, last.found)
                    if not self._goes_on(beyond, found, last):
                        return last, False, landed[:1]
                    last, landed = Place(beyond, found), []
                elif abs(lost - last.alpha) < abs(alpha - last.alpha):
                    goal = 0.5 * (last.alpha + lost)  # beyond it the branch has been lost already
                continue
            landed.append(Place(goal, found))
            if abs(goal - last.alpha) < narrow:
                return last, False, landed[:1]
            goal = 0.5 * (goal + last.alpha)
        return last, True, []

    def _goes_on(self, alpha: float, found: Found, last: Place) -> bool:
        """Whether what a search found at that alpha is one step of a branch away from its last place."""
        return self.apart(found, last.found) < APART and self._minimum(alpha, found)

    def _minimum(self, alpha: float, found: Found) -> bool:
        """Whether it is a minimum, as far as differences can tell, and not a saddle that symmetry holds."""
        if found.status is not Status.NOT_STATIONARY:
            return bool(np.isfinite(found.value))
        levels = self._levels(alpha)
        objective = levels[self._enough(levels, found.theta)]
        if not np.isfinite(objective(found.theta)[0]):
            return False
        return found.gradient < 1e-4 and float(np.linalg.eigvalsh(objective.hessian(found.theta))[0]) > -1e-4


def _newton(objective: Objective, begin: Found) -> Found | None:
    """Newton's steps with the curvature of the start, where they lead straight to a minimum near by; else nothing."""
    theta = begin.theta
    value, gradient = objective(theta)
    if not np.isfinite(value):
        return None
    curvature = objective.hessian(theta)
    spread = np.linalg.eigvalsh(curvature)
    if not spread[0] > 1e-3 * spread[-1]:
        return None  # near a fold the curvature changes too much
    slope = float(np.abs(gradient).max())
    for _ in range(12):
        if slope <= GRADIENT:
            return Found(theta, value, slope, Status.STATIONARY, begin.start)
        step = np.linalg.solve(curvature, gradient)
        if np.abs(step).max() > 0.3:
            return None
        theta = theta - step
        value, gradient = objective(theta)
        before, slope = slope, float(np.abs(gradient).max())
        if not slope < 0.5 * before:
            return None
    return None
