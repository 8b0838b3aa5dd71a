"""Draws in a place and a unit where doubles hold what is done with them; a divergence does not see the difference."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from kullback._distribution import Measured, Sample
from kullback._support import Array
from kullback.methods._looks import circle, rows
from kullback.numerics.energy import scores

FAR = 2.0**20  # widths from 0, beyond which a mean loses digits
ORDERS, TOP = 250, 1000  # binary orders of a size whose fourth power is a double; that draws may reach
WIDE = 2.0**30  # the largest over the usual distance from the middle, from which squares see the largest alone
SEEN = 2000  # draws a side that tell what is usual


@lru_cache(maxsize=4)  # every method asks
def level(p: Measured, q: Measured) -> tuple[Measured, Measured]:
    """Two samples with far or extreme columns moved, by a shift and a power of two; else what is given."""
    if not (isinstance(p, Sample) and isinstance(q, Sample)) or p.dim != q.dim or circle(p, q) is not None:
        return p, q
    x, y = rows(p), rows(q)
    low, high = np.minimum(x.min(axis=0), y.min(axis=0)), np.maximum(x.max(axis=0), y.max(axis=0))
    largest = np.maximum(np.abs(low), np.abs(high))
    far = (largest > 0) & (high / 2 - low / 2 < largest / FAR / 2)
    shift = np.where(far & (high > low), low / 2 + high / 2, 0.0)
    typical = _usual([x, y], shift)
    order, usual = np.frexp(largest)[1], np.frexp(typical)[1]
    extreme = (largest > 0) & (typical > 0) & ~far & ((np.abs(order) > ORDERS) | (np.abs(usual) > ORDERS))
    power = np.where(extreme, np.maximum(usual, order - TOP), 0)
    if not shift.any() and not power.any():
        return p, q
    return _moved(p, shift, power), _moved(q, shift, power)


def tame(p: Sample, q: Sample) -> tuple[Array, Array]:
    """Rows, with the normal scores of both sides' ranks for columns so wide that squares see their ends alone."""
    x, y = rows(p), rows(q)
    both = np.concatenate([x, y])
    middle = np.median(both[:: max(1, len(both) // SEEN)], axis=0)
    wide = np.abs(both / 2 - middle / 2).max(axis=0) > WIDE / 2 * _usual([x, y], middle)
    if not wide.any():
        return x, y
    both[:, wide] = scores(both[:, wide])
    return both[: len(x)], both[len(x) :]


def _usual(sides: list[Array], middle: Array) -> Array:
    """The median distance from the middle, of some draws."""
    some = np.concatenate([x[:: max(1, len(x) // SEEN)] for x in sides])
    return np.asarray(np.median(np.abs(some / 2 - middle / 2), axis=0) * 2)


def _moved(d: Sample, shift: Array, power: Array) -> Sample:
    return d.at(np.ldexp(rows(d) - shift, -power).reshape(d.x.shape))
