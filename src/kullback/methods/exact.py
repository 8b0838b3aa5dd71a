"""Finite tables of probabilities: the sum itself."""

from __future__ import annotations

import datetime
import math
import numbers
from decimal import Decimal
from typing import Any

import numpy as np

from kullback._distribution import Discrete, Measured
from kullback._format import listing, percent
from kullback._result import Divergence, InputError, Status
from kullback.methods._request import Request
from kullback.numerics import kernel, logits
from kullback.numerics.terms import deviance, rounding

EPS = float(np.finfo(float).eps)
MOST = 1e-3  # that a sum may be off


class Exact:
    """KL of two arrays, each divided by its exact sum."""

    name = "exact"
    random = False

    def applies(self, p: Measured, q: Measured) -> str | None:
        if isinstance(p, Discrete) and isinstance(q, Discrete):
            return None
        return "needs two finite tables of probabilities"

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence:
        assert isinstance(p, Discrete)
        assert isinstance(q, Discrete)
        pair = Pair(p, q)
        if any(pair.logits):
            return _from_logs(pair)
        try:
            parts = kernel.relative_entropy(pair.p, pair.q, pair.axis)
        except kernel.BadEntry as bad:
            raise bad_entry(pair, bad) from None
        pair.check_sums(parts.sum_p, parts.sum_q)
        n = pair.size
        if isinstance(parts.value, float):
            gap = parts.gap > 0
            return Divergence(
                value=parts.value,
                error=0.0 if gap else parts.error,
                n=n,
                status=Status.SUPPORT_GAP if gap else Status.OK,
                detail=pair.gap_text(parts.gap, parts.gap_index) if gap else "",
            )
        gaps = np.asarray(parts.gap) > 0
        status = np.where(gaps, np.array(Status.SUPPORT_GAP, dtype=object), np.array(Status.OK, dtype=object))
        return Divergence(value=parts.value, error=np.where(gaps, 0.0, parts.error), n=n, status=status)


class Pair:
    """Two aligned arrays and the axes they share."""

    __slots__ = ("axis", "coarse", "labels", "logits", "normalize", "p", "q", "size")

    def __init__(self, p: Discrete, q: Discrete) -> None:
        a, b = p.values, q.values
        self.logits = (p.logits is not None, q.logits is not None)
        self.labels = p.labels
        self.normalize = (p.normalize, q.normalize)
        self.coarse = (p.coarse, q.coarse)
        self.axis = p.axis
        if p.axis != q.axis:
            raise InputError(f"p and q keep their outcomes along different axes, {p.axis} and {q.axis}")
        if p.labels is not None or q.labels is not None:
            a, b, self.labels = _aligned(p, q)
        axes = p.axis if isinstance(p.axis, tuple) else (p.axis,)
        for axis in axes:
            for name, array in (("p", a), ("q", b)):
                if not -array.ndim <= axis < array.ndim:
                    raise InputError(f"axis {axis} does not exist: {name} has shape {array.shape}")
            if a.shape[axis] != b.shape[axis]:
                raise InputError(
                    f"p has {a.shape[axis]} outcomes along axis {axis} and q has {b.shape[axis]} "
                    f"(shapes {a.shape} and {b.shape}); give both the same outcomes, "
                    "or name them: {label: probability}"
                )
            if a.shape[axis] == 0:
                raise InputError(f"p and q are empty along axis {axis}; a distribution has at least one outcome")
        try:
            np.broadcast_shapes(a.shape, b.shape)
        except ValueError:
            raise InputError(f"p of shape {a.shape} and q of shape {b.shape} do not broadcast") from None
        self.p, self.q = a, b
        self.size = int(np.prod([a.shape[axis] for axis in axes]))

    def check_sums(self, sum_p: Any, sum_q: Any) -> None:
        for i, (name, array, total) in enumerate((("p", self.p, sum_p), ("q", self.q, sum_q))):
            check_sum(name, array, total, self.normalize[i], self.size, self.coarse[i])

    def gap_text(self, gap: float, index: int) -> str:
        place = repr(self.labels[index]) if self.labels is not None else f"index {index}"
        return f"{percent(gap)} of P lies where Q has none, most of it at {place}"


