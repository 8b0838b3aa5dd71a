"""Files, folders and globs as relations of an embedded DuckDB, which spills what does not fit its memory."""

from __future__ import annotations

import atexit
import difflib
import glob
import gzip
import os
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from kullback._format import listing
from kullback._result import InputError, MissingExtraError
from kullback.tables._csv import Csv
from kullback.tables._native import written_spans
from kullback.tables._rows import interrupted
from kullback.tables._text import TextTable

PARQUET, TEXT, JSON = (".parquet", ".pq"), (".csv", ".tsv", ".txt"), (".jsonl", ".ndjson", ".json")
ARROW, EXCEL = (".arrow", ".feather", ".ipc"), (".xlsx", ".xls")
KINDS = {
    **dict.fromkeys(PARQUET, "Parquet"),
    **dict.fromkeys(TEXT, "CSV"),
    **dict.fromkeys(JSON, "JSON"),
    **dict.fromkeys(ARROW, "Arrow"),
    **dict.fromkeys(EXCEL, "Excel"),
}
ENDINGS = tuple(KINDS)
BLOCK = 1 << 22  # bytes of a text that are written anew at a time
BEGINNINGS = ((b"PAR1", ".parquet"), (b"ARROW1", ".arrow"), (b"\xff\xff\xff\xff", ".arrow"), (b"{", ".jsonl"))
MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}  # how such a text begins


class Opened(NamedTuple):
    """The rows behind a path, its columns of text, and integers that were spans of time, by their steps a second."""

    relation: Any
    text: TextTable | None
    spans: Mapping[str, int] = MappingProxyType({})


