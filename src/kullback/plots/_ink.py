"""The look of every picture: colours, type, the frame of a page, and its table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from kullback._format import uncertain
from kullback._result import Divergence, Fit, MissingExtraError

# Okabe and Ito's blue and vermilion: told apart by every common kind of colour vision, and dark enough on white.
FORWARD, REVERSE = "#0072B2", "#D55E00"
TARGET, TARGET_EDGE, BARS, OTHER = "#d4d4d4", "#8a8a8a", "#bdbdbd", "#333333"
TEXT, QUIET, RULE = "#222222", "#5f5f5f", "#c8c8c8"
LIMIT = "#b00040"  # a threshold
BETWEEN = "#7a5195"  # a fit at an alpha between the two
COLOURS = {"forward": FORWARD, "reverse": REVERSE, "between": BETWEEN}
DASHES = {"forward": "solid", "reverse": (0, (5, 1.6)), "between": (0, (4, 1.2, 1, 1.2))}
INTEGRANDS = {"forward": "p·log(p/q)", "reverse": "q·log(q/p)", "between": "of Minka's D"}
FORMULAS = {"forward": "KL(P‖Q)", "reverse": "KL(Q‖P)"}

ROW = 0.28  # inches from one row of a table to the next
NARROW = 0.1  # inches between two columns at least


def tint(colour: str, share: float = 0.3) -> tuple[float, ...]:
    """The colour mixed with white."""
    return _mixed(colour, (1.0, 1.0, 1.0), share)


def shade(colour: Any, share: float = 0.7) -> tuple[float, ...]:
    """The colour mixed with black: for small letters on its tint."""
    return _mixed(colour, (0.0, 0.0, 0.0), share)


def blend(first: str, second: str, share: float) -> tuple[float, ...]:
    """From one colour to another."""
    from matplotlib.colors import to_rgb

    return _mixed(second, to_rgb(first), share)


def _mixed(colour: Any, other: tuple[float, ...], share: float) -> tuple[float, ...]:
    from matplotlib.colors import to_rgb

    return tuple(share * a + (1 - share) * b for a, b in zip(to_rgb(colour), other, strict=True))


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib's own defaults and ours on top, whatever the caller has set; all of it is undone afterwards."""
    try:
        import matplotlib
        import matplotlib.figure
    except ImportError:
        raise MissingExtraError("matplotlib", "plots", "A picture") from None
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {
                "font.family": _fonts(),
                "font.size": 9.5,
                "text.color": TEXT,
                "text.parse_math": False,
                "axes.edgecolor": "#9a9a9a",
                "axes.labelcolor": QUIET,
                "axes.linewidth": 0.8,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "axes.titlesize": 9.5,
                "xtick.color": "#9a9a9a",
                "ytick.color": "#9a9a9a",
                "xtick.labelcolor": QUIET,
                "ytick.labelcolor": QUIET,
                "xtick.labelsize": 8.5,
                "ytick.labelsize": 8.5,
                "lines.linewidth": 1.9,
                "lines.solid_capstyle": "round",
                "hatch.linewidth": 0.6,
                "savefig.dpi": 150,
                "svg.hashsalt": "kullback",
            }
        )
        yield


def _fonts() -> list[str]:
    """One that Matplotlib brings, then those at hand that know the scripts it lacks: columns have names."""
    from matplotlib import font_manager

    known = {font.name for font in font_manager.fontManager.ttflist}
    wide = ("Noto Sans CJK KR", "Noto Sans CJK JP", "NanumGothic", "Malgun Gothic", "Apple SD Gothic Neo")
    return ["DejaVu Sans", *(name for name in wide if name in known)]


class Page:
    """A figure measured in inches, from its lower left corner."""

    def __init__(self, width: float, height: float) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.width, self.height = width, height
        self.figure = Figure(figsize=(width, height), facecolor="white")
        FigureCanvasAgg(self.figure)

    def axes(self, label: str, left: float, bottom: float, width: float, height: float, **options: Any) -> Any:
        box = (left / self.width, bottom / self.height, width / self.width, height / self.height)
        return self.figure.add_axes(box, label=label, **options)

    def blank(self, label: str, left: float, bottom: float, width: float, height: float) -> Any:
        """Axes without a frame, in inches from their own upper left corner."""
        axes = self.axes(label, left, bottom, width, height)
        axes.set_axis_off()
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)
        return axes

    def header(self, title: str, subtitle: str, left: float) -> None:
        """Two lines at the top; the second is cut where the page ends."""
        x, y = left / self.width, 1 - 0.33 / self.height
        self.figure.text(x, y, title, size=13, weight="bold", va="center")
        line = self.figure.text(x, y - 0.27 / self.height, subtitle, size=9.5, color=QUIET, va="center")
        fitted(line, (self.width - 1.5 * left) * self.figure.dpi)