def check_sum(name: str, array: Any, total: Any, normalize: bool, size: int, coarse: bool = False) -> None:
    """Refuse what does not sum to one within the rounding of its own precision, unless told to normalise.

    `coarse` are numbers of fewer digits than the array shows.
    """
    allowed = MOST if coarse else sum_tolerance(array, size)
    if isinstance(total, float):
        if total <= 0:
            raise InputError(f"{name} sums to 0: it holds no mass")
        if normalize or abs(total - 1.0) <= allowed:
            return
        raise _not_normalised(name, total)
    totals = np.asarray(total)
    if (totals <= 0).any():
        place = tuple(int(i) for i in np.argwhere(totals <= 0)[0])
        raise InputError(f"{name} sums to 0 at batch index {place}: it holds no mass")
    off = np.abs(totals - 1.0) > allowed
    if not normalize and off.any():
        raise _not_normalised(name, float(totals[off][0]))


def check_table(d: Discrete, name: str) -> None:
    """Refuse a table that stands alone, beside a density or a mass, if it is none: then it may be draws."""
    x = np.asarray(d.values, dtype=np.float64)
    axes = d.axis if isinstance(d.axis, tuple) else (d.axis,)
    if not all(-x.ndim <= axis < x.ndim for axis in axes):
        raise InputError(f"axis {d.axis} does not exist: {name} has shape {x.shape}")
    least = -np.inf if d.logits is not None else 0.0
    bad = ~((x >= least) & (x < np.inf))
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        kind = "nan" if math.isnan(x[at]) else "infinite" if x[at] > 0 else "negative"
        draws = f", draws to kl.Sample({name})" if d.logits is None and d.labels is None else ""
        raise _bad_entry(name, float(x[at]), at, kind, d.labels, draws)
    if d.logits is None:
        total = x.sum(axis=axes)
        check_sum(name, d.values, float(total) if total.ndim == 0 else total, d.normalize, d.size, d.coarse)
    elif (x.max(axis=axes) == -np.inf).any():
        raise InputError(f"{name} has no outcome with a probability above 0")


def sum_tolerance(array: Any, size: int) -> float:
    eps = float(np.finfo(array.dtype).eps) if array.dtype.kind == "f" else EPS
    return min(MOST, 8 * float(size) ** 0.5 * eps)


def _not_normalised(name: str, total: float) -> InputError:
    return InputError(
        f"{name} sums to {total:.10g}, not to 1. Pass normalize=True if these are weights; "
        f"kl.Sample({name}) if they are draws."
    )


def bad_entry(pair: Pair, bad: kernel.BadEntry) -> InputError:
    return _bad_entry(bad.array, bad.value, bad.index, bad.kind, pair.labels)


def _bad_entry(
    name: str, value: float, index: tuple[int, ...], kind: str, labels: tuple[Any, ...] | None, draws: str = ""
) -> InputError:
    place = f"index {index if len(index) > 1 else index[0]}"
    if labels is not None and len(index) == 1:
        place = f"{labels[index[0]]!r}"
    advice = {
        "negative": f"probabilities cannot be negative; log-probabilities go to kl.Discrete(logits=...){draws}",
        "nan": "find where the NaN arises; it is never skipped",
        "infinite": "probabilities are finite",
    }[kind]
    return InputError(f"{name} holds {value:g} at {place}: {advice}")


def _aligned(p: Discrete, q: Discrete) -> tuple[Any, Any, tuple[Any, ...]]:
    """Both arrays over the union of labels, P's order first; a label that one lacks has probability 0 there."""
    if p.labels is None or q.labels is None:
        named, bare = ("p", "q") if p.labels is not None else ("q", "p")
        raise InputError(
            f"{named} has labels and {bare} has none, so they cannot be aligned; pass kl.Discrete({bare}, labels=...)"
        )
    if set(p.labels).isdisjoint(q.labels):
        kinds = [{_kind(label) for label in d.labels or ()} for d in (p, q)]
        if kinds[0].isdisjoint(kinds[1]):
            raise InputError(
                f"the labels can never match: p has {listing([repr(x) for x in p.labels], 3)} ({_names(kinds[0])}), "
                f"q has {listing([repr(x) for x in q.labels], 3)} ({_names(kinds[1])})"
            )
    if p.labels == q.labels:
        return p.values, q.values, p.labels
    union = tuple(dict.fromkeys(p.labels + q.labels))
    return _spread(p, union), _spread(q, union), union