class Engine:
    """One DuckDB for both sides of a comparison, with its limits and its folder for what spills."""

    def __init__(
        self, memory_limit: str | None, threads: int | None, csv: Csv | None = None, private: bool = False
    ) -> None:
        if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
            raise InputError(f"threads must be a whole number, at least 1, not {threads!r}")
        if memory_limit is not None and not re.match(r"\s*[0-9.]", str(memory_limit)):  # DuckDB takes −1GB for no limit
            raise InputError(f"memory_limit must be an amount such as '4GB', not {memory_limit!r}")
        self._limits = (memory_limit, None if threads is None else min(threads, os.cpu_count() or 1))
        self._csv = csv or Csv()
        self._private = private
        self._connection: Any = None
        self._spill: Path | None = None
        self._tables = 0
        self._closing: list[Callable[[], object]] = []
        self._read = False  # standard input

    def __enter__(self) -> Engine:
        return self

    def closing(self, close: Callable[[], object]) -> None:
        """To be called when the comparison ends."""
        self._closing.append(close)

    def __exit__(self, *_: object) -> None:
        try:
            for close in self._closing:
                close()
            if self._connection is not None:
                self._connection.close()
        finally:
            if self._spill is not None:
                shutil.rmtree(self._spill, ignore_errors=True)

    def connection(self, purpose: str) -> Any:
        if self._connection is None:
            try:
                import duckdb
            except ImportError:
                raise MissingExtraError("DuckDB", "tables", purpose) from None
            atexit.register(_quiet)
            # named before it is made, so that it goes even if the run is ended between the two
            self._spill = Path(tempfile.gettempdir(), f"kullback-{secrets.token_hex(8)}")
            self._spill.mkdir(mode=0o700)
            config: dict[str, Any] = {"temp_directory": str(self._spill)}
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

    def spill(self, name: str) -> Path:
        """A file that goes when the comparison ends."""
        self.connection(name)
        assert self._spill is not None
        self._tables += 1
        return Path(self._spill, f"kept-{self._tables}-{name}")

    def stream(self, path: str, argument: str) -> str:
        """Standard input, or a pipe, written once to a file whose ending its first bytes give."""
        if path == "-" and self._read:
            raise InputError(f"{argument}: standard input can be read once, and the other table is read from it too")
        self._read = self._read or path == "-"
        with nullcontext(sys.stdin.buffer) if path == "-" else open(path, "rb") as source:
            first = source.read(BLOCK)
            if not first:
                raise InputError(f"{argument}: nothing came by {'standard input' if path == '-' else repr(path)}")
            ending = next((e for mark, e in BEGINNINGS if first.lstrip().startswith(mark)), ".csv")
            file = self.spill(f"input{ending}")
            with file.open("wb") as kept:
                while first:
                    kept.write(first)
                    first = source.read(BLOCK)
        return str(file)

    def sheet(self, path: str, argument: str) -> Any:
        """The first sheet of an Excel file, by whichever reader there is."""
        (file, *more) = found(path, argument)
        if more:
            raise InputError(f"{argument}: {path!r} names {1 + len(more)} Excel files; name one")
        for read in (_by_polars, _by_pandas):
            try:
                return read(str(file))
            except ImportError:
                continue
            except Exception as error:
                raise InputError(f"{argument}: cannot read {path!r}: {_first(error)}") from None
        raise InputError(
            f"{argument}: reading {path!r} needs a reader of Excel files; install one (pip install polars fastexcel, "
            "or pip install pandas openpyxl), or save the sheet as CSV"
        )

    def relation(self, path: str, argument: str) -> Opened:
        """The rows behind a path; text is parsed once, into a table of DuckDB's own, and has no types yet."""
        files = found(path, argument)
        kind = _kind(files, argument)
        connection = self.connection(f"reading {path}")
        import duckdb

        try:
            if kind == "CSV":
                self._dated(connection)
                parsed = self._parsed(connection, self._decoded(files, argument))
                _whole(parsed.columns, path, argument)
                return Opened(*self._kept(connection, parsed, argument, quoted=False))
            found_ = self._rows(connection, kind, files, argument)
            if kind == "JSON":
                return Opened(*self._kept(connection, found_, argument, quoted=True))
            return Opened(found_, None, _spans(connection, found_, files[0]) if kind == "Parquet" else {})
        except (duckdb.Error, RuntimeError) as error:
            if interrupted(error):
                raise KeyboardInterrupt from None
            raise InputError(f"{argument}: cannot read {path!r}: {_why(error)}") from None

    def _dated(self, connection: Any) -> None:
        """Refuse a way to write days that the reader does not know."""
        import duckdb

        form = self._csv.date_format
        try:
            connection.execute("select try_strptime('', $1)", [form or "%Y"]).fetchall()
        except duckdb.Error as error:
            if interrupted(error):
                raise KeyboardInterrupt from None
            raise InputError(f"date_format = {form!r} is not understood: {_first(error)}") from None

    def _rows(self, connection: Any, kind: str, files: list[Path], argument: str) -> Any:
        """Files that know their types; a column that only some of them have is missing in the others."""
        names = [str(file) for file in files]
        if kind == "Parquet":
            return connection.read_parquet(names, hive_partitioning=_hive(files), union_by_name=True)
        if kind == "JSON":
            # a text that looks like a number stays one, and days are those of one way to write them
            return connection.read_json(names, union_by_name=True, hive_partitioning=_hive(files), sample_size=-1)
        return connection.from_arrow(arrow(names, argument))

    def _parsed(self, connection: Any, files: list[Path]) -> Any:
        return connection.read_csv(
            [str(file) for file in files], header=True, all_varchar=True, union_by_name=True, comment="", quotechar='"',
            escapechar='"', hive_partitioning=_hive(files), **self._csv.given(),
        )  # fmt: skip

    def _kept(self, connection: Any, parsed: Any, argument: str, quoted: bool) -> tuple[Any, TextTable]:
        """What was parsed, in a table of DuckDB's own, with the columns whose types are still to be found."""
        self._tables += 1
        name = f"text_{self._tables}"
        parsed.create(name)
        relation = connection.table(name)
        types = dict(zip(relation.columns, map(str, relation.types), strict=True))
        texts = [n for n, t in types.items() if t == "VARCHAR"]
        side = {"p": "P", "q": "Q"}.get(argument, argument)
        return relation, TextTable(
            connection, name, texts, [n for n in types if n not in texts], self._csv, side, self._private, quoted
        )

    def _decoded(self, files: list[Path], argument: str) -> list[Path]:
        """The files, those that are not UTF-8 written anew as it."""
        return [self._recoded(f, e, argument) if (e := _encoding(f, self._csv.encoding)) else f for f in files]

    def _recoded(self, file: Path, encoding: str, argument: str) -> Path:
        parts = [part for part in file.parts[:-1] if "=" in part]
        copy = Path(self.spill("text"), *parts, file.name.removesuffix(".gz"))
        copy.parent.mkdir(parents=True)
        try:
            opened = gzip.open if file.suffix.lower() == ".gz" else open
            with (
                opened(file, "rt", encoding=encoding, newline="") as one,
                copy.open("w", encoding="utf-8", newline="") as two,
            ):
                while text := one.read(BLOCK):
                    two.write(text)
        except LookupError:
            raise InputError(
                f"{argument}: there is no encoding {encoding!r}; utf-8, latin-1 and cp1252 are some"
            ) from None
        except UnicodeError as error:
            raise InputError(f"{argument}: {str(file)!r} is not written in {encoding}: {error}") from None
        return copy


