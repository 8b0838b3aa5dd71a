"""What a table leaves behind: the edges and the counts of its columns, small enough for a text file."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from kullback._format import dumps
from kullback._result import InputError
from kullback._result._write import whole
from kullback.tables._cells import NAN, NEGATIVE, NULL, POSITIVE, Key
from kullback.tables._kinds import in_steps
from kullback.tables._native import TIME
from kullback.tables._partition import OTHER, OVER, UNDER, Partition
from kullback.tables._times import of_code

# in 1 times were codes of their calendar's parts, times of day microseconds; in 2 a long list of texts was cut by what
# P and Q held together, and how many rows the others had was not said
SCHEMA = 3
KINDS = ("integer", "number", "boolean", "date", "datetime", "instant", "time", "duration", "text")
PLACES = (NULL, NAN, POSITIVE, NEGATIVE, UNDER, OVER, OTHER)


class Worth(NamedTuple):
    """How rows go together that are not at hand: what is kept of the covariance of their shares."""

    rows: float  # how many independent ones they are worth, all cells together
    growth: float = 1.0  # the largest variance in any direction over the mean
    free: float = math.inf  # degrees of freedom

    def added(self, n: int, other: Worth, m: int) -> Worth:
        """Of n rows and m others."""
        rows = (n + m) ** 2 / (n * n / self.rows + m * m / other.rows) if n and m else max(self.rows, other.rows)
        return Worth(rows, max(self.growth, other.growth), self.free + other.free)


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The edges, or the categories, and the counts of each column of a table.

    Later tables are counted on the same edges, so that counts of parts of the data add: `january + february`.

    Examples
    --------
    >>> import polars as pl
    >>> import kullback as kl
    >>> first, second = pl.DataFrame({"x": [1, 2, 2, 3]}), pl.DataFrame({"x": [2, 3, 3, 3]})
    >>> reference = kl.compare_tables(first, second).reference
    >>> reference.rows, (reference + reference).rows
    (4, 8)
    """

    name: str
    rows: int
    partitions: Mapping[str, Partition]
    counts: Mapping[str, Mapping[Key, int]]
    unlisted: Mapping[str, int] = field(default_factory=dict)  # rows at most of a text that has no count of its own
    worth: Mapping[str, Worth] = field(default_factory=dict)  # where rows went together or had weights
    private: str | None = None  # a mark of the salt, where hashes stand for texts

    def __add__(self, other: Reference) -> Reference:
        if not isinstance(other, Reference):
            return NotImplemented
        if dict(self.partitions) != dict(other.partitions):
            named = sorted(
                name
                for name in {*self.partitions, *other.partitions}
                if self.partitions.get(name) != other.partitions.get(name)
            )
            raise InputError(
                f"the references cut {', '.join(named)} differently, so that their counts do not add; "
                "count both on one set of edges (kl.tables.count)"
            )
        if self.private != other.private:
            raise InputError("the references hash texts in different ways, so that their counts do not add")
        counts = {
            name: {k: self.counts[name].get(k, 0) + other.counts[name].get(k, 0) for k in _keys(self, other, name)}
            for name in self.partitions
        }
        name = self.name if self.name == other.name else f"{self.name} + {other.name}"
        unlisted = Counter(self.unlisted) + Counter(other.unlisted)
        worth = {n: self._worth(n).added(self.rows, other._worth(n), other.rows) for n in {*self.worth, *other.worth}}
        return Reference(name, self.rows + other.rows, self.partitions, counts, dict(unlisted), worth, self.private)

    def size(self, column: str) -> float:
        """The rows, or how many independent ones they are worth."""
        return self._worth(column).rows

    def _worth(self, column: str) -> Worth:
        return self.worth.get(column, Worth(float(self.rows)))

    def to_dict(self) -> dict[str, Any]:
        columns = []
        for name, p in self.partitions.items():
            counts = self.counts[name]
            columns.append(
                {
                    "column": name,
                    "kind": p.kind,
                    "edges": None if p.edges is None else list(p.edges),
                    "values": None if p.values is None else list(p.values),
                    "other": p.other,
                    "gaps": p.gaps,
                    "unlisted": self.unlisted.get(name, 0),
                    **({"worth": _told(self.worth[name])} if name in self.worth else {}),
                    "counts": [[*key, counts[key]] for key in p.ordered(list(counts))],
                }
            )
        hashed = {} if self.private is None else {"private": self.private}
        return {"schema": SCHEMA, "reference": self.name, "rows": self.rows, **hashed, "columns": columns}

    def to_json(self) -> str:
        return dumps(self.to_dict())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the JSON beside `path` and move it into place when complete."""
        whole(path, self.to_json() + "\n")

    def __repr__(self) -> str:
        return f"{self.name}: {self.rows:,} rows counted on {len(self.partitions)} columns"


def _keys(one: Reference, other: Reference, name: str) -> list[Key]:
    return list(dict.fromkeys([*one.counts[name], *other.counts[name]]))


def load(path: str | os.PathLike[str]) -> Reference:
    """The reference that `Reference.save` wrote.

    Raises
    ------
    InputError
        The file does not exist or is no reference of this schema.
    """
    file = Path(path)
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if found["schema"] not in range(1, SCHEMA + 1):
            raise InputError(
                f"{str(file)!r} is a reference of schema {found['schema']}; this version reads 1 to {SCHEMA}"
            )
        rows = _whole(found["rows"])
        partitions, counts, unlisted, worth = {}, {}, {}, {}
        for c in found["columns"]:
            name = c["column"]
            if not isinstance(name, str) or name in partitions:
                raise ValueError(f"two columns {name!r}")
            partitions[name] = _cut(c)
            counts[name] = _counted(c, partitions[name], rows, _share if "worth" in c else _whole)
            if found["schema"] == 1 and in_steps(partitions[name].kind):
                partitions[name], counts[name] = _in_nanoseconds(partitions[name], counts[name])
            if "worth" in c:
                worth[name] = _worthy(c["worth"], name)
            if partitions[name].other:
                listed = [n for k, n in counts[name].items() if k[0] == "value" and n]
                unlisted[name] = _whole(c["unlisted"]) if found["schema"] == SCHEMA else min(listed, default=1)
        if not partitions:
            raise ValueError("no column")
        private = found.get("private")
        if private is not None and not isinstance(private, str):
            raise ValueError(f"private is {private!r}")
        return Reference(str(found["reference"]), rows, partitions, counts, unlisted, worth, private)
    except OSError as error:
        raise InputError(f"cannot read the reference {str(file)!r}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        what = f"{error} is missing" if isinstance(error, KeyError) else error
        raise InputError(
            f"{str(file)!r} is no reference that kullback saved, or is damaged: {what}. Save it anew"
        ) from None


def _cut(c: Mapping[str, Any]) -> Partition:
    """A column's partition, if it can be one."""
    name, known = c["column"], c["kind"]
    edges, values = (None if c[k] is None else tuple(c[k]) for k in ("edges", "values"))
    if not isinstance(known, str) or known.split(" in ")[0] not in KINDS or not isinstance(c["other"], bool):
        raise ValueError(f"column {name!r} is of the kind {known!r}")
    texts = known == "text"
    numbers = [*(edges or ()), *(() if texts else values or ())]
    if not all(isinstance(x, int | float) and not isinstance(x, bool) and math.isfinite(x) for x in numbers):
        raise ValueError(f"column {name!r} has edges or values that are no numbers")
    if texts and not all(isinstance(v, str) for v in values or ()):
        raise ValueError(f"column {name!r} has values that are no texts")
    if (edges is None) == (values is None) or (edges is not None and (len(edges) < 2 or list(edges) != sorted(edges))):
        raise ValueError(f"column {name!r} has neither edges in order nor values")
    return Partition(name, known, edges, values, c["other"], _whole(c.get("gaps", 0)))


