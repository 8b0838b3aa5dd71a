"""Covariances, scales and precisions however ill-conditioned: the stated error holds what the condition costs.

Truths: closed forms, or the determinants and traces of the very doubles in 60 digits by mpmath.
"""

from __future__ import annotations

import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from scipy import stats

import kullback as kl
from kullback._vocabulary import build
from kullback.numerics import factors

Array = Any


def hilbert(n: int) -> Array:
    return 1 / (np.arange(n)[:, None] + np.arange(n) + 1.0)


def kernel(n: int, width: float) -> Array:
    x = np.linspace(0, 1, n)
    return np.exp(-0.5 * ((x[:, None] - x) / width) ** 2) + 1e-8 * np.eye(n)


def pair(rho: float) -> Array:
    return np.array([[1, rho], [rho, 1]])


def truth(a: Array, b: Array, shift: float = 0.0) -> Any:
    with mp.workdps(60):
        n = len(a)
        unit = mp.mpf(float(b[0, 0]))  # mpmath's notion of zero is absolute
        one, other = (mp.cholesky(mp.matrix(m.tolist()) / unit) for m in (a, b))
        inverse = mp.inverse(other)
        ratio, z = inverse * one, inverse * mp.matrix([shift / mp.sqrt(unit)] * n)
        logs = sum(mp.log(one[i, i] / other[i, i]) for i in range(n))
        return (sum(x * x for x in ratio) - n + sum(x * x for x in z)) / 2 - logs


def holds(found: kl.Divergence, true: Any, relative: float = 1e-10) -> None:
    assert abs(found.value - true) <= found.error + 1e-16 * abs(true), (found.value, found.error, true)
    assert found.error <= relative * abs(true)
    assert found.status is kl.Status.OK


COVARIANCES = [
    (np.eye(8), hilbert(8)),
    (hilbert(10), np.eye(10)),
    (np.eye(12), hilbert(12)),
    (hilbert(10), hilbert(10) * (1 + 0.1 * np.eye(10))),
    (kernel(20, 1.0), kernel(20, 0.9)),
    (np.eye(2), pair(1 - 1e-8)),
    (pair(1 - 1e-13), np.eye(2)),
    (pair(1 - 1e-8), pair(1 - 2e-8)),
    (hilbert(4), hilbert(4) * (1 + 1e-9 * np.eye(4))),  # near each other
    (1e-200 * hilbert(4), 2e-200 * hilbert(4)),
    (1e-30 * hilbert(4), hilbert(4)),
    (hilbert(3) * np.outer([1e-9, 1, 1e9], [1e-9, 1, 1e9]), np.diag([1e-18, 1, 1e18])),
]


@pytest.mark.parametrize(("a", "b"), COVARIANCES)
@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_ill_conditioned_covariances(a: Array, b: Array, shift: float) -> None:
    n = len(a)
    if shift and b[0, 0] < 1e-100:
        shift = 1e-100
    p, q = build("multivariate_normal", (np.full(n, shift), a)), build("multivariate_normal", (np.zeros(n), b))
    holds(kl.divergence(p, q), truth(a, b, shift))
    same = kl.divergence(q, q)
    assert same.value == 0 <= same.error <= 1e-12
    if b[0, 0] > 1e-100 and b[0, 0] > 1e-9:
        both = [stats.multivariate_normal(m * np.ones(n), c, allow_singular=True) for m, c in ((shift, a), (0.0, b))]
        holds(kl.divergence(*both), truth(a, b, shift))


def matrix(a: float) -> Array:
    return np.array([[1.0, 0.0], [1.0, a]])


E_TRIL = math.log(2) + 1 / 8 - 1 / 2  # of normals whose factors' ratio is diag(1, ½)


