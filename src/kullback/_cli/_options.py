"""What `kullback compare` can be told about tables, and the settings file beneath it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter

import kullback as kl
from kullback._result import InputError
from kullback.tables import Csv, Settings

FORMATS = ("text", "json", "junit", "github")
_GATE, _READING, _OUTPUT = Group("A gate for two tables"), Group("Reading tables"), Group("Tables")


def _option(group: Group, help_: str, **more: Any) -> Any:
    return Parameter(group=group, help=help_, **more)


@dataclass(frozen=True, slots=True)
class Options:
    """The options that only tables know; None is what is not said."""

    exclude: Annotated[
        list[str], _option(_OUTPUT, "Columns to leave out, separated by commas or one at a time.", negative="")
    ] = field(default_factory=list)
    joint: Annotated[str | None, _option(_OUTPUT, "Columns to measure together as well.")] = None
    by: Annotated[str | None, _option(_OUTPUT, "A column of Q whose values slice it.")] = None
    every: Annotated[str | None, _option(_OUTPUT, "Slices of time, where --by names one: 1d, 1w, 1mo …")] = None
    groups: Annotated[
        str | None, _option(_OUTPUT, "A column that says which rows go together: errors are by day, by user …")
    ] = None
    weights: Annotated[str | None, _option(_OUTPUT, "A column that says how much each row counts.")] = None
    reference: Annotated[Path | None, _option(_OUTPUT, "A saved reference in the place of P.")] = None
    save_reference: Annotated[Path | None, _option(_OUTPUT, "Keep P's edges and counts in this file.")] = None
    report: Annotated[Path | None, _option(_OUTPUT, "Write a report, .html, .md or .json.")] = None
    format: Annotated[
        Literal["text", "json", "junit", "github"] | None,
        _option(_OUTPUT, "What is printed; junit and github tell what --fail-over says."),
    ] = None
    config: Annotated[
        Path | None, _option(_OUTPUT, "Settings, instead of this folder's kullback.toml or pyproject.toml.")
    ] = None
    private: Annotated[
        bool | None, _option(_OUTPUT, "Show and store hashes in the place of texts.", negative="--no-private")
    ] = None
    salt: Annotated[
        str | None, _option(_OUTPUT, "What the hashes of --private depend on, so that nobody can guess texts.")
    ] = None
    memory_limit: Annotated[str | None, _option(_OUTPUT, "What DuckDB may hold, such as 2GB.")] = None
    threads: Annotated[int | None, _option(_OUTPUT, "DuckDB's threads at most.")] = None
    fail_over: Annotated[
        list[str],
        _option(_GATE, "Exit 1 if a column is over so many nats; price=0.3 for one column. Repeatable.", negative=""),
    ] = field(default_factory=list)
    judge: Annotated[
        Literal["lower", "value"] | None,
        _option(_GATE, "What must be over: the lower end of the interval (the default), or the value."),
    ] = None
    allow_missing_columns: Annotated[
        bool | None, _option(_GATE, "Columns may be gone or without values.", negative="--no-allow-missing-columns")
    ] = None
    allow_type_change: Annotated[
        bool | None, _option(_GATE, "Types may change, columns not be countable.", negative="--no-allow-type-change")
    ] = None
    decimal: Annotated[str | None, _option(_READING, "The decimal mark of text files.")] = None
    delimiter: Annotated[str | None, _option(_READING, "What parts the fields of text files.")] = None
    encoding: Annotated[str | None, _option(_READING, "Of text files: utf-8, latin-1 …")] = None
    date_format: Annotated[str | None, _option(_READING, 'How days are written, such as "%d.%m.%Y".')] = None
    null: Annotated[
        list[str], _option(_READING, "A text that stands for a missing value, such as NA. Repeatable.", negative="")
    ] = field(default_factory=list)

    def named(self) -> list[str]:
        """Those that are given, as they are written."""
        found = [f.name for f in fields(self) if getattr(self, f.name) not in (None, [])]
        return [f"--{name.replace('_', '-')}" for name in found]

    def over(self, kept: Settings, columns: Sequence[str], seed: int | None) -> Settings:
        """The settings of the file with what is given here in their place."""
        given: dict[str, Any] = {
            "columns": names(columns, "--columns"),
            "exclude": names(self.exclude, "--exclude"),
            "joint": None if self.joint is None else names([self.joint], "--joint"),
            "seed": seed,
        }
        for name in (
            "by",
            "every",
            "groups",
            "weights",
            "reference",
            "save_reference",
            "report",
            "format",
            "memory_limit",
            "threads",
        ):
            given[name] = getattr(self, name)
        for name in ("judge", "allow_missing_columns", "allow_type_change", "private", "salt"):
            given[name] = getattr(self, name)
        if self.fail_over:
            default, own = _thresholds(self.fail_over)
            given["fail_over"] = default
            given["thresholds"] = {**kept.thresholds, **own}
        marks = {n: getattr(self, n) for n in ("decimal", "delimiter", "encoding", "date_format")}
        known: Csv = replace(kept.csv, **{n: v for n, v in marks.items() if v is not None})
        given["csv"] = replace(known, null=self.null) if self.null else known
        return replace(kept, **{n: v for n, v in given.items() if v is not None})


def settings(options: Options, columns: Sequence[str], seed: int | None) -> Settings:
    return options.over(kl.tables.settings(options.config), columns, seed)


def names(texts: Sequence[str], option: str) -> list[str] | None:
    """Names separated by commas; one that holds a comma or begins with a space stands in quotes."""
    found: list[str] = []
    for text in texts:
        try:
            cells = next(csv.reader([text], strict=True, skipinitialspace=True), [])
        except csv.Error as error:
            raise InputError(f"{option} {text!r} cannot be read: {error}") from None
        quoted = '"' in text
        found += [c if quoted and c != c.strip() else c.strip() for c in cells if c.strip()]
    return found or None


def _thresholds(texts: Sequence[str]) -> tuple[float | None, dict[str, float]]:
    default: float | None = None
    own: dict[str, float] = {}
    for text in texts:
        column, _, written = text.rpartition("=")
        try:
            nats = float(written if column or "=" not in text else "")
        except ValueError:
            raise InputError(
                f"--fail-over {text!r} is no threshold; write 0.1, or price=0.1 for the column price"
            ) from None
        if column:
            own[(names([column], "--fail-over") or [column])[0] if column.startswith('"') else column] = nats
        else:
            default = nats
    return default, own
