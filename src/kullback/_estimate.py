"""Sample → Density: a mixture of normals by maximum likelihood, its size by BIC.

BIC (Schwarz 1978): −2·log likelihood + (free parameters)·log n; the size with the smallest one is taken.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kullback._distribution import Density, Sample
from kullback._result import InputError
from kullback._support import Array
from kullback._vocabulary import mixture, multivariate_normal
from kullback.numerics import em
from kullback.numerics.dependence import Design, in_stretches

LARGEST = 8
REPLICATES = 200
CHOOSE_ON, BOOTSTRAP_ON = 20_000, 4_000  # draws at most; more would cost minutes and change nothing that is shown


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """A density for a sample, and what it was made of."""

    density: Density
    mixtures: em.Mixtures
    sample: Sample
    floor: Array
    note: str

    @property
    def size(self) -> int:
        return int(self.mixtures.weights.shape[1])


def points_and_weights(sample: Sample) -> tuple[Array, Array]:
    """Draws of shape (n, d), and weights that sum to one."""
    x = sample.x[:, None] if sample.x.ndim == 1 else sample.x
    w = sample.weights if sample.weights is not None else np.full(len(x), 1.0 / len(x))
    return x, w


def check_spread(sample: Sample) -> Array:
    """The covariance of the draws; a single draw, constant or collinear draws are errors."""
    x, w = points_and_weights(sample)
    d = x.shape[1]
    if len(x) < 2:
        raise InputError(f"{_name(sample)} holds a single draw; a fit needs at least two different ones")
    offset = x - w @ x
    covariance = (offset * w[:, None]).T @ offset
    names = sample.columns or tuple(f"coordinate {i}" for i in range(d))
    for i in range(d):
        if np.ptp(x[:, i]) == 0:
            what = names[i] if d > 1 or sample.columns else "the sample"
            raise InputError(f"{what} is constant: all {len(x)} draws equal {x[0, i]:g}; a density needs a spread")
    sd = np.sqrt(np.diag(covariance))
    if not np.isfinite(sd).all() or (sd < 1e-150).any():
        raise InputError(f"the spread of {_name(sample)} is {sd}, beyond what doubles can square; rescale the columns")
    least = float(np.linalg.eigvalsh(covariance / np.outer(sd, sd))[0])
    if least < 1e-10:
        raise InputError(
            f"the {d} columns of {_name(sample)} are linearly dependent in its {len(x)} draws "
            f"(smallest eigenvalue of the correlation {least:.1g}); drop one, or give more draws than dimensions"
        )
    return covariance


def _name(sample: Sample) -> str:
    return sample.name or "the sample"


def variance_floor(x: Array, covariance: Array) -> Array:
    """The narrowest component allowed: 1/1000 of the spread, and not below the grid that values are rounded to."""
    width = 1e-3 * np.sqrt(np.diag(covariance))
    for i in range(x.shape[1]):
        values = np.unique(x[:, i])
        if len(values) < 0.9 * len(x):  # ties: the values lie on a grid
            width[i] = max(width[i], float(np.median(np.diff(values))) / 2)
    return np.asarray(np.diag(width**2))


def estimate(sample: Sample, *, seed: int = 0, side: str = "P") -> Estimate:
    """A mixture of normals for the sample, with as many components as BIC wants."""
    covariance = check_spread(sample)
    x, w = points_and_weights(sample)
    n, d = x.shape
    scale = np.sqrt(np.diag(covariance))
    centre = w @ x
    z = (x - centre) / scale
    few, few_w = _some(z, w, CHOOSE_ON, seed)
    effective = 1.0 / float((few_w**2).sum())
    floor = variance_floor(z, covariance / np.outer(scale, scale))
    best, best_bic, worse = None, np.inf, 0
    for k in range(1, LARGEST + 1):
        free = k - 1 + k * d + k * d * (d + 1) // 2
        if k > 1 and free >= effective:
            break
        found, log_likelihood = em.fit(few, few_w, k, floor=floor, seed=seed)
        bic = -2 * effective * log_likelihood + free * np.log(effective)
        if bic < best_bic:
            best, best_bic, worse = found, bic, 0
        else:
            worse += 1
            if worse == 2:
                break
    if best is None:
        raise InputError(f"{_name(sample)} has {n} draws in {d} dimensions, too few for any density")
    best = em.climb_many(z, w, best, floor=floor, tolerance=1e-14, max_steps=5000).mixtures
    wide = em.Mixtures(best.weights, centre + best.means * scale, best.covariances * np.outer(scale, scale))
    k = int(wide.weights.shape[1])
    kind = "a normal" if k == 1 else f"a {k}-component mixture"
    note = f"{side} estimated from {n} draws by {kind}"
    if n > CHOOSE_ON:
        note += f", its size chosen on {CHOOSE_ON} of them"
    return Estimate(density(wide), wide, sample, floor * np.outer(scale, scale), note)


def density(m: em.Mixtures, row: int = 0) -> Density:
    """One row of a batch of mixtures as a Density."""
    normals = [multivariate_normal(mean, c) for mean, c in zip(m.means[row], m.covariances[row], strict=True)]
    return mixture(m.weights[row], normals)


def bootstrap(estimated: Estimate, *, seed: int = 0, replicates: int = REPLICATES) -> tuple[em.Mixtures, float]:
    """The mixture refitted, from where it stands, to draws drawn again, and what to multiply their spread by.

    What goes together (a group, a stretch of a series) is drawn again as a whole. Above 4,000 draws the replicates are
    those of 4,000, and their spread is shrunk by the root of the ratio.
    """
    x, w = points_and_weights(estimated.sample)
    centre, scale = w @ x, np.sqrt(np.diag(check_spread(estimated.sample)))
    outer = np.outer(scale, scale)
    design = estimated.sample.design
    length = 1.0 if design.chains is None else estimated.sample.correlation_length
    kept, blocks, part = _together(in_stretches(design, length), BOOTSTRAP_ON, seed)
    z, share = (x[kept] - centre) / scale, w[kept] / w[kept].sum()
    number = int(blocks.max()) + 1
    rng = np.random.default_rng([seed, 1])
    counts = share * rng.multinomial(number, np.full(number, 1 / number), size=replicates)[:, blocks]
    counts /= counts.sum(axis=1, keepdims=True)
    m = estimated.mixtures
    start = em.Mixtures(
        np.repeat(m.weights, replicates, axis=0),
        np.repeat((m.means - centre) / scale, replicates, axis=0),
        np.repeat(m.covariances / outer, replicates, axis=0),
    )
    batch = max(1, int(1e6 // (z.size * estimated.size)))
    parts = []
    for i in range(0, replicates, batch):
        rows = slice(i, i + batch)
        found = em.climb(
            z, counts[rows], start.pick(rows), floor=estimated.floor / outer, tolerance=1e-7, max_steps=200
        )
        parts.append(found.mixtures)
    joined = em.Mixtures(*(np.concatenate([p[i] for p in parts]) for i in range(3)))
    wide = em.Mixtures(joined.weights, centre + joined.means * scale, joined.covariances * outer)
    return wide, math.sqrt(part)


def _some(x: Array, w: Array, limit: int, seed: int) -> tuple[Array, Array]:
    """At most `limit` of the draws, and their weights."""
    if len(x) <= limit:
        return x, w
    chosen = np.sort(np.random.default_rng([seed, 4]).choice(len(x), size=limit, replace=False))
    return x[chosen], w[chosen] / w[chosen].sum()


def _together(design: Design, limit: int, seed: int) -> tuple[Array, Array, float]:
    """About `limit` of the draws, the number of what each goes together with, and which part of all of these it is."""
    rng = np.random.default_rng([seed, 4])
    if design.groups is None:
        n = design.n
        kept = np.arange(n) if n <= limit else np.sort(rng.choice(n, size=limit, replace=False))
        return kept, np.arange(len(kept)), len(kept) / n
    sizes = np.bincount(design.groups)
    order = np.arange(len(sizes)) if design.n <= limit else rng.permutation(len(sizes))
    chosen = order[: max(2, int(np.searchsorted(np.cumsum(sizes[order]), limit, side="right")))]
    kept = np.flatnonzero(np.isin(design.groups, chosen))
    return kept, np.unique(design.groups[kept], return_inverse=True)[1].reshape(-1), len(chosen) / len(sizes)
