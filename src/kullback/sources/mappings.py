"""dict: probabilities by label; Counter: counts by label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from kullback._distribution import Discrete, Distribution, numeric_array
from kullback._result import InputError


def recognise(obj: Any, argument: str) -> Distribution | None:
    return discrete(obj, False) if isinstance(obj, Mapping) else None


def discrete(obj: Mapping[Any, Any], normalize: bool) -> Discrete:
    """A labelled Discrete; a Counter is normalised and keeps its total."""
    if not obj:
        raise InputError("the dict is empty; it needs at least one label: probability")
    values = numeric_array(list(obj.values()), "the dict's values")
    if values.ndim != 1:
        raise InputError(f"the dict's values must be numbers, not arrays of shape {values.shape[1:]}")
    if isinstance(obj, Counter):
        return Discrete(values, labels=tuple(obj), normalize=True, n=int(values.sum()))
    return Discrete(values, labels=tuple(obj), normalize=normalize)
