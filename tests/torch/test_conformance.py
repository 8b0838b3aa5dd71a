"""torch's own list of KL examples: every pair of parameters, against torch in float64 and our own quadrature.

The parameters are those of torch's test suite (test_distributions.py, TestKL). Its finite examples are batches of
4 by 4: each parameter set of the one family against each of the other.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import kullback as kl
import torch
from torch import distributions as td


def pairwise(family: Any, *parameters: Any) -> tuple[Any, Any]:
    """The family at (n, n): the first varies along the last batch axis, the second along the first."""
    rows = [torch.tensor([p] * len(p), dtype=torch.float64) for p in parameters]
    return family(*rows), family(*[r.transpose(0, 1) for r in rows])


def f64(*values: float) -> Any:
    return torch.tensor(values, dtype=torch.float64)


def pareto(*scales: float) -> Any:
    return td.Pareto(f64(*scales).expand(4, 4), f64(2.25, 3.75, 2.25, 3.75).expand(4, 4))


SHARES = [[0.4, 0.3, 0.3], [0.2, 0.7, 0.1], [0.33, 0.33, 0.34], [0.2, 0.2, 0.6]]
normal = pairwise(td.Normal, [-2.0, 2.0, -3.0, 3.0], [1.0, 2.0, 1.0, 2.0])
EXAMPLES = {
    "bernoulli": pairwise(td.Bernoulli, [0.1, 0.2, 0.6, 0.9]),
    "binomial30": pairwise(lambda p: td.Binomial(30, p), [0.1, 0.2, 0.6, 0.9]),
    "binomial_counts": (td.Binomial(f64(3, 4), f64(0.4, 0.6)), td.Binomial(f64(3, 4), f64(0.5, 0.8))),
    "beta": pairwise(td.Beta, [1.0, 2.5, 1.0, 2.5], [1.5, 1.5, 3.5, 3.5]),
    "categorical": pairwise(td.Categorical, SHARES),
    "cauchy": pairwise(td.Cauchy, [-2.0, 2.0, -3.0, 3.0], [1.0, 2.0, 1.0, 2.0]),
    "chi2": pairwise(td.Chi2, [1.0, 2.0, 2.5, 5.0]),
    "dirichlet": pairwise(td.Dirichlet, [[0.1, 0.2, 0.7], [0.5, 0.4, 0.1], [0.33, 0.33, 0.34], [0.2, 0.2, 0.4]]),
    "exponential": pairwise(td.Exponential, [1.0, 2.5, 5.0, 10.0]),
    "gamma": pairwise(td.Gamma, [1.0, 2.5, 1.0, 2.5], [1.5, 1.5, 3.5, 3.5]),
    "gumbel": pairwise(td.Gumbel, [-2.0, 4.0, -3.0, 6.0], [1.0, 2.5, 1.0, 2.5]),
    "half_normal": pairwise(td.HalfNormal, [1.0, 2.0, 1.0, 2.0]),
    "inverse_gamma": pairwise(td.InverseGamma, [1.0, 2.5, 1.0, 2.5], [1.5, 1.5, 3.5, 3.5]),
    "laplace": pairwise(td.Laplace, [-2.0, 4.0, -3.0, 6.0], [1.0, 2.5, 1.0, 2.5]),
    "log_normal": pairwise(td.LogNormal, [-2.0, 2.0, -3.0, 3.0], [1.0, 2.0, 1.0, 2.0]),
    "normal": normal,
    "independent": (td.Independent(normal[0], 1), td.Independent(normal[1], 1)),
    "one_hot": pairwise(td.OneHotCategorical, SHARES),
    "pareto": (pareto(2.5, 4.0, 2.5, 4.0), pareto(2.25, 3.75, 2.25, 3.8)),
    "poisson": pairwise(td.Poisson, [0.3, 1.0, 5.0, 10.0]),
    "uniform_unit": pairwise(td.Uniform, [0.1, 0.9, 0.2, 0.75], [0.15, 0.95, 0.25, 0.8]),
    "uniform_positive": pairwise(td.Uniform, [1.0, 1.5, 2.0, 4.0], [1.2, 2.0, 3.0, 7.0]),
    "uniform_real": pairwise(td.Uniform, [-2.0, -1.0, 0.0, 2.0], [-1.0, 1.0, 1.0, 4.0]),
    "uniform_pareto": pairwise(td.Uniform, [6.5, 7.5, 6.5, 8.5], [7.5, 8.5, 9.5, 9.5]),
    "continuous_bernoulli": pairwise(td.ContinuousBernoulli, [0.1, 0.2, 0.5, 0.9]),
}
FINITE = """
bernoulli bernoulli, bernoulli poisson, beta beta, beta chi2, beta exponential, beta gamma, beta normal,
binomial30 binomial30, binomial_counts binomial_counts, categorical categorical, cauchy cauchy, chi2 chi2,
chi2 exponential, chi2 gamma, chi2 normal, dirichlet dirichlet, exponential chi2, exponential exponential,
exponential gamma, exponential gumbel, exponential normal, gamma chi2, gamma exponential, gamma gamma, gamma gumbel,
gamma normal, gumbel gumbel, gumbel normal, half_normal half_normal, independent independent,
inverse_gamma inverse_gamma, laplace laplace, log_normal log_normal, laplace normal, normal gumbel, normal laplace,
normal normal, one_hot one_hot, pareto chi2, pareto pareto, pareto exponential, pareto gamma, poisson poisson,
uniform_unit beta, uniform_positive chi2, uniform_positive exponential, uniform_positive gamma, uniform_real gumbel,
uniform_real normal, uniform_pareto pareto, continuous_bernoulli continuous_bernoulli,
continuous_bernoulli exponential, continuous_bernoulli normal, beta continuous_bernoulli
"""
PAIRS = [tuple(pair.split()) for pair in FINITE.split(",")]


def test_the_list_is_whole() -> None:
    assert len(PAIRS) == len(set(PAIRS)) == 54
    assert len(INFINITE) == 63


@pytest.mark.parametrize(("left", "right"), PAIRS)
def test_finite(left: str, right: str) -> None:
    p, q = EXAMPLES[left][0], EXAMPLES[right][1]
    found = kl.divergence(p, q)
    theirs = td.kl_divergence(p, q).numpy()
    assert found.value.shape == theirs.shape
    np.testing.assert_allclose(found.value, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("left", "right"), [pair for pair in PAIRS if pair not in [("dirichlet", "dirichlet")]])
def test_the_closed_forms_are_what_quadrature_finds(left: str, right: str) -> None:
    p, q = EXAMPLES[left][0], EXAMPLES[right][1]
    found = kl.divergence(p, q)
    if "closed" not in found.method:
        return
    try:
        numeric = kl.divergence(p, q, method="lattice" if "lattice" in _applying(p, q) else "quadrature")
    except kl.NoMethodError:
        assert {left, right} <= {"independent", "one_hot"}
        return
    finite = np.isfinite(found.value)
    np.testing.assert_allclose(numeric.value[finite], found.value[finite], rtol=1e-9, atol=1e-9)


def _applying(p: Any, q: Any) -> list[str]:
    return [name for name, reason in kl.plan(p, q).reasons.items() if reason is None]


INFINITE = [
    (td.Bernoulli(0), td.Bernoulli(1)),
    (td.Bernoulli(1), td.Bernoulli(0)),
    (td.Categorical(f64(0.9, 0.1)), td.Categorical(f64(1.0, 0.0))),
    (td.Categorical(f64(0.9, 0.1).expand(2, 2)), td.Categorical(f64(1.0, 0.0))),
    *[(td.Beta(1, 2), td.Uniform(*ends)) for ends in ((0.25, 1), (0, 0.75), (0.25, 0.75))],
    (td.Beta(1, 2), td.Pareto(1, 2)),
    (td.Binomial(31, 0.7), td.Binomial(30, 0.3)),
    (td.Binomial(f64(3, 4), f64(0.4, 0.6)), td.Binomial(f64(2, 3), f64(0.5, 0.8))),
    *[(td.Chi2(1), q) for q in (td.Beta(2, 3), td.Pareto(2, 3), td.Uniform(-2, 3))],
    *[(td.Exponential(1), q) for q in (td.Beta(2, 3), td.Pareto(2, 3), td.Uniform(-2, 3))],
    *[(td.Gamma(1, 2), q) for q in (td.Beta(3, 4), td.Pareto(3, 4), td.Uniform(-3, 4))],
    *[
        (p, q)
        for p in (td.Gumbel(-1, 2), td.Laplace(-1, 2), td.Normal(-1, 2))
        for q in (td.Beta(3, 4), td.Chi2(3), td.Exponential(3), td.Gamma(3, 4), td.Pareto(3, 4), td.Uniform(-3, 4))
    ],
    *[(td.Pareto(2, 1), q) for q in (td.Chi2(3), td.Exponential(3), td.Gamma(3, 4))],
    (td.Pareto(1, 2), td.Normal(-3, 4)),
    (td.Pareto(1, 2), td.Pareto(3, 4)),
    (td.Poisson(2), td.Bernoulli(0.5)),
    (td.Poisson(2.3), td.Binomial(10, 0.2)),
    (td.Uniform(-1, 1), td.Beta(2, 2)),
    (td.Uniform(0, 2), td.Beta(3, 4)),
    *[(td.Uniform(-1, 2), q) for q in (td.Beta(3, 4), td.Chi2(3), td.Exponential(3), td.Gamma(3, 4), td.Pareto(3, 4))],
    *[(td.ContinuousBernoulli(0.25), td.Uniform(*ends)) for ends in ((0.25, 1), (0, 0.75), (0.25, 0.75))],
    (td.ContinuousBernoulli(0.25), td.Pareto(1, 2)),
    *[
        (p, td.ContinuousBernoulli(0.75))
        for p in (
            td.Exponential(1), td.Gamma(1, 2), td.Gumbel(-1, 2), td.Laplace(-1, 2), td.Normal(-1, 2),
            td.Uniform(-1, 1), td.Uniform(0, 2), td.Uniform(-1, 2),
        )
    ],
]  # fmt: skip


@pytest.mark.parametrize(("p", "q"), INFINITE, ids=lambda d: type(d).__name__)
def test_infinite_by_proof(p: Any, q: Any) -> None:
    found = kl.divergence(p, q)
    assert np.all(np.isposinf(found.value))
    assert {s.key for s in np.ravel(found.status)} <= {"support_gap", "tail_gap"}


def test_where_torch_is_wrong() -> None:
    """KL(CB(λ)‖U(0, 1)) = −H(CB(λ)), to nine digits from 30-digit quadrature; torch's two forms differ from it."""
    p, q = td.ContinuousBernoulli(f64(0.3)[0]), td.Uniform(f64(0.0)[0], f64(1.0)[0])
    for a, b, truth in ((p, q, 0.029386202), (q, p, 0.029736123)):
        assert kl.divergence(a, b).value == pytest.approx(truth, abs=5e-10)
        assert not math.isclose(float(td.kl_divergence(a, b)), truth, rel_tol=1e-3)
