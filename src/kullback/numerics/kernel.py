"""Relative entropy of arrays, in nats, along given axes: KL(p/Σp ‖ q/Σq).

With G = Σ(p·log(p/q) − p + q), S = Σp and δ = Σ(q − p)/S the value is (G − S·(δ − log(1 + δ)))/S. Where the
two parts would cancel, a second pass compares p with q·(Σp/Σq), carried in twice the working precision. The
terms are in `sums`, and for large arrays in `_compiled`: the same bits from both, at any number of threads.
"""

from __future__ import annotations

import itertools
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple
from numpy.typing import ArrayLike, NDArray

from kullback.numerics import sums
from kullback.numerics.sums import Floats, Ints, Scale

SEGMENT = 2**13  # entries summed as one; part of the definition of the result's last bits
RUN = 2**20  # entries handed to compiled code, and to a thread, at a time
COPIED = 2**16  # the same where they must be copied first
QUICK = 256  # up to here Python's own floats are faster than NumPy
LOADED = 2**11  # from here compiled code pays if it is loaded already
COMPILED = 2**18  # and from here if it is not
SHARED = 2**20  # from here a second thread pays

EPS = 2.0**-52
NOISE = 2.0**-103  # of numbers carried in twice the precision, relative
UNDERFLOW = 2.0**-880  # more than underflow changes a value whose sums are tame
LEAST, MOST = 2.0**-100, 2.0**900  # a tame sum lies between

Axis = int | Sequence[int]
Span = tuple[int, int]  # rows from, to
Piece = tuple[int, int, int, int]  # rows from, to; columns from, to
Each = Callable[..., Any]  # map, or a thread pool's
_FLOAT64 = np.dtype(np.float64)


class BadEntry(ValueError):
    """An entry that no array of weights may hold: kind is "negative", "nan" or "infinite"."""

    def __init__(self, array: str, index: tuple[int, ...], value: float, kind: str) -> None:
        super().__init__(array, index, value, kind)
        self.array, self.index, self.value, self.kind = array, index, value, kind

    def __str__(self) -> str:
        return f"{self.array}[{', '.join(map(str, self.index))}] is {self.value} ({self.kind})"


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
    rows = _Rows((p, q), axis, compiled=True)
    columns = [np.empty(rows.count) for _ in range(5)] + [np.empty(rows.count, np.int64)]
    rows.solve(_relative_entropy, columns)
    return Parts(*map(rows.shaped, columns))


def entropy(p: ArrayLike, axis: Axis = -1) -> Any:
    """−Σ p·log p of the normalised p along `axis`, in nats. Raises BadEntry."""
    rows = _Rows((np.asarray(p),), axis)
    column = np.empty(rows.count)
    rows.solve(_entropy, [column])
    return rows.shaped(column)


def jensen_shannon(p: ArrayLike, q: ArrayLike, axis: Axis = -1) -> Any:
    """½KL(p‖m) + ½KL(q‖m) of the normalised arrays, m their mean, in nats; at most log 2. Raises BadEntry."""
    rows = _Rows((np.asarray(p), np.asarray(q)), axis)
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


def _relative_entropy(rows: _Rows, span: Span, each: Each) -> tuple[Any, ...]:
    s = rows.gather(_first, span, each)
    g, p, p_low, q, q_low, share = s[:, 0], s[:, 2], s[:, 3], s[:, 4], s[:, 5], s[:, 6]
    at = s[:, 8].astype(np.int64)
    with np.errstate(all="ignore"):
        delta = ((q - p) + (q_low - p_low)) / p
        rest = p * sums.excess(delta, q / p)
        value = (g - rest) / p
        error = _rounding((g + rest) / p, value)
        share = share / p
        # an eighth keeps the digits; and far below rounding δ must be summed entry by entry
        again = (rest > g / 8) | ((g > 0.0) & (g < 2.0**-96 * p))
    gap = at >= 0
    void = (p == 0.0) | (q == 0.0)
    wild = ~void & ~(_is_tame(p) & _is_tame(q))
    again &= ~(gap | void | wild)
    if again.any():
        value[again], error[again] = _rescaled(rows, span, each, np.flatnonzero(again), s[again])
    if (none := (g == 0.0) & ~(gap | void | wild)).any():  # equal, unless a difference underflowed
        error[none] *= rows.gather(_differs, span, each)[none, 0] > 0.0
    value[gap], error[gap] = math.inf, 0.0
    value[void] = error[void] = share[void] = math.nan
    for i in np.flatnonzero(wild):
        value[i], error[i], p[i], q[i], share[i] = _in_integers(rows, span[0] + int(i))
    return value, error, p, q, share, at


