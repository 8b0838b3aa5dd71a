"""The mathematics, over any array namespace: what a divergence makes of two rows.

A divergence is a final class. `term` is its share at a class, never negative, the shares summing to the divergence.
`slope` is q·∂/∂log q of it, less a multiple of q: that multiple, so that the gradient with respect to Q's logits is
slope − q·Σ slope; what is common to a row stays out, for its rounding would not. `alone_p` and `alone_q` are (term,
slope) in units of the one mass where the other is absent; a term of None there makes the divergence infinite.
`swapped` is the same divergence with P and Q exchanged. A new divergence is one class.

Nothing is clamped and no epsilon is added. Where two branches meet, the arguments of the one not taken are replaced,
so that derivatives of any order pass.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from kullback.losses._pair import Pair

Alone = tuple[float | None, float]
Slope = tuple[Any, Any]
NEAR = 0.5  # |d| below which a term is summed as a series
FAR = 80.0  # |d| from which exp(d) is left out: beside it 1 vanishes, and float32 ends soon


class Forward(NamedTuple):
    """KL(P‖Q)."""

    @property
    def alone_p(self) -> Alone:
        return None, -1.0

    @property
    def alone_q(self) -> Alone:
        return 1.0, 1.0

    @property
    def swapped(self) -> Divergence:
        return Reverse()

    def term(self, x: Pair) -> Any:
        return over(x, x.p, x.d, x.excess)

    def slope(self, x: Pair) -> Slope:
        return x.excess, 0.0


class Reverse(NamedTuple):
    """KL(Q‖P). Where it is infinite, the slope is that of the classes both have."""

    @property
    def alone_p(self) -> Alone:
        return 1.0, 0.0

    @property
    def alone_q(self) -> Alone:
        return None, 0.0

    @property
    def swapped(self) -> Divergence:
        return Forward()

    def term(self, x: Pair) -> Any:
        return over(x, x.q, -x.d, -x.excess)

    def slope(self, x: Pair) -> Slope:
        return -x.q * x.level, -x.base


class Jeffreys(NamedTuple):
    """KL(P‖Q) + KL(Q‖P)."""

    @property
    def alone_p(self) -> Alone:
        return None, -1.0

    @property
    def alone_q(self) -> Alone:
        return None, 1.0

    @property
    def swapped(self) -> Divergence:
        return self

    def term(self, x: Pair) -> Any:
        return x.ops.xp.abs(x.excess) * x.ops.xp.abs(x.d)  # their signs are opposite

    def slope(self, x: Pair) -> Slope:
        return x.excess - x.q * x.level, -x.base


class Between(NamedTuple):
    """Minka's D_α = (1 − Σ p^α q^(1−α))/(α(1−α)), 0 < α < 1: to KL(Q‖P) at 0 and to KL(P‖Q) at 1."""

    alpha: float

    @property
    def alone_p(self) -> Alone:
        return 1.0 / (1.0 - self.alpha), 0.0

    @property
    def alone_q(self) -> Alone:
        return 1.0 / self.alpha, 1.0 / self.alpha

    @property
    def swapped(self) -> Divergence:
        return Between(1.0 - self.alpha)

    def term(self, x: Pair) -> Any:
        if self.alpha > 0.5:  # from the side whose parts do not cancel
            return self.swapped.term(x.swapped)
        xp, e = x.ops.xp, self.alpha * x.d
        small = xp.abs(e) < 1.0
        risen = xp.where(small, x.q * xp.expm1(xp.where(small, e, 0.0)), self._middle(x) - x.q)
        far = xp.abs(x.excess + risen / self.alpha)  # negative, but where masses underflow
        if x.near:
            near = x.q * (phi(x, -x.d) - phi(x, -e) / self.alpha)
            far = xp.where(xp.abs(x.d) < NEAR, near, far)
        return far / (1.0 - self.alpha)

    def slope(self, x: Pair) -> Slope:
        xp, (level, base) = x.ops.xp, x.finer
        e, shift = self.alpha * level, self.alpha * (base + 0.0 * x.q[..., :1])
        small = xp.abs(e) < 1.0
        unit = xp.exp(shift) * x.q
        risen = xp.where(small, unit * xp.expm1(xp.where(small, e, 0.0)), self._middle(x) - unit)
        return -risen / self.alpha, -xp.expm1(shift) / self.alpha

    def _middle(self, x: Pair) -> Any:
        """p^α q^(1−α), from the larger of the two."""
        xp, more = x.ops.xp, x.d > 0.0
        fall = xp.where(more, (1.0 - self.alpha) * x.d, -self.alpha * x.d)
        return xp.where(more, x.p, x.q) * xp.exp(-fall)


