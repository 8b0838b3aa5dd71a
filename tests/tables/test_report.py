"""Reports: their parts, that they stand alone, and that they are whole or not there; pictures without overlap."""

from __future__ import annotations

import itertools
import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import kullback as kl
from kullback import report
from kullback.plots import _ink, _tables

Pair = tuple[pl.DataFrame, pl.DataFrame]
VOID = {"meta", "br", "input", "col"}


@pytest.fixture(scope="module")
def found(pair: Pair) -> kl.TableComparison:
    return kl.compare_tables(*pair)


@pytest.fixture(scope="module")
def sliced(pair: Pair) -> kl.TableComparison:
    return kl.compare_tables(*pair, by="month", columns=["x", "count", "day", "colour"])


class Tags(HTMLParser):
    """Checks that what is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.links += [v for k, v in attrs if k in ("src", "href") and v is not None and not v.startswith("#")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [v for k, v in attrs if k in ("src", "href") and v is not None and not v.startswith("#")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_one_file(found: kl.TableComparison, tmp_path: Path) -> None:
    path = tmp_path / "out.html"
    report.write(found, path)
    text = path.read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    assert tags.links == []
    assert "@import" not in text
    assert text.count("role='img'") == len(found.columns)  # both values of each with their intervals
    assert text.count("<figure") == sum(" bins " in c.rule for c in found.columns)  # to scale; categories are bars
    assert text.count("class='terms") >= len(found.columns)
    for svg in re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL):
        ET.fromstring(svg)
    for c in found.columns:
        assert c.column in text
    assert [p.name for p in tmp_path.iterdir()] == ["out.html"]
    ids = re.findall(r'clip-path="url\(#(\w+)\)"', text)
    assert all(f'id="{i}"' in text for i in set(ids))


def test_the_page_has_the_slices(sliced: kl.TableComparison) -> None:
    text = report.page(sliced)
    assert "Slice by slice, by month" in text
    assert text.count("<polyline") == 2 * len(sliced.columns)
    assert re.findall(r"data-name='(\d)' data-rows", text) == [s.label for s in sliced.slices]


def test_names_are_escaped() -> None:
    p = pl.DataFrame({"<b>&|": ["<script>", "a|b", "x"]})
    found = kl.compare_tables(p, p.reverse())
    assert "<script>" not in report.page(found)
    p, q = pl.DataFrame({"c": ["a|b"] * 5 + ["x"]}), pl.DataFrame({"c": ["a|b"] + ["x"] * 5})
    assert "a\\|b" in report.markdown(kl.compare_tables(p, q))
    assert "<script>" not in found._repr_html_()


HOSTILE = "![x](http://e.vil/p) @me `x` *b* _c_ #12 www.e.vil <b>|\\"


def test_markdown_is_text() -> None:
    """No picture, link, mention or HTML comes of names and values; the signs are escaped or parted."""
    p, q = pl.DataFrame({HOSTILE: ["a", "b"] * 30}), pl.DataFrame({HOSTILE: ["a", HOSTILE[:25]] * 30})
    text = report.markdown(kl.compare_tables(p, q, names=(HOSTILE, HOSTILE)))
    text = re.sub(r"\\.", "", text)
    for live in ("![", "](", " @me", " `x`", " *b*", " _c_", " #12", "://", " www.e", "<b>"):
        assert live not in text, live
    assert {line.count("|") for line in text.splitlines() if line.startswith("|")} == {8}


def test_control_characters_are_written_out(tmp_path: Path) -> None:
    name, value = "t\x1b[31m\nnew\u202e", "u\x1b[2J\u202e\r\nv"
    p, q = (
        pl.DataFrame({name: [value, "b"] * 30, "by": [value] * 60}),
        pl.DataFrame({name: ["b"] * 60, "by": [value] * 60}),
    )
    found = kl.compare_tables(p, q, names=(value, value), by="by")
    verdict = found.verdict(0.1)
    texts = (repr(found), repr(found.columns[0]), found._repr_html_(), report.markdown(found), report.page(found))
    for text in (*texts, str(verdict), verdict.summary, found.slices[0].label):
        assert not {c for c in text if c != "\n" and not c.isprintable()}, text[:80]
    assert "t\\x1b[31m\\nnew\\u202e" in repr(found)


def test_what_is_missing_is_told_from_the_word() -> None:
    p, q = pl.DataFrame({"t": ["missing", "'tis", "NaN", ""] * 9 + [None]}), pl.DataFrame({"t": [None] * 9})
    outcomes = kl.compare_tables(p, q)["t"].terms["outcome"]
    assert sorted(outcomes) == sorted(["'missing'", '"\'tis"', "'NaN'", "''", "missing"])
    assert kl.compare_tables(p, q)["t"].only_q == ()


def test_markdown_has_a_row_a_column(found: kl.TableComparison) -> None:
    text = report.markdown(found)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 2 * (len(found.columns) + 2)
    assert len({line.count("|") - line.count("\\|") for line in rows[: len(found.columns) + 2]}) == 1


def test_json_follows_the_schema(found: kl.TableComparison, tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    report.write(found, path)
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data["schema"] == 1
    assert [c["column"] for c in data["columns"]] == [c.column for c in found.columns]
    for c in data["columns"]:
        assert {"column", "forward", "reverse", "jensen_shannon", "psi", "p_value", "terms"} <= set(c)
        assert {"value", "error", "best", "interval", "corrected", "status"} <= set(c["forward"])
        assert len({len(v) for v in c["terms"].values()}) == 1
    count = next(c for c in data["columns"] if c["column"] == "count")
    assert count["reverse"]["value"] == "inf"
    assert count["reverse"]["best"] > 0
    assert count["only_q"][0]["outcome"] == "15"


def test_a_report_that_fails_leaves_nothing(found: kl.TableComparison, tmp_path: Path) -> None:
    with pytest.raises(kl.InputError, match="must end in"):
        report.write(found, tmp_path / "out.pdf")
    with pytest.raises(kl.InputError, match="no folder"):
        report.write(found, tmp_path / "nowhere" / "out.md")
    folder = tmp_path / "out.md"
    folder.mkdir()
    with pytest.raises(kl.InputError, match="cannot be written"):
        report.write(found, folder)
    assert list(tmp_path.iterdir()) == [folder]


def test_texts_of_the_result(found: kl.TableComparison, sliced: kl.TableComparison) -> None:
    text = repr(found)
    assert text.index("far") < text.index("heavy")
    assert "only Q has 15 (0.1 %)" in text
    assert "Q in 4 slices by month" in repr(sliced)
    assert "95 % between" in repr(found["x"])
    with pytest.raises(kl.InputError, match="no column 'y'"):
        found["y"]
    # the days of Q go on where those of P end: a thirtieth of Q that P does not have
    assert {c.column for c in found.over(0.1)} == {"moment", "day", "far"}


def written(figure: Any) -> list[tuple[str, Any]]:
    """Every text that is drawn, with its box; ticks beyond the ends of an axis are not."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    texts = list(figure.texts)
    for axes in figure.axes:
        texts += [*axes.texts, axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label]
        for axis, ends in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            low, high = min(ends), max(ends)
            texts += [t.label1 for t in axis.get_major_ticks() if low <= t.get_loc() <= high and t.label1.get_visible()]
            texts.append(axis.get_offset_text())
    return [(t.get_text(), t.get_window_extent(renderer)) for t in texts if t.get_visible() and t.get_text().strip()]


