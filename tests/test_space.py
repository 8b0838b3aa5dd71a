"""Two and three dimensions by cubature: truths in closed form, each within its stated error."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import digamma, gammaln

import kullback as kl
from kullback._support import Simplex
from kullback._vocabulary import mixture, multivariate_normal, multivariate_student_t, product
from kullback.sources import as_distribution

SLOW = pytest.param(3, True, marks=pytest.mark.slow)
LOOSE = {2: 1e-8, 3: 1e-6}  # what the method aims at, relative


def measured(p: Any, q: Any, **options: Any) -> kl.Divergence:
    return kl.divergence(p, q, method="quadrature", **options)


def check(p: Any, q: Any, truth: float, d: int, margin: float = 1.0) -> kl.Divergence:
    found = measured(p, q)
    assert abs(found.value - truth) <= found.error + 4e-16 * abs(truth), found
    assert found.error <= margin * LOOSE[d] * max(abs(truth), 1e-3), found
    return found


def bare(f: Any, **options: Any) -> Any:
    """The same density as a callable of which nothing else is known."""
    return kl.Density(f._log_prob, dim=f.dim, support=f.support, vectorized=True, **options)


def normals(d: int) -> list[tuple[Any, Any]]:
    tight = np.full((d, d), 0.99) + 0.01 * np.eye(d)
    scales = np.logspace(-6, 6, d)
    zero, one, unit = np.zeros(d), np.ones(d), np.eye(d)
    return [
        (multivariate_normal(zero, tight), multivariate_normal(one, unit)),
        (multivariate_normal(one, unit), multivariate_normal(zero, tight)),
        (
            multivariate_normal(scales, tight * np.outer(scales, scales)),
            multivariate_normal(zero, np.diag(scales**2)),
        ),
        (multivariate_normal(zero, unit), multivariate_normal(30 * one, 1e-4 * unit)),
        (multivariate_normal(1e3 + zero, 1e-4 * unit), multivariate_normal(1e3 + 0.01 * one, 2e-4 * unit)),
    ]


@pytest.mark.parametrize("d", [2, 3])
def test_normals_of_any_shape_and_scale(d: int) -> None:
    for p, q in normals(d):
        truth = kl.divergence(p, q, method="closed").value
        assert measured(p, q).value == pytest.approx(truth, rel=1e-10)
        check(p, q, truth, d)


@pytest.mark.parametrize(("d", "callables"), [(2, False), (2, True), (3, False), SLOW])
def test_heavy_tails(d: int, callables: bool) -> None:
    shape = np.linalg.cholesky(np.eye(d) + 0.5)
    pairs = [(3.0, 1.0), (1.0, 3.0), (0.7, 2.0), (4.0, math.inf)]
    for mine, other in pairs:
        p = multivariate_student_t(mine, np.ones(d), shape)
        if other == math.inf:
            q = multivariate_normal(np.ones(d), 2 * np.eye(d))
        else:
            q = multivariate_student_t(other, np.ones(d), 2 * np.eye(d))
        truth = kl.divergence(p, q, method="closed").value
        if callables and mine > 1:
            p = bare(p)
        check(p, q, truth, d, margin=100 if callables else 1)


def banana(bend: float, mean: Any, sd: Any, shift: float = 0.0) -> Any:
    """A normal sheared by y + bend·x²: the divergence of two with one bend is that of the normals."""

    def log_prob(x: Any) -> Any:
        y = x.copy()
        y[:, 1] = x[:, 1] - bend * x[:, 0] ** 2
        return stats.norm.logpdf((y - mean) / sd).sum(axis=1) - np.log(sd).sum() + shift

    return log_prob


@pytest.mark.parametrize(
    ("d", "bend", "margin"),
    [
        (2, 0.5, 10.0),
        (2, 2.0, 1e4),
        *(pytest.param(3, *rest, marks=pytest.mark.slow) for rest in ((0.5, 10.0), (2.0, 1e4))),
    ],
)
def test_curved_callables(d: int, bend: float, margin: float) -> None:
    mean, sd = 0.5 * np.arange(d), np.linspace(1, 0.2, d)
    truth = sum(kl.divergence(f"normal({m}, {s})", "normal(0, 1)").value for m, s in zip(mean, sd, strict=True))
    q = kl.Density(banana(bend, np.zeros(d), np.ones(d)), dim=d, vectorized=True)
    unknown = kl.Density(banana(bend, mean, sd, 7.0), dim=d, vectorized=True, normalized=False)
    found = measured(unknown, q)
    assert abs(found.value - truth) <= found.error
    assert found.error < margin * LOOSE[d] * truth


SIDES = {
    "half-lines": (
        ["gamma(2, 3)", "exponential(1)", "gamma(0.3, 0.002)"], ["gamma(1, 1)", "gamma(2, 0.01)", "exponential(1)"]
    ),
    "boxes": (
        ["uniform(0, 1)", "uniform(2, 3)", "uniform(-1, 1)"], ["uniform(0, 2)", "uniform(0, 10)", "uniform(-2, 1)"]
    ),
    "kinks": (["laplace(0, 1)", "laplace(3, 2)", "laplace(0, 1)"], ["normal(0, 1)", "laplace(0, 1)", "normal(1, 3)"]),
    "unlike": (["gamma(2, 3)", "normal(0, 1)", "beta(2, 2)"], ["exponential(1)", "laplace(0, 1)", "uniform(0, 1)"]),
    "powers": (
        ["pareto(1, 2.5)", "log_normal(0, 1)", "weibull(2, 1.5)"], ["pareto(1, 1)", "gamma(2, 1)", "gamma(2, 1)"]
    ),
}  # fmt: skip


@pytest.mark.parametrize(("d", "callables"), [(2, False), (2, True), (3, False), SLOW])
@pytest.mark.parametrize("name", SIDES)
def test_boxes_of_any_sides(name: str, d: int, callables: bool) -> None:
    ours, theirs = (sides[:d] for sides in SIDES[name])
    truth = sum(kl.divergence(a, b).value for a, b in zip(ours, theirs, strict=True))
    p, q = (product([as_distribution(text, "p") for text in side], "product", {}) for side in (ours, theirs))
    if callables:
        p, q = bare(p), bare(q)
    check(p, q, truth, d, margin=1e5 if callables and name in ("kinks", "unlike") else 100 if name == "kinks" else 3)


@pytest.mark.parametrize("d", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_mass_that_doubles_cannot_hold_is_in_the_error(d: int) -> None:
    ours, theirs = ["beta(0.5, 0.5)", "beta(2, 3)", "beta(1, 5)"][:d], ["beta(1, 1)", "beta(1, 1)", "beta(0.5, 2)"][:d]
    truth = sum(kl.divergence(a, b).value for a, b in zip(ours, theirs, strict=True))
    p, q = (product([as_distribution(text, "p") for text in side], "product", {}) for side in (ours, theirs))
    found = measured(p, q)
    assert abs(found.value - truth) <= found.error < 1e-4


@pytest.mark.parametrize("size", [3, pytest.param(4, marks=pytest.mark.slow)])
def test_shares(size: int) -> None:
    a, b = np.array([2.0, 3, 0.5, 1.5])[:size], np.array([1.0, 1, 1, 2])[:size]
    p, q = (
        kl.Density(
            lambda x, c=c: ((c - 1) * np.log(x)).sum(axis=1) + gammaln(c.sum()) - gammaln(c).sum(),
            dim=size,
            support=Simplex(size),
            vectorized=True,
        )
        for c in (a, b)
    )
    truth = gammaln(a.sum()) - gammaln(a).sum() - gammaln(b.sum()) + gammaln(b).sum()
    truth += float(((a - b) * (digamma(a) - digamma(a.sum()))).sum())
    check(p, q, truth, size - 1)


@pytest.mark.parametrize("d", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_a_spike_in_q_is_seen(d: int) -> None:
    """One thousandth of Q stands in a spike of width 1e-4 within P; the truth is a sum on a grid around it."""
    h, reach = 1e-4, np.linspace(-9, 9, 801 if d == 2 else 161)
    spike = multivariate_normal(np.full(d, 0.3), h * h * np.eye(d))
    p = multivariate_normal(np.zeros(d), np.eye(d))
    z = np.stack(np.meshgrid(*[reach] * d, indexing="ij"), axis=-1).reshape(-1, d)
    log_p, log_s = p._log_prob(0.3 + h * z), spike._log_prob(0.3 + h * z)
    cell = (h * (reach[1] - reach[0])) ** d
    truth = -math.log(0.999) - cell * float((np.exp(log_p) * np.log1p(np.exp(log_s - log_p) / 999)).sum())
    check(p, mixture([0.999, 0.001], [p, spike]), truth, d)


@pytest.mark.parametrize("d", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_infinity_in_space(d: int) -> None:
    cauchy = multivariate_student_t(1.0, np.zeros(d), np.eye(d))
    normal = multivariate_normal(np.zeros(d), np.eye(d))
    found = measured(bare(cauchy), normal)
    assert (found.value, found.status) == (math.inf, kl.Status.TAIL_EVIDENCE)
    assert math.isfinite(measured(bare(multivariate_student_t(2.5, np.zeros(d), np.eye(d))), normal).value)
    whole = kl.Density(lambda x: np.zeros(len(x)), dim=d, support=[(0, 1)] * d, vectorized=True)
    part = kl.Density(
        lambda x: np.where(x.sum(axis=1) < 1.5, 0.0, -np.inf),
        dim=d, support=[(0, 1)] * d, vectorized=True, normalized=False,
    )  # fmt: skip
    found = measured(whole, part)
    assert (found.value, found.status) == (math.inf, kl.Status.SUPPORT_GAP)
    assert "where Q has none" in found.detail
    wide, narrow = (product([as_distribution(f"uniform(0, {b})", "p")] * d, "product", {}) for b in (2, 1))
    found = kl.divergence(wide, narrow)
    assert (found.value, found.status) == (math.inf, kl.Status.SUPPORT_GAP)


def test_a_mixture_on_boxes_apart_lives_on_the_box_around_them() -> None:
    near, far = (product([as_distribution(f"uniform({a}, {a + 1})", "p")] * 2, "product", {}) for a in (0, 2))
    q = product([as_distribution("uniform(0, 4)", "q")] * 2, "product", {})
    found = kl.divergence(mixture([0.5, 0.5], [near, far]), q)
    assert abs(found.value - math.log(8)) <= found.error < 1e-3
    assert kl.divergence(q, mixture([0.5, 0.5], [near, far])).value == math.inf


def test_a_claim_to_be_normalised_is_checked_in_the_plane() -> None:
    q = kl.Density(lambda x: -0.5 * (x**2).sum(axis=1), dim=2, vectorized=True)
    with pytest.raises(kl.InputError, match=r"Q = .* integrates to 6\.28319"):
        kl.divergence(multivariate_normal([0, 0], np.eye(2)), q)


@pytest.mark.parametrize("d", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_a_tolerance_is_met_or_missed_and_said(d: int) -> None:
    p = mixture(
        [0.3, 0.7], [multivariate_normal(np.zeros(d), np.eye(d)), multivariate_normal(3 * np.ones(d), np.eye(d))]
    )
    q = multivariate_normal(np.ones(d), 3 * np.eye(d))
    best = measured(p, q)
    loose = measured(p, q, tolerance=1e-3)
    assert loose.status is kl.Status.OK
    assert loose.n <= best.n
    assert abs(loose.value - best.value) <= loose.error <= 1e-3
    assert measured(p, q, tolerance=1e-15).status is kl.Status.TOLERANCE_MISSED


def test_draws_follow_only_a_poor_answer() -> None:
    rough = product([as_distribution("cauchy(0, 1)", "p")] * 3, "product", {})
    bent = kl.Density(lambda x: rough._log_prob(x @ np.array([[1, 0.5, 0], [0, 1, 0.5], [0, 0, 1]])), dim=3,
                      vectorized=True)  # fmt: skip
    found = kl.divergence(rough, bent, budget=100_000)
    assert len([n for n in found.notes if n.startswith(("quadrature", "monte carlo"))]) == 1
    smooth = kl.divergence("multivariate_student_t(3, [0, 0, 0])", "multivariate_student_t(1, [1, 0, 0])")
    assert (smooth.method, smooth.notes) == ("quadrature", ())


def test_compare_measures_in_three_dimensions_and_above() -> None:
    for d in (3, 4):
        p = multivariate_normal(np.zeros(d), np.eye(d))
        q = multivariate_normal(np.r_[2.0, np.zeros(d - 1)], np.eye(d))
        found = kl.compare(mixture([0.5, 0.5], [p, p]), q)
        line = kl.compare("normal(0, 1)", "normal(2, 1)")
        assert found.jensen_shannon == pytest.approx(line.jensen_shannon, rel=1e-6 if d == 3 else 1e-2)
        assert found.support.p_outside_q == 0
        assert found.entropy_p == pytest.approx(p.facts.entropy, rel=1e-6 if d == 3 else 1e-2)
        assert bool(found.forward.notes) == (d == 4)


def test_a_log_density_that_fades_out_in_the_plane_proves_no_gap() -> None:
    """Its logarithm is taken of a density that underflows 38 widths out, where P still has mass."""

    def log_q(x: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", under="ignore"):
            return np.log(np.exp(-0.5 * (x**2).sum(axis=1)) / (2 * math.pi))

    wide = multivariate_normal(np.zeros(2), 400 * np.eye(2))
    found = kl.divergence(wide, kl.Density(log_q, dim=2, vectorized=True), method="quadrature")
    assert found.status is kl.Status.TOLERANCE_MISSED
    assert found.error == math.inf


@pytest.mark.parametrize(
    ("d", "n", "within"), [(2, 500, 1e-8), (3, 100, 1e-6), pytest.param(3, 2000, 1e-1, marks=pytest.mark.slow)]
)
def test_kernel_estimates_take_seconds(d: int, n: int, within: float) -> None:
    """By cubature, in cells of the whole; draws of the estimate itself agree."""
    kde = stats.gaussian_kde(np.random.default_rng(0).normal(size=(d, n)))
    q = stats.multivariate_normal(np.zeros(d), 1.3 * np.eye(d))
    start = time.process_time()
    found = kl.divergence(kde, q)
    assert time.process_time() - start < 15  # two or three on an idle machine
    assert found.error <= within * found.value
    x = kde.resample(20_000, seed=1)
    terms = kde.logpdf(x) - q.logpdf(x.T)
    assert abs(found.value - terms.mean()) <= 5 * terms.std() / math.sqrt(terms.size) + found.error


def test_many_components_apart_are_drawn_from() -> None:
    """Cells of their own for each of 300 would take minutes, and so would a stream for each; here P is Q shifted."""
    rng = np.random.default_rng(0)
    places, w = rng.normal(size=(300, 2)) * 30, rng.dirichlet(np.ones(300))
    p = mixture(w, [multivariate_normal(m, np.diag([0.1, 0.1 * (1 + (i % 2))])) for i, m in enumerate(places)])
    start = time.process_time()
    found = kl.divergence(p, mixture(w[::-1], list(reversed([part for _, part in p.facts.components]))))
    assert time.process_time() - start < 15
    assert found.method == "monte carlo"
    assert abs(found.value) <= 1e-12
