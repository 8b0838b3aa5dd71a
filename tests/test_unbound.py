"""A density without its ends: the same divergence, the same draws, and a gradient that is the difference quotient."""

from __future__ import annotations

import numpy as np
import pytest

import kullback as kl
from kullback._distribution import Facts, unbound
from kullback._support import Box, Interval, reals
from kullback.sources import as_distribution


def density(text: str) -> kl.Density:
    found = as_distribution(text, "p")
    assert isinstance(found, kl.Density)
    return found


PAIRS = [
    ("gamma(2, 3)", "gamma(0.4, 1)"),
    ("beta(0.1, 0.1)", "beta(2, 0.5)"),
    ("0.3*beta(2, 5) + 0.7*beta(8, 2)", "beta(1.5, 1.2)"),
    ("log_normal(1, 2)", "weibull(3, 0.8)"),
    ("uniform(-3, 5)", "uniform(-3, 5)"),
    ("pareto(2, 3)", "pareto(2, 5)"),
]


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_a_bijection_leaves_the_divergence(p: str, q: str) -> None:
    first, second = unbound(density(p)).density, unbound(density(q)).density
    assert first.support == second.support == Interval()
    there, here = kl.divergence(first, second), kl.divergence(p, q)
    assert there.value == pytest.approx(here.value, rel=1e-9, abs=1e-12 + here.error + there.error)


def test_coordinates_of_a_box_are_carried_one_by_one() -> None:
    def square(x: np.ndarray) -> np.ndarray:
        z = np.column_stack([np.log(x[:, 0]), -np.log(4 - x[:, 1]), np.log(x[:, 2] + 1) - np.log(1 - x[:, 2]), x[:, 3]])
        slope = -np.log(x[:, 0]) - np.log(4 - x[:, 1]) + np.log(2) - np.log(x[:, 2] + 1) - np.log(1 - x[:, 2])
        return np.asarray(-0.5 * (z**2).sum(axis=1) - 2 * np.log(2 * np.pi) + slope)

    support = Box((Interval(0.0), Interval(-np.inf, 4.0), Interval(-1.0, 1.0), Interval()))
    f = kl.Density(square, dim=4, support=support, vectorized=True)
    density, outward, inward = unbound(f)
    u = np.random.default_rng(0).normal(size=(50, 4)) * 2
    assert density.support == reals(4)
    np.testing.assert_allclose(density.log_prob(u), -0.5 * (u**2).sum(axis=1) - 2 * np.log(2 * np.pi), rtol=1e-12)
    np.testing.assert_allclose(inward(outward(u)), u, atol=1e-11)


def test_a_gradient_is_carried_along() -> None:
    support = Box((Interval(0.0), Interval(-np.inf, 4.0), Interval(-1.0, 1.0), Interval()))
    facts = Facts(grad=lambda x: -x + 0.3)
    f = kl.Density(lambda x: (-0.5 * x**2 + 0.3 * x).sum(axis=1), dim=4, support=support, normalized=False,
                   vectorized=True, facts=facts)  # fmt: skip
    found = unbound(f).density
    assert found.facts.grad is not None
    u = np.random.default_rng(1).normal(size=(20, 4))
    steps = 1e-5 * np.eye(4)
    numeric = np.column_stack([(found._log_prob(u + h) - found._log_prob(u - h)) / 2e-5 for h in steps])
    np.testing.assert_allclose(found.facts.grad(u), numeric, atol=1e-8)


def test_draws_and_quantiles_are_carried() -> None:
    found = unbound(density("beta(2, 3)")).density
    draws = found.sample(4000, seed=1)
    x = 1 / (1 + np.exp(-draws))
    assert x.mean() == pytest.approx(0.4, abs=4 * 0.2 / np.sqrt(4000))
    assert found.facts.quantile is not None
    middle = float(found.facts.quantile(np.array([0.5]))[0])
    assert kl.divergence(found, found).value <= 1e-15
    assert density("beta(2, 3)").facts.quantile(np.array([0.5]))[0] == pytest.approx(1 / (1 + np.exp(-middle)))  # type: ignore[misc]


def test_a_simplex_loses_its_last_share() -> None:
    found, outward, inward = unbound(density("dirichlet([2, 3, 4])"))
    assert found.support == reals(2)
    u = np.array([[0.1, -0.3], [2.0, 1.0]])
    np.testing.assert_allclose(outward(u).sum(axis=1), 1)
    np.testing.assert_allclose(inward(outward(u)), u, atol=1e-12)
    assert kl.divergence(found, unbound(density("dirichlet([1, 1, 1])")).density).value == pytest.approx(
        kl.divergence("dirichlet([2, 3, 4])", "dirichlet([1, 1, 1])").value, abs=1e-7
    )


def test_the_whole_line_stays_as_it_is_and_the_integers_are_refused() -> None:
    normal = density("normal(1, 2)")
    assert unbound(normal).density is normal
    with pytest.raises(kl.InputError, match="no bijection"):
        unbound(density("poisson(3)"))
