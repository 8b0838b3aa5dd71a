"""Normal‖normal in any dimension, without the digits that a difference of log determinants would lose."""

from __future__ import annotations

import numpy as np

from kullback._distribution import Density
from kullback._support import Array
from kullback.methods.closed._same import same_family
from kullback.methods.closed._spreads import grown, refined
from kullback.numerics import factors
from kullback.numerics.factors import Factor
from kullback.numerics.sums import two_sum

EPS = float(np.finfo(float).eps)
NORMAL = ("normal", "multivariate_normal")


def normal_pair(p: Density, q: Density) -> tuple[float, float]:
    """Σ(Eᵢᵢ − log(1 + Eᵢᵢ)) + ½|E|² + ½|L₂⁻¹Δ|² with E = L₂⁻¹(L₁ − L₂), and its rounding error.

    Source: the standard form (Kullback 1959, ch. 9), rearranged so that equal parameters give exactly 0.
    """
    if p.dim == 1:
        return same_family(p, q)
    (loc, spread), (loc0, spread0) = _known(p), _known(q)
    shift = two_sum(loc, -loc0)

    def measured(exactly: bool) -> tuple[float, float]:
        found = factors.compare(spread, spread0, exactly)
        z = factors.solve(spread0, shift[0][:, None], shift[1][:, None], exactly)[0]
        square = float((z * z).sum())
        value = grown(found) + 0.5 * square
        return value, found.reach(square) + 8 * EPS * value

    return refined(measured, p.dim)


def normals(p: Density, q: Density) -> bool:
    """Whether each is one, or independent coordinates that all are."""
    return p.support.shape == q.support.shape and p.dim == q.dim and _is_normal(p) and _is_normal(q)


def _is_normal(d: Density) -> bool:
    if d.facts.factors and len(d.support.shape) == 1:
        return all(side.facts.family == "normal" for side in d.facts.factors)
    return d.facts.family in NORMAL


def _known(d: Density) -> tuple[Array, Factor]:
    if d.facts.factors:
        loc, scale = np.array([(s.parameters["loc"], s.parameters["scale"]) for s in d.facts.factors]).T
        return loc, factors.of_diagonal(scale)
    return d.parameters["loc"], d.facts.spreads[0]
