"""Batches of one family on both sides: its form over the parameters, without a density for each member."""

from __future__ import annotations

import numpy as np

from kullback._distribution import Batch, Density
from kullback._result import Divergence, Status
from kullback.methods.closed._same import EPS, SAME, has_form
from kullback.numerics.quiet import quiet


@quiet
def batched(p: Batch, q: Batch, shape: tuple[int, ...]) -> Divergence | None:
    """KL of each pair; None unless every one is of one family with a form, and good to the usual digits."""
    family = p.family
    if family != q.family or family not in SAME or 0 in shape or not (_even(p) and _even(q)):
        return None
    if not has_form(*(_corners(d)[0] for d in (p, q))):
        return None
    form = SAME[family]
    sides = []
    for d in (p, q):
        columns = [np.broadcast_to(v, shape).ravel().tolist() for v in d.parameters.values()]
        sides.append([dict(zip(d.parameters, row, strict=True)) for row in zip(*columns, strict=True)])
    try:
        found = np.array([form(a, b) for a, b in zip(*sides, strict=True)])
    except (ArithmeticError, ValueError):  # the members will say what is wrong
        return None
    value, error = found[:, 0].reshape(shape), 64 * EPS * found[:, 1].reshape(shape)
    if not np.isfinite(value).all() or (error > 1e-9 * np.abs(value)).any():
        return None
    return Divergence(value, error, method="closed", status=np.full(shape, Status.OK, dtype=object))


def _corners(d: Batch) -> list[Density]:
    """The members with the least and the largest of each parameter: if these can be, so can all between."""
    at = {np.unravel_index(f(v), v.shape) for v in d.parameters.values() for f in (np.argmin, np.argmax)}
    return [m for m in (d[tuple(int(i) for i in index)] for index in sorted(at)) if isinstance(m, Density)]


def _even(d: Batch) -> bool:
    """Whether all members are proper ones of the family, on one support."""
    if not all(np.isfinite(v).all() for v in d.parameters.values()):
        return False
    corners = _corners(d)
    whole = d.parameters.get("total_count")
    alike = {str(m.support) for m in corners} == {str(corners[0].support)} if corners else False
    return alike and all(m.facts.family == d.family for m in corners) and (whole is None or len(np.unique(whole)) == 1)
