"""Adaptive cubature in a few dimensions: products of Gauss-Kronrod rules on cells that are halved where it pays.

Each cell is halved across the axis in which the embedded Gauss rule disagrees most, so a narrow ridge along one
axis costs no cells along the others. All new cells of a round are evaluated together (SciPy's `cubature` takes one
at a time). Three nested rules along each axis, of degree 22, 13 and 5, tell the error: where their differences fall
from the first to the second, they go on falling; where they do not, as at a kink, the last difference stands. As it
may be small by accident, a cell's error is no less than half of what halving its parent moved. Cells that look
empty are probed from the edges of smaller neighbours, so that a thin ridge is followed wherever it runs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # of floats

_HALF_NODES = [
    0.991455371120812639206854697526329,
    0.949107912342758524526189684047851,
    0.864864423359769072789712788640926,
    0.741531185599394439863864773280788,
    0.586087235467691130294144691258930,
    0.405845151377397166906606412076961,
    0.207784955007898467600689403773245,
]
_HALF_KRONROD = [
    0.022935322010529224963732008058970,
    0.063092092629978553290700663189204,
    0.104790010322250183839876322541518,
    0.140653259715525918745189590510238,
    0.169004726639267902826583426598550,
    0.190350578064785409913256402421014,
    0.204432940075298892414161999234649,
]
NODES = np.array([-x for x in _HALF_NODES] + [0.0] + _HALF_NODES[::-1])
KRONROD = np.array([*_HALF_KRONROD, 0.209482141084727828012999174891714, *_HALF_KRONROD[::-1]])
GAUSS = np.zeros(15)
GAUSS[1::2] = np.polynomial.legendre.leggauss(7)[1]
COARSE = np.zeros(15)  # the rule of degree 5 on five of Gauss's nodes
COARSE[[1, 3, 7, 11, 13]] = np.linalg.solve(
    np.vander(NODES[[1, 3, 7, 11, 13]], 5, increasing=True).T, [2, 0, 2 / 3, 0, 2 / 5]
)
SAFETY, KINK = 20.0, 3.0  # on the rate, and where there is none
EPS = float(np.finfo(float).eps)
CHECKS, ROUGH = 400, 1e-3  # what is overlooked is looked for first where the rest is known to a thousandth
UNSEEN = 10.0  # times the guess of what an overlooked cell holds, where the points end before it is seen
CHUNK = 1 << 17  # points a call


class Cubature(NamedTuple):
    """Values and absolute errors of the integrands, the points evaluated, and the nodes of the last cells."""

    value: Array
    error: Array
    n: int
    x: Array
    w: Array


class _Cells(NamedTuple):
    """Cells between low and high, (cells, d), with their integrals (cells, k), errors, the axis to halve, the errors
    below which only rounding is left, the largest values seen, and whether their edges are still to be probed."""

    low: Array
    high: Array
    value: Array
    error: Array
    axis: Array
    floor: Array
    top: Array
    fresh: Array

    def take(self, which: Array) -> _Cells:
        return _Cells(*(field[which] for field in self))

    def join(self, other: _Cells) -> _Cells:
        return _Cells(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))


def cubature(
    f: Callable[[Array], Array],
    low: Array,
    high: Array,
    *,
    rtol: float = 1e-10,
    atol: float = 0.0,
    drivers: int | None = None,
    max_points: int = 1_000_000,
) -> Cubature:
    """∫ f over the union of the cells between low and high, shape (cells, d).

    f maps (n, d) points to (k, n) values; the first `drivers` rows steer the halving. It ends when their errors are
    below max(rtol·|value|, atol), when only rounding is left, or before more than `max_points` are evaluated.
    """
    d = low.shape[1]
    size = len(NODES) ** d
    done = _evaluate(f, low, high, drivers)
    n, checks = size * len(low), 0
    k = drivers or done.value.shape[1]
    rough = ROUGH
    while True:
        sums = done.value.sum(axis=0)[:k]
        if not np.isfinite(sums).all():
            break
        final = np.maximum(np.maximum(rtol * np.abs(sums), atol), 1e-300)
        wanted = np.maximum(final, rough * np.abs(sums))
        error = (done.error[:, :k] / wanted).max(axis=1)
        live = np.asarray((done.error[:, :k] > done.floor[:, :k]).any(axis=1))
        live &= (done.high - done.low > 64 * EPS * np.maximum(np.abs(done.low), np.abs(done.high))).any(axis=1)
        settled = bool((done.error[:, :k].sum(axis=0) <= wanted).all() or not live.any())
        order = np.argsort(error)
        spare = np.cumsum(error[order]) <= 0.5  # the least of them may stay: together they are within half
        chosen = order[~spare & live[order]][::-1][: (max_points - n) // (2 * size)]
        if settled or not len(chosen):
            found = _overlooked(f, done, k, final)
            if not len(found.cells) and not done.fresh.all():  # neighbours may have been halved since
                done.fresh[:] = True
                found = _overlooked(f, done, k, final)
            if len(found.cells):
                checks += 1
                low, high = _pieces(done, found)
                if not settled or checks > CHECKS or n + size * len(low) > max_points:
                    done.error[found.cells, :k] += UNSEEN * found.holds
                    break
                done.fresh[:] = False
                done.fresh[found.sources] = True
                kept = np.ones(len(done.low), bool)
                kept[found.cells] = False
                done = done.take(kept).join(_evaluate(f, low, high, drivers))
                n += size * len(low)
            elif rough == 0 or not settled:
                break
            else:
                rough = 0.0
            continue
        axis = done.axis[chosen]
        rows = np.arange(len(chosen))
        middle = 0.5 * (done.low[chosen, axis] + done.high[chosen, axis])
        lows, highs = done.low[chosen].copy(), done.high[chosen].copy()
        lows[rows, axis], highs[rows, axis] = middle, middle
        new = _evaluate(
            f, np.concatenate([done.low[chosen], lows]), np.concatenate([highs, done.high[chosen]]), drivers
        )
        moved = np.abs(new.value[: len(chosen)] + new.value[len(chosen) :] - done.value[chosen])
        new = new._replace(error=np.maximum(new.error, 0.5 * np.tile(moved, (2, 1))))
        n += 2 * size * len(chosen)
        kept = np.ones(len(done.low), bool)
        kept[chosen] = False
        done = done.take(kept).join(new)
    x, w = points(done.low, done.high)
    return Cubature(done.value.sum(axis=0), done.error.sum(axis=0), n, x, w)


def points(low: Array, high: Array) -> tuple[Array, Array]:
    """The nodes of the cells and their weights, (cells · 15^d, d) and (cells · 15^d,)."""
    d = low.shape[1]
    z, w = _rule(d)
    half = 0.5 * (high - low)
    x = (0.5 * (high + low))[:, None, :] + half[:, None, :] * z
    return x.reshape(-1, d), (half.prod(axis=1)[:, None] * w).ravel()


def graded(edges: list[Array]) -> tuple[Array, Array]:
    """All cells between the sorted edges of each axis."""
    lows = np.meshgrid(*(e[:-1] for e in edges), indexing="ij")
    highs = np.meshgrid(*(e[1:] for e in edges), indexing="ij")
    return np.column_stack([a.ravel() for a in lows]), np.column_stack([a.ravel() for a in highs])


def focused(low: Array, high: Array, centre: Array, width: Array) -> tuple[Array, Array]:
    """The cells, with those around `centre` halved until they are no longer than four widths along each axis."""
    for axis in range(low.shape[1]):
        while True:
            holds = ((low <= centre) & (centre <= high)).all(axis=1)
            wide = holds & (high[:, axis] - low[:, axis] > max(4 * width[axis], 1e-9))
            if not wide.any():
                break
            middle = 0.5 * (low[wide, axis] + high[wide, axis])
            left, right = high[wide].copy(), low[wide].copy()
            left[:, axis], right[:, axis] = middle, middle
            low, high = np.concatenate([low[~wide], low[wide], right]), np.concatenate([high[~wide], left, high[wide]])
    return low, high


class _Overlooked(NamedTuple):
    """Cells that hold more than they seem to, each with a point that shows it, and the widths to see it with."""

    cells: Array
    spot: Array
    width: Array
    sources: Array  # the smaller neighbours, whose other probes may still be to be answered
    holds: Array  # a guess: as if a ridge as wide as the smaller neighbour ran through the cell


def _overlooked(f: Callable[[Array], Array], done: _Cells, k: int, wanted: Array) -> _Overlooked:
    """Large cells in which f, just beyond the edge of a much smaller cell, is twice all that was seen in them."""
    d = done.low.shape[1]
    width = done.high - done.low
    middle = 0.5 * (done.low + done.high)
    cells, spots, widths, guesses, sources = [], [], [], [], []
    share = np.maximum(wanted, 1e-300) * 1e-3 / len(middle)
    matters = done.fresh & (done.top[:, :k] * width.prod(axis=1)[:, None] > share).any(axis=1)
    for axis in range(d):
        for sign in (-1.0, 1.0):
            spot = middle[matters].copy()
            spot[:, axis] += 0.55 * sign * width[matters, axis]
            row, owner = _owners(spot, done)
            source, near = np.flatnonzero(matters)[row], width[matters][row]
            larger = (width[owner] > 3 * near).any(axis=1)
            spot, owner, source, near = spot[row[larger]], owner[larger], source[larger], near[larger]
            if not len(spot):
                continue
            value = np.abs(f(spot)[:k]).T
            hidden = (value * near.prod(axis=1)[:, None] > share).any(axis=1)
            hidden &= (value > 2 * done.top[owner, :k]).any(axis=1)
            cells.append(owner[hidden])
            spots.append(spot[hidden])
            widths.append(near[hidden])
            sources.append(source[hidden])
            length = (width[owner] / near).max(axis=1) * near.prod(axis=1)
            guesses.append((value * length[:, None])[hidden])
    if not cells:
        return _Overlooked(np.zeros(0, int), np.zeros((0, d)), np.zeros((0, d)), np.zeros(0, int), np.zeros((0, k)))
    owner, holds = np.concatenate(cells), np.concatenate(guesses)
    order = np.argsort(-(holds / np.maximum(wanted, 1e-300)).max(axis=1), kind="stable")
    unique, first = np.unique(owner[order], return_index=True)
    return _Overlooked(
        unique,
        np.concatenate(spots)[order][first],
        np.concatenate(widths)[order][first],
        np.concatenate(sources),
        holds[order][first],
    )


def _owners(spot: Array, done: _Cells) -> tuple[Array, Array]:
    """Pairs (spot, cell) of each spot and the cell it lies in."""
    rows, owners = [np.zeros(0, int)], [np.zeros(0, int)]
    for start in range(0, len(spot), 256):
        chunk = spot[start : start + 256]
        inside = np.ones((len(chunk), len(done.low)), bool)
        for i in range(spot.shape[1]):
            inside &= (done.low[:, i] < chunk[:, i, None]) & (chunk[:, i, None] < done.high[:, i])
        row, owner = np.nonzero(inside)
        rows.append(row + start)
        owners.append(owner)
    return np.concatenate(rows), np.concatenate(owners)


def _pieces(done: _Cells, found: _Overlooked) -> tuple[Array, Array]:
    pairs = [
        focused(done.low[i : i + 1], done.high[i : i + 1], spot, 0.5 * width)
        for i, spot, width in zip(found.cells, found.spot, found.width, strict=True)
    ]
    return np.concatenate([low for low, _ in pairs]), np.concatenate([high for _, high in pairs])


@lru_cache(maxsize=4)
def _rule(d: int) -> tuple[Array, Array]:
    axes = np.meshgrid(*([NODES] * d), indexing="ij")
    weights = np.meshgrid(*([KRONROD] * d), indexing="ij")
    return np.column_stack([a.ravel() for a in axes]), np.prod([a.ravel() for a in weights], axis=0)


@lru_cache(maxsize=4)
def _differences(d: int) -> Array:
    """Weights of Kronrod less Gauss along each axis, and of Gauss less the coarse rule: (2d, 15^d)."""
    rows = []
    for along in (KRONROD - GAUSS, GAUSS - COARSE):
        for axis in range(d):
            sides = [along if i == axis else KRONROD for i in range(d)]
            rows.append(np.prod([a.ravel() for a in np.meshgrid(*sides, indexing="ij")], axis=0))
    return np.array(rows)


def _evaluate(f: Callable[[Array], Array], low: Array, high: Array, drivers: int | None) -> _Cells:
    d = low.shape[1]
    w = _rule(d)[1]
    step = max(CHUNK // len(w), 1)
    found = []
    for start in range(0, len(low), step):
        a, b = low[start : start + step], high[start : start + step]
        x, _ = points(a, b)
        fx = f(x).reshape(-1, len(a), len(w))
        found.append(_integrals(fx, (0.5 * (b - a)).prod(axis=1), d, drivers))
    return _Cells(low, high, *(np.concatenate(part) for part in zip(*found, strict=True)))


def _integrals(fx: Array, volume: Array, d: int, drivers: int | None) -> tuple[Array, ...]:
    """What `_Cells` holds beside the cells themselves."""
    _, w = _rule(d)
    k = drivers or len(fx)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        raw = np.abs(fx @ _differences(d).T)  # (k, cells, 2d)
        fine, coarse = raw[..., :d], raw[..., d:]
        errors = fine * np.where(coarse > 0, np.minimum(KINK, SAFETY * fine / coarse), KINK)
        size = np.abs(fx) @ w
        value = fx @ w * volume
        error = (errors.sum(axis=-1) + 2 * EPS * size) * volume
        relative = (errors[:k] / np.maximum(np.abs(size[:k]).sum(axis=1)[:, None, None], 1e-300)).sum(axis=0)
        axis = np.argmax(np.nan_to_num(relative), axis=1)
    return value.T, error.T, axis, 20 * EPS * (size * volume).T, np.abs(fx).max(axis=-1).T, np.ones(fx.shape[1], bool)
