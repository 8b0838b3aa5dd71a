"""Frames as they come, made such that every engine counts them alike: names, dictionaries, times of day, spans of time.

Times of day become microseconds since midnight and are counted as such; spans of time become whole microseconds.
"""

from __future__ import annotations

from typing import Any

import narwhals as nw

from kullback._format import listing
from kullback._result import InputError

TIME = "time"
LIKE = {"UUID": "varchar", "TIME_NS": "time", "TIME WITH TIME ZONE": "time"}


def native(obj: Any, argument: str) -> tuple[Any, tuple[str, ...]]:
    """A frame of pandas or pyarrow whose columns narwhals understands, and those that are times of day already."""
    library = type(obj).__module__.split(".")[0]
    if library == "pandas" and hasattr(obj, "columns"):
        return _pandas(_named(obj, argument))
    if library == "pyarrow" and hasattr(obj, "column_names"):
        return _arrow(obj, argument), ()
    if type(obj).__name__ == "DuckDBPyRelation":
        return simple(obj), ()
    return obj, ()


def simple(relation: Any) -> Any:
    """A relation of DuckDB's with the types that narwhals does not know as their like: identifiers are texts."""
    types = [str(t) for t in relation.types]
    if not set(types) & set(LIKE):
        return relation
    names = ['"' + n.replace('"', '""') + '"' for n in relation.columns]
    parts = [f"{n}::{LIKE[t]} as {n}" if t in LIKE else n for n, t in zip(names, types, strict=True)]
    return relation.project(", ".join(parts))


def plain(frame: Any) -> tuple[Any, tuple[str, ...]]:
    """A narwhals frame without times of day and spans of time, and the columns that were times of day."""
    schema = dict(frame.collect_schema())
    times = tuple(n for n, t in schema.items() if isinstance(t, nw.Time))
    spans = [n for n, t in schema.items() if isinstance(t, nw.Duration)]
    if not times and not spans:
        return frame, ()
    return frame.with_columns(*map(_clock, times), *(nw.col(n).dt.total_microseconds() for n in spans)), times


def _clock(name: str) -> nw.Expr:
    x = nw.col(name).dt
    parts = (x.hour(), x.minute(), x.second(), x.microsecond())
    hour, minute, second, fraction = (part.cast(nw.Int64) for part in parts)
    return (((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction).alias(name)


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
    if what in ("time", "time32", "time64"):
        return column.map(_since_midnight, na_action="ignore").astype("Int64"), True
    if getattr(dtype, "tz", None) is not None or getattr(arrow, "tz", None) is not None:
        return column.dt.tz_convert("UTC"), False
    if what == "category":
        return column.astype(dtype.categories.dtype), False
    if what.startswith("dictionary"):
        return column.astype(type(dtype)(arrow.value_type)), False
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
        return column.astype(float), False
    if what == "empty":
        return column.astype("string"), False
    return column.convert_dtypes(), False


def _since_midnight(t: Any) -> int:
    return ((t.hour * 60 + t.minute) * 60 + t.second) * 1_000_000 + t.microsecond


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
            table = table.set_column(i, field.name, table.column(i).cast(like))
    return table


def _like(pa: Any, dtype: Any) -> Any:
    """The type that stands for one of pyarrow's that it cannot count by; None for the others."""
    if pa.types.is_dictionary(dtype):
        return _like(pa, dtype.value_type) or dtype.value_type
    if pa.types.is_float16(dtype):
        return pa.float32()
    if pa.types.is_date64(dtype):
        return pa.date32()
    return pa.float64() if pa.types.is_decimal256(dtype) else None
