"""Arrays of NumPy, torch and JAX, and lists: probabilities along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from kullback._distribution import Discrete
from kullback._result import InputError, KindError


def array_like(obj: Any) -> bool:
    return isinstance(obj, list | tuple) or hasattr(obj, "__array__") or hasattr(obj, "__dlpack__")


def discrete(obj: Any, argument: str, axis: int | tuple[int, ...] | None = -1, normalize: bool = False) -> Discrete:
    """Probabilities along `axis`. A tracer, or a tensor that carries gradients, is an error."""
    array = obj if type(obj) is np.ndarray else to_numpy(obj, argument)
    if array.ndim == 0:
        raise InputError(f"{argument} is a single number, {array}; probabilities need at least one axis")
    return Discrete(array, axis=axis, normalize=normalize)


def to_numpy(obj: Any, argument: str) -> Any:
    """The array that `obj` holds, in its own precision where NumPy has it."""
    if isinstance(obj, np.ma.MaskedArray):
        if np.ma.getmaskarray(obj).any():
            count = int(np.ma.getmaskarray(obj).sum())
            raise InputError(f"{argument} masks {count} of {obj.size} entries; a masked probability is no number")
        return np.asarray(obj.data)
    if getattr(obj, "requires_grad", False) is True:
        raise KindError(
            f"{argument} is a tensor that carries gradients; kullback measures values. Pass {argument}.detach()."
        )
    if any(base.__name__ == "Tracer" for base in type(obj).__mro__):
        raise KindError(
            f"{argument} is a JAX tracer: inside jit, grad or vmap there is no value to measure. "
            "Call kullback outside the transformation; torch users pass .detach()."
        )
    if str(getattr(obj, "dtype", "")) == "torch.bfloat16":  # NumPy has no such type; float32 holds it exactly
        obj = obj.float()
    try:
        if not hasattr(obj, "__array__") and hasattr(obj, "__dlpack__"):
            return np.from_dlpack(obj)
        array = np.asarray(obj)
    except ValueError as error:
        raise InputError(f"{argument} is ragged: its rows have different lengths ({error})") from None
    except (TypeError, RuntimeError, BufferError) as error:
        raise KindError(f"{argument} cannot be read as an array: {error}") from None
    if array.dtype.name == "bfloat16" or array.dtype.kind == "V":
        return array.astype(np.float32)
    return array
