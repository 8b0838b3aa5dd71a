"""One column of two tables: its divergences, and what they are made of."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kullback._format import number, percent, plain, visible
from kullback._result._comparison import Terms
from kullback._result._status import Status


@dataclass(frozen=True, slots=True, eq=False)
class CountDivergence:
    """A divergence of two rows of counts, in nats.

    Attributes
    ----------
    value : float
        The plug-in value, of the shares as they are; ∞ where one side has a category that the other lacks.
    error : float
        Its standard error; NaN where the value is ∞.
    interval : pair of float
        The 95 % confidence interval of the true divergence of the bins or categories. It has no end where the value
        is ∞: nothing in the data bounds the divergence from above.
    corrected : float
        What the value is when its bias is taken off, which is positive: two samples of one distribution never agree
        exactly. Cells that few rows are expected in are taken together for it, so that it is finite also where the
        value is ∞. It may be negative; it is not clipped.
    detail : str
        Where the value is ∞, what makes it so.
    """

    value: float
    error: float
    interval: tuple[float, float]
    corrected: float
    status: Status = Status.OK
    detail: str = ""
    low_at: Callable[[float], float] | None = field(default=None, repr=False)  # the interval's lower end at a level

    def __float__(self) -> float:
        return self.value

    @property
    def best(self) -> float:
        """The estimate: `corrected`, and never negative. It is judged, ranked and printed, and lies in the interval."""
        return min(max(self.corrected, self.interval[0], 0.0), self.interval[1])

    @property
    def smoothed(self) -> float:
        """The estimate where it stands beside an ∞."""
        return self.best

    @property
    def best_interval(self) -> tuple[float, float]:
        return self.interval

    def to_dict(self) -> dict[str, Any]:
        return {
            "value": plain(self.value),
            "error": plain(self.error),
            "error_kind": "standard_error",
            "best": plain(self.best),
            "interval": plain(self.interval),
            "corrected": plain(self.corrected),
            "unit": "nats",
            "status": self.status.key,
            "detail": self.detail,
        }

    def __str__(self) -> str:
        if math.isinf(self.value):
            return f"∞ (estimated {brief(self.best)})"
        return brief(self.best)

    def __repr__(self) -> str:
        return f"{self} nats, {between(self.interval)}"


@dataclass(frozen=True, slots=True, eq=False)
class ColumnComparison:
    """A column that both tables have: four divergences, a p-value, and the terms.

    `terms` has one row a bin or category: outcome, what it is, the counts and shares of both sides, and what it adds
    to either divergence in nats. `psi` is the population stability index, which is Jeffreys' divergence: the sum of
    both directions. `p_value` is that of "both tables were drawn from one distribution"; `p_adjusted` is Holm's for
    all columns of the table.
    """

    column: str
    kind: str
    rule: str
    forward: CountDivergence
    reverse: CountDivergence
    jensen_shannon: CountDivergence
    psi: CountDivergence
    p_value: float
    p_adjusted: float
    terms: Terms
    worth: tuple[float, float] | None = None

    @property
    def score(self) -> float:
        """The larger estimate of both directions: what the column is ranked and judged by."""
        return max(self.forward.best, self.reverse.best)

    @property
    def only_p(self) -> tuple[tuple[str, float], ...]:
        """What only P has, with its mass, the largest first."""
        return self._only("p", "q")

    @property
    def only_q(self) -> tuple[tuple[str, float], ...]:
        """What only Q has, with its mass, the largest first."""
        return self._only("q", "p")

    def wholly_missing(self, side: str) -> bool:
        """Whether all rows of one side, "p" or "q", are missing or NaN."""
        counts, names = np.asarray(self.terms[f"count_{side}"]), self.terms["outcome"]
        return all(names[i] in ("missing", "NaN") for i in np.flatnonzero(counts))

    def _only(self, one: str, other: str) -> tuple[tuple[str, float], ...]:
        mass, lacking = np.asarray(self.terms[one]), np.asarray(self.terms[f"count_{other}"]) == 0
        found = [(str(self.terms["outcome"][i]), float(mass[i])) for i in np.flatnonzero(lacking & (mass > 0))]
        return tuple(sorted(found, key=lambda pair: -pair[1]))

    def carried(self, most: int = 2) -> str:
        """The bins or categories that carry the divergence, with their shares of either side."""
        order = self.leading()[:most]
        p, q = self.terms["p"], self.terms["q"]
        return ", ".join(f"{_cut(str(self.terms['outcome'][i]))}: {percent(p[i])} → {percent(q[i])}" for i in order)

    def leading(self) -> list[int]:
        """The rows of `terms` by what they add to both directions together."""
        p, q = (np.asarray(self.terms[name], dtype=float) for name in ("p", "q"))
        with np.errstate(divide="ignore", invalid="ignore"):
            paid = np.where(p == q, 0.0, np.abs((p - q) * np.log(p / q)))
        return [int(i) for i in np.argsort(-paid, kind="stable") if paid[i] > 0]

    def to_dict(self) -> dict[str, Any]:
        return {
            "column": self.column,
            "kind": self.kind,
            "rule": self.rule,
            "score": plain(self.score),
            "forward": self.forward.to_dict(),
            "reverse": self.reverse.to_dict(),
            "jensen_shannon": self.jensen_shannon.to_dict(),
            "psi": self.psi.to_dict(),
            "p_value": plain(self.p_value),
            "p_adjusted": plain(self.p_adjusted),
            **({} if self.worth is None else {"effective_rows": plain(self.worth)}),
            "only_p": [{"outcome": name, "mass": mass} for name, mass in self.only_p],
            "only_q": [{"outcome": name, "mass": mass} for name, mass in self.only_q],
            "terms": self.terms.to_dict(),
        }

    def __repr__(self) -> str:
        lines = [
            f"{visible(self.column)}: {self.kind}, {self.rule}",
            f"  KL(P‖Q) {self.forward!r}",
            f"  KL(Q‖P) {self.reverse!r}",
            f"  Jensen-Shannon {self.jensen_shannon!r}",
            f"  PSI {self.psi!r}",
            f"  p-value {probability(self.p_value)}",
            *([] if self.worth is None else [f"  as uncertain as {_rows(self.worth)} independent rows"]),
            *(f"  {d.detail}" for d in (self.forward, self.reverse) if d.detail),
        ]
        return "\n".join([*lines, repr(self.terms)])


def _rows(worth: tuple[float, float]) -> str:
    return " and ".join(number(round(n)) for n in worth)


def brief(x: float) -> str:
    """Nats in a table: four figures, and zero for what is far below any use."""
    if math.isnan(x):
        return "—"
    if math.isinf(x):
        return "∞"
    if abs(x) < 5e-7:
        return "0"
    text = f"{x:.4f}" if 0.001 <= abs(x) < 10 else f"{x:.3g}"
    return text.replace("-", "−") if "e" not in text else text


def between(interval: tuple[float, float]) -> str:
    """A 95 % interval in words."""
    low, high = interval
    return f"95 % at least {brief(low)}" if math.isinf(high) else f"95 % between {brief(low)} and {brief(high)}"


def probability(p: float) -> str:
    """A p-value as text."""
    return "< 1e-15" if p < 1e-15 else f"{p:.2g}" if p < 0.001 else f"{p:.3f}"


def listed(found: Sequence[tuple[str, float]], most: int = 3) -> str:
    """Outcomes with their mass, the largest first."""
    more = f" and {number(len(found) - most)} more" if len(found) > most else ""
    return ", ".join(f"{_cut(name)} ({percent(mass)})" for name, mass in found[:most]) + more


def _cut(name: str, most: int = 28) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"
