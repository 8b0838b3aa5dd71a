"""A column that is cut into bins, to scale: the shares of both tables above what each bin adds to either divergence."""

from __future__ import annotations

from typing import Any

import numpy as np

from kullback._format import percent, visible
from kullback._result import ColumnComparison
from kullback._support import Array
from kullback.plots import _ink, _scale
from kullback.plots._ink import Page

WIDTH, LEFT = 9.0, 0.95
SLOT, GAP = 0.62, 0.35  # inches for what has no place on the axis, and before it
HIGH, LOW = 1.35, 0.8  # of the shares, and of each direction's terms


def binned(c: ColumnComparison, part: Any, rows: Array, places: Array) -> Any:
    axis = _scale.scale(part, 80)
    labels = [part.label(("bin", i)) for i in range(len(axis.width))]
    others = [i for i in range(len(c.terms)) if i not in set(rows.tolist())]
    names = [_cut(str(c.terms["outcome"][i])) for i in others]
    turned = any(len(n) > 8 for n in names)
    (p, q, *terms), beside = _spread(c, len(axis.width), rows, places), _spread(c, len(c.terms), None, None)
    heights, above = axis.heights(p, q)
    notes = axis.told(labels)
    if above:
        which = ", ".join(f"{labels[i]} ({percent(p[i])} → {percent(q[i])})" for i in above[:3])
        notes.append(f"higher than the picture: {which}{' …' if len(above) > 3 else ''}")
    tail = 0.061 * max((len(n) for n in names), default=0) if turned else 0.0
    foot = 0.4 + max(0.0, tail - 0.15) + (0.24 if notes else 0.0)
    height = foot + 2 * LOW + HIGH + 0.5 + 0.95
    page = Page(WIDTH, height)
    page.header(visible(c.column), f"{c.kind}, {c.rule}, to scale: P grey, Q dark; below, what each adds, in nats", 0.3)
    span = WIDTH - LEFT - 0.3 - (SLOT * len(others) + GAP + 0.5 if others else 0.0)
    bottoms = (foot + 2 * (LOW + 0.25), foot + LOW + 0.25, foot)
    axes = [page.axes("shares", LEFT, bottoms[0], span, HIGH)]
    axes += [page.axes(d, LEFT, b, span, LOW) for d, b in zip(("forward", "reverse"), bottoms[1:], strict=True)]
    axes[0].stairs(heights[0], axis.at, fill=True, color=_ink.BARS)
    axes[0].stairs(heights[1], axis.at, color=_ink.OTHER, linewidth=1.3)
    axes[0].set_ylim(0, 1.1)
    axes[0].set_yticks([])
    axes[0].set_ylabel("density")
    for each, values, direction in zip(axes[1:], terms, ("forward", "reverse"), strict=True):
        _terms(each, values, axis.at, direction, np.asarray(c.terms[direction], dtype=float))
    for each in axes:
        each.set_xlim(0, 1)
        each.set_xticks([])
        each.yaxis.set_label_coords(-0.62 / span, 0.5)
        each.ticklabel_format(axis="y", scilimits=(-4, 4))
        for k in axis.short:
            middle = 0.5 * (axis.at[k] + axis.at[k + 1])
            each.text(middle, 0, "//", ha="center", va="center", size=8, transform=each.get_xaxis_transform())
    axes[-1].set_xticks([x for x, _ in axis.ticks], [text for _, text in axis.ticks])
    for text, (x, _) in zip(axes[-1].get_xticklabels(), axis.ticks, strict=True):
        text.set_horizontalalignment("left" if x < 0.05 else "right" if x > 0.95 else "center")
    if others:
        left = LEFT + span + GAP
        _beside(page, left, bottoms, [b[others] for b in beside], names, axes, turned)
    if notes:
        line = page.figure.text(LEFT / WIDTH, 0.1 / height, "; ".join(notes), size=8.5, color=_ink.QUIET)
        _ink.fitted(line, (WIDTH - LEFT - 0.3) * page.figure.dpi)
    return page.figure


def _spread(c: ColumnComparison, n: int, rows: Array | None, places: Array | None) -> list[Array]:
    """p, q and both terms at the places of the axis; without places, of every row."""
    found = []
    for name in ("p", "q", "forward", "reverse"):
        values = np.asarray(c.terms[name], dtype=float)
        if rows is not None:
            every = np.zeros(n)
            every[places] = values[rows]
            values = every
        found.append(values)
    return found


def _terms(axes: Any, values: Array, at: Array, direction: str, every: Array) -> None:
    """What each bin adds; ∞ as a bar to the top. What stands beside has room too."""
    finite = every[np.isfinite(every)]
    low, high = min(0.0, float(finite.min(initial=0))), max(0.0, float(finite.max(initial=0)))
    room = (high - low) or 1.0
    axes.set_ylim(low - 0.1 * room if low else 0, high + 0.1 * room)
    colour = _ink.COLOURS[direction]
    axes.stairs(np.where(np.isinf(values), high + 0.1 * room, values), at, fill=True, color=colour)
    for i in np.flatnonzero(np.isinf(values)):
        x = 0.5 * (at[i] + at[i + 1])
        axes.annotate(
            "∞", (x, high + 0.1 * room), (0, 1), textcoords="offset points",
            ha="center", va="bottom", size=10, color=colour, annotation_clip=False,
        )  # fmt: skip
    axes.axhline(0, color="#9a9a9a", linewidth=0.8, zorder=3)
    axes.set_ylabel(_ink.FORMULAS[direction], color=colour)
    if high > low:
        axes.locator_params(axis="y", nbins=3)
    else:
        axes.set_yticks([0.0])


def _beside(
    page: Page,
    left: float,
    bottoms: tuple[float, ...],
    values: list[Array],
    names: list[str],
    main: list[Any],
    turned: bool,
) -> None:
    """What is no number as bars of its own: shares, not densities, and terms on the scale of the others."""
    at = np.arange(len(names))
    width = SLOT * len(names)
    p, q, *terms = values
    shares = page.axes("shares beside", left, bottoms[0], width, HIGH)
    for k, (height, colour) in enumerate(((p, _ink.BARS), (q, _ink.OTHER))):
        shares.bar(at + 0.3 * (k - 0.5), height, width=0.28, color=colour)
    shares.set_xticks([])
    shares.set_ylabel("share", labelpad=2)
    shares.yaxis.set_label_position("right")
    shares.yaxis.tick_right()
    shares.spines["left"].set_visible(False)
    shares.locator_params(axis="y", nbins=4)
    shares.ticklabel_format(axis="y", scilimits=(-4, 4))
    for each, height, bottom, direction in zip(main[1:], terms, bottoms[1:], ("forward", "reverse"), strict=True):
        axes = page.axes(f"{direction} beside", left, bottom, width, LOW)
        axes.set_ylim(each.get_ylim())
        axes.bar(at, np.minimum(height, each.get_ylim()[1]), width=0.5, color=_ink.COLOURS[direction])
        for i in np.flatnonzero(np.isinf(height)):
            axes.text(at[i], 0.98, "∞", transform=axes.get_xaxis_transform(), ha="center", va="bottom", size=8)
        axes.axhline(0, color="#9a9a9a", linewidth=0.8, zorder=3)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xticks([])
    axes.set_xticks(at, names, rotation=90 if turned else 0, size=8)
    for each in page.figure.axes[-3:]:
        each.set_xlim(-0.5, len(names) - 0.5)
        each.tick_params(axis="x", length=0)


def _cut(name: str) -> str:
    name = visible(name)
    return name if len(name) <= 16 else name[:15] + "…"
