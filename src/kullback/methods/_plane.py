"""A density in the plane, made ready for quadrature: its parts, each with a centre, a scale and a rule."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from kullback._distribution import Density
from kullback._result import InputError
from kullback._support import Array, Box, Interval
from kullback.methods._line import checked
from kullback.numerics.grids import graded, plane, trapezoid
from kullback.numerics.lazy import optimize

LEVELS = 5


class Part(NamedTuple):
    """One component with its weight, centre and the factor that whitens it."""

    weight: float
    density: Density
    centre: Array
    factor: Array


def parts(f: Density) -> list[Part]:
    """The components of f, or f itself, whitened by their moments, or by the curvature at a mode that is found."""
    if not (isinstance(f.support, Box) and all(side == Interval() for side in f.support.sides)):
        raise InputError(f"{f} lives on {f.support}; in two dimensions only the whole plane is understood so far")
    found = []
    for weight, part in f.facts.components or ((1.0, f),):
        if part.facts.components:
            found += [Part(weight * w, d, c, a) for w, d, c, a in parts(part)]
            continue
        moments = part.facts.moments
        if moments is not None and np.isfinite(moments[1]).all():
            found.append(Part(weight, part, np.asarray(moments[0]), _factor(part, moments[1])))
        elif "scale_tril" in part.parameters:
            found.append(Part(weight, part, part.parameters["loc"], part.parameters["scale_tril"]))
        else:
            centre, factor = _at_mode(part)
            found.append(Part(weight, part, centre, factor))
    return found


def rule(part: Part, level: int) -> tuple[Array, Array]:
    """Points z and weights dz for a whitened part; each level has about twice as many points a side."""
    if part.density.facts.family == "multivariate_normal":
        return plane(trapezoid(32 * 2**level + 1))
    tails = part.density.facts.tails
    heavy = tails is None or min(t.power for t in tails) < math.inf
    reach = 1e7 if heavy else 64.0
    return plane(graded((4, 6, 8, 12, 16)[level], reach))


def nodes(f: Density, level: int, name: str = "P") -> tuple[Array, Array]:
    """Points x of shape (n, 2) and weights with Σ w·h(x) ≈ E_f h."""
    xs, ws = [], []
    for part in parts(f):
        z, dz = rule(part, level)
        x = part.centre + z @ part.factor.T
        log_p = checked(part.density, x, name)
        w = part.weight * np.exp(log_p) * dz * abs(float(np.prod(np.diag(part.factor))))
        keep = w > 1e-22 * part.weight
        xs.append(x[keep])
        ws.append(w[keep])
    return np.concatenate(xs), np.concatenate(ws)


def _at_mode(f: Density) -> tuple[Array, Array]:
    """A mode of f, found from the best of a graded scan, and the factor of the inverse curvature there."""
    steps = np.concatenate([[0.0], np.geomspace(1e-3, 1e6, 28)])
    axis = np.unique(np.concatenate([-steps, steps]))
    grid = np.column_stack([a.ravel() for a in np.meshgrid(axis, axis, indexing="ij")])
    y = checked(f, grid, "the density")
    if not np.isfinite(y).any():
        raise InputError(f"the log density of {f} is −∞ wherever it was looked at; check it and its scale")
    start = grid[int(np.argmax(y))]
    scale = np.maximum(np.abs(start), 1e-2)

    def loss(z: Array) -> float:
        value = -float(checked(f, (start + scale * z)[None], "the density")[0])
        return value if math.isfinite(value) else 1e300

    best = optimize.minimize(loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9})
    centre = start + scale * best.x
    # The widths are measured where the density has fallen by about one half, not by second differences.
    factor = np.diag([_half_width(f, centre, i) for i in range(2)])
    for _ in range(3):
        factor = _rewhitened(f, centre, factor)
    return centre, factor


def _factor(part: Density, covariance: Array) -> Array:
    """The factor of a normal's covariance as it was given; of others' it is taken."""
    known = part.facts.family == "multivariate_normal"
    return part.facts.spreads[0].matrix if known else np.linalg.cholesky(covariance)


def _half_width(f: Density, centre: Array, axis: int) -> float:
    reach = np.geomspace(1e-12, 1e12, 300)
    top = float(f._log_prob(centre[None])[0])
    widths = []
    for sign in (1.0, -1.0):
        x = np.repeat(centre[None], len(reach), axis=0)
        x[:, axis] += sign * reach
        below = np.flatnonzero(f._log_prob(x) < top - 0.5)
        if len(below):
            widths.append(float(reach[below[0]]))
    return max(widths) if widths else 1.0


def _rewhitened(f: Density, centre: Array, factor: Array) -> Array:
    """The factor of the covariance on a coarse grid in the coordinates of the last factor."""
    z, dz = plane(graded(4, 16.0))
    x = centre + z @ factor.T
    y = checked(f, x, "the density")
    w = np.exp(y - y.max()) * dz
    w /= w.sum()
    offset = x - w @ x
    covariance = (offset * w[:, None]).T @ offset
    try:
        return np.asarray(np.linalg.cholesky(covariance))
    except np.linalg.LinAlgError:
        return factor
