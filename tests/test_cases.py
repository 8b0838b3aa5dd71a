"""Every known truth, by every method that applies, within its stated error."""

from __future__ import annotations

import math

import numpy as np
import pytest

import kullback as kl
from cases import CASES, INFINITE, INTEGERS, LINE, Case
from kullback.methods import METHODS


def ids(cases: list[Case]) -> list[str]:
    return [f"{c.p} ‖ {c.q}"[:60] for c in cases]


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_every_method_that_applies_is_right_within_its_error(case: Case) -> None:
    reasons = kl.plan(case.p, case.q).reasons
    names = [m.name for m in METHODS if reasons[m.name] is None]
    assert names
    for name in names:
        found = kl.divergence(case.p, case.q, method=name)
        if found.error_kind == "standard_error":  # five of them: a right method fails one case in a million
            assert abs(found.value - case.value) <= 5 * found.error + 1e-12, name
            continue
        assert found.status is kl.Status.OK, name
        digits = 1e-9 if case.source.startswith("research") else 0.0
        truth = 2e-16 * abs(case.value) + digits  # the case itself is a rounded number
        assert abs(found.value - case.value) <= found.error + truth, (name, found.value, found.error)
        assert found.error <= max(1e-9 * abs(case.value), 1e-12)


@pytest.mark.parametrize("case", LINE + INTEGERS, ids=ids(LINE + INTEGERS))
def test_a_distribution_is_at_no_distance_from_itself(case: Case) -> None:
    for text in (case.p, case.q):
        found = kl.divergence(text, text)
        assert 0 <= found.value <= found.error + 1e-30


@pytest.mark.parametrize("case", INFINITE, ids=ids(INFINITE))
def test_infinity_is_an_answer_with_its_reason(case: Case) -> None:
    found = kl.divergence(case.p, case.q)
    assert found.value == math.inf
    assert found.status in (kl.Status.SUPPORT_GAP, kl.Status.TAIL_GAP)
    assert found.detail
    assert found.to_dict()["value"] == "inf"


def test_tails_of_callables_are_evidence_not_proof() -> None:
    cauchy = kl.Density(lambda x: -np.log1p(x * x) - math.log(math.pi), vectorized=True)
    found = kl.divergence(cauchy, "normal(0, 1)")
    assert found.value == math.inf
    assert found.status is kl.Status.TAIL_EVIDENCE


@pytest.mark.parametrize("shift", [1e-3, 1e-6, 1e-9])
def test_quadrature_keeps_its_digits_near_p_equals_q(shift: float) -> None:
    q = f"logistic({shift!r}, 1)"
    found = kl.divergence("logistic(0, 1)", q)
    # Fisher information of the location of a logistic is 1/3; the next term is of order shift⁴
    assert found.error < 1e-4 * found.value
    assert abs(found.value - shift**2 / 6) <= found.error + shift**4


@pytest.mark.parametrize(("a", "q"), [(0.5, "beta(2, 3)"), (0.1, "uniform(0, 1)"), (0.1, "beta(0.5, 0.3)")])
def test_mass_that_doubles_near_one_cannot_hold(a: float, q: str) -> None:
    """Beta(0.1, 0.1) has 1.3 % of its mass within 2⁻⁵³ of 1."""
    p = f"beta({a}, {a})"
    closed, integral = (kl.divergence(p, q, method=m) for m in ("closed", "quadrature"))
    assert abs(closed.value - integral.value) <= closed.error + integral.error
    assert integral.error < 1e-9 * integral.value


def test_the_error_of_quadrature_is_honest_on_scales_apart() -> None:
    for p, q, truth in [
        ("normal(0, 1e-9)", "cauchy(0, 1)", None),
        ("normal(5, 1e-3)", "student_t(2, -5, 1)", None),
    ]:
        found = kl.divergence(p, q)
        finer = kl.divergence(p, q, tolerance=1e-14)
        assert truth is None
        assert abs(found.value - finer.value) <= found.error + finer.error


