"""Frames as they come, made such that every engine counts them alike: names, dictionaries, times of day, spans of time.

Times of day become nanoseconds since midnight; spans of time become whole numbers of the unit that they are kept in,
which is remembered.
"""

from __future__ import annotations

from typing import Any

import narwhals as nw

from kullback._format import listing
from kullback._result import InputError

TIME, SPAN = "time", "duration"
LIKE = {"UUID": "{}::varchar", "TIME_NS": "epoch_ns({})", "TIME WITH TIME ZONE": "{}::time"}
PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def native(obj: Any, argument: str) -> tuple[Any, tuple[str, ...]]:
    """A frame of pandas or pyarrow whose columns narwhals understands, and those that are times of day already."""
    library = type(obj).__module__.split(".")[0]
    if library == "pandas" and hasattr(obj, "columns"):
        return _pandas(_named(obj, argument))
    if library == "pyarrow" and hasattr(obj, "column_names"):
        return _arrow(obj, argument), ()
    if type(obj).__name__ == "DuckDBPyRelation":
        return simple(obj)
    return obj, ()


def simple(relation: Any) -> tuple[Any, tuple[str, ...]]:
    """A relation of DuckDB's with the types that narwhals does not know as their like: identifiers are texts.

    Also the columns that were times of day, and are nanoseconds now.
    """
    types = [str(t) for t in relation.types]
    if not set(types) & set(LIKE):
        return relation, ()
    names = ['"' + n.replace('"', '""') + '"' for n in relation.columns]
    parts = [f"{LIKE[t].format(n)} as {n}" if t in LIKE else n for n, t in zip(names, types, strict=True)]
    times = tuple(n for n, t in zip(relation.columns, types, strict=True) if t == "TIME_NS")
    return relation.project(", ".join(parts)), times


def plain(frame: Any) -> tuple[Any, tuple[str, ...], dict[str, int]]:
    """A narwhals frame without times of day and spans of time; the columns that were either, spans with their unit."""
    schema = dict(frame.collect_schema())
    times = tuple(n for n, t in schema.items() if isinstance(t, nw.Time))
    spans = {n: t.time_unit for n, t in schema.items() if isinstance(t, nw.Duration)}
    if not times and not spans:
        return frame, (), {}
    left = spans
    if spans and frame.implementation.is_pandas():
        frame, left = _pandas_spans(frame, list(spans)), {}
    fine = frame.implementation.is_polars() or frame.implementation.is_pyarrow()
    whole = frame.with_columns(*(_clock(n, fine) for n in times), *(_span(n, u) for n, u in left.items()))
    return whole, times, {n: PER_SECOND[u] for n, u in spans.items()}


def written_spans(metadata: bytes) -> dict[str, int]:
    """The columns of a Parquet file that were spans of time when Arrow wrote it, with their steps in a second.

    Parquet itself has no such type; that they were is said beside the data, where pyarrow reads it.
    """
    import base64

    try:
        import pyarrow
    except ImportError:
        return {}
    try:
        schema = pyarrow.ipc.read_schema(pyarrow.py_buffer(base64.b64decode(metadata)))
    except (pyarrow.ArrowException, ValueError, OSError):
        return {}
    return {f.name: PER_SECOND[f.type.unit] for f in schema if pyarrow.types.is_duration(f.type)}


def _clock(name: str, fine: bool) -> nw.Expr:
    x = nw.col(name).dt
    parts = (x.hour(), x.minute(), x.second(), x.nanosecond() if fine else x.microsecond())
    hour, minute, second, fraction = (part.cast(nw.Int64) for part in parts)
    return (((hour * 60 + minute) * 60 + second) * 1_000_000_000 + fraction * (1 if fine else 1_000)).alias(name)


def _span(name: str, unit: str) -> nw.Expr:
    x = nw.col(name).dt
    totals = {"s": x.total_seconds, "ms": x.total_milliseconds, "us": x.total_microseconds, "ns": x.total_nanoseconds}
    return totals[unit]()


def _pandas_spans(frame: Any, names: list[str]) -> Any:
    """Spans of pandas as the integers that they are: its own sum of seconds is rounded."""
    import numpy as np
    import pandas

    table = nw.to_native(frame)
    found = {}
    for name in names:
        column = table[name]
        if isinstance(column.dtype, np.dtype):
            raw = column.to_numpy()
            integers = pandas.arrays.IntegerArray(raw.view(np.int64).copy(), np.isnat(raw))
            found[name] = pandas.Series(integers, index=column.index)
        else:
            found[name] = column.astype("int64[pyarrow]")
    return nw.from_native(table.assign(**found))


