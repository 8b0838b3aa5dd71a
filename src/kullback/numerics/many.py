"""Log densities of mixtures of many normals: only those that count at a point are evaluated there."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kullback.numerics.lazy import spatial

Array = NDArray[Any]  # of floats

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
FEW = 32  # components that are all evaluated
BLOCK = 64  # neighbouring points that share a choice of components
FAINT = 40.0  # what e to the minus this many leaves of the sum is below its rounding
MOST = 1 << 17  # numbers held at once: those that stay in the cache


def log_sum_exp(terms: Array) -> Array:
    """log Σ exp over the first axis; −∞ where every term is."""
    top = terms.max(axis=0)
    safe = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(terms - safe).sum(axis=0)) + safe)


def on_line(log_w: Array, loc: Array, scale: Array) -> Callable[[Array], Array]:
    """The log density of Σ w·N(loc, scale²) at points of shape (n,)."""
    constant = log_w - np.log(scale) - HALF_LOG_2PI
    slack = FAINT + math.log(len(loc))

    def dense(x: Array, kept: Any) -> Array:
        z = (x - loc[kept, None]) / scale[kept, None]
        return log_sum_exp(constant[kept, None] - 0.5 * z * z)

    def log_prob(x: Array) -> Array:
        if len(loc) <= FEW or not np.isfinite(x).all():
            return dense(x, slice(None))
        order = np.argsort(x)
        out = np.empty(len(x))
        for start in range(0, len(x), BLOCK):
            places = order[start : start + BLOCK]
            inside = x[places]
            low, high = inside[0], inside[-1]
            near = np.maximum(np.maximum(loc - high, low - loc), 0.0) / scale
            far = np.maximum(np.abs(loc - high), np.abs(loc - low)) / scale
            with np.errstate(over="ignore"):
                kept = constant - 0.5 * near * near >= (constant - 0.5 * far * far).max() - slack
            out[places] = dense(inside, kept)
        return out

    return log_prob


def alike(log_w: Array, means: Array, tril: Array, whitened: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """The log density of Σ w·N(mean, LLᵀ) at points of shape (n, d); `whitened` is x ↦ L⁻¹x."""
    dim = means.shape[1]
    centres = whitened(means)
    constant = log_w - dim * HALF_LOG_2PI - math.fsum(np.log(np.diag(tril)))
    rows = max(1, MOST // len(means))

    def log_prob(x: Array) -> Array:
        found = [np.empty(0)]
        for start in range(0, len(x), rows):
            terms = spatial.distance.cdist(whitened(x[start : start + rows]), centres, "sqeuclidean")
            terms *= -0.5  # in place, as what is written to memory costs more than what is computed
            terms += constant
            top = terms.max(axis=1)
            terms -= np.where(np.isfinite(top), top, 0.0)[:, None]
            with np.errstate(divide="ignore"):
                found.append(np.log(np.exp(terms, out=terms).sum(axis=1)) + top)
        return np.concatenate(found)

    return log_prob
