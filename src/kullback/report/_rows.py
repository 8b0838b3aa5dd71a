"""The table of columns: one body a column, a row of numbers with a picture and what unfolds below it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from kullback._result import ColumnComparison, CountDivergence, Judgement, TableComparison, Verdict
from kullback._result._column import brief, probability
from kullback._result._verdict import REASONS
from kullback.plots._tables import decades
from kullback.report._detail import detail
from kullback.report._words import SURE, cell, data, named, told

SORTS = (
    ("name", "column", "wide"),
    ("score", "score, nats", "picture wide"),
    ("forward", "KL(P‖Q)", "forward"),
    ("reverse", "KL(Q‖P)", "reverse"),
    ("p", "p (Holm)", ""),
)


def columns(found: TableComparison, verdict: Verdict | None) -> str:
    judged = {} if verdict is None else {j.column: j for j in verdict.judged if j.slice is None and not j.joint}
    limits = [j.threshold for j in judged.values() if j.threshold > 0]
    ends = decades([d for c in found.columns for d in (c.forward, c.reverse)], limits)
    heads = []
    for key, words, name in SORTS:
        way = "descending" if key == "score" else "none"
        kind = " data-as='text'" if key == "name" else ""
        axis = _axis(ends) if key == "score" else ""
        heads.append(
            f"<th scope='col' role='columnheader' class='{name}' aria-sort='{way}'>"
            f"<button type='button' data-key='{key}'{kind}>{words}</button>{axis}</th>"
        )
    heads.append("<th scope='col' role='columnheader' class='words'>carried by (P → Q)</th>")
    bodies = [_body(found, c, i, judged, verdict is not None, ends) for i, c in enumerate(found.columns)]
    return (
        "<table class='columns sortable folding' role='table' aria-label='Columns'>"
        "<colgroup><col class='c-name'><col><col class='c-number'><col class='c-number'><col class='c-p'>"
        "<col class='c-words'></colgroup>"
        f"<thead role='rowgroup'><tr role='row'>{''.join(heads)}</tr></thead>{''.join(bodies)}</table>"
    )


def _body(
    found: TableComparison,
    c: ColumnComparison,
    i: int,
    judged: Mapping[str, Judgement],
    gate: bool,
    ends: tuple[float, float],
) -> str:
    j = judged.get(c.column)
    reason = "" if j is None else j.reason
    marked = bool(reason) if gate else c.p_adjusted <= SURE
    badge = f" <span class='mark'>{told(REASONS[reason])}</span>" if reason else ""
    limit = math.nan if j is None else j.threshold
    name = told(c.column)
    alone = probability(c.p_value)
    alone = "" if alone == probability(c.p_adjusted) else f"<small>alone {told(alone)}</small>"
    row = (
        f"<tr class='row' role='row'><th scope='row' role='rowheader' class='wide'>"
        f"<button type='button' class='name' aria-expanded='false' aria-controls='d{i}'>{named(c.column)}</button>"
        f"{badge}</th>"
        f"<td class='picture wide' role='cell'>{_dots(c, limit, ends)}</td>"
        f"{cell(c.forward, 'forward', 'KL(P‖Q)')}{cell(c.reverse, 'reverse', 'KL(Q‖P)')}"
        f"<td data-label='p (Holm)' role='cell' title='{told(f'without adjustment {probability(c.p_value)}')}'>"
        f"{told(probability(c.p_adjusted))}{alone}</td>"
        f"<td class='words' role='cell'>{told(c.carried())}</td></tr>"
    )
    part = getattr(found.reference, "partitions", {}).get(c.column)
    more = detail(c, part, j.text if j is not None and (reason or j.value > limit) else "")
    return (
        f"<tbody role='rowgroup' id='c{i}' data-rank='{i}' data-name='{name}' data-score='{data(c.score)}' "
        f"data-forward='{data(c.forward.best)}' data-reverse='{data(c.reverse.best)}' data-p='{data(c.p_adjusted)}'"
        f"{' data-marked' if marked else ''}>{row}"
        f"<tr class='more' role='row' id='d{i}'><td colspan='6' role='cell'>{more}</td></tr></tbody>"
    )


def _place(x: float, ends: tuple[float, float]) -> float:
    """A number on the logarithmic axis, in percent with a margin for half a dot."""
    low, high = ends
    share = 0.0 if x <= low else min(math.log(x / low) / math.log(high / low), 1.0)
    return 2 + 96 * share


def _axis(ends: tuple[float, float]) -> str:
    powers = range(round(math.log10(ends[0])), round(math.log10(ends[1])) + 1)
    texts = []
    for k in powers:
        x = _place(10.0**k, ends)
        anchor = "start" if x < 5 else "end" if x > 95 else "middle"
        texts.append(f"<text x='{x:.1f}%' y='12' text-anchor='{anchor}'>{10.0**k:g}</text>")
    return f"<svg height='16' aria-hidden='true'>{''.join(texts)}</svg>"


def _dots(c: ColumnComparison, limit: float, ends: tuple[float, float]) -> str:
    """Both values as dots on their intervals, the threshold as a line; hollow where the shares themselves make ∞."""
    powers = range(round(math.log10(ends[0])), round(math.log10(ends[1])) + 1)
    parts = []
    for k in powers:
        x = _place(10.0**k, ends)
        parts.append(f"<line class='g' x1='{x:.1f}%' x2='{x:.1f}%' y1='0' y2='34'/>")
    words = f"KL(P‖Q) {brief(c.forward.best)}, KL(Q‖P) {brief(c.reverse.best)} nats"
    if limit > 0:
        x = _place(limit, ends)
        parts.append(f"<line class='t' x1='{x:.1f}%' x2='{x:.1f}%' y1='0' y2='34'/>")
        words += f"; the threshold is {limit:g}"
    parts += [_dot(c.forward, "f", 11, ends), _dot(c.reverse, "r", 23, ends)]
    return f"<svg height='34' role='img' aria-label='{told(words)}'>{''.join(parts)}</svg>"


def _dot(d: CountDivergence, name: str, y: int, ends: tuple[float, float]) -> str:
    if math.isnan(d.best):
        return ""
    line = ""
    if not any(map(math.isnan, d.best_interval)):
        low, high = (_place(x, ends) for x in d.best_interval)
        line = f"<line class='{name}' x1='{low:.1f}%' x2='{high:.1f}%' y1='{y}' y2='{y}'/>"
    hollow = " hollow" if math.isinf(d.value) else ""
    return f"{line}<circle class='{name}{hollow}' cx='{_place(d.best, ends):.1f}%' cy='{y}' r='4'/>"
