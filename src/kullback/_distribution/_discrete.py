"""A table of probabilities."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from kullback._distribution._checks import is_small, label, numeric_array
from kullback._format import listing
from kullback._result import InputError
from kullback._support import Labels, Lattice, Support
from kullback.numerics.quiet import quiet

MOST_AXES = 32  # that NumPy broadcasts


class Discrete:
    """Probabilities of finitely many outcomes, along `axis`; the other axes are a batch.

    Parameters
    ----------
    probs : array_like
        Probabilities that sum to one along `axis`, or anything non-negative with `normalize=True`.
        A pandas Series brings its index as labels, a dict its keys.
    logits : array_like, optional
        Instead of `probs`: logarithms up to a constant, which keep what exp would lose.
    labels : sequence, optional
        One label an outcome. Two labelled distributions are aligned by label, never by position.
    axis : int, tuple of int, or None
        The axes of one distribution; None is all of them.
    normalize : bool
        Divide by the sum.

    Examples
    --------
    >>> import kullback as kl
    >>> p = kl.Discrete([0.5, 0.3, 0.2], labels=["a", "b", "c"])
    >>> q = kl.Discrete([0.2, 0.3, 0.5], labels=["c", "b", "a"])
    >>> float(kl.divergence(p, q))
    0.0
    """

    __slots__ = ("axis", "coarse", "labels", "logits", "n", "name", "normalize", "probs")

    def __init__(
        self,
        probs: Any = None,
        *,
        logits: Any = None,
        labels: Sequence[Hashable] | None = None,
        axis: int | tuple[int, ...] | None = -1,
        normalize: bool = False,
        n: int | None = None,
        name: str = "",
    ) -> None:
        if (probs is None) == (logits is None):
            raise InputError("give either probs or logits to Discrete, and not both")
        if labels is None and hasattr(probs, "index") and hasattr(probs, "to_numpy"):
            labels, probs = tuple(probs.index), probs.to_numpy()
        elif labels is None and isinstance(probs, Mapping):
            labels, probs = tuple(probs), list(probs.values())
        self.coarse = is_small(probs)
        self.probs = None if probs is None else numeric_array(probs, "probs")
        self.logits = None if logits is None else _floats(numeric_array(logits, "logits"))
        if self.values.ndim > MOST_AXES:
            raise InputError(f"an array of {self.values.ndim} dimensions; at most {MOST_AXES} are served. Reshape it")
        self.axis = axis if type(axis) is int else _axes(axis, self.values.ndim)
        self.normalize = normalize
        self.n = n
        self.name = name
        self.labels = None if labels is None else self._checked(tuple(labels))

    def _checked(self, labels: tuple[Hashable, ...]) -> tuple[Hashable, ...]:
        if not isinstance(self.axis, int):
            raise InputError("labels name the outcomes of a single axis; give axis as an int")
        size = self.values.shape[self.axis]
        if len(labels) != size:
            raise InputError(f"labels has {len(labels)} names for {size} probabilities; give one each")
        labels = tuple(label(x) for x in labels)
        if len(set(labels)) != size:
            twice = [name for name in dict.fromkeys(labels) if labels.count(name) > 1]
            raise InputError(f"labels must differ; {listing(twice)} stand more than once. Add up their shares.")
        return labels

    @property
    def values(self) -> Any:
        """The stored array: probabilities, or logits."""
        return self.probs if self.probs is not None else self.logits

    @property
    def support(self) -> Support:
        if self.labels is not None:
            return Labels(self.labels)
        return Lattice(0, self.size - 1)

    @property
    def size(self) -> int:
        """The number of outcomes."""
        axes = self.axis if isinstance(self.axis, tuple) else (self.axis,)
        return int(np.prod([self.values.shape[a] for a in axes]))

    @quiet
    def log_prob(self, outcome: Any) -> float:
        """log of the probability of an outcome, by its label or position; −∞ for an outcome that is none."""
        log_p = self._log_probs()
        if self.labels is None:
            inside = isinstance(outcome, int | np.integer) and 0 <= outcome < len(log_p)
            return float(log_p[outcome]) if inside else -np.inf
        outcome = label(outcome)
        return float(log_p[self.labels.index(outcome)]) if outcome in self.labels else -np.inf

    @quiet
    def sample(self, n: int, *, seed: int = 0) -> Any:
        """`n` outcomes, labels or positions; the same seed gives the same ones."""
        chosen = np.random.default_rng(seed).choice(self.size, size=n, p=np.exp(self._log_probs()))
        return chosen if self.labels is None else [self.labels[i] for i in chosen]

    def _log_probs(self) -> Any:
        if self.values.ndim != 1:
            raise InputError(f"this is a batch of shape {self.values.shape}; take one distribution of it")
        with np.errstate(divide="ignore"):
            logs = (
                np.log(np.asarray(self.probs, dtype=np.float64))
                if self.logits is None
                else self.logits.astype(np.float64)
            )
        top = logs.max()
        return logs - top - np.log(np.exp(logs - top).sum())

    @property
    def parameters(self) -> dict[str, Any]:
        return {"probs": self.probs} if self.probs is not None else {"logits": self.logits}

    def __repr__(self) -> str:
        kind = "Discrete" if self.labels is None else "Discrete, labelled"
        counted = f", {self.n} counts" if self.n is not None else ""
        return self.name or f"{kind}, {self.size} outcomes{counted}"


def _floats(x: Any) -> Any:
    """float32 and float64 as they lie, other numbers as doubles."""
    return x if x.dtype in (np.float32, np.float64) else x.astype(np.float64)


def _axes(axis: Any, ndim: int) -> int | tuple[int, ...]:
    if axis is None:
        return tuple(range(ndim)) if ndim > 1 else -1
    if isinstance(axis, int | np.integer):
        return int(axis)
    axes = tuple(axis) if isinstance(axis, tuple | list) else ()
    if not axes or not all(isinstance(a, int | np.integer) for a in axes):
        raise InputError(f"axis must be an int, a tuple of different ints, or None for all, not {axis!r}")
    if len({a % ndim if -ndim <= a < ndim else a for a in axes}) < len(axes):
        raise InputError(f"axis must be different axes; {axis!r} names one twice in an array of {ndim} dimensions")
    return tuple(int(a) for a in axes)
