"""Frames of anesthetic: nested samples, Markov chains, and weighted rows of either."""

from __future__ import annotations

from typing import Any

import numpy as np

from kullback._distribution import Distribution
from kullback._format import listing
from kullback.sources._drawn import Drawn

APART = ("logL", "logL_birth", "nlive", "insertion", "chain", "weights")  # columns that are no parameters


def recognise(obj: Any, argument: str) -> Distribution | None:
    found = drawn(obj, argument)
    return None if found is None else found.sample()


def drawn(obj: Any, argument: str) -> Drawn | None:
    """A Markov chain's rows are in time; those of a nested sampler are weighted draws, sorted by likelihood."""
    if not (hasattr(obj, "get_weights") and hasattr(obj, "columns")):
        return None
    names = [str(c[0] if isinstance(c, tuple) else c) for c in obj.columns]
    values = np.asarray(obj.to_numpy(), dtype=np.float64)
    kept = [i for i, name in enumerate(names) if name not in APART]
    notes: tuple[str, ...] = ()
    if apart := [name for name in names if name in APART]:
        notes = (f"no parameters, and left out: {listing(apart)}",)
    chain = None
    if any(kind.__name__ == "MCMCSamples" for kind in type(obj).__mro__):
        chain = values[:, names.index("chain")] if "chain" in names else np.zeros(len(values), int)
    weights = np.asarray(obj.get_weights(), dtype=np.float64)
    title = str(getattr(obj, "label", None) or argument)
    columns = tuple(names[i] for i in kept)
    found = Drawn(title, columns, values[:, kept], weights, chain, notes=notes)
    return found if chain is not None else found.shuffled()
