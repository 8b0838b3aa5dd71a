"""The two passes of `sums`, compiled by Numba: the same operations in the same order, hence the same bits.

No fast-math flag is set: LLVM would cancel the compensation away, or fuse products differently on another
machine. The sums run in LANES independent lanes, which is what lets the loop use vector registers; Numba
itself must inline `_add`, before LLVM looks for such loops.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import intrinsic

from kullback.numerics.sums import LN2, TAIL, Floats, Scale

LANES = 64
_FRACTION = 2**52 - 1
_NORMAL = 2**52  # the bit pattern of the least normal number: less it, a smaller number's is negative
_SPLIT = 2.0**27 + 1.0
_C0, _C1, _C2, _C3, _C4, _C5, _C6, _C7, _C8, _C9 = TAIL
_LOCK = threading.Lock()  # so that no two threads compile the same

_READ = types.Array(types.float64, 1, "C", readonly=True)
_READ_INTS = types.Array(types.int64, 1, "C", readonly=True)
_SUMS = types.Array(types.float64, 2, "C")
_FLAGS = types.Array(types.boolean, 1, "C")


def ready() -> bool:
    """Whether compiled code may be had: compiles the first pass, or loads it from Numba's cache."""
    if numba.config.DISABLE_JIT:
        return False
    with _LOCK:
        _first()
    return True


def has_second() -> bool:
    """Whether the second pass, which few inputs need, is compiled already."""
    return _second.cache_info().currsize > 0


def first(p: Floats, q: Floats, length: int, out: Floats, flags: Any) -> None:
    """`sums.first` of stretches of `length`: out gets six columns a stretch.

    A flag says that NumPy must do the stretch: an entry is no probability, is subnormal, or has q = 0 < p.
    """
    with _LOCK:
        run = _first()
    run(p, q, length, out, flags)


def second(p: Floats, q: Floats, length: int, scale: Scale, out: Floats, flags: Any) -> None:
    """`sums.second` of stretches of `length`: out gets four columns a stretch; flags as in `first`."""
    with _LOCK:
        run = _second()
    run(p, q, length, *(x.ravel() for x in scale), out, flags)


@functools.cache
def _first() -> Any:
    return _compile(_first_pass, types.void(_READ, _READ, types.int64, _SUMS, _FLAGS))


@functools.cache
def _second() -> Any:
    signature = types.void(_READ, _READ, types.int64, _READ, _READ, _READ_INTS, _SUMS, _FLAGS)
    return _compile(_second_pass, signature)


def _compile(function: Callable[..., None], signature: Any) -> Any:
    options = {"nogil": True, "error_model": "numpy", "boundscheck": False}
    try:
        return numba.njit(signature, cache=True, **options)(function)
    except (RuntimeError, OSError):  # nowhere to write the cache
        return numba.njit(signature, **options)(function)


def _bits_of(context: Any, x: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(types.int64))

    return types.int64(types.float64), generate


def _float_of(context: Any, x: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(types.float64))

    return types.float64(types.int64), generate


def _plain_tail(z: float) -> float:
    y = z * z
    w = y * y
    a = (_C0 + _C1 * z) + (_C2 + _C3 * z) * y
    b = (_C4 + _C5 * z) + (_C6 + _C7 * z) * y
    return a + (b + (_C8 + _C9 * z) * w) * w


def _plain_add(sums: Floats, at: int, x: float) -> None:
    # two_sum into the lane `at`; what it lost goes to the lane LANES further on
    h = sums[at]
    s = h + x
    c = s - h
    sums[at] = s
    sums[at + LANES] += (h - (s - c)) + (x - c)


def _plain_collect(sums: Floats, lanes: int, out: Floats, row: int, columns: int) -> None:
    for j in range(columns):
        high = 0.0
        low = 0.0
        for at in range(2 * j * LANES, 2 * j * LANES + lanes):
            s = high + sums[at]
            c = s - high
            low += ((high - (s - c)) + (sums[at] - c)) + sums[at + LANES]
            high = s
        s = high + low
        c = s - high
        out[row, 2 * j] = s
        out[row, 2 * j + 1] = (high - (s - c)) + (low - c)


