"""min KL(Q‖P) in any dimension: the mean over fixed draws, as many as the optimum needs.

The draws are blocks of scrambled Sobol points, antithetic and whitened. What the blocks' own gradients differ by at
the optimum, through the curvature that the search has seen, is the error of the optimum; the draws double, afresh,
until that is below TARGET of Q's spread. Coordinates are whitened again from each optimum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from kullback._distribution import Density
from kullback._fit.space._members import Base, factor_back, identity, member_of
from kullback._fit.space._oracle import Oracle
from kullback._result import InputError, Status
from kullback._support import Array
from kullback._vocabulary._tails import HALF_LOG_2PI
from kullback.families import Mixture, Normal, StudentT
from kullback.families._base import unpack
from kullback.numerics.draws import normal_blocks
from kullback.numerics.lazy import optimize

BLOCKS = 8
FIRST, MOST = 64, 1 << 16  # draws a block at first, and in all at most
TARGET = 0.005  # of Q's spread: the standard error of each coordinate's mean, and of the logarithm of its sd
GRADIENT = 1e-6  # in whitened coordinates, where the optimum is off by about as much
HUGE = 1e200  # stands for ∞ where a line search wants a number

Objective = Callable[[Array], tuple[float, Array]]


@dataclass(eq=False)
class Optimum:
    """Where a search ended: theta in the coordinates of `base`, the objective (KL less log Z), and its errors."""

    theta: Array
    base: Base
    value: float
    gradient: float
    error: float  # of the mean, in units of Q's spread; the largest over coordinates
    draws: int
    status: Status
    start: str
    density: Density


def objective(oracle: Oracle, family: Any, base: Base, e: Array) -> Objective:
    """E_q[log q − log p̃] over the draws e (n, d) and its gradient in theta; p̃ as a density in y."""
    member = member_of(family)
    dim = len(base.centre)
    volume = float(np.log(np.abs(np.diag(base.base))).sum())
    closed = isinstance(family, Normal)

    def normal_case(theta: Array) -> tuple[float, Array]:
        full = family.full
        mean, tril = unpack(theta, dim, full)
        log_p, slope = oracle(base.outward(mean + e @ tril.T))
        if not np.isfinite(log_p).all():
            return HUGE, np.zeros_like(theta)
        gradient = factor_back(-(slope @ base.base) / len(e), e, tril, full)
        gradient[dim : 2 * dim] -= 1.0
        entropy = dim * (0.5 + HALF_LOG_2PI) + float(theta[dim : 2 * dim].sum())
        return -float(log_p.mean()) - volume - entropy, gradient

    def general(theta: Array) -> tuple[float, Array]:
        y, w = member.spread(theta, e)
        log_p, slope = oracle(base.outward(y))
        if not np.isfinite(log_p).all() or not np.isfinite(y).all():
            return HUGE, np.zeros_like(theta)
        log_q, slope_q, score = member.log_prob(theta, y)
        ratio = log_q - log_p - volume
        gy = w[:, None] * (slope_q - slope @ base.base)
        return float(w @ ratio), member.pull_back(theta, e, gy, ratio) + w @ score

    return normal_case if closed else general


def blocks_of(family: Any, dim: int, size: int, seed: int, round_: int) -> Array:
    """The draws of one round, (BLOCKS, size, dim + extra)."""
    return normal_blocks(dim + member_of(family).extra, size, BLOCKS, [seed, 20, round_])


def first_size(dim: int) -> int:
    """The draws of a block: four times the dimension at least, a power of two."""
    return max(FIRST, 1 << int(np.ceil(np.log2(4 * (dim + 1)))))


def minimise(
    oracle: Oracle,
    family: Any,
    base: Base,
    theta: Array,
    name: str,
    seed: int,
    say: Callable[[str], None],
    target: float = TARGET,
) -> Optimum:
    """The optimum from one start, on draws that double until it is known to `target` of Q's spread."""
    dim = len(base.centre)
    size = first_size(dim)
    round_ = 0
    while True:
        e = blocks_of(family, dim, size, seed, round_)
        for _ in range(4):  # whitened again, until the search ends about where it began
            theta, value, gradient, inverse = _search(objective(oracle, family, base, _flat(e)), theta)
            if value >= HUGE:
                raise InputError(
                    f"KL(Q‖P) is infinite from the start {name!r}: log_prob is −∞ or NaN"
                    f"{'' if oracle.nan_at is None else f' (NaN at {oracle.nan_at})'} where Q must have mass"
                )
            moved = float(np.abs(theta - identity(family, dim)).max()) if not isinstance(family, Mixture) else 0.0
            base, theta = rebased(family, base, theta)
            if np.abs(np.log(np.diag(base.base))).max() > 300:
                raise InputError(_unbounded())
            if moved < 0.3 or isinstance(family, Mixture):
                break
        error = _error(oracle, family, base, e, theta, inverse)
        say(f"reverse: {e.shape[0] * size} draws, the optimum is known to {error:.2g} of Q's spread")
        if error <= target or 2 * size * BLOCKS > MOST:
            break
        size *= 4 if error > 3 * target and 4 * size * BLOCKS <= MOST else 2
        round_ += 1
    steady = gradient <= GRADIENT * max(1.0, 1e-3 * abs(value))
    status = Status.STATIONARY if steady else Status.NOT_STATIONARY
    return Optimum(
        theta, base, value, gradient, error, BLOCKS * size, status, name, member_of(family).density(theta, base)
    )


