"""Closed forms of shares, counts, directions and matrices: against integrals over independent coordinates, and sums."""

from __future__ import annotations

import itertools
import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from scipy import stats

import kullback as kl
from kullback.sources import as_distribution

DIRICHLETS = [[2, 3, 4], [0.5, 1.5, 20], [30, 40, 50], [1, 1, 1], [2.1, 3.2, 3.9]]


def agree(closed: kl.Divergence, truth: float, slack: float = 0.0) -> None:
    assert abs(closed.value - truth) <= closed.error + slack + 1e-9 * abs(truth)


@pytest.mark.parametrize(("a", "b"), list(itertools.permutations(DIRICHLETS, 2)))
def test_dirichlet_is_a_product_of_sticks(a: list[float], b: list[float]) -> None:
    """x₁ and x₂/(1 − x₁) are independent betas under both, so their divergences add."""
    closed = kl.divergence(stats.dirichlet(a), stats.dirichlet(b))
    assert closed.method == "closed"
    sticks = [
        kl.divergence(f"beta({a[i]}, {sum(a[i + 1 :])})", f"beta({b[i]}, {sum(b[i + 1 :])})", method="quadrature")
        for i in range(2)
    ]
    agree(closed, sum(s.value for s in sticks), sum(s.error for s in sticks))


WISHARTS = [(3.0, [1.0, 2.0, 0.5]), (7.5, [1.0, 2.0, 0.5]), (3.1, [4.0, 0.1, 0.6]), (50.0, [1e-3, 10.0, 1.0])]


@pytest.mark.parametrize(("p", "q"), list(itertools.permutations(WISHARTS, 2)))
def test_wishart_is_a_product_of_bartletts_entries(p: Any, q: Any) -> None:
    """Its triangular factor has independent entries, gammas and normals, where the scales are diagonal."""
    rng = np.random.default_rng(1)
    mix = rng.standard_normal((3, 3))  # any congruence leaves the divergence as it is
    scales = [mix @ np.diag(d) @ mix.T for _, d in (p, q)]
    closed = kl.divergence(stats.wishart(p[0], scales[0]), stats.wishart(q[0], scales[1]))
    truth = 0.0
    for i in range(3):
        sides = [f"gamma({(n - i) / 2!r}, {0.5 / d[i]!r})" for n, d in (p, q)]
        truth += kl.divergence(*sides, method="quadrature").value
        pair = [f"normal(0, {math.sqrt(d[i])!r})" for _, d in (p, q)]
        truth += i * kl.divergence(*pair, method="quadrature").value
    agree(closed, truth)
    inverse = [stats.invwishart(n, np.linalg.inv(s)) for (n, _), s in zip((p, q), scales, strict=True)]
    agree(kl.divergence(*inverse), truth, 1e-10 * truth)


def test_wishart_of_one_row_is_a_gamma() -> None:
    found = kl.divergence(stats.wishart(3, [[2.0]]), stats.wishart(5, [[1.5]]))
    agree(found, kl.divergence("gamma(1.5, 0.25)", "gamma(2.5, 0.3333333333333333)").value)


def test_matrix_normal_is_a_normal_with_kronecker_covariance() -> None:
    rng = np.random.default_rng(2)

    def spd(n: int) -> Any:
        half = rng.standard_normal((n, n))
        return half @ half.T + 0.3 * np.eye(n)

    for _ in range(4):
        (m, u, v), (n, s, t) = ((rng.standard_normal((2, 3)), spd(2), spd(3)) for _ in range(2))
        found = kl.divergence(stats.matrix_normal(m, u, v), stats.matrix_normal(n, s, t))
        flat = kl.divergence(
            stats.multivariate_normal(m.ravel(), np.kron(u, v)), stats.multivariate_normal(n.ravel(), np.kron(s, t))
        )
        assert found.method == "closed"
        agree(found, flat.value)
        assert kl.divergence(stats.matrix_normal(m, u, v), stats.matrix_normal(m, u, v)).value == 0


@pytest.mark.parametrize("q", [[0.2, 0.3, 0.5], [0.9, 0.05, 0.05], [1e-6, 0.5, 0.499999], [0.21, 0.29, 0.5]])
def test_multinomial_is_the_sum_over_all_counts(q: list[float]) -> None:
    p = [0.2, 0.3, 0.5]
    found = kl.divergence(stats.multinomial(6, p), stats.multinomial(6, q), method="closed")
    total = kl.divergence(stats.multinomial(6, p), stats.multinomial(6, q), method="counts")
    assert abs(found.value - total.value) <= found.error + total.error
    assert total.error <= 1e-12


def test_multinomial_infinities() -> None:
    found = kl.divergence(stats.multinomial(6, [0.5, 0.5]), stats.multinomial(6, [1.0, 0.0]))
    assert found.value == math.inf
    assert found.status.infinite
    assert kl.divergence(stats.multinomial(6, [0.5, 0.5]), stats.multinomial(7, [0.5, 0.5])).value == math.inf


def test_dirichlet_multinomial_by_its_sum() -> None:
    """Two outcomes are a beta-binomial."""
    found = kl.divergence(stats.dirichlet_multinomial([2.0, 3.0], 8), stats.multinomial(8, [0.4, 0.6]))
    plain = kl.divergence(stats.betabinom(8, 2, 3), stats.binom(8, 0.4))
    assert found.value == pytest.approx(plain.value, rel=1e-12)


