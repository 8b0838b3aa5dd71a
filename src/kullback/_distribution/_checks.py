"""Numbers from whatever holds them; text, ragged lists and complex numbers are errors."""

from __future__ import annotations

import math
import numbers
from collections.abc import Hashable
from decimal import Decimal
from typing import Any

import numpy as np

from kullback._result import InputError, KindError
from kullback._support import Array


def numeric_array(x: Any, argument: str) -> Any:
    """`x` as a NumPy array of real numbers, as it lies; text, ragged lists and complex numbers are errors.

    Fractions, decimals and the like become the nearest doubles, and the small floats of ml_dtypes float32.
    """
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise InputError(f"{argument} is ragged: its rows have different lengths. {error}") from None
    except (TypeError, RuntimeError, BufferError) as error:
        raise unreadable(error, argument) from None
    if is_small(array):
        return array.astype(np.float32)
    if array.dtype.kind == "c":
        raise InputError(f"{argument} is complex; probabilities and draws are real")
    if array.dtype.kind == "O" and array.size and all(isinstance(v, NUMBERS) for v in array.flat):
        try:
            return array.astype(np.float64)
        except (OverflowError, ValueError, TypeError):
            raise InputError(f"{argument} holds numbers that doubles do not, such as {_first(array)!r:.40}") from None
    if array.dtype.kind not in "fiub":
        raise InputError(f"{argument} must hold numbers, not {_first(array)!r:.200} ({array.dtype})")
    return array


def unreadable(error: BaseException, argument: str) -> KindError:
    """What to say when NumPy cannot make an array of it; JAX's tracers are named."""
    if is_tracer(error):
        return traced(argument)
    return KindError(f"{argument} cannot be read as an array: {error}")


def is_tracer(x: Any) -> bool:
    """Whether it is a value of JAX's that is not there yet, or JAX's error about one."""
    return any(base.__name__ in ("Tracer", "TracerArrayConversionError") for base in type(x).__mro__)


def traced(argument: str) -> KindError:
    return KindError(
        f"{argument} holds a JAX tracer: inside jit, grad or vmap there is no value to measure. "
        "Call kullback outside the transformation; torch users pass .detach()."
    )


NUMBERS = (numbers.Real, Decimal, np.bool_)


def is_small(x: Any) -> bool:
    """Whether these are bfloat16, float8 and the like, whose sums are off by as much as is allowed to any."""
    name = str(getattr(x, "dtype", ""))
    return "bfloat16" in name or name.startswith(("float8_", "float6_", "float4_"))


def label(x: Any) -> Hashable:
    """A label as Python's dicts know it: NumPy's scalars are Python's, and all NaN are one, as pandas counts them."""
    if isinstance(x, np.datetime64) and not np.isnat(x):
        whole = x.astype("datetime64[us]")
        return whole.item() if whole == x and np.datetime_data(x.dtype)[0] not in DAYS else x.item()
    value = x.item() if isinstance(x, np.generic) else x
    try:
        hash(value)
    except TypeError:
        raise InputError(
            f"labels must be hashable; {value!r:.80} is a {type(value).__name__}. Tuples, text and numbers are"
        ) from None
    try:
        return math.nan if value != value or x != x else value
    except (TypeError, ValueError):  # pandas' NA, which is one object
        return value


DAYS = ("Y", "M", "W", "D")


def numeric_column(values: Any, name: str, table: str) -> Array:
    """One column as float64 with NaN for what is missing; text is an error that shows the first piece of it."""
    if is_tracer(values):
        raise traced(f"column {name!r}")
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
    """The first entry that is no number, if there is one."""
    others = (v for v in array.flat if not isinstance(v, NUMBERS))
    return next(others, array.flat[0]) if array.size else array


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not _is_number(value)
