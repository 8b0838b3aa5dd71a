"""The HTML report: a verdict first, columns to search and sort, bins to scale, names that stay text."""

from __future__ import annotations

import base64
import hashlib
import math
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources
from typing import Any

import numpy as np
import polars as pl
import pytest

import kullback as kl
from kullback import report
from kullback._format import visible
from kullback.plots import _ink, _scale, _tables
from kullback.tables._partition import Partition

VOID = {"meta", "br", "input", "col"}
TAGS = VOID | set(
    re.findall(
        r"\w+",
        "html head title style script body header main footer section div p h1 h2 small span b bdi a button label ul "
        "li table colgroup thead tbody tr th td figure figcaption details summary svg path line circle polyline text",
    )
)


class Page(HTMLParser):
    """Tags in order, attributes, and the texts of names."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.names: list[str] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)
        if tag == "bdi":
            self.names.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.text += data
        if "bdi" in self.open:
            self.names[-1] += data


@pytest.fixture(scope="module")
def found() -> kl.TableComparison:
    rng = np.random.default_rng(0)

    def table(shift: float, n: int) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "moved": rng.normal(shift, 1, n),
                "same": rng.normal(size=n),
                "word": [f"w{k}" for k in np.minimum(rng.zipf(1.6, n), 61 - 20 * (shift > 0))],
                "gone" if not shift else "new": 1,
            }
        )

    return kl.compare_tables(table(0, 2000), table(1, 1500), joint=["moved", "same"])


def test_it_is_one_file_that_runs_its_own_script_alone(found: kl.TableComparison) -> None:
    text = report.page(found)
    page = Page(text)
    assert set(page.tags) <= TAGS
    assert {v for k, v in page.attributes if k in ("src", "href")} <= {f"#c{i}" for i in range(9)} | {"#slices"}
    assert not [k for k, _ in page.attributes if k.startswith("on")]
    (policy,) = [v for k, v in page.attributes if k == "content" and v is not None and "default-src" in v]
    assert policy.startswith("default-src 'none'; ")
    assert page.tags.count("script") == 1
    script = re.findall("<script[^>]*>(.*?)</script>", text, re.DOTALL)[0]
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in policy
    assert "http" not in text.replace("http-equiv", "")
    style = resources.files("kullback.report").joinpath("page.css").read_text()
    for colour in (_ink.FORWARD, _ink.REVERSE, _ink.BARS, _ink.OTHER, _ink.LIMIT):
        assert colour in style
    ids = [v for k, v in page.attributes if k == "id"]
    assert len(ids) == len(set(ids))
    assert {v for k, v in page.attributes if k == "aria-controls"} <= set(ids)


def test_it_needs_no_matplotlib(found: kl.TableComparison, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "moved" in report.page(found)


def test_the_verdict_comes_first(found: kl.TableComparison) -> None:
    verdict = found.verdict(0.1, thresholds={"word": 5.0})
    text = report.page(found, verdict)
    page = Page(text)
    start = page.text[: page.text.index("Column by column")]
    assert "Failed" in start
    assert verdict.summary in start
    for line in verdict.lines():
        assert line in start
    assert "<a href='#c0'><bdi>moved</bdi></a>" in text
    bodies = text.split("<tbody role='rowgroup' id=")[1:]
    assert [" data-marked" in b.split(">")[0] for b in bodies] == [c.column == "moved" for c in found.columns]
    low, high = _tables.decades([d for c in found.columns for d in (c.forward, c.reverse)], [0.1, 5.0])
    for c, body in zip(found.columns, bodies, strict=True):
        (x,) = map(float, re.findall(r"class='t' x1='([\d.]+)%'", body))
        limit = {"word": 5.0}.get(c.column, 0.1)
        assert x == pytest.approx(2 + 96 * math.log(limit / low) / math.log(high / low), abs=0.1)
    passed = found.verdict(50, allow_missing_columns=True)
    assert "Passed" in Page(report.page(found, passed)).text
    assert "**Failed:** 1 of 4 columns over their thresholds; 1 missing" in report.markdown(found, verdict)


def test_without_a_threshold_it_says_what_differs_surely(found: kl.TableComparison) -> None:
    page = Page(report.page(found))
    sure = sum(c.p_adjusted <= 0.05 for c in found.columns)
    assert f"{sure} of 3 columns differ surely" in page.text
    assert "The most: moved, by " in page.text
    assert "Columns of P only: gone" in page.text
    assert "moved, same together" in page.text
    same = Page(report.page(kl.compare_tables(*[pl.DataFrame({"x": [1.0, 2.0] * 20})] * 2)))
    assert "None of 1 column differs surely" in same.text


def test_every_column_can_be_sorted_by_its_numbers(found: kl.TableComparison) -> None:
    text = report.page(found)
    assert re.findall(r"data-key='(\w+)'", text) == ["name", "score", "forward", "reverse", "p"]
    for c, body in zip(found.columns, text.split("<tbody role='rowgroup' id=")[1:], strict=True):
        data = dict(re.findall(r"data-(\w+)='([^']*)'", body))
        assert float(data["score"]) == pytest.approx(c.score, rel=1e-5)
        assert float(data["forward"]) == pytest.approx(c.forward.best, rel=1e-5)
        assert float(data["p"]) == pytest.approx(c.p_adjusted, rel=1e-5)
        assert data["name"] == c.column
    assert text.count("aria-sort='descending'") == 1
    assert "The 30 of " in text  # of the words, those that add most


class Odd:
    """A divergence as its four public numbers, whatever they are."""

    detail = "Q has no row where P has <b> (3 %)"

    def __init__(self, value: float, best: float, low: float, high: float) -> None:
        self.value, self.best, self.best_interval = value, best, (low, high)

    def __str__(self) -> str:
        return "∞"


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        (Odd(math.inf, 3.4, 2.1, math.inf), "at least 2.1"),
        (Odd(math.inf, math.nan, math.nan, math.nan), "no interval"),
        (Odd(math.inf, math.inf, 2.1, math.inf), "at least 2.1"),
        (Odd(1.0, 0.0, 0.0, 0.2), "0 – 0.2"),
    ],
)
def test_intervals_without_an_end_and_what_is_no_number(found: kl.TableComparison, odd: Any, words: str) -> None:
    columns = tuple(replace(c, forward=odd, psi=odd) for c in found.columns)
    slices = tuple(kl.compare_tables(*[pl.DataFrame({"k": [1, 2], "x": [1, 2]})] * 2, by="k").slices)
    slices = tuple(replace(s, columns=columns) for s in slices)
    changed = replace(found, columns=columns, slices=slices, by="k")
    page = Page(report.page(changed))
    assert words in page.text
    assert words in report.markdown(changed)
    numbers = [v for k, v in page.attributes if k in ("x1", "x2", "cx", "d", "points") and v is not None]
    assert not [v for v in numbers if "nan" in v or "inf" in v]
    with _ink.style():
        for figure in (_tables.overview(changed), _tables.slices(changed)):
            figure.canvas.draw()
            for axes in figure.axes:
                assert np.isfinite([*axes.get_xlim(), *axes.get_ylim()]).all()


HOSTILE = [
    "<script>alert(1)</script>", "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "' onclick='x",
    '" onmouseover="x', "'><svg onload=x>", "</style><b>", "<!-- x", "-->", "<![CDATA[", "&lt;b&gt;", "&amp;", "&#39;",
    "javascript:alert(1)", "{{x}}", "${x}", "%s", "\\u003cb\\u003e", "a\tb\nc", "\x00\x1b[31m", "\u202egnirts",
    "한국어 열 이름", "中文列名", "x" * 300, "", "<iframe src=//e.vil>", "a`b", "العربية",
]  # fmt: skip


def test_names_and_values_stay_text() -> None:
    """Of hostile names and categories nothing comes but themselves, every letter of them."""
    n = len(HOSTILE)
    p = pl.DataFrame(
        {name: [HOSTILE[(i + j) % n] for j in range(n)] for i, name in enumerate(HOSTILE)} | {"by": [HOSTILE[0]] * n}
    )
    found = kl.compare_tables(
        p, p.with_columns(pl.lit(HOSTILE[3]).alias(HOSTILE[5])), by="by", names=(HOSTILE[0], HOSTILE[4])
    )
    for page in (Page(report.page(found)), Page(report.page(found, found.verdict(0.01)))):
        assert set(page.tags) <= TAGS
        assert page.tags.count("script") == 1
        assert not [k for k, _ in page.attributes if k.startswith("on")]
        assert {visible(name) or "''" for name in HOSTILE} <= set(page.names)
        for value in HOSTILE:
            assert visible(value) in page.text
        assert not [c for c in page.text if c != "\n" and not c.isprintable()]


def test_three_hundred_columns_are_a_small_file(found: kl.TableComparison) -> None:
    many = tuple(replace(found.columns[i % 3], column=f"feature_{i}") for i in range(300))
    parts = {f"feature_{i}": found.reference.partitions[found.columns[i % 3].column] for i in range(300)}
    wide = replace(found, columns=many, reference=replace(found.reference, partitions=parts))
    text = report.page(wide)
    assert len(text) < 300 * 9_000
    assert text.count("<figure") == 200  # of those with bins, all


EDGES: dict[str, tuple[str, list[float]]] = {
    "even": ("number", [0.0, 1.0, 3.0, 4.0, 6.0]),
    "whole": ("integer", [0.0, 1.0, 3.0, 7.0, 9.0]),
    "tail": ("number", [0.0, 1.0, 2.0, 3.0, 1000.0]),
    "both tails": ("number", [-1e6, -1.0, 0.0, 1.0, 1e5]),
    "between": ("number", [0.0, 1.0, 2.0, 1e6, 1e6 + 1, 1e6 + 2]),
    "log": ("number", [1e-6, 1e-4, 1e-2, 1.0, 1e2, 1e4, 1e6, 1e8, 1e10]),
    "from zero": ("number", [0.0, 1e-4, 1e-2, 1.0, 1e2, 1e4, 1e6, 1e8, 1e10]),
    "below zero": ("number", [-1e10, -1e8, -1e6, -1e4, -1e2, -1.0, -1e-2, -1e-4, 0.0]),
    "all doubles": ("number", [-1.7e308, -1e154, -1.0, -5e-324, 0.0, 1e-300, 1.0, 1e154, 1.7e308]),
    "both signs": ("number", [-1e8, -1e6, -1e4, -1e2, -1.0, 1.0, 1e2, 1e4, 1e6, 1e8]),
    "a value": ("number", [0.0, 1.0, 2.0, 2.0000001, 3.0, 4.0]),
}


KIND_OF = dict.fromkeys(("log", "from zero", "below zero"), "logarithmic")
KIND_OF |= dict.fromkeys(("both signs", "all doubles"), "both signs")


@pytest.mark.parametrize("name", EDGES)
def test_bins_are_to_scale(name: str) -> None:
    """As wide as they are, but those that are said to be drawn short; areas are shares."""
    kind, edges = EDGES[name]
    axis = _scale.scale(Partition("x", kind, tuple(edges)))
    drawn, whole = np.diff(axis.at), [i for i in range(len(edges) - 1) if i not in axis.short]
    assert (axis.at[0], axis.at[-1]) == (0.0, pytest.approx(1.0))
    assert (drawn > 0).all()
    true = np.array(edges)
    if name == "whole":  # 0, 1 to 2, 3 to 6, 7 to 9
        true = np.array([0.0, 1.0, 3.0, 7.0, 10.0])
    if axis.kind == "logarithmic":
        true = np.sign(true[1]) * np.log(np.maximum(np.abs(true), 1e-6))
    if axis.kind != "both signs":
        ratios = (drawn / np.diff(true))[whole]
        slim = drawn[whole] < 1.01 * _scale.LEAST
        np.testing.assert_allclose(ratios[~slim], ratios[~slim][0], rtol=0.01)
    expected = {"tail": (3,), "both tails": (0, 3), "between": (2,)}.get(name, ())
    assert axis.short == expected
    assert axis.kind == KIND_OF.get(name, "linear")
    shares = np.full(len(drawn), 1 / len(drawn))
    (heights, _), above = axis.heights(shares, shares)
    plain = [i for i in whole if i not in above]
    np.testing.assert_allclose((heights * axis.width)[plain], (heights * axis.width)[plain[0]], rtol=1e-9)
    assert above == {"a value": [2], "all doubles": [3, 4]}.get(name, [])
    labels = [str(i) for i in range(len(drawn))]
    assert bool(axis.told(labels)) is bool(axis.short or axis.kind != "linear")
    places = [x for x, _ in axis.ticks]
    assert places == sorted(places)
    assert len(places) >= 2


def test_days_and_times_are_to_scale() -> None:
    """Months are as long as they are, on either side of a year's end; sentinels far off are drawn short."""
    days = pl.date_range(pl.date(2019, 11, 1), pl.date(2020, 4, 30), "1d", eager=True)
    p = pl.DataFrame({"day": pl.concat([days] * 5), "at": pl.concat([days] * 5).cast(pl.Datetime("us"))})
    p = p.vstack(p.head(30).with_columns(pl.date(1, 1, 1).alias("day")))
    found = kl.compare_tables(p, p)
    part = found.reference.partitions["at"]
    axis = _scale.scale(part)
    starts = [np.datetime64(part.label(("bin", i))[1:20].replace(" ", "T"), "s") for i in range(len(axis.width))]
    apart = np.diff(np.array(starts).astype(float))
    np.testing.assert_allclose(np.diff(axis.at)[:-1] / apart, np.diff(axis.at)[0] / apart[0], rtol=0.01)
    assert axis.ticks[0][1] == "2019-11-01"
    axis = _scale.scale(found.reference.partitions["day"])
    assert axis.short == (1,)  # the gap between the sentinel and the days
    assert axis.ticks[0][1] == "0001-01-02"


def test_the_picture_in_the_page_has_the_shares(found: kl.TableComparison) -> None:
    """Each bar's height times its bin's width is P's share, to what is written of it."""
    text = report.page(found).split("id='c0'")[1]
    path = re.findall(r"class='bar-p' d='([^']*)'", text)[0]
    heights = np.array([100 - float(v) for v in re.findall(r"V([\d.]+)H", path)])
    part, c = found.reference.partitions["moved"], found["moved"]
    area = heights * np.diff(part.edges)
    np.testing.assert_allclose(area / area.sum(), c.terms["p"], atol=0.003)
