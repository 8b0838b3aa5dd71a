"""Independent coordinates: where log p̃ is a sum over them, each is measured on the line and nothing is drawn.

The sum is held against log p̃ at tempered particles, between them, and far out. Where it holds, the integral is a
product, and a target of 2¹⁶ modes is 16 targets of two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kullback._distribution import Density
from kullback._fit._target import Target, density_moments, prepare
from kullback._fit.space._climb import Peak
from kullback._fit.space._cloud import Cloud
from kullback._fit.space._explore import tempered
from kullback._fit.space._oracle import Oracle
from kullback._result import Coverage, Mode
from kullback._support import Array
from kullback.methods import _line
from kullback.numerics.qmc import Sobol

PARTICLES = 64
SAME = 1e-11  # of the terms of the sum
DRAWS, BLOCKS = 1 << 13, 16
SHOWN = 8


@dataclass(eq=False)
class Factors:
    """The coordinates of P as targets on the line."""

    targets: list[Target]
    log_z: float
    slack: float

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
        u = np.concatenate([Sobol(oracle.dim, [*seed, 70, r]).next(DRAWS // BLOCKS) for r in range(BLOCKS)])
        x = np.column_stack([_quantile(t.density, u[:, i]) for i, t in enumerate(self.targets)])
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
            height = sum(float(t.density._log_prob(x[i : i + 1])[0]) for i, t in enumerate(self.targets))
            found.append(Mode(x, float(mass), bool(q._log_prob(x[None])[0] - height >= np.log(0.01))))
        return Coverage(seen.missed, seen.wasted, tuple(found), seen.error)


def factors(oracle: Oracle, peak: Peak, seed: int, say: Callable[[str], None]) -> Factors | None:
    """P's coordinates as targets on the line, or None where two of them hang together."""
    if not _independent(oracle, peak, seed):
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
    return Factors(targets, log_z, slack)


def _side(oracle: Oracle, peak: Peak, i: int, top: float) -> Density:
    def log_prob(t: Array) -> Array:
        x = np.repeat(peak.x[None], len(t), axis=0)
        x[:, i] = t
        return oracle.values(x) - top

    return Density(log_prob, vectorized=True, normalized=False, name=f"coordinate {i}")


def _independent(oracle: Oracle, peak: Peak, seed: int) -> bool:
    """log p̃(x) − top = Σ [log p̃(the mode with xᵢ) − top] at particles, between them, and far from them."""
    d = oracle.dim
    x, _ = tempered(oracle, peak, PARTICLES, [seed, 71])
    rng = np.random.default_rng([seed, 72])
    pairs = x[rng.integers(PARTICLES, size=(PARTICLES, 2))]
    between = pairs[:, 0] + rng.random((PARTICLES, 1)) * (pairs[:, 1] - pairs[:, 0])
    swapped = np.where(rng.random((PARTICLES, d)) < 0.5, pairs[:, 0], pairs[:, 1])
    reach = np.repeat([1.0, 3.0, 10.0, 30.0], PARTICLES)[:, None]
    far = peak.x + reach * rng.standard_normal((len(reach), d)) * np.sqrt((peak.tril**2).sum(axis=1))
    points = np.concatenate([x, between, swapped, far])
    top = float(oracle.values(peak.x[None])[0])
    for start in range(0, len(points), PARTICLES):  # most targets fail at the first
        part = points[start : start + PARTICLES]
        single = np.repeat(np.repeat(peak.x[None, None], d, axis=1), len(part), axis=0)
        single[:, np.arange(d), np.arange(d)] = part
        terms = oracle.values(single.reshape(-1, d)).reshape(len(part), d) - top
        here = oracle.values(part) - top
        if not (np.isfinite(here).all() and np.isfinite(terms).all()):
            return False
        size = np.abs(terms).sum(axis=1) + abs(top) + 1
        if not (np.abs(here - terms.sum(axis=1)) <= SAME * size).all():
            return False
    return True


def _quantile(f: Density, u: Array) -> Array:
    x, w = _line.nodes(f, rtol=1e-8)
    order = np.argsort(x)
    x, w = x[order], w[order]
    total = np.cumsum(w) - 0.5 * w
    return np.interp(u, total / w.sum(), x)
