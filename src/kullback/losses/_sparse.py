"""A shortened teacher beside a student that has all classes."""

from __future__ import annotations

from typing import Any

from kullback.losses._pair import Ops


def teacher(ops: Ops, log_probs: Any, log_tail: Any, tail: str) -> Any:
    """Logits of the teacher's few classes, the bucket last."""
    xp = ops.xp
    if tail != "bucket":
        return log_probs
    if log_tail is None:
        rest = 1.0 - ops.total(xp.exp(log_probs))
        log_tail = xp.where(rest > 0.0, xp.log(xp.where(rest > 0.0, rest, 1.0)), -xp.inf)
    return ops.join(log_probs, log_tail)


def student(ops: Ops, s: Any, ids: Any, tail: str, temperature: Any) -> Any:
    """The student's logits for the same classes."""
    xp = ops.xp
    kept = ops.pick(s, ids)
    if tail != "bucket":
        return kept
    rest = ops.put(s, ids, -xp.inf)
    top = ops.largest(rest)
    alive = top > -xp.inf
    shifted = (rest - xp.where(alive, top, 0.0)) / temperature
    mass = ops.total(xp.exp(shifted))
    log_mass = xp.log(xp.where(alive, mass, 1.0)) * temperature
    return ops.join(kept, xp.where(alive, top + log_mass, -xp.inf))


def spread(ops: Ops, g: Any, s: Any, ids: Any, tail: str, temperature: Any) -> Any:
    """The gradient with respect to all of the student's logits, from that with respect to the few."""
    xp = ops.xp
    if tail != "bucket":
        return ops.put(0.0 * xp.where(xp.isfinite(s), s, 0.0), ids, g)
    rest = ops.put(s, ids, -xp.inf)
    top = ops.largest(rest)
    mass = xp.exp((rest - xp.where(top > -xp.inf, top, 0.0)) / temperature)
    total = ops.total(mass)
    share = mass / xp.where(total > 0.0, total, 1.0)
    return ops.put(g[..., -1:] * share, ids, g[..., :-1])


def drawn(ops: Ops, s: Any, ids: Any, log_probs: Any, weights: Any, temperature: Any) -> Any:
    """Σ w·(log p − log q) over the entries: an unbiased estimate of KL(P‖Q), where Σ w estimates 1."""
    xp = ops.xp
    a = s - ops.largest(s)
    log_q = (ops.pick(a, ids)) / temperature - xp.log(ops.total(xp.exp(a / temperature)))
    counted = weights > 0.0
    gap = xp.where(counted, log_probs - log_q, 0.0)
    return ops.total(xp.where(counted, weights * gap, 0.0))


def drawn_gradient(ops: Ops, s: Any, ids: Any, weights: Any, temperature: Any) -> Any:
    """q·Σ w − w."""
    e = ops.xp.exp((s - ops.largest(s)) / temperature)
    return ops.add(e / ops.total(e) * ops.total(weights), ids, -weights)
