"""`kullback compare a.parquet b.parquet`: both sides are files, folders or patterns."""

from __future__ import annotations

import math
import sys
from pathlib import Path

from rich.cells import cell_len
from rich.markup import escape
from rich.table import Table

import kullback as kl
from kullback._cli import _show, _verdict
from kullback._cli._options import FORMATS
from kullback._format import visible
from kullback._result import CountDivergence, InputError, TableComparison, Verdict
from kullback._result._column import brief, probability
from kullback.tables import Settings
from kullback.tables._files import ENDINGS

WIDE = 110  # letters from which on the table has room for what carries a column
NAME = 12  # letters of a column's name that there is room for at least
LEFT_OUT = ("PSI", "JS")  # what a narrow terminal does without
LEADING = 3  # columns of which it is said below, where there is none


def is_table(text: str) -> bool:
    """Whether an argument names rows: a file, a folder, or a pattern of files."""
    if text == "-" or "://" in text or text.lower().removesuffix(".gz").removesuffix(".zst").endswith(ENDINGS):
        return True
    return "(" not in text and (Path(text).exists() or "*" in text.replace(" ", "")[-12:])


def are_tables(p: str, q: str) -> bool:
    """Whether two arguments name tables; beside one, what has no bracket is a name, be it of a folder that is gone."""
    known = [is_table(text) for text in (p, q)]
    return any(known) and all(k or "(" not in text for k, text in zip(known, (p, q), strict=True))


def run(p: str | None, q: str, rules: Settings, plot: Path | None, json: bool) -> None:
    """Compare, write what is asked for, print, and judge."""
    kind = _format(rules, json)
    if rules.report is not None:
        from kullback import report as reports  # with the pictures

        reports.understood(rules.report)
    plot = plot or rules.plot
    with _show.progress() as say:
        say("counting")
        found = rules.compare(q) if p is None else rules.compare(p, q)
        verdict = rules.verdict(found) if rules.judges else None
        if rules.save_reference is not None:
            found.reference.save(rules.save_reference)
        if plot is not None:
            say("drawing")
            kl.plots.tables(found, verdict=verdict, path=plot)
        if rules.report is not None:
            say("writing the report")
            reports.write(found, rules.report, verdict)
    if kind == "json":
        judged = {} if verdict is None else {"verdict": verdict.to_dict()}
        _show.json({**found.to_dict(), **judged})
    elif kind == "junit" and verdict is not None:
        sys.stdout.write(_verdict.junit(found, verdict))
    elif kind == "github" and verdict is not None:
        sys.stdout.write(_verdict.github(found, verdict))
    else:
        _tell(found, verdict, rules, plot)
    if verdict is not None and not verdict:
        sys.stdout.flush()
        lines = "".join(f"\n  {line}" for line in verdict.lines())
        sys.stderr.write(f"kullback: {verdict.summary}{lines}\n")
        raise SystemExit(1)


def _format(rules: Settings, json: bool) -> str:
    kind = rules.format or "text"
    if kind not in FORMATS:
        raise InputError(f"format must be one of {', '.join(FORMATS)}, not {kind!r}")
    if kind in ("junit", "github") and not rules.judges:
        raise InputError(f"--format {kind} tells a verdict; give --fail-over with a threshold, such as 0.1")
    return "json" if json else kind


def _tell(found: TableComparison, verdict: Verdict | None, rules: Settings, plot: Path | None) -> None:
    out = _show.console()
    if verdict is not None:
        out.print(escape(f"{'passed' if verdict else 'failed'}: {verdict.summary}"), style="bold", soft_wrap=True)
    for line in [*found.heading(), *([f"Settings of {rules.path}"] if rules.path is not None else [])]:
        out.print(escape(line), soft_wrap=True)
    colours = {"KL(P‖Q)": _show.FORWARD, "KL(Q‖P)": _show.REVERSE}
    names, columns = [visible(c.column) for c in found.columns], _numbers(found)
    roomy = out.width >= WIDE
    for name in LEFT_OUT:  # rather than cut a number; they stand in the reports
        if _width(columns) + min(NAME, max(map(cell_len, names), default=0)) > out.width:
            del columns[name]
    table = Table(header_style="bold", pad_edge=False)
    longest = max(map(cell_len, names), default=0)
    named = max(7, min(longest + 1, 24 if roomy else out.width - _width(columns)))
    table.add_column("column", overflow="fold", width=named)
    for name, values in columns.items():
        words = f"[{colours[name]}]{name}[/{colours[name]}]" if name in colours else name
        table.add_column(words, no_wrap=True, min_width=max(map(len, (name, *values))))
    if roomy:
        left = out.width - _width(columns) - named - 3
        table.add_column("carried by (P → Q)", overflow="ellipsis", no_wrap=True, max_width=left)
    for i, c in enumerate(found.columns):
        cells = (names[i], *(values[i] for values in columns.values()), *((c.carried(),) if roomy else ()))
        table.add_row(*map(escape, cells))
    out.print(table, width=max(out.width, _width(columns) + named), crop=False)
    for c in found.columns[: 0 if roomy else LEADING]:
        if c.carried():
            out.print(escape(visible(f"{c.column}, P → Q: {c.carried()}")), soft_wrap=True)
    if any(math.isinf(c.psi.value) for c in found.columns):
        out.print("in brackets: the estimate, which is finite where the value is ∞", soft_wrap=True)
    for line in found.lines():
        out.print(escape(line), soft_wrap=True)
    for path, what in ((rules.report, "report"), (plot, "picture"), (rules.save_reference, "reference")):
        if path is not None:
            out.print(escape(f"The {what} is in {path}"), soft_wrap=True)


def _numbers(found: TableComparison) -> dict[str, list[str]]:
    """The columns of the table by their headings."""
    every = found.columns
    return {
        "KL(P‖Q)": [_value(c.forward) for c in every],
        "KL(Q‖P)": [_value(c.reverse) for c in every],
        "JS": [_value(c.jensen_shannon) for c in every],
        "PSI": [_value(c.psi) for c in every],
        "p-value": [probability(c.p_value) for c in every],
    }


def _width(columns: dict[str, list[str]]) -> int:
    """Of the numbers with their headings and the lines of the table."""
    return sum(max(map(len, (name, *values))) + 3 for name, values in columns.items()) + 3


def _value(d: CountDivergence) -> str:
    return f"∞ ({brief(d.best)})" if math.isinf(d.value) else brief(d.best)
