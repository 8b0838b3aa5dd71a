"""`kullback compare a.parquet b.parquet`: both sides are files, folders or patterns."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape
from rich.table import Table

import kullback as kl
from kullback._cli import _show
from kullback._result import CountDivergence, InputError, TableComparison
from kullback._result._column import brief, probability

ENDINGS = (".csv", ".tsv", ".txt", ".parquet", ".pq")
WIDE = 110  # letters from which on the table has room for what carries a column
LEADING = 3  # columns of which it is said below, where there is none


@dataclass(frozen=True, slots=True)
class Options:
    columns: str | None = None
    joint: str | None = None
    by: str | None = None
    reference: Path | None = None
    save_reference: Path | None = None
    fail_over: float | None = None
    report: Path | None = None
    plot: Path | None = None
    memory_limit: str | None = None
    threads: int | None = None
    json: bool = False
    seed: int = 0

    def named(self) -> list[str]:
        """The options that only tables know, as far as they are given."""
        only = ("joint", "by", "reference", "save_reference", "fail_over", "report", "memory_limit", "threads")
        return [f"--{name.replace('_', '-')}" for name in only if getattr(self, name) is not None]


def is_table(text: str) -> bool:
    """Whether an argument names rows: a file, a folder, or a pattern of files."""
    if text.lower().removesuffix(".gz").endswith(ENDINGS):
        return True
    return "(" not in text and (Path(text).exists() or "*" in text.replace(" ", "")[-12:])


def run(p: str | None, q: str, options: Options) -> None:
    from kullback import report as reports  # with the engines and the pictures: not for every other command

    if options.reference is not None and p is not None:
        raise InputError("--reference takes the place of P; give Q alone")
    if options.report is not None:
        reports.understood(options.report)
    with _show.progress() as say:
        say("counting")
        first = kl.tables.load(options.reference) if options.reference is not None else p
        found = kl.compare_tables(
            first,
            q,
            columns=_names(options.columns),
            joint=_names(options.joint),
            by=options.by,
            memory_limit=options.memory_limit,
            threads=options.threads,
            seed=options.seed,
        )
        if options.save_reference is not None:
            found.reference.save(options.save_reference)
        if options.plot is not None:
            say("drawing")
            kl.plots.tables(found, path=options.plot)
        if options.report is not None:
            say("writing the report")
            reports.write(found, options.report)
    if options.json:
        _show.json(found.to_dict())
    else:
        _tell(found, options)
    if options.fail_over is not None:
        _judge(found, options.fail_over)


def _names(text: str | None) -> list[str] | None:
    if text is None:
        return None
    return [name.strip() for name in text.split(",") if name.strip()]


def _tell(found: TableComparison, options: Options) -> None:
    out = _show.console()
    for line in found.heading():
        out.print(escape(line), soft_wrap=True)
    colours = {"KL(P‖Q)": _show.FORWARD, "KL(Q‖P)": _show.REVERSE}
    header = ("column", "KL(P‖Q)", "KL(Q‖P)", "JS", "PSI", "p-value")
    rows = [
        (
            c.column,
            *map(_value, (c.forward, c.reverse)),
            brief(c.jensen_shannon.value),
            _value(c.psi),
            probability(c.p_value),
        )
        for c in found.columns
    ]
    table = Table(header_style="bold", pad_edge=False)
    for i, name in enumerate(header):
        words = f"[{colours[name]}]{name}[/{colours[name]}]" if name in colours else name
        widest = max([len(name), *(len(row[i]) for row in rows)])
        table.add_column(words, min_width=min(widest, 24), overflow="fold")
    roomy = out.width >= WIDE
    if roomy:
        table.add_column("carried by (P → Q)", overflow="ellipsis", no_wrap=True)
    for c, row in zip(found.columns, rows, strict=True):
        table.add_row(*(escape(cell) for cell in (*row, *((c.carried(),) if roomy else ()))))
    out.print(table)
    for c in found.columns[: 0 if roomy else LEADING]:
        if c.carried():
            out.print(escape(f"{c.column}, P → Q: {c.carried()}"), soft_wrap=True)
    if any(math.isinf(c.psi.value) for c in found.columns):
        out.print("in brackets: the smoothed value, half a count added to every category", soft_wrap=True)
    for line in found.lines():
        out.print(escape(line), soft_wrap=True)
    for path, what in ((options.report, "report"), (options.plot, "picture"), (options.save_reference, "reference")):
        if path is not None:
            out.print(escape(f"The {what} is in {path}"), soft_wrap=True)


def _value(d: CountDivergence) -> str:
    return f"∞ ({brief(d.smoothed)})" if math.isinf(d.value) else brief(d.value)


def _judge(found: TableComparison, threshold: float) -> None:
    over = found.over(threshold)
    if over:
        named = ", ".join(f"{c.column} {brief(c.score)}" for c in over)
        sys.stderr.write(f"kullback: over {threshold:g} nats: {named}\n")
        raise SystemExit(1)
