"""Eight public posteriors (stan-dev/posteriordb, BSD-3-Clause) as log densities on the unconstrained scale, in JAX.

The data and the moments of 10,000 reference draws stand in data/*.json, with each model in words.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.scipy import stats

import kullback as kl

NAMES = ("arK", "arma", "eight_schools", "gp_regr", "kid_momiq", "mesquite_logvolume", "nes1972", "sblrc")


class Posterior(NamedTuple):
    log_prob: Callable[[Any], Any]
    dim: int
    mean: np.ndarray
    sd: np.ndarray

    @property
    def density(self) -> kl.Density:
        return kl.Density(self.log_prob, dim=self.dim, normalized=False)


def half_cauchy(log_scale: Any, width: float) -> Any:
    """The log density of log s where s is half-Cauchy, up to a constant."""
    return -jnp.log1p((jnp.exp(log_scale) / width) ** 2) + log_scale


def normal(x: Any, loc: Any, scale: Any) -> Any:
    return stats.norm.logpdf(x, loc, scale).sum()


@cache
def posterior(name: str) -> Posterior:
    found = json.loads((Path(__file__).parent / "data" / f"{name}.json").read_text())
    data = {k: np.asarray(v, dtype=float) if isinstance(v, list) else v for k, v in found["data"].items()}
    reference = found["reference"]
    return Posterior(MODELS[name](data), found["dim"], np.array(reference["mean"]), np.array(reference["sd"]))


def _ark(d: dict[str, Any]) -> Callable[[Any], Any]:
    y, k = d["y"], d["K"]
    lags = np.column_stack([y[k - 1 - j : len(y) - 1 - j] for j in range(k)])

    def log_prob(u: Any) -> Any:
        scale = jnp.exp(u[-1])
        prior = normal(u[:-1], 0.0, 10.0) + half_cauchy(u[-1], 2.5)
        return prior + normal(y[k:], u[0] + lags @ u[1:-1], scale)

    return log_prob


def _arma(d: dict[str, Any]) -> Callable[[Any], Any]:
    import jax

    y = d["y"]

    def log_prob(u: Any) -> Any:
        mu, phi, theta, log_scale = u
        first = y[0] - (mu + phi * mu)

        def step(previous: Any, pair: Any) -> Any:
            error = pair[1] - (mu + phi * pair[0] + theta * previous)
            return error, error

        _, rest = jax.lax.scan(step, first, np.column_stack([y[:-1], y[1:]]))
        errors = jnp.concatenate([first[None], rest])
        prior = normal(mu, 0.0, 10.0) + normal(jnp.stack([phi, theta]), 0.0, 2.0) + half_cauchy(log_scale, 2.5)
        return prior + normal(errors, 0.0, jnp.exp(log_scale))

    return log_prob


def _eight_schools(d: dict[str, Any]) -> Callable[[Any], Any]:
    y, sigma = d["y"], d["sigma"]

    def log_prob(u: Any) -> Any:
        theta, mu, log_tau = u[:8], u[8], u[9]
        prior = normal(theta, 0.0, 1.0) + normal(mu, 0.0, 5.0) + half_cauchy(log_tau, 5.0)
        return prior + normal(y, mu + jnp.exp(log_tau) * theta, sigma)

    return log_prob


def _gp_regr(d: dict[str, Any]) -> Callable[[Any], Any]:
    x, y = d["x"], d["y"]
    squared = (x[:, None] - x[None]) ** 2

    def log_prob(u: Any) -> Any:
        rho, alpha, sigma = jnp.exp(u)
        prior = stats.gamma.logpdf(rho, 25.0, scale=0.25) - alpha**2 / 8 - sigma**2 / 2 + u.sum()
        covariance = alpha**2 * jnp.exp(-squared / (2 * rho**2)) + sigma * jnp.eye(len(x))
        return prior + stats.multivariate_normal.logpdf(y, jnp.zeros(len(x)), covariance)

    return log_prob


def _regression(design: np.ndarray, y: np.ndarray, prior: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    def log_prob(u: Any) -> Any:
        return prior(u[:-1], u[-1]) + normal(y, design @ u[:-1], jnp.exp(u[-1]))

    return log_prob


def _kid(d: dict[str, Any]) -> Callable[[Any], Any]:
    design = np.column_stack([np.ones(len(d["mom_iq"])), d["mom_iq"]])
    return _regression(design, d["kid_score"], lambda b, s: half_cauchy(s, 2.5))


def _mesquite(d: dict[str, Any]) -> Callable[[Any], Any]:
    volume = d["diam1"] * d["diam2"] * d["canopy_height"]
    design = np.column_stack([np.ones(len(volume)), np.log(volume)])
    return _regression(design, np.log(d["weight"]), lambda b, s: s)


def _nes(d: dict[str, Any]) -> Callable[[Any], Any]:
    age = d["age_discrete"]
    columns = [np.ones(len(age)), d["real_ideo"], d["race_adj"], age == 2, age == 3, age == 4]
    design = np.column_stack([*columns, d["educ1"], d["gender"], d["income"]]).astype(float)
    return _regression(design, d["partyid7"], lambda b, s: s)


def _sblrc(d: dict[str, Any]) -> Callable[[Any], Any]:
    return _regression(d["X"], d["y"], lambda b, s: normal(b, 0.0, 10.0) - jnp.exp(2 * s) / 200 + s)


MODELS: dict[str, Callable[[dict[str, Any]], Callable[[Any], Any]]] = {
    "arK": _ark,
    "arma": _arma,
    "eight_schools": _eight_schools,
    "gp_regr": _gp_regr,
    "kid_momiq": _kid,
    "mesquite_logvolume": _mesquite,
    "nes1972": _nes,
    "sblrc": _sblrc,
}
