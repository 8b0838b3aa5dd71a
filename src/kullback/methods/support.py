"""Infinite before anything is computed: by support, and by declared tails."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from kullback._distribution import Density, Discrete, Measured, Sample, as_given
from kullback._format import percent
from kullback._result import Divergence, Status
from kullback._support import Array, Interval, Labels, Lattice, ends, is_subset, place
from kullback.methods._line import landmarks
from kullback.methods._request import Request
from kullback.methods.lattice import mass_between
from kullback.numerics.quadrature import integrate


class Support:
    """Infinite before anything is computed: by base measure, by support, by declared tails."""

    name = "support"
    random = False

    def applies(self, p: Measured, q: Measured) -> str | None:
        if isinstance(p, Discrete) and isinstance(q, Discrete):
            return "a sum over finitely many outcomes finds its own gaps"
        if _drawn_outside(p, q):
            return None
        if isinstance(p, Sample) or isinstance(q, Sample):
            return "draws do not say where their distribution ends"
        if _apart(p, q) or _leaves(p, q) or _tails(p, q):
            return None
        return "supports and declared tails do not make it infinite"

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence:
        if (count := _drawn_outside(p, q)) and isinstance(p, Sample) and not isinstance(q.support, Labels):
            x = p.x[~q.support.contains(p.x)][0]
            share = f"{count} of P's {p.n} draws ({percent(count / p.n)})"
            return _answer(f"{share} lie where Q (on {q.support}) has none, one of them at {x}")
        if _apart(p, q):
            return _answer(f"P is a {_base(p)} and Q a {_base(q)}: what one fills has no mass under the other")
        if _leaves(p, q):
            assert isinstance(p, Density)
            assert isinstance(q, Density)
            if not isinstance(p.support, Interval | Lattice):
                return _answer(f"P lives on {p.support}, and Q on {q.support}")
            mass, where = outside(p, q)
            share = f"{percent(mass)} of P" if math.isfinite(mass) else "P"
            return _answer(f"{share} lies {where}, where Q (on {_given(q)}) has none")
        return _answer(_tails(p, q), Status.TAIL_GAP)


def _drawn_outside(p: Measured, q: Measured) -> int:
    """How many of P's draws a known Q could not have given."""
    if not (isinstance(p, Sample) and isinstance(q, Density)) or isinstance(q.support, Labels) or p.dim != q.dim:
        return 0
    return int((~q.support.contains(p.x)).sum())


def _apart(p: Measured, q: Measured) -> bool:
    """Whether the base measures differ."""
    return p.support.measure != q.support.measure and _base(p) != _base(q)


def _base(d: Measured) -> str:
    measure = d.support.measure
    return {"counting": "mass on points", "length": "density", "volume": "density"}.get(
        measure, f"density in {measure}"
    )


def _leaves(p: Measured, q: Measured) -> bool:
    """Whether P's support reaches beyond Q's."""
    if not (isinstance(p, Density) and isinstance(q, Density)):
        return False
    return not p.facts.assumed and not is_subset(p.support, q.support)


def _answer(detail: str, status: Status = Status.SUPPORT_GAP) -> Divergence:
    return Divergence(math.inf, 0.0, "bound", method="support", status=status, detail=detail)


def outside(p: Density, q: Density) -> tuple[float, str]:
    """The mass of P outside Q's support, and where."""
    inner, outer = p.support, q.support
    assert isinstance(inner, Interval | Lattice)
    assert isinstance(outer, Interval | Lattice)
    mass, sides, step = 0.0, [], 1.0 if isinstance(inner, Lattice) else 0.0
    for low, high, name in (
        (inner.low, min(outer.low - step, inner.high), f"below {place(_given(q).low)}"),
        (max(outer.high + step, inner.low), inner.high, f"above {place(_given(q).high)}"),
    ):
        if low > high or (low == high and not step) or low == math.inf or high == -math.inf:
            continue
        part = _mass(p, low, high)
        if part > 0:
            mass += part
            sides.append(name)
    return mass, " and ".join(sides)


def _given(f: Density) -> Interval | Lattice:
    """Its support in the coordinate that it was given in."""
    assert isinstance(f.support, Interval | Lattice)
    return replace(f.support, low=as_given(f, f.support.low), high=as_given(f, f.support.high))


def _mass(p: Density, low: float, high: float) -> float:
    if isinstance(p.support, Lattice):
        return mass_between(p, low, high)
    if not p.normalized:
        return math.nan

    def density(x: Array) -> Array:
        return np.exp(p._log_prob(x))[None]

    return min(float(integrate(density, low, high, landmarks(p), rtol=1e-8).value[0]), 1.0)


def _tails(p: Measured, q: Measured) -> str:
    """Why E_P[−log q] diverges: −log q grows like y^b and p falls like y^−(a+1) with a ≤ b."""
    if not (isinstance(p, Density) and isinstance(q, Density)) or p.facts.tails is None or q.facts.tails is None:
        return ""
    pairs = zip(p.facts.tails, q.facts.tails, ("left", "right"), ends(p.support), ends(q.support), strict=True)
    for mine, other, side, end, end_q in pairs:
        if end == end_q and math.isinf(end) and math.isinf(other.exponent) and mine.exponent < 1:
            return f"on the {side} −log q grows exponentially, and P has no exponential moments"
        if end == end_q and mine.power <= other.exponent and mine.power < math.inf:
            if math.isinf(end):
                return (
                    f"on the {side} P falls like |x|^−{mine.power + 1:g} and −log q grows like "
                    f"|x|^{other.exponent:g}, so its mean under P diverges"
                )
            there = place(as_given(p, end))
            return (
                f"at {there} P goes like |x − {there}|^{mine.power - 1:g} and −log q like "
                f"|x − {there}|^−{other.exponent:g}, so its mean under P diverges"
            )
    return ""
