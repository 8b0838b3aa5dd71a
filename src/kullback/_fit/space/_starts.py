"""Where reverse searches begin: each mode with its curvature, all modes as one, and what the caller gave."""

from __future__ import annotations

from typing import Any

import numpy as np

from kullback._distribution import Density
from kullback._fit.space._climb import Peak, as_one, factor
from kullback._fit.space._cloud import LEARN, Cloud, laplace_masses
from kullback._format import vector
from kullback._support import Array
from kullback.families import Base
from kullback.numerics import em

SEVERAL = 6  # modes that get a search of their own

Start = tuple[str, Base, Array]


def mode_starts(peaks: list[Peak], family: Any) -> list[Start]:
    """The heaviest modes, and all of them together."""
    found: list[Start] = []
    dim = len(peaks[0].x)
    masses = laplace_masses(peaks)
    for i in np.argsort(-masses, kind="stable")[:SEVERAL]:
        base = _base(peaks[i].x, peaks[i].tril, family)
        found.append((f"mode at {vector(peaks[i].x)}", base, family.unit(dim)))
    if len(peaks) > 1:
        mean, covariance = as_one(peaks, masses)
        found.append(("all modes together", _base(mean, factor(covariance), family), family.unit(dim)))
    return found


def _base(centre: Array, tril: Array, family: Any) -> Base:
    if not family.full:
        back = np.linalg.inv(tril)
        return Base(centre, np.diag(1 / np.sqrt((back**2).sum(axis=0))))
    return Base(centre, tril)


def given_start(q: Density, family: Any) -> Start:
    """A member that the caller gave, from its own place and factor."""
    dim = q.dim
    if not family.whitens:
        parts = q.facts.components or ((1.0, q),)
        mean, covariance = _moments(q)
        base = Base(mean, factor(covariance))
        means = np.array([base.inward(_moments(p)[0][None])[0] for _, p in parts])
        back = np.linalg.inv(base.base)
        inner = np.array([back @ _moments(p)[1] @ back.T for _, p in parts])
        return "given", base, family.from_components(np.array([w for w, _ in parts]), means, inner)
    a = q.parameters
    if "df" in a:
        tril = np.atleast_2d(a["scale_tril"] if "scale_tril" in a else a["scale"])
        theta = family.unit(dim)
        theta[2 * dim + dim * (dim - 1) // 2 :] = np.log(a["df"])  # where it is free
        return "given", Base(np.atleast_1d(a["loc"]), tril), theta
    mean, covariance = _moments(q)
    if not family.full:
        return "given", Base(mean, np.diag(np.sqrt(np.diag(covariance)))), family.unit(dim)
    return "given", Base(mean, factor(covariance)), family.unit(dim)


def _moments(q: Density) -> tuple[Array, Array]:
    assert q.facts.moments is not None
    return np.atleast_1d(q.facts.moments[0]), np.atleast_2d(q.facts.moments[1])


def mixture_starts(peaks: list[Peak], cloud: Cloud, family: Any, seed: int) -> list[Start]:
    """The heaviest modes, and what EM makes of weighted draws."""
    mean, covariance, _ = cloud.moments()
    base = Base(mean, factor(covariance))
    back = np.linalg.inv(base.base)
    found: list[Start] = []
    k = family.normals
    masses = laplace_masses(peaks)
    if len(peaks) >= k:
        chosen = np.argsort(-masses, kind="stable")[:k]
        means = base.inward(np.array([peaks[i].x for i in chosen]))
        inner = [back @ peaks[i].tril @ peaks[i].tril.T @ back.T for i in chosen]
        theta = family.from_components(masses[chosen] / masses[chosen].sum(), means, np.array(inner))
        found.append((f"the {k} heaviest modes", base, theta))
    few, even = cloud.resampled(LEARN), np.full(LEARN, 1 / LEARN)
    for r, m in enumerate(fitted_mixtures(few, even, base, k, seed, 1 if len(peaks) >= k else 3)):
        found.append((f"EM {r + 1}", base, family.from_components(m.weights, m.means, m.covariances)))
    return found


def fitted_mixtures(x: Array, w: Array, base: Base, k: int, seed: int, count: int) -> list[em.Mixtures]:
    """The best of several climbs of EM on weighted draws, in the coordinates of `base`, the highest first."""
    rng = np.random.default_rng([seed, 33])
    if len(x) > em.LARGE:
        some = np.sort(rng.choice(len(x), em.LARGE, replace=False))
        x, w = x[some], w[some] / w[some].sum()
    y = base.inward(x)
    tries = 1 if k == 1 else 4 * count
    begin = em.spread_starts(y, w, k, rng, tries)
    rows = np.repeat(w[None], tries, axis=0)
    climbed = em.climb(y, rows, begin, floor=1e-6 * np.eye(y.shape[1]), tolerance=1e-7, max_steps=200)
    order = np.argsort(-climbed.log_likelihood, kind="stable")[:count]
    return [climbed.mixtures.pick(int(r)) for r in order]
