"""Densities in any dimension: randomised quasi-Monte Carlo over P, with a fitted control variate.

E_P[log p − log q + λ(q/p − 1)] is KL for every λ, as E_P[q/p] = 1 where P covers Q. λ is fitted on a pilot
replicate of its own, so the other replicates stay unbiased; λ = 0 is plain Monte Carlo, λ = 1 is Schulman's k3.
A mixture is stratified over its components. The standard error is that of independent scrambles.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from kullback._distribution import Density, Measured
from kullback._result import Divergence, Status
from kullback._support import Array, is_subset
from kullback.methods._line import checked
from kullback.methods._request import Request
from kullback.numerics.qmc import sobol

REPLICATES = 16
FIRST, BUDGET = 8, 1 << 20
TARGET = 1e-3


class MonteCarlo:
    """16 scrambled replicates whose size doubles until the standard error is met or the budget is spent."""

    name = "monte carlo"
    random = True  # its error cannot see a tail that it never drew

    def applies(self, p: Measured, q: Measured) -> str | None:
        for d, name in ((p, "P"), (q, "Q")):
            if not isinstance(d, Density) or d.support.measure == "counting":
                return f"needs two densities; {name} is not one"
            if not d.normalized:
                return f"needs normalised densities; {name} is known up to a constant"
        assert isinstance(p, Density)
        if any(c.facts.transport is None and c.facts.sample is None for _, c in _strata(p)):
            return f"needs draws of P; {p} has no sampler"
        return None

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence:
        assert isinstance(p, Density)
        assert isinstance(q, Density)
        budget = request.budget or BUDGET
        pilot = _draw(p, q, FIRST + 2, [request.seed, 10, REPLICATES])
        if (pilot.log_q == -np.inf).any():
            x = pilot.x[pilot.log_q == -np.inf][0]
            detail = f"P has draws where Q has none, one of them at {np.array2string(x, precision=4)}"
            return Divergence(
                math.inf, 0.0, "estimate", method=self.name, n=len(pilot.w), seed=request.seed,
                status=Status.SUPPORT_GAP, detail=detail,
            )  # fmt: skip
        weight = _control(pilot) if is_subset(q.support, p.support) else 0.0
        size, n = FIRST, len(pilot.w)
        while True:
            values = []
            for r in range(REPLICATES):
                draws = _draw(p, q, size, [request.seed, 10, r])
                n += len(draws.w)
                values.append(float(draws.w @ _terms(draws, weight)))
            value = float(np.mean(values))
            error = float(np.std(values, ddof=1)) / math.sqrt(REPLICATES)
            wanted = request.tolerance if request.tolerance is not None else TARGET * max(abs(value), 1e-3)
            if error <= wanted or n + 2 * REPLICATES * len(draws.w) > budget:
                break
            size += 1
        if not math.isfinite(value):
            return Divergence(
                math.inf, 0.0, "estimate", method=self.name, n=n, seed=request.seed, status=Status.TAIL_EVIDENCE,
                detail="log q is −∞ at draws of P",
            )  # fmt: skip
        status = Status.OK if error <= wanted else Status.TOLERANCE_MISSED
        notes = ("A Monte Carlo value below 0 is noise around a small divergence.",) if value < 0 else ()
        return Divergence(
            value, error, "standard_error", method=self.name, n=n, seed=request.seed, status=status, notes=notes
        )


class _Draws(NamedTuple):
    """Points of P with weights that sum to one, and both log densities there."""

    x: Array
    w: Array
    log_p: Array
    log_q: Array


def _strata(p: Density) -> list[tuple[float, Density]]:
    return list(p.facts.components) or [(1.0, p)]


def _draw(p: Density, q: Density, log2_n: int, seed: list[int]) -> _Draws:
    xs, ws = [], []
    strata = _strata(p)
    for k, (weight, part) in enumerate(strata):
        n = 1 << log2_n
        if part.facts.transport is not None:
            uniforms, carry = part.facts.transport
            x = carry(sobol(uniforms, log2_n, [*seed, k]))
        else:
            assert part.facts.sample is not None
            x = np.asarray(part.facts.sample(np.random.default_rng([*seed, k]), n), dtype=np.float64)
        xs.append(x)
        ws.append(np.full(n, weight / n))
    x = np.concatenate(xs)
    return _Draws(x, np.concatenate(ws), checked(p, x, "P"), checked(q, x, "Q"))


def _terms(draws: _Draws, weight: float) -> Array:
    d = draws.log_p - draws.log_q
    if weight == 0:
        return d
    with np.errstate(over="ignore"):
        return d + weight * np.expm1(-d)


def _control(pilot: _Draws) -> float:
    """The λ that leaves the least variance; 0 where q/p is too wild for its mean to be trusted."""
    d = pilot.log_p - pilot.log_q
    with np.errstate(over="ignore"):
        c = np.expm1(-d)
    if not np.isfinite(c).all():
        return 0.0
    centred, spread = d - pilot.w @ d, c - pilot.w @ c
    variance = float(pilot.w @ spread**2)
    share = float((pilot.w * spread**2).max()) / variance if variance > 0 else 1.0
    if variance == 0 or share > 0.05:  # one draw carries the variance: the tail of q/p is not seen
        return 0.0
    return -float(pilot.w @ (centred * spread)) / variance
