"""Minka's alpha-divergence: against direct integrals, at its two ends, and its optima."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from scipy import integrate, optimize, stats

import kullback as kl
from cases import HUMPS, MURPHY, humps
from kullback.methods.alpha import alpha_divergence
from kullback.numerics.terms import between
from kullback.sources import as_distribution


def measured(p: str, q: str, alpha: float) -> kl.Divergence:
    a, b = as_distribution(p, "p"), as_distribution(q, "q")
    assert isinstance(a, kl.Density)
    assert isinstance(b, kl.Density)
    return alpha_divergence(a, b, alpha)


@pytest.mark.parametrize(("alpha", "published"), [(0.9, 1.43), (0.99, 6.39), (0.999, 23.3)])
def test_finite_where_forward_is_not(alpha: float, published: float) -> None:
    """`minimise.md` §8: Cauchy‖Normal, both standard."""
    found = measured("cauchy(0, 1)", "normal(0, 1)", alpha)
    assert found.value == pytest.approx(published, rel=4e-3)
    p, q = stats.cauchy(), stats.norm()
    pieces = [-np.inf, -30, -3, 3, 30, np.inf]
    mass = sum(
        integrate.quad(lambda x: np.exp(alpha * p.logpdf(x) + (1 - alpha) * q.logpdf(x)), a, b, epsabs=1e-14)[0]
        for a, b in itertools.pairwise(pieces)
    )
    assert found.value == pytest.approx((1 - mass) / (alpha * (1 - alpha)), rel=1e-9)
    assert found.error < 1e-9 * found.value
    assert math.isinf(kl.divergence("cauchy(0, 1)", "normal(0, 1)").value)


@pytest.mark.parametrize("alpha", [1e-12, 1e-5, 0.3, 0.5, 0.8, 1 - 1e-5, 1 - 1e-12])
@pytest.mark.parametrize("shift", [1e-9, 0.1, 30.0])
def test_two_normals_by_formula(alpha: float, shift: float) -> None:
    """∫ p^α q^(1−α) of two unit normals is e^(−α(1−α)m²/2)."""
    share = alpha * (1 - alpha)
    truth = -math.expm1(-share * shift**2 / 2) / share
    found = measured("normal(0, 1)", f"normal({shift!r}, 1)", alpha)
    assert found.value == pytest.approx(truth, rel=1e-7 if shift < 1e-6 else 1e-11)
    assert abs(found.value - truth) <= 2 * found.error


@pytest.mark.parametrize(
    ("p", "q"),
    [
        ("laplace(0, 1)", "normal(1, 2)"),
        ("gamma(2, 1)", "exponential(1)"),
        ("poisson(3)", "geometric(0.3)"),
        (MURPHY, "multivariate_normal([0, 0], [[1.5, 1], [1, 2]])"),
    ],
)
def test_the_ends_are_the_two_directions(p: str, q: str) -> None:
    forward, reverse = kl.divergence(p, q).value, kl.divergence(q, p).value
    for step in (1e-4, 1e-8, 1e-13):
        assert measured(p, q, 1 - step).value == pytest.approx(forward, abs=10 * step + 1e-9)
        assert measured(p, q, step).value == pytest.approx(reverse, abs=10 * step + 1e-9)


def test_apart_it_is_as_large_as_it_can_be() -> None:
    assert measured("uniform(0, 1)", "uniform(2, 3)", 0.3).value == pytest.approx(1 / 0.21)
    half = measured("uniform(0, 2)", "uniform(1, 3)", 0.3)
    assert half.value == pytest.approx(0.5 / 0.21, rel=1e-12)
    assert measured("beta(0.5, 0.5)", "normal(0, 1)", 1 - 1e-10).value == pytest.approx(
        kl.divergence("beta(0.5, 0.5)", "normal(0, 1)").value, rel=1e-7
    )


def test_terms_meet_those_of_the_directions() -> None:
    log_p, log_q = np.array([-1.0, -2.0, -np.inf, -3.0, -5.0]), np.array([-1.0 + 1e-6, -9.0, -1.0, -np.inf, 300.0])
    with np.errstate(all="ignore"):
        p, q = np.exp(log_p), np.exp(log_q)
        direct = (0.3 * p + 0.7 * q - np.exp(0.3 * log_p + 0.7 * log_q)) / 0.21
    np.testing.assert_allclose(between(log_p, log_q, 0.3)[1:], direct[1:], rtol=1e-12)
    assert between(log_p, log_q, 0.3)[0] == pytest.approx(0.5 * 1e-12 * math.exp(-1), rel=1e-4)
    assert between(log_p, log_q, 1.0)[3] == math.inf
    assert between(log_p, log_q, 0.0)[2] == math.inf


@pytest.mark.parametrize("truth", HUMPS, ids=lambda h: f"m={h.m}")
def test_near_the_ends_the_optimum_is_that_of_the_direction(truth) -> None:  # type: ignore[no-untyped-def]
    p = humps(truth.m)
    low, high = kl.fit(p, "normal", direction=1e-9), kl.fit(p, "normal", direction=1 - 1e-9)
    assert high.parameters["scale"] == pytest.approx(truth.forward_sd, abs=1e-6)
    mean, sd, value = truth.optima[0]
    assert abs(low.parameters["loc"] - truth.m / 2) == pytest.approx(abs(mean - truth.m / 2), abs=1e-6)
    assert low.parameters["scale"] == pytest.approx(sd, abs=1e-6)
    assert low.alpha_divergence.value == pytest.approx(value, abs=1e-6)  # type: ignore[union-attr]


def test_the_ends_themselves() -> None:
    for number, name in ((0, "reverse"), (1, "forward"), (0.0, "reverse"), (np.float64(1), "forward")):
        a, b = (kl.fit(humps(5), "normal", direction=d) for d in (number, name))
        assert a.to_json() == b.to_json()
    for bad in (-0.1, 1.5, math.nan, "half", True, None):
        with pytest.raises(kl.InputError, match="direction must be"):
            kl.fit(humps(5), "normal", direction=bad)  # type: ignore[arg-type]


def test_a_fit_between_tells_what_it_minimised() -> None:
    fit = kl.fit("cauchy(0, 1)", "normal", direction=0.9)
    assert math.isinf(fit.forward.value)
    assert fit.residual is fit.alpha_divergence
    assert fit.residual.direction == 0.9
    assert "D(P, Q) at alpha 0.9" in str(fit.residual)
    assert "Minka's D at alpha 0.9" in repr(fit)
    found = json.loads(fit.to_json())
    assert found["direction"] == 0.9
    assert found["alpha_divergence"]["value"] == fit.residual.value
    best = optimize.minimize_scalar(
        lambda s: measured("cauchy(0, 1)", f"normal(0, {float(s)!r})", 0.9).value, bounds=(1, 10), method="bounded",
        options={"xatol": 1e-10},
    )  # fmt: skip
    assert fit.parameters["scale"] == pytest.approx(best.x, abs=1e-6)
    assert fit.residual.value <= best.fun + 1e-13


@pytest.mark.parametrize(
    ("p", "family", "alpha"),
    [
        (humps(5), "laplace", 0.3),
        (humps(5), "student_t(df=4)", 0.7),
        ("gamma(2, 1)", "normal", 0.6),
        ("0.5*normal(-2, 0.5) + 0.3*normal(0, 1) + 0.2*normal(3, 1)", "mixture(2)", 0.5),
        (MURPHY, "normal", 0.25),
        (MURPHY, "normal", 0.75),
        (MURPHY, 'normal(covariance="diagonal")', 0.5),
        pytest.param(MURPHY, "laplace", 0.75, marks=pytest.mark.slow),
    ],
)
def test_no_neighbour_is_better(p: str, family: str, alpha: float) -> None:
    """The fresh measure, which knows nothing of the search, is least at the optimum."""
    fit = kl.fit(p, family, direction=alpha)
    target, chosen = fit.target, kl.families.as_family(family)
    theta = chosen.encode(fit.q, target.frame)  # type: ignore[union-attr]
    assert fit.status is kl.Status.STATIONARY
    rng = np.random.default_rng(0)
    for _ in range(len(theta)):
        moved = theta + 0.02 * rng.normal(size=len(theta))
        other = alpha_divergence(target.density, chosen.density(moved, target.frame), alpha)  # type: ignore[union-attr]
        assert other.value > fit.residual.value - fit.residual.error


def test_on_the_integers() -> None:
    p = "0.5*poisson(2) + 0.5*poisson(9)"
    for alpha in (1e-9, 0.5, 1 - 1e-9):
        fit = kl.fit(p, "poisson", direction=alpha)
        best = optimize.minimize_scalar(
            lambda r, a=alpha: measured(p, f"poisson({float(r)!r})", a).value, bounds=(1.0, 10.0), method="bounded",
            options={"xatol": 1e-10},
        )  # fmt: skip
        assert fit.parameters["rate"] == pytest.approx(best.x, abs=1e-5)
    assert fit.parameters["rate"] == pytest.approx(5.5, abs=1e-6)
    assert kl.fit("poisson(3)", "binomial(5)", direction=0.5).residual.value < math.inf


def test_draws_have_a_standard_error_of_both_directions() -> None:
    x = np.random.default_rng(0).normal(size=400)
    fit = kl.fit(kl.Sample(x), "normal", direction=0.5)
    assert fit.parameters["loc"] == pytest.approx(x.mean(), abs=0.02)
    assert fit.residual.status is kl.Status.ESTIMATED
    assert fit.forward.error_kind == fit.reverse.error_kind == "standard_error"
