"""Arrays broadcast together as rows, cut into pieces, and the pieces shared out to threads."""

from __future__ import annotations

import contextvars
import functools
import itertools
import math
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple
from numpy.typing import NDArray

from kullback.numerics import sums
from kullback.numerics.sums import Floats

SEGMENT = 2**13  # entries summed as one; part of the definition of the result's last bits
RUN = 2**23  # entries of a long row handed to compiled code, and to a thread, at a time
MANY = 2**18  # the same of short rows, whose results take room
COPIED = 2**16  # the same where they must be copied first
LOADED = 2**11  # from here a compiled pass pays if it is loaded already
COMPILED = 2**18  # and from here if it is not
SHARED = 2**19  # from here a second thread pays

Axis = int | Sequence[int]
Span = tuple[int, int]  # rows from, to
Piece = tuple[int, int, int, int]  # rows from, to; columns from, to
Each = Callable[..., Any]  # map, or one that uses threads
Pass = Callable[..., None]
_FLOAT64, _FLOAT32 = np.dtype(np.float64), np.dtype(np.float32)


class BadEntry(ValueError):
    """An entry that no array of weights may hold: kind is "negative", "nan" or "infinite"."""

    def __init__(self, array: str, index: tuple[int, ...], value: float, kind: str) -> None:
        super().__init__(array, index, value, kind)
        self.array, self.index, self.value, self.kind = array, index, value, kind

    def __str__(self) -> str:
        return f"{self.array}[{', '.join(map(str, self.index))}] is {self.value} ({self.kind})"


