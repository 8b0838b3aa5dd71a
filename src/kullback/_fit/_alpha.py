"""min D_α(P, Q) for 0 < α < 1, Minka's divergence between the two directions."""

from __future__ import annotations

from functools import partial

from kullback._fit._reverse import LEVELS, mixture_first, settled, starts
from kullback._fit._search import Found
from kullback._fit._target import Target
from kullback._objectives import Objective, between_near_p, between_near_q, between_on_line
from kullback._support import Array
from kullback.families import Family
from kullback.methods import _plane


def fit_alpha(target: Target, family: Family, start: Array | None, seed: int, alpha: float) -> list[Found]:
    """The distinct optima found, the best first; their values are D_α."""
    begin = [] if start is None else [("given", start)]
    begin += starts(target, family, seed)
    return settled(target, family, objectives(target, family, alpha), begin, mixture_first(target, family))


def objectives(target: Target, family: Family, alpha: float) -> list[Objective]:
    """The objective on nodes that double from one to the next."""
    return [_objective(target, family, alpha, level) for level in range(LEVELS[target.dim][1] + 2)]


def _objective(target: Target, family: Family, alpha: float, level: int) -> Objective:
    if target.dim == 1:
        return between_on_line(family, target.log_prob, level, target.breaks, alpha)
    if alpha <= 0.5 or not family.smooth:
        return between_near_q(family, target.log_prob, target.dim, level, target.breaks, alpha)
    return between_near_p(family, partial(target.plane_nodes, min(level + 1, _plane.LEVELS - 1)), alpha)
