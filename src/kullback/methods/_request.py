"""What a person asks of a method beyond the pair itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """`tolerance` is an absolute error in nats (None: the method's own best), `budget` a number of points."""

    tolerance: float | None = None
    budget: int | None = None
    seed: int = 0
