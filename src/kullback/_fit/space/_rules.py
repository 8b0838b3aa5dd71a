"""What the reverse objective is averaged over: blocks of draws, or in up to four dimensions a Gauss-Hermite product.

Either can say how far its own optimum is off, and which finer one comes next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from kullback._fit.space._objective import Objective, objective
from kullback._fit.space._oracle import Oracle
from kullback._support import Array
from kullback.families import Base, Family
from kullback.numerics.draws import normal_blocks
from kullback.numerics.lazy import special

BLOCKS, DEAR_BLOCKS = 8, 4
FIRST, MOST, FEWER = 64, 1 << 16, 1 << 14  # draws a block at first, and at most in all: of a normal, of others
PATIENCE, SEARCHED = 30.0, 8  # seconds that a search on as many draws may take, and how often it asks for all
ORDERS = (6, 10, 16, 24, 36)  # of the Gauss-Hermite rules
LIGHT = 1e-15  # nodes with less weight than this are left out
LEVELS = 512  # a quantile a draw would cost more than log p̃
FINE = 1e-5  # what a Gauss-Hermite rule aims at: it converges faster than any power where log p̃ is smooth


def first_rule(family: Family, dim: int, seed: int, cost: float = 0.0) -> Draws | Product:
    """With a `cost`, in seconds a draw, the fewest with exact second moments: an all but normal P needs no more."""
    smooth = family.exact == "moments"  # a normal, whose objective has the target's own smoothness
    if smooth and dim <= 4:
        return Product(dim, 0, seed)
    extra = family.transport().extra
    most = MOST if smooth else FEWER
    if cost:
        most = int(min(most, PATIENCE / (SEARCHED * cost)))
    if cost and smooth:
        return Draws(dim, 2 * (dim + 1), seed, 0, most, False, DEAR_BLOCKS)
    return Draws(dim + extra, _first_size(dim), seed, 0, most, bool(extra))


def _first_size(dim: int) -> int:
    """The draws of a block: four times the dimension at least, a power of two."""
    return max(FIRST, 1 << int(np.ceil(np.log2(4 * (dim + 1)))))


@dataclass(frozen=True)
class Draws:
    """Blocks of scrambled Sobol points, antithetic and whitened: what they differ by is the error."""

    dim: int
    block: int
    seed: int
    round: int
    most: int = MOST
    levels: bool = False  # the last coordinate is a radius, which takes one of LEVELS values
    blocks: int = BLOCKS

    @property
    def size(self) -> int:
        return self.blocks * self.block

    @cached_property
    def points(self) -> Array:
        e = normal_blocks(self.dim, self.block, self.blocks, [self.seed, 20, self.round])
        return _levelled(e) if self.levels else e

    def whole(self, oracle: Oracle, family: Any, base: Base) -> Objective:
        return objective(oracle, family, base, self.points.reshape(-1, self.dim))

    def shifts(self, oracle: Oracle, family: Any, base: Base, theta: Array, inverse: Any) -> tuple[Array, Array]:
        """How far each block's own optimum lies, by Newton's step with a unit curvature and with the one seen."""
        slopes = np.array([objective(oracle, family, base, block)(theta)[1] for block in self.points])
        slopes -= slopes.mean(axis=0)
        return slopes, np.array([inverse.matvec(s) for s in slopes])

    def finer(self, error: float, target: float) -> Draws | None:
        """More of them, freshly scrambled (nested Sobol points may stall without being right), as the error asks."""
        if error <= target or 2 * self.size > self.most:
            return None
        if self.blocks < BLOCKS:  # from the fewest to as many as others begin with
            other = Draws(self.dim, _first_size(self.dim), self.seed, self.round + 1, self.most)
            return other if other.size <= self.most else None
        factor = min(2 ** int(np.ceil(np.log2((error / target) ** 2 / 2))) if error > 2 * target else 2, 16)
        return replace(self, block=min(factor * self.block, self.most // BLOCKS), round=self.round + 1)


@dataclass(frozen=True)
class Product:
    """A product of Gauss-Hermite rules: what the next finer one would move is the error."""

    dim: int
    level: int
    seed: int

    @property
    def size(self) -> int:
        return len(_product(self.dim, ORDERS[self.level])[1])

    def whole(self, oracle: Oracle, family: Any, base: Base) -> Objective:
        return objective(oracle, family, base, *_product(self.dim, ORDERS[self.level]))

    def shifts(self, oracle: Oracle, family: Any, base: Base, theta: Array, inverse: Any) -> tuple[Array, Array]:
        slope = objective(oracle, family, base, *_product(self.dim, ORDERS[self.level + 1]))(theta)[1]
        return slope[None], inverse.matvec(slope)[None]

    def finer(self, error: float, target: float) -> Product | Draws | None:
        if error <= FINE:
            return None
        last = {1: 3, 2: 3, 3: 3, 4: 2}[self.dim]
        if self.level + 1 < last or (self.level + 1 == last and error > target):
            return Product(self.dim, self.level + 1, self.seed)
        return None if error <= target else Draws(self.dim, MOST // BLOCKS // 4, self.seed, 0)


def _levelled(e: Array) -> Array:
    """The last coordinate by its rank in each block, as the middle of one of LEVELS equal shares."""
    n = e.shape[1]
    levels = min(LEVELS, n)
    ranks = np.argsort(np.argsort(e[..., -1], axis=1), axis=1)
    e[..., -1] = special.ndtri((ranks * levels // n + 0.5) / levels)
    return e


@lru_cache(maxsize=32)
def _product(dim: int, order: int) -> tuple[Array, Array]:
    x, w = np.polynomial.hermite_e.hermegauss(order)
    w = w / w.sum()
    grid = np.stack(np.meshgrid(*([x] * dim), indexing="ij"), axis=-1).reshape(-1, dim)
    weights = np.prod(np.stack(np.meshgrid(*([w] * dim), indexing="ij"), axis=-1).reshape(-1, dim), axis=1)
    keep = weights > LIGHT
    return grid[keep], weights[keep] / weights[keep].sum()
