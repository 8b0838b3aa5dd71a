"""Divergences of families fitted to draws that have weights, groups or an order; x, y of shape (n, d), (m, d).

As `unbiased` has them, with effective sizes in the corrections: those of the means, and those of the covariances. The
errors are those of the influence values: no family's own variance holds for draws that depend on each other.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from kullback.numerics import chi_square, unbiased
from kullback.numerics.counts import Estimate
from kullback.numerics.dependence import Array, Design, covariance, joint, quadratic, sizes, spectrum_of

CROSSED = 12  # columns up to which products of two stand for a covariance, beyond the squares alone


class _Moments(NamedTuple):
    """Of one side, by its weights: mean, covariance, draws from the mean, and the same of unit covariance."""

    mean: Array
    spread: Array
    z: Array
    unit: Array


def normals(x: Array, y: Array, p: Design, q: Design) -> Estimate:
    """½[log|Σq| − log|Σp| + tr(Σq⁻¹Σp) + δᵀΣq⁻¹δ − d]."""
    d = x.shape[1]
    unit = y.std(axis=0)
    a, b = _moments(x / unit, p), _moments(y / unit, q)
    whitened = [np.linalg.solve(np.linalg.cholesky(b.spread), s.z.T).T for s in (a, b)]
    centres = sizes(p, whitened[0], q, whitened[1])
    forms = sizes(p, _products(a.unit), q, _products(b.unit))
    n, m = (max(v, d + 3.0) for v in forms)
    cov_p, cov_q = (s.spread / (1 - 1 / max(v, 2.0)) for s, v in zip((a, b), centres, strict=True))
    inverse = np.linalg.inv(cov_q) * ((m - d - 2) / (m - 1))
    delta = b.mean - a.mean
    grown = inverse @ cov_p
    trace = float(np.trace(grown))
    distance = float(delta @ inverse @ delta) - d / centres[1] - trace / centres[0]
    value = 0.5 * (unbiased.log_det(cov_q, m) - unbiased.log_det(cov_p, n) + trace + distance - d)
    pushed = inverse @ delta
    of_p = 0.5 * (_form(a.z, inverse) - np.square(a.unit).sum(axis=1)) - a.z @ pushed
    of_q = 0.5 * (np.square(b.unit).sum(axis=1) - _form(b.z, inverse @ cov_p @ inverse + np.outer(pushed, pushed)))
    of_q += b.z @ pushed
    variance, degrees = joint(p, of_p, q, of_q)
    spectrum = covariance(p, _scores(a.unit), q, _scores(b.unit))
    return _estimate(value, variance, degrees, spectrum, d * (d + 3) / 2)


def exponentials(x: Array, y: Array, p: Design, q: Design) -> Estimate:
    """log(μq/μp) + μp/μq − 1."""
    n, m = sizes(p, x, q, y)
    mean_p, mean_q = float(p.mean(x[:, 0])), float(q.mean(y[:, 0]))
    ratio = mean_p / mean_q
    value = unbiased.log_mean_of(mean_q, m) - unbiased.log_mean_of(mean_p, n) + ratio * (m - 1) / m - 1
    variance, degrees = joint(p, (ratio - 1) * x / mean_p, q, (1 - ratio) * y / mean_q)
    return _estimate(value, variance, degrees, covariance(p, x / mean_p, q, y / mean_q), 1.0)


def normal_terms(x: Array, p: Design) -> Array:
    """log density of a fitted normal at its own draws, whose mean is −entropy without bias."""
    d = x.shape[1]
    own = _moments(x, p)
    size = max(p.effective(_products(own.unit)), d + 1.0)
    cov = own.spread / (1 - 1 / max(p.effective(own.unit), 2.0))
    squares = np.square(own.unit).sum(axis=1)  # whose mean is d
    return np.asarray(-0.5 * (unbiased.log_det(cov, size) + d * math.log(2 * math.pi) + squares))


def exponential_terms(x: Array, p: Design) -> Array:
    mean = float(p.mean(x[:, 0]))
    return -unbiased.log_mean_of(mean, p.effective(x)) - x[:, 0] / mean


def from_moments(mean: Array, cov_p: Array, entropy: float, y: Array, q: Design) -> Estimate:
    """KL of a P whose entropy, mean and covariance are known from a normal fitted to Q's draws."""
    d = y.shape[1]
    b = _moments(y, q)
    centre, size = q.effective(b.unit), max(q.effective(_products(b.unit)), d + 3.0)
    cov_q = b.spread / (1 - 1 / max(centre, 2.0))
    inverse = np.linalg.inv(cov_q) * ((size - d - 2) / (size - 1))
    delta = b.mean - mean
    pushed = inverse @ delta
    whole = float(np.trace(inverse @ cov_p)) + float(delta @ pushed) - d / centre
    cross = unbiased.log_det(cov_q, size) + d * math.log(2 * math.pi) + whole
    of_q = 0.5 * (np.square(b.unit).sum(axis=1) - _form(b.z, inverse @ cov_p @ inverse + np.outer(pushed, pushed)))
    of_q += b.z @ pushed
    return Estimate(0.5 * cross - entropy, math.sqrt(float(q.variance(of_q)[0])), freedom=q.degrees)


def _moments(x: Array, d: Design) -> _Moments:
    mean = d.mean(x)
    z = x - mean
    spread = (z * d.shares[:, None]).T @ z
    return _Moments(mean, spread, z, np.linalg.solve(np.linalg.cholesky(spread), z.T).T)


def _form(z: Array, matrix: Array) -> Array:
    return np.asarray(np.einsum("ij,ij->i", z @ matrix, z))


def _products(z: Array) -> Array:
    """The columns' squares and products of two, of unit variance where z is a standard normal."""
    if z.shape[1] > CROSSED:
        return np.square(z) / math.sqrt(2)
    i, j = np.triu_indices(z.shape[1])
    return np.asarray(z[:, i] * z[:, j] / np.where(i == j, math.sqrt(2), 1.0))


def _scores(z: Array) -> Array:
    return np.concatenate([z, _products(z)], axis=1)


def _estimate(value: float, variance: float, degrees: float, spectrum: Array, parameters: float) -> Estimate:
    found = spectrum_of(spectrum)
    even, unit = quadratic(found, len(spectrum), degrees, parameters)
    form = (even, chi_square.scale(value, variance, even, unit, 0.5 * found.largest)) if unit > 0 else None
    return Estimate(value, math.sqrt(variance), form, degrees)
