"""Rows that go together in groups, or have weights: counts by group and cell, by one more GROUP BY on the engine."""

from __future__ import annotations

import datetime as dt
import math
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np

from kullback._format import listing
from kullback._result import InputError
from kullback.numerics.clusters import Clusters
from kullback.tables._cells import Key
from kullback.tables._count import UNION
from kullback.tables._kinds import uncountable
from kullback.tables._literal import code_of, edges_of, exact, key_of, placed, unit_of, worded
from kullback.tables._partition import Partition
from kullback.tables._rows import rows
from kullback.tables._sides import Side, require
from kullback.tables._wanted import Slicing

MOST = 5000  # groups of a side; more of them are put together, so that each is in one of BUCKETS
BUCKETS = 1999
Slice = Any
PLAIN = object()  # the slice that is the whole table


@dataclass(frozen=True, slots=True)
class Tabled:
    """A column of one side: by cell the sums of the weights of each group, or of all rows and of their squares."""

    sums: Mapping[Key, np.ndarray]
    rows: float
    names: np.ndarray | None = None
    squares: Mapping[Key, float] | None = None

    def clusters(self, keys: Sequence[Key]) -> Clusters:
        """On cells in an order."""
        nothing = np.zeros(1 if self.names is None else len(self.names))
        sums = np.column_stack([self.sums.get(k, nothing) for k in keys])
        squares = None if self.squares is None else np.array([self.squares.get(k, 0.0) for k in keys])
        return Clusters(sums, float(self.rows), self.names, squares)

    def counts(self) -> dict[Key, float]:
        """Rows by cell, as heavy as their weights make them."""
        total = math.fsum(float(x.sum()) for x in self.sums.values())
        return {k: float(x.sum()) * self.rows / total for k, x in self.sums.items()}


def independent(counts: Mapping[Key, float], worth: float | None = None) -> Tabled:
    """Rows that are, or stand for so many that would be."""
    rows_ = math.fsum(counts.values())
    share = 1.0 if worth is None else worth / rows_
    sums = {k: n * share for k, n in counts.items()}
    return Tabled({k: np.array([n]) for k, n in sums.items()}, rows_ * share, None, sums)


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which columns say what rows go together, and how much each counts."""

    groups: str | None
    weights: str | None

    def __bool__(self) -> bool:
        return self.groups is not None or self.weights is not None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(n for n in (self.groups, self.weights) if n is not None)

    def checked(self, side: Side, argument: str) -> Sampled:
        """What is said of one side's rows, looked at."""
        for name, option in ((self.groups, "groups"), (self.weights, "weights")):
            if name is not None:
                require(side, name, f"{argument} ({option})")
        if self.groups is not None and self.groups == self.weights:
            raise InputError(f"groups and weights are both {self.groups!r}; they are two columns")
        n, *found = rows(side.frame.select(nw.len().alias("rows"), *self._asked(side, argument)))[0]
        number = 0
        if self.weights is not None:
            there, low, high, total, odd = (0 if x is None else x for x in found[-5:])
            if there < n or odd or low < 0 or not math.isfinite(float(total)) or total <= 0:
                raise InputError(
                    f"{argument}: the weights in {self.weights!r} of {side.name} must be numbers of at least 0, not "
                    f"all 0; of {n:,} rows {n - there:,} have none, and they go from {low} to {high}"
                )
        if self.groups is not None:
            there, number = found[:2]
            if there < n:
                raise InputError(
                    f"{argument}: {n - there:,} of {n:,} rows of {side.name} have no value in the column of groups "
                    f"{self.groups!r}; give each a group, or drop those rows"
                )
            if number < 2:
                raise InputError(
                    f"{argument}: the column of groups {self.groups!r} of {side.name} has one value for all {n:,} "
                    "rows; an error by groups needs two at least"
                )
        alone = number == n and number > 0
        many = number > MOST and not alone
        if many and side.memory is None and not side.schema[self.groups or ""].is_integer():
            raise InputError(
                f"{argument}: the column of groups {self.groups!r} of {side.name} has {number:,} values; more than "
                f"{MOST:,} are put together by their numbers, so give a column of whole numbers, or a data frame"
            )
        return Sampled(self, side, int(n), alone, many, int(number))

    def _asked(self, side: Side, argument: str) -> Iterable[nw.Expr]:
        if self.groups is not None:
            if why := uncountable(side, self.groups, side.name):
                raise InputError(f"{argument}: the column of groups {self.groups!r} {why}")
            yield nw.col(self.groups).count().alias("groups")
            yield nw.col(self.groups).n_unique().alias("number")
        if self.weights is not None:
            if not side.schema[self.weights].is_numeric():
                raise InputError(
                    f"{argument}: the weights {self.weights!r} of {side.name} are of the type "
                    f"{side.schema[self.weights]}, not numbers"
                )
            w = nw.col(self.weights).cast(nw.Float64)
            yield nw.col(self.weights).count().alias("weights")
            yield from (w.min().alias("low"), w.max().alias("high"), w.sum().alias("total"))
            yield (w != w).sum().alias("odd")


