"""Monte Carlo: unbiased, its standard error calibrated, better than plain draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

import kullback as kl

P3 = "multivariate_normal([0, 1, 0], [[1, 0.5, 0], [0.5, 2, 0], [0, 0, 1]])"
Q3 = "multivariate_normal([0, 0, 0], [[1, 0, 0], [0, 1, 0], [0, 0, 2]])"


def test_high_dimensions_take_it_by_themselves() -> None:
    p = f"0.5*{P3} + 0.5*multivariate_normal([4, 0, 0], [[1, 0, 0], [0, 1, 0], [0, 0, 1]])"
    found = kl.divergence(p, Q3)
    assert found.method == "monte carlo"
    assert found.error_kind == "standard_error"
    assert kl.divergence(p, Q3).value == found.value
    assert kl.divergence(p, Q3, seed=1).value != found.value
    tighter = kl.divergence(p, Q3, tolerance=found.error / 3)
    assert tighter.n > found.n
    assert abs(tighter.value - found.value) < 5 * math.hypot(found.error, tighter.error)


@pytest.mark.parametrize(
    ("p", "q"),
    [(P3, Q3), ("normal(0, 1)", "normal(0.3, 1.2)"), ("gamma(2, 1)", "gamma(3, 1)"), ("normal(0, 1)", "laplace(0, 1)")],
)
def test_the_standard_error_is_calibrated(p: str, q: str) -> None:
    """z over 40 seeds: with 16 replicates t has 15 degrees of freedom, whose variance is 15/13.

    The variance of 40 values is known to 22 %; three of its errors either way are allowed.
    """
    truth = kl.divergence(p, q).value
    z = []
    for seed in range(40):
        found = kl.divergence(p, q, method="monte carlo", seed=seed, budget=20_000)
        z.append((found.value - truth) / found.error)
    assert abs(np.mean(z)) < 4 / math.sqrt(40)
    assert 0.35 < np.var(z) / (15 / 13) < 1.8


def test_less_variance_than_plain_draws() -> None:
    p = stats.multivariate_normal(np.zeros(5), np.eye(5))
    q = stats.multivariate_normal(0.2 * np.ones(5), 1.1 * np.eye(5))
    found = kl.divergence(p, q, method="monte carlo", budget=40_000)
    x = p.rvs(found.n, random_state=1)
    plain = np.std(p.logpdf(x) - q.logpdf(x)) / math.sqrt(found.n)
    assert found.error < plain / 10


def test_a_gap_and_a_missing_sampler() -> None:
    p = "multivariate_normal([0, 0, 0], [[1, 0, 0], [0, 1, 0], [0, 0, 1]])"
    q = kl.Density(lambda x: np.where(x[:, 0] > 0, -(x**2).sum(axis=1) / 2, -np.inf), dim=3, vectorized=True)
    found = kl.divergence(p, q)
    assert found.value == math.inf
    assert found.status is kl.Status.SUPPORT_GAP
    with pytest.raises(kl.NoMethodError, match="no sampler"):
        kl.divergence(q, p)
    assert "known up to a constant" in str(
        kl.plan(p, kl.Density(lambda x: -(x**2).sum(axis=1), dim=3, vectorized=True, normalized=False)).reasons
    )
