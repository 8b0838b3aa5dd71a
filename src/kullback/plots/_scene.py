"""What a picture in one dimension shows: a window, and curves seen through it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kullback._distribution import Density
from kullback._measure._compare import line_window
from kullback._result import Fit
from kullback._support import Array, Interval
from kullback.methods import _line
from kullback.numerics.terms import between, gain
from kullback.plots import _ink

THRESHOLD = float(np.log(0.01))
TOLD = 0.005  # a missed or wasted share below this is not shaded


@dataclass(frozen=True)
class Curve:
    """Values at the scene's points, and how they are drawn."""

    name: str
    values: Array
    colour: str
    dashes: Any = "solid"
    filled: bool = False


@dataclass(frozen=True)
class Shade:
    """A part of the area under a curve, and what it is."""

    name: str
    values: Array
    where: Any
    colour: str


@dataclass(frozen=True)
class Scene:
    """All that the two panels show."""

    axis: str
    x: Array
    curves: Sequence[Curve]
    terms: Sequence[Curve]
    lattice: bool = False
    rug: Array | None = None
    shades: Sequence[Shade] = field(default_factory=tuple)


def log(d: Density, x: Array) -> Array:
    """log d at x; −∞ outside its support, where a callable may say anything."""
    with np.errstate(all="ignore"):
        values = np.asarray(d._log_prob(x))
        inside = np.asarray(d.support.contains(x))  # type: ignore[union-attr]
    return np.where(inside, values, -np.inf)


def seen(pair: Sequence[Fit], p: Density, x: Array) -> tuple[list[Curve], list[Curve]]:
    log_p = log(p, x)
    curves = [Curve("P", np.exp(log_p), _ink.TARGET_EDGE, filled=True)]
    terms = []
    for fit in pair:
        d, name = _ink.kind(fit), _ink.way(fit)
        log_q = log(fit.q, x)
        curves.append(Curve(f"{name} Q", np.exp(log_q), _ink.COLOURS[d], _ink.DASHES[d]))
        pays = paid(fit, log_p, log_q)
        terms.append(Curve(f"{name}: {_ink.INTEGRANDS[d]}", pays, _ink.COLOURS[d], _ink.DASHES[d]))
    return curves, terms


def paid(fit: Fit, log_p: Array, log_q: Array) -> Array:
    """The integrand of what the fit minimised."""
    if not isinstance(fit.direction, str):
        return between(log_p, log_q, fit.direction)
    return gain(log_p, log_q) if fit.direction == "forward" else gain(log_q, log_p)


def shaded(fit: Fit, p: Density, x: Array) -> list[Shade]:
    log_p, log_q = log(p, x), log(fit.q, x)
    colour = _ink.COLOURS[_ink.kind(fit)]
    found = []
    with np.errstate(invalid="ignore"):
        if fit.missed > TOLD:
            found.append(Shade("missed", np.exp(log_p), log_q - log_p < THRESHOLD, colour))
        if fit.wasted > TOLD:
            found.append(Shade("wasted", np.exp(log_q), log_p - log_q < THRESHOLD, colour))
    return found


def window(p: Density, others: Sequence[Density]) -> Array:
    """Points where something is to be seen: even ones, and those the quadrature of each density needs."""
    every = (p, *others)
    x = line_window(*every)
    densities = [np.exp(log(d, x)) for d in every]
    alive = np.any([d > 3e-3 * np.max(d, initial=0, where=np.isfinite(d)) for d in densities], axis=0)
    low, high = (float(x[i]) for i in np.flatnonzero(alive)[[0, -1]])
    reach = high - low
    ends = []
    for d in every:
        if isinstance(d.support, Interval):
            for end in (d.support.low, d.support.high):
                if low - 0.1 * reach < end < high + 0.1 * reach:
                    ends += [end - 1e-9 * reach, end + 1e-9 * reach]
    if ends:
        low, high = min(low, min(ends) - 0.04 * reach), max(high, max(ends) + 0.04 * reach)
    inner = [_thinned(_line.nodes(d, rtol=1e-6)[0], low, high) for d in every]
    every_x = np.unique(np.concatenate([np.linspace(low, high, 601), ends, *inner]))
    return np.asarray(every_x[(every_x >= low) & (every_x <= high)])


def _thinned(nodes: Array, low: float, high: float) -> Array:
    """At most a few hundred of the nodes within the window."""
    x = np.sort(nodes[(nodes >= low) & (nodes <= high)])
    return x[:: len(x) // 200 + 1]


def ceiling(x: Array, values: Array) -> float:
    """The height to show: a density that runs off at the end of its support is cut there."""
    here = np.isfinite(values) & (values != 0)
    if not here.any():
        return 0.0
    margin = 0.02 * (x[-1] - x[0])
    inner = here & (x > x[here][0] + margin) & (x < x[here][-1] - margin)
    top, usual = float(values[here].max()), float(values[inner].max(initial=0.0))
    return 1.6 * usual if 0 < 4 * usual < top else top


def finite(values: Array) -> Array:
    return np.where(np.isfinite(values), values, 0.0)


def lifted(x: Array, values: Array, reach: float) -> Array:
    """Without the parts that lie on the axis, where one line would hide another; all of it if all of it does."""
    size = np.nan_to_num(np.abs(values))
    risen = size > 4e-3 * reach
    for start, stop in _runs(risen):
        risen[start:stop] = size[start:stop].max() >= 0.012 * reach
    # Where a line only crosses the axis, or passes close to it for a moment, it is one line.
    for start, stop in _runs(~risen):
        inside = start > 0 and stop < len(x)
        risen[start:stop] = inside and x[stop] - x[start] < 0.06 * (x[-1] - x[0])
    # The points next to a visible one stay, so that the line ends on the axis.
    risen[1:-1] |= risen[:-2] | risen[2:]
    return np.where(risen, values, np.nan) if risen.any() else values


def _runs(here: Any) -> Array:
    """The first index of each run of True, and the one past it."""
    return np.flatnonzero(np.diff(np.concatenate([[0], here.astype(int), [0]]))).reshape(-1, 2)
