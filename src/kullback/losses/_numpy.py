"""NumPy: the values alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from kullback._result import InputError, KindError
from kullback.losses import _chunk, _measured
from kullback.losses._pair import Ops
from kullback.losses._settings import Given, Settings

BLOCK = 2**17  # entries worked on at a time
where, moveaxis, exp, expm1 = np.where, np.moveaxis, np.exp, np.expm1


def loss(settings: Settings, given: Given, *, lean: bool, group: Any) -> Any:
    """The scaled divergence of each row, 0 where it does not count; or, reduced, their sum."""
    if group is not None or settings.overwrite:
        raise InputError("group= and overwrite= are for torch tensors")
    values = np.zeros(len(given.q[0]))
    for rows in _blocks(settings, given):
        t, s = _both(settings, given, rows)
        heat = settings.temperature if given.temperature is None else given.temperature[rows]
        with np.errstate(all="ignore"):
            values[rows] = _chunk.value(_OPS, settings.plan, t, s, heat)[:, 0]
    with np.errstate(invalid="ignore"):
        values = values * given.scale if given.mask is None else np.where(given.mask, values * given.scale, 0.0)
    return values.sum() if settings.reduced else values


def measure(settings: Settings, given: Given) -> list[Any]:
    found = [np.full(len(given.q[0]), np.nan) for _ in _measured.NAMES]
    for rows in _blocks(settings, given):
        t, s = _both(settings, given, rows)
        heat = settings.temperature if given.temperature is None else given.temperature[rows]
        with np.errstate(all="ignore"):
            for column, part in zip(found, _measured.measured(_OPS, settings.plan, t, s, heat), strict=True):
                column[rows] = part[:, 0]
    return [*found[:-1], found[-1] == 1.0]


def _blocks(settings: Settings, given: Given) -> list[Any]:
    n = len(given.q[0])
    rows = np.arange(n) if given.mask is None else np.flatnonzero(given.mask)
    width = given.q[1 if settings.q_kind == "head" else 0].shape[0 if settings.q_kind == "head" else 1]
    step = settings.rows or max(1, BLOCK // width)
    return [rows[i : i + step] for i in range(0, len(rows), step)]


def _both(settings: Settings, given: Given, rows: Any) -> tuple[Any, Any]:
    return (
        _side(settings.p_kind, given.p, settings.p_scale, settings.p_softcap, settings.classes, rows),
        _side(settings.q_kind, given.q, settings.q_scale, settings.q_softcap, settings.classes, rows),
    )


def _side(kind: str, arrays: list[Any], scale: float, cap: float, classes: int, rows: Any) -> Any:
    if kind == "top":
        return _chunk.Top(arrays[0][rows], *(None if x is None else x[rows].astype(np.float64) for x in arrays[1:]))
    x = arrays[0][rows].astype(np.float64)
    if kind == "head":
        x = (x @ arrays[1].T.astype(np.float64) + (0.0 if arrays[2] is None else arrays[2])) * scale
        x = cap * np.tanh(x / cap) if cap else x
    return x[:, :classes] if classes else x


def is_bool(x: Any) -> bool:
    return x.dtype == np.bool_


def is_integer(x: Any) -> bool:
    return x.dtype.kind in "iu"


def is_floating(x: Any) -> bool:
    return x.dtype.kind == "f"


def can_look(x: Any) -> bool:
    return True


def first(x: Any) -> Any:
    return x[0].astype(np.float64)


def eps(x: Any) -> float:
    return float(np.finfo(x.dtype).eps)


def wide(x: Any) -> Any:
    return x.astype(np.float64)


def asarray(x: Any, name: str) -> Any:
    x = np.asarray(x)
    if x.dtype.kind not in "biuf":
        raise KindError(f"{name} must hold numbers or booleans, not {x.dtype}")
    return x


def broadcast(x: Any, shape: tuple[int, ...]) -> Any:
    return np.broadcast_to(x, shape)


def _put(x: Any, k: Any, y: Any) -> Any:
    x = x.copy()
    np.put_along_axis(x, k, y, -1)
    return x


def _add(x: Any, k: Any, y: Any) -> Any:
    x = x.copy()
    np.add.at(x, (np.arange(len(x))[:, None], k), y)
    return x


_OPS = Ops(
    xp=np,
    total=lambda x: x.sum(-1, keepdims=True),
    largest=lambda x: x.max(-1, keepdims=True),
    place=lambda x: x.argmax(-1)[..., None],
    pick=lambda x, k: np.take_along_axis(x, k, -1),
    put=_put,
    add=_add,
    join=lambda x, y: np.concatenate((x, y), -1),
    narrow=False,
)


def ops() -> Ops:
    return _OPS


def still(x: Any) -> Any:
    return x


def shorten(settings: Settings, given: Given, k: int, draws: int, seed: int) -> tuple[Any, Any, Any]:
    parts = []
    rng = np.random.default_rng(seed)
    for rows in _blocks(settings, given):
        x = _side(settings.q_kind, given.q, settings.q_scale, settings.q_softcap, settings.classes, rows)
        log_p = (x - x.max(-1, keepdims=True)) / settings.temperature
        log_p -= np.log(np.exp(log_p).sum(-1, keepdims=True))
        ids = np.argsort(-log_p, axis=-1, kind="stable")[:, :k]
        rest = np.exp(_put(log_p, ids, -np.inf))
        tail = rest.sum(-1, keepdims=True)
        if draws:
            steps = np.cumsum(np.where(tail > 0.0, rest, 1.0), axis=-1)
            u = rng.random((len(x), draws)) * steps[:, -1:]
            drawn = [np.searchsorted(a, b, side="right") for a, b in zip(steps, u, strict=True)]
            ids = np.concatenate((ids, np.minimum(drawn, x.shape[-1] - 1)), -1)
        with np.errstate(divide="ignore"):
            parts.append((ids, np.take_along_axis(log_p, ids, -1), np.log(tail)))
    ids, log_probs, log_tail = (np.concatenate(x) for x in zip(*parts, strict=True))
    return ids, log_probs, log_tail
