"""A batch on either side: each pair of members is measured on its own, and the results lie in arrays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kullback._distribution import Batch, Density, Discrete, Measured
from kullback._result import Divergence, InputError
from kullback.methods.closed import batched

KINDS = ("rounding", "bound", "estimate", "standard_error")  # the weakest of the members' is that of the whole


def has_members(p: Measured | Batch, q: Measured | Batch) -> bool:
    """Whether the pair is measured member by member: a batch of objects, or of tables beside one density."""
    if isinstance(p, Batch) or isinstance(q, Batch):
        return True
    if type(p) is type(q) is Discrete:
        return False
    return any(isinstance(d, Discrete) and isinstance(d.axis, int) and d.values.ndim > 1 for d in (p, q))


def as_batch(d: Measured | Batch, name: str) -> Batch:
    """Anything as an array of distributions; one alone has the shape ()."""
    if isinstance(d, Batch):
        return d
    if isinstance(d, Discrete) and d.values.ndim > 1:
        return _rows(d, name)
    if not isinstance(d, Density | Discrete):
        raise InputError(f"{name} is {d}, which has no place in a batch; measure it against one distribution at a time")
    if isinstance(d, Discrete) or d.support.shape or any(np.ndim(v) for v in d.parameters.values()):
        return Batch((), lambda index: d, name=str(d))
    return Batch((), lambda index: d, name=str(d), family=d.facts.family, parameters=d.parameters)


def _rows(d: Discrete, name: str) -> Batch:
    if not isinstance(d.axis, int):
        raise InputError(f"{name} is a batch of joint tables; measure one of them at a time against a batch")
    key = "probs" if d.probs is not None else "logits"
    values = np.moveaxis(d.values, d.axis, -1)

    def member(index: tuple[int, ...]) -> Discrete:
        return Discrete(**{key: values[index]}, labels=d.labels, normalize=d.normalize, name=d.name)

    return Batch(values.shape[:-1], member, name=str(d))


def broadcast(p: Measured | Batch, q: Measured | Batch) -> tuple[Batch, Batch, tuple[int, ...]]:
    a, b = as_batch(p, "p"), as_batch(q, "q")
    try:
        return a, b, np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise InputError(
            f"p is a batch of shape {a.shape} and q of shape {b.shape}; these do not broadcast. "
            "Make them equal, or 1 along an axis"
        ) from None


def over(
    p: Measured | Batch,
    q: Measured | Batch,
    measure: Callable[[Measured, Measured], Divergence],
    *,
    in_closed_form: bool = False,
) -> Divergence:
    """KL of each pair, with the batch shapes broadcast as NumPy's; by a form over all of them where it may be."""
    a, b, shape = broadcast(p, q)
    if in_closed_form and (whole := batched(a, b, shape)) is not None:
        return whole
    sides = [_Members(a), _Members(b)]
    found = [measure(sides[0][index], sides[1][index]) for index in np.ndindex(*shape)]
    value, error = (np.array([getattr(d, k) for d in found], dtype=float).reshape(shape) for k in ("value", "error"))
    status = np.empty(shape, dtype=object)
    status[...] = np.array([d.status for d in found], dtype=object).reshape(shape)
    details = [(index, d.detail) for index, d in zip(np.ndindex(*shape), found, strict=True) if d.detail]
    more = f"; and {len(details) - 1} more" if len(details) > 1 else ""
    return Divergence(
        value,
        error,
        max((d.error_kind for d in found), key=KINDS.index, default="rounding"),
        method=", ".join(dict.fromkeys(d.method for d in found)),
        n=sum(d.n for d in found),
        seed=next((d.seed for d in found if d.seed is not None), None),
        status=status,
        detail=f"at {details[0][0]}: {details[0][1]}{more}" if details else "",
        notes=tuple(dict.fromkeys(note for d in found for note in d.notes))[:8],
    )


class _Members:
    """The members of a batch at indices of the broadcast shape, each made once."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.made: dict[tuple[int, ...], Density | Discrete] = {}

    def __getitem__(self, index: tuple[int, ...]) -> Density | Discrete:
        shape = self.batch.shape
        tail = index[len(index) - len(shape) :] if shape else ()
        own = tuple(0 if n == 1 else i for n, i in zip(shape, tail, strict=True))
        if own not in self.made:
            self.made[own] = self.batch[own]
        return self.made[own]