@pytest.mark.parametrize("a", [1e-4, 1e-6, 1e-9, 1e-12])
def test_a_factor_that_is_given_is_used_as_given(a: float) -> None:
    def of(word: str, *args: Any, **named: Any) -> list[Any]:
        return [build(word, args, {k: f(a * s) for k, f in named.items()}) for s in (1, 2)]

    zero = np.zeros(2)
    holds(kl.divergence(*of("multivariate_normal", zero, scale_tril=matrix)), E_TRIL)
    covariances = [stats.Covariance.from_cholesky(matrix(a * s)) for s in (1, 2)]
    holds(kl.divergence(*(stats.multivariate_normal(zero, c) for c in covariances)), E_TRIL)
    well = kl.divergence(*(build("multivariate_student_t", (3.0, zero, matrix(s))) for s in (0.5, 1.0))).value
    holds(kl.divergence(*of("multivariate_student_t", 3.0, zero, scale_tril=matrix)), well, 1e-8)
    rows = {"loc": np.zeros((2, 2)), "scale_tril_row": matrix(a), "scale_tril_column": matrix(1.0)}
    other = {**rows, "scale_tril_row": matrix(2 * a)}
    holds(kl.divergence(build("matrix_normal", (), rows), build("matrix_normal", (), other)), 2 * E_TRIL)
    dist = pytest.importorskip("numpyro.distributions")
    import jax

    with jax.enable_x64(True):
        for kind, value in ((dist.MultivariateNormal, E_TRIL), (dist.Wishart, 4 * E_TRIL)):
            first = np.zeros(2) if kind is dist.MultivariateNormal else 4.0
            holds(kl.divergence(*(kind(first, scale_tril=matrix(a * s)) for s in (1, 2))), value)


@pytest.mark.parametrize("n", [2, 6, 9])
def test_precisions(n: int) -> None:
    """KL(P‖Q) of precisions A and B is that of the covariances, P and Q the other way round, B against A."""
    a, b = hilbert(n), hilbert(n) + np.eye(n)
    p, q = (build("multivariate_normal", (), {"loc": np.zeros(n), "precision_matrix": m}) for m in (a, b))
    with mp.workdps(60):
        m, k = mp.matrix(a.tolist()), mp.matrix(b.tolist())
        true = ((k * mp.inverse(m)).apply(lambda x: x), mp.log(mp.det(m) / mp.det(k)))
        expected = (sum(true[0][i, i] for i in range(n)) - n + true[1]) / 2
    holds(kl.divergence(p, q), expected)
    objects = [stats.multivariate_normal(np.zeros(n), stats.Covariance.from_precision(m)) for m in (a, b)]
    holds(kl.divergence(*objects), expected)


def test_wishart_and_matrix_normal_of_ill_conditioned_scales() -> None:
    a, b, n = hilbert(6), hilbert(6) + 1e-9 * np.eye(6), 7.0
    holds(kl.divergence(stats.wishart(n, a), stats.wishart(n, b)), n * truth(a, b))
    holds(kl.divergence(stats.invwishart(n, a), stats.invwishart(n, b)), n * truth(b, a))
    p, q = (stats.matrix_normal(np.zeros((6, 3)), c, hilbert(3)) for c in (a, b))
    holds(kl.divergence(p, q), 3 * truth(a, b))


def test_a_root_that_is_no_triangle_is_factored_without_squaring() -> None:
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    for a in (1e-3, 1e-7):
        p, q = (build("multivariate_normal", (), {"loc": [0, 0], "scale_tril": matrix(a * s) @ turn}) for s in (1, 2))
        exact = kl.divergence(*(build("multivariate_normal", ([0, 0],), {"scale_tril": matrix(a * s)}) for s in (1, 2)))
        # the products are rounded: of the turned factor the rounding costs its condition
        assert kl.divergence(p, q).value == pytest.approx(exact.value, rel=1e-15 / a)


def test_what_is_not_positive_definite_says_so() -> None:
    for bad in ([[1.0, 1.0], [1.0, 1.0]], [[1.0, 2.0], [2.0, 1.0]], np.zeros((2, 2))):
        with pytest.raises(kl.InputError, match="positive definite"):
            build("multivariate_normal", ([0, 0], bad))
    with pytest.raises(kl.InputError, match="zeros on the diagonal"):
        build("multivariate_normal", ([0, 0],), {"scale_tril": [[1.0, 0.0], [1.0, 0.0]]})
    with pytest.raises(kl.InputError, match="finite"):
        build("multivariate_normal", ([0, 0], [[math.nan, 0], [0, 1]]))
    with pytest.raises(kl.InputError, match="symmetric"):
        build("multivariate_normal", ([0, 0], [[1, 0.5], [0.4, 1]]))


def test_rounding_asymmetry_widens_the_error() -> None:
    c = hilbert(5)
    rough = c * (1 + 1e-8 * np.triu(np.ones((5, 5)), 1))
    found = kl.divergence(*(build("multivariate_normal", (np.zeros(5), m)) for m in (np.eye(5), rough)))
    assert abs(found.value - truth(np.eye(5), c)) <= found.error


