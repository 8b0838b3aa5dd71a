"""From the counts of two sides to divergences with intervals."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from kullback._result import Status
from kullback._result._column import ColumnComparison, CountDivergence, listed
from kullback._result._comparison import Terms
from kullback.numerics import clusters as _clusters
from kullback.numerics import pearson, tallies
from kullback.numerics.gathered import Groups, gathered
from kullback.numerics.lazy import special
from kullback.tables._cells import Key
from kullback.tables._partition import OVER, UNDER, Partition
from kullback.tables._tabled import Tabled

Counts = Mapping[Key, Sequence[int]]


def column(
    part: Partition, counts: Counts, shown: Counts | None = None, pair: tuple[Tabled, Tabled] | None = None
) -> ColumnComparison:
    """A column's comparison; `p_adjusted` is the plain p-value until all columns are known.

    `shown` has the counts for its terms, where some of `counts` stand there as one. Estimates are not made from
    those: of many values that one side lacks by chance each is rare, and all of them together are not. `pair` has the
    counts by group, or by weight, where rows are not independent or not alike.
    """
    keys, a, b = _sides(part, counts)
    clusters = None if pair is None else (pair[0].clusters(keys), pair[1].clusters(keys))
    worth = None
    spreads = dict.fromkeys(tallies.MEASURES, tallies.INDEPENDENT)
    if clusters is not None:
        worth = _clusters.worth(*clusters)
        if not all(side.alike for side in clusters):
            spreads = _clusters.spreads(*clusters, worth)
        a, b = (
            np.rint(side.counts) if side.alike else side.shares * n for side, n in zip(clusters, worth, strict=True)
        )
    terms = _told(part, *_sides(part, counts if shown is None else shown))
    only_p, only_q = (_gap(terms["outcome"], *(terms[x] for x in order)) for order in ("pq", "qp"))
    ordered = sum(part.ordinal(k) for k in keys)
    groups = gathered(a, b, ordered)
    found = {}
    for measure, estimate in tallies.estimates(a, b, groups, spreads=spreads).items():
        gaps = {"forward": only_p, "reverse": only_q, "jensen_shannon": "", "jeffreys": only_p or only_q}[measure]
        of_p = measure == "forward" or bool(measure == "jeffreys" and only_p)
        ends: Callable[[float], float] = functools.partial(_low, a, b, measure, groups, spreads[measure])
        if clusters is not None and any(side.single for side in clusters):
            most = math.log(2) if measure == "jensen_shannon" else math.inf
            estimate, ends = replace(estimate, error=math.nan, low=0.0, high=most), lambda _: 0.0
        found[measure] = _divergence(estimate, gaps, of_p, ends)
    if clusters is not None and not all(side.alike for side in clusters):
        value = _clusters.p_value(*clusters)
    else:
        value = min(pearson.p_value(*_ended(a, b, keys), ordered), _beyond(a, b, keys))
    return ColumnComparison(
        part.column,
        part.kind,
        part.rule,
        found["forward"],
        found["reverse"],
        found["jensen_shannon"],
        found["jeffreys"],
        value,
        value,
        terms,
        worth,
    )


def _sides(part: Partition, counts: Counts) -> tuple[list[Key], np.ndarray, np.ndarray]:
    keys = [k for k in part.ordered(list(counts)) if any(counts[k])]
    a, b = (np.array([counts[k][i] for k in keys], dtype=float) for i in (0, 1))
    return keys, a, b


def _told(part: Partition, keys: Sequence[Key], a: np.ndarray, b: np.ndarray) -> Terms:
    p, q = a / a.sum(), b / b.sum()
    return Terms(
        {
            "outcome": [part.label(k) for k in keys],
            "count_p": np.rint(a).astype(np.int64),
            "count_q": np.rint(b).astype(np.int64),
            "p": p,
            "q": q,
            "forward": _terms(p, q),
            "reverse": _terms(q, p),
        }
    )


def _ended(a: np.ndarray, b: np.ndarray, keys: Sequence[Key]) -> tuple[np.ndarray, np.ndarray]:
    """Counts with what lies below or above a reference's ends in its outermost bins.

    A bin that is there because one side has rows in it would count against P = Q by itself.
    """
    at = np.arange(len(keys))
    for i, key in enumerate(keys):
        if key in (UNDER, OVER) and len(keys) > 1:
            neighbour = i + 1 if key == UNDER else i - 1
            at[i] = neighbour if 0 <= neighbour < len(keys) else i
    return np.bincount(at, a, len(keys)), np.bincount(at, b, len(keys))


def _low(a: np.ndarray, b: np.ndarray, measure: str, groups: Groups, spread: tallies.Spread, level: float) -> float:
    return tallies.estimate(a, b, measure, groups, level, spread).low


def _beyond(a: np.ndarray, b: np.ndarray, keys: Sequence[Key]) -> float:
    """The chance, twenty times over, of so many of Q's rows below or above all of a reference's, which bounds p.

    All places of Q's rows among those of both are as probable under P = Q.
    """
    n, m = float(a.sum()), float(b.sum())
    far = [float(b[i]) for i, key in enumerate(keys) if key in (UNDER, OVER) and not a[i]]
    logs = [special.gammaln([m + 1, n + m - k + 1]) - special.gammaln([m - k + 1, n + m + 1]) for k in far]
    return min([1.0, *(20 * math.exp(float(both.sum())) for both in logs)])


def _divergence(found: tallies.Estimate, gap: str, of_p: bool, low_at: Callable[[float], float]) -> CountDivergence:
    infinite = math.isinf(found.value)
    one, other = ("P", "Q") if of_p else ("Q", "P")
    return CountDivergence(
        found.value,
        found.error,
        (found.low, found.high),
        found.corrected,
        Status.SUPPORT_GAP if infinite else Status.OK,
        f"{other} has no row where {one} has {gap}" if infinite else "",
        low_at,
    )


def _gap(labels: list[str], p: np.ndarray, q: np.ndarray) -> str:
    found = [(labels[i], float(p[i])) for i in np.flatnonzero((p > 0) & (q == 0))]
    return listed(sorted(found, key=lambda pair: -pair[1]))


def _terms(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p > 0, p * np.log(p / q), 0.0)


def holm(values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values."""
    order = np.argsort(values, kind="stable")
    found, running = [0.0] * len(values), 0.0
    for rank, i in enumerate(order):
        running = max(running, min(1.0, (len(values) - rank) * values[i]))
        found[i] = running
    return found
