"""min KL(P‖Q): moments and medians where they are exact, EM for mixtures, else the deterministic objective."""

from __future__ import annotations

import math

import numpy as np

from kullback._distribution import Density
from kullback._estimate import variance_floor
from kullback._fit._search import Found, carried_on, distinct, minimise, search
from kullback._fit._target import Target
from kullback._objectives import forward
from kullback._result import InputError, Status
from kullback._support import Array
from kullback._vocabulary import mixture, multivariate_normal
from kullback.families import Family, Laplace, Mixture, Normal, StudentT
from kullback.methods import _line
from kullback.numerics import em
from kullback.numerics.lazy import optimize
from kullback.numerics.quadrature import integrate


def fit_forward(target: Target, family: Family, start: Array | None, seed: int) -> list[Found]:
    """The optima found, the best first; their values are cross-entropies."""
    if isinstance(family, Normal):
        return [_normal(target, family)]
    if isinstance(family, Laplace):
        return [_laplace(target, family)]
    y, w = target.nodes
    given = [] if start is None else [("given", start)]
    if isinstance(family, Mixture):
        return _mixture(target, family, given, seed)
    assert isinstance(family, StudentT)
    centre, covariance = _rough_moments(y, w)
    starts = [*given, ("moments", family.from_moments(centre, covariance))]
    whole = forward(family, y, w)
    if target.sample is None or len(y) <= em.LARGE:
        return distinct(search(whole, starts), y, family)
    few, few_w = some(y, w, em.LARGE, np.random.default_rng([seed, 3]))
    part = forward(family, few, few_w)
    found = distinct(search(part, starts), few, family)
    return distinct([carried_on(part, whole, f) for f in found], y, family)


