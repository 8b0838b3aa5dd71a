"""Densities that are constant between edges."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kullback._distribution import Density
from kullback._result import InputError
from kullback._support import Array, Interval
from kullback._vocabulary._tails import FLAT_END
from kullback._vocabulary._words import univariate, word


@word
def histogram(edges: Any, weights: Any) -> Density:
    """Bins between n + 1 rising edges, and their n masses, in any unit; a bin may be empty."""
    x, w = (_numbers(value, name) for value, name in ((edges, "edges"), (weights, "weights")))
    if len(x) != len(w) + 1 or len(w) == 0:
        raise InputError(f"a histogram has one edge more than bins; it was given {len(x)} edges and {len(w)} weights")
    if not (np.diff(x) > 0).all():
        at = int(np.argmin(np.diff(x)))
        raise InputError(f"the edges of a histogram must rise; edge {at + 1} is {x[at + 1]:g} after {x[at]:g}")
    if (w < 0).any() or not w.any():
        raise InputError(f"the weights of a histogram must be non-negative and not all 0; the least is {w.min():g}")
    filled = np.flatnonzero(w)
    x, w = x[filled[0] : filled[-1] + 2], w[filled[0] : filled[-1] + 1]
    p, width = w / math.fsum(w), np.diff(x)
    with np.errstate(divide="ignore"):
        heights = np.log(p) - np.log(width)
    centres = x[:-1] + 0.5 * width
    mean = float(p @ (centres - x[0]))
    variance = float(p @ (width**2 / 12 + (centres - x[0] - mean) ** 2))
    reached = np.append(0.0, np.cumsum(p))

    def log_prob(t: Array) -> Array:
        return np.asarray(heights[np.clip(np.searchsorted(x, t, side="right") - 1, 0, len(p) - 1)])

    return univariate(
        "histogram",
        {"edges": x, "weights": p},
        Interval(float(x[0]), float(x[-1])),
        log_prob,
        quantile=lambda u: np.interp(u, reached / reached[-1], x),
        moments=(float(x[0]) + mean, variance),
        entropy=-math.fsum((p[p > 0] * heights[p > 0]).tolist()),
        tails=(FLAT_END, FLAT_END),
        breaks=tuple(x[1:-1].tolist()),
    )


def _numbers(value: Any, name: str) -> Array:
    try:
        found = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be a list of numbers, not {value!r}") from None
    if found.ndim != 1 or not np.isfinite(found).all():
        raise InputError(f"{name} must be one list of finite numbers, not {value!r}")
    return found
