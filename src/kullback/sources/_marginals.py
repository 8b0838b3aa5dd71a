"""Matrices that a bijection carries from variables of known families, and truncations of known families.

A correlation matrix of the LKJ distribution, or its Cholesky factor, is one to one with its canonical partial
correlations, which are independent: those of a tree of k variables between are 2·Beta(a, a) − 1 with
a = η + (d − 2 − k)/2 (Lewandowski, Kurowicka and Joe 2009). The factor of a Wishart matrix is one to one with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from kullback._distribution import Density, Discrete, Facts, moved, translated
from kullback._support import Array, Interval
from kullback._vocabulary import build
from kullback._vocabulary import product as independent
from kullback._vocabulary._tails import FLAT_END
from kullback.sources._evaluated import Index

Make = Callable[[Index], "Density | Discrete"]
CORRELATIONS = {"LKJ", "LKJCholesky", "CholeskyLKJ"}
TRUNCATED = {"TwoSidedTruncatedDistribution", "LeftTruncatedDistribution", "RightTruncatedDistribution"}
IN_SCIPY: dict[str, tuple[str, tuple[str, ...]]] = {  # families whose tail probabilities are SciPy's: its shapes
    "normal": ("norm", ()),
    "cauchy": ("cauchy", ()),
    "laplace": ("laplace", ()),
    "logistic": ("logistic", ()),
    "student_t": ("t", ("df",)),
}


def carried(whole: Make, key: str, inner: Make) -> Make:
    """The members of `whole`, each one to one with that of `inner`."""

    def make(index: Index) -> Density | Discrete:
        density, base = whole(index), inner(index)
        if not (isinstance(density, Density) and isinstance(base, Density)):
            return density
        facts = replace(density.facts, base=((key, density.support), base))
        return Density(
            density._log_prob, dim=density.dim, support=density.support, vectorized=True, facts=facts,
            name=density.name,
        )  # fmt: skip

    return make


def partial_correlations(size: int, concentration: float) -> Density:
    """The independent (z + 1)/2 of the canonical partial correlations z of a matrix of that size."""
    sides = []
    for between in range(size - 1):
        shape = concentration + 0.5 * (size - 2 - between)
        sides += [build("beta", (shape, shape))] * (size - 1 - between)
    found = [side for side in sides if isinstance(side, Density)]
    return found[0] if len(found) == 1 else independent(found, "partial correlations", {})


def truncated(base: Density, low: float, high: float) -> Density | None:
    """A known family on (low, high), its mass there from the nearer tail; None for families that are not known."""
    if base.family not in IN_SCIPY:
        return None
    from scipy import stats

    name, shapes = IN_SCIPY[base.family]
    a = base.parameters
    theirs = getattr(stats, name)(*(a[k] for k in shapes), loc=a["loc"], scale=a["scale"])
    flip = low > a["loc"]  # seen from the right tail

    def tail(x: float) -> float:
        return float(theirs.logsf(x) if flip else theirs.logcdf(x))

    near, far = (tail(low), tail(high)) if flip else (tail(high), tail(low))
    log_z = near + math.log1p(-math.exp(far - near)) if far > -math.inf else near
    if not math.isfinite(log_z):
        return None
    ends = math.exp(near), math.exp(far)

    def quantile(u: Array) -> Array:
        level = ends[0] + (ends[1] - ends[0]) * u if flip else ends[1] + (ends[0] - ends[1]) * u
        return np.clip(theirs.isf(level) if flip else theirs.ppf(level), low, high)

    support = Interval(low, high)

    def log_prob(x: Array) -> Array:
        return np.where(support.contains(x), base._log_prob(x) - log_z, -np.inf)

    def seen(loc: float, scale: float) -> Density:
        ends = (low - loc) / scale, (high - loc) / scale
        return truncated(moved(base, loc, scale), *ends) or translated(found, loc, scale)

    tails = base.facts.tails
    facts = Facts(
        quantile=quantile if ends[0] > 1e-290 else None,
        transport=(1, lambda u: quantile(u[:, 0])) if ends[0] > 1e-290 else None,
        sample=(lambda rng, n: quantile(rng.random(n))) if ends[0] > 1e-290 else None,
        tails=None
        if tails is None
        else (tails[0] if low == -math.inf else FLAT_END, tails[1] if high == math.inf else FLAT_END),
        moved=seen,
        frame=(min(max(a["loc"], low), high), a["scale"]),
    )
    name = f"{base} on ({low:g}, {high:g})"
    found = Density(log_prob, support=support, vectorized=True, facts=facts, name=name)
    return found
