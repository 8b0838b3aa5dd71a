"""The optimum from reverse to forward: the members beside P, and what is left of either divergence, over alpha."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kullback._distribution import Density
from kullback._format import number
from kullback._result import Branch, Jump, Path
from kullback._support import Array
from kullback.plots import _ink
from kullback.plots._ink import Cell, Page
from kullback.plots._labels import Name, place
from kullback.plots._plane import GREYS, levels, outline, plane_grid
from kullback.plots._scene import log, window

WIDTH, HEIGHT = 10.4, 6.2
LEFT, SPAN, SIDE = 1.5, 5.2, 7.1
TALL, LOW = 2.75, 1.5
COLUMNS = 240  # of the picture of the members
SHOWN = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the alphas in the plane
HALF = 2  # of the contours: the one around half of the mass


def path(found: Path) -> Any:
    """The page of a path."""
    density = found.target.density
    page = Page(WIDTH, HEIGHT)
    page.header(f"{found.family} fitted to P, from reverse to forward", f"P = {found.p}", LEFT - 0.72)
    if density.dim == 1:
        above = _on_line(page, found, density)
    else:
        _in_plane(page, found, density)
        above = None
    _left(page, found, above)
    _told(page, found)
    return page.figure


def colour(alpha: float) -> tuple[float, ...]:
    """From the colour of reverse to that of forward."""
    return _ink.blend(_ink.REVERSE, _ink.FORWARD, alpha)


# The members


def _on_line(page: Page, found: Path, p: Density) -> Any:
    """P on its side, and the density of Q in columns that go from reverse to forward."""
    x = window(p, [found.q[0], found.q[len(found.q) // 2], found.q[-1]])
    bottom = HEIGHT - 0.86 - TALL
    side = page.axes("target", LEFT - 0.72, bottom, 0.68, TALL)
    height = np.exp(log(p, x))
    side.fill_betweenx(x, -np.nan_to_num(height, posinf=0.0), color=_ink.TARGET, linewidth=0)
    side.plot(-height, x, color=_ink.TARGET_EDGE, linewidth=1.0)
    top = float(np.max(height[np.isfinite(height)]))
    side.set_xlim(-1.12 * top, 0)
    side.set_ylim(x[0], x[-1])
    side.set_xticks([])
    side.spines["bottom"].set_visible(False)
    side.spines["left"].set_visible(True)
    side.text(-0.5 * top, x[0] + 0.03 * (x[-1] - x[0]), "P", color=_ink.QUIET, weight="bold", ha="center")
    side.set_ylabel("x", rotation=0, labelpad=8)
    axes = page.axes("members", LEFT, bottom, SPAN, TALL, sharey=side)
    axes.tick_params(labelleft=False, left=False, labelbottom=False)
    axes.spines["left"].set_visible(False)
    even = np.linspace(x[0], x[-1], 400)
    axes.imshow(
        _columns(found, even),
        origin="lower",
        aspect="auto",
        extent=(float(found.alphas[0]), float(found.alphas[-1]), even[0], even[-1]),
        interpolation="bilinear",
        zorder=1,
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(x[0], x[-1])
    lines = [line for line in (_beside(branch, found) for branch in found.branches) if len(line)]
    for line in lines:
        axes.plot(*line.T, color=_ink.OTHER, linewidth=1.0, linestyle=(0, (1, 1.6)), zorder=3)
    _jump_lines(axes, found.jumps)
    for jump in found.jumps:
        axes.annotate(
            f" jump at {jump.alpha:.3f}", (jump.alpha, 1.0), xycoords=("data", "axes fraction"), size=8.5,
            color=_ink.TEXT, va="top", ha="left" if jump.alpha < 0.75 else "right", xytext=(2, -2),
            textcoords="offset points",
        )  # fmt: skip
    best = np.column_stack([found.alphas, [_mean(q) for q in found.q]])
    names = [Name("Q", _ink.shade(colour(0.5)), best, halo=True, inside=True, separate=True)]
    if lines and max(np.ptp(line[:, 0]) for line in lines) > 0.12:
        names.append(
            Name(
                "local optima" if len(lines) > 1 else "local optimum",
                _ink.OTHER,
                np.concatenate(lines),
                size=8.5,
                bold=False,
                halo=True,
                separate=True,
            )
        )
    place(axes, names, lines)
    return axes


def _columns(found: Path, x: Array) -> Array:
    """A picture of q(x) over alpha: deeper where it is denser, in the colour of its alpha; nothing across a jump."""
    alphas = np.linspace(float(found.alphas[0]), float(found.alphas[-1]), COLUMNS)
    known = np.array([np.exp(log(q, x)) for q in found.q])
    known = known / known.max(axis=1, keepdims=True)
    image = np.ones((len(x), COLUMNS, 4))
    cuts = [jump.alpha for jump in found.jumps]
    sides = [(_scaled(jump.before, x), _scaled(jump.after, x)) for jump in found.jumps]
    at = list(found.alphas)
    rows = list(known)
    for cut, (before, after) in zip(cuts, sides, strict=True):
        place_of = int(np.searchsorted(at, cut))
        at[place_of:place_of] = [cut - 1e-9, cut + 1e-9]
        rows[place_of:place_of] = [before, after]
    where, values = np.array(at), np.array(rows)
    for k, alpha in enumerate(alphas):
        i = int(np.clip(np.searchsorted(where, alpha) - 1, 0, len(where) - 2))
        share = np.clip((alpha - where[i]) / (where[i + 1] - where[i]), 0, 1)
        strength = (1 - share) * values[i] + share * values[i + 1]
        rgb = np.array(colour(float(alpha)))
        image[:, k, :3] = 1 - 0.85 * strength[:, None] * (1 - rgb)
    return image


def _scaled(q: Density, x: Array) -> Array:
    height = np.exp(log(q, x))
    return np.asarray(height / height.max())


def _beside(branch: Branch, found: Path) -> Array:
    """Where a branch is while another one is the best."""
    taken = {id(q) for q in found.q}
    places = [(float(a), _mean(q)) for a, q in zip(branch.alphas, branch.q, strict=True) if id(q) not in taken]
    for jump in found.jumps:  # from the jump on, or up to it
        for q, edge in ((jump.before, min), (jump.after, max)):
            if places and abs(edge(places)[0] - jump.alpha) < 1.5 / len(found.alphas) and _near(q, edge(places)[1]):
                places.append((jump.alpha, _mean(q)))
    return np.array(sorted(places)).reshape(-1, 2) if len(places) > 1 else np.zeros((0, 2))


def _near(q: Density, middle: float) -> bool:
    return abs(_mean(q) - middle) < 0.2 * max(abs(middle), 1.0)


def _mean(q: Density) -> float:
    """Where a member is: its mean or its location."""
    if q.facts.moments is not None and np.isfinite(q.facts.moments[0]):
        return float(q.facts.moments[0])
    if q.facts.components:
        return float(sum(w * _mean(part) for w, part in q.facts.components))
    return float(np.atleast_1d(q.parameters.get("loc", np.nan))[0])


def _in_plane(page: Page, found: Path, p: Density) -> None:
    """Contours of Q around half of its mass at a few alphas, over those of P."""
    bottom = HEIGHT - 0.86 - TALL
    chosen = sorted({int(np.argmin(np.abs(found.alphas - alpha))) for alpha in SHOWN})
    members = [(float(found.alphas[i]), found.q[i]) for i in chosen]
    members += [(jump.alpha, q) for jump in found.jumps for q in (jump.before, jump.after)]
    grid = plane_grid(p, [q for _, q in members], alike=False)
    shape = (len(grid.x), len(grid.y))
    axes = page.axes("members", LEFT, bottom, SPAN, TALL)
    axes.set_xlim(grid.x[0], grid.x[-1])
    axes.set_ylim(grid.y[0], grid.y[-1])
    axes.set_xlabel("x", labelpad=1)
    axes.set_ylabel("y", rotation=0)
    density = np.exp(log(p, grid.points)).reshape(shape)
    at = levels(density, grid)
    top = max(np.nextafter(float(density.max()), np.inf), np.nextafter(at[-1], np.inf))
    axes.contourf(grid.x, grid.y, density.T, levels=[*at, top], colors=GREYS, zorder=1)
    names = []
    outlines = []
    for alpha, q in sorted(members, key=lambda m: m[0]):
        height = np.exp(log(q, grid.points)).reshape(shape)
        level = float(levels(height, grid)[HALF])
        axes.contour(
            grid.x, grid.y, height.T, levels=[level], colors=[colour(alpha)], linestyles=[_dashes(alpha)], zorder=4
        )
        line = outline(height, grid, level)
        outlines.append(line)
        if alpha in (found.alphas[0], found.alphas[-1]):
            names.append(Name(_end(alpha), colour(alpha), line, halo=True))
    names.append(Name("P", _ink.QUIET, outline(density, grid, float(at[0])), halo=True))
    place(axes, names, outlines)


def _dashes(alpha: float) -> Any:
    return _ink.DASHES["reverse"] if alpha == 0 else "solid"


def _end(alpha: float) -> str:
    return {0.0: "reverse Q", 1.0: "forward Q"}.get(alpha, f"Q at alpha {alpha:g}")


# What is left


def _left(page: Page, found: Path, above: Any) -> None:
    """Both divergences of the best member, and Minka's between them, over alpha."""
    from matplotlib.ticker import NullFormatter

    axes = page.axes("left", LEFT, 0.62, SPAN, LOW)
    axes.set_xlim(0, 1)
    axes.set_xlabel("alpha")
    axes.set_ylabel("nats")
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0, reverse", "0.25", "0.5", "0.75", "1, forward"])
    curves = [
        ("KL(P‖Q)", _with_cuts(found, "forward"), _ink.FORWARD, "solid", 1.7),
        ("KL(Q‖P)", _with_cuts(found, "reverse"), _ink.REVERSE, _ink.DASHES["reverse"], 1.7),
        ("left at alpha", _with_jumps(found), _ink.OTHER, "solid", 1.2),
    ]
    curves = [curve for curve in curves if np.isfinite(curve[1][:, 1]).any()]
    heights = np.concatenate([c[np.isfinite(c[:, 1]), 1] for _, c, _, _, _ in curves])
    low, high = float(heights.min()), float(heights.max())
    if low > 0 and high > 8 * low:
        axes.set_yscale("log")
        axes.set_ylim(low / 1.35, high * 1.6)
        axes.yaxis.set_major_formatter(lambda v, _: f"{v:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_ylim(max(low - 0.12 * (high - low), 0.0) if low >= 0 else low, high + 0.22 * (high - low) + 1e-12)
        axes.locator_params(axis="y", nbins=4)
    for _, line, ink, dashes, width in curves:
        axes.plot(*line.T, color=ink, linestyle=dashes, linewidth=width, zorder=4)
    _jump_lines(axes, found.jumps)
    place(axes, [Name(text, ink, line, size=9) for text, line, ink, _, _ in curves])


def _with_cuts(found: Path, way: str) -> Array:
    """The divergence of the best member, broken where the path jumps."""
    rows = [(float(a), float(d.value)) for a, d in zip(found.alphas, getattr(found, way), strict=True)]
    for jump in found.jumps:
        before, after = (float(d.value) for d in getattr(jump, way))
        rows += [(jump.alpha - 1e-9, before), (jump.alpha, np.nan), (jump.alpha + 1e-9, after)]
    line = np.array(sorted(rows, key=lambda row: row[0]))
    return np.where(np.isinf(line), np.nan, line)


def _with_jumps(found: Path) -> Array:
    """What is left at alpha goes on through a jump, with a bend."""
    rows = [(float(a), float(d.value)) for a, d in zip(found.alphas, found.residuals, strict=True)]
    return np.array(sorted(rows + [(jump.alpha, jump.value) for jump in found.jumps]))


def _jump_lines(axes: Any, jumps: Sequence[Jump]) -> None:
    for jump in jumps:
        axes.axvline(jump.alpha, color=_ink.TEXT, linewidth=0.9, zorder=5)


# The words beside it


def _told(page: Page, found: Path) -> None:
    axes = page.blank("table", SIDE, 0.5, WIDTH - SIDE - 0.25, HEIGHT - 1.35)
    head = [Cell(text, _ink.QUIET) for text in ("alpha", "left", "KL(P‖Q)", "KL(Q‖P)")]
    rows = [head]
    for i in sorted({int(np.argmin(np.abs(found.alphas - alpha))) for alpha in SHOWN}):
        alpha = float(found.alphas[i])
        values = (found.residuals[i], found.forward[i], found.reverse[i])
        cells = [Cell(f"{float(d.value):.4g}".replace("inf", "∞")) for d in values]
        rows.append([Cell(f"{alpha:.3g}", colour(alpha), True), *cells])
    below = _ink.table(axes, 0.0, 3.05, rows) + 0.26
    lines: list[str] = []
    for jump in found.jumps:
        lines += [
            f"Jump at alpha {jump.alpha:.6g}: there both are",
            "equally good. Followed up from reverse, the",
            f"first stays an optimum {_until(jump.upwards, 1.0)};",
            f"back from forward, the other {_until(jump.downwards, 0.0)}.",
            "",
        ]
    if not found.jumps:
        lines += ["No jump: one branch is best throughout.", ""]
    for way, formula in _ink.FORMULAS.items():
        if all(np.isinf(d.value) for d in getattr(found, way)):
            lines += [f"{formula} is infinite for all of these Q.", ""]
    lines += ["left: Minka's divergence at alpha, in nats,", "KL(Q‖P) at 0 and KL(P‖Q) at 1."]
    axes.text(0, below, "\n".join(lines), size=8.5, color=_ink.QUIET, va="top", linespacing=1.5)


def _until(alpha: float, end: float) -> str:
    return "to the end" if alpha == end else f"until {number(float(f'{alpha:.4g}'))}"
