"""Densities in any dimension: randomised quasi-Monte Carlo over P, with fitted control variates.

E_P[log p − log q + Σⱼ λⱼ(qⱼ/p − 1)] is KL for every λ, as E_P[qⱼ/p] = 1 for each component qⱼ of Q that P covers. λ
is fitted on a pilot of its own, so the replicates stay unbiased; for one component λ = 0 is plain Monte Carlo and
λ = 1 is Schulman's k3. P is stratified over its components, which draw in proportion to what they leave uncertain.
The standard error is that of independent scrambles, and its degrees of freedom are theirs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from kullback._distribution import Density, Measured, UserBatch, UserPoints
from kullback._result import Divergence, InputError, Status
from kullback._support import Array, is_subset
from kullback.methods._free import resolved, without_ends
from kullback.methods._gap import breaks_off
from kullback.methods._line import checked
from kullback.methods._pace import affordable
from kullback.methods._progress import Progress
from kullback.methods._proposal import Proposal, proposal, strata, streams
from kullback.methods._request import Request, no_density
from kullback.numerics.qmc import DIMENSIONS, Sobol

REPLICATES = 16
PILOT, FIRST = 1 << 10, 1 << 9
SPARSEST = 16  # the least needy stratum draws a sixteenth of what the neediest does
BUDGET, PATIENCE = 1 << 20, 16  # draws, and how many times as many a tolerance is worth
TARGET = 1e-3
CHUNK = 1 << 16
FAINT = 1e-100  # p/g below which a spread proposal's draw without q proves nothing: q may only have underflowed
NEAR = 36.0  # −log of the rounding of 1: coordinates without ends beyond which x rounds to an end other than 0
HEAVY = 0.5  # the tail index of the terms above which their variance is infinite


class MonteCarlo:
    """16 scrambled replicates whose size doubles until the standard error is met or the budget is spent."""

    name = "monte carlo"
    random = True  # its error cannot see a tail that it never drew

    def applies(self, p: Measured, q: Measured) -> str | None:
        for d, name in ((p, "P"), (q, "Q")):
            if why := no_density(d, name):
                return why
            assert isinstance(d, Density)
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
        free = without_ends(p, q)
        blurred = free is not None and not (resolved(p) and resolved(q))
        p, q = free or (p, q)
        drawn_from = proposal(p, q)
        found = self._drawn(p, q, drawn_from, request, blurred=blurred)
        if not drawn_from.spread and found.heavy:
            wide = proposal(p, q, heavy=True)
            found = self._drawn(p, q, wide, request, blurred=blurred) if wide.spread else found
        return found.result

    def _drawn(self, p: Density, q: Density, source: Proposal, request: Request, *, blurred: bool) -> _Drawn:
        parts = source.parts
        controls = _controls(p, q)
        terms = partial(_terms, p, q, controls, source)
        budget = _affordable(p, q, source, request)
        look = min(PILOT, _power_of_two(budget / (4 * len(parts))))
        pilot = [terms(Stream(c, [request.seed, 10, REPLICATES, k]).next(look)) for k, (_, c) in enumerate(parts)]
        n = look * len(parts)
        gap = next((f.gap for f in pilot if f.gap is not None), None)
        if gap is not None:
            return _Drawn(self._gap(p, q, gap, n, request), False)
        weights = np.array([w for w, _ in parts])
        slopes, share = _fitted(pilot, weights)
        used = np.flatnonzero(slopes)
        controls, slopes = [controls[j] for j in used], slopes[used]
        terms = partial(_terms, p, q, controls, source)
        batch = share * _power_of_two(min(FIRST * len(parts), (budget - n) / REPLICATES) / share.sum())
        streams = [[Stream(c, [request.seed, 10, r, k]) for k, (_, c) in enumerate(parts)] for r in range(REPLICATES)]
        sums, drawn, largest = np.zeros((REPLICATES, len(parts))), np.zeros(len(parts), int), 0.0
        with Progress() as say:
            while True:
                for r in range(REPLICATES):
                    for k in range(len(parts)):
                        found, top, gap = _summed(terms, slopes, streams[r][k], int(batch[k]))
                        if gap is not None:
                            return _Drawn(self._gap(p, q, gap, n, request), False)
                        sums[r, k] += found
                        largest = max(largest, top * weights[k])
                drawn += batch
                n += REPLICATES * int(batch.sum())
                means = (sums / drawn) @ weights
                value, error = float(means.mean()), float(np.std(means, ddof=1)) / math.sqrt(REPLICATES)
                wanted = request.tolerance if request.tolerance is not None else TARGET * max(abs(value), 1e-3)
                batch = drawn.copy()
                if error <= wanted or n + REPLICATES * int(batch.sum()) > budget:
                    break
                say(f"monte carlo: {n:.2g} draws, {value:.6g} ± {error:.1g}, wanted ± {wanted:.1g}")
        error = math.hypot(error, source.beyond(sums.mean(axis=0) / drawn * weights))
        index = _tail_index(pilot, weights if source.spread else None)
        notes: tuple[str, ...] = ()
        silent = sum(w * float(f.lost.mean()) for w, f in zip(weights, pilot, strict=True))
        if silent > 0.01:
            raise InputError(f"the log density of P = {p} is no finite number at {100 * silent:.0f} % of its own draws")
        if silent > 0:
            error = math.hypot(error, 2 * silent * largest)
            notes = ("the log density of P is no finite number at some of its own draws, which rounding may explain",)
        if index >= HEAVY:
            error = math.hypot(error, _unseen(largest, n, index))
            notes = (*notes, _told(index))
        if blurred and (lost := _blur(p, pilot, weights)) > 0:
            error = math.hypot(error, lost)
            notes = (*notes, "draws of P lie nearer to an end of its support than doubles tell its log density apart")
        status = Status.OK if error <= wanted and not notes else Status.TOLERANCE_MISSED
        result = Divergence(
            value, error, "standard_error", method=self.name, n=n, seed=request.seed, status=status, notes=notes,
            degrees_of_freedom=REPLICATES - 1,
        )  # fmt: skip
        return _Drawn(result, index >= HEAVY)

    def _gap(self, p: Density, q: Density, x: Array, n: int, request: Request) -> Divergence:
        """P has a draw where log q is −∞: a gap if Q's supports or its own log density end there, not if it fades."""
        place = np.array2string(np.asarray(x), precision=4)
        outside = not any(part.support.contains(x[None])[0] for _, part in strata(q))  # type: ignore[union-attr]
        if outside:
            return Divergence(
                math.inf, 0.0, "estimate", method=self.name, n=n, seed=request.seed, status=Status.SUPPORT_GAP,
                detail=f"P has draws where Q has none, one of them at {place}",
            )  # fmt: skip
        if q.facts.underflows or not breaks_off(q._log_prob, draws(p, request.seed, 1 << 10)[0], x):
            return Divergence(
                math.nan, math.inf, "estimate", method=self.name, n=n, seed=request.seed,
                status=Status.TOLERANCE_MISSED,
                detail=f"Q's log density leaves the doubles where P has draws, as at {place}",
            )  # fmt: skip
        return Divergence(
            math.inf, 0.0, "estimate", method=self.name, n=n, seed=request.seed, status=Status.SUPPORT_GAP,
            detail=f"P has draws where Q's log density breaks off to −∞, one of them at {place}",
        )  # fmt: skip


