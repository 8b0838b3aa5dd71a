"""Rows of logits compared: KL of their softmaxes in both directions at once, and the gradient of one of them.

With m the largest, u = (t − m_t) − (s − m_s) and c = log Z_t − log Z_s, the log ratio of the masses is d = u − c. A
value that is not small is Σ p·u − c; a small one is summed from terms p·(d + e^(−d) − 1), which are not negative and
cancel nothing. All in float64: of float32 logits u is exact.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kullback.numerics import _rows
from kullback.numerics._rows import Axis, Each, Rows, Span
from kullback.numerics.sums import Floats

COMPILED = 2**22  # entries from which compiling pays, which takes seconds, once a machine
PIECE = 2**15  # entries that NumPy works on at a time
SHARED = 2**18  # entries from which a second thread pays
QUICK = 128  # up to here Python's own floats are faster than NumPy
INVERSE_FACTORIALS = [1.0 / math.factorial(n) for n in range(16, 1, -1)]
NONE, FORWARD, REVERSE = 0, 1, 2
VALUES = 6
SMALL = 0.05  # nats below which a value is summed from its terms


class Compared(NamedTuple):
    """A number a row: both KLs, ∞ where one has mass and the other none; Σ p·|log p| and Σ p·|log q| of the classes
    both have, in the sizes of which rounding counts; the shares of P and of Q where the other has none."""

    forward: Floats
    reverse: Floats
    log_p: Floats
    log_q: Floats
    gap_p: Floats
    gap_q: Floats


def engine(size: int, dtype: str) -> ModuleType | None:
    """The compiled rows of logits of a dtype, where they pay and Numba is installed."""
    if size < _rows.LOADED or _rows._engine(max(size, _rows.COMPILED)) is None:
        return None
    from kullback.numerics import _compiled_logits

    return _compiled_logits if size >= COMPILED or dtype in _compiled_logits.loaded else None


def compared(
    t: NDArray[Any],
    s: NDArray[Any],
    compiled: ModuleType | None,
    *,
    heat: Floats | None = None,
    scale: Floats | None = None,
    gradient: int = NONE,
    small: float = SMALL,
    out: NDArray[Any] | None = None,
    workers: int = 1,
) -> Compared:
    """Rows of P's logits t and Q's logits s, of shape (n, length), divided by the temperatures `heat`, one or n.

    `out` gets the gradient with respect to s, times `scale`, of the direction named; it may be s. Where a gradient is
    named, only that direction's value means something. `small`, in nats: from where a value
    is the plain sum.
    """
    n, length = s.shape
    values = np.empty((n, VALUES))
    heat = np.ones(1) if heat is None else heat
    if compiled is None:
        step = max(1, PIECE // max(length, 1))
        for i in range(0, n, step):
            values[i : i + step] = _by_numpy(
                t[i : i + step], s[i : i + step], heat if len(heat) == 1 else heat[i : i + step], small
            )
        return Compared(*values.T)
    scale = np.ones(1) if scale is None else scale
    out = np.empty((n, 0), s.dtype) if out is None else out

    def part(span: tuple[int, int]) -> None:
        i, j = span
        arrays = [_flat(x[i:j]) for x in (t, s, out)]
        own = [x if len(x) == 1 else x[i:j] for x in (heat, scale)]
        works = (
            np.empty(2 * length if gradient else 0),
            np.empty(7 * compiled.BLOCK),
            np.empty((2 * compiled.SUMS + 1) * compiled.LANES),
        )
        widths = (length, *(step for _, step in arrays))
        flats = [flat for flat, _ in arrays]
        compiled.run(flats[0], flats[1], widths, *own, gradient, small, flats[2], values[i:j], works)

    if workers > 1 and n > 1 and n * length >= SHARED:
        step = max(1, min(-(-n // workers), max(1, SHARED // length)))
        _rows.share(part, [(i, min(i + step, n)) for i in range(0, n, step)], workers)
    else:
        part((0, n))
    return Compared(*values.T)


def relative_entropy(t: ArrayLike, s: ArrayLike, axis: Axis = -1) -> Compared:
    """The numbers of `Compared` for the distributions along `axis` of two arrays of logits broadcast together.

    NaN where an entry is NaN or +∞, or all are −∞.
    """
    t, s = np.asarray(t), np.asarray(s)
    if t.ndim == s.ndim == 1 and 0 < t.size == s.size <= QUICK and axis in (-1, 0):
        quick = _quick(t.tolist(), s.tolist())
        if quick is not None:
            return quick
    rows = Rows((t, s), axis)
    columns = [np.empty(rows.count) for _ in range(VALUES)]
    rows.solve(_compare, columns, together=True)
    return Compared(*map(rows.shaped, columns))


def _quick(t: list[float], s: list[float]) -> Compared | None:
    """In Python's own floats, faster than NumPy for few entries; None where one is not finite."""
    if not all(map(math.isfinite, t)) or not all(map(math.isfinite, s)):
        return None
    top_t, top_s = max(t), max(s)
    a, b = [x - top_t for x in t], [x - top_s for x in s]
    e, f = list(map(math.exp, a)), list(map(math.exp, b))
    z_t, z_s = math.fsum(e), math.fsum(f)
    log_t, log_s = math.log(z_t), math.log(z_s)
    c = log_t - log_s
    terms = [(x / z_t, y / z_s, u - v - c) for x, y, u, v in zip(e, f, a, b, strict=True)]
    forward = math.fsum([_term(p, q, d) for p, q, d in terms])
    reverse = math.fsum([_term(q, p, -d) for p, q, d in terms])
    log_p, log_q = (log - sum(map(math.prod, zip(e, x, strict=True))) / z_t for log, x in ((log_t, a), (log_s, b)))
    return Compared(*(np.asarray(x) for x in (forward, reverse, log_p, log_q, 0.0, 0.0)))


