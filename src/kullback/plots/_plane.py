"""Two dimensions: contours around 50, 90 and 99 % of the mass, and maps of what each direction pays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from kullback._distribution import Density, Sample
from kullback._format import percent
from kullback._measure._compare import plane_window
from kullback._result import Comparison, Fit, Mode
from kullback._support import Array, Box, Interval
from kullback.plots import _ink
from kullback.plots._ink import Cell, Page
from kullback.plots._labels import Name, place
from kullback.plots._line import comparison_table
from kullback.plots._scene import log, paid

WIDTH, HEIGHT = 11.6, 6.3
LEFT, SPAN, TALL = 0.78, 5.0, 4.6
SIDE, MAP, LOW = 6.35, 2.35, 3.1
POINTS = 161
MASSES = (0.99, 0.9, 0.5)
GREYS = ("#ececec", "#dadada", "#c2c2c2")
DRAWS = 3000


class Grid(NamedTuple):
    """Points of a window: the two axes, and all of them as rows."""

    x: Array
    y: Array
    points: Array


@dataclass(frozen=True)
class Cover:
    """A Q on the grid, and how its contours are drawn."""

    name: str
    density: Array
    colour: str
    dashes: Any


@dataclass(frozen=True)
class Map:
    """An integrand on the grid."""

    name: str
    values: Array
    colour: str


def fits(pair: Sequence[Fit], p: Density, sample: Sample | None) -> Any:
    columns = tuple(sample.columns) if sample is not None and len(sample.columns) == 2 else ("x", "y")
    grid = plane_grid(p, [fit.q for fit in pair], alike=sample is None)
    shape = (len(grid.x), len(grid.y))
    log_p = log(p, grid.points)
    covers, maps = [], []
    for fit in pair:
        d, log_q = _ink.kind(fit), log(fit.q, grid.points)
        covers.append(Cover(f"{_ink.way(fit)} Q", np.exp(log_q).reshape(shape), _ink.COLOURS[d], _ink.DASHES[d]))
        pays = paid(fit, log_p, log_q)
        maps.append(Map(f"{_ink.way(fit)}: {_ink.INTEGRANDS[d]}", pays.reshape(shape), _ink.COLOURS[d]))
    page = Page(WIDTH, HEIGHT)
    page.header(_ink.title(pair), f"P = {pair[0].p}", LEFT)
    axes = _main(page, grid, np.exp(log_p).reshape(shape), covers, columns, sample)
    _finish(axes, grid, np.exp(log_p).reshape(shape), covers, _modes(pair))
    _maps(page, grid, maps)
    _table(page, pair)
    return page.figure


def comparison(found: Comparison) -> Any:
    assert found.terms is not None
    columns = {name: np.asarray(found.terms[name]) for name in ("x", "y", "p", "q", "forward", "reverse")}
    x, y = np.unique(columns["x"]), np.unique(columns["y"])
    shape = (len(x), len(y))
    grid = Grid(x, y, np.column_stack([columns["x"], columns["y"]]))
    p = columns["p"].reshape(shape)
    covers = [Cover("Q", columns["q"].reshape(shape), _ink.OTHER, "solid")]
    page = Page(WIDTH, HEIGHT)
    page.header("P and Q, both ways", f"P = {found.p}     Q = {found.q}", LEFT)
    axes = _main(page, grid, p, covers, ("x", "y"), None)
    _finish(axes, grid, p, covers, [])
    maps = [Map(f"{d}: {_ink.INTEGRANDS[d]}", columns[d].reshape(shape), _ink.COLOURS[d]) for d in _ink.FORMULAS]
    _maps(page, grid, maps)
    comparison_table(page.blank("table", SIDE + 0.8, 0.05, WIDTH - SIDE - 1.1, 2.5), found, short=True)
    return page.figure


# What is drawn


def plane_grid(p: Density, others: Sequence[Density], *, alike: bool) -> Grid:
    """The window of the measures; with coordinates of one kind, in equal scales if that costs little room."""
    window = plane_window(p, *others, side=3)
    low, high = window.min(axis=0), window.max(axis=0)
    ended = isinstance(p.support, Box) and any(side != Interval() for side in p.support.sides)
    if ended:  # nothing is to be seen beyond P's ends
        sides = [side for side in p.support.sides if isinstance(side, Interval)]  # type: ignore[union-attr]
        reach = 0.03 * (high - low)
        low = np.maximum(low, np.array([side.low for side in sides]) - reach)
        high = np.minimum(high, np.array([side.high for side in sides]) + reach)
    elif alike:
        wanted = (high - low) / np.array([SPAN, TALL])
        if wanted.max() < 2.5 * wanted.min():
            half = 0.5 * wanted.max() * np.array([SPAN, TALL])
            low, high = (low + high) / 2 - half, (low + high) / 2 + half
    x, y = (np.linspace(a, b, POINTS) for a, b in zip(low, high, strict=True))
    return Grid(x, y, np.column_stack([m.ravel() for m in np.meshgrid(x, y, indexing="ij")]))


def levels(density: Array, grid: Grid) -> Array:
    """The densities above which lie 99, 90 and 50 % of the mass, increasing."""
    cell = (grid.x[1] - grid.x[0]) * (grid.y[1] - grid.y[0])
    ordered = np.sort(density[np.isfinite(density) & (density > 0)].ravel())[::-1]
    mass = np.cumsum(ordered) * cell
    at = [ordered[min(int(np.searchsorted(mass, m)), len(ordered) - 1)] for m in MASSES]
    for i in range(1, len(at)):
        at[i] = max(at[i], np.nextafter(at[i - 1], np.inf))
    return np.array(at)


def _main(
    page: Page, grid: Grid, p: Array, covers: Sequence[Cover], columns: tuple[str, ...], sample: Sample | None
) -> Any:
    axes = page.axes("densities", LEFT, 0.62, SPAN, TALL)
    axes.set_xlim(grid.x[0], grid.x[-1])
    axes.set_ylim(grid.y[0], grid.y[-1])
    axes.set_xlabel(columns[0])
    axes.set_ylabel(columns[1])
    top = np.nextafter(float(p.max()), np.inf)
    at = levels(p, grid)
    axes.contourf(grid.x, grid.y, p.T, levels=[*at, max(top, np.nextafter(at[-1], np.inf))], colors=GREYS, zorder=1)
    if sample is not None:
        draws = sample.x[np.linspace(0, sample.n - 1, min(sample.n, DRAWS)).astype(int)]
        axes.plot(*draws.T, "o", color=_ink.TEXT, markersize=2.4, markeredgewidth=0, alpha=0.28, zorder=2)
    for cover in covers:
        axes.contour(
            grid.x,
            grid.y,
            cover.density.T,
            levels=levels(cover.density, grid),
            colors=cover.colour,
            linestyles=[cover.dashes],
            linewidths=(1.2, 1.6, 2.0),
            zorder=4,
        )
    return axes


def outline(density: Array, grid: Grid, level: float) -> Array:
    from contourpy import LineType, contour_generator

    lines: Any = contour_generator(grid.x, grid.y, density.T, line_type=LineType.Separate).lines(level)
    return np.concatenate(lines) if lines else np.zeros((0, 2))


def _finish(axes: Any, grid: Grid, p: Array, covers: Sequence[Cover], modes: Sequence[tuple[Mode, str, str]]) -> None:
    """Modes and names, placed when everything they must avoid is known."""
    names, obstacles = [], []
    for cover in covers:
        for k, level in enumerate(levels(cover.density, grid)):
            line = outline(cover.density, grid, float(level))
            if k == 0:
                names.append(Name(cover.name, cover.colour, line, halo=True))
            else:
                obstacles.append(line)
    places = [np.asarray(mode.location, dtype=float) for mode, _, _ in modes]
    for (_, text, colour), place_of in zip(modes, places, strict=True):
        missed = colour != _ink.TEXT
        axes.plot(
            *place_of,
            marker="X" if missed else "P",
            markersize=8,
            color=colour,
            markeredgecolor="white",
            markeredgewidth=0.9,
            zorder=8,
        )
        if text:
            around = place_of[None]
            names.append(Name(text, colour, around, size=9, bold=missed, reach=(9.0, 16.0, 26.0, 40.0), halo=True))
    names.append(Name("P", _ink.QUIET, outline(p, grid, float(levels(p, grid)[0])), halo=True))
    place(axes, names, obstacles)


def _modes(pair: Sequence[Fit]) -> list[tuple[Mode, str, str]]:
    """Each mode of P with its text and colour: a missed one is named by the fit that misses it."""
    found = []
    for i, mode in enumerate(pair[0].modes):
        by = [fit for fit in pair if not fit.modes[i].covered]
        name = mode.label or ("mode" if by else "")
        text = f"{name}\nmissed by {' and '.join(map(_ink.way, by))}" if by else name
        found.append((mode, text, _ink.COLOURS[_ink.kind(by[0])] if by else _ink.TEXT))
    return found


def _maps(page: Page, grid: Grid, maps: Sequence[Map]) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    for k, shown in enumerate(maps):
        axes = page.axes(f"integrand {k + 1}", SIDE + k * (MAP + 0.3), LOW, MAP, 0.62 + TALL - LOW)
        finite = shown.values[np.isfinite(shown.values)]
        reach = float(np.abs(finite).max()) if len(finite) else 0.0
        reach = reach or 1.0
        ramp = LinearSegmentedColormap.from_list(shown.name, ["#6b6b6b", "#ffffff", shown.colour])
        image = axes.imshow(
            np.clip(np.nan_to_num(shown.values, posinf=reach), -reach, reach).T,
            origin="lower",
            aspect="auto",
            extent=(grid.x[0], grid.x[-1], grid.y[0], grid.y[-1]),
            cmap=ramp,
            vmin=-reach,
            vmax=reach,
            interpolation="bilinear",
        )
        axes.set_title(shown.name, color=shown.colour, weight="bold", loc="left", pad=5)
        axes.set_xticks([])
        axes.set_yticks([])
        for side in axes.spines.values():
            side.set_visible(True)
            side.set_color(_ink.RULE)
        bar = page.axes(f"scale {k + 1}", SIDE + k * (MAP + 0.3), LOW - 0.17, MAP, 0.08)
        page.figure.colorbar(image, cax=bar, orientation="horizontal", ticks=[-reach, 0, reach])
        bar.set_xticklabels(["gains", "0", "pays"])
        bar.tick_params(length=0, pad=2, labelsize=8)
        bar.get_xticklabels()[0].set_ha("left")
        bar.get_xticklabels()[-1].set_ha("right")
        bar.spines["outline"].set_visible(False)


def _table(page: Page, pair: Sequence[Fit]) -> None:
    axes = page.blank("table", SIDE, 0.3, WIDTH - SIDE - 0.2, 2.2)
    head = [Cell(text, _ink.QUIET) for text in ("", "KL(P‖Q)", "KL(Q‖P)", "missed", "wasted", "regime")]
    rows = [
        [
            _ink.name_cell(f),
            *_ink.divergence_cells(f),
            Cell(percent(f.missed)),
            Cell(percent(f.wasted)),
            Cell(f.regime),
        ]
        for f in pair
    ]
    below = _ink.table(axes, 0.1, 2 * MAP + 0.3, [head, *rows]) + 0.16
    _ink.footnote(axes, below, pair, "Contours: around 50, 90 and 99 % of the mass.")
