"""What a new user gets wrong, and targets chosen to break the search: told in words, or fitted."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import kullback as kl


def density(f: Any, dim: int, **options: Any) -> kl.Density:
    return kl.Density(f, dim=dim, normalized=False, **options)


@pytest.mark.parametrize("dim", [1, 3])
@pytest.mark.parametrize("wrong", [KeyError("a"), ZeroDivisionError("by zero"), Exception("of mine")])
def test_whatever_log_prob_raises_is_told_with_its_point(wrong: Exception, dim: int) -> None:
    def log_prob(x: Any) -> Any:
        raise wrong

    with pytest.raises(kl.InputError, match="log_prob failed at the point"):
        kl.fit(density(log_prob, dim), "normal", direction="reverse")


@pytest.mark.parametrize("returned", [None, 1 + 2j])
def test_what_is_no_real_number_is_refused(returned: Any) -> None:
    with pytest.raises(kl.InputError, match="not a real number"):
        kl.fit(density(lambda x: returned, 3), "normal", direction="reverse")


def eight_schools(u: Any) -> Any:
    """The centred form: μ, log τ, θ. As τ goes to 0 its density rises without bound."""
    y, s = jnp.array([28.0, 8, -3, 7, -1, 1, 18, 12]), jnp.array([15.0, 10, 16, 11, 9, 11, 10, 18])
    mu, log_tau, theta = u[0], u[1], u[2:]
    prior = -0.5 * (mu / 5) ** 2 - jnp.log1p((jnp.exp(log_tau) / 5) ** 2) + log_tau
    inner = -0.5 * jnp.sum((theta - mu) ** 2) * jnp.exp(-2 * log_tau) - 8 * log_tau
    return prior + inner - 0.5 * jnp.sum(((y - theta) / s) ** 2)


CONSTANTS = -8 * np.log(2 * np.pi) - np.log(5 * np.sqrt(2 * np.pi)) + np.log(2 / (5 * np.pi))
SCHOOLS = (
    -31.3113474 + np.log([15.0, 10, 16, 11, 9, 11, 10, 18]).sum() - CONSTANTS
)  # by quadrature over τ, μ and θ in closed form


def test_a_proper_target_whose_density_has_no_bound_is_fitted() -> None:
    fit = kl.fit(density(eight_schools, 10), "normal", direction="reverse")
    assert fit.status is kl.Status.STATIONARY
    sd = np.sqrt(np.diag(fit.q.parameters["covariance_matrix"]))
    np.testing.assert_allclose((fit.q.parameters["loc"][:2] - [4.4206, 1.3944]) / sd[:2], 0, atol=0.02)
    np.testing.assert_allclose(sd[:2], [3.269, 0.2577], rtol=0.02)
    assert fit.log_evidence == pytest.approx(SCHOOLS, abs=4 * fit.log_evidence_error)
    assert "summit" in " ".join(fit.notes)


@pytest.mark.parametrize(
    "log_prob",
    [
        lambda x: -0.5 * (x[0] + x[1]) ** 2 - 0.5 * x[2] ** 2,
        lambda x: jnp.sum(x),
        lambda x: 0 * jnp.sum(x),
    ],
)
def test_what_has_no_integral_is_still_told(log_prob: Any) -> None:
    with pytest.raises(kl.InputError, match="no finite integral"):
        kl.fit(density(log_prob, 3), "normal", direction="reverse")


@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_independent_coordinates_with_ends_have_moments_without_them(direction: str) -> None:
    ends = [(0, np.inf), (-np.inf, np.inf), (-1, 1)]
    p = density(lambda x: -0.5 * jnp.sum(x**2), 3, support=ends)
    fit = kl.fit(p, 'carried("normal")', direction=direction)
    sides = []
    for low, high in ends:
        one = kl.Density(lambda x: -0.5 * x**2, support=(low, high), normalized=False)
        family = 'carried("normal")' if np.isfinite([low, high]).any() else "normal"
        sides.append(kl.fit(one, family, direction=direction))
    for way in ("forward", "reverse"):
        assert getattr(fit, way).value == pytest.approx(sum(getattr(side, way).value for side in sides), abs=1e-8)


def test_what_a_persons_own_family_or_model_raises_is_told() -> None:
    import numpyro
    import numpyro.distributions as dist

    family = kl.families.Custom(lambda t: dist.Normal(t[0], jnp.log(t[1])), size=2)
    with pytest.raises(kl.InputError, match="failed at theta"):
        kl.fit("normal(0, 1)", family, direction="forward")

    def model(y: Any) -> None:
        mu = numpyro.sample("mu", dist.ImproperUniform(dist.constraints.real, (), ()))
        numpyro.sample("y", dist.Normal(mu, 2.0), obs=y)

    with pytest.raises(kl.InputError, match="missing 1 required"):
        kl.from_model(model)
    fit = kl.fit(kl.from_model(model, np.array([1.0, 2.0, 6.0])), "normal", direction="reverse")  # a flat prior serves
    assert fit.q.parameters["loc"] == pytest.approx(3, abs=1e-9)
    assert fit.q.parameters["scale"] == pytest.approx(2 / np.sqrt(3), rel=1e-9)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_mixture_for_cauchy_tails_stays_among_the_doubles() -> None:
    assert kl.fit("cauchy(0, 1)", "mixture(3)", direction="reverse").reverse.value < 0.02


def beside(x: Any) -> Any:
    """A wide normal, and three tenths of the mass in a narrow one, four of its widths away."""
    wide = jnp.log(0.7) - 4 * jnp.log(2.0) - 0.125 * jnp.sum(x**2)
    narrow = jnp.log(0.3) - 4 * jnp.log(0.4) - 0.5 * jnp.sum((x - jnp.array([8.0, 0, 0, 0])) ** 2) / 0.16
    return jnp.logaddexp(wide, narrow)


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(s, marks=pytest.mark.slow) for s in (2, 3))])
def test_a_narrow_mode_beside_a_wide_one_is_found(seed: int) -> None:
    fit = kl.fit(density(beside, 4), "normal", direction="reverse", seed=seed)
    assert sorted(m.mass for m in fit.modes) == pytest.approx([0.3, 0.7], abs=0.03)


TURN = np.linalg.qr(np.random.default_rng(9).standard_normal((5, 5)))[0]


@pytest.mark.parametrize("seed", [0, *(pytest.param(s, marks=pytest.mark.slow) for s in (1, 2, 3))])
def test_the_error_of_forward_is_honest_where_heavy_tails_make_it(seed: int) -> None:
    p = density(lambda x: -3 * jnp.sum(jnp.log1p((jnp.asarray(TURN) @ x) ** 2 / 5)), 5)  # turned Student-t's, df 5
    x = np.random.default_rng(0).standard_t(5, size=(200_000, 5))
    log_p = stats.t.logpdf(x, 5).sum(axis=1)
    fit = kl.fit(p, "normal", direction="reverse", seed=seed)
    terms = log_p - fit.q.log_prob(x @ TURN)
    error = np.hypot(fit.forward.error, terms.std() / np.sqrt(len(x)))
    assert abs(fit.forward.value - terms.mean()) < 4 * error
    assert fit.forward.error < 0.15


def ridge(x: Any) -> Any:
    """Rosenbrock's, proper and curved: cells around its mode do not settle."""
    return -((1 - x[0]) ** 2) / 20 - 5 * (x[1] - x[0] ** 2) ** 2


