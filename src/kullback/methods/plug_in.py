"""Draws of few outcomes: Zhang and Grabchak's estimate of their divergence, and the divergence of what was counted."""

from __future__ import annotations

import math

from kullback._distribution import Measured
from kullback._format import percent
from kullback._result import Divergence, Status
from kullback.methods._counted import Counted, counted, unseen
from kullback.methods._request import Request
from kullback.numerics import counts
from kullback.numerics.counts import Estimate, Known


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
        if isinstance(found, str) or unseen(found)[0] == 0:
            return None
        return f"P shows outcomes that Q does not ({unseen(found)[1]}); it would take them as rare, not as impossible"

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence:
        return _answer(self.name, _pair(p, q), counts.zhang_grabchak)


class PlugIn:
    """The divergence of the observed shares; ∞, with a smoothed value beside it, if Q lacks an outcome of P."""

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
        whose = "has no mass" if known else f"has no draw in {pair.q.sum():g}"  # type: ignore[union-attr]
        return Divergence(
            math.inf,
            0.0,
            "bound" if known else "estimate",
            method=self.name,
            n=_drawn(pair),
            status=Status.SUPPORT_GAP if known else Status.UNSEEN,
            detail=f"{percent(mass)} of P's {'mass' if isinstance(pair.p, Known) else 'draws'} "
            f"are at {outcomes}, where Q {whose}",
            smoothed=None if known else _answer("smoothed", pair, counts.smoothed),
        )


def _pair(p: Measured, q: Measured) -> Counted:
    found = counted(p, q)
    assert not isinstance(found, str)
    return found


def _answer(name: str, pair: Counted, how: object) -> Divergence:
    found: Estimate = how(pair.p, pair.q)  # type: ignore[operator]
    return Divergence(
        found.value, found.error, "standard_error", method=name, n=_drawn(pair), status=Status.ESTIMATED,
        chi_square=found.chi_square,
        notes=(f"{_size(pair.p, 'P')} and {_size(pair.q, 'Q')}, {len(pair.outcomes)} outcomes",),
    )  # fmt: skip


def _size(side: object, name: str) -> str:
    return f"{name} known" if isinstance(side, Known) else f"{side.sum():g} draws of {name}"  # type: ignore[attr-defined]


def _drawn(pair: Counted) -> int:
    return int(sum(0 if isinstance(side, Known) else side.sum() for side in (pair.p, pair.q)))
