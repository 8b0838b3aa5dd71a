"""A person's log density: in NumPy, JAX or torch, of one point or of a batch, held to what it claims."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from kullback._distribution._jax import in_blocks
from kullback._result import InputError
from kullback._support import Array

EPS = float(np.finfo(np.float64).eps)
SINGLE = float(np.finfo(np.float32).eps)
BATCH = 16  # points from which on a function is tried on all at once
FAILURES = (Exception,)  # whatever a person's function raises; Ctrl-C is none of them


class _User:
    """The function in the library that it turns out to be written in; `precision` is the coarsest it returned."""

    __slots__ = ("function", "library", "precision")

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function
        self.library = ""
        self.precision = EPS

    @property
    def __name__(self) -> str:
        return str(getattr(self.function, "__name__", "density"))

    def values(self, x: Any) -> Array:
        """What the function returns at x, as float64."""
        with np.errstate(all="ignore"), _in_64_bits():
            found = self._call(x)
        if not self.library:
            self.library = _library(found)
            if self.library == "torch":
                found = self._call(x)  # again, now in 64 bits
        return self.noted(found)

    def noted(self, found: Any) -> Array:
        """The numbers as float64, and their precision remembered."""
        if hasattr(found, "detach"):
            found = found.detach().cpu()
        array = np.asarray(found)
        if found is None or array.dtype.kind == "c":
            raise TypeError(f"it returned {'nothing' if found is None else 'complex numbers'}, not a real number")
        if array.dtype.itemsize < 8 and array.dtype.kind not in "iub":
            self.precision = max(self.precision, SINGLE if array.dtype == np.float32 else 2.0**-8)
        return array.astype(np.float64)

    def _call(self, x: Any) -> Any:
        if self.library == "torch":
            return self.function(to_tensor(x))
        if self.library.startswith("jax"):
            import jax

            return self.function(jax.numpy.asarray(x))
        if self.library or "torch" not in sys.modules:
            return self.function(x)
        try:
            return self.function(x)
        except FAILURES:  # torch takes tensors only
            try:
                found = self.function(to_tensor(x))
            except FAILURES:
                found = None
            if _library(found) != "torch":
                raise
            self.library = "torch"
            return found


class UserPoints(_User):
    """A function of one point, called for each of a batch; or at once, if it is seen to give the same so."""

    __slots__ = ("batched", "turned")

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__(function)
        self.batched: Callable[[Any], Any] | None = None
        self.turned: tuple[bool, ...] = (False, True)  # batches as (n, dim), or as (dim, n), still to be tried

    @property
    def at_once(self) -> bool:
        return self.batched is not None or len(self.turned) == 1

    def __call__(self, x: Array) -> Array:
        if len(x) > 1 and self._maps(x):
            assert self.batched is not None
            return self.noted(in_blocks(self.batched, x))
        found = self._at_once(x) if len(x) >= BATCH else None
        return self._each(x) if found is None else found

    def _at_once(self, x: Array) -> Array | None:
        """One call for the whole batch, if the function takes arrays: held against single points every time."""
        places = dict.fromkeys((0, len(x) // 3, len(x) // 2, len(x) - 1))
        while self.turned:
            with contextlib.suppress(*FAILURES):
                values = self.values(x.T.copy() if self.turned[0] else x)
                if values.shape == (len(x),) and all(_same(values[i], self._each(x[i : i + 1])[0]) for i in places):
                    self.turned = self.turned[:1]  # it does: this way from now on
                    return values
            self.turned = self.turned[1:]
        return None

    def _each(self, x: Array) -> Array:
        values = np.empty(len(x))
        for i, point in enumerate(x):
            try:
                value = self.values(point)
            except OverflowError:
                value = np.asarray(np.nan)  # whoever asked decides whether the point was too far out
            except FAILURES as error:
                raise InputError(f"log_prob failed at the point {point}: {error}") from error
            if value.size != 1:
                raise InputError(
                    f"log_prob returned shape {value.shape} for the point {point}; it must return one number, "
                    "or take batches with vectorized=True"
                )
            values[i] = value.reshape(())
        return values

    def _maps(self, x: Array) -> bool:
        """Whether it is JAX's and traces: then one compiled map does what a call for each point would."""
        if not self.library:
            with contextlib.suppress(*FAILURES, OverflowError):
                self.values(x[0])
        if self.library == "jax" and self.batched is None:
            import jax

            mapped = jax.jit(jax.vmap(self.function))
            try:
                if in_blocks(mapped, x[:2]).shape == (2,):
                    self.batched = mapped
            except Exception:  # of JAX's many, whatever says that the function does not trace
                self.library = "jax, by point"
        return self.batched is not None


def _same(a: float, b: float) -> bool:
    return bool(a == b or abs(a - b) <= 1e-13 * max(abs(a), abs(b)) or (np.isnan(a) and np.isnan(b)))


class UserBatch(_User):
    """A function of a batch; the first batch is held against single points."""

    __slots__ = ("tried",)

    at_once = True

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__(function)
        self.tried = False

    def __call__(self, x: Array) -> Array:
        values = self._batch(x)
        if not self.tried and len(x) > 1:
            self._hold(x, values)
            self.tried = True
        return values

    def _batch(self, x: Array) -> Array:
        try:
            values = self.noted(in_blocks(self.function, x)) if self.library == "jax" else self.values(x)
        except FAILURES as error:
            raise InputError(
                f"log_prob failed on a batch of {len(x)} points of which the first is {x[0]}: {error}. "
                "Without vectorized=True it is called point by point"
            ) from error
        if values.shape != x.shape[:1]:
            raise InputError(
                f"log_prob returned shape {values.shape} for a batch of {len(x)} points of which the first is {x[0]}; "
                "it must return one number a point, or drop vectorized=True"
            )
        return values

    def _hold(self, x: Array, values: Array) -> None:
        """A point must have the same value alone as in the batch."""
        for i in dict.fromkeys((0, len(x) // 2, len(x) - 1)):
            alone, inside = float(self._batch(x[i : i + 1])[0]), float(values[i])
            if np.isfinite(alone) or np.isfinite(inside):
                slack = 1e4 * self.precision * max(abs(alone), abs(inside), 1.0)
                if not abs(alone - inside) <= slack:
                    raise InputError(
                        f"log_prob is not vectorised: at the point {x[i]} it returns {inside:.6g} in a batch of "
                        f"{len(x)} and {alone:.6g} alone; drop vectorized=True"
                    )


def _in_64_bits() -> Any:
    """JAX in 64 bits from the first call on: the same operation in 32 before would be taken from its cache."""
    if "jax" not in sys.modules:
        return contextlib.nullcontext()
    import jax

    return jax.enable_x64(True)


def to_tensor(x: Any) -> Any:
    import torch

    return torch.as_tensor(np.array(x, dtype=np.float64))


def _library(found: Any) -> str:
    root = type(found).__module__.split(".")[0]
    return {"jaxlib": "jax", "jax": "jax", "torch": "torch"}.get(root, "numpy")
