"""Densities in any dimension: randomised quasi-Monte Carlo over P, with fitted control variates.

E_P[log p − log q + Σⱼ λⱼ(qⱼ/p − 1)] is KL for every λ, as E_P[qⱼ/p] = 1 for each component qⱼ of Q that P covers. λ
is fitted on a pilot of its own, so the replicates stay unbiased; for one component λ = 0 is plain Monte Carlo and
λ = 1 is Schulman's k3. P is stratified over its components, which draw in proportion to what they leave uncertain.
The standard error is that of independent scrambles, and its degrees of freedom are theirs.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from kullback._distribution import Density, Measured
from kullback._result import Divergence, Status
from kullback._support import Array, Lattice, ends, is_subset
from kullback.methods._line import checked
from kullback.methods._pace import affordable
from kullback.methods._progress import Progress
from kullback.methods._request import Request
from kullback.numerics.qmc import DIMENSIONS, Sobol

REPLICATES = 16
PILOT, FIRST = 1 << 10, 1 << 9
SPARSEST = 16  # the least needy stratum draws a sixteenth of what the neediest does
BUDGET, PATIENCE = 1 << 20, 16  # draws, and how many times as many a tolerance is worth
TARGET = 1e-3
CHUNK = 1 << 16
HEAVY = 0.5  # the tail index of the terms above which their variance is infinite


class MonteCarlo:
    """16 scrambled replicates whose size doubles until the standard error is met or the budget is spent."""

    name = "monte carlo"
    random = True  # its error cannot see a tail that it never drew

    def applies(self, p: Measured, q: Measured) -> str | None:
        for d, name in ((p, "P"), (q, "Q")):
            if not isinstance(d, Density):
                return f"needs two densities; {name} is a {type(d).__name__}"
            if isinstance(d.support, Lattice):
                return f"leaves the integers to sums; {name} is on {d.support}"
            if not d.normalized:
                return f"needs normalised densities; {name} is known up to a constant"
        assert isinstance(p, Density)
        for _, part in strata(p):
            if part.facts.transport is None and part.facts.sample is None:
                return f"needs draws of P; {part} has no sampler"
        return None

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence:
        assert isinstance(p, Density)
        assert isinstance(q, Density)
        parts = strata(p)
        controls = _controls(p, q)
        budget = _affordable(p, q, request)
        look = min(PILOT, _power_of_two(budget / (4 * len(parts))))
        pilot = [_terms(p, q, controls, Stream(c, [request.seed, 10, REPLICATES, k]).next(look))
                 for k, (_, c) in enumerate(parts)]  # fmt: skip
        n = look * len(parts)
        gap = next((f.gap for f in pilot if f.gap is not None), None)
        if gap is not None:
            return self._gap(gap, q, n, request)
        weights = np.array([w for w, _ in parts])
        slopes, share = _fitted(pilot, weights)
        used = np.flatnonzero(slopes)
        controls, slopes = [controls[j] for j in used], slopes[used]
        batch = share * _power_of_two(min(FIRST * len(parts), (budget - n) / REPLICATES) / share.sum())
        streams = [[Stream(c, [request.seed, 10, r, k]) for k, (_, c) in enumerate(parts)] for r in range(REPLICATES)]
        sums, drawn = np.zeros((REPLICATES, len(parts))), np.zeros(len(parts), int)
        with Progress() as say:
            while True:
                for r in range(REPLICATES):
                    for k in range(len(parts)):
                        found, gap = _summed(p, q, controls, slopes, streams[r][k], int(batch[k]))
                        if gap is not None:
                            return self._gap(gap, q, n, request)
                        sums[r, k] += found
                drawn += batch
                n += REPLICATES * int(batch.sum())
                means = (sums / drawn) @ weights
                value, error = float(means.mean()), float(np.std(means, ddof=1)) / math.sqrt(REPLICATES)
                wanted = request.tolerance if request.tolerance is not None else TARGET * max(abs(value), 1e-3)
                batch = drawn.copy()
                if error <= wanted or n + REPLICATES * int(batch.sum()) > budget:
                    break
                say(f"monte carlo: {n:.2g} draws, {value:.6g} ± {error:.1g}, wanted ± {wanted:.1g}")
        index = _tail_index(pilot)
        notes = () if index < HEAVY else (
            f"the terms fall like x^−{1 / index:.1f}: their variance may be infinite and the standard error too small",
        )  # fmt: skip
        status = Status.OK if error <= wanted and not notes else Status.TOLERANCE_MISSED
        return Divergence(
            value, error, "standard_error", method=self.name, n=n, seed=request.seed, status=status, notes=notes,
            degrees_of_freedom=REPLICATES - 1,
        )  # fmt: skip

    def _gap(self, x: Array, q: Density, n: int, request: Request) -> Divergence:
        place = np.array2string(np.asarray(x), precision=4)
        if q.facts.underflows:
            return Divergence(
                math.nan, math.inf, "estimate", method=self.name, n=n, seed=request.seed,
                status=Status.TOLERANCE_MISSED,
                detail=f"Q's log density is only known as log of a density that underflows, as at the draw {place}",
            )  # fmt: skip
        if np.ndim(x) == 0 and float(x) in ends(q.support):
            return Divergence(
                math.inf, 0.0, "estimate", method=self.name, n=n, seed=request.seed, status=Status.TAIL_EVIDENCE,
                detail=f"draws of P round to the end of Q's support, {place}; an integral sees what lies short of it",
            )  # fmt: skip
        return Divergence(
            math.inf, 0.0, "estimate", method=self.name, n=n, seed=request.seed, status=Status.SUPPORT_GAP,
            detail=f"P has draws where Q has none, one of them at {place}",
        )  # fmt: skip


def _affordable(p: Density, q: Density, request: Request) -> int:
    """The caller's budget, or what a few seconds buy; a tolerance asks for patience."""
    first = Stream(strata(p)[0][1], [request.seed, 12])
    draw = None if p.facts.family else lambda x: first.next(len(x))
    bought = affordable(request.budget, BUDGET, first.next(4), p, q, draw=draw)
    return bought if request.tolerance is None or request.budget else PATIENCE * bought


