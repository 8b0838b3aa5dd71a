"""Log masses on the integers to full precision, by deviances (Loader 2000).

A difference of log gammas of size k·log k would lose the digits that these forms keep. A mass is a product of factors
n! = n^n·e^(c(n) − n); their powers meet in deviances x·log(x/m) + m − x of the counts x from what is expected of them,
m, and m − x comes from the parameters themselves, as a difference of products in twice the working precision.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kullback.numerics.lazy import special
from kullback.numerics.sums import two_product, two_sum
from kullback.numerics.terms import excess

Array = NDArray[Any]  # of floats

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def stirling(x: Any) -> Any:
    """Stirling's series of log Γ(x) − ((x − ½)·log x − x + ½·log 2π), for x from 16 up."""
    z = (1 / x) * (1 / x)
    return (1 / 12 - z * (1 / 360 - z * (1 / 1260 - z * (1 / 1680 - z / 1188)))) / x


def log_gamma_step(x: float, step: float) -> float:
    """log Γ(x + step) − log Γ(x), without what the two share when both are large."""
    if min(x, x + step) < 16:
        return float(special.gammaln(x + step) - special.gammaln(x))
    shared = (x + step - 0.5) * math.log1p(step / x) + step * math.log(x) - step
    return float(stirling(x + step) - stirling(x) + shared)


def digamma_step(x: float, step: float) -> float:
    """ψ(x + step) − ψ(x) for a step of at least 0, without what the two share when both are large."""
    y = x + step
    if x < 32:
        return float(special.digamma(y) - special.digamma(x))
    a, b = 1 / (x * x), 1 / (y * y)
    less = step / (x * y)  # 1/x − 1/y
    apart = less * (1 / x + 1 / y)  # a − b
    series = 1 / 12 - (a + b) / 120 + (a * a + a * b + b * b) / 252 - (a + b) * (a * a + b * b) / 240
    return math.log1p(step / x) + 0.5 * less + apart * series


def log_gamma_steps(x: Array, step: float) -> Array:
    """log Γ(x + step) − log Γ(x) for an array of x."""
    big = np.maximum(x, 16.0 + max(-step, 0.0))
    shared = (big + step - 0.5) * np.log1p(step / big) + step * np.log(big) - step
    far = stirling(big + step) - stirling(big) + shared
    near = np.minimum(x, 16.0 + max(-step, 0.0))
    return np.where(x < big, special.gammaln(near + step) - special.gammaln(near), far)


def log_beta(a: float, b: float) -> float:
    """log of the beta function, to a few units in the last place also where both are large."""
    small, large = min(a, b), max(a, b)
    if small < 16:
        return float(special.gammaln(small)) - log_gamma_step(large, small)
    whole = a + b
    powers = (small - 0.5) * math.log(small / whole) + (large - 0.5) * math.log1p(-small / whole)
    powers -= 0.5 * math.log(whole)
    return float(stirling(a) + stirling(b) - stirling(whole)) + _HALF_LOG_2PI + powers


def of_factorial(x: Any) -> Any:
    """c(x) = log Γ(x + 1) − (x·log x − x) for x ≥ 0."""
    x = np.asarray(x, dtype=np.float64)
    large, small = np.maximum(x, 16.0), np.minimum(x, 16.0)
    far = stirling(large) + 0.5 * np.log(large) + _HALF_LOG_2PI
    return np.where(x < 16, special.gammaln(small + 1) - special.xlogy(small, small) + small, far)


def deviance_of(x: Array, mean: Array | float, step: Array | None = None) -> Array:
    """x·log(x/mean) + mean − x for x ≥ 0; `step` is mean − x, where it is better known than by subtraction."""
    step = mean - x if step is None else step
    safe = np.where(x > 0, x, 1.0)
    e = step / safe
    near = np.abs(e) < 0.5
    with np.errstate(divide="ignore", invalid="ignore"):
        far = x * np.log(safe / np.where(x > 0, mean, 1.0)) + step
    return np.where(x > 0, np.where(near, safe * excess(np.where(near, e, 0.0)), far), step)


