"""What an engine answers, as plain Python rows: only counts and aggregates come this way, never the data."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import narwhals as nw
import numpy as np

from kullback._result import InputError

SMALL = 20_000  # rows of a table of DuckDB's that is taken out of it, some columns at a time
Row = tuple[Any, ...]


def rows(frame: nw.LazyFrame[Any]) -> list[Row]:
    """The rows of a small lazy frame, collected by the engine's own means (Arrow is not needed for it)."""
    with told(frame):
        return _collected(frame)


def arrays(frame: nw.LazyFrame[Any]) -> dict[str, np.ndarray]:
    """The columns of a small lazy frame; what may be missing as objects."""
    names = frame.collect_schema().names()
    with told(frame):
        if frame.implementation is nw.Implementation.DUCKDB:
            found = nw.to_native(frame).fetchnumpy()
            return {n: _without_mask(found[n]) for n in names}
        columns = list(zip(*_collected(frame), strict=True)) or [()] * len(names)
    found = {}
    for name, column in zip(names, columns, strict=True):
        plain = all(type(v) in (int, float) for v in column)
        found[name] = np.array(column) if plain else np.array([*column, None], dtype=object)[:-1]
    return found


def _without_mask(x: Any) -> np.ndarray:
    if x.dtype.kind == "M":
        x = x.astype("datetime64[us]")  # those of nanoseconds would become integers
    if not isinstance(x, np.ma.MaskedArray) or not np.any(x.mask):
        return np.asarray(x)
    found = np.asarray(x.data).astype(object)
    found[np.ma.getmaskarray(x)] = None
    return found


@contextmanager
def told(frame: nw.LazyFrame[Any]) -> Iterator[None]:
    """What goes wrong while an engine runs (a broken page, a full disk, a lost cluster) is said in one sentence."""
    try:
        yield
    except Exception as error:
        raise refused(error, frame) from error


def refused(error: Exception, frame: nw.LazyFrame[Any]) -> InputError:
    """What an engine could not do; Ctrl-C if it only stopped since that was asked for."""
    if interrupted(error):
        raise KeyboardInterrupt from None
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return InputError(f"{frame.implementation.name.lower()} could not count the rows: {first}")


def interrupted(error: Exception) -> bool:
    """Whether an engine stopped because Python was asked to: DuckDB says it by an error of its own."""
    return type(error).__name__ == "InterruptException" or "Query interrupted" in str(error)


def _collected(frame: nw.LazyFrame[Any]) -> list[Row]:
    native = nw.to_native(frame)
    engine = frame.implementation
    if engine is nw.Implementation.DUCKDB:
        return [tuple(row) for row in native.fetchall()]
    if engine.is_pyspark() or engine.is_pyspark_connect():
        return [tuple(row) for row in native.collect()]
    found = frame.collect().iter_rows()
    if engine.is_pandas_like():
        absent = {id(sys.modules["pandas"].NA), id(sys.modules["pandas"].NaT)}
        return [tuple(None if id(v) in absent else v for v in row) for row in found]
    return [tuple(row) for row in found]
