"""What a Fit carries, and fits that cannot be."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import kullback as kl
from cases import MURPHY, humps


def test_modes_of_three_humps_and_their_mass() -> None:
    p = "0.2*normal(-4, 0.5) + 0.5*normal(0, 1) + 0.3*normal(5, 2)"
    fit = kl.fit(p, "normal", direction="reverse")
    assert [round(m.location) for m in fit.modes] == [-4, 0, 5]
    np.testing.assert_allclose([m.mass for m in fit.modes], [0.2, 0.5, 0.3], atol=0.04)  # they overlap
    assert sum(m.mass for m in fit.modes) == pytest.approx(1, abs=1e-9)


def test_a_flat_top_is_one_mode() -> None:
    fit = kl.fit("uniform(2, 4)", "normal", direction="forward")
    assert len(fit.modes) == 1
    assert fit.parameters["scale"] == pytest.approx(2 / math.sqrt(12))


def test_narrow_ridges_in_the_plane_have_one_mode_each() -> None:
    p = (
        "0.5*multivariate_normal([0, 0], [[1, 0.999], [0.999, 1]])"
        " + 0.5*multivariate_normal([10, 0], [[1, -0.999], [-0.999, 1]])"
    )
    modes = kl.fit(p, "normal", direction="forward").modes
    assert len(modes) == 2
    np.testing.assert_allclose(sorted(float(m.location[0]) for m in modes), [0, 10], atol=0.01)
    assert modes[0].mass == pytest.approx(0.5, abs=0.01)


def test_missed_and_wasted_by_counting() -> None:
    fit = kl.fit(humps(7.5), "normal", direction="reverse")
    p = kl.Density(lambda x: np.logaddexp(-0.5 * x**2, -0.5 * (x - 7.5) ** 2) - math.log(2) - 0.9189385332046727,
                   vectorized=True)  # fmt: skip
    x = np.linspace(-12, 20, 400_001)
    log_p, log_q = p.log_prob(x), fit.q.log_prob(x)
    missed = np.exp(log_p)[log_q - log_p < math.log(0.01)].sum() * (x[1] - x[0])
    assert fit.missed == pytest.approx(missed, abs=1e-4)


def test_q_is_a_distribution_and_converts() -> None:
    fit = kl.fit(MURPHY, "normal", direction="forward")
    draws = fit.q.sample(2000, seed=3)
    assert draws.shape == (2000, 2)
    np.testing.assert_array_equal(draws, fit.q.sample(2000, seed=3))
    point = np.array([0.3, -0.4])
    scipy, numpyro = kl.to_scipy(fit), kl.to_numpyro(fit)
    assert scipy.logpdf(point) == pytest.approx(fit.q.log_prob(point), rel=1e-12)
    assert float(numpyro.log_prob(point)) == pytest.approx(fit.q.log_prob(point), rel=1e-6)
    for family in ("laplace", "student_t", "mixture(2)"):
        line = kl.fit("0.5*student_t(3, 0, 1) + 0.5*student_t(3, 2, 1)", family, direction="forward")
        there = kl.to_scipy(line)
        assert float(there.logpdf(0.5)) == pytest.approx(line.q.log_prob(0.5), rel=1e-10)
        assert kl.divergence(kl.to_numpyro(line), line.q).value == pytest.approx(0, abs=1e-12)
    counts = kl.fit("poisson(3)", "geometric", direction="forward")
    assert kl.to_scipy(counts).logpmf(2) == pytest.approx(counts.q.log_prob(2.0), rel=1e-12)


def test_json_of_a_fit() -> None:
    fit = kl.fit(humps(5), "normal", direction="reverse")
    found = json.loads(fit.to_json())
    assert found["schema"] == 1
    assert found["regime"] == "covering"
    assert found["parameters"]["loc"] == pytest.approx(2.5)
    assert set(found["coverage"]) >= {"missed", "wasted", "modes"}
    assert set(found["forward"]) >= {"value", "error", "error_kind", "method", "status"}
    assert len(found["optima"]) == 3
    assert fit._repr_html_().startswith("<p>")
    assert "covering" in repr(fit)


@pytest.mark.parametrize("family", ["normal", "student_t"])
def test_two_dimensions_for_every_family(family: str) -> None:
    p = "multivariate_student_t(5, [1, 2], [[1, 0], [0.5, 2]])"
    for direction in ("forward", "reverse"):
        fit = kl.fit(p, family, direction=direction)
        np.testing.assert_allclose(fit.parameters["loc"], [1, 2], atol=1e-4)
        assert fit.residual.value >= -fit.residual.error
    if family == "student_t":
        assert fit.residual.value < 1e-8
        assert fit.parameters["df"] == pytest.approx(5, rel=1e-3)


def test_laplace_and_mixture_in_two_dimensions() -> None:
    laplace = kl.fit(MURPHY, "laplace", direction="forward")
    assert laplace.parameters["loc"] == pytest.approx(np.zeros(2), abs=1e-9)
    mixture = kl.fit(MURPHY, "mixture(2)", direction="reverse")
    assert mixture.reverse.value < 1e-9


def test_an_unnormalised_callable_target() -> None:
    p = kl.Density(lambda x: -(x**4) / 4 + x**2, normalized=False)
    both = [kl.fit(p, "normal", direction=d) for d in ("forward", "reverse")]
    assert both[0].forward.value < both[1].forward.value
    assert both[1].reverse.value < both[0].reverse.value
    assert [round(m.location, 4) for m in both[0].modes] == [-1.4142, 1.4142]


def test_a_callable_target_in_the_plane() -> None:
    p = kl.Density(
        lambda x: -0.5 * ((x[:, 0] - 100) / 5) ** 2 - 0.5 * (x[:, 1] / 0.01) ** 2,
        dim=2,
        normalized=False,
        vectorized=True,
    )
    fit = kl.fit(p, "normal", direction="reverse")
    np.testing.assert_allclose(fit.parameters["loc"], [100, 0], atol=1e-6)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.parameters["covariance_matrix"])), [5, 0.01], rtol=1e-6)


@pytest.mark.parametrize(
    ("p", "family", "direction", "text"),
    [
        ("cauchy(0, 1)", "normal", "forward", "no finite mean"),
        ("exponential(1)", "normal", "reverse", "infinite for every such Q"),
        ([0.5, 0.5], "normal", "forward", "mass on points"),
        ("normal(0, 1)", "poisson", "forward", "mass on the integers"),
        ("poisson(3)", "binomial(5)", "forward", "infinite for every Q"),
        ("binomial(5, 0.3)", "poisson", "reverse", "infinite for every Q"),
        ({"a": 0.5, "b": 0.5}, "poisson", "forward", "not integers"),
        ("normal(0, 1)", "nromal", "forward", "did you mean 'normal'"),
        ("normal(0, 1)", "mixture(0)", "forward", "at least 1"),
        ("normal(0, 1)", "mixture(1, 2)", "forward", "components"),
        ("normal(0, 1)", 'normal(covariance="banded")', "forward", "'full' or 'diagonal'"),
        ("normal(0, 1)", "normal", "sideways", "direction must be"),
        ("normal(0, 1)", 3, "forward", "family is of type int"),
    ],
)
def test_fits_that_cannot_be_say_why(p: object, family: object, direction: str, text: str) -> None:
    with pytest.raises(kl.KullbackError, match=text):
        kl.fit(p, family, direction=direction)


def test_advice_by_the_table() -> None:
    close = kl.advise("0.5*normal(0, 1) + 0.5*normal(1, 1)", "normal")
    assert (close.direction, close.rule) == ("forward", "close")
    apart = kl.advise(humps(8), "normal")
    assert (apart.direction, apart.rule) == ("reverse", "richer")
    assert apart.richer is not None
    assert apart.richer.forward.value < 1e-9
    assert "50 %" in apart.condition
    assert kl.advise(humps(8), "normal", need="cover").direction == "forward"
    assert kl.advise(humps(1), "normal", need="major").direction == "reverse"
    with pytest.raises(kl.InputError, match="need must be"):
        kl.advise(humps(1), "normal", need="speed")
    found = json.loads(apart.to_json())
    assert found["advice"]["direction"] == "reverse"
    assert set(found["fits"]) == {"forward", "reverse"}


def test_advice_where_one_direction_is_infinite() -> None:
    half_line = kl.advise("gamma(2, 1)", "normal")
    assert (half_line.direction, half_line.rule) == ("forward", "only")
    assert half_line.reverse is None
    assert "infinite" in half_line.reasons[0]
    assert set(json.loads(half_line.to_json())["fits"]) == {"forward"}
    heavy = kl.advise("cauchy(0, 1)", "normal", need="cover")
    assert heavy.direction == "reverse"
    assert "take another family" in heavy.condition
    with pytest.raises(kl.InputError, match="mass on points"):
        kl.advise([0.5, 0.5], "normal")


def test_a_member_too_narrow_for_doubles_is_no_optimum() -> None:
    fit = kl.fit("0.5*normal(0, 1e-9) + 0.5*normal(0, 1e9)", "normal", direction="reverse")
    assert fit.reverse.value == pytest.approx(math.log(2), abs=1e-6)
    assert fit.optima[0].value == pytest.approx(fit.reverse.value)


@pytest.mark.parametrize("direction", ["reverse", pytest.param("forward", marks=pytest.mark.slow)])
def test_what_integration_could_not_tell_stays_in_the_error(direction: str) -> None:
    banana = kl.Density(
        lambda x: -(x[:, 0] ** 2) / 8 - 0.5 * ((x[:, 1] - 0.5 * x[:, 0] ** 2) / 0.3) ** 2,
        dim=2,
        normalized=False,
        vectorized=True,
    )
    if direction == "reverse":
        reverse = kl.fit(banana, "normal", direction="reverse")
        assert abs(reverse.reverse.value - 1.08194) <= reverse.reverse.error + 5e-6
    else:
        assert kl.fit(banana, "normal", direction="forward").status is not kl.Status.EXACT


def test_a_mixture_of_as_many_as_it_takes() -> None:
    three = "0.3*normal(-6, 1) + 0.4*normal(0, 1) + 0.3*normal(5, 0.5)"
    for direction in ("forward", "reverse"):
        fit = kl.fit(three, "mixture()", direction=direction)
        assert fit.family == "mixture(3)"
        assert fit.residual.value < 0.01
        assert "by the residual" in fit.notes[-1]
    draws = kl.Sample(np.random.default_rng(0).standard_normal(500))
    assert kl.fit(draws, "mixture()", direction="forward").family == "mixture(1)"
