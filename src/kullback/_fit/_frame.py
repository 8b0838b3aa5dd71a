"""Where P has its mass: its moments, a frame in which it is of order one, and what its integral was."""

from __future__ import annotations

import numpy as np

from kullback._distribution import Density
from kullback._support import Array
from kullback.families import Frame
from kullback.methods import _line, _plane


def near(frame: Frame) -> Array:
    """Points where P has its mass."""
    return frame.outward(np.linspace(-2, 2, 9)[:, None] * np.ones(frame.dim))


def log_integral(p: Density, whole: Density, x: Array) -> float:
    """What was taken off log p to make it a density, read off at points where P has its mass."""
    if p.normalized:
        return 0.0
    before, after = p._log_prob(x), whole._log_prob(x)
    seen = np.isfinite(before) & np.isfinite(after)
    return float((before[seen] - after[seen])[0]) if seen.any() else float("nan")


def density_moments(f: Density) -> tuple[Array, Array] | None:
    if f.facts.moments is not None:
        mean, covariance = np.atleast_1d(f.facts.moments[0]), np.atleast_2d(f.facts.moments[1])
    elif f.dim == 1:
        value = _line.spread(f).value
        mean, covariance = value[1:2], value[2:3][:, None]
    else:
        x, w = _plane.nodes(f, _plane.LEVELS - 1)
        w = w / w.sum()
        mean = w @ x
        covariance = ((x - mean) * w[:, None]).T @ (x - mean)
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        return None
    return mean, covariance


def frame_of(f: Density) -> Frame:
    """Centre and scale by the moments, or by median and quartiles where they do not exist."""
    moments = density_moments(f)
    if moments is not None:
        return Frame(moments[0], np.sqrt(np.diag(moments[1])))
    x, w = _line.nodes(f, rtol=1e-8) if f.dim == 1 else _plane.nodes(f, 1)
    columns = x.reshape(len(x), -1)
    low, middle, high = (np.array([_quantile(c, w, u) for c in columns.T]) for u in (0.25, 0.5, 0.75))
    return Frame(middle, (high - low) / 1.349)


def _quantile(x: Array, w: Array, level: float) -> float:
    order = np.argsort(x)
    return float(np.interp(level * w.sum(), np.cumsum(w[order]) - 0.5 * w[order], x[order]))
