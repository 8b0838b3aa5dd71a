"""Pairs with a closed form, keyed by canonical family.

Three rules give them: a form written for the pair (`_same`, `_normal`), equal bijections (a log-normal is a normal
in log x, and KL does not change), and the moment rule (`_moments`): if log q needs only means under P that P
knows, KL = −entropy(P) − E_P log q.
"""

from __future__ import annotations

from kullback._distribution import Density, Measured
from kullback._result import Divergence, Status
from kullback.methods._request import Request
from kullback.methods.closed._moments import by_moments
from kullback.methods.closed._normal import NORMAL, normal_pair
from kullback.methods.closed._same import has_form, same_family

__all__ = ["Closed"]


class Closed:
    """The closed form of the pair, if there is one."""

    name = "closed"
    random = False

    def applies(self, p: Measured, q: Measured) -> str | None:
        if not (isinstance(p, Density) and isinstance(q, Density)):
            return "needs two densities or masses with parameters"
        a, b = p.facts.family, q.facts.family
        if (a in NORMAL and b in NORMAL) or has_form(p, q) or by_moments(p, q) is not None:
            return None
        return f"no closed form is known here for {a or p.name}‖{b or q.name}"

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence:
        assert isinstance(p, Density)
        assert isinstance(q, Density)
        if p.facts.family in NORMAL and q.facts.family in NORMAL:
            return normal_pair(p, q)
        if has_form(p, q):
            value, error = same_family(p, q)
        else:
            found = by_moments(p, q)
            assert found is not None
            value, error = found
        wanted = request.tolerance if request.tolerance is not None else 1e-9 * abs(value)
        status = Status.OK if error <= wanted else Status.TOLERANCE_MISSED
        return Divergence(value, error, "rounding", method=self.name, status=status)
