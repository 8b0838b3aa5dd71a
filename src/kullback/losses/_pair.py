"""Two rows of logits as two distributions: masses, log ratio and difference, each as good as the numbers allow.

*Wide* arithmetic has twice the digits of the logits, and takes differences as they come. *Narrow* arithmetic has no
more digits than the logits have: there t − s is carried with its rounding error and loses its common part, and the two
normalising sums are compared by Σ p·expm1(−u), whose error is in proportion to q − p.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

CLOSE = 40.0  # the most by which the largest of the classes both have may lie lower in one than in the other


class Ops(NamedTuple):
    """What is needed of an array library: its namespace, and along the last axis, which is kept, the sum, the largest
    (a constant to derivatives), its index, the entries at indices, entries set or added to, and one put after the
    last."""

    xp: Any
    total: Callable[[Any], Any]
    largest: Callable[[Any], Any]
    place: Callable[[Any], Any]
    pick: Callable[[Any, Any], Any]
    put: Callable[[Any, Any, Any], Any]
    add: Callable[[Any, Any, Any], Any]
    join: Callable[[Any, Any], Any]
    narrow: bool
    ghost: Callable[[Any], Any] = lambda _: 0.0  # for a logit of −∞: 0, with the derivative of the logit


class Pair(NamedTuple):
    """p and q; d = log p − log q where both are positive, else 0; d = level + base, where base is one number a row and
    level has the finer digits near Q's mean; excess = q − p; only_p and only_q say where one alone is (None: nowhere).
    With near=False terms may be off by the rounding of d."""

    ops: Ops
    p: Any
    q: Any
    d: Any
    level: Any
    base: Any
    excess: Any
    log_p: Any
    log_q: Any
    only_p: Any
    only_q: Any
    near: bool

    @property
    def finer(self) -> tuple[Any, Any]:
        """level and base for what is not linear in them: where base is small, else d and 0."""
        small = self.ops.xp.abs(self.base) < 1.0 if self.ops.narrow else None
        if small is None:
            return self.d, 0.0
        return self.ops.xp.where(small, self.level, self.d), self.ops.xp.where(small, self.base, 0.0)

    @property
    def swapped(self) -> Pair:
        return self._replace(
            p=self.q,
            q=self.p,
            d=-self.d,
            level=-self.level,
            base=-self.base,
            excess=-self.excess,
            log_p=self.log_q,
            log_q=self.log_p,
            only_p=self.only_q,
            only_q=self.only_p,
        )


class Side(NamedTuple):
    """Masses, logits less the largest, their sum and its logarithm, and where there is no mass (None: nowhere)."""

    mass: Any
    logit: Any
    sum: Any
    log_sum: Any
    dead: Any


def pair(ops: Ops, t: Any, s: Any, temperature: Any = 1.0, *, gaps: bool = True, near: bool = True) -> Pair:
    """P from the logits t and Q from s, over their last axis. gaps=False: no logit is −∞."""
    p, q = side(ops, t, temperature, gaps), side(ops, s, temperature, gaps)
    d = (p.logit - q.logit) - (p.log_sum - q.log_sum)
    level, base, excess = d, 0.0, q.mass - p.mass
    only_p = only_q = None
    if gaps:
        d = level = ops.xp.where(p.dead | q.dead, 0.0, d)
        only_p, only_q = q.dead & ~p.dead, p.dead & ~q.dead
    if ops.narrow:
        d, level, base, excess = _refined(ops, t, s, temperature, p, q, d, excess)
    log_p, log_q = p.logit - p.log_sum, q.logit - q.log_sum
    return Pair(ops, p.mass, q.mass, d, level, base, excess, log_p, log_q, only_p, only_q, near)


def side(ops: Ops, t: Any, temperature: Any, gaps: bool) -> Side:
    xp = ops.xp
    dead = xp.isneginf(t) if gaps else None
    a = t - ops.largest(t)
    if gaps:
        a = xp.where(dead, ops.ghost(t), a)
    a = a / temperature
    e = xp.exp(a)
    if gaps:
        e = xp.where(dead, 0.0, e)
    z = ops.total(e)
    return Side(e / z, a, z, xp.log(z), dead)


def _refined(ops: Ops, t: Any, s: Any, temperature: Any, p: Side, q: Side, d: Any, excess: Any) -> tuple[Any, ...]:
    """d, level, base and excess with the digits that the logits have."""
    xp = ops.xp
    both = ~(p.dead | q.dead)
    top_t, top_s = (ops.largest(xp.where(both, x, -xp.inf)) for x in (t, s))
    shared = top_t > -xp.inf
    top_t, top_s = xp.where(shared, top_t, 0.0), xp.where(shared, top_s, 0.0)
    high, low = _difference(xp.where(both, t, 0.0), xp.where(both, s, 0.0))
    common, rest = _difference(top_t, top_s)
    u = xp.where(both, ((high - common) + (low - rest)) / temperature, 0.0)
    step = ((ops.largest(s) - top_s) - (ops.largest(t) - top_t)) / temperature
    close = shared & (xp.abs(step) < CLOSE)
    unit = xp.exp(xp.where(close, step, 0.0)) * (q.sum / p.sum)  # exp(−u)·p is this times q
    small = both & (xp.abs(u) < 1.0)
    w = xp.where(small, p.mass * xp.expm1(xp.where(small, -u, 0.0)), unit * q.mass - p.mass)
    r = ops.total(w)  # the ratio of the sums, less one
    close = close & (r > -0.5)  # below, their logarithms differ by enough
    r = xp.where(close, r, 0.0)
    base = xp.log1p(r)
    d = xp.where(both & close, u + base, d)
    excess = xp.where(close & (xp.abs(d) < 1.0), (w - p.mass * r) / (1.0 + r), excess)
    # the level is counted from its mean under Q, where its digits are needed
    mean = common + ops.total(q.mass * u) * temperature
    level = xp.where(both, ((high - mean) + low) / temperature, 0.0)
    ratio = xp.where(close, base, step - (p.log_sum - q.log_sum))
    base = ratio + ((mean - common) - rest) / temperature
    return d, xp.where(shared, level, d), xp.where(shared, base, 0.0), excess


def _difference(x: Any, y: Any) -> tuple[Any, Any]:
    """x − y and what rounding took from it."""
    d = x - y
    back = d - x
    return d, (x - (d - back)) - (y + back)
