"""The pairs that TFP registers a divergence for: ours agree with its values, which are in single precision."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from tensorflow_probability.substrates import jax as tfp

import kullback as kl

pytestmark = pytest.mark.slow
d = tfp.distributions
HALF, SKEW = np.array([0.5, 0.5]), np.array([0.2, 0.8])
CUTS, OTHER_CUTS = np.array([-1.0, 1.0]), np.array([-2.0, 0.5])
EYE = np.eye(3)
UNIT = np.array([0.0, 0.6, 0.8])

PAIRS: list[tuple[str, Any, Any]] = [
    ("Bernoulli", lambda: d.Bernoulli(probs=0.3), lambda: d.Bernoulli(probs=0.8)),
    ("Beta", lambda: d.Beta(2.0, 3.0), lambda: d.Beta(0.7, 1.9)),
    (
        "Categorical",
        lambda: d.Categorical(probs=SKEW),
        lambda: d.Categorical(probs=HALF),
    ),
    ("Cauchy", lambda: d.Cauchy(0.0, 1.0), lambda: d.Cauchy(1.0, 3.0)),
    ("Chi", lambda: d.Chi(3.0), lambda: d.Chi(5.5)),
    ("Chi2", lambda: d.Chi2(3.0), lambda: d.Chi2(5.5)),
    ("Chi2‖Gamma", lambda: d.Chi2(3.0), lambda: d.Gamma(2.0, 1.5)),
    ("Gamma‖Chi2", lambda: d.Gamma(2.0, 1.5), lambda: d.Chi2(3.0)),
    ("Dirichlet", lambda: d.Dirichlet(np.array([1.0, 2, 3])), lambda: d.Dirichlet(np.array([2.0, 2, 2]))),
    ("ExpGamma", lambda: d.ExpGamma(2.0, 3.0), lambda: d.ExpGamma(1.5, 1.0)),
    ("ExpInverseGamma", lambda: d.ExpInverseGamma(2.0, 3.0), lambda: d.ExpInverseGamma(1.5, 1.0)),
    ("Gamma", lambda: d.Gamma(2.0, 3.0), lambda: d.Gamma(1.5, 1.0)),
    ("Gumbel", lambda: d.Gumbel(0.0, 1.0), lambda: d.Gumbel(1.0, 2.0)),
    ("HalfNormal", lambda: d.HalfNormal(1.0), lambda: d.HalfNormal(2.0)),
    ("Laplace", lambda: d.Laplace(0.0, 1.0), lambda: d.Laplace(1.0, 2.0)),
    ("LogitNormal", lambda: d.LogitNormal(0.0, 1.0), lambda: d.LogitNormal(1.0, 2.0)),
    ("LogNormal", lambda: d.LogNormal(0.0, 1.0), lambda: d.LogNormal(1.0, 2.0)),
    ("Moyal", lambda: d.Moyal(0.0, 1.0), lambda: d.Moyal(1.0, 2.0)),
    (
        "MultivariateNormal",
        lambda: d.MultivariateNormalTriL(np.zeros(3), EYE),
        lambda: d.MultivariateNormalTriL(np.ones(3), 2 * EYE),
    ),
    ("Normal", lambda: d.Normal(0.0, 1.0), lambda: d.Normal(1.0, 2.0)),
    (
        "OneHot",
        lambda: d.OneHotCategorical(probs=SKEW),
        lambda: d.OneHotCategorical(probs=HALF),
    ),
    (
        "OrderedLogistic",
        lambda: d.OrderedLogistic(CUTS, 0.3),
        lambda: d.OrderedLogistic(OTHER_CUTS, 0.1),
    ),
    ("Pareto", lambda: d.Pareto(2.5, 2.0), lambda: d.Pareto(3.5, 1.0)),
    ("ProbitBernoulli", lambda: d.ProbitBernoulli(probs=0.3), lambda: d.ProbitBernoulli(probs=0.8)),
    (
        "StoppingRatioLogistic",
        lambda: d.StoppingRatioLogistic(CUTS, 0.3),
        lambda: d.StoppingRatioLogistic(OTHER_CUTS, 0.1),
    ),
    ("Uniform", lambda: d.Uniform(0.0, 1.0), lambda: d.Uniform(-1.0, 2.0)),
    ("VonMises", lambda: d.VonMises(0.5, 2.0), lambda: d.VonMises(-1.0, 3.0)),
    ("Weibull", lambda: d.Weibull(1.5, 2.0), lambda: d.Weibull(2.5, 1.0)),
    ("Weibull‖Gamma", lambda: d.Weibull(1.5, 2.0), lambda: d.Gamma(2.0, 1.0)),
    ("PowerSpherical‖vMF", lambda: d.PowerSpherical(UNIT, 3.0), lambda: d.VonMisesFisher(UNIT, 2.0)),
    ("PowerSpherical‖uniform", lambda: d.PowerSpherical(UNIT, 3.0), lambda: d.SphericalUniform(3)),
    ("vMF‖uniform", lambda: d.VonMisesFisher(UNIT, 3.0), lambda: d.SphericalUniform(3)),
    (
        "Independent",
        lambda: d.Independent(d.Normal(np.zeros(2), 1.0), 1),
        lambda: d.Independent(d.Normal(np.ones(2), 2.0), 1),
    ),
]


def test_a_gaussian_process_is_a_normal_at_its_points() -> None:
    kernel = tfp.math.psd_kernels.ExponentiatedQuadratic()
    points = np.linspace(0, 2, 4, dtype=np.float32)[:, None]
    p = d.GaussianProcess(kernel, points, observation_noise_variance=np.float32(0.1))
    q = d.MultivariateNormalTriL(np.ones(4, dtype=np.float32), np.eye(4, dtype=np.float32))
    for a, b in ((p, q), (q, p)):
        found = kl.divergence(a, b)
        assert found.method == "closed"
        assert found.value == pytest.approx(float(d.kl_divergence(a, b)), rel=1e-4)


@pytest.mark.parametrize(("name", "make_p", "make_q"), PAIRS, ids=[name for name, _, _ in PAIRS])
def test_registered(name: str, make_p: Any, make_q: Any) -> None:
    with jax.enable_x64(True):  # its parameters stay in single precision where they are plain numbers
        p, q = make_p(), make_q()
        truth = float(d.kl_divergence(p, q))
    found = kl.divergence(p, q)
    assert abs(found.value - truth) <= found.error + 1e-5 * (1 + truth), (found.value, truth)
