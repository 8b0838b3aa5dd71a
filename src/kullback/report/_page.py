"""A comparison of tables as one HTML file that needs nothing beside it: a verdict, then columns to search and sort."""

from __future__ import annotations

import base64
import hashlib
import math
from dataclasses import replace
from importlib import resources

import kullback
from kullback._result import Divergence, Judgement, TableComparison, Verdict
from kullback._result._column import brief, probability
from kullback.report._markdown import FOOT
from kullback.report._rows import columns
from kullback.report._slices import slices
from kullback.report._words import SURE, interval, named, told

FIRST = 12  # failures, or notes, that stand in the open


def page(found: TableComparison, verdict: Verdict | None = None) -> str:
    """The whole file as text."""
    title = f"{found.p} and {found.q}"
    parts = [
        "<header><div><h1>Two tables</h1>",
        f"<p>{'<br>'.join(map(told, found.heading()))}</p></div>",
        "<button type='button' id='theme' class='js-only' aria-label='Change between dark and light'>Dark</button>",
        "</header><main>",
        _without(found) if verdict is None else _verdict(found, verdict),
        _list(replace(found, slices=(), columns=(), joint=None).lines()),
        f"<h2>Column by column</h2>{_tools(found, verdict is not None)}{_key(verdict)}{columns(found, verdict)}",
        slices(found, verdict) if found.slices else "",
        _joint(found),
        f"</main><footer class='quiet'><p>{told(FOOT)}</p>",
        f"<p>Made by kullback {told(kullback.__version__)}.</p></footer>",
    ]
    style, script = (_file(name) for name in ("page.css", "page.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    policy += "; base-uri 'none'; form-action 'none'"
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>{told(title)}</title><meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<style>{style}</style><script id='script'>{script}</script></head><body>{''.join(parts)}</body></html>\n"
    )


def _file(name: str) -> str:
    return resources.files("kullback.report").joinpath(name).read_text(encoding="utf-8")


def _verdict(found: TableComparison, verdict: Verdict) -> str:
    word = "passed" if verdict.passed else "failed"
    ids = {c.column: f"c{i}" for i, c in enumerate(found.columns)}
    lines = [_failure(j, ids) for j in verdict.failures]
    how = "the lower ends of the intervals are judged" if verdict.judge == "lower" else "the values are judged"
    return (
        f"<section class='verdict {word}' aria-label='Verdict'><h2>{word.capitalize()}</h2>"
        f"<p>{told(verdict.summary)} <span class='quiet'>({how})</span></p>{_items(lines)}</section>"
    )


def _failure(j: Judgement, ids: dict[str, str]) -> str:
    link = ids.get(j.column) if j.slice is None and not j.joint else "slices" if j.slice is not None else None
    name = named(j.name) if link is None else f"<a href='#{link}'>{named(j.name)}</a>"
    return f"{name}: {told(j.text)}"


def _without(found: TableComparison) -> str:
    """What is to be said first where there is no threshold."""
    n = len(found.columns)
    sure = [c for c in found.columns if c.p_adjusted <= SURE]
    head = f"{len(sure) or 'None'} of {n} {'column differs' if n == 1 else 'columns differ'} surely"
    top = (sure or found.columns)[:1]
    words = "No column was compared."
    if top:
        (c,) = top
        larger = max((c.forward, c.reverse), key=lambda d: -math.inf if math.isnan(d.best) else d.best)
        name = f"<a href='#c{found.columns.index(c)}'>{named(c.column)}</a>"
        words = f"The most: {name}, by {brief(c.score)} nats ({interval(larger)}), p {told(probability(c.p_adjusted))}."
    return (
        f"<section class='verdict' aria-label='Verdict'><h2>{head}</h2><p>{words} <span class='quiet'>Surely: p, "
        f"adjusted by Holm for all columns, at most {SURE:g}. No threshold was given.</span></p></section>"
    )


def _list(lines: list[str]) -> str:
    return _items([told(line) for line in lines])


def _items(lines: list[str]) -> str:
    """A list of HTML lines, the later ones of many behind a fold."""

    def listed(some: list[str]) -> str:
        return f"<ul>{''.join(f'<li>{line}</li>' for line in some)}</ul>" if some else ""

    rest = lines[FIRST:]
    fold = f"<details><summary>and {len(rest)} more</summary>{listed(rest)}</details>" if rest else ""
    return listed(lines[:FIRST]) + fold


def _tools(found: TableComparison, gate: bool) -> str:
    which = "only what fails" if gate else "only what differs surely"
    return (
        "<div class='tools js-only' role='search'><input type='search' id='search' placeholder='Search columns' "
        "aria-label='Search columns by name'>"
        f"<label class='check'><input type='checkbox' id='only'>{which}</label>"
        "<button type='button' id='all' aria-pressed='false'>Unfold all</button>"
        f"<span id='count' class='quiet' role='status'>{len(found.columns)} columns</span></div>"
    )


def _key(verdict: Verdict | None) -> str:
    """What the marks of the pictures mean."""
    return (
        "<p class='quiet'><span class='forward'>●</span> KL(P‖Q) <span class='reverse'>●</span> KL(Q‖P), in nats on a "
        "logarithmic scale, with 95 % intervals; ○ estimated, where the shares themselves make ∞; "
        f"{'' if verdict is None else '<span class=limit>┆</span> the threshold; '}p adjusted by Holm for all "
        "columns</p>"
    )


def _joint(found: TableComparison) -> str:
    if found.joint is None:
        return ""
    j = found.joint

    def line(d: Divergence, name: str) -> str:
        return f"<p class='{name}'>{told(str(d))}</p>"

    return (
        f"<h2 id='joint'>{', '.join(map(named, j.columns))} together</h2>{line(j.forward, 'forward')}"
        f"{line(j.reverse, 'reverse')}<p class='quiet'>From {j.rows[0]:,} rows of P and {j.rows[1]:,} of Q, by the "
        f"method {told(j.forward.method)}.</p>{_list(list(j.notes))}"
    )
