"""Divergences of two rows of counts, with what sampling does to them.

The value is the plug-in Σ f(p, q) over cells, p = a/n and q = b/m. What it is corrected to, and the interval, come from
cells that are taken together until both sides can tell of them (`gathered`). On these the Kullback-Leibler divergences
are estimated as Zhang and Grabchak (2014) do, whose bias dies exponentially, and Jensen-Shannon by its plug-in less the
bias. To second order in the errors of the shares the plug-in has

    bias      ½ Σ f_pp·p(1 − p)/n + ½ Σ f_qq·q(1 − q)/m
    variance  that of the linear term Σ (f_p·δp + f_q·δq), plus that of the quadratic one,

and the quadratic term is what is left where P = Q. The interval inverts a scaled non-central χ² of that mean and that
variance, so that it holds at P = Q, far from it, and between. Where a side has no row in a cell of the other, nothing
bounds the divergence from above, and the interval does not end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kullback.numerics import counts, kernel
from kullback.numerics.gathered import ENOUGH, Groups, added, gathered
from kullback.numerics.lazy import special
from kullback.numerics.terms import Array

MEASURES = ("forward", "reverse", "jensen_shannon", "jeffreys")
LARGE = 1e3  # above it the non-central χ² is taken by Sankaran's approximation, good to 1e-4 there


@dataclass(frozen=True, slots=True)
class Estimate:
    """A plug-in value, its standard error, the value less its bias, and an interval, in nats."""

    value: float
    error: float
    corrected: float
    low: float
    high: float


class Spread(NamedTuple):
    """How much larger the variances of the linear and of the quadratic term are than those of independent rows."""

    linear: float = 1.0
    quadratic: float = 1.0


INDEPENDENT = Spread()


def estimate(
    a: Array, b: Array, measure: str, groups: Groups | None = None, level: float = 0.95, spread: Spread = INDEPENDENT
) -> Estimate:
    """One measure of two rows of counts; `groups` says which cells are estimated together."""
    return estimates(a, b, groups, (measure,), level, {measure: spread})[measure]


def estimates(
    a: Array,
    b: Array,
    groups: Groups | None = None,
    measures: Sequence[str] = MEASURES,
    level: float = 0.95,
    spreads: Mapping[str, Spread] | None = None,
) -> dict[str, Estimate]:
    """The measures of two rows of counts, which share most of their work."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    seen = (a + b) > 0
    if not seen.all():
        a, b, groups = a[seen], b[seen], None if groups is None else _renumbered(groups[seen])
    groups = gathered(a, b) if groups is None else groups
    outside = (1 - level) / 2
    cells = Cells(a, b, outside, spreads)
    if groups.max() + 1 == len(a):
        return {name: _whole(cells, name) for name in measures}
    few = Cells(*added(a, b, groups), outside, spreads)
    lost = np.bincount(groups)[groups] > 1  # cells that are not alone in their group
    return {name: _lumped(cells, few, lost, name) for name in measures}


def _renumbered(groups: Groups) -> Groups:
    return np.asarray(np.unique(groups, return_inverse=True)[1].reshape(-1))


