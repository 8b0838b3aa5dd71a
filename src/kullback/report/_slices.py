"""The slices: one row each, and the columns that differ most followed from slice to slice."""

from __future__ import annotations

import math

from kullback._result import CountDivergence, SliceComparison, TableComparison, Verdict
from kullback._result._column import brief, probability
from kullback.plots._tables import followed
from kullback.report._words import cell, data, named, rank, told

HEIGHT = 110  # pixels of a picture
HEADS = (("name", "slice", "wide"), ("rows", "rows", ""), ("score", "most different", "wide words"))


def slices(found: TableComparison, verdict: Verdict | None) -> str:
    bad = {} if verdict is None else {j.slice: j for j in reversed(verdict.failures) if j.slice is not None}
    heads = "".join(
        f"<th scope='col' role='columnheader' class='{c}' aria-sort='none'>"
        f"<button type='button' data-key='{k}'{' data-as=text' if k == 'name' else ''}>{w}</button></th>"
        for k, w, c in (*HEADS, ("forward", "KL(P‖Q)", "forward"), ("reverse", "KL(Q‖P)", "reverse"), ("p", "p", ""))
    )
    rows = "".join(_row(s, i, s.label in bad) for i, s in enumerate(found.slices))
    names = followed(found)
    limits = {} if verdict is None else {j.column: j.threshold for j in verdict.judged if j.slice is not None}
    pictures = "".join(_lines(found, n, limits.get(n, math.nan)) for n in names)
    return (
        f"<h2 id='slices'>Slice by slice, by {told(str(found.by))}</h2><div class='grid'>{pictures}</div>"
        "<table class='sortable folding' role='table' aria-label='Slices'>"
        f"<thead role='rowgroup'><tr role='row'>{heads}</tr></thead><tbody role='rowgroup'>{rows}</tbody></table>"
        "<p class='quiet'>p: Holm's, for the columns of a slice.</p>"
    )


def _row(s: SliceComparison, i: int, failed: bool) -> str:
    top = max(s.columns, key=lambda c: rank(c.score))
    badge = " <span class='mark'>over</span>" if failed else ""
    return (
        f"<tr class='row' role='row' data-rank='{i}' data-name='{told(s.label)}' data-rows='{s.rows}' "
        f"data-score='{data(top.score)}' data-forward='{data(top.forward.best)}' "
        f"data-reverse='{data(top.reverse.best)}' data-p='{data(top.p_adjusted)}'>"
        f"<th scope='row' role='rowheader' class='wide'>{named(s.label)}{badge}</th>"
        f"<td data-label='rows' role='cell' class='wide'>{s.rows:,}</td>"
        f"<td data-label='most different' role='cell' class='wide words'>{named(top.column)}</td>"
        f"{cell(top.forward, 'forward', 'KL(P‖Q)')}{cell(top.reverse, 'reverse', 'KL(Q‖P)')}"
        f"<td data-label='p' role='cell'>{told(probability(top.p_adjusted))}</td></tr>"
    )


def _lines(found: TableComparison, name: str, limit: float) -> str:
    """Both directions of one column over the slices, with their intervals as far as they end."""
    every = {d: [getattr(s[name], d) for s in found.slices] for d in ("forward", "reverse")}
    ends = [x for ds in every.values() for d in ds for x in (d.best, d.best_interval[1]) if math.isfinite(x)]
    high = 1.05 * max([*ends, limit if limit > 0 else 0.0]) or 1.0
    n = len(found.slices)
    at = [1000 * (i + 0.5) / n for i in range(n)]
    drawn = []
    for short, ds in (("f", every["forward"]), ("r", every["reverse"])):
        drawn.append(f"<path class='area-{short}' d='{_band(at, ds, high)}'/>")
    if limit > 0:
        y = 100 - 100 * limit / high
        drawn.append(f"<line class='t' x1='0' x2='1000' y1='{y:.1f}' y2='{y:.1f}' vector-effect='non-scaling-stroke'/>")
    for short, ds in (("f", every["forward"]), ("r", every["reverse"])):
        points = " ".join(
            f"{x:.1f},{_height(d.best, high):.1f}" for x, d in zip(at, ds, strict=True) if not math.isnan(d.best)
        )
        drawn.append(f"<polyline class='{short}' points='{points}'/>")
    first, last = (told(found.slices[i].label) for i in (0, -1))
    words = told(f"{name}: both divergences by slice, from {found.slices[0].label} to {found.slices[-1].label}")
    ticks = f"<text x='0' y='12'>{first}</text><text x='100%' y='12' text-anchor='end'>{last}</text>"
    return (
        f"<figure role='img' aria-label='{words}'><figcaption><b>{named(name)}</b>, up to {brief(high / 1.05)} nats"
        "</figcaption>"
        f"<svg class='strip' height='{HEIGHT}' viewBox='0 0 1000 100' preserveAspectRatio='none'>{''.join(drawn)}</svg>"
        f"<svg height='16'>{ticks}</svg></figure>"
    )


def _height(x: float, high: float) -> float:
    return 100 - 100 * min(max(x, 0.0) / high, 1.0)


def _band(at: list[float], ds: list[CountDivergence], high: float) -> str:
    known = [(x, d.best_interval) for x, d in zip(at, ds, strict=True) if not any(map(math.isnan, d.best_interval))]
    if not known:
        return ""
    up = " ".join(f"{x:.1f} {_height(ends[1], high):.1f}" for x, ends in known)
    down = " ".join(f"{x:.1f} {_height(ends[0], high):.1f}" for x, ends in reversed(known))
    return f"M{up}L{down}z"
