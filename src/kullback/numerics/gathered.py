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

from kullback.numerics.terms import Array

ENOUGH = 5.0  # rows expected of the smaller side
CHANCE = 12.5  # −log of the probability below which a parting is no chance
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

    The best cut in two, and so on with either part. `n` and `m` are the rows of the whole tables. That all of a side's
    rows lie on one side of a cut has a probability of at most e^(−G²/2), G² being the cut's likelihood ratio.
    """
    found: list[int] = []
    sums = [np.concatenate([[0.0], np.cumsum(x)]) for x in (a, b)]
    todo = [(0, len(a))]
    while todo:
        start, end = todo.pop()
        if end - start < 2:
            continue
        (left, right, whole), (left_q, right_q, whole_q) = (
            (s[start + 1 : end] - s[start], s[end] - s[start + 1 : end], s[end] - s[start]) for s in sums
        )
        if not (whole and whole_q):
            continue
        share = whole / (whole + whole_q)
        chance = _against(left, left_q, share) + _against(right, right_q, share)
        gain = _mixed(left / n, left_q / m) + _mixed(right / n, right_q / m) - _mixed(whole / n, whole_q / m)
        best = int(np.argmax(np.where(gain > GAIN, chance, -math.inf)))
        if gain[best] > GAIN and chance[best] > CHANCE:
            cut = start + 1 + best
            found.append(cut)
            todo += [(start, cut), (cut, end)]
    return sorted(found)


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
    p, q = a[rare], b[rare]
    each, whole = math.fsum(_against(p, q, share)), float(_against(p.sum(), q.sum(), share))
    # a table of such margins has at most Π(c + 1) forms, none more probable than e^−(its likelihood ratio)
    if each - whole - math.fsum(np.log1p(np.minimum(p + q, min(n, m)))) > CHANCE:
        for part in (rare[q == 0], rare[p == 0], rare[(p > 0) & (q > 0)]):
            groups[part] = part[:1]
        return groups
    apart = whole + float(_against(n - p.sum(), m - q.sum(), share)) > CHANCE
    if not apart and (p + q).sum() < need:  # too few even together
        rare = order[: len(rare) + 1]
    groups[rare] = rare[0]
    return groups


def _against(p: Any, q: Any, share: float) -> Any:
    """Half the likelihood ratio of counts p and q against a `share` of p."""
    total = np.add(p, q)
    return _times_log(p, total * share) + _times_log(q, total * (1 - share))


def _mixed(p: Any, q: Any) -> Any:
    middle = 0.5 * np.add(p, q)
    return 0.5 * (_times_log(p, middle) + _times_log(q, middle))


def _times_log(x: Any, y: Any) -> Any:
    x = np.asarray(x, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x > 0, x * np.log(x / y), 0.0)
