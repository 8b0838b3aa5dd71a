"""The door: any object becomes a Distribution, once.

Libraries are recognised through sys.modules: an object's library is loaded already, so nothing is imported
to look. A new source is one file and one row of SOURCES.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kullback._distribution import Batch, Density, Discrete, Distribution, Sample, Table
from kullback._result import InputError, KindError
from kullback._vocabulary import distribution as read_text
from kullback.sources import anesthetic, arrays, arviz, frames, getdist, mappings, numpyro, scipy, scipy_new, tfp, torch
from kullback.sources._drawn import Drawn, DrawnTable
from kullback.sources.files import read
from kullback.sources.models import from_model

SOURCES: tuple[Callable[[Any, str], Distribution | None], ...] = (
    mappings.recognise,
    scipy.recognise,
    scipy_new.recognise,
    numpyro.recognise,
    torch.recognise,
    tfp.recognise,
    frames.recognise,
    arviz.recognise,
    getdist.recognise,
    anesthetic.recognise,
)
DRAWN: tuple[Callable[[Any, str], Drawn | None], ...] = (arviz.drawn, getdist.drawn, anesthetic.drawn)

_DOORS: dict[type, Callable[[Any, str], Distribution | None]] = {}  # which source took a type before

__all__ = ["SOURCES", "DrawnTable", "as_distribution", "drawn_table", "from_model", "read"]


def as_distribution(
    obj: Any, argument: str, *, axis: int | tuple[int, ...] | None = -1, normalize: bool = False
) -> Distribution:
    """`obj` as a Distribution; `argument` is its name in error texts."""
    if isinstance(obj, Density | Discrete | Sample | Table | Batch):
        return obj
    try:
        if type(obj) is np.ndarray:
            return arrays.discrete(obj, argument, axis, normalize)
        if isinstance(obj, str):
            return read_text(obj)
        door = _DOORS.get(type(obj))
        known = door(obj, argument) if door is not None else None
        if known is not None:
            return known
        if isinstance(obj, os.PathLike):
            return read(obj)
        if isinstance(obj, Mapping):
            return arviz.recognise(obj, argument) or mappings.discrete(obj, normalize)  # xarray's datasets are mappings
        for recognise in SOURCES:
            found = recognise(obj, argument)
            if found is not None:
                _DOORS[type(obj)] = recognise
                return found
        if arrays.array_like(obj):
            return arrays.discrete(obj, argument, axis, normalize)
    except InputError as error:
        text = str(error)
        raise InputError(text if text.startswith(f"{argument} ") else f"{argument}: {text}") from None
    except (OverflowError, ZeroDivisionError, FloatingPointError) as error:
        raise InputError(f"{argument}: the parameters of {obj} are too extreme for doubles ({error})") from None
    if isinstance(obj, type):
        raise KindError(f"{argument} is the class {obj.__qualname__} itself; make one of it: {obj.__name__}(…)")
    raise KindError(
        f"{argument} is of type {type(obj).__module__}.{type(obj).__qualname__}, which is no known kind of "
        "distribution. Give probabilities (an array or list), a dict of label: probability, kl.Sample(draws), "
        'kl.Density(log_prob), a text such as "normal(0, 1)", a distribution of SciPy, NumPyro, torch or TFP on JAX, '
        "or draws of ArviZ, getdist or anesthetic."
    )


def drawn_table(obj: Any, argument: str) -> DrawnTable | None:
    """A sampler's draws as rows with columns by name, their weights and groups; None if it is no such object."""
    for drawn in DRAWN:
        found = drawn(obj, argument)
        if found is not None:
            return found.table()
    return None
