"""Data frames of any library that narwhals knows; a Series is refused with the two things it may mean."""

from __future__ import annotations

import sys
from typing import Any

from kullback._distribution import Distribution, Table
from kullback._result import KindError

LIBRARIES = ("pandas", "polars", "pyarrow", "modin", "cudf", "dask", "duckdb", "ibis", "pyspark", "narwhals")


def recognise(obj: Any, argument: str) -> Distribution | None:
    library = type(obj).__module__.split(".")[0].lstrip("_")
    if library not in LIBRARIES or library not in sys.modules:
        return None
    import narwhals as nw

    frame = nw.from_native(obj, pass_through=True, allow_series=True)
    if isinstance(frame, nw.Series):
        raise KindError(
            f"{argument} is a Series, which may hold probabilities or draws. "
            f"Say which: kl.Discrete({argument}) or kl.Sample({argument})."
        )
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    if not isinstance(frame, nw.DataFrame):
        return None
    columns = [(str(series.name), series.to_numpy()) for series in frame.iter_columns()]
    return Table(dict(columns), name=f"the {library} frame")
