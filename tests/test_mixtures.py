"""Normal mixtures: the published values, the variational value, bounds that hold; and centred t's in any dimension."""

from __future__ import annotations

import math
import time
from typing import Any

import mpmath
import numpy as np
import pytest

import kullback as kl
from kullback._vocabulary import mixture, multivariate_normal, multivariate_student_t
from kullback.methods._mixtures import _normals
from kullback.methods.closed._elliptical import mean_log
from kullback.numerics.normals import bracket
from kullback.sources import as_distribution


def line(weights: Any, means: Any, variances: Any) -> Any:
    parts = [
        as_distribution(f"normal({float(m)!r}, {math.sqrt(v)!r})", "p") for m, v in zip(means, variances, strict=True)
    ]
    return mixture(np.array(weights) / np.sum(weights), parts)


def random_pair(d: int, k: int, seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng([d, k, seed])
    spread = rng.uniform(0.05, 3)

    def one() -> Any:
        parts = []
        for _ in range(k):
            half = rng.normal(size=(d, d)) / math.sqrt(d)
            covariance = half @ half.T + 0.3 * np.eye(d)
            mean = spread * rng.normal(size=d)
            parts.append(
                multivariate_normal(mean, covariance)
                if d > 1
                else as_distribution(f"normal({float(mean[0])!r}, {math.sqrt(covariance[0, 0])!r})", "p")
            )
        return mixture(rng.dirichlet(np.ones(k)), parts)

    return one(), one()


TRACKER = [
    ([0.03, 0.18, 0.12, 0.19, 0.02, 0.16, 0.06, 0.1, 0.08, 0.06],
     [1.45, 2.20, 0.67, 0.48, 1.49, 0.91, 1.01, 1.42, 2.77, 0.89],
     [0.0487, 0.0305, 0.1171, 0.0174, 0.0295, 0.0102, 0.0323, 0.0380, 0.0115, 0.0679]),
    ([0.18, 0.12, 0.19, 0.16, 0.1, 0.08], [2.20, 0.67, 0.48, 0.91, 1.42, 2.77],
     [0.0305, 0.1171, 0.0174, 0.0102, 0.0380, 0.0115]),
    ([0.18, 0.12, 0.19, 0.16], [2.20, 0.67, 0.48, 0.917], [0.0305, 0.1171, 0.0174, 0.0102]),
]  # fmt: skip


def test_published_values() -> None:
    """TrackerComponentLibrary's first example, by 1-D quadrature to 12 digits, and the mixtures of TFP issue 199."""
    p, six, four = (line(*parts) for parts in TRACKER)
    mean, variance = p.facts.moments
    one = as_distribution(f"normal({float(mean)!r}, {math.sqrt(variance)!r})", "q")
    for q, forward, reverse in (
        (six, 0.020776798718, 0.019578762127),
        (four, 0.584678398000, 0.228947878064),
        (one, 0.248013814763, 0.425707800761),
    ):
        assert kl.divergence(p, q).value == pytest.approx(forward, abs=6e-13)
        assert kl.divergence(q, p).value == pytest.approx(reverse, abs=6e-13)
    c, d = line([0.3, 0.7], [-1, 1], [0.01, 0.25]), line([0.1, 0.9], [-1, 1], [0.01, 0.25])
    assert kl.divergence(c, d).value == pytest.approx(0.153212258698, abs=6e-13)
    assert kl.divergence(d, c).value == pytest.approx(0.116067480653, abs=6e-13)
    p, q = line([0.35, 0.65], [-1, 1.25], [0.35, 0.8]), line([0.55, 0.45], [-0.4, 2], [0.6, 1.1])
    assert kl.divergence(p, q).value == pytest.approx(0.1129823940300846, rel=1e-12)


@pytest.mark.parametrize("d", [1, 2, 5, 10])
def test_the_bounds_hold(d: int) -> None:
    for seed in range(6):
        p, q = random_pair(d, 3, seed)
        found = kl.divergence(p, q, budget=100_000) if d > 2 else kl.divergence(p, q)
        low, high = found.bounds
        slack = 5 * found.error if found.error_kind == "standard_error" else found.error
        assert 0 <= low <= found.value + slack
        assert found.value - slack <= high
        assert low <= found.variational + 1e-12 or found.variational < 0


def test_the_bounds_are_tight_where_they_can_be() -> None:
    far = line([0.4, 0.6], [-100, 100], [1, 2])
    other = line([0.7, 0.3], [-99, 102], [1, 1])
    found = kl.divergence(far, other)
    assert found.bounds[1] == pytest.approx(found.value, rel=1e-6)
    assert found.variational == pytest.approx(found.value, rel=1e-6)
    same = bracket(_normals(far), _normals(far))
    assert same.lower == 0
    assert same.upper < 1e-6
    assert same.variational == 0


def test_bounds_are_shown_and_only_where_they_are_known() -> None:
    p, q = random_pair(2, 2, 0)
    found = kl.divergence(p, q)
    assert "guaranteed" in repr(found)
    assert "variational" in found._repr_html_()
    assert found.to_dict()["bounds"] == list(found.bounds)
    reverse = kl.divergence(q, p, direction="reverse")
    assert reverse.bounds == found.bounds
    assert kl.divergence("normal(0, 1)", "normal(1, 1)").bounds is None
    assert kl.divergence("normal(0, 1)", "0.5*laplace(0, 1) + 0.5*normal(0, 1)").bounds is None


def test_forty_components_in_ten_dimensions_take_no_time() -> None:
    p, q = random_pair(10, 40, 0)
    start = time.perf_counter()
    bracket(_normals(p), _normals(q))
    assert time.perf_counter() - start < 1


def centred(df: float, shape: Any) -> Any:
    scale = np.asarray(shape, dtype=float)
    if df == math.inf:
        return multivariate_normal(np.zeros(len(scale)), scale)
    return multivariate_student_t(df, np.zeros(len(scale)), np.linalg.cholesky(scale))


A = np.array([[1, 0.6, 0.2], [0.6, 1, 0.3], [0.2, 0.3, 1]])
B = np.array([[1, 0.3, 0.1], [0.3, 1, 0.4], [0.1, 0.4, 1]])
C = np.diag([0.5, 0.4, 0.3, 0.2])


@pytest.mark.parametrize(
    ("p", "q", "value", "within"),
    [
        (centred(2, 2 * A), centred(4, B), 0.3979439491689158, 1e-12),
        (centred(2, 4 * A), centred(4, B), 0.9297752865860369, 1e-8),
        (centred(2, B), centred(4, 4 * A), 0.4074954441658625, 5e-5),
        (centred(1, np.eye(4)), centred(1, C), 0.2450458059772, 1e-12),
        (centred(1, C), centred(1, np.eye(4)), 0.2631141854140, 1e-12),
    ],
)
def test_centred_t_of_the_r_packages(p: Any, q: Any, value: float, within: float) -> None:
    """mstudentd, tests/testthat/test_kldstudent.R, right to the eps that each was computed with."""
    found = kl.divergence(p, q)
    assert found.method == "closed"
    assert abs(found.value - value) <= within + found.error


@pytest.mark.parametrize(
    ("mine", "other", "squares"),
    [
        (1, 1, [1, 2]),
        (0.2, 3, [0.1, 5]),
        (5, 2, [1e-6, 1e6]),
        (1e5, 3, [1, 1]),
        (math.inf, 3, [0.5, 2, 1]),
        (50, 50, [1e4] * 9),
    ],
)
def test_the_integral_to_twelve_digits(mine: float, other: float, squares: list[float]) -> None:
    with mpmath.workdps(30):
        c = [mpmath.mpf(s) / other * (mine if mine < math.inf else 1) for s in squares]

        def integrand(s: Any) -> Any:
            e = mpmath.exp(s)
            fade = mpmath.exp(-e / 2) if mine == math.inf else (1 + e) ** (-mpmath.mpf(mine) / 2)
            return fade * (1 - mpmath.fprod((1 + x * e) ** (-mpmath.mpf(1) / 2) for x in c))

        truth = mpmath.quad(integrand, [-90, -40, -20, -10, -5, -2, 0, 2, 5, 10, 20, 40, 80, 160, 320, 640])
    assert mean_log(np.array(squares, dtype=float), mine, other) == pytest.approx(float(truth), rel=1e-12)


def test_t_and_normal_either_way() -> None:
    t, normal = centred(3, A), multivariate_normal(np.ones(3), B)
    for p, q in ((t, normal), (centred(math.inf, A), centred(3, B))):
        closed, cubature = (kl.divergence(p, q, method=m) for m in ("closed", "quadrature"))
        assert abs(closed.value - cubature.value) <= closed.error + cubature.error
    assert kl.divergence(centred(2, A), normal).value == math.inf
    assert kl.divergence(t, multivariate_student_t(4, np.ones(3))).method == "quadrature"
    many = kl.divergence(centred(math.inf, np.eye(3)), centred(1e9, np.eye(3)))
    assert many.value + many.error >= 0
    assert many.value <= 1e-12
