"""Numbers from whatever holds them; text, ragged lists and complex numbers are errors."""

from __future__ import annotations

from typing import Any

import numpy as np

from kullback._result import InputError
from kullback._support import Array


def numeric_array(x: Any, argument: str) -> Any:
    """`x` as a NumPy array of real numbers, as it lies; text, ragged lists and complex numbers are errors."""
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise InputError(f"{argument} is ragged: its rows have different lengths. {error}") from None
    if array.dtype.kind == "c":
        raise InputError(f"{argument} is complex; probabilities and draws are real")
    if array.dtype.kind not in "fiub":
        raise InputError(f"{argument} must hold numbers, not {_first(array)!r} ({array.dtype})")
    return array


def numeric_column(values: Any, name: str, table: str) -> Array:
    """One column as float64 with NaN for what is missing; text is an error that shows the first piece of it."""
    masked = np.ma.masked_array(values)
    missing = np.ma.getmaskarray(masked)
    data = masked.data
    if data.dtype.kind in "fiub":
        return np.where(missing, np.nan, data.astype(np.float64))
    out = np.full(len(data), np.nan)
    for i, value in enumerate(data):
        if missing[i] or value is None or value != value:
            continue
        if isinstance(value, str | bytes | np.datetime64):
            if isinstance(value, str) and _is_number(value) and any(_is_text(v) for v in data[i + 1 :]):
                continue  # a later value is the one that makes this a column of text
            raise InputError(
                f"column {name!r} of {table or 'the table'} holds {value!r} (row {i + 1}), not a number; "
                "choose numeric columns with columns="
            )
        out[i] = float(value)
    return out


def _first(array: Any) -> Any:
    return array.ravel()[0] if array.size else array


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not _is_number(value)
