"""Batches of distributions: the numbers of each pair alone, by a form over all of them where there is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

import kullback as kl

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(2, 6)), RNG.uniform(1, 5, size=(2, 6))

FAMILIES: dict[str, Callable[[Any, Any], Any]] = {
    "norm": lambda a, b: stats.norm(a, b),
    "laplace": lambda a, b: stats.laplace(a, b),
    "cauchy": lambda a, b: stats.cauchy(a, b),
    "poisson": lambda a, b: stats.poisson(b),
    "bernoulli": lambda a, b: stats.bernoulli(b / 10),
    "binomial of one total": lambda a, b: stats.binom(10, b / 10),
    "binomial of several": lambda a, b: stats.binom(np.round(b), b / 10),
    "beta": lambda a, b: stats.beta(b, b + 1),
    "beta elsewhere": lambda a, b: stats.beta(b, b + 1, loc=3),
    "poisson elsewhere": lambda a, b: stats.poisson(b, loc=1),
    "gamma": lambda a, b: stats.gamma(b, scale=b),
    "uniform": lambda a, b: stats.uniform(a, b),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_batch_has_the_numbers_of_each_pair(name: str) -> None:
    make = FAMILIES[name]
    found = kl.divergence(make(A[0], B[0]), make(A[1], B[1]))
    for i in range(6):
        alone = kl.divergence(make(A[0, i], B[0, i]), make(A[1, i], B[1, i]))
        assert (found.value[i], found.error[i], found.status[i]) == (alone.value, alone.error, alone.status)


def test_batches_broadcast_and_take_one_on_a_side() -> None:
    wide = kl.divergence(stats.norm(A[0][:, None], 1), stats.norm(A[1], B[1]))
    assert wide.value.shape == (6, 6)
    assert wide.value[2, 3] == kl.divergence(stats.norm(A[0, 2], 1), stats.norm(A[1, 3], B[1, 3])).value
    one = kl.divergence(stats.norm(A[0], 1), "normal(0, 2)")
    assert one.value[4] == kl.divergence(stats.norm(A[0, 4], 1), "normal(0, 2)").value
    turned = kl.divergence(stats.norm(A[0], 1), "normal(0, 2)", direction="reverse")
    assert turned.value[4] == kl.divergence("normal(0, 2)", stats.norm(A[0, 4], 1)).value
    assert kl.divergence(stats.norm(np.zeros((0, 2)), 1), "normal(0, 2)").value.shape == (0, 2)


def test_what_a_form_cannot_do_falls_to_the_members() -> None:
    edge = kl.divergence(stats.bernoulli([0.5, 1.0]), stats.bernoulli([1.0, 0.5]))
    assert edge.value.tolist() == pytest.approx([np.inf, np.log(2)])
    assert kl.divergence(stats.poisson([0.0, 1.0]), stats.poisson(2.0)).value[0] == 2
    with pytest.raises(kl.InputError, match="scale must be positive, not -1"):
        kl.divergence(stats.norm([0, 1], [1, -1.0]), "normal(0, 1)")
    with pytest.raises(kl.InputError, match="finite"):
        kl.divergence(stats.norm([0, np.nan], 1), "normal(0, 1)")
    assert (kl.divergence(stats.norm(A[0], 1), "normal(0, 2)", tolerance=1e-3).value > 0).all()


def test_numpyros_batches() -> None:
    dist = pytest.importorskip("numpyro.distributions")
    loc = np.linspace(-1, 1, 5)
    for p in (dist.Normal(loc, 2.0), dist.Normal(loc, 2.0).expand([3, 5]), dist.Normal(0.0, 2.0).expand([5])):
        found = kl.divergence(p, dist.Normal(0.5, 1.0))
        assert found.value.shape == p.batch_shape
        mean = float(np.float32(loc[-1])) if np.ndim(p.mean) and np.asarray(p.mean).any() else 0.0
        assert found.value.ravel()[-1] == kl.divergence(stats.norm(mean, 2), stats.norm(0.5, 1)).value
    masses = dist.Bernoulli(logits=np.array([-1.0, 40.0]))
    assert np.isfinite(kl.divergence(masses, dist.Bernoulli(probs=0.5)).value).all()


def test_many_normals_take_no_time() -> None:
    """By members these were seconds; the bound is loose for a busy machine."""
    import time

    start = time.process_time()
    found = kl.divergence(stats.norm(np.zeros(20_000), 1.0), stats.norm(1.0, 2.0))
    assert time.process_time() - start < 1.0
    assert np.unique(found.value).tolist() == [kl.divergence("normal(0, 1)", "normal(1, 2)").value]
