"""Independent coordinates: KL(P‖Q) is the sum over them, each by the first method that serves it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from kullback._distribution import Density, Measured
from kullback._result import Divergence, Status
from kullback.methods._request import Method, Request

KINDS = ("rounding", "bound", "estimate", "standard_error")  # the weakest of the parts is that of the whole


class Coordinates:
    """The sum of the divergences of the coordinates."""

    name = "coordinates"
    random = False

    def __init__(self, children: Sequence[Method]) -> None:
        self.children = tuple(children)

    def applies(self, p: Measured, q: Measured) -> str | None:
        for d, name in ((p, "P"), (q, "Q")):
            if not isinstance(d, Density) or not d.facts.factors:
                return f"needs independent coordinates on both sides; {name} has none that are known"
        if len(p.facts.factors) != len(q.facts.factors):  # type: ignore[union-attr]
            return "the coordinates differ in number"
        for i, (a, b) in enumerate(_pairs(p, q)):
            if a.support.shape != b.support.shape:
                return f"the coordinates do not match: number {i} is on {a.support} in P and on {b.support} in Q"
            if first(self.children, a, b) is None:
                return f"no method serves the coordinate {i}, {a} against {b}"
        return None

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence:
        parts = []
        for a, b in _pairs(p, q):
            method = first(self.children, a, b)
            assert method is not None
            parts.append(method.estimate(a, b, request))
        infinite = next(((i, d) for i, d in enumerate(parts) if d.status.infinite), None)
        n = sum(d.n for d in parts)
        if infinite is not None:
            i, found = infinite
            detail = f"in the coordinate {i}: {found.detail}"
            return Divergence(
                math.inf, 0.0, found.error_kind, method=self.name, n=n, status=found.status, detail=detail
            )
        kind = max((d.error_kind for d in parts), key=KINDS.index)
        errors = [float(d.error) for d in parts]
        missed = any(d.status is Status.TOLERANCE_MISSED for d in parts)
        return Divergence(
            math.fsum(float(d.value) for d in parts),
            math.hypot(*errors) if kind == "standard_error" else math.fsum(errors),
            kind,
            method=self.name,
            n=n,
            seed=request.seed if kind == "standard_error" else None,
            status=Status.TOLERANCE_MISSED if missed else Status.OK,
            notes=tuple(dict.fromkeys(f"coordinates by {d.method}" for d in parts)),
        )


def first(children: Sequence[Method], p: Measured, q: Measured) -> Method | None:
    """The first of the methods that applies."""
    return next((method for method in children if method.applies(p, q) is None), None)


def _pairs(p: Measured, q: Measured) -> list[tuple[Density, Density]]:
    assert isinstance(p, Density)
    assert isinstance(q, Density)
    return list(zip(p.facts.factors, q.facts.factors, strict=True))
