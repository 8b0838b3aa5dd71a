"""A density seen in coordinates without ends: U with X = g(U), by the bijection of X's support.

g is exp towards (0, ∞), its mirror image towards (−∞, 0), the logistic function towards (a, b), the softmax towards a
simplex, and coordinate by coordinate on a box. A divergence between two densities on one support is that of their U.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from kullback._distribution import _charts
from kullback._distribution._density import Density, Facts, Tail
from kullback._distribution._moved import moved, translated
from kullback._result import InputError
from kullback._support import Array, Box, Interval, Simplex, Support, is_subset, reals

Map = Callable[[Array], Array]


class Unbound(NamedTuple):
    """The density of U on the whole space, and the maps u → x and x → u of batches (n,) or (n, d)."""

    density: Density
    outward: Map
    inward: Map


def unbound(f: Density, chart: Support | None = None) -> Unbound:
    """X's density in unconstrained coordinates u: log p(g(u)) + log |dg/du|, on the whole line or space.

    Its `facts.grad` is there if f's is; a density that lives on the whole space already is returned as it is. With a
    larger `chart` g is the bijection of that, and U lives on an interval or a box.

    Examples
    --------
    >>> import kullback as kl
    >>> from kullback.sources import as_distribution
    >>> u = unbound(as_distribution("log_normal(1, 2)", "p"))
    >>> u.density, u.outward(u.inward(np.array([3.0]))).round(12)
    (normal(loc=1, scale=2), array([3.]))
    """
    support = f.support if chart is None else chart
    dim = _charts.free(support)
    if not dim or not is_subset(f.support, support):
        raise InputError(f"{f} lives on {support}, which no bijection here carries to the whole space")
    outward, inward = partial(_outward, support), partial(_inward, support)
    if support == reals(dim):
        return Unbound(f, outward, inward)
    if isinstance(support, Interval):
        return Unbound(_on_line(f, support), outward, inward)
    if f.support != support:
        raise InputError(f"{f} lives on {f.support}, a part of {support}: in more than one dimension take it whole")
    return Unbound(_in_space(f, support, dim), outward, inward)


def log_slope(support: Support, u: Array) -> Array:
    """log |dx/du| at u (n,) or (n, d)."""
    return _box_or(support, u)[1]


def _outward(support: Support, u: Array) -> Array:
    x = _box_or(support, u)[0]
    return x[:, 0] if isinstance(support, Interval) else x


def _inward(support: Support, x: Array) -> Array:
    if isinstance(support, Interval):
        return _charts.inward(Box((support,)), np.asarray(x)[:, None])[:, 0]
    return _charts.inward(support, np.asarray(x))


def _box_or(support: Support, u: Array) -> tuple[Array, Array]:
    if isinstance(support, Interval):
        return _charts.outward(Box((support,)), np.asarray(u)[:, None])
    return _charts.outward(support, np.asarray(u))


def _on_line(f: Density, support: Interval) -> Density:
    known = f.facts.base
    if known is not None and known[0] == carrier(support) and known[1].support == Interval():
        return known[1]  # X is g(Z) by the very same g
    if f.facts.free is not None and f.support == support:
        return f.facts.free()
    evaluate = _from_ends(f, support)

    def within(u: Array) -> Array:
        return evaluate(u) + log_slope(support, u)

    def log_prob(u: Array) -> Array:
        far = np.abs(u) > _charts.FARTHEST
        return _continued(within, u, far) if far.any() else within(u)

    facts = replace(
        _facts(f, support, 1),
        **_line_facts(f, support),
        moved=None if f.anonymous else lambda a, s: translated(found, a, s),
    )
    assert isinstance(f.support, Interval)
    low, high = _inward(support, np.array([f.support.low, f.support.high]))
    found = Density(
        log_prob, support=Interval(low, high), vectorized=True, normalized=f.normalized, facts=facts, name=_name(f)
    )
    return found


def _continued(within: Map, u: Array, far: Array) -> Array:
    """Where doubles cannot tell x from an end any more, the log density goes on at its last slope."""
    found = np.empty(u.shape)
    found[~far] = within(u[~far])
    side = np.sign(u[far])
    last, before = within(side * _charts.FARTHEST), within(side * (_charts.FARTHEST - 50))
    with np.errstate(invalid="ignore", over="ignore"):
        step = (last - before) / 50
        found[far] = np.where(last == -np.inf, -np.inf, last + step * (np.abs(u[far]) - _charts.FARTHEST))
    return found


def carrier(support: Support) -> Hashable:
    """The name of g, as `Facts.base` has it: of two variables with one name the divergence is that of their U."""
    if support == Interval(0.0):
        return ("exp",)
    return ("logistic",) if support == Interval(0.0, 1.0) else ("onto", support)


def _from_ends(f: Density, support: Interval) -> Map:
    """log f(g(u)), near a finite end other than 0 by f's own formula there: in x that distance would be rounded."""
    low, high = support.low, support.high
    if f.support != support or f.facts.moved is None or (low in (0.0, -math.inf) and high in (0.0, math.inf)):
        return lambda u: f._log_prob(_outward(support, u))
    at_low = f if low in (0.0, -math.inf) else moved(f, low)
    at_high = f if high in (0.0, math.inf) else moved(f, high)

    def log_prob(u: Array) -> Array:
        if math.isinf(high):
            return at_low._log_prob(np.exp(np.clip(u, -_charts.FARTHEST, _charts.FARTHEST)))
        if math.isinf(low):
            return at_high._log_prob(-np.exp(-np.clip(u, -_charts.FARTHEST, _charts.FARTHEST)))
        near = np.exp(-np.minimum(np.abs(u), _charts.FARTHEST))
        step = (high - low) * near / (1 + near)
        return np.where(u < 0, at_low._log_prob(step), at_high._log_prob(-step))

    return log_prob