def fitted(text: Any, pixels: float) -> None:
    """Shorten a text until it takes at most so many pixels."""
    renderer = text.figure.canvas.get_renderer()
    words = text.get_text()
    width = text.get_window_extent(renderer).width
    while width > pixels and len(words) > 1:
        words = words[: max(1, min(len(words) - 1, int(len(words) * pixels / width)))]
        text.set_text(words.rstrip() + "…")
        width = text.get_window_extent(renderer).width


class Cell(NamedTuple):
    """What stands in one place of a table."""

    text: str
    colour: Any = TEXT
    bold: bool = False


def table(axes: Any, top: float, width: float, rows: Sequence[Sequence[Cell]]) -> float:
    """Rows of cells below `top`, the first a header; all but the first column end flush. Returns where it ends."""
    renderer = axes.figure.canvas.get_renderer()
    texts = [[_written(axes, cell, r, c) for c, cell in enumerate(row)] for r, row in enumerate(rows)]
    inches = axes.figure.dpi
    widths = [max(t.get_window_extent(renderer).width for t in column) / inches for column in zip(*texts, strict=True)]
    gaps = max(len(widths) - 1, 1)
    # Numbers too long for the width make the letters smaller, never the gaps vanish.
    scale = min(1.0, (width - NARROW * gaps) / sum(widths))
    widths = [scale * w for w in widths]
    room = (width - sum(widths)) / gaps
    for r, row in enumerate(texts):
        x = 0.0
        for c, text in enumerate(row):
            x += widths[c] + (room if c else 0.0)
            text.set_position((0.0 if c == 0 else x, top + (r + 0.5) * ROW))
            text.set_size(scale * text.get_size())
        axes.plot([0, width], [top + (r + 1) * ROW] * 2, color=RULE, linewidth=0.9 if r == 0 else 0.4)
    return top + len(rows) * ROW


def _written(axes: Any, cell: Cell, row: int, column: int) -> Any:
    return axes.text(
        0,
        0,
        cell.text,
        color=cell.colour,
        weight="bold" if cell.bold else "normal",
        size=9 if row == 0 else 9.5,
        ha="left" if column == 0 else "right",
        va="center_baseline",
    )


def value(d: Divergence) -> str:
    """A divergence with its error, as in every other report."""
    return uncertain(d.value, d.error, d.error_kind)


def divergence_cells(fit: Fit) -> list[Cell]:
    """Both divergences of a fit, the minimised one bold."""
    return [
        Cell(value(d), COLOURS[kind(fit)] if mine else TEXT, mine)
        for d, mine in ((fit.forward, fit.direction == "forward"), (fit.reverse, fit.direction == "reverse"))
    ]


def name_cell(fit: Fit) -> Cell:
    return Cell(f"{way(fit)} Q", COLOURS[kind(fit)])


def kind(fit: Fit) -> str:
    """forward, reverse, or between."""
    return fit.direction if isinstance(fit.direction, str) else "between"


def way(fit: Fit) -> str:
    """The direction in words."""
    return fit.direction if isinstance(fit.direction, str) else f"alpha {fit.direction:g}"


def title(pair: Sequence[Fit]) -> str:
    how = "both ways" if len(pair) == 2 else way(pair[0])
    return f"{pair[0].family} fitted to P, {how}"


def footnote(axes: Any, top: float, pair: Sequence[Fit], *more: str) -> None:
    """What the words of the table mean, and what a fit between the directions minimised."""
    minimised = ["Bold: what the fit minimised, in nats."] if any(isinstance(f.direction, str) for f in pair) else []
    minimised += [f"Least at {way(f)}: Minka's D = {value(f.residual)} nats." for f in pair if kind(f) == "between"]
    axes.text(
        0,
        top,
        "\n".join(
            (
                *more,
                *minimised,
                "missed: the share of P where q < p/100",
                "wasted: the share of Q where p < q/100",
            )
        ),
        size=8,
        color=QUIET,
        va="top",
        linespacing=1.5,
    )
