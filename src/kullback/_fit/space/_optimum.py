"""Where a search of the reverse objective ended, or was stopped."""

from __future__ import annotations

from dataclasses import dataclass

from kullback._distribution import Density
from kullback._result import Status
from kullback._support import Array
from kullback.families import Base


class Interrupted(Exception):
    """Ctrl-C during a search: the best so far, None if it had hardly begun."""

    def __init__(self, best: Optimum | None) -> None:
        super().__init__("interrupted")
        self.best = best


@dataclass(eq=False)
class Optimum:
    """Where a search ended: theta in the coordinates of `base`, the objective (KL less log Z), and its errors."""

    theta: Array
    base: Base
    value: float
    gradient: float
    error: float  # of the mean, in units of Q's spread; the largest over coordinates
    draws: int
    status: Status
    start: str
    density: Density
