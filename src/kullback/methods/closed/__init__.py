"""Pairs with a closed form, keyed by canonical family.

Rules give most of them: powers of gamma variables (`_power_gamma`), one family twice (`_same`; `_normal`, `_space`
and `_elliptical` in more dimensions), and the moment rule (`_moments`): if log q needs only means that P knows,
KL = −entropy(P) − E_P log q. Equal bijections are a method of their own.
"""

from __future__ import annotations

import math
from functools import lru_cache

from kullback._distribution import Density, Measured
from kullback._result import Divergence, Status
from kullback.methods._request import Request
from kullback.methods.closed._batched import batched
from kullback.methods.closed._elliptical import centred_pair
from kullback.methods.closed._moments import by_moments
from kullback.methods.closed._normal import normal_pair, normals
from kullback.methods.closed._power_gamma import power_gamma_pair
from kullback.methods.closed._same import has_form, same_family
from kullback.methods.closed._space import in_space

__all__ = ["Closed", "batched", "rule"]


class Closed:
    """The closed form of the pair, if there is one."""

    name = "closed"
    random = False

    def applies(self, p: Measured, q: Measured) -> str | None:
        if not (isinstance(p, Density) and isinstance(q, Density)):
            return "needs two densities or masses with parameters"
        if _form(p, q) is not None:
            return None
        return f"no closed form is known here for {p.facts.family or p.name}‖{q.facts.family or q.name}"

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence:
        assert isinstance(p, Density)
        assert isinstance(q, Density)
        found = _form(p, q)
        assert found is not None
        value, error, why = found
        if why:
            return Divergence(math.inf, 0.0, "bound", method=self.name, status=Status.TAIL_GAP, detail=why)
        if math.isinf(value):
            return _beyond_doubles()
        wanted = request.tolerance if request.tolerance is not None else (1e-9 * abs(value) if value else 1e-12)
        status = Status.OK if error <= wanted else Status.TOLERANCE_MISSED
        return Divergence(value, error, "rounding", method=self.name, status=status)


def _beyond_doubles() -> Divergence:
    return Divergence(math.inf, math.inf, method=Closed.name, status=Status.BEYOND_DOUBLES)


def rule(p: Density, q: Density) -> str:
    """Which rule gives the form, as the docs' table of pairs names it; empty if none does."""
    if normals(p, q) or has_form(p, q) or in_space(p, q) is not None or centred_pair(p, q) is not None:
        return "own form"
    if power_gamma_pair(p, q) is not None:
        return "powers of gamma variables"
    return "moment rule" if by_moments(p, q) is not None else ""


@lru_cache(maxsize=2)  # `applies` asks for it, then `estimate`
def _form(p: Density, q: Density) -> tuple[float, float, str] | None:
    """The value, its rounding error, and why it is infinite."""
    if normals(p, q):
        return *normal_pair(p, q), ""
    if has_form(p, q):
        return *same_family(p, q), ""
    return in_space(p, q) or centred_pair(p, q) or power_gamma_pair(p, q) or by_moments(p, q)
