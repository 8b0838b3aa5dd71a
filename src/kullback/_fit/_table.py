"""A normal fitted forward to a table that an engine holds: its rows stay there."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np

from kullback._distribution import Sample
from kullback._result import InputError
from kullback.families import Normal

ROWS = 20_000  # that come here, to say what the normal leaves
ENGINES = ("pyspark", "duckdb", "ibis")


def held_by_an_engine(p: Any) -> bool:
    """Whether p is a table whose rows are not in this process: of Spark, DuckDB or Ibis, or a lazy frame."""
    library = type(p).__module__.split(".")[0].lstrip("_")
    return library in sys.modules and (library in ENGINES or type(p).__name__ == "LazyFrame")


def rows_for(p: Any, family: Any, direction: Any, seed: int) -> tuple[Sample, tuple[np.ndarray, np.ndarray]]:
    """About ROWS of the table's rows as draws, and the mean and covariance of all of them."""
    from kullback.tables._sampled import numeric_columns, sampled

    if not isinstance(family, Normal) or direction != "forward":
        raise InputError(
            "a table that an engine holds is fitted by normals, forward, as that needs one aggregate only; for "
            "anything else collect rows first"
        )
    columns = numeric_columns(p)
    found, x = sampled(p, columns, ROWS, seed)
    note = f"mean and covariance of all {found.n} rows"
    if len(x) < found.n:
        note += f"; {len(x)} of them stand for P where its divergence is told"
    sample = Sample(x, columns=columns, name=f"the {type(p).__module__.split('.')[0].lstrip('_')} table", notes=(note,))
    return sample, (found.mean, found.covariance)


def with_moments(target: Any, moments: tuple[np.ndarray, np.ndarray]) -> Any:
    """A target of draws whose moments are known better than from them."""
    if hasattr(target, "frame"):
        return replace(target, stated=moments)
    target.stated = moments
    return target