def overlaps(figure: Any) -> list[tuple[str, str]]:
    boxes = written(figure)
    for text, box in boxes:
        inside = figure.bbox.padded(1)
        assert inside.x0 <= box.x0 and box.x1 <= inside.x1, text  # noqa: PT018
        assert inside.y0 <= box.y0 and box.y1 <= inside.y1, text  # noqa: PT018
    return [
        (a, b)
        for (a, one), (b, other) in itertools.combinations(boxes, 2)
        if min(one.x1, other.x1) - max(one.x0, other.x0) > 1 and min(one.y1, other.y1) - max(one.y0, other.y0) > 1
    ]


def test_pictures_have_no_text_over_another(found: kl.TableComparison, sliced: kl.TableComparison) -> None:
    with _ink.style():
        assert overlaps(_tables.overview(found)) == []
        assert overlaps(_tables.slices(sliced)) == []
        for name in ("x", "moment", "count", "colour", "flag", "one", "far"):
            assert overlaps(_tables.column(found, name)) == [], name


def test_pictures_show_the_numbers(found: kl.TableComparison, tmp_path: Path) -> None:
    figure = kl.plots.tables(found, path=tmp_path / "out.png")
    axes = figure.axes[0]
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert len(dots) == 2 * len(found.columns)
    assert dots[0].get_xdata()[0] == pytest.approx(found.columns[0].forward.corrected)
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
    with _ink.style():
        shares, _ = _tables.column(found, "flag").axes[::-1]
        heights = [patch.get_height() for patch in shares.patches]
    np.testing.assert_allclose(heights[:3], found["flag"].terms["p"])
    with pytest.raises(kl.KindError, match="compare_tables"):
        kl.plots.tables("nothing")  # type: ignore[arg-type]
