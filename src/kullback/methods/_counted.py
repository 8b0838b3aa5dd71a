"""Draws of few outcomes as counts, aligned with the other side by outcome."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from kullback._distribution import Density, Discrete, Measured, Sample
from kullback._format import listing
from kullback._support import Array, Lattice
from kullback.methods._looks import FEW, look, plain, rows
from kullback.numerics.counts import held
from kullback.numerics.shares import Drawn, Known, drawn, drawn_alone

LISTED = 10_000  # outcomes of a known P that are looked at one by one
ROUNDING = 1e-14
EACH = 5  # draws that an outcome holds on average, for counting to make sense


class Counted(NamedTuple):
    """One entry an outcome: counts, or shares where a side is known."""

    p: Array | Known | Drawn
    q: Array | Known | Drawn
    outcomes: list[Any]


@lru_cache(maxsize=4)  # `applies` asks for it, then `estimate`
def counted(p: Measured, q: Measured) -> Counted | str:
    """The pair as counts, or the reason why it is none."""
    if not any(_draws(d) for d in (p, q)):
        return "needs draws, or counts of them, on at least one side"
    if isinstance(p, Sample) and isinstance(q, Sample):
        return _sparse(p, q) or _two_samples(p, q)
    reason = ""
    for d, name in ((p, "P"), (q, "Q")):
        reason = reason or (_sparse(d, None) if isinstance(d, Sample) else _unknown(d, name))
    if reason:
        return reason
    outcomes = _outcomes(p, q)
    sides = _side(p, outcomes), _side(q, outcomes)
    if isinstance(p, Density) and isinstance(sides[0], Known) and not isinstance(sides[1], Known):
        rest = 1.0 - float(sides[0].shares.sum())
        if rest > ROUNDING:  # what no draw has shown stands as one outcome
            shares, other = np.append(sides[0].shares, rest), sides[1]
            if isinstance(other, Drawn):
                grown = other._replace(shares=np.append(other.shares, 0.0), sizes=np.append(other.sizes, other.size))
                return Counted(Known(shares), grown, [*outcomes, "all others"])
            return Counted(Known(shares), np.append(other, 0.0), [*outcomes, "all others"])
    return Counted(*sides, outcomes)


def _draws(d: Measured) -> bool:
    return isinstance(d, Sample) or (isinstance(d, Discrete) and d.n is not None)


def _unknown(d: Measured, name: str) -> str:
    if isinstance(d, Discrete):
        return "" if d.values.ndim == 1 and d.logits is None else f"needs one table of probabilities; {name} is a batch"
    if isinstance(d, Density) and isinstance(d.support, Lattice) and d.normalized:
        return ""
    return f"needs outcomes that recur; {name} is {d}"


def _sparse(p: Sample, q: Sample | None) -> str:
    found = look(p, q)
    if not found.discrete:
        kinds = sorted(found.kinds - {"discrete"})
        what = "the draws are" if len(found.columns) == 1 else "some columns are"
        return f"needs outcomes that recur; {what} {' and '.join(kinds)}"
    for d in (p, q):
        if d is not None and d.dim > 1:
            different = len(np.unique(rows(d), axis=0))
            if different > max(FEW, d.n // EACH):
                return f"{d.n} draws show {different} different rows, too many to count"
    return ""


def _two_samples(p: Sample, q: Sample) -> Counted:
    x, y = rows(p), rows(q)
    both = np.concatenate([x, y])
    values, inverse = _different(both)
    if not plain(p, q):
        both_sides = drawn(inverse[: len(x)], p.design, inverse[len(x) :], q.design, len(values))
        return Counted(*both_sides, [_key(row) for row in values])
    a = np.bincount(inverse[: len(x)], minlength=len(values))
    b = np.bincount(inverse[len(x) :], minlength=len(values))
    return Counted(a.astype(float), b.astype(float), [_key(row) for row in values])


def _different(x: Array) -> tuple[Array, Array]:
    """The different rows, and which of them each row is; one column is sorted as it is, many times faster."""
    if x.shape[1] > 1:
        values, inverse = np.unique(x, axis=0, return_inverse=True)
        return values, inverse.reshape(-1)
    values, inverse = np.unique(x[:, 0], return_inverse=True)
    return values[:, None], inverse


def _outcomes(p: Measured, q: Measured) -> list[Any]:
    seen: dict[Any, None] = {}
    for d in (p, q):
        if isinstance(d, Sample):
            seen.update(dict.fromkeys(_key(row) for row in np.unique(rows(d), axis=0)))
        elif isinstance(d, Discrete):
            seen.update(dict.fromkeys(d.labels if d.labels is not None else range(d.size)))
    if isinstance(p, Density):
        assert isinstance(p.support, Lattice)
        if p.support.high - p.support.low < LISTED:
            seen.update(dict.fromkeys(range(int(p.support.low), int(p.support.high) + 1)))
    return list(seen)


def _key(row: Array) -> Any:
    """A row as a label: whole numbers as ints, one column bare."""
    cells = tuple(int(v) if float(v).is_integer() else float(v) for v in row)
    return cells[0] if len(cells) == 1 else cells


def _side(d: Measured, outcomes: list[Any]) -> Array | Known | Drawn:
    if isinstance(d, Density):
        assert isinstance(d.support, Lattice)
        points = np.array([o if isinstance(o, int | float) else np.nan for o in outcomes], dtype=float)
        inside = d.support.contains(points)
        shares = np.zeros(len(points))
        shares[inside] = np.exp(d._log_prob(points[inside]))
        return Known(shares)
    if isinstance(d, Sample) and not d.design.plain:
        values, cells = _different(rows(d))
        place = {o: i for i, o in enumerate(outcomes)}
        return drawn_alone(np.array([place[_key(v)] for v in values])[cells], d.design, len(outcomes))
    if isinstance(d, Sample):
        values, n = np.unique(rows(d), axis=0, return_counts=True)
        table = {_key(v): float(c) for v, c in zip(values, n, strict=True)}
    else:
        names = d.labels if d.labels is not None else range(d.size)
        table = dict(zip(names, np.asarray(d.values, dtype=float).tolist(), strict=True))
    found = np.array([table.get(o, 0.0) for o in outcomes])
    if isinstance(d, Sample):
        return found
    assert isinstance(d, Discrete)
    share = found / sum(table.values())
    return Known(share) if d.n is None else np.rint(share * d.n)


def unseen(pair: Counted) -> tuple[float, str]:
    """The share of P's draws, or of P, in outcomes that Q does not show, and these."""
    p = pair.p.shares if isinstance(pair.p, Known | Drawn) else pair.p / pair.p.sum()
    q = pair.q.shares if isinstance(pair.q, Known) else held(pair.q)
    gap = (p > 0) & (q == 0)
    order = np.argsort(-p[gap], kind="stable")
    names = [pair.outcomes[i] for i in np.flatnonzero(gap)[order]]
    return float(p[gap].sum()), listing(names)
