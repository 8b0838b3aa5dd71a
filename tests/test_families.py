"""Families with ends: NumPyro's classes, your own, and families carried to the target's support."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize, stats

import kullback as kl

dist = pytest.importorskip("numpyro.distributions")
jnp = pytest.importorskip("jax.numpy")

HALVES = "0.5*gamma(2, 3) + 0.5*gamma(20, 2)"


def tilted(x: np.ndarray) -> np.ndarray:
    """log of a density on the positive quarter that is no product."""
    z = np.log(x)
    return np.asarray(-0.5 * (z[:, 0] ** 2 + (z[:, 1] - 0.6 * z[:, 0]) ** 2) - z.sum(axis=1) - math.log(2 * math.pi))


QUARTER = kl.Density(tilted, dim=2, support=[(0, math.inf), (0, math.inf)], vectorized=True)


# NumPyro's classes


MEMBERS = [
    ("gamma(2, 3)", dist.Gamma),
    ("weibull(3, 0.8)", "weibull"),
    ("beta(2, 5)", dist.Beta),
    ("log_normal(1, 2)", dist.LogNormal),
    ("gumbel(300, 2)", "gumbel"),
    ("von_mises(1, 3)", "von_mises"),
    ("inverse_gamma(3, 2)", "inverse_gamma"),
    ("half_cauchy(1.1)", dist.HalfCauchy),
]


@pytest.mark.parametrize(
    ("p", "family", "direction"),
    [  # each family by one direction at least, of which there are three
        pytest.param(p, family, direction, marks=() if (i + j) % 3 == 0 or i == 0 else pytest.mark.slow)
        for i, (p, family) in enumerate(MEMBERS)
        for j, direction in enumerate(["forward", "reverse", 0.5])
    ],
)
def test_a_member_is_found(p: str, family: object, direction: str | float) -> None:
    fit = kl.fit(p, family, direction=direction)
    assert abs(fit.residual.value) < 1e-13
    assert fit.status is kl.Status.STATIONARY
    assert fit.missed == fit.wasted == 0
    assert kl.divergence(p, fit.q).value < 1e-13


def test_forward_gamma_has_the_means_of_x_and_log_x() -> None:
    """Forward in an exponential family: the expectations of its statistics agree."""
    fit = kl.fit(HALVES, dist.Gamma, direction="forward")
    a, b = fit.parameters["concentration"], fit.parameters["rate"]
    assert a / b == pytest.approx(0.5 * 2 / 3 + 0.5 * 10, rel=1e-9)
    from scipy.special import digamma

    logs = 0.5 * (digamma(2) - math.log(3)) + 0.5 * (digamma(20) - math.log(2))
    assert digamma(a) - math.log(b) == pytest.approx(logs, rel=1e-9)


def test_reverse_by_another_way() -> None:
    """The least KL(Q‖P) over Weibulls, by a sum on a fine line of log x and Nelder-Mead."""
    u, du = np.linspace(-25, 3.5, 20_001, retstep=True)
    log_p = stats.gamma(2, scale=1 / 3).logpdf(np.exp(u))

    def left(t: np.ndarray) -> float:
        log_q = stats.weibull_min(math.exp(t[0]), scale=math.exp(t[1])).logpdf(np.exp(u))
        return float((np.exp(log_q + u) * (log_q - log_p)).sum() * du)

    best = optimize.minimize(left, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-13})
    fit = kl.fit("gamma(2, 3)", "weibull", direction="reverse")
    assert fit.residual.value == pytest.approx(best.fun, abs=1e-9)
    assert fit.parameters["concentration"] == pytest.approx(math.exp(best.x[0]), abs=1e-5)
    assert fit.parameters["scale"] == pytest.approx(math.exp(best.x[1]), abs=1e-5)


def test_draws_are_fitted_by_their_likelihood() -> None:
    x = np.random.default_rng(0).gamma(2, 3, 500)
    fit = kl.fit(kl.Sample(x), "gamma", direction="forward")
    a, _, scale = stats.gamma.fit(x, floc=0)
    assert fit.parameters["concentration"] == pytest.approx(a, rel=1e-5)
    assert fit.parameters["rate"] == pytest.approx(1 / scale, rel=1e-5)
    assert fit.forward.error_kind == "standard_error"
    assert 0 < fit.forward.error < 0.1
    w = np.random.default_rng(1).random(500)
    weighted = kl.fit(kl.Sample(x, weights=w), "exponential", direction="forward")
    assert weighted.parameters["rate"] == pytest.approx(w.sum() / (w @ x), rel=1e-9)


def test_on_the_integers() -> None:
    p = "0.5*poisson(2) + 0.5*poisson(9)"
    forward = kl.fit(p, dist.Poisson, direction="forward")
    assert forward.parameters["rate"] == pytest.approx(5.5, rel=1e-9)
    assert forward.residual.value == pytest.approx(kl.fit(p, "poisson", direction="forward").residual.value, rel=1e-9)
    reverse = kl.fit(p, dist.Poisson, direction="reverse")
    assert reverse.residual.value == pytest.approx(kl.fit(p, "poisson", direction="reverse").residual.value, rel=1e-9)
    two = kl.fit(p, dist.NegativeBinomial2, direction="forward")
    assert two.residual.value < 0.2 * forward.residual.value
    assert isinstance(kl.to_numpyro(two), dist.NegativeBinomial2)
    assert float(kl.to_numpyro(two).mean) == pytest.approx(5.5, rel=1e-6)
    draws = np.random.default_rng(0).negative_binomial(3, 0.4, 400)
    assert float(kl.to_numpyro(kl.fit(kl.Sample(draws), dist.NegativeBinomial2, direction="forward")).mean) == (
        pytest.approx(draws.mean(), rel=1e-6)
    )


@pytest.mark.slow  # as the other classes on the integers
def test_a_zero_inflated_class() -> None:
    assert kl.fit("poisson(3)", "zero_inflated_poisson", direction="forward").residual.value < 1e-9


def test_in_the_plane() -> None:
    shares = kl.fit("dirichlet([2, 3, 4])", "dirichlet", direction="reverse")
    np.testing.assert_allclose(shares.parameters["concentration"], [2, 3, 4], rtol=1e-6)
    p = "multivariate_normal([1, 2], [[1, 0.5], [0.5, 2]])"
    normal = kl.fit(p, dist.MultivariateNormal, direction="forward")
    np.testing.assert_allclose(normal.parameters["covariance_matrix"], [[1, 0.5], [0.5, 2]], atol=1e-8)
    assert abs(normal.residual.value) < 1e-13


@pytest.mark.slow
def test_coordinates_of_a_class_of_the_line_are_independent() -> None:
    fit = kl.fit(QUARTER, dist.LogNormal, direction="forward")
    found = kl.to_numpyro(fit)
    np.testing.assert_allclose(np.asarray(found.base_dist.loc), [0, 0], atol=1e-6)
    np.testing.assert_allclose(np.asarray(found.base_dist.scale), [1, math.sqrt(1.36)], rtol=1e-6)
    assert fit.residual.value == pytest.approx(0.5 * math.log(1.36), abs=1e-7)


def test_parameters_may_be_held() -> None:
    held = kl.fit(HALVES, "gamma(rate=2)", direction="forward")
    assert held.parameters["rate"] == 2
    assert held.family == "gamma(rate=2)"
    pareto = kl.fit("pareto(1, 3)", "pareto(1.0)", direction="forward")
    assert pareto.parameters["alpha"] == pytest.approx(3, rel=1e-8)


# Your own


def test_a_callable_of_ones_own() -> None:
    def sinh_normal(t):  # type: ignore[no-untyped-def]
        return dist.MixtureSameFamily(
            dist.CategoricalLogits(jnp.stack([t[0], 0.0])),
            dist.Gamma(jnp.exp(t[1:3]), jnp.exp(t[3:5])),
        )

    family = kl.families.Custom(sinh_normal, start=[0.0, 0.7, 3.0, 1.0, 0.7])
    for direction in ("forward", "reverse"):
        fit = kl.fit(HALVES, family, direction=direction)
        assert abs(fit.residual.value) < 1e-9
        assert fit.family == "custom(sinh_normal)"
    again = kl.fit(HALVES, family, direction="reverse", start=fit)
    assert again.residual.value < 1e-9


def test_custom_checks_what_it_is_given() -> None:
    for bad in ({}, {"size": 2, "start": [0.0, 0.0]}, {"size": 0}, {"start": [math.nan]}):
        with pytest.raises(kl.InputError):
            kl.families.Custom(lambda t: dist.Gamma(t[0], 1.0), **bad)
    with pytest.raises(kl.KindError, match="must return a NumPyro distribution"):
        kl.fit("gamma(2, 3)", kl.families.Custom(lambda t: t, size=1), direction="forward")
    with pytest.raises(kl.KindError, match="start must be"):
        kl.fit("gamma(2, 3)", "gamma", direction="forward", start=[1.0])


# Carried


@pytest.mark.parametrize(
    ("p", "support"), [("gamma(2, 3)", "log_normal"), ("beta(2, 3)", "logit_normal")], ids=["log", "logit"]
)
def test_carried_normals_are_the_words(p: str, support: str) -> None:
    for direction in ("forward", "reverse", 0.3):
        word, carried = (kl.fit(p, f, direction=direction) for f in (support, 'carried("normal")'))
        assert word.q.family == carried.q.family == support
        assert word.residual.value == carried.residual.value
        library = (
            kl.fit(p, kl.families.NumPyro(dist.LogNormal), direction=direction) if support == "log_normal" else None
        )
        if library is not None:
            assert library.residual.value == pytest.approx(word.residual.value, rel=1e-8)


def test_a_forward_log_normal_has_the_moments_of_the_logarithm() -> None:
    from scipy.special import digamma, polygamma

    fit = kl.fit("gamma(2, 3)", "log_normal", direction="forward")
    assert fit.parameters["loc"] == pytest.approx(digamma(2) - math.log(3), rel=1e-12)
    assert fit.parameters["scale"] == pytest.approx(math.sqrt(polygamma(1, 2)), rel=1e-12)
    reverse = kl.fit("exponential(1)", "log_normal", direction="reverse")
    # E e^U = 1 and its second derivative give loc = −½, scale = 1 and ½ log(2π e) − … = 1 − ½ log(2π) − ½ + ½
    assert (reverse.parameters["loc"], reverse.parameters["scale"]) == pytest.approx((-0.5, 1.0), abs=1e-8)
    assert reverse.residual.value == pytest.approx(1.0 - 0.5 * math.log(2 * math.pi), abs=1e-10)


@pytest.mark.parametrize(
    "p",
    [
        kl.Density(lambda x: x - 2 + math.log(1.0), support=(-math.inf, 2), name="mirrored"),
        kl.Density(lambda x: -(x - 3.0), support=(3, math.inf), name="shifted"),
    ],
    ids=["mirrored", "shifted"],
)
def test_other_ends(p: kl.Density) -> None:
    """An exponential that ends at 2, and one that begins at 3."""
    fit = kl.fit(p, 'carried("normal")', direction="reverse")
    assert fit.residual.value == pytest.approx(1.0 - 0.5 * math.log(2 * math.pi), abs=1e-9)
    assert abs(fit.parameters["loc"]) == pytest.approx(0.5, abs=1e-7)
    draws = fit.q.sample(500, seed=1)
    assert p.support.contains(draws).all()
    x = np.array([1.5]) if p.name == "mirrored" else np.array([3.5])
    assert float(kl.to_numpyro(fit).log_prob(x)[0]) == pytest.approx(fit.q.log_prob(x)[0], abs=1e-5)


@pytest.mark.parametrize("family", ["student_t", "mixture(2)"])
def test_every_family_is_carried(family: str) -> None:
    p = {"student_t": "beta(2, 3)", "mixture(2)": HALVES}[family]
    for direction in ("forward", "reverse"):
        fit = kl.fit(p, f'carried("{family}")', direction=direction)
        base = kl.fit(p, 'carried("normal")', direction=direction)
        assert fit.residual.value < 0.99 * base.residual.value
        assert fit.q.support == fit.target.density.support


def test_a_log_laplace_is_a_carried_laplace() -> None:
    p = kl.Density(lambda x: -np.abs(np.log(x)) - np.log(x) - math.log(2), support=(0, math.inf), vectorized=True)
    for direction in ("forward", "reverse"):
        fit = kl.fit(p, 'carried("laplace")', direction=direction)
        assert abs(fit.residual.value) < 1e-9
        assert (fit.parameters["loc"], fit.parameters["scale"]) == pytest.approx((0.0, 1.0), abs=1e-6)


def test_carried_in_the_plane() -> None:
    """Log-normal with correlated logarithms: the carried normal is P."""
    for direction in ("forward", "reverse"):
        fit = kl.fit(QUARTER, 'carried("normal")', direction=direction)
        assert abs(fit.residual.value) < 1e-9
        np.testing.assert_allclose(fit.parameters["loc"], [0, 0], atol=1e-7)
        np.testing.assert_allclose(fit.parameters["covariance_matrix"], [[1, 0.6], [0.6, 1.36]], atol=1e-6)
    assert (fit.q.sample(100) > 0).all()
    diagonal = kl.fit(QUARTER, kl.families.Carried('normal(covariance="diagonal")'), direction="reverse")
    assert diagonal.residual.value == pytest.approx(0.5 * math.log(1.36), abs=1e-7)


def test_draws_are_carried_to_the_support_that_is_given() -> None:
    x = np.random.default_rng(0).gamma(2, 3, 400)
    fit = kl.fit(kl.Sample(x), "log_normal", direction="forward")
    assert fit.parameters["loc"] == pytest.approx(np.log(x).mean(), rel=1e-9)
    assert fit.parameters["scale"] == pytest.approx(np.log(x).std(), rel=1e-9)
    assert fit.forward.error_kind == "standard_error"
    with pytest.raises(kl.InputError, match="do not say where P lives"):
        kl.fit(kl.Sample(x), 'carried("normal")', direction="forward")


def test_starts_and_advice() -> None:
    first = kl.fit(HALVES, 'carried("mixture(2)")', direction="reverse")
    again = kl.fit(HALVES, 'carried("mixture(2)")', direction="reverse", start=first)
    assert again.residual.value == pytest.approx(first.residual.value, rel=1e-9)
    assert kl.advise("gamma(2, 3)", "log_normal").direction == "forward"
    assert kl.advise("gamma(2, 3)", dist.Weibull).direction == "forward"


# What cannot be


@pytest.mark.parametrize(
    ("p", "family", "direction", "text"),
    [
        ("normal(0, 1)", "gamma", "forward", "KL\\(P‖Q\\) is infinite for every such Q"),
        ("beta(2, 3)", "gamma", "reverse", "KL\\(Q‖P\\) is infinite for every such Q"),
        ("gamma(2, 3)", "poisson", "forward", "mass on the integers"),
        ("poisson(3)", "gamma", "forward", "mass on points"),
        ("poisson(3)", 'carried("normal")', "forward", "mass on points"),
        ("gamma(2, 3)", "normal", "reverse", "carried\\('normal'\\)"),
        ("pareto(1, 3)", "pareto", "reverse", "moves with its parameters"),
        ("binomial(10, 0.3)", dist.Binomial, "forward", "total_count of binomial is no free"),
        ("uniform(0, 1)", "uniform", "reverse", "low of uniform is no free"),
        ("gamma(2, 3)", "gama", "forward", "did you mean 'gamma'"),
        ("gamma(2, 3)", "gamma(speed=2)", "forward", "no parameter 'speed'"),
        ("normal(0, 1)", 'carried("normal")', "forward", "already"),
        ("normal(0, 1)", 'carried("gamma")', "forward", "Carried takes a family"),
        ("normal(0, 1)", "log_normal", "forward", "infinite for every such Q"),
        ("normal(0, 1)", dist.TruncatedNormal, "forward", "Custom"),
        ("multivariate_normal([0, 0], [[1, 0], [0, 1]])", dist.Gamma, "forward", "infinite for every such Q"),
        ("normal(0, 1)", dist.MultivariateNormal, "forward", "dimension"),
        ("normal(0, 1)", dist.Independent, "forward", "Custom"),
        ("levy(0, 1)", "levy", "forward", "moves with its parameters"),
    ],
)
def test_fits_that_cannot_be_say_why_at_once(p: object, family: object, direction: str, text: str) -> None:
    begin = time.perf_counter()
    with pytest.raises(kl.KullbackError, match=text):
        kl.fit(p, family, direction=direction)
    assert time.perf_counter() - begin < 1


def test_draws_outside_the_support() -> None:
    with pytest.raises(kl.InputError, match="2 of 3 draws outside"):
        kl.fit(kl.Sample([-1.0, -2.0, 3.0]), "gamma", direction="forward")


def test_jax_keeps_its_own_precision() -> None:
    kl.fit("gamma(2, 3)", dist.Gamma, direction="forward")
    assert jnp.asarray(1.0).dtype == jnp.float32


def test_a_missing_numpyro_is_named() -> None:
    code = (
        "import sys; sys.modules['numpyro'] = None; import kullback as kl\n"
        "try: kl.fit('gamma(2, 3)', 'gamma', direction='forward')\n"
        "except kl.MissingExtraError as error: print(error)"
    )
    source = str(Path(kl.__file__).parent.parent)
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": source}, check=True
    )
    assert "kullback[fit]" in run.stdout


@pytest.mark.slow
def test_pictures_of_such_fits() -> None:
    pytest.importorskip("matplotlib")
    x = np.random.default_rng(0).gamma(2, 3, 300)
    both, one = ("forward", "reverse"), ("forward",)
    cases = ((HALVES, dist.Gamma, one), (kl.Sample(x), "log_normal", one), (QUARTER, 'carried("normal")', both))
    for p, family, directions in cases:
        assert kl.plots.fits(*(kl.fit(p, family, direction=d) for d in directions)).axes


def test_ends_in_the_plane_name_the_next_step() -> None:
    for direction in ("forward", "reverse", 0.5):
        with pytest.raises(kl.InputError, match=r"carried\('normal'\)"):
            kl.fit(QUARTER, "normal", direction=direction)