class _Drawn(NamedTuple):
    result: Divergence
    heavy: bool


def _affordable(p: Density, q: Density, source: Proposal, request: Request) -> int:
    """The caller's budget, or what a few seconds buy; a tolerance asks for patience."""
    first = Stream(source.parts[0][1], [request.seed, 12])

    def draw(x: Array) -> None:
        first.next(len(x))
        if source.spread:
            source.log_density(x)

    known = p.facts.family and not source.spread
    bought = affordable(request.budget, BUDGET, first.next(4), p, q, draw=None if known else draw)
    return bought if request.tolerance is None or request.budget else PATIENCE * bought


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
    x: Array
    lost: Array  # draws at which P itself has no density


def _controls(p: Density, q: Density) -> list[Density]:
    """The components of Q, each with E_P[qⱼ/p] = 1: those that P covers."""
    found = [part for _, part in strata(q)]
    return [part for part in found[:64] if is_subset(part.support, p.support)] if len(found) <= 64 else [q]


def _terms(p: Density, q: Density, controls: list[Density], source: Proposal, x: Array) -> _Terms:
    log_p, log_q = _own(p, x), checked(q, x, "Q")
    ratio = np.exp(log_p - source.log_density(x)) if source.spread else np.ones(len(x))
    gone = (log_q == -np.inf) & (log_p > -np.inf)
    gap = x[gone & (ratio > FAINT)][0] if (gone & (ratio > FAINT)).any() else None
    columns = np.empty((len(x), len(controls)))
    with np.errstate(over="ignore", invalid="ignore"):
        for j, part in enumerate(controls):
            columns[:, j] = ratio * np.expm1((log_q if part is q else checked(part, x, "Q")) - log_p)
        d = np.where((log_p > -np.inf) & ~gone, ratio * (log_p - log_q), 0.0)
        return _Terms(d, columns, gap, x, (log_p == -np.inf) & (not source.spread))


