"""What draws hold, seen before a method is chosen: outcomes that recur, ties, shared rows, columns that depend.

A column is *discrete* if it has few values: at most 20, or on average 20 draws or more a value. A value that holds 1 %
of either side's draws (five at least) is an *atom* of a column that is otherwise continuous, and so is each value of a
side that has few of them while the other has not. A column whose draws
repeat without either is *rounded*: a measure on a grid. One draw in ten may be tied by chance: float32 does that, and
the grid is then ten times finer than the draws lie.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from kullback._distribution import Sample
from kullback._format import percent
from kullback._support import Array

FEW, EACH, SOME = 20, 20, 5  # values; draws a value; and of a side alone that has few values
ATOM_SHARE, ATOM_LEAST = 0.01, 5
CHANCE = 0.1
SOME_ROWS = 20


class Column(NamedTuple):
    """`atoms` are the values that hold mass: all of a discrete column's, none of a continuous one's."""

    kind: str  # discrete, continuous, mixed, rounded
    atoms: Array


class Look(NamedTuple):
    """Of a pair of samples, or of one alone."""

    columns: tuple[Column, ...]
    most: int  # draws on one side that are equal in all columns
    shared: int  # draws of P that are equal to one of Q
    chance: float = 0.0  # how many these may be because values are rounded: as many as are equal within a side

    @property
    def kinds(self) -> set[str]:
        return {c.kind for c in self.columns}

    @property
    def continuous(self) -> bool:
        return self.kinds == {"continuous"}

    @property
    def discrete(self) -> bool:
        return self.kinds == {"discrete"}


@lru_cache(maxsize=8)  # every method asks
def look(p: Sample, q: Sample | None = None) -> Look:
    sides = [rows(d) for d in (p, q) if d is not None]
    columns = tuple(_column([x[:, i] for x in sides]) for i in range(sides[0].shape[1]))
    if all(c.kind == "discrete" for c in columns):
        return Look(columns, 0, 0)
    both = np.concatenate(sides)
    first, times = np.unique(both[:, 0], return_counts=True)
    again = [x[np.isin(x[:, 0], first[times > 1])] for x in sides]  # equal rows are equal in the first column
    keys = [_keys(x) for x in again]
    equal = [np.unique(k, return_counts=True)[1] for k in keys]
    most = max([1, *(int(c.max()) for c in equal if len(c))])
    if len(keys) == 1:
        return Look(columns, most, 0)
    tied = [float(c[c > 1].sum()) for c in equal]
    n, m = (len(x) for x in sides)
    return Look(columns, most, int(np.isin(keys[0], keys[1]).sum()), tied[0] * m / n + tied[1] * n / m)


def rows(d: Sample) -> Array:
    return d.x.reshape(d.n, -1)


def sharing(p: Sample, q: Sample) -> tuple[str, ...]:
    """A note, if draws that should be independent are the same ones."""
    found = look(p, q)
    if found.shared <= 2 * found.chance or "continuous" not in found.kinds:
        return ()
    return (
        f"{found.shared} of P's {p.n} draws ({percent(found.shared / p.n)}) are draws of Q too, to the last digit: "
        "the two are not independent, and the error does not know it",
    )


def plain(*sides: object) -> bool:
    """Whether all draws are independent of each other and weigh the same."""
    return all(d.design.plain for d in sides if isinstance(d, Sample))


def uneven(*sides: object) -> str:
    """The reason for methods that count draws one by one."""
    for d, name in zip(sides, "PQ", strict=False):
        if not plain(d):
            return f"counts independent draws once each; those of {name} have weights, groups or an order"
    return lines(*sides)


def circle(*sides: object) -> Array | None:
    """The period of each column, ∞ where there is none; None if no column has any."""
    return next((d.period for d in sides if isinstance(d, Sample) and d.period is not None), None)


def lines(*sides: object) -> str:
    """The reason for methods that know no angles."""
    return "" if circle(*sides) is None else "needs columns on a line; some have a period, and both its ends are one"


def spaced(d: Sample, least: int = SOME_ROWS) -> Array:
    """About as many rows as they are worth, evenly by weight and in time; all of independent draws.

    Where that is fewer than `least`, so many, whatever they weigh: enough to compute with, and too few to tell.
    """
    if d.design.plain:
        return rows(d)
    found = d.design.thinned(max(d.effective_sample_size, least))
    if len(found) < least:
        found = np.unique(np.linspace(0, d.n - 1, least).astype(int))
    return np.asarray(rows(d)[found])


def _column(sides: list[Array]) -> Column:
    found = [np.unique(x, return_counts=True) for x in sides]
    values = np.unique(np.concatenate([v for v, _ in found]))
    least = min(len(x) for x in sides)
    tied = any(c.max() > 1 for _, c in found)
    few = [len(v) <= max(min(FEW, len(x) // SOME), len(x) // EACH) for x, (v, _) in zip(sides, found, strict=True)]
    if tied and (all(few) or len(values) <= max(FEW, least // EACH)):
        return Column("discrete", values)
    heavy = [
        v if recurs else v[c >= max(ATOM_SHARE * len(x), ATOM_LEAST)]
        for x, (v, c), recurs in zip(sides, found, few, strict=True)
    ]
    atoms = np.unique(np.concatenate(heavy))
    rest = [c[~np.isin(v, atoms)] for v, c in found]
    if not any(len(c) for c in rest):
        return Column("discrete", values)
    loose = max(1 - float((c == 1).sum()) / c.sum() if len(c) else 0.0 for c in rest)
    if loose > CHANCE:
        return Column("rounded", atoms)
    return Column("mixed" if len(atoms) else "continuous", atoms)


def _keys(x: Array) -> Array:
    """Rows as single values that are equal where the rows are; −0 is 0."""
    x = np.ascontiguousarray(x + 0.0)
    return x[:, 0] if x.shape[1] == 1 else x.view([("", x.dtype)] * x.shape[1])[:, 0]
