"""A comparison of tables as Markdown."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from kullback._format import visible
from kullback._result import TableComparison, Verdict
from kullback._result._column import brief, probability
from kullback._result._tables import HEADER
from kullback.report._words import interval


def markdown(found: TableComparison, verdict: Verdict | None = None) -> str:
    lines = ["# Two tables", "", *(f"- {_escaped(line)}" for line in found.heading()), ""]
    if verdict is not None:
        lines += [f"**{'Passed' if verdict else 'Failed'}:** {_escaped(verdict.summary)}", ""]
        lines += [f"- {_escaped(line)}" for line in verdict.lines()] + ([""] if verdict.failures else [])
    lines += _table([HEADER, *found.table()])
    lines += ["", *(f"- {_escaped(line.strip())}" for line in found.lines())]
    lines += ["", "## With their 95 % intervals", ""]
    rows: list[Sequence[str]] = [
        ("column", "KL(P‖Q) less bias", "95 %", "KL(Q‖P) less bias", "95 %", "p, Holm", "how counted")
    ]
    for c in found.columns:
        cells = []
        for d in (c.forward, c.reverse):
            cells += [f"{brief(d.best)}{' (∞ as counted)' if math.isinf(d.value) else ''}", interval(d)]
        rows.append((c.column, *cells, probability(c.p_adjusted), f"{c.kind}, {c.rule}"))
    lines += [*_table(rows), "", FOOT, ""]
    return "\n".join(lines)


FOOT = (
    "Divergences in nats, estimated with their bias taken off. Columns are ranked by the larger of both directions. "
    "A category that only one table has makes a direction ∞ as counted; the estimate is finite, its interval endless. "
    "PSI is the sum of both directions."
)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    head, *body = ["| " + " | ".join(_escaped(cell) for cell in row) + " |" for row in rows]
    return [head, "|" + "---|" * len(rows[0]), *body]


def _escaped(text: str) -> str:
    """A text that stays one: no table, picture, link, mention or HTML comes of it, on GitHub neither."""
    text = _MARKS.sub(r"\\\1", visible(text)).replace("&", "&amp;").replace("<", "&lt;")
    return _LIVE.sub(r"\1<!-- -->", text)


_MARKS = re.compile(r"([\\`*_\[\]|~$@#!])")
_LIVE = re.compile(r"(@|#(?=\d)|:(?=//)|www\.)", re.IGNORECASE)  # what GitHub makes links of, in any text