class Rows:
    """Arrays broadcast together as `count` rows of `length`, read piece by piece as contiguous float64
    (or float32, where compiled code takes it)."""

    def __init__(self, arrays: tuple[NDArray[Any], ...], axis: Axis) -> None:
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
        self.size = self.count * self.length
        self.engine = _engine(self.size)
        single = self.engine is not None and all(x.dtype == _FLOAT32 for x in arrays)
        self.dtype = _FLOAT32 if single else _FLOAT64
        self.passes: dict[str, Pass | None] = {}
        direct = all(_is_direct(grid, self.dtype) for grid in self.grids)
        self.span = SEGMENT if self.engine is None else MANY if direct else COPIED
        self.workers = _workers() if self.engine is not None and self.size >= SHARED else 1
        even = -(-self.length // (self.workers * SEGMENT)) * SEGMENT  # every call into compiled code costs some
        self.reach = SEGMENT if self.engine is None else max(SEGMENT, min(even, RUN)) if direct else COPIED

    def compiled(self, name: str) -> Pass | None:
        """A pass of `_compiled`, where it pays: the same answer for every piece."""
        if self.engine is None:
            return None
        if name not in self.passes:
            pays = self.size >= COMPILED or self.engine.is_loaded(name, self.dtype)
            self.passes.setdefault(name, functools.partial(self.engine.run, name) if pays else None)
        return self.passes[name]

    def take(self, piece: Piece) -> list[Floats]:
        """The piece of each array, flat."""
        r0, r1, c0, c1 = piece
        whole = (c0, c1) == (0, self.length)
        starts = [r0 * self.length] if whole else range(r0 * self.length, r1 * self.length, self.length)
        size = (r1 - r0) * self.length if whole else c1
        flats = [slice(start + c0, start + size) for start in starts]
        out = []
        with np.errstate(over="ignore"):  # of long doubles
            for view, grid in zip(self.views, self.grids, strict=True):
                part = np.concatenate([view.flat[flat] for flat in flats]) if grid is None else grid[r0:r1, c0:c1]
                out.append(np.require(part, self.dtype, ["C", "A"]).reshape(-1))
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
        if r1 - r0 > 1:  # their whole segments together, then what is left of each
            cut = self.length // SEGMENT * SEGMENT
            pieces = [(r0, r1, 0, cut), (r0, r1, cut, self.length)][: 1 + (cut < self.length)]
            parts = [part(self, piece, *more) for piece in pieces]
            return _combine(np.concatenate([x.reshape(r1 - r0, -1, x.shape[-1]) for x in parts], axis=1))
        pieces = [(r0, r1, c, min(c + self.reach, self.length)) for c in range(0, self.length, self.reach)]
        return _combine(np.concatenate(list(each(lambda piece: part(self, piece, *more), pieces)))[None])

    def segments(self, piece: Piece) -> tuple[int, int]:
        """The length of the stretches of a piece, and how many of them a row has in it."""
        width = piece[3] - piece[2]
        length = min(width, SEGMENT)
        return length, -(-width // length)

    def solve(
        self, formula: Callable[..., tuple[Any, ...]], columns: Sequence[NDArray[Any]], *, together: bool = False
    ) -> None:
        """Fill the columns with what the formula gives for the rows; threads change nothing in it.

        `together` says that it takes several rows of many segments at once.
        """

        def fill(span: Span, each: Each = map) -> None:
            for column, part in zip(columns, formula(self, span, each), strict=True):
                column[span[0] : span[1]] = part

        step = max(1, self.span // self.length) if self.length <= SEGMENT else 1
        if together and self.length > SEGMENT:
            step = max(1, MANY // self.length)
        spans = [(r, min(r + step, self.count)) for r in range(0, self.count, step)]
        if len(spans) >= 4 * self.workers > 4:
            share(fill, spans, self.workers)
        else:
            each = functools.partial(share, workers=self.workers) if self.workers > 1 else map
            for span in spans:
                fill(span, each)

    def shaped(self, column: NDArray[Any]) -> Any:
        return column.reshape(self.batch_shape) if self.batch_shape else column[0].item()

    def blame(self) -> None:
        """Raise BadEntry for the first bad entry, of p and then of q."""
        for name, x in zip("pq", self.arrays, strict=False):
            for start in range(0, x.size, MANY):
                with np.errstate(over="ignore"):
                    block = x.flat[start : start + MANY].astype(np.float64)
                bad = ~((block >= 0.0) & (block < math.inf))
                if bad.any():
                    at = int(bad.argmax())
                    value = float(block[at])
                    kind = "nan" if math.isnan(value) else "infinite" if math.isinf(value) else "negative"
                    raise BadEntry(name, tuple(map(int, np.unravel_index(start + at, x.shape))), value, kind)


def share(run: Callable[..., Any], items: Sequence[Any], workers: int) -> list[Any]:
    """`map` in threads, of which the caller's is one: whoever is free takes the next item."""
    found: list[Any] = [None] * len(items)
    failures: list[BaseException] = []
    waiting = iter(range(len(items)))

    def work() -> None:
        try:
            for i in waiting:
                found[i] = run(items[i])
        except BaseException as failure:
            failures.append(failure)
            for _ in waiting:  # leave nothing to the others
                pass

    # each in a copy of the caller's context, which holds NumPy's floating-point settings
    contexts = [contextvars.copy_context() for _ in range(min(workers, len(items)) - 1)]
    threads = [threading.Thread(target=context.run, args=(work,), daemon=True) for context in contexts]
    for thread in threads:
        thread.start()
    work()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return found


def _combine(parts: Floats) -> Floats:
    """The sums of the parts (rows, parts, columns) of rows: columns are high and low by turns, then perhaps a gap's
    three."""
    rows, _, columns = parts.shape
    out = np.empty((rows, columns))
    width = min(columns, 8)
    with np.errstate(invalid="ignore", over="ignore"):
        pairs = parts[:, :, :width].reshape(rows, -1, width // 2, 2).transpose(0, 2, 1, 3)
        out[:, :width:2], out[:, 1:width:2] = sums.total(pairs.reshape(rows, width // 2, -1))
    if columns == 11:
        out[:, 8] = sums.total(parts[:, :, 8])[0]
        most = parts[:, :, 9].argmax(axis=1)
        out[:, 9:] = parts[np.arange(rows), most, 9:]
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


def _is_direct(grid: NDArray[Any] | None, dtype: np.dtype[Any]) -> bool:
    """Whether pieces of the matrix are contiguous, and of that type, as they lie."""
    if grid is None or grid.dtype != dtype or not grid.flags.aligned:
        return False
    row, step = grid.strides
    count, length = grid.shape
    return bool(
        (step == dtype.itemsize or length == 1) and (row == dtype.itemsize * length or count == 1 or length > SEGMENT)
    )


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
