"""What every method is, and what a person asks of it beyond the pair itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from kullback._distribution import Measured
from kullback._result import Divergence


@dataclass(frozen=True, slots=True)
class Request:
    """`tolerance` is an absolute error in nats (None: the method's own best), `budget` a number of points."""

    tolerance: float | None = None
    budget: int | None = None
    seed: int = 0


class Method(Protocol):
    """`applies` gives the reason if the pair cannot be measured so; `estimate` measures KL(P‖Q).

    A `random` method follows one that answered only in space, and only a poor answer.
    """

    name: str
    random: bool

    def applies(self, p: Measured, q: Measured) -> str | None: ...

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence: ...
