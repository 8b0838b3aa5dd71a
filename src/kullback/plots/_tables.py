"""Two tables: every column's divergences, one column's bins, and the slices in order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kullback._format import visible
from kullback._result import ColumnComparison, CountDivergence, TableComparison, Verdict
from kullback._result._column import brief
from kullback.plots import _ink, _scale
from kullback.plots._bins import binned
from kullback.plots._ink import Page

WIDTH, LEFT, RIGHT = 9.0, 2.1, 1.5
ROW = 0.44  # inches a column
MOST = 30  # columns, or categories of one column
LONGEST = 24
FIRST = 6  # columns followed through the slices


def overview(found: TableComparison, verdict: Verdict | None = None) -> Any:
    """Both divergences of every column with their 95 % intervals, and thresholds, on a logarithmic scale."""
    judged = () if verdict is None else verdict.judged
    limits = {j.column: j.threshold for j in judged if j.slice is None and not j.joint and j.threshold > 0}
    columns = found.columns[:MOST]
    left_out = len(found.columns) - len(columns)
    foot = 0.62 + (0.2 if left_out else 0.0)
    height = 1.28 + foot + ROW * len(columns)
    page = Page(WIDTH, height)
    page.header("How far apart the columns are", visible(f"P = {found.p}     Q = {found.q}"), 0.3)
    axes = page.axes("columns", LEFT, foot, WIDTH - LEFT - RIGHT, ROW * len(columns))
    axes.set_ylim(max(len(columns), 1) - 0.5, -0.5)
    axes.set_yticks(range(len(columns)), [_cut(c.column) for c in columns])
    axes.tick_params(axis="y", length=0, labelcolor=_ink.TEXT)
    low, high = decades([d for c in columns for d in (c.forward, c.reverse)], list(limits.values()))
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
    axes.xaxis.set_minor_formatter(lambda x, _: "")
    for i, c in enumerate(columns):
        if i % 2 == 0:
            axes.axhspan(i - 0.5, i + 0.5, color="#f6f6f6", linewidth=0, zorder=0)
        for direction, d, at in (("forward", c.forward, i - 0.19), ("reverse", c.reverse, i + 0.19)):
            _point(axes, at, d, _ink.COLOURS[direction], (low, high))
        if c.column in limits:
            axes.plot(
                [limits[c.column]] * 2, [i - 0.5, i + 0.5], color=_ink.LIMIT, linewidth=1.2, dashes=(3, 2), zorder=1
            )
    dashed = "; dashed: the threshold" if limits else ""
    axes.set_xlabel(f"nats, with the 95 % interval; hollow: estimated, ∞ as counted{dashed}")
    axes.xaxis.grid(True, color="#e2e2e2", linewidth=0.8)
    axes.xaxis.grid(False, which="minor")
    axes.set_axisbelow(True)
    _legend(page, height - 0.94)
    if left_out:
        words = f"and {left_out} columns that differ less"
        page.figure.text(LEFT / WIDTH, 0.1 / height, words, size=8.5, color=_ink.QUIET)
    return page.figure


def decades(every: Sequence[CountDivergence], limits: Sequence[float] = ()) -> tuple[float, float]:
    """From below the least value worth a place, at most four decades, to above the highest end of an interval."""
    ends = [x for d in every for x in (d.best, d.best_interval[1]) if math.isfinite(x)]
    high = max([*ends, *limits], default=0.0)
    if not high > 0:
        return 1e-3, 1.0
    top = 10 ** math.ceil(math.log10(high))
    values = [x for x in (*(d.best for d in every), *limits) if 0 < x < math.inf]
    bottom = 10 ** math.floor(math.log10(min(values))) if values else top / 1e3
    return min(max(bottom, top / 1e4), top / 10), top


def _point(axes: Any, at: float, d: CountDivergence, colour: str, ends: tuple[float, float]) -> None:
    """A dot with its interval, at the left edge if it is no more than that; the number stands beside the frame."""
    infinite = math.isinf(d.value)
    left, right = ends
    if not any(map(math.isnan, d.best_interval)):
        low, high = (min(max(x, left), right) for x in d.best_interval)
        axes.plot([low, high], [at, at], color=colour, linewidth=1.4, zorder=2)
    face = "white" if infinite else colour
    if not math.isnan(d.best):
        x = min(max(d.best, left), right)
        axes.plot([x], [at], "o", color=colour, markerfacecolor=face, markersize=5, zorder=3, clip_on=False)
    text = f"∞, estimated {brief(d.best)}" if infinite else brief(d.best)
    axes.annotate(
        text, (1, at), (8, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
        va="center", size=8, color=_ink.shade(colour), annotation_clip=False,
    )  # fmt: skip


def _legend(page: Page, y: float) -> None:
    x = LEFT
    for direction in ("forward", "reverse"):
        words = f"{direction} {_ink.FORMULAS[direction]}"
        page.figure.text(
            x / page.width, y / page.height, words, size=9, color=_ink.COLOURS[direction], va="center", weight="bold"
        )
        x += 1.9


def column(found: TableComparison, name: str) -> Any:
    """The shares of both tables above what each bin, or category, adds to either divergence; bins to scale."""
    c = found[name]
    part = getattr(found.reference, "partitions", {}).get(name)
    cut = _scale.bins(part, c.terms["outcome"])
    return _categories(c) if cut is None else binned(c, part, *cut)


def _categories(c: ColumnComparison) -> Any:
    kept, left_out = _kept(c)
    labels = [_cut(str(c.terms["outcome"][i])) for i in kept]
    turned = sum(len(name) + 3 for name in labels) > 110
    foot = 0.35 + (0.061 * max(len(name) for name in labels) if turned else 0.12) + (0.22 if left_out else 0.0)
    height = 3.7 + foot
    page = Page(WIDTH, height)
    page.header(
        visible(c.column), f"{c.kind}, {c.rule}: P grey, Q dark; below, what each adds to either divergence", 0.3
    )
    left, span = 0.95, WIDTH - 0.95 - 0.3
    below = page.axes("terms", left, foot, span, 1.15)
    above = page.axes("shares", left, foot + 1.4, span, 1.35, sharex=below)
    at = np.arange(len(kept))
    for k, (name, colour) in enumerate((("p", _ink.BARS), ("q", _ink.OTHER))):
        above.bar(at + 0.4 * (k - 0.5), np.asarray(c.terms[name])[kept], width=0.38, color=colour, zorder=2)
    above.set_ylabel("share")
    above.tick_params(labelbottom=False, axis="x", length=0)
    above.locator_params(axis="y", nbins=4)
    terms = {d: np.asarray(c.terms[d], dtype=float)[kept] for d in ("forward", "reverse")}
    finite = np.concatenate([t[np.isfinite(t)] for t in terms.values()])
    low, high = min(0.0, float(finite.min(initial=0))), max(0.0, float(finite.max(initial=0)))
    room = (high - low) or 1.0
    below.set_ylim(low - 0.1 * room if low else 0, high + 0.1 * room)
    for k, (direction, values) in enumerate(terms.items()):
        colour = _ink.COLOURS[direction]
        infinite = np.isinf(values)
        heights = np.where(infinite, high + 0.1 * room, values)
        below.bar(at + 0.4 * (k - 0.5), heights, width=0.38, color=colour, zorder=2)
        for i in np.flatnonzero(infinite):
            below.annotate(
                "∞", (at[i] + 0.4 * (k - 0.5), high + 0.1 * room), (0, 1), textcoords="offset points",
                ha="center", va="bottom", size=10, color=colour, annotation_clip=False,
            )  # fmt: skip
    below.axhline(0, color="#9a9a9a", linewidth=0.8, zorder=3)
    below.set_ylabel("term, nats")
    if high > low:
        below.locator_params(axis="y", nbins=4)
    else:
        below.set_yticks([0.0])
    spare = max(0.0, 6 - len(kept)) / 2  # few bars stay narrow
    below.set_xlim(-0.7 - spare, len(kept) - 0.3 + spare)
    below.set_xticks(at, labels, rotation=90 if turned else 0, size=7.5 if turned else 8.5)
    below.tick_params(axis="x", length=0)
    for axes in (above, below):
        axes.ticklabel_format(axis="y", scilimits=(-4, 4))
        axes.yaxis.set_label_coords(-0.62 / span, 0.5)
    if left_out:
        page.figure.text(
            left / WIDTH,
            0.1 / height,
            f"the {len(kept)} of {len(c.terms):,} categories that add most",
            size=8.5,
            color=_ink.QUIET,
        )
    return page.figure


def _kept(c: ColumnComparison) -> tuple[np.ndarray, int]:
    n = len(c.terms)
    if n <= MOST:
        return np.arange(n), 0
    first = c.leading()[:MOST]
    rest = [i for i in range(n) if i not in first]
    return np.sort(np.array((first + rest)[:MOST])), n - MOST


def slices(found: TableComparison, verdict: Verdict | None = None) -> Any:
    """The columns that differ most, slice by slice, in the order of the slices, with their thresholds."""
    limits = {} if verdict is None else {j.column: j.threshold for j in verdict.judged if j.slice is not None}
    names = followed(found)
    rows = (len(names) + 1) // 2
    height = 0.95 + 1.85 * rows
    page = Page(WIDTH, height)
    names_of = visible(f"P = {found.p}     Q = {found.q}")
    page.header(visible(f"P against the slices of Q by {found.by}"), names_of, 0.3)
    at = np.arange(len(found.slices))
    width = (WIDTH - 0.85 - 0.3 - 0.75) / 2
    for i, name in enumerate(names):
        left = 0.85 + (i % 2) * (width + 0.75)
        axes = page.axes(name, left, height - 1.05 - 1.85 * (i // 2) - 1.25, width, 1.25)
        axes.set_title(_cut(name), loc="left", color=_ink.TEXT, pad=4)
        every = {d: [getattr(s[name], d) for s in found.slices] for d in ("forward", "reverse")}
        limit = limits.get(name, 0.0)
        ends = [x for ds in every.values() for d in ds for x in (d.best, d.best_interval[1]) if math.isfinite(x)]
        highest = 1.06 * max([*ends, limit, 0.0]) or 1.0
        for direction, ds in every.items():
            best, low, high = (np.array(v) for v in zip(*((d.best, *d.best_interval) for d in ds), strict=True))
            high = np.minimum(high, 2 * highest)  # an interval without an end goes beyond the frame
            colour = _ink.COLOURS[direction]
            axes.fill_between(at, low, high, color=colour, alpha=0.16, linewidth=0)
            style = {"color": colour, "linestyle": _ink.DASHES[direction], "linewidth": 1.6}
            axes.plot(at, best, marker="o", markersize=3 if len(at) < 40 else 0, **style)
        if limit > 0:
            axes.axhline(limit, color=_ink.LIMIT, linewidth=1.2, dashes=(3, 2), zorder=1)
        axes.set_ylim(0, highest)
        axes.set_xlim(-0.4, len(at) - 0.6)
        axes.locator_params(axis="y", nbins=4)
        _dated(axes, [s.label for s in found.slices], width)
        if i % 2 == 0:
            axes.set_ylabel("nats")
    _legend_right(page)
    return page.figure


def followed(found: TableComparison) -> list[str]:
    """The columns with the largest score in any slice."""
    worst: dict[str, float] = {}
    for s in found.slices:
        for c in s.columns:
            worst[c.column] = max(worst.get(c.column, -math.inf), -math.inf if math.isnan(c.score) else c.score)
    return sorted(worst, key=lambda name: -worst[name])[:FIRST]


def _dated(axes: Any, labels: Sequence[str], width: float) -> None:
    """As many labels as fit, without one over another."""
    most = max(2, int(width / (0.085 * max(len(x) for x in labels) + 0.12)))
    step = max(1, math.ceil(len(labels) / most))
    kept = range(0, len(labels), step)
    axes.set_xticks(list(kept), [_cut(labels[i]) for i in kept])


def _legend_right(page: Page) -> None:
    for k, direction in enumerate(("reverse", "forward")):
        page.figure.text(
            1 - (0.3 + 1.55 * k) / page.width, 1 - 0.33 / page.height, f"{direction} {_ink.FORMULAS[direction]}",
            size=9, color=_ink.COLOURS[direction], va="center", ha="right", weight="bold",
        )  # fmt: skip


def _cut(name: str) -> str:
    name = visible(name)
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"
