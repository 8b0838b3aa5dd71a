"""A density seen from a point, in a unit: by its own formula where the arithmetic would round digits away."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from kullback._distribution._density import Density
from kullback._support import Array, Interval

EPS = float(np.finfo(float).eps)


def moved(f: Density, loc: float, scale: float = 1.0) -> Density:
    """The density of (X − loc)/scale on the line."""
    if loc == 0 and scale == 1:
        return f
    return f.facts.moved(loc, scale) if f.facts.moved is not None else translated(f, loc, scale)


def as_given(f: Density, x: float) -> float:
    """A point of a density that was moved, in the coordinate that it was given in."""
    loc, scale = f.facts.view
    return loc + scale * x


def translated(f: Density, loc: float, scale: float = 1.0, log_prob: Callable[[Array], Array] | None = None) -> Density:
    """The same by f's formula at loc + scale·t, or by `log_prob` of t."""
    assert isinstance(f.support, Interval)
    inner, quantile, moments, log_scale = f._log_prob, f.facts.quantile, f.facts.moments, math.log(scale)

    def there(t: Array) -> Array:
        return inner(loc + scale * t) + log_scale

    def again(a: float, s: float) -> Density:
        return translated(f, loc + scale * a, scale * s) if log_prob is None else translated(found, a, s)

    facts = replace(
        f.facts,
        family="",
        parameters={},
        base=None,
        power_gamma=None,
        moments=None if moments is None else ((moments[0] - loc) / scale, moments[1] / scale / scale),
        entropy=None if f.facts.entropy is None else f.facts.entropy - log_scale,
        landmarks=tuple((x - loc) / scale for x in f.facts.landmarks),
        quantile=None if quantile is None else lambda u: (quantile(u) - loc) / scale,
        components=tuple((w, moved(part, loc, scale)) for w, part in f.facts.components),
        breaks=tuple((b - loc) / scale for b in f.facts.breaks),
        frame=((f.facts.frame[0] - loc) / scale, f.facts.frame[1] / scale),
        moved=again,
        view=(0.0, 1.0),
        noise=f.facts.noise + (EPS * abs(log_scale) if log_prob is None else 0.0),  # a log density and its unit cancel
    )
    support = Interval((f.support.low - loc) / scale, (f.support.high - loc) / scale)
    found = Density(log_prob or there, support=support, vectorized=True, facts=facts, name=f.name)
    return found
