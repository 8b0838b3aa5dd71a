"""Two rows of logits compared, compiled by Numba: both directions of KL in one pass, and the gradient of one.

Everything is float64, whatever the logits are: of float32 logits every difference then is exact. exp is a polynomial,
so that its loop fills the vector registers; loops that are to do so must be inlined by Numba itself. No fast-math flag
is set; sums run in LANES lanes, added in a fixed order.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators
# What Numba compiles has types of Numba's.

from __future__ import annotations

import functools
import math
import threading
from typing import Any

import numba
import numpy as np
from numba import types

from kullback.numerics._compiled import _bits, _float, _fma

BLOCK = 512
LANES = 32
SUMS = 5
NEAR = 0.5  # |d| below which a term is summed as a series
NONE, FORWARD, REVERSE = 0, 1, 2  # the gradient
VALUES = 6  # forward, reverse, Σ p|log p|, Σ p|log q|, the share of P where Q has none, that of Q where P has none

_LOG2E, _LN2_HIGH, _LN2_LOW = 1.4426950408889634, 0.6931471803691238, 1.9082149292705877e-10
_MAGIC = 1.5 * 2.0**52
_LEAST = -708.0
_BIAS = np.uint64(1023)
_SHIFT = np.uint64(52)
_E = [1.0 / math.factorial(n) for n in range(14)]
_E2, _E3, _E4, _E5, _E6, _E7, _E8, _E9, _E10, _E11, _E12, _E13 = _E[2:]
_LOCK = threading.Lock()

_inline = numba.njit(inline="always", error_model="numpy")


def run(
    t: Any, s: Any, widths: Any, heat: Any, scale: Any, gradient: int, small: float, out: Any, values: Any, works: Any
) -> None:
    """Rows of the flat arrays t and s, `widths` = (length, stride of t, of s, of out). See `numerics.logits`."""
    with _LOCK:
        compiled = _compiled(t.dtype.name, s.dtype.name, out.dtype.name)
        loaded.add(t.dtype.name)
    compiled(t, s, *widths, heat, scale, gradient, small, out, values, *works)


loaded: set[str] = set()  # the dtypes of logits that are compiled


@functools.cache
def _compiled(t: str, s: str, out: str) -> Any:
    reads = [types.Array(getattr(types, kind), 1, "C", readonly=True) for kind in (t, s)]
    real = types.Array(types.float64, 1, "C", readonly=True)
    work = types.Array(types.float64, 1, "C")
    written = types.Array(getattr(types, out), 1, "C")
    table = types.Array(types.float64, 2, "C")
    integer = types.int64
    signature = types.void(
        *reads, integer, integer, integer, integer, real, real, integer, types.float64, written, table, work, work, work
    )
    options = {"nogil": True, "error_model": "numpy", "boundscheck": False}
    try:
        return numba.njit(signature, cache=True, **options)(_rows)
    except (RuntimeError, OSError):  # nowhere to write the cache
        return numba.njit(signature, **options)(_rows)


@_inline
def _exp(x):
    """e^x for x ≤ 0, within an ulp; 0 below e^−708."""
    low = x < _LEAST
    y = 0.0 if low else x
    k = _fma(y, _LOG2E, _MAGIC)
    n = k - _MAGIC
    r = _fma(n, -_LN2_LOW, _fma(n, -_LN2_HIGH, y))
    z = _fma(_E13, r, _E12)
    z = _fma(z, r, _E11)
    z = _fma(z, r, _E10)
    z = _fma(z, r, _E9)
    z = _fma(z, r, _E8)
    z = _fma(z, r, _E7)
    z = _fma(z, r, _E6)
    z = _fma(z, r, _E5)
    z = _fma(z, r, _E4)
    z = _fma(z, r, _E3)
    z = _fma(z, r, _E2)
    e = _fma(z * r, r, r) + 1.0
    power = _float((_bits(k) + _BIAS) << _SHIFT)
    return 0.0 if low else e * power


@_inline
def _phi(d):
    """d + e^(−d) − 1 for |d| < ½."""
    x = -d
    z = _fma(_E13, x, _E12)
    z = _fma(z, x, _E11)
    z = _fma(z, x, _E10)
    z = _fma(z, x, _E9)
    z = _fma(z, x, _E8)
    z = _fma(z, x, _E7)
    z = _fma(z, x, _E6)
    z = _fma(z, x, _E5)
    z = _fma(z, x, _E4)
    z = _fma(z, x, _E3)
    z = _fma(z, x, _E2)
    return z * x * x


@_inline
def _top(x, at, n, lanes):
    for j in range(LANES):
        lanes[j] = -math.inf
    whole = n // LANES * LANES
    for i in range(0, whole, LANES):
        for j in range(LANES):
            y = float(x[np.uint64(at + i) + np.uint64(j)])
            lanes[j] = y if y > lanes[j] else lanes[j]
    top = -math.inf
    for i in range(whole, n):
        top = max(top, float(x[at + i]))
    for j in range(LANES):
        top = max(top, lanes[j])
    return top


@_inline
def _gather(buffer, n, lanes, sum):
    """Add the first n of the buffer to a sum: lanes of the block first, then those in twice the working precision."""
    at, low, own = np.uint64(2 * sum * LANES), np.uint64((2 * sum + 1) * LANES), np.uint64(2 * SUMS * LANES)
    for j in range(LANES):
        lanes[own + np.uint64(j)] = 0.0
    whole = n // LANES * LANES
    for i in range(0, whole, LANES):
        for j in range(LANES):
            lanes[own + np.uint64(j)] += buffer[np.uint64(i) + np.uint64(j)]
    for i in range(whole, n):
        lanes[own + np.uint64(i - whole)] += buffer[np.uint64(i)]
    for j in range(LANES):
        k = np.uint64(j)
        h, x = lanes[at + k], lanes[own + k]
        s = h + x
        c = s - h
        lanes[at + k] = s
        lanes[low + k] += (h - (s - c)) + (x - c)


@_inline
def _clear(lanes, many):
    for j in range(2 * many * LANES):
        lanes[j] = 0.0


@_inline
def _total(lanes, sum):
    at = 2 * sum * LANES
    n = 2 * LANES
    while n > 1:
        n //= 2
        for j in range(n):
            lanes[at + j] += lanes[at + n + j]
    return lanes[at]


@_inline
def _shift(x, at, n, top, cool, to):
    for i in range(n):
        to[np.uint64(i)] = (float(x[np.uint64(at) + np.uint64(i)]) - top) * cool


@_inline
def _exps(x, n, to):
    for i in range(n):
        to[np.uint64(i)] = _exp(x[np.uint64(i)])


@_inline
def _times(e, a, b, n, to):
    """e·(a − b), 0 where e is."""
    for i in range(n):
        j = np.uint64(i)
        to[j] = e[j] * (a[j] - b[j]) if e[j] > 0.0 else 0.0


@_inline
def _times_alone(e, b, n, to):
    for i in range(n):
        j = np.uint64(i)
        to[j] = e[j] * b[j] if b[j] > -math.inf else 0.0


@_inline
def _has_gap(a, b, n):
    """Whether some b is −∞ where a is not."""
    found = 0
    for i in range(n):
        j = np.uint64(i)
        found |= (a[j] > -math.inf) & (b[j] == -math.inf)
    return found != 0


@_inline
def _ratio(a, b, c, n, to):
    """log(p/q), 0 where either is 0."""
    for i in range(n):
        j = np.uint64(i)
        alive = (a[j] > -math.inf) & (b[j] > -math.inf)
        to[j] = (a[j] - b[j]) - c if alive else 0.0


@_inline
def _terms(p, q, d, sign, n, to):
    """p·(log(p/q)) − p + q of d = sign·log(p/q)."""
    for i in range(n):
        j = np.uint64(i)
        x = d[j] * sign
        near = abs(x) < NEAR
        y = x if near else 0.0
        to[j] = p[j] * _phi(y) if near else p[j] * x + (q[j] - p[j])


@_inline
def _alone(a, p, b, q, n, term, to):
    """Where b is −∞ the term is p, or 0 in `to`'s own direction; `to` gets p there."""
    for i in range(n):
        j = np.uint64(i)
        to[j] = p[j] if b[j] == -math.inf else 0.0
        term[j] = p[j] if b[j] == -math.inf else term[j]


