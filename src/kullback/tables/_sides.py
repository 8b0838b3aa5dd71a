"""The door of this room: a file, a folder, a pattern, a data frame or an engine's table as a lazy frame."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import narwhals as nw
import numpy as np

from kullback._format import listing
from kullback._result import InputError, KindError
from kullback.tables._files import EXCEL, Engine
from kullback.tables._native import native, plain
from kullback.tables._text import TextTable, settle

Frame = nw.LazyFrame[Any]
IN_MEMORY = (nw.Implementation.PANDAS, nw.Implementation.POLARS, nw.Implementation.PYARROW)
Kind = str


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two tables: where its rows are, and what its columns hold."""

    frame: Frame
    name: str
    schema: Mapping[str, nw.dtypes.DType]
    nan_is_null: bool = False  # NumPy-backed pandas cannot tell them apart
    ours: bool = False  # read by the DuckDB of this comparison
    text: TextTable | None = None  # columns of text whose types are still to be found
    notes: tuple[tuple[str, str], ...] = ()  # each with the side that it is about
    times: tuple[str, ...] = ()  # columns of times of day, in nanoseconds
    hollow: tuple[str, ...] = ()  # columns without a value, which are of any kind
    spans: Mapping[str, int] = field(default_factory=dict)  # columns of spans of time, with their steps in a second
    memory: nw.DataFrame[Any] | None = None  # the same rows, where they are in this process's memory
    apart: tuple[str | None, str | None] = (None, None)  # columns of the groups and of the weights that came with it


def side(obj: Any, argument: str, engine: Engine, names: Mapping[str, Kind] | None = None) -> Side:
    """`obj` as one side of a comparison; `argument` is its name in error texts, `names` the kinds that are expected."""
    return settled([opened(obj, argument, engine)], names)[0]


def sides(p: Any, q: Any, engine: Engine) -> tuple[Side, Side]:
    """Both sides; what text files hold is found out for the two together."""
    one, other = settled([opened(p, "p", engine), opened(q, "q", engine)])
    return one, other


def settled(found: Sequence[Side], expected: Mapping[str, Kind] | None = None) -> list[Side]:
    """Sides whose columns of text have types, as the other side's types and the kinds that are expected allow."""
    from kullback.tables._kinds import kind, uncountable

    texts = [s.text for s in found]
    if not any(texts):
        return list(found)
    typed = [
        {} if s.text is not None else {n: kind(s, n, "") for n in s.schema if not uncountable(s, n, "")} for s in found
    ]
    if expected is not None:
        texts, typed = [*texts, None], [*typed, dict(expected)]
    result = []
    for s, forms in zip(found, settle(texts, typed), strict=False):
        if s.text is None:
            result.append(s)
            continue
        known = _checked(nw.from_native(s.text.typed(forms)), s.name, "")
        result.append(replace(known, ours=True, notes=tuple((note, s.text.side) for note in s.text.notes)))
    return result


