"""A density of the whole space carried onto a support by its bijection: the opposite of taking its ends away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kullback._distribution import Density, Facts, Tail, carrier, log_slope, unbound
from kullback._result import InputError
from kullback._support import Array, Box, Interval, Support, reals
from kullback._vocabulary._carried import carried
from kullback._vocabulary._space import mixture
from kullback._vocabulary._words import build

WORDS = {Interval(0.0): "log_normal", Interval(0.0, 1.0): "logit_normal"}


def onto(base: Density, support: Support) -> Density:
    """The density of g(U), where U has the density `base` and g carries the whole space onto the support.

    Its parameters are the base's; a normal carried onto (0, ∞) or (0, 1) is the word for it.
    """
    if base.support != reals(base.dim) or not isinstance(support, Interval | Box):
        raise InputError(f"{base} on {base.support} cannot be carried onto {support}: it takes an interval or a box")
    if support == reals(base.dim):
        return base
    if isinstance(support, Interval) and support in WORDS and base.family == "normal":
        found = build(WORDS[support], kwargs=base.parameters)
        assert isinstance(found, Density)
        return found
    if base.facts.components:
        parts = base.facts.components
        whole = mixture([w for w, _ in parts], [onto(part, support) for _, part in parts])
        facts = replace(whole.facts, base=(carrier(support), base), parameters=base.parameters)
        return Density(whole._log_prob, dim=whole.dim, support=support, vectorized=True, facts=facts, name=whole.name)
    return _on_line(base, support) if isinstance(support, Interval) else _on_box(base, support)


def _on_line(base: Density, support: Interval) -> Density:
    _, outward, inward = unbound(_shape(support), support)
    low, high = support.low, support.high

    def from_high(t: Array) -> Array:
        with np.errstate(divide="ignore"):
            if np.isinf(low):
                return base._log_prob(-np.log(t)) - np.log(t)
            rest = high - low - t
            u = np.log(rest) - np.log(t)
            return base._log_prob(u) + np.log(high - low) - np.log(t) - np.log(rest)

    return carried(
        base,
        carrier(support),
        outward,
        inward,
        lambda x: -log_slope(support, inward(x)),
        support,
        family=f"carried {base.family}" if base.family else "",
        parameters=base.parameters,
        tails=(Tail(), Tail()) if base.facts.tails and _light(base) else None,
        from_high=None if np.isinf(high) else from_high,
        name=f"carried {base.name}",
    )


def _light(base: Density) -> bool:
    """Whether its tails are those of a normal, so that the carried density falls faster than any power at its ends."""
    tails = base.facts.tails
    return tails is not None and all(tail.exponent > 1 for tail in tails)


def _shape(support: Interval) -> Density:
    """Any density of that support: only its chart is wanted."""
    return Density(lambda x: np.zeros(len(x)), support=support, vectorized=True, facts=Facts())


def _on_box(base: Density, support: Box) -> Density:
    empty = Density(lambda x: np.zeros(len(x)), dim=support.dim, support=support, vectorized=True, facts=Facts())
    _, outward, inward = unbound(empty)
    own = base.facts

    def log_prob(x: Array) -> Array:
        inside = np.asarray(support.contains(x))
        with np.errstate(all="ignore"):
            u = inward(x)
            value = base._log_prob(u) - log_slope(support, u)
        return np.where(inside & ~np.isnan(value) & (value < np.inf), value, -np.inf)

    def sample(rng: np.random.Generator, n: int) -> Array:
        assert own.sample is not None
        return outward(own.sample(rng, n))

    facts = Facts(
        family=f"carried {base.family}" if base.family else "",
        parameters=base.parameters,
        factors=tuple(onto(side, end) for side, end in zip(own.factors, support.sides, strict=False)),
        sample=None if own.sample is None else sample,
        underflows=own.underflows,
        noise=own.noise,
        base=(carrier(support), base),
    )
    return Density(
        log_prob, dim=support.dim, support=support, vectorized=True, facts=facts, name=f"carried {base.name}"
    )