def _term(p: float, q: float, d: float) -> float:
    """p·d − p + q, by its series near d = 0."""
    if abs(d) >= 0.5:
        return p * d + (q - p)
    total = 0.0
    for inverse in INVERSE_FACTORIALS:
        total = inverse - d * total
    return p * d * d * total


def _compare(rows: Rows, span: Span, each: Each) -> Compared:
    n = span[1] - span[0]
    t, s = (x.reshape(n, rows.length) for x in rows.take((*span, 0, rows.length)))
    return compared(t, s, engine(rows.size, rows.dtype.name))


def _flat(x: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """The rows as they lie, as one flat array, and the step from one to the next."""
    n, length = x.shape
    size = x.dtype.itemsize
    if not n or not length:
        return np.empty(0, x.dtype), 0
    if (length > 1 and x.strides[1] != size) or x.strides[0] % size or x.strides[0] < 0 or not x.flags.aligned:
        x = np.ascontiguousarray(x)
    step = x.strides[0] // size if n > 1 else length
    flat = np.lib.stride_tricks.as_strided(x, (step * (n - 1) + length,), (size,), writeable=x.flags.writeable)
    return flat, step


def _by_numpy(t: NDArray[Any], s: NDArray[Any], heat: Floats, small: float) -> Floats:
    """The same of a few rows, a piece of them at a time."""
    with np.errstate(all="ignore"):
        tops = [x.max(axis=1, keepdims=True).astype(np.float64) for x in (t, s)]
        pieces = [slice(i, i + PIECE) for i in range(0, t.shape[1], PIECE)]
        cool = 1.0 / heat[:, None]
        first = _summed(_plain, t, s, tops, cool, pieces)
        z_t, z_s, to_q, to_p, crossed, gap_p, gap_q = first.T
        log_t, log_s = np.log(z_t), np.log(z_s)
        c = log_t - log_s
        values = np.zeros((len(t), VALUES))
        values[:, 0], values[:, 1] = to_q / z_t - c, c - to_p / z_s
        values[:, 3] = log_s - crossed / z_t
        values[:, 2] = np.where(gap_p > 0.0, values[:, 3], log_t - (to_q + crossed) / z_t)
        few = (gap_p > 0.0) | (gap_q > 0.0) | ~((values[:, 0] >= small) & (values[:, 1] >= small))
        if few.any():
            terms = functools.partial(_terms, z_t=z_t[few, None], z_s=z_s[few, None], c=c[few, None])
            own = cool if len(cool) == 1 else cool[few]
            values[np.ix_(few, [0, 1, 4, 5])] = _summed(terms, t[few], s[few], [x[few] for x in tops], own, pieces)
    values[gap_p > 0.0, 0] += np.inf  # NaN stays
    values[gap_q > 0.0, 1] += np.inf
    return values


def _summed(part: Callable[..., Any], t: Any, s: Any, tops: Any, cool: Any, pieces: Any) -> Floats:
    sums: Any = 0.0
    for piece in pieces:
        x, y = t[:, piece], s[:, piece]
        a, b = (x - tops[0]) * cool, (y - tops[1]) * cool
        sums = sums + np.stack(part(a, b), axis=1)
    return np.asarray(sums)


def _plain(a: Floats, b: Floats) -> list[Floats]:
    dead_t, dead_s = np.isneginf(a), np.isneginf(b)
    gaps = [(dead_s & ~dead_t).any(axis=1), (dead_t & ~dead_s).any(axis=1)]
    if dead_t.any() or dead_s.any():
        a, b = np.where(dead_t, -1e300, a), np.where(dead_s, -1e300, b)
    e, f, u = np.exp(a), np.exp(b), a - b
    dots = [
        np.einsum("ij,ij->i", x, y) for x, y in ((e, u), (f, u), (e, np.where(dead_s, 0.0, b) if dead_s.any() else b))
    ]
    return [e.sum(axis=1), f.sum(axis=1), *dots, *gaps]


def _terms(a: Floats, b: Floats, z_t: Floats, z_s: Floats, c: Floats) -> list[Floats]:
    dead_t, dead_s = np.isneginf(a), np.isneginf(b)
    p, q = np.exp(a) / z_t, np.exp(b) / z_s
    d = np.where(dead_t | dead_s, 0.0, a - b - c)
    only_p, only_q = np.where(dead_s, p, 0.0), np.where(dead_t, q, 0.0)
    forward = np.where(dead_t, q, np.where(dead_s, 0.0, _over(p, q, d)))
    reverse = np.where(dead_s, p, np.where(dead_t, 0.0, _over(q, p, -d)))
    return [x.sum(axis=1) for x in (forward, reverse, only_p, only_q)]


def _over(p: Floats, q: Floats, d: Floats) -> Floats:
    near = np.abs(d) < 0.5
    small = np.where(near, -d, 0.0)
    series = np.zeros_like(d)
    for inverse in INVERSE_FACTORIALS:
        series *= small
        series += inverse
    return np.where(near, p * small * small * series, p * d + (q - p))
