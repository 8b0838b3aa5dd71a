"""The members that are likeliest for weighted draws of many columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from kullback._distribution import Density
from kullback._fit._search import Found, carried_on, some
from kullback._fit.space._climb import factor
from kullback._fit.space._starts import fitted_mixtures
from kullback._fit.space._target import SpaceTarget
from kullback._objectives import Forward
from kullback._result import Status
from kullback._support import Array
from kullback._vocabulary import laplace_product
from kullback.families import Base
from kullback.numerics import em
from kullback.numerics.lazy import optimize


def fit_draws(x: Array, w: Array, family: Any, target: SpaceTarget) -> tuple[Density, Status, float]:
    """The member that is likeliest for weighted draws."""
    mean = w @ x
    offset = x - mean
    covariance = (offset * w[:, None]).T @ offset
    if family.exact == "medians":
        return medians(x, w), Status.CONVERGED, 0.0
    base = Base(mean, factor(covariance))
    if not family.whitens:
        return _mixture(x, w, family, base, target), Status.CONVERGED, 0.0
    y = base.inward(x)
    keep = w > 1e-12 * w.max()
    y, w = y[keep], w[keep] / w[keep].sum()
    whole = Forward(family, y, w)
    many = len(y) > em.LARGE
    part = Forward(family, *some(y, w, em.LARGE, np.random.default_rng([target.seed, 3]))) if many else whole
    climbed = optimize.minimize(
        part, family.unit(len(mean)), jac=True, method="L-BFGS-B",
        options={"gtol": 1e-7, "ftol": 0, "maxiter": 500},
    )  # fmt: skip
    found = Found(climbed.x, float(climbed.fun), float(np.abs(climbed.jac).max()), Status.STATIONARY, "")
    found = carried_on(part, whole, found) if many else found
    status = Status.STATIONARY if found.gradient < 1e-5 else Status.NOT_STATIONARY
    return family.transport().density(found.theta, base), status, found.gradient


def medians(x: Array, w: Array) -> Density:
    """Each coordinate's weighted median, and the mean distance from it."""
    loc = []
    for column in x.T:
        order = np.argsort(column)
        total = np.cumsum(w[order])
        loc.append(column[order][np.searchsorted(total, 0.5 * total[-1])])
    centre = np.array(loc)
    return laplace_product(centre, w @ np.abs(x - centre))


def _mixture(x: Array, w: Array, family: Any, base: Base, target: SpaceTarget) -> Density:
    """EM from P's own modes where there are as many, and from centres spread over the draws; the likelier."""
    y = base.inward(x)
    k, peaks = family.normals, target.peaks
    candidates = fitted_mixtures(x, w, base, k, target.seed, 1)
    if len(peaks) >= k > 1:
        back = np.linalg.inv(base.base)
        begin = em.Mixtures(
            np.full((1, k), 1 / k),
            base.inward(np.array([p.x for p in peaks[:k]]))[None],
            np.array([back @ p.tril @ p.tril.T @ back.T for p in peaks[:k]])[None],
        )
        candidates.append(begin.pick(0))
    best, height = None, -np.inf
    for m in candidates:
        start = em.Mixtures(m.weights[None], m.means[None], m.covariances[None])
        done = em.climb_many(y, w, start, floor=1e-6 * np.eye(y.shape[1]), tolerance=1e-10, max_steps=500)
        if done.log_likelihood[0] > height:
            best, height = done.mixtures.pick(0), float(done.log_likelihood[0])
    assert best is not None
    theta = family.from_components(best.weights, best.means, best.covariances)
    return family.transport().density(theta, base)