def _line_facts(f: Density, support: Interval) -> dict[str, Any]:
    own = f.facts
    quantile = own.quantile

    def carried(u: Array) -> Array:
        assert quantile is not None
        return _finite(_inward(support, quantile(u)))

    parts = own.components if all(is_subset(part.support, support) for _, part in own.components) else ()
    found: dict[str, Any] = {
        "quantile": None if quantile is None else carried,
        "transport": None if quantile is None else (1, lambda u: carried(u[:, 0])),
        "components": tuple((w, _on_line(part, support)) for w, part in parts),
        "breaks": tuple(_inside(support, own.breaks)),
        "landmarks": tuple(_inside(support, own.landmarks)),
        "tails": _tails(own.tails) if f.support == support else None,
    }
    power = own.power_gamma
    if power is not None and not power.logged and f.support == support == Interval(0.0):
        found["power_gamma"] = replace(power, logged=True)
        found["moments"] = (power.log_mean, power.log_variance)
        found["entropy"] = power.log_entropy
    return found


def _inside(support: Interval, points: Any) -> Array:
    x = np.asarray(points, dtype=np.float64)
    return _inward(support, x[(x > support.low) & (x < support.high)])


def _tails(tails: tuple[Tail, Tail] | None) -> tuple[Tail, Tail] | None:
    """A power y^−(c+1) of the distance becomes exp(−c·|u|); of what falls otherwise nothing is said."""
    if tails is None or not all(0 < tail.power < math.inf for tail in tails):
        return None
    return Tail(exponent=1.0), Tail(exponent=1.0)


