"""Arrays of NumPy, torch and JAX, and lists: probabilities along an axis."""

from __future__ import annotations

import array
from collections.abc import Mapping
from typing import Any

import numpy as np

from kullback._distribution import Density, Discrete, Sample, is_small, is_tracer, traced, unreadable
from kullback._result import InputError, KindError


def array_like(obj: Any) -> bool:
    held = isinstance(obj, list | tuple | memoryview | array.array) or _is_sparse(obj)
    return held or hasattr(obj, "__array__") or hasattr(obj, "__dlpack__")


def _is_sparse(obj: Any) -> bool:
    """An array or matrix of scipy.sparse."""
    return hasattr(obj, "toarray") and hasattr(obj, "nnz")


def discrete(obj: Any, argument: str, axis: int | tuple[int, ...] | None = -1, normalize: bool = False) -> Discrete:
    """Probabilities along `axis`. A tracer, or a tensor that carries gradients, is an error."""
    held = obj if type(obj) is np.ndarray else to_numpy(obj, argument)
    if held.ndim == 0:
        raise InputError(f"{argument} is a single number, {held}; probabilities need at least one axis")
    if held.dtype.kind in "OU" and held.size:
        _refuse_distributions(held.flat[0], argument)
    found = Discrete(held, axis=axis, normalize=normalize)
    found.coarse = found.coarse or is_small(obj)
    return found


def _refuse_distributions(first: Any, argument: str) -> None:
    """Several distributions in a list are no array of probabilities."""
    kinds = isinstance(first, Mapping | Discrete | Density | Sample) or (isinstance(first, str) and "(" in first)
    if kinds or any(hasattr(first, name) for name in ("log_prob", "logpdf", "logpmf", "cdf")):
        raise InputError(
            f"{argument} is a list of distributions, the first {str(first)[:60]}. kl.pairwise measures each against "
            "each; for one after the other loop over them, or make one batch in their own library"
        )


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
    if is_tracer(obj):
        raise traced(argument)
    if str(getattr(obj, "dtype", "")) == "torch.bfloat16":  # NumPy has no such type; float32 holds it exactly
        obj = obj.float()
    if _is_sparse(obj):
        return obj.toarray()
    try:
        if not hasattr(obj, "__array__") and hasattr(obj, "__dlpack__"):
            return np.from_dlpack(obj)
        found = np.asarray(obj)
    except ValueError as error:
        raise InputError(f"{argument} is ragged: its rows have different lengths ({error})") from None
    except (TypeError, RuntimeError, BufferError) as error:
        raise unreadable(error, argument) from None
    return found.astype(np.float32) if is_small(found) else found