def _rescaled(rows: _Rows, span: Span, each: Each, chosen: Ints, s: Floats) -> tuple[Floats, Floats]:
    """Value and error of the chosen rows, q scaled to the sum of p."""
    p, p_low, q, q_low = s[:, 2], s[:, 3], s[:, 4], s[:, 5]
    scale = sums.ratio(p, p_low, q, q_low)
    # nearer than entries can show: the scaling would only add its own noise
    same = np.abs((q - p) + (q_low - p_low)) < 2.0**-60 * p
    scale.high[same], scale.low[same], scale.exponent[same] = 1.0, 0.0, 0
    t = rows.gather(_second, span, each, chosen, scale)
    delta = t[:, 2] / p
    g, rest = t[:, 0], p * sums.excess(delta, 1.0 + delta)
    value = np.maximum((g - rest) / p, 0.0)
    noise = np.where(same, 0.0, NOISE)
    value[value <= noise * noise] = 0.0  # proportional, as far as the scaled numbers can tell
    error = _rounding((g + rest) / p, value) + noise * (2.0 * np.sqrt(value) + noise)
    return value, error


def _rounding(parts: Any, value: Any) -> Any:
    """A bound on what rounding does: a term is good to 6 eps, the sums to less than one."""
    return 8.0 * EPS * parts + EPS * value + UNDERFLOW