def _in_space(f: Density, support: Support, dim: int) -> Density:
    known = f.facts.base
    if known is not None and known[0] == carrier(support) and known[1].support == reals(dim):
        return known[1]
    if f.facts.free is not None:
        return f.facts.free()
    factors = tuple(unbound(side).density for side in f.facts.factors) if isinstance(support, Box) else ()
    facts = _facts(f, support, dim)
    parts = [part for _, part in f.facts.components]
    if parts and all(part.support == support for part in parts):
        carried = tuple((w, _in_space(part, support, dim)) for w, part in f.facts.components)
        facts = replace(facts, components=carried)
    if factors:
        facts = replace(facts, **_of_factors(factors))

    def log_prob(u: Array) -> Array:
        if facts.components:
            with np.errstate(divide="ignore"):
                terms = np.stack([part._log_prob(u) + math.log(w) for w, part in facts.components])
                return np.asarray(np.logaddexp.reduce(terms, axis=0))
        if factors:  # each coordinate from its own ends
            with np.errstate(over="ignore"):
                return np.asarray(sum(side._log_prob(u[:, i]) for i, side in enumerate(factors)))
        x, slope = _charts.outward(support, u)
        return f._log_prob(x) + slope

    return Density(
        log_prob,
        dim=dim,
        support=reals(dim),
        vectorized=True,
        normalized=f.normalized,
        facts=replace(facts, factors=factors),
        name=_name(f),
    )


def _of_factors(factors: tuple[Density, ...]) -> dict[str, Any]:
    """How independent coordinates draw, and where the whole has its moments."""
    quantiles = [side.facts.quantile for side in factors]
    samples = [side.facts.sample for side in factors]
    moments = [side.facts.moments for side in factors]
    found: dict[str, Any] = {}
    if None not in quantiles:
        found["transport"] = (
            len(factors),
            lambda u: np.column_stack([f(u[:, i]) for i, f in enumerate(quantiles) if f is not None]),
        )
    if None not in samples:
        found["sample"] = lambda rng, n: np.column_stack([f(rng, n) for f in samples if f is not None])
    if None not in moments:
        pairs = [m for m in moments if m is not None]
        found["moments"] = (np.array([m for m, _ in pairs]), np.diag([v for _, v in pairs]))
    return found


def _facts(f: Density, support: Support, dim: int) -> Facts:
    """What is true of U in any dimension."""
    draw, grad = f.facts.sample, f.facts.grad

    def sample(rng: np.random.Generator, n: int) -> Array:
        assert draw is not None
        return _finite(_inward(support, draw(rng, n)))

    def gradient(u: Array) -> Array:
        assert grad is not None
        slope, bend = _derivatives(support, u)
        return np.asarray(grad(_outward(support, u)) * slope + bend)

    known = not f.anonymous
    return Facts(
        family=f"unbound {f.facts.family or 'density'}" if known and dim > 1 else "",
        sample=None if draw is None else sample,
        grad=None if grad is None or isinstance(support, Simplex) else gradient,
        underflows=f.facts.underflows,
        noise=f.facts.noise,
        points=f.facts.points,
    )


def _derivatives(support: Support, u: Array) -> tuple[Array, Array]:
    """dx/du, and the derivative of log dx/du, coordinate by coordinate."""
    if isinstance(support, Interval):
        slope, bend = _derivatives(Box((support,)), np.asarray(u)[:, None])
        return slope[:, 0], bend[:, 0]
    assert isinstance(support, Box)
    slope, bend = np.ones_like(u), np.zeros_like(u)
    for i, side in enumerate(support.sides):
        assert isinstance(side, Interval)
        if side == Interval():
            continue
        slope[:, i] = np.exp(_charts.outward(Box((side,)), u[:, i : i + 1])[1])
        both = math.isfinite(side.low) and math.isfinite(side.high)
        bend[:, i] = -np.tanh(0.5 * u[:, i]) if both else 1.0 if math.isfinite(side.low) else -1.0
    return slope, bend


def _finite(u: Array) -> Array:
    """Points that rounding had put on an end lie at the farthest coordinate that doubles tell from it."""
    return np.clip(u, -_charts.FARTHEST, _charts.FARTHEST)


def _name(f: Density) -> str:
    return f"{f} without its ends"