def _by_polars(path: str) -> Any:
    import polars

    return polars.read_excel(path)


def _by_pandas(path: str) -> Any:
    import pandas

    return pandas.read_excel(path, keep_default_na=False, na_values=[""])


def arrow(names: list[str], argument: str) -> Any:
    """Arrow and Feather files, by whichever library of Arrow there is."""
    try:
        import pyarrow as pa
        from pyarrow import feather
    except ImportError:
        raise InputError(
            f"{argument}: reading {names[0]!r} needs pyarrow; install it (pip install pyarrow), or "
            "write the table as Parquet"
        ) from None
    try:
        return pa.concat_tables([_arrow(pa, feather, name) for name in names], promote_options="permissive")
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{argument}: cannot read {names[0]!r}: {_first(error)}") from None


def _arrow(pa: Any, feather: Any, name: str) -> Any:
    try:
        return feather.read_table(name, memory_map=True)
    except pa.ArrowInvalid:
        with pa.memory_map(name) as source:  # a stream has no end to read first
            return pa.ipc.open_stream(source).read_all()


def _hive(files: list[Path]) -> bool:
    return all(any("=" in part for part in file.parts[:-1]) for file in files)  # folders such as month=3


def _encoding(file: Path, said: str | None) -> str | None:
    """What a text is written in, where it is not UTF-8: as said, or as its first two bytes say."""
    if said is not None:
        return None if said.lower().replace("_", "-") in ("utf-8", "utf8") else said
    opened = gzip.open if file.suffix.lower() == ".gz" else open
    try:
        with opened(file, "rb") as text:
            return MARKS.get(text.read(2))
    except OSError:
        return None  # the reader says what is wrong with it


def _quiet() -> None:
    """Let narwhals' kept namespace go before DuckDB does, which otherwise complains on the way out."""
    kept: Any = getattr(sys.modules.get("narwhals._namespace"), "_builtin_namespace", None)
    if kept is not None and hasattr(kept, "cache_clear"):
        kept.cache_clear()


def found(path: str, argument: str) -> list[Path]:
    """The files that a path, a folder or a pattern names."""
    if not path.strip():
        raise InputError(f"{argument}: the name of the file is empty; '.' is the folder that one is in")
    try:
        return _found(Path(path), path, argument)
    except OSError as error:
        raise InputError(f"{argument}: {path!r} cannot be read: {error.strerror}") from None


