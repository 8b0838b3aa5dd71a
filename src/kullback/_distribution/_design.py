"""What a caller says of how the draws go together: weights, groups, chains, time."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from kullback._distribution._checks import numeric_array
from kullback._format import listing
from kullback._result import InputError
from kullback._support import Array
from kullback.numerics.dependence import Design

EQUAL = 1e-12  # relative: weights that differ by less are one
SHORTEST = 4  # draws of a chain


class Told(NamedTuple):
    """The design, the rows that it is of (None: all, in their order), and notes."""

    design: Design
    rows: Array | None = None
    notes: tuple[str, ...] = ()


def told(x: Array, weights: Any, groups: Any, chains: Any, order: str | None) -> Told:
    """What was said of the draws x, checked."""
    n = len(x)
    if order not in (None, "time", "chains"):
        raise InputError(f'order must be "time", "chains" or None, not {order!r}')
    if groups is not None and (chains is not None or order is not None):
        raise InputError(
            "draws are either in groups or in an order: pass groups=, or chains= and order=. Of several series that "
            "are long, the chains are enough; of many short ones, the groups"
        )
    w = None if weights is None else _weights(weights, n)
    if groups is not None:
        return _grouped(x, w, groups)
    if chains is not None or order == "time":
        return _ordered(x, w, 1 if chains is None else chains)
    if w is not None and (w == 0).any():
        kept = np.flatnonzero(w)
        return Told(Design(len(kept), _even(w[kept])), kept, (_without(n - len(kept), n),))
    return Told(Design(n, w))


def _grouped(x: Array, w: Array | None, groups: Any) -> Told:
    n = len(x)
    labels = np.asarray(groups)
    if labels.shape != (n,):
        raise InputError(f"groups has shape {labels.shape} for {n} draws; give one group a draw")
    if labels.dtype.kind == "O":
        missing = np.array([v is None or v != v for v in labels])
        labels = np.array([str(v) for v in labels]) if not missing.any() else labels
    else:
        missing = labels != labels
    if missing.any():
        raise InputError(
            f"groups has no value for {int(missing.sum())} of {n} draws, first at index {int(np.argmax(missing))}; "
            "give each a group, or drop those rows"
        )
    notes: tuple[str, ...] = ()
    rows = None
    if w is not None and (w == 0).any():
        rows = np.flatnonzero(w)
        x, w, labels, notes = x[rows], _even(w[rows]), labels[rows], (_without(n - len(rows), n),)
    names, first, codes = np.unique(labels, return_index=True, return_inverse=True)
    codes = codes.reshape(-1)
    if len(names) < 2:
        raise InputError(
            f"groups holds one value, {str(names[0])!r}, for all {len(labels)} draws; an error by groups needs two at "
            'least. Without groups= the draws are independent, with order="time" they follow each other'
        )
    if len(names) == len(labels):
        return Told(Design(len(labels), w), rows, (*notes, "each draw is a group of its own: taken as independent"))
    if (x == x[first][codes]).all():  # one draw, written several times
        weights = np.bincount(codes, weights=w)
        kept = first if rows is None else rows[first]
        note = f"the draws of each group are equal: {len(names)} draws, each as heavy as its group"
        return Told(Design(len(names), _even(weights / weights.sum())), kept, (*notes, note))
    return Told(Design(len(labels), w, codes, names), rows, notes)


def _ordered(x: Array, w: Array | None, chains: Any) -> Told:
    n = len(x)
    rows: Array | None = None
    names: Array | None = None
    if isinstance(chains, int | np.integer) and not isinstance(chains, bool):
        if chains < 1 or n % chains:
            raise InputError(
                f"chains={chains} does not divide {n} draws into chains of one length; give the chain of each draw "
                "as an array, or cut the longer ones"
            )
        lengths = [n // int(chains)] * int(chains)
    else:
        labels = np.asarray(chains)
        if labels.shape != (n,):
            raise InputError(
                f"chains must be their number or the chain of each of the {n} draws; it has shape {labels.shape}"
            )
        names, codes, times = np.unique(labels, return_inverse=True, return_counts=True)
        lengths = times.tolist()
        rows = np.argsort(codes.reshape(-1), kind="stable")
        x, w = x[rows], None if w is None else w[rows]
    if min(lengths) < SHORTEST:
        raise InputError(
            f"a chain has {min(lengths)} draws, too few to see how they follow each other; give {SHORTEST} at least, "
            "or groups= of many short ones"
        )
    notes: tuple[str, ...] = ()
    if min(lengths) < max(lengths):
        notes = (f"the chains have {min(lengths)} to {max(lengths)} draws; longer ones count for more",)
    ends = np.cumsum(lengths)
    still = [i for i, (a, b) in enumerate(zip(ends - lengths, ends, strict=True)) if (x[a:b] == x[a]).all()]
    if still:
        which = listing([str(i if names is None else names[i]) for i in still])
        notes = (*notes, f"chain {which} never moves: its sampler is stuck, unless it may only have one value")
    return Told(Design(n, w, chains=tuple(lengths)), rows, notes)


def _without(number: int, n: int) -> str:
    return f"{number} of {n} draws have no weight and are left out"


def _weights(weights: Any, n: int) -> Array | None:
    """Weights that sum to one; None if they are all the same."""
    w = np.asarray(numeric_array(weights, "weights"), dtype=np.float64)
    if w.shape != (n,):
        raise InputError(f"weights has shape {w.shape}, x has {n} draws; give one weight a draw")
    bad = ~(np.isfinite(w) & (w >= 0))
    if bad.any() or not w.any():
        found = f"{w[bad][0]:g} at index {int(np.argmax(bad))}" if bad.any() else "only zeros"
        raise InputError(f"weights must be finite, non-negative and not all zero; found {found}")
    w = w / w.max()
    return _even(np.asarray(w / w.sum()))


def _even(w: Array) -> Array | None:
    return None if np.ptp(w) <= EQUAL * w.max() else np.asarray(w / w.sum())


def circles(period: Any, x: Array) -> Array:
    """The period of each column, ∞ for those that have none."""
    d = 1 if x.ndim == 1 else x.shape[1]
    given = [period] * d if np.ndim(period) == 0 else list(period)
    if len(given) != d:
        raise InputError(f"period has {len(given)} entries for {d} columns; give one for all, or one each")
    try:
        found = np.array([np.inf if v is None else float(v) for v in given])
    except (TypeError, ValueError):
        raise InputError(f"period must hold numbers, None where a column has none; not {period!r:.80}") from None
    if any(v is not None and math.isinf(float(v)) for v in given):
        raise InputError("a period must be finite, not inf; give None for a column that does not close")
    if not (found > 0).all():
        raise InputError(f"a period must be positive, not {found[~(found > 0)][0]:g}; 2*np.pi for angles in radians")
    width = np.ptp(x.reshape(len(x), d), axis=0)
    over = width > found * (1 + 1e-9)
    if over.any():
        i = int(np.argmax(over))
        raise InputError(
            f"column {i} spans {width[i]:g}, more than its period {found[i]:g}; if it goes round several times pass "
            "x % period, else another period"
        )
    return found


def wrapped(x: Array, period: Array) -> Array:
    """Columns with a period from 0 up to it, so that both ends are one place."""
    columns = x.reshape(len(x), -1).copy()
    for i in np.flatnonzero(np.isfinite(period)):
        column = np.mod(columns[:, i], period[i])
        columns[:, i] = np.where(column < period[i], column, 0.0)
    return columns.reshape(x.shape)