def some(y: Array, w: Array, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """n of the weighted points, in their order."""
    chosen = np.sort(rng.choice(len(y), n, replace=False))
    return y[chosen], w[chosen] / w[chosen].sum()


def _normal(target: Target, family: Normal) -> Found:
    """Q's mean and covariance are P's (or its diagonal): exact."""
    moments = target.moments
    if moments is None:
        raise InputError(
            f"P = {target.name} has no finite mean and variance, so KL(P‖Q) is infinite for every normal Q. "
            "Fit student_t, or use direction='reverse'."
        )
    mean, covariance = moments
    frame = target.frame
    inner = covariance / np.outer(frame.scale, frame.scale)
    theta = family.from_moments((mean - frame.centre) / frame.scale, inner)
    y, w = target.nodes
    value, _ = forward(family, y, w)(theta)
    stated = target.sample is not None or target.density.facts.moments is not None or target.dim == 1
    return Found(theta, value, 0.0, Status.EXACT if stated else Status.CONVERGED, "moments")


def _laplace(target: Target, family: Laplace) -> Found:
    """Q's location is P's median and its scale the mean distance from it, for each coordinate: exact."""
    frame = target.frame
    pairs = [_median(target, axis) for axis in range(target.dim)]
    loc = (np.array([m for m, _ in pairs]) - frame.centre) / frame.scale
    scale = np.array([s for _, s in pairs]) / frame.scale
    if not np.isfinite(scale).all():
        raise InputError(f"P = {target.name} has no finite mean distance from its median; fit student_t instead")
    theta = np.concatenate([loc, np.log(scale)])
    y, w = target.nodes
    return Found(theta, forward(family, y, w)(theta)[0], 0.0, Status.EXACT, "median")


def _median(target: Target, axis: int) -> tuple[float, float]:
    """The median of a coordinate and the mean distance from it."""
    marginal = target.density if target.dim == 1 else _marginal(target.density, axis)
    if target.sample is not None or marginal is None:
        y, w = target.nodes
        x = target.frame.outward(y).reshape(len(y), -1)[:, axis]
        order = np.argsort(x)
        x, w = x[order], w[order]
        total = np.cumsum(w)
        upper = int(np.searchsorted(total, 0.5 * total[-1] * (1 + 1e-12)))
        lower = int(np.searchsorted(total, 0.5 * total[-1] * (1 - 1e-12)))
        middle = 0.5 * float(x[lower] + x[min(upper, len(x) - 1)])
        return middle, float(w @ np.abs(x - middle))
    f = marginal
    support, breaks = _line.interval(f), _line.landmarks(f)

    def below(m: float) -> float:
        if m <= support.low:
            return -0.5
        if m >= support.high:
            return 0.5

        def mass(x: Array) -> Array:
            return np.exp(f._log_prob(x))[None]

        return float(integrate(mass, support.low, m, breaks, rtol=1e-13, atol=1e-16).value[0]) - 0.5

    centre, scale = float(target.frame.centre[axis]), float(target.frame.scale[axis])
    reach = scale
    while below(centre - reach) > 0 or below(centre + reach) < 0:
        reach *= 4
    middle = float(optimize.brentq(below, centre - reach, centre + reach, xtol=1e-13 * scale, rtol=1e-14))

    def distance(x: Array) -> Array:
        return (np.exp(f._log_prob(x)) * np.abs(x - middle))[None]

    found = integrate(distance, support.low, support.high, np.union1d(breaks, [middle]))
    infinite = not math.isfinite(found.ends[0])
    return middle, math.inf if infinite else float(found.value[0])


def _marginal(f: Density, axis: int) -> Density | None:
    """One coordinate of a normal or normal mixture in the plane; None for other shapes."""
    components = f.facts.components or ((1.0, f),)
    if any(c.facts.family != "multivariate_normal" for _, c in components):
        return None
    keep = slice(axis, axis + 1)
    parts = [
        multivariate_normal(c.parameters["loc"][keep], c.parameters["covariance_matrix"][keep, keep])
        for _, c in components
    ]
    return mixture([w for w, _ in components], parts)


def _mixture(target: Target, family: Mixture, given: list[tuple[str, Array]], seed: int) -> list[Found]:
    """EM from several starts on the nodes or draws; the climb of each is finished by the gradient."""
    y, w = target.nodes
    k = family.count
    weighted = np.sqrt(w @ (y - w @ y) ** 2)
    spread = np.diag(weighted**2)
    floor = 1e-16 * spread if target.sample is None else variance_floor(y, spread)
    if target.sample is not None and k * 2 > len(y):
        raise InputError(f"{family} needs more than {2 * k} draws; P has {len(y)}")
    starts = list(given)
    own = family.encode(target.density, target.frame)
    if own is not None:
        starts.append(("P's components", own))
    rng = np.random.default_rng([seed, 2])
    count = 8 if k > 1 else 1
    few, few_w = y, w
    if len(y) > em.LARGE and target.sample is not None:
        few, few_w = some(y, w, em.LARGE, rng)
    begin = em.spread_starts(few, few_w, k, rng, count)
    climbed = em.climb(few, np.repeat(few_w[None], count, axis=0), begin, floor=floor, tolerance=1e-9, max_steps=300)
    if few is not y:
        top = int(np.argmax(climbed.log_likelihood))
        m = em.climb_many(
            y, w, climbed.mixtures.pick(slice(top, top + 1)), floor=floor, tolerance=0.0, max_steps=0
        ).mixtures
        theta = family.from_components(m.weights[0], m.means[0], m.covariances[0])
        value, gradient = forward(family, y, w)(theta)
        return [Found(theta, value, float(np.abs(gradient).max()), Status.CONVERGED, f"EM {top + 1}")]
    for r in np.argsort(-climbed.log_likelihood, kind="stable")[: 3 if k > 1 else 1]:
        m = climbed.mixtures.pick(int(r))
        starts.append((f"EM {r + 1}", family.from_components(m.weights, m.means, m.covariances)))
    objective = forward(family, y, w)
    found = []
    for name, theta in starts:
        result = minimise(objective, theta, name)
        if result.value > objective(theta)[0] or _collapsed(family, result.theta, target, floor):
            value, gradient = objective(theta)
            result = Found(theta, value, float(np.abs(gradient).max()), Status.CONVERGED, name)
        found.append(result)
    return distinct(found, y, family)


def _collapsed(family: Mixture, theta: Array, target: Target, floor: Array) -> bool:
    """Whether a component is narrower than the floor: likelihood without bound, not an optimum."""
    _, rows = family.split(theta)
    widths = np.exp(rows[:, target.dim : 2 * target.dim])
    return bool((widths**2 < 0.999 * np.diag(floor)).any())


def _rough_moments(y: Array, w: Array) -> tuple[Array, Array]:
    """Mean and covariance of what lies within 5 scales, which heavy tails do not carry away."""
    inside = (np.abs(y) < 5).all(axis=1)
    y, w = y[inside], w[inside] / w[inside].sum()
    mean = w @ y
    return mean, ((y - mean) * w[:, None]).T @ (y - mean)