@pytest.mark.parametrize("n", [5, 40, 120])
def test_the_error_in_doubles_covers(n: int) -> None:
    """What serves above the dimensions for twice the precision, held against that precision."""
    rng = np.random.default_rng(n)
    wide, narrow = rng.normal(size=(n, 2 * n)), rng.normal(size=(n, n))
    x = np.linspace(0.01, 1, n)
    matrices = [wide @ wide.T, narrow @ narrow.T, kernel(n, 0.3), 0.99 ** np.abs(np.subtract.outer(x, x) * n)]
    spreads = [factors.of_covariance((c + c.T) / 2) for c in matrices]
    for p in spreads:
        for q in spreads:
            if p is q:
                continue
            rough, fine = (factors.compare(p, q, exactly) for exactly in (False, True))
            assert np.linalg.norm(rough.e - fine.e) <= rough.blur * (fine.size + math.sqrt(n))


@pytest.mark.parametrize(
    ("p", "q"),
    [
        ("dist.Normal(jnp.zeros(5), 1.0).to_event(1)", "dist.MultivariateNormal(jnp.ones(5), jnp.eye(5))"),
        ("dist.Normal(0.0, 1.0).expand([5]).to_event(1)", "dist.Normal(jnp.ones(5), 1.0).to_event(1)"),
        ("dist.MultivariateNormal(jnp.zeros(5), jnp.eye(5))", "dist.Normal(jnp.ones(5), 1.0).to_event(1)"),
        ("dist.LowRankMultivariateNormal(jnp.zeros(5), 1e-9 * jnp.ones((5, 1)), jnp.ones(5))",
         "dist.Normal(jnp.ones(5), 1.0).to_event(1)"),
        ("dist.CirculantNormal(jnp.zeros(5), jnp.array([1.0, 0, 0, 0, 0]))",
         "dist.CirculantNormal(jnp.ones(5), covariance_rfft=jnp.ones(3))"),
        ("dist.GaussianRandomWalk(1.0, 5)", "dist.GaussianRandomWalk(2.0, 5)"),
    ],
)  # fmt: skip
def test_normals_by_any_name_are_exact(p: str, q: str) -> None:
    dist = pytest.importorskip("numpyro.distributions")
    import jax.numpy as jnp

    names = {"dist": dist, "jnp": jnp}
    found = kl.divergence(eval(p, names), eval(q, names))
    expected = 5 * E_TRIL if "Walk" in p else 2.5
    assert found.method == "closed"
    assert found.value == pytest.approx(expected, rel=1e-13)
    assert found.error < 1e-11


def test_a_batch_of_factors() -> None:
    dist = pytest.importorskip("numpyro.distributions")
    import jax

    with jax.enable_x64(True):
        halves = np.stack([matrix(1e-9), matrix(2e-9)])
        p = dist.MultivariateNormal(np.zeros(2), scale_tril=halves)
        found = kl.divergence(p, dist.MultivariateNormal(np.zeros(2), scale_tril=matrix(2e-9)))
    assert found.value == pytest.approx([E_TRIL, 0], rel=1e-12)


def test_the_factor_of_a_wishart_matrix_has_its_divergence() -> None:
    dist = pytest.importorskip("numpyro.distributions")
    scales = [np.eye(3), np.eye(3) + 0.5]
    whole, factor = (
        kl.divergence(*(kind(5.0, scale_matrix=scale.astype(np.float32)) for scale in scales))
        for kind in (dist.Wishart, dist.WishartCholesky)
    )
    assert factor.value == whole.value
    assert factor.method == "bijection"


def test_many_dimensions_say_what_the_condition_costs() -> None:
    """Above the dimensions for twice the precision: a product, whose divergence adds up block by block."""
    n, blocks = 25, 20
    a, b = kernel(n, 0.2), kernel(n, 0.21)
    big = [np.kron(np.eye(blocks), m) for m in (a, b)]
    found = kl.divergence(*(build("multivariate_normal", (np.zeros(n * blocks), m)) for m in big))
    assert abs(found.value - blocks * truth(a, b)) <= found.error
    assert found.error <= 1e-3 * found.value
    assert found.method == "closed"


def test_a_value_beyond_the_doubles_says_so() -> None:
    wide, narrow = (build("multivariate_normal", (np.zeros(2), s * np.eye(2))) for s in (1e300, 1e-300))
    with pytest.raises(kl.InputError, match="beyond the doubles"):
        kl.divergence(wide, narrow)
    assert kl.divergence(narrow, wide).value == pytest.approx(600 * math.log(10) - 1, rel=1e-14)
