"""Relative entropy of arrays, in nats, along given axes: KL(p/Σp ‖ q/Σq).

With G = Σ(p·log(p/q) − p + q), S = Σp and δ = Σ(q − p)/S the value is (G − S·(δ − log(1 + δ)))/S. Where the
two parts would cancel, a second pass compares p with q·(Σp/Σq), carried in twice the working precision. The
terms are in `sums`, and for large arrays in `_compiled`; the number of threads changes no bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kullback.numerics import sums
from kullback.numerics._rows import SEGMENT, Axis, Each, Piece, Rows, Span
from kullback.numerics._rows import BadEntry as BadEntry
from kullback.numerics.sums import Floats, Ints, Scale

QUICK = 256  # up to here Python's own floats are faster than NumPy

EPS = 2.0**-52
NOISE = 2.0**-103  # of numbers carried in twice the precision, relative
UNDERFLOW = 2.0**-880  # more than underflow changes a value whose sums are tame
LEAST, MOST = 2.0**-100, 2.0**900  # a tame sum lies between
_FLOAT64 = np.dtype(np.float64)


class Parts(NamedTuple):
    """What `relative_entropy` finds: numbers, or arrays over the batch.

    value: nats; ∞ where some p > 0 has q = 0, NaN where a sum is 0. error: a bound on its rounding error.
    sum_p, sum_q: the sums. gap: the share of p's mass where q = 0; gap_index: where along the reduced axes,
    flattened in C order, the largest such p is, or −1.
    """

    value: Any
    error: Any
    sum_p: Any
    sum_q: Any
    gap: Any
    gap_index: Any


def relative_entropy(p: ArrayLike, q: ArrayLike, axis: Axis = -1) -> Parts:
    """KL(p/Σp ‖ q/Σq) along `axis` of the arrays broadcast together. Raises BadEntry."""
    p, q = np.asarray(p), np.asarray(q)
    if p.dtype is q.dtype is _FLOAT64 and p.ndim == q.ndim == 1 and axis in (-1, 0):
        quick = _quick(p.tolist(), q.tolist()) if 0 < p.size == q.size <= QUICK else None
        if quick is not None:
            return quick
    rows = Rows((p, q), axis)
    columns = [np.empty(rows.count) for _ in range(5)] + [np.empty(rows.count, np.int64)]
    rows.solve(_relative_entropy, columns, together=True)
    return Parts(*map(rows.shaped, columns))


def entropy(p: ArrayLike, axis: Axis = -1) -> Any:
    """−Σ p·log p of the normalised p along `axis`, in nats. Raises BadEntry."""
    rows = Rows((np.asarray(p),), axis)
    column = np.empty(rows.count)
    rows.solve(_entropy, [column])
    return rows.shaped(column)


def jensen_shannon(p: ArrayLike, q: ArrayLike, axis: Axis = -1) -> Any:
    """½KL(p‖m) + ½KL(q‖m) of the normalised arrays, m their mean, in nats; at most log 2. Raises BadEntry."""
    rows = Rows((np.asarray(p), np.asarray(q)), axis)
    column = np.empty(rows.count)
    rows.solve(_jensen_shannon, [column])
    return rows.shaped(column)


def _quick(p: list[float], q: list[float]) -> Parts | None:
    """The first pass in Python floats; None where that does not do: gaps, bad or subnormal entries."""
    c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 = sums.TAIL
    tiny = sums.TINY
    terms = []
    for x, y in zip(p, q, strict=True):
        if x >= tiny and y >= tiny:
            k, near = (0, y) if x < y + y and y < x + x else _near(x, y)
            d = x - near
            s = d / (x + near)
            z = s * s
            v = z * z
            w = v * v
            r = ((c4 + c5 * z) + (c6 + c7 * z) * v) + (c8 + c9 * z) * w
            r = ((c0 + c1 * z) + (c2 + c3 * z) * v) + r * w
            term = s * d + r * z * (x * s)
            terms.append(term + (x * (k * sums.LN2) - (near - y)) if k else term)
        elif x == 0.0 and (y == 0.0 or y >= tiny):
            terms.append(y)
        else:
            return None
    try:
        g, sum_p, sum_q = math.fsum(terms), math.fsum(p), math.fsum(q)
    except OverflowError:
        return None
    if not (LEAST < sum_p < MOST and abs(sum_q - sum_p) <= 4 * EPS * sum_p):
        return None
    # δ − log(1 + δ) < 2⁻⁹⁹ vanishes beside g, or there is nothing to tell apart
    if g < 2.0**-40 * sum_p and p != q:
        return None
    value = g / sum_p
    return Parts(value, 0.0 if p == q else _rounding(value, value), sum_p, sum_q, 0.0, -1)


def _near(x: float, y: float) -> tuple[int, float]:
    """k = log₂(x/y) rounded towards zero, and 2^k·y."""
    (a, e), (b, f) = math.frexp(x), math.frexp(y)
    k = e - f - (a < b) if x > y else e - f + (a > b)
    return k, math.ldexp(y, k)


def _relative_entropy(rows: Rows, span: Span, each: Each) -> tuple[Any, ...]:
    s = rows.gather(_first, span, each)
    g, d, p, q, share = s[:, 0], s[:, 2], s[:, 4], s[:, 6], s[:, 8]
    at = s[:, 10].astype(np.int64)
    with np.errstate(all="ignore"):
        rest = p * sums.excess(d / p, q / p)
        value = (g - rest) / p
        error = _rounding((g + rest) / p, value)
        share = share / p
        # 1/32 keeps the digits; and far below rounding δ must be summed with more of them
        again = (rest > g / 32) | ((g > 0.0) & (g < 2.0**-96 * p))
    gap = at >= 0
    void = (p == 0.0) | (q == 0.0)
    wild = ~void & ~(_is_tame(p) & _is_tame(q))
    again &= ~(gap | void | wild)
    if again.any():
        for some, part in _apart(rows, span, np.flatnonzero(again)):
            value[some], error[some] = _rescaled(rows, part, each, some - (part[0] - span[0]), s[some])
    if (none := (g == 0.0) & ~(gap | void | wild)).any():  # equal, unless a difference underflowed
        error[none] *= rows.gather(_differs, span, each)[none, 0] > 0.0
    value[gap], error[gap] = math.inf, 0.0
    value[void] = error[void] = share[void] = math.nan
    for i in np.flatnonzero(wild):
        value[i], error[i], p[i], q[i], share[i] = _in_integers(rows, span[0] + int(i))
    return value, error, p, q, share, at


def _apart(rows: Rows, span: Span, chosen: Ints) -> list[tuple[Ints, Span]]:
    """The chosen rows of a span, all at once or, if a row has many segments, one by one, with the spans they lie in."""
    if rows.length <= SEGMENT:
        return [(chosen, span)]
    return [(chosen[i : i + 1], (span[0] + int(row), span[0] + int(row) + 1)) for i, row in enumerate(chosen)]


def _rescaled(rows: Rows, span: Span, each: Each, chosen: Ints, s: Floats) -> tuple[Floats, Floats]:
    """Value and error of the chosen rows, q scaled to the sum of p."""
    d, p, p_low, q, q_low = s[:, 2], s[:, 4], s[:, 5], s[:, 6], s[:, 7]
    scale = sums.ratio(p, p_low, q, q_low)
    # nearer than entries can show: the scaling would only add its own noise
    same = np.abs(d) < 2.0**-60 * p
    scale.high[same], scale.low[same], scale.exponent[same] = 1.0, 0.0, 0
    for _ in range(2):
        t = rows.gather(_second, span, each, chosen, scale)
        delta = t[:, 2] / p
        g, rest = t[:, 0], p * sums.excess(delta, 1.0 + delta)
        if not (rest > g / 32).any():
            break
        scale.low[:, 0] -= np.where(same, 0.0, scale.high[:, 0] * delta)  # the sums were good to fewer digits
    value = np.maximum((g - rest) / p, 0.0)
    noise = np.where(same, 0.0, NOISE)
    value[value <= noise * noise] = 0.0  # proportional, as far as the scaled numbers can tell
    error = _rounding((g + rest) / p, value) + noise * (2.0 * np.sqrt(value) + noise)
    return value, error


def _rounding(parts: Any, value: Any) -> Any:
    """A bound on what rounding does: a term is good to 9 eps, the sums together to 4."""
    return 13.0 * EPS * parts + EPS * value + UNDERFLOW


def _first(rows: Rows, piece: Piece) -> Floats:
    p, q = rows.take(piece)
    length, many = rows.segments(piece)
    out = np.zeros((-(-p.size // length), 11))
    slow = np.ones(len(out), np.bool_)
    if (compiled := rows.compiled("first")) is not None:
        narrow = np.empty((len(out), 8))
        compiled(p, q, length, None, narrow, slow)
        out[:, :8], out[:, 10] = narrow, -1.0
    for chosen, x, y in _slow(p, q, length, np.flatnonzero(slow)):
        if not (sums.are_weights(x) and sums.are_weights(y)):
            rows.blame()
        out[chosen] = sums.first(x, y)
    if rows.length > SEGMENT:  # places within the segments of a row
        out[:, 10] += np.where(out[:, 10] >= 0.0, piece[2] + length * (np.arange(len(out)) % many), 0.0)
    return out


def _second(rows: Rows, piece: Piece, chosen: Ints, scale: Scale) -> Floats:
    p, q = rows.take(piece)
    length = min(rows.length, SEGMENT)
    if rows.length <= SEGMENT and len(chosen) < piece[1] - piece[0]:
        p, q = (x.reshape(-1, length)[chosen].reshape(-1) for x in (p, q))
    return _scaled(rows, "second", p, q, scale, 4)


def _scaled(rows: Rows, name: str, p: Floats, q: Floats, scale: Scale, columns: int) -> Floats:
    """A pass of `sums` that needs a scale, compiled where that may be."""
    length = min(rows.length, SEGMENT)
    if rows.length > SEGMENT:  # the segments of one row
        scale = scale.rows(np.zeros(-(-p.size // length), np.int64))
    out = np.empty((len(scale.high), columns))
    slow = np.ones(len(out), np.bool_)
    if (compiled := rows.compiled(name)) is not None:
        compiled(p, q, length, scale, out, slow)
    for some, x, y in _slow(p, q, length, np.flatnonzero(slow)):
        out[some] = getattr(sums, name)(x, y, scale.rows(some))
    return out


def _differs(rows: Rows, piece: Piece) -> Floats:
    p, q = (x.reshape(piece[1] - piece[0], -1) for x in rows.take(piece))
    differs = (p != q).any(axis=-1).astype(np.float64)
    return np.stack((differs, 0.0 * differs), axis=-1)


def _slow(p: Floats, q: Floats, length: int, chosen: Ints) -> Iterator[tuple[Ints, Floats, Floats]]:
    """The chosen stretches of p and q as matrices, a few at a time."""
    if not len(chosen):
        return
    if p.size % length:  # one row, whose last stretch is short
        for i in chosen:
            stretch = slice(i * length, (i + 1) * length)
            yield chosen[chosen == i], _double(p[None, stretch]), _double(q[None, stretch])
    else:
        step = max(1, SEGMENT // length)
        x, y = p.reshape(-1, length), q.reshape(-1, length)
        for i in range(0, len(chosen), step):
            some = chosen[i : i + step]
            whole = slice(some[0], some[-1] + 1) if some[-1] - some[0] + 1 == len(some) else some
            yield some, _double(x[whole]), _double(y[whole])


def _in_integers(rows: Rows, row: int) -> tuple[float, float, float, float, float]:
    """Value, error, sums and gap of a row whose sums are near an end of the floating-point range."""
    sum_p, sum_q = (sum(sums.integers(rows.entries(i, row))) for i in (0, 1))
    missed: list[float] = []

    def terms() -> Iterator[float]:
        for share, term in sums.exact(rows.entries(0, row), rows.entries(1, row), sum_p, sum_q):
            if term == math.inf:
                missed.append(share)
            yield term

    value = math.fsum(terms())
    error = _rounding(value, value) if value < math.inf else 0.0
    return value, error, sums.as_float(sum_p), sums.as_float(sum_q), math.fsum(missed)


def _double(x: NDArray[Any]) -> Floats:
    return x.astype(np.float64, copy=False)


def _entropy(rows: Rows, span: Span, each: Each) -> tuple[Floats]:
    unit, (s,) = _sized(rows, span, each)
    scale = Scale(s[:, :1], s[:, 1:], np.zeros((len(s), 1), np.int64))

    def part(rows: Rows, piece: Piece) -> Floats:
        (p,) = _in_units(rows, piece, unit)
        return _scaled(rows, "entropy", p, p, scale, 2)

    with np.errstate(invalid="ignore"):
        return (rows.gather(part, span, each)[:, 0] / s[:, 0],)


def _jensen_shannon(rows: Rows, span: Span, each: Each) -> tuple[Floats]:
    unit, (s, t) = _sized(rows, span, each)
    with np.errstate(all="ignore"):
        scale = sums.ratio(*s.T, *t.T)

    def part(rows: Rows, piece: Piece) -> Floats:
        p, q = _in_units(rows, piece, unit)
        return _scaled(rows, "jensen", p, q, scale, 2)

    with np.errstate(invalid="ignore"):
        value = rows.gather(part, span, each)[:, 0] / (2.0 * s[:, 0])
    value[value <= NOISE * NOISE] = 0.0
    value[(s[:, 0] == 0.0) | (t[:, 0] == 0.0)] = math.nan
    return (np.minimum(value, sums.LN2),)


def _sized(rows: Rows, span: Span, each: Each) -> tuple[list[Floats] | None, list[Floats]]:
    """For each array: a power of two per row that brings the sum to a tame size (None: all are 1); and that sum,
    high and low."""

    def part(rows: Rows, piece: Piece, units: list[Floats] | None) -> Floats:
        return np.concatenate([_total(rows, x) for x in _in_units(rows, piece, units)], axis=-1)

    s = rows.gather(part, span, each, None)
    units = None
    high = s[:, ::2]
    if not (_is_tame(high) | (high == 0.0)).all():
        units = [np.where(x < LEAST, 2.0**500, np.where(x < MOST, 1.0, 2.0**-500)) for x in high.T]
        s = rows.gather(part, span, each, units)
    return units, [s[:, i : i + 2] for i in range(0, s.shape[1], 2)]


def _in_units(rows: Rows, piece: Piece, units: list[Floats] | None) -> list[Floats]:
    if units is None:
        return rows.take(piece)
    blocks = [x.reshape(len(u), -1) * u[:, None] for x, u in zip(rows.take(piece), units, strict=True)]
    return [x.reshape(-1) for x in blocks]


def _total(rows: Rows, p: Floats) -> Floats:
    length = min(rows.length, SEGMENT)
    out = np.empty((-(-p.size // length), 2))
    slow = np.ones(len(out), np.bool_)
    if (compiled := rows.compiled("total")) is not None:
        compiled(p, p, length, None, out, slow)
    for some, x, _ in _slow(p, p, length, np.flatnonzero(slow)):
        if not sums.are_weights(x):
            rows.blame()
        with np.errstate(all="ignore"):
            out[some] = np.stack(sums.total(x), axis=-1)
    return out


def _is_tame(x: Floats) -> NDArray[np.bool_]:
    return (x > LEAST) & (x < MOST)  # False for NaN
