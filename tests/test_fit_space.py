"""Fits in many dimensions: optima that are known, and targets that are hard to find."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

import kullback as kl
from targets import WELL_LOG_Z, density, funnel, many_well, sds, seven_points, skewed, turned_funnel, two_humps


@pytest.mark.slow
def test_the_funnel_by_a_diagonal_normal() -> None:
    fit = kl.fit(kl.Density(funnel, dim=10), 'normal(covariance="diagonal")', direction="reverse")
    assert sds(fit)[0] == pytest.approx(0.4656903, rel=4 * 0.004)
    np.testing.assert_allclose(sds(fit)[1:], 0.9472267, rtol=4 * 0.004)
    np.testing.assert_allclose(fit.q.parameters["loc"] / sds(fit), 0, atol=4 * 0.004)
    assert fit.reverse.value == pytest.approx(1.8628467, abs=5 * fit.reverse.error)
    assert fit.reverse.error < 0.003


def test_a_forward_funnel_says_that_its_moments_are_not_known() -> None:
    fit = kl.fit(density(turned_funnel, 4), "normal", direction="forward")
    assert fit.status is kl.Status.TOLERANCE_MISSED
    assert abs(fit.log_evidence) < 4 * fit.log_evidence_error


def test_a_funnel_along_a_coordinate_is_known_forward_too() -> None:
    """The variance of the others is E[e^x₀] = e^4.5."""
    fit = kl.fit(density(funnel, 10), "normal", direction="forward")
    np.testing.assert_allclose(sds(fit) ** 2, [9.0, *[math.exp(4.5)] * 9], rtol=0.08)
    assert abs(fit.log_evidence) < 4 * fit.log_evidence_error
    assert fit.log_evidence_error < 0.02


@pytest.mark.parametrize("pairs", [6, pytest.param(16, marks=pytest.mark.slow)])
def test_many_wells(pairs: int) -> None:
    dim = 2 * pairs
    fit = kl.fit(density(many_well, dim), "normal", direction="reverse")
    assert fit.log_evidence == pytest.approx(WELL_LOG_Z * pairs / 16, abs=1e-6)
    assert len(fit.modes) <= 16
    assert f"{2**pairs} modes" in " ".join(fit.notes)
    assert fit.modes[0].mass == pytest.approx(0.844307**pairs, rel=1e-3)
    assert fit.reverse.value == pytest.approx(fit.optima[0].value, rel=1e-9)
    forward = kl.fit(density(many_well, dim), "normal", direction="forward")
    assert forward.status is kl.Status.CONVERGED  # that the coordinates are independent is seen, not proven
    assert fit.log_evidence_error >= 1e-4
    assert "not proven" in " ".join(fit.notes)
    one = kl.Density(lambda x: -(x**4) + 6 * x**2 + x / 2, normalized=False)
    side = kl.fit(one, "normal", direction="forward").parameters
    np.testing.assert_allclose(forward.q.parameters["loc"][::2], side["loc"], rtol=1e-9)
    np.testing.assert_allclose(sds(forward)[::2], side["scale"], rtol=1e-9)


def test_a_rotated_many_well_is_weighed_by_draws() -> None:
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))[0]
    fit = kl.fit(density(lambda x: many_well(turn @ x), 6), "normal", direction="forward")
    assert len(fit.modes) == 8
    assert fit.log_evidence == pytest.approx(3 / 16 * WELL_LOG_Z, abs=4 * fit.log_evidence_error)
    right = 0.844307
    want = sorted((right**k * (1 - right) ** (3 - k) for k in (3, 2, 2, 2, 1, 1, 1, 0)), reverse=True)
    np.testing.assert_allclose([m.mass for m in fit.modes], want, atol=0.02)


def test_seven_points_in_a_regression() -> None:
    fit = kl.fit(density(seven_points, 3), "normal", direction="reverse")
    half = np.array([5.1e-3, 5.1e-4, 5.1e-4])  # half a unit of the last digit
    assert (np.abs(fit.q.parameters["loc"] - [88.60, -8.905, 1.994]) <= half).all()
    assert (np.abs(sds(fit) - [6.80, 1.451, 0.254]) <= half).all()
    diagonal = kl.fit(density(seven_points, 3), 'normal(covariance="diagonal")', direction="reverse")
    assert sds(diagonal)[1] == pytest.approx(0.556, abs=6e-4)


def test_a_conjugate_normal_in_one_dimension() -> None:
    p = kl.Density(lambda x: -0.5 * x**2 - 0.5 * ((10 - x) / 0.5) ** 2, normalized=False)
    fit = kl.fit(p, "normal", direction="reverse")
    assert fit.q.parameters["loc"] == pytest.approx(8, abs=1e-9)
    assert fit.q.parameters["scale"] == pytest.approx(math.sqrt(0.2), rel=1e-9)


def test_the_banana_in_the_plane() -> None:
    p = density(lambda x: -(x[0] ** 2) / 200 - 0.5 * (x[1] - 0.03 * (x[0] ** 2 - 100)) ** 2, 2)
    fit = kl.fit(p, "normal", direction="reverse")
    np.testing.assert_allclose(fit.q.parameters["loc"], [0, -2.53993], atol=6e-6)
    np.testing.assert_allclose(np.diag(fit.q.parameters["covariance_matrix"]), [15.3355, 1], atol=6e-5)
    assert fit.reverse.value == pytest.approx(0.72587, abs=4e-5)


def test_an_ill_conditioned_normal_in_100_dimensions_is_exact() -> None:
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((100, 100)))[0]
    scales = np.exp(np.linspace(-9, 9, 100))
    precision = (turn * scales) @ turn.T
    fit = kl.fit(density(lambda x: -0.5 * (x - 3) @ (precision @ (x - 3)), 100), "normal", direction="reverse")
    root = (turn * np.sqrt(scales)) @ turn.T
    np.testing.assert_allclose(root @ (fit.q.parameters["loc"] - 3), 0, atol=1e-8)
    np.testing.assert_allclose(root @ fit.q.parameters["covariance_matrix"] @ root, np.eye(100), atol=1e-8)
    assert fit.log_evidence == pytest.approx(50 * math.log(2 * math.pi) - 0.5 * np.log(scales).sum(), abs=1e-6)
    assert abs(fit.reverse.value) < 1e-6


def test_what_a_factorised_normal_can_match() -> None:
    """Margossian and Saul: forward the marginal variances, reverse the marginal precisions."""
    rng = np.random.default_rng(5)
    a = rng.standard_normal((6, 6))
    covariance = a @ a.T + 0.1 * np.eye(6)
    precision = np.linalg.inv(covariance)
    p = density(lambda x: -0.5 * x @ (precision @ x), 6)
    family = 'normal(covariance="diagonal")'
    reverse = kl.fit(p, family, direction="reverse")
    np.testing.assert_allclose(sds(reverse) ** 2, 1 / np.diag(precision), rtol=1e-7)
    residual = 0.5 * (np.log(np.diag(precision)).sum() + np.linalg.slogdet(covariance)[1])
    assert reverse.reverse.value == pytest.approx(residual, abs=5 * reverse.reverse.error)
    forward = kl.fit(p, family, direction="forward")
    np.testing.assert_allclose(sds(forward) ** 2, np.diag(covariance), rtol=0.05)


def scattered(count: int) -> np.ndarray:
    rng = np.random.default_rng(40)
    centres: list[np.ndarray] = []
    while len(centres) < count:
        c = rng.uniform(-40, 40, 2)
        if all(np.linalg.norm(c - other) >= 4 for other in centres):
            centres.append(c)
    return np.array(centres)


@pytest.mark.parametrize("count", [8, pytest.param(40, marks=pytest.mark.slow)])
def test_many_modes_in_the_plane(count: int) -> None:
    centres = scattered(count)
    p = density(lambda x: jax.scipy.special.logsumexp(-0.5 * ((x - centres) ** 2).sum(1)), 2)
    fit = kl.fit(p, f"mixture({count})", direction="forward")
    assert len(fit.modes) == count
    assert all(m.covered for m in fit.modes)
    assert fit.missed < 0.001
    assert fit.forward.value < 0.02
    assert fit.log_evidence == pytest.approx(math.log(count * 2 * math.pi), abs=5 * fit.log_evidence_error)
    found = fit.q.parameters["loc"]
    apart = np.sqrt(((centres[:, None] - found) ** 2).sum(axis=2)).min(axis=1)
    assert apart.max() < 0.3
    seeking = kl.fit(p, "normal", direction="reverse")
    assert seeking.regime == "seeking"
    assert sum(m.covered for m in seeking.modes) < count / 4


@pytest.mark.parametrize("dim", [4, pytest.param(10, marks=pytest.mark.slow)])
def test_scales_apart_by_sixteen_orders(dim: int) -> None:
    size = 10.0 ** np.linspace(-8, 8, dim)

    def log_prob(x: Any) -> Any:
        z = (x - 3 * size) / size
        return -0.5 * jnp.sum(z**2) - jnp.log1p(jnp.sum(z) ** 2)

    fit = kl.fit(density(log_prob, dim), "normal", direction="reverse")
    loc = fit.q.parameters["loc"] / size
    np.testing.assert_allclose(loc, loc[0], atol=0.03)
    plain = kl.fit(density(lambda x: log_prob(x * size), dim), "normal", direction="reverse")
    np.testing.assert_allclose(loc, plain.q.parameters["loc"], atol=0.03)


def test_a_far_start() -> None:
    far = kl.Density(lambda x: -0.5 * jnp.sum(x**2), dim=4, normalized=False)
    begin = kl.fit(density(lambda x: -0.5 * jnp.sum((x - 1e5) ** 2), 4), "normal", direction="reverse")
    np.testing.assert_allclose(begin.q.parameters["loc"], 1e5, rtol=1e-12)
    np.testing.assert_allclose(
        kl.fit(far, "normal", direction="reverse", start=begin).q.parameters["loc"], 0, atol=1e-6
    )


@pytest.mark.parametrize("count", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_all_seeds_give_one_optimum_and_honest_errors(count: int) -> None:
    fits = [kl.fit(density(skewed, 4), "normal", direction="reverse", seed=s) for s in range(count)]
    loc = np.array([f.q.parameters["loc"] for f in fits]) / sds(fits[0])
    spread = np.array([np.log(sds(f)) for f in fits])
    assert loc.std(axis=0).max() < 0.005
    assert spread.std(axis=0).max() < 0.005
    z = np.array([(f.log_evidence - math.log(0.5)) / f.log_evidence_error for f in fits])
    # χ² with 20 degrees: 7.4 to 40 holds 99 of 100 sets of true errors; errors half as large would pass in 1 of 40
    assert (z**2).sum() < special.chdtri(count, 0.005) * 1.5
    again = kl.fit(density(skewed, 4), "normal", direction="reverse", seed=3)
    assert again.to_json() == fits[3].to_json()


def test_a_moved_target_gives_the_moved_fit() -> None:
    base = kl.fit(density(skewed, 4), "normal", direction="reverse")
    a = np.random.default_rng(8).standard_normal((4, 4)) * np.array([1e4, 1, 1e-3, 1])[:, None]
    back, shift = np.linalg.inv(a), np.array([1e5, -3, 0.01, 7])
    moved = kl.fit(density(lambda x: skewed(back @ (x - shift)), 4), "normal", direction="reverse")
    np.testing.assert_allclose(back @ (moved.q.parameters["loc"] - shift), base.q.parameters["loc"], atol=0.02)
    np.testing.assert_allclose(
        back @ moved.q.parameters["covariance_matrix"] @ back.T, base.q.parameters["covariance_matrix"], atol=0.02
    )
    assert moved.reverse.value == pytest.approx(base.reverse.value, abs=5 * base.reverse.error)


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(s, marks=pytest.mark.slow) for s in range(2, 6))])
def test_the_global_optimum_of_two_humps_from_every_seed(seed: int) -> None:
    fit = kl.fit(density(two_humps, 4), "normal", direction="reverse", seed=seed)
    np.testing.assert_allclose(fit.q.parameters["loc"], 3, atol=0.02)
    assert fit.reverse.value == pytest.approx(-math.log(0.7), abs=0.01)
    assert len(fit.modes) == 2
    assert fit.modes[1].mass == pytest.approx(0.3, abs=0.02)
    assert len(fit.optima) >= 2
    assert fit.regime == "seeking"
    assert fit.missed == pytest.approx(0.3, abs=0.02)


def test_richer_families_where_they_hold_p() -> None:
    p = kl.Density(two_humps, dim=4)
    for direction in ("forward", "reverse"):
        fit = kl.fit(p, "mixture(2)", direction=direction)
        assert fit.residual.value < 0.01
        np.testing.assert_allclose(fit.q.parameters["weights"], [0.3, 0.7], atol=0.02)
    heavy = density(lambda x: -4.0 * jnp.log1p(jnp.sum((x - 1) ** 2) / 5), 3)
    for direction in ("forward", "reverse"):
        fit = kl.fit(heavy, "student_t", direction=direction)
        assert fit.q.parameters["df"] == pytest.approx(5, rel=0.1)
        assert fit.residual.value < 1e-3
