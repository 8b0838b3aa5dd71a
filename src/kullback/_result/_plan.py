"""Which method would run, and why not the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kullback._format import dumps, html_table, text_table
from kullback._result._errors import NoMethodError


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The methods in the order they are tried; `reasons[m]` is None where m applies, else why it does not."""

    reasons: dict[str, str | None]
    p: str = "P"
    q: str = "Q"
    direction: str | float = "forward"
    fit: bool = False  # of a family Q to P, and not of a pair

    @property
    def method(self) -> str:
        """The method or fitter that would run first."""
        for name, reason in self.reasons.items():
            if reason is None:
                return name
        raise NoMethodError(f"no method applies: {self._why_not()}")

    def _why_not(self) -> str:
        return "; ".join(f"{name}: {reason}" for name, reason in self.reasons.items() if reason)

    def rows(self) -> list[tuple[str, str]]:
        chosen = next((n for n, r in self.reasons.items() if r is None), None)
        other = "applies; runs if it is asked for" if self.fit else "applies; runs if those above miss the tolerance"
        return [
            (
                name,
                reason or ("runs" if name == chosen else other),
            )
            for name, reason in self.reasons.items()
        ]

    def to_dict(self) -> dict[str, Any]:
        chosen = next((n for n, r in self.reasons.items() if r is None), None)
        return {
            "schema": 1,
            "p": self.p,
            "q": self.q,
            "direction": self.direction,
            "method": chosen,
            "methods": [{"method": n, "applies": r is None, "reason": r} for n, r in self.reasons.items()],
        }

    def to_json(self) -> str:
        return dumps(self.to_dict())

    @property
    def title(self) -> str:
        if self.fit:
            way = self.direction if isinstance(self.direction, str) else f"alpha {self.direction:g}"
            return f"{self.q} fitted to P = {self.p}, {way}"
        formula = "KL(P‖Q)" if self.direction == "forward" else "KL(Q‖P)"
        return f"{formula} for P = {self.p}, Q = {self.q}"

    @property
    def heads(self) -> tuple[str, str]:
        return ("fitter", "this fit") if self.fit else ("method", "this pair")

    def __repr__(self) -> str:
        return f"{self.title}\n" + text_table(self.rows())

    def _repr_html_(self) -> str:
        return html_table(self.rows(), self.heads)
