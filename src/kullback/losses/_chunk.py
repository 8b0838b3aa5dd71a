"""A few rows of P and Q of any kind: their divergences, and the gradients with respect to what was given."""

from __future__ import annotations

from typing import Any, NamedTuple

from kullback.losses import _sparse
from kullback.losses._divergences import Divergence, gradient, values
from kullback.losses._pair import Ops, Pair, pair


class Plan(NamedTuple):
    """What is done with the rows, apart from their numbers. A kind is logits, probs or (of P) top."""

    divergence: Divergence
    p_kind: str = "logits"
    q_kind: str = "logits"
    tail: str = ""


class Top(NamedTuple):
    ids: Any
    log_probs: Any
    weights: Any
    log_tail: Any


def value(ops: Ops, plan: Plan, p: Any, q: Any, temperature: Any, **how: bool) -> Any:
    """The divergence of each row; the last axis is kept."""
    if plan.tail == "draws":
        s = _logits(ops, q, plan.q_kind)
        return _sparse.drawn(ops, s, p.ids, p.log_probs, p.weights, temperature)
    return values(plan.divergence, pair_of(ops, plan, p, q, temperature, **how))


def value_and_gradients(
    ops: Ops, plan: Plan, p: Any, q: Any, temperature: Any, needs: tuple[bool, bool], **how: bool
) -> tuple[Any, Any, Any]:
    """The same with the gradients of P and of Q, or None where they are not needed."""
    s = _logits(ops, q, plan.q_kind)
    if plan.tail == "draws":
        v = _sparse.drawn(ops, s, p.ids, p.log_probs, p.weights, temperature)
        g = _sparse.drawn_gradient(ops, s, p.ids, p.weights, temperature) / temperature if needs[1] else None
        return v, None, g if g is None else _of(ops, g, q, plan.q_kind)
    x = pair_of(ops, plan, p, q, temperature, **how)
    v = values(plan.divergence, x)
    g_p = gradient(plan.divergence.swapped, x.swapped) / temperature if needs[0] else None
    g_q = gradient(plan.divergence, x) / temperature if needs[1] else None
    if g_p is not None:
        g_p = _of(ops, g_p, p, plan.p_kind)
    if g_q is not None:
        if plan.tail:
            g_q = _sparse.spread(ops, g_q, s, p.ids, plan.tail, temperature)
        g_q = _of(ops, g_q, q, plan.q_kind)
    return v, g_p, g_q


def pair_of(ops: Ops, plan: Plan, p: Any, q: Any, temperature: Any, **how: bool) -> Pair:
    s = _logits(ops, q, plan.q_kind)
    if plan.tail:
        t = _sparse.teacher(ops, p.log_probs, p.log_tail, plan.tail) * temperature
        s = _sparse.student(ops, s, p.ids, plan.tail, temperature)
    else:
        t = _logits(ops, p, plan.p_kind)
    return pair(ops, t, s, temperature, **how)


def _logits(ops: Ops, x: Any, kind: str) -> Any:
    if kind != "probs":
        return x
    xp = ops.xp
    return xp.where(x > 0.0, xp.log(xp.where(x > 0.0, x, 1.0)), xp.where(x == 0.0, -xp.inf, xp.nan))


def _of(ops: Ops, g: Any, x: Any, kind: str) -> Any:
    """The gradient with respect to the probabilities, from that with respect to their logarithms."""
    return g if kind != "probs" else ops.xp.where(x > 0.0, g / ops.xp.where(x > 0.0, x, 1.0), 0.0)
