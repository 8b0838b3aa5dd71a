"""P on the line or in the plane, as fits see it: a density, a frame in which it is of order one, nodes, its modes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from kullback._distribution import Density, Measured, Sample
from kullback._estimate import Estimate, check_spread, estimate, points_and_weights
from kullback._fit._coverage import coverage
from kullback._fit._frame import density_moments, frame_of, log_integral, near
from kullback._fit._importance import importance
from kullback._fit._modes import Basins, basins
from kullback._fit._place import Place
from kullback._fit._sampling import OWN, same_normal
from kullback._fit._view import Look
from kullback._measure import measure
from kullback._result import Coverage, Divergence, Importance, InputError, KindError, Later
from kullback._support import Array, reals
from kullback.families import Frame
from kullback.methods import _line, _plane, _space
from kullback.methods.alpha import alpha_divergence


@dataclass(eq=False)
class Target:
    """P as the fits see it; `sample` and `estimated` are set where P came as draws, `place` where P has ends."""

    density: Density
    frame: Frame
    seed: int = 0
    sample: Sample | None = None
    estimated: Estimate | None = None
    name: str = "P"
    slack: float = 0.0  # the error of the log of P's integral, where that had to be found
    log_z: float = 0.0  # that logarithm
    stated: tuple[Array, Array] | None = None  # mean and covariance, where they are known better than from draws
    place: Place | None = None

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

    @cached_property
    def here(self) -> Density:
        """P where it lives."""
        if self.place is None:
            return self.density
        return self.place.density or self.place.onto(self.density)

    @property
    def shown(self) -> Target:
        if self.place is None:
            return self
        assert self.sample is None or isinstance(self.place.p, Sample)
        return replace(self, density=self.here, sample=None if self.sample is None else self.place.p)  # type: ignore[arg-type]

    def free(self, q: Density) -> Density:
        return q if self.place is None else self.place.free(q)

    def left(self, q: Density, direction: str | float) -> Divergence:
        """The divergence that the direction minimises, measured afresh."""
        if not isinstance(direction, str):
            return alpha_divergence(self.here, q, direction)
        return measure(self.here, q) if direction == "forward" else measure(q, self.here)

    def look(self, q: Density, direction: str | float, left: Divergence | None) -> Look:
        forward = left if left is not None and direction == "forward" else measure(self.here, q)
        reverse = left if left is not None and direction == "reverse" else measure(q, self.here)
        if self.slack:
            forward = replace(forward, error=forward.error + self.slack)
            reverse = replace(reverse, error=reverse.error + self.slack)
        weights: Later[Importance | None] = Later(lambda: importance(self, self.free(q)))
        return Look(forward, reverse, Later(partial(self._covered, q)), weights, self.notes + self._own_note(q))

    def _covered(self, q: Density) -> Coverage:
        """What q misses and wastes; in the plane and for carried families the modes are those without ends."""
        place = self.place
        if place is not None and self.dim == 1 and not place.carried:
            return coverage(self.here, q, basins(self.here), None)
        found = coverage(self.density, self.free(q), self.basins, self.sample)
        if place is None:
            return found
        places = place.outward(np.array([mode.location for mode in found.modes]))
        modes = tuple(replace(mode, location=x) for mode, x in zip(found.modes, places, strict=True))
        return replace(found, modes=modes)

    def _own_note(self, q: Density) -> tuple[str, ...]:
        if self.sample is None or self.estimated is None or not same_normal(self.estimated, self.free(q)):
            return ()
        return (OWN.format(n=self.sample.n),)

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
        return Target(found.density, Frame(mean, scale), seed, p, found, str(p))
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
    frame = frame_of(whole)
    return Target(whole, frame, seed, name=str(p), slack=slack, log_z=log_integral(p, whole, near(frame)))
