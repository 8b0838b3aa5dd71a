"""A fit on disk and back."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kullback as kl
from cases import MURPHY, humps

FITS = [
    (humps(5), "normal", "reverse"),
    (humps(5), "laplace", 0.3),
    (humps(5), "student_t", "forward"),
    (humps(5), "mixture(2)", "reverse"),
    (MURPHY, "normal", "forward"),
    (MURPHY, "laplace", "forward"),
    pytest.param(MURPHY, "student_t", "reverse", marks=pytest.mark.slow),
    ("cauchy(0, 1)", "normal", "reverse"),  # KL(P‖Q) is infinite
    ("gamma(2, 3)", "log_normal", "reverse"),
    ("gamma(2, 3)", 'carried("student_t")', "forward"),
    ("gamma(2, 3)", 'carried("mixture(2)")', "forward"),
    ("gamma(2, 3)", "gamma", 0.5),
    ("beta(2, 3)", "uniform", "forward"),
    ("0.5*poisson(2) + 0.5*poisson(9)", "poisson", "reverse"),
    ("poisson(3)", "binomial(10)", "reverse"),
]


@pytest.mark.parametrize(("p", "family", "direction"), FITS, ids=lambda v: str(v) if len(str(v)) < 30 else "")
def test_a_fit_comes_back_as_it_was(p: str, family: str, direction: Any, tmp_path: Path) -> None:
    fit = kl.fit(p, family, direction=direction)
    fit.save(tmp_path / "fit.npz")
    back = kl.load(tmp_path / "fit.npz")
    assert back.to_json() == fit.to_json()
    assert repr(back) == repr(fit)
    x = fit.q.sample(20, seed=1)
    np.testing.assert_allclose(back.q.log_prob(x), fit.q.log_prob(x), rtol=1e-12)
    np.testing.assert_array_equal(back.q.sample(20, seed=1), x)
    assert (back.status, back.method, back.residual.status) == (fit.status, fit.method, fit.residual.status)
    assert back.coverage.modes[0].location == pytest.approx(fit.coverage.modes[0].location)
    again = kl.fit(p, family, direction=direction, start=fit if family != "gamma" else None)
    assert again.residual.value == pytest.approx(fit.residual.value, abs=1e-9)


def test_a_fit_that_was_read_is_a_start(tmp_path: Path) -> None:
    fit = kl.fit(humps(7.5), "normal", direction="reverse")
    fit.save(tmp_path / "fit.npz")
    again = kl.fit(humps(7.6), "normal", direction="reverse", start=kl.load(tmp_path / "fit.npz"), starts="given")
    assert again.starts == ("given",)
    assert again.parameters["loc"] == pytest.approx(fit.parameters["loc"], abs=0.01)


def test_a_family_of_ones_own_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    import jax.numpy as jnp
    import numpyro.distributions as dist

    family = kl.families.Custom(lambda t: dist.Gamma(jnp.exp(t[0]), jnp.exp(t[1])), size=2)
    fit = kl.fit("gamma(2, 3)", family, direction="reverse")
    with pytest.raises(kl.InputError, match="a function of your own"):
        fit.save(tmp_path / "fit.npz")
    with pytest.raises(kl.InputError, match="no folder"):
        kl.fit("normal(0, 1)", "normal", direction="forward").save(tmp_path / "gone" / "fit.npz")
    assert not list(tmp_path.iterdir())


def test_what_is_no_fit_is_told(tmp_path: Path) -> None:
    with pytest.raises(kl.InputError, match="no such file"):
        kl.load(tmp_path / "fit.npz")
    (tmp_path / "text.npz").write_text("a text")
    with pytest.raises(kl.InputError, match="no saved fit"):
        kl.load(tmp_path / "text.npz")
    np.savez(tmp_path / "other.npz", x=np.ones(3))
    with pytest.raises(kl.InputError, match="no saved fit"):
        kl.load(tmp_path / "other.npz")
    np.savez(tmp_path / "pickled.npz", fit=np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(kl.InputError, match="no saved fit"):
        kl.load(tmp_path / "pickled.npz")
    later = json.dumps({"format": 99, "fit": None}).encode()
    np.savez(tmp_path / "later.npz", fit=np.frombuffer(later, dtype=np.uint8))
    with pytest.raises(kl.InputError, match="format 99"):
        kl.load(tmp_path / "later.npz")


def test_a_fit_in_many_dimensions_keeps_its_infinities(tmp_path: Path) -> None:
    import jax.numpy as jnp

    p = kl.Density(lambda x: -2 * jnp.log1p(jnp.sum(x**2)), dim=3, normalized=False)
    fit = kl.fit(p, "normal", direction="reverse")
    fit.save(tmp_path / "fit.npz")
    back = kl.load(tmp_path / "fit.npz")
    assert back.forward.value == math.inf
    assert back.log_evidence == fit.log_evidence
    np.testing.assert_array_equal(back.q.parameters["loc"], fit.q.parameters["loc"])


def test_a_models_draws_for_arviz() -> None:
    """log p and log q there are those of the fit, and the weights that they make know log Z."""
    import numpyro
    import numpyro.distributions as dist

    def model(y: Any) -> None:
        mu = numpyro.sample("mu", dist.Normal(0, 5))
        sigma = numpyro.sample("sigma", dist.HalfNormal(2))
        numpyro.sample("y", dist.Normal(mu, sigma).expand([len(y)]).to_event(1), obs=y)

    fit = kl.fit(kl.from_model(model, np.array([1.0, 2.0, 4.0])), "normal", direction="reverse")
    tree = fit.to_arviz(4000, seed=3)
    draws = fit.draws(4000, seed=3)
    np.testing.assert_array_equal(tree["posterior"]["sigma"].values[0], draws["sigma"])
    assert (tree["posterior"]["sigma"].values > 0).all()
    stats = {name: tree["sample_stats"][name].values[0] for name in ("lp", "log_q", "log_weight", "pareto_k")}
    np.testing.assert_allclose(stats["log_weight"], stats["lp"] - stats["log_q"])
    assert set(stats["pareto_k"]) == {fit.pareto_k}
    log_z = math.log(np.exp(stats["log_weight"] - fit.log_evidence).mean()) + fit.log_evidence
    assert log_z == pytest.approx(fit.log_evidence, abs=0.1)


@pytest.mark.parametrize("family", ["normal", "log_normal"])
def test_draws_of_other_fits_for_arviz(family: str, tmp_path: Path) -> None:
    fit = kl.fit("gamma(2, 3)", family, direction="forward")
    tree = fit.to_arviz(50)
    x = tree["posterior"]["x"].values[0]
    np.testing.assert_array_equal(x, fit.q.sample(50))
    inside = x > 0
    lp = tree["sample_stats"]["lp"].values[0]
    np.testing.assert_allclose(lp[inside], np.log(9 * x[inside]) - 3 * x[inside], rtol=1e-10)
    assert (lp[~inside] == -math.inf).all()
    fit.save(tmp_path / "fit.npz")
    assert "lp" not in kl.load(tmp_path / "fit.npz").to_arviz(5)["sample_stats"]
    with pytest.raises(kl.InputError, match="at least 1"):
        fit.to_arviz(0)