class JensenShannon(NamedTuple):
    """w·KL(P‖M) + (1−w)·KL(Q‖M), M = wP + (1−w)Q; scaled, divided by w(1−w): then it tends to KL(P‖Q) as w → 0 and
    to KL(Q‖P) as w → 1."""

    weight: float
    scaled: bool

    @property
    def _parts(self) -> tuple[float, float]:
        w = self.weight
        return (1.0 / (1.0 - w), 1.0 / w) if self.scaled else (w, 1.0 - w)

    @property
    def alone_p(self) -> Alone:
        return -math.log(self.weight) * self._parts[0], 0.0

    @property
    def alone_q(self) -> Alone:
        lost = -math.log1p(-self.weight) * self._parts[1]
        return lost, lost

    @property
    def swapped(self) -> Divergence:
        return JensenShannon(1.0 - self.weight, self.scaled)

    def term(self, x: Pair) -> Any:
        w, (u, v) = self.weight, self._parts
        a, b = mixed(x, x.d, w)
        return u * over(x, x.p, a, (1.0 - w) * x.excess) + v * over(x, x.q, b, -w * x.excess)

    def slope(self, x: Pair) -> Slope:
        level, tilted, _, lost = tilt(x, self.weight)
        return self._parts[1] * x.q * mixed(x, level, tilted)[1], self._parts[1] * lost


class SkewedForward(NamedTuple):
    """KL(P ‖ λP + (1−λ)Q), 0 < λ < 1."""

    skew: float

    @property
    def alone_p(self) -> Alone:
        return -math.log(self.skew) + self.skew - 1.0, 0.0

    @property
    def alone_q(self) -> Alone:
        return 1.0 - self.skew, 1.0 - self.skew

    @property
    def swapped(self) -> Divergence:
        return SkewedReverse(self.skew)

    def term(self, x: Pair) -> Any:
        return over(x, x.p, mixed(x, x.d, self.skew)[0], (1.0 - self.skew) * x.excess)

    def slope(self, x: Pair) -> Slope:
        xp, rest = x.ops.xp, 1.0 - self.skew
        level, tilted, lost, _ = tilt(x, self.skew)
        a = mixed(x, level, tilted)[0]
        return -rest * xp.exp(lost) * x.q * xp.expm1(a), -rest * xp.expm1(lost)


class SkewedReverse(NamedTuple):
    """KL(Q ‖ λQ + (1−λ)P), 0 < λ < 1."""

    skew: float

    @property
    def alone_p(self) -> Alone:
        return 1.0 - self.skew, 0.0

    @property
    def alone_q(self) -> Alone:
        lost = -math.log(self.skew) + self.skew - 1.0
        return lost, lost

    @property
    def swapped(self) -> Divergence:
        return SkewedForward(self.skew)

    def term(self, x: Pair) -> Any:
        return over(x, x.q, mixed(x, x.d, 1.0 - self.skew)[1], -(1.0 - self.skew) * x.excess)

    def slope(self, x: Pair) -> Slope:
        xp = x.ops.xp
        level, tilted, _, lost = tilt(x, 1.0 - self.skew)
        b = mixed(x, level, tilted)[1]
        return x.q * (b - self.skew * xp.exp(lost) * xp.expm1(b)), lost - self.skew * xp.expm1(lost)


Divergence = Forward | Reverse | Jeffreys | Between | JensenShannon | SkewedForward | SkewedReverse


