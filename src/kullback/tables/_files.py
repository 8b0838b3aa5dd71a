"""Files, folders and globs as relations of an embedded DuckDB, which spills what does not fit its memory."""

from __future__ import annotations

import atexit
import difflib
import glob
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from kullback._format import listing
from kullback._result import InputError, MissingExtraError
from kullback.sources.files import MISSING
from kullback.tables._csv import Csv
from kullback.tables._rows import interrupted

PARQUET, TEXT = (".parquet", ".pq"), (".csv", ".tsv", ".txt")
ENDINGS = PARQUET + TEXT


class Engine:
    """One DuckDB for both sides of a comparison, with its limits and its folder for what spills."""

    def __init__(self, memory_limit: str | None, threads: int | None, csv: Csv | None = None) -> None:
        if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
            raise InputError(f"threads must be a whole number, at least 1, not {threads!r}")
        self._limits = (memory_limit, None if threads is None else min(threads, os.cpu_count() or 1))
        self._csv = csv or Csv()
        self._connection: Any = None
        self._spill: tempfile.TemporaryDirectory[str] | None = None
        self._tables = 0

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._spill is not None:
            self._spill.cleanup()

    def connection(self, purpose: str) -> Any:
        if self._connection is None:
            try:
                import duckdb
            except ImportError:
                raise MissingExtraError("DuckDB", "tables", purpose) from None
            atexit.register(_quiet)
            self._spill = tempfile.TemporaryDirectory(prefix="kullback-")
            config: dict[str, Any] = {"temp_directory": self._spill.name}
            memory_limit, threads = self._limits
            config |= {} if memory_limit is None else {"memory_limit": memory_limit}
            config |= {} if threads is None else {"threads": threads}
            try:
                self._connection = duckdb.connect(config=config)
                self._connection.execute("SET TimeZone = 'UTC'")
                self._connection.execute("SET enable_progress_bar = false")  # it would go to where JSON goes
            except duckdb.Error as error:
                raise InputError(f"memory_limit = {memory_limit!r}, threads = {threads!r}: {_first(error)}") from None
        return self._connection

    def relation(self, path: str, argument: str) -> Any:
        """The rows behind a path; text is parsed once, into a table of DuckDB's own."""
        files = found(path, argument)
        kind = _kind(files, argument)
        connection = self.connection(f"reading {path}")
        import duckdb

        names = [str(file) for file in files]
        hive = all(any("=" in part for part in file.parts[:-1]) for file in files)  # folders such as month=3
        try:
            if kind == "parquet":
                relation = connection.read_parquet(names, hive_partitioning=hive)
            else:
                parsed = connection.read_csv(
                    names, header=True, na_values=MISSING, sample_size=-1, comment="", hive_partitioning=hive
                )
                _whole(parsed.columns, path, argument)
                self._tables += 1
                parsed.create(f"text_{self._tables}")
                relation = connection.table(f"text_{self._tables}")
        except (duckdb.Error, RuntimeError) as error:
            if interrupted(error):
                raise KeyboardInterrupt from None
            raise InputError(f"{argument}: cannot read {path!r}: {_first(error)}") from None
        return relation


def _quiet() -> None:
    """Let narwhals' kept namespace go before DuckDB does, which otherwise complains on the way out."""
    kept: Any = getattr(sys.modules.get("narwhals._namespace"), "_builtin_namespace", None)
    if kept is not None and hasattr(kept, "cache_clear"):
        kept.cache_clear()


def found(path: str, argument: str) -> list[Path]:
    """The files that a path, a folder or a pattern names."""
    file = Path(path)
    if file.is_dir():
        files = sorted(f for f in file.rglob("*") if f.is_file() and _ending(f) and not f.name.startswith((".", "_")))
        if not files:
            raise InputError(f"{argument}: the folder {path!r} holds no file that ends in {listing(ENDINGS)}")
    elif file.is_file():
        files = [file]
    elif any(mark in path for mark in "*?["):
        files = sorted(f for f in map(Path, glob.glob(path, recursive=True)) if f.is_file())
        if not files:
            raise InputError(f"{argument}: no file matches {path!r}")
    else:
        near = difflib.get_close_matches(file.name, _siblings(file), n=1)
        hint = f"; there is {str(file.parent / near[0])!r}" if near else ""
        raise InputError(f"{argument}: no file {path!r}{hint}")
    for each in files:
        if each.stat().st_size == 0:
            raise InputError(f"{argument}: the file {str(each)!r} is empty")
    return files


def _kind(files: list[Path], argument: str) -> str:
    kinds = {("parquet" if _ending(f) in PARQUET else "text") if _ending(f) else str(f) for f in files}
    if kinds == {"parquet"} or kinds == {"text"}:
        return kinds.pop()
    other = sorted(kinds - {"parquet", "text"})
    if other:
        raise InputError(f"{argument}: {other[0]!r} is neither CSV nor Parquet by its ending; rename it")
    raise InputError(f"{argument}: CSV and Parquet files together; name one kind, for example with '*.parquet'")


def _ending(file: Path) -> str | None:
    return next((s for s in (suffix.lower() for suffix in file.suffixes) if s in ENDINGS), None)


def _whole(columns: list[str], path: str, argument: str) -> None:
    """A text whose rows have different lengths is taken by the reader for one wide column."""
    if len(columns) == 1 and any(mark in columns[0] for mark in ",;\t|"):
        raise InputError(f"{argument}: cannot read {path!r}: its rows have different numbers of fields")


def _first(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def _siblings(file: Path) -> list[str]:
    return [p.name for p in file.parent.iterdir()] if file.parent.is_dir() else []
