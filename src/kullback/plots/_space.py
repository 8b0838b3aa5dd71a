"""Many dimensions: where P and each Q have the middle nine tenths of every coordinate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kullback._result import Fit
from kullback._support import Array
from kullback.plots import _ink
from kullback.plots._ink import Page
from kullback.plots._line import coverage, divergences

LEFT, SIDE, WIDTH = 1.35, 6.35, 9.7
ROW, MOST, LONGEST = 0.34, 24, 16  # inches a coordinate, coordinates shown, letters of a name
LEVELS = (0.05, 0.5, 0.95)
DRAWS = 4096


def fits(pair: Sequence[Fit]) -> Any:
    """Intervals in units of P's spread, the coordinates that differ most first where there are too many."""
    target = pair[0].target
    p = target.intervals(LEVELS)
    names = target.names
    qs = [np.quantile(fit.q.sample(DRAWS).reshape(DRAWS, -1), LEVELS, axis=0).T for fit in pair]
    unit = np.where(p[:, 2] > p[:, 0], (p[:, 2] - p[:, 0]) / 3.29, 1.0)  # an sd, if P were normal
    seen = [(x - p[:, 1:2]) / unit[:, None] for x in (p, *qs)]
    apart = np.max([np.abs(q - seen[0]).max(axis=1) for q in seen[1:]], axis=0)
    kept = np.sort(np.argsort(-apart, kind="stable")[:MOST])
    height = max(4.5, 1.55 + ROW * len(kept))
    page = Page(WIDTH, height)
    page.header(_ink.title(pair), f"P = {pair[0].p}", 0.32)
    axes = page.axes("coordinates", LEFT, 0.62, SIDE - LEFT - 0.35, height - 1.62)
    _rows(axes, pair, [s[kept] for s in seen])
    axes.set_yticks(np.arange(len(kept)), [_cut(names[i]) for i in kept])
    axes.tick_params(axis="y", length=0)
    more = f"; the {len(kept)} of {len(p)} coordinates that differ most" if len(kept) < len(p) else ""
    axes.set_xlabel(f"distance from P's median, in units of P's spread{more}")
    side = page.blank("table", SIDE, 0.5, WIDTH - SIDE - 0.25, height - 1.45)
    below = _ink.table(side, 0.0, 3.05, divergences(pair)) + 0.42
    below = _ink.table(side, below, 3.05, coverage(pair)) + 0.22
    _ink.footnote(side, below, pair, "Bars: 5 to 95 % of each coordinate, the tick its median.")
    return page.figure


def _rows(axes: Any, pair: Sequence[Fit], seen: Sequence[Array]) -> None:
    count = len(seen[0])
    at = np.arange(count)
    axes.barh(at, seen[0][:, 2] - seen[0][:, 0], left=seen[0][:, 0], height=0.72, color=_ink.TARGET, zorder=1)
    axes.vlines(seen[0][:, 1], at - 0.36, at + 0.36, color=_ink.TARGET_EDGE, linewidth=1.2, zorder=2)
    places = [0.0] if len(pair) == 1 else [-0.17, 0.17]
    for place, fit, q in zip(places, pair, seen[1:], strict=True):
        colour = _ink.COLOURS[_ink.kind(fit)]
        axes.hlines(at + place, q[:, 0], q[:, 2], color=colour, linewidth=2.6, zorder=3)
        axes.plot(q[:, 1], at + place, linestyle="none", marker="|", markersize=7, color=colour, zorder=4)
    low = min(float(s[:, 0].min()) for s in seen)
    high = max(float(s[:, 2].max()) for s in seen)
    axes.set_xlim(low - 0.06 * (high - low), high + 0.06 * (high - low))
    axes.set_ylim(count - 0.4, -1.1)
    axes.axvline(0, color=_ink.RULE, linewidth=0.8, zorder=0)
    names = [("P", _ink.QUIET), *((f"{_ink.way(f)} Q", _ink.COLOURS[_ink.kind(f)]) for f in pair)]
    for i, (name, colour) in enumerate(names):
        axes.text(
            0.01 + (0.07 + 0.2 * (i - 1) if i else 0.0),
            1.0,
            name,
            color=colour,
            weight="bold",
            size=9,
            transform=axes.transAxes,
            va="top",
        )


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"
