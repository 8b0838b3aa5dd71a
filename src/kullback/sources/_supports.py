"""The supports that NumPyro and torch state, by the names that they share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kullback._result import KindError
from kullback._support import Box, Interval, Lattice, Matrices, Named, PositiveDefinite, Simplex, Sphere, Support
from kullback.sources._evaluated import Index, at
from kullback.sources.arrays import to_numpy

DISCRETE_VECTORS = ("onehot", "one_hot", "multinomial")


def support(constraint: Any, shape: tuple[int, ...], name: str, index: Index) -> Support:
    """The support for events of that shape; one that is no set of ours keeps the library's name."""
    while hasattr(constraint, "base_constraint"):
        constraint = constraint.base_constraint
    kind = _kind(constraint)
    side = _side(constraint, name, index)
    if not shape:
        if side is None:
            raise KindError(f"{name} lives on {constraint}, which is not a part of the real line")
        return side
    if any(word in kind for word in DISCRETE_VECTORS):
        raise KindError(f"{name} has discrete vectors of shape {shape} as outcomes, which no word here describes")
    if len(shape) == 1:
        if kind in ("simplex", "sphere"):
            return Simplex(shape[0]) if kind == "simplex" else Sphere(shape[0])
        if side is not None:
            return side if shape == (1,) else Box((side,) * shape[0])
    if len(shape) == 2 and kind in ("real", "positivedefinite"):
        return Matrices(*shape) if kind == "real" else PositiveDefinite(shape[0])
    return Named(kind, shape)


def _kind(constraint: Any) -> str:
    return type(constraint).__name__.lower().strip("_")


def _side(constraint: Any, name: str, index: Index) -> Interval | Lattice | None:
    kind = _kind(constraint)
    low = _bound(constraint, "lower_bound", -math.inf, index)
    high = _bound(constraint, "upper_bound", math.inf, index)
    if getattr(constraint, "is_discrete", False) and kind not in ("multinomial", "onehot"):
        if kind == "boolean":
            return Lattice(0, 1)
        if "nonnegative" in kind:
            low = 0.0
        if not math.isfinite(low):
            raise KindError(f"the support of {name} ({constraint}) has no lowest point to sum from")
        return Lattice(low, high)
    if "positive" in kind and "definite" not in kind and "vector" not in kind:
        low = max(low, 0.0)
    if math.isfinite(low) or math.isfinite(high) or kind == "real":
        return Interval(low, high)
    return None


def _bound(constraint: Any, key: str, default: float, index: Index) -> float:
    value = getattr(constraint, key, None)
    return default if value is None else float(at(np.asarray(to_numpy(value, key)), 0, index))