def phi(x: Pair, d: Any) -> Any:
    """d + e^(−d) − 1 for |d| < ½, by its series: the three would cancel."""
    xp = x.ops.xp
    d = xp.where(xp.abs(d) < NEAR, d, 0.0)
    terms = 10 if x.ops.narrow else 15
    series = 1.0 / math.factorial(terms)
    for n in range(terms - 1, 1, -1):
        series = 1.0 / math.factorial(n) - d * series
    return d * d * series


def over(x: Pair, p: Any, d: Any, excess: Any) -> Any:
    """p·log(p/q) − p + q, of d = log(p/q) and excess = q − p."""
    far = p * d + excess
    if not x.near:
        return far
    return x.ops.xp.where(x.ops.xp.abs(d) < NEAR, p * phi(x, d), far)


def mixed(x: Pair, d: Any, weight: Any) -> tuple[Any, Any]:
    """log(p/m) and log(q/m) for d = log(p/q) and m = w·p + (1−w)·q."""
    xp = x.ops.xp
    if not x.near:  # plain logarithms do
        m = weight * x.p + (1.0 - weight) * x.q
        log_m = xp.log(xp.where(m > 0.0, m, 1.0))
        return x.log_p - log_m, x.log_q - log_m
    w = weight + 0.0 * d[..., :1]
    up, down = d > 1.0, d < -1.0
    fall = xp.exp(-xp.abs(d))
    a = -xp.log(xp.where(up, w + (1.0 - w) * fall, 1.0)) - xp.log1p(
        (1.0 - w) * xp.expm1(xp.where(up, 0.0, -_cut(xp, d)))
    )
    b = -xp.log(xp.where(down, 1.0 - w + w * fall, 1.0)) - xp.log1p(w * xp.expm1(xp.where(down, 0.0, _cut(xp, d))))
    return xp.where(d < -FAR, b + d, a), xp.where(d > FAR, a - d, b)


def _cut(xp: Any, d: Any) -> Any:
    return xp.where(xp.abs(d) > FAR, 0.0, d)


def tilt(x: Pair, w: float) -> tuple[Any, Any, Any, Any]:
    """The finer level, the weight that makes of it what w makes of d, and what log(p/m) and log(q/m) then lack."""
    level, base = x.finer
    if not x.near:
        return level, w, 0.0 * x.q[..., :1], 0.0 * x.q[..., :1]
    a, b = mixed(x, base + 0.0 * x.q[..., :1], w)
    return level, w * x.ops.xp.exp(a), a, b


def values(divergence: Divergence, x: Pair) -> Any:
    """The divergence of each row; the last axis is kept."""
    xp, total = x.ops.xp, x.ops.total
    (share_p, slope_p), (share_q, slope_q) = divergence.alone_p, divergence.alone_q
    term = _with_alone(divergence.term(x), x, share_p or 0.0, share_q or 0.0)
    if x.only_p is None:
        return total(term)
    if share_p is None:  # what is added to ∞ has the right derivatives
        term = term + xp.where(x.only_p, slope_p * x.p * x.log_q, 0.0)
    if share_q is None:
        term = term + xp.where(x.only_q, slope_q * x.q, 0.0)
    value = total(term)
    for share, alone in ((share_p, x.only_p), (share_q, x.only_q)):
        if share is None:
            value = value + xp.where(total(xp.where(alone, 1.0, 0.0)) > 0.0, math.inf, 0.0)
    return value


def gradient(divergence: Divergence, x: Pair) -> Any:
    """The derivative of each row's divergence with respect to Q's logits."""
    total = x.ops.total
    slope, lost = divergence.slope(x)
    slope = _with_alone(slope, x, divergence.alone_p[1], divergence.alone_q[1] - lost)
    if isinstance(divergence, Forward):  # its slopes sum to nothing
        if x.ops.narrow:
            return slope
        return x.ops.xp.where(x.q > 0.5, slope - total(slope), slope)
    g = slope - x.q * total(slope)
    return x.ops.xp.where(x.q > 0.5, g - total(g), g)  # near q = 1 it is a small difference: what the others leave


def _with_alone(term: Any, x: Pair, share_p: Any, share_q: Any) -> Any:
    xp = x.ops.xp
    if x.only_p is not None:
        term = xp.where(x.only_p, share_p * x.p, xp.where(x.only_q, share_q * x.q, term))
    return term