def rebased(family: Any, base: Base, theta: Array) -> tuple[Base, Array]:
    """The same member seen from its own centre and factor; mixtures stay where they are."""
    if isinstance(family, Mixture):
        return base, theta
    dim = len(base.centre)
    full = not isinstance(family, Normal) or family.full
    mean, tril = unpack(theta, dim, full)
    fresh = identity(family, dim)
    if isinstance(family, StudentT) and family.df is None:
        fresh[-1] = theta[-1]
    return Base(base.outward(mean[None])[0], base.base @ tril), fresh


def _flat(e: Array) -> Array:
    return e.reshape(-1, e.shape[-1])


def _search(f: Objective, theta: Array) -> tuple[Array, float, float, Any]:
    """L-BFGS, then steps along its own inverse curvature for what lies below the rounding of the value."""
    found = optimize.minimize(
        f, theta, jac=True, method="L-BFGS-B", options={"maxcor": 30, "gtol": GRADIENT / 2, "ftol": 0, "maxiter": 500,
                                                        "maxls": 40},
    )  # fmt: skip
    best, value, slope = np.asarray(found.x), float(found.fun), np.asarray(found.jac)
    inverse = found.hess_inv
    for _ in range(5):
        if np.abs(slope).max() <= GRADIENT / 2 or value >= HUGE:
            break
        trial = best - inverse.matvec(slope)
        other, there = f(trial)
        if not (np.abs(there).max() < 0.7 * np.abs(slope).max() and other <= value + 1e-9 * max(1.0, abs(value))):
            break
        best, value, slope = trial, other, there
    return best, value, float(np.abs(slope).max()), inverse


def _error(oracle: Oracle, family: Any, base: Base, e: Array, theta: Array, inverse: Any) -> float:
    """The standard error of the optimum by its blocks: of each mean and of each log sd, in units of Q's spread."""
    slopes = np.array([objective(oracle, family, base, block)(theta)[1] for block in e])
    if isinstance(family, Mixture):
        shifts = np.array([inverse.matvec(s) for s in slopes - slopes.mean(axis=0)])
        return float((shifts.std(axis=0, ddof=1) / np.sqrt(len(e))).max())
    dim = len(base.centre)
    full = not isinstance(family, Normal) or family.full
    worst = 0.0
    for shifts in (slopes - slopes.mean(axis=0), np.array([inverse.matvec(s) for s in slopes - slopes.mean(axis=0)])):
        rows = np.sqrt((base.base**2).sum(axis=1))
        means, spreads = [], []
        for s in shifts:
            tril = np.diag(s[dim : 2 * dim])
            if full and dim > 1:
                tril[np.tril_indices(dim, -1)] = s[2 * dim : 2 * dim + dim * (dim - 1) // 2]
            means.append(base.base @ s[:dim] / rows)
            spreads.append(((base.base @ tril) * base.base).sum(axis=1) / rows**2)
        for kind in (means, spreads):
            worst = max(worst, float((np.std(kind, axis=0, ddof=1) / np.sqrt(len(e))).max()))
    return worst


def _unbounded() -> str:
    return (
        "KL(Q‖P) has no minimum: Q's spread grows without bound, as it does when P has no finite integral. "
        "Give the parameters proper priors"
    )
