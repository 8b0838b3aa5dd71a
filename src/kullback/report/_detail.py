"""What unfolds below a column: its numbers, its bins to scale or its categories, and what each of them adds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kullback._format import percent
from kullback._result import ColumnComparison
from kullback._result._column import brief
from kullback.plots import _scale
from kullback.report._words import interval, told

MOST = 30  # categories that are shown
HIGH, LOW = 120, 60  # pixels: of the shares, and of each direction's terms
HEADS = ("", "P", "Q", "to KL(P‖Q)", "to KL(Q‖P)")


def detail(c: ColumnComparison, part: Any, judged: str) -> str:
    parts = [f"<p class='quiet'>{told(c.kind)}, {told(c.rule)}</p>"]
    if judged:
        parts.append(f"<p>{told(judged)}</p>")
    parts += [f"<p>{told(text)}</p>" for text in dict.fromkeys((c.forward.detail, c.reverse.detail)) if text]
    more = ", ".join(
        f"{name} {brief(d.best)} ({interval(d)})" for name, d in (("Jensen-Shannon", c.jensen_shannon), ("PSI", c.psi))
    )
    parts.append(f"<p class='quiet'>{more}</p>")
    rows = _scale.bins(part, c.terms["outcome"])
    parts.append(_categories(c) if rows is None else _binned(c, part, *rows))
    return f"<div class='inner'>{''.join(parts)}</div>"


def _categories(c: ColumnComparison) -> str:
    """Bars of the categories, of many those that add most."""
    n = len(c.terms)
    kept, words = list(range(n)), ""
    if n > MOST:
        first = c.leading()[:MOST]
        kept = sorted([*first, *(i for i in range(n) if i not in set(first))][:MOST])
        words = f"<p class='quiet'>The {MOST} of {n:,} categories that add most, in their order.</p>"
    return words + _table(c, kept, bars=True)


def _binned(c: ColumnComparison, part: Any, rows: np.ndarray, places: np.ndarray) -> str:
    """The histogram with its terms, what has no place on its axis, and all numbers behind a fold."""
    others = [i for i in range(len(c.terms)) if i not in set(rows.tolist())]
    beside = f"<p class='quiet'>Beside the axis:</p>{_table(c, others, bars=True)}" if others else ""
    return (
        f"{_figure(c, part, rows, places)}{beside}<details><summary>The {len(rows)} bins in numbers</summary>"
        f"{_table(c, rows.tolist(), bars=False)}</details>"
    )


def _figure(c: ColumnComparison, part: Any, rows: np.ndarray, places: np.ndarray) -> str:
    axis = _scale.scale(part)
    labels = [part.label(("bin", i)) for i in range(len(axis.width))]
    (p, q), terms = _spread(c, len(axis.width), rows, places)
    (high_p, high_q), above = axis.heights(p, q)
    notes = axis.told(labels)
    if above:
        which = "; ".join(f"{labels[i]} ({percent(p[i])} → {percent(q[i])})" for i in above[:4])
        notes.append(f"higher than the picture: {which}{' …' if len(above) > 4 else ''}")
    x = [round(1000 * float(v), 1) for v in axis.at]
    shares = f"<path class='bar-p' d='{_steps(x, high_p, True)}'/><path class='line-q' d='{_steps(x, high_q, False)}'/>"
    middles = [500 * float(axis.at[k] + axis.at[k + 1]) for k in axis.short]
    marks = "".join(f"M{m - 7:.1f} 100l6-14M{m + 1:.1f} 100l6-14" for m in middles)
    shares += f"<path class='cut' d='{marks}'/>" if marks else ""
    ticks = "".join(
        f"<text x='{100 * at:.1f}%' y='12' text-anchor='{'start' if at < 0.08 else 'end' if at > 0.92 else 'middle'}'>"
        f"{told(text)}</text>"
        for at, text in axis.ticks
    )
    where = ",".join(map(str, places))
    key = (
        "<span class='key'></span>P <span class='key q'></span>Q: shares, drawn to scale"
        f"{'; ' + told('; '.join(notes)) if notes else ''}"
    )
    return (
        f"<figure role='group' aria-label='{told(f'The shares of {c.column} in both tables, and their terms')}'>"
        f"<figcaption>{key}</figcaption><div class='plot' data-bins='{where}'>{_strip(HIGH, shares)}"
        f"<svg height='16'>{ticks}</svg>"
        + "".join(_terms(terms[d], x, *words) for d, words in WORDS.items())
        + "</div><p class='readout quiet js-only' aria-hidden='true'>Point at a bin to read it.</p></figure>"
    )


WORDS = {"forward": ("f", "forward", "KL(P‖Q)"), "reverse": ("r", "reverse", "KL(Q‖P)")}


def _spread(
    c: ColumnComparison, n: int, rows: np.ndarray, places: np.ndarray
) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
    """Shares and terms of every bin of the axis; a bin without a row on either side has none."""
    found = {}
    for name in ("p", "q", "forward", "reverse"):
        found[name] = np.zeros(n)
        found[name][places] = np.asarray(c.terms[name], dtype=float)[rows]
    return [found["p"], found["q"]], {d: found[d] for d in ("forward", "reverse")}


def _strip(height: int, inner: str) -> str:
    return (
        f"<svg class='strip' height='{height}' viewBox='0 0 1000 100' preserveAspectRatio='none' aria-hidden='true'>"
        f"{inner}</svg>"
    )


def _steps(x: Sequence[float], heights: np.ndarray, closed: bool) -> str:
    """The outline of bars side by side, 100 units below the top."""
    y = [f"{max(100 - 93 * float(h), 0):.4g}" for h in heights]
    steps = "".join(f"V{v}H{right:g}" for v, right in zip(y, x[1:], strict=True))
    return f"M{x[0]:g} 100{steps}V100{'Z' if closed else ''}"


def _terms(values: np.ndarray, x: Sequence[float], short: str, name: str, formula: str) -> str:
    """What each bin adds to one direction, on a zero line of its own."""
    finite = values[np.isfinite(values)]
    low, high = min(0.0, float(finite.min(initial=0))), max(0.0, float(finite.max(initial=0)))
    room = (high - low) or 1.0
    zero = 100 * (0.06 + high / room * 0.88)
    path, ends = [], []
    for k, v in enumerate(values):
        if v == 0:
            continue
        top = 6.0 - 6.0 if math.isinf(v) else zero - 88 * float(v) / room
        left, width = x[k], max(x[k + 1] - x[k], 1.0)
        path.append(f"M{left:g} {zero:.4g}V{top:.4g}h{width:.4g}V{zero:.4g}z")
        if math.isinf(v):
            ends.append(f"<text x='{(left + width / 2) / 10:.1f}%' y='12' text-anchor='middle'>∞</text>")
    says = f"<span class='{name}'>{formula}</span>: what each bin adds, {brief(low)} to {brief(high)} nats"
    infinite = f"<svg height='14'>{''.join(ends)}</svg>" if ends else ""
    line = f"<line class='g' x1='0' x2='1000' y1='{zero:.4g}' y2='{zero:.4g}' vector-effect='non-scaling-stroke'/>"
    return f"<figcaption>{says}</figcaption>{infinite}" + _strip(
        LOW, f"{line}<path class='bar-{short}' d='{''.join(path)}'/>"
    ).replace("class='strip' ", "", 1)


def _table(c: ColumnComparison, rows: Sequence[int], *, bars: bool) -> str:
    """Outcomes with their shares and terms; with bars, each number above one as long as it is large."""
    p, q, forward, reverse = (np.asarray(c.terms[n], dtype=float)[list(rows)] for n in ("p", "q", "forward", "reverse"))
    share = max(p.max(initial=0.0), q.max(initial=0.0)) or 1.0
    both = np.abs(np.concatenate([forward, reverse]))
    most = float(both[np.isfinite(both)].max(initial=0.0)) or 1.0
    head = "".join(
        f"<th scope='col' class='{n}'>{h}</th>" for h, n in zip(HEADS, ("", "", "", *WORDS), strict=True)
    ).replace(" class=''", "")
    body = []
    for i, values in zip(rows, zip(p, q, forward, reverse, strict=True), strict=True):
        cells = []
        for k, v in enumerate(map(float, values)):
            text = percent(v) if k < 2 else brief(v)
            long = min(100 * abs(v) / (share if k < 2 else most), 100)
            style = f" style='--w:{long:.3g}'" if bars and long else ""
            cells.append(f"<td{' class=minus' if bars and v < 0 else ''}{style}>{text}</td>")
        name = told(str(c.terms["outcome"][i]))
        body.append(f"<tr><th scope=row>{name}</th>{''.join(cells)}</tr>")
    return (
        f"<table class='terms{'' if bars else ' plain'}'><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table>"
    )
