"""A table that an engine holds: its moments by one aggregate, and some of its rows."""

from __future__ import annotations

import sys
from functools import cached_property
from typing import Any

import numpy as np

from kullback._distribution import Sample

ROWS = 20_000  # that come here, to say what the normal leaves
ENGINES = ("pyspark", "duckdb", "ibis")


def held_by_an_engine(p: Any) -> bool:
    """Whether p is a table whose rows are not in this process: of Spark, DuckDB or Ibis, or a lazy frame."""
    library = type(p).__module__.split(".")[0].lstrip("_")
    return library in sys.modules and (library in ENGINES or type(p).__name__ == "LazyFrame")


class Held:
    """The rows stay where they are; about ROWS of them come as draws, with the mean and covariance of all."""

    def __init__(self, table: Any, seed: int) -> None:
        self._table, self._seed = table, seed

    @property
    def name(self) -> str:
        return f"the {type(self._table).__module__.split('.')[0].lstrip('_')} table"

    def only(self, method: str) -> str | None:
        if method == "moments":
            return None
        return (
            "a table that an engine holds is fitted by normals, forward, as that needs one aggregate only; for "
            "anything else collect rows first"
        )

    @cached_property
    def _read(self) -> tuple[Sample, tuple[np.ndarray, np.ndarray]]:
        from kullback.tables._sampled import numeric_columns, sampled

        columns = numeric_columns(self._table)
        found, x = sampled(self._table, columns, ROWS, self._seed)
        note = f"mean and covariance of all {found.n} rows"
        if len(x) < found.n:
            note += f"; {len(x)} of them stand for P where its divergence is told"
        return Sample(x, columns=columns, name=self.name, notes=(note,)), (found.mean, found.covariance)

    @property
    def sample(self) -> Sample:
        return self._read[0]

    @property
    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        return self._read[1]
