"""The optimum from reverse to forward: at each alpha, along each branch, and where it jumps."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import numpy as np

from kullback._format import dumps, html_table, number, plain, text_table
from kullback._result._divergence import Divergence
from kullback._support import Array


@dataclass(frozen=True, slots=True, eq=False)
class Jump:
    """Where the best optimum passes from one branch to another: at `alpha`, from `before` to `after`.

    Both have the divergence `value` there; `forward` and `reverse` are KL(P‖Q) and KL(Q‖P) of either. Followed
    upwards from reverse, the branch of `before` still is a local optimum until `upwards`; followed back from forward,
    that of `after` is one down to `downwards`.
    """

    alpha: float
    error: float
    before: Any
    after: Any
    value: float
    upwards: float
    downwards: float
    forward: tuple[Divergence, Divergence]
    reverse: tuple[Divergence, Divergence]

    def to_dict(self) -> dict[str, Any]:
        return {
            "alpha": self.alpha,
            "error": self.error,
            "before": plain(dict(self.before.parameters)),
            "after": plain(dict(self.after.parameters)),
            "value": self.value,
            "upwards": self.upwards,
            "downwards": self.downwards,
            "forward": [d.to_dict() for d in self.forward],
            "reverse": [d.to_dict() for d in self.reverse],
        }

    def __repr__(self) -> str:
        return (
            f"at alpha {self.alpha:.6g} from {self.before} to {self.after}; followed upwards it stays until "
            f"{self.upwards:.6g}, followed back until {self.downwards:.6g}"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """A local optimum followed over alpha: its members and their divergences, and why it ends on either side.

    `below` and `above` are empty where it reaches the end of the path.
    """

    alphas: Array
    q: tuple[Any, ...]
    values: Array
    below: str = ""
    above: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "alphas": plain(self.alphas),
            "parameters": [plain(dict(q.parameters)) for q in self.q],
            "values": plain(self.values),
            "below": self.below,
            "above": self.above,
        }

    def __repr__(self) -> str:
        low, high = float(self.alphas[0]), float(self.alphas[-1])
        ends = [f"{end} at {alpha:.6g}" for end, alpha in ((self.below, low), (self.above, high)) if end]
        return f"alpha {low:.4g} to {high:.4g}, {self.q[0]} to {self.q[-1]}" + "".join(f"; {end}" for end in ends)


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """The best member of a family at each alpha from 0, reverse, to 1, forward.

    Attributes
    ----------
    alphas : ndarray
        From reverse to forward.
    q : tuple of Density
        The best member at each.
    residuals : tuple of Divergence
        What is left there: KL(Q‖P) at 0, Minka's divergence between, KL(P‖Q) at 1, measured afresh.
    forward, reverse : tuple of Divergence
        Both directions at each.
    jumps : tuple of Jump
        Where the best member passes from one branch to another.
    branches : tuple of Branch
        The local optima, each as far as it could be followed.
    """

    p: str
    family: str
    alphas: Array
    q: tuple[Any, ...]
    residuals: tuple[Divergence, ...]
    forward: tuple[Divergence, ...]
    reverse: tuple[Divergence, ...]
    jumps: tuple[Jump, ...]
    branches: tuple[Branch, ...]
    notes: tuple[str, ...] = ()
    target: Any = None

    def to_dict(self) -> dict[str, Any]:
        """The path as JSON holds it; ∞ is the string "inf"."""
        return {
            "schema": 1,
            "p": self.p,
            "family": self.family,
            "alphas": plain(self.alphas),
            "parameters": [plain(dict(q.parameters)) for q in self.q],
            "residuals": [d.to_dict() for d in self.residuals],
            "forward": [d.to_dict() for d in self.forward],
            "reverse": [d.to_dict() for d in self.reverse],
            "jumps": [jump.to_dict() for jump in self.jumps],
            "branches": [branch.to_dict() for branch in self.branches],
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        return dumps(self.to_dict())

    def rows(self, most: int = 11) -> list[tuple[str, ...]]:
        """A few of the alphas as a person reads them: what is left, both directions, and Q."""
        chosen = np.unique(np.linspace(0, len(self.alphas) - 1, min(most, len(self.alphas))).round().astype(int))
        rows: list[tuple[str, ...]] = [("alpha", "left, nats", "KL(P‖Q)", "KL(Q‖P)", "Q")]
        for i in chosen:
            left, a, b = (number(float(d[i].value)) for d in (self.residuals, self.forward, self.reverse))
            rows.append((f"{self.alphas[i]:.4g}", left, a, b, str(self.q[i])))
        return rows

    def lines(self) -> list[str]:
        """The jumps, what else there is, and the notes, one a line."""
        told = [f"Jump {jump}." for jump in self.jumps] or ["No jump: one branch is best from reverse to forward."]
        others = len(self.branches)
        if others > 1:
            told.append(f"{others} branches of local optima:")
            told += [f"  {branch}" for branch in self.branches]
        return [*told, *self.notes]

    def _title(self) -> str:
        return f"{self.family} fitted to {self.p}, from reverse (alpha 0) to forward (alpha 1)"

    def __repr__(self) -> str:
        return "\n".join([self._title(), text_table(self.rows()), *self.lines()])

    def _repr_html_(self) -> str:
        head, *rows = self.rows()
        told = "".join(f"<li>{html.escape(line)}</li>" for line in self.lines())
        return f"<p><b>{html.escape(self._title())}</b></p>{html_table(rows, head)}<ul>{told}</ul>"
