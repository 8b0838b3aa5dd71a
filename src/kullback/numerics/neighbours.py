"""Divergences and densities from distances to the nearest draws, in nats; x and y of shape (n, d) and (m, d).

Wang, Kulkarni and Verdú, Divergence estimation for multidimensional densities via k-nearest-neighbor distances, IEEE
Transactions on Information Theory 55 (2009); Pérez-Cruz, Kullback-Leibler divergence estimation of continuous
distributions, ISIT 2008.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kullback.numerics.knn import Finder, finder
from kullback.numerics.lazy import special

Array = NDArray[Any]

FREE, COSTLY = 64, 20_000  # neighbours always counted in a ball; draws beyond which longer lists take too long
WIDER = 4  # times k, for a second look: a bias of k^(1/d) shows in the difference
TOO_LOW, CLEARLY = 0.5, 2.0  # of the error; the second in more than one dimension, where the bias is noisier
ENDS, PRIOR, REACHED = (8, 40), 3.0, 10.0  # Q's last draws; how many more that say nothing; balls of one draw
LOOKED_AT = 2_000  # points at which the bias is looked for


class Found(NamedTuple):
    """A mean over draws, its standard deviation, how much the method itself may be off by its own lights, and its k.

    `lost` is what balls lose beyond the other side's last draws: it has been added, and the error holds half of it. It
    may well be as much as `doubt`.
    """

    value: float
    error: float
    bias: float
    k: int
    lost: float = 0.0
    doubt: float = 0.0


def two_samples(x: Array, y: Array, k: int | None = None, *, seed: int = 0) -> Found:
    """Wang et al.'s eq. 29: balls that hold at least k draws of either side, and a digamma for each count.

    Without k it is `default_k`, and a quarter of that where the value seems too small for want of Q's draws.
    """
    n, d = x.shape
    of_x, of_y = finder(x), finder(y)
    if k is not None:
        return _with_k(of_x, of_y, x, k, seed)
    first = min(default_k(min(n, len(y)), d), n - 1)
    found, (lost, doubt) = _with_k(of_x, of_y, x, first, seed), beyond(x, y, first)
    if (
        first > 1
        and (d == 1 or n <= COSTLY)
        and found.bias - 2 * lost < -(TOO_LOW if d == 1 else CLEARLY) * found.error
    ):
        first = max(1, first // 4)
        found, (lost, doubt) = _with_k(of_x, of_y, x, first, seed), beyond(x, y, first)
    return found._replace(value=found.value + lost, error=math.hypot(found.error, 0.5 * lost), lost=lost, doubt=doubt)


def beyond(x: Array, y: Array, k: int) -> tuple[float, float]:
    """What balls of k draws lose on the line where Q's draws end and P's go on, and what it may well be.

    Near such an end let Q's share beyond a point be a power a > 1 of P's, as at the ends of beta and gamma densities
    and, slowly changing, in tails. Then log p/q grows by a − 1 for each e-fold of P's share u, whose mean over what
    lies beyond Q's last draw is u·(a − 1). Balls of k lose it from Q's k/10-th draw on: measured. a is Hill's estimate
    from how many P's lie beyond each of Q's last draws, held towards 1 by a few that say nothing; one standard error
    more, and no ball beyond, is the doubt.
    """
    if x.shape[1] > 1:
        return 0.0, 0.0
    lost, doubt, n, most = 0.0, 0.0, len(x), int(min(max(len(y) ** 0.5, ENDS[0]), ENDS[1], len(y) - 1))
    for side in (1, -1):
        ends = np.sort(np.partition(side * y[:, 0], most)[:most])
        mine = side * x[:, 0]
        counts = np.searchsorted(np.sort(mine[mine < ends[-1]]), ends)
        if counts[0] > 0 and most > 1:
            steps = np.log(counts[-1] / counts[:-1])
            power = (len(steps) + PRIOR) / (float(steps.sum()) + PRIOR)
            share = counts[0] / n
            lost += max(power - 1, 0.0) * share * (k / REACHED) ** (1 / power)
            doubt += max(power * (1 + most**-0.5) - 1, 0.0) * share
    return lost, doubt


def _with_k(of_x: Finder, of_y: Finder, x: Array, k: int, seed: int) -> Found:
    n, d = x.shape
    m = of_y.n
    terms, ratio, _ = _terms(of_x, of_y, x, d, k)
    variance = float(np.var(terms)) / n + max(float(np.mean(ratio)) - 1, 0.0) / m
    variance += noise(k) * (1 / n + 1 / m)
    double = min(WIDER * k, n - 1, m)
    if double == k:
        return Found(float(terms.mean()), variance**0.5, math.inf, k)
    some = np.arange(n) if n <= LOOKED_AT else np.random.default_rng([seed, 7]).choice(n, LOOKED_AT, replace=False)
    wider, _, _ = _terms(of_x, of_y, x[some], d, double, own=False)
    bias = float((wider - terms[some]).mean()) / ((double / k) ** (1 / d) - 1)
    return Found(float(terms.mean()), variance**0.5, bias, k)


def fixed(x: Array, y: Array, k: int) -> float:
    """Their eq. 5: the same k on both sides."""
    n, d = x.shape
    rho, nu = finder(x).search(x, k, own=True).kth, finder(y).search(x, k).kth
    return float(d * np.log(nu / rho).mean() + math.log(len(y) / (n - 1)))


def log_density(y: Array, x: Array, k: int, *, own: bool = False) -> Array:
    """log of y's density at x, with the digamma that makes it nearly unbiased; own=True leaves each point out."""
    m, d = y.shape
    ball = 0.5 * d * math.log(math.pi) - math.lgamma(0.5 * d + 1)
    r = finder(y).search(x, k, own=own).kth
    return np.asarray(special.digamma(k) - special.digamma(m) - ball - d * np.log(r))


