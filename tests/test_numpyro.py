"""Every distribution that NumPyro exports: read as it is, or refused with a reason."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import kullback as kl
from kullback._distribution import Density
from kullback.sources import as_distribution
from kullback.sources.numpyro import NumPyro

CORRELATED = jnp.array([[1.0, 0.5], [0.5, 1.0]])
RING = jnp.array([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]])

EVERY: dict[str, Any] = {
    "AsymmetricLaplace": lambda: dist.AsymmetricLaplace(0.0, 1.0, 0.5),
    "AsymmetricLaplaceQuantile": lambda: dist.AsymmetricLaplaceQuantile(0.0, 1.0, 0.3),
    "Bernoulli": lambda: dist.Bernoulli(0.3),
    "BernoulliLogits": lambda: dist.BernoulliLogits(2.0),
    "BernoulliProbs": lambda: dist.BernoulliProbs(0.3),
    "Beta": lambda: dist.Beta(2.0, 3.0),
    "BetaBinomial": lambda: dist.BetaBinomial(2.0, 3.0, 10),
    "BetaNegativeBinomial": lambda: dist.BetaNegativeBinomial(6.0, 3.0, 5.0),
    "BetaProportion": lambda: dist.BetaProportion(0.4, 5.0),
    "Binomial": lambda: dist.Binomial(10, 0.3),
    "BinomialLogits": lambda: dist.BinomialLogits(1.0, 10),
    "BinomialProbs": lambda: dist.BinomialProbs(0.3, 10),
    "CAR": lambda: dist.CAR(jnp.zeros(3), 0.5, 1.0, RING),
    "Categorical": lambda: dist.Categorical(jnp.array([0.2, 0.8])),
    "CategoricalLogits": lambda: dist.CategoricalLogits(jnp.array([0.2, 0.8])),
    "CategoricalProbs": lambda: dist.CategoricalProbs(jnp.array([0.2, 0.8])),
    "Cauchy": lambda: dist.Cauchy(0.0, 1.0),
    "Chi2": lambda: dist.Chi2(3.0),
    "CirculantNormal": lambda: dist.CirculantNormal(jnp.zeros(4), jnp.array([1.0, 0.4, 0.1, 0.4])),
    "Dagum": lambda: dist.Dagum(2.0, 1.0, 3.0),
    "Delta": lambda: dist.Delta(0.0),
    "Dirichlet": lambda: dist.Dirichlet(jnp.ones(3)),
    "DirichletMultinomial": lambda: dist.DirichletMultinomial(jnp.ones(3), 5),
    "DiscreteUniform": lambda: dist.DiscreteUniform(1, 6),
    "DoublyTruncatedPowerLaw": lambda: dist.DoublyTruncatedPowerLaw(-1.5, 1.0, 10.0),
    "EulerMaruyama": lambda: dist.EulerMaruyama(jnp.arange(3.0), lambda x, t: (-x, 1.0), dist.Normal(0.0, 1.0)),
    "ExpandedDistribution": lambda: dist.Normal(0.0, 1.0).expand([2]),
    "Exponential": lambda: dist.Exponential(2.0),
    "FoldedDistribution": lambda: dist.FoldedDistribution(dist.Normal(1.0, 1.0)),
    "Gamma": lambda: dist.Gamma(2.0, 3.0),
    "GammaPoisson": lambda: dist.GammaPoisson(2.0, 3.0),
    "GaussianCopula": lambda: dist.GaussianCopula(dist.Beta(2.0, 3.0), correlation_matrix=CORRELATED),
    "GaussianCopulaBeta": lambda: dist.GaussianCopulaBeta(2.0, 3.0, correlation_matrix=CORRELATED),
    "GaussianRandomWalk": lambda: dist.GaussianRandomWalk(1.0, 3),
    "GaussianStateSpace": lambda: dist.GaussianStateSpace(3, jnp.eye(2), scale_tril=jnp.eye(2)),
    "Geometric": lambda: dist.Geometric(0.3),
    "GeometricLogits": lambda: dist.GeometricLogits(0.3),
    "GeometricProbs": lambda: dist.GeometricProbs(0.3),
    "Gompertz": lambda: dist.Gompertz(1.0, 2.0),
    "Gumbel": lambda: dist.Gumbel(0.0, 1.0),
    "HalfCauchy": lambda: dist.HalfCauchy(1.0),
    "HalfNormal": lambda: dist.HalfNormal(1.0),
    "HurdleDistribution": lambda: dist.HurdleDistribution(dist.Poisson(3.0), gate=0.3),
    "HurdleGamma": lambda: dist.HurdleGamma(0.3, 2.0, 3.0),
    "HurdleLogits": lambda: dist.HurdleLogits(dist.Poisson(3.0), 0.3),
    "HurdleLogNormal": lambda: dist.HurdleLogNormal(0.3, 0.0, 1.0),
    "HurdleNegativeBinomial2": lambda: dist.HurdleNegativeBinomial2(0.3, 2.0, 3.0),
    "HurdlePoisson": lambda: dist.HurdlePoisson(0.3, 2.0),
    "HurdleProbs": lambda: dist.HurdleProbs(dist.Poisson(3.0), 0.3),
    "ImproperUniform": lambda: dist.ImproperUniform(dist.constraints.real, (), ()),
    "Independent": lambda: dist.Independent(dist.Normal(jnp.zeros(3), 1.0), 1),
    "InverseGamma": lambda: dist.InverseGamma(2.0, 3.0),
    "InverseWishart": lambda: dist.InverseWishart(5.0, scale_matrix=jnp.eye(2)),
    "InverseWishartCholesky": lambda: dist.InverseWishartCholesky(5.0, scale_matrix=jnp.eye(2)),
    "Kumaraswamy": lambda: dist.Kumaraswamy(2.0, 3.0),
    "Laplace": lambda: dist.Laplace(0.0, 1.0),
    "LeftTruncatedDistribution": lambda: dist.LeftTruncatedDistribution(dist.Normal(0.0, 1.0), low=0.5),
    "LeftTruncatedGamma": lambda: dist.LeftTruncatedGamma(dist.Gamma(2.0, 3.0), 0.5),
    "Levy": lambda: dist.Levy(0.0, 1.0),
    "LKJ": lambda: dist.LKJ(3, 1.0),
    "LKJCholesky": lambda: dist.LKJCholesky(3, 1.0),
    "Logistic": lambda: dist.Logistic(0.0, 1.0),
    "LogNormal": lambda: dist.LogNormal(0.0, 1.0),
    "LogUniform": lambda: dist.LogUniform(1.0, 10.0),
    "LowerTruncatedPowerLaw": lambda: dist.LowerTruncatedPowerLaw(-2.5, 1.0),
    "LowRankMultivariateNormal": lambda: dist.LowRankMultivariateNormal(jnp.zeros(3), jnp.ones((3, 1)), jnp.ones(3)),
    "MaskedDistribution": lambda: dist.Normal(0.0, 1.0).mask(True),
    "MatrixNormal": lambda: dist.MatrixNormal(jnp.zeros((2, 2)), jnp.eye(2), jnp.eye(2)),
    "Mixture": lambda: dist.Mixture(
        dist.Categorical(jnp.array([0.3, 0.7])), [dist.Normal(0.0, 1.0), dist.Laplace(0.0, 1.0)]
    ),
    "MixtureGeneral": lambda: dist.MixtureGeneral(
        dist.Categorical(jnp.array([0.3, 0.7])), [dist.Normal(0.0, 1.0), dist.Laplace(0.0, 1.0)]
    ),
    "MixtureSameFamily": lambda: dist.MixtureSameFamily(
        dist.Categorical(jnp.array([0.3, 0.7])), dist.Normal(jnp.array([0.0, 2.0]), 1.0)
    ),
    "Multinomial": lambda: dist.Multinomial(5, jnp.array([0.3, 0.7])),
    "MultinomialLogits": lambda: dist.MultinomialLogits(jnp.array([0.3, 0.7]), 5),
    "MultinomialProbs": lambda: dist.MultinomialProbs(jnp.array([0.3, 0.7]), 5),
    "MultivariateNormal": lambda: dist.MultivariateNormal(jnp.zeros(2), precision_matrix=jnp.eye(2)),
    "MultivariateStudentT": lambda: dist.MultivariateStudentT(3.0, jnp.zeros(2), jnp.eye(2)),
    "NegativeBinomial": lambda: dist.NegativeBinomial(3.0, 0.4),
    "NegativeBinomial2": lambda: dist.NegativeBinomial2(3.0, 2.0),
    "NegativeBinomialLogits": lambda: dist.NegativeBinomialLogits(3.0, 1.0),
    "NegativeBinomialProbs": lambda: dist.NegativeBinomialProbs(3.0, 0.4),
    "Normal": lambda: dist.Normal(0.0, 1.0),
    "OrderedLogistic": lambda: dist.OrderedLogistic(0.3, jnp.array([-1.0, 1.0])),
    "Pareto": lambda: dist.Pareto(1.0, 2.0),
    "Poisson": lambda: dist.Poisson(3.0),
    "ProjectedNormal": lambda: dist.ProjectedNormal(jnp.array([1.0, 2.0])),
    "RelaxedBernoulli": lambda: dist.RelaxedBernoulli(0.5, 0.3),
    "RelaxedBernoulliLogits": lambda: dist.RelaxedBernoulliLogits(0.5, 0.3),
    "RightTruncatedDistribution": lambda: dist.RightTruncatedDistribution(dist.Normal(0.0, 1.0), high=0.5),
    "RightTruncatedGamma": lambda: dist.RightTruncatedGamma(dist.Gamma(2.0, 3.0), 0.5),
    "LeftCensoredDistribution": lambda: dist.LeftCensoredDistribution(dist.LogNormal(0.0, 1.0), censored=0),
    "RightCensoredDistribution": lambda: dist.RightCensoredDistribution(dist.LogNormal(0.0, 1.0), censored=0),
    "IntervalCensoredDistribution": lambda: dist.IntervalCensoredDistribution(
        dist.LogNormal(0.0, 1.0), left_censored=0, right_censored=0
    ),
    "SineBivariateVonMises": lambda: dist.SineBivariateVonMises(0.0, 0.0, 1.0, 1.0, 0.2),
    "SineSkewed": lambda: dist.SineSkewed(dist.VonMises(jnp.zeros(2), jnp.ones(2)).to_event(1), jnp.array([0.2, 0.3])),
    "SoftLaplace": lambda: dist.SoftLaplace(0.0, 1.0),
    "StudentT": lambda: dist.StudentT(3.0, 0.0, 1.0),
    "TransformedDistribution": lambda: dist.TransformedDistribution(
        dist.Normal(0.0, 1.0), dist.transforms.ExpTransform()
    ),
    "TruncatedCauchy": lambda: dist.TruncatedCauchy(0.0, 1.0, low=0.0, high=2.0),
    "TruncatedDistribution": lambda: dist.TruncatedDistribution(dist.Laplace(0.0, 1.0), low=0.0, high=2.0),
    "TruncatedGamma": lambda: dist.TruncatedGamma(2.0, 3.0, low=0.2, high=2.0),
    "TruncatedNormal": lambda: dist.TruncatedNormal(0.0, 1.0, low=0.0, high=2.0),
    "TruncatedPolyaGamma": lambda: dist.TruncatedPolyaGamma(),
    "TwoSidedTruncatedDistribution": lambda: dist.TwoSidedTruncatedDistribution(dist.Normal(0.0, 1.0), 0.0, 1.0),
    "TwoSidedTruncatedGamma": lambda: dist.TwoSidedTruncatedGamma(dist.Gamma(2.0, 3.0), 0.2, 2.0),
    "Uniform": lambda: dist.Uniform(0.0, 2.0),
    "Unit": lambda: dist.Unit(0.0),
    "VonMises": lambda: dist.VonMises(0.0, 2.0),
    "Weibull": lambda: dist.Weibull(1.0, 2.0),
    "Wishart": lambda: dist.Wishart(5.0, scale_matrix=jnp.eye(2)),
    "WishartCholesky": lambda: dist.WishartCholesky(5.0, scale_matrix=jnp.eye(2)),
    "ZeroInflatedDistribution": lambda: dist.ZeroInflatedDistribution(dist.Poisson(3.0), gate=0.3),
    "ZeroInflatedLogits": lambda: dist.ZeroInflatedLogits(dist.Poisson(3.0), 0.3),
    "ZeroInflatedNegativeBinomial2": lambda: dist.ZeroInflatedNegativeBinomial2(3.0, 2.0, gate=0.3),
    "ZeroInflatedPoisson": lambda: dist.ZeroInflatedPoisson(0.3, 2.0),
    "ZeroInflatedProbs": lambda: dist.ZeroInflatedProbs(dist.Poisson(3.0), 0.3),
    "ZeroSumNormal": lambda: dist.ZeroSumNormal(1.0, (3,)),
}
NOT_DISTRIBUTIONS = {"Distribution", "biject_to", "constraints", "kl_divergence", "transforms"}
REFUSED = {
    "Delta": "point mass",
    "Unit": "no outcome",
    "ImproperUniform": "no integral",
    "TruncatedPolyaGamma": "its integral is not 1",
    "HurdleGamma": "neither a density nor a mass function",
    "HurdleLogNormal": "neither a density nor a mass function",
    "HurdleNegativeBinomial2": "NumPyro cannot rebuild",
    "LeftCensoredDistribution": "neither a density nor a mass function",
    "RightCensoredDistribution": "neither a density nor a mass function",
    "IntervalCensoredDistribution": "neither a density nor a mass function",
}
CANONICAL = {  # read in float64 from the parameters: no call of NumPyro's, so no compilation
    "Bernoulli", "BernoulliProbs", "Beta", "BetaBinomial", "BetaProportion", "Binomial", "BinomialProbs",
    "Categorical", "CategoricalLogits", "CategoricalProbs", "Cauchy", "Chi2", "Dirichlet", "DirichletMultinomial",
    "DiscreteUniform", "Exponential", "Gamma", "GammaPoisson", "Geometric", "GeometricLogits", "GeometricProbs",
    "Gompertz", "Gumbel", "HalfCauchy", "HalfNormal", "Independent", "InverseGamma", "Kumaraswamy", "Laplace",
    "Levy", "LogNormal", "LogUniform", "Logistic", "LowRankMultivariateNormal", "MaskedDistribution", "MatrixNormal",
    "Mixture", "MixtureGeneral", "MixtureSameFamily", "Multinomial", "MultinomialLogits", "MultinomialProbs",
    "MultivariateNormal", "MultivariateStudentT", "NegativeBinomial", "NegativeBinomialProbs", "Normal",
    "OrderedLogistic", "Pareto", "Poisson", "StudentT", "Uniform", "VonMises", "Weibull",
}  # fmt: skip
MEASURED = [
    pytest.param(name, marks=() if name in CANONICAL else pytest.mark.slow)
    for name in sorted(set(EVERY) - set(REFUSED))
]


def test_every_exported_name_is_tried() -> None:
    assert set(EVERY) == set(dist.__all__) - NOT_DISTRIBUTIONS
    assert set(REFUSED) | CANONICAL <= set(EVERY)


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_density_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(kl.KindError, match=REFUSED[name]):
        kl.divergence(EVERY[name](), "normal(0, 1)")


@pytest.mark.parametrize("name", MEASURED)
def test_the_divergence_from_itself_is_zero(name: str) -> None:
    found = kl.divergence(EVERY[name](), EVERY[name]())
    assert np.all(np.abs(found.value) <= np.asarray(found.error) + 1e-15)
    if name in CANONICAL:
        read = as_distribution(EVERY[name](), "p")
        assert not isinstance(read, Density) or read.facts.family or read.facts.components or "Logits" in name
        assert found.status is not kl.Status.TOLERANCE_MISSED


@pytest.mark.slow  # NumPyro compiles each
@pytest.mark.parametrize("name", sorted(set(EVERY) - set(REFUSED)))
def test_the_log_density_is_theirs(name: str) -> None:
    theirs = EVERY[name]()
    ours = as_distribution(theirs, "p")
    if isinstance(ours, Density):
        _same_log_density(theirs, ours)


def _same_log_density(theirs: Any, ours: Density) -> None:
    """At theirs own draws, in 64 bits from the float32 numbers that it holds."""
    with jax.enable_x64(True):
        double = NumPyro().double(theirs)
        x = double.sample(jax.random.PRNGKey(1), (16,))
        logs = np.asarray(double.log_prob(x))
    np.testing.assert_allclose(ours.log_prob(np.asarray(x, dtype=np.float64)), logs, rtol=1e-6, atol=2e-6)


def test_parameters_are_read_as_they_are_held() -> None:
    third = np.float64(np.float32(1 / 3))
    read = as_distribution(dist.Normal(1 / 3, 1.0), "p")
    held = dist.Normal(jnp.float32(1 / 3), 1.0)
    assert isinstance(read, Density)
    assert read.parameters["loc"] == 1 / 3
    assert as_distribution(held, "p").parameters["loc"] == third  # type: ignore[union-attr]


@pytest.mark.parametrize("word", ["bernoulli", "binomial", "geometric", "negative_binomial"])
def test_logits_are_not_rounded_to_probabilities(word: str) -> None:
    """At logits 40 the chance of failure is e^−40, which 1 − p would lose."""
    make = {
        "bernoulli": lambda **k: dist.Bernoulli(**k),
        "binomial": lambda **k: dist.Binomial(10, **k),
        "geometric": lambda **k: dist.Geometric(**k),
        "negative_binomial": lambda **k: dist.NegativeBinomial(3.0, **k),
    }[word]
    large = kl.Density(as_distribution(make(logits=40.0), "q")._log_prob, support=None, vectorized=True)  # type: ignore[union-attr]
    value = float(large.log_prob(1.0))
    log_p, log_q = -math.log1p(math.exp(-40)), -40 - math.log1p(math.exp(-40))
    truth = {
        "bernoulli": log_p,
        "binomial": math.log(10) + log_p + 9 * log_q,
        "geometric": log_p + log_q,
        "negative_binomial": math.log(3) + log_p + 3 * log_q,
    }[word]
    assert value == pytest.approx(truth, rel=1e-13)


def test_the_same_transforms_are_one_bijection() -> None:
    chain = [dist.transforms.AffineTransform(1.0, 2.0), dist.transforms.ExpTransform()]
    p = dist.TransformedDistribution(dist.StudentT(5.0), chain)
    q = dist.TransformedDistribution(dist.Normal(0.5, 1.0), chain)
    found = kl.divergence(p, q)
    assert found.method == "bijection"
    assert found.value == pytest.approx(kl.divergence("student_t(5)", "normal(0.5, 1)").value, rel=1e-12)
    other = dist.TransformedDistribution(dist.Normal(0.5, 1.0), [dist.transforms.AffineTransform(1.0, 3.0), chain[1]])
    assert kl.plan(p, other).method != "bijection"


def test_batches_broadcast() -> None:
    p = dist.Normal(jnp.array([[0.0], [1.0]]), 1.0)
    q = dist.Laplace(jnp.array([0.0, 1.0, 2.0]), 2.0)
    found = kl.divergence(p, q)
    assert found.value.shape == found.error.shape == found.status.shape == (2, 3)
    for i in range(2):
        for j in range(3):
            assert found.value[i, j] == kl.divergence(f"normal({i}, 1)", f"laplace({j}, 2)").value
    assert set(found.status.ravel()) == {kl.Status.OK}
    one = kl.divergence(p, "normal(0, 1)", direction="reverse")
    assert one.value.tolist() == [[0.0], [0.5]]
    assert "first of a batch of shape (2, 1)" in repr(kl.plan(p, q))
    with pytest.raises(kl.InputError, match="divergence measures a batch"):
        kl.compare(p, q)
    with pytest.raises(kl.InputError, match="do not broadcast"):
        kl.divergence(dist.Normal(jnp.zeros(3), 1.0), dist.Normal(jnp.zeros(2), 1.0))
    with pytest.raises(kl.InputError, match="no place in a batch"):
        kl.divergence(kl.Sample(np.arange(9.0)), p)
    soft = kl.divergence(dist.SoftLaplace(jnp.zeros(2), jnp.array([1.0, 2.0])), "normal(0, 3)")
    assert soft.value[1] == pytest.approx(kl.divergence(dist.SoftLaplace(0.0, 2.0), "normal(0, 3)").value, rel=1e-12)
    mixed = kl.divergence(dist.Bernoulli(jnp.array([0.2, 0.5])), np.array([[0.8, 0.2], [0.5, 0.5]]))
    np.testing.assert_allclose(mixed.value, 0, atol=1e-7)


def test_a_tracer_is_refused() -> None:
    def inside(loc: Any) -> Any:
        return kl.divergence(dist.Normal(loc, 1.0), "normal(0, 1)").value

    with pytest.raises(kl.KindError, match="tracer"):
        jax.jit(inside)(0.0)
    with pytest.raises(kl.KindError, match=r"detach\(\)"):
        jax.grad(inside)(0.0)


def test_numpyros_own_registered_pairs() -> None:
    """Every pair that NumPyro registers, at the classes its own tests take; its values in 64 bits are the truth."""

    d = dist
    rng = np.random.default_rng(3)
    half = rng.standard_normal((3, 3))
    covariance = half @ half.T + np.eye(3)
    with jax.enable_x64(True):
        pairs: list[tuple[Any, Any]] = [
            (d.Normal(0.3, 1.2), d.Normal(-1.0, 0.7)),
            (d.MultivariateNormal(np.zeros(3), covariance), d.MultivariateNormal(np.ones(3), np.eye(3))),
            (d.Beta(2.0, 3.0), d.Beta(0.7, 1.9)),
            (d.Dirichlet(np.array([1.0, 2.0, 3.0])), d.Dirichlet(np.array([2.5, 0.5, 1.0]))),
            (d.Gamma(2.0, 3.0), d.Gamma(0.7, 1.9)),
            (d.Weibull(1.3, 2.1), d.Gamma(2.0, 1.1)),
            (d.CategoricalProbs(np.array([0.2, 0.3, 0.5])), d.CategoricalProbs(np.array([0.6, 0.3, 0.1]))),
            (d.Normal(np.zeros(2), 1.0).to_event(1), d.Normal(np.ones(2), 2.0).to_event(1)),
        ]
        for p, q in pairs:
            truth = float(d.kl_divergence(p, q))
            found = kl.divergence(p, q)
            assert abs(found.value - truth) <= 1e-9 * truth + found.error, (p, q)
        # NumPyro cuts its series after ten terms; ours runs to its end
        p, q = d.Kumaraswamy(2.0, 3.0), d.Beta(2.0, 3.0)
        assert abs(float(kl.divergence(p, q)) - 0.040186152773388024) < 1e-12


# the canonical partial correlations are independent betas: Σ over the tree of KL(Beta(a, a)‖Beta(b, b)), by mpmath
@pytest.mark.parametrize(
    ("size", "mine", "other", "truth"),
    [(2, 0.01, 1.0, 93.733715), (2, 0.05, 1.0, 15.455725), (2, 0.1, 1.0, 6.261126), (3, 0.2, 1.0, 2.66832543908)],
)
def test_correlation_matrices_are_measured_by_their_partial_correlations(
    size: int, mine: float, other: float, truth: float
) -> None:
    for family in (dist.LKJ, dist.LKJCholesky):
        found = kl.divergence(family(size, mine), family(size, other))
        assert found.status is kl.Status.OK
        assert abs(found.value - truth) < 1e-6
        assert found.error < 1e-11 * truth


@pytest.mark.slow
def test_partial_correlations_are_those_of_the_library() -> None:
    """The log densities of the matrices differ as those of the factors do: log q/p has the same mean by draws."""
    p, q = dist.LKJCholesky(4, 1.5), dist.LKJCholesky(4, 0.8)
    exact = float(kl.divergence(p, q))

    @jax.jit
    def drawn(key: Any) -> Any:
        x = p.sample(key, (20_000,))
        return p.log_prob(x) - q.log_prob(x)

    terms = np.asarray(drawn(jax.random.PRNGKey(0)))
    assert abs(terms.mean() - exact) < 5 * terms.std() / math.sqrt(len(terms))


def test_the_factor_of_a_wishart_matrix_is_that_matrix() -> None:
    half = jnp.array([[1.0, 0.0], [0.5, 2.0]])
    factors = [dist.WishartCholesky(n, scale_tril=half) for n in (5.0, 4.0)]
    whole = [dist.Wishart(n, scale_tril=half) for n in (5.0, 4.0)]
    assert float(kl.divergence(*factors)) == pytest.approx(float(kl.divergence(*whole)), rel=1e-12)


@pytest.mark.parametrize(
    ("p", "q", "truth"),
    [  # mpmath, 40 digits
        (lambda: dist.TruncatedNormal(0.0, 1.0, low=8.0, high=9.0), lambda: dist.Uniform(8.0, 9.0), 1.1107504589929957),
        (lambda: dist.Uniform(8.0, 9.0), lambda: dist.TruncatedNormal(0.0, 1.0, low=8.0, high=9.0), 2.0719866064341913),
    ],
)
def test_a_truncation_far_out_keeps_its_mass(p: Any, q: Any, truth: float) -> None:
    found = kl.divergence(p(), q())
    assert found.status is kl.Status.OK
    assert abs(found.value - truth) <= found.error + 2e-16 * truth
    assert found.error < 1e-10


def test_truncations_on_either_side_mirror_each_other() -> None:
    right = [dist.TruncatedNormal(m, 1.0, low=30.0) for m in (0.0, 1.0)]
    left = [dist.TruncatedNormal(-m, 1.0, high=-30.0) for m in (0.0, 1.0)]
    a, b = kl.divergence(*right), kl.divergence(*left)
    assert abs(a.value - b.value) <= a.error + b.error < 1e-12
