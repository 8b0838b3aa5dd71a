"""Infinite before anything is computed: by support, and by declared tails."""

from __future__ import annotations

import math

import numpy as np

from kullback._distribution import Density, Discrete, Measured
from kullback._format import percent
from kullback._result import Divergence, InputError, Status
from kullback._support import Array, Interval, Lattice, is_subset
from kullback.methods._line import landmarks
from kullback.methods.lattice import points
from kullback.numerics.quadrature import integrate


def infinite(p: Measured, q: Measured) -> Divergence | None:
    """KL(P‖Q) = ∞ where supports or declared tails prove it, else None."""
    if isinstance(p, Discrete) and isinstance(q, Discrete):
        return None  # the sum itself finds the gap, and how much lies in it
    if _base(p) != _base(q):
        return _answer(f"P is a {_base(p)} and Q a {_base(q)}: neither has mass where the other has density")
    if p.support.dim != q.support.dim:
        raise InputError(f"p has {p.support.dim} dimensions and q has {q.support.dim}; compare like with like")
    if not isinstance(p, Density) or not isinstance(q, Density):
        return None
    if isinstance(p.support, Interval | Lattice) and not is_subset(p.support, q.support):
        mass, where = _outside(p, q)
        if mass != 0.0:
            share = f"{percent(mass)} of P" if math.isfinite(mass) else "P"
            return _answer(f"{share} lies {where}, where Q (on {q.support}) has none")
    return _tails(p, q)


def _base(d: Measured) -> str:
    return "mass on points" if d.support.measure == "counting" else "density"


def _answer(detail: str, status: Status = Status.SUPPORT_GAP) -> Divergence:
    return Divergence(math.inf, 0.0, "bound", method="support", status=status, detail=detail)


def _outside(p: Density, q: Density) -> tuple[float, str]:
    """The mass of P outside Q's support, and where."""
    inner, outer = p.support, q.support
    assert isinstance(inner, Interval | Lattice)
    assert isinstance(outer, Interval | Lattice)
    mass, sides = 0.0, []
    for low, high, name in (
        (inner.low, min(outer.low, inner.high), f"below {outer.low:g}"),
        (max(outer.high, inner.low), inner.high, f"above {outer.high:g}"),
    ):
        if low >= high and not (isinstance(inner, Lattice) and low == high and not outer.low <= low <= outer.high):
            continue
        part = _mass(p, low, high, outer)
        if part > 0:
            mass += part
            sides.append(name)
    return mass, " and ".join(sides)


def _mass(p: Density, low: float, high: float, outer: Interval | Lattice) -> float:
    if isinstance(p.support, Lattice):
        x, _ = points(p, 1 << 22)
        x = x[(x >= low) & (x <= high) & ~outer.contains(x)]
        return math.fsum(np.exp(p._log_prob(x)))
    if not p.normalized:
        return math.nan

    def density(x: Array) -> Array:
        return np.exp(p._log_prob(x))[None]

    return min(float(integrate(density, low, high, landmarks(p), rtol=1e-8).value[0]), 1.0)


def _tails(p: Density, q: Density) -> Divergence | None:
    """E_P[−log q] is infinite if −log q grows like |x|^b and p falls like |x|^−(a+1) with a ≤ b."""
    if p.facts.tails is None or q.facts.tails is None or (not isinstance(p.support, Interval) and p.dim == 1):
        return None
    ends = (p.support.low, p.support.high) if isinstance(p.support, Interval) else (-math.inf, math.inf)
    for mine, other, side, end in zip(p.facts.tails, q.facts.tails, ("left", "right"), ends, strict=True):
        if math.isinf(end) and mine.power <= other.exponent and mine.power < math.inf:
            detail = (
                f"on the {side} P falls like |x|^−{mine.power + 1:g} and −log q grows like |x|^{other.exponent:g}, "
                "so its mean under P diverges"
            )
            return _answer(detail, Status.TAIL_GAP)
    return None
