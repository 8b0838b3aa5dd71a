"""Densities of matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kullback._distribution import Density, Facts
from kullback._result import InputError
from kullback._support import Array, Matrices, PositiveDefinite
from kullback._vocabulary._space import factored, rooted
from kullback._vocabulary._tails import HALF_LOG_2PI
from kullback._vocabulary._words import scalar, word
from kullback.numerics.factors import Factor
from kullback.numerics.lazy import linalg, special


def _degrees(concentration: Any, dim: int) -> float:
    n = scalar(concentration, "concentration")
    if n <= dim - 1:
        raise InputError(f"concentration must exceed {dim - 1} for {dim} by {dim} matrices, not {n:g}")
    return n


def _scale(matrix: Any, name: str) -> tuple[Array, Factor]:
    """The matrix and its factor; a factor of a source's stands for the matrix."""
    if isinstance(matrix, Factor):
        return matrix.covariance, matrix
    c = np.atleast_2d(np.asarray(matrix, dtype=np.float64))
    return c, factored(c, len(c), name)


def _log_det(x: Array) -> Array:
    sign, value = np.linalg.slogdet(x)
    return np.where(sign > 0, value, np.nan)


@word
def wishart(concentration: Any, scale_matrix: Any) -> Density:
    """`concentration` is the degrees of freedom; the mean is concentration·scale_matrix."""
    scale, spread = _scale(scale_matrix, "scale_matrix")
    tril = spread.matrix
    d = len(scale)
    n = _degrees(concentration, d)
    log_det = 2 * float(np.log(np.diag(tril)).sum())
    constant = 0.5 * n * (d * math.log(2) + log_det) + float(special.multigammaln(0.5 * n, d))

    def log_prob(x: Array) -> Array:
        trace = np.trace(linalg.cho_solve((tril, True), np.moveaxis(x, 0, -1).reshape(d, -1)).reshape(d, d, -1))
        return np.asarray(0.5 * (n - d - 1) * _log_det(x) - 0.5 * trace - constant)

    mean_log = float(special.digamma(0.5 * (n - np.arange(d))).sum()) + d * math.log(2) + log_det
    facts = Facts(
        family="wishart",
        parameters={"concentration": n, "scale_matrix": scale},
        entropy=constant - 0.5 * (n - d - 1) * mean_log + 0.5 * n * d,
        sample=lambda rng, size: _draws("wishart", n, scale, rng, size),
        spreads=(spread,),
    )
    return Density(_guarded(log_prob), dim=d * d, support=PositiveDefinite(d), vectorized=True, facts=facts)


@word
def inverse_wishart(concentration: Any, scale_matrix: Any) -> Density:
    """The inverse of a Wishart matrix whose scale is the inverse of `scale_matrix`."""
    scale, spread = _scale(scale_matrix, "scale_matrix")
    tril = spread.matrix
    d = len(scale)
    n = _degrees(concentration, d)
    log_det = 2 * float(np.log(np.diag(tril)).sum())
    constant = 0.5 * n * (d * math.log(2) - log_det) + float(special.multigammaln(0.5 * n, d))

    def log_prob(x: Array) -> Array:
        trace = np.trace(np.linalg.solve(x, np.broadcast_to(scale, x.shape)), axis1=-2, axis2=-1)
        return np.asarray(-0.5 * (n + d + 1) * _log_det(x) - 0.5 * trace - constant)

    mean_log = log_det - d * math.log(2) - float(special.digamma(0.5 * (n - np.arange(d))).sum())
    facts = Facts(
        family="inverse_wishart",
        parameters={"concentration": n, "scale_matrix": scale},
        entropy=constant + 0.5 * (n + d + 1) * mean_log + 0.5 * n * d,
        sample=lambda rng, size: _draws("invwishart", n, scale, rng, size),
        spreads=(spread,),
    )
    return Density(_guarded(log_prob), dim=d * d, support=PositiveDefinite(d), vectorized=True, facts=facts)


def _guarded(log_prob: Any) -> Any:
    def guarded(x: Array) -> Array:
        inside = np.linalg.eigvalsh(x)[..., 0] > 0
        safe = np.where(inside[:, None, None], x, np.eye(x.shape[-1]))
        return np.where(inside, log_prob(safe), -np.inf)

    return guarded


def _draws(name: str, n: float, scale: Array, rng: np.random.Generator, size: int) -> Array:
    from scipy import stats

    drawn = getattr(stats, name)(n, scale).rvs(size, random_state=rng)
    return np.asarray(drawn).reshape(size, *scale.shape)


@word
def matrix_normal(loc: Any, scale_tril_row: Any, scale_tril_column: Any) -> Density:
    """loc + A·Z·Bᵀ with Z of independent standard normals, A and B the two factors."""
    m = np.asarray(loc, dtype=np.float64)
    if m.ndim != 2 or not np.isfinite(m).all():
        raise InputError(f"loc must be a finite matrix, not of shape {m.shape}")
    rows, columns = m.shape
    spreads = (
        rooted(scale_tril_row, rows, "scale_tril_row"),
        rooted(scale_tril_column, columns, "scale_tril_column"),
    )
    a, b = (spread.matrix for spread in spreads)
    constant = rows * columns * HALF_LOG_2PI
    constant += columns * float(np.log(np.diag(a)).sum()) + rows * float(np.log(np.diag(b)).sum())

    def log_prob(x: Array) -> Array:
        left = np.linalg.solve(a, x - m)
        z = np.linalg.solve(b, np.swapaxes(left, -1, -2))
        return np.asarray(-0.5 * (z * z).sum(axis=(-2, -1)) - constant)

    facts = Facts(
        family="matrix_normal",
        parameters={"loc": m, "scale_tril_row": a, "scale_tril_column": b},
        entropy=constant + 0.5 * rows * columns,
        sample=lambda rng, n: m + a @ rng.standard_normal((n, rows, columns)) @ b.T,
        transport=(rows * columns, lambda u: m + a @ special.ndtri(u).reshape(-1, rows, columns) @ b.T),
        spreads=spreads,
    )
    return Density(log_prob, dim=rows * columns, support=Matrices(rows, columns), vectorized=True, facts=facts)
