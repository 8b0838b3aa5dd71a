"""What every method is, and what a person asks of it beyond the pair itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from kullback._distribution import Density, Measured
from kullback._result import Divergence
from kullback._support import Lattice


@dataclass(frozen=True, slots=True)
class Request:
    """`tolerance` is an absolute error in nats (None: the method's own best), `budget` a number of points."""

    tolerance: float | None = None
    budget: int | None = None
    seed: int = 0


class Method(Protocol):
    """`applies` gives the reason if the pair cannot be measured so; `estimate` measures KL(P‖Q).

    A `random` method follows one that answered only in space, and only a poor answer. A method may have `defers` beside
    `applies`: the reason for which it leaves a pair that it could measure to another, unless it is asked for by name.
    """

    name: str
    random: bool

    def applies(self, p: Measured, q: Measured) -> str | None: ...

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence: ...


def no_density(d: Measured, name: str) -> str | None:
    """Why a side is no density off the integers, which have sums of their own."""
    if not isinstance(d, Density):
        return f"needs two densities; {name} is a {type(d).__name__}"
    return f"leaves the integers to sums; {name} is on {d.support}" if isinstance(d.support, Lattice) else None


def reason(method: Method, p: Measured, q: Measured) -> str | None:
    """Why the automatic choice passes a method by: it cannot serve the pair, or stands back for a better one."""
    why = method.applies(p, q)
    if why is not None:
        return why
    defers = getattr(method, "defers", None)
    return None if defers is None else defers(p, q)
