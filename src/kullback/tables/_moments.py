"""The moments of a table, without moving its rows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np

from kullback._result import InputError
from kullback.numerics.quiet import quiet
from kullback.tables._files import Engine
from kullback.tables._kinds import kind, value
from kullback.tables._rows import rows
from kullback.tables._sides import require, side

PILOT = 1000  # rows whose mean is the centre


class Moments(NamedTuple):
    """Rows, mean and covariance; the covariance is divided by n, as a forward fit needs it."""

    n: int
    mean: np.ndarray
    covariance: np.ndarray


@quiet
def moments(
    table: Any,
    columns: str | Sequence[str],
    *,
    drop_missing: bool = False,
    memory_limit: str | None = None,
    threads: int | None = None,
) -> Moments:
    """Rows, mean and covariance of columns of a table, by one aggregate that the table's own engine runs.

    The sums are of values less a centre near them and of the products of those, so that 1e9 plus noise keeps its
    digits; only the sums leave the engine. A normal with these moments is the forward fit to the rows.

    Parameters
    ----------
    table : path, data frame or engine's table
        As for `compare_tables`.
    columns : str or sequence of str
        Columns of numbers or booleans.
    drop_missing : bool
        Leave out the rows where any of the columns is missing or NaN; otherwise they are an error.
    memory_limit, threads
        Of the embedded DuckDB that reads files, for example "2GB" and 2.

    Returns
    -------
    Moments
        `n`, `mean` of shape (d,) and `covariance` of shape (d, d), divided by n.

    Raises
    ------
    InputError
        A column that does not exist or holds no numbers, missing or infinite values, or no rows.

    Examples
    --------
    >>> import polars as pl
    >>> import kullback as kl
    >>> n, mean, covariance = kl.tables.moments(pl.DataFrame({"a": [1e9, 1e9 + 2], "b": [0.0, 4.0]}), ["a", "b"])
    >>> n, (mean - 1e9).round(6).tolist()[0], covariance.tolist()
    (2, 1.0, [[1.0, 2.0], [2.0, 4.0]])
    """
    names = [columns] if isinstance(columns, str) else list(columns)
    if not names or len(set(names)) < len(names):
        raise InputError(f"columns must name at least one column, each once, not {names}")
    with Engine(memory_limit, threads) as engine:
        rows_of = side(table, "table", engine)
        values = []
        for i, name in enumerate(names):
            require(rows_of, name, "table")
            what = kind(rows_of, name, "table")
            if what not in ("integer", "number", "boolean"):
                raise InputError(f"table: column {name!r} of {rows_of.name} holds {what}, not numbers")
            values.append(value(rows_of, name, what).alias(f"x{i}"))
        frame = rows_of.frame.select(*values)
        whole = nw.all_horizontal(*(nw.col(f"x{i}").is_finite() for i in range(len(names))), ignore_nulls=False)
        inner = frame.filter(whole)
        centre = _centre(inner, len(names))
        sums = _sums(inner, centre)
        total = int(rows(frame.select(nw.len().alias("n")))[0][0])
    n = int(sums[0])
    if n < total and not drop_missing:
        raise InputError(
            f"{rows_of.name} has {total - n} of {total} rows with missing or infinite values in {', '.join(names)}. "
            "Drop those rows with drop_missing=True, or fill them first."
        )
    if n == 0:
        raise InputError(f"{rows_of.name} has no row that is complete in {', '.join(names)}")
    d = len(names)
    shift = np.array(sums[1 : 1 + d], dtype=float) / n
    products = np.zeros((d, d))
    for (i, j), s in zip(itertools.combinations_with_replacement(range(d), 2), sums[1 + d :], strict=True):
        products[i, j] = products[j, i] = float(s) / n
    return Moments(n, centre + shift, products - np.outer(shift, shift))


def _centre(frame: nw.LazyFrame[Any], d: int) -> np.ndarray:
    first = rows(frame.head(PILOT).select(*(nw.col(f"x{i}").mean() for i in range(d))))[0]
    return np.array([0.0 if v is None or math.isnan(v) else float(v) for v in first])


def _sums(frame: nw.LazyFrame[Any], centre: np.ndarray) -> tuple[Any, ...]:
    d = len(centre)
    y = [nw.col(f"x{i}") - float(c) for i, c in enumerate(centre)]
    wanted = [nw.len().alias("n"), *(v.sum().alias(f"s{i}") for i, v in enumerate(y))]
    wanted += [(y[i] * y[j]).sum().alias(f"s{i}_{j}") for i, j in itertools.combinations_with_replacement(range(d), 2)]
    return rows(frame.select(*wanted))[0]
