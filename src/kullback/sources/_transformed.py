"""Transformed variables: the chain of transforms as a key, the variable that it carries, and its quantiles."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Any

import numpy as np

from kullback._distribution import Density, Discrete
from kullback.sources.arrays import array_like, to_numpy

Make = Callable[[tuple[int, ...]], "Density | Discrete"]


def maker(obj: Any, whole: Callable[[tuple[int, ...]], Density], inner: Make) -> Make:
    """The members of `whole`, each with its `base` if the transforms can be named for all of the batch."""
    keys = [key(t, batched=bool(obj.batch_shape)) for t in obj.transforms]

    def make(index: tuple[int, ...]) -> Density:
        density = whole(index)
        base = inner(index)
        if None in keys or not isinstance(base, Density):
            return density
        facts = replace(density.facts, base=(tuple(keys), base))
        return Density(
            density._log_prob, dim=density.dim, support=density.support, vectorized=True, facts=facts,
            name=density.name,
        )  # fmt: skip

    return make


def key(transform: Any, *, batched: bool) -> Hashable | None:
    """The transform's class and parameters; None if they are not plain numbers, the same for a whole batch."""
    parts: list[Hashable] = [type(transform).__name__]
    for name, held in sorted(vars(transform).items()):
        if "cache" in name or name.strip("_") in ("domain", "codomain") or held is None:
            continue
        if name == "_inv" and parts != ["_InverseTransform"]:
            continue  # a transform and its inverse hold each other
        if isinstance(held, bool | int | float | str):
            parts.append((name, held))
        elif isinstance(held, list | tuple) and held and all(_is_transform(t) for t in held):
            inner = [key(t, batched=batched) for t in held]
            if None in inner:
                return None
            parts.append((name, tuple(inner)))
        elif _is_transform(held):
            inner_key = key(held, batched=batched)
            if inner_key is None:
                return None
            parts.append((name, inner_key))
        elif array_like(held):
            values = np.asarray(to_numpy(held, f"the {name} of {type(transform).__name__}"), dtype=np.float64)
            if len(np.unique(values)) == 1:  # one number, however it is broadcast
                parts.append((name, float(values.flat[0])))
            elif batched:
                return None
            else:
                parts.append((name, values.shape, values.tobytes()))
        else:
            return None
    return tuple(parts)


def _is_transform(held: Any) -> bool:
    return any(cls.__name__ == "Transform" for cls in type(held).__mro__)
