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
from kullback.methods._looks import lines, look, plain, rows, sharing
from kullback.methods._request import Method, Request, reason
from kullback.numerics import counts
from kullback.numerics.shares import Drawn, drawn, variances

LEAST = 20  # draws of either side where a density is to be estimated
MOST = 200  # cells


class _Cell(NamedTuple):
    """What recurs (NaN where a column is free there), and the two sides' draws there with the free columns alone."""

    key: tuple[float, ...]
    p: Sample | None
    q: Sample | None

    @property
    def free(self) -> bool:
        return any(math.isnan(v) for v in self.key)

    @property
    def both(self) -> tuple[Sample, Sample] | None:
        """The draws, where the cell holds a density of either side."""
        return None if not self.free or self.p is None or self.q is None else (self.p, self.q)

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
        if why := lines(p, q):
            return why
        found = look(p, q)
        if "rounded" in found.kinds:
            return "needs columns that recur or never do; some are rounded"
        if found.continuous or found.discrete:
            return f"needs both what recurs and what is continuous; all is {found.kinds.pop()}"
        cells = _cells(p, q)
        if len(cells) > MOST:
            return f"what recurs makes {len(cells)} cells, too many to look into each"
        for cell in cells:
            if cell.both is None:
                continue
            a, b = cell.both
            if min(a.n, b.n) < LEAST:
                return f"needs {LEAST} draws a side in each cell; ({cell}) has {a.n} of P and {b.n} of Q"
            if lone := [
                name for d, name in ((a, "P"), (b, "Q")) if d.design.names is not None and d.design.degrees < 1
            ]:
                return f"needs two groups a side in each cell; ({cell}) has one of {' and of '.join(lone)}"
            if self._by(a, b) is None:
                return f"in the cell ({cell}): {'; '.join(str(reason(m, a, b)) for m in self._within)}"
        return None

    def _by(self, a: Sample, b: Sample) -> Method | None:
        return next((m for m in self._within if reason(m, a, b) is None), None)

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence:
        assert isinstance(p, Sample)
        assert isinstance(q, Sample)
        cells = _cells(p, q)
        a, b = _sides(p, q, cells)
        share_p, share_q = (side.shares if isinstance(side, Drawn) else side / side.sum() for side in (a, b))
        lost = (share_p > 0) & (share_q == 0)
        detail = ""
        if lost.any():
            names = listing([f"({c})" for c, gone in zip(cells, lost, strict=True) if gone])
            detail = f"{percent(float(share_p[lost].sum()))} of P's draws are at {names}, where Q has no draw in {q.n}"
            if _proven(cells, counts.held(a), counts.held(b), lost):
                return Divergence(
                    math.inf, 0.0, "estimate", method=self.name, n=p.n + q.n, status=Status.UNSEEN, detail=detail,
                )  # fmt: skip
            detail += ": taken as rare there"
            smooth = counts.held(b) + 0.5
            share_q = smooth / smooth.sum()
        inner = [self._measured(c, request) for c in cells]
        value = (counts.rare if detail else counts.zhang_grabchak)(a, b).value
        carried = np.array([float(d.value) if d else 0.0 for d in inner])
        spread = np.array([float(d.error) if d else 0.0 for d in inner])
        seen = share_p > 0
        whole, odds = np.zeros(len(cells)), np.zeros(len(cells))
        whole[seen] = np.log(share_p[seen] / share_q[seen]) + carried[seen]
        odds[seen] = share_p[seen] / share_q[seen]
        if detail:
            b = b._replace(shares=share_q) if isinstance(b, Drawn) else smooth
        variance, degrees = variances(a, whole, b, -odds)
        apart = all(d.design.groups is None and d.design.chains is None for d in (p, q))
        parts = share_p * spread  # of one group or series they err together, if the worst comes
        variance += float(parts @ parts) if apart else float(parts.sum()) ** 2
        variance += float(share_p[lost].sum()) ** 2
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
            degrees_of_freedom=degrees if math.isfinite(degrees) else None,
        )  # fmt: skip

    def _measured(self, cell: _Cell, request: Request) -> Divergence | None:
        if cell.both is None:
            return None
        by = self._by(*cell.both)
        assert by is not None
        return by.estimate(*cell.both, request)


def _sides(p: Sample, q: Sample, cells: list[_Cell]) -> tuple[Array | Drawn, Array | Drawn]:
    """Counts of the cells, or shares where draws have weights, groups or an order."""
    if not plain(p, q):
        of_p, of_q, _ = _places(p, q)
        return drawn(of_p, p.design, of_q, q.design, len(cells))
    a, b = (
        np.array([0 if d is None else d.n for d in side], float)
        for side in zip(*((c.p, c.q) for c in cells), strict=True)
    )
    return a, b


def _proven(cells: list[_Cell], a: Array, b: Array, lost: Array) -> bool:
    """Whether Q has nothing in the lost cells: no chance, and if cells are outcomes of discrete columns no tail either.

    What recurs beside a density needs no more: a density has no mass there.
    """
    free = {tuple(map(math.isnan, c.key)) for c in cells}
    if len(free) == 1:
        return proves_gap(Counted(a, b, [tuple(v for v in c.key if not math.isnan(v)) for c in cells]))
    return missed(float(a[lost].sum()), float(a.sum()), float(b.sum())) < CHANCE


@lru_cache(maxsize=2)
def _places(p: Sample, q: Sample) -> tuple[Array, Array, Array]:
    """The cell of each draw of P and of Q, and what recurs in each, ∞ where a column is free."""
    both = np.concatenate([rows(p), rows(q)])
    columns = look(p, q).columns
    held = np.column_stack([
        np.where(np.isin(both[:, i], c.atoms) | (c.kind == "discrete"), both[:, i], np.inf)
        for i, c in enumerate(columns)
    ])  # fmt: skip
    keys, inverse = np.unique(held, axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    return inverse[: p.n], inverse[p.n :], keys


@lru_cache(maxsize=2)
def _cells(p: Sample, q: Sample) -> list[_Cell]:
    of_p, of_q, keys = _places(p, q)
    found = []
    for i, key in enumerate(keys):
        free = np.isinf(key)
        sides = [_part(d, np.flatnonzero(at == i), free) for d, at in ((p, of_p), (q, of_q))]
        found.append(_Cell(tuple(np.where(free, np.nan, key)), *sides))
    return found


def _part(d: Sample, at: Array, free: Array) -> Sample | None:
    """The draws at some places, with the free columns alone, or where none is free with all."""
    if not len(at):
        return None
    x = rows(d)[at]
    found = Sample(x[:, free] if free.any() else x)
    found.design = d.design.some(at)
    return found
