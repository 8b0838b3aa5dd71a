"""Both directions side by side, with the entropies behind them."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kullback._format import dumps, html_table, number, percent, plain, text_table, uncertain
from kullback._result._divergence import Divergence
from kullback.numerics.quiet import quiet

DIFFERENT = 0.05  # a p-value below it says so


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """Where each direction pays: one row an outcome, or a point where densities were evaluated.

    `columns` holds arrays of equal length. Discrete pairs: outcome, p, q, information_p = −log p,
    information_q = −log q, forward = p·log(p/q) and reverse = q·log(q/p) in nats, whose sums are the two
    divergences, and the shares of either sum. Densities: x (and y), p, q and the two integrands.
    """

    columns: Mapping[str, Any]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name: str) -> Any:
        return self.columns[name]

    def to_dict(self) -> dict[str, Any]:
        return {name: plain(values) for name, values in self.columns.items()}

    def rows(self, limit: int = 12) -> list[list[str]]:
        """The header and the rows that carry most, as text."""
        names = list(self.columns)
        weight = np.abs(self.columns["forward"]) + np.abs(self.columns["reverse"])
        order = np.argsort(-np.where(np.isnan(weight), -1.0, weight), kind="stable")[:limit]
        order = np.sort(order)
        rows = [names]
        for i in order:
            cells = (self.columns[name][i] for name in names)
            rows.append([number(float(c)) if isinstance(c, float | np.floating) else str(c) for c in cells])
        return rows

    def __repr__(self) -> str:
        more = len(self) - 12
        return text_table(self.rows()) + (f"\n… and {more} more rows" if more > 0 else "")

    def _repr_html_(self) -> str:
        header, *rows = self.rows()
        return html_table(rows, header)


@dataclass(frozen=True, slots=True, eq=False)
class SupportReport:
    """Who has mass where the other has none.

    `p_outside_q` is the mass of P where Q has none, `q_outside_p` the converse; NaN where it is not known.
    """

    p: str
    q: str
    p_outside_q: Any
    q_outside_p: Any

    def __str__(self) -> str:
        if isinstance(self.p_outside_q, np.ndarray):
            return f"P on {self.p}, Q on {self.q}; batch"
        if math.isnan(self.p_outside_q) and math.isnan(self.q_outside_p):
            return f"P on {self.p}, Q on {self.q}; what lies outside the other is not known"
        outside = (
            f"{percent(self.p_outside_q)} of P where Q has none, {percent(self.q_outside_p)} of Q where P has none"
        )
        return f"P on {self.p}, Q on {self.q}: {outside}"


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Both divergences of a pair and what they are made of, in nats.

    KL(P‖Q) = cross-entropy(P, Q) − entropy(P), and the reverse likewise; Jeffreys is the sum of both
    directions, Jensen-Shannon the mean divergence from the midpoint ½(P+Q), at most log 2. `p_value`, for two samples,
    is that of no difference between them, and `test` says what it looked at.
    """

    forward: Divergence
    reverse: Divergence
    entropy_p: Any
    entropy_q: Any
    jensen_shannon: Any
    support: SupportReport
    tabulate: Callable[[], Terms | None] | None
    p: str = "P"
    q: str = "Q"
    p_value: float | None = None
    test: str = ""
    _made: dict[str, Terms | None] = field(default_factory=dict)

    @property
    @quiet
    def terms(self) -> Terms | None:
        """Where each direction pays; tabulated when first asked for, None for a batch."""
        if self.tabulate is not None and "terms" not in self._made:
            self._made["terms"] = self.tabulate()
        return self._made.get("terms")

    @property
    def jeffreys(self) -> Any:
        return self.forward.value + self.reverse.value

    @property
    def cross_entropy_forward(self) -> Any:
        """−E_P log q = entropy of P + KL(P‖Q)."""
        return self.entropy_p + self.forward.value

    @property
    def cross_entropy_reverse(self) -> Any:
        """−E_Q log p = entropy of Q + KL(Q‖P)."""
        return self.entropy_q + self.reverse.value

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": 1,
            "p": self.p,
            "q": self.q,
            "forward": self.forward.to_dict(),
            "reverse": self.reverse.to_dict(),
            "entropy": {"p": plain(self.entropy_p), "q": plain(self.entropy_q)},
            "cross_entropy": {
                "forward": plain(self.cross_entropy_forward),
                "reverse": plain(self.cross_entropy_reverse),
            },
            "jensen_shannon": plain(self.jensen_shannon),
            "jeffreys": plain(self.jeffreys),
            "support": {
                "p": self.support.p,
                "q": self.support.q,
                "p_outside_q": plain(self.support.p_outside_q),
                "q_outside_p": plain(self.support.q_outside_p),
            },
            "p_value": self.p_value,
            "test": self.test,
            "terms": self.terms.to_dict() if self.terms is not None else None,
        }

    def to_json(self) -> str:
        return dumps(self.to_dict())

    def rows(self) -> list[tuple[str, str, str]]:
        """Quantity, forward, reverse: the table that a person reads."""

        def shown(d: Divergence) -> str:
            return str(d.value) if isinstance(d.value, np.ndarray) else uncertain(d.value, d.error, d.error_kind)

        return [
            ("", "forward KL(P‖Q)", "reverse KL(Q‖P)"),
            ("divergence, nats", shown(self.forward), shown(self.reverse)),
            ("divergence, bits", _plainly(self.forward.bits), _plainly(self.reverse.bits)),
            ("= cross-entropy", _plainly(self.cross_entropy_forward), _plainly(self.cross_entropy_reverse)),
            ("− entropy", _plainly(self.entropy_p), _plainly(self.entropy_q)),
            ("method", self.forward.method, self.reverse.method),
            ("status", _status(self.forward), _status(self.reverse)),
        ]

    def lines(self) -> list[str]:
        """What stands under the table."""
        both = [
            f"Jensen-Shannon {_plainly(self.jensen_shannon)}, Jeffreys {_plainly(self.jeffreys)} nats",
            f"Support: {self.support}",
        ]
        if self.p_value is not None:
            shown = f"p = {number(self.p_value, 0.1 * self.p_value)}" if self.p_value > 1e-15 else "p < 1e-15"
            both.append(f"{self._judged(self.p_value)}: {shown}, {self.test}")
        for name, d in (("Forward", self.forward), ("Reverse", self.reverse)):
            if d.smoothed is not None:
                beside = uncertain(d.smoothed.value, d.smoothed.error, "standard_error")
                both.append(f"{name}, smoothed by a Jeffreys prior: {beside} nats")
        both += [f"Forward: {self.forward.detail}"] if self.forward.detail else []
        both += [f"Reverse: {self.reverse.detail}"] if self.reverse.detail else []
        return both + list(dict.fromkeys(self.forward.notes + self.reverse.notes))

    def _judged(self, p_value: float) -> str:
        """What the p-value says, in words that go with the divergences' intervals."""
        apart = any(d.confidence_interval()[0] > 0 for d in (self.forward, self.reverse))
        if p_value < DIFFERENT:
            return "They differ" + ("" if apart else ", by less than the errors of the divergences")
        return "No difference seen" + (", though a divergence's interval lies above 0" if apart else "")

    def __repr__(self) -> str:
        head = f"P = {self.p}\nQ = {self.q}\n"
        return head + text_table(self.rows()) + "\n" + "\n".join(self.lines())

    def _repr_html_(self) -> str:
        header, *rows = self.rows()
        lines = "".join(f"<li>{html.escape(line)}</li>" for line in self.lines())
        return (
            f"<p>P = {html.escape(self.p)}<br>Q = {html.escape(self.q)}</p>{html_table(rows, header)}<ul>{lines}</ul>"
        )


def _plainly(x: Any) -> str:
    return str(x) if isinstance(x, np.ndarray) else number(float(x))


def _status(d: Divergence) -> str:
    if isinstance(d.status, np.ndarray):
        return ", ".join(sorted({s.key for s in d.status.ravel()}))
    return str(d.status.key)
