"""Draws, and tables of rows that hold them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from kullback._distribution._checks import numeric_array, numeric_column
from kullback._format import listing
from kullback._result import InputError
from kullback._support import Array, Support, reals


class Sample:
    """Draws from a distribution: x of shape (n,) or (n, d), with optional weights of shape (n,).

    Examples
    --------
    >>> import kullback as kl
    >>> kl.Sample([[1.0, 2.0], [3.0, 5.0], [4.0, 1.0]])
    3 draws in 2 dimensions
    """

    __slots__ = ("columns", "labels", "name", "notes", "weights", "x")

    def __init__(
        self,
        x: Any,
        *,
        weights: Any = None,
        columns: Sequence[str] = (),
        labels: Sequence[Hashable] | None = None,
        name: str = "",
        notes: tuple[str, ...] = (),
    ) -> None:
        if isinstance(x, np.ma.MaskedArray) and (masked := int(np.ma.getmaskarray(x).sum())):
            raise InputError(f"x masks {masked} of {x.size} numbers; remove them first, x.compressed() of one column")
        points = np.ascontiguousarray(numeric_array(x, "x"), dtype=np.float64)
        if points.ndim not in (1, 2):
            raise InputError(f"draws must have shape (n,) or (n, d); x has shape {points.shape}")
        if points.ndim == 2 and points.shape[1] == 1:
            points = points[:, 0]
        if points.shape[0] == 0 or points.size == 0:
            raise InputError(f"x holds no draws (shape {points.shape}); give at least two")
        bad = np.argwhere(~np.isfinite(points))
        if len(bad):
            place = tuple(int(i) for i in bad[0])
            raise InputError(
                f"x holds {points[place]} at index {place if len(place) > 1 else place[0]} "
                f"({len(bad)} such values); remove them first"
            )
        self.x = points
        self.weights = None if weights is None else _weights(weights, len(points))
        self.columns = tuple(columns)
        self.labels = None if labels is None else np.asarray(labels)
        if self.labels is not None and self.labels.shape != (len(points),):
            raise InputError(f"labels has shape {self.labels.shape} for {len(points)} draws; give one label a draw")
        self.name = name
        self.notes = notes

    @property
    def n(self) -> int:
        return int(self.x.shape[0])

    @property
    def dim(self) -> int:
        return 1 if self.x.ndim == 1 else int(self.x.shape[1])

    @property
    def support(self) -> Support:
        return reals(self.dim)

    def __repr__(self) -> str:
        what = f"{self.n} draws" + (f" in {self.dim} dimensions" if self.dim > 1 else "")
        if self.columns:
            what = f"{self.n} rows of {', '.join(self.columns)}"
        return f"{self.name} ({what})" if self.name else what


class Table:
    """Rows under named columns; `columns` maps names to arrays of equal length, missing values masked or NaN."""

    __slots__ = ("columns", "name")

    def __init__(self, columns: Mapping[str, Any], *, name: str = "") -> None:
        self.columns = dict(columns)
        self.name = name
        if not self.columns:
            raise InputError(f"{name or 'the table'} has no columns")
        lengths = {key: len(values) for key, values in self.columns.items()}
        if len(set(lengths.values())) > 1:
            raise InputError(f"{name or 'the table'} has columns of different lengths: {lengths}")

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __repr__(self) -> str:
        return f"{self.name or 'table'}: {len(self)} rows of {listing(list(self.columns))}"

    def column(self, name: str) -> Any:
        if name not in self.columns:
            raise InputError(
                f"{self.name or 'the table'} has no column {name!r}; its columns are {listing(list(self.columns))}"
            )
        return self.columns[name]

    def to_sample(
        self, columns: Sequence[str] | None = None, *, label: str | None = None, drop_missing: bool = False
    ) -> Sample:
        """The named numeric columns as draws; rows with missing values are an error, or dropped when asked."""
        names = list(columns) if columns is not None else [n for n in self.columns if n != label]
        series = [numeric_column(self.column(name), name, self.name) for name in names]
        if not len(self):
            raise InputError(f"{self.name or 'the table'} has no rows")
        x = np.column_stack(series)
        missing = np.isnan(x)
        keep = ~missing.any(axis=1)
        notes: tuple[str, ...] = ()
        if not keep.all():
            counts = ", ".join(f"{m} in {n}" for n, m in zip(names, missing.sum(axis=0), strict=True) if m)
            if not drop_missing:
                raise InputError(
                    f"{self.name or 'the table'} has missing values: {counts}. "
                    "Drop those rows with drop_missing=True (--drop-missing), or fill them first."
                )
            notes = (f"{int((~keep).sum())} of {len(self)} rows dropped for missing values ({counts})",)
        if not keep.any():
            raise InputError(f"{self.name or 'the table'} has no row without missing values: {listing(names)}")
        labels = None if label is None else np.asarray(self.column(label), dtype=object)[keep]
        return Sample(x[keep], columns=names, labels=labels, name=self.name, notes=notes)


def _weights(weights: Any, n: int) -> Array:
    w = np.asarray(numeric_array(weights, "weights"), dtype=np.float64)
    if w.shape != (n,):
        raise InputError(f"weights has shape {w.shape}, x has {n} draws; give one weight a draw")
    bad = ~(np.isfinite(w) & (w >= 0))
    if bad.any() or not w.any():
        found = f"{w[bad][0]:g} at index {int(np.argmax(bad))}" if bad.any() else "only zeros"
        raise InputError(f"weights must be finite, non-negative and not all zero; found {found}")
    w = w / w.max()
    return np.asarray(w / w.sum())