def difference(*products: tuple[Any, Any]) -> Array:
    """Σ a·b over the pairs (a, b), rounded about once."""
    high, low = np.zeros(()), np.zeros(())
    for a, b in products:
        product, lost = two_product(np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64))
        high, more = two_sum(high, product)
        low = low + (lost + more)
    return np.asarray(high + low)


def complement(p: float) -> tuple[float, float]:
    """1 − p as high + low, exactly."""
    high, low = two_sum(np.float64(1.0), np.float64(-p))  # type: ignore[arg-type]
    return float(high), float(low)


def quotient(a: float, high: float, low: float) -> tuple[float, float]:
    """a/(high + low) as high + low."""
    q = a / high
    product, lost = two_product(np.float64(q), np.float64(high))  # type: ignore[arg-type]
    return q, float(((a - product) - lost - q * low) / high)


def poisson(k: Array, rate: float) -> Array:
    """log of the Poisson mass at whole k ≥ 0."""
    return np.asarray(-of_factorial(k) - deviance_of(k, rate))


def binomial(k: Array, n: int, p: float) -> Array:
    """log of the binomial mass at whole k in [0, n], for 0 < p < 1."""
    step = difference((n, p), (-1.0, k))
    choose = of_factorial(n) - of_factorial(k) - of_factorial(n - k)
    return np.asarray(choose - deviance_of(k, n * p, step) - deviance_of(n - k, n * (1 - p), -step))


def negative_binomial(k: Array, r: float, p: tuple[float, float], rest: tuple[float, float]) -> Array:
    """log of Γ(k + r)/(Γ(r) k!)·(1 − p)^r·p^k at whole k ≥ 0; p and rest = 1 − p as high + low."""
    n = k + r
    step = difference((r, p[0]), (r, p[1]), (-k, rest[0]), (-k, rest[1]))  # n·p − k
    choose = of_factorial(n) - of_factorial(k) - of_factorial(r) + np.log(r / n)
    return np.asarray(
        choose - deviance_of(k, n * p[0], step) - deviance_of(np.full_like(k, r, dtype=np.float64), n * rest[0], -step)
    )


def polya(x: Array, y: Array, a: float, b: float) -> Array:
    """log of (x + y choose x)·B(x + a, y + b)/B(a, b), for x, y ≥ 0: beta-binomial at x of x + y."""
    n, rise, whole = x + y, a + b, x + y + a + b
    step = difference((a, y), (-b, x)) / whole
    choose = of_factorial(n) - of_factorial(x) - of_factorial(y)
    ratio = of_factorial(x + a) + of_factorial(y + b) - of_factorial(whole) - np.log((x + a) / whole) - np.log(y + b)
    own = of_factorial(a) + of_factorial(b) - of_factorial(rise) - math.log(a / rise) - math.log(b)
    share, other = (x + a) / whole, (y + b) / whole
    far = deviance_of(x, n * share, step) + deviance_of(y, n * other, -step)
    near = deviance_of(np.full(whole.shape, a), rise * share, -step) + deviance_of(
        np.full(whole.shape, b), rise * other, step
    )
    return np.asarray(choose + ratio - own - far - near)


def hypergeometric(k: Array, total: float, marked: float, drawn: Array) -> Array:
    """log of the mass of k marked among `drawn` of `total`, of which `marked` are."""
    drawn = np.broadcast_to(np.asarray(drawn, dtype=np.float64), k.shape)
    step = difference((marked, drawn), (-k, total)) / total
    cells = (
        (k, marked * (drawn / total), step),
        (marked - k, marked * ((total - drawn) / total), -step),
        (drawn - k, (total - marked) * (drawn / total), -step),
        (total - marked - drawn + k, (total - marked) * ((total - drawn) / total), step),
    )
    margins = (marked, total - marked, drawn, total - drawn)
    found = sum(of_factorial(m) for m in margins) - of_factorial(total)
    return np.asarray(found - sum(of_factorial(x) + deviance_of(x, m, d) for x, m, d in cells))
