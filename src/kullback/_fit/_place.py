"""Where P lives, when a fit sees it in coordinates without ends.

A divergence is unchanged by a bijection, so the optimum is that of the moved P. What a Fit states is measured afresh
on the support itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kullback._distribution import Density, Sample, unbound
from kullback._result import InputError
from kullback._support import Array, Box, Interval, Support, is_subset, reals
from kullback._vocabulary import onto
from kullback.methods import _line, _space


@dataclass(frozen=True, eq=False)
class Place:
    """P on its support, as it came, and normalised; `outward` leads there from the coordinates without ends.

    `carried` says that Q is a member without ends carried there, whose modes are told without ends too.
    """

    support: Support
    p: Density | Sample
    density: Density | None
    outward: Any
    inward: Any
    carried: bool
    slack: float = 0.0

    def onto(self, q: Density) -> Density:
        return onto(q, self.support)

    def free(self, q: Density) -> Density:
        return unbound(q, self.support).density


def moved_density(p: Density, support: Support, carried: bool) -> tuple[Density, Place]:
    """P on the line or in the plane without the ends of a support that contains its own."""
    whole, slack = _line.normalise(p) if isinstance(p.support, Interval) else _space.normalise(p)
    moved, outward, inward = unbound(whole, support)
    return _claimed(moved), Place(support, p, whole, outward, inward, carried, slack)


def moved_in_space(p: Density, support: Support) -> tuple[Density, Place]:
    """P in many dimensions without ends, with its slopes if it has any."""
    free, outward, inward = unbound(p, support)
    return free, Place(support, p, None, outward, inward, True)


def moved_draws(p: Sample, support: Support, carried: bool) -> tuple[Sample, Place]:
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
    return sample, Place(support, p, None, outward, inward, carried)


def _claimed(f: Density) -> Density:
    """The density said to be normalised."""
    return Density(
        f._log_prob, dim=f.dim, support=f.support, vectorized=True, normalized=True, facts=replace(f.facts), name=f.name
    )


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