class Cells:
    """Two rows of counts without a cell that neither has, and what several measures need of them."""

    def __init__(self, a: Array, b: Array, outside: float, spreads: Mapping[str, Spread] | None = None) -> None:
        self.a, self.b, self.outside = a, b, outside  # what an interval leaves out at either end
        self.spreads = spreads or {}
        self.n, self.m = float(a.sum()), float(b.sum())
        self.gaps = bool((b == 0).any()), bool((a == 0).any())  # of Q, of P

    @cached_property
    def seen(self) -> tuple[Array, Array]:
        return self.a / self.n, self.b / self.m

    @cached_property
    def shares(self) -> tuple[Array, Array]:
        """The shares, or smoothed ones where one is zero."""
        p, q = (
            (x + 0.5) / (x.sum() + 0.5 * len(x)) if gap else x / x.sum()
            for x, gap in zip((self.a, self.b), reversed(self.gaps), strict=True)
        )
        return p, q

    @cached_property
    def settled(self) -> tuple[Array, Array]:
        """The shares, or those of both sides together where a count is small: to second order these say nothing."""
        few, pooled = np.minimum(self.a, self.b) < ENOUGH, (self.a + self.b) / (self.n + self.m)
        p, q = self.shares
        return (np.where(few, pooled, p), np.where(few, pooled, q)) if few.any() else (p, q)

    @cached_property
    def plug_in(self) -> dict[str, float]:
        x, y = self.seen
        pairs = {"forward": (x, y), "reverse": (y, x)}
        return {name: float(kernel.relative_entropy(*pair).value) for name, pair in pairs.items()}

    @cached_property
    def logs(self) -> dict[str, tuple[float, float, float]]:
        """Of either direction: Zhang and Grabchak's value, and what the variances of the logs are more."""
        (a, b), (p, q) = (self.a, self.b), self.shares
        return {"forward": _logs(a, b, p, q, self.outside), "reverse": _logs(b, a, q, p, self.outside)}

    @cached_property
    def jensen_shannon(self) -> float:
        p, q = self.seen
        mean = 0.5 * (p + q)
        return 0.5 * float(kernel.relative_entropy(p, mean).value + kernel.relative_entropy(q, mean).value)

    def value(self, measure: str) -> float:
        if measure == "jensen_shannon":
            return self.jensen_shannon
        return math.fsum(self.plug_in[d] for d in _DIRECTIONS[measure])


_DIRECTIONS = {"forward": ("forward",), "reverse": ("reverse",), "jeffreys": ("forward", "reverse")}


def _whole(cells: Cells, measure: str) -> Estimate:
    value = cells.value(measure)
    corrected, low, high, error = _corrected(cells, measure, endless=math.isinf(value))
    return Estimate(value, math.nan if math.isinf(value) else error, corrected, low, max(high, corrected))


def _lumped(cells: Cells, few: Cells, lost: NDArray[np.bool_], measure: str) -> Estimate:
    """The value of all cells, the estimate of those taken together, and an upper end that holds for all."""
    value = cells.value(measure)
    if math.isinf(value):
        corrected, low, high, _ = _corrected(few, measure, endless=True)
        return Estimate(value, math.nan, corrected, low, high)
    corrected, low, high, error = _corrected(few, measure)
    expected = (cells.a + cells.b) * min(cells.n, cells.m) / (cells.n + cells.m)  # of the smaller side
    if measure == "jensen_shannon":
        rare = expected < ENOUGH
        more = sum(_most(x[rare].sum(), cells.outside) / n for x, n in ((cells.a, cells.n), (cells.b, cells.m)))
        high = min(high + 0.5 * math.log(2) * more, math.log(2))
    elif len(few.a) == 1 or (expected < ENOUGH / 2).any():  # too few for a variance; what each can add at most
        of_p, of_q = (cells.a[lost], cells.n), (cells.b[lost], cells.m)
        sides = {"forward": (of_p, of_q), "reverse": (of_q, of_p)}
        high += math.fsum(_added(*sides[d], cells.outside) for d in _DIRECTIONS[measure])
        error = _corrected(cells, measure)[3]
    else:
        _, _, whole, error = _corrected(cells, measure)
        high = max(high, whole)
    return Estimate(value, error, corrected, low, max(high, corrected))


def _corrected(cells: Cells, measure: str, endless: bool = False) -> tuple[float, float, float, float]:
    """The value less its bias, the ends of its interval and its standard error."""
    n, m = cells.n, cells.m
    if len(cells.a) == 1:
        return 0.0, 0.0, math.inf if endless else 0.0, 0.0
    swapped = measure == "reverse"
    form = "forward" if swapped else measure
    (p, q), sizes = cells.shares, (m, n) if swapped else (n, m)
    bias, linear, quadratic = _moments(*((q, p) if swapped else (p, q)), *sizes, form)
    low = high = linear
    if measure == "jensen_shannon":
        value = cells.value(measure)
    else:
        x, y = cells.settled
        if x is not p:
            bias, _, quadratic = _moments(*((y, x) if swapped else (x, y)), *sizes, form)
        ways = [cells.logs[d] for d in _DIRECTIONS[measure]]
        value = bias + math.fsum(w[0] for w in ways)
        low, high = linear + math.fsum(w[1] for w in ways), linear + math.fsum(w[2] for w in ways)
    more = cells.spreads.get(measure, INDEPENDENT)
    low, high, quadratic = low * more.linear, high * more.linear, quadratic * more.quadratic
    corrected, seen = value - bias, max(value, 0.0)
    least = _end(seen, bias, max(low, 0.0), quadratic, 1 - cells.outside)
    most = math.inf if endless else _end(seen, bias, high, quadratic, cells.outside)
    at = max(corrected, 0.0) / value if value > 0 else 0.0  # the linear variance grows with the divergence itself
    return corrected, min(least, max(corrected, 0.0)), most, math.sqrt(high * at + quadratic)


