"""The terms of a relative entropy and their sums, in NumPy: every sum in twice the working precision.

A term is p·log(p/q) − p + q ≥ 0. With k and q' = 2^k q such that 1/2 < p/q' < 2, s = (p − q')/(p + q') and
z = s², log(p/q) = k·log 2 + 2s + s·z·tail(z), so that the term is

    s·(p − q') + p·s·z·tail(z) + (p·k·log 2 − (q' − q)),

where p ≈ q loses nothing. k is log₂(p/q) rounded towards zero: with k = 0 up to a factor of 2, the parts of
the last bracket, which cancel, stay below six times the term.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# (log((1+s)/(1−s)) − 2s)/s³ in z = s², at odd Chebyshev nodes of |s| ≤ 1/3: within 3e-17 of a term.
TAIL = (
    0.6666666666666666,
    0.40000000000014585,
    0.2857142856710876,
    0.22222222717427864,
    0.18181789436132859,
    0.15385570064958623,
    0.13314144209654935,
    0.12001072809590713,
    0.08800738486144674,
    0.1616404561194353,
)
LN2 = math.log(2.0)
TINY = 2.0**-1022  # the least normal number
_FRACTION = 2**52 - 1
_SPLIT = 2.0**27 + 1.0


class Scale(NamedTuple):
    """The factor (high + low)·2^exponent for q, one a row, each of shape (rows, 1)."""

    high: Floats
    low: Floats
    exponent: Ints

    def rows(self, chosen: Ints) -> Scale:
        return Scale(self.high[chosen], self.low[chosen], self.exponent[chosen])


def two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """a + b rounded, and what the rounding lost, exactly (Knuth)."""
    s = a + b
    c = s - a
    return s, (a - (s - c)) + (b - c)


def two_product(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """a·b rounded, and what the rounding lost, exactly (Dekker)."""
    product = a * b
    t = _SPLIT * a
    a1 = t - (t - a)
    a2 = a - a1
    t = _SPLIT * b
    b1 = t - (t - b)
    b2 = b - b1
    return product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2


def are_weights(x: Floats) -> bool:
    """Whether every entry is finite and not negative."""
    return bool(x.min() >= 0.0 and x.max() < math.inf)


def total(x: Floats) -> tuple[Floats, Floats]:
    """The sums along the last axis as high + low, good to about 2⁻¹⁰² of Σ|x|."""
    high, low = x, None
    for n in _halvings(int(x.shape[-1])):
        half = n // 2
        s, e = two_sum(high[..., :half], high[..., half : 2 * half])
        if low is not None:
            e += low[..., :half]
            e += low[..., half : 2 * half]
        if n % 2:
            s[..., 0], lost = two_sum(s[..., 0], high[..., -1])
            e[..., 0] += lost if low is None else lost + low[..., -1]
        high, low = s, e
    return two_sum(high[..., 0], np.zeros(x.shape[:-1]) if low is None else low[..., 0])


def _halvings(n: int) -> Iterator[int]:
    while n > 1:
        yield n
        n //= 2


def tail(z: Floats) -> Floats:
    """(log((1+s)/(1−s)) − 2s)/s³ for z = s² ≤ 1/9."""
    c = TAIL
    y = z * z
    w = y * y
    pairs = [c[i + 1] * z for i in range(0, 10, 2)]
    for i, pair in enumerate(pairs):
        pair += c[2 * i]
    pairs[1] *= y
    pairs[0] += pairs[1]
    pairs[3] *= y
    pairs[2] += pairs[3]
    pairs[4] *= w
    pairs[2] += pairs[4]
    pairs[2] *= w
    pairs[0] += pairs[2]
    return pairs[0]


def excess(delta: Floats, ratio: Floats) -> Floats:
    """delta − log(ratio) without cancellation; ratio is 1 + delta, better known than delta near −1 tells."""
    s = delta / (2.0 + delta)
    near = np.abs(s) < 1 / 3
    z = np.where(near, s * s, 0.0)
    return np.where(near, delta * s - s * z * tail(z), delta - np.log(ratio))


def first(p: Floats, q: Floats) -> Floats:
    """Per row Σ terms, Σ(q−p), Σp, Σq (high and low each); the mass of p where q = 0, its largest entry, and where.

    Entries are finite and non-negative. Terms with q = 0 < p are left out of the sum.
    """
    out = np.zeros((p.shape[0], 11))
    out[:, 10] = -1.0
    with np.errstate(all="ignore"):
        k = _rounded_log2(_bits(p) - _bits(q))
        near = _float(_bits(q) + (k << 52))
        terms = _term(p, near, p - near, k, q)
        if not (p.min() >= TINY and q.min() >= TINY):
            _mend(terms, p, q, p - q, q, 0.0)
            gap = (q == 0.0) & (p > 0.0)
            if gap.any():
                terms[gap] = 0.0
                missed = np.where(gap, p, 0.0)
                out[:, 8] = total(missed)[0]
                out[:, 9] = missed.max(axis=-1)
                out[:, 10] = np.where(gap.any(axis=-1), missed.argmax(axis=-1), -1)
        high, low = total(np.stack((terms, p, q)))
        out[:, 0], out[:, 4], out[:, 6] = high
        out[:, 1], out[:, 5], out[:, 7] = low
        out[:, 2] = (high[2] - high[1]) + (low[2] - low[1])
    return out


def second(p: Floats, q: Floats, scale: Scale) -> Floats:
    """Per row Σ terms of p against c·q and Σ(c·q − p), high and low each; c·q carries twice the precision."""
    out = np.empty((p.shape[0], 4))
    with np.errstate(all="ignore"):
        u, e, cq = _scaled(q, scale)
        k = _rounded_log2(_bits(p) - _bits(u) - (scale.exponent << 52))
        near = _float(_bits(u) + ((k + scale.exponent) << 52))
        terms = _term(p, near, (p - near) - e * _float((np.clip(k, -1023, 1022) + 1023) << 52), k, cq)
        difference = (cq - p) + e
        if not (p.min() >= TINY and q.min() >= TINY):
            log_c = np.log(scale.high) + scale.exponent * LN2
            _mend(terms, p, q, -difference, cq, log_c)
        high, low = total(np.stack((terms, difference)))
        out[:, 0::2], out[:, 1::2] = high.T, low.T
    return out


def entropy(p: Floats, same: Floats, scale: Scale) -> Floats:
    """Per row Σ −p·log(p/c), high and low, where c = high + low of the scale is the sum of p."""
    with np.errstate(all="ignore"):
        share = p / scale.high
        log = np.log(share)
        row, column = np.nonzero(share > 0.5)  # near 1: 1 − share from the sum, not from the rounded share
        whole = scale.high[row, 0]
        log[row, column] = np.log1p(-((whole - p[row, column]) + scale.low[row, 0]) / whole)
        return np.stack(total(np.where(share > 0.0, -p * log, share)), axis=-1)


def jensen(p: Floats, q: Floats, scale: Scale) -> Floats:
    """Per row ½Σ (a + b)·h((a − b)/(a + b)), high and low, for a = p and b = c·q.

    h(s) = (1+s)log(1+s) + (1−s)log(1−s); a summand is what a and b have against their mean.
    """
    with np.errstate(all="ignore"):
        _, e, cq = _scaled(q, scale)
        weight = p + cq
        s = np.where(weight > 0.0, ((p - cq) - e) / weight, 0.0)
        z = s * s
        h = 2.0 * z + z * z * tail(z) + np.log1p(-z)  # 2s·atanh(s) + log(1 − s²), in the same series
        far = np.abs(s) >= 1 / 3
        a, b = 1.0 + s[far], 1.0 - s[far]
        h[far] = np.where(a > 0.0, a * np.log(a), 0.0) + np.where(b > 0.0, b * np.log(b), 0.0)
        return np.stack(total(0.5 * weight * h), axis=-1)


def ratio(p: Floats, p_low: Floats, q: Floats, q_low: Floats) -> Scale:
    """(p + p_low)/(q + q_low) in twice the working precision, as a Scale."""
    pm, pe = np.frexp(p)
    qm, qe = np.frexp(q)
    high = pm / qm
    product, lost = two_product(high, qm)
    rest = ((pm - product) - lost) + (np.ldexp(p_low, -pe) - high * np.ldexp(q_low, -qe))
    small = high < 1.0  # keep high in [1, 2), so that high·q stays normal
    factor = np.where(small, 2.0, 1.0)
    exponent = pe.astype(np.int64) - qe - small
    return Scale((factor * high)[:, None], (factor * (rest / qm))[:, None], exponent[:, None])


def as_float(n: int) -> float:
    """An integer in units of 2⁻¹⁰⁷⁴, rounded once."""
    try:
        return n / 2**1074
    except OverflowError:
        return math.inf


def integers(x: Iterable[float]) -> Iterator[int]:
    """Finite floats in units of 2⁻¹⁰⁷⁴, exactly."""
    for value in x:
        numerator, denominator = value.as_integer_ratio()
        yield numerator << (1075 - denominator.bit_length())


def exact(p: Iterable[float], q: Iterable[float], sum_p: int, sum_q: int) -> Iterator[tuple[float, float]]:
    """p/Σp and the term of each normalised entry, in integer arithmetic as far as may be. Slow."""
    whole = sum_p * sum_q
    for m, n in zip(integers(p), integers(q), strict=True):
        a, b = m * sum_q, n * sum_p
        share, difference = a / whole, (a - b) / whole
        if not (a and b):
            yield share, math.inf if a else -difference
        elif abs(s := (a - b) / (a + b)) < 1 / 3:
            yield share, s * difference + (share * s) * (s * s * tail_of_one(s * s))
        else:
            shift = a.bit_length() - b.bit_length()
            log = math.log(a / (b << shift) if shift > 0 else (a << -shift) / b) + shift * LN2
            yield share, share * log - difference


def tail_of_one(z: float) -> float:
    """`tail` of one number, the same bits."""
    c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 = TAIL
    y = z * z
    w = y * y
    return ((c0 + c1 * z) + (c2 + c3 * z) * y) + (((c4 + c5 * z) + (c6 + c7 * z) * y) + (c8 + c9 * z) * w) * w


def _term(p: Floats, near: Floats, d: Floats, k: Ints, q: Floats) -> Floats:
    """The term, for near = 2^k q and d = p − near."""
    s = d / (p + near)
    z = s * s
    r = tail(z)
    r *= z
    r *= p * s
    s *= d
    s += r
    s += p * (k * LN2) - (near - q)
    return s


def _mend(terms: Floats, p: Floats, q: Floats, d: Floats, cq: Floats, log_c: Floats | float) -> None:
    """Rewrite the terms that bit patterns do not serve: zeros, and subnormal numbers."""
    zero = p == 0.0
    np.copyto(terms, cq, where=zero)
    small = (~zero & (p < TINY)) | (~zero & (q > 0.0) & (q < TINY))
    if small.any():
        exact_log = np.log(p[small]) - np.log(q[small]) - np.broadcast_to(log_c, p.shape)[small]
        terms[small] = np.maximum(p[small] * exact_log - d[small], 0.0)


def _scaled(q: Floats, scale: Scale) -> tuple[Floats, Floats, Floats]:
    """u ≈ q·high; and c·q = cq + e."""
    u, e = two_product(np.broadcast_to(scale.high, q.shape), q)
    e += scale.low * q
    unit = _float((scale.exponent + 1023) << 52)
    return u, e * unit, u * unit


def _rounded_log2(bits: Ints) -> Ints:
    """Of a difference of bit patterns: log₂ of the ratio, rounded towards zero."""
    return (bits + ((bits >> 63) & _FRACTION)) >> 52


def _bits(x: Floats) -> Ints:
    return x.view(np.int64)


def _float(bits: Ints) -> Floats:
    return bits.view(np.float64)