_bits = intrinsic(_bits_of)
_float = intrinsic(_float_of)
_tail = numba.njit(_plain_tail)
_add = numba.njit(_plain_add, inline="always")
_collect = numba.njit(_plain_collect)


def _first_pass(p: Any, q: Any, length: int, out: Any, flags: Any) -> None:
    sums = np.empty(6 * LANES)
    for row in range(out.shape[0]):
        stretch_p = p[row * length : (row + 1) * length]
        stretch_q = q[row * length : (row + 1) * length]
        sums[:] = 0.0
        odd = 0
        for start in range(0, stretch_p.size, LANES):
            lane_p = stretch_p[start : start + LANES]
            lane_q = stretch_q[start : start + LANES]
            for i in range(lane_p.size):
                x = lane_p[i]
                y = lane_q[i]
                bits_x = _bits(x)
                bits_y = _bits(y)
                odd |= bits_y if x == 0.0 else bits_x | bits_y | (bits_x - _NORMAL) | (bits_y - _NORMAL)
                bits = (bits_y if x == 0.0 else bits_x) - bits_y  # for x = 0 only to keep clear of subnormals
                k = (bits + ((bits >> 63) & _FRACTION)) >> 52
                near = _float(bits_y + (k << 52))
                d = x - near
                s = d / (x + near)
                z = s * s
                term = (s * d + (_tail(z) * z) * (x * s)) + (x * (k * LN2) - (near - y))
                _add(sums, i, y if x == 0.0 else term)
                _add(sums, 2 * LANES + i, x)
                _add(sums, 4 * LANES + i, y)
        _collect(sums, min(LANES, stretch_p.size), out, row, 3)
        flags[row] = not (odd >= 0 and np.isfinite(out[row, 2]) and np.isfinite(out[row, 4]))


def _second_pass(p: Any, q: Any, length: int, high: Any, low: Any, exponent: Any, out: Any, flags: Any) -> None:
    sums = np.empty(4 * LANES)
    for row in range(out.shape[0]):
        stretch_p = p[row * length : (row + 1) * length]
        stretch_q = q[row * length : (row + 1) * length]
        c = high[row]
        c_low = low[row]
        j = exponent[row]
        unit = _float((j + 1023) << 52)
        t = _SPLIT * c
        c1 = t - (t - c)
        c2 = c - c1
        sums[:] = 0.0
        odd = 0
        for start in range(0, stretch_p.size, LANES):
            lane_p = stretch_p[start : start + LANES]
            lane_q = stretch_q[start : start + LANES]
            for i in range(lane_p.size):
                x = lane_p[i]
                y = lane_q[i]
                odd |= _bits(y) if x == 0.0 else (_bits(x) - _NORMAL) | (_bits(y) - _NORMAL)  # none is negative
                u = c * y
                t = _SPLIT * y
                y1 = t - (t - y)
                y2 = y - y1
                e = (((c1 * y1 - u) + c1 * y2 + c2 * y1) + c2 * y2) + c_low * y
                e = e * unit
                cq = u * unit
                bits = _bits(u if x == 0.0 else x) - _bits(u) - (j << 52)
                k = (bits + ((bits >> 63) & _FRACTION)) >> 52
                near = _float(_bits(u) + ((k + j) << 52))
                d = (x - near) - e * _float((min(max(k, -1023), 1022) + 1023) << 52)
                s = d / (x + near)
                z = s * s
                term = (s * d + (_tail(z) * z) * (x * s)) + (x * (k * LN2) - (near - cq))
                _add(sums, i, cq if x == 0.0 else term)
                _add(sums, 2 * LANES + i, (cq - x) + e)
        _collect(sums, min(LANES, stretch_p.size), out, row, 2)
        flags[row] = odd < 0
