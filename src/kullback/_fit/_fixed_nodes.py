"""Families that a library makes, which bring no nodes: one objective on nodes that stay, for every alpha."""

from __future__ import annotations

from functools import cached_property, partial
from typing import Any

import numpy as np

from kullback._distribution import Density, log_slope
from kullback._fit._found import Local
from kullback._fit._frame import density_moments
from kullback._fit._mass import Mass
from kullback._fit._own_nodes import refined
from kullback._fit._place import middle_and_width
from kullback._fit._search import Found, minimise
from kullback._fit._start import Start as Given
from kullback._fit._target import Target
from kullback._objectives import Delayed, Likelihood, Objective, OnNodes, Stepped
from kullback._result import Fit, InputError, KindError, Status
from kullback._support import Array, Interval, Support, reals
from kullback.families import Look, Members, Start
from kullback.methods.lattice import points
from kullback.numerics.grids import balanced, graded, panels, plane, trapezoid

LEVELS = 3
PLANE_ORDERS = (4, 6, 10, 16)
KEPT = 3  # starts that are followed to the end
MOST = 1 << 14  # integers that a search sums over; what lies beyond is measured afresh


class FixedNodes:
    """Members that stand where P lives, on nodes of P without ends."""

    first, last = 0, LEVELS - 1

    def __init__(self, target: Target, members: Members, start: Given) -> None:
        self.target, self.members, self.start = target, members, start
        self._nodes: dict[int, tuple[Array, Array, Array]] = {}
        self._steps: Start | None = None  # the start in whose steps a path goes

    def _at(self, y: Array, theta: Array) -> tuple[Array, Array]:
        """log q and its gradient at points of the frame, as a density there."""
        u = self.target.frame.outward(y)
        place = self.target.place
        log_q, score = self.members.log_prob(theta, u if place is None else place.outward(u))
        return log_q + log_slope(_support(self.target), u) + float(np.log(self.target.frame.scale).sum()), score

    def _objectives(self, alpha: float) -> list[Objective]:
        target = self.target
        if target.sample is not None and alpha == 1:
            y, w = target.nodes
            return [Likelihood(partial(self._at, y), w)] * (LEVELS + 1)
        return [Delayed(partial(self._on_level, level, alpha)) for level in range(LEVELS + 1)]

    def _on_level(self, level: int, alpha: float) -> Objective:
        if level not in self._nodes:
            y, dy = _nodes(self.target, level)
            self._nodes[level] = y, dy, self.target.log_prob(y)
        y, dy, log_p = self._nodes[level]
        return OnNodes(partial(self._at, y), dy, log_p, alpha)

    def _search(self, alpha: float) -> list[Found]:
        look = Look(*middle_and_width(self._x, self.target.nodes[1]))
        return searched(self._objectives(alpha), self.members, look, self.start, self.target.name)

    def found(self, alpha: float) -> list[Found]:
        """The distinct optima, the best first; their thetas go in the steps of `levels`."""
        found = self._search(alpha)
        if self._steps is None:
            theta = found[0].theta
            begin = self.members.begin(Look(*middle_and_width(self._x, self.target.nodes[1])))
            near = min(begin, key=lambda s: float(np.abs((s.theta - theta) / s.step).max()))
            self._steps = Start("", theta, near.step)
        centre, step = self._steps.theta, self._steps.step
        return [f._replace(theta=(f.theta - centre) / step) for f in found]

    def levels(self, alpha: float) -> list[Objective]:
        """The objective in steps of about one, on nodes that double from one to the next."""
        assert self._steps is not None
        centre, step = self._steps.theta, self._steps.step
        return [Stepped(objective, centre, step) for objective in self._objectives(alpha)]

    @cached_property
    def _x(self) -> Array:
        u = self.target.frame.outward(self.target.nodes[0])
        return u if self.target.place is None else np.asarray(self.target.place.outward(u))

    @cached_property
    def _places(self) -> Array:
        y = self.target.density_nodes[0]
        return y[:: max(1, len(y) // 400)]

    def _theta(self, t: Array) -> Array:
        assert self._steps is not None
        return np.asarray(self._steps.theta + self._steps.step * t)

    def heights(self, theta: Array) -> Array:
        """A member's density at places that tell it from others."""
        return np.asarray(np.exp(self._at(self._places, self._theta(theta))[0]))

    def q(self, theta: Array) -> Density:
        """The member where P lives."""
        return self.members.density(self._theta(theta))

    def limit(self, theta: Array) -> str:
        return ""


def _support(target: Target) -> Support:
    return reals(target.dim) if target.place is None else target.place.support


def _nodes(target: Target, level: int) -> tuple[Array, Array]:
    """Points in the frame that hold P and whatever member may come, and their weights."""
    frame = target.frame
    if target.dim == 1:
        steps = np.concatenate([np.arange(0.0, 8.0, 0.5), 8.0 * 2.0 ** np.arange(0, 40)])
        low, high = -np.inf, np.inf
        if _support(target) != reals(1):
            low, high = (float((end - frame.centre[0]) / frame.scale[0]) for end in (-690.0, 690.0))
        assert isinstance(target.density.support, Interval)
        ends = frame.inward(np.array([target.density.support.low, target.density.support.high]))[:, 0]
        edges = np.concatenate([-steps, steps, target.breaks, ends[np.isfinite(ends)], [low, high]])
        edges = np.unique(edges[np.isfinite(edges) & (edges >= low) & (edges <= high)])
        edges = balanced(edges[np.append(True, np.diff(edges) > 1e-9 * np.maximum(1.0, np.abs(edges[1:])))])
        if level:
            places = np.arange(len(edges))
            edges = np.interp(np.linspace(0, places[-1], places[-1] * 2**level + 1), places, edges)
        y, dy = panels(edges, 16)
        return y[:, None], dy
    moments = density_moments(target.density)
    centre, tril = np.zeros(2), np.eye(2)
    if moments is not None:
        centre = (moments[0] - frame.centre) / frame.scale
        tril = np.linalg.cholesky(moments[1] / np.outer(frame.scale, frame.scale))
    parts = [part for _, part in target.density.facts.components] or [target.density]
    normal = all(part.family == "multivariate_normal" for part in parts)
    z, dz = plane(trapezoid(32 * 2**level + 1) if normal else graded(PLANE_ORDERS[level], 64.0))
    return centre + z @ tril.T, dz * float(np.prod(np.diag(tril)))


def searched(objectives: list[Objective], members: Members, look: Look, start: Given, name: str) -> list[Found]:
    """From the best of many starts; each search goes in the steps that belong to its start."""
    given = _given(start.raw, members)
    several = given if given and start.only else members.begin(look)
    rough = [(objectives[0](s.theta)[0], i, s) for i, s in enumerate(several)]
    rough = sorted((r for r in rough if np.isfinite(r[0])), key=lambda r: r[:2])
    found: list[Found] = []
    for begin in _different([*given, *(s for _, _, s in rough)], KEPT + len(given)):
        levels: list[Objective] = [Stepped(objective, begin.theta, begin.step) for objective in objectives]
        local = refined(minimise(levels[0], np.zeros(members.size), begin.name), levels, 0, LEVELS - 1)
        if not np.isfinite(local.value):
            continue
        theta = begin.theta + begin.step * local.theta
        if all(abs(local.value - f.value) > 1e-6 * max(1.0, abs(f.value)) for f in found):
            found.append(local._replace(theta=theta))
    if not found:
        raise InputError(
            f"no member of {members.name} has a finite divergence from P = {name} where the search began; "
            "give a better start: start=…"
        )
    found.sort(key=lambda f: f.value)
    return [*found[:1], *(f for f in found[1:] if f.status is Status.STATIONARY)]


def _given(raw: Any, members: Members) -> list[Start]:
    """A start as an unconstrained vector, or a fit of this family."""
    if raw is None:
        return []
    held = getattr(raw.q.facts.source, "theta", None) if isinstance(raw, Fit) else raw
    try:
        theta = np.asarray(held, dtype=float)
    except (TypeError, ValueError):
        theta = np.zeros(0)
    if theta.shape != (members.size,):
        raise KindError(
            f"start must be a Fit of {members.name}, or its {members.size} unconstrained numbers, not {raw!r}"
        )
    return [Start("given", theta, np.ones(members.size))]


def _different(starts: list[Start], most: int) -> list[Start]:
    kept: list[Start] = []
    for s in starts:
        if all(np.abs((s.theta - k.theta) / k.step).max() > 0.3 for k in kept):
            kept.append(s)
        if len(kept) == most:
            break
    return kept


def on_integers(mass: Mass, members: Members, alpha: float, start: Given, support: Any) -> list[Local]:
    """By sums over the integers that P or a member may need."""
    p = mass.density
    own, _ = points(p, MOST)
    w = np.exp(p._log_prob(own))
    look = Look(*middle_and_width(own, w))
    reach = float(max(own[-1] + 64, 4 * own[-1]))
    low, high = min(support.low, own[0]), min(max(support.high, own[-1]), reach)

    def log_prob(k: Array, theta: Array) -> tuple[Array, Array]:
        inside = support.contains(k)
        log_q, score = np.full(len(k), -np.inf), np.zeros((len(k), members.size))
        log_q[inside], score[inside] = members.log_prob(theta, k[inside].astype(np.int64))
        return log_q, score

    objectives: list[Objective] = []
    for level in range(LEVELS + 1):
        k = np.arange(low, min(high * 2**level, max(support.high, own[-1]), MOST) + 1.0)
        objectives.append(OnNodes(partial(log_prob, k), np.ones(len(k)), p._log_prob(k), alpha))
    found = searched(objectives, members, look, start, mass.name)
    return [Local(members.density(f.theta), f.value, f.gradient, f.status, f.start) for f in found]
