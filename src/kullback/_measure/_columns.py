"""Draws whose columns have names: those of Q in the order of P's."""

from __future__ import annotations

from kullback._distribution import Measured, Sample
from kullback._format import listing
from kullback._result import InputError


def aligned(p: Measured, q: Measured) -> tuple[Measured, Measured]:
    """Both, with columns of one name at one place; of names that are all different the places count."""
    if not (isinstance(p, Sample) and isinstance(q, Sample)) or p.columns == q.columns:
        return p, q
    mine, theirs = set(p.columns), set(q.columns)
    if not mine & theirs or len(mine) < len(p.columns) or len(theirs) < len(q.columns):
        return p, q
    if mine != theirs:
        alone = [
            f"only {name} has {listing(sorted(own))}"
            for own, name in ((mine - theirs, "p"), (theirs - mine, "q"))
            if own
        ]
        raise InputError(
            f"the columns of p and q are not the same: {'; '.join(alone)}. Give both the columns that both have: "
            f"{listing([repr(name) for name in p.columns if name in theirs])}"
        )
    return p, q.columns_as(p.columns)
