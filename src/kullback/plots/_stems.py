"""Masses on the integers: bars for P, stems for each Q, and bars for the terms."""

from __future__ import annotations

from typing import Any

import numpy as np

from kullback.plots import _ink
from kullback.plots._labels import Bars, place_at_tips
from kullback.plots._scene import Scene


def masses(axes: Any, scene: Scene) -> None:
    others = [c for c in scene.curves if not c.filled]
    groups = []
    for curve in scene.curves:
        if curve.filled:
            axes.bar(scene.x, curve.values, width=0.84, color=_ink.TARGET, edgecolor="white", zorder=1)
            groups.append(Bars(curve.name, _ink.QUIET, scene.x, curve.values, 0.84))
    for k, curve in enumerate(others):
        alive = curve.values > 4e-3 * axes.get_ylim()[1]
        at, heights = (scene.x + 0.2 * (2 * k - (len(others) - 1)))[alive], curve.values[alive]
        axes.vlines(at, 0, heights, color=curve.colour, linewidth=1.4, zorder=3)
        face = curve.colour if curve.dashes == "solid" else "white"
        style = {"color": curve.colour, "markerfacecolor": face, "markersize": 4.6, "markeredgewidth": 1.3}
        axes.plot(at, heights, "o", zorder=4, clip_on=False, **style)
        groups.append(Bars(curve.name, curve.colour, at, heights, 0.3))
    place_at_tips(axes, groups[::-1])


def terms(axes: Any, scene: Scene) -> None:
    width = 0.8 / len(scene.terms)
    low, high = axes.get_ylim()
    groups = []
    for k, term in enumerate(scene.terms):
        at = scene.x + width * (k - (len(scene.terms) - 1) / 2)
        heights = np.where(np.isinf(term.values), high, np.clip(term.values, 3 * low, 3 * high))
        axes.bar(at, heights, width=0.92 * width, color=term.colour, zorder=2)
        for x in at[np.isinf(term.values)]:
            axes.text(x, 0.9 * high, "∞", ha="center", va="top", color="white", size=11)
        groups.append(Bars(term.name, term.colour, at, np.clip(heights, low, high), width))
    place_at_tips(axes, groups)
