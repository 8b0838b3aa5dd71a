"""TFP's distributions on JAX: by name where the vocabulary has the name, else asked for what they have."""

from __future__ import annotations

import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow_probability.substrates.jax as tfp

import kullback as kl
from kullback._distribution import Density
from kullback.sources import as_distribution

tfd = tfp.distributions
pytestmark = pytest.mark.slow

CANONICAL = [
    tfd.Normal(0.5, 2.0), tfd.StudentT(3.0, 0.5, 2.0), tfd.Gamma(2.0, 3.0), tfd.Beta(2.0, 3.0),
    tfd.Binomial(10.0, probs=0.25), tfd.Bernoulli(probs=0.25), tfd.Poisson(3.0),
    tfd.NegativeBinomial(3.0, probs=0.25), tfd.Geometric(probs=0.25), tfd.Exponential(2.0), tfd.Pareto(2.5, 1.5),
    tfd.Weibull(2.0, 1.5), tfd.InverseGamma(2.0, 3.0), tfd.LogNormal(0.5, 0.7), tfd.HalfNormal(2.0),
    tfd.Laplace(0.5, 2.0), tfd.Logistic(0.5, 2.0), tfd.Gumbel(0.5, 2.0), tfd.Cauchy(0.5, 2.0), tfd.Uniform(0.5, 2.0),
    tfd.Chi2(3.0), tfd.Chi(3.0), tfd.Zipf(3.5), tfd.Moyal(0.5, 2.0), tfd.Kumaraswamy(2.0, 3.0),
    tfd.VonMises(0.5, 2.0), tfd.Dirichlet(jnp.array([1.0, 2.0, 3.0])), tfd.BetaBinomial(10.0, 2.0, 3.0),
    tfd.InverseGaussian(1.0, 2.0), tfd.LogLogistic(0.5, 0.7), tfd.ExpGamma(2.0, 3.0), tfd.LogitNormal(0.5, 0.7),
    tfd.MultivariateNormalDiag(jnp.zeros(3), jnp.array([1.0, 2.0, 3.0])),
    tfd.MultivariateNormalTriL(jnp.zeros(2), jnp.array([[1.0, 0.0], [0.5, 2.0]])),
    tfd.MixtureSameFamily(tfd.Categorical(probs=jnp.array([0.25, 0.75])), tfd.Normal(jnp.array([0.0, 2.0]), 1.0)),
    tfd.Independent(tfd.Laplace(jnp.zeros(3), jnp.array([1.0, 2.0, 3.0])), 1),
    tfd.VonMisesFisher(jnp.array([0.0, 0.6, 0.8]), 2.0), tfd.PowerSpherical(jnp.array([0.0, 0.6, 0.8]), 2.0),
]  # fmt: skip
ASKED = [
    tfd.HalfCauchy(0.5, 1.0), tfd.TruncatedNormal(0.0, 1.0, -1.0, 2.0), tfd.JohnsonSU(1.0, 2.0, 0.0, 1.0),
    tfd.Triangular(0.0, 2.0, 1.0), tfd.GeneralizedNormal(0.0, 1.0, 3.0), tfd.SinhArcsinh(0.0, 1.0, 0.5),
    tfd.TransformedDistribution(tfd.Normal(0.0, 1.0), tfp.bijectors.Exp()),
]  # fmt: skip


@pytest.mark.parametrize("theirs", [*CANONICAL, *ASKED], ids=lambda d: type(d).__name__)
def test_the_log_density_is_theirs_and_the_divergence_from_itself_is_zero(theirs: Any) -> None:
    ours = as_distribution(theirs, "p")
    assert isinstance(ours, Density)
    assert bool(ours.facts.family or ours.facts.components) == any(theirs is d for d in CANONICAL)
    with warnings.catch_warnings(action="ignore"):  # in its own float32 it asks JAX for 64 bits that it does not get
        x = theirs.sample(16, seed=jax.random.PRNGKey(1))
        logs = theirs.log_prob(x)
    np.testing.assert_allclose(ours.log_prob(np.asarray(x, dtype=np.float64)), logs, rtol=2e-5, atol=2e-5)
    found = kl.divergence(theirs, theirs)
    assert abs(found.value) <= found.error + 1e-15


