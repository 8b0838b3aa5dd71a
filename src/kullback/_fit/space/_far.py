"""Whether log p̃ falls off far from its mode: a target without a finite integral, or without moments, is told at once.

Along a ray from the mode log p̃ falls like −s·log r if P has power tails. In space the mass beyond r then goes like
r^(d−s), and second moments need s > d + 2. Along coordinates and the flattest directions no fall at all is improper.
"""

from __future__ import annotations

import math

import numpy as np

from kullback._fit.space._climb import Peak
from kullback._fit.space._oracle import Oracle
from kullback._result import InputError
from kullback._support import Array

NEAR, FAR, FARTHEST = 1e4, 1e6, 1e8  # widths of the mode
RAYS, DEAR_RAYS = 32, 6  # where a value costs much
MOST = 1e3  # the power from which on a tail counts as lighter than any


def check_far(oracle: Oracle, peak: Peak, seed: int) -> float:
    """The power s − d of P's tails, ∞ where they fall faster than any power; an improper P is an error."""
    d = oracle.dim
    rng = np.random.default_rng([seed, 32])
    widths = np.sqrt((peak.tril**2).sum(axis=1))
    axes = np.concatenate([np.diag(widths), -np.diag(widths)])
    values, vectors = np.linalg.eigh((peak.tril @ peak.tril.T) / np.outer(widths, widths))
    main = (vectors * np.sqrt(np.maximum(values, 0))).T * widths
    lines = np.concatenate([axes, main, -main])
    if oracle.dear:  # the two directions in which P is widest tell most
        lines = np.concatenate([main[-2:], -main[-2:]])
    rays = rng.standard_normal((RAYS if not oracle.dear else DEAR_RAYS, d)) @ peak.tril.T
    rays /= np.linalg.norm(np.linalg.solve(peak.tril, rays.T).T, axis=1, keepdims=True)
    all_ways = np.concatenate([lines, rays])
    heights = np.stack([oracle.values(peak.x + r * all_ways) for r in (NEAR, FAR, FARTHEST)])
    flat = (heights[0] > peak.height - 50) & (heights[1] >= heights[0] - 1e-6) & (heights[2] >= heights[1] - 1e-6)
    if flat.any():
        way = all_ways[int(np.argmax(flat))]
        raise InputError(
            f"P has no finite integral: log_prob does not fall along {_told(way / np.abs(way).max(), oracle)}, "
            f"it is still {heights[2][flat][0]:.6g} where {peak.height:.6g} is its mode. "
            "Give that direction a proper prior, or a support"
        )
    with np.errstate(invalid="ignore"):
        slopes = (heights[2] - heights[1])[len(lines) :] / np.log(FARTHEST / FAR)
    fallen = peak.height - heights[1][len(lines) :] > MOST * np.log(FAR)  # more than any power that counts
    falls = np.where(fallen, np.inf, -slopes)[fallen | np.isfinite(slopes)]
    if not len(falls):
        return np.inf
    power = float(np.median(falls)) - d
    if power > MOST:
        return np.inf
    if power < 1e-3:
        raise InputError(
            f"P has no finite integral: far out log_prob falls only like −{power + d:.3g}·log r in {d} dimensions. "
            "Give the parameters proper priors"
        )
    return power


def _told(way: Array, oracle: Oracle) -> str:
    """The coordinate or direction, and of a model the sites that it moves."""
    big = np.flatnonzero(np.abs(way) > 1e-3)
    sites = oracle.density.facts.sites
    if sites is not None:
        owners = [name for name, shape in sites.shapes.items() for _ in range(math.prod(shape))]
        moved = list(dict.fromkeys(repr(owners[i]) for i in big))
        return ("the site " if len(moved) == 1 else "the sites ") + ", ".join(moved) + " (unconstrained)"
    if len(big) == 1:
        return f"coordinate {int(big[0])}"
    return "the direction (" + ", ".join(f"{v:.3g}" for v in way[:6]) + (", …)" if len(way) > 6 else ")")
