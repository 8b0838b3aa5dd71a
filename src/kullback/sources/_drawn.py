"""Draws that a sampler's library holds: named columns, with the weights, chains and periods that it knows of."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from kullback._distribution import Sample
from kullback._format import listing
from kullback._result import InputError
from kullback._support import Array
from kullback.numerics.dependence import in_stretches


class DrawnTable(NamedTuple):
    """Draws as rows: columns by name, the weight of each row and the group that it must stay in, or None.

    The rows of a chain are in groups that are stretches of it, several correlation lengths long.
    """

    columns: dict[str, Array]
    weights: Array | None
    groups: Array | None
    notes: tuple[str, ...]


class Drawn(NamedTuple):
    """x of shape (n, d); `chain` is the chain of each row, its rows in time, `period` that of each column or ∞.

    `derived` are columns that are functions of the others.
    """

    name: str
    names: tuple[str, ...]
    x: Array
    weights: Array | None = None
    chain: Array | None = None
    period: Array | None = None
    derived: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def sample(self) -> Sample:
        """The free columns: with functions of them beside them there would be no density."""
        free = [i for i, name in enumerate(self.names) if name not in self.derived]
        if not free:
            raise InputError(f"{self.name} holds no column to measure; it has {listing(list(self.names)) or 'none'}")
        notes = self.notes
        if self.derived:
            notes = (*notes, f"left out as functions of the others: {listing(list(self.derived))}")
        return self._of(free, notes)

    def shuffled(self) -> Drawn:
        """Rows whose order means nothing but may show something, as that by likelihood does."""
        order = np.random.default_rng(0).permutation(len(self.x))
        return self._replace(x=self.x[order], weights=None if self.weights is None else self.weights[order])

    def table(self) -> DrawnTable:
        """All columns as rows of a table."""
        whole = self._of(list(range(len(self.names))), self.notes)
        groups = in_stretches(whole.design, whole.correlation_length).groups
        columns = whole.x.reshape(whole.n, -1)
        held = {name: columns[:, i] for i, name in enumerate(self.names)}
        return DrawnTable(held, whole.weights, groups, whole.notes)

    def _of(self, kept: list[int], notes: tuple[str, ...]) -> Sample:
        period = None
        if self.period is not None and np.isfinite(self.period[kept]).any():
            period = [v if math.isfinite(v) else None for v in self.period[kept]]
        names = [self.names[i] for i in kept]
        return Sample(
            self.x[:, kept], weights=self.weights, chains=self.chain, period=period, columns=names, name=self.name,
            notes=notes,
        )  # fmt: skip
