"""min KL(Q‖P) in any dimension: the mean over fixed draws, as many as the optimum needs.

The draws are blocks of scrambled Sobol points, antithetic and whitened. What the blocks' own gradients differ by at
the optimum, through the curvature that the search has seen, is the error of the optimum; the draws double, afresh,
until that is below TARGET of Q's spread. Coordinates are whitened again from each optimum.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kullback._fit.space._by_values import minimise_by_values, serves
from kullback._fit.space._objective import HUGE, Objective
from kullback._fit.space._optimum import Interrupted, Optimum
from kullback._fit.space._oracle import Oracle
from kullback._fit.space._rules import first_rule
from kullback._result import InputError, Status
from kullback._support import Array
from kullback.families import Base, Family
from kullback.families._base import unpack
from kullback.numerics.lazy import optimize

TARGET = 0.004  # of Q's spread: the standard error of each coordinate's mean, and of the logarithm of its sd
FLAT = 1e-8  # of the objective: less from a step ends the search for a mixture, whose parameters may be all but free
PROMISED = 1e-6  # nats that the curvature seen still promises a mixture that counts as stationary
GRADIENT = 5e-6  # in whitened coordinates, where the optimum is off by about as much


def minimise(
    oracle: Oracle,
    family: Family,
    base: Base,
    theta: Array,
    name: str,
    seed: int,
    say: Callable[[str], None],
    target: float = TARGET,
) -> Optimum:
    """The optimum from one start, on draws that double until it is known to `target` of Q's spread."""
    if serves(oracle, family, len(base.centre)):
        found = minimise_by_values(oracle, family, base, name, seed, say, target)
        if found is not None:
            return found
    best = _Best()
    try:
        return _minimised(oracle, family, base, theta, name, seed, say, target, best)
    except KeyboardInterrupt:
        raise Interrupted(best.optimum(family, name)) from None


class _Best:
    """The lowest point that the running search has seen."""

    def __init__(self) -> None:
        self.value, self.gradient = HUGE, np.inf
        self.theta: Array | None = None
        self.base: Base | None = None
        self.draws = 0

    def watch(self, f: Objective, base: Base, draws: int) -> Objective:
        fresh = True

        def watched(theta: Array) -> tuple[float, Array]:
            nonlocal fresh
            value, slope = f(theta)
            if value < HUGE and (fresh or value < self.value):
                fresh = False
                self.value, self.gradient, self.theta = value, float(np.abs(slope).max()), theta.copy()
                self.base, self.draws = base, draws
            return value, slope

        return watched

    def optimum(self, family: Family, name: str) -> Optimum | None:
        if self.theta is None or self.base is None:
            return None
        density = family.transport().density(self.theta, self.base)
        return Optimum(
            self.theta, self.base, self.value, self.gradient, np.inf, self.draws, Status.INTERRUPTED, name, density
        )


def _minimised(
    oracle: Oracle, family: Family, base: Base, theta: Array, name: str, seed: int, say: Callable[[str], None],
    target: float, best: _Best,
) -> Optimum:  # fmt: skip
    dim = len(base.centre)
    begun = base
    rule = first_rule(family, dim, seed, oracle.cost if oracle.dear else 0.0)
    inverse: Any = Whitened(dim) if oracle.dear and family.exact == "moments" else None
    least = max(GRADIENT, oracle.noise)
    wanted = least if inverse is None else target / 10
    flat = 1e-15 if family.whitens else FLAT
    while True:
        for again in range(4):  # whitened again, until the search ends about where it began
            inverse = None if again else inverse  # what was seen in other coordinates
            f = best.watch(rule.whole(oracle, family, base), base, rule.size)
            theta, value, gradient, inverse = _search(f, theta, wanted, inverse, flat)
            if value >= HUGE:
                raise InputError(_infinite(oracle, family, name))
            if not family.whitens:
                break
            moved = float(np.abs(theta - family.unit(dim))[: 2 * dim].max())
            base, theta = rebased(family, base, theta)
            if np.abs(np.log(np.diag(base.base) / np.diag(begun.base))).max() > 100:
                raise InputError(_unbounded())
            if moved < 0.3:
                break
        error = _size(base, family, *rule.shifts(oracle, family, base, theta, inverse))
        say(f"reverse: {rule.size} draws, the optimum is known to {error:.2g} of Q's spread")
        finer = rule.finer(error, target)
        if finer is None:
            break
        rule = finer
        wanted = float(np.clip(error / 100, least, max(least, 20 * GRADIENT)))  # far below what the draws can tell
    steady = gradient <= wanted * max(1.0, 1e-3 * abs(value))
    if not (family.whitens or steady or inverse is None):
        slope = f(theta)[1]
        steady = 0.0 <= 0.5 * float(slope @ inverse.matvec(slope)) <= PROMISED
    status = Status.STATIONARY if steady else Status.NOT_STATIONARY
    return Optimum(
        theta, base, value, gradient, error, rule.size, status, name, family.transport().density(theta, base)
    )