def _first(rows: _Rows, piece: Piece) -> Floats:
    p, q = rows.take(piece)
    length = min(rows.length, SEGMENT)
    out = np.zeros((-(-p.size // length), 9))
    slow = np.ones(len(out), np.bool_)
    if rows.engine is not None:
        narrow = np.empty((len(out), 6))
        rows.engine.first(p, q, length, narrow, slow)
        out[:, :6], out[:, 8] = narrow, -1.0
    for chosen, x, y in _slow(p, q, length, np.flatnonzero(slow)):
        if not (sums.are_weights(x) and sums.are_weights(y)):
            rows.blame()
        out[chosen] = sums.first(x, y)
    if rows.length > SEGMENT:  # places within the segments of one row
        out[:, 8] += np.where(out[:, 8] >= 0.0, piece[2] + length * np.arange(len(out)), 0.0)
    return out


def _second(rows: _Rows, piece: Piece, chosen: Ints, scale: Scale) -> Floats:
    p, q = rows.take(piece)
    length = min(rows.length, SEGMENT)
    if rows.length > SEGMENT:  # the segments of one row
        scale = scale.rows(np.zeros(-(-p.size // length), np.int64))
    elif len(chosen) < piece[1] - piece[0]:
        p, q = (x.reshape(-1, length)[chosen].reshape(-1) for x in (p, q))
    out = np.empty((len(scale.high), 4))
    slow = np.ones(len(out), np.bool_)
    if rows.engine is not None and (rows.engine.has_second() or rows.count * rows.length >= COMPILED):
        rows.engine.second(p, q, length, scale, out, slow)
    for some, x, y in _slow(p, q, length, np.flatnonzero(slow)):
        out[some] = sums.second(x, y, scale.rows(some))
    return out


def _differs(rows: _Rows, piece: Piece) -> Floats:
    p, q = (x.reshape(piece[1] - piece[0], -1) for x in rows.take(piece))
    differs = (p != q).any(axis=-1).astype(np.float64)
    return np.stack((differs, 0.0 * differs), axis=-1)


def _slow(p: Floats, q: Floats, length: int, chosen: Ints) -> Iterator[tuple[Ints, Floats, Floats]]:
    """The chosen stretches of p and q as matrices, a few at a time."""
    if p.size % length:  # one row, whose last stretch is short
        for i in chosen:
            stretch = slice(i * length, (i + 1) * length)
            yield chosen[chosen == i], p[None, stretch], q[None, stretch]
    else:
        step = max(1, SEGMENT // length)
        x, y = p.reshape(-1, length), q.reshape(-1, length)
        for i in range(0, len(chosen), step):
            some = chosen[i : i + step]
            whole = slice(some[0], some[-1] + 1) if some[-1] - some[0] + 1 == len(some) else some
            yield some, x[whole], y[whole]


def _in_integers(rows: _Rows, row: int) -> tuple[float, float, float, float, float]:
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


def _entropy(rows: _Rows, span: Span, each: Each) -> tuple[Floats]:
    unit, (p,), (low,) = _sized(rows, span, each)

    def part(rows: _Rows, piece: Piece) -> Floats:
        x = rows.take(piece)[0].reshape(len(p), -1) * unit[0]
        with np.errstate(all="ignore"):
            share = x / p
            log = np.log(share)
            row, column = np.nonzero(share > 0.5)  # near 1: 1 − share from the sum, not from the rounded share
            rest = (p[row, 0] - x[row, column]) + low[row, 0]
            log[row, column] = np.log1p(-rest / p[row, 0])
            return np.stack(sums.total(np.where(share > 0.0, -share * log, share)), axis=-1)

    return (rows.gather(part, span, each)[:, 0],)


def _jensen_shannon(rows: _Rows, span: Span, each: Each) -> tuple[Floats]:
    unit, (p, q), (p_low, q_low) = _sized(rows, span, each)
    with np.errstate(all="ignore"):
        scale = sums.ratio(p[:, 0], p_low[:, 0], q[:, 0], q_low[:, 0])

    def part(rows: _Rows, piece: Piece) -> Floats:
        x, y = (x.reshape(len(p), -1) * u for x, u in zip(rows.take(piece), unit, strict=True))
        return np.stack(sums.jensen(x, y, scale), axis=-1)

    with np.errstate(invalid="ignore"):
        value = rows.gather(part, span, each)[:, 0] / (4.0 * p[:, 0])
    value[value <= NOISE * NOISE] = 0.0
    value[(p[:, 0] == 0.0) | (q[:, 0] == 0.0)] = math.nan
    return (np.minimum(value, sums.LN2),)


def _sized(rows: _Rows, span: Span, each: Each) -> tuple[list[Floats], list[Floats], list[Floats]]:
    """For each array: a power of two per row that brings the sum to a tame size; that sum, high and low."""
    units = [np.ones((span[1] - span[0], 1)) for _ in rows.arrays]

    def part(rows: _Rows, piece: Piece) -> Floats:
        blocks = [x.reshape(len(units[0]), -1) for x in rows.take(piece)]
        if not all(map(sums.are_weights, blocks)):
            rows.blame()
        with np.errstate(all="ignore"):
            both = [y for x, u in zip(blocks, units, strict=True) for y in sums.total(x * u)]
        return np.stack(both, axis=-1)

    s = rows.gather(part, span, each)
    high = s[:, ::2]
    if not (_is_tame(high) | (high == 0.0)).all():
        for unit, sum_ in zip(units, high.T, strict=True):
            unit[:, 0] = np.where(sum_ < LEAST, 2.0**500, np.where(sum_ < MOST, 1.0, 2.0**-500))
        s = rows.gather(part, span, each)
    k = range(0, s.shape[1], 2)
    return units, [s[:, i : i + 1] for i in k], [s[:, i + 1 : i + 2] for i in k]


def _is_tame(x: Floats) -> NDArray[np.bool_]:
    return (x > LEAST) & (x < MOST)  # False for NaN


class _Rows:
    """Arrays broadcast together as `count` rows of `length`, read piece by piece as contiguous float64."""

    def __init__(self, arrays: tuple[NDArray[Any], ...], axis: Axis, *, compiled: bool = False) -> None:
        for x in arrays:
            if x.dtype.kind not in "biuf":
                raise TypeError(f"an array of real numbers is needed, not of {x.dtype}")
        self.arrays = arrays
        shape = np.broadcast_shapes(*(x.shape for x in arrays))
        axes = sorted(normalize_axis_tuple(axis, len(shape)))
        batch = [i for i in range(len(shape)) if i not in axes]
        self.batch_shape = tuple(shape[i] for i in batch)
        self.count = math.prod(self.batch_shape)
        self.length = math.prod(shape[i] for i in axes)
        self.views = [np.broadcast_to(x, shape).transpose(batch + axes) for x in arrays]
        self.grids = [_grid(x, len(batch), self.count, self.length) for x in self.views]
        self.engine = _engine(self.count * self.length) if compiled else None
        direct = all(_is_direct(grid) for grid in self.grids)
        self.reach = SEGMENT if self.engine is None else RUN if direct else COPIED

    def take(self, piece: Piece) -> list[Floats]:
        """The piece of each array, flat. Several rows are taken whole."""
        r0, r1, c0, c1 = piece
        flat = slice(r0 * self.length + c0, (r1 - 1) * self.length + c1)
        out = []
        with np.errstate(over="ignore"):  # of long doubles
            for view, grid in zip(self.views, self.grids, strict=True):
                part = view.flat[flat] if grid is None else grid[r0:r1, c0:c1]
                out.append(np.require(part, np.float64, ["C", "A"]).reshape(-1))
        return out

    def entries(self, i: int, row: int) -> Iterator[float]:
        """One row of array i, as Python floats."""
        for c in range(0, self.length, SEGMENT):
            yield from self.take((row, row + 1, c, min(c + SEGMENT, self.length)))[i].tolist()

    def gather(self, part: Callable[..., Floats], span: Span, each: Each, *more: Any) -> Floats:
        """part(rows, piece, *more) of the span; of a row in several pieces, the sums of the parts."""
        r0, r1 = span
        if self.length <= SEGMENT:
            return part(self, (r0, r1, 0, self.length), *more)
        pieces = [(r0, r1, c, min(c + self.reach, self.length)) for c in range(0, self.length, self.reach)]
        return _combine(np.concatenate(list(each(lambda piece: part(self, piece, *more), pieces))))

    def solve(self, formula: Callable[..., tuple[Any, ...]], columns: Sequence[NDArray[Any]]) -> None:
        """Fill the columns with what the formula gives for the rows; threads change nothing in it."""

        def fill(span: Span, each: Each = map) -> None:
            for column, part in zip(columns, formula(self, span, each), strict=True):
                column[span[0] : span[1]] = part

        step = max(1, self.reach // self.length) if self.length <= SEGMENT else 1
        spans = [(r, min(r + step, self.count)) for r in range(0, self.count, step)]
        workers = _workers() if self.engine is not None and self.count * self.length >= SHARED else 1
        if workers == 1:
            for span in spans:
                fill(span)
            return
        from concurrent.futures import ThreadPoolExecutor  # costs milliseconds to import

        with ThreadPoolExecutor(workers) as pool:
            if len(spans) >= 4 * workers:
                list(pool.map(fill, spans))
            else:
                for span in spans:
                    fill(span, pool.map)

    def shaped(self, column: NDArray[Any]) -> Any:
        return column.reshape(self.batch_shape) if self.batch_shape else column[0].item()

    def blame(self) -> None:
        """Raise BadEntry for the first bad entry, of p and then of q."""
        for name, x in zip("pq", self.arrays, strict=False):
            for start in range(0, x.size, RUN):
                with np.errstate(over="ignore"):
                    block = x.flat[start : start + RUN].astype(np.float64)
                bad = ~((block >= 0.0) & (block < math.inf))
                if bad.any():
                    at = int(bad.argmax())
                    value = float(block[at])
                    kind = "nan" if math.isnan(value) else "infinite" if math.isinf(value) else "negative"
                    raise BadEntry(name, tuple(map(int, np.unravel_index(start + at, x.shape))), value, kind)


def _combine(parts: Floats) -> Floats:
    """The sums of parts of one row: columns are high and low by turns, then a gap's three."""
    out = np.empty((1, parts.shape[1]))
    width = min(parts.shape[1], 6)
    with np.errstate(invalid="ignore", over="ignore"):
        pairs = parts[:, :width].reshape(len(parts), -1, 2).transpose(1, 0, 2)
        out[0, :width:2], out[0, 1:width:2] = sums.total(pairs.reshape(width // 2, -1))
    if parts.shape[1] == 9:
        out[0, 6] = sums.total(parts[:, 6])[0]
        out[0, 7:] = parts[parts[:, 7].argmax(), 7:]
    return out


def _grid(view: NDArray[Any], batch: int, count: int, length: int) -> NDArray[Any] | None:
    """The view as a matrix without a copy, if strides allow."""
    strides = [_stride(view.shape[part], view.strides[part]) for part in (slice(batch), slice(batch, None))]
    if None in strides:
        return None
    return np.lib.stride_tricks.as_strided(view, (count, length), strides, writeable=False)  # type: ignore[arg-type]


def _stride(shape: tuple[int, ...], strides: tuple[int, ...]) -> int | None:
    """The one stride of axes walked in C order, or None."""
    steps = [(n, step) for n, step in zip(shape, strides, strict=True) if n != 1]
    if any(step != n * inner for (_, step), (n, inner) in itertools.pairwise(steps)):
        return None
    return steps[-1][1] if steps else 0


def _is_direct(grid: NDArray[Any] | None) -> bool:
    """Whether pieces of the matrix are contiguous float64 as they lie."""
    if grid is None or grid.dtype != _FLOAT64 or not grid.flags.aligned:
        return False
    row, step = grid.strides
    count, length = grid.shape
    return bool((step == 8 or length == 1) and (row == 8 * length or count == 1 or length > SEGMENT))


def _engine(size: int) -> ModuleType | None:
    """The compiled passes, where they pay and Numba is installed."""
    if size < (LOADED if "kullback.numerics._compiled" in sys.modules else COMPILED):
        return None
    try:
        from kullback.numerics import _compiled
    except ImportError:
        return None
    return _compiled if _compiled.ready() else None


def _workers() -> int:
    """The cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