def strata(p: Density) -> list[tuple[float, Density]]:
    """The components of p, and theirs, with their weights in p."""
    if not p.facts.components:
        return [(1.0, p)]
    return [(w * v, part) for w, component in p.facts.components for v, part in strata(component)]


def _power_of_two(x: float) -> int:
    """The largest that is at most x, at least 1."""
    return 1 << max(math.floor(math.log2(max(x, 1.0))), 0)


class Stream:
    """Draws of one component, continued where the last ended."""

    def __init__(self, part: Density, seed: list[int]) -> None:
        self._part = part
        transport = part.facts.transport
        self._sobol = None if transport is None or transport[0] > DIMENSIONS else Sobol(transport[0], seed)
        self._rng = np.random.default_rng(seed)

    def next(self, n: int) -> Array:
        facts = self._part.facts
        if self._sobol is not None:
            assert facts.transport is not None
            return np.asarray(facts.transport[1](self._sobol.next(n)))
        assert facts.sample is not None
        return np.asarray(facts.sample(self._rng, n), dtype=np.float64)


class _Terms(NamedTuple):
    """log p − log q at the draws, qⱼ/p − 1 in columns, and a draw where Q has no density, if there is one."""

    d: Array
    c: Array
    gap: Array | None


def _controls(p: Density, q: Density) -> list[Density]:
    """The components of Q, each with E_P[qⱼ/p] = 1: those that P covers."""
    found = [part for _, part in strata(q)]
    return [part for part in found[:64] if is_subset(part.support, p.support)] if len(found) <= 64 else [q]


def _terms(p: Density, q: Density, controls: list[Density], x: Array) -> _Terms:
    log_p, log_q = checked(p, x, "P"), checked(q, x, "Q")
    gone = log_q == -np.inf
    gap = x[gone][0] if gone.any() else None
    columns = np.empty((len(x), len(controls)))
    with np.errstate(over="ignore", invalid="ignore"):
        for j, part in enumerate(controls):
            columns[:, j] = np.expm1((log_q if part is q else checked(part, x, "Q")) - log_p)
        return _Terms(log_p - log_q, columns, gap)


def _summed(
    p: Density, q: Density, controls: list[Density], slopes: Array, stream: Stream, n: int
) -> tuple[float, Array | None]:
    """The sum of n terms, and a draw where Q has no density."""
    total = 0.0
    x = stream.next(n)
    for start in range(0, n, CHUNK):
        found = _terms(p, q, controls, x[start : start + CHUNK])
        if found.gap is not None:
            return math.inf, found.gap
        total += float(found.d.sum() + (found.c @ slopes).sum())
    return total, None


def _fitted(pilot: list[_Terms], weights: Array) -> tuple[Array, Array]:
    """The λ that leave the least variance within the strata, and each stratum's share of the draws, a power of two.

    A control that one draw dominates is left out: the tail of qⱼ/p is not seen.
    """
    d = np.stack([f.d - f.d.mean() for f in pilot])  # (strata, draws)
    c = np.stack([f.c - f.c.mean(axis=0) for f in pilot])  # (strata, draws, controls)
    with np.errstate(invalid="ignore", over="ignore"):
        squares = c**2 * weights[:, None, None] ** 2
        total = squares.sum(axis=(0, 1))
        calm = np.isfinite(total) & (total > 0) & (squares.max(axis=(0, 1)) <= 0.05 * total)
    slopes = np.zeros(c.shape[2])
    if calm.any():
        rows = (c[:, :, calm] * weights[:, None, None]).reshape(-1, int(calm.sum()))
        slopes[calm] = -np.linalg.lstsq(rows, (d * weights[:, None]).ravel(), rcond=1e-8)[0]
    left = weights * np.sqrt(((d + np.nan_to_num(c[:, :, calm]) @ slopes[calm]) ** 2).mean(axis=1))
    need = left / left.max() if left.max() > 0 else np.ones(len(left))
    share = 2.0 ** np.maximum(np.round(np.log2(np.maximum(need, 1e-9) * SPARSEST)), 0)
    return slopes, share.astype(int)


def _tail_index(pilot: list[_Terms]) -> float:
    """1/α for a tail P(|log p − log q| > x) ~ x^−α, at most 0 for lighter ones; the largest over the strata.

    The moment estimator of Dekkers, Einmahl and de Haan (1989) on the 64 largest.
    """
    found = 0.0
    for f in pilot:
        top = np.sort(np.abs(f.d - np.median(f.d)))[-65:]
        if top[0] > 0:
            logs = np.log(top[1:] / top[0])
            first, second = float(logs.mean()), float((logs**2).mean())
            if second > first**2:
                found = max(found, first + 1 - 0.5 / (1 - first**2 / second))
    return found


def draws(p: Density, seed: int, n: int = 1 << 15) -> tuple[Array, Array]:
    """About n points, equally many from each stratum, and weights with Σ w·h(x) ≈ E_P h."""
    parts = strata(p)
    each = _power_of_two(n / len(parts))
    xs = [Stream(part, [seed, 11, k]).next(each) for k, (_, part) in enumerate(parts)]
    return np.concatenate(xs), np.repeat([w / each for w, _ in parts], each)
