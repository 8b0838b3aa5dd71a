"""A density on the line, made ready for quadrature: where it lives, its mass, its nodes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from kullback._distribution import Density
from kullback._result import InputError
from kullback._support import Array, Interval
from kullback.methods._pace import affordable
from kullback.numerics.locate import landmarks as locate
from kullback.numerics.quadrature import Integral, integrate

_HALF_LEVELS = np.array([1e-15, 1e-9, 1e-6, 1e-4, 0.01, 0.1, 0.3])
MOST_POINTS = 400_000
LEVELS = np.concatenate([_HALF_LEVELS, [0.5], 1 - _HALF_LEVELS[::-1]])


def landmarks(f: Density) -> Array:
    """Points that split f's line into panels of its own size: quantiles of its components, kinks, found peaks."""
    if f.facts.landmarks:
        return np.array(f.facts.landmarks)
    support = interval(f)
    parts = [part for _, part in f.facts.components] or [f]
    found = [np.asarray(f.facts.breaks, dtype=float)]
    for part in parts:
        if part.facts.quantile is not None:
            with np.errstate(all="ignore"):
                found.append(_outward(np.asarray(part.facts.quantile(LEVELS), dtype=float)))
        elif part.facts.components:
            found.append(landmarks(part))
        else:
            found.append(
                locate(part._log_prob, interval(part).low, interval(part).high, part.facts.frame, _draws(part))
            )
    points = np.unique(np.concatenate(found))
    points = points[np.isfinite(points) & (points > support.low) & (points < support.high)]
    return points[np.append(True, np.diff(points) > 1e-14 * np.abs(points[1:]))] if len(points) else points


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


def normalise(f: Density, name: str = "P") -> tuple[Density, float]:
    """A density whose integral is one, and the error of its log integral; a callable's claim is checked."""
    if f.dim != 1 or not isinstance(f.support, Interval) or (f.normalized and not f.anonymous):
        return f, 0.0
    breaks = landmarks(f)
    log_z, error = log_integral(f, breaks, name)
    facts = replace(f.facts, landmarks=tuple(breaks.tolist()))  # no second look
    inner = f._log_prob
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
