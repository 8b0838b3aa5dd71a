"""MCSamples of getdist: weighted draws in chains, or independent ones of a nested sampler."""

from __future__ import annotations

from typing import Any

import numpy as np

from kullback._distribution import Distribution
from kullback._support import Array
from kullback.sources._drawn import Drawn


def recognise(obj: Any, argument: str) -> Distribution | None:
    found = drawn(obj, argument)
    return None if found is None else found.sample()


def drawn(obj: Any, argument: str) -> Drawn | None:
    """The parameters, derived ones apart; a Markov chain's rows are in time, their weights how long it stood there."""
    if not (hasattr(obj, "getParamNames") and hasattr(obj, "samples") and hasattr(obj, "weights")):
        return None
    x = np.asarray(obj.samples, dtype=np.float64)
    known = obj.getParamNames().names
    names = tuple(str(p.name) for p in known)
    derived = tuple(str(p.name) for p in known if getattr(p, "isDerived", False))
    weights = None if obj.weights is None else np.asarray(obj.weights, dtype=np.float64)
    title = str(getattr(obj, "label", None) or argument)
    chain = _chain(obj, len(x)) if getattr(obj, "sampler", "mcmc") == "mcmc" else None
    found = Drawn(title, names, x, weights, chain, _periods(obj, names), derived)
    return found if chain is not None else found.shuffled()


def _chain(obj: Any, n: int) -> Array:
    ends = getattr(obj, "chain_offsets", None)
    if ends is None or ends[-1] != n:  # rows were dropped since: what is left of them is one series
        return np.zeros(n, int)
    return np.repeat(np.arange(len(ends) - 1), np.diff(ends))


def _periods(obj: Any, names: tuple[str, ...]) -> Array | None:
    ranges = getattr(obj, "ranges", None)
    periodic = getattr(ranges, "periodic", None)
    if ranges is None or not periodic:
        return None
    return np.array([ranges.getUpper(n) - ranges.getLower(n) if n in periodic else np.inf for n in names], float)
