"""min KL(Q‖P) over normals from values of log p̃ alone, where slopes would cost two evaluations a coordinate each.

At the optimum E_q[∇ log p̃] = 0 and E_q[∇∇ log p̃] = −C⁻¹. By Stein's identity both are coefficients of the quadratic
that is nearest to log p̃ under Q, which least squares finds from the values at Q's draws (for a normal P from any that
are enough). Each such quadratic gives the next Q; draws stay the same until that ends, and grow while they leave the
optimum less well known than asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kullback._fit.space._climb import factor
from kullback._fit.space._optimum import Interrupted, Optimum
from kullback._fit.space._oracle import Oracle
from kullback._result import Status
from kullback._support import Array
from kullback._vocabulary._tails import HALF_LOG_2PI
from kullback.families import Base, Family
from kullback.numerics.draws import normal_blocks

DIMENSIONS = range(3, 61)  # below, a Gauss-Hermite product is cheap; above, the quadratic has too many terms
BLOCKS, FIRST, MOST = 8, 512, 1 << 14  # draws at first at least, and at most
EACH = 3  # draws a coefficient
ROUNDS = 30
LEAST = 0.05  # of a direction's curvature now: what a step leaves of it at least
FARTHEST = 1.0  # Q's spreads that a step may move the mean
DONE = 0.02  # of what draws can tell: how close to the fixed point of these draws


class _Quadratic(NamedTuple):
    """Under a standard normal: the mean value, E∇, E∇∇, and the largest standard error of a mean or log sd."""

    mean: float
    slope: Array
    bend: Array
    error: float


def serves(oracle: Oracle, family: Family, dim: int) -> bool:
    return family.exact == "moments" and not oracle.exact and dim in DIMENSIONS


def minimise_by_values(
    oracle: Oracle, family: Family, base: Base, name: str, seed: int, say: Callable[[str], None], target: float
) -> Optimum | None:
    """The optimum near `base`; None where the quadratic does not lead to one, so that slopes are needed."""
    dim = len(base.centre)
    n = max(FIRST, BLOCKS * int(2 ** np.ceil(np.log2(EACH * (1 + dim * (dim + 3) // 2) / BLOCKS))))
    best: Optimum | None = None
    for round_ in range(8):
        e = normal_blocks(dim, n // BLOCKS, BLOCKS, [seed, 24, round_]).reshape(-1, dim)
        try:
            found = _settled(oracle, family, base, e)
        except KeyboardInterrupt:
            raise Interrupted(best) from None
        if found is None:
            return None
        base, seen, left = found
        volume = float(np.log(np.abs(np.diag(base.base))).sum())
        value = -seen.mean - volume - dim * (0.5 + HALF_LOG_2PI)
        theta = family.unit(dim)
        density = family.transport().density(theta, base)
        best = Optimum(theta, base, value, left, seen.error, n, Status.STATIONARY, name, density)
        say(f"reverse: {n} draws, the optimum is known to {seen.error:.2g} of Q's spread")
        if seen.error <= target or n >= MOST:
            break
        n = int(min(MOST, n * 2 ** np.ceil(np.log2(min((seen.error / target) ** 2, 16)))))
    return best


def _settled(oracle: Oracle, family: Family, base: Base, e: Array) -> tuple[Base, _Quadratic, float] | None:
    """The fixed point on these draws: the base, the quadratic there, and what is left of the conditions."""
    nearest = _Nearest(e)
    for _ in range(ROUNDS):
        values = oracle.values(base.outward(e))
        if not np.isfinite(values).all():
            return None
        seen = nearest(values)
        bend = seen.bend if family.full else np.diag(np.diag(seen.bend))
        left = max(float(np.abs(seen.slope).max()), float(np.abs(bend + np.eye(len(bend))).max()))
        if left <= max(DONE * seen.error, 10 * oracle.noise):
            return base, seen, left
        size, vectors = np.linalg.eigh(-seen.bend)
        step = vectors @ ((vectors.T @ seen.slope) / np.maximum(size, LEAST * np.maximum(size.max(), 1.0)))
        step *= min(1.0, FARTHEST / max(float(np.linalg.norm(step)), 1e-300))
        if family.full:
            held = np.maximum(size, LEAST)
            tril = base.base @ factor((vectors / held) @ vectors.T)
        else:
            tril = base.base / np.sqrt(np.maximum(-np.diag(bend), LEAST))
        base = Base(base.outward(step[None])[0], tril)
    return None


class _Nearest:
    """Least squares over all quadratics at draws that stay."""

    def __init__(self, e: Array) -> None:
        self.n, self.d = e.shape
        self.upper = np.triu_indices(self.d, 1)
        mixed = e[:, self.upper[0]] * e[:, self.upper[1]]
        self.terms = np.concatenate([np.ones((self.n, 1)), e, e * e - 1, mixed], axis=1)
        self.solver = np.linalg.solve(self.terms.T @ self.terms, self.terms.T)

    def __call__(self, values: Array) -> _Quadratic:
        n, d, upper = self.n, self.d, self.upper
        centre = float(values.mean())
        found = self.solver @ (values - centre)
        rest = values - centre - self.terms @ found
        spread = self.solver[1 : 2 * d + 1] * rest  # what each draw moves a slope, or half a bend, by
        error = float(np.sqrt((spread**2).sum(axis=1)).max()) * np.sqrt(n / (n - len(found)))
        bend = np.diag(2 * found[d + 1 : 2 * d + 1])
        bend[upper] = found[2 * d + 1 :]
        bend.T[upper] = found[2 * d + 1 :]
        return _Quadratic(centre + float(found[0]), found[1 : d + 1], bend, error)
