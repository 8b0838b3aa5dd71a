"""A density on the line, made ready for quadrature: where it lives, its mass, its nodes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from kullback._distribution import Density
from kullback._result import InputError
from kullback._support import Array, Interval
from kullback.methods._pace import affordable
from kullback.numerics.lazy import special
from kullback.numerics.locate import edges
from kullback.numerics.locate import landmarks as locate
from kullback.numerics.quadrature import Integral, integrate

_HALF_LEVELS = np.array([1e-15, 1e-9, 1e-6, 1e-4, 0.01, 0.1, 0.3])
MOST_POINTS = 400_000
LOOKS = 4096  # points at which a function of a person's is looked at for gaps
MANY = 16  # components whose landmarks are all kept
LEVELS = np.concatenate([_HALF_LEVELS, [0.5], 1 - _HALF_LEVELS[::-1]])


def landmarks(f: Density) -> Array:
    """Points that split f's line into panels of its own size: quantiles of its components, kinks, found peaks."""
    if f.facts.landmarks:
        return np.array(f.facts.landmarks)
    support = interval(f)
    marks = component_marks(f)
    points = np.unique(np.concatenate(marks)) if len(marks) <= MANY else _thinned(marks)
    points = np.unique(np.append(points, np.asarray(f.facts.breaks, dtype=float)))
    points = points[np.isfinite(points) & (points > support.low) & (points < support.high)]
    return points[np.append(True, np.diff(points) > 1e-14 * np.abs(points[1:]))] if len(points) else points


def component_marks(f: Density) -> list[Array]:
    """The landmarks of each component of f, of theirs, and so on; of f itself if it has none."""
    facts = f.facts
    if facts.family == "normal_mixture":
        standard = _outward(special.ndtri(LEVELS))
        return list(facts.parameters["loc"][:, None] + facts.parameters["scale"][:, None] * standard)
    if facts.components:
        return [marks for _, part in facts.components for marks in component_marks(part)]
    if facts.quantile is not None:
        with np.errstate(all="ignore"):
            return [_outward(np.asarray(facts.quantile(LEVELS), dtype=float))]
    found = locate(f._log_prob, interval(f).low, interval(f).high, facts.frame, _draws(f))
    if f.takes_arrays and len(found):
        found = np.union1d(found, edges(f._log_prob, *_window(f, found), LOOKS))
    return [found]


def _window(f: Density, found: Array) -> tuple[float, float]:
    """The support; where it has no end, as far as f was found."""
    support, room = interval(f), float(np.ptp(found)) or 1.0
    low = support.low if math.isfinite(support.low) else float(found[0]) - room
    return low, support.high if math.isfinite(support.high) else float(found[-1]) + room


def _thinned(marks: list[Array]) -> Array:
    """Of the landmarks of many components those that are no nearer to each other than they are in their own."""
    marks = [np.sort(x) for x in marks]
    gaps = [np.diff(x, prepend=-np.inf, append=np.inf) for x in marks]
    x = np.concatenate(marks)
    room = np.concatenate([np.minimum(gap[:-1], gap[1:]) for gap in gaps])
    order = np.argsort(x)
    kept: list[float] = []
    last, before = -math.inf, math.inf
    for point, own in zip(x[order].tolist(), room[order].tolist(), strict=True):
        if point - last >= min(own, before):
            kept.append(point)
            last, before = point, own
    return np.array(kept)


def _draws(f: Density) -> Array | None:
    """A few draws of a density that is otherwise only a callable: where to look for it."""
    if not f.anonymous or f.facts.sample is None:
        return None
    return np.asarray(f.facts.sample(np.random.default_rng(0), 64), dtype=np.float64).ravel()


def _outward(x: Array) -> Array:
    """The points, and three more beyond either end: what lies past the last level still counts in the 14th digit."""
    steps = np.array([0.5, 1.5, 4.0])
    return np.concatenate([x[0] - (x[1] - x[0]) * steps, x, x[-1] + (x[-1] - x[-2]) * steps])


def interval(f: Density) -> Interval:
    assert isinstance(f.support, Interval)
    if not f.support.low < f.support.high:
        raise InputError(f"{f} has no width in doubles: its support is {f.support}; shift it towards 0")
    return f.support


