"""A PyMC model beside the same one in NumPyro: eight schools, not centred."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest

import kullback as kl

pm = pytest.importorskip("pymc", reason="`make test-all` installs it")
pytestmark = pytest.mark.filterwarnings("ignore")  # PyMC's own

Y = np.array([28.0, 8, -3, 7, -1, 1, 18, 12])
S = np.array([15.0, 10, 16, 11, 9, 11, 10, 18])


def eight_schools() -> Any:
    with pm.Model() as model:
        mu, tau, z = pm.Normal("mu", 0, 5), pm.HalfCauchy("tau", 5), pm.Normal("z", 0, 1, shape=8)
        pm.Normal("y", mu + tau * z, S, observed=Y)
    return model


def in_numpyro() -> None:
    mu = numpyro.sample("mu", dist.Normal(0, 5))
    tau = numpyro.sample("tau", dist.HalfCauchy(5))
    z = numpyro.sample("z", dist.Normal(0, 1).expand([8]).to_event(1))
    numpyro.sample("y", dist.Normal(mu + tau * z, S).to_event(1), obs=Y)


def test_eight_schools_are_those_of_numpyro() -> None:
    found = kl.fit(kl.from_model(eight_schools()), "normal", direction="reverse")
    known = kl.fit(kl.from_model(in_numpyro), "normal", direction="reverse")
    assert list(found.sites) == ["mu", "tau", "z"]
    for name, site in known.sites.items():
        for entry, scale in (("loc", site["scale"]), ("scale", site["scale"])):
            np.testing.assert_allclose((found.sites[name][entry] - site[entry]) / scale, 0, atol=0.02)
    error = 4 * np.hypot(found.log_evidence_error, known.log_evidence_error)
    assert found.log_evidence == pytest.approx(known.log_evidence, abs=error)
    for way in ("forward", "reverse"):
        one, other = getattr(found, way), getattr(known, way)
        assert one.value == pytest.approx(other.value, abs=4 * np.hypot(one.error, other.error))
    draws = found.draws(1000, seed=1)
    assert (draws["tau"] > 0).all()
    assert draws["z"].shape == (1000, 8)


def test_what_a_pymc_model_cannot_be() -> None:
    with pm.Model() as counted:
        pm.Normal("y", pm.Bernoulli("b", 0.5), 1, observed=1.0)
    with pytest.raises(kl.InputError, match="discrete variables"):
        kl.from_model(counted)
    with pytest.raises(kl.InputError, match="its own data"):
        kl.from_model(eight_schools(), Y)
