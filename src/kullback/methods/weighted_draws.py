"""Densities known up to a constant, or that no sampler knows: the weighted draws that a fit makes of them.

With draws x of P whose weights sum to Z, KL(P‖Q) = E_P[log p̃ − log q̃] − log Z_P + log Z_Q. Each side's draws come in
blocks that know nothing of each other, and leaving out each of them (jackknife) tells the error, that of log Z inside.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kullback._distribution import Density, Measured, unbound
from kullback._format import number, uncertain
from kullback._result import Divergence, InputError, Status
from kullback._support import Array, Box, Interval, Simplex
from kullback.methods._progress import Progress
from kullback.methods._proposal import strata
from kullback.methods._request import Request, no_density
from kullback.methods.quadrature import Quadrature

if TYPE_CHECKING:
    from collections.abc import Callable

    from kullback._fit.space import SpaceTarget

LOST = 1e-6  # of P's weight where Q has none: less may be where a log density leaves the doubles
CLAIM, SLIGHT = 6.0, 1e-3  # errors, and nats, by which a density that is said to be normalised may miss it


class WeightedDraws:
    """Importance sampling around the modes and the best normal, else tempered particles; both sides if both need it."""

    name = "weighted draws"
    random = True

    def applies(self, p: Measured, q: Measured) -> str | None:
        for d, name in ((p, "P"), (q, "Q")):
            if why := no_density(d, name):
                return why
            assert isinstance(d, Density)
            if not isinstance(d.support, Interval | Box | Simplex):
                return f"needs a support that can be carried to the whole space; {name} lives on {d.support}"
        assert isinstance(p, Density)
        assert isinstance(q, Density)
        if p.normalized and q.normalized and _drawable(p):
            return "needs a density that is known up to a constant, or a P without a sampler"
        return None

    def defers(self, p: Measured, q: Measured) -> str | None:
        return "quadrature needs no draws" if Quadrature().applies(p, q) is None else None

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence:
        assert isinstance(p, Density)
        assert isinstance(q, Density)
        with Progress() as say:
            mine = _drawn(p, "P", request.seed, say)
            theirs = None if q.normalized else _drawn(q, "Q", request.seed + 1, say)
        log_p, log_q = p._log_prob(mine.x), q._log_prob(mine.x)
        n = len(mine.w) + (0 if theirs is None else len(theirs.w))
        gone = (log_q == -np.inf) & (mine.w > 0)
        if mine.w[gone].sum() > LOST * mine.w.sum():
            return self._gap(q, mine.x[gone][np.argmax(mine.w[gone])], n, request)
        kept = (mine.w > 0) & ~gone
        terms = np.zeros(len(mine.w))
        terms[kept] = log_p[kept] - log_q[kept]
        sums = mine.sums(np.column_stack([mine.w, mine.w * terms]))
        parts = [_jackknife(sums, _without_z if p.normalized else _with_z)]
        parts[0] = parts[0][0] - (0.0 if p.normalized else mine.zero), parts[0][1]
        if theirs is not None:
            parts.append(theirs.log_z)
        value = sum(v for v, _ in parts)
        doubts = [d.doubt for d, free in ((mine, not p.normalized), (theirs, True)) if d is not None and free]
        error = math.hypot(*(e for _, e in parts), *doubts)
        notes = [note for d in (mine, theirs) if d is not None for note in d.notes]
        sides = ((mine, p, "P"), (theirs, q, "Q"))
        told = [
            f"log Z of {name} = {uncertain(*d.log_z, 'standard_error')}"
            for d, f, name in sides
            if d is not None and not f.normalized
        ]
        met = request.tolerance is None or error <= request.tolerance
        if value < -4 * error - 1e-9:
            notes.append("it came out negative beyond its error: the draws have not reached a part of a side")
        return Divergence(
            value, error, "standard_error", method=self.name, n=n, seed=request.seed,
            status=Status.OK if met and not notes else Status.TOLERANCE_MISSED, notes=(*told, *notes),
            degrees_of_freedom=float(len(sums) - 1),
        )  # fmt: skip

    def _gap(self, q: Density, x: Array, n: int, request: Request) -> Divergence:
        outside = not q.support.contains(x[None])[0]  # type: ignore[union-attr]
        place = np.array2string(np.asarray(x), precision=4)
        where = f"outside Q's support {q.support}" if outside else "where log q is −∞"
        return Divergence(
            math.inf, 0.0, "estimate", method=self.name, n=n, seed=request.seed,
            status=Status.SUPPORT_GAP if outside else Status.TAIL_EVIDENCE, detail=f"P has draws {where}, at {place}",
        )  # fmt: skip


class _Drawn(NamedTuple):
    """Draws x of a side in its own coordinates, whose weights w sum to Z·exp(−zero), in blocks."""

    x: Array
    w: Array
    zero: float
    block: Array
    doubt: float
    notes: tuple[str, ...]

    def sums(self, columns: Array) -> Array:
        return np.stack([np.bincount(self.block, weights=c) for c in columns.T], axis=1)

    @property
    def log_z(self) -> tuple[float, float]:
        value, error = _jackknife(self.sums(self.w[:, None]), lambda total: math.log(total[0]))
        return value + self.zero, error


def _drawn(d: Density, name: str, seed: int, say: Callable[[str], None]) -> _Drawn:
    """The fit's weighted draws of one side."""
    from kullback._fit.space import SpaceTarget  # the one way up: a fit's draws of P, where a divergence needs them

    try:
        target = SpaceTarget(d, seed, say)
        free = unbound(d if target.drawn else target.oracle.as_density(slopes=True), d.support)
        if free.density is not d:
            target = SpaceTarget(free.density, seed, say)
        target.factors = None  # the draws of independent coordinates are by interpolation, and know no error of it
        cloud = target.own_cloud
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    u = cloud.x[:, 0] if d.dim == 1 else cloud.x
    zero = float(cloud.log_z)
    found = _Drawn(free.outward(u), np.exp(cloud.log_b - zero), zero, cloud.block, cloud.doubt, _notes(target, name))
    if d.normalized and not target.drawn:
        log_z, off = found.log_z
        if cloud.reliable and not cloud.doubt and abs(log_z) > max(CLAIM * off, SLIGHT):
            raise InputError(
                f"{name} integrates to {math.exp(min(log_z, 700)):.6g} where it was found, not to 1; pass "
                "normalized=False if it is known up to a constant"
            )
    return found