def slopes(a: Array, b: Array, measure: str) -> tuple[Array, Array]:
    """How fast a measure changes with the share of each cell of P, and of Q."""
    p, q = Cells(a, b, 0.025).settled
    swapped = measure == "reverse"
    f, g = _DERIVATIVES["forward" if swapped else measure](*((q, p) if swapped else (p, q)))[:2]
    return (g, f) if swapped else (f, g)


def _logs(a: Array, b: Array, p: Array, q: Array, outside: float) -> tuple[float, float, float]:
    """The estimate by logs that are all but unbiased, and how much more their variances are than the delta method's.

    These are for the lower and for the upper end. For the upper it is the trigamma function. For the lower, counts are
    skewed: what a share can be at most or at least, by its count, tells how far the divergence can fall with it; a
    normal that falls as far has this variance.
    """
    n, m, z, there = a.sum(), b.sum(), float(special.ndtri(1 - outside)), a > 0
    of_b = counts.logs(b, 1.0)
    value, log_b = float(a @ (counts.logs(a) - of_b)) / n, of_b + special.psi(m + 1)
    apart, plain = (p - q) ** 2, 1 / (q * m)
    upper = apart * (special.zeta(2, b + 0.5) - plain)  # ψ₁(x) = ζ(2, x)
    far = (np.log(_most(b, outside)) - log_b) / z
    of_q = np.where(p > q, apart * (far * far - plain), 0.0)
    log_p, log_q = np.log(p), np.log(q)
    level = log_q + float(p @ (log_p - log_q))  # the share at which the divergence no longer falls
    least = np.where(there, special.gammaincinv(np.maximum(a, 1), outside), 0.0) / n
    lowest = np.minimum(np.maximum(np.exp(level), least), _most(a, outside) / n)
    fall = (p * (log_p - level) - p) - (lowest * (np.log(lowest) - level) - lowest)
    of_p = np.maximum((fall / z) ** 2 - (log_p - level) ** 2 * p / n, 0.0)
    return value, float(of_q.sum() + of_p.sum()), float(upper.sum())


def _added(one: tuple[Array, float], other: tuple[Array, float], outside: float) -> float:
    """Σ p·log(p/q) at most, by what the shares of these cells can be, which both sides have."""
    (a, n), (b, m) = one, other
    p, q = _most(a, outside) / n, special.gammaincinv(b, outside) / m
    there = (a > 0) & (p > q)
    return math.fsum(p[there] * np.log(p[there] / q[there]))


def _most(count: Any, outside: float) -> Any:
    """What a count's mean can be at most."""
    return special.gammaincinv(count + 1, 1 - outside)


def _moments(p: Array, q: Array, n: float, m: float, measure: str) -> tuple[float, float, float]:
    """Bias, variance of the linear term, variance of the quadratic term."""
    g_p, g_q, h_p, h_q, h_x = _DERIVATIVES[measure](p, q)
    bias = 0.5 * (math.fsum(h_p * (1 - p)) / n + math.fsum(h_q * (1 - q)) / m)
    linear = _variance(g_p, p) / n + _variance(g_q, q) / m
    both = np.sqrt(p * q)
    cross = math.fsum(h_x**2 * ((1 - p) * (1 - q) - p * q)) + math.fsum(h_x * both) ** 2
    quadratic = 0.5 * _trace(h_p, p) / n**2 + 0.5 * _trace(h_q, q) / m**2 + cross / (n * m)
    return bias, max(linear, 0.0), max(quadratic, 0.0)


def _variance(g: Array, p: Array) -> float:
    mean = math.fsum(p * g) / math.fsum(p) if len(p) else 0.0
    return math.fsum(p * (g - mean) ** 2) + (1 - math.fsum(p)) * mean**2


