"""Fits of draws: the penguins, and what their errors mean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import special

import kullback as kl

PENGUINS = Path(__file__).parent.parent / "examples" / "penguins.csv"


@pytest.fixture(scope="module")
def penguins() -> kl.Sample:
    names = ["flipper_length_mm", "bill_depth_mm"]
    return kl.read(PENGUINS, [*names, "species"]).to_sample(names, label="species")


def correlation(fit: kl.Fit) -> float:
    c = fit.parameters["covariance_matrix"]
    return float(c[0, 1] / np.sqrt(c[0, 0] * c[1, 1]))


@pytest.mark.slow
def test_penguins_both_ways(penguins: kl.Sample) -> None:
    advice = kl.advise(penguins, "normal")
    forward, reverse = advice.forward, advice.reverse
    np.testing.assert_allclose(forward.parameters["loc"], [200.915, 17.151], atol=6e-4)
    assert round(correlation(forward), 3) == -0.584
    assert round(forward.forward.value, 3) == 0.593
    assert round(forward.wasted, 3) == 0.095
    assert forward.regime == "covering"

    np.testing.assert_allclose(reverse.parameters["loc"], [191.787, 18.368], atol=6e-4)
    assert round(correlation(reverse), 4) == 0.3696
    assert round(reverse.reverse.value, 4) == 0.4451
    assert round(reverse.missed, 3) == 0.358
    assert reverse.regime == "seeking"
    gone = [mode for mode in reverse.modes if not mode.covered]
    assert len(gone) == 1
    np.testing.assert_allclose(gone[0].location, [217, 15.0], atol=0.5)
    assert round(gone[0].mass, 2) == 0.36
    assert gone[0].label == "Gentoo"

    assert forward.forward.status is kl.Status.ESTIMATED
    assert forward.forward.error_kind == "standard_error"
    assert "P estimated from 342 draws by a 2-component mixture" in forward.notes
    assert advice.direction == "reverse"
    assert "35.8 %" in advice.condition
    assert advice.richer is not None
    assert "mixture(2)" in advice.reasons[0]


def test_no_species_has_the_sign_of_the_forward_fit() -> None:
    table = kl.read(PENGUINS)
    species = np.asarray(table.columns["species"])
    for name in np.unique(species.astype(str)):
        rows = species.astype(str) == name
        x = [np.asarray(table.columns[c], dtype=float)[rows] for c in ("flipper_length_mm", "bill_depth_mm")]
        assert np.corrcoef(*x)[0, 1] > 0


def test_forward_of_draws_is_maximum_likelihood() -> None:
    x = np.random.default_rng(1).normal(3, 2, 500)
    normal = kl.fit(kl.Sample(x), "normal", direction="forward").parameters
    assert normal["loc"] == pytest.approx(x.mean(), rel=1e-12)
    assert normal["scale"] == pytest.approx(x.std(), rel=1e-12)
    laplace = kl.fit(kl.Sample(x), "laplace", direction="forward").parameters
    assert laplace["loc"] == pytest.approx(np.median(x), rel=1e-12)
    from scipy import stats

    t = np.random.default_rng(2).standard_t(4, 300)
    mine = kl.fit(kl.Sample(t), "student_t", direction="forward").q
    df, loc, scale = stats.t.fit(t)
    assert float(np.sum(mine.log_prob(t))) >= stats.t(df, loc, scale).logpdf(t).sum() - 1e-4


def test_weights_are_repeated_draws() -> None:
    x = np.array([0.0, 1.0, 2.0, 5.0, 6.0])
    k = np.array([5, 3, 4, 6, 2])
    weighted = kl.fit(kl.Sample(x, weights=k), "normal", direction="forward").parameters
    repeated = np.repeat(x, k)
    assert weighted["loc"] == pytest.approx(repeated.mean())
    assert weighted["scale"] == pytest.approx(repeated.std())


@pytest.mark.parametrize("count", [10, pytest.param(30, marks=pytest.mark.slow)])
def test_the_bootstrap_error_is_the_spread_over_new_draws(count: int) -> None:
    """Forward KL of a normal to draws of two humps: its spread over that many samples, against the stated error.

    The spread of n values squared goes like χ² with n − 1 degrees: a right error fails one time in a thousand. One
    off by a factor of two fails with 30 values, one off by four with ten.
    """
    values, errors = [], []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        x = np.where(rng.random(400) < 0.5, rng.normal(0, 1, 400), rng.normal(5, 1, 400))
        fit = kl.fit(kl.Sample(x), "normal", direction="forward", seed=seed)
        values.append(fit.forward.value)
        errors.append(fit.forward.error)
    low, high = special.chdtri(count - 1, [0.9995, 0.0005]) / (count - 1)
    assert high**-0.5 < np.median(errors) / np.std(values, ddof=1) < low**-0.5


def test_integer_draws_and_a_lattice_family() -> None:
    x = np.random.default_rng(3).poisson(4, 300)
    fit = kl.fit(kl.Sample(x), "poisson", direction="forward")
    assert fit.parameters["rate"] == pytest.approx(x.mean())
    assert fit.forward.value > 0
    assert "empirical" in fit.notes[0]
    with pytest.raises(kl.InputError, match="infinite for every Q"):
        kl.fit(kl.Sample(x), "poisson", direction="reverse")


@pytest.mark.parametrize(
    ("x", "text"),
    [
        ([1.0], "single draw"),
        ([2.0, 2.0, 2.0], "constant"),
        ([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]], "linearly dependent"),
        ([], "no draws"),
        ([1.0, float("nan")], "nan at index 1"),
        (["a", "b"], "must hold numbers"),
    ],
)
def test_draws_that_cannot_be_fitted(x: list[object], text: str) -> None:
    with pytest.raises(kl.KullbackError, match=text):
        kl.fit(kl.Sample(x), "normal", direction="forward")


@pytest.mark.parametrize(
    ("family", "direction"),
    [
        ("student_t", "forward"),
        ("laplace", "reverse"),
        pytest.param("student_t", "reverse", marks=pytest.mark.slow),
        pytest.param("laplace", "forward", marks=pytest.mark.slow),
    ],
)
def test_draws_in_the_plane_for_every_family(family: str, direction: str) -> None:
    x = np.random.default_rng(0).standard_t(3, size=(100, 2))
    fit = kl.fit(kl.Sample(x), family, direction=direction)
    assert np.isfinite(fit.forward.error)
    assert np.isfinite(fit.reverse.error)
    assert fit.status is not kl.Status.NOT_STATIONARY