def _own(p: Density, x: Array) -> Array:
    """log p at its own draws: −∞ where a library's says nothing, as where rounding has carried a draw to an edge."""
    if isinstance(p._log_prob, UserPoints | UserBatch):
        return checked(p, x, "P")
    with np.errstate(all="ignore"):
        y = p._log_prob(x)
    return np.where(np.isfinite(y), y, -np.inf)


def _summed(
    terms: Callable[[Array], _Terms], slopes: Array, stream: Stream, n: int
) -> tuple[float, float, Array | None]:
    """The sum of n terms, the largest of them, and a draw where Q has no density."""
    total = largest = 0.0
    x = stream.next(n)
    for start in range(0, n, CHUNK):
        found = terms(x[start : start + CHUNK])
        if found.gap is not None:
            return math.inf, math.inf, found.gap
        total += float(found.d.sum() + (found.c @ slopes).sum())
        largest = max(largest, float(np.abs(found.d).max()))
    return total, largest, None


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


def _unseen(largest: float, n: int, index: float) -> float:
    """The mean of what lies beyond the largest of n terms with P(term > x) ~ x^(−1/index), which none of them tells."""
    return largest / (n * (1 - index)) if index < 1 else math.inf


def _told(index: float) -> str:
    if index >= 1:
        return f"the terms fall like x^−{1 / index:.1f}: their mean may be infinite, and draws cannot tell"
    return (
        f"the terms fall like x^−{1 / index:.1f}: their variance may be infinite; the error adds what may lie beyond "
        "the largest of them"
    )


def _blur(p: Density, pilot: list[_Terms], weights: Array) -> float:
    """What draws add that lie where doubles no longer tell the distance from an end, in coordinates without ends."""
    return float(sum(w * (np.abs(f.d) * (np.abs(f.x).reshape(len(f.x), -1).max(axis=1) > NEAR)).mean()
                     for w, f in zip(weights, pilot, strict=True)))  # fmt: skip


def _tail_index(pilot: list[_Terms], weights: Array | None = None) -> float:
    """1/α for a tail P(|log p − log q| > x) ~ x^−α, at most 0 for lighter ones; the largest over the strata.

    With weights all strata are seen together, each term as it enters the mean. The moment estimator of Dekkers, Einmahl
    and de Haan (1989) on the 64 largest.
    """
    found = 0.0
    sizes = [np.abs(f.d - np.median(f.d)) for f in pilot]
    if weights is not None:
        sizes = [np.concatenate([w * size for w, size in zip(weights, sizes, strict=True)])]
    for size in sizes:
        top = np.sort(size)[-65:]
        if top[0] > 0:
            logs = np.log(top[1:] / top[0])
            first, second = float(logs.mean()), float((logs**2).mean())
            if second > first**2:
                found = max(found, first + 1 - 0.5 / (1 - first**2 / second))
    return found


def draws(p: Density, seed: int, n: int = 1 << 15) -> tuple[Array, Array]:
    """About n points, equally many from each stratum, and weights with Σ w·h(x) ≈ E_P h."""
    parts = streams(p)
    each = _power_of_two(n / len(parts))
    xs = [Stream(part, [seed, 11, k]).next(each) for k, (_, part) in enumerate(parts)]
    return np.concatenate(xs), np.repeat([w / each for w, _ in parts], each)