def _trace(h: Array, p: Array) -> float:
    """tr (HΣ)² for H = diag(h/p), Σ = diag(p) − pp′."""
    return math.fsum(h * h * (1 - 2 * p)) + math.fsum(h * p) ** 2


Derivatives = tuple[Array, Array, Array, Array, Array]


def _forward(p: Array, q: Array) -> Derivatives:
    """f = p·log(p/q): f_p, f_q, f_pp·p, f_qq·q, f_pq·√(pq)."""
    return np.log(p / q) + 1, -p / q, np.ones_like(p), p / q, -np.sqrt(p / q)


def _jeffreys(p: Array, q: Array) -> Derivatives:
    log = np.log(p / q)
    x, y = p / q, q / p
    return log + 1 - y, 1 - log - x, 1 + y, 1 + x, -(np.sqrt(x) + np.sqrt(y))


def _jensen_shannon(p: Array, q: Array) -> Derivatives:
    s = p + q
    with np.errstate(divide="ignore"):  # a share of zero has weight zero
        g_p, g_q = (np.where(x > 0, 0.5 * np.log(2 * x / s), 0.0) for x in (p, q))
    return g_p, g_q, 0.5 * q / s * (p > 0), 0.5 * p / s * (q > 0), -0.5 * np.sqrt(p * q) / s


_DERIVATIVES: dict[str, Callable[[Array, Array], Derivatives]] = {
    "forward": _forward,
    "jeffreys": _jeffreys,
    "jensen_shannon": _jensen_shannon,
}


def _end(value: float, bias: float, linear: float, quadratic: float, target: float) -> float:
    """The divergence at which a plug-in value at most as large as the one seen has the probability `target`."""
    if quadratic <= 0 or bias <= 0:
        return max(value - bias - math.sqrt(linear) * float(special.ndtri(target)), 0.0)
    freedom = 2 * bias * bias / quadratic
    slope = linear / value if value > 0 else 0.0  # the linear variance is proportional to the divergence near P = Q

    def above(truth: float) -> float:
        mean, variance = bias + truth, quadratic + slope * truth
        scale = (mean - math.sqrt(max(mean * mean - freedom * variance / 2, 0.0))) / freedom
        scale = max(scale, variance / (4 * mean))
        return _chi(value / scale, freedom, max(mean / scale - freedom, 0.0))

    spread = math.sqrt(linear + quadratic)
    return _root(above, target, value - bias - spread * float(special.ndtri(target)), value + 12 * spread)


def _root(decreasing: Callable[[float], float], target: float, guess: float, top: float) -> float:
    """Where a decreasing function of a non-negative number falls to the target; 0 if it starts below."""
    low = 0.0
    f = decreasing(low) - target
    if f <= 0:
        return 0.0
    high, g = top, -target
    for x in (0.9 * guess, 1.1 * guess):  # it is near the guess, nearly always
        if low < x < high:
            h = decreasing(x) - target
            low, f, high, g = (x, h, high, g) if h > 0 else (low, f, x, h)
    if high == top:
        g = decreasing(top) - target
    for _ in range(100):  # regula falsi, by the Illinois rule
        x = high - g * (high - low) / (g - f) if g < f else 0.5 * (low + high)
        h = decreasing(x) - target
        if h > 0:
            low, f, g = x, h, 0.5 * g
        else:
            high, g, f = x, h, 0.5 * f
        if abs(h) < 1e-7 or high - low < 1e-9 * top:
            return x
    return 0.5 * (low + high)


def _chi(x: float, freedom: float, shift: float) -> float:
    """P of a non-central χ² at most x."""
    if x <= 0:
        return 0.0
    if shift < 1e-9:
        return float(special.gammainc(freedom / 2, x / 2))
    if max(shift, freedom, x) < LARGE:
        return float(special.chndtr(x, freedom, shift))
    total = freedom + shift
    h = 1 - 2 / 3 * total * (freedom + 3 * shift) / (freedom + 2 * shift) ** 2
    p = (freedom + 2 * shift) / total**2
    m = (h - 1) * (1 - 3 * h)
    z = (x / total) ** h - (1 + h * p * (h - 1 - 0.5 * (2 - h) * m * p))
    return float(special.ndtr(z / (h * math.sqrt(2 * p) * (1 + 0.5 * m * p))))