def test_batches_tables_and_refusals() -> None:
    found = kl.divergence(tfd.Normal(jnp.array([0.0, 1.0]), 1.0), "normal(0, 1)")
    assert found.value.tolist() == [0.0, 0.5]
    assert kl.divergence(tfd.Categorical(probs=jnp.array([0.25, 0.75])), [0.25, 0.75]).value == 0
    with pytest.raises(kl.KindError, match="point mass"):
        kl.divergence(tfd.Deterministic(0.0), "normal(0, 1)")
    with pytest.raises(kl.KindError, match="no lowest point"):
        kl.divergence(tfd.Skellam(2.0, 3.0), "poisson(1)")
    pair = kl.divergence(tfd.Weibull(2.0, 1.5), tfd.Gamma(2.0, 3.0))
    assert pair.value == pytest.approx(float(tfd.kl_divergence(tfd.Weibull(2.0, 1.5), tfd.Gamma(2.0, 3.0))), rel=1e-5)


def half(a: float) -> Any:
    return jnp.array([[1.0, 0.0], [1.0, a]])


TRIL = np.log(2) + 1 / 8 - 1 / 2  # KL of normals whose factors' ratio is diag(1, ½)
EXACT = [
    (tfd.Sample(tfd.Normal(0.0, 1.0), 5), tfd.MultivariateNormalTriL(jnp.ones(5), jnp.eye(5)), 2.5),
    (tfd.Sample(tfd.Normal(0.0, 1.0), (2, 3)), tfd.Sample(tfd.Normal(1.0, 1.0), (2, 3)), 3.0),
    (tfd.Independent(tfd.Normal(jnp.zeros(5), 1.0), 1), tfd.MultivariateNormalDiag(jnp.ones(5)), 2.5),
    (tfd.MultivariateNormalTriL(None, half(2.0**-20)), tfd.MultivariateNormalTriL(None, half(2.0**-19)), TRIL),
    (tfd.WishartTriL(4.0, half(2.0**-20)), tfd.WishartTriL(4.0, half(2.0**-19)), 4 * TRIL),
    (tfd.FiniteDiscrete([0.0, 1.5], probs=[0.5, 0.5]), tfd.FiniteDiscrete([0.0, 1.5], probs=[0.9, 0.1]),
     np.log(0.5 / 0.3)),
    (tfd.FiniteDiscrete([0.0, 1.5], probs=[0.5, 0.5]), tfd.FiniteDiscrete([0.0, 2.5], probs=[0.9, 0.1]), np.inf),
    (tfp.bijectors.Shift(3.0)(tfd.Gamma(2.0, 1.0)), tfp.bijectors.Shift(3.0)(tfd.Gamma(3.0, 1.0)),
     np.log(2) - (1 - np.euler_gamma)),
]  # fmt: skip


@pytest.mark.parametrize(("p", "q", "true"), EXACT, ids=[type(row[0]).__name__ for row in EXACT])
def test_what_was_not_read_before_is_exact(p: Any, q: Any, true: float) -> None:
    found = kl.divergence(p, q)
    assert found.value == pytest.approx(true, rel=1e-7)  # their parameters are float32
    assert found.error <= 1e-9


def test_what_has_no_density_here_is_refused() -> None:
    joint = tfd.JointDistributionSequential([tfd.Normal(0.0, 1.0), tfd.Gamma(2.0, 1.0)])
    for refused in (joint, tfd.Horseshoe(1.0)):
        with pytest.raises(kl.KindError):
            kl.divergence(refused, tfd.Cauchy(0.0, 1.0))
