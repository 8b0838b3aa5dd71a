"""The door of this room: a file, a folder, a pattern, a data frame or an engine's table as a lazy frame."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import narwhals as nw
import numpy as np

from kullback._distribution import Table
from kullback._format import listing
from kullback._result import InputError, KindError
from kullback.sources.frames import LIBRARIES
from kullback.tables._files import Engine

Frame = nw.LazyFrame[Any]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two tables: where its rows are, and what its columns hold."""

    frame: Frame
    name: str
    schema: Mapping[str, nw.dtypes.DType]
    nan_is_null: bool = False  # NumPy-backed pandas cannot tell them apart
    ours: bool = False  # read by the DuckDB of this comparison


def side(obj: Any, argument: str, engine: Engine) -> Side:
    """`obj` as one side of a comparison; `argument` is its name in error texts."""
    if isinstance(obj, str | os.PathLike):
        path = os.fspath(obj)
        return replace(_checked(nw.from_native(engine.relation(path, argument)), str(path), argument), ours=True)
    if isinstance(obj, Table):
        connection = engine.connection("comparing a kl.Table")
        return _checked(nw.from_native(_arrays(connection, obj)), obj.name or argument, argument)
    library = type(obj).__module__.split(".")[0].lstrip("_")
    if library in LIBRARIES and library in sys.modules:
        try:
            frame = nw.from_native(obj, pass_through=True, allow_series=True)
        except nw.exceptions.NarwhalsError as error:
            raise InputError(f"{argument}: {str(error).splitlines()[0]}") from None
        if isinstance(frame, nw.DataFrame):
            return _checked(_typed(frame).lazy(), f"the {library} frame", argument)
        if isinstance(frame, nw.LazyFrame):
            return _checked(frame, f"the {library} table", argument)
    raise KindError(
        f"{argument} is of type {type(obj).__module__}.{type(obj).__qualname__}, which holds no table. Give a file, a "
        "folder or a pattern of CSV or Parquet files, a data frame of pandas, polars or pyarrow, or a table of DuckDB, "
        "PySpark or Ibis."
    )


def _arrays(connection: Any, table: Table) -> Any:
    columns = {}  # DuckDB reads a mapping of arrays by the variable's name
    for name, values in table.columns.items():
        columns[name] = values if isinstance(values, np.ndarray) else np.asarray(values)
    return connection.sql("select * from columns")


def _typed(frame: nw.DataFrame[Any]) -> nw.DataFrame[Any]:
    """pandas keeps booleans, integers or text with holes as objects; ask it what they are."""
    mixed = [name for name, dtype in frame.schema.items() if isinstance(dtype, nw.Object)]
    if not mixed or not frame.implementation.is_pandas():
        return frame
    native = nw.to_native(frame)
    return nw.from_native(native.assign(**{str(name): native[name].convert_dtypes() for name in mixed}))


def _checked(frame: Frame, name: str, argument: str) -> Side:
    try:
        schema = dict(frame.collect_schema())
    except (nw.exceptions.NarwhalsError, ValueError) as error:
        raise InputError(f"{argument}: {name} has no columns that can be read: {str(error).splitlines()[0]}") from None
    if not schema:
        raise InputError(f"{argument}: {name} has no columns")
    return Side(frame, name, schema, frame.implementation.is_pandas_like())


def require(side: Side, name: str, argument: str) -> None:
    import difflib

    if name not in side.schema:
        near = difflib.get_close_matches(str(name), list(side.schema), n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise InputError(
            f"{argument}: {side.name} has no column {name!r}; {hint}its columns are {listing(list(side.schema))}"
        )
