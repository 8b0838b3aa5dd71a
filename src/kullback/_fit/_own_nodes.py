"""One family on the nodes of P, at any alpha: the deterministic objective from several starts.

The nodes are those that the members bring, and double until they no longer matter.
"""

from __future__ import annotations

import itertools
from functools import cached_property, partial
from typing import Any

import numpy as np

from kullback._distribution import Density
from kullback._fit._search import Found, distinct, minimise, search
from kullback._fit._target import Target
from kullback._format import vector
from kullback._objectives import BetweenNearP, BetweenNearQ, BetweenOnLine, Forward, Objective, Reverse
from kullback._result import InputError, Status
from kullback._support import Array
from kullback.families import Family
from kullback.methods import _plane
from kullback.numerics import em

LEVELS = {1: (0, 4), 2: (0, 3)}
ZERO = 1e-12  # nats: Q is P, as far as the nodes can tell
MODES, SETS = 12, 6  # that are begun from, and sets of them for a mixture
TARGET = 1e-10  # nats that a doubling of the nodes may still promise


class OwnNodes:
    """A family whose members bring nodes; `given` is a theta to begin from, and `only` that nothing else is one."""

    def __init__(self, target: Target, family: Family, given: Array | None = None, only: bool = False) -> None:
        self.target, self.family, self.given, self.only = target, family, given, only
        self.last = LEVELS[target.dim][1]
        # in the plane a mixture bends between coarse nodes, and settles where they do not look
        self.first = 1 if target.dim == 2 and not family.whitens else LEVELS[target.dim][0]

    def levels(self, alpha: float) -> list[Objective]:
        """The objective on nodes that double from one to the next."""
        target, family = self.target, self.family
        if alpha == 1 and target.sample is not None:
            return [Forward(family, *target.nodes)] * (self.last + 2)
        return [self._objective(alpha, level) for level in range(self.last + 2)]

    def _objective(self, alpha: float, level: int) -> Objective:
        target, family = self.target, self.family
        if alpha == 0:
            return Reverse(family, target.log_prob, target.dim, level, target.breaks)
        if target.dim == 1:
            return BetweenOnLine(family, target.log_prob, level, target.breaks, alpha)
        if alpha <= 0.5 or not family.smooth:
            return BetweenNearQ(family, target.log_prob, target.dim, level, target.breaks, alpha)
        return BetweenNearP(family, partial(target.plane_nodes, min(level + 1, _plane.LEVELS - 1)), alpha)

    def found(self, alpha: float) -> list[Found]:
        """The distinct optima, the best first."""
        target, family = self.target, self.family
        begin = [] if self.given is None else [("given", self.given)]
        if not (begin and self.only):
            begin += starts(target, family, target.seed)
        levels = self.levels(alpha)
        rough = distinct(search(levels[self.first], begin, ZERO), target.density_nodes[0], family)
        fine = [refined(f, levels, self.first, self.last) for f in rough]
        found = distinct(fine, target.density_nodes[0], family)
        if not found:
            raise InputError(
                f"the divergence is infinite at every start for {family} and P = {target.name}: P's density vanishes, "
                "or is lost to underflow, where Q must have mass"
            )
        return found

    @cached_property
    def _places(self) -> Array:
        """Where members are compared: every part of P has some of them."""
        y = self.target.density_nodes[0]
        return y[:: max(1, len(y) // 400)]

    def heights(self, theta: Array) -> Array:
        """A member's density at places that tell it from others."""
        return np.asarray(np.exp(self.family.log_prob(theta, self._places)[0]))

    def q(self, theta: Array) -> Density:
        """The member in P's coordinates without ends."""
        return self.family.density(theta, self.target.frame)

    def limit(self, theta: Array) -> str:
        return self.family.limit(theta)


def refined(found: Found, objectives: list[Objective], level: int, last: int) -> Found:
    """The optimum on ever finer nodes, until the next doubling promises less than TARGET."""
    while level < last and abs(found.value) > ZERO:
        finer = objectives[level + 1]
        value, gradient = finer(found.theta)
        same = abs(value - found.value) < TARGET * max(1.0, abs(value))
        if same and np.abs(gradient).max() < 1e-7:
            return found
        step = np.linalg.lstsq(finer.hessian(found.theta), gradient, rcond=1e-10)[0]
        if same and abs(float(gradient @ step)) < TARGET**2:
            return found
        found = minimise(finer, found.theta, found.start, ZERO)
        level += 1
    if abs(found.value) <= ZERO and found.gradient < 1e-5:  # nothing is left to gain, whatever the curvature
        return found._replace(status=Status.STATIONARY)
    return found


def starts(target: Target, family: Any, seed: int) -> list[tuple[str, Array]]:
    """P's moments, its components, each mode with its curvature, and for mixtures what EM finds."""
    frame = target.frame
    inner = target.moments
    out: list[tuple[str, Array]] = []
    own = family.encode(target.density, frame)
    if own is not None and not (target.density.facts.components and family.normals in (0, 1)):
        out.append(("P itself", own))
    if inner is not None:
        mean, covariance = inner
        scaled = covariance / np.outer(frame.scale, frame.scale)
        out.append(("moments", family.from_moments((mean - frame.centre) / frame.scale, scaled)))
    else:
        out.append(("quartiles", family.from_moments(np.zeros(target.dim), np.eye(target.dim))))
    if family.normals > 1:
        return out + _mixture_starts(target, family, seed)
    for mode, centre, width, _ in _peaks(target):
        if len(out) <= 12:
            out.append((f"mode at {vector(mode)}", family.from_moments(centre, width)))
    for weight, part in target.density.facts.components:
        theta = family.encode(part, frame)
        if theta is not None and weight >= 0.01 and len(out) < 16:
            out.append((f"component {part}", theta))
    return out


def _peaks(target: Target) -> list[tuple[Array, Array, Array, float]]:
    """P's modes that count and are smooth: where, the same in the frame, the width of their curvature, their mass."""
    found: list[tuple[Array, Array, Array, float]] = []
    for mode, mass in zip(target.basins.modes, target.basins.masses, strict=True):
        centre = (mode - target.frame.centre) / target.frame.scale
        width = _curvature(target, centre) if mass >= 0.01 and len(found) < MODES else None
        if width is not None:
            found.append((mode, centre, width, float(mass)))
    return found


def _mixture_starts(target: Target, family: Any, seed: int) -> list[tuple[str, Array]]:
    """What EM finds and begins from, and P's own modes, as many at a time as there are components."""
    y, w = target.density_nodes
    rng = np.random.default_rng([seed, 3])
    count = 4
    begin = em.spread_starts(y, w, family.normals, rng, count)
    floor = 1e-8 * np.eye(target.dim)
    found = em.climb(y, np.repeat(w[None], count, axis=0), begin, floor=floor, tolerance=1e-5, max_steps=60)
    out = []
    for r in range(count):
        for kind, m in (("EM", found.mixtures.pick(r)), ("cluster", begin.pick(r))):
            out.append((f"{kind} {r + 1}", family.from_components(m.weights, m.means, m.covariances)))
    several = itertools.combinations(_peaks(target), family.normals)
    for chosen in sorted(several, key=lambda peaks: -sum(mass for *_, mass in peaks))[:SETS]:
        _, centres, widths, masses = zip(*chosen, strict=True)
        shares = np.array(masses) / sum(masses)
        name = "modes at " + ", ".join(vector(mode) for mode, *_ in chosen)
        out.append((name, family.from_components(shares, np.array(centres), np.array(widths))))
    return out


def _curvature(target: Target, centre: Array) -> Array | None:
    """The inverse of −∂² log p at a mode, by differences; None where it is no smooth maximum."""
    dim, h = target.dim, 1e-3
    steps = h * np.eye(dim)
    rows = np.empty((dim, dim))

    def log_p(y: Array) -> float:
        return float(target.log_prob(y[None])[0])

    for i in range(dim):
        for j in range(dim):
            a, b = steps[i], steps[j]
            corner = log_p(centre + a + b) - log_p(centre + a - b) - log_p(centre - a + b) + log_p(centre - a - b)
            rows[i, j] = -corner / (4 * h * h)
    if not np.isfinite(rows).all():
        return None
    values = np.linalg.eigvalsh(rows)
    if values[0] <= 1e-6 or values[-1] > 1e8:
        return None
    return np.asarray(np.linalg.inv(rows))