def _kind(label: Any) -> str:
    """The kind within which labels may be equal."""
    if isinstance(label, numbers.Number | Decimal):
        return "number"
    kinds = (str, bytes, tuple, frozenset, datetime.datetime, datetime.date)  # with what is derived from them
    return next((kind.__name__ for kind in kinds if isinstance(label, kind)), type(label).__name__)


def _names(kinds: set[str]) -> str:
    return " and ".join(sorted(kinds))


def _spread(d: Discrete, union: tuple[Any, ...]) -> Any:
    place = {label: i for i, label in enumerate(d.labels or ())}
    axis = d.axis if isinstance(d.axis, int) else d.axis[0]
    values = np.moveaxis(d.values, axis, -1)
    out = np.full((*values.shape[:-1], len(union)), -np.inf if d.logits is not None else 0.0)
    for j, label in enumerate(union):
        if label in place:
            out[..., j] = values[..., place[label]]
    return np.moveaxis(out, -1, axis)


def log_probs(values: Any, is_logits: bool, name: str, pair: Pair) -> Any:
    """Normalised log-probabilities in float64, checked."""
    axes = pair.axis
    x = np.asarray(values, dtype=np.float64)
    if np.isnan(x).any() or (x == np.inf).any() or (not is_logits and (x < 0).any()):
        bad = x[np.isnan(x) | (x == np.inf) | ((x < 0) & (not is_logits))].ravel()[0]
        raise InputError(f"{name} holds {bad:g}, which is no {'logit' if is_logits else 'probability'}")
    if not is_logits:
        total = x.sum(axis=axes)
        i = "pq".index(name)
        check_sum(
            name, values, float(total) if total.ndim == 0 else total, pair.normalize[i], pair.size, pair.coarse[i]
        )
        with np.errstate(divide="ignore"):
            x = np.log(x)
    top = x.max(axis=axes, keepdims=True)
    if (top == -np.inf).any():
        raise InputError(f"{name} has no outcome with a probability above 0")
    return x - top - np.log(np.exp(x - top).sum(axis=axes, keepdims=True))


def _from_logs(pair: Pair) -> Divergence:
    if all(pair.logits):
        found = logits.relative_entropy(pair.p, pair.q, pair.axis)
        value, scale, gap = (np.asarray(x) for x in (found.forward, 2.0 + found.log_p + found.log_q, found.gap_p))
        if np.isnan(value).any():
            for name, x in (("p", pair.p), ("q", pair.q)):
                log_probs(x, True, name, pair)  # says what is wrong
        plain = value >= logits.SMALL
    else:
        value, scale, gap = _terms_of_logs(pair)
        plain = np.zeros(np.shape(value), bool)
    # each log-probability is off by its rounding; a plain sum by that, a sum of deviances by that times d
    with np.errstate(invalid="ignore"):
        moved = np.where(plain, scale, scale * np.sqrt(2 * value + EPS))
        error = np.where(np.isinf(value), 0.0, EPS * (4 + np.log2(pair.size + 1)) * (value + moved))
    infinite = np.isinf(value)
    if value.ndim:
        status = np.where(infinite, np.array(Status.SUPPORT_GAP, object), np.array(Status.OK, object))
        return Divergence(value=value, error=error, n=pair.size, status=status)
    detail = f"{percent(float(gap))} of P lies where Q has none" if infinite else ""
    one = Status.SUPPORT_GAP if infinite else Status.OK
    return Divergence(float(value), float(error), n=pair.size, status=one, detail=detail)


def _terms_of_logs(pair: Pair) -> tuple[Any, Any, Any]:
    """Values, what rounding moves, and the shares in gaps, where one side is probabilities."""
    log_p = log_probs(pair.p, pair.logits[0], "p", pair)
    log_q = log_probs(pair.q, pair.logits[1], "q", pair)
    log_p, log_q = np.broadcast_arrays(log_p, log_q)
    with np.errstate(invalid="ignore", over="ignore"):
        lost = (log_q == -np.inf) & (log_p > -np.inf)
        gap = np.where(lost, np.exp(log_p), 0.0).sum(axis=pair.axis)
        value = deviance(log_p, log_q).sum(axis=pair.axis)
        scale = rounding(np.exp(log_p), log_p, np.where(lost, 0.0, log_q)).sum(axis=pair.axis)
    return np.where(lost.any(axis=pair.axis), np.inf, value), scale, gap
