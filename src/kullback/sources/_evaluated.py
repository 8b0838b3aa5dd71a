"""A distribution of no word, evaluated by its own library in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from kullback._distribution import Density, Facts
from kullback._support import Array, Interval, Lattice, Support

Index = tuple[int, ...]


class Evaluates(Protocol):
    """How a library evaluates; `log_prob` and the rest take what `double` gives."""

    def double(self, obj: Any) -> Any:
        """The same distribution with its parameters in float64."""

    def log_prob(self, double: Any, x: Array) -> Array: ...

    def sample(self, double: Any, rng: np.random.Generator, n: int) -> Array: ...

    def support(self, obj: Any, name: str, index: Index) -> Support: ...

    def quantile(self, double: Any, u: Array) -> Array: ...

    def number(self, double: Any, key: str) -> Array:
        """A property of it such as `mean`."""


class Library(Evaluates, Protocol):
    """What a library spells its own way."""

    module: str
    renamed: dict[str, tuple[str, dict[str, str]]]  # classes whose parameters are not NumPyro's: word, {ours: theirs}
    in_scipy: dict[str, tuple[str, tuple[str, ...]]]  # classes to be SciPy's: its name, the shapes, loc and scale
    refused: dict[str, str]  # classes without a density here, and why


def column(values: Any, index: Index) -> Any:
    """The values of one member, where the first axis is the points and the next are the batch."""
    return values[(slice(None), *index)]


def at(values: Array, event_dim: int, index: Index) -> Any:
    """The member at that index: the batch axes broadcast from the last, as in NumPy."""
    own = values.shape[: values.ndim - event_dim]
    tail = index[len(index) - len(own) :] if own else ()
    return values[tuple(0 if n == 1 else i for n, i in zip(own, tail, strict=True))]


LEVELS = np.array([1e-6, 0.01, 0.3, 0.5, 0.7, 0.99, 1 - 1e-6])


def evaluated(obj: Any, library: Evaluates) -> Callable[[Index], Density]:
    """The member at an index: the whole batch is evaluated at its points, and its own values are kept."""
    name = type(obj).__name__
    double = library.double(obj)
    batch = tuple(int(n) for n in obj.batch_shape)
    event = tuple(int(n) for n in obj.event_shape)

    def make(index: Index) -> Density:
        support: Any = library.support(obj, name, index)
        one = event == (1,)  # a vector of one coordinate is a number here
        index = index[len(index) - len(batch) :] if batch else ()

        def log_prob(x: Array) -> Array:
            points = np.asarray(x, dtype=np.float64)
            inside = np.broadcast_to(support.contains(points), points.shape[:1])
            if not inside.any():
                return np.full(len(points), -np.inf)
            kept = points[inside].reshape(-1, *(1,) * len(batch), *event)
            out = np.full(len(points), -np.inf)
            with np.errstate(all="ignore"):
                out[inside] = column(library.log_prob(double, kept), index)
            return out

        def sample(rng: np.random.Generator, n: int) -> Array:
            draws = column(library.sample(double, rng, n), index)
            return draws[:, 0] if one else draws

        line = isinstance(support, Interval | Lattice)
        moments = _moments(double, library, index) if line else None
        quantile = _quantile(double, library, index) if isinstance(support, Interval) else None
        facts = Facts(sample=sample, moments=moments, quantile=quantile)
        return Density(log_prob, dim=support.dim, support=support, vectorized=True, facts=facts, name=name)

    return make


def _moments(double: Any, library: Evaluates, index: Index) -> tuple[float, float] | None:
    """(mean, variance) if the library knows them as finite numbers."""
    try:
        found = [np.squeeze(library.number(double, key)[index]) for key in ("mean", "variance")]
        mean, variance = (float(v) for v in found)
    except Exception:  # whatever it raises for a moment that it does not have
        return None
    return (mean, variance) if np.isfinite([mean, variance]).all() and variance > 0 else None


def _quantile(double: Any, library: Evaluates, index: Index) -> Callable[[Array], Array] | None:
    """The quantile function if the library has one that rises."""

    def quantile(u: Array) -> Array:
        levels = np.asarray(u, dtype=np.float64).reshape(-1, *(1,) * len(index))
        with np.errstate(all="ignore"):
            return np.asarray(column(library.quantile(double, levels), index), dtype=np.float64)

    try:
        found = quantile(LEVELS)
    except Exception:  # whatever it raises for a function that it does not have
        return None
    return quantile if found.shape == LEVELS.shape and np.isfinite(found).all() and (np.diff(found) > 0).all() else None
