"""Pairs of normal components in one sweep, and what they prove of the divergence of their mixtures."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # of floats

EPS = float(np.finfo(float).eps)
ROUNDS = 400


class Normals(NamedTuple):
    """A mixture of k normals in d dimensions: weights (k,), means (k, d), covariances (k, d, d)."""

    weights: Array
    means: Array
    covariances: Array


class Pairs(NamedTuple):
    """For each pair of components f of one and g of another mixture, (k, l)."""

    divergence: Array  # KL(f‖g)
    overlap: Array  # log ∫ f·g
    affinity: Array  # log ∫ √(f·g)


class Bracket(NamedTuple):
    """Hershey and Olsen's variational value, and guaranteed bounds."""

    variational: float
    lower: float
    upper: float


def pairs(f: Normals, g: Normals) -> Pairs:
    """All three matrices, each from Cholesky factors of the components and of the sums of their covariances."""
    d = f.means.shape[1]
    one, other = np.linalg.cholesky(f.covariances), np.linalg.cholesky(g.covariances)
    inverse = np.linalg.inv(other)
    half_det = [np.log(np.diagonal(half, axis1=1, axis2=2)).sum(axis=1) for half in (one, other)]
    shift = f.means[:, None, :] - g.means[None, :, :]
    spread = np.einsum("bij,ajk->abik", inverse, one)
    moved = np.einsum("bij,abj->abi", inverse, shift)
    logs = half_det[1][None, :] - half_det[0][:, None]
    divergence = 0.5 * ((spread**2).sum(axis=(2, 3)) - d + (moved**2).sum(axis=2)) + logs
    both = np.linalg.cholesky(f.covariances[:, None] + g.covariances[None])
    half_both = np.log(np.diagonal(both, axis1=2, axis2=3)).sum(axis=2)
    distance = (np.linalg.solve(both, shift[..., None])[..., 0] ** 2).sum(axis=2)
    overlap = -0.5 * (d * np.log(2 * np.pi) + distance) - half_both
    affinity = -0.25 * distance + 0.5 * (half_det[0][:, None] + half_det[1][None, :]) - half_both + 0.5 * d * np.log(2)
    return Pairs(np.maximum(divergence, 0.0), overlap, np.minimum(affinity, 0.0))


def bracket(p: Normals, q: Normals) -> Bracket:
    """Variational value and bounds of KL(P‖Q) for P = Σ πₐfₐ and Q = Σ ω_b g_b.

    With H the entropy, KL = Σ πₐ(E_fₐ log p − E_fₐ log q). Each E_fₐ log of a mixture Σ ω_b g_b lies
    above log Σ ω_b exp(E_fₐ log g_b), by Jensen under any split of the sum, the best of which gives this, and
    below log Σ ω_b ∫fₐg_b, by Jensen (Durrieu, Thiran and Kelly 2012); and below −H(fₐ) + 2 log Σ √ω_b ∫√(fₐg_b), as
    KL(fₐ‖q) ≥ −2 log ∫√(fₐq) by Jensen and √ of a sum is at most the sum of √.
    For E_P log p also: at most −Σ πₐH(fₐ) + Σ πₐ log Σ πₐ′ ∫√(fₐfₐ′) (Kolchinsky and Tracey 2017).
    KL ≥ 0 and KL ≥ −2 log Σ √(πₐω_b) ∫√(fₐg_b) as above; KL ≤ `_coupled`. The variational value is the difference
    of the two lower ends (Hershey and Olsen 2007).
    """
    own, cross = pairs(p, p), pairs(p, q)
    d = p.means.shape[1]
    entropy = 0.5 * np.linalg.slogdet(p.covariances)[1] + 0.5 * d * (1 + np.log(2 * np.pi))
    log_p, log_q = np.log(p.weights), np.log(q.weights)
    low_p = _log_sum(log_p - own.divergence) - entropy
    low_q = _log_sum(log_q - cross.divergence) - entropy
    high_p = np.minimum(_log_sum(log_p + own.overlap), -entropy)
    near = np.minimum(2 * _log_sum(0.5 * log_q + cross.affinity), 0.0)
    high_q = np.minimum(_log_sum(log_q + cross.overlap), near - entropy)
    most_p = min(
        float(p.weights @ high_p), float(p.weights @ (np.minimum(_log_sum(log_p + own.affinity), 0.0) - entropy))
    )
    joint = 0.5 * (log_p[:, None] + log_q) + cross.affinity
    lower = max(0.0, float(p.weights @ (low_p - high_q)), -2 * float(_log_sum(joint.ravel()[None])[0]))
    upper = min(most_p - float(p.weights @ low_q), _coupled(p.weights, q.weights, cross.divergence))
    size = float(p.weights @ (np.abs(entropy) + np.abs(high_q) + np.abs(low_q)))
    slack = 64 * EPS * d * _condition(p, q) * (1 + size)
    return Bracket(float(p.weights @ (low_p - low_q)), max(lower - slack, 0.0), upper + slack)


def _coupled(pi: Array, omega: Array, divergence: Array) -> float:
    """Σ φ(log(φ/ψ) + KL_ab) ≥ KL for all φ, ψ ≥ 0 with Σ_b φ_ab = πₐ and Σₐ ψ_ab = ω_b.

    It is the divergence of the joint distributions of component and point, φ_ab fₐ against ψ_ab g_b, and forgetting the
    component cannot raise it. Hershey and Olsen's alternation lowers it in every round.
    """
    log_psi = np.log(pi)[:, None] + np.log(omega)
    value = np.inf
    for _ in range(ROUNDS):
        logs = log_psi - divergence
        log_phi = np.log(pi)[:, None] + logs - _log_sum(logs)[:, None]
        log_psi = np.log(omega) + log_phi - _log_sum(log_phi.T)
        # with ψ the best for φ
        phi = np.exp(log_phi)
        last, value = value, float((phi * np.where(phi > 0, log_phi - log_psi + divergence, 0.0)).sum())
        if last - value <= 1e-6 * abs(value):
            break
    return value


def _log_sum(terms: Array) -> Array:
    """log Σ exp along the last axis."""
    top = terms.max(axis=-1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(terms - top).sum(axis=-1)) + top[..., 0])


def _condition(p: Normals, q: Normals) -> float:
    """The worst condition of a factor, in units of its own spreads."""
    every = np.concatenate([p.covariances, q.covariances])
    scale = np.sqrt(np.diagonal(every, axis1=1, axis2=2))
    return float(np.sqrt(np.linalg.cond(every / (scale[:, :, None] * scale[:, None, :])).max()))
