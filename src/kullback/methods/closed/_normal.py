"""Normal‖normal in any dimension, without the digits that a difference of log determinants would lose."""

from __future__ import annotations

import numpy as np

from kullback._distribution import Density
from kullback._result import Divergence
from kullback._support import Array
from kullback.numerics.lazy import linalg
from kullback.numerics.terms import excess

EPS = float(np.finfo(float).eps)
NORMAL = ("normal", "multivariate_normal")


def normal_pair(p: Density, q: Density) -> Divergence:
    """½ Σ(e − log(1+e)) + ½ |L⁻¹Δ|², e the eigenvalues of L⁻¹(Σ₁−Σ₂)L⁻ᵀ.

    Source: the standard form (Kullback 1959, ch. 9), rearranged so that equal parameters give exactly 0.
    """
    if p.dim == 1:
        m, s = p.parameters["loc"], p.parameters["scale"]
        m0, s0 = q.parameters["loc"], q.parameters["scale"]
        r, z = (s - s0) / s0, (m - m0) / s0
        value = 0.5 * (float(_excess(np.array(r * (2 + r)), np.array((s / s0) ** 2))) + z * z)
        return Divergence(value, 16 * EPS * value, "rounding", method="closed")
    mean, covariance = p.parameters["loc"], p.parameters["covariance_matrix"]
    mean0, covariance0 = q.parameters["loc"], q.parameters["covariance_matrix"]
    scale = np.sqrt(np.diag(covariance0))  # in units of Q's own spreads, however far apart they are
    mean, mean0 = mean / scale, mean0 / scale
    covariance, covariance0 = covariance / np.outer(scale, scale), covariance0 / np.outer(scale, scale)
    tril = np.linalg.cholesky(covariance0)
    half = linalg.solve_triangular(tril, covariance - covariance0, lower=True)
    e = np.linalg.eigvalsh(linalg.solve_triangular(tril, half.T, lower=True))
    widths = np.linalg.svd(linalg.solve_triangular(tril, np.linalg.cholesky(covariance), lower=True), compute_uv=False)
    z = linalg.solve_triangular(tril, mean - mean0, lower=True)
    value = 0.5 * float(_excess(e, np.sort(widths) ** 2).sum() + z @ z)
    condition = float(np.linalg.cond(tril))
    error = 8 * EPS * p.dim * condition * (value + float(np.abs(e).sum()) * min(1.0, float(np.abs(e).max())))
    return Divergence(value, error, "rounding", method="closed")


def _excess(e: Array, ratio: Array) -> Array:
    """e − log(1 + e) with 1 + e = ratio: from e where it is small, from the ratio where 1 + e would cancel."""
    near = np.abs(e) < 0.5
    return np.where(near, excess(np.where(near, e, 0.0)), ratio - 1 - np.log(ratio))
