"""Optima that are known, to the digits given, from any reasonable start."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize

import kullback as kl
from cases import FOLD, HUMPS, MURPHY, SWITCH, Humps, humps


def half_unit(digits: float, text: str) -> float:
    """Half a unit of the last digit of a published number."""
    mantissa, _, exponent = text.partition("e")
    decimals = len(mantissa.partition(".")[2])
    return 0.5 * 10.0 ** (int(exponent or 0) - decimals) + digits


def close(value: float, published: float) -> None:
    assert value == pytest.approx(published, abs=half_unit(1e-12, repr(published)), rel=0)


@pytest.mark.parametrize("truth", HUMPS, ids=lambda h: f"m={h.m}")
def test_one_normal_on_two_humps(truth: Humps) -> None:
    p = humps(truth.m)
    forward = kl.fit(p, "normal", direction="forward")
    assert forward.parameters["loc"] == pytest.approx(truth.m / 2, abs=1e-12)
    close(forward.parameters["scale"], truth.forward_sd)
    close(forward.forward.value, truth.forward)
    assert forward.regime == "covering"

    reverse = kl.fit(p, "normal", direction="reverse")
    for mean, sd, value in truth.optima:
        near = min(reverse.optima, key=lambda o: abs(o.q.parameters["loc"] - mean) + abs(o.value - value))
        assert near.q.parameters["loc"] == pytest.approx(mean, abs=6e-7 if mean > 1e-3 else 6e-10)
        close(near.q.parameters["scale"], sd)
        close(near.value, value)
    mirrored = sum(abs(mean - truth.m / 2) > 1e-3 for mean, _, _ in truth.optima)
    assert len(reverse.optima) == len(truth.optima) + mirrored
    assert reverse.reverse.value == pytest.approx(reverse.optima[0].value, rel=1e-9)
    assert [o.value for o in reverse.optima] == sorted(o.value for o in reverse.optima)
    assert reverse.status is kl.Status.STATIONARY
    assert reverse.regime == ("covering" if truth.m <= 5 else "seeking")


def test_wasted_mass_of_the_covering_fit() -> None:
    assert round(kl.fit(humps(7.5), "normal", direction="forward").wasted, 3) == 0.154


def test_seeking_minima_appear_at_the_fold() -> None:
    m, mean, sd, value = FOLD
    assert len(kl.fit(humps(m - 1e-3), "normal", direction="reverse").optima) == 1
    above = kl.fit(humps(m + 1e-3), "normal", direction="reverse").optima
    assert len(above) == 3
    seeking = min(above, key=lambda o: o.q.parameters["loc"])
    # near a fold the optimum moves like the root of the distance: √1e-3 times a constant of order one
    assert seeking.q.parameters["loc"] == pytest.approx(mean, abs=0.05)
    assert seeking.q.parameters["scale"] == pytest.approx(sd, abs=0.05)
    assert seeking.value == pytest.approx(value, abs=2e-4)


def test_the_best_fit_switches_from_covering_to_seeking() -> None:
    def advantage(m: float) -> float:
        optima = kl.fit(humps(m), "normal", direction="reverse").optima
        covering = next(o.value for o in optima if abs(o.q.parameters["loc"] - m / 2) < 1e-6)
        return covering - min(o.value for o in optima if abs(o.q.parameters["loc"] - m / 2) > 1e-3)

    switch = optimize.brentq(advantage, 5.5, 5.7, xtol=1e-9)
    assert switch == pytest.approx(SWITCH, abs=6e-7)


def test_murphys_mixture_has_its_true_optima() -> None:
    forward = kl.fit(MURPHY, "normal", direction="forward")
    np.testing.assert_allclose(forward.parameters["covariance_matrix"], [[1.5, 1], [1, 2]], atol=1e-12)
    assert forward.forward.value == pytest.approx(0.16561, abs=5e-6)
    reverse = kl.fit(MURPHY, "normal", direction="reverse")
    assert reverse.reverse.value == pytest.approx(0.20071, abs=5e-6)
    assert reverse.regime == "covering"
    np.testing.assert_allclose(reverse.parameters["loc"], [-0.156, -0.103], atol=6e-4)
    np.testing.assert_allclose(reverse.parameters["covariance_matrix"], [[1.235, 0.860], [0.860, 1.746]], atol=6e-4)


def test_a_diagonal_normal_on_a_correlated_one() -> None:
    p = "multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]])"
    family = 'normal(covariance="diagonal")'
    residual = -0.5 * math.log(1 - 0.9**2)  # 0.8304 in either direction
    forward = kl.fit(p, family, direction="forward")
    np.testing.assert_allclose(np.diag(forward.parameters["covariance_matrix"]), 1.0, rtol=1e-12)
    assert forward.forward.value == pytest.approx(residual, rel=1e-12)
    reverse = kl.fit(p, family, direction="reverse")
    np.testing.assert_allclose(np.diag(reverse.parameters["covariance_matrix"]), 0.19, rtol=1e-9)
    assert reverse.reverse.value == pytest.approx(residual, rel=1e-9)
    assert forward.regime == reverse.regime == "covering"
    assert round(reverse.missed, 2) == 0.26


def test_a_skew_normal_by_forward_moments() -> None:
    from scipy import stats

    q = kl.fit(stats.skewnorm(5, loc=0.5, scale=2), "normal", direction="forward").parameters
    close(q["loc"], 2.0647804)
    close(q["scale"], 1.2455771)


@pytest.mark.parametrize(("shift", "scale"), [(1e3, 1e-3), (-50.0, 1e4), (0.0, 1e-9)])
def test_a_rescaled_target_gives_the_rescaled_fit(shift: float, scale: float) -> None:
    base = kl.fit(humps(3), "normal", direction="reverse")
    p = f"0.5*normal({shift!r}, {scale!r}) + 0.5*normal({shift + 3 * scale!r}, {scale!r})"
    moved = kl.fit(p, "normal", direction="reverse")
    assert moved.reverse.value == pytest.approx(base.reverse.value, rel=1e-7)
    assert moved.parameters["scale"] == pytest.approx(scale * base.parameters["scale"], rel=1e-6)


@pytest.mark.parametrize("family", ["normal", "laplace", "student_t", "mixture(2)"])
@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_a_member_of_the_family_is_found_exactly(family: str, direction: str) -> None:
    members = {
        "normal": "normal(3, 0.2)",
        "laplace": "laplace(-2, 5)",
        "student_t": "student_t(4, 1, 2)",
        "mixture(2)": "0.3*normal(-2, 0.5) + 0.7*normal(2, 1)",
    }
    fit = kl.fit(members[family], family, direction=direction)
    assert abs(fit.residual.value) <= fit.residual.error + 1e-15
    assert fit.missed == fit.wasted == 0
    truth = kl.divergence(members[family], members[family])
    assert truth.value <= 1e-15


def test_laplace_fits_are_the_median_and_the_mean_distance() -> None:
    fit = kl.fit("0.25*normal(0, 1) + 0.75*normal(4, 1)", "laplace", direction="forward").parameters
    weights, means = np.array([0.25, 0.75]), np.array([0.0, 4.0])
    from scipy import special

    below = float(weights @ special.ndtr(fit["loc"] - means))
    assert below == pytest.approx(0.5, abs=1e-10)
    z = fit["loc"] - means
    distance = weights @ (z * (2 * special.ndtr(z) - 1) + 2 * np.exp(-z * z / 2) / math.sqrt(2 * math.pi))
    assert fit["scale"] == pytest.approx(float(distance), rel=1e-10)


@pytest.mark.parametrize("family", ["normal", "laplace", "student_t", "mixture(2)"])
def test_forward_and_reverse_residuals_are_minima(family: str) -> None:
    """No member nearby does better: each parameter moved by one per cent of P's scale."""
    p = "0.5*student_t(5, 0, 1) + 0.5*normal(3, 0.7)"
    for direction in ("forward", "reverse"):
        fit = kl.fit(p, family, direction=direction)
        for name, value in fit.parameters.items():
            for i in range(np.size(value)):
                for step in (-0.01, 0.01):
                    moved = {k: np.array(v, dtype=float) for k, v in fit.parameters.items()}
                    flat = np.atleast_1d(moved[name]).copy()
                    flat[i] += step
                    if name == "weights":
                        flat /= flat.sum()
                    moved[name] = flat if np.size(value) > 1 else float(flat[0])
                    other = kl.divergence(p, _member(family, moved), direction=direction)
                    assert other.value >= fit.residual.value - 1e-12


