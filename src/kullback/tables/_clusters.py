"""Rows that go together in groups, or have weights: counts by group and cell, by one more GROUP BY on the engine."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import narwhals as nw
import numpy as np

from kullback._format import listing
from kullback._result import InputError
from kullback.tables._cells import Key
from kullback.tables._count import UNION
from kullback.tables._kinds import finite, uncountable
from kullback.tables._literal import code_of, edges_of, exact, key_of, placed, unit_of, worded
from kullback.tables._partition import Partition
from kullback.tables._rows import arrays, rows
from kullback.tables._sides import Side, require
from kullback.tables._tabled import PLAIN, Cells, Slice, Tabled, bucket, named, numbered, pieces
from kullback.tables._wanted import Slicing

MOST = 5000  # groups of a side; more of them are put together, so that each is in one of BUCKETS
BUCKETS = 1999


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

    def of(self, side: Side) -> Grouping:
        """What is said, or else what came with the rows."""
        groups, weights = side.apart
        return Grouping(self.groups or groups, self.weights or weights)

    def checked(self, side: Side, argument: str) -> Sampled:
        """What is said of one side's rows, looked at."""
        for name, option in ((self.groups, "groups"), (self.weights, "weights")):
            if name is not None and not isinstance(name, str):
                raise InputError(f"{option} must be the name of one column, not {name!r}")
            if name is not None:
                require(side, name, f"{argument} ({option})")
        if self.groups is not None and self.groups == self.weights:
            raise InputError(f"groups and weights are both {self.groups!r}; they are two columns")
        n, *found = rows(side.frame.select(nw.len().alias("rows"), *self._asked(side, argument)))[0]
        if not n:
            raise InputError(f"{argument}: {side.name} has no rows")
        number, scale = 0, 1.0
        if self.weights is not None:
            there, low, high, odd = (0 if x is None else x for x in found[-4:])
            scale = 2.0 ** min(max(-math.frexp(float(high))[1], -1000), 1000)
            if there < n or odd or low < 0 or not 0 < high < math.inf:
                raise InputError(
                    f"{argument}: the weights in {self.weights!r} of {side.name} must be numbers of at least 0, not "
                    f"all 0; of {n:,} rows {n - there:,} have none, and they go from {low} to {high}"
                )
        if self.groups is not None:
            there, number = found[:2]
            if side.schema[self.groups].is_float():
                there -= found[2] or 0
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
            if self.weights is not None:
                heavy = side.frame.filter(nw.col(self.weights) > 0).select(nw.col(self.groups).n_unique().alias("n"))
                if rows(heavy)[0][0] < 2:
                    raise InputError(
                        f"{argument}: all rows of {side.name} whose {self.weights!r} is above 0 are of one group of "
                        f"{self.groups!r}; an error by groups needs two at least"
                    )
        alone = number == n and number > 0
        many = number > MOST and not alone
        if many and side.memory is None and not side.schema[self.groups or ""].is_integer():
            raise InputError(
                f"{argument}: the column of groups {self.groups!r} of {side.name} has {number:,} values; more than "
                f"{MOST:,} are put together by their numbers, so give a column of whole numbers, or a data frame"
            )
        return Sampled(self, side, int(n), alone, many, int(number), scale)

    def _asked(self, side: Side, argument: str) -> Iterable[nw.Expr]:
        if self.groups is not None:
            if why := uncountable(side, self.groups, side.name):
                raise InputError(f"{argument}: the column of groups {self.groups!r} {why}")
            yield nw.col(self.groups).count().alias("groups")
            yield nw.col(self.groups).n_unique().alias("number")
            if side.schema[self.groups].is_float():
                yield (~finite(side, nw.col(self.groups))).cast(nw.Int64).sum().alias("none")
        if self.weights is not None:
            if not side.schema[self.weights].is_numeric():
                raise InputError(
                    f"{argument}: the weights {self.weights!r} of {side.name} are of the type "
                    f"{side.schema[self.weights]}, not numbers"
                )
            w = nw.col(self.weights).cast(nw.Float64)
            yield nw.col(self.weights).count().alias("weights")
            yield from (w.min().alias("low"), w.max().alias("high"))
            yield (~finite(side, w)).cast(nw.Int64).sum().alias("odd")


