"""Densities known up to a constant, in more dimensions than quadrature serves, and those that no sampler knows.

Truths are those of normals, of gammas, and of conjugate models. Values are held to 4.5 standard errors, which must be
small.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from scipy import special

import kullback as kl
from kullback._support import Box, Interval


def normal(d: int) -> tuple[Any, Any]:
    r = np.random.default_rng(d)
    half = r.normal(size=(d, d)) / math.sqrt(d)
    return np.arange(d) / d, half @ half.T + 0.5 * np.eye(d)


def text(mean: Any, covariance: Any) -> str:
    return f"multivariate_normal({np.asarray(mean).tolist()}, {np.asarray(covariance).tolist()})"


def known(mean: Any, covariance: Any, other: Any, wide: Any) -> float:
    """½[tr(S₂⁻¹S₁) + δᵀS₂⁻¹δ − d + log|S₂|/|S₁|]."""
    inverse, delta = np.linalg.inv(wide), np.asarray(mean) - np.asarray(other)
    volume = np.linalg.slogdet(wide)[1] - np.linalg.slogdet(covariance)[1]
    return 0.5 * float(np.trace(inverse @ covariance) + delta @ inverse @ delta - len(delta) + volume)


def holds(found: kl.Divergence, truth: float, most: float) -> None:
    assert found.method == "weighted draws"
    assert abs(found.value - truth) < 4.5 * found.error, (found, truth)
    assert found.error < most


def unnormalised(mean: Any, covariance: Any, constant: float = 3.7) -> kl.Density:
    jnp = pytest.importorskip("jax.numpy")
    inverse = np.linalg.inv(covariance)
    return kl.Density(
        lambda x: constant - 0.5 * jnp.dot(x - mean, jnp.dot(inverse, x - mean)), dim=len(mean), normalized=False
    )


@pytest.mark.parametrize("d", [4, 6, pytest.param(27, marks=pytest.mark.slow)])
def test_an_unnormalised_density_both_ways(d: int) -> None:
    mean, covariance = normal(d)
    p, q = unnormalised(mean, covariance), text(np.zeros(d), 4 * np.eye(d))
    there = known(mean, covariance, np.zeros(d), 4 * np.eye(d))
    back = known(np.zeros(d), 4 * np.eye(d), mean, covariance)
    forward = kl.divergence(p, q)
    holds(forward, there, 0.03)
    holds(kl.divergence(p, q, direction="reverse"), back, 0.05)
    holds(kl.divergence(q, p), back, 0.05)
    assert forward.status is kl.Status.OK
    log_z = 3.7 + 0.5 * (d * math.log(2 * math.pi) + np.linalg.slogdet(covariance)[1])
    told = re.fullmatch(r"log Z of P = (\S+) ± (\S+)", forward.notes[0])
    assert told is not None
    assert abs(float(told[1]) - log_z) < 5.5 * float(told[2]) < 0.05  # both are rounded
    assert kl.plan(p, q).method == "weighted draws"
    moved = unnormalised(mean, covariance, -50.0)
    assert kl.divergence(moved, q).value == pytest.approx(forward.value, abs=1e-6)


def test_two_unnormalised_densities_and_a_tolerance() -> None:
    (mean, covariance), wide = normal(5), 2 * np.eye(5)
    p, q = unnormalised(mean, covariance), unnormalised(np.zeros(5), wide, -8.0)
    found = kl.divergence(p, q)
    holds(found, known(mean, covariance, np.zeros(5), wide), 0.03)
    assert [note[:10] for note in found.notes] == ["log Z of P", "log Z of Q"]
    assert kl.divergence(p, q, tolerance=1e-9).status is kl.Status.TOLERANCE_MISSED
    assert kl.divergence(p, q, tolerance=1.0).status is kl.Status.OK


def test_a_posterior_from_its_prior() -> None:
    """b ~ N(0, 4), y ~ N(b, 1): the posterior is N(0.8·y, 0.8)."""
    numpyro = pytest.importorskip("numpyro")
    dist = numpyro.distributions

    def model(y: Any = None) -> None:
        b = numpyro.sample("b", dist.Normal(np.zeros(5), 2.0).to_event(1))
        numpyro.sample("y", dist.Normal(b, 1.0).to_event(1), obs=y)

    def prior() -> None:
        numpyro.sample("b", dist.Normal(np.zeros(5), 2.0).to_event(1))

    y = np.array([1.0, 2, -1, 0, 3])
    posterior = kl.from_model(model, y)
    truth = known(0.8 * y, 0.8 * np.eye(5), np.zeros(5), 4 * np.eye(5))
    holds(kl.divergence(posterior, kl.from_model(prior)), truth, 0.03)
    holds(kl.divergence(posterior, text(np.zeros(5), 4 * np.eye(5))), truth, 0.03)


def test_a_density_on_a_part_of_space() -> None:
    """Gamma(3, 3) from Gamma(2, 2) four times: ψ(3) − log Γ(3) + 2·log(3/2) − 1 each."""
    jnp = pytest.importorskip("jax.numpy")
    box = Box((Interval(0.0, math.inf),) * 4)
    p = kl.Density(lambda x: jnp.sum(2 * jnp.log(x) - 3 * x), normalized=False, dim=4, support=box)
    q = kl.Density(lambda x: jnp.sum(jnp.log(x) - 2 * x), normalized=False, dim=4, support=box)
    truth = 4 * float(special.digamma(3) - special.gammaln(3) + 2 * math.log(1.5) - 1)
    holds(kl.divergence(p, q), truth, 0.03)
    gap = kl.divergence(text(np.ones(4), np.eye(4)), p)
    assert gap.value == math.inf
    assert gap.status is kl.Status.SUPPORT_GAP


def test_a_normalised_density_without_a_sampler_is_held_to_its_claim() -> None:
    jnp = pytest.importorskip("jax.numpy")
    q = text(np.ones(4), np.eye(4))
    p = kl.Density(lambda x: -0.5 * jnp.sum(x**2) - 2 * math.log(2 * math.pi), dim=4)
    holds(kl.divergence(p, q), 2.0, 0.03)
    with pytest.raises(kl.InputError, match=r"P integrates to 39\.\d+ where it was found"):
        kl.divergence(kl.Density(lambda x: -0.5 * jnp.sum(x**2), dim=4), q)
    endless = kl.Density(lambda x: 0.0 * jnp.sum(x), dim=4, normalized=False)
    with pytest.raises(kl.InputError, match=r"^Q: log_prob rises without end"):
        kl.divergence(q, endless)
    draws = kl.Sample(np.random.default_rng(0).normal(size=(50, 4)))
    assert "P is a Sample" in str(kl.plan(draws, q).reasons["weighted draws"])
    assert "known up to a constant" in str(kl.plan(q, q).reasons["weighted draws"])


def test_where_quadrature_serves_it_is_left_to_it_but_for_the_asking() -> None:
    """N(0, 2) from N(0, 1) three times: ½(1 − log 2) each."""
    p = unnormalised(np.zeros(3), 2 * np.eye(3))
    assert kl.divergence(p, text(np.zeros(3), np.eye(3))).method == "quadrature"
    holds(kl.divergence(p, text(np.zeros(3), np.eye(3)), method="weighted draws"), 1.5 * (1 - math.log(2)), 0.03)


@pytest.mark.slow
def test_errors_of_weighted_draws_are_what_they_say() -> None:
    (mean, covariance), wide = normal(6), 4 * np.eye(6)
    p, q = unnormalised(mean, covariance), text(np.zeros(6), wide)
    truth, held = known(mean, covariance, np.zeros(6), wide), 0
    for seed in range(60):
        low, high = kl.divergence(p, q, seed=seed).confidence_interval()
        held += low <= truth <= high
    assert held / 60 >= 0.95 - 4.5 * math.sqrt(0.95 * 0.05 / 60)
