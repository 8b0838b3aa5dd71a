"""Independent coordinates: where log p̃ is a sum over them, each is measured on the line and nothing is drawn.

The sum is held against log p̃ at tempered particles, between them, far out, along diagonals, around every mode that is
known, and at draws of the product itself. Where it holds, the integral is a product, and a target of 2¹⁶ modes is 16
targets of two. That it holds everywhere is not proven: a part of P that none of the looks met is in none of the
numbers, and no error is stated that is smaller than what so many draws can tell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kullback._distribution import Density
from kullback._fit._frame import density_moments
from kullback._fit._target import Target, prepare
from kullback._fit.space._climb import Peak
from kullback._fit.space._cloud import Cloud
from kullback._fit.space._explore import fewest, tempered
from kullback._fit.space._looks import lines, looks
from kullback._fit.space._oracle import Oracle
from kullback._result import Coverage, Mode
from kullback._support import Array
from kullback.methods import _line
from kullback.numerics.qmc import Sobol

PARTICLES = 64
AROUND = 16  # looks around each known mode
SAME = 1e-11  # of the terms of the sum
HELD = 1e-8  # of log p̃ at draws, where coordinates that look alike share one target
DRAWS, BLOCKS = 1 << 13, 16
EACH = 256  # draws of a mode's basin
SHOWN = 8


@dataclass(eq=False)
class Factors:
    """The coordinates of P as targets on the line."""

    targets: list[Target]
    log_z: float
    slack: float
    looks: int  # draws of the product, and other places, at which the sum was held against log p̃

    @property
    def unseen(self) -> float:
        """The share of P that so many draws of the product may well have missed."""
        return 1 / DRAWS

    @property
    def modes(self) -> int:
        return int(np.prod([float(len(t.basins.modes)) for t in self.targets]))

    def moments(self) -> tuple[Array, Array] | None:
        found = [density_moments(t.density) for t in self.targets]
        known = [m for m in found if m is not None]
        if len(known) < len(found):
            return None
        return np.array([float(m[0][0]) for m in known]), np.diag([float(m[1][0, 0]) for m in known])

    def cloud(self, oracle: Oracle, seed: list[int]) -> Cloud:
        """Draws of P itself, each coordinate by its own distribution function."""
        x = _draws(self.targets, seed)
        log_b = np.full(len(x), self.log_z - np.log(len(x)))
        block = np.repeat(np.arange(BLOCKS), DRAWS // BLOCKS)
        return Cloud(x, log_b, block, oracle.values(x), None, None, 0.0, "independent coordinates")

    def coverage(self, q: Density, seen: Coverage) -> Coverage:
        """The heaviest modes of the product; all of them where they are few."""
        places = [np.zeros(0)]
        masses = np.ones(1)
        for t in self.targets:
            places = [np.append(x, m) for x in places for m in t.basins.modes[:, 0]]
            masses = np.outer(masses, t.basins.masses).ravel()
            keep = np.argsort(-masses, kind="stable")[: 4 * SHOWN]
            places, masses = [places[i] for i in keep], masses[keep]
        found = []
        for x, mass in list(zip(places, masses, strict=True))[:SHOWN]:
            owners = [int(np.argmin(np.abs(t.basins.modes[:, 0] - m))) for t, m in zip(self.targets, x, strict=True)]
            found.append(Mode(x, float(mass), self._missed(q, owners)))
        return Coverage(seen.missed, seen.wasted, tuple(found), seen.error)

    def _missed(self, q: Density, owners: list[int]) -> float:
        """The share of a basin's draws where q < 0.01·p; a basin of the product is one of each coordinate's."""
        levels = Sobol(len(owners), [71]).next(EACH)
        sides = []
        for i, (t, k) in enumerate(zip(self.targets, owners, strict=True)):
            before = float(t.basins.masses[:k].sum()) / float(t.basins.masses.sum())
            share = float(t.basins.masses[k] / t.basins.masses.sum())
            sides.append(_quantile(t.density, before + share * levels[:, i]))
        x = np.column_stack(sides)
        log_p = sum(t.density._log_prob(x[:, i]) for i, t in enumerate(self.targets))
        return float((q._log_prob(x) - log_p < np.log(0.01)).mean())


def factors(oracle: Oracle, peaks: list[Peak], seed: int, say: Callable[[str], None]) -> Factors | None:
    """P's coordinates as targets on the line, or None where two of them hang together; `peaks` are known modes."""
    peak = peaks[0]
    looks = _independent(oracle, peaks, seed)
    if not looks:
        return None
    say("independent coordinates: each is measured on the line")
    targets: list[Target] = []
    seen: dict[bytes, int] = {}
    probe = np.concatenate([-np.geomspace(10, 0.1, 12), np.geomspace(0.1, 10, 12)])
    top = float(oracle.values(peak.x[None])[0])
    log_z, slack = top, 0.0
    for i in range(oracle.dim):
        side = _side(oracle, peak, i, top)
        key = np.round(side._log_prob(peak.x[i] + probe), 9).tobytes() + np.round(peak.x[i], 9).tobytes()
        if key not in seen:
            seen[key] = i
            targets.append(prepare(side, seed))
        else:
            targets.append(targets[seen[key]])
        whole = targets[-1].density
        log_z -= float(whole._log_prob(peak.x[i : i + 1])[0])
        slack += targets[-1].slack
    x = _draws(targets, [seed, 73])
    whole = log_z + sum(t.density._log_prob(x[:, i]) for i, t in enumerate(targets))
    apart = np.abs(oracle.values(x) - whole)
    if not (apart <= slack + HELD * (np.abs(whole) + 1)).all():
        return None
    return Factors(targets, log_z, slack, looks + len(x))