def _in_nanoseconds(part: Partition, counts: Mapping[Key, int]) -> tuple[Partition, dict[Key, int]]:
    """A column of times of the first schema."""

    def moment(code: float) -> int:
        return int(code) * 1_000 if part.kind == TIME else of_code(code)

    edges, values = (None if x is None else tuple(map(moment, x)) for x in (part.edges, part.values))
    moved = {("value", moment(k[1])) if k[0] == "value" else k: n for k, n in counts.items()}
    return replace(part, edges=edges, values=values), moved


def _counted(c: Mapping[str, Any], part: Partition, rows: int, read: Callable[[Any], float]) -> dict[Key, Any]:
    """A column's counts, if each has a place in its partition and all rows are counted."""
    counts: dict[Key, float] = {}
    for *key, n in c["counts"]:
        place = tuple(key)
        known = place in PLACES or (
            len(place) == 2
            and (
                (place[0] == "bin" and part.edges is not None and place[1] in range(len(part.edges) - 1))
                or (place[0] == "value" and part.edges is None and isinstance(place[1], str) is (part.kind == "text"))
            )
        )
        if not known or place in counts:
            raise ValueError(f"column {part.column!r} has a count for {place}")
        counts[place] = read(n)
    if not math.isclose(math.fsum(counts.values()), rows, rel_tol=0.0 if read is _whole else 1e-9):
        raise ValueError(f"column {part.column!r} has counts of {sum(counts.values())} rows, not of {rows}")
    return counts


def _told(worth: Worth) -> dict[str, float | None]:
    return worth._asdict() | {"free": worth.free if worth.free < math.inf else None}


def _worthy(found: Any, name: str) -> Worth:
    free = found["free"]
    worth = Worth(float(found["rows"]), float(found["growth"]), math.inf if free is None else float(free))
    if not (0 < worth.rows < math.inf and 1 <= worth.growth < math.inf and worth.free >= 0):
        raise ValueError(f"column {name!r} is worth {found}")
    return worth


def _share(n: Any) -> float:
    """A count of rows that have weights."""
    if isinstance(n, bool) or not isinstance(n, int | float) or not 0 <= n < math.inf:
        raise ValueError(f"{n!r} is no count")
    return n


def _whole(n: Any) -> int:
    if isinstance(n, bool) or not isinstance(n, int) or n < 0:
        raise ValueError(f"{n!r} is no count")
    return n
