"""Why an integral looks infinite: numerical evidence, where supports and declared tails prove nothing."""

from __future__ import annotations

import math

import numpy as np

from kullback._distribution import Density
from kullback._support import Array, place
from kullback.methods._beyond import Beyond, beyond
from kullback.methods._line import interval
from kullback.methods._pieces import Piece
from kullback.numerics.quadrature import FARTHEST, NEAREST, NEAREST_ROUNDINGS, Integral

EPS = float(np.finfo(float).eps)

HEAVY = 1.0  # a power of P's tail: with more of it nothing is left at 1e150
FALL = 1e-3  # the least power of the distance with which p·log(p/q)·distance must fall to have an integral

BEYOND = 1e250  # what no divergence between densities that doubles can hold comes to


def divergent(found: Integral) -> str:
    """Why the integral looks infinite, or nothing; the fourth row is P where log q is −∞."""
    value, end = float(found.value[0]), float(found.ends[0])
    if not math.isfinite(value):
        return "p·log(p/q) grows without bound towards the end of the support"
    if value > BEYOND and found.value[3] > 0:
        return "−log q leaves the doubles where P has mass"
    if not math.isfinite(end):
        return "p·log(p/q) does not fall off towards the end of the support"
    return ""


def far_tails(p: Density, q: Density) -> tuple[tuple[bool, bool], Beyond]:
    """At which ends P declares a power so small that mass is left beyond the doubles' reach, and what lies there."""
    stated = p.facts.tails, q.facts.tails
    if stated[0] is None or stated[1] is None:
        return (False, False), Beyond()
    ends = interval(p).low, interval(p).high
    found = [
        beyond(p, q, sign, 1.0, FARTHEST) if math.isinf(end) and tail.power < HEAVY else None
        for sign, end, tail in zip((-1, 1), ends, stated[0], strict=True)
    ]
    known = [None if tail is None or math.isinf(tail.error) else tail for tail in found]
    return (known[0] is not None, known[1] is not None), Beyond.join(tail for tail in known if tail is not None)


def out_of_sight(piece: Piece) -> tuple[str, float, float]:
    """What lies where log q has left the doubles: why it is infinite, or about how much it is, and its error.

    It is infinite if p·log(p/q)·distance does not fall there (a log-normal against a Gompertz falls to e^−1447
    before that); else it falls like a power of the distance at the least, and goes on so.
    """
    unseen = error = 0.0
    inside = interval(piece.p)
    within = piece.breaks[(piece.breaks > piece.low) & (piece.breaks < piece.high)]
    if not len(within):
        return "", 0.0, 0.0
    middle = float(within[len(within) // 2])
    for end, own, sign in ((piece.high, inside.high, 1.0), (piece.low, inside.low, -1.0)):
        if end != own:
            continue
        if math.isinf(end):
            gaps = np.diff(within)
            start, reach = middle, np.geomspace(np.median(gaps) if len(gaps) else 1.0, FARTHEST, 300)
        else:
            start, sign = end, -sign
            nearest = max(NEAREST, NEAREST_ROUNDINGS * EPS * abs(end))
            reach = np.geomspace(max(abs(end - middle), 2 * nearest), nearest, 300)
        found = _last_seen(piece.p, piece.q, start, sign * reach)
        if found is None:
            continue
        steps = 0.97 ** np.array([2.0, 1.0, 0.0])
        last = _log_terms(piece.p, piece.q, start, found * (steps if math.isinf(end) else 1 / steps))
        before, power = (float(d) for d in -np.diff(last) / math.log(1 / 0.97))
        if not power > FALL:
            x = piece.as_given(start + found)
            why = f"p·log(p/q) does not fall off towards x = {place(x)}, beyond which log q has no double"
            return why, math.inf, 0.0
        tail = math.exp(min(float(last[-1]), 700.0)) / power
        bend = abs(power - before) / (power * math.log(1 / 0.97))  # 0 for a power, 1 for an exponential
        unseen += tail
        error += tail * (0.01 + 2 * bend / power)
    return "", unseen, error


def _last_seen(p: Density, q: Density, start: float, reach: Array) -> float | None:
    """The farthest distance from `start` at which both logarithms are numbers, if log q is what ends there."""
    last = None
    for _ in range(5):
        size = _log_terms(p, q, start, reach)
        seen = np.flatnonzero(size > -np.inf)
        if not len(seen) or seen[-1] == len(reach) - 1:
            break
        last, beyond = float(reach[seen[-1]]), float(reach[seen[-1] + 1])
        reach = math.copysign(1.0, last) * np.geomspace(abs(last), abs(beyond), 64)
    if last is None:
        return None
    x = np.array([start + last, start + beyond])
    with np.errstate(all="ignore"):
        log_p, log_q = p._log_prob(x), q._log_prob(x)
    ended = math.isfinite(log_p[1]) and not math.isfinite(log_q[1])
    return last if ended and log_p[0] > log_q[0] else None


def _log_terms(p: Density, q: Density, start: float, d: Array) -> Array:
    """log(p·|log(p/q)|·|d|) at start + d where log p and log q are numbers, else −∞."""
    with np.errstate(all="ignore"):
        log_p, log_q = p._log_prob(start + d), q._log_prob(start + d)
        size = log_p + np.log(np.abs(log_p - log_q)) + np.log(np.abs(d))
        return np.where(np.isfinite(log_p + log_q), size, -np.inf)
