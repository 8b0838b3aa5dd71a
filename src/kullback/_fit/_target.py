"""P made ready for a fit: a density, a frame in which it is of order one, nodes, and its modes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kullback._distribution import Density, Discrete, Measured, Sample
from kullback._estimate import Estimate, check_spread, estimate, points_and_weights
from kullback._fit._modes import Basins, basins
from kullback._result import InputError, KindError
from kullback._support import Array, Lattice, reals
from kullback.families import Frame
from kullback.methods import _line, _plane, _space


@dataclass(eq=False)
class Target:
    """P as the fits see it; `sample` and `estimated` are set where P came as draws."""

    density: Density
    frame: Frame
    sample: Sample | None = None
    estimated: Estimate | None = None
    name: str = "P"
    slack: float = 0.0  # the error of the log of P's integral, where that had to be found
    log_z: float = 0.0  # that logarithm
    stated: tuple[Array, Array] | None = None  # mean and covariance, where they are known better than from draws

    @property
    def dim(self) -> int:
        return self.density.dim

    @property
    def notes(self) -> tuple[str, ...]:
        notes = self.sample.notes if self.sample is not None else ()
        return notes + ((self.estimated.note,) if self.estimated is not None else ())

    @cached_property
    def nodes(self) -> tuple[Array, Array]:
        """Points y (n, d) in the frame and weights that sum to one: draws, or quadrature nodes of the density."""
        if self.sample is not None:
            x, w = points_and_weights(self.sample)
            return self.frame.inward(x), w
        return self.density_nodes

    @cached_property
    def density_nodes(self) -> tuple[Array, Array]:
        x, w = _line.nodes(self.density) if self.dim == 1 else _plane.nodes(self.density, 2)
        return self.frame.inward(x), w / w.sum()

    @cached_property
    def _planes(self) -> dict[int, tuple[Array, Array, Array]]:
        return {}

    def plane_nodes(self, level: int) -> tuple[Array, Array, Array]:
        """In the plane: the density's nodes of a level in the frame, weights that sum to one, and log p there."""
        if level not in self._planes:
            x, w = _plane.nodes(self.density, level)
            y = self.frame.inward(x)
            self._planes[level] = y, w / w.sum(), self.log_prob(y)
        return self._planes[level]

    @cached_property
    def breaks(self) -> Array:
        """P's landmarks in the frame; none in the plane."""
        if self.dim > 1:
            return np.zeros(0)
        return self.frame.inward(_line.landmarks(self.density))[:, 0]

    @cached_property
    def basins(self) -> Basins:
        return basins(self.density)

    def log_prob(self, y: Array) -> Array:
        """log p of the points x = centre + scale·y, as a density in y."""
        return _line.checked(self.density, self.frame.outward(y), "P") + float(np.log(self.frame.scale).sum())

    @cached_property
    def moments(self) -> tuple[Array, Array] | None:
        """Mean and covariance in x, or None where P has none."""
        if self.stated is not None:
            return self.stated
        if self.sample is not None:
            x, w = points_and_weights(self.sample)
            mean = w @ x
            return mean, ((x - mean) * w[:, None]).T @ (x - mean)
        return density_moments(self.density)


def prepare(p: Measured, seed: int) -> Target:
    """P through its own preparations: draws get a density, a density a frame."""
    if isinstance(p, Sample):
        check_spread(p)
        if p.dim > 2:
            raise InputError(
                f"p has {p.dim} columns; fits with both divergences serve one and two dimensions so far. "
                "Choose two of them with columns="
            )
        found = estimate(p, seed=seed)
        x, w = points_and_weights(p)
        mean = w @ x
        scale = np.sqrt(w @ (x - mean) ** 2)
        return Target(found.density, Frame(mean, scale), p, found, str(p))
    if not isinstance(p, Density):
        raise KindError(f"p is {p}; a density family needs a density or draws")
    if p.dim > 2:
        raise InputError(f"p has {p.dim} dimensions; fits serve one and two so far")
    if p.dim == 2 and p.support != reals(2):
        raise InputError(
            f"P = {p} lives on {p.support}, and this family on the whole plane. Carry it to P's support: "
            "carried('normal')"
        )
    whole, slack = _line.normalise(p) if p.dim == 1 else _space.normalise(p)
    frame = _frame(whole)
    return Target(whole, frame, name=str(p), slack=slack, log_z=_log_integral(p, whole, frame))


def _log_integral(p: Density, whole: Density, frame: Frame) -> float:
    """What was taken off log p to make it a density, read off where P has its mass."""
    if p.normalized:
        return 0.0
    steps = np.linspace(-2, 2, 9)[:, None] * np.ones(frame.dim)
    x = frame.outward(steps)
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


def _frame(f: Density) -> Frame:
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


def is_counting(p: Measured) -> bool:
    return isinstance(p, Discrete) or (isinstance(p, Density) and isinstance(p.support, Lattice))
