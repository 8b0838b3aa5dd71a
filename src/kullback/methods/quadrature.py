"""Densities of one to three dimensions: the integral, with an estimate of its error."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kullback._distribution import Density, Measured, as_given
from kullback._result import Divergence, Status
from kullback._support import Array, Interval, Lattice, place
from kullback.methods import _line, _space
from kullback.methods._ends import divergent, far_tails, out_of_sight
from kullback.methods._free import without_poles
from kullback.methods._gap import FAINT, Gap, Holes
from kullback.methods._pace import affordable
from kullback.methods._pieces import Piece, pieces
from kullback.methods._progress import Progress, followed
from kullback.methods._request import Request
from kullback.numerics.quadrature import Integral, integrate
from kullback.numerics.terms import deviance, gain, rounding

EPS = float(np.finfo(float).eps)
RTOL = 1e-11
UNSEEN = 1e6  # how large −log q may be where q underflows, on the little mass where it may
LOST = 0.1  # with more of P out of the doubles' reach, nothing is said of the rest
FAINT_MASS = 1e-12  # the most mass of P for which that is believed


class Quadrature:
    """∫ p·log(p/q), adaptively: on the line, or in two or three free coordinates around each component."""

    name = "quadrature"
    random = False

    def applies(self, p: Measured, q: Measured) -> str | None:
        for d, name in ((p, "P"), (q, "Q")):
            if not isinstance(d, Density) or isinstance(d.support, Lattice):
                return f"needs two densities; {name} is {_kind(d)}"
            if not isinstance(d.support, Interval) and (reason := _space.serves(d)):
                return f"serves one to three dimensions; {name} {reason}"
        return None

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence:
        assert isinstance(p, Density)
        assert isinstance(q, Density)
        if isinstance(p.support, Interval):
            return _on_line(*(without_poles(p, q) or (p, q)), request)
        return _space.measure(p, q, request)


def _kind(d: Measured) -> str:
    return "on a lattice" if isinstance(d, Density) else f"a {type(d).__name__}"


def _on_line(p: Density, q: Density, request: Request) -> Divergence:
    p, error_p = _line.normalise(p, "P")
    q, error_q = _line.normalise(q, "Q")
    support = _line.interval(p)
    parts = pieces(p, q, support)
    gap = Gap()
    noise = p.facts.noise + q.facts.noise
    wanted = request.tolerance
    rtol, atol = (RTOL, 1e-15) if wanted is None else (0.0, wanted / 2)
    points = affordable(request.budget, _line.MOST_POINTS, parts[0].breaks, parts[0].p, parts[0].q)
    slow = points < _line.MOST_POINTS and request.budget is None
    if request.budget is None:  # a histogram of 10⁵ bins has as many breaks, and all are needed
        points = points // len(parts) if slow else max(points, 50 * max(len(part.breaks) for part in parts))
    heavy, tail = far_tails(p, q)
    with Progress() as say:
        plain = _sum(
            parts, lambda part: followed(_plain(part, gap), say, "quadrature"), rtol=rtol, atol=atol, drivers=2,
            max_points=points, noise=noise, summed=heavy,
        )  # fmt: skip
    extra = error_p + error_q
    if gap:
        return _infinite(gap, p, plain.n)
    hidden = [out_of_sight(part) for part in parts]
    evidence = divergent(plain) or next((why for why, _, _ in hidden if why), "")
    if evidence:
        return Divergence(
            math.inf,
            0.0,
            "estimate",
            method="quadrature",
            n=plain.n,
            status=Status.TAIL_EVIDENCE,
            detail=evidence,
        )
    far, unsure = math.fsum(size for _, size, _ in hidden), math.fsum(error for _, _, error in hidden)
    value, n = float(plain.value[0]) + far + tail.gain, plain.n
    error = float(plain.error[0]) + unsure + tail.error + (8 * EPS + noise) * float(plain.value[2])
    missing = abs(float(plain.value[1]) + tail.mass - 1)
    error += missing * (1 + abs(value)) if missing < LOST else math.inf
    enough = 1e-9 * abs(value) if slow and wanted is None else wanted
    if value < 0.3 and (enough is None or error > enough) and not any(heavy):
        near = _near(p, q, support, parts, rtol, points, noise)
        n += near.n
        if near.value[1] > 1 - 1e-9 and float(near.error[0]) < error:
            value, error = float(near.value[0]), float(near.error[0]) + (2 * EPS + noise) * float(near.value[2])
    if not _powers_at_ends(p, q):  # what lies beyond the panels was only taken to be a power of the distance
        error += abs(float(plain.ends[0])) + abs(float(plain.ends[1])) * (1 + abs(value))
    detail = ""
    unseen = float(plain.value[3])
    if unseen > 0:
        error += UNSEEN * unseen if unseen < FAINT_MASS else math.inf
        detail = f"Q's log density is −∞ on {unseen:.2g} of P, where its formula leaves the doubles"
    error += extra
    goal = wanted if wanted is not None else max(1e-9 * abs(value), 1e-13)
    status = Status.OK if error <= goal + extra else Status.TOLERANCE_MISSED
    detail = detail if status is Status.TOLERANCE_MISSED else ""
    return Divergence(value, error, "estimate", method="quadrature", n=n, status=status, detail=detail)


def _powers_at_ends(p: Density, q: Density) -> bool:
    """Whether both declare that they fall as powers on either side, or faster than doubles could follow."""
    return p.facts.tails is not None and q.facts.tails is not None


def _plain(part: Piece, gap: Gap) -> Callable[[Array], Array]:
    """Rows of p·log(p/q), p, the reach of rounding, and the p where Q's formula has left the doubles.

    P's worst place without Q is noted.
    """
    p, q = part.p, part.q
    holes: list[Holes] = []

    def rows(x: Array) -> Array:
        log_p, log_q = _line.checked(p, x, "P"), _line.checked(q, x, "Q")
        none = (log_q == -np.inf) & (log_p > -np.inf)
        unseen = np.zeros_like(log_p)
        if none.any():
            if not q.facts.underflows and (log_p[none] > FAINT).any():
                holes[:] = holes or [Holes(q._log_prob, part.breaks)]
                real = np.zeros_like(none)
                real[none] = holes[0].real(x[none])
                gap.see(part.origin + x[real], log_p[real], log_q[real])
            unseen = np.where(none, np.exp(log_p), 0.0)
            log_q = np.where(none, -745.0, log_q)
        mass = np.exp(log_p)
        return np.stack([gain(log_p, log_q), mass, rounding(mass, log_p, log_q), unseen])

    return rows


def _near(
    p: Density, q: Density, support: Interval, parts: list[Piece], rtol: float, points: int, noise: float
) -> Integral:
    """The non-negative form over Q's whole support: nothing cancels where the two are close."""
    whole = _line.interval(q)
    if whole != support:
        parts = pieces(p, q, whole)
    return _sum(parts, _deviances, rtol=rtol, atol=1e-32, drivers=1, max_points=points, noise=noise)


