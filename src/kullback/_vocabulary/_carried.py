"""A variable carried by a bijection: X = g(Z)."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from kullback._distribution import Density, Facts, Tail, moved, translated
from kullback._support import Array, Interval
from kullback._vocabulary._places import frame as place
from kullback._vocabulary._words import replaced

EPS = float(np.finfo(float).eps)


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
    move: Callable[[float, float], Density] | None = None,
    frame: tuple[float, float] | None = None,
    free: Callable[[], Density] | None = None,
    name: str = "",
) -> Density:
    """The density of g(Z): `forward` is g, which rises, and `log_slope` the logarithm of the slope of its inverse.

    `from_high(t)` is the log density at high − t; `move(a, s)` is the density of (X − a)/s.
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

    def seen(a: float, s: float) -> Density:
        if move is not None:
            return move(a, s)
        if from_high is not None and (a, s) == (support.high, 1):
            return translated(found, a, log_prob=lambda t: from_high(-t))
        return replaced(found, a, s) or translated(found, a, s)

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
        moved=seen,
        frame=place(family, parameters or {}) if frame is None else frame,
        underflows=own.underflows,
        noise=own.noise + EPS * abs(own.frame[0]) / own.frame[1],
        free=free,
        base=(key, base),
    )
    found = Density(log_prob, support=support, vectorized=True, facts=facts, name=name)
    return found


def shifted(base: Density, loc: float, scale: float = 1.0) -> Density:
    """loc + scale·Z."""
    assert isinstance(base.support, Interval)
    low, high = base.support.low, base.support.high

    def move(a: float, s: float) -> Density:
        plain, at = replaced(base, 0.0, s / scale), (loc - a) / s
        for side, end in enumerate((low, high)):
            if end != 0 and loc != a == loc + scale * end:  # from its own end, Z may know better than by subtraction
                if plain is None:
                    return shifted(moved(base, end), 0.0, scale / s)
                assert isinstance(plain.support, Interval)
                return moved(plain, (plain.support.low, plain.support.high)[side])
        if plain is None:
            return base if (at, scale) == (0, s) else shifted(base, at, scale / s)
        return plain if at == 0 else shifted(plain, at)

    moments, entropy, (inner, size) = base.facts.moments, base.facts.entropy, base.facts.frame
    moments, entropy = base.facts.moments, base.facts.entropy
    same = scale == 1 or (math.isfinite(low) and math.isfinite(high))  # the coordinates without ends are those of Z
    return carried(
        base,
        ("affine", loc, scale),
        lambda z: loc + scale * z,
        lambda x: (x - loc) / scale,
        lambda x: np.full(x.shape, -np.log(scale)),
        Interval(loc + scale * low, loc + scale * high),
        moments=None if moments is None else (loc + scale * moments[0], scale * scale * moments[1]),
        entropy=None if entropy is None else entropy + float(np.log(scale)),
        tails=base.facts.tails,
        move=move,
        frame=(loc + scale * inner, scale * size),
        free=base.facts.free if same else None,
        name=f"{loc:g} + {base}" if scale == 1 else f"{loc:g} + {scale:g}·{base}",
    )
