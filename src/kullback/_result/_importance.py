"""What weights p/q say of a fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kullback._format import number, plain, uncertain


@dataclass(frozen=True, slots=True, eq=False)
class Importance:
    """What the weights p/q say: log Z of the target, and how well Q's draws could stand for P.

    `effective_sample_size` is (as P's draws see it, as Q's own draws see it) of `n` draws of Q; where the first is
    far smaller, Q misses a part of P. `pareto_k` is the shape of the tail of Q's own weights, `meaning` what it means.
    """

    log_evidence: float
    log_evidence_error: float
    effective_sample_size: tuple[float, float]
    n: int
    pareto_k: float
    meaning: str

    def to_dict(self) -> dict[str, Any]:
        forward, reverse = self.effective_sample_size
        return {
            "log_evidence": plain(self.log_evidence),
            "log_evidence_error": plain(self.log_evidence_error),
            "effective_sample_size": {"forward": forward, "reverse": reverse, "n": self.n},
            "pareto_k": plain(self.pareto_k),
            "meaning": self.meaning,
        }

    def rows(self) -> list[tuple[str, str]]:
        """What a person reads of it."""
        forward, reverse = self.effective_sample_size
        known = self.log_evidence == 0 and self.log_evidence_error == 0  # P was normalised
        shown = uncertain(self.log_evidence, self.log_evidence_error, "standard_error")
        return [
            *([] if known else [("log evidence", shown)]),
            ("effective draws", f"{forward:.0f} (seen from P) and {reverse:.0f} (seen from Q) of {self.n} draws of Q"),
            ("Pareto k̂", f"{number(round(self.pareto_k, 2))}: {self.meaning}"),
        ]
