"""A matrix of divergences: a cell for each pair, darker where they are further apart, ∞ hatched."""

from __future__ import annotations

from typing import Any

import numpy as np

from kullback._format import number
from kullback._result import Pairwise
from kullback.plots import _ink
from kullback.plots._ink import Page

CELL, SIDE = 0.62, 7.0  # inches: of a cell that bears its number; of the whole if there are many
WRITTEN, NAMED, LONGEST = 12, 40, 20  # distributions whose numbers are written, and that are named; letters of a name
TOP, EDGE, LETTER = 0.95, 0.3, 0.068


def pairwise(found: Pairwise) -> Any:
    n = len(found)
    written = n <= WRITTEN
    named = np.arange(0, n, -(-n // NAMED))
    names = [_cut(found.labels[i]) for i in named]
    room = 0.15 + LETTER * max(map(len, names))
    side = min(CELL * n, SIDE) if not written else CELL * n
    page = Page(max(EDGE + room + side + EDGE, 5.2), TOP + room + side + EDGE)
    value = np.asarray(found.value, dtype=float)
    which = {"forward": "the row is P, the column Q", "reverse": "the row is Q, the column P"}[found.direction]
    infinite = "" if written or np.isfinite(value).all() else "; ∞ in grey"
    page.header(f"{_ink.FORMULAS[found.direction]} of {n} distributions", f"in nats; {which}{infinite}", EDGE)
    axes = page.axes("pairs", EDGE + room, EDGE, side, side)
    colour = _ink.COLOURS[found.direction]
    top = float(value[np.isfinite(value)].max(initial=0.0)) or 1.0
    share = np.sqrt(np.clip(np.where(np.isfinite(value), value, top) / top, 0.0, 1.0))
    if written:
        for i, j in np.ndindex(n, n):
            _cell(axes, i, j, float(value[i, j]), float(share[i, j]), colour)
    else:
        _image(axes, value, share, colour)
    axes.set_xlim(0, n)
    axes.set_ylim(n, 0)
    axes.set_xticks(named + 0.5, names, rotation=90)
    axes.set_yticks(named + 0.5, names)
    axes.tick_params(length=0, labelsize=8.5, bottom=False, labelbottom=False, top=False, labeltop=True)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return page.figure


def _cell(axes: Any, i: int, j: int, value: float, share: float, colour: str) -> None:
    from matplotlib.patches import Rectangle

    finite = bool(np.isfinite(value))
    if finite:
        fill = "white" if i == j else _ink.tint(colour, 0.04 + 0.86 * share)
        axes.add_patch(Rectangle((j, i), 1, 1, facecolor=fill, edgecolor="white", linewidth=0.8))
    else:
        axes.add_patch(Rectangle((j, i), 1, 1, facecolor="white", edgecolor=colour, linewidth=0.8, hatch="////"))
    axes.text(
        j + 0.5,
        i + 0.5,
        "·" if i == j else _short(value),
        ha="center",
        va="center",
        size=8.5,
        color="white" if finite and share > 0.55 and i != j else _ink.TEXT,
        bbox=None if finite else {"facecolor": "white", "edgecolor": "none", "pad": 1.2},
    )


def _image(axes: Any, value: Any, share: Any, colour: str) -> None:
    from matplotlib.colors import to_rgb

    n = len(value)
    weight = (0.04 + 0.86 * share)[..., None]
    colours = weight * np.array(to_rgb(colour)) + (1 - weight)
    colours[~np.isfinite(value)] = to_rgb(_ink.TARGET_EDGE)
    colours[np.arange(n), np.arange(n)] = 1.0
    axes.imshow(colours, extent=(0, n, n, 0), aspect="auto", interpolation="nearest")


def _short(value: float) -> str:
    return number(value) if not np.isfinite(value) else f"{value:.3g}".replace("e+0", "e").replace("e-0", "e−")


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"
