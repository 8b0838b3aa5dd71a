"""A hundred targets whose log Z is known and which can be drawn from exactly: how far can stated errors be relied on?

Dirichlets in logits, gammas and betas carried to the reals and turned, skew normals, Student-t's, hierarchies with the
logarithm of a scale among their coordinates (log Z by quadrature over it), bananas, mixtures; in 2 to 12 dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.scipy import special as jsp
from scipy import special, stats

Array = np.ndarray


class Known(NamedTuple):
    name: str
    dim: int
    log_prob: Callable[[Any], Any]
    log_z: float
    draw: Callable[[np.random.Generator, int], Array]


def dirichlet(alpha: Array) -> Known:
    """log(θᵢ/θ_K); log Z = Σ log Γ(αᵢ) − log Γ(Σα)."""
    total = alpha.sum()

    def log_prob(x: Any) -> Any:
        return alpha[:-1] @ x - total * jnp.logaddexp(jsp.logsumexp(x), 0.0)

    def draw(rng: np.random.Generator, n: int) -> Array:
        # log of gamma(α) variables by gamma(α+1)·u^(1/α), which small α do not underflow
        g = np.log(rng.gamma(alpha + 1, size=(n, len(alpha)))) + np.log(rng.random((n, len(alpha)))) / alpha
        return g[:, :-1] - g[:, -1:]

    log_z = float(special.gammaln(alpha).sum() - special.gammaln(total))
    return Known(f"dirichlet {np.round(alpha, 2)}", len(alpha) - 1, log_prob, log_z, draw)


def turned(name: str, side: Known, dim: int, rng: np.random.Generator) -> Known:
    """`dim` independent copies of a target on the line, through a matrix: log Z = dim·log Z₁ + log |det|."""
    a = np.linalg.qr(rng.standard_normal((dim, dim)))[0] * np.exp(rng.normal(0, 1, dim))[:, None]
    back = np.linalg.inv(a)

    def log_prob(x: Any) -> Any:
        return side.log_prob(back @ x).sum()

    def draw(rng: np.random.Generator, n: int) -> Array:
        return side.draw(rng, n * dim).reshape(n, dim) @ a.T

    log_z = dim * side.log_z + float(np.linalg.slogdet(a)[1])
    return Known(name, dim, log_prob, log_z, draw)


def log_gamma(a: float) -> Known:
    """log of a gamma(a) variable; log Z = log Γ(a)."""
    return Known(
        "", 1, lambda y: a * y - jnp.exp(y), float(special.gammaln(a)), lambda rng, n: np.log(rng.gamma(a, size=n))
    )


def logit_beta(a: float, b: float) -> Known:
    """logit of a beta(a, b) variable; log Z = log B(a, b)."""
    return Known(
        "",
        1,
        lambda y: a * y - (a + b) * jnp.logaddexp(y, 0.0),
        float(special.betaln(a, b)),
        lambda rng, n: special.logit(rng.beta(a, b, size=n)),
    )


def skew_normal(slant: Array, rng: np.random.Generator) -> Known:
    """2·φ(z)·Φ(slant·z) in coordinates x = A·z; log Z = log |det A| (Azzalini and Dalla Valle 1996)."""
    dim = len(slant)
    a = rng.standard_normal((dim, dim)) + 2 * np.eye(dim)
    back = np.linalg.inv(a)

    def log_prob(x: Any) -> Any:
        z = back @ x
        return math.log(2) - 0.5 * z @ z - 0.5 * dim * math.log(2 * math.pi) + jsp.log_ndtr(slant @ z)

    def draw(rng: np.random.Generator, n: int) -> Array:
        z = rng.standard_normal((n, dim))
        return np.where((rng.standard_normal(n) < z @ slant)[:, None], z, -z) @ a.T

    return Known(f"skew normal {dim}", dim, log_prob, float(np.linalg.slogdet(a)[1]), draw)


def student(df: float, dim: int, rng: np.random.Generator) -> Known:
    a = rng.standard_normal((dim, dim)) + 2 * np.eye(dim)
    back = np.linalg.inv(a)

    def log_prob(x: Any) -> Any:
        z = back @ x
        return -0.5 * (df + dim) * jnp.log1p(z @ z / df)

    def draw(rng: np.random.Generator, n: int) -> Array:
        return (rng.standard_normal((n, dim)) / np.sqrt(rng.chisquare(df, n) / df)[:, None]) @ a.T

    log_z = special.gammaln(df / 2) - special.gammaln((df + dim) / 2) + 0.5 * dim * math.log(df * math.pi)
    return Known(f"student_t({df}) {dim}", dim, log_prob, float(log_z + np.linalg.slogdet(a)[1]), draw)


def banana(dim: int, bend: float) -> Known:
    """A normal with its second coordinate bent by the square of the first: log Z is that of the normal."""

    def log_prob(x: Any) -> Any:
        y = x.at[1].add(-bend * (x[0] ** 2 - 1))
        return -0.5 * y @ y

    def draw(rng: np.random.Generator, n: int) -> Array:
        y = rng.standard_normal((n, dim))
        y[:, 1] += bend * (y[:, 0] ** 2 - 1)
        return y

    return Known(f"banana {dim} {bend}", dim, log_prob, 0.5 * dim * math.log(2 * math.pi), draw)


def mixture(count: int, dim: int, apart: float, rng: np.random.Generator) -> Known:
    """Normals with weights, places and spreads of their own: log Z = 0."""
    weights = rng.dirichlet(np.full(count, 3.0))
    means = apart * rng.standard_normal((count, dim)) / math.sqrt(dim) * 2
    spread = stats.wishart(dim + 3, np.eye(dim) / dim)
    trils = np.array([np.linalg.cholesky(spread.rvs(random_state=rng).reshape(dim, dim)) for _ in range(count)])
    backs = np.linalg.inv(trils)
    logs = np.log(weights) - np.array([np.log(np.diag(t)).sum() for t in trils]) - 0.5 * dim * math.log(2 * math.pi)

    def log_prob(x: Any) -> Any:
        z = jnp.einsum("kij,kj->ki", backs, x - means)
        return jsp.logsumexp(logs - 0.5 * (z**2).sum(1))

    def draw(rng: np.random.Generator, n: int) -> Array:
        k = rng.choice(count, size=n, p=weights)
        return means[k] + np.einsum("nij,nj->ni", trils[k], rng.standard_normal((n, dim)))

    return Known(f"mixture of {count} in {dim}", dim, log_prob, 0.0, draw)


def hierarchy(y: Array | None, count: int, width: float, centred: bool) -> Known:
    """xᵢ ~ N(0, τ), yᵢ ~ N(xᵢ, 1), τ half-normal, in (x or x/τ, log τ); log Z by quadrature over log τ."""
    grid = np.linspace(math.log(width) - 24, math.log(width) + 2.3, 40_001)
    tau = np.exp(grid)
    log_t = math.log(2) + stats.norm.logpdf(tau, 0, width) + grid
    if y is not None:
        variance = 1 + tau**2
        log_t = log_t - 0.5 * count * np.log(2 * np.pi * variance) - 0.5 * (y @ y) / variance
    top = log_t.max()
    log_z = float(top + np.log(np.trapezoid(np.exp(log_t - top), grid)))

    def log_prob(u: Any) -> Any:
        t = jnp.exp(u[-1])
        x = u[:-1] if centred else t * u[:-1]
        prior = math.log(2 / width) - 0.5 * math.log(2 * math.pi) - 0.5 * (t / width) ** 2 + u[-1]
        spread = u[-1] if centred else 0.0
        z = u[:-1] / t if centred else u[:-1]
        prior = prior - 0.5 * z @ z - count * (spread + 0.5 * math.log(2 * math.pi))
        return prior if y is None else prior - 0.5 * ((y - x) ** 2).sum() - 0.5 * count * math.log(2 * math.pi)

    def draw(rng: np.random.Generator, n: int) -> Array:
        w = np.exp(log_t - top)
        total = np.cumsum(0.5 * (w[1:] + w[:-1]))
        log_tau = np.interp(rng.random(n), np.concatenate([[0], total / total[-1]]), grid)
        t = np.exp(log_tau)[:, None]
        e = rng.standard_normal((n, count))
        if y is None:
            x = t * e
        else:
            share = t**2 / (1 + t**2)
            x = share * y + np.sqrt(share) * e
        return np.column_stack([x if centred else x / t, log_tau])

    kind = f"{'centred' if centred else 'free'} hierarchy of {count}{'' if y is None else ', data'}"
    return Known(kind, count + 1, log_prob, log_z, draw)


def targets() -> Iterator[Known]:
    rng = np.random.default_rng(2024)
    for k in (3, 4, 5, 6, 8, 10, 13):
        for low, high in ((0.3, 2.0), (0.8, 5.0), (2.0, 20.0)):
            yield dirichlet(np.round(rng.uniform(low, high, k), 3))
    for dim in (2, 3, 5, 7, 9, 12):
        for a in (0.4, 1.0, 3.0):
            yield turned(f"gamma({a}) turned in {dim}", log_gamma(a), dim, rng)
    for dim in (3, 6, 10):
        for a, b in ((0.5, 0.5), (0.7, 4.0)):
            yield turned(f"beta({a}, {b}) turned in {dim}", logit_beta(a, b), dim, rng)
    for dim in (2, 3, 5, 8, 12):
        for size in (2.0, 5.0, 15.0):
            yield skew_normal(size * rng.standard_normal(dim) / math.sqrt(dim), rng)
    for df in (3.0, 5.0, 10.0):
        for dim in (2, 4, 7, 11):
            yield student(df, dim, rng)
    for dim in (2, 4, 8):
        for bend in (0.3, 1.0):
            yield banana(dim, bend)
    for count in (2, 3, 5):
        for dim in (2, 4, 7):
            yield mixture(count, dim, 2.0, rng)
    for count in (2, 4, 7, 11):
        yield hierarchy(None, count, 1.0, True)
        yield hierarchy(2.0 * rng.standard_normal(count), count, 2.0, True)
        yield hierarchy(2.0 * rng.standard_normal(count), count, 2.0, False)
