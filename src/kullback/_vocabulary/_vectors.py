"""Shares, counts and directions: densities on the simplex and the sphere, masses on vectors of counts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kullback._distribution import Density, Facts
from kullback._result import InputError
from kullback._support import Array, Counts, Simplex, Sphere, reals
from kullback._vocabulary._words import count, scalar, word
from kullback.numerics import bessel
from kullback.numerics.lazy import special


def _positive_vector(value: Any, name: str) -> Array:
    v = np.asarray(value, dtype=np.float64)
    if v.ndim != 1 or len(v) < 2 or not np.isfinite(v).all() or (v <= 0).any():
        raise InputError(f"{name} must be a vector of at least two positive numbers, not {value!r}")
    return v


def _shares(value: Any) -> Array:
    v = np.asarray(value, dtype=np.float64)
    if v.ndim != 1 or not np.isfinite(v).all() or (v < 0).any() or abs(v.sum() - 1) > 1e-6:
        raise InputError(f"probs must be a vector of shares that sum to 1, not {value!r}")
    return v / v.sum()


@word
def dirichlet(concentration: Any) -> Density:
    a = _positive_vector(concentration, "concentration")
    whole = float(a.sum())
    constant = float(special.gammaln(a).sum() - special.gammaln(whole))
    entropy = constant + (whole - len(a)) * special.digamma(whole) - ((a - 1) * special.digamma(a)).sum()
    mean = a / whole

    def carry(u: Array) -> Array:
        """From standard gamma variables, in logarithms where they underflow."""
        return np.asarray(special.softmax(_log_gammas(a, u), axis=1))

    facts = Facts(
        family="dirichlet",
        parameters={"concentration": a},
        moments=(mean, (np.diag(mean) - np.outer(mean, mean)) / (whole + 1)),
        entropy=float(entropy),
        sample=lambda rng, n: rng.dirichlet(a, n),
        transport=(len(a), carry),
        free=lambda: _log_ratios(a, constant),
    )
    return Density(
        lambda x: special.xlogy(a - 1, x).sum(axis=-1) - constant,
        dim=len(a),
        support=Simplex(len(a)),
        vectorized=True,
        facts=facts,
    )


def _log_gammas(a: Array, u: Array) -> Array:
    """The logarithms of standard gamma variables at the levels u, also where these underflow."""
    inside = special.gammaincinv(a, u)
    with np.errstate(divide="ignore"):
        small = (np.log(u) + special.gammaln(a + 1)) / a
        return np.where(inside > 1e-280, np.log(np.maximum(inside, 1e-300)), small)


def _log_ratios(a: Array, constant: float) -> Density:
    """log of each share of a Dirichlet variable over the last, all but that: differences of log gammas."""
    whole = float(a.sum())

    def log_prob(y: Array) -> Array:
        full = np.column_stack([y, np.zeros(len(y))])
        return np.asarray(full @ a - whole * special.logsumexp(full, axis=1) - constant)

    def ratios(logs: Array) -> Array:
        return np.asarray(logs[:, :-1] - logs[:, -1:])

    def sample(rng: np.random.Generator, n: int) -> Array:
        logs = np.log(rng.standard_gamma(a + 1, (n, len(a)))) - rng.standard_exponential((n, len(a))) / a
        return ratios(logs)

    spread = special.polygamma(1, a)
    facts = Facts(
        family="unbound dirichlet",
        moments=(special.digamma(a[:-1]) - special.digamma(a[-1]), np.diag(spread[:-1]) + spread[-1]),
        sample=sample,
        transport=(len(a), lambda u: ratios(_log_gammas(a, u))),
    )
    return Density(log_prob, dim=len(a) - 1, support=reals(len(a) - 1), vectorized=True, facts=facts)


@word
def multinomial(total_count: Any, probs: Any) -> Density:
    n, p = count(total_count, "total_count"), _shares(probs)

    def log_prob(x: Array) -> Array:
        inside = special.gammaln(n + 1) - special.gammaln(x + 1).sum(axis=-1)
        return np.asarray(inside + special.xlogy(x, p).sum(axis=-1))

    facts = Facts(
        family="multinomial",
        parameters={"total_count": float(n), "probs": p},
        moments=(n * p, n * (np.diag(p) - np.outer(p, p))),
        sample=lambda rng, size: rng.multinomial(n, p, size).astype(float),
    )
    return _counts(log_prob, len(p), n, facts)


@word
def dirichlet_multinomial(concentration: Any, total_count: Any = 1) -> Density:
    a, n = _positive_vector(concentration, "concentration"), count(total_count, "total_count")
    whole = float(a.sum())

    def log_prob(x: Array) -> Array:
        inside = special.gammaln(n + 1) - special.gammaln(x + 1).sum(axis=-1)
        rises = (special.gammaln(a + x) - special.gammaln(a)).sum(axis=-1)
        return np.asarray(inside + rises - (special.gammaln(whole + n) - special.gammaln(whole)))

    def sample(rng: np.random.Generator, size: int) -> Array:
        return np.asarray(rng.multinomial(n, rng.dirichlet(a, size)), dtype=float)

    mean = a / whole
    facts = Facts(
        family="dirichlet_multinomial",
        parameters={"concentration": a, "total_count": float(n)},
        moments=(n * mean, n * (whole + n) / (whole + 1) * (np.diag(mean) - np.outer(mean, mean))),
        sample=sample,
    )
    return _counts(log_prob, len(a), n, facts)


def _counts(log_prob: Any, size: int, total: int, facts: Facts) -> Density:
    support = Counts(size, total)

    def guarded(x: Array) -> Array:
        return np.where(support.contains(x), log_prob(np.clip(x, 0, total)), -np.inf)

    return Density(guarded, dim=size, support=support, vectorized=True, facts=facts)


def _direction(value: Any) -> Array:
    m = np.asarray(value, dtype=np.float64)
    if m.ndim != 1 or len(m) < 2 or not np.isfinite(m).all() or abs(float(m @ m) - 1) > 1e-5:
        raise InputError(f"mean_direction must be a vector of length 1 with at least two coordinates, not {value!r}")
    return np.asarray(m / math.sqrt(float(m @ m)))


def _towards(axis: Array, cosines: Array, rng: np.random.Generator) -> Array:
    """Unit vectors at those cosines from the axis, otherwise uniform."""
    side = rng.standard_normal((len(cosines), len(axis)))
    side -= np.outer(side @ axis, axis)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    return np.asarray(cosines[:, None] * axis + np.sqrt(np.maximum(1 - cosines**2, 0))[:, None] * side)


@word
def von_mises_fisher(mean_direction: Any, concentration: Any) -> Density:
    """∝ exp(concentration·mean_direction·x) on the unit sphere; concentration 0 is uniform."""
    m, k = _direction(mean_direction), scalar(concentration, "concentration")
    if k < 0:
        raise InputError(f"concentration must not be negative, not {k:g}")
    v = 0.5 * len(m) - 1
    constant = bessel.log_scaled(v, k) + (v + 1) * math.log(2 * math.pi)

    def sample(rng: np.random.Generator, n: int) -> Array:
        from scipy.stats import vonmises_fisher

        if k == 0:
            x = rng.standard_normal((n, len(m)))
            return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True))
        return np.asarray(vonmises_fisher(m, k).rvs(n, random_state=rng))

    facts = Facts(
        family="von_mises_fisher",
        parameters={"mean_direction": m, "concentration": k},
        entropy=constant + k * bessel.short_of_one(v, k) if k > 0 else constant,
        sample=sample,
    )
    return Density(
        lambda x: -0.5 * k * ((x - m) ** 2).sum(axis=-1) - constant,
        dim=len(m),
        support=Sphere(len(m)),
        vectorized=True,
        facts=facts,
    )


@word
def power_spherical(mean_direction: Any, concentration: Any) -> Density:
    """∝ (1 + mean_direction·x)^concentration on the unit sphere (De Cao and Aziz 2020, arXiv 2006.04437)."""
    m, k = _direction(mean_direction), scalar(concentration, "concentration")
    if k < 0:
        raise InputError(f"concentration must not be negative, not {k:g}")
    b = 0.5 * (len(m) - 1)
    a = b + k
    constant = (a + b) * math.log(2) + b * math.log(math.pi) + float(special.gammaln(a) - special.gammaln(a + b))
    log_mean = math.log(2) + float(special.digamma(a) - special.digamma(a + b))
    facts = Facts(
        family="power_spherical",
        parameters={"mean_direction": m, "concentration": k},
        entropy=constant - k * log_mean,
        sample=lambda rng, n: _towards(m, 2 * rng.beta(a, b, n) - 1, rng),
    )
    return Density(
        lambda x: special.xlog1py(k, np.maximum(x @ m, -1.0)) - constant,
        dim=len(m),
        support=Sphere(len(m)),
        vectorized=True,
        facts=facts,
    )
