"""The passes of `sums` over whole stretches, compiled by Numba: within rounding of NumPy's, and much faster.

A block of terms goes to a buffer that stays in the cache; then WAYS entries at a time are added as a tree, and the
trees, in independent lanes, in twice the working precision. Every sum is thus good to two rounding errors, and its
bits depend on nothing but the stretch. No fast-math flag is set; products are fused where `_fma` says so and nowhere
else. Loops that are to use vector registers must be inlined by Numba itself: a call costs more than its block.

log₂(p/q) is rounded to k so that −0.415 < the distance of the bit patterns, less k, < 0.585. Where k ≠ 0 the parts
of a term, which cancel, then stay below 14 times the term; and |s| ≤ 0.23 needs a shorter series.
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
from llvmlite import binding, ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from kullback.numerics.sums import LN2, Scale

BLOCK = 1024
WAYS = 16
LANES = BLOCK // WAYS
PART = 64  # terms computed between requests to memory
AHEAD = 1024  # entries by which those run ahead: few processors do so by themselves while they divide
LEAST, MOST = 2.0**-900, 2.0**100  # the entries that scaled passes serve

# (log((1+s)/(1−s)) − 2s)/s³ in z = s², at odd Chebyshev nodes of |s| ≤ 0.2262: within 3e-17 of a term.
_C0, _C1, _C2, _C3 = 0.6666666666666665, 0.4000000000004557, 0.28571428552758493, 0.22222225130872839
_C4, _C5, _C6, _C7 = 0.18181596191794555, 0.15393779769007765, 0.13125316414065255, 0.14177960589787084
# unsigned: Numba then need not ask whether an index counts from the end, which would cost the vector registers
_TWO, _THREE, _FOUR, _EIGHT = (np.uint64(i) for i in (2, 3, 4, 8))
_FIFTYTWO = np.uint64(52)
_ROUND = np.uint64((2048 << 52) + int(0.415 * 2**52))  # 2048: the shift then brings no sign; −2^k·q comes, not 2^k·q
_POWER = np.uint64(0xFFF << 52)
_ONE = np.uint64(1023 << 52)
_INTEGER = np.uint64(0x433 << 52)  # the number 2⁵², whose last bits count ones
_OFFSET = 2.0**52 + 2048.0
_NORMAL = 2**52  # the bit pattern of the least normal number
_TINY = 2.0**-1022
_LOCK = threading.Lock()  # so that no two threads compile the same
_NO_SCALE = (np.empty(0), np.empty(0), np.empty(0, np.int64))

_inline = numba.njit(inline="always", error_model="numpy")


def ready() -> bool:
    """Whether compiled code may be had, and the processor can fuse products."""
    if numba.config.DISABLE_JIT:
        return False
    return bool(binding.get_host_cpu_features().get("fma", True))  # known of x86 alone; others can


def is_loaded(name: str, dtype: Any) -> bool:
    return (name, np.dtype(dtype).name) in _loaded


def run(name: str, p: Any, q: Any, length: int, scale: Scale | None, out: Any, flags: Any) -> None:
    """The pass `name` over stretches of `length`: `out` gets a high and a low part for each of its sums.

    first: terms, q − p, p, q. second: terms, c·q − p. total: p. entropy: −p·log(p/c). jensen: the terms of p and of
    c·q against their mean. A flag says that NumPy must do the stretch: an entry is no weight, is subnormal, is beyond
    LEAST and MOST if there is a scale, or has q = 0 < p.
    """
    with _LOCK:
        compiled = _compiled(name, p.dtype.name)
    scratch = (np.empty(BLOCK), np.empty(BLOCK), np.empty(8 * LANES))
    compiled(p, q, length, *(_NO_SCALE if scale is None else (x.ravel() for x in scale)), out, flags, *scratch)


_loaded: set[tuple[str, str]] = set()


@functools.cache
def _compiled(name: str, dtype: str) -> Any:
    read = types.Array(getattr(types, dtype), 1, "C", readonly=True)
    real = types.Array(types.float64, 1, "C", readonly=True)
    whole = types.Array(types.int64, 1, "C", readonly=True)
    sums, flags = types.Array(types.float64, 2, "C"), types.Array(types.boolean, 1, "C")
    work = types.Array(types.float64, 1, "C")
    signature = types.void(read, read, types.int64, real, real, whole, sums, flags, work, work, work)
    function = {"first": _first, "second": _second, "total": _total, "entropy": _entropy, "jensen": _jensen}[name]
    options = {"nogil": True, "error_model": "numpy", "boundscheck": False}
    try:
        compiled = numba.njit(signature, cache=True, **options)(function)
    except (RuntimeError, OSError):  # nowhere to write the cache
        compiled = numba.njit(signature, **options)(function)
    _loaded.add((name, dtype))
    return compiled


@intrinsic
def _bits(context: Any, x: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(64))

    return types.uint64(types.float64), generate


@intrinsic
def _signed_bits(context: Any, x: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(types.float64), generate


@intrinsic
def _float(context: Any, x: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.uint64), generate


@intrinsic
def _fma(context: Any, x: Any, y: Any, z: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fma(*args)

    return types.float64(types.float64, types.float64, types.float64), generate


@intrinsic
def _prefetch(context: Any, x: Any, i: Any) -> Any:
    """Ask for x[i] to be brought near."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        place = builder.bitcast(builder.gep(data, [args[1]]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place.type, number, number, number])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [place.type], kind)
        builder.call(prefetch, [place, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(x, types.intp), generate


@_inline
def _tail(z):
    r = _fma(_C7, z, _C6)
    r = _fma(r, z, _C5)
    r = _fma(r, z, _C4)
    r = _fma(r, z, _C3)
    r = _fma(r, z, _C2)
    r = _fma(r, z, _C1)
    return _fma(r, z, _C0)


@_inline
def _ratio(x, y):
    """k as a float, −2^k·y, and the power's bits."""
    bits = _bits(y)
    t = (_bits(x) - bits) + _ROUND
    power = t & _POWER
    return _float((t >> _FIFTYTWO) | _INTEGER) - _OFFSET, _float(bits + power), power


@_inline
def _term(x, minus, d, rest):
    """The term for minus = −2^k·y, d = x + minus and rest = x·k·log 2 − (2^k·y − y)."""
    s = d / (x - minus)
    z = s * s
    return _fma(s, _fma(_tail(z), z * x, d), rest)


@_inline
def _plain_term(x, y):
    k, minus, _ = _ratio(x, y)
    return _term(x, minus, x + minus, _fma(x, k * LN2, minus + y))


@_inline
def _ahead(p, q, at):
    for i in range(at + AHEAD, at + AHEAD + PART, 64 // p.itemsize):
        _prefetch(p, i)
        _prefetch(q, i)


@_inline
def _fill_first(p, q, at, n, terms, differences, c, c_low, unit):
    """Terms for normal numbers alone; whether all were."""
    least = _NORMAL
    for part in range(0, n, PART):
        _ahead(p, q, at + part)
        to = np.uint64(part)
        start = np.uint64(at + part)
        for i in range(min(PART, n - part)):
            x = float(p[start + np.uint64(i)])
            y = float(q[start + np.uint64(i)])
            terms[to + np.uint64(i)] = _plain_term(x, y)
            differences[to + np.uint64(i)] = y - x
            least = min(least, min(_signed_bits(x), _signed_bits(y)))
    return least >= _NORMAL


@_inline
def _fill_zeros(p, q, at, n, terms, differences, c, c_low, unit):
    """The same terms, with those of p = 0; NaN for what is not served."""
    for part in range(0, n, PART):
        _ahead(p, q, at + part)
        to = np.uint64(part)
        start = np.uint64(at + part)
        for i in range(min(PART, n - part)):
            x = float(p[start + np.uint64(i)])
            y = float(q[start + np.uint64(i)])
            normal = (x >= _TINY) & (y >= _TINY)
            term = _plain_term(x if normal else 1.0, y if normal else 1.0)
            terms[to + np.uint64(i)] = term if normal else (y if (x == 0.0) & (y >= 0.0) else math.nan)
            differences[to + np.uint64(i)] = y - x


@_inline
def _fill_second(p, q, at, n, terms, differences, c, c_low, unit):
    for part in range(0, n, PART):
        _ahead(p, q, at + part)
        to = np.uint64(part)
        start = np.uint64(at + part)
        for i in range(min(PART, n - part)):
            x = float(p[start + np.uint64(i)])
            y = float(q[start + np.uint64(i)]) * unit
            served = (y >= LEAST) & (y <= MOST)
            normal = served & (x >= LEAST) & (x <= MOST)
            u = c * y
            e = _fma(c, y, -u) + c_low * y  # c·q is u + e
            a = x if normal else 1.0
            b = u if normal else 1.0
            k, minus, power = _ratio(a, b)
            step = _float(power + _ONE)  # −2^k
            d = _fma(e, step, a + minus)
            term = _term(a, minus, d, _fma(a, k * LN2, minus + b) + _fma(e, step, e))
            terms[to + np.uint64(i)] = term if normal else (u if (x == 0.0) & (served | (y == 0.0)) else math.nan)
            differences[to + np.uint64(i)] = (u - x) + e
    return True


@_inline
def _fill_jensen(p, q, at, n, terms, differences, c, c_low, unit):
    for part in range(0, n, PART):
        _ahead(p, q, at + part)
        to = np.uint64(part)
        start = np.uint64(at + part)
        for i in range(min(PART, n - part)):
            x = float(p[start + np.uint64(i)])
            y = float(q[start + np.uint64(i)]) * unit
            u = c * y
            half = 0.5 * ((x - u) - (_fma(c, y, -u) + c_low * y))
            served_x = (x >= LEAST) & (x <= MOST)
            served_y = (y >= LEAST) & (y <= MOST)
            a = x if served_x else 1.0
            b = u if served_y else 1.0
            mean = 0.5 * ((x if served_x else 0.0) + (u if served_y else 0.0))
            mean = mean if served_x | served_y else 1.0
            k, minus, _ = _ratio(a, mean)
            one = _term(a, minus, half if k == 0.0 else a + minus, _fma(a, k * LN2, minus + mean))
            k, minus, _ = _ratio(b, mean)
            two = _term(b, minus, -half if k == 0.0 else b + minus, _fma(b, k * LN2, minus + mean))
            one = one if served_x else (mean if x == 0.0 else math.nan)
            two = two if served_y else (mean if y == 0.0 else math.nan)
            terms[to + np.uint64(i)] = 0.0 if (x == 0.0) & (y == 0.0) else one + two
    return True


@_inline
def _fill_entropy(p, q, at, n, terms, differences, c, c_low, unit):
    for part in range(0, n, PART):
        _ahead(p, q, at + part)
        to = np.uint64(part)
        start = np.uint64(at + part)
        for i in range(min(PART, n - part)):
            x = float(p[start + np.uint64(i)])
            served = (x >= LEAST) & (c <= MOST)
            a = x if served else c
            k, minus, power = _ratio(a, c)
            s = _fma(c_low, _float(power + _ONE), a + minus) / (a - minus)
            z = s * s
            log = _fma(k, LN2, _fma(s * z, _tail(z), s + s))
            terms[to + np.uint64(i)] = -x * log if served else (0.0 if x == 0.0 else math.nan)
    return True


@_inline
def _fill_total(p, q, at, n, terms, differences, c, c_low, unit):
    least = 0
    for part in range(0, n, PART):
        _ahead(p, q, at + part)
        to = np.uint64(part)
        start = np.uint64(at + part)
        for i in range(min(PART, n - part)):
            x = float(p[start + np.uint64(i)])
            terms[to + np.uint64(i)] = x
            least = min(least, _signed_bits(x + 0.0))  # −0 is no bad entry
    return least >= 0


@_inline
def _refuse(p, q, at, n, terms, differences, c, c_low, unit):
    for i in range(n):
        terms[i] = math.nan


@_inline
def _add(sums, at, x):
    # two_sum into the lane `at`; what it lost goes to the lane LANES further on
    h = sums[at]
    s = h + x
    c = s - h
    sums[at] = s
    sums[at + LANES] += (h - (s - c)) + (x - c)


@_inline
def _eight(x, i, w):
    a = (float(x[i]) + float(x[i + w])) + (float(x[i + _TWO * w]) + float(x[i + _THREE * w]))
    i += _FOUR * w
    b = (float(x[i]) + float(x[i + w])) + (float(x[i + _TWO * w]) + float(x[i + _THREE * w]))
    return a + b


@_inline
def _sum(x, at, n, sums, lane):
    """Add n numbers from x[at] to the lanes from `lane`."""
    w = np.uint64(n // WAYS)
    for i in range(n // WAYS):
        j = at + np.uint64(i)
        _add(sums, lane + i, _eight(x, j, w) + _eight(x, j + _EIGHT * w, w))
    for i in range(n // WAYS * WAYS, n):
        _add(sums, lane, float(x[at + np.uint64(i)]))


@_inline
def _sum_exactly(x, at, n, sums, lane):
    w = n // WAYS
    for j in range(0, WAYS * w, max(w, 1)):
        for i in range(w):
            _add(sums, lane + i, float(x[at + np.uint64(j) + np.uint64(i)]))
    for i in range(WAYS * w, n):
        _add(sums, lane, float(x[at + np.uint64(i)]))


@_inline
def _collect(sums, at, lanes, out, row, column):
    n = lanes
    while n > 1:
        half = n // 2
        for i in range(half):
            _add(sums, at + i, sums[at + half + i])
            sums[at + LANES + i] += sums[at + LANES + half + i]
        if n % 2:
            _add(sums, at, sums[at + n - 1])
            sums[at + LANES] += sums[at + LANES + n - 1]
        n = half
    high = sums[at]
    low = sums[at + LANES]
    s = high + low
    c = s - high
    out[row, column] = s
    out[row, column + 1] = (high - (s - c)) + (low - c)


def _loop(name, fill, otherwise, scaled, columns, add=_sum):
    """The loop over stretches: whole ones, as many as a block holds, or one in blocks."""

    def loop(p, q, length, high, low, exponent, out, flags, terms, differences, sums):
        many = 1 if scaled else max(1, BLOCK // length)
        lanes = max(1, min(length, BLOCK) // WAYS)
        c = 1.0
        c_low = 0.0
        unit = 1.0
        plain = True
        for start in range(0, out.shape[0], many):
            stop = min(start + many, out.shape[0])
            if scaled:
                c = high[start]
                c_low = low[start]
                unit = math.ldexp(1.0, exponent[start])
            begin = start * length
            end = min(stop * length, p.size)
            for at in range(begin, end, BLOCK):
                size = min(BLOCK, end - at)
                if plain:
                    plain = fill(p, q, at, size, terms, differences, c, c_low, unit)
                if not plain:  # and do not try again
                    otherwise(p, q, at, size, terms, differences, c, c_low, unit)
                for row in range(start, stop):
                    r = (row - start) * length
                    n = min(length, size - r)
                    if at == begin:
                        for j in range(0, 2 * columns * LANES, LANES):
                            for i in range(lanes):
                                sums[j + i] = 0.0
                    add(terms, np.uint64(r), n, sums, 0)
                    if columns > 1:
                        add(differences, np.uint64(r), n, sums, 2 * LANES)
                    if columns > 2:
                        add(p, np.uint64(at + r), n, sums, 4 * LANES)
                        add(q, np.uint64(at + r), n, sums, 6 * LANES)
                    if at + BLOCK >= end:
                        flag = False
                        for j in range(columns):
                            _collect(sums, 2 * j * LANES, lanes, out, row, 2 * j)
                            flag = flag or not math.isfinite(out[row, 2 * j])
                        flags[row] = flag

    # Numba's cache links by name: loops of one name, cached by two processes, would stand in for each other
    loop.__name__ = loop.__qualname__ = f"loop_{name}"
    return numba.njit(nogil=True, error_model="numpy", boundscheck=False)(loop)


_first_loop = _loop("first", _fill_first, _fill_zeros, False, 4)
_second_loop = _loop("second", _fill_second, _refuse, True, 2)
_total_loop = _loop("total", _fill_total, _refuse, False, 1, _sum_exactly)
_entropy_loop = _loop("entropy", _fill_entropy, _refuse, True, 1)
_jensen_loop = _loop("jensen", _fill_jensen, _refuse, True, 1)


# Numba caches plain functions alone


def _first(p, q, length, high, low, exponent, out, flags, terms, differences, sums):
    _first_loop(p, q, length, high, low, exponent, out, flags, terms, differences, sums)


def _second(p, q, length, high, low, exponent, out, flags, terms, differences, sums):
    _second_loop(p, q, length, high, low, exponent, out, flags, terms, differences, sums)


def _total(p, q, length, high, low, exponent, out, flags, terms, differences, sums):
    _total_loop(p, q, length, high, low, exponent, out, flags, terms, differences, sums)


def _entropy(p, q, length, high, low, exponent, out, flags, terms, differences, sums):
    _entropy_loop(p, q, length, high, low, exponent, out, flags, terms, differences, sums)


def _jensen(p, q, length, high, low, exponent, out, flags, terms, differences, sums):
    _jensen_loop(p, q, length, high, low, exponent, out, flags, terms, differences, sums)