class Whitened:
    """The inverse curvature of KL(Q‖P) in (mean, log diagonal, below), if P were the normal that the base makes of it.

    Where log p̃ is dear, Newton's steps with it take the place of a search that must learn it.
    """

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def matvec(self, slope: Array) -> Array:
        step = slope.copy()
        step[self.dim : 2 * self.dim] *= 0.5
        return step


def rebased(family: Family, base: Base, theta: Array) -> tuple[Base, Array]:
    """The same member seen from its own centre and factor; mixtures stay where they are."""
    if not family.whitens:
        return base, theta
    dim = len(base.centre)
    mean, tril = unpack(theta, dim, family.full)
    fresh = family.unit(dim)
    shape = 2 * dim + (dim * (dim - 1) // 2 if family.full else 0)  # what follows place and factor stays
    fresh[shape:] = theta[shape:]
    return Base(base.outward(mean[None])[0], base.base @ tril), fresh


def _search(
    f: Objective, theta: Array, wanted: float = GRADIENT, inverse: Any = None, flat: float = 1e-15
) -> tuple[Array, float, float, Any]:
    """Steps along an inverse curvature known from coarser draws, L-BFGS, and such steps again for what is left.

    Near the optimum only the gradient can tell: the value has been lost to rounding.
    """
    if inverse is not None:
        theta, value, slope = _stepped(f, theta, inverse, wanted, 8)
        if np.abs(slope).max() <= wanted:
            return theta, value, float(np.abs(slope).max()), inverse
    options = {"maxcor": 30, "gtol": wanted / 2, "ftol": flat, "maxiter": 120, "maxls": 40}
    found = optimize.minimize(f, theta, jac=True, method="L-BFGS-B", options=options)
    best, value, slope = np.asarray(found.x), float(found.fun), np.asarray(found.jac)
    if np.abs(slope).max() > wanted / 2 and value < HUGE:
        best, value, slope = _stepped(f, best, found.hess_inv, wanted, 5)
    return best, value, float(np.abs(slope).max()), found.hess_inv


def _stepped(f: Objective, theta: Array, inverse: Any, wanted: float, most: int) -> tuple[Array, float, Array]:
    """Newton steps with that inverse curvature, as long as they shorten the gradient."""
    value, slope = f(theta)
    for _ in range(most):
        if np.abs(slope).max() <= wanted / 2 or value >= HUGE:
            break
        trial = theta - inverse.matvec(slope)
        other, there = f(trial)
        if not (np.abs(there).max() < 0.7 * np.abs(slope).max() and other <= value + 1e-9 * max(1.0, abs(value))):
            break
        theta, value, slope = trial, other, there
    return theta, value, slope


def _size(base: Base, family: Family, slopes: Array, shifts: Array) -> float:
    """How far the optimum is off by the gradients of blocks (or of the next rule), in units of Q's spread.

    Of a normal or Student-t the largest error of a mean or a log sd, by a unit curvature or the one that was seen.
    The parameters of a mixture may be anything where components overlap: there it is the root of twice the nats that
    the optimum is short of, which for a mean is the same.
    """
    count = len(slopes)
    if not family.whitens:
        return float(np.sqrt(np.mean(np.maximum((slopes * shifts).sum(axis=1), 0.0)) / count))
    worst = 0.0
    for moved in (_spreads(base, family, slopes), _spreads(base, family, shifts)):
        if count == 1:
            worst = max(worst, float(np.abs(moved).max()))
        else:
            worst = max(worst, float((moved.std(axis=0, ddof=1) / np.sqrt(count)).max()))
    return worst


def _spreads(base: Base, family: Family, shifts: Array) -> Array:
    """Shifts of theta as those of the means, in units of the sds, and of the log sds."""
    dim = len(base.centre)
    rows = np.sqrt((base.base**2).sum(axis=1))
    moved = np.empty((len(shifts), 2 * dim))
    for row, s in zip(moved, shifts, strict=True):
        tril = np.diag(s[dim : 2 * dim])
        if family.full and dim > 1:
            tril[np.tril_indices(dim, -1)] = s[2 * dim : 2 * dim + dim * (dim - 1) // 2]
        row[:dim] = base.base @ s[:dim] / rows
        row[dim:] = ((base.base @ tril) * base.base).sum(axis=1) / rows**2
    return moved


def _infinite(oracle: Oracle, family: Family, name: str) -> str:
    """What log_prob does where Q must have mass."""
    place = oracle.nan_at
    if place is not None and np.isfinite(place).all():
        why = f"log_prob is NaN at {place}, where Q must have mass"
    else:
        why = "log_prob is −∞, or falls faster than doubles can hold, where Q must have mass"
    lighter = "" if family.normals else "; a normal has lighter tails"
    return f"KL(Q‖P) is infinite for {family} from the start {name!r}: {why}{lighter}"


def _unbounded() -> str:
    return (
        "KL(Q‖P) has no minimum: Q's spread grows without bound, as it does when P has no finite integral. "
        "Give the parameters proper priors"
    )
