"""Densities on the line and in the plane: the integral, with an estimate of its error."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kullback._distribution import Density, Measured
from kullback._result import Divergence, Status
from kullback._support import Array, Interval, Lattice, reals
from kullback.methods import _line, _plane
from kullback.methods._gap import Gap
from kullback.methods._request import Request
from kullback.numerics.quadrature import Integral, integrate
from kullback.numerics.terms import deviance, gain, rounding

EPS = float(np.finfo(float).eps)
RTOL = 1e-11
HUGE = 1.7e308


class Quadrature:
    """∫ p·log(p/q), adaptively on the line, on doubling grids around each component in the plane."""

    name = "quadrature"
    random = False

    def applies(self, p: Measured, q: Measured) -> str | None:
        for d, name in ((p, "P"), (q, "Q")):
            if not isinstance(d, Density) or isinstance(d.support, Lattice):
                return f"needs two densities; {name} is {_kind(d)}"
            if d.dim > 2:
                return f"serves one and two dimensions; {name} has {d.dim}"
            if d.dim == 2 and d.support != reals(2):
                return f"serves the whole plane in two dimensions; {name} lives on {d.support}"
        return None

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence:
        assert isinstance(p, Density)
        assert isinstance(q, Density)
        if p.dim == 1:
            return _on_line(p, q, request)
        return _in_plane(p, q, request)


def _kind(d: Measured) -> str:
    return "on a lattice" if isinstance(d, Density) else f"a {type(d).__name__}"


def _on_line(p: Density, q: Density, request: Request) -> Divergence:
    p, error_p = _line.normalise(p, "P")
    q, error_q = _line.normalise(q, "Q")
    support = _line.interval(p)
    near_q = _line.landmarks(q)
    breaks = np.union1d(_line.landmarks(p), near_q)
    gap = Gap()
    wanted = request.tolerance
    rtol, atol = (RTOL, 1e-15) if wanted is None else (0.0, wanted / 2)
    points = request.budget or 400_000
    plain = _both_ends(
        lambda f, g: _plain(f, g, gap), p, q, support, breaks, rtol=rtol, atol=atol, drivers=2, max_points=points
    )
    extra = error_p + error_q
    if gap:
        return _infinite(q, gap, plain)
    evidence = _divergent(plain) or _rises_again(p, q, support, breaks)
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
    value, n = float(plain.value[0]), plain.n
    error = float(plain.error[0]) + 8 * EPS * float(plain.value[2])
    if plain.value[3] > 1e-12 * abs(value):
        error = math.inf
    missing = abs(float(plain.value[1]) - 1)
    error += missing * (1 + abs(value))
    if value < 0.3 and (wanted is None or error > wanted):
        near = _near(p, q, breaks, rtol, points)
        n += near.n
        if near.value[1] > 1 - 1e-9 and float(near.error[0]) < error:
            value, error = float(near.value[0]), float(near.error[0]) + 2 * EPS * float(near.value[2])
    error += extra
    goal = wanted if wanted is not None else max(1e-9 * abs(value), 1e-13)
    status = Status.OK if error <= goal + extra else Status.TOLERANCE_MISSED
    return Divergence(value, error, "estimate", method="quadrature", n=n, status=status)


def _plain(p: Density, q: Density, gap: Gap) -> Callable[[Array], Array]:
    """Rows of p·log(p/q), p, the reach of rounding, and what overflow hides; P's worst place without Q is noted."""

    def rows(x: Array) -> Array:
        log_p, log_q = _line.checked(p, x, "P"), _line.checked(q, x, "Q")
        log_q = np.where(gap.see(x, log_p, log_q), -745.0, log_q)
        mass = np.exp(log_p)
        over = (log_q == -np.inf) & (mass > 0)  # p is below 1e-300 there, and log q beyond the largest double
        lost_there = np.where(over & (not q.facts.underflows), mass, 0.0) * HUGE
        log_p, mass = np.where(over, -np.inf, log_p), np.where(over, 0.0, mass)
        return np.stack([gain(log_p, log_q), mass, rounding(mass, log_p, log_q), lost_there])

    return rows


def _near(p: Density, q: Density, breaks: Array, rtol: float, points: int) -> Integral:
    """The non-negative form over Q's whole support: nothing cancels where the two are close."""
    whole = _line.interval(q)
    return _both_ends(_deviances, p, q, whole, breaks, rtol=rtol, atol=1e-32, drivers=1, max_points=points)


def _deviances(p: Density, q: Density) -> Callable[[Array], Array]:
    def rows(x: Array) -> Array:
        log_p, log_q = _line.checked(p, x, "P"), _line.checked(q, x, "Q")
        in_p, in_q = np.exp(log_p), np.exp(log_q)
        # the rounding of log p and log q moves a deviance p·φ(log p − log q) by p·φ′ = p − q times theirs
        both = np.where((in_p > 0) & (in_q > 0), np.abs(in_p - in_q), 0.0)
        return np.stack([deviance(log_p, log_q), in_p, rounding(both, log_p, log_q)])

    return rows


