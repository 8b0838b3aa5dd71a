"""A comparison of tables as one HTML file that needs nothing beside it: its pictures are inline SVG."""

from __future__ import annotations

import html
import io
import math
from dataclasses import replace
from typing import Any

import kullback.plots
from kullback._format import html_table, percent, visible
from kullback._result import ColumnComparison, CountDivergence, TableComparison
from kullback._result._column import brief, probability
from kullback.plots import _ink, _tables
from kullback.report._markdown import FOOT

DRAWN = 20  # columns with a picture of their own
OPEN = 3  # of them, unfolded

STYLE = f"""
:root {{ color-scheme: light; }}
body {{ font: 15px/1.5 system-ui, sans-serif; color: {_ink.TEXT}; }}
body {{ max-width: 1060px; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; margin-bottom: .2rem; }} h2 {{ font-size: 1.15rem; margin-top: 2.2rem; }}
p.names {{ color: {_ink.QUIET}; margin-top: 0; overflow-wrap: anywhere; }}
div.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: .86rem; }}
th, td {{ padding: .25rem .6rem; border-bottom: 1px solid #e4e4e4; text-align: right; white-space: nowrap; }}
th:first-child, td:first-child, td.words, th.words {{ text-align: left; }}
td.words {{ white-space: normal; min-width: 15rem; }}
th.forward, td.forward {{ color: {_ink.FORWARD}; }} th.reverse, td.reverse {{ color: {_ink.REVERSE}; }}
span.quiet, p.quiet {{ color: {_ink.QUIET}; font-size: .86em; }}
details {{ margin: .6rem 0; border: 1px solid #e4e4e4; border-radius: 6px; padding: .4rem .8rem; }}
summary {{ cursor: pointer; font-weight: 600; }}
svg {{ max-width: 100%; height: auto; }}
"""


def page(found: TableComparison) -> str:
    """The whole file as text. Raises MissingExtraError without Matplotlib."""
    parts = [f"<h1>Two tables</h1><p class='names'>{'<br>'.join(map(html.escape, found.heading()))}</p>"]
    parts.append(f"<div class='wide'>{_summary(found)}</div><p class='quiet'>Small: the 95 % interval.</p>")
    lines = replace(found, slices=()).lines()
    if lines:
        parts.append("<ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in lines) + "</ul>")
    with _ink.style():
        parts.append(_svg(_tables.overview(found), f"The divergences of {len(found.columns)} columns"))
        if found.slices:
            parts.append(f"<h2>Slice by slice, by {html.escape(visible(str(found.by)))}</h2>")
            parts.append(_svg(_tables.slices(found), "The divergences of the columns that differ most, by slice"))
            parts.append(f"<div class='wide'>{_slices(found)}</div>")
        parts.append("<h2>Column by column</h2>")
        parts += [_column(c, i) for i, c in enumerate(found.columns[:DRAWN])]
    left_out = len(found.columns) - DRAWN
    if left_out > 0:
        parts.append(f"<p class='quiet'>and {left_out} columns that differ less, in the table above.</p>")
    parts.append(f"<p class='quiet'>{html.escape(FOOT)} Made by kullback {kullback.__version__}.</p>")
    title = html.escape(visible(f"{found.p} and {found.q}"))
    return (
        f"<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><title>{title}</title>"
        f"<meta name='viewport' content='width=device-width, initial-scale=1'><style>{STYLE}</style></head>"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _summary(found: TableComparison) -> str:
    head = (
        "<tr><th>column</th><th class='forward'>KL(P‖Q)</th><th class='reverse'>KL(Q‖P)</th><th>Jensen-Shannon</th>"
        "<th>PSI</th><th>p-value</th><th class='words'>carried by (P → Q)</th></tr>"
    )
    body = []
    for c in found.columns:
        cells = "".join(
            (
                _value(c.forward, "forward"),
                _value(c.reverse, "reverse"),
                _value(c.jensen_shannon, ""),
                _value(c.psi, ""),
            )
        )
        words = html.escape(c.carried())
        body.append(
            f"<tr><td>{html.escape(visible(c.column))}</td>{cells}<td>{html.escape(probability(c.p_value))}</td>"
            f"<td class='words'>{words}</td></tr>"
        )
    return f"<table><thead>{head}</thead><tbody>{''.join(body)}</tbody></table>"


def _value(d: CountDivergence, name: str) -> str:
    """A value above its interval; ∞ above the smoothed value and that one's interval."""
    low, high = d.best_interval
    shown = "∞" if math.isinf(d.value) else brief(d.value)
    smooth = f"smoothed {brief(d.smoothed)}, " if math.isinf(d.value) else ""
    return f"<td class='{name}'>{shown}<br><span class='quiet'>{smooth}{brief(low)} – {brief(high)}</span></td>"


def _slices(found: TableComparison) -> str:
    rows = []
    for s in found.slices:
        top = max(s.columns, key=lambda c: c.score)
        rows.append(
            (
                s.label,
                f"{s.rows:,}",
                visible(top.column),
                str(top.forward),
                str(top.reverse),
                probability(top.p_adjusted),
            )
        )
    return html_table(rows, (visible(str(found.by)), "rows", "most different", "KL(P‖Q)", "KL(Q‖P)", "p, Holm"))


def _column(c: ColumnComparison, rank: int) -> str:
    what = f"{c.kind}, {c.rule}; score {brief(c.score)} nats, p-value {probability(c.p_value)}"
    details = [d.detail for d in (c.forward, c.reverse) if d.detail]
    notes = "".join(f"<p>{html.escape(text)}</p>" for text in details)
    order = c.leading()[:10]
    rows = [
        (
            str(c.terms["outcome"][i]),
            f"{int(c.terms['count_p'][i]):,}",
            f"{int(c.terms['count_q'][i]):,}",
            percent(float(c.terms["p"][i])),
            percent(float(c.terms["q"][i])),
            brief(float(c.terms["forward"][i])),
            brief(float(c.terms["reverse"][i])),
        )
        for i in order
    ]
    table = html_table(rows, ("", "P, rows", "Q, rows", "P", "Q", "to KL(P‖Q)", "to KL(Q‖P)")) if rows else ""
    picture = _svg(_tables.column(c), f"The shares of {visible(c.column)} in both tables, and their terms")
    return (
        f"<details{' open' if rank < OPEN else ''}><summary>{html.escape(visible(c.column))} "
        f"<span class='quiet'>{html.escape(what)}</span></summary>{notes}{picture}"
        f"<div class='wide'>{table}</div></details>"
    )


def _svg(figure: Any, title: str) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    drawn = text[text.index("<svg") :]
    return drawn.replace("<svg ", f"<svg role='img' aria-label='{html.escape(title, quote=True)}' ", 1)