@dataclass(frozen=True, slots=True)
class Sampled:
    """How the rows of one side go together."""

    how: Grouping
    side: Side
    rows: int
    alone: bool  # every row is a group of its own
    many: bool  # groups are put together
    groups: int

    def tabled(self, parts: Mapping[str, Partition], by: Slicing | None = None) -> dict[str, dict[Slice, Tabled]]:
        """Every column by cell and group, slice by slice."""
        answers: dict[str, dict[Slice, list[tuple[Any, Key, int, float, float]]]] = {n: {} for n in parts}
        for part, slice_, group, code, n, w, w2 in self._answers(list(parts.values()), by):
            key = key_of(part, code, self.side.nan_is_null)
            answers[part.column].setdefault(slice_, []).append((group, key, n, w, w2))
        return {n: {s: self._put(found) for s, found in slices.items()} for n, slices in answers.items()}

    @property
    def _grouped(self) -> bool:
        return self.how.groups is not None and not self.alone

    def _put(self, found: Sequence[tuple[Any, Key, int, float, float]]) -> Tabled:
        number = sum(n for _, _, n, _, _ in found)
        if not self._grouped:
            sums: dict[Key, float] = {}
            squares: dict[Key, float] = {}
            for _, key, _, w, w2 in found:
                sums[key], squares[key] = sums.get(key, 0.0) + w, squares.get(key, 0.0) + w2
            return Tabled({k: np.array([w]) for k, w in sums.items()}, number, None, squares)
        names, at = np.unique([_name(g) for g, *_ in found], return_inverse=True)
        table: dict[Key, np.ndarray] = {}
        for (_, key, _, w, _), i in zip(found, at.reshape(-1).tolist(), strict=True):
            table.setdefault(key, np.zeros(len(names)))[i] += w
        return Tabled(table, number, names)

    def _answers(self, parts: Sequence[Partition], by: Slicing | None) -> Iterable[tuple[Any, ...]]:
        if self.side.memory is not None:
            yield from self._here(parts, by)
            return
        for text in (False, True):
            group = [(i, p) for i, p in enumerate(parts) if worded(p) is text]
            for start in range(0, len(group), UNION):
                asked = [self._asked(p, i, by) for i, p in group[start : start + UNION]]
                for i, slice_, g, code, n, w, w2 in rows(asked[0] if len(asked) == 1 else nw.concat(asked)):
                    key = PLAIN if by is None else by.key(slice_)
                    p = parts[int(i)]
                    yield p, key, g, code_of(self.side, p, code), int(n), float(w), float(w2)

    def _asked(self, p: Partition, index: int, by: Slicing | None) -> nw.LazyFrame[Any]:
        taken, code = placed(self.side, p)
        group = nw.lit(0)
        if self._grouped:
            group = nw.col(self.how.groups or "")
            group = group.cast(nw.Int64) % BUCKETS if self.many else group
        weight = nw.lit(1.0) if self.how.weights is None else nw.col(self.how.weights).cast(nw.Float64)
        slice_ = nw.lit(0) if by is None else by.expression
        frame = self.side.frame.select(taken.alias("x"), group.alias("g"), weight.alias("w"), slice_.alias("by"))
        frame = frame.with_columns(code.alias("code"), (nw.col("w") * nw.col("w")).alias("w2"))
        sums = nw.col("w").sum().alias("sum"), nw.col("w2").sum().alias("squares")
        frame = frame.group_by("by", "g", "code").agg(nw.len().alias("n"), *sums)
        return frame.select(nw.lit(index).alias("index"), "by", "g", "code", "n", "sum", "squares")

    def _here(self, parts: Sequence[Partition], by: Slicing | None) -> Iterable[tuple[Any, ...]]:
        """The same of a frame in this process's memory."""
        assert self.side.memory is not None
        names: list[Any] = [0]
        groups = np.zeros(self.rows, dtype=np.int64)
        if self._grouped:
            names, groups = self._codes(nw.col(self.how.groups or ""))
            if self.many:
                groups, names = np.array([_bucket(v) for v in names])[groups], list(range(BUCKETS))
        w = np.ones(self.rows)
        if self.how.weights is not None:
            w = self._numbers(nw.col(self.how.weights).cast(nw.Float64))
        slices: list[Any] = [PLAIN]
        if by is not None:
            found, at = self._codes(by.expression)
            keys = [by.key(v) for v in found]
            slices = list(dict.fromkeys(keys))
            groups = groups + len(names) * np.array([slices.index(k) for k in keys])[at]
        for p in parts:
            codes, at = self._placed(p)
            both = groups * len(codes) + at
            there, where = np.unique(both, return_inverse=True)
            where = where.reshape(-1)
            sums = [np.bincount(where, v) for v in (np.ones(self.rows), w, w * w)]
            for k, n, s, s2 in zip(there.tolist(), *(v.tolist() for v in sums), strict=True):
                group, code = divmod(k, len(codes))
                slice_, group = divmod(group, len(names))
                yield p, slices[slice_], names[group], codes[code], int(n), s, s2

    def _numbers(self, x: nw.Expr) -> np.ndarray:
        assert self.side.memory is not None
        return np.asarray(self.side.memory.select(x.alias("x")).get_column("x").to_numpy(), dtype=float)

    def _codes(self, x: nw.Expr) -> tuple[list[Any], np.ndarray]:
        """The different values of an expression, and the number of each row's."""
        assert self.side.memory is not None
        found = self.side.memory.select(x.alias("x")).get_column("x").to_list()
        numbers: dict[Any, int] = {}
        at = np.fromiter((numbers.setdefault(v if v == v else None, len(numbers)) for v in found), np.int64, len(found))
        return list(numbers), at

    def _placed(self, p: Partition) -> tuple[list[Any], np.ndarray]:
        """The codes of a partition, and the number of each row's."""
        assert self.side.memory is not None
        taken, _ = placed(self.side, p)
        if p.edges is None or p.column in self.side.hollow:
            values, at = self._codes(taken)
            if p.kind == "text":
                known = set(p.values or ())
                codes = ["null" if v is None else "other" if p.other and v not in known else f"={v}" for v in values]
                return codes, at
            return [None if v is None else v * unit_of(self.side, p) if exact(p) else v for v in values], at
        x = self.side.memory.select(taken.alias("x")).get_column("x")
        missing = x.is_null().to_numpy()
        n, edges = len(p.edges) - 1, edges_of(self.side, p) if exact(p) else p.edges
        there = x.drop_nulls().to_numpy() if missing.any() else x.to_numpy()
        at = np.searchsorted(np.array(edges[:-1]), there, side="right") - 1
        at = np.where(there > edges[-1], n, at)
        if there.dtype.kind == "f":
            at = np.where(np.isinf(there), np.where(there > 0, n + 1, n + 2), np.where(np.isnan(there), n + 3, at))
        found = np.full(self.rows, n + 4)
        found[~missing] = at
        return list(range(-1, n + 5)), found + 1