def _draws(targets: list[Target], seed: list[int]) -> Array:
    """Draws of the product, each coordinate by its own distribution function."""
    u = np.concatenate([Sobol(len(targets), [*seed, 70, r]).next(DRAWS // BLOCKS) for r in range(BLOCKS)])
    return np.column_stack([_quantile(t.density, u[:, i]) for i, t in enumerate(targets)])


def _side(oracle: Oracle, peak: Peak, i: int, top: float) -> Density:
    def log_prob(t: Array) -> Array:
        x = np.repeat(peak.x[None], len(t), axis=0)
        x[:, i] = t
        return oracle.values(x) - top

    return Density(log_prob, vectorized=True, normalized=False, name=f"coordinate {i}")


def _independent(oracle: Oracle, peaks: list[Peak], seed: int) -> int:
    """At how many places log p̃(x) − top = Σ [log p̃(the mode with xᵢ) − top] held; 0 if it failed at one."""
    d, peak = oracle.dim, peaks[0]
    rng = np.random.default_rng([seed, 72])
    top = float(oracle.values(peak.x[None])[0])
    x, _ = tempered(oracle, peak, PARTICLES, [seed, 71])
    pairs = x[rng.integers(PARTICLES, size=(PARTICLES, 2))]
    between = pairs[:, 0] + rng.random((PARTICLES, 1)) * (pairs[:, 1] - pairs[:, 0])
    swapped = np.where(rng.random((PARTICLES, d)) < 0.5, pairs[:, 0], pairs[:, 1])
    reach = np.repeat([1.0, 3.0, 10.0, 30.0], PARTICLES)[:, None]
    far = peak.x + reach * rng.standard_normal((len(reach), d)) * np.sqrt((peak.tril**2).sum(axis=1))
    around = [p.x + rng.standard_normal((AROUND, d)) @ p.tril.T for p in peaks]
    points = np.concatenate([*around, x, between, swapped, far])
    for start in range(0, len(points), PARTICLES):  # most targets fail at the first
        if not _holds(oracle, peak.x, top, points[start : start + PARTICLES]):
            return 0
    more, _ = tempered(oracle, peak, max(fewest(oracle) - PARTICLES, PARTICLES), [seed, 74])
    along = lines(oracle, peak, seed).reshape(-1, d)
    for part in (more, along[oracle.values(along) > -np.inf], looks(oracle, peak, seed)):
        if not _holds(oracle, peak.x, top, part):
            return 0
    return len(points) + len(more) + len(along)


def _holds(oracle: Oracle, centre: Array, top: float, points: Array) -> bool:
    """Whether the sum of single coordinates' changes is the whole change at every point."""
    total, size = np.zeros(len(points)), np.full(len(points), abs(top) + 1)
    for i in range(oracle.dim):
        steps, place = np.unique(points[:, i], return_inverse=True)
        single = np.repeat(centre[None], len(steps), axis=0)
        single[:, i] = steps
        change = (oracle.values(single) - top)[place]
        total += change
        size += np.abs(change)
    here = oracle.values(points) - top
    if not (np.isfinite(here).all() and np.isfinite(total).all()):
        return False
    return bool((np.abs(here - total) <= SAME * size).all())


def _quantile(f: Density, u: Array) -> Array:
    x, w = _line.nodes(f, rtol=1e-8)
    order = np.argsort(x)
    x, w = x[order], w[order]
    total = np.cumsum(w) - 0.5 * w
    return np.interp(u, total / w.sum(), x)
