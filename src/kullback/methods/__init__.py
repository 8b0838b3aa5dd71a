"""The methods, in the order they are tried: one final class each, and this tuple is the only registry."""

from __future__ import annotations

from typing import Protocol

from kullback._distribution import Measured
from kullback._result import Divergence
from kullback.methods._request import Request
from kullback.methods.closed import Closed
from kullback.methods.exact import Exact
from kullback.methods.lattice import LatticeSum
from kullback.methods.mixture_plug_in import MixturePlugIn
from kullback.methods.monte_carlo import MonteCarlo
from kullback.methods.quadrature import Quadrature
from kullback.methods.support import Support


class Method(Protocol):
    """`applies` gives the reason if the pair cannot be measured so; `estimate` measures KL(P‖Q).

    A `random` method does not follow one that answered, however large the error of that answer.
    """

    name: str
    random: bool

    def applies(self, p: Measured, q: Measured) -> str | None: ...

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence: ...


METHODS: tuple[Method, ...] = (Support(), Exact(), Closed(), LatticeSum(), Quadrature(), MonteCarlo(), MixturePlugIn())

__all__ = ["METHODS", "Method", "Request"]
