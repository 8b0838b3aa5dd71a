"""Every distribution that torch exports, and log densities written in torch."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest

import kullback as kl
import torch
from kullback._distribution import Density
from kullback.sources import as_distribution
from kullback.sources.torch import Torch
from torch import distributions as td

t = torch.tensor
EVERY: dict[str, Any] = {
    "Bernoulli": td.Bernoulli(0.3),
    "Beta": td.Beta(2.0, 3.0),
    "Binomial": td.Binomial(10, t(0.3)),
    "Categorical": td.Categorical(t([0.2, 0.3, 0.5])),
    "Cauchy": td.Cauchy(0.5, 2.0),
    "Chi2": td.Chi2(3.0),
    "ContinuousBernoulli": td.ContinuousBernoulli(t(0.3)),
    "Dirichlet": td.Dirichlet(t([0.5, 1.0, 2.0])),
    "Exponential": td.Exponential(2.0),
    "FisherSnedecor": td.FisherSnedecor(4.0, 5.0),
    "Gamma": td.Gamma(2.0, 3.0),
    "GeneralizedPareto": td.GeneralizedPareto(0.5, 2.0, 0.2),
    "Geometric": td.Geometric(0.3),
    "Gumbel": td.Gumbel(0.5, 2.0),
    "HalfCauchy": td.HalfCauchy(2.0),
    "HalfNormal": td.HalfNormal(2.0),
    "Independent": td.Independent(td.Laplace(t([0.0, 1.0, 2.0]), t([1.0, 2.0, 3.0])), 1),
    "InverseGamma": td.InverseGamma(2.0, 3.0),
    "Kumaraswamy": td.Kumaraswamy(2.0, 3.0),
    "LKJCholesky": td.LKJCholesky(3, 1.5),
    "Laplace": td.Laplace(0.5, 2.0),
    "LogNormal": td.LogNormal(0.5, 0.7),
    "LogisticNormal": td.LogisticNormal(t([0.0, 1.0]), t([1.0, 0.5])),
    "LowRankMultivariateNormal": td.LowRankMultivariateNormal(torch.zeros(3), torch.ones(3, 1), t([1.0, 2.0, 3.0])),
    "MixtureSameFamily": td.MixtureSameFamily(td.Categorical(t([0.3, 0.7])), td.Normal(t([0.0, 3.0]), t([1.0, 2.0]))),
    "Multinomial": td.Multinomial(5, t([0.2, 0.3, 0.5])),
    "MultivariateNormal": td.MultivariateNormal(torch.zeros(2), precision_matrix=t([[2.0, 0.5], [0.5, 1.0]])),
    "NegativeBinomial": td.NegativeBinomial(3.0, t(0.4)),
    "Normal": td.Normal(0.5, 2.0),
    "OneHotCategorical": td.OneHotCategorical(t([0.2, 0.8])),
    "OneHotCategoricalStraightThrough": td.OneHotCategoricalStraightThrough(t([0.2, 0.8])),
    "Pareto": td.Pareto(1.5, 2.5),
    "Poisson": td.Poisson(3.0),
    "RelaxedBernoulli": td.RelaxedBernoulli(t(0.5), t(0.3)),
    "RelaxedOneHotCategorical": td.RelaxedOneHotCategorical(t(0.5), t([0.3, 0.7])),
    "StudentT": td.StudentT(3.0, 0.5, 2.0),
    "TransformedDistribution": td.TransformedDistribution(td.Normal(0.0, 1.0), [td.AffineTransform(1.0, -2.0)]),
    "Uniform": td.Uniform(0.5, 2.0),
    "VonMises": td.VonMises(0.5, 2.0),
    "Weibull": td.Weibull(1.5, 2.0),
    "Wishart": td.Wishart(t(5.0), t([[2.0, 0.5], [0.5, 1.0]])),
}
OTHERS = {"Distribution", "ExponentialFamily", "biject_to", "kl_divergence", "register_kl", "transform_to"}
EVALUATED = {  # by torch; the others are canonical
    "FisherSnedecor", "GeneralizedPareto", "LKJCholesky", "LogisticNormal", "RelaxedBernoulli",
    "RelaxedOneHotCategorical", "TransformedDistribution",
}  # fmt: skip


def test_every_exported_class_is_tried() -> None:
    exported = {name for name in td.__all__ if not name.lower().endswith("transform")}
    assert set(EVERY) == exported - OTHERS


@pytest.mark.parametrize("name", EVERY)
def test_the_log_density_is_theirs_and_the_divergence_from_itself_is_zero(name: str) -> None:
    theirs = EVERY[name]
    ours = as_distribution(theirs, "p")
    state = torch.random.get_rng_state()
    if isinstance(ours, Density):
        assert (name in EVALUATED) == (not ours.facts.family and not ours.facts.components)
        if name != "GeneralizedPareto":  # torch's own has no float64
            double = Torch().double(theirs)
            with torch.random.fork_rng():
                torch.manual_seed(0)
                with warnings.catch_warnings(action="ignore"):  # torch's Wishart tells of the matrices it redraws
                    x = double.sample((20,))
            np.testing.assert_allclose(ours.log_prob(x.numpy()), double.log_prob(x).numpy(), rtol=2e-6, atol=2e-6)
        assert ours.sample(5, seed=3).shape == (5, *ours.support.shape)
        np.testing.assert_array_equal(ours.sample(5, seed=3), ours.sample(5, seed=3))
    found = kl.divergence(theirs, theirs)
    assert abs(found.value) <= found.error + 1e-15
    assert torch.equal(state, torch.random.get_rng_state())


def test_generalized_pareto_by_its_formula() -> None:
    d = as_distribution(EVERY["GeneralizedPareto"], "p")
    assert isinstance(d, Density)
    c = float(np.float32(0.2))
    assert d.log_prob(1.7) == pytest.approx(-math.log(2) - (1 / c + 1) * math.log1p(c * 0.6), rel=1e-12)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (td.Binomial(10, logits=t(3.0, dtype=torch.float64)), f"binomial(10, {1 / (1 + math.exp(-3))!r})"),
        (td.Bernoulli(logits=t(1.0, dtype=torch.float64)), f"bernoulli({1 / (1 + math.exp(-1))!r})"),
        (td.Geometric(logits=t(1.0, dtype=torch.float64)), f"geometric({1 / (1 + math.exp(-1))!r})"),
        (
            td.NegativeBinomial(3, logits=t(1.0, dtype=torch.float64)),
            f"negative_binomial(3, {1 / (1 + math.exp(-1))!r})",
        ),
        (td.Independent(td.Normal(torch.zeros(2), 1.0), 1), "multivariate_normal([0, 0], [[1, 0], [0, 1]])"),
        (td.MultivariateNormal(torch.zeros(2), scale_tril=torch.eye(2)), "multivariate_normal([0,0], [[1,0],[0,1]])"),
    ],
)  # fmt: skip
def test_ways_to_give_the_parameters(theirs: Any, ours: str) -> None:
    assert abs(kl.divergence(theirs, ours).value) < 1e-13
    assert abs(kl.divergence(ours, theirs).value) < 1e-13


def test_a_probability_that_would_round_is_kept_as_its_logit() -> None:
    sure = td.Bernoulli(logits=t(50.0))
    assert kl.divergence("bernoulli(0.5)", sure).value == pytest.approx(25 - math.log(2), rel=1e-14)


def test_gradients_are_refused() -> None:
    loc = t(0.0, requires_grad=True)
    with pytest.raises(kl.KindError, match=r"loc of this Normal carries gradients.*loc\.detach\(\)"):
        kl.divergence(td.Normal(loc, 1.0), "normal(0, 1)")
    with pytest.raises(kl.KindError, match=r"detach\(\)"):
        kl.divergence(td.FisherSnedecor(t(4.0, requires_grad=True), 5.0), "gamma(1, 1)")
    with pytest.raises(kl.KindError, match=r"p\.detach\(\)"):
        kl.divergence(t([0.5, 0.5], requires_grad=True), [0.5, 0.5])
    assert kl.divergence(td.Normal(loc.detach(), 1.0), "normal(1, 1)").value == 0.5


def test_mixed_pairs_and_batches() -> None:
    from scipy import stats

    p, q = stats.norm([0.0, 1.0], 1.0), td.Normal(t([[0.0], [2.0]]), 1.0)
    np.testing.assert_array_equal(kl.divergence(p, q).value, [[0, 0.5], [2, 0.5]])
    theirs = td.Independent(td.Normal(torch.zeros(3, 2), torch.ones(3, 2)), 1)
    found = kl.divergence(theirs, td.MultivariateNormal(torch.ones(2), torch.eye(2)))
    np.testing.assert_allclose(found.value, [1.0] * 3, rtol=1e-14)
    nested = td.Independent(td.Normal(torch.zeros(3, 2), 1.0), 2)
    other = td.Independent(td.MultivariateNormal(torch.ones(3, 2), torch.eye(2)), 1)
    assert kl.divergence(nested, nested).value == 0
    assert kl.divergence(other, other).value == 0
    mixture = td.MixtureSameFamily(
        td.Categorical(t([[0.5, 0.5], [0.25, 0.75]])), td.Normal(t([[0.0, 2.0], [1.0, 3.0]]), 1.0)
    )
    second = kl.divergence("0.25*normal(1, 1) + 0.75*normal(3, 1)", "normal(0, 2)").value
    assert kl.divergence(mixture, "normal(0, 2)").value[1] == pytest.approx(second, rel=1e-13)


def test_many_normals_take_seconds() -> None:
    """Ten thousand pairs: about 40 µs each for the members and the closed form."""
    p = td.Normal(torch.linspace(-1, 1, 10_000, dtype=torch.float64), 1.0)
    found = kl.divergence(p, td.Normal(0.0, 1.0))
    np.testing.assert_allclose(found.value, 0.5 * p.loc.numpy() ** 2, rtol=1e-12)


C = 0.5 * math.log(2 * math.pi)
SHIFT = t(0.0, requires_grad=True)


@pytest.mark.parametrize(
    "log_prob",
    [
        lambda x: -0.5 * torch.square(x) - C,
        lambda x: -0.5 * (x - SHIFT) ** 2 - C,
        td.Normal(t(0.0, dtype=torch.float64), 1.0).log_prob,
    ],
)
@pytest.mark.parametrize("vectorized", [False, True])
def test_callables(log_prob: Any, vectorized: bool) -> None:
    found = kl.divergence(kl.Density(log_prob, vectorized=vectorized), "normal(1, 1)")
    assert found.value == pytest.approx(0.5, abs=1e-12)
    assert found.error < 1e-11


def test_a_callable_in_float32_says_so() -> None:
    p = kl.Density(lambda x: (-0.5 * torch.square(x) - C).float(), vectorized=True)
    found = kl.divergence(p, "normal(1, 1)")
    assert abs(found.value - 0.5) < found.error < 1e-5
    assert any("7 digits" in note for note in found.notes)


@pytest.mark.parametrize("vectorized", [False, True])
def test_a_fit_goes_by_torchs_gradient(vectorized: bool) -> None:
    def log_prob(x: Any) -> Any:
        return -(torch.exp(x - 1) - x).sum(-1)

    p = kl.Density(log_prob, dim=3, normalized=False, vectorized=vectorized)
    fit = kl.fit(p, "normal", direction="reverse")
    line = kl.fit(kl.Density(lambda x: -(np.exp(x - 1) - x), normalized=False), "normal", direction="reverse")
    np.testing.assert_allclose(fit.q.parameters["loc"], line.q.parameters["loc"], atol=1e-5)


@pytest.mark.parametrize("a", [1e-4, 1e-9])
def test_a_factor_is_used_as_given(a: float) -> None:
    def normal(a: float) -> Any:
        return td.MultivariateNormal(torch.zeros(2).double(), scale_tril=t([[1.0, 0.0], [1.0, a]]).double())

    found = kl.divergence(normal(a), normal(2 * a))
    assert abs(found.value - (math.log(2) + 1 / 8 - 1 / 2)) <= 1e-7  # float32 rounds 1e-9 and its double alike
    assert found.error <= 1e-10


def test_independent_normals_against_a_multivariate_one_are_exact() -> None:
    p = td.Independent(td.Normal(torch.zeros(10), 1.0), 1)
    found = kl.divergence(p, td.MultivariateNormal(torch.ones(10), torch.eye(10)))
    assert (found.value, found.method) == (pytest.approx(5, rel=1e-14), "closed")
