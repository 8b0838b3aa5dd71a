"""A density seen from a point: X − a, by its own formula where subtraction would round digits away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kullback._distribution._density import Density
from kullback._support import Array, Interval


def moved(f: Density, a: float) -> Density:
    """The density of X − a on the line."""
    if a == 0:
        return f
    return f.facts.moved(a) if f.facts.moved is not None else translated(f, a)


def translated(f: Density, a: float, log_prob: Callable[[Array], Array] | None = None) -> Density:
    """The same by f's formula at a + t, or by `log_prob` of t."""
    assert isinstance(f.support, Interval)
    inner, quantile = f._log_prob, f.facts.quantile
    facts = replace(
        f.facts,
        parameters={},
        base=None,
        power_gamma=None,
        landmarks=tuple(x - a for x in f.facts.landmarks),
        quantile=None if quantile is None else lambda u: quantile(u) - a,
        components=tuple((w, moved(part, a)) for w, part in f.facts.components),
        breaks=tuple(b - a for b in f.facts.breaks),
        frame=(f.facts.frame[0] - a, f.facts.frame[1]),
        moved=lambda b: translated(f, a + b) if log_prob is None else translated(found, b),
    )
    support = Interval(f.support.low - a, f.support.high - a)
    there = log_prob or (lambda t: inner(a + t))
    found = Density(there, support=support, vectorized=True, facts=facts, name=f.name)
    return found
