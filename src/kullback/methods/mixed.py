"""Values that hold mass beside a density, or discrete columns beside continuous ones: the chain rule over both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from kullback._distribution import Measured, Sample
from kullback._format import listing, percent
from kullback._result import Divergence, Status
from kullback._support import Array
from kullback.methods._counted import Counted
from kullback.methods._gaps import CHANCE, missed, proves_gap
from kullback.methods._looks import look, rows, sharing, uneven
from kullback.methods._request import Method, Request, reason
from kullback.numerics import counts

LEAST = 20  # draws of either side where a density is to be estimated
MOST = 200  # cells


class _Cell(NamedTuple):
    """What recurs (NaN where a column is free there), and the two sides' draws with the free columns alone."""

    key: tuple[float, ...]
    p: Array
    q: Array

    @property
    def free(self) -> bool:
        return any(math.isnan(v) for v in self.key)

    def __str__(self) -> str:
        return listing(["·" if math.isnan(v) else f"{v:g}" for v in self.key])


class Mixed:
    """KL of the cells, and in each the divergence of what is continuous there, by P's share of the cell.

    A cell is what recurs: the values of the discrete columns, and of each other column the atom it lies on, or none.
    """

    name = "mixed"
    random = False

    def __init__(self, within: Sequence[Method]) -> None:
        self._within = tuple(within)

    def applies(self, p: Measured, q: Measured) -> str | None:
        if not (isinstance(p, Sample) and isinstance(q, Sample)):
            return "needs draws on both sides"
        if uneven(p, q):
            return uneven(p, q)
        found = look(p, q)
        if "rounded" in found.kinds:
            return "needs columns that recur or never do; some are rounded"
        if found.continuous or found.discrete:
            return f"needs both what recurs and what is continuous; all is {found.kinds.pop()}"
        cells = _cells(p, q)
        if len(cells) > MOST:
            return f"what recurs makes {len(cells)} cells, too many to look into each"
        for cell in cells:
            n, m = len(cell.p), len(cell.q)
            if not (cell.free and n and m):
                continue
            if min(n, m) < LEAST:
                return f"needs {LEAST} draws a side in each cell; ({cell}) has {n} of P and {m} of Q"
            if self._by(cell) is None:
                a, b = Sample(cell.p), Sample(cell.q)
                return f"in the cell ({cell}): {'; '.join(str(reason(m, a, b)) for m in self._within)}"
        return None

    def _by(self, cell: _Cell) -> Method | None:
        a, b = Sample(cell.p), Sample(cell.q)
        return next((m for m in self._within if reason(m, a, b) is None), None)

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence:
        assert isinstance(p, Sample)
        assert isinstance(q, Sample)
        cells = _cells(p, q)
        a, b = np.array([len(c.p) for c in cells], float), np.array([len(c.q) for c in cells], float)
        lost = (a > 0) & (b == 0)
        detail = ""
        if lost.any():
            names = listing([f"({c})" for c, gone in zip(cells, lost, strict=True) if gone])
            detail = f"{percent(a[lost].sum() / p.n)} of P's draws are at {names}, where Q has no draw in {q.n}"
            if _proven(cells, a, b, lost):
                return Divergence(
                    math.inf, 0.0, "estimate", method=self.name, n=p.n + q.n, status=Status.UNSEEN, detail=detail,
                )  # fmt: skip
            detail += ": taken as rare there"
            b = b + 0.5
        inner = [self._measured(c, request) for c in cells]
        value = (counts.rare if detail else counts.zhang_grabchak)(a, np.floor(b)).value
        share_p, share_q = a / a.sum(), b / b.sum()
        carried = np.array([float(d.value) if d else 0.0 for d in inner])
        spread = np.array([float(d.error) if d else 0.0 for d in inner])
        seen = share_p > 0
        whole = np.log(share_p[seen] / share_q[seen]) + carried[seen]
        variance = float(share_p[seen] @ whole**2 - (share_p[seen] @ whole) ** 2) / p.n
        variance += max(float((share_p[seen] ** 2 / share_q[seen]).sum()) - 1, 0.0) / q.n
        variance += float((share_p**2) @ spread**2) + float(share_p[lost].sum()) ** 2
        methods = list(dict.fromkeys(d.method for d in inner if d))
        clear = all(d is None or d.status is Status.ESTIMATED for d in inner)
        notes = (
            f"{len(cells)} cells carry {value:.4g} nats, what is continuous in {sum(d is not None for d in inner)} of "
            f"them {float(share_p @ carried):.4g}, by {' and '.join(methods) or 'nothing'}",
            *sharing(p, q),
        )
        return Divergence(
            value + float(share_p @ carried), math.sqrt(variance), "standard_error", method=self.name, n=p.n + q.n,
            seed=request.seed, notes=notes, detail=detail,
            status=Status.SMOOTHED if detail else Status.ESTIMATED if clear else Status.BIASED,
        )  # fmt: skip

    def _measured(self, cell: _Cell, request: Request) -> Divergence | None:
        if not cell.free or not len(cell.p) or not len(cell.q):
            return None
        by = self._by(cell)
        assert by is not None
        return by.estimate(Sample(cell.p), Sample(cell.q), request)


def _proven(cells: list[_Cell], a: Array, b: Array, lost: Array) -> bool:
    """Whether Q has nothing in the lost cells: no chance, and if cells are outcomes of discrete columns no tail either.

    What recurs beside a density needs no more: a density has no mass there.
    """
    free = {tuple(map(math.isnan, c.key)) for c in cells}
    if len(free) == 1:
        return proves_gap(Counted(a, b, [tuple(v for v in c.key if not math.isnan(v)) for c in cells]))
    return missed(float(a[lost].sum()), float(a.sum()), float(b.sum())) < CHANCE


@lru_cache(maxsize=2)
def _cells(p: Sample, q: Sample) -> list[_Cell]:
    x, y = rows(p), rows(q)
    both = np.concatenate([x, y])
    columns = look(p, q).columns
    held = np.column_stack([
        np.where(np.isin(both[:, i], c.atoms) | (c.kind == "discrete"), both[:, i], np.nan)
        for i, c in enumerate(columns)
    ])  # fmt: skip
    keys, inverse = np.unique(np.where(np.isnan(held), np.inf, held), axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    found = []
    for i, key in enumerate(keys):
        free = np.isinf(key)
        mine = inverse == i
        found.append(_Cell(tuple(np.where(free, np.nan, key)), x[mine[: len(x)]][:, free], y[mine[len(x) :]][:, free]))
    return found
