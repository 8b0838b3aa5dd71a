"""A density in two or three free coordinates, cut into parts: each with a centre, a scale, and cells around it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kullback._distribution import Density, _charts
from kullback._result import InputError
from kullback._support import Array
from kullback.methods._line import checked
from kullback.methods._pace import affordable
from kullback.numerics.cubature import focused, graded
from kullback.numerics.grids import graded as graded_line
from kullback.numerics.lazy import optimize

NEAR = [0.0, 1.0, 2.5, 5.0, 12.0]
SIDES = [0.0, 2.5, 12.0, 1e4]
FAR = [1e2, 1e4, 1e9, 1e60, 1e140]  # where nothing is known of the tails, to 1e9
MANY = 16  # components that have cells of their own
QUICK = 20_000  # points that a log density must be worth for a mode to be looked for with all care
NARROW = 0.03  # the least width of a component, beside the whole, for which one set of cells serves all
SMOOTH = 0.2  # and for which no ridge can hide between their nodes
Height = Callable[[Array], Array]


class Part(NamedTuple):
    """A component with its weight; in the chart's coordinates its centre, its factor, and whether it is a product.

    Products keep Cartesian cells, whose sides run along the coordinates; all others take polar ones. A part is
    stated if its centre and factor are known and were not searched for.
    """

    weight: float
    density: Density
    centre: Array
    factor: Array
    product: bool = False
    stated: bool = True

    def outward(self, u: Array) -> tuple[Array, Array]:
        """x and log |dx/du| for points u of this part's cells."""
        z, slope = _cartesian(u) if self.product else _polar(u)
        x, more = _charts.outward(self.density.support, self.centre + z @ self.factor.T)
        return x, slope + more + math.log(abs(float(np.linalg.det(self.factor))))

    def inward(self, x: Array) -> Array:
        """u for points x inside the support."""
        y = _charts.inward(self.density.support, x)
        z = np.linalg.solve(self.factor, (y - self.centre).T).T
        return np.asarray(np.arcsinh(z)) if self.product else _unpolar(z)

    def turned(self) -> Part:
        """The same part with cells turned by one radian about each axis."""
        d = len(self.centre)
        turn = np.eye(d)
        for i in range(d - 1):
            step = np.eye(d)
            step[i : i + 2, i : i + 2] = [[math.cos(1), -math.sin(1)], [math.sin(1), math.cos(1)]]
            turn = turn @ step
        return self._replace(factor=self.factor @ turn)

    def reach(self) -> float:
        """How far the cells go, in units of the scale."""
        if self.density.facts.family == "multivariate_normal":
            return NEAR[-1]
        if self.density.facts.family == "normal_mixture":  # one that is blurred, each component narrower than the whole
            z = np.linalg.solve(self.factor, (self.density.parameters["loc"] - self.centre).T)
            return float(np.sqrt((z * z).sum(axis=0)).max()) + NEAR[-1]
        if _charts.bounded(self.density.support):
            return max(_charts.FARTHEST / float(np.abs(self.factor).max()), NEAR[-1])
        tails = self.density.facts.tails
        if tails is None:
            return FAR[2]
        return FAR[-1] if min(t.power for t in tails) < math.inf else FAR[1]

    def cells(self, others: list[Part], most: float = math.inf) -> tuple[Array, Array]:
        """The first cells, finer where the other parts are narrow; about `most` of them at the most."""
        d, end = len(self.centre), self.reach()
        edges = np.arcsinh([*(r for r in NEAR + FAR if r < end), end])
        turns = 4
        if not self.stated:  # a ridge may bend: look twice as closely
            edges, turns = np.interp(np.arange(0, len(edges) - 0.5, 0.5), np.arange(len(edges)), edges), 8
        while turns > 1 and len(edges) * turns ** (d - 1) > most:
            turns //= 2
        if not self.stated and len(edges) > most:
            edges = edges[::2]
        if self.product:
            edges = np.arcsinh([*(r for r in SIDES if r < end), end])
            low, high = graded([np.concatenate([-edges[:0:-1], edges])] * d)
        else:
            around, down = np.linspace(-math.pi, math.pi, turns + 1), np.linspace(0, math.pi, max(turns // 2, 1) + 1)
            low, high = graded([edges, around] if d == 2 else [edges, down, around])
        for other in others:
            spots = _charts.outward(other.density.support, other.centre + np.vstack([0 * other.centre, other.factor.T]))
            with np.errstate(all="ignore"):
                u = self.inward(spots[0])
            if np.isfinite(u).all():
                step = np.abs(u[1:] - u[0])
                if not self.product:
                    step[:, -1] = np.minimum(step[:, -1], 2 * math.pi - step[:, -1])
                low, high = focused(low, high, u[0], step.max(axis=0))
        return low, high


def _cartesian(u: Array) -> tuple[Array, Array]:
    return np.sinh(u), np.log(np.cosh(u)).sum(axis=1)


def _polar(u: Array) -> tuple[Array, Array]:
    """z at the radius sinh(u₀), and log |dz/du|."""
    r = np.sinh(u[:, 0])
    with np.errstate(divide="ignore"):
        if u.shape[1] == 2:
            way = np.column_stack([np.cos(u[:, 1]), np.sin(u[:, 1])])
            return r[:, None] * way, np.log(r) + np.log(np.cosh(u[:, 0]))
        ring = np.sin(u[:, 1])
        way = np.column_stack([ring * np.cos(u[:, 2]), ring * np.sin(u[:, 2]), np.cos(u[:, 1])])
        return r[:, None] * way, 2 * np.log(r) + np.log(np.cosh(u[:, 0])) + np.log(ring)


def _unpolar(z: Array) -> Array:
    r = np.sqrt((z * z).sum(axis=1))
    turn = np.arctan2(z[:, 1], z[:, 0])
    if z.shape[1] == 2:
        return np.column_stack([np.arcsinh(r), turn])
    return np.column_stack([np.arcsinh(r), np.arccos(z[:, 2] / np.maximum(r, 1e-300)), turn])


def parts(f: Density, known: bool = False) -> list[Part]:
    """The components of f, or f itself, whitened by its moments, its factors, or a mode that is found.

    With `known` those whose place has to be searched for are left out.
    """
    found: list[Part] = []
    if blurred(f):  # one smooth density rather than many narrow ones
        mean, covariance = f.facts.moments or (0.0, 1.0)
        return [Part(1.0, f, np.asarray(mean), np.linalg.cholesky(covariance), stated=_least_width(f) >= SMOOTH)]
    for weight, part in f.facts.components or ((1.0, f),):
        if part.facts.components:
            found += [p._replace(weight=weight * p.weight) for p in parts(part, known)]
            continue
        frame = _stated(part)
        if frame is not None:
            found.append(Part(weight, part, *frame))
        elif not known:
            found.append(Part(weight, part, *at_mode(part), stated=False))
    return found


def blurred(f: Density) -> bool:
    """Whether f is many normals of one covariance, each wide enough beside the whole to be seen by its cells."""
    return _least_width(f) >= NARROW


def _least_width(f: Density) -> float:
    """Of many normals of one covariance that of one beside the whole, where it is the least; 0 of anything else."""
    if f.facts.family != "normal_mixture" or len(f.facts.components) <= MANY or f.facts.moments is None:
        return 0.0
    covariances = f.parameters["covariance_matrix"]
    if (covariances != covariances[0]).any():
        return 0.0
    whitened = np.linalg.solve(np.linalg.cholesky(f.facts.moments[1]), np.linalg.cholesky(covariances[0]))
    return float(np.linalg.svd(whitened, compute_uv=False)[-1])


def _stated(f: Density) -> tuple[Array, Array, bool] | None:
    """Centre and factor from what f states, and whether f is a product."""
    if f.facts.factors and all(side.facts.quantile is not None for side in f.facts.factors):
        levels = np.array([0.16, 0.5, 0.84])
        x = np.column_stack([side.facts.quantile(levels) for side in f.facts.factors if side.facts.quantile])
        y = _charts.inward(f.support, x)
        return y[1], np.diag(0.5 * (y[2] - y[0])), True
    if _charts.bounded(f.support):
        return None
    if len(f.facts.spreads) == 1 and len(f.support.shape) == 1:  # normals and t
        return np.asarray(f.parameters["loc"]), f.facts.spreads[0].matrix, False
    moments = f.facts.moments
    if moments is not None and np.isfinite(moments[1]).all():
        return np.asarray(moments[0]), np.linalg.cholesky(moments[1]), False
    return None


def at_mode(f: Density) -> tuple[Array, Array]:
    """A mode of f in the chart's coordinates, from the best of a graded scan, and a factor of its spread there."""
    d = _charts.free(f.support)

    def height(y: Array) -> Array:
        x, slope = _charts.outward(f.support, y)
        return checked(f, x, "the density") + slope

    top = 2.5 if _charts.bounded(f.support) else 6.0
    slow = affordable(None, QUICK, _charts.outward(f.support, np.zeros((1, d)))[0], f) < QUICK
    lines = {2: 16 if slow else 28, 3: 6 if slow else 9}
    steps = np.concatenate([[0.0], np.logspace(-3 if d == 2 else -2, top, lines[d])])
    axis = np.unique(np.concatenate([-steps, steps]))
    grid = np.column_stack([a.ravel() for a in np.meshgrid(*([axis] * d), indexing="ij")])
    values = height(grid)
    if not np.isfinite(values).any():
        raise InputError(f"the log density of {f} is −∞ wherever it was looked at; check it and its scale")
    start = grid[int(np.argmax(values))]
    for _ in range(3):
        scale = np.maximum(np.abs(start), 1e-2)

        def loss(z: Array, start: Array = start, scale: Array = scale) -> float:
            value = -float(height((start + scale * z)[None])[0])
            return value if math.isfinite(value) else 1e300

        options = {"xatol": 1e-7, "fatol": 1e-9, "maxfev": 600 * d}
        best = optimize.minimize(loss, np.zeros(d), method="Nelder-Mead", options=options)
        start = start + scale * best.x
        if np.abs(best.x).max() < 1e-3:
            break
    # The widths are measured where the density has fallen by about one half, not by second differences.
    factor = np.diag([_half_width(height, start, i, 100 if slow else 300) for i in range(d)])
    for _ in range(3):
        factor = _rewhitened(height, start, factor, 2 if slow or d == 3 else 4)
    return start, factor


def _half_width(height: Height, centre: Array, axis: int, points: int) -> float:
    reach = np.geomspace(1e-12, 1e12, points)
    top = float(height(centre[None])[0])
    widths = []
    for sign in (1.0, -1.0):
        y = np.repeat(centre[None], len(reach), axis=0)
        y[:, axis] += sign * reach
        below = np.flatnonzero(height(y) < top - 0.5)
        if len(below):
            widths.append(float(reach[below[0]]))
    return max(widths) if widths else 1.0


def _rewhitened(height: Height, centre: Array, factor: Array, fineness: int) -> Array:
    """The factor of the covariance on a coarse grid in the coordinates of the last factor."""
    d = len(centre)
    line, weight = graded_line(fineness, 16.0)
    z = np.column_stack([a.ravel() for a in np.meshgrid(*([line] * d), indexing="ij")])
    dz = np.prod([a.ravel() for a in np.meshgrid(*([weight] * d), indexing="ij")], axis=0)
    y = centre + z @ factor.T
    values = height(y)
    w = np.exp(values - values.max()) * dz
    w /= w.sum()
    offset = y - w @ y
    covariance = (offset * w[:, None]).T @ offset
    try:
        return np.asarray(np.linalg.cholesky(covariance))
    except np.linalg.LinAlgError:
        return factor
