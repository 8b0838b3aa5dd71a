"""Draws, and tables of rows that hold them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from kullback._distribution._checks import numeric_array, numeric_column
from kullback._distribution._design import circles, told, wrapped
from kullback._format import listing
from kullback._result import InputError
from kullback._support import Array, Support, reals
from kullback.numerics.energy import scores


class Sample:
    """Draws from a distribution, and how they go together.

    Without `groups`, `chains` and `order` the draws are independent of each other; every interval and p-value rests on
    what is said here.

    Parameters
    ----------
    x : array
        Of shape (n,) or (n, d); with order="chains" of shape (chains, draws) or (chains, draws, d).
    weights : array, optional
        One a draw, of shape (n,), or (chains, draws); their sum does not matter.
    groups : array, optional
        The day, person or document of each draw: the draws of one group depend on each other, groups do not. A group
        that stands on both sides of a divergence is taken as the same one.
    chains : int or array, optional
        The number of chains of equal length that follow one another in x, or the chain of each draw. Within a chain the
        draws follow each other in time.
    order : {"time", "chains"}, optional
        "time": the draws follow each other, as those of one chain or time series. "chains": the shape tells.
    period : float or sequence of float, optional
        Of angles and the like, for all columns or one each (None for a column that has no period).
    columns, labels, name, notes
        Names of the columns, a label for each draw, a name for all, and what a reader must know.

    Raises
    ------
    InputError
        Draws, weights, groups, chains or periods that do not go together, with what to do instead.

    Examples
    --------
    >>> import kullback as kl
    >>> kl.Sample([[1.0, 2.0], [3.0, 5.0], [4.0, 1.0]])
    3 draws in 2 dimensions
    >>> kl.Sample([1.0, 2.0, 4.0, 3.0], groups=["mon", "mon", "tue", "tue"])
    4 draws in 2 groups
    """

    __slots__ = ("columns", "design", "labels", "name", "notes", "period", "x")

    def __init__(
        self,
        x: Any,
        *,
        weights: Any = None,
        groups: Any = None,
        chains: Any = None,
        order: str | None = None,
        period: Any = None,
        columns: Sequence[str] = (),
        labels: Sequence[Hashable] | None = None,
        name: str = "",
        notes: tuple[str, ...] = (),
    ) -> None:
        if isinstance(x, np.ma.MaskedArray) and (masked := int(np.ma.getmaskarray(x).sum())):
            raise InputError(f"x masks {masked} of {x.size} numbers; remove them first, x.compressed() of one column")
        if order is None and {"chain", "draw"} <= set(getattr(x, "dims", ())):
            raise InputError(
                f"x has the dimensions {listing([str(d) for d in x.dims])}, and its rows are chains, no draws: pass x "
                'itself in the place of p or q, or say kl.Sample(x, order="chains")'
            )
        points = np.ascontiguousarray(numeric_array(x, "x"), dtype=np.float64)
        if order == "chains":
            points, weights, chains = _stacked(points, weights, chains)
        if points.ndim not in (1, 2):
            more = '; for (chains, draws, d) pass order="chains"' if points.ndim == 3 else ""
            raise InputError(f"draws must have shape (n,) or (n, d); x has shape {points.shape}{more}")
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
        self.labels = None if labels is None else np.asarray(labels)
        if self.labels is not None and self.labels.shape != (len(points),):
            raise InputError(f"labels has shape {self.labels.shape} for {len(points)} draws; give one label a draw")
        self.design, rows, said = told(points, weights, groups, chains, order)
        self.x = points if rows is None else points[rows]
        if self.labels is not None and rows is not None:
            self.labels = self.labels[rows]
        self.period = None if period is None else circles(period, self.x)
        if self.period is not None:
            self.x = wrapped(self.x, self.period)
        self.columns = tuple(columns)
        self.name = name
        self.notes = (*notes, *said)

    def at(self, x: Array) -> Sample:
        """The same draws at other points: their weights, groups and order stay."""
        other = Sample(x, columns=self.columns, name=self.name, notes=self.notes)
        other.labels, other.design, other.period = self.labels, self.design, self.period
        return other

    def columns_as(self, names: tuple[str, ...]) -> Sample:
        """The same draws with their columns in the order of these names."""
        order = [self.columns.index(name) for name in names]
        other = self.at(self.x[:, order])
        other.columns = tuple(names)
        other.period = None if self.period is None else self.period[order]
        return other

    @property
    def weights(self) -> Array | None:
        """Weights that sum to one; None if they are all the same."""
        return self.design.weights

    @property
    def effective_sample_size(self) -> float:
        """How many independent draws of one weight these are worth, by the ranks in the column where it is fewest."""
        return self.n if self.design.plain else worth(self)

    @property
    def correlation_length(self) -> float:
        """How many draws count for one: the autocorrelation time, or the design effect of groups; 1 if independent."""
        return 1.0 if self.design.plain else max(self.design.kish / worth(self), 1.0)

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
        if self.design.names is not None:
            what += f" in {len(self.design.names)} groups"
        elif self.design.chains is not None:
            many = len(self.design.chains)
            what += f" in {many} chains" if many > 1 else " in their order"
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


@lru_cache(maxsize=8)
def worth(d: Sample) -> float:
    """The effective sample size, by the normal scores of the ranks of each column."""
    z = scores(d.x.reshape(d.n, -1))
    sizes = [d.design.effective(column) for column in z.T if np.ptp(column) > 0]
    return min(sizes, default=d.design.kish)


def _stacked(x: Array, weights: Any, chains: Any) -> tuple[Array, Any, int]:
    """Chains one after another."""
    if x.ndim not in (2, 3):
        raise InputError(f'with order="chains" x has the shape (chains, draws) or (chains, draws, d), not {x.shape}')
    if chains is not None and not (isinstance(chains, int | np.integer) and chains == len(x)):
        raise InputError(f'order="chains" takes the chains from the shape of x, here {len(x)}; leave chains= out')
    if weights is not None:
        weights = np.asarray(numeric_array(weights, "weights"), dtype=np.float64)
        if weights.shape == x.shape[:2]:
            weights = weights.reshape(-1)
    return x.reshape(-1, *x.shape[2:]), weights, len(x)
