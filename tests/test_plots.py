"""Pictures: their structure, their numbers, their files, and that no text covers another."""

from __future__ import annotations

import itertools
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import kullback as kl
from kullback._format import percent, uncertain

pytest.importorskip("matplotlib")

PENGUINS = Path(__file__).parents[1] / "examples" / "penguins.csv"
HUMPS = "0.5*normal(0, 1) + 0.5*normal({m}, 1)"
BOTH = ("forward", "reverse")


@cache
def penguins():
    return kl.read(PENGUINS).to_sample(["flipper_length_mm", "bill_depth_mm"], label="species")


@cache
def draws():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 1, 120), rng.normal(6, 1, 60)])
    return kl.Sample(x, columns=["cost in $ and $"])


CASES = {
    "one hump, all curves the same": ("normal(2, 3)", "normal", BOTH),
    "two humps, near": (HUMPS.format(m=5), "normal", BOTH),
    "two humps": (HUMPS.format(m=7.5), "normal", BOTH),
    "two humps, far": (HUMPS.format(m=10), "normal", BOTH),
    "heavy tails": ("student_t(2)", "laplace", BOTH),
    "heavy tails, two humps": ("0.7*student_t(3) + 0.3*student_t(3, 6, 2)", "normal", BOTH),
    "rounding alone is left": ("student_t(2)", "student_t", BOTH),
    "an end": ("gamma(2, 1)", "normal", ("forward",)),
    "one fit": (HUMPS.format(m=7.5), "normal", ("reverse",)),
    "integers": ("poisson(3)", "geometric", BOTH),
    "few integers": ([0.1, 0.2, 0.4, 0.2, 0.1], "binomial(4)", BOTH),
    "integers, two humps": ("0.5*poisson(3) + 0.5*poisson(20)", "poisson", BOTH),
    "many integers": ("0.5*poisson(30) + 0.5*poisson(200)", "poisson", BOTH),
    "draws": (draws, "normal", ("forward",)),
    "penguins": (penguins, "normal", BOTH),
    "plane, one fit": (penguins, "normal", ("forward",)),
    "plane, diagonal": ("multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]])", 'normal(covariance="diagonal")', BOTH),
}
MURPHY = (
    "0.5*multivariate_normal([1, 1], [[0.5, -0.25], [-0.25, 1]])"
    " + 0.5*multivariate_normal([-1, -1], [[0.5, 0.25], [0.25, 1]])"
)
PAIRS = {
    "outcomes": ({"a": 0.5, "b": 0.3, "c": 0.2}, {"a": 0.2, "b": 0.3, "c": 0.5}),
    "outcomes, a zero": ({"red": 0.5, "green": 0.3, "blue": 0.2}, {"red": 0.2, "green": 0.8, "blue": 0.0}),
    "outcomes, equal": ([0.5, 0.5], [0.5, 0.5]),
    "outcomes, many": (
        {f"a long name {i}": (i + 1) / 820 for i in range(40)},
        {f"a long name {i}": (40 - i) / 820 for i in range(40)},
    ),
    "line": ("normal(0, 1)", "laplace(1, 1)"),
    "line, gaps": ("uniform(0, 1)", "uniform(0.25, 2)"),
    "lattice": ("poisson(3)", "poisson(5)"),
    "plane": (MURPHY, "multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]])"),
}


@cache
def fitted(case):
    p, family, directions = CASES[case]
    return tuple(kl.fit(p() if callable(p) else p, family, direction=d) for d in directions)


@cache
def drawn(case):
    return kl.plots.fits(*fitted(case))


@cache
def compared(case):
    return kl.plots.comparison(kl.compare(*PAIRS[case]))


def axes_of(figure, label):
    (found,) = [a for a in figure.axes if a.get_label() == label]
    return found


def words(axes):
    return [t.get_text() for t in axes.texts if t.get_text()]


def visible_texts(figure):
    from matplotlib.text import Text

    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    ticks = []
    for axes in figure.axes:
        for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not min(low, high) <= tick.get_loc() <= max(low, high):
                    ticks += [tick.label1, tick.label2]
    hidden = {id(t) for t in ticks}
    found = []
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip() and id(text) not in hidden:
            box = text.get_window_extent(renderer)
            if box.width > 0 and box.height > 0:
                found.append((text.get_text(), box))
    return found


def overlaps(figure):
    found = []
    for (a, box), (b, other) in itertools.combinations(visible_texts(figure), 2):
        wide = min(box.x1, other.x1) - max(box.x0, other.x0)
        high = min(box.y1, other.y1) - max(box.y0, other.y0)
        if wide > 1 and high > 1:
            found.append((a, b))
    return found


def outside(figure):
    width, height = figure.get_size_inches() * figure.dpi
    return [t for t, b in visible_texts(figure) if b.x0 < -1 or b.y0 < -1 or b.x1 > width + 1 or b.y1 > height + 1]


@pytest.mark.parametrize("case", CASES)
def test_no_text_of_a_fit_covers_another_or_leaves_the_page(case):
    assert not overlaps(drawn(case))
    assert not outside(drawn(case))


@pytest.mark.parametrize("case", PAIRS)
def test_no_text_of_a_comparison_covers_another_or_leaves_the_page(case):
    assert not overlaps(compared(case))
    assert not outside(compared(case))


