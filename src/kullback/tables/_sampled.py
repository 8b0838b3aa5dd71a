"""About so many rows of a table, chosen by what they hold, so that any engine takes the same ones in any order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np

from kullback._result import InputError
from kullback.tables._files import Engine
from kullback.tables._kinds import kind, value
from kullback.tables._moments import Moments, moments
from kullback.tables._rows import rows
from kullback.tables._sides import side

SHIFTS = (0, 12, 24)  # bits of a value that are looked at


def numeric_columns(table: Any) -> list[str]:
    """The columns of a table, all of which must hold numbers."""
    with Engine(None, None) as engine:
        found = side(table, "p", engine)
        kinds = {name: kind(found, name, "p") for name in found.schema}
    bad = {name: what for name, what in kinds.items() if what not in ("integer", "number", "boolean")}
    if bad:
        name, what = next(iter(bad.items()))
        raise InputError(f"p: column {name!r} holds {what}, not numbers; select the numeric columns first")
    return list(kinds)


def sampled(table: Any, columns: Sequence[str], n: int, seed: int) -> tuple[Moments, np.ndarray]:
    """The moments of all rows, and about n of them (all, if there are no more)."""
    found = moments(table, list(columns))
    with Engine(None, None) as engine:
        s = side(table, "p", engine)
        values = [value(s, name, kind(s, name, "p")).alias(f"x{i}") for i, name in enumerate(columns)]
        frame = s.frame.select(*values)
        names = [f"x{i}" for i in range(len(columns))]
        if found.n > n:
            spread = np.sqrt(np.diag(found.covariance))
            frame = frame.with_columns(_mark(names, found.mean, spread, seed).alias("mark"))
            frame = frame.filter(nw.col("mark") < n / found.n).select(*names)
        x = np.array(rows(frame.head(2 * n)), dtype=float).reshape(-1, len(columns))
    return found, x


def _mark(names: Sequence[str], mean: np.ndarray, spread: np.ndarray, seed: int) -> nw.Expr:
    """A number in [0, 1) made of the digits of a row's values."""
    factors = np.random.default_rng(seed).uniform(1, 2, size=(len(names), len(SHIFTS)))
    total: nw.Expr = nw.lit(0.0)
    for i, name in enumerate(names):
        z = (nw.col(name) - float(mean[i])) / float(spread[i] or 1.0)
        for shift, factor in zip(SHIFTS, factors[i], strict=True):
            y = z * (float(factor) * 2.0**shift)
            total = total + (y - y.floor())
    total = total * 997.0
    return total - total.floor()
