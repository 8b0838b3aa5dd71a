"""Several columns together: a bounded number of complete rows of either table, measured as two samples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np

from kullback._distribution import Sample
from kullback._measure import check_seed, divergence
from kullback._result import Divergence, InputError, KullbackError
from kullback._result._tables import JointDivergence
from kullback._vocabulary import distribution
from kullback.tables._cells import Cells, power
from kullback.tables._kinds import Kind, value
from kullback.tables._rows import rows
from kullback.tables._sides import Side

ROWS = 5_000
REPEATED = 0.02  # the share of equal rows up to which a choice by what they hold is one by chance
WITNESSES = 8  # columns whose values decide whether a row is taken


def joint(
    sides: tuple[Side, Side], columns: Sequence[str], kinds: Mapping[str, Kind], cells: Mapping[str, Cells], seed: int
) -> JointDivergence:
    """KL both ways of the named columns together."""
    check_seed(seed)
    for name in columns:
        if kinds.get(name, "text") == "text":
            raise InputError(
                f"joint: column {name!r} is not a number, a boolean or a date in both tables; "
                "the joint divergence needs numbers"
            )
    if len(set(columns)) < 2:
        raise InputError(f"joint needs at least two different columns, not {', '.join(columns)}")
    found = [_rows(side, i, columns, kinds, cells, seed) for i, side in enumerate(sides)]
    notes = []
    for i, (x, side) in enumerate(zip(found, sides, strict=True)):
        total = cells[columns[0]].rows[i]
        if len(x) < len(columns) + 2:
            raise InputError(f"joint: {side.name} has {len(x)} rows complete in {', '.join(columns)}; it needs more")
        if len(x) < total:
            notes.append(f"{len(x):,} of the {total:,} rows of {side.name} stand for the joint divergence")
    p, q = (Sample(x, columns=columns, name=s.name) for x, s in zip(found, sides, strict=True))
    forward, reverse = _measured(p, q, seed)
    return JointDivergence(tuple(columns), forward, reverse, (p.n, q.n), tuple(notes))


def _measured(p: Sample, q: Sample, seed: int) -> tuple[Divergence, Divergence]:
    try:
        return divergence(p, q, seed=seed), divergence(p, q, direction="reverse", seed=seed)
    except KullbackError as error:
        a, b = (_normal(s.x) for s in (p, q))
        try:
            both = divergence(a, b), divergence(a, b, direction="reverse")
        except KullbackError:
            raise InputError(f"joint: {error}") from None
        return both


def _normal(x: np.ndarray) -> object:
    covariance = np.cov(x, rowvar=False)
    return distribution(f"multivariate_normal({x.mean(axis=0).tolist()}, {covariance.tolist()})")


def _rows(
    side: Side, number: int, columns: Sequence[str], kinds: Mapping[str, Kind], cells: Mapping[str, Cells], seed: int
) -> np.ndarray:
    """Complete rows as doubles: all, or about ROWS of them, the same on any engine.

    They are chosen by what they hold, which is chance as long as no two are equal. Where rows repeat, each is drawn as
    often as its count makes likely.
    """
    total = cells[columns[0]].rows[number]
    wanted = [value(side, name, kinds[name]).alias(f"x{i}") for i, name in enumerate(columns)]
    names = [f"x{i}" for i in range(len(columns))]
    finite = nw.all_horizontal(*(nw.col(name).is_finite() for name in names), ignore_nulls=False)
    if total <= ROWS:
        frame = side.frame.select(*wanted)
    else:
        rate = 1.1 * ROWS / total
        whole = side.frame.select(*wanted, _hash(side, columns, kinds, cells, seed).alias("hash"))
        frame = whole.filter(nw.col("hash") < rate).select(*names)
        whole = whole.filter(finite)
    found = np.array(rows(frame.filter(finite).head(2 * ROWS)), dtype=float).reshape(-1, len(columns))
    if total <= ROWS or _apart(found, rate * rows(whole.select(nw.len().alias("n")))[0][0]):
        return found
    return _thinned(whole, names, rate, (seed, number))


def _apart(found: np.ndarray, expected: float) -> bool:
    """Whether rows chosen by what they hold are as many as they should be, and hardly any two are equal."""
    as_many = abs(len(found) - expected) <= 5 * math.sqrt(expected)
    return as_many and len(np.unique(found, axis=0)) >= (1 - REPEATED) * len(found)


def _thinned(whole: nw.LazyFrame[Any], names: Sequence[str], rate: float, seed: tuple[int, ...]) -> np.ndarray:
    """Each different row as often as chance takes it at that rate; of many rare ones those whose digits are chosen."""
    groups = whole.group_by(*names).agg(nw.len().alias("count"), nw.col("hash").min().alias("hash"))
    often = nw.col("count") * rate >= 1
    rare = groups.filter(~often).filter(nw.col("hash") < rate)
    parts = [np.array(rows(part.select(*names, "count")), dtype=float) for part in (groups.filter(often), rare)]
    counted, few = (part.reshape(-1, len(names) + 1) for part in parts)
    counted, few = counted[np.lexsort(counted.T)], few[np.lexsort(few.T)]  # engines answer in any order
    taken = np.random.default_rng(list(seed)).binomial(counted[:, -1].astype(int), min(rate, 1.0))
    return np.concatenate(
        [np.repeat(counted[:, :-1], taken, axis=0), np.repeat(few[:, :-1], few[:, -1].astype(int), axis=0)]
    )


def _hash(
    side: Side, columns: Sequence[str], kinds: Mapping[str, Kind], cells: Mapping[str, Cells], seed: int
) -> nw.Expr:
    """A number in [0, 1) made of the last digits of a row's values, at three scales, by arithmetic alone."""
    witnesses = list(dict.fromkeys([*columns, *(n for n in cells if n not in columns)]))[:WITNESSES]
    factors = np.random.default_rng(seed).uniform(1, 2, size=(len(witnesses), 3))
    sum_: nw.Expr = nw.lit(0.0)
    for name, row in zip(witnesses, factors, strict=True):
        table = cells[name]
        if not math.isfinite(table.least):
            continue
        x = value(side, name, kinds[name]) * 2.0 ** -power(table.least, table.most, False)
        x = nw.when(x.is_finite()).then(x).otherwise(nw.lit(0.25))
        for shift, factor in zip((0, 12, 24), row, strict=True):
            y = x * (float(factor) * 2.0**shift)
            sum_ = sum_ + (y - y.floor())
    sum_ = sum_ * 997.0
    return sum_ - sum_.floor()