@pytest.mark.parametrize("case", CASES)
def test_the_table_holds_the_fits_own_numbers_and_the_minimised_ones_are_bold(case):
    table = axes_of(drawn(case), "table")
    shown = words(table)
    bold = [t.get_text() for t in table.texts if t.get_weight() == "bold"]
    for fit in fitted(case):
        for d in (fit.forward, fit.reverse):
            assert uncertain(d.value, d.error, d.error_kind) in shown
        assert fit.regime in shown
        if fit.missed > 1e-4:
            assert percent(fit.missed) in shown
    assert bold == [uncertain(f.residual.value, f.residual.error, f.residual.error_kind) for f in fitted(case)]


@pytest.mark.parametrize("case", [c for c in CASES if "plane" not in c and c != "penguins"])
def test_a_line_has_densities_integrands_and_a_table(case):
    figure = drawn(case)
    assert [a.get_label() for a in figure.axes] == ["densities", "integrands", "table"]
    names = words(axes_of(figure, "densities"))
    assert "P" in names
    assert {f"{f.direction} Q" for f in fitted(case)} <= set(names)
    integrands = {"forward": "forward: p·log(p/q)", "reverse": "reverse: q·log(q/p)"}
    assert set(words(axes_of(figure, "integrands"))) == {integrands[f.direction] for f in fitted(case)}


def test_a_plane_has_contours_and_a_map_for_each_fit():
    figure = drawn("penguins")
    labels = [a.get_label() for a in figure.axes]
    assert labels == ["densities", "integrand 1", "scale 1", "integrand 2", "scale 2", "table"]
    main = figure.axes[0]
    assert (main.get_xlabel(), main.get_ylabel()) == ("flipper_length_mm", "bill_depth_mm")
    assert {"P", "forward Q", "reverse Q", "Adelie", "Gentoo\nmissed by reverse"} == set(words(main))


def test_the_axis_bears_the_columns_name_and_its_signs_are_no_mathematics():
    axes = axes_of(drawn("draws"), "integrands")
    assert axes.get_xlabel() == "cost in $ and $"
    assert not axes.xaxis.label.get_parse_math()


def test_a_comparison_shows_both_divergences_and_their_parts():
    c = kl.compare(*PAIRS["outcomes, a zero"])
    shown = words(axes_of(kl.plots.comparison(c), "table"))
    assert {"∞", "0.601405", "exact", "20 %"} <= set(shown)


def test_the_order_of_the_fits_does_not_matter():
    forward, reverse = fitted("two humps")
    shown = [words(axes_of(kl.plots.fits(*pair), "table")) for pair in ((forward, reverse), (reverse, forward))]
    assert shown[0] == shown[1]


@pytest.mark.parametrize(("ending", "case"), [("png", "two humps"), ("svg", "penguins"), ("PDF", "integers")])
def test_a_file_is_whole_and_its_bytes_repeat(tmp_path, ending, case):
    starts = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
    written = []
    for name in ("a", "b"):
        path = tmp_path / f"{name}.{ending}"
        kl.plots.fits(*fitted(case), path=path)
        written.append(path.read_bytes())
    assert written[0].startswith(starts[ending.lower()])
    assert written[0] == written[1]
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"a.{ending}", f"b.{ending}"]


def test_another_ending_is_refused_before_anything_is_drawn(tmp_path):
    with pytest.raises(kl.InputError, match=r"\.png, \.svg or \.pdf"):
        kl.plots.fits(*fitted("two humps"), path=tmp_path / "a.jpg")
    with pytest.raises(kl.InputError, match="no folder"):
        kl.plots.fits(*fitted("two humps"), path=tmp_path / "none" / "a.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("broken", ["os.replace", "pathlib.Path.write_bytes"])
def test_a_failing_write_leaves_what_was_there(tmp_path, monkeypatch, broken):
    path = tmp_path / "a.png"
    path.write_bytes(b"before")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(broken, fail)
    with pytest.raises(kl.InputError, match="No space left"):
        kl.plots.fits(*fitted("two humps"), path=path)
    assert path.read_bytes() == b"before"
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_what_cannot_be_drawn_together_is_refused():
    forward, _ = fitted("two humps")
    with pytest.raises(kl.InputError, match="both fits are forward"):
        kl.plots.fits(forward, forward)
    with pytest.raises(kl.InputError, match="different targets"):
        kl.plots.fits(forward, fitted("two humps, far")[1])
    with pytest.raises(kl.KindError, match="what kl"):
        kl.plots.fits("normal(0, 1)")
    with pytest.raises(kl.InputError, match="batch"):
        kl.plots.comparison(kl.compare(np.full((2, 2), 0.5), np.full((2, 2), 0.5)))


def test_the_callers_settings_neither_matter_nor_change(tmp_path):
    import matplotlib

    kl.plots.fits(*fitted("two humps"), path=tmp_path / "a.svg")
    with matplotlib.rc_context({"font.size": 30, "svg.hashsalt": "x", "axes.facecolor": "red"}):
        before = dict(matplotlib.rcParams)
        kl.plots.fits(*fitted("two humps"), path=tmp_path / "b.svg")
        assert dict(matplotlib.rcParams) == before
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_pyplot_is_never_imported_and_a_missing_matplotlib_is_one_error():
    code = (
        "import sys, kullback as kl\n"
        "fit = kl.fit('normal(0, 1)', 'normal', direction='forward')\n"
        "assert 'matplotlib' not in sys.modules\n"
        "kl.plots.fits(fit)\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "for name in [n for n in sys.modules if n.split('.')[0] == 'matplotlib']: del sys.modules[name]\n"
        "sys.modules['matplotlib'] = None\n"
        "try: kl.plots.fits(fit)\n"
        "except kl.MissingExtraError as error: assert 'kullback[plots]' in str(error)\n"
        "else: raise SystemExit('no error')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
