"""Stationary points of an objective, from several starts, with the proof that they are minima."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from kullback._objectives import Objective
from kullback._result import Status
from kullback._support import Array
from kullback.families import Family
from kullback.numerics.lazy import optimize

GRADIENT = 1e-9  # in standard coordinates, where an error of the optimum is about as large as the gradient

STEPS = 12  # on all draws
NEAR = 1e-5  # in standard coordinates: a tenth of the differences' own step
MANY, FINISHED = 6, 5  # with more parameters than MANY, only the best FINISHED of the starts are carried through


class Found(NamedTuple):
    """A point with its value, the largest entry of its gradient, and how the search ended."""

    theta: Array
    value: float
    gradient: float
    status: Status
    start: str


def search(objective: Objective, starts: Sequence[tuple[str, Array]], enough: float = -np.inf) -> list[Found]:
    """A local minimum from each start, the best first; a value of `enough` ends the search, as none is better."""
    if len(starts) > FINISHED and len(starts[0][1]) > MANY:
        starts = _promising(objective, starts)
    found: list[Found] = []
    for name, theta in starts:
        found.append(minimise(objective, theta, name, enough))
        if abs(found[-1].value) <= enough:
            break
    return sorted((f for f in found if np.isfinite(f.value)), key=lambda f: f.value)


def _promising(objective: Objective, starts: Sequence[tuple[str, Array]]) -> list[tuple[str, Array]]:
    """The starts that lead lowest within a short descent, from where it ended."""
    ended = []
    for name, theta in starts:
        if not np.isfinite(objective(theta)[0]):
            continue
        short = optimize.minimize(objective, theta, jac=True, method="BFGS", options={"gtol": 1e-5, "maxiter": 50})
        ended.append((float(short.fun), name, np.asarray(short.x)))
    kept: list[tuple[float, str, Array]] = []
    for value, name, theta in sorted(ended, key=lambda e: e[0]):
        if all(abs(value - other) > 1e-7 * max(1.0, abs(other)) for other, _, _ in kept):
            kept.append((value, name, theta))
    return [(name, theta) for _, name, theta in kept[:FINISHED]]


def minimise(objective: Objective, theta: Array, name: str = "", enough: float = -np.inf) -> Found:
    """BFGS into the valley, then a trust region on the Hessian, whose curvature tells a minimum from a saddle."""
    value, _ = objective(theta)
    if not np.isfinite(value):
        return Found(theta, np.inf, np.inf, Status.NOT_STATIONARY, name)
    rough = optimize.minimize(objective, theta, jac=True, method="BFGS", options={"gtol": 1e-6, "maxiter": 400})
    best = np.asarray(rough.x)
    if abs(rough.fun) <= enough:  # as low as it can be: a family too rich has no single best member to look for
        return Found(best, float(rough.fun), float(np.abs(rough.jac).max()), Status.STATIONARY, name)
    memory: dict[bytes, tuple[float, Array]] = {}
    curvatures: dict[bytes, Array] = {}

    def remembered(t: Array) -> tuple[float, Array]:
        key = t.tobytes()
        if key not in memory:
            memory[key] = objective(t)
        return memory[key]

    def curved(t: Array) -> Array:
        key = t.tobytes()
        if key not in curvatures:
            curvatures[key] = hessian(objective, t)
        return curvatures[key]

    fine = optimize.minimize(
        lambda t: remembered(t)[0],
        best,
        jac=lambda t: remembered(t)[1],
        hess=curved,
        method="trust-exact",
        options={"gtol": GRADIENT / 10, "maxiter": 30 if len(theta) <= MANY else 8, "initial_trust_radius": 0.1},
    )
    if fine.fun <= rough.fun + 1e-12 * abs(rough.fun):
        best = np.asarray(fine.x)
    best, bends = _polished(remembered, curved, best)
    value, gradient = remembered(best)
    slope = float(np.abs(gradient).max())
    curvature = float(np.linalg.eigvalsh(bends)[0])
    if slope <= GRADIENT * max(1.0, abs(value)) and curvature > -1e-7:
        status = Status.STATIONARY if curvature > 1e-10 else Status.BOUNDARY
    else:
        status = Status.NOT_STATIONARY
    return Found(best, float(value), slope, status, name)


def _polished(objective: Objective, curved: Callable[[Array], Array], theta: Array) -> tuple[Array, Array]:
    """Newton steps as long as they shorten the gradient: below the rounding of the value, only it can tell.

    With the curvature of the last place but one, from which the step was too short to change it.
    """
    gradient = objective(theta)[1]
    curvature = curved(theta)
    for _ in range(4):
        slope = np.abs(gradient).max()
        if slope <= GRADIENT / 100 or np.linalg.eigvalsh(curvature)[0] <= 1e-8:
            break
        step = np.linalg.solve(curvature, gradient)
        further = objective(theta - step)[1]
        if not np.abs(further).max() < slope:
            break
        theta, gradient = theta - step, further
        if np.abs(step).max() > NEAR:
            curvature = curved(theta)
    return theta, curvature


def carried_on(few: Objective, many: Objective, found: Found) -> Found:
    """An optimum on some draws carried to that on all: Newton's steps, the curvature that of the few.

    That is off by a few over the root of their number, by which each step shortens the gradient.
    """
    values, ways = np.linalg.eigh(hessian(few, found.theta))
    values = np.maximum(values, max(1e-6, 1e-9 * float(values[-1])))
    theta, (value, gradient) = found.theta, many(found.theta)
    for _ in range(STEPS):
        if np.abs(gradient).max() <= GRADIENT:
            break
        trial = theta - ways @ ((ways.T @ gradient) / values)
        lower, slope = many(trial)
        if not (lower <= value + 1e-12 * abs(value) and np.abs(slope).max() < np.abs(gradient).max()):
            break
        theta, value, gradient = trial, lower, slope
    left = float(np.abs(gradient).max())
    status = found.status if left <= 1e-6 else Status.NOT_STATIONARY
    return Found(theta, float(value), left, status, found.start)


def hessian(objective: Objective, theta: Array) -> Array:
    """Central differences of the gradient; its error is the step squared."""
    step = 1e-4
    n = len(theta)
    rows = np.empty((n, n))
    for i in range(n):
        move = np.zeros(n)
        move[i] = step
        rows[i] = (objective(theta + move)[1] - objective(theta - move)[1]) / (2 * step)
    if not np.isfinite(rows).all():
        return np.eye(n)
    return 0.5 * (rows + rows.T)


def distinct(found: list[Found], y: Array, family: Family) -> list[Found]:
    """One of each optimum: those whose densities differ by less than a thousandth of theirs at the nodes y are one."""
    y = y[:: max(1, len(y) // 400)]
    kept: list[tuple[Found, Array]] = []
    for f in sorted(found, key=lambda f: f.value):
        q = np.exp(family.log_prob(f.theta, y)[0])
        if any(abs(f.value - g.value) < 1e-5 and np.abs(q - r).max() < 1e-3 * max(r.max(), 1e-300) for g, r in kept):
            continue
        if f.status is Status.NOT_STATIONARY and kept and f.value > kept[0][0].value + 1e-9 and f.gradient > 1e-5:
            continue
        kept.append((f, q))
    return [f for f, _ in kept]
