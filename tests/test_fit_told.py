"""Fits in many dimensions: what is told, what cannot be, and what a person brings."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

import kullback as kl
from targets import density, sds, skewed, turned_funnel, two_humps


def test_no_second_moments_no_forward_normal() -> None:
    cauchy = density(lambda x: -2 * jnp.log1p(jnp.sum(x**2)), 3)
    with pytest.raises(kl.InputError, match="no finite variance"):
        kl.fit(cauchy, "normal", direction="forward")
    fit = kl.fit(cauchy, "normal", direction="reverse")
    assert fit.forward.value == math.inf
    assert fit.forward.status is kl.Status.TAIL_EVIDENCE
    assert fit.log_evidence == pytest.approx(2 * math.log(math.pi), abs=5 * fit.log_evidence_error)


@pytest.mark.parametrize(
    ("log_prob", "text"),
    [
        (lambda x: -0.5 * jnp.sum(x[1:] ** 2), "does not fall along coordinate 0"),
        (lambda x: -0.5 * (x[0] + x[1]) ** 2 - x[2] ** 2, "does not fall along"),
        (lambda x: -jnp.log1p(jnp.sum(x**2)), r"only like −2·log r in 3 dimensions"),
        (lambda x: jnp.sum(x), "does not fall|rises without end"),
        (lambda x: jnp.nan * jnp.sum(x), "NaN"),
        (lambda x: -jnp.inf + 0 * jnp.sum(x), "−∞ at every one"),
        (lambda x: -0.5 * jnp.sum(x**2) + 0 * jnp.log(x[0]), "NaN"),
    ],
)
@pytest.mark.parametrize(
    "direction", [pytest.param("forward", marks=pytest.mark.slow), "reverse"]
)  # told before either
def test_targets_that_cannot_be_fitted_say_why(log_prob: Any, text: str, direction: str) -> None:
    with pytest.raises(kl.InputError, match=text):
        kl.fit(density(log_prob, 3), "normal", direction=direction)


def test_a_false_claim_to_be_normalised() -> None:
    with pytest.raises(kl.InputError, match="integrates to"):
        kl.fit(kl.Density(lambda x: -jnp.sum(x**2) - 0.1 * x[0] * x[1], dim=3), "normal", direction="reverse")


def test_numpy_and_gradients_of_ones_own() -> None:
    precision = np.array([[2.0, 0.5, 0], [0.5, 1, 0.2], [0, 0.2, 3]])

    def log_prob(x: np.ndarray) -> np.ndarray:
        y = np.array(x, dtype=float)  # which no tracer survives
        return -0.5 * np.einsum("ni,ij,nj->n", y, precision, y)

    for options, note in (({}, "costs 6 evaluations"), ({"grad": lambda x: -np.asarray(x) @ precision}, "grad")):
        fit = kl.fit(density(log_prob, 3, vectorized=True, **options), "normal", direction="reverse")
        np.testing.assert_allclose(fit.q.parameters["covariance_matrix"], np.linalg.inv(precision), atol=1e-5)
        assert note in " ".join(fit.notes)

    def point(x: np.ndarray) -> float:
        return float(-0.5 * np.array(x) @ precision @ np.array(x))

    fit = kl.fit(density(point, 3), "normal", direction="forward")
    np.testing.assert_allclose(fit.q.parameters["covariance_matrix"], np.linalg.inv(precision), atol=1e-4)


@pytest.mark.parametrize("family", ["normal", 'normal(covariance="diagonal")'])
def test_values_alone_lead_where_slopes_do_at_a_tenth_of_the_cost(family: str) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((60, 12)), rng.random(60) < 0.5

    def log_prob(b: np.ndarray) -> Any:
        e = b @ x.T
        return (e * y - np.logaddexp(0, e)).sum(axis=-1) - 0.5 * (b * b).sum(axis=-1)

    def grad(b: np.ndarray) -> Any:
        return (y - special.expit(b @ x.T)) @ x - b

    plain = kl.fit(density(lambda b: log_prob(np.array(b)), 12, vectorized=True), family, direction="reverse")
    known = kl.fit(density(log_prob, 12, vectorized=True, grad=grad), family, direction="reverse")
    np.testing.assert_allclose(plain.q.parameters["loc"], known.q.parameters["loc"], atol=0.02 * sds(known).max())
    np.testing.assert_allclose(sds(plain), sds(known), rtol=0.02)
    evaluations = int(plain.notes[-1].split()[0])
    assert evaluations < 80_000


def test_text_and_known_densities_in_space() -> None:
    p = (
        "0.5*multivariate_normal([0, 0, 0], [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]])"
        " + 0.5*multivariate_normal([4, 0, 0], [[1, 0, 0], [0, 1, 0], [0, 0, 1]])"
    )
    forward = kl.fit(p, "normal", direction="forward")
    np.testing.assert_allclose(forward.q.parameters["loc"], [2, 0, 0], atol=1e-12)
    np.testing.assert_allclose(forward.q.parameters["covariance_matrix"][0], [5, 0.25, 0], atol=1e-12)
    assert forward.status is kl.Status.EXACT
    reverse = kl.fit(p, "normal", direction="reverse")
    assert reverse.reverse.value == pytest.approx(kl.divergence(reverse.q, p).value, abs=0.01)


def test_an_interrupted_fit_is_the_best_so_far_and_goes_on() -> None:
    calls = 0
    precision = np.diag([1.0, 4, 9])

    def log_prob(x: np.ndarray) -> np.ndarray:
        nonlocal calls
        calls += 1
        if calls == stop:
            raise KeyboardInterrupt
        y = np.array(x, dtype=float)
        return -0.5 * np.einsum("ni,ij,nj->n", y, precision, y) - 0.1 * np.log1p(y[:, 0] ** 2 + y[:, 1] ** 2)

    stop = -1
    whole = kl.fit(density(log_prob, 3, vectorized=True), "normal", direction="reverse")
    assert whole.status is kl.Status.STATIONARY
    for moment in range(20, calls, 10):
        stop, calls = moment, 0
        try:
            fit = kl.fit(density(log_prob, 3, vectorized=True), "normal", direction="reverse")
        except KeyboardInterrupt:
            continue
        if fit.status is kl.Status.INTERRUPTED:
            break
    assert fit.status is kl.Status.INTERRUPTED
    stop = -1
    further = kl.fit(density(log_prob, 3, vectorized=True), "normal", direction="reverse", start=fit)
    np.testing.assert_allclose(further.q.parameters["loc"], whole.q.parameters["loc"], atol=0.02)


def test_a_normal_carried_to_a_box() -> None:
    """A log-normal, a logit-normal and a normal, correlated in the coordinates without ends."""
    covariance = np.array([[1.0, 0.5, 0.2], [0.5, 0.6, 0.1], [0.2, 0.1, 0.4]])
    precision = np.linalg.inv(covariance)

    def log_prob(x: Any) -> Any:
        u = jnp.stack([jnp.log(x[0]), jnp.log(x[1]) - jnp.log1p(-x[1]), x[2]]) - jnp.array([1.0, -0.5, 3])
        return -0.5 * u @ (precision @ u) - jnp.log(x[0]) - jnp.log(x[1]) - jnp.log1p(-x[1])

    p = density(log_prob, 3, support=[(0, np.inf), (0, 1), (-np.inf, np.inf)])
    with pytest.raises(kl.InputError, match="carried"):
        kl.fit(p, "normal", direction="reverse")
    for direction in ("forward", "reverse"):
        fit = kl.fit(p, 'carried("normal")', direction=direction)
        np.testing.assert_allclose(fit.q.parameters["loc"], [1, -0.5, 3], atol=1e-3)
        np.testing.assert_allclose(fit.q.parameters["covariance_matrix"], covariance, atol=1e-3)
        assert abs(fit.residual.value) < 1e-5
        assert fit.q.support == p.support
        draws = fit.q.sample(1000)
        assert (draws[:, 0] > 0).all()
        assert ((draws[:, 1] > 0) & (draws[:, 1] < 1)).all()
    assert fit.log_evidence == pytest.approx(0.5 * np.linalg.slogdet(2 * np.pi * covariance)[1], abs=1e-4)


@pytest.mark.slow
def test_draws_in_five_columns() -> None:
    rng = np.random.default_rng(11)
    a = rng.standard_normal((5, 5))
    x = rng.standard_normal((300, 5)) @ a.T + 2
    forward = kl.fit(kl.Sample(x), "normal", direction="forward")
    np.testing.assert_allclose(forward.q.parameters["loc"], x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(forward.q.parameters["covariance_matrix"], np.cov(x.T, bias=True), rtol=1e-9)
    assert forward.status is kl.Status.EXACT
    assert any("estimated from 300 draws" in note for note in forward.notes)
    weights = np.repeat([1.0, 3.0], 150)
    weighted = kl.fit(kl.Sample(x, weights=weights), "normal", direction="forward")
    np.testing.assert_allclose(weighted.q.parameters["loc"], np.average(x, axis=0, weights=weights), rtol=1e-12)
    diagonal = kl.fit(kl.Sample(x), 'normal(covariance="diagonal")', direction="reverse")
    precision = np.linalg.inv(np.cov(x.T, bias=True))
    np.testing.assert_allclose(sds(diagonal) ** 2, 1 / np.diag(precision), rtol=1e-6)
    two = np.concatenate([x, x + 15])
    mixed = kl.fit(kl.Sample(two), "mixture(2)", direction="forward")
    np.testing.assert_allclose(mixed.q.parameters["weights"], 0.5, atol=1e-6)
    assert kl.fit(kl.Sample(two), "mixture()", direction="forward").family == "mixture(2)"


@pytest.mark.slow
def test_advice_in_many_dimensions() -> None:
    heavy = kl.advise(density(turned_funnel, 4), "normal")
    assert (heavy.direction, heavy.rule) == ("reverse", "unknown")
    assert "Dhaka" in heavy.source
    a = np.linalg.qr(np.random.default_rng(3).standard_normal((4, 4)))[0] * np.array([1, 3, 1, 0.3])[:, None]
    factorised = kl.advise(density(lambda x: -0.5 * jnp.sum((a @ x) ** 2), 4), 'normal(covariance="diagonal")')
    assert factorised.rule == "richer"
    assert factorised.richer is not None
    assert factorised.richer.family == "normal"
    assert any("Margossian" in reason for reason in factorised.reasons)


@pytest.mark.slow  # with students_t asked for, below, in its place
def test_advice_for_students_t() -> None:
    close = kl.advise(density(skewed, 4), "student_t")
    assert close.direction in ("forward", "reverse")


@pytest.mark.slow
def test_a_picture_of_every_coordinate(tmp_path: Any) -> None:
    pair = [kl.fit(density(two_humps, 4), "normal", direction=d) for d in ("forward", "reverse")]
    figure = kl.plots.fits(*pair, path=tmp_path / "fits.png")
    assert [axes.get_label() for axes in figure.axes] == ["coordinates", "table"]
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["x0", "x1", "x2", "x3"]
    assert (tmp_path / "fits.png").stat().st_size > 10_000
    many = kl.fit(density(lambda x: -0.5 * jnp.sum(x**2), 32), "normal", direction="forward")
    assert "24 of 32 coordinates" in kl.plots.fits(many).axes[0].get_xlabel()
    p = density(lambda x: -x[0] - 0.5 * x[1] ** 2 - 0.5 * x[2] ** 2, 3, support=[(0, np.inf), (-9, 9), (-9, 9)])
    carried = kl.fit(p, 'carried("normal")', direction="reverse")
    low, middle, high = carried.target.intervals((0.05, 0.5, 0.95))[0]
    assert 0 < low < middle < high
    assert middle == pytest.approx(math.log(2), abs=0.05)
    assert kl.plots.fits(carried).axes


@pytest.mark.slow
def test_humps_in_the_plane_by_what_only_quadrature_serves() -> None:
    def log_prob(x: np.ndarray) -> Any:
        first, second = -0.5 * (x**2).sum(axis=1), -0.5 * ((x - np.array([6.0, 0])) ** 2).sum(axis=1)
        return np.logaddexp(first + np.log(0.3), second + np.log(0.7))

    half = kl.fit(density(log_prob, 2, vectorized=True), "normal", direction=0.5)
    assert half.alpha_divergence is not None
    assert half.alpha_divergence.value > 0
    laplace = kl.fit(density(log_prob, 2, vectorized=True), "laplace", direction="reverse")
    assert laplace.status is kl.Status.STATIONARY
    assert len(laplace.modes) == 2


def test_ctrl_c_while_modes_are_looked_for_leaves_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    from kullback._fit.space import _target

    def stop(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(_target, "modes", stop)
    fit = kl.fit(density(skewed, 4), "normal", direction="reverse")
    assert fit.status is kl.Status.INTERRUPTED
    assert fit.optima[0].start.startswith("mode at")
    monkeypatch.undo()
    further = kl.fit(density(skewed, 4), "normal", direction="reverse", start=fit)
    assert further.status is kl.Status.STATIONARY


def test_heavy_tails_ask_for_students_t() -> None:
    advice = kl.advise("multivariate_student_t(4, [0, 0, 0, 0, 0])", "normal")
    assert advice.richer is not None
    assert advice.richer.family == "student_t"


def test_log_z_of_carried_and_library_families() -> None:
    p = kl.Density(lambda x: 2 * jnp.log(x) - 3 * x, support=(0, np.inf), normalized=False)
    for family in ('carried("normal")', "gamma"):
        fit = kl.fit(p, family, direction="reverse")
        assert fit.log_evidence == pytest.approx(math.log(2 / 27), abs=1e-9)
        assert not math.isnan(fit.pareto_k)