@_inline
def _void(b, n, term):
    for i in range(n):
        j = np.uint64(i)
        term[j] = 0.0 if b[j] == -math.inf else term[j]


@_inline
def _scaled(e, z, n):
    for i in range(n):
        e[np.uint64(i)] /= z


@_inline
def _others(q, g, n):
    for i in range(n):
        j = np.uint64(i)
        g[j] = 0.0 if q[j] > 0.5 else g[j]


@_inline
def _put(g, n, out, at):
    for i in range(n):
        out[np.uint64(at) + np.uint64(i)] = g[np.uint64(i)]


def _rows(t, s, length, step_t, step_s, step_out, heat, scale, gradient, small, out, values, kept, work, lanes):
    a, b, e, f, x = (
        work[:BLOCK],
        work[BLOCK : 2 * BLOCK],
        work[2 * BLOCK : 3 * BLOCK],
        work[3 * BLOCK : 4 * BLOCK],
        work[4 * BLOCK : 5 * BLOCK],
    )
    for row in range(values.shape[0]):
        at_t, at_s, at_out = row * step_t, row * step_s, row * step_out
        cool = 1.0 / heat[row if heat.size > 1 else 0]
        top_t, top_s = _top(t, at_t, length, lanes), _top(s, at_s, length, lanes)
        _clear(lanes, 5)
        gap_p = gap_q = False
        for start in range(0, length, BLOCK):
            n = min(BLOCK, length - start)
            _shift(t, at_t + start, n, top_t, cool, a)
            _shift(s, at_s + start, n, top_s, cool, b)
            _exps(a, n, e)
            _exps(b, n, f)
            if gradient != 2:
                gap_p |= _has_gap(a, b, n)
            if gradient != 1:
                gap_q |= _has_gap(b, a, n)
            if gradient > 0:
                _put(e, n, kept, start)
                _put(f, n, kept, length + start)
            _gather(e, n, lanes, 0)
            _gather(f, n, lanes, 1)
            if gradient != 2:
                _times(e, a, b, n, x)
                _gather(x, n, lanes, 2)
            if gradient != 1:
                _times(f, a, b, n, x)
                _gather(x, n, lanes, 3)
            if gradient == 0:
                _times_alone(e, b, n, x)
                _gather(x, n, lanes, 4)
        z_t, z_s = _total(lanes, 0), _total(lanes, 1)
        to_q, to_p, crossed = _total(lanes, 2), _total(lanes, 3), _total(lanes, 4)
        log_t, log_s = math.log(z_t), math.log(z_s)
        c = log_t - log_s
        forward, reverse = to_q / z_t - c, c - to_p / z_s
        values[row, 3] = log_s - crossed / z_t
        values[row, 2] = values[row, 3] if gap_p else log_t - (to_q + crossed) / z_t
        values[row, 4] = values[row, 5] = 0.0
        few = (forward < small and gradient != 2) or (reverse < small and gradient != 1)
        if gap_p | gap_q | few:
            _clear(lanes, 4)
            for start in range(0, length, BLOCK):
                n = min(BLOCK, length - start)
                _shift(t, at_t + start, n, top_t, cool, a)
                _shift(s, at_s + start, n, top_s, cool, b)
                _exps(a, n, e)
                _exps(b, n, f)
                _scaled(e, z_t, n)
                _scaled(f, z_s, n)
                _ratio(a, b, c, n, x)
                d = work[5 * BLOCK : 6 * BLOCK]
                y = work[6 * BLOCK : 7 * BLOCK]
                if gradient != 2:
                    _terms(e, f, x, 1.0, n, d)
                    _void(b, n, d)
                    _alone(b, f, a, e, n, d, y)
                    _gather(d, n, lanes, 0)
                    _gather(y, n, lanes, 3)
                if gradient != 1:
                    _terms(f, e, x, -1.0, n, d)
                    _void(a, n, d)
                    _alone(a, e, b, f, n, d, y)
                    _gather(d, n, lanes, 1)
                    _gather(y, n, lanes, 2)
            forward, reverse = _total(lanes, 0), _total(lanes, 1)
            values[row, 4], values[row, 5] = _total(lanes, 2), _total(lanes, 3)
        if gradient > 0:
            unit = scale[row if scale.size > 1 else 0]
            mean = 0.0
            if gradient == 2:  # that of d under Q, of the classes both have
                _clear(lanes, 1)
                for start in range(0, length, BLOCK):
                    n = min(BLOCK, length - start)
                    _shift(t, at_t + start, n, top_t, cool, a)
                    _shift(s, at_s + start, n, top_s, cool, b)
                    _ratio(a, b, c, n, x)
                    _weighed(kept, length + start, x, n, e)
                    _gather(e, n, lanes, 0)
                mean = _total(lanes, 0) / z_s
            _clear(lanes, 1)
            for start in range(0, length, BLOCK):
                n = min(BLOCK, length - start)
                if gradient == 1:
                    _difference(kept, start, length + start, 1.0 / z_t, 1.0 / z_s, unit, n, f, x)
                else:
                    _shift(t, at_t + start, n, top_t, cool, a)
                    _shift(s, at_s + start, n, top_s, cool, b)
                    _ratio(a, b, c, n, e)
                    _beyond(kept, length + start, e, mean, 1.0 / z_s, unit, n, f, x)
                _put(x, n, out, at_out + start)
                _others(f, x, n)
                _gather(x, n, lanes, 0)
            if z_s < 2.0:  # near q = 1 the gradient is a small difference: it is what the others leave
                others = _total(lanes, 0)
                for i in range(length):
                    if kept[length + i] / z_s > 0.5:
                        out[at_out + i] = -others
        values[row, 0] = forward + (math.inf if gap_p else 0.0)  # NaN stays
        values[row, 1] = reverse + (math.inf if gap_q else 0.0)


@_inline
def _weighed(kept, at, x, n, to):
    for i in range(n):
        j = np.uint64(i)
        to[j] = kept[np.uint64(at) + j] * x[j]


@_inline
def _difference(kept, at_e, at_f, y, z, unit, n, q, g):
    for i in range(n):
        j = np.uint64(i)
        q[j] = kept[np.uint64(at_f) + j] * z
        g[j] = (kept[np.uint64(at_f) + j] * z - kept[np.uint64(at_e) + j] * y) * unit


@_inline
def _beyond(kept, at, d, mean, z, unit, n, q, g):
    for i in range(n):
        j = np.uint64(i)
        q[j] = kept[np.uint64(at) + j] * z
        g[j] = kept[np.uint64(at) + j] * z * (mean - d[j]) * unit