@dataclass(frozen=True, slots=True)
class Sampled:
    """How the rows of one side go together."""

    how: Grouping
    side: Side
    rows: int
    alone: bool  # every row is a group of its own
    many: bool  # groups are put together
    groups: int
    scale: float = 1.0  # of the weights, a power of two: squares of huge and of tiny ones are no doubles
    put: bool = False  # few groups are put together as the many of the other side are

    def tabled(self, parts: Mapping[str, Partition], by: Slicing | None = None) -> dict[str, dict[Slice, Tabled]]:
        """Every column by cell and group, slice by slice."""
        found: dict[str, dict[Slice, Tabled]] = {}
        for part, cells in self._here(parts, by) if self.side.memory is not None else self._asked(parts, by):
            keys = [key_of(part, code, self.side.nan_is_null) for code in cells.codes]
            found[part.column] = {s: cells.tabled(i, keys) for i, s in enumerate(cells.slices)}
        return {n: found[n] for n in parts}

    def weighed(self, part: Partition) -> dict[Key, float]:
        """The counts of a column, as heavy as the rows' weights make them."""
        return (
            replace(self, how=replace(self.how, groups=None)).tabled({part.column: part})[part.column][PLAIN].counts()
        )

    @property
    def _grouped(self) -> bool:
        return self.how.groups is not None and not self.alone

    def _asked(self, parts: Mapping[str, Partition], by: Slicing | None) -> Iterable[tuple[Partition, Cells]]:
        every = list(parts.values())
        for text in (False, True):
            group = [(i, p) for i, p in enumerate(every) if worded(p) is text]
            for start in range(0, len(group), UNION):
                some = group[start : start + UNION]
                asked = [self._query(p, i, by) for i, p in some]
                found = arrays(asked[0] if len(asked) == 1 else nw.concat(asked))
                for i, p in some:
                    yield p, self._cells(p, {k: v[found["task"] == i] for k, v in found.items()}, by)

    def _query(self, p: Partition, index: int, by: Slicing | None) -> nw.LazyFrame[Any]:
        taken, code = placed(self.side, p)
        columns = {"x": taken}
        if self._grouped:
            group = nw.col(self.how.groups or "")
            # twice, since what is left of a number below 0 has its sign on some engines
            columns["g"] = ((group % BUCKETS).cast(nw.Int64) + BUCKETS) % BUCKETS if self.many else group
        if self.how.weights is not None:
            columns["w"] = self._weight
        if by is not None:
            columns["by"] = by.expression
        frame = self.side.frame.select(*(x.alias(n) for n, x in columns.items())).with_columns(code.alias("code"))
        sums = [nw.len().alias("n")]
        if self.how.weights is not None:
            frame = frame.with_columns((nw.col("w") * nw.col("w")).alias("w2"))
            sums += [nw.col("w").sum().alias("sum"), nw.col("w2").sum().alias("squares")]
        keys = [n for n in ("by", "g", "code") if n in columns or n == "code"]
        frame = frame.group_by(*keys).agg(*sums)
        wanted = ["n"] if self.how.weights is None else ["n", "sum", "squares"]
        return frame.select(nw.lit(index).alias("task"), *keys, *wanted)

    def _cells(self, p: Partition, found: Mapping[str, np.ndarray], by: Slicing | None) -> Cells:
        codes, at = numbered(found["code"])
        groups, of = numbered(found["g"]) if "g" in found else ([0], np.zeros(len(at), dtype=np.int64))
        names, of = self._named(groups, of)
        slices, where = [PLAIN], np.zeros(len(at), dtype=np.int64)
        if by is not None:
            slices, where = pieces(by, *numbered(found["by"]))
        n = found["n"].astype(float)
        w, w2 = (found[k].astype(float) if k in found else n for k in ("sum", "squares"))
        codes = [code_of(self.side, p, code) for code in codes]
        return self._put(slices, names, codes, (where * len(names) + of) * len(codes) + at, n, w, w2)

    def _put(
        self, slices: list[Slice], names: np.ndarray, codes: list[Any], at: np.ndarray, n: Any, w: Any, w2: Any
    ) -> Cells:
        shape = (len(slices), len(names), len(codes))
        size = math.prod(shape)
        counts = np.bincount(at, n, size).reshape(shape)
        sums = counts if w is n else np.bincount(at, w, size).reshape(shape)
        squares = None
        if not self._grouped:
            squares = (counts if w2 is n else np.bincount(at, w2, size).reshape(shape)).sum(axis=1)
        return Cells(slices, codes, names, counts.sum(axis=(1, 2)), sums, squares)

    def _named(self, groups: list[Any], at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The names of groups in an order that hangs on no engine, and the number of each entry's."""
        names = [named(g) for g in groups]
        if self.many or self.put:
            names = [str(bucket(n, BUCKETS)) for n in names]
        if self.how.groups == self.side.apart[0]:
            names = [f"{self.side.name} {n}" for n in names]  # chains of two samplers are not one
        unique, where = np.unique(np.array(names), return_inverse=True)
        return unique, where.reshape(-1)[at]

    @property
    def _weight(self) -> nw.Expr:
        return nw.col(self.how.weights or "").cast(nw.Float64) * self.scale

    def _here(self, parts: Mapping[str, Partition], by: Slicing | None) -> Iterable[tuple[Partition, Cells]]:
        """The same of a frame in this process's memory."""
        names, groups = np.array(["0"]), np.zeros(self.rows, dtype=np.int64)
        if self._grouped:
            names, groups = self._named(*self._codes(nw.col(self.how.groups or "")))
        weights = None
        if self.how.weights is not None:
            weights = np.asarray(self._series(self._weight).to_numpy(), dtype=float)
        slices = [PLAIN]
        if by is not None:
            slices, at = pieces(by, *self._codes(by.expression))
            groups = groups + len(names) * at
        for p in parts.values():
            codes, at = self._placed(p)
            squares = None if weights is None else weights * weights
            yield p, self._put(slices, names, codes, groups * len(codes) + at, None, weights, squares)

    def _series(self, x: nw.Expr) -> nw.Series[Any]:
        assert self.side.memory is not None
        return self.side.memory.select(x.alias("x")).get_column("x")

    def _codes(self, x: nw.Expr) -> tuple[list[Any], np.ndarray]:
        """The different values of an expression, and the number of each row's."""
        series = self._series(x)
        if series.dtype.is_integer() and not series.null_count():
            return numbered(series.to_numpy())
        if series.implementation.is_pandas():
            at, values = sys.modules["pandas"].factorize(nw.to_native(series), use_na_sentinel=False)
            return [None if v != v else v for v in values.tolist()], np.asarray(at)
        return numbered(np.array([*series.to_list(), None], dtype=object)[:-1])

    def _placed(self, p: Partition) -> tuple[list[Any], np.ndarray]:
        """The codes of a partition, and the number of each row's."""
        taken, _ = placed(self.side, p)
        if p.edges is None or p.column in self.side.hollow:
            values, at = self._codes(taken)
            if p.kind == "text":
                known = set(p.values or ())
                codes = ["null" if v is None else "other" if p.other and v not in known else f"={v}" for v in values]
                return codes, at
            return [None if v is None else v * unit_of(self.side, p) if exact(p) else v for v in values], at
        x = self._series(taken)
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


def put_together(p: Sampled, q: Sampled) -> tuple[Sampled, Sampled]:
    """Both sides, whose groups have one kind of names: those of one are put together if those of the other are."""
    if p.many == q.many:
        return p, q
    return (p, replace(q, put=not q.alone)) if p.many else (replace(p, put=not p.alone), q)


def noted(p: Sampled | None, q: Sampled, shared: int) -> list[str]:
    """What a reader must know of it."""
    sides = [s for s in (p, q) if s is not None]
    how = next((s.how for s in sides if s.how.groups is not None), q.how)
    found = []
    if how.groups is not None:
        number = " and ".join(f"{s.groups:,}" if s.how.groups is not None else "none" for s in sides)
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
    weights = next((s.how.weights for s in sides if s.how.weights is not None), None)
    if weights is not None:
        found.append(f"rows are as heavy as {weights} says; counts are shares of all rows")
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
