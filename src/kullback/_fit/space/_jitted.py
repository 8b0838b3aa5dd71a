"""A log density in JAX, compiled once for all fits of it: values, slopes and Hessians, in batches of few shapes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from kullback._support import Array
from kullback.numerics.lazy import installed

SIZES = (1024, 128)  # rows of the batches that are compiled for: as many large ones as fit, the rest padded
DEAR = (64, 8, 1)  # the same where a row costs much: as they fit the cache, and none is padded far
EASY = 3e-4  # CPU seconds of a row, above which work is given out by what it costs


class Jitted:
    """What JAX makes of a function of one point (d,), or of a batch (n, d)."""

    def __init__(self, function: Callable[[Any], Any], dim: int, single: bool) -> None:
        import jax

        def point(x: Any) -> Any:
            return function(x[0] if dim == 1 else x)

        def batch(x: Any) -> Any:
            return function(x[:, 0] if dim == 1 else x)

        def both(x: Any) -> Any:
            y, back = jax.vjp(batch, x)
            return y, back(jax.numpy.ones_like(y))[0]

        def alone(x: Any) -> Any:
            return point(x) if single else batch(x[None])[0]

        self._both = jax.jit(jax.vmap(jax.value_and_grad(point)) if single else both)
        self._values = jax.jit(jax.vmap(point) if single else batch)
        self._hessian = jax.jit(jax.hessian(alone))
        self.cost = self._measured(dim)

    def _measured(self, dim: int) -> float:
        """CPU seconds of a value and its slopes; the first run compiles, and is no measure unless it is quick."""
        took = np.inf
        for _ in range(3):
            begin = time.process_time()
            self._in_batches(self._both, np.zeros((SIZES[-1], dim)), SIZES[-1:])
            took = min(took, (time.process_time() - begin) / SIZES[-1])
            if took < EASY:
                break
        return took

    @property
    def dear(self) -> bool:
        return self.cost > EASY

    def sloped(self, x: Array) -> tuple[Array, Array]:
        values, slopes = self._in_batches(self._both, x, DEAR if self.dear else SIZES)
        return values, slopes

    def values(self, x: Array) -> Array:
        if not self.dear:  # one compilation less
            return self.sloped(x)[0]
        return self._in_batches(lambda part: (self._values(part),), x, DEAR)[0]

    def hessian(self, x: Array) -> Array:
        """At one point (d,)."""
        import jax

        with jax.enable_x64(True):
            return np.asarray(self._hessian(x), dtype=np.float64)

    def _in_batches(self, run: Callable[[Array], Any], x: Array, sizes: tuple[int, ...]) -> tuple[Array, ...]:
        import jax

        found, start = [], 0
        with jax.enable_x64(True):
            for size in sizes:
                last = size == sizes[-1]
                while len(x) - start >= size or (last and start < len(x)):
                    part = x[start : start + size]
                    if len(part) < size:
                        part = np.concatenate([part, np.repeat(part[:1], size - len(part), axis=0)])
                    found.append(run(part))
                    start += size
            columns = zip(*found, strict=True)
            return tuple(np.concatenate([np.asarray(v, dtype=np.float64) for v in c])[: len(x)] for c in columns)


_TRACED: WeakKeyDictionary[Any, dict[Any, Any]] = WeakKeyDictionary()


def jitted(function: Callable[[Any], Any], dim: int, single: bool) -> Jitted | None:
    """What was compiled for a function serves later fits of it; None without JAX, or where it cannot trace it."""
    if not installed("jax"):
        return None
    known = remembered(function)
    if (dim, single) not in known:
        try:
            known[dim, single] = Jitted(function, dim, single)
        except Exception:  # of JAX's many, whatever says that the function does not trace
            return None
    found: Jitted = known[dim, single]
    return found


def remembered(function: Callable[[Any], Any]) -> dict[Any, Any]:
    """What is known of a function: how it was compiled for each dimension, and its precision."""
    try:
        return _TRACED.setdefault(function, {})
    except TypeError:  # a callable that cannot be referred to weakly is looked at afresh for each fit
        return {}
