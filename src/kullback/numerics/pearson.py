"""Whether two rows of counts are draws of one distribution: Pearson's statistic given the margins."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from kullback.numerics.gathered import against, unshared
from kullback.numerics.lazy import special
from kullback.numerics.terms import Array

SPARSE, FEW = 5.0, 20  # rows of a cell, and of a side, below which the p-value is drawn
SURELY, HARDLY = 1e-8, 0.25  # unless it is beyond doubt
DRAWS, ENOUGH_HITS = (500, 4000, 20000), 50


def p_value(a: Array, b: Array, ordered: int | None = None) -> float:
    """P of a Pearson statistic as large by chance when both rows are draws of one distribution.

    Categories after the first `ordered` cells that the smaller side is expected to hit less than once are one; what
    they would show by themselves, one that only one side has or many such, bounds the p-value from above.

    Given the margins, the statistic's mean and variance are known exactly (Dawson 1954); a gamma variable with both
    stands for its distribution, which is χ² when the counts are large. Where they are small, its distribution is drawn:
    tables of the same margins, always the same ones.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    seen = (a + b) > 0
    a, b = (a, b) if a.sum() >= b.sum() else (b, a)
    n, m = float(a.sum()), float(b.sum())
    listed = (np.arange(len(a)) >= (len(a) if ordered is None else ordered)) & seen
    rare = listed & (a + b < (n + m) / max(m, 1))
    bound = _apart(a[listed], b[listed], n, m) if listed.any() else 1.0
    a, b = (np.append(x[seen & ~rare], x[rare].sum() if rare.any() else []) for x in (a, b))
    total, margin = n + m, a + b
    if len(a) < 2 or total < 4:
        return bound
    statistic = n * m / total * math.fsum((a / n - b / m) ** 2 / (margin / total))
    mean = (len(a) - 1) * total / (total - 1)
    variance = _dawson(np.array([n, m]), margin, total)
    by_gamma = 1.0
    if variance > 0:
        by_gamma = float(special.gammaincc(mean * mean / variance, statistic * mean / variance))
    sparse = float(margin.min()) * m / total < SPARSE and SURELY < by_gamma < HARDLY
    return min(_drawn(b, margin, by_gamma) if m < FEW or sparse else by_gamma, bound)


def _apart(a: Array, b: Array, n: float, m: float) -> float:
    """The chance of a category, or of categories together, that one side shows and the other does not; a bound.

    A tenth of the level goes to the two, so that the bound is twenty times the smaller one.
    """
    share = n / (n + m)
    one = float(np.max(against(a, b, share) + against(n - a, m - b, share))) - math.log(len(a))
    return min(20 * math.exp(-min(max(one, unshared(a, b, share)), 700.0)), 1.0)


def _drawn(b: Array, margin: Array, otherwise: float) -> float:
    """The share of random tables with these margins whose statistic is at least as large."""
    rng = np.random.default_rng(0)
    m, total = int(b.sum()), int(margin.sum())
    seen = float((b * b / margin).sum()) * (1 - 1e-12)
    hits = draws = 0
    for size in DRAWS:
        if total >= 1e9:  # NumPy's limit; with replacement there is no difference
            tables = rng.multinomial(m, margin / margin.sum(), size=size)
        else:
            way: Literal["count", "marginals"] = "count" if total < 1e6 and m < 20 * len(margin) else "marginals"
            tables = rng.multivariate_hypergeometric(margin.astype(np.int64), m, size=size, method=way)
        hits += int((np.square(tables, dtype=float) @ (1 / margin) >= seen).sum())
        draws += size
        if hits >= ENOUGH_HITS:
            break
    if hits:
        return (hits + 1) / (draws + 1)
    ways = special.gammaln(total + 1) - special.gammaln(m + 1) - special.gammaln(total - m + 1)
    return float(np.clip(otherwise, math.exp(-ways), 1 / (draws + 1)))  # no arrangement of rows is less probable


def _dawson(rows: Array, columns: Array, total: float) -> float:
    def parts(margin: Array) -> tuple[float, float]:
        k = len(margin)
        v = (k - 1) * (total - k) / (total - 1)
        w = (math.fsum(total / margin) - k * k) / (total - 2)
        return v, w

    (v1, w1), (v2, w2) = parts(rows), parts(columns)
    return 2 * total / (total - 3) * (v1 - w1) * (v2 - w2) + total * total / (total - 1) * w1 * w2
