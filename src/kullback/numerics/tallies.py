"""Divergences of two rows of counts, with what sampling does to them.

Each measure is a sum Σ f(p, q) over cells, p = a/n and q = b/m. To second order in the errors of the shares its
plug-in has

    bias      ½ Σ f_pp·p(1 − p)/n + ½ Σ f_qq·q(1 − q)/m
    variance  that of the linear term Σ (f_p·δp + f_q·δq), plus that of the quadratic one,

and the quadratic term is what is left where P = Q. The interval inverts a scaled non-central χ² of that mean and that
variance, so that it holds at P = Q, far from it, and between.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kullback.numerics import kernel
from kullback.numerics.lazy import special
from kullback.numerics.terms import Array

MEASURES = ("forward", "reverse", "jensen_shannon", "jeffreys")
LARGE = 1e3  # above it the non-central χ² is taken by Sankaran's approximation, good to 1e-4 there


@dataclass(frozen=True, slots=True)
class Estimate:
    """A plug-in value with its bias, its standard error and its interval, in nats."""

    value: float
    bias: float
    error: float
    low: float
    high: float

    @property
    def corrected(self) -> float:
        return self.value - self.bias


def estimate(a: Array, b: Array, measure: str, level: float = 0.95) -> Estimate:
    """The measure of two rows of counts; ∞, without an error, where a zero makes it so."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if measure == "reverse":
        a, b, measure = b, a, "forward"
    seen = (a + b) > 0
    if measure == "forward":
        seen = a > 0
    p, q = a[seen] / a.sum(), b[seen] / b.sum()
    value = _value(a, b, measure)
    if math.isinf(value):
        return Estimate(math.inf, math.nan, math.nan, math.nan, math.nan)
    bias, linear, quadratic = _moments(p, q, float(a.sum()), float(b.sum()), measure)
    low, high = _interval(value, bias, linear, quadratic, level)
    at = max(value - bias, 0.0) / value if value > 0 else 0.0  # the linear variance grows with the divergence itself
    return Estimate(value, bias, math.sqrt(linear * at + quadratic), low, high)


def smoothed(a: Array, b: Array, measure: str, level: float = 0.95) -> Estimate:
    """The same after half a count is added to every cell that either side has: Jeffreys' prior."""
    seen = (np.asarray(a) + np.asarray(b)) > 0
    return estimate(np.asarray(a, dtype=float)[seen] + 0.5, np.asarray(b, dtype=float)[seen] + 0.5, measure, level)


def p_value(a: Array, b: Array) -> float:
    """P of a Pearson statistic as large by chance when both rows are draws of one distribution.

    Given the margins, the statistic's mean and variance are known exactly (Dawson 1954); a gamma variable with both
    stands for its distribution, which is χ² when the counts are large.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    seen = (a + b) > 0
    a, b = a[seen], b[seen]
    n, m = a.sum(), b.sum()
    total, cells = n + m, len(a)
    if cells < 2 or total < 4:
        return 1.0
    statistic = n * m / total * math.fsum((a / n - b / m) ** 2 / ((a + b) / total))
    mean = (cells - 1) * total / (total - 1)
    variance = _dawson(np.array([n, m]), a + b, total)
    if variance <= 0:
        return 1.0
    return float(special.gammaincc(mean * mean / variance, statistic * mean / variance))


def _dawson(rows: Array, columns: Array, total: float) -> float:
    def parts(margin: Array) -> tuple[float, float]:
        k = len(margin)
        v = (k - 1) * (total - k) / (total - 1)
        w = (math.fsum(total / margin) - k * k) / (total - 2)
        return v, w

    (v1, w1), (v2, w2) = parts(rows), parts(columns)
    return 2 * total / (total - 3) * (v1 - w1) * (v2 - w2) + total * total / (total - 1) * w1 * w2


def _value(a: Array, b: Array, measure: str) -> float:
    p, q = a / a.sum(), b / b.sum()
    if measure == "forward":
        return float(kernel.relative_entropy(p, q).value)
    if measure == "jeffreys":
        return float(kernel.relative_entropy(p, q).value + kernel.relative_entropy(q, p).value)
    return float(kernel.jensen_shannon(p, q))


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


def _interval(value: float, bias: float, linear: float, quadratic: float, level: float) -> tuple[float, float]:
    if quadratic <= 0 or bias <= 0:
        half = math.sqrt(linear) * float(special.ndtri(0.5 + level / 2))
        return max(value - bias - half, 0.0), max(value - bias + half, 0.0)
    freedom = 2 * bias * bias / quadratic
    slope = linear / value if value > 0 else 0.0  # the linear variance is proportional to the divergence near P = Q

    def above(truth: float) -> float:
        """P of a plug-in at most as large as the one seen, when the divergence is `truth`."""
        mean, variance = bias + truth, quadratic + slope * truth
        scale = (mean - math.sqrt(max(mean * mean - freedom * variance / 2, 0.0))) / freedom
        scale = max(scale, variance / (4 * mean))
        return _chi(value / scale, freedom, max(mean / scale - freedom, 0.0))

    tail = (1 - level) / 2
    top = value + 12 * math.sqrt(linear + quadratic)
    return _root(above, 1 - tail, top), _root(above, tail, top)


def _root(decreasing: Callable[[float], float], target: float, top: float) -> float:
    """Where a decreasing function of a non-negative number falls to the target; 0 if it starts below."""
    low, high = 0.0, top
    f, g = decreasing(low) - target, decreasing(high) - target
    if f <= 0:
        return 0.0
    for _ in range(100):  # regula falsi, by the Illinois rule
        x = high - g * (high - low) / (g - f) if g < f else 0.5 * (low + high)
        h = decreasing(x) - target
        if h > 0:
            low, f, g = x, h, 0.5 * g
        else:
            high, g, f = x, h, 0.5 * f
        if abs(h) < 1e-10 or high - low < 1e-9 * top:
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