def test_a_curved_ridge_in_the_plane_is_fitted() -> None:
    fit = kl.fit(density(ridge, 2), "normal", direction="reverse")
    assert fit.status is kl.Status.STATIONARY
    x, w = np.polynomial.hermite_e.hermegauss(36)
    draws = np.stack(np.meshgrid(x, x), axis=-1).reshape(-1, 2)
    shares = np.outer(w, w).ravel() / w.sum() ** 2
    tril = np.linalg.cholesky(fit.q.parameters["covariance_matrix"])

    def bound(loc: Any, tril: Any) -> float:
        y = loc + draws @ tril.T
        return float(shares @ ridge(y.T) + np.log(np.diag(tril)).sum())

    best = bound(fit.q.parameters["loc"], tril)
    rng = np.random.default_rng(1)
    for _ in range(20):  # no neighbour is better
        moved = tril @ (np.eye(2) + 0.02 * np.tril(rng.standard_normal((2, 2))))
        assert bound(fit.q.parameters["loc"] + 0.02 * tril @ rng.standard_normal(2), moved) < best


def test_more_coordinates_than_dim_are_told() -> None:
    with pytest.raises(kl.InputError, match="more than dim=3"):
        kl.fit(density(lambda x: -(x[0] ** 2) - x[1] ** 2 - x[4] ** 2, 3), "normal", direction="reverse")


def test_what_python_is_called_for_is_called_sparingly() -> None:
    calls = 0

    def log_prob(x: Any) -> float:
        nonlocal calls
        calls += 1
        return float(stats.norm.logpdf(np.array(x), 3, [1, 2, 3]).sum())

    fit = kl.fit(density(log_prob, 3), "normal", direction="reverse")
    np.testing.assert_allclose(fit.q.parameters["loc"], 3, atol=1e-6)
    assert calls < 100_000


@pytest.mark.parametrize("numpy", [False, True])
def test_a_float32_log_density_is_fitted_to_its_precision(numpy: bool) -> None:
    def log_prob(x: Any) -> Any:
        x = x - 3
        return np.float32(-np.cosh(np.asarray(x)).sum()) if numpy else -jnp.cosh(x.astype(jnp.float32)).sum()

    fit = kl.fit(density(log_prob, 3), "normal", direction="reverse")
    assert fit.status is kl.Status.STATIONARY
    one = kl.fit(kl.Density(lambda x: -np.cosh(x - 3), normalized=False), "normal", direction="reverse")
    np.testing.assert_allclose(fit.q.parameters["loc"], 3, atol=1e-3)
    sd = np.sqrt(np.diag(fit.q.parameters["covariance_matrix"]))
    np.testing.assert_allclose(sd, one.q.parameters["scale"], rtol=1e-3)