def _found(file: Path, path: str, argument: str) -> list[Path]:
    if file.is_dir():
        files = sorted(f for f in file.rglob("*") if f.is_file() and _ending(f) and not f.name.startswith((".", "_")))
        if not files:
            raise InputError(f"{argument}: the folder {path!r} holds no file that ends in {listing(ENDINGS, 20)}")
    elif file.is_file():
        files = [file]
    elif any(mark in path for mark in "*?["):
        files = sorted(f for f in map(Path, glob.glob(path, recursive=True)) if f.is_file())
        if not files:
            raise InputError(f"{argument}: no file matches {path!r} (from {str(Path.cwd())!r})")
    elif file.is_symlink():
        raise InputError(f"{argument}: {path!r} is a link to {os.readlink(file)!r}, where there is nothing")
    elif file.exists():
        raise InputError(f"{argument}: {path!r} is neither a file nor a folder; give '-' to read standard input")
    elif not file.parent.is_dir():
        raise InputError(f"{argument}: no file {path!r}: there is no folder {str(file.parent)!r}")
    else:
        near = difflib.get_close_matches(file.name, _siblings(file), n=1)
        hint = f"; there is {str(file.parent / near[0])!r}" if near else f" (from {str(Path.cwd())!r})"
        raise InputError(f"{argument}: no file {path!r}{hint}")
    for each in files:
        if each.stat().st_size == 0:
            raise InputError(f"{argument}: the file {str(each)!r} is empty")
        if not os.access(each, os.R_OK):
            raise InputError(f"{argument}: the file {str(each)!r} may not be read by this user")
    return files


def _kind(files: list[Path], argument: str) -> str:
    unknown = [f for f in files if _ending(f) is None]
    if unknown:
        raise InputError(
            f"{argument}: {str(unknown[0])!r} is neither CSV nor Parquet by its ending, nor JSON lines, Arrow or "
            f"Excel; rename it to one of {listing(ENDINGS, 20)}"
        )
    kinds = sorted({KINDS[_ending(f) or ""] for f in files})
    if len(kinds) > 1:
        raise InputError(
            f"{argument}: {' and '.join(kinds)} files together; name one kind, for example with '*.parquet'"
        )
    return kinds[0]


def _ending(file: Path) -> str | None:
    return next((s for s in (suffix.lower() for suffix in file.suffixes) if s in KINDS), None)


def _whole(columns: list[str], path: str, argument: str) -> None:
    """A text whose rows have different lengths is taken by the reader for one wide column."""
    if len(columns) == 1 and any(mark in columns[0] for mark in ",;\t|"):
        raise InputError(f"{argument}: cannot read {path!r}: its rows have different numbers of fields")


def _why(error: Exception) -> str:
    """What DuckDB says of a file, without its advice on options that are not ours."""
    text = str(error).strip()
    if "not utf-8" in text.lower():
        return "it is not written in UTF-8; say in what with --encoding (Csv(encoding=…)), for example latin-1"
    lines = [line.strip() for line in text.split("Possible")[0].splitlines() if line.strip()]
    return "; ".join(lines[:3])[:300] if "CSV Error" in lines[0] else lines[0]


def _first(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def _siblings(file: Path) -> list[str]:
    return [p.name for p in file.parent.iterdir()] if file.parent.is_dir() else []


def _spans(connection: Any, relation: Any, file: Path) -> dict[str, int]:
    """The columns of a Parquet file that are integers there and were spans of time when Arrow wrote it."""
    whole = {n for n, t in zip(relation.columns, relation.types, strict=True) if str(t) == "BIGINT"}
    if not whole:
        return {}
    asked = "select value from parquet_kv_metadata($1) where key = 'ARROW:schema' limit 1"
    said = connection.execute(asked, [str(file)]).fetchall()
    return {n: per for n, per in written_spans(said[0][0]).items() if n in whole} if said else {}
