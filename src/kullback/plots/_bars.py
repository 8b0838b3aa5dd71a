"""Outcomes: bars of p and q above their terms."""

from __future__ import annotations

from typing import Any

import numpy as np

from kullback._result import Comparison
from kullback._support import Array
from kullback.plots import _ink
from kullback.plots._ink import Page
from kullback.plots._labels import Bars, place_at_tips
from kullback.plots._line import HEIGHT, LEFT, SIDE, SPAN, WIDTH, comparison_table

MOST, LONGEST = 30, 16  # outcomes shown, and letters of a name


def comparison(found: Comparison) -> Any:
    assert found.terms is not None
    terms = found.terms
    paid = np.abs(np.asarray(terms["forward"])) + np.abs(np.asarray(terms["reverse"]))
    kept = np.sort(np.argsort(-np.nan_to_num(paid, posinf=np.inf), kind="stable")[:MOST])
    outcomes = [_cut(str(terms["outcome"][i])) for i in kept]
    turned = sum(len(name) + 2 for name in outcomes) > 62
    foot = 0.58 + (0.066 * max(len(name) for name in outcomes) if turned else 0.0)
    left_out = len(terms) - len(kept)
    page = Page(WIDTH, HEIGHT)
    page.header("P and Q, both ways", f"P = {found.p}     Q = {found.q}", LEFT)
    middle = foot + 0.4 * (HEIGHT - 0.86 - foot)
    above = page.axes("outcomes", LEFT, middle, SPAN, HEIGHT - 0.86 - middle)
    below = page.axes("terms", LEFT, foot, SPAN, middle - foot - 0.34, sharex=above)
    at = np.arange(len(kept))
    above.set_xlim(-0.7, len(kept) - 0.3)
    p, q = (np.asarray(terms[name], dtype=float)[kept] for name in ("p", "q"))
    _pair(above, at, (p, q), (_ink.BARS, _ink.OTHER))
    above.set_ylim(0, 1.16 * max(p.max(), q.max()))
    above.set_ylabel("probability")
    above.tick_params(labelbottom=False)
    forward, reverse = (np.asarray(terms[d], dtype=float)[kept] for d in ("forward", "reverse"))
    _limits(below, forward, reverse)
    high = below.get_ylim()[1]
    shown = [np.where(np.isinf(t), high, t) for t in (forward, reverse)]
    _pair(below, at, shown, (_ink.FORWARD, _ink.REVERSE))
    for k, term in enumerate((forward, reverse)):
        for i in np.flatnonzero(np.isinf(term)):
            below.text(at[i] + 0.4 * (k - 0.5), 0.9 * high, "∞", ha="center", va="top", color="white", size=11)
    below.axhline(0, color="#9a9a9a", linewidth=0.8, zorder=1)
    below.set_ylabel("term, nats")
    below.set_xticks(at, outcomes, rotation=90 if turned else 0)
    below.tick_params(axis="x", length=0)
    if left_out:
        below.set_xlabel(f"the {len(kept)} of {len(terms)} outcomes that pay most", size=8.5)
    for axes in (above, below):
        axes.ticklabel_format(axis="y", scilimits=(-3, 4))
        axes.yaxis.set_label_coords(-0.55 / SPAN, 0.5)
    sides = (at - 0.2, at + 0.2)
    names = (("P", _ink.QUIET), ("Q", _ink.OTHER))
    place_at_tips(above, [Bars(*n, x, h, 0.37) for n, x, h in zip(names, sides, (p, q), strict=True)])
    both = tuple((f"{d}: {_ink.INTEGRANDS[d]}", _ink.COLOURS[d]) for d in ("forward", "reverse"))
    place_at_tips(below, [Bars(*n, x, h, 0.37) for n, x, h in zip(both, sides, shown, strict=True)])
    comparison_table(page.blank("table", SIDE, 0.5, WIDTH - SIDE - 0.25, HEIGHT - 1.45), found)
    return page.figure


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def _pair(axes: Any, at: Array, values: Any, colours: Any) -> None:
    for k, (heights, colour) in enumerate(zip(values, colours, strict=True)):
        axes.bar(at + 0.4 * (k - 0.5), heights, width=0.37, color=colour, zorder=2)


def _limits(axes: Any, forward: Array, reverse: Array) -> None:
    both = np.concatenate([forward, reverse])
    finite = both[np.isfinite(both)]
    low, high = min(0.0, float(finite.min(initial=0))), max(0.0, float(finite.max(initial=0)))
    if high - low == 0:
        low, high = -0.01, 0.01
        axes.set_yticks([0.0])
    else:
        axes.locator_params(axis="y", nbins=4)
    axes.set_ylim(low - 0.16 * (high - low), high + 0.24 * (high - low))
