"""How many points a sum, an integral or draws may take without a budget from the caller: what two seconds buy.

A formula of the vocabulary is fast, a mixture of them costs what its components do, and a source that knows a slow log
density says how many points it is worth. What else there is, is timed. A cost is rounded to half a power of ten and
cuts short only what is slow, so that a result can change from run to run only where it says `tolerance_missed`. A
budget of the caller's is taken as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kullback._distribution import Density
from kullback._result import InputError
from kullback._support import Array
from kullback.numerics.pace import cost

SECONDS = 2.0  # of one method: a divergence may try two, and looks at its densities before
LEAST = 512  # points below which nothing can be told
SWEPT, EACH = 5e-9, 4e-8  # seconds a point for a component in one sweep over all, and for one by itself


def affordable(
    budget: int | None, most: int, x: Array, *densities: Density, draw: Callable[[Array], Any] | None = None
) -> int:
    """The caller's budget, else how many points the log densities are worth, and the drawing of them, up to `most`.

    `x` holds points at which the log densities are asked for; `draw` is timed on as many.
    """
    if budget is not None:
        return budget
    stated = [f.facts.points for f in densities if f.facts.points is not None]
    seconds = sum(_cost(f, x) for f in densities if f.facts.points is None)
    if draw is not None:
        seconds += cost(draw, x)
    bought = int(SECONDS / seconds) if seconds > 0 else most
    return max(min(most, bought, *stated), min(LEAST, most))


def _cost(f: Density, x: Array) -> float:
    words = _words(f)
    if words:
        return 0.0 if words == 1 else (SWEPT if _swept(f) else EACH) * words * (1 + 0.5 * f.dim)
    try:
        return cost(f._log_prob, x)
    except InputError:  # a callable that fails at an end of its support
        return cost(f._log_prob, x[len(x) // 2 : len(x) // 2 + 1])


def _swept(f: Density) -> bool:
    """Whether its components are normals that are evaluated in one sweep."""
    if f.facts.family != "normal_mixture":
        return False
    covariances = f.parameters.get("covariance_matrix")
    return covariances is None or bool((covariances == covariances[0]).all())


def _words(f: Density) -> int:
    """How many formulas of the vocabulary f is made of; 0 if of anything else too."""
    counts = [_words(part) for _, part in f.facts.components]
    return sum(counts) * all(counts) if counts else int(bool(f.facts.family))
