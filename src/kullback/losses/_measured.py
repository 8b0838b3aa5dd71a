"""All that `measure` says of two rows."""

from __future__ import annotations

from typing import Any

from kullback.losses import _chunk
from kullback.losses._chunk import Plan
from kullback.losses._divergences import Forward, JensenShannon, Reverse, values
from kullback.losses._pair import Ops

NAMES = (
    "forward",
    "reverse",
    "jensen_shannon",
    "entropy_p",
    "entropy_q",
    "cross_entropy_pq",
    "cross_entropy_qp",
    "total_variation",
    "same_top",
)


def measured(ops: Ops, plan: Plan, t: Any, s: Any, temperature: Any) -> list[Any]:
    """One column each of NAMES; the last is 1 or 0."""
    xp, total = ops.xp, ops.total
    x = _chunk.pair_of(ops, plan, t, s, temperature)
    found = [values(divergence, x) for divergence in (Forward(), Reverse(), JensenShannon(0.5, False))]
    entropies = [
        -total(xp.where(m > 0.0, m * xp.where(m > 0.0, log, 0.0), 0.0)) for m, log in ((x.p, x.log_p), (x.q, x.log_q))
    ]
    crossed = [entropies[0] + found[0], entropies[1] + found[1]]
    same = xp.where(ops.place(x.p) == ops.place(x.q), 1.0, 0.0)
    return [*found, *entropies, *crossed, 0.5 * total(xp.abs(x.excess)), same]