def _named(frame: Any, argument: str) -> Any:
    """A pandas frame whose columns have texts for names; levels of names are joined by a point."""
    if all(type(c) is str for c in frame.columns):
        return frame
    names = [".".join(map(str, c)) if isinstance(c, tuple) else str(c) for c in frame.columns]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise InputError(
            f"{argument}: the frame must have unique column names, and as texts {listing(twice)} comes more than once; "
            "rename the columns first"
        )
    return frame.set_axis(names, axis=1)


def _pandas(frame: Any) -> tuple[Any, tuple[str, ...]]:
    """What pandas keeps as objects, in categories or in a zone as what it is; the rest untouched."""
    from pandas.api.types import infer_dtype

    changed: dict[str, Any] = {}
    times = []
    for name, dtype in frame.dtypes.items() if frame.columns.is_unique else ():
        column = frame[name]
        arrow = getattr(dtype, "pyarrow_dtype", None)
        what = infer_dtype(column, skipna=True) if str(dtype) == "object" else str(arrow or dtype).split("[")[0].lower()
        try:
            found, time = _column(column, dtype, arrow, what)
        except (ValueError, TypeError, OverflowError):  # mixed objects: left out, by name
            continue
        if found is not None:
            changed[str(name)] = found
        if time:
            times.append(str(name))
    return (frame.assign(**changed) if changed else frame), tuple(times)


def _column(column: Any, dtype: Any, arrow: Any, what: str) -> tuple[Any, bool]:
    """The column in another type, or None where it may stay; and whether it is a time of day."""
    if arrow is not None and what in ("time32", "time64"):
        import pandas
        import pyarrow as pa

        whole = column.astype(pandas.ArrowDtype(pa.int64() if what == "time64" else pa.int32())).astype("Int64")
        return whole * (1_000_000_000 // PER_SECOND[arrow.unit]), True
    if what in ("time", "time32", "time64"):
        return column.map(_since_midnight, na_action="ignore").astype("Int64"), True
    if getattr(dtype, "tz", None) is not None or getattr(arrow, "tz", None) is not None:
        return column.dt.tz_convert("UTC"), False
    if what == "category":
        return column.astype(dtype.categories.dtype), False
    if what.startswith("dictionary"):
        return column.astype(type(dtype)(arrow.value_type)), False
    if what.startswith("decimal") and arrow is not None and not arrow.scale:
        return column.astype("int64[pyarrow]"), False
    if what == "sparse":
        return column.astype(dtype.subtype), False
    if what == "period":
        return column.dt.to_timestamp(), False
    if str(dtype) != "object":
        return None, False
    if what in ("date", "datetime"):
        import pandas

        found = pandas.to_datetime(column)
        return (found.dt.tz_convert("UTC") if found.dt.tz is not None else found), False
    if what == "decimal":
        whole = all(x == x.to_integral_value() for x in column.dropna())
        return (column.map(int, na_action="ignore").astype("Int64") if whole else column.astype(float)), False
    if what == "empty":
        return column.astype("string"), False
    return column.convert_dtypes(), False


def _since_midnight(t: Any) -> int:
    return ((t.hour * 60 + t.minute) * 60 + t.second) * 1_000_000_000 + t.microsecond * 1_000


def _arrow(table: Any, argument: str) -> Any:
    """A table of pyarrow with its dictionaries written out."""
    import pyarrow as pa

    names = table.column_names
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise InputError(f"{argument}: the table must have unique column names, and {listing(twice)} comes twice")
    for i, field in enumerate(table.schema if isinstance(table, pa.Table) else ()):
        like = _like(pa, field.type)
        if like is not None:
            try:
                table = table.set_column(i, field.name, table.column(i).cast(like))
            except pa.ArrowInvalid:  # decimals too large for an integer stay decimals
                continue
    return table


def _like(pa: Any, dtype: Any) -> Any:
    """The type that stands for one of pyarrow's that it cannot count by; None for the others."""
    if pa.types.is_dictionary(dtype):
        return _like(pa, dtype.value_type) or dtype.value_type
    if pa.types.is_float16(dtype):
        return pa.float32()
    if pa.types.is_date64(dtype):
        return pa.date32()
    if pa.types.is_decimal(dtype) and not dtype.scale:
        return pa.int64()
    return pa.float64() if pa.types.is_decimal256(dtype) else None
