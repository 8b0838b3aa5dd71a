"""Covariances by their lower triangular factors, and two of them compared, with what their condition costs.

With Σ₁ = L₁L₁ᵀ, Σ₂ = L₂L₂ᵀ and E = L₂⁻¹(L₁ − L₂), all that divergences need are E, its diagonal, and L₂⁻¹Δ:
L₂⁻¹L₁ = I + E is triangular, so that its determinant is the product of its diagonal. A factor that was given is taken
as it is, never squared and factored again; what else was given is factored, in twice the precision where need be.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kullback.numerics import doubled
from kullback.numerics.doubled import Pair
from kullback.numerics.lazy import linalg

Array = NDArray[Any]  # of floats

EPS = float(np.finfo(float).eps)
EXACTLY = 400  # dimensions up to which twice the precision is quick enough
SMALL, STEPS = 64, 6  # dimensions that are inverted for their condition; steps of the power method beyond
ROUNDING = 2 * EPS  # what factoring moves in a covariance of one dimension, in units of the spreads
COLUMNS = 256  # of a triangular right-hand side solved at a time: what lies above them is zero


class NotPositive(ValueError):
    """The matrix is not positive definite."""


@dataclass(frozen=True, eq=False)
class Factor:
    """A covariance tril·trilᵀ: `tril` is lower triangular with a positive diagonal, or that diagonal alone.

    `refine` gives it in twice the precision. `noise` is how far the entries of the covariance are off that doubles
    factored, `slack` the same of the factor's own, and `uneven` what no precision mends; all in units of the spreads.
    """

    tril: Array
    refine: Callable[[], Pair]
    noise: float = 0.0
    slack: float = 0.0
    uneven: float = 0.0

    @cached_property
    def exact(self) -> Pair:
        return self.refine()

    @cached_property
    def condition(self) -> float:
        return condition(self.tril)

    @property
    def blur(self) -> float:
        """A bound of X, if the factor is true·(1 + X)."""
        if not (self.noise or self.slack):
            return 0.0
        return self.noise * self.condition**2 + self.slack * self.condition

    @property
    def least(self) -> float:
        """The same for the factor in twice the precision."""
        return self.uneven * self.condition**2 if self.uneven else 0.0

    @property
    def dim(self) -> int:
        return len(self.tril)

    @property
    def diagonal(self) -> Array:
        return self.tril if self.tril.ndim == 1 else np.diagonal(self.tril)

    @property
    def matrix(self) -> Array:
        """The factor, whole."""
        return np.diag(self.tril) if self.tril.ndim == 1 else self.tril

    @property
    def covariance(self) -> Array:
        return np.diag(self.tril**2) if self.tril.ndim == 1 else self.tril @ self.tril.T


def of_diagonal(scales: Array) -> Factor:
    """Of independent coordinates with these spreads."""
    return Factor(scales, lambda: doubled.pair(scales))


def of_root(root: Array) -> Factor:
    """Of the covariance root·rootᵀ: a lower triangle is the factor as it is."""
    plain = not np.triu(root, 1).any()
    tril = root if plain else np.asarray(np.linalg.qr(root.T, mode="r")).T
    diagonal = np.diagonal(tril)
    if not diagonal.all():
        raise NotPositive
    tril = tril * np.sign(diagonal)
    if plain:
        return Factor(tril, lambda: doubled.pair(tril))
    return Factor(tril, lambda: _refined(doubled.squared(doubled.pair(root))), slack=EPS * len(tril))


def of_covariance(c: Array, low: Array | None = None, uneven: float = 0.0) -> Factor:
    """Of a symmetric matrix, whose entries are exact doubles or, with `low`, pairs.

    `uneven` is how far the entries may be off, in units of the spreads; no precision helps against that.
    """
    exact = c, np.zeros_like(c) if low is None else low
    try:
        tril = np.linalg.cholesky(c)
    except np.linalg.LinAlgError:  # rounding alone may make it so
        if len(c) > EXACTLY or (found := doubled.cholesky(exact)) is None:
            raise NotPositive from None
        return Factor(found[0], lambda: found, uneven, EPS, uneven)
    return Factor(tril, lambda: _refined(exact), ROUNDING * math.sqrt(len(c)) + uneven, uneven=uneven)


def of_precision(precision: Array, uneven: float = 0.0) -> Factor:
    """Of the inverse of a symmetric matrix: with precision = W·Wᵀ, W upper triangular, the factor is W⁻ᵀ."""
    inner = of_covariance(precision[::-1, ::-1], uneven=uneven)
    eye = np.eye(inner.dim)
    tril = linalg.solve_triangular(inner.tril[::-1, ::-1].T, eye, lower=True)

    def refine() -> Pair:
        high, low = (x[::-1, ::-1].T for x in inner.exact)
        return doubled.solve((high, low), doubled.pair(eye))

    return Factor(tril, refine, inner.noise, inner.slack + EPS * inner.dim, inner.uneven)


def of_low_rank(half: Array, diagonal: Array) -> Factor:
    """Of half·halfᵀ and a diagonal."""
    if len(half) > EXACTLY:
        return of_covariance(half @ half.T + np.diag(diagonal), uneven=EPS)
    return of_covariance(*doubled.minus(doubled.squared(doubled.pair(half)), doubled.pair(-np.diag(diagonal))))


def _refined(c: Pair) -> Pair:
    found = doubled.cholesky(c)
    if found is None:
        raise NotPositive
    return found


def condition(tril: Array) -> float:
    """‖T⁻¹‖ of the factor T with its rows brought to length one: its square is 1/the least eigenvalue of the
    correlations."""
    if tril.ndim == 1:
        return 1.0
    rows = tril / np.abs(tril).max(axis=1)[:, None]
    rows /= np.sqrt((rows * rows).sum(axis=1))[:, None]
    if len(rows) <= SMALL:
        return float(np.linalg.norm(np.linalg.inv(rows)))
    x, size = np.random.default_rng(0).standard_normal(len(rows)), 1.0
    for _ in range(STEPS):  # of the power method, on (TᵀT)⁻¹
        x = x / np.linalg.norm(x)
        x = linalg.lapack.dtrtrs(rows.T, x, lower=0, trans=1)[0]
        x = linalg.lapack.dtrtrs(rows.T, x, lower=0, trans=0)[0]
        size = float(np.linalg.norm(x))
    return 1.5 * math.sqrt(size)


class Compared(NamedTuple):
    """P's factor against Q's: E (or its diagonal), the ratios of their diagonals, and how far I + E may be off."""

    e: Array
    ratio: Array
    blur: float

    @property
    def diagonal(self) -> Array:
        return self.e if self.e.ndim == 1 else np.diagonal(self.e)

    @property
    def size(self) -> float:
        """|E| as Frobenius has it."""
        return float(np.linalg.norm(self.e))

    def reach(self, square: float = 0.0) -> float:
        """How far the blur can move ½|E|² + Σ(Eᵢᵢ − log(1 + Eᵢᵢ)) + ½·square."""
        size = self.size
        whole = size + math.sqrt(len(self.ratio))  # |I + E| is not more
        return self.blur * (size * (1 + whole) + square) + (self.blur * whole) ** 2


def compare(p: Factor, q: Factor, exactly: bool = False) -> Compared:
    if exactly:
        one, other = p.exact, q.exact
        ratio = doubled.over(_diagonal(one), _diagonal(other))[0]
        if p.tril.ndim == q.tril.ndim == 1:
            e = doubled.over(doubled.minus(one, other), other)[0]
        else:
            e = doubled.solve(_whole(other), doubled.minus(_whole(one), _whole(other)))[0]
        factored = sum(f.condition**2 for f in (p, q) if f.noise or f.slack)
        return Compared(e, ratio, p.least + q.least + doubled.EPS * p.dim * (factored + q.condition))
    ratio = p.diagonal / q.diagonal
    if p.tril.ndim == q.tril.ndim == 1:
        return Compared((p.tril - q.tril) / q.tril, ratio, EPS)
    if q.tril.ndim == 1:
        return Compared((p.tril - np.diag(q.tril)) / q.tril[:, None], ratio, p.blur + EPS)
    e = _triangular_solve(q.tril, p.matrix - q.tril)
    return Compared(e, ratio, p.blur + q.blur + EPS * math.sqrt(p.dim) * q.condition)


def solve(q: Factor, high: Array, low: Array, exactly: bool) -> Pair:
    """L₂⁻¹·(high + low) for a matrix, good to the blur of a comparison."""
    if exactly:
        tril = q.exact
        if q.tril.ndim == 1:
            return doubled.over((high, low), (tril[0][:, None], tril[1][:, None]))
        return doubled.solve(tril, (high, low))
    if q.tril.ndim == 1:
        return high / q.tril[:, None], np.zeros_like(high)
    return linalg.solve_triangular(q.tril, high, lower=True, check_finite=False), np.zeros_like(high)


def _diagonal(tril: Pair) -> Pair:
    return tril if tril[0].ndim == 1 else (np.diagonal(tril[0]), np.diagonal(tril[1]))


def _whole(tril: Pair) -> Pair:
    return (np.diag(tril[0]), np.diag(tril[1])) if tril[0].ndim == 1 else tril


def _triangular_solve(tril: Array, b: Array) -> Array:
    """tril⁻¹·b for a lower triangular b."""
    out = np.zeros_like(b)
    for j in range(0, len(b), COLUMNS):
        columns = slice(j, j + COLUMNS)
        out[j:, columns] = linalg.solve_triangular(tril[j:, j:], b[j:, columns], lower=True, check_finite=False)
    return out
