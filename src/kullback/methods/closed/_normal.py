"""Normal‖normal in any dimension, without the digits that a difference of log determinants would lose."""

from __future__ import annotations

import math

import numpy as np

from kullback._distribution import Density
from kullback._result import Divergence
from kullback._support import Array
from kullback.methods.closed._deviance import scaled_square
from kullback.numerics.terms import excess, excess_of

EPS = float(np.finfo(float).eps)
NORMAL = ("normal", "multivariate_normal")


def normal_pair(p: Density, q: Density) -> Divergence:
    """½ Σ(e − log(1+e)) + ½ |L⁻¹Δ|², e the eigenvalues of L⁻¹(Σ₁−Σ₂)L⁻ᵀ.

    Source: the standard form (Kullback 1959, ch. 9), rearranged so that equal parameters give exactly 0.
    """
    if p.dim == 1:
        m, s = p.parameters["loc"], p.parameters["scale"]
        m0, s0 = q.parameters["loc"], q.parameters["scale"]
        z = (m - m0) / s0
        value = 0.5 * (scaled_square(s, s0) + z * z)
        return Divergence(value, 16 * EPS * value, "rounding", method="closed")
    mean, covariance = p.parameters["loc"], p.parameters["covariance_matrix"]
    mean0, covariance0 = q.parameters["loc"], q.parameters["covariance_matrix"]
    scale = np.sqrt(np.diagonal(covariance0))  # in units of Q's own spreads, however far apart they are
    both = scale[:, None] * scale
    covariance, covariance0 = covariance / both, covariance0 / both
    tril = np.linalg.cholesky(covariance0)
    inverse = np.linalg.inv(tril)
    e = np.linalg.eigvalsh(inverse @ (covariance - covariance0) @ inverse.T)
    z = inverse @ ((mean - mean0) / scale)
    if e[0] > -0.5:
        grown = math.fsum(excess_of(x) for x in e.tolist()) if len(e) <= 16 else float(excess(e).sum())
    else:  # P is so narrow that 1 + e cancels: its widths directly
        widths = np.linalg.svd(inverse @ np.linalg.cholesky(covariance), compute_uv=False)
        grown = float(_excess(e, np.sort(widths) ** 2).sum())
    value = 0.5 * (grown + float(z @ z))
    condition = float(np.linalg.norm(tril) * np.linalg.norm(inverse))
    size = np.abs(e)
    error = 8 * EPS * p.dim * condition * (value + float(size.sum()) * min(1.0, float(size.max())))
    return Divergence(value, error, "rounding", method="closed")


def _excess(e: Array, ratio: Array) -> Array:
    """e − log(1 + e) with 1 + e = ratio: from e where it is small, from the ratio where 1 + e would cancel."""
    near = np.abs(e) < 0.5
    return np.where(near, excess(np.where(near, e, 0.0)), ratio - 1 - np.log(ratio))
