"""CSV and Parquet files, read by DuckDB."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kullback._distribution import Table
from kullback._format import listing
from kullback._result import InputError, KindError, MissingExtraError

MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"]


def read(path: str | os.PathLike[str], columns: Sequence[str] | None = None) -> Table:
    """The named columns of a CSV or Parquet file.

    Parameters
    ----------
    path : path
        A file that ends in .csv, .tsv, .txt or .parquet (.gz after a text ending is understood).
    columns : sequence of str, optional
        The columns to read; all when not given.

    Returns
    -------
    Table
        Missing values (an empty field, NA, NaN, null) stay marked as missing.

    Raises
    ------
    InputError
        The file or a column does not exist, or the file cannot be read.
    """
    if not isinstance(path, str | os.PathLike):
        raise KindError(f"path must be a file name or a Path, not {type(path).__name__}")
    file = Path(path)
    if file.is_dir():
        raise InputError(f"{str(file)!r} is a folder; name one file in it")
    if not file.is_file():
        near = difflib.get_close_matches(file.name, _siblings(file), n=1)
        hint = f"; there is {str(file.parent / near[0])!r}" if near else ""
        raise InputError(f"no file {str(file)!r}{hint}")
    if file.stat().st_size == 0:
        raise InputError(f"the file {str(file)!r} is empty")
    try:
        import duckdb
    except ImportError:
        raise MissingExtraError("DuckDB", "tables", f"reading {file.name}") from None
    with duckdb.connect() as connection:
        try:
            relation = _relation(connection, file)
            names = _checked(list(relation.columns), columns, file)
            quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
            found = relation.project(quoted).fetchnumpy()
        except duckdb.Error as error:
            first = str(error).strip().splitlines()[0]
            raise InputError(f"cannot read {str(file)!r}: {first}") from None
    return Table({name: found[name] for name in names}, name=file.name)


def _relation(connection: Any, file: Path) -> Any:
    endings = [s.lower() for s in file.suffixes]
    if ".parquet" in endings or ".pq" in endings:
        return connection.read_parquet(str(file))
    if not {".csv", ".tsv", ".txt"} & set(endings):
        raise InputError(f"{str(file)!r} is neither CSV nor Parquet by its ending; rename it to .csv or .parquet")
    return connection.read_csv(str(file), header=True, na_values=MISSING, sample_size=-1, comment="", skiprows=0)


def _checked(present: list[str], wanted: Sequence[str] | None, file: Path) -> list[str]:
    if wanted is None:
        return present
    for name in wanted:
        if name not in present:
            if len(present) == 1 and re.search("[,;\t|]", present[0]):
                raise InputError(f"cannot read {str(file)!r}: its rows have different numbers of fields")
            near = difflib.get_close_matches(name, present, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise InputError(f"{file.name} has no column {name!r}; {hint}its columns are {listing(present)}")
    return list(dict.fromkeys(wanted))


def _siblings(file: Path) -> list[str]:
    return [p.name for p in file.parent.iterdir()] if file.parent.is_dir() else []
