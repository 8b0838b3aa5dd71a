"""Names beside their curves, where they cover nothing and could be no other curve's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from kullback._support import Array

GAP, STEP = 5.0, 5.0  # pixels between a name and its curve, and between the points that stand for a curve
_SIDES = np.array([(np.cos(a), np.sin(a)) for a in np.arange(8) * np.pi / 4])


@dataclass(frozen=True)
class Name:
    """A text, its colour, and the points (n, 2) in data coordinates that it may stand beside."""

    text: str
    colour: Any
    anchors: Array
    size: float = 9.5
    bold: bool = True
    inside: bool = False  # the anchors are places, not a curve to keep clear of
    separate: bool = False  # the anchors are no line: nothing lies between them
    halo: bool = False
    reach: tuple[float, ...] = (GAP,)  # the distances, in pixels, at which the name may stand


class Bars(NamedTuple):
    """Bars or stems of one kind, and their name."""

    text: str
    colour: Any
    at: Array
    heights: Array
    width: float


def place_at_tips(axes: Any, groups: Sequence[Bars]) -> None:
    """Each name beside the tip of a bar of its own, clear of all bars."""
    obstacles = []
    for g in groups:
        side = 0.5 * g.width * np.array([-1, -1, 1, 1])
        obstacles += [np.column_stack([x + side, [0.0, y, y, 0.0]]) for x, y in zip(g.at, g.heights, strict=True) if y]
    names = []
    for g in groups:
        tall = np.abs(g.heights) >= 0.25 * np.abs(g.heights).max(initial=0.0)
        names.append(Name(g.text, g.colour, np.column_stack([g.at, g.heights])[tall], separate=True))
    place(axes, names, obstacles)


def place(axes: Any, names: Sequence[Name], obstacles: Sequence[Array] = ()) -> list[Any]:
    """Write each name at the cheapest place beside its anchors; earlier names choose first."""
    renderer = axes.figure.canvas.get_renderer()
    frame = axes.get_window_extent(renderer)
    nothing = np.zeros((0, 2))
    curves = [nothing if n.inside or n.separate else _pixels(axes, n.anchors) for n in names]
    others = [_pixels(axes, o) for o in obstacles]
    taken: list[tuple[float, float, float, float]] = []
    texts = []
    for i, name in enumerate(names):
        text = axes.text(
            0,
            0,
            name.text,
            color=name.colour,
            size=name.size,
            weight="bold" if name.bold else "normal",
            ha="center",
            va="center",
            zorder=9,
        )
        if name.halo:
            from matplotlib.patheffects import withStroke

            text.set_path_effects([withStroke(linewidth=2.2, foreground="white")])
        box = text.get_window_extent(renderer)
        half = np.array([box.width / 2 + 2, box.height / 2 + 1])
        own = _pixels(axes, name.anchors, joined=not name.separate)
        if not len(own):
            own = np.array([[(frame.x0 + frame.x1) / 2, (frame.y0 + frame.y1) / 2]])
        anchors = own[:: max(1, len(own) // 160)]
        steps = np.concatenate([_SIDES * (half + far) for far in name.reach])
        if name.inside:
            steps = np.concatenate([np.zeros((1, 2)), steps])
        centres = (anchors[:, None] + steps[None]).reshape(-1, 2)
        rivals = [c for j, c in enumerate(curves) if j != i] + others
        cost = _cost(centres, half, frame, curves[i], rivals, taken)
        # Among equals: near the top of the curve.
        heights = np.repeat(anchors[:, 1], len(steps))
        cost += 0.2 * (frame.y1 - centres[:, 1]) / frame.height
        cost += 2.0 * (own[:, 1].max() - heights) / max(float(np.ptp(own[:, 1])), 1.0)
        if len(name.reach) > 1:
            cost += 0.05 * np.tile(np.hypot(*steps.T), len(anchors))
        best = centres[int(np.argmin(cost))]
        text.set_position(axes.transData.inverted().transform(best))
        taken.append((best[0], best[1], half[0], half[1]))
        texts.append(text)
    return texts


def _cost(
    centres: Array, half: Array, frame: Any, own: Array, rivals: list[Array], taken: Sequence[tuple[float, ...]]
) -> Array:
    cost = np.zeros(len(centres))
    low, high = np.array([frame.x0, frame.y0]), np.array([frame.x1, frame.y1])
    out = np.maximum(low - (centres - half), 0).sum(axis=1) + np.maximum((centres + half) - high, 0).sum(axis=1)
    cost += np.where(out > 0, 400 + out, 0)
    for x, y, w, h in taken:
        hit = (np.abs(centres[:, 0] - x) < half[0] + w + 2) & (np.abs(centres[:, 1] - y) < half[1] + h + 1)
        cost += 500 * hit
    nearest_own, covered = _distance(centres, half, own)
    cost += 4 * covered
    if rivals:
        nearest, covered = _distance(centres, half, np.concatenate(rivals))
        cost += 8 * covered + 8 * (covered > 0)
        cost += 3 * np.clip(2.5 - nearest / (nearest_own.clip(1, 60) + GAP), 0, 2.5)
    return cost


def _distance(centres: Array, half: Array, points: Array) -> tuple[Array, Array]:
    """From each box to the nearest point, and how many points it covers."""
    if not len(points):
        return np.full(len(centres), GAP), np.zeros(len(centres))
    apart = np.abs(points[None] - centres[:, None]) - half
    gap = np.hypot(*np.maximum(apart, 0).transpose(2, 0, 1))
    return gap.min(axis=1), (gap <= 1).sum(axis=1)


def _pixels(axes: Any, points: Array, *, joined: bool = True) -> Array:
    """A curve as points a few pixels apart, those within the frame."""
    points = np.asarray(points, dtype=float)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return np.zeros((0, 2))
    at = np.asarray(axes.transData.transform(points))
    if joined and len(at) > 1:
        low, high = axes.bbox.min - 50, axes.bbox.max + 50
        at = np.clip(at, low, high)
        length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(at, axis=0).T))])
        even = np.linspace(0, length[-1], max(2, int(length[-1] / STEP)))
        at = np.column_stack([np.interp(even, length, at[:, k]) for k in (0, 1)])
    inside = ((at >= axes.bbox.min - 1) & (at <= axes.bbox.max + 1)).all(axis=1)
    return at[inside]
