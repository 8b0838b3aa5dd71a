"""Draws of few outcomes: Zhang and Grabchak's estimate of their divergence, and the divergence of what was counted."""

from __future__ import annotations

import math
from dataclasses import replace

from kullback._distribution import Measured
from kullback._format import number, percent
from kullback._result import Divergence, Status
from kullback.methods._counted import Counted, counted, unseen
from kullback.methods._gaps import proves_gap
from kullback.methods._request import Request
from kullback.numerics import counts
from kullback.numerics.counts import Estimate
from kullback.numerics.shares import Drawn, Known

NOTED, NONE = 0.3, 1e-12  # of the error, and nats: a bias below leaves the interval what it says


class ZhangGrabchak:
    """Digammas of the counts in the place of logarithms: its bias dies exponentially.

    Z. Zhang and M. Grabchak, Nonparametric estimation of Kullback-Leibler divergence, Neural Computation 26 (2014).
    """

    name = "zhang-grabchak"
    random = False

    def applies(self, p: Measured, q: Measured) -> str | None:
        found = counted(p, q)
        return found if isinstance(found, str) else None

    def defers(self, p: Measured, q: Measured) -> str | None:
        found = counted(p, q)
        if isinstance(found, str) or unseen(found)[0] == 0 or not proves_gap(found):
            return None
        return f"P shows outcomes that Q does not ({unseen(found)[1]}); it would take them as rare, not as impossible"

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence:
        pair = _pair(p, q)
        mass, outcomes = unseen(pair)
        if mass and not isinstance(pair.q, Known):
            found = _answer(self.name, pair, counts.rare)
            return replace(found, status=Status.SMOOTHED, detail=f"{_lost(pair, mass, outcomes)}: taken as rare there")
        found, bias = _answer(self.name, pair, counts.zhang_grabchak), counts.sparse_bias(pair.p, pair.q)
        if abs(bias) <= max(NOTED * float(found.error), NONE):
            return found
        corrected = _answer(self.name, pair, counts.rare)
        note = f"few draws an outcome: a bias of {number(bias, abs(bias))} was taken off, as it is where P is near Q"
        return replace(corrected, status=Status.BIASED, notes=(*corrected.notes, note))


class PlugIn:
    """The divergence of the observed shares; ∞, with a finite value beside it, if Q lacks an outcome of P."""

    name = "plug-in"
    random = False

    def applies(self, p: Measured, q: Measured) -> str | None:
        found = counted(p, q)
        return found if isinstance(found, str) else None

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence:
        pair = _pair(p, q)
        mass, outcomes = unseen(pair)
        if not mass:
            return _answer(self.name, pair, counts.plug_in)
        known = isinstance(pair.q, Known)
        return Divergence(
            math.inf,
            0.0,
            "bound" if known else "estimate",
            method=self.name,
            n=_drawn(pair),
            status=Status.SUPPORT_GAP if known else Status.UNSEEN,
            detail=_lost(pair, mass, outcomes),
            smoothed=None if known else _answer("smoothed", pair, counts.smoothed),
        )


def _lost(pair: Counted, mass: float, outcomes: str) -> str:
    whose = "has no mass" if isinstance(pair.q, Known) else f"has no draw in {_sized(pair.q):.0f}"
    what = "mass is" if isinstance(pair.p, Known) else "draws are"
    return f"{percent(mass)} of P's {what} at {outcomes}, where Q {whose}"


def _pair(p: Measured, q: Measured) -> Counted:
    found = counted(p, q)
    assert not isinstance(found, str)
    return found


def _answer(name: str, pair: Counted, how: object) -> Divergence:
    found: Estimate = how(pair.p, pair.q)  # type: ignore[operator]
    return Divergence(
        found.value, found.error, "standard_error", method=name, n=_drawn(pair), status=Status.ESTIMATED,
        chi_square=found.chi_square, degrees_of_freedom=found.freedom if math.isfinite(found.freedom) else None,
        notes=(f"{_size(pair.p, 'P')} and {_size(pair.q, 'Q')}, {len(pair.outcomes)} outcomes",),
    )  # fmt: skip


def _size(side: object, name: str) -> str:
    return f"{name} known" if isinstance(side, Known) else f"{_sized(side):g} draws of {name}"


def _drawn(pair: Counted) -> int:
    return int(sum(_sized(side) for side in (pair.p, pair.q)))


def _sized(side: object) -> float:
    """How many draws there are, whatever they weigh."""
    if isinstance(side, Known):
        return 0.0
    return float(len(side.cells) if isinstance(side, Drawn) else side.sum())  # type: ignore[attr-defined]
