"""Between the two directions: Minka's alpha-divergence (1 − ∫ p^α q^(1−α)) / (α(1 − α)).

It is integrated in its non-negative form (α·p + (1 − α)·q − p^α q^(1−α)) / (α(1 − α)), which goes over into the terms
of KL(P‖Q) as α → 1 and of KL(Q‖P) as α → 0, so that nothing cancels at either end (Minka 2005, *Divergence measures
and message passing*). It is at most 1/(α(1 − α)), finite whatever the supports and the tails.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from kullback._distribution import Density
from kullback._result import Divergence, InputError, Status
from kullback._support import Array, Interval, Lattice
from kullback.methods import _line, _space
from kullback.methods._pace import affordable
from kullback.methods._parts import Part, parts
from kullback.methods._pieces import Piece, pieces
from kullback.methods.lattice import points
from kullback.numerics.quadrature import integrate
from kullback.numerics.terms import between, drift, rounding

EPS = float(np.finfo(float).eps)
RTOL = 1e-11
METHOD = "alpha quadrature"


def alpha_divergence(p: Density, q: Density, alpha: float) -> Divergence:
    """D_α(P, Q) in nats for 0 < α < 1, with an estimate of its error."""
    if isinstance(p.support, Lattice) and isinstance(q.support, Lattice):
        return _summed(p, q, alpha)
    if isinstance(p.support, Interval) and isinstance(q.support, Interval):
        return _on_line(p, q, alpha)
    if p.support.measure != q.support.measure or _space.serves(p) or _space.serves(q):
        raise InputError(
            f"the alpha-divergence of P on {p.support} and Q on {q.support} is not served: take two densities in one "
            "or two dimensions, or two masses on the integers"
        )
    return _in_plane(p, q, alpha)


def _on_line(p: Density, q: Density, alpha: float) -> Divergence:
    p, error_p = _line.normalise(p, "P")
    q, error_q = _line.normalise(q, "Q")
    a, b = _line.interval(p), _line.interval(q)
    both = Interval(max(a.low, b.low), min(a.high, b.high))
    if not both.low < both.high:
        return _told(1 / (alpha * (1 - alpha)), 0.0, 0, alpha, 1e-9)
    noise = p.facts.noise + q.facts.noise
    alone = _outside(p, both), _outside(q, both)  # mass where only one of the two lives
    value = alone[0][0] / (1 - alpha) + alone[1][0] / alpha
    error = alone[0][1] / (1 - alpha) + alone[1][1] / alpha
    n = 0
    for part in pieces(p, q, both):
        most = affordable(None, _line.MOST_POINTS, part.breaks, part.p, part.q)
        found = integrate(
            _rows(part, alpha), part.low, part.high, part.breaks,
            rtol=RTOL, atol=1e-32, drivers=1, max_points=most, noise=noise,
        )  # fmt: skip
        value += float(found.value[0])
        error += float(found.error[0]) + (2 * EPS + noise) * float(found.value[1])
        n += found.n
    error += (error_p + error_q) * (1 / min(alpha, 1 - alpha))
    return _told(value, error, n, alpha, 1e-9)


def _outside(f: Density, both: Interval) -> tuple[float, float]:
    """f's mass beyond the common support, and its error."""
    whole, breaks, total, error = _line.interval(f), _line.landmarks(f), 0.0, 0.0
    for low, high in ((whole.low, both.low), (both.high, whole.high)):
        if low < high:
            found = integrate(lambda x: np.exp(_line.checked(f, x, "the density"))[None], low, high, breaks)
            total, error = total + float(found.value[0]), error + float(found.error[0])
    return total, error


def _rows(part: Piece, alpha: float) -> Callable[[Array], Array]:
    p, q = part.p, part.q

    def rows(x: Array) -> Array:
        return _terms(_line.checked(p, x, "P"), _line.checked(q, x, "Q"), alpha)

    return rows


def _terms(log_p: Array, log_q: Array, alpha: float) -> Array:
    """The integrand, and how far rounding of the logarithms can move it."""
    in_p, in_q = np.exp(log_p), np.exp(log_q)
    moved = np.abs(drift(log_p, log_q, alpha)) + np.abs(drift(log_q, log_p, 1 - alpha))
    both = np.where((in_p > 0) & (in_q > 0), moved, 0.0)
    return np.stack([between(log_p, log_q, alpha), rounding(both, log_p, log_q)])


def _in_plane(p: Density, q: Density, alpha: float) -> Divergence:
    """Over the cells of every part of P and of Q, each of which takes its share of p + q."""
    p, error_p = _space.normalise(p, "P")
    q, error_q = _space.normalise(q, "Q")
    every = [*parts(p), *parts(q)]
    dim = len(every[0].centre)
    value, error, n = 0.0, 0.0, 0

    def rows(part: Part, x: Array, slope: Array) -> Array:
        log_p, log_q = _line.checked(p, x, "P"), _line.checked(q, x, "Q")
        total = np.logaddexp(log_p, log_q)
        with np.errstate(invalid="ignore", over="ignore"):
            mass = part.weight * np.exp(_line.checked(part.density, x, "the density") + slope)
            seen = (total > -np.inf) & np.isfinite(mass)
            terms = _terms(np.where(seen, log_p - total, -np.inf), np.where(seen, log_q - total, -np.inf), alpha)
        return np.where(seen, mass, 0.0) * terms

    for part in every:
        found = _space._over(
            part, [o for o in every if o is not part], rows,
            rtol=_space.RTOL[dim], atol=1e-13, drivers=1, max_points=_space.POINTS[dim] // len(every),
        )  # fmt: skip
        value += float(found.value[0])
        error += float(found.error[0]) + _space._noise(part) * EPS * float(found.value[1])
        n += found.n
    error += (error_p + error_q) * (1 / min(alpha, 1 - alpha))
    return _told(value, error, n, alpha, _space.GOAL[dim])


def _summed(p: Density, q: Density, alpha: float) -> Divergence:
    ks = [points(f, 1 << 22)[0] for f in (p, q)]
    k = np.arange(min(c[0] for c in ks), max(c[-1] for c in ks) + 1.0)
    terms = _terms(p._log_prob(k), q._log_prob(k), alpha)
    value = math.fsum(terms[0])
    unseen = sum(max(0.0, 1 - math.fsum(np.exp(f._log_prob(k)))) for f in (p, q))
    error = 2 * EPS * math.fsum(terms[1])
    if unseen > 1e-13:  # more than the rounding of a sum of masses
        error += unseen / (alpha * (1 - alpha))
    return _told(value, error, len(k), alpha, 1e-9)


def _told(value: float, error: float, n: int, alpha: float, goal: float) -> Divergence:
    status = Status.OK if error <= max(goal * abs(value), 1e-12) else Status.TOLERANCE_MISSED
    return Divergence(value, error, "estimate", direction=alpha, method=METHOD, n=n, status=status)
