"""NumPyro models as targets."""

from __future__ import annotations

import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest

import kullback as kl
from posteriors import posterior

Y = np.array([28.0, 8, -3, 7, -1, 1, 18, 12])
SIGMA = np.array([15.0, 10, 16, 11, 9, 11, 10, 18])


def schools(y: np.ndarray, sigma: np.ndarray) -> None:
    mu = numpyro.sample("mu", dist.Normal(0.0, 5.0))
    tau = numpyro.sample("tau", dist.HalfCauchy(5.0))
    with numpyro.plate("schools", 8):
        theta = numpyro.sample("theta_trans", dist.Normal(0.0, 1.0))
    numpyro.sample("y", dist.Normal(mu + tau * theta, sigma), obs=y)


def test_a_model_is_its_posterior_and_results_bear_the_sites_names() -> None:
    p = kl.from_model(schools, Y, SIGMA)
    assert p.dim == 10
    known = posterior("eight_schools")
    u = np.concatenate([known.mean[8:], known.mean[:8]])  # mu, log tau, theta_trans
    one = np.concatenate([u[2:], u[:2]])
    base = p.log_prob(u) - float(known.log_prob(one))
    other = u + 0.3
    assert p.log_prob(other) - float(known.log_prob(np.concatenate([other[2:], other[:2]]))) == pytest.approx(base)
    fit = kl.fit(p, "normal", direction="reverse")
    assert set(fit.sites) == {"mu", "tau", "theta_trans"}
    assert fit.sites["theta_trans"]["loc"].shape == (8,)
    assert fit.sites["mu"]["loc"] == pytest.approx(known.mean[8], abs=0.1 * known.sd[8])
    draws = fit.draws(2000, seed=1)
    assert draws["theta_trans"].shape == (2000, 8)
    assert (draws["tau"] > 0).all()
    assert np.log(draws["tau"]).mean() == pytest.approx(float(fit.sites["tau"]["loc"]), abs=0.1)


def test_models_in_one_dimension_and_supports_that_hang_on_other_sites() -> None:
    def conjugate(y: float) -> None:
        x = numpyro.sample("x", dist.Normal(0.0, 1.0))
        numpyro.sample("y", dist.Normal(x, 0.5), obs=y)

    fit = kl.fit(kl.from_model(conjugate, 10.0), "normal", direction="reverse")
    assert fit.sites["x"]["loc"] == pytest.approx(8)
    assert fit.draws(5)["x"].shape == (5,)

    def nested() -> None:
        low = numpyro.sample("low", dist.Exponential(1.0))
        numpyro.sample("x", dist.Uniform(low, low + 2.0))
        numpyro.sample("simplex", dist.Dirichlet(np.array([2.0, 3.0, 4.0])))

    fit = kl.fit(kl.from_model(nested), "normal", direction="forward")
    found = fit.draws(4000)
    assert found["simplex"].shape == (4000, 3)
    np.testing.assert_allclose(found["simplex"].sum(axis=1), 1, rtol=1e-6)
    assert (found["x"] > found["low"]).all()
    assert fit.log_evidence == pytest.approx(0, abs=5 * fit.log_evidence_error + 1e-3)


def test_models_that_have_no_density_say_why() -> None:
    def discrete() -> None:
        numpyro.sample("k", dist.Poisson(3.0))

    def observed() -> None:
        numpyro.sample("y", dist.Normal(0.0, 1.0), obs=1.0)

    with pytest.raises(kl.InputError, match="discrete latent sites"):
        kl.from_model(discrete)
    with pytest.raises(kl.InputError, match="no latent sites"):
        kl.from_model(observed)
    with pytest.raises(kl.KindError, match="must be a function"):
        kl.from_model(3)
    with pytest.raises(kl.KindError, match="has sites"):
        kl.fit("normal(0, 1)", "normal", direction="forward").sites