def test_invariance_under_affine_maps_and_bijections() -> None:
    base = kl.divergence("student_t(3, 0, 1)", "logistic(0.5, 1.5)").value
    moved = kl.divergence("student_t(3, 1000, 50)", "logistic(1025, 75)").value
    assert moved == pytest.approx(base, rel=1e-10)
    normal = kl.divergence("normal(0.3, 0.7)", "normal(0, 1)").value
    lognormal = kl.divergence("log_normal(0.3, 0.7)", "log_normal(0, 1)").value
    assert lognormal == pytest.approx(normal, rel=1e-10)


def test_additivity_over_independent_coordinates() -> None:
    joint = kl.divergence(
        "multivariate_normal([0, 0], [[1, 0], [0, 4]])", "multivariate_normal([1, 0], [[1, 0], [0, 1]])"
    )
    parts = kl.divergence("normal(0, 1)", "normal(1, 1)").value + kl.divergence("normal(0, 2)", "normal(0, 1)").value
    assert joint.value == pytest.approx(parts, rel=1e-13)


@pytest.mark.parametrize(
    ("p", "q", "truth"),
    [
        ("student_t(1.01, 0, 1)", "laplace(0, 1)", 62.595),
        ("student_t(2.01, 0, 1)", "0.5*normal(0, 1) + 0.5*normal(1, 1)", 99.325),
        ("0.9*poisson(1) + 0.1*poisson(5000)", "poisson(1)", 3758.37),
        ("0.999999*poisson(1) + 0.000001*poisson(100000)", "poisson(1)", 1.0513),
        ("0.99*poisson(2) + 0.01*binomial(100000, 0.5)", "geometric(0.001)", 5.6013),
    ],
)
def test_what_lies_far_out_is_counted(p: str, q: str, truth: float) -> None:
    """Tails that fall like x^−1.01, and components far beyond the first; truths by mpmath, to the digits given."""
    found = kl.divergence(p, q)
    half_unit = 0.5 * 10.0 ** -len(str(truth).partition(".")[2])
    assert abs(found.value - truth) <= found.error + half_unit
    assert found.error < 1e-3 * truth


def test_traps_of_scipys_supports() -> None:
    from scipy import stats

    circle = kl.divergence(stats.vonmises(2), stats.vonmises(1))
    assert circle.value == pytest.approx(0.109695, abs=5e-7)
    table = kl.divergence(*(stats.rv_discrete(values=([0.5, 1.2], w))() for w in ([0.2, 0.8], [0.5, 0.5])))
    assert table.value == pytest.approx(0.19274, abs=5e-6)
    assert kl.divergence(stats.truncnorm(-np.inf, 1), "normal(0, 1)").value == pytest.approx(0.172754, abs=5e-7)


def test_infinity_that_no_slope_shows() -> None:
    from scipy import stats

    found = kl.divergence(stats.lognorm(0.1), stats.gompertz(1))
    assert found.value == math.inf
    assert found.status is kl.Status.TAIL_GAP
    bare = kl.Density(lambda x: x - np.expm1(x), support=(0, math.inf), vectorized=True)
    found = kl.divergence(stats.lognorm(0.1), bare)
    assert found.value == math.inf
    assert found.status is kl.Status.TAIL_EVIDENCE
    assert math.isfinite(kl.divergence("half_normal(1)", stats.gompertz(1)).value)
    assert math.isfinite(kl.divergence("exponential(3)", stats.gompertz(1)).value)
    assert kl.divergence("exponential(0.9)", stats.gompertz(1)).value == math.inf
    assert math.isfinite(kl.divergence("normal(-20, 7)", "gumbel(1, 0.4)", method="quadrature").value)


def test_a_claim_to_be_normalised_is_checked() -> None:
    with pytest.raises(kl.InputError, match=r"Q = .* integrates to 2\.50663"):
        kl.divergence("normal(0, 1)", kl.Density(lambda x: -0.5 * x * x))
