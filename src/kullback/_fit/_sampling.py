"""The error that comes from P being draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kullback._distribution import Density
from kullback._estimate import Estimate, bootstrap, density
from kullback._fit._target import density_moments
from kullback._result import Divergence, Status
from kullback._vocabulary import multivariate_normal
from kullback.families import Normal
from kullback.methods.mixture_plug_in import quick_divergence


def with_sampling(
    estimated: Estimate, refit: Normal | None, q: Density, values: tuple[Divergence, Divergence], seed: int
) -> tuple[Divergence, Divergence]:
    """Standard errors from the bootstrap: Q refitted by moments for a forward normal, held otherwise."""
    replicates, factor = bootstrap(estimated, seed=seed)
    pairs = []
    for r in range(len(replicates.weights)):
        f = density(replicates, r)
        g = _by_moments(f, refit) if refit is not None else q
        pairs.append((quick_divergence(f, g), quick_divergence(g, f)))
    errors = factor * np.std(np.array(pairs), axis=0, ddof=1)
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
                notes=(estimated.note,),
            )
        )
    return out[0], out[1]


def of_draws(estimated: Estimate | None, d: Divergence) -> Divergence:
    """A divergence told as what it is where P had to be estimated."""
    if estimated is None:
        return d
    return replace(d, status=Status.ESTIMATED, notes=(estimated.note, "its error leaves out that of the draws"))


def _by_moments(f: Density, family: Normal) -> Density:
    moments = density_moments(f)
    assert moments is not None
    mean, covariance = moments
    return multivariate_normal(mean, covariance if family.full else np.diag(np.diag(covariance)))