def directions(v: float, k: Any, other: Any, cosine: Any) -> Any:
    """Plain cross-entropy less entropy with 40 digits."""
    with mp.workdps(40):

        def log_z(s: Any) -> Any:
            if s == 0:
                return -v * mp.log(2) - mp.loggamma(v + 1)
            return mp.log(mp.besseli(v, s)) - v * mp.log(s)

        mean = mp.besseli(v + 1, k) / mp.besseli(v, k)
        return float(log_z(mp.mpf(other)) - log_z(mp.mpf(k)) + mean * (k - other * mp.mpf(cosine)))


@pytest.mark.parametrize("dim", [2, 3, 5, 50])
@pytest.mark.parametrize(("k", "other"), [(1.0, 1.000001), (0.1, 30.0), (200.0, 3.0), (1e4, 1.1e4), (5.0, 0.0)])
def test_directions(dim: int, k: float, other: float) -> None:
    axis, turned = np.eye(dim)[0], np.eye(dim)[0] * 0.6 + np.eye(dim)[1] * 0.8
    p = _vmf(axis, k)
    same, apart = kl.divergence(p, _vmf(axis, other)), kl.divergence(p, _vmf(turned, other))
    truth = directions(dim / 2 - 1, k, other, 1)
    assert abs(same.value - truth) <= same.error + 1e-15 * truth
    assert same.error <= 1e-9 * truth
    agree(apart, directions(dim / 2 - 1, k, other, 0.6))
    assert kl.divergence(p, p).value == 0


def _vmf(axis: Any, k: float) -> Any:
    return f"von_mises_fisher({axis.tolist()}, {k})"


def test_a_direction_in_the_plane_is_a_von_mises() -> None:
    found = kl.divergence(_vmf(np.array([1.0, 0.0]), 3.0), _vmf(np.array([0.6, 0.8]), 5.0))
    angle = math.atan2(0.8, 0.6)
    agree(found, kl.divergence("von_mises(0, 3)", f"von_mises({angle}, 5)", method="quadrature").value)


@pytest.mark.parametrize("k", [0.0, 1.0, 30.0])
def test_power_spherical_against_von_mises_fisher(k: float) -> None:
    """On the sphere in three dimensions the cosine is a scaled beta: (1 + t)/2 ~ Beta(1 + k, 1)."""
    p, axis = f"power_spherical([0, 0, 1], {k})", np.array([0.0, 0.0, 1.0])
    found = kl.divergence(p, _vmf(axis, 2.0))
    constant = math.log(2.0 / (4 * math.pi * math.sinh(2.0)))

    def integrand(s: Any) -> Any:
        density = (1 + mp.mpf(k)) * s**k
        log_p = mp.log(density) - mp.log(4 * mp.pi)
        return density * (log_p - constant - 2 * (2 * s - 1))

    agree(found, float(mp.quad(integrand, [0, 0.5, 1])))
    uniform = kl.divergence(p, _vmf(axis, 0.0))
    agree(uniform, float(mp.quad(lambda s: (1 + mp.mpf(k)) * s**k * mp.log((1 + mp.mpf(k)) * s**k), [0, 0.5, 1])))


def test_all_of_scipys_vectors_and_matrices_are_understood() -> None:
    """Each density agrees with SciPy's own, and Monte Carlo with the closed form."""
    eye = np.eye(2)
    pairs: list[tuple[Any, Any]] = [
        (stats.multivariate_t([0, 1], eye, df=5), stats.multivariate_t([0, 0], 2 * eye, df=4)),
        (stats.dirichlet([2, 3, 4]), stats.dirichlet([3, 3, 3])),
        (stats.wishart(4, eye), stats.wishart(5, 2 * eye)),
        (stats.invwishart(4, eye), stats.invwishart(5, 2 * eye)),
        (stats.matrix_normal([[0, 1], [0, 0]], eye, 2 * eye), stats.matrix_normal([[0, 0], [0, 0]], eye, eye)),
        (stats.vonmises_fisher([0, 1, 0], 3), stats.vonmises_fisher([1, 0, 0], 2)),
        (stats.multinomial(5, [0.2, 0.8]), stats.multinomial(5, [0.4, 0.6])),
        (stats.dirichlet_multinomial([2.0, 3.0], 5), stats.dirichlet_multinomial([1.0, 1.0], 5)),
    ]
    for p, q in pairs:
        name = type(p).__name__
        f = as_distribution(p, "p")
        assert isinstance(f, kl.Density)
        x = f.sample(3, seed=1)
        logs = getattr(p, "logpmf", None) or p.logpdf
        for point in x:
            shares = point[:-1] if name == "dirichlet_frozen" else point
            assert f.log_prob(point) == pytest.approx(float(np.squeeze(logs(shares))), rel=1e-10), name
        found = kl.divergence(p, q)
        assert np.isfinite(found.value), name
        if found.method == "closed":
            drawn = kl.divergence(p, q, method="monte carlo", budget=1 << 15)
            assert abs(drawn.value - found.value) <= 5 * drawn.error + 1e-12, name
