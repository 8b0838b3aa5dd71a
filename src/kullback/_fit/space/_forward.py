"""min KL(P‖Q) from weighted draws of P: moments, medians, EM, or maximum likelihood."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from kullback._distribution import Density
from kullback._estimate import points_and_weights
from kullback._fit._forward import some
from kullback._fit._search import Found, carried_on
from kullback._fit.space._climb import factor
from kullback._fit.space._cloud import Cloud, larger
from kullback._fit.space._members import Base, identity, member_of
from kullback._fit.space._optimum import Optimum
from kullback._fit.space._shrink import held_towards
from kullback._fit.space._starts import fitted_mixtures
from kullback._fit.space._target import SpaceTarget
from kullback._objectives import forward
from kullback._result import InputError, Status
from kullback._support import Array
from kullback._vocabulary import laplace_product, multivariate_normal
from kullback.families import Laplace, Mixture, Normal
from kullback.numerics import em
from kullback.numerics.lazy import optimize

TARGET = 0.01  # of P's spread: the error of the mean and of log sd
VAGUE = 0.1  # of P's spread: with more the moments are not known
EACH, ENOUGH = 50, 8_000  # effective draws for each parameter of a mixture, and at most
KNOWN = 0.7  # k̂ of the second moments' terms above which they are not known
DOUBT = 0.2  # nats between two ways to log Z, above which parts of P may be missing from the draws


def fit_forward(target: SpaceTarget, family: Any) -> Optimum:
    """The optimum, its value a cross-entropy less log Z."""
    if isinstance(family, Normal) and target.power <= 2:
        raise InputError(
            f"P = {target.name} has no finite variance (its tails have power {target.power:.3g}), so KL(P‖Q) is "
            "infinite for every normal Q. Fit student_t, or use direction='reverse'."
        )
    if target.sample is not None:
        return _of_sample(target, family)
    stated = target.density.facts.moments
    if isinstance(family, Normal) and stated is not None and np.isfinite(stated[1]).all():
        return _stated(target, family, np.asarray(stated[0]), np.asarray(stated[1]))
    cloud = _enough(target, min(EACH * family.size(target.dim), ENOUGH) if isinstance(family, Mixture) else 0)
    mean, covariance, error = cloud.moments()
    share = 0.0
    if isinstance(family, Normal):
        mean, covariance, share = held_towards(cloud, target.guide, mean, covariance, family)
        density = multivariate_normal(mean, covariance if family.full else np.diag(np.diag(covariance)))
        known = error <= VAGUE and cloud.moment_k <= KNOWN and cloud.doubt <= DOUBT
        status, gradient = Status.CONVERGED if known else Status.TOLERANCE_MISSED, 0.0
    else:
        density, status, gradient = fit_draws(cloud.x, cloud.weights, family, target)
    value = float(-cloud.weights @ density._log_prob(cloud.x))
    base = Base(np.zeros(target.dim), np.eye(target.dim))
    start = "moments" if share == 0 else f"moments, {share:.0%} of the reverse fit's among them, as held-out draws want"
    return Optimum(np.zeros(0), base, value, gradient, error, len(cloud.x), status, start, density)


def _of_sample(target: SpaceTarget, family: Any) -> Optimum:
    """Maximum likelihood on the draws themselves; exact for a normal and a Laplace."""
    assert target.sample is not None
    x, w = points_and_weights(target.sample)
    if isinstance(family, Mixture) and 2 * family.count > len(x):
        raise InputError(f"{family} needs more than {2 * family.count} draws; P has {len(x)}")
    if isinstance(family, Normal):
        mean = w @ x
        mean, covariance = target.stated or (mean, ((x - mean) * w[:, None]).T @ (x - mean))
        optimum = _stated(target, family, mean, covariance)
        return replace(optimum, start="moments")
    density, status, gradient = fit_draws(x, w, family, target)
    status = Status.EXACT if isinstance(family, Laplace) else status
    base = Base(np.zeros(target.dim), np.eye(target.dim))
    return Optimum(np.zeros(0), base, 0.0, gradient, 0.0, len(x), status, "draws", density)


def _stated(target: SpaceTarget, family: Normal, mean: Array, covariance: Array) -> Optimum:
    """P states its moments: they are the normal's."""
    density = multivariate_normal(mean, covariance if family.full else np.diag(np.diag(covariance)))
    base = Base(np.zeros(target.dim), np.eye(target.dim))
    return Optimum(np.zeros(0), base, 0.0, 0.0, 0.0, 0, Status.EXACT, "moments", density)


def _enough(target: SpaceTarget, least: int = 0) -> Cloud:
    """Draws until mean and spread are known to TARGET and at least so many count, or their number ends."""
    cloud = target.own_cloud
    while cloud.moments()[2] > TARGET or cloud.effective < least:
        more = larger(target.oracle, cloud, [target.seed, 0])
        if more is None:
            break
        cloud = more
        target.say(f"forward: {len(cloud.x)} draws, the moments are known to {cloud.moments()[2]:.2g} of P's spread")
    return cloud


def fit_draws(x: Array, w: Array, family: Any, target: SpaceTarget) -> tuple[Density, Status, float]:
    """The member that is likeliest for weighted draws."""
    mean = w @ x
    offset = x - mean
    covariance = (offset * w[:, None]).T @ offset
    if isinstance(family, Laplace):
        return _laplace(x, w), Status.CONVERGED, 0.0
    base = Base(mean, factor(covariance))
    if isinstance(family, Mixture):
        return _mixture(x, w, family, base, target), Status.CONVERGED, 0.0
    y = base.inward(x)
    keep = w > 1e-12 * w.max()
    y, w = y[keep], w[keep] / w[keep].sum()
    whole = forward(family, y, w)
    many = len(y) > em.LARGE
    part = forward(family, *some(y, w, em.LARGE, np.random.default_rng([target.seed, 3]))) if many else whole
    climbed = optimize.minimize(
        part, identity(family, len(mean)), jac=True, method="L-BFGS-B",
        options={"gtol": 1e-7, "ftol": 0, "maxiter": 500},
    )  # fmt: skip
    found = Found(climbed.x, float(climbed.fun), float(np.abs(climbed.jac).max()), Status.STATIONARY, "")
    found = carried_on(part, whole, found) if many else found
    status = Status.STATIONARY if found.gradient < 1e-5 else Status.NOT_STATIONARY
    return member_of(family).density(found.theta, base), status, found.gradient


def _laplace(x: Array, w: Array) -> Density:
    """Each coordinate's weighted median, and the mean distance from it."""
    loc = []
    for column in x.T:
        order = np.argsort(column)
        total = np.cumsum(w[order])
        loc.append(column[order][np.searchsorted(total, 0.5 * total[-1])])
    centre = np.array(loc)
    return laplace_product(centre, w @ np.abs(x - centre))


def _mixture(x: Array, w: Array, family: Mixture, base: Base, target: SpaceTarget) -> Density:
    """EM from P's own modes where there are as many, and from centres spread over the draws; the likelier."""
    y = base.inward(x)
    k, peaks = family.count, target.peaks
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
    return member_of(family).density(theta, base)
