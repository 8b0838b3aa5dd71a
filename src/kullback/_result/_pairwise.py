"""The divergences of several distributions, each against each."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import numpy as np

from kullback._format import LOG2, dumps, html_table, number, plain, text_table
from kullback._result._status import Status

MOST = 12  # distributions whose whole table is written


@dataclass(frozen=True, slots=True, eq=False)
class Pairwise:
    """A matrix of Kullback-Leibler divergences in nats.

    Attributes
    ----------
    labels : tuple of str
        A name for each of the distributions.
    value : ndarray of shape (n, n)
        Forward: `value[i, j]` is KL(labels[i]‖labels[j]); reverse: KL(labels[j]‖labels[i]).
    error : ndarray of shape (n, n)
        Absolute, in nats.
    status : ndarray of shape (n, n)
        The `Status` of each.
    error_kind : str
        The weakest of them all.
    method : str
        The methods that gave them.
    notes : tuple of str
        What a reader must know.

    Examples
    --------
    >>> import kullback as kl
    >>> found = kl.pairwise({"a": [0.5, 0.5], "b": [0.9, 0.1]})
    >>> round(found.of("a", "b"), 6), round(found.of("b", "a"), 6)
    (0.510826, 0.368064)
    """

    labels: tuple[str, ...]
    value: Any
    error: Any
    status: Any
    error_kind: str = "rounding"
    direction: str = "forward"
    method: str = "exact"
    seed: int | None = None
    notes: tuple[str, ...] = ()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.value, dtype=dtype)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def bits(self) -> Any:
        """The values in bits."""
        return self.value / LOG2

    def of(self, first: str, second: str) -> float:
        """The value in the row `first` and the column `second`."""
        return float(self.value[self.labels.index(first), self.labels.index(second)])

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON holds it; ∞ is the string "inf"."""
        return {
            "schema": 1,
            "labels": list(self.labels),
            "value": plain(self.value),
            "error": plain(self.error),
            "error_kind": self.error_kind,
            "unit": "nats",
            "direction": self.direction,
            "method": self.method,
            "seed": self.seed,
            "status": [[s.key for s in row] for row in self.status],
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        return dumps(self.to_dict())

    @property
    def formula(self) -> str:
        return "KL(row‖column)" if self.direction == "forward" else "KL(column‖row)"

    def rows(self) -> list[list[str]]:
        """The table, its first row and column the labels; of many distributions the first."""
        shown = range(min(len(self), MOST))
        head = ["", *(self.labels[j] for j in shown)]
        return [head, *([self.labels[i], *(number(float(self.value[i, j])) for j in shown)] for i in shown)]

    def lines(self) -> list[str]:
        """What stands under the table."""
        found = [f"{len(self)} distributions, the first {MOST} shown"] if len(self) > MOST else []
        found.append(
            f"{self.formula} in nats by {self.method}; largest error {float(np.max(self.error, initial=0)):.2g}"
        )
        odd = [s.key for s in self.status.ravel() if s is not Status.OK]
        found += [f"{odd.count(key)} × {key}: {Status[key.upper()].value}" for key in dict.fromkeys(odd)]
        return [*found, *self.notes]

    def __repr__(self) -> str:
        return text_table(self.rows()) + "\n" + "\n".join(self.lines())

    def _repr_html_(self) -> str:
        header, *rows = self.rows()
        return html_table(rows, header) + "".join(f"<p>{html.escape(line)}</p>" for line in self.lines())
