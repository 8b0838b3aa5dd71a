"""One dimension: the densities, or the masses on the integers, above what each direction pays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kullback._distribution import Density, Sample
from kullback._format import number, percent
from kullback._result import Comparison, Fit
from kullback._support import Array
from kullback.methods.lattice import points
from kullback.plots import _ink, _stems
from kullback.plots._ink import Cell, Page
from kullback.plots._labels import Name, place
from kullback.plots._scene import Curve, Scene, Shade, ceiling, finite, lifted, log, seen, shaded, window

WIDTH, HEIGHT = 10.4, 5.5
LEFT, SPAN, SIDE = 0.78, 5.95, 7.1


def fits(pair: Sequence[Fit], p: Density, sample: Sample | None) -> Any:
    x = window(p, [fit.q for fit in pair])
    shades = [shade for fit in pair for shade in shaded(fit, p, x)]
    axis = sample.columns[0] if sample is not None and sample.columns else "x"
    rug = None if sample is None else sample.x
    return _page(pair, Scene(axis, x, *seen(pair, p, x), rug=rug, shades=shades))


def lattice_fits(pair: Sequence[Fit], p: Density) -> Any:
    x = np.unique(np.concatenate([points(d, 1 << 14)[0] for d in (p, *(fit.q for fit in pair))]))
    masses = [np.exp(log(d, x)) for d in (p, *(fit.q for fit in pair))]
    shown = np.flatnonzero(np.any([m > 2e-3 * m.max() for m in masses], axis=0))
    x = np.arange(x[shown[0]], x[shown[-1]] + 1)
    return _page(pair, Scene("x", x, *seen(pair, p, x), lattice=True))


def _page(pair: Sequence[Fit], scene: Scene) -> Any:
    page = Page(WIDTH, HEIGHT)
    page.header(_ink.title(pair), f"P = {pair[0].p}", LEFT)
    _panels(page, scene)
    axes = page.blank("table", SIDE, 0.5, WIDTH - SIDE - 0.25, HEIGHT - 1.45)
    below = _ink.table(axes, 0.0, 3.05, divergences(pair)) + 0.42
    below = _ink.table(axes, below, 3.05, coverage(pair)) + 0.22
    _ink.footnote(axes, below, pair)
    return page.figure


def divergences(pair: Sequence[Fit]) -> list[list[Cell]]:
    head = [Cell("", _ink.QUIET), Cell("KL(P‖Q)", _ink.QUIET), Cell("KL(Q‖P)", _ink.QUIET)]
    return [head, *([_ink.name_cell(fit), *_ink.divergence_cells(fit)] for fit in pair)]


def coverage(pair: Sequence[Fit]) -> list[list[Cell]]:
    head = [Cell(text, _ink.QUIET) for text in ("", "missed", "wasted", "regime")]
    rows = [[_ink.name_cell(f), Cell(percent(f.missed)), Cell(percent(f.wasted)), Cell(f.regime)] for f in pair]
    return [head, *rows]


NAMES = ("x", "p", "q", "forward", "reverse")


def comparison(found: Comparison) -> Any:
    assert found.terms is not None
    columns = _seen({name: np.asarray(found.terms[name], dtype=float) for name in NAMES})
    x = columns["x"]
    curves = [
        Curve("P", columns["p"], _ink.TARGET_EDGE, filled=True),
        Curve("Q", columns["q"], _ink.OTHER),
    ]
    terms = [
        Curve(f"{d}: {_ink.INTEGRANDS[d]}", columns[d], _ink.COLOURS[d], _ink.DASHES[d]) for d in ("forward", "reverse")
    ]
    page = Page(WIDTH, HEIGHT)
    page.header("P and Q, both ways", f"P = {found.p}     Q = {found.q}", LEFT)
    _panels(page, Scene("x", x, curves, terms, lattice=bool((x == np.floor(x)).all())))
    comparison_table(page.blank("table", SIDE, 0.5, WIDTH - SIDE - 0.25, HEIGHT - 1.45), found)
    return page.figure


def _seen(columns: dict[str, Any]) -> dict[str, Any]:
    """The stretch of x where any column still shows: above a thousandth of its own height."""
    shown = np.zeros(len(columns["x"]), dtype=bool)
    for name in NAMES[1:]:
        size = np.abs(np.where(np.isfinite(columns[name]), columns[name], 0.0))
        shown |= size > 2e-3 * size.max(initial=0.0)
    places = np.flatnonzero(shown)
    if not len(places):
        return columns
    kept = slice(places[0], places[-1] + 1)
    return {name: values[kept] for name, values in columns.items()}


def comparison_table(axes: Any, found: Comparison, *, short: bool = False) -> None:
    """Both directions and what they are made of, in nats."""
    ways = ("forward", "reverse")
    rows = [[Cell("nats", _ink.QUIET), *(Cell(_ink.FORMULAS[d], _ink.COLOURS[d]) for d in ways)]]
    rows.append([Cell("divergence"), *(Cell(_ink.value(getattr(found, d)), _ink.COLOURS[d], True) for d in ways)])
    pairs = [
        ("= cross-entropy", found.cross_entropy_forward, found.cross_entropy_reverse),
        ("− entropy", found.entropy_p, found.entropy_q),
    ]
    rows += [[Cell(name), Cell(number(float(a))), Cell(number(float(b)))] for name, a, b in pairs]
    rows.append([Cell("method"), *(Cell(getattr(found, d).method) for d in ways)])
    width = 4.0 if short else 3.05
    below = _ink.table(axes, 0.0, width, rows) + (0.1 if short else 0.42)
    support = found.support
    both = [
        [Cell("Jensen-Shannon"), Cell(number(float(found.jensen_shannon)))],
        [Cell("Jeffreys"), Cell(number(float(found.jeffreys)))],
        [Cell("P where Q has none"), Cell(_share(support.p_outside_q))],
        [Cell("Q where P has none"), Cell(_share(support.q_outside_p))],
    ]
    if short:
        both = both[:2]
    _ink.table(axes, below, width, [[Cell("of both", _ink.QUIET), Cell("", _ink.QUIET)], *both])


def _share(share: Any) -> str:
    return "not known" if share != share else percent(float(share))


def _panels(page: Page, scene: Scene) -> None:
    above = page.axes("densities", LEFT, 2.42, SPAN, HEIGHT - 2.42 - 0.86)
    below = page.axes("integrands", LEFT, 0.58, SPAN, 1.5, sharex=above)
    x = scene.x
    margin = 0.7 if scene.lattice else 0.0
    above.set_xlim(x[0] - margin, x[-1] + margin)
    above.tick_params(labelbottom=False)
    below.set_xlabel(scene.axis)
    above.set_ylabel("mass" if scene.lattice else "density")
    below.set_ylabel("term, nats" if scene.lattice else "integrand")
    few = scene.lattice and len(x) <= 60
    _limits(above, below, scene)
    if few:
        from matplotlib.ticker import MaxNLocator

        below.xaxis.set_major_locator(MaxNLocator(integer=True))
        _stems.masses(above, scene)
        _stems.terms(below, scene)
    else:
        _lines(above, scene)
        _integrands(below, scene)
        if scene.rug is not None:
            _rug(above, scene.rug)
        _names(above, below, scene)
    below.axhline(0, color="#9a9a9a", linewidth=0.8, zorder=1)


def _limits(above: Any, below: Any, scene: Scene) -> None:
    above.set_ylim(0, 1.12 * max(ceiling(scene.x, c.values) for c in scene.curves) or 1.0)
    high = max(ceiling(scene.x, t.values) for t in scene.terms)
    low = -max(ceiling(scene.x, -t.values) for t in scene.terms)
    low, high = min(low, 0.0), max(high, 0.0)
    top = max(ceiling(scene.x, c.values) for c in scene.curves)
    # Q equal to P pays nothing anywhere: a scale is kept so that rounding is not drawn as hills.
    if high - low < 1e-3 * top:
        low, high = -5e-3 * top, 5e-3 * top
        below.set_yticks([0.0])
    else:
        below.locator_params(axis="y", nbins=4)
    below.set_ylim(low - 0.14 * (high - low), high + 0.2 * (high - low))
    for axes in (above, below):
        axes.ticklabel_format(axis="y", scilimits=(-3, 4))
        axes.yaxis.set_label_coords(-0.55 / SPAN, 0.5)


def _lines(axes: Any, scene: Scene) -> None:
    step = {"drawstyle": "steps-mid"} if scene.lattice else {}
    for order, curve in enumerate(scene.curves):
        if curve.filled:
            axes.fill_between(
                scene.x,
                finite(curve.values),
                color=_ink.TARGET,
                linewidth=0,
                step="mid" if scene.lattice else None,
                zorder=1,
            )
            axes.plot(scene.x, curve.values, color=curve.colour, linewidth=1.0, zorder=2, **step)
        else:
            shown = lifted(scene.x, curve.values, axes.get_ylim()[1])
            axes.plot(scene.x, shown, color=curve.colour, linestyle=curve.dashes, zorder=3 + order, **step)
    for shade in scene.shades:
        axes.fill_between(
            scene.x,
            finite(shade.values),
            where=shade.where,
            facecolor=_ink.tint(shade.colour),
            linewidth=0,
            zorder=1.5,
        )


def _integrands(axes: Any, scene: Scene) -> None:
    low, high = axes.get_ylim()
    for order, term in enumerate(scene.terms):
        shown = np.where(np.isfinite(term.values), np.clip(term.values, 3 * low, 3 * high), np.nan)
        axes.fill_between(scene.x, np.nan_to_num(shown), color=term.colour, alpha=0.13, linewidth=0, zorder=2)
        risen = lifted(scene.x, shown, high - low)
        axes.plot(scene.x, risen, color=term.colour, linestyle=term.dashes, linewidth=1.6, zorder=3 + order)
        endless = np.isinf(term.values)
        if endless.any():
            axes.fill_between(scene.x, high, where=endless, facecolor=term.colour, alpha=0.2, linewidth=0, zorder=1.5)


def _rug(axes: Any, draws: Array) -> None:
    x = np.sort(draws)
    x = x[np.linspace(0, len(x) - 1, min(len(x), 2000)).astype(int)]
    low, high = axes.get_xlim()
    x = x[(x >= low) & (x <= high)]
    axes.vlines(
        x, 0.004, 0.034, transform=axes.get_xaxis_transform(), color=_ink.TEXT, alpha=0.35, linewidth=0.6, zorder=5
    )


def _names(above: Any, below: Any, scene: Scene) -> None:
    names = [Name(c.name, _ink.QUIET if c.filled else c.colour, _top(scene, c, above)) for c in scene.curves]
    inside = [_shade_name(s, scene.x, above) for s in scene.shades]
    low, high = above.get_xlim()
    rug = [] if scene.rug is None else [np.column_stack([[low, high], [0.034 * above.get_ylim()[1]] * 2])]
    place(above, [*names[::-1], *(n for n in inside if n is not None)], rug)
    rows = [Name(t.name, t.colour, _top(scene, t, below)) for t in scene.terms]
    for term in scene.terms:
        endless = scene.x[np.isinf(term.values)]
        if len(endless):
            anchors = np.column_stack([endless, np.full(len(endless), 0.4 * below.get_ylim()[1])])
            rows.append(Name("∞", term.colour, anchors, size=12, inside=True, separate=True))
    zero = np.column_stack([scene.x, np.zeros(len(scene.x))])
    place(below, rows, [zero])


def _top(scene: Scene, curve: Curve, axes: Any) -> Array:
    """Where a curve rises clear of the axis: there its name may stand."""
    low, high = axes.get_ylim()
    y = np.clip(np.nan_to_num(curve.values, nan=0.0), low, high)
    return np.column_stack([scene.x, y])


def _shade_name(shade: Shade, x: Array, axes: Any) -> Name | None:
    """The shade's name within its own area, if there is room for it; else the table alone tells."""
    y = np.where(shade.where, np.minimum(finite(shade.values), axes.get_ylim()[1]), 0.0)
    tallest = float(y.max())
    if tallest < 0.12 * axes.get_ylim()[1]:
        return None
    high = y > 0.7 * tallest
    anchors = np.column_stack([x[high], 0.45 * y[high]])
    return Name(shade.name, _ink.shade(shade.colour), anchors, size=8.5, bold=False, inside=True, separate=True)