def _deviances(part: Piece) -> Callable[[Array], Array]:
    p, q = part.p, part.q

    def rows(x: Array) -> Array:
        log_p, log_q = _line.checked(p, x, "P"), _line.checked(q, x, "Q")
        in_p, in_q = np.exp(log_p), np.exp(log_q)
        # the rounding of log p and log q moves a deviance p·φ(log p − log q) by p·φ′ = p − q times theirs
        both = np.where((in_p > 0) & (in_q > 0), np.abs(in_p - in_q), 0.0)
        return np.stack([deviance(log_p, log_q), in_p, rounding(both, log_p, log_q)])

    return rows


def _sum(parts: list[Piece], rows: Callable[[Piece], Callable[[Array], Array]], **options: Any) -> Integral:
    """The integral over all pieces."""
    found = [
        integrate(
            rows(part), part.low, part.high, part.breaks,
            known=np.unique(np.array([*part.p.facts.breaks, *part.q.facts.breaks])), **options,
        )
        for part in parts
    ]  # fmt: skip
    total = found[0]
    for other in found[1:]:
        total = total._replace(
            value=total.value + other.value,
            error=total.error + other.error,
            ends=total.ends + other.ends,
            n=total.n + other.n,
        )
    return total


def _infinite(gap: Gap, p: Density, n: int) -> Divergence:
    scale = p.facts.view[1]
    detail = f"P has density {gap.p / scale:.3g} at x = {place(as_given(p, gap.x))}, where Q has none"
    return Divergence(math.inf, 0.0, "bound", method="quadrature", n=n, status=Status.SUPPORT_GAP, detail=detail)
