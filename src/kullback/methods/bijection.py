"""Equal bijections: a change of variables on both sides leaves the divergence as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kullback._distribution import Density, Measured
from kullback._result import Divergence
from kullback.methods._request import Method, Request
from kullback.methods.coordinates import first


class Bijection:
    """The divergence of the variables that both sides carry by the same bijection."""

    name = "bijection"
    random = False

    def __init__(self, children: Sequence[Method]) -> None:
        self.children = tuple(children)

    def applies(self, p: Measured, q: Measured) -> str | None:
        bases = _bases(p, q)
        if bases is None:
            return "needs two variables that are carried by the same bijection"
        return None if self._child(*bases) is not None else f"no method serves the bases {bases[0]} and {bases[1]}"

    def _child(self, p: Measured, q: Measured) -> Method | None:
        """The base may itself be carried."""
        return first((*self.children, self), p, q)

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence:
        bases = _bases(p, q)
        assert bases is not None
        child = self._child(*bases)
        assert child is not None
        found = child.estimate(*bases, request)
        note = f"one bijection carries both: measured on {bases[0]} and {bases[1]} by {found.method}"
        return replace(found, method=self.name, notes=(*found.notes, note))


def _bases(p: Measured, q: Measured) -> tuple[Density, Density] | None:
    if not (isinstance(p, Density) and isinstance(q, Density)) or p.facts.base is None or q.facts.base is None:
        return None
    (key, base_p), (key_q, base_q) = p.facts.base, q.facts.base
    if key != key_q or base_p.support.shape != base_q.support.shape:
        return None
    return base_p, base_q