def _member(family: str, a: dict[str, object]) -> str:
    if family == "mixture(2)":
        rows = zip(a["weights"], a["loc"], a["scale"], strict=True)  # type: ignore[call-overload]
        return " + ".join(f"{float(w)!r}*normal({float(m)!r}, {float(s)!r})" for w, m, s in rows)
    values = ", ".join(f"{k}={float(v)!r}" for k, v in a.items())  # type: ignore[arg-type]
    return f"{family}({values})"


def test_lattice_families() -> None:
    p = "0.5*poisson(2) + 0.5*poisson(9)"
    forward = kl.fit(p, "poisson", direction="forward")
    assert forward.parameters["rate"] == pytest.approx(5.5, rel=1e-12)
    reverse = kl.fit(p, "poisson", direction="reverse")
    best = optimize.minimize_scalar(
        lambda r: kl.divergence(p, f"poisson({float(r)!r})", direction="reverse").value,
        bounds=(1.0, 10.0),
        options={"xatol": 1e-9},
    )
    assert reverse.reverse.value <= best.fun + 1e-12
    geometric = kl.fit("negative_binomial(3, 0.5)", "geometric", direction="forward")
    assert geometric.parameters["probs"] == pytest.approx(1 / 4, rel=1e-12)
    binomial = kl.fit([0.1, 0.2, 0.4, 0.3], "binomial(3)", direction="forward")
    assert binomial.parameters["probs"] == pytest.approx((0.2 + 0.8 + 0.9) / 3, rel=1e-12)
    assert binomial.reverse.value < math.inf
    back = kl.fit([0.1, 0.2, 0.4, 0.3], "binomial(3)", direction="reverse")
    assert back.reverse.value <= binomial.reverse.value


def test_starts_and_seeds_do_not_change_the_optimum() -> None:
    p = "0.2*normal(-4, 0.5) + 0.5*normal(0, 1) + 0.3*normal(5, 2)"
    base = kl.fit(p, "mixture(2)", direction="reverse")
    for seed in (1, 2):
        again = kl.fit(p, "mixture(2)", direction="reverse", seed=seed)
        assert again.reverse.value == pytest.approx(base.reverse.value, rel=1e-7)
    from_start = kl.fit(p, "mixture(2)", direction="reverse", start=base)
    assert from_start.reverse.value == pytest.approx(base.reverse.value, rel=1e-9)
    assert kl.fit(p, "mixture(2)", direction="reverse").to_json() == base.to_json()
