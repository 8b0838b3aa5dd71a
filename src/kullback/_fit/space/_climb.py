"""Modes of log p̃ whatever the scale of its coordinates: Newton steps on the curvature, several starts at once.

Coordinates may differ by many orders of size, a start may lie 1e5 widths away, and some of them may be flat. So no
length is taken from the coordinates: a ladder of steps finds how far each one must move to change log p̃, a Hessian by
differences of the gradient in those units is made positive (its eigenvalues' sizes, Dauphin 2014), and of a ladder of
step lengths the highest point is taken.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kullback._fit.space._oracle import Oracle
from kullback._support import Array

LADDER = 10.0 ** np.arange(-12, 13)  # step sizes tried for a coordinate's own scale
LENGTHS = 2.0 ** np.array([8.0, 5, 3, 2, 1, 0, -1, -2, -3, -5, -7, -10, -14, -18])
STEPS = 60
DONE = 1e-7  # nats that a Newton step still promises


class Peak(NamedTuple):
    """A mode: where, log p̃, the covariance −H⁻¹ there as a factor, and whether the climb ended at a maximum."""

    x: Array
    height: float
    tril: Array
    found: bool


def own_scale(oracle: Oracle, x: Array) -> Array:
    """For each coordinate, the move h for which |log p̃(x+h) + log p̃(x−h) − 2·log p̃(x)| is about one nat."""
    d = oracle.dim
    unit = np.maximum(np.abs(x), 1.0)
    moves = (LADDER[:, None, None] * np.diag(unit)).reshape(-1, d)
    centre = oracle.values(x[None])[0]
    ups, downs = oracle.values(x + moves), oracle.values(x - moves)
    with np.errstate(invalid="ignore"):
        bend = np.abs(ups + downs - 2 * centre).reshape(len(LADDER), d)
        tilt = np.abs(ups - downs).reshape(len(LADDER), d)
    noise = 1e-15 * max(abs(centre), 1.0) * 1e2
    out = np.empty(d)
    for i in range(d):
        clear = np.isfinite(bend[:, i]) & (bend[:, i] > noise)
        if not clear.any():
            steep = np.isfinite(tilt[:, i]) & (tilt[:, i] > noise)
            out[i] = LADDER[np.argmax(steep)] * unit[i] if steep.any() else unit[i]
            continue
        rungs = np.flatnonzero(clear)
        best = rungs[np.argmin(np.abs(np.log(bend[rungs, i])))]
        out[i] = LADDER[best] * unit[i] / np.sqrt(np.clip(bend[best, i], 1e-2, 1e2))
    return out


def climb(oracle: Oracle, starts: Array, scale: Array, near: bool = False) -> list[Peak]:
    """The mode above each start (S, d); `scale` (d,) is about the width of log p̃ in each coordinate.

    With `near` no step is longer than Newton's, so that the nearest mode is found rather than the highest.
    """
    lengths = LENGTHS[LENGTHS <= 1] if near else LENGTHS
    x = np.array(starts, dtype=float)
    count, d = x.shape
    widths = np.repeat(scale[None], count, axis=0)
    f, g = oracle(x)
    curvature = np.zeros((count, d, d))
    promise = np.full(count, np.inf)
    alive = f > -np.inf
    for _ in range(STEPS):
        rows = np.flatnonzero(alive & (promise > DONE))
        if not len(rows):
            break
        hessian = scaled_hessian(oracle, x[rows], widths[rows])
        curvature[rows] = hessian
        steps, gains = _newton(hessian, g[rows] * widths[rows])
        trials = x[rows, None] + (lengths[:, None] * (steps * widths[rows])[:, None])
        values = oracle.values(trials.reshape(-1, d)).reshape(len(rows), len(lengths))
        best = np.argmax(values, axis=1)
        gained = values[np.arange(len(rows)), best] - f[rows]
        moved = gained > 0
        x[rows[moved]] = trials[moved, best[moved]]
        promise[rows] = np.where(moved, gains, 0.0)
        diagonal = np.abs(np.diagonal(hessian, axis1=1, axis2=2))
        shrink = np.clip(1 / np.sqrt(np.maximum(diagonal, 1e-300)), 1e-3, 1e3)
        widths[rows] *= shrink
        f[rows], g[rows] = oracle(x[rows])
    return [_peak(oracle, x[i], float(f[i]), g[i], widths[i]) for i in range(count)]


def summit(oracle: Oracle, x: Array) -> Peak | None:
    """The mode above a start by Newton's steps with exact Hessians; None where these lead to none.

    One Hessian costs as much as a few slopes, where a ladder of steps in every coordinate costs hundreds of values.
    """
    (f,), (g,) = oracle(x[None])
    for _ in range(STEPS):
        bends = oracle.hessian(x)
        if bends is None or not f > -np.inf:
            return None
        widths = 1 / np.sqrt(np.maximum(np.abs(np.diag(bends)), 1e-300))
        scaled = bends * np.outer(widths, widths)
        step, gain = _newton(scaled[None], (g * widths)[None])
        if gain[0] <= DONE:
            values = np.linalg.eigvalsh(-scaled)
            if not values[0] > 1e-7 * values[-1]:
                return None
            return Peak(x, float(f), factor(np.linalg.inv(-scaled) * np.outer(widths, widths)), True)
        for length in LENGTHS[LENGTHS <= 1]:
            trial = x + length * step[0] * widths
            (there,), (slope,) = oracle(trial[None])
            if there > f:
                break
        else:
            return None
        x, f, g = trial, there, slope
    return None


def scaled_hessian(oracle: Oracle, x: Array, widths: Array) -> Array:
    """The Hessian (S, d, d) in units of the widths (S, d), by central differences of the gradient."""
    count, d = x.shape
    h = 1e-3
    moves = h * widths[:, :, None] * np.eye(d)
    points = np.concatenate([x[:, None] + moves, x[:, None] - moves], axis=1)
    values, slopes = oracle(points.reshape(-1, d))
    slopes = slopes.reshape(count, 2, d, d) * widths[:, None, None, :]
    rows = (slopes[:, 0] - slopes[:, 1]) / (2 * h)
    gone = (values == -np.inf).reshape(count, 2, d).any(axis=1)
    rows[gone] = 0.0
    rows = np.where(np.isfinite(rows), rows, 0.0)
    both = 0.5 * (rows + np.swapaxes(rows, 1, 2))
    for i in range(count):
        for j in np.flatnonzero(gone[i]):
            both[i, j, :] = both[i, :, j] = 0.0
            both[i, j, j] = -1.0
    return both


def _newton(hessian: Array, slope: Array) -> tuple[Array, Array]:
    """|H|⁻¹·g and the gain ½·gᵀ|H|⁻¹g that it promises."""
    values, vectors = np.linalg.eigh(hessian)
    size = np.abs(values)
    size = np.maximum(size, 1e-8 * np.maximum(size.max(axis=1, keepdims=True), 1e-8))
    inner = np.einsum("sij,si->sj", vectors, slope) / size
    step = np.einsum("sij,sj->si", vectors, inner)
    return step, 0.5 * (step * slope).sum(axis=1)


def _peak(oracle: Oracle, x: Array, height: float, slope: Array, widths: Array) -> Peak:
    if height == -np.inf:
        return Peak(x, height, np.diag(widths), False)
    hessian = scaled_hessian(oracle, x[None], widths[None])[0]
    values, vectors = np.linalg.eigh(-hessian)
    top = float(max(values[-1], 1e-300))
    gain = float(_newton(hessian[None], (slope * widths)[None])[1][0])
    found = bool(values[0] > 1e-7 * top and gain < 1e-4)
    held = np.maximum(np.where(values > 0, values, np.abs(values)), 1e-8 * top)
    with np.errstate(over="ignore", invalid="ignore"):
        covariance = (vectors / held) @ vectors.T * np.outer(widths, widths)
    return Peak(x, height, factor(covariance), found)


def factor(covariance: Array) -> Array:
    """A Cholesky factor in units of the diagonal, which may span many orders; NaN if the covariance is not finite."""
    if not np.isfinite(covariance).all():
        return np.full_like(covariance, np.nan)
    sd = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(sd, sd)
    jitter = 0.0
    while True:
        try:
            return sd[:, None] * np.linalg.cholesky(correlation + jitter * np.eye(len(sd)))
        except np.linalg.LinAlgError:
            jitter = max(10 * jitter, 1e-14)


def laplace(peak: Peak) -> float:
    """log Z if P were the normal that the curvature at the peak makes it."""
    with np.errstate(divide="ignore"):
        return float(peak.height + np.log(np.diag(peak.tril)).sum() + 0.5 * len(peak.x) * np.log(2 * np.pi))


def as_one(peaks: list[Peak], masses: Array | None = None) -> tuple[Array, Array]:
    """Mean and covariance of all peaks together, each with its own, of equal mass if none is given."""
    share = np.full(len(peaks), 1 / len(peaks)) if masses is None else masses
    x = np.array([p.x for p in peaks])
    mean = share @ x
    offset = x - mean
    inner = np.einsum("k,kij,klj->il", share, [p.tril for p in peaks], [p.tril for p in peaks])
    return mean, (offset * share[:, None]).T @ offset + inner
