"""Targets of fits in many dimensions, in JAX."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import kullback as kl

WELL_LOG_Z = 164.695675  # 16 (log 11784.509265 + ½ log 2π)


def density(f: Any, dim: int, **options: Any) -> kl.Density:
    return kl.Density(f, dim=dim, normalized=False, **options)


def sds(fit: kl.Fit) -> np.ndarray:
    return np.sqrt(np.diag(fit.q.parameters["covariance_matrix"]))


def funnel(x: Any) -> Any:
    return jax.scipy.stats.norm.logpdf(x[0], 0, 3) + jax.scipy.stats.norm.logpdf(x[1:], 0, jnp.exp(x[0] / 2)).sum()


def turned_funnel(x: Any) -> Any:
    """The funnel in coordinates of which none is the one that all spreads follow."""
    dim = x.shape[-1]
    return funnel(jnp.asarray(np.linalg.qr(np.random.default_rng(4).standard_normal((dim, dim)))[0]) @ x)


def many_well(x: Any) -> Any:
    return jnp.sum(-(x[::2] ** 4) + 6 * x[::2] ** 2 + x[::2] / 2) - 0.5 * jnp.sum(x[1::2] ** 2)


def seven_points(u: Any) -> Any:
    """pymc issue 2162."""
    x = jnp.array([1.17, 2.97, 3.26, 4.69, 5.83, 6, 6.41])
    y = jnp.array([78.93, 58.2, 67.47, 37.47, 45.65, 32.92, 29.97])
    a, b, s = u
    prior = -0.5 * (a**2 + b**2) / 100**2 - jnp.log1p((jnp.exp(s) / 5) ** 2) + s
    return prior - 7 * s - 0.5 * jnp.sum((y - a - b * x) ** 2) * jnp.exp(-2 * s)


def skewed(x: Any) -> Any:
    """A normal in four dimensions with a shoulder: of known integral ½."""
    return jax.scipy.stats.norm.logpdf(x).sum() + jax.scipy.special.log_ndtr(4 * x[0] + x[1] - x[2])


def two_humps(x: Any) -> Any:
    """0.3 N(0, I) + 0.7 N(3·1, I/4) in four dimensions."""
    first = jnp.log(0.3) + jax.scipy.stats.norm.logpdf(x).sum()
    return jnp.logaddexp(first, jnp.log(0.7) + jax.scipy.stats.norm.logpdf(x, 3.0, 0.5).sum())
