"""A variable carried by a bijection: X = g(Z)."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from kullback._distribution import Density, Facts, Tail, translated
from kullback._distribution import moved as moved_to
from kullback._result import InputError
from kullback._support import Array, Interval


def carried(
    base: Density,
    key: Hashable,
    forward: Callable[[Array], Array],
    inverse: Callable[[Array], Array],
    log_slope: Callable[[Array], Array],
    support: Interval,
    *,
    family: str = "",
    parameters: dict[str, Any] | None = None,
    moments: tuple[float, float] | None = None,
    entropy: float | None = None,
    tails: tuple[Tail, Tail] | None = None,
    from_high: Callable[[Array], Array] | None = None,
    moved: Callable[[float], Density] | None = None,
    name: str = "",
) -> Density:
    """The density of g(Z): `forward` is g, which rises, and `log_slope` the logarithm of the slope of its inverse.

    `from_high(t)` is the log density at high − t, where that difference would round t away.
    """
    own = base.facts

    def log_prob(x: Array) -> Array:
        inside = support.contains(x)
        with np.errstate(all="ignore"):
            value = base._log_prob(inverse(x)) + log_slope(x)
        return np.where(inside & ~np.isnan(value) & (value < np.inf), value, -np.inf)

    def quantile(u: Array) -> Array:
        assert own.quantile is not None
        with np.errstate(over="ignore"):
            return forward(own.quantile(u))

    def sample(rng: np.random.Generator, n: int) -> Array:
        assert own.sample is not None
        return forward(own.sample(rng, n))

    def seen_from(a: float) -> Density:
        if from_high is not None and a == support.high:
            return translated(found, a, lambda t: from_high(-t))
        return translated(found, a)

    facts = Facts(
        family=family,
        parameters=parameters or {},
        quantile=None if own.quantile is None else quantile,
        moments=moments,
        entropy=entropy,
        tails=tails,
        breaks=tuple(float(b) for b in forward(np.asarray(own.breaks, dtype=float))),
        sample=None if own.sample is None else sample,
        transport=None if own.quantile is None else (1, lambda u: quantile(u[:, 0])),
        moved=moved or seen_from,
        underflows=own.underflows,
        base=(key, base),
    )
    found = Density(log_prob, support=support, vectorized=True, facts=facts, name=name)
    return found


def shifted(base: Density, loc: float, scale: float = 1.0) -> Density:
    """loc + scale·Z."""
    assert isinstance(base.support, Interval)
    if loc + scale * base.support.low == loc + scale * base.support.high:
        raise InputError(f"{loc:g} + {scale:g}·{base} has no width in doubles; shift it towards 0")
    moments, entropy = base.facts.moments, base.facts.entropy
    high = base.support.high

    def seen_from(a: float) -> Density:
        if a == loc + scale * high:  # doubles may be finer there
            return shifted(moved_to(base, high), 0.0, scale)
        return shifted(base, loc - a, scale)

    return carried(
        base,
        ("affine", loc, scale),
        lambda z: loc + scale * z,
        lambda x: (x - loc) / scale,
        lambda x: np.full(x.shape, -np.log(scale)),
        Interval(loc + scale * base.support.low, loc + scale * base.support.high),
        moments=None if moments is None else (loc + scale * moments[0], scale * scale * moments[1]),
        entropy=None if entropy is None else entropy + float(np.log(scale)),
        tails=base.facts.tails,
        moved=seen_from,
        name=f"{loc:g} + {base}" if scale == 1 else f"{loc:g} + {scale:g}·{base}",
    )
