"""Fits on the integers: one parameter, the mean."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from kullback._distribution import Density, Discrete, Measured, Sample
from kullback._estimate import points_and_weights
from kullback._fit._search import Found
from kullback._measure import measure
from kullback._result import Coverage, Fit, InputError, Mode, Optimum, Status
from kullback._support import Array, Lattice, is_subset
from kullback.families import LatticeFamily, log_mean_range
from kullback.methods.alpha import alpha_divergence
from kullback.methods.lattice import as_lattice, points
from kullback.numerics.lazy import optimize
from kullback.numerics.terms import drift

THRESHOLD = math.log(0.01)


def fit_lattice(p: Measured, family: LatticeFamily, direction: str | float, start: float | None) -> Fit:
    """Forward: equal means. Reverse and between them: the stationary points in the mean, the best first."""
    mass, notes = mass_of(p)
    name = str(p)
    support = mass.support
    assert isinstance(support, Lattice)
    if direction == "forward":
        if not is_subset(support, family.support):
            raise InputError(
                f"P has mass on {support}, {family} only on {family.support}: KL(P‖Q) is infinite for every Q. "
                "Fit reverse, or a family that contains P's support."
            )
        k, _ = points(mass, 1 << 24)
        w = np.exp(mass._log_prob(k))
        mean = float(w @ k / w.sum())
        if not mean > 0:
            raise InputError(f"P has mean {mean:g}; {family} needs a positive one")
        found = [Found(np.array([mean]), 0.0, 0.0, Status.EXACT, "mean")]
    elif isinstance(direction, float):
        found = _between(mass, family, start, direction)
    else:
        if not is_subset(family.support, support):
            raise InputError(
                f"{family} has mass on {family.support}, P only on {support}: KL(Q‖P) is infinite for every Q. "
                "Fit forward."
            )
        found = _reverse(mass, family, start)
    members = [family.member(float(f.theta[0])) for f in found]
    return told(mass, str(family), direction, found, members, name, notes)


def told(
    mass: Density,
    family: str,
    direction: str | float,
    found: list[Found],
    members: list[Density],
    name: str,
    notes: tuple[str, ...],
) -> Fit:
    """The Fit of optima on the integers, the best first: measured afresh."""
    q = members[0]
    forward, reverse = measure(mass, q), measure(q, mass)
    middle = alpha_divergence(mass, q, direction) if isinstance(direction, float) else None
    residual = middle or (forward if direction == "forward" else reverse)
    optima = tuple(
        Optimum(member, float(residual.value) if i == 0 else f.value, f.start, f.gradient)
        for i, (f, member) in enumerate(zip(found, members, strict=True))
    )
    return Fit(
        q,
        name,
        family,
        direction,
        forward,
        replace(reverse, direction="reverse"),
        _coverage(mass, q),
        optima,
        tuple(f.start for f in found),
        found[0].status,
        notes=notes,
        target=mass,
        alpha_divergence=middle,
    )


def mass_of(p: Measured) -> tuple[Density, tuple[str, ...]]:
    if isinstance(p, Sample):
        x, w = points_and_weights(p)
        if p.dim > 1 or (x != np.floor(x)).any():
            bad = x.ravel()[(x != np.floor(x)).ravel()][:1]
            raise InputError(f"a family on the integers needs integer draws in one dimension; found {bad}")
        values, owner = np.unique(x[:, 0], return_inverse=True)
        shares = np.bincount(owner, weights=w)
        table = Discrete(shares, labels=[int(v) for v in values], normalize=True, n=p.n, name=str(p))
        return as_lattice(table), (f"P is the empirical distribution of {p.n} draws",)
    if isinstance(p, Discrete):
        if p.values.ndim != 1:
            raise InputError(f"p is a batch of shape {p.values.shape}; fit one distribution at a time")
        if p.labels is not None and not all(isinstance(x, int | np.integer) for x in p.labels):
            raise InputError(f"p has the labels {p.labels[:3]}, which are not integers; {_lattice_only()}")
        note = () if p.labels is not None else (f"outcomes taken as the integers 0 to {p.size - 1}",)
        return as_lattice(p), note
    assert isinstance(p, Density)
    return p, ()


def _lattice_only() -> str:
    return "poisson, geometric and binomial live on the integers"


def _reverse(mass: Density, family: LatticeFamily, start: float | None) -> list[Found]:
    """Roots of the derivative of KL(Q‖P) in the log mean where it turns upwards."""

    def slope(u: float) -> float:
        q = family.member(math.exp(u))
        k, _ = points(q, 1 << 22)
        log_q = q._log_prob(k)
        w = np.exp(log_q)
        ratio = np.where(w > 0, log_q - mass._log_prob(k), 0.0)
        if not np.isfinite(ratio[w > 0]).all():
            raise InputError(f"P has gaps within {family.support}, so KL(Q‖P) is infinite for every {family}")
        centre = float(w @ ratio)
        return float((w * family.score(math.exp(u), k)) @ (ratio - centre))

    return _stationary(mass, family, start, slope, lambda q: float(measure(q, mass).value))


def _between(mass: Density, family: LatticeFamily, start: float | None, alpha: float) -> list[Found]:
    """Roots of the derivative of D_α, over the integers that either needs."""
    own, _ = points(mass, 1 << 22)

    def slope(u: float) -> float:
        q = family.member(math.exp(u))
        k, _ = points(q, 1 << 22)
        k = np.arange(min(own[0], k[0]), max(own[-1], k[-1]) + 1.0)
        return -float(drift(mass._log_prob(k), q._log_prob(k), alpha) @ family.score(math.exp(u), k))

    return _stationary(mass, family, start, slope, lambda q: float(alpha_divergence(mass, q, alpha).value))


def _stationary(
    mass: Density,
    family: LatticeFamily,
    start: float | None,
    slope: Callable[[float], float],
    value: Callable[[Density], float],
) -> list[Found]:
    """The roots of the slope where it turns upwards, from the least value; else the flattest edge."""
    low, high = log_mean_range(family)
    middle = math.log(max(float((mass.facts.moments or (1.0, 1.0))[0]), 1e-3))
    grid = np.unique(np.clip(np.concatenate([np.linspace(middle - 4, middle + 3, 57)]), low, high))
    if start is not None and not start > 0:
        raise InputError(f"start has mean {start:g}; a member of {family} has a positive one")
    if start is not None:
        grid = np.union1d(grid, math.log(start))
    slopes = np.array([slope(u) for u in grid])
    found = []
    for i in range(len(grid) - 1):
        if slopes[i] < 0 <= slopes[i + 1]:
            u = float(optimize.brentq(slope, grid[i], grid[i + 1], xtol=1e-15, rtol=1e-14))
            begin = f"mean near {math.exp(grid[i]):.4g}"
            found.append(
                Found(
                    np.array([math.exp(u)]), value(family.member(math.exp(u))), abs(slope(u)), Status.STATIONARY, begin
                )
            )
    if not found:
        u = float(grid[int(np.argmin(np.abs(slopes)))])
        found = [
            Found(
                np.array([math.exp(u)]),
                value(family.member(math.exp(u))),
                float(np.abs(slopes).min()),
                Status.BOUNDARY,
                "edge",
            )
        ]
    return sorted(found, key=lambda f: f.value)


def _coverage(p: Density, q: Density) -> Coverage:
    def lost(f: Density, g: Density) -> float:
        k, _ = points(f, 1 << 22)
        log_f = f._log_prob(k)
        with np.errstate(invalid="ignore"):
            return math.fsum(np.exp(log_f)[(g._log_prob(k) - log_f < THRESHOLD) & (log_f > -np.inf)])

    k, _ = points(p, 1 << 22)
    log_p = p._log_prob(k)
    modes = _modes(k, log_p, q)
    return Coverage(lost(p, q), lost(q, p), modes)


def _modes(k: Array, log_p: Array, q: Density) -> tuple[Mode, ...]:
    """Local maxima of the mass; ties belong to the first; a basin ends at the next minimum."""
    padded = np.concatenate([[-np.inf], log_p, [-np.inf]])
    peaks = [i for i in range(len(k)) if padded[i + 1] > padded[i] and padded[i + 1] >= padded[i + 2]]
    cuts = [a + int(np.argmin(log_p[a : b + 1])) for a, b in itertools.pairwise(peaks)]
    edges = [0, *cuts, len(k)]
    mass = np.exp(log_p)
    with np.errstate(invalid="ignore"):
        gone = q._log_prob(k) - log_p < THRESHOLD
    out = []
    for i, a, b in zip(peaks, edges[:-1], edges[1:], strict=True):
        share = float(mass[a:b].sum())
        if share > 1e-4:
            out.append(Mode(float(k[i]), share, float(mass[a:b][gone[a:b]].sum()) / share))
    return tuple(out)