def _both_ends(
    rows: Callable[[Density, Density], Callable[[Array], Array]],
    p: Density,
    q: Density,
    support: Interval,
    breaks: Array,
    **options: Any,
) -> Integral:
    """The integral; towards a high end that a density resolves better by its distance from it, in that distance."""
    if not math.isfinite(support.high) or (p.facts.from_high is None and q.facts.from_high is None):
        return integrate(rows(p, q), support.low, support.high, breaks, **options)
    inner = breaks[(breaks > support.low) & (breaks < support.high)]
    middle = float(inner[len(inner) // 2]) if len(inner) else 0.5 * (support.low + support.high)
    mirrored = rows(_line.from_end(p, support.high), _line.from_end(q, support.high))
    one = integrate(rows(p, q), support.low, middle, breaks, **options)
    other = integrate(mirrored, 0.0, support.high - middle, support.high - breaks, **options)
    return Integral(
        one.value + other.value, one.error + other.error, one.ends + other.ends, one.n + other.n, one.x, one.w
    )


def _infinite(q: Density, gap: Gap, found: Integral) -> Divergence:
    if q.facts.underflows:
        detail = f"Q's log density is only known as log of a density that underflows, first at x = {gap.x:.6g}"
        return Divergence(
            float(found.value[0]), math.inf, "estimate", method="quadrature", n=found.n,
            status=Status.TOLERANCE_MISSED, detail=detail,
        )  # fmt: skip
    detail = f"P has density {gap.p:.3g} at x = {gap.x:.6g}, where Q has none"
    return Divergence(math.inf, 0.0, "bound", method="quadrature", n=found.n, status=Status.SUPPORT_GAP, detail=detail)


def _divergent(found: Integral) -> str:
    """Why the integral looks infinite, or nothing."""
    value, end = float(found.value[0]), float(found.ends[0])
    if not math.isfinite(value):
        return "p·log(p/q) grows without bound towards the end of the support"
    if not math.isfinite(end):
        return "p·log(p/q) does not fall off towards the end of the support"
    return ""


def _rises_again(p: Density, q: Density, support: Interval, breaks: Array) -> str:
    """Why it is infinite although p has long underflowed: log(p·log(p/q)·x) rises where log q leaves the doubles.

    A log-normal against a Gompertz falls to e^−1447 before it does.
    """
    for end, edge, sign in ((support.high, breaks[-1], 1.0), (support.low, breaks[0], -1.0)):
        if math.isfinite(end):
            continue
        reach = np.geomspace(max(abs(float(edge)), 1e-3), 1e150, 400)
        size = _log_terms(p, q, sign * reach)
        seen = np.flatnonzero(np.isfinite(size))
        if not len(seen) or seen[-1] == len(reach) - 1:
            continue
        low, high = reach[seen[-1]], reach[seen[-1] + 1]
        for _ in range(60):  # to the last point where both logarithms are numbers
            middle = math.sqrt(low * high)
            low, high = (middle, high) if np.isfinite(_log_terms(p, q, np.array([sign * middle]))[0]) else (low, middle)
        last = _log_terms(p, q, sign * low * np.linspace(0.97, 1.0, 21))
        if np.isfinite(last).all() and (np.diff(last) > 0).all() and last[-1] - last[0] > 0.3:
            return f"p·log(p/q) rises again towards x = {sign * low:.4g}, beyond which log q has no double"
    return ""


def _log_terms(p: Density, q: Density, x: Array) -> Array:
    """log(p·log(p/q)·|x|) where log p and log q are numbers, else −∞."""
    with np.errstate(all="ignore"):
        log_p, log_q = p._log_prob(x), q._log_prob(x)
        return np.where(np.isfinite(log_p + log_q), log_p + np.log(log_p - log_q) + np.log(np.abs(x)), -np.inf)


def _in_plane(p: Density, q: Density, request: Request) -> Divergence:
    p, error_p = _plane.normalise(p, "P")
    q, error_q = _plane.normalise(q, "Q")
    wanted = request.tolerance
    value, error, n, mass = math.nan, math.inf, 0, 0.0
    for level in range(_plane.LEVELS):
        x, w = _plane.nodes(p, level)
        n += len(x)
        log_p, log_q = _line.checked(p, x, "P"), _line.checked(q, x, "Q")
        if (log_q == -np.inf).any():
            worst = int(np.argmax(np.where(log_q == -np.inf, w, 0)))
            detail = f"P has mass at {np.array2string(x[worst], precision=6)}, where Q has none"
            return Divergence(
                math.inf, 0.0, "bound", method="quadrature", n=n, status=Status.SUPPORT_GAP, detail=detail
            )
        d = log_p - log_q
        mass = float(w.sum())
        last, value = value, float(w @ d)
        noise = 8 * EPS * float(w @ (1 + np.abs(log_p) + np.abs(log_q)))
        error = abs(value - last) + noise + abs(mass - 1) * (1 + abs(value))
        if error <= (wanted if wanted is not None else max(1e-10 * abs(value), 4 * noise)):
            break
    error += error_p + error_q
    goal = wanted if wanted is not None else max(1e-8 * abs(value), 1e-12)
    status = Status.OK if error <= goal + error_p + error_q else Status.TOLERANCE_MISSED
    return Divergence(value, error, "estimate", method="quadrature", n=n, status=status)