def opened(obj: Any, argument: str, engine: Engine) -> Side:
    """`obj` as a side, the columns of text files as text."""
    if isinstance(obj, str | os.PathLike):
        path = os.fspath(obj)
        if isinstance(obj, str) and "://" in obj:
            from kullback.tables._urls import hidden, located

            table, times = native(located(obj, argument, engine), argument)
            return _checked(nw.from_native(table), hidden(obj), argument, times)
        if path == "-" or (os.path.exists(path) and stat.S_ISFIFO(os.stat(path).st_mode)):
            path = engine.stream(path, argument)
        if path.lower().endswith(EXCEL):
            sheet = _frame(engine.sheet(path, argument), path, argument)
            assert sheet is not None
            return sheet
        try:
            found_ = engine.relation(path, argument)
        except InputError as error:  # what was spooled is known by the name that it came under
            raise InputError(str(error).replace(path, os.fspath(obj))) from None
        relation, times = native(found_.relation, argument)
        name = "standard input" if os.fspath(obj) == "-" else str(path)
        known = _checked(nw.from_native(relation), name, argument, times)
        return replace(known, ours=True, text=found_.text, spans={**known.spans, **found_.spans})
    from kullback._distribution import Table  # these two not for files, which start quickly
    from kullback.sources.frames import LIBRARIES

    if isinstance(obj, Table):
        connection = engine.connection("comparing a kl.Table")
        return _checked(nw.from_native(_arrays(connection, obj)), obj.name or argument, argument)
    library = type(obj).__module__.split(".")[0].lstrip("_")
    if library in LIBRARIES and library in sys.modules:
        found = _frame(obj, f"the {library} ", argument)
        if found is not None:
            return found
    drawn = _drawn(obj, argument, engine)
    if drawn is not None:
        return drawn
    raise KindError(
        f"{argument} is of type {type(obj).__module__}.{type(obj).__qualname__}, which holds no table. Give a file, a "
        "folder or a pattern of CSV or Parquet files, a data frame of pandas, polars or pyarrow, or a table of DuckDB, "
        "PySpark or Ibis."
    )


def _drawn(obj: Any, argument: str, engine: Engine) -> Side | None:
    """What a sampler's library holds, with its chains and weights; None for what is no such thing."""
    from kullback.sources import drawn_table

    found = drawn_table(obj, argument)
    if found is None:
        return None
    columns = dict(found.columns)
    said = {_GROUPS: found.groups, _WEIGHTS: found.weights}
    columns |= {name: values for name, values in said.items() if values is not None}
    relation = engine.connection("comparing draws").sql("select * from columns")
    apart = tuple(name if values is not None else None for name, values in said.items())
    which = {"p": "P", "q": "Q"}.get(argument, argument)
    notes = tuple((note, which) for note in found.notes)
    known = _checked(nw.from_native(relation), argument, argument)
    return replace(known, apart=(apart[0], apart[1]), notes=notes)


_GROUPS, _WEIGHTS = "(stretch of a chain)", "(weight)"


def _frame(obj: Any, name: str, argument: str) -> Side | None:
    """A data frame or an engine's table; None for what is neither, such as a Series."""
    whole, times = native(obj, argument)
    try:
        frame = nw.from_native(whole, pass_through=True, allow_series=True)
    except nw.exceptions.NarwhalsError as error:
        raise InputError(f"{argument}: {str(error).splitlines()[0]}") from None
    if not isinstance(frame, nw.DataFrame | nw.LazyFrame):
        return None
    name = f"{name}{'frame' if isinstance(frame, nw.DataFrame) else 'table'}" if name.endswith(" ") else name
    return _checked(frame, name, argument, times)


def _arrays(connection: Any, table: Any) -> Any:
    columns = {}  # DuckDB reads a mapping of arrays by the variable's name
    for name, values in table.columns.items():
        columns[name] = values if isinstance(values, np.ndarray) else np.asarray(values)
    return connection.sql("select * from columns")


def _checked(frame: Frame | nw.DataFrame[Any], name: str, argument: str, times: tuple[str, ...] = ()) -> Side:
    try:
        frame, more, spans = plain(frame)
        schema = dict(frame.collect_schema())
    except (nw.exceptions.NarwhalsError, ValueError) as error:
        raise InputError(f"{argument}: {name} has no columns that can be read: {str(error).splitlines()[0]}") from None
    if not schema:
        raise InputError(f"{argument}: {name} has no columns")
    engine = frame.implementation
    rows = frame if isinstance(frame, nw.DataFrame) and engine in IN_MEMORY else None
    return Side(frame.lazy(), name, schema, engine.is_pandas_like(), times=(*times, *more), memory=rows, spans=spans)


def require(side: Side, name: str, argument: str) -> None:
    import difflib

    if name not in side.schema:
        near = difflib.get_close_matches(str(name), list(side.schema), n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise InputError(
            f"{argument}: {side.name} has no column {name!r}; {hint}its columns are {listing(list(side.schema))}"
        )
