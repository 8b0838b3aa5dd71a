"""Families of NumPyro and your own: one deterministic objective on nodes that stay, for every direction."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from kullback._distribution import Density, Discrete, Measured, Sample, log_slope
from kullback._fit._chart import Chart, chart, common, middle_and_width, told
from kullback._fit._lattice import mass_of
from kullback._fit._lattice import told as told_on_lattice
from kullback._fit._reverse import refined
from kullback._fit._search import Found, minimise
from kullback._fit._target import density_moments, is_counting
from kullback._measure import prepared
from kullback._objectives import Objective, between_on_nodes, forward
from kullback._result import Fit, InputError, KindError, Status
from kullback._support import Array, Interval, Lattice, Support, reals
from kullback.families import Custom, Look, Members, NumPyro, Start
from kullback.methods.lattice import points
from kullback.numerics.grids import balanced, graded, panels, plane, trapezoid

LEVELS = 3
PLANE_ORDERS = (4, 6, 10, 16)
KEPT = 3  # starts that are followed to the end
MOST = 1 << 14  # integers that a search sums over; what lies beyond is measured afresh


def fit_custom(p: Any, family: Custom | NumPyro, direction: str | float, start: Any, seed: int) -> Fit:
    """The fit of a family whose members NumPyro makes."""
    target = prepared(p, "p")
    dim = _dim(target)
    members = family.members(dim)
    look = Look(np.zeros(dim), np.ones(dim), np.zeros(dim))
    first = members.begin(look)[0]
    support = _steady_support(members, first, dim, target)
    alpha = {"forward": 1.0, "reverse": 0.0}.get(direction, direction) if isinstance(direction, str) else direction
    assert isinstance(alpha, float)
    given = _given(start, members)
    if isinstance(support, Lattice):
        return _on_integers(target, support, members, direction, alpha, given)
    if is_counting(target):
        raise InputError(
            f"P = {target} has its mass on points, {members.name} is a density: KL is infinite both ways. "
            "Choose a family on the integers, or pass draws as kl.Sample(x)."
        )
    own = support if isinstance(target, Sample) else target.support
    seen = chart(target, common(own, support, direction, str(target), members.name), seed)
    objectives = _objectives(seen, members, alpha)
    x, w = _look_at(seen)
    found = _search(objectives, members, Look(*middle_and_width(x, w)), given)
    if not found:
        raise InputError(
            f"no member of {members.name} has a finite divergence from P = {target} where the search began; "
            "give a better start: start=…"
        )
    return told(seen, members.name, direction, found, [members.density(f.theta) for f in found], seed)


def _dim(p: Measured) -> int:
    if isinstance(p, Discrete):
        return 1
    return p.support.dim if isinstance(p, Density) else p.dim


def _steady_support(members: Members, first: Start, dim: int, target: Measured) -> Support:
    """The support of the members, which must not move with their parameters."""
    supports = [members.density(first.theta + move).support for move in (0.0, 0.1)]
    if supports[0] != supports[1]:
        raise InputError(
            f"the support of {members.name} moves with its parameters, from {supports[0]} to {supports[1]}; a fit by "
            "gradients needs it fixed: hold those parameters, in brackets or with kl.families.Custom"
        )
    if supports[0].dim != dim:
        raise InputError(f"P = {target} has {dim} dimensions and {members.name} has {supports[0].dim}")
    return supports[0]


def _given(start: Any, members: Members) -> list[Start]:
    """A start as an unconstrained vector, or a fit of this family."""
    if start is None:
        return []
    held = getattr(start.q.facts.source, "theta", None) if isinstance(start, Fit) else start
    try:
        theta = np.asarray(held, dtype=float)
    except (TypeError, ValueError):
        theta = np.zeros(0)
    if theta.shape != (members.size,):
        raise KindError(
            f"start must be a Fit of {members.name}, or its {members.size} unconstrained numbers, not {start!r}"
        )
    return [Start("given", theta, np.ones(members.size))]


def _look_at(seen: Chart) -> tuple[Array, Array]:
    y, w = seen.target.nodes
    return seen.outward(seen.target.frame.outward(y)), w


def _objectives(seen: Chart, members: Members, alpha: float) -> list[Objective]:
    target, frame = seen.target, seen.target.frame

    def log_prob(y: Array, theta: Array) -> tuple[Array, Array]:
        u = frame.outward(y)
        log_q, score = members.log_prob(theta, seen.outward(u))
        return log_q + log_slope(seen.support, u) + float(np.log(frame.scale).sum()), score

    if target.sample is not None and alpha == 1:
        y, w = target.nodes
        return [forward(_Held(partial(log_prob, y)), y, w)] * (LEVELS + 1)  # type: ignore[arg-type]
    made: dict[int, Objective] = {}

    def at(level: int, theta: Array) -> tuple[float, Array]:
        if level not in made:
            y, dy = _nodes(seen, level)
            made[level] = between_on_nodes(partial(log_prob, y), dy, target.log_prob(y), alpha)
        return made[level](theta)

    return [partial(at, level) for level in range(LEVELS + 1)]


class _Held:
    """A log density that knows its points."""

    def __init__(self, log_prob: Callable[[Array], tuple[Array, Array]]) -> None:
        self._log_prob = log_prob

    def log_prob(self, theta: Array, y: Array) -> tuple[Array, Array]:
        return self._log_prob(theta)


def _nodes(seen: Chart, level: int) -> tuple[Array, Array]:
    """Points in the frame that hold P and whatever member may come, and their weights."""
    target, frame = seen.target, seen.target.frame
    if target.dim == 1:
        steps = np.concatenate([np.arange(0.0, 8.0, 0.5), 8.0 * 2.0 ** np.arange(0, 40)])
        low, high = -np.inf, np.inf
        if seen.support != reals(1):
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


def _search(objectives: list[Objective], members: Members, look: Look, given: list[Start]) -> list[Found]:
    """From the best of many starts; each search goes in the steps that belong to its start."""
    rough = [(objectives[0](s.theta)[0], i, s) for i, s in enumerate(members.begin(look))]
    rough = sorted((r for r in rough if np.isfinite(r[0])), key=lambda r: r[:2])
    starts = [*given, *_different([s for _, _, s in rough])]
    found: list[Found] = []
    for start in starts:
        levels = [_stepped(objective, start) for objective in objectives]
        local = refined(minimise(levels[0], np.zeros(members.size), start.name), levels, 0, LEVELS - 1)
        if not np.isfinite(local.value):
            continue
        theta = start.theta + start.step * local.theta
        if all(abs(local.value - f.value) > 1e-6 * max(1.0, abs(f.value)) for f in found):
            found.append(local._replace(theta=theta))
    found.sort(key=lambda f: f.value)
    kept = [f for f in found[1:] if f.status is Status.STATIONARY]
    return [*found[:1], *kept]


def _different(starts: list[Start]) -> list[Start]:
    kept: list[Start] = []
    for s in starts:
        if all(np.abs((s.theta - k.theta) / k.step).max() > 0.3 for k in kept):
            kept.append(s)
        if len(kept) == KEPT:
            break
    return kept


def _stepped(objective: Objective, start: Start) -> Objective:
    def value_and_gradient(t: Array) -> tuple[float, Array]:
        value, gradient = objective(start.theta + start.step * t)
        return value, gradient * start.step

    return value_and_gradient


def _on_integers(
    p: Measured, support: Lattice, members: Members, direction: str | float, alpha: float, given: list[Start]
) -> Fit:
    """By sums over the integers that P or a member may need."""
    if not isinstance(p, Sample) and not is_counting(p):
        raise InputError(
            f"P = {p} is a density and {members.name} a mass on the integers: no such Q has a finite divergence. "
            "Choose a family of densities."
        )
    mass, notes = mass_of(p)
    assert isinstance(mass.support, Lattice)
    common(mass.support, support, direction, str(p), members.name)
    own, _ = points(mass, MOST)
    w = np.exp(mass._log_prob(own))
    look = Look(*middle_and_width(own, w))
    reach = float(max(own[-1] + 64, 4 * own[-1]))
    low, high = min(support.low, own[0]), min(max(support.high, own[-1]), reach)

    def log_prob(k: Array, theta: Array) -> tuple[Array, Array]:
        inside = support.contains(k)
        log_q, score = np.full(len(k), -np.inf), np.zeros((len(k), members.size))
        log_q[inside], score[inside] = members.log_prob(theta, k[inside].astype(np.int64))
        return log_q, score

    objectives = []
    for level in range(LEVELS + 1):
        k = np.arange(low, min(high * 2**level, max(support.high, own[-1]), MOST) + 1.0)
        objectives.append(between_on_nodes(partial(log_prob, k), np.ones(len(k)), mass._log_prob(k), alpha))
    found = _search(objectives, members, look, given)
    if not found:
        raise InputError(f"KL is infinite at every start for {members.name} and P = {p}")
    return told_on_lattice(
        mass, members.name, direction, found, [members.density(f.theta) for f in found], str(p), notes
    )
