"""Expectation-maximisation: the likelihood never falls, weights are copies, nothing collapses."""

from __future__ import annotations

import numpy as np
import pytest

from kullback.numerics import em


def two_humps(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.where(rng.random(n) < 0.3, rng.normal(-2, 0.5, n), rng.normal(2, 1, n))[:, None]


def test_every_step_gains() -> None:
    x = two_humps(300)
    w = np.full((1, 300), 1 / 300)
    m = em.spread_starts(x, w[0], 3, np.random.default_rng(1), 1)
    last = -np.inf
    for _ in range(30):
        climbed = em.climb(x, w, m, floor=1e-8 * np.eye(1), max_steps=2, tolerance=0)
        assert climbed.log_likelihood[0] >= last - 1e-12
        last, m = climbed.log_likelihood[0], climbed.mixtures


def test_against_scikit_learn() -> None:
    from sklearn.mixture import GaussianMixture

    x = np.column_stack([two_humps(500)[:, 0], two_humps(500, 1)[:, 0]])
    w = np.full(500, 1 / 500)
    found, _ = em.fit(x, w, 2, floor=1e-8 * np.eye(2), seed=0)
    ours = em.climb(x, w[None], found, floor=1e-8 * np.eye(2), tolerance=1e-12).log_likelihood[0]
    theirs = GaussianMixture(2, n_init=5, random_state=0, tol=1e-10, max_iter=2000, reg_covar=0).fit(x).score(x)
    assert ours >= theirs - 1e-8


def test_weights_are_copies() -> None:
    x = two_humps(60)
    counts = np.random.default_rng(2).integers(1, 4, 60)
    copies = np.repeat(x, counts, axis=0)
    start = em.spread_starts(x, counts / counts.sum(), 2, np.random.default_rng(0), 1)
    a = em.climb(x, (counts / counts.sum())[None], start, floor=1e-8 * np.eye(1), max_steps=50)
    b = em.climb(copies, np.full((1, len(copies)), 1 / len(copies)), start, floor=1e-8 * np.eye(1), max_steps=50)
    np.testing.assert_allclose(a.mixtures.means, b.mixtures.means, rtol=1e-10)


def test_tied_points_do_not_collapse_a_component() -> None:
    x = np.r_[np.zeros(50), np.random.default_rng(0).normal(3, 1, 50)][:, None]
    found, _ = em.fit(x, np.full(100, 0.01), 2, floor=1e-4 * np.eye(1), seed=0)
    assert found.covariances.min() >= 1e-4 * (1 - 1e-9)


@pytest.mark.parametrize("rows", [1, 7])
def test_a_batch_climbs_as_each_alone(rows: int) -> None:
    x = two_humps(80)
    w = np.random.default_rng(3).dirichlet(np.ones(80), size=rows)
    start = em.spread_starts(x, np.full(80, 1 / 80), 2, np.random.default_rng(0), rows)
    together = em.climb(x, w, start, floor=1e-8 * np.eye(1), tolerance=0, max_steps=20)
    for r in range(rows):
        one = start.pick(slice(r, r + 1))
        alone = em.climb(x, w[r : r + 1], one, floor=1e-8 * np.eye(1), tolerance=0, max_steps=20)
        np.testing.assert_allclose(alone.mixtures.means[0], together.mixtures.means[r], rtol=1e-6)