def _notes(target: SpaceTarget, name: str) -> tuple[str, ...]:
    """What would make the number untrue although its error looks small."""
    cloud, said = target.own_cloud, []
    if not cloud.reliable:
        said.append(f"the weights of the draws of {name} have k̂ = {cloud.k:.2f}: log Z, and the value, may be far off")
    if cloud.doubt:
        said.append(
            f"the draws of {name} were found with difficulty, and several ways to log Z differ by "
            f"{number(cloud.doubt)}, which is in the error: parts of {name} may still be missing"
        )
    if not target.drawn and target.factors is None and not target.enumerated:
        said.append(f"new modes of {name} were found up to the end of the search; others may be missing")
    return tuple(said)


def _drawable(p: Density) -> bool:
    return all(part.facts.transport is not None or part.facts.sample is not None for _, part in strata(p))


def _with_z(total: Array) -> float:
    return float(total[1] / total[0] - math.log(total[0]))


def _without_z(total: Array) -> float:
    return float(total[1] / total[0])


def _jackknife(sums: Array, told: Callable[[Array], float]) -> tuple[float, float]:
    """A statistic of the sums of blocks, and its error from leaving out each."""
    r, total = len(sums), sums.sum(axis=0)
    left_out = np.array([told((total - row) * r / (r - 1)) for row in sums])
    return told(total), math.sqrt((r - 1) / r * float(np.square(left_out - left_out.mean()).sum()))
