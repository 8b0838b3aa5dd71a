"""What a table leaves behind: the edges and the counts of its columns, small enough for a text file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kullback._format import dumps
from kullback._result import InputError
from kullback.tables._grid import Key
from kullback.tables._partition import Partition

SCHEMA = 1


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
        counts = {
            name: {k: self.counts[name].get(k, 0) + other.counts[name].get(k, 0) for k in _keys(self, other, name)}
            for name in self.partitions
        }
        name = self.name if self.name == other.name else f"{self.name} + {other.name}"
        return Reference(name, self.rows + other.rows, self.partitions, counts)

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
                    "counts": [[*key, counts[key]] for key in p.ordered(list(counts))],
                }
            )
        return {"schema": SCHEMA, "reference": self.name, "rows": self.rows, "columns": columns}

    def to_json(self) -> str:
        return dumps(self.to_dict())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the JSON beside `path` and move it into place when complete."""
        from kullback.tables._write import whole

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
        if found["schema"] != SCHEMA:
            raise InputError(f"{str(file)!r} is a reference of schema {found['schema']}; this version reads {SCHEMA}")
        partitions, counts = {}, {}
        for c in found["columns"]:
            edges, values = (None if c[k] is None else tuple(c[k]) for k in ("edges", "values"))
            partitions[c["column"]] = Partition(c["column"], c["kind"], edges, values, bool(c["other"]))
            counts[c["column"]] = {tuple(key): int(n) for *key, n in c["counts"]}
        return Reference(str(found["reference"]), int(found["rows"]), partitions, counts)
    except OSError as error:
        raise InputError(f"cannot read the reference {str(file)!r}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{str(file)!r} is no reference that kullback saved: {error!r}") from None