def _bucket(name: Any) -> int:
    return int(name) % BUCKETS if isinstance(name, int) else zlib.crc32(str(name).encode()) % BUCKETS


def _name(v: Any) -> str:
    """A group's name, the same on every engine: a midnight is its day."""
    if isinstance(v, dt.datetime) and not (v.hour or v.minute or v.second or v.microsecond):
        return v.date().isoformat()
    return str(v)


def shared_groups(pairs: Mapping[str, tuple[Tabled, Tabled]]) -> int:
    """How many groups stand on both sides."""
    for p, q in pairs.values():
        if p.names is not None and q.names is not None:
            return len(np.intersect1d(p.names, q.names))
    return 0


def noted(p: Sampled | None, q: Sampled, shared: int) -> list[str]:
    """What a reader must know of it."""
    how = q.how
    found = []
    sides = [s for s in (p, q) if s is not None]
    if how.groups is not None:
        number = " and ".join(f"{s.groups:,}" for s in sides)
        if all(s.alone for s in sides):
            found.append(f"each row is a group of its own in {how.groups}: rows are taken as independent")
        else:
            found.append(f"errors and p-values are by the groups of {how.groups}: {number}")
        if any(s.many for s in sides):
            found.append(
                f"more than {MOST:,} groups are put together in {BUCKETS:,}, which costs no more than precision"
            )
        elif shared:
            found.append(
                f"{shared:,} groups of {how.groups} stand on both sides: errors are those of their differences"
            )
    if how.weights is not None:
        found.append(f"rows are as heavy as {how.weights} says; counts are shares of all rows")
    return found


def hinted(names: Iterable[str]) -> list[str]:
    """A word of columns that may say which rows go together."""
    like = re.compile(
        r"(?i)(day|date|user|customer|client|patient|subject|person|household|document|doc|session|visit|site|clinic|"
        r"store|shop|device|school|class|batch|run|chain|group|cluster)([_ ]?(id|no|nr|key|code|name|number))?"
    )
    names = list(names)
    found = [n for n in names if like.fullmatch(n)]
    if not found or len(names) < 2:
        return []
    return [
        f"intervals and p-values are for independent rows; if rows of one {listing(found[:3])} go together, give "
        f"--groups {found[0]} (groups={found[0]!r})"
    ]


__all__ = ["PLAIN", "Clusters", "Grouping", "Sampled", "Tabled", "hinted", "noted", "shared_groups"]
