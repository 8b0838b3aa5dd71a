"""The error that comes from P being draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kullback._distribution import Density
from kullback._estimate import Estimate, bootstrap, density, points_and_weights
from kullback._fit._frame import density_moments
from kullback._result import Divergence, Status
from kullback._support import Array
from kullback._vocabulary import multivariate_normal
from kullback.families import Family
from kullback.methods.mixture_plug_in import quick_divergence
from kullback.numerics.lazy import special

SAME = 1e-4  # of P's spread
WILD = 3.0  # times the inner 68 % of the replicates: a spread that a few of them make
OWN = (
    "the normal that stands for P is Q itself: what is left between them says nothing of P; the errors are what a "
    "normal fitted to {n} draws of a normal is off by"
)


def with_sampling(
    estimated: Estimate, refit: Family | None, q: Density, values: tuple[Divergence, Divergence], seed: int
) -> tuple[Divergence, Divergence]:
    """Standard errors from the bootstrap: Q refitted by moments for a forward normal, held otherwise."""
    if same_normal(estimated, q):
        errors, told = own_kl(estimated), OWN.format(n=estimated.sample.n)
        return _told(estimated, values, errors, seed, (told,))
    replicates, factor = bootstrap(estimated, seed=seed)
    pairs = []
    for r in range(len(replicates.weights)):
        f = density(replicates, r)
        g = _by_moments(f, refit) if refit is not None else q
        pairs.append((quick_divergence(f, g), quick_divergence(g, f)))
    spread = np.std(np.array(pairs), axis=0, ddof=1)
    low, high = np.quantile(np.array(pairs), [0.159, 0.841], axis=0)
    wild = spread > WILD * (high - low) / 2  # replicates of few draws may be all but singular
    errors = factor * np.where(wild, (high - low) / 2, spread)
    return _told(estimated, values, errors, seed, ())


def same_normal(estimated: Estimate, q: Density) -> bool:
    """Whether Q is the very normal that stands for P in its draws, so that what is left between them is nothing."""
    one, other = estimated.density.facts.moments, q.facts.moments
    if estimated.size > 1 or one is None or other is None or "normal" not in q.facts.family:
        return False
    scale = np.sqrt(np.diag(np.atleast_2d(one[1])))
    apart = np.abs(np.atleast_1d(one[0]) - np.atleast_1d(other[0])) / scale
    bent = np.abs(np.atleast_2d(one[1]) - np.atleast_2d(other[1])) / np.outer(scale, scale)
    return bool(max(apart.max(), bent.max()) < SAME)


def own_kl(estimated: Estimate) -> Array:
    """What a normal fitted to so many draws of a normal leaves in the mean, forward and reverse.

    With S the covariance of n draws, E[S⁻¹] = n/(n − d − 2)·C⁻¹ and E[log |S|/|C|] = Σ ψ((n − i)/2) + d·log(2/n).
    """
    x, w = points_and_weights(estimated.sample)
    sample = estimated.sample
    alone = sample.design.groups is None and sample.design.chains is None
    n, d = 1 / float((w**2).sum()) if alone else sample.effective_sample_size, x.shape[1]
    volume = float(special.digamma(np.maximum(n - np.arange(1, d + 1), 0.5) / 2).sum()) + d * np.log(2 / n)
    left = max(n - d - 2, 0.5)  # with fewer draws the mean is infinite
    return np.array([0.5 * ((n + 1) * d / left - d + volume), -0.5 * volume])


def _told(
    estimated: Estimate, values: tuple[Divergence, Divergence], errors: Array, seed: int, more: tuple[str, ...]
) -> tuple[Divergence, Divergence]:
    out = []
    for value, error in zip(values, errors, strict=True):
        out.append(
            replace(
                value,
                error=float(np.hypot(value.error, error)) if np.isfinite(value.value) else 0.0,
                error_kind="standard_error",
                method="mixture plug-in",
                seed=seed,
                status=value.status if value.status.infinite else Status.ESTIMATED,
                notes=(estimated.note, *more),
            )
        )
    return out[0], out[1]


def of_draws(estimated: Estimate | None, d: Divergence) -> Divergence:
    """A divergence told as what it is where P had to be estimated."""
    if estimated is None:
        return d
    return replace(d, status=Status.ESTIMATED, notes=(estimated.note, "its error leaves out that of the draws"))


def _by_moments(f: Density, family: Family) -> Density:
    moments = density_moments(f)
    assert moments is not None
    mean, covariance = moments
    return multivariate_normal(mean, covariance if family.full else np.diag(np.diag(covariance)))
