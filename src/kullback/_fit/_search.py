"""Stationary points of an objective, from several starts, with the proof that they are minima."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kullback._objectives import Objective
from kullback._result import Status
from kullback._support import Array
from kullback.families import Family

GRADIENT = 1e-9  # in standard coordinates, where an error of the optimum is about as large as the gradient
REACH, FARTHEST = 0.5, 4.0  # of the first step, and of any
STEPS, SHORT, CARRIED = 100, 15, 12  # at most: of a search, of one that only tells where it leads, on all draws
ROUNDED = 1e-14  # of the value: a gain that it cannot show
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
        starts = _promising(objective, starts, enough)
    found: list[Found] = []
    for name, theta in starts:
        found.append(minimise(objective, theta, name, enough))
        if abs(found[-1].value) <= enough:
            break
    return sorted((f for f in found if np.isfinite(f.value)), key=lambda f: f.value)


def _promising(objective: Objective, starts: Sequence[tuple[str, Array]], enough: float) -> list[tuple[str, Array]]:
    """The starts that lead lowest within a short descent, from where it ended."""
    ended = [minimise(objective, theta, name, enough, SHORT) for name, theta in starts]
    kept: list[Found] = []
    for f in sorted((f for f in ended if np.isfinite(f.value)), key=lambda f: f.value):
        if all(abs(f.value - other.value) > 1e-7 * max(1.0, abs(other.value)) for other in kept):
            kept.append(f)
    return [(f.start, f.theta) for f in kept[:FINISHED]]


def minimise(objective: Objective, theta: Array, name: str = "", enough: float = -np.inf, most: int = STEPS) -> Found:
    """Newton's steps within a region of trust, whose curvature at the end tells a minimum from a saddle.

    Below the rounding of the value only the gradient can tell: steps go on as long as they shorten it.
    """
    value, gradient = objective(theta)
    if not np.isfinite(value):
        return Found(theta, np.inf, np.inf, Status.NOT_STATIONARY, name)
    bends, reach = objective.hessian(theta), REACH
    for _ in range(most):
        slope = float(np.abs(gradient).max())
        if abs(value) <= enough:  # as low as it can be: a family too rich has no single best member to look for
            return Found(theta, value, slope, Status.STATIONARY, name)
        if slope <= GRADIENT / 100:
            break
        step, promised = _within(bends, gradient, reach)
        trial = theta + step
        lower, further = objective(trial)
        if promised <= ROUNDED * max(1.0, abs(value)):
            if not (np.isfinite(lower) and np.abs(further).max() < slope):
                break
            gained = 1.0
        else:
            gained = (value - lower) / promised if np.isfinite(lower) else -1.0
            length = float(np.linalg.norm(step))
            if gained < 0.25:
                reach = 0.25 * length
            elif gained > 0.75 and length > 0.9 * reach:
                reach = min(2 * reach, FARTHEST)
        if gained > 1e-4:
            theta, value, gradient = trial, lower, further
            bends = objective.hessian(theta)
        elif reach < 1e-12:
            break
    slope = float(np.abs(gradient).max())
    least = float(np.linalg.eigvalsh(bends)[0])
    if slope <= GRADIENT * max(1.0, abs(value)) and least > -1e-7:
        status = Status.STATIONARY if least > 1e-10 else Status.BOUNDARY
    else:
        status = Status.NOT_STATIONARY
    return Found(theta, float(value), slope, status, name)


def _within(bends: Array, gradient: Array, reach: float) -> tuple[Array, float]:
    """The lowest point of the quadratic within reach, and the gain that it promises (Moré and Sorensen 1983)."""
    values, ways = np.linalg.eigh(bends)
    slope = ways.T @ gradient
    shift = 0.0
    least = float(values[0])
    if not least > 1e-14 * max(1.0, float(values[-1])) or np.linalg.norm(slope / values) > reach:
        low = max(0.0, -least)
        high = low + float(np.linalg.norm(slope)) / reach + 1e-300
        shift = high
        for _ in range(60):  # the length of the step falls with the shift
            length = float(np.linalg.norm(slope / (values + shift))) if values[0] + shift > 0 else np.inf
            if abs(length - reach) < 0.05 * reach or high - low < 1e-12 * high:
                break
            if length > reach:
                low = shift
            else:
                high = shift
            shift = 0.5 * (low + high)
    held = values + shift
    inner = np.where(held > 1e-300, -slope / np.where(held > 1e-300, held, 1.0), 0.0)
    if least < 0 and (left := reach**2 - float(inner @ inner)) > 0.2 * reach**2:  # the slope does not see the way down
        inner[0] += -np.sqrt(left) if slope[0] > 0 else np.sqrt(left)
    return ways @ inner, -float(slope @ inner + 0.5 * (values * inner) @ inner)


def some(y: Array, w: Array, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """n of the weighted points, in their order."""
    chosen = np.sort(rng.choice(len(y), n, replace=False))
    return y[chosen], w[chosen] / w[chosen].sum()


def carried_on(few: Objective, many: Objective, found: Found) -> Found:
    """An optimum on some draws carried to that on all: Newton's steps, the curvature that of the few.

    That is off by a few over the root of their number, by which each step shortens the gradient.
    """
    values, ways = np.linalg.eigh(few.hessian(found.theta))
    values = np.maximum(values, max(1e-6, 1e-9 * float(values[-1])))
    theta, (value, gradient) = found.theta, many(found.theta)
    for _ in range(CARRIED):
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