def noise(k: int) -> float:
    """The variance of log distance to the k-th, times d²; balls overlap, so that it counts once more in a mean."""
    return float(special.polygamma(1, k))


def default_k(n: int, d: int) -> int:
    """n^(1/(d+2)), beyond the line at most 8, and 3 of very many draws: what trades bias, noise and time well here."""
    return max(1, min(round(n ** (1 / (d + 2))), 64 if d == 1 else 8 if n <= COSTLY else 3))


def jensen_shannon(x: Array, y: Array) -> float:
    """½E_P log(p/m) + ½E_Q log(q/m), m the mean of both: a function of each log ratio, freed of what its noise adds."""
    of_x, of_y, total = finder(x), finder(y), 0.0
    k = min(default_k(min(len(x), len(y)), x.shape[1]), len(x) - 1, len(y) - 1)
    for mine, theirs, points in ((of_x, of_y, x), (of_y, of_x, y)):
        terms, _, noisy = _terms(mine, theirs, points, x.shape[1], k)
        share = special.expit(terms)
        total += 0.5 * float((math.log(2) + special.log_expit(terms) + 0.5 * share * (1 - share) * noisy).mean())
    return min(max(total, 0.0), math.log(2))


def _terms(of_x: Finder, of_y: Finder, x: Array, d: int, k: int, *, own: bool = True) -> tuple[Array, Array, Array]:
    """A term for each x, the ratio of the densities and the term's variance there. With own=False some x in any order.

    Of a ball that holds more than `most` draws of one side, the `most` nearest stand for it (their eq. 17).
    """
    among_x = of_x.search(x, k, own=True) if own else of_x.search(x, k + 1)
    among_y = of_y.search(x, k)
    rho, nu = among_x.kth.copy(), among_y.kth.copy()
    most = max(FREE, 8 * k) if d == 1 or of_x.n <= COSTLY else 2 * k
    inner, outer = np.full(len(x), k), np.full(len(x), k)
    wide = nu > rho  # Q's draws lie farther: how many of P's are as near?
    near = rho > nu
    inner[wide], rho[wide] = among_x.within(wide, nu[wide], most + (not own))
    inner[wide] -= not own
    outer[near], nu[near] = among_y.within(near, rho[near], most)
    scale = of_y.n / (of_x.n - 1)
    farther = d * (np.log(nu) - np.log(rho))  # their ratio may leave the doubles
    terms = farther + special.digamma(inner) - special.digamma(outer) + math.log(scale)
    return terms, scale * (inner / outer) * np.exp(farther), 1 / inner + 1 / outer
