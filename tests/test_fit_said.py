"""What is said where there is little to say: few draws, a stopped fit, models that cannot be served, advice."""

from __future__ import annotations

import math
from typing import Any

import jax
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest

import kullback as kl
from kullback._estimate import estimate
from kullback._fit._sampling import own_kl
from kullback.numerics import em
from targets import density


def test_a_normal_for_few_draws_says_what_they_can_tell() -> None:
    """E KL(N‖N̂) over 10 draws in 5 dimensions: 5.33 nats, E KL(N̂‖N) 1.34, by 4·10⁵ sets of draws."""
    x = np.random.default_rng(0).standard_normal((10, 5))
    for direction in ("forward", "reverse"):
        fit = kl.fit(kl.Sample(x), "normal", direction=direction)
        assert fit.forward.error == pytest.approx(5.33, abs=0.1)
        assert fit.reverse.error == pytest.approx(1.34, abs=0.1)
        assert "says nothing of P" in " ".join(fit.notes)
    advice = kl.advise(kl.Sample(x), "normal")
    assert advice.direction == "forward"
    assert "no evidence" in advice.reasons[0]


@pytest.mark.parametrize(("n", "d"), [(8, 2), (30, 4)])
def test_the_error_of_a_normals_own_fit_is_its_mean_over_draws(n: int, d: int) -> None:
    rng = np.random.default_rng(1)
    sets = rng.standard_normal((20_000, n, d))
    mean = sets.mean(axis=1)
    offset = sets - mean[:, None]
    s = np.einsum("rni,rnj->rij", offset, offset) / n
    log_det = np.linalg.slogdet(s)[1]
    back = np.linalg.inv(s)
    forward = 0.5 * (np.trace(back, axis1=1, axis2=2) + np.einsum("ri,rij,rj->r", mean, back, mean) - d + log_det)
    reverse = 0.5 * (np.trace(s, axis1=1, axis2=2) + (mean**2).sum(axis=1) - d - log_det)
    found = own_kl(estimate(kl.Sample(rng.standard_normal((n, d)) if n > 8 else sets[0])))
    for value, terms in zip(found, (forward, reverse), strict=True):
        assert value == pytest.approx(terms.mean(), abs=6 * terms.std() / math.sqrt(len(terms)))


def test_a_fit_that_is_stopped_at_once_says_so_in_a_sentence() -> None:
    def log_prob(x: Any) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="stopped before it had a first Q"):
        kl.fit(density(log_prob, 3), "normal", direction="reverse")


Y = np.linspace(-1, 1, 20)


def part_of_the_rows(y: Any) -> None:
    m = numpyro.sample("m", dist.Normal(0, 1))
    with numpyro.plate("rows", 20, subsample_size=5) as i:
        numpyro.sample("y", dist.Normal(m, 1), obs=y[i])


def a_discrete_site(y: Any) -> None:
    m = numpyro.sample("m", dist.Normal(0, 1))
    with numpyro.plate("rows", 20):
        z = numpyro.sample("z", dist.Bernoulli(0.3), infer={"enumerate": "parallel"})
        numpyro.sample("y", dist.Normal(m + z, 1), obs=y)


def improper(y: Any) -> None:
    numpyro.sample("loose", dist.ImproperUniform(dist.constraints.real, (), ()))
    s = numpyro.sample("s", dist.HalfNormal(1))
    numpyro.sample("y", dist.Normal(s, 1), obs=y)


def a_random_key(y: Any) -> None:
    m = numpyro.sample("m", dist.Normal(0, 1))
    numpyro.sample("y", dist.Normal(m + jax.random.normal(numpyro.prng_key()), 1), obs=y)


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (part_of_the_rows, "plate 'rows' takes 5 of 20 rows.*subsample_size"),
        (a_discrete_site, "'z'.*Sum them out.*MixtureSameFamily"),
        (improper, "the site 'loose'.*proper prior"),
        (a_random_key, "random key.*numpyro.sample site"),
    ],
)
def test_a_model_that_cannot_be_served_names_the_site_and_the_way_out(model: Any, text: str) -> None:
    with pytest.raises(kl.InputError, match=text):
        kl.fit(kl.from_model(model, Y), "normal", direction="reverse")


def test_advice_looks_at_a_carried_normal_beside_a_family_with_ends() -> None:
    advice = kl.advise("log_normal(0, 1)", "gamma")
    assert advice.richer is not None
    assert advice.richer.family == 'carried("normal")'
    assert advice.richer.residual.value == pytest.approx(0, abs=1e-9)


def test_em_in_levels_ends_where_em_on_all_ends() -> None:
    rng = np.random.default_rng(2)
    n = 3 * em.LARGE
    x = np.concatenate([rng.standard_normal((n // 2, 3)), 3 + 0.5 * rng.standard_normal((n - n // 2, 3))])
    w, floor = np.full(n, 1 / n), 1e-9 * np.eye(3)
    begin = em.spread_starts(x[:: n // 1000], np.full(1000, 1e-3), 2, rng, 1)
    some = em.climb_many(x, w, begin, floor=floor, tolerance=1e-10, max_steps=100)
    whole = em.climb(x, w[None], begin, floor=floor, tolerance=1e-12, max_steps=200)
    np.testing.assert_allclose(some.mixtures.means, whole.mixtures.means, atol=1e-4)
    np.testing.assert_allclose(some.mixtures.covariances, whole.mixtures.covariances, atol=1e-4)