def checked(f: Density, x: Array, name: str) -> Array:
    """log f at x, without NaN: an error names the point."""
    y = f._log_prob(x)
    bad = np.isnan(y) | (y == np.inf)
    if bad.any():
        near = x[bad][int(np.argmin(np.abs(x[bad]).reshape(bad.sum(), -1).max(axis=1)))]
        if f.anonymous and np.abs(near).max() < 1e100:
            raise InputError(
                f"the log density of {name} is {y[bad][0]} at x = {np.array2string(np.asarray(near), precision=6)}; "
                "it must be a number, or −∞ outside the support"
            )
        y = np.where(bad, -np.inf, y)
    return y


def log_integral(f: Density, breaks: Array, name: str = "P") -> tuple[float, float]:
    """log ∫f and its error."""
    support = interval(f)
    if not len(breaks):  # nowhere a maximum
        raise InputError(f"{name} has no finite integral over {support}: its log density has no maximum in reach")
    peak = float(np.max(checked(f, breaks, name)))
    if not math.isfinite(peak):
        raise InputError(f"the log density of {name} is {peak} wherever it was looked at; check its support")

    def mass(x: Array) -> Array:
        return np.exp(np.minimum(checked(f, x, name) - peak, 700.0))[None]

    points = affordable(None, MOST_POINTS, breaks, f)
    result = integrate(mass, support.low, support.high, breaks, max_points=points)
    z = float(result.value[0])
    if not math.isfinite(z) or z <= 0 or not math.isfinite(result.ends[0]):
        raise InputError(f"{name} has no finite integral over {support}: its density does not fall off")
    return peak + math.log(z), float(result.error[0] / z)


def _beside_poles(f: Density) -> Callable[[Array], Array]:
    """log f, at a pole the value beside it: a node that was rounded to it is no point of f."""
    inner = f._log_prob

    def log_prob(x: Array) -> Array:
        y = inner(x)
        poles = y == np.inf
        if poles.any():
            y = np.where(poles, inner(np.where(poles, np.nextafter(x, np.inf), x)), y)
        return y

    return log_prob


def normalise(f: Density, name: str = "P") -> tuple[Density, float]:
    """A density whose integral is one, and the error of its log integral; a callable's claim is checked."""
    if f.dim != 1 or not isinstance(f.support, Interval) or (f.normalized and not f.anonymous):
        return f, 0.0
    breaks = landmarks(f)
    facts = replace(f.facts, landmarks=tuple(breaks.tolist()))  # no second look
    inner = _beside_poles(f)
    log_z, error = log_integral(
        Density(inner, support=f.support, vectorized=True, facts=facts, name=f.name), breaks, name
    )
    if f.normalized:
        if abs(log_z) > 1e-6 + 10 * error:
            raise InputError(
                f"{name} = {f} integrates to {math.exp(min(log_z, 700)):.6g}, not to 1; "
                "pass normalized=False if it is known up to a constant"
            )
        return Density(inner, support=f.support, vectorized=True, facts=facts, name=f.name), abs(log_z) + error
    whole = Density(lambda x: inner(x) - log_z, support=f.support, vectorized=True, facts=facts, name=f.name)
    return whole, error


def nodes(f: Density, name: str = "P", rtol: float = 1e-12) -> tuple[Array, Array]:
    """Points x and weights w with Σ w·h(x) = E_f h for smooth h; the weights sum to one within the error."""
    support = interval(f)

    def rows(x: Array) -> Array:
        y = checked(f, x, name)
        p = np.exp(y)
        with np.errstate(invalid="ignore"):
            return np.stack([p, np.where(p > 0, p * y, 0.0)])

    result = integrate(rows, support.low, support.high, landmarks(f), rtol=rtol)
    weights = result.w * np.exp(checked(f, result.x, name))
    keep = weights > 0
    return result.x[keep], weights[keep]


def spread(f: Density) -> Integral:
    """Mass, mean and second moment by quadrature, for a density that does not state them."""
    support = interval(f)
    breaks = landmarks(f)
    centre = float(np.median(breaks))

    def rows(x: Array) -> Array:
        p = np.exp(checked(f, x, "P"))
        with np.errstate(invalid="ignore", over="ignore"):
            return np.nan_to_num(np.stack([p, p * (x - centre), p * (x - centre) ** 2]), posinf=np.inf)

    result = integrate(rows, support.low, support.high, breaks)
    value = result.value  # the tails beyond the panels are signed as the density: only the even moments take them
    with np.errstate(over="ignore", invalid="ignore"):  # moments that do not exist
        mean = centre + value[1] / value[0]
        variance = value[2] / value[0] - (value[1] / value[0]) ** 2
    if not np.isfinite(result.ends).all() or not math.isfinite(variance):
        mean, variance = math.nan, math.nan
    return result._replace(value=np.array([value[0], mean, variance]))
