"""Tables that a URL names: of a database through Ibis, or a file elsewhere through DuckDB's extensions."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from kullback._format import listing
from kullback._result import InputError
from kullback.tables._files import JSON, PARQUET, TEXT, Engine

REMOTE = ("http", "https", "s3", "gs", "gcs", "r2", "hf", "az", "abfss")
ENDINGS = (*PARQUET, *TEXT, *JSON)


def located(url: str, argument: str, engine: Engine) -> Any:
    """The relation or table behind a URL."""
    scheme = urlsplit(url).scheme.lower()
    if scheme == "file":
        raise InputError(f"{argument}: give the path itself, {unquote(urlsplit(url).path)!r}")
    return _remote(url, argument, engine) if scheme in REMOTE else _database(url, scheme, argument, engine)


def _remote(url: str, argument: str, engine: Engine) -> Any:
    path = urlsplit(url).path.lower().removesuffix(".gz")
    if not path.endswith(ENDINGS):
        raise InputError(
            f"{argument}: {hidden(url)!r} ends in none of {listing(ENDINGS, 20)}, which tell what it holds"
        )
    connection = engine.connection(f"reading {url}")
    import duckdb

    try:
        if path.endswith(PARQUET):
            return connection.read_parquet(url, union_by_name=True)
        return connection.read_json(url) if path.endswith(JSON) else connection.read_csv(url, header=True)
    except (duckdb.Error, RuntimeError) as error:
        first = str(error).strip().splitlines()[0]
        if "httpfs" in str(error) or "extension" in first:
            raise InputError(
                f"{argument}: reading {hidden(url)!r} needs DuckDB's extension httpfs, which could not be loaded. On a "
                "machine with the internet: python -c \"import duckdb; duckdb.sql('INSTALL httpfs')\"; "
                "without it, fetch the file first and give its path"
            ) from None
        raise InputError(f"{argument}: cannot read {hidden(url)!r}: {first}") from None


def _database(url: str, scheme: str, argument: str, engine: Engine) -> Any:
    where, name = _split(url)
    if scheme in ("sqlite", "duckdb"):
        file = Path(unquote(urlsplit(where).path)[1:])
        if not file.is_file():
            raise InputError(
                f"{argument}: no file {str(file)!r}; a path from here has three slashes, an absolute one four: "
                f"{scheme}:////"
            )
    if scheme == "duckdb":
        return _duckdb(file, name, argument, engine)
    extra = {"postgresql": "postgres"}.get(scheme, scheme)
    try:
        import ibis
    except ImportError:
        raise InputError(
            f'{argument}: reading a database by its URL needs Ibis: pip install "ibis-framework[{extra}]"'
        ) from None
    try:
        connection = ibis.sqlite.connect(file) if scheme == "sqlite" else ibis.connect(where)
        engine.closing(connection.disconnect)
        tables = connection.list_tables()
        if name is None and len(tables) == 1:
            name = tables[0]
        if name is not None and ("." in name or name in tables):
            schema, _, table = name.rpartition(".") if name not in tables else ("", "", name)
            return connection.table(table, database=schema or None)
    except ImportError as error:
        first = str(error).splitlines()[0]
        raise InputError(
            f'{argument}: {hidden(url)!r} cannot be read here ({first}): pip install "ibis-framework[{extra}]"'
        ) from None
    except Exception as error:  # every database has errors of its own
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(f"{argument}: cannot open {hidden(url)!r}: {first}") from None
    raise _unknown(where, name, tables, argument)


def _duckdb(file: Path, name: str | None, argument: str, engine: Engine) -> Any:
    """A table of another file of DuckDB's, which is only read."""
    connection = engine.connection(f"reading {file}")
    import duckdb

    known = f"database_{argument}"
    try:
        written = str(file).replace("'", "''")
        connection.execute(f"attach '{written}' as {known} (read_only)")
        asked = f"select schema_name || '.' || table_name from duckdb_tables() where database_name = '{known}'"
        tables = [n.removeprefix("main.") for (n,) in connection.execute(asked).fetchall()]
        if name is None and len(tables) == 1:
            name = tables[0]
        if name is not None and name in tables:
            parts = [known, *(name if "." in name else f"main.{name}").split(".", 1)]
            return connection.table(".".join('"' + p.replace('"', '""') + '"' for p in parts))
    except duckdb.Error as error:
        first = str(error).strip().splitlines()[0]
        raise InputError(f"{argument}: cannot open {str(file)!r}: {first}") from None
    raise _unknown(f"duckdb:///{file}", name, tables, argument)


def _unknown(where: str, name: str | None, tables: list[str], argument: str) -> InputError:
    way = "name one behind the URL, #table or ?table="
    what = f"has no table {name!r}" if name is not None else f"has {len(tables)} tables; {way}"
    return InputError(f"{argument}: {hidden(where)!r} {what}; there are {listing(tables)}")


def _split(url: str) -> tuple[str, str | None]:
    """The URL of the database, and the table that it names: #table, or ?table=."""
    written, _, fragment = url.partition("#")
    base, _, asked = written.partition("?")
    query = parse_qsl(asked, keep_blank_values=True)
    named = [value for key, value in query if key == "table"]
    rest = urlencode([(key, value) for key, value in query if key != "table"])
    return base + (f"?{rest}" if rest else ""), unquote(fragment) or (named[0] if named else None)


def hidden(url: str) -> str:
    """A URL without its password and its query, for error texts and reports."""
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    table = f"#{parts.fragment}" if parts.fragment else ""
    return f"{parts.scheme}://{user}{parts.netloc.rpartition('@')[2]}{parts.path}{table}"
