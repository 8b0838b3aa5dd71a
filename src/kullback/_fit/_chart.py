"""Fits on a support with ends: P is moved to coordinates without them, and Q is told where P lives.

A divergence is unchanged by a bijection, so the optimum is that of the moved P. What a Fit states is measured afresh
on the support itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kullback._distribution import Density, Measured, Sample, unbound
from kullback._fit._coverage import coverage
from kullback._fit._importance import importance
from kullback._fit._modes import basins
from kullback._fit._sampling import of_draws, with_sampling
from kullback._fit._search import Found
from kullback._fit._target import Target, prepare
from kullback._measure import measure
from kullback._result import Coverage, Divergence, Fit, InputError, Optimum, Status
from kullback._support import Array, Box, Interval, Support, is_subset, reals
from kullback._vocabulary import onto
from kullback.families import Family, Normal
from kullback.methods import _line, _space
from kullback.methods.alpha import alpha_divergence


@dataclass(eq=False)
class Chart:
    """P on its support, and the same without ends; `outward` leads from the latter to the former."""

    support: Support
    density: Density
    target: Target
    outward: Any
    inward: Any
    name: str
    sample: Sample | None = None


def chart(p: Measured, support: Support, seed: int) -> Chart:
    """P seen through the bijection of a support that contains its own."""
    if isinstance(p, Sample):
        return _of_draws(p, support, seed)
    assert isinstance(p, Density)
    whole, slack = _line.normalise(p) if isinstance(p.support, Interval) else _space.normalise(p)
    moved, outward, inward = unbound(whole, support)
    target = replace(prepare(replaced(moved, normalized=True), seed), name=str(p), slack=slack)
    if not p.normalized:
        there = outward(target.frame.outward(np.linspace(-2, 2, 9)[:, None] * np.ones(target.dim)))
        before, after = p._log_prob(there), whole._log_prob(there)
        seen = np.isfinite(before) & np.isfinite(after)
        target = replace(target, log_z=float((before - after)[seen][0]) if seen.any() else float("nan"))
    return Chart(support, whole, target, outward, inward, str(p))


def _of_draws(p: Sample, support: Support, seed: int) -> Chart:
    contains = support.contains(p.x)  # type: ignore[union-attr]
    if not np.all(contains):
        bad = p.x[~np.asarray(contains)]
        raise InputError(f"P has {len(bad)} of {p.n} draws outside {support}, for example {bad[0]}")
    shape = Density(lambda x: np.zeros(len(x)), dim=p.dim, support=support, vectorized=True)
    _, outward, inward = unbound(shape, support)
    u = inward(p.x)
    if not np.isfinite(u).all():
        place = int(np.flatnonzero(~np.isfinite(u.reshape(p.n, -1)).all(axis=1))[0])
        raise InputError(f"P has the draw {p.x[place]} on an end of {support}, where its bijection is infinite")
    labels = None if p.labels is None else list(p.labels)
    sample = Sample(u, weights=p.weights, columns=p.columns, labels=labels, name=str(p), notes=p.notes)
    target = replace(prepare(sample, seed), name=str(p))
    density = onto(target.density, support)
    return Chart(support, density, target, outward, inward, str(p), p)


def replaced(f: Density, **changes: Any) -> Density:
    """The density with other facts, or said to be normalised."""
    normalized = changes.pop("normalized", f.normalized)
    return Density(
        f._log_prob, dim=f.dim, support=f.support, vectorized=True, normalized=normalized,
        facts=replace(f.facts, **changes), name=f.name,
    )  # fmt: skip


def common(p: Support, q: Support, direction: str | float, name: str, family: str) -> Support:
    """The support whose bijection both are seen through; that P lives where Q cannot is an error at once."""
    if direction == "forward" and not is_subset(p, q):
        raise InputError(
            f"P = {name} lives on {p} and {family} on {q}: KL(P‖Q) is infinite for every such Q. {_advice(p, q)}"
        )
    if direction == "reverse" and not is_subset(q, p):
        raise InputError(
            f"P = {name} lives on {p} and {family} on {q}: KL(Q‖P) is infinite for every such Q. {_advice(p, q)}"
        )
    if is_subset(p, q):
        return q
    if is_subset(q, p):
        return p
    raise InputError(f"P = {name} lives on {p} and {family} on {q}: neither contains the other. {_advice(p, q)}")


def _advice(p: Support, q: Support) -> str:
    if p.measure != q.measure:
        return "Their base measures differ: take a family of P's kind."
    if isinstance(p, Interval | Box) and p != reals(p.dim):
        return 'Take a family on P\'s support, or carried("normal").'
    return "Take a family that lives where P does, or the other direction if Q's support is the larger or smaller one."


def told(
    chart: Chart,
    family: str,
    direction: str | float,
    found: list[Found],
    members: list[Density],
    seed: int,
    *,
    base: Family | None = None,
) -> Fit:
    """The Fit of optima whose members live on the support: measured afresh there, the best first.

    `base` is the family without ends of a carried one: its modes are those of P without ends, too.
    """
    p, target = chart.density, chart.target
    left = [_left(p, q, direction) for q in members]
    order = sorted(range(len(found)), key=lambda i: float(left[i].value) if np.isfinite(left[i].error) else np.inf)
    found, members, left = [found[i] for i in order], [members[i] for i in order], [left[i] for i in order]
    if not np.isfinite(left[0].value):
        raise InputError(
            f"{left[0].formula} is infinite for {members[0]}, the best {family} that was found for P = {chart.name}: "
            f"{left[0].detail or 'its tails differ from P’s'}. Take another family, or the other direction."
        )
    q = members[0]
    forward = left[0] if direction == "forward" else measure(p, q)
    reverse = left[0] if direction == "reverse" else measure(q, p)
    between = None if isinstance(direction, str) else of_draws(target.estimated, left[0])
    if target.estimated is not None:
        refit = base if direction == "forward" and isinstance(base, Normal) else None
        free = unbound(q, chart.support).density
        forward, reverse = with_sampling(target.estimated, refit, free, (forward, reverse), seed)
    if target.slack:
        forward, reverse = (replace(d, error=d.error + target.slack) for d in (forward, reverse))
    optima = tuple(
        Optimum(m, float(d.value), f.start, f.gradient) for f, m, d in zip(found, members, left, strict=True)
    )
    return Fit(
        q,
        chart.name,
        family,
        direction,
        forward,
        replace(reverse, direction="reverse"),
        covered(chart, q, without_ends=base is not None),
        optima,
        tuple(dict.fromkeys(f.start for f in found)),
        found[0].status,
        _detail(found[0]),
        target.notes,
        replace(target, density=p, sample=chart.sample),
        between,
        importance(target, unbound(q, chart.support).density, seed),
    )


def _left(p: Density, q: Density, direction: str | float) -> Divergence:
    if not isinstance(direction, str):
        return alpha_divergence(p, q, direction)
    return measure(p, q) if direction == "forward" else measure(q, p)


def covered(chart: Chart, q: Density, *, without_ends: bool) -> Coverage:
    """What q misses and wastes; in the plane and for carried families the modes are those without ends."""
    if isinstance(chart.support, Interval) and not without_ends:
        return coverage(chart.density, q, basins(chart.density), None)
    target = chart.target
    found = coverage(target.density, unbound(q, chart.support).density, target.basins, target.sample)
    places = chart.outward(np.array([mode.location for mode in found.modes]))
    modes = tuple(replace(mode, location=x) for mode, x in zip(found.modes, places, strict=True))
    return replace(found, modes=modes)


def _detail(found: Found) -> str:
    if found.status in (Status.STATIONARY, Status.NOT_STATIONARY, Status.BOUNDARY):
        return f"Largest gradient {found.gradient:.1g}."
    return ""


def middle_and_width(x: Array, w: Array) -> tuple[Array, Array, Array]:
    """The median, the width by quartiles, and the mean of weighted points, coordinate by coordinate."""
    columns = x.reshape(len(x), -1)
    w = w / w.sum()
    rows = []
    for column in columns.T:
        order = np.argsort(column)
        total = np.cumsum(w[order]) - 0.5 * w[order]
        low, middle, high = np.interp([0.25, 0.5, 0.75], total, column[order])
        rows.append((middle, max((high - low) / 1.349, 1e-12 * max(abs(middle), 1e-300)), float(w @ column)))
    middle, width, mean = np.array(rows).T
    return middle, width, mean
