"""Which cells of two rows of counts are taken together before anything is estimated from them.

A cell that the smaller side is expected to hit fewer than ENOUGH times says little, and many of them lead an estimate
astray: neighbouring bins are taken together until they are hit so often, and rare categories make one. What is taken
together is decided by the counts of both sides added up, so that under P = Q chance has no part in it; a divergence of
cells taken together is at most that of the cells. Where chance cannot explain how the sides part (its probability is
below e^−CHANCE), they are kept apart: what lies apart must not be averaged away.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kullback.numerics.lazy import special
from kullback.numerics.terms import Array

ENOUGH = 5.0  # rows expected of the smaller side
CHANCE = 12.5  # −log of the probability below which a parting is no chance
TILTS = np.geomspace(0.01, 30, 24)  # times the inverse of the largest count: where Chernoff's bound is looked for
GAIN = 0.01  # nats of Jensen-Shannon that a cut must add; all cuts together add at most log 2

Groups = NDArray[np.intp]  # of each cell the number of its group


def gathered(a: Array, b: Array, ordered: int = 0) -> Groups:
    """The groups of the cells; the first `ordered` are bins in order, the others categories.

    Examples
    --------
    >>> import numpy as np
    >>> gathered(np.array([500, 300, 199, 1]), np.array([510, 290, 197, 3])).tolist()
    [0, 1, 2, 2]
    """
    n, m = float(a.sum()), float(b.sum())
    need = ENOUGH * (n + m) / min(n, m)
    first = _bins(a[:ordered], b[:ordered], n, m, need)
    groups = np.concatenate([first, np.arange(len(a) - ordered) + first.max(initial=-1) + 1])
    rest = _categories(*added(a, b, groups), n, m, need)
    return np.asarray(np.unique(rest[groups], return_inverse=True)[1].reshape(-1))


def added(a: Array, b: Array, groups: Groups) -> tuple[Array, Array]:
    """The counts of groups."""
    return np.bincount(groups, a), np.bincount(groups, b)


def parted(a: Array, b: Array, n: float, m: float) -> list[int]:
    """Where to cut a row of cells, in order, whose sides part as chance would not part them.

    The best cut in two, and so on with either part; else the one cell that differs most from all others. `n`, `m`: the
    rows of the whole tables. That all of a side's rows lie on one side of a cut has a probability of at most
    e^(−G²/2), G² being the cut's likelihood ratio.
    """
    found: set[int] = set()
    sums = [np.concatenate([[0.0], np.cumsum(x)]) for x in (a, b)]
    todo = [(0, len(a))]
    while todo:
        start, end = todo.pop()
        p, q = (s[end] - s[start] for s in sums)
        if end - start < 2 or not (p and q):
            continue
        left, left_q = (s[start + 1 : end] - s[start] for s in sums)  # what lies before each cut
        cuts = _cut(left, left_q, (p, q), (n, m), CHANCE)
        ends = [start, start + 1 + cuts, end] if cuts is not None else None
        if ends is None and end - start > 2:  # one cell against all others: a spike within
            one = _cut(a[start:end], b[start:end], (p, q), (n, m), CHANCE + math.log(end - start))
            ends = None if one is None else [start, start + one, start + one + 1, end]
        if ends is not None:
            found |= set(ends[1:-1]) - {start, end}
            todo += [(i, j) for i, j in itertools.pairwise(ends) if (i, j) != (start, end)]
    return sorted(found)


def _cut(a: Array, b: Array, whole: tuple[float, float], rows: tuple[float, float], chance: float) -> int | None:
    """Which of the parts a, b of a whole differs from the rest of it most, if chance would not let it differ so."""
    (p, q), (n, m) = whole, rows
    share = p / (p + q)
    against_chance = against(a, b, share) + against(p - a, q - b, share)
    gain = _mixed(a / n, b / m) + _mixed((p - a) / n, (q - b) / m) - _mixed(p / n, q / m)
    best = int(np.argmax(np.where(gain > GAIN, against_chance, -math.inf)))
    return best if gain[best] > GAIN and against_chance[best] > chance else None


def _bins(a: Array, b: Array, n: float, m: float, need: float) -> Groups:
    """Neighbours together until they hold `need`, not across a cut; what is left over goes to the one before."""
    total, groups, after = a + b, np.zeros(len(a), dtype=np.intp), 0
    cuts = [0, *parted(a, b, n, m), len(a)]
    for start, end in itertools.pairwise(cuts):
        first, held = after, 0.0
        for i in range(start, end):
            groups[i], held = after, held + total[i]
            if held >= need:
                after, held = after + 1, 0.0
        if held and after > first:
            groups[:end][groups[:end] == after] = after - 1
        elif held:
            after += 1
    return groups


def _categories(a: Array, b: Array, n: float, m: float, need: float) -> Groups:
    groups = np.arange(len(a), dtype=np.intp)
    total = a + b
    order = np.argsort(total, kind="stable")
    rare = order[: int((total < need).sum())]
    if not len(rare):
        return groups
    share = n / (n + m)
    # of as many cells, one by itself
    alone = against(a, b, share) + against(n - a, m - b, share) > CHANCE + math.log(len(a))
    rare = rare[~alone[rare]]
    p, q = a[rare], b[rare]
    if unshared(p, q, share) > CHANCE:
        for part in (rare[q == 0], rare[p == 0], rare[(p > 0) & (q > 0)]):
            groups[part] = part[:1]
        return groups
    apart = float(against(p.sum(), q.sum(), share) + against(n - p.sum(), m - q.sum(), share)) > CHANCE
    if len(rare) and not apart and (p + q).sum() < need:  # too few even together
        more = order[~alone[order] & (total[order] >= need)][:1]
        rare = np.append(rare, more)
    groups[rare] = rare[:1]
    return groups


def unshared(a: Array, b: Array, share: float) -> float:
    """How improbable it is that so many rows lie in categories that the other side has no row in, as −log of a bound.

    A category of c rows is all P's with the probability share^c, if rows go to P and to Q by chance; the rows of such
    categories add up, and Chernoff's inequality bounds how many they are. The larger of both sides' counts.
    """
    found = 0.0
    total = a + b
    for mine, other, r in ((a, b, share), (b, a, 1 - share)):
        seen = float(mine[other == 0].sum())
        if seen > 0:
            odds = r**total
            bounds = [s * seen - float(np.log1p(np.expm1(s * total) * odds).sum()) for s in TILTS / total.max()]
            found = max(found, *bounds)
    return found


def against(p: Any, q: Any, share: float) -> Any:
    """Half the likelihood ratio of counts p and q against a `share` of p."""
    total = np.add(p, q)
    return _times_log(p, total * share) + _times_log(q, total * (1 - share))


def _mixed(p: Any, q: Any) -> Any:
    middle = 0.5 * np.add(p, q)
    return 0.5 * (_times_log(p, middle) + _times_log(q, middle))


def _times_log(x: Any, y: Any) -> Any:
    return special.rel_entr(x, y)  # x·log(x/y), 0 for x = 0
