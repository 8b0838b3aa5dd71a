"""Closed forms: against quadrature and sums, and against 50-digit arithmetic where P and Q almost agree."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest

import kullback as kl
from kullback.methods.closed._same import SAME

MEMBERS = {
    "normal": ["normal(0, 1)", "normal(3, 0.5)", "normal(-20, 7)", "normal(1e-3, 1e3)"],
    "laplace": ["laplace(0, 1)", "laplace(2, 0.3)", "laplace(-7, 4)", "laplace(0.01, 1.02)"],
    "logistic": ["logistic(0, 1)", "logistic(1, 0.2)"],
    "gumbel": ["gumbel(0, 1)", "gumbel(2, 3)", "gumbel(1, 0.4)", "gumbel(0.1, 1.05)"],
    "uniform": ["uniform(0, 1)", "uniform(0.2, 0.7)", "uniform(-3, 5)", "uniform(0.1, 0.8)"],
    "exponential": ["exponential(1)", "exponential(20)", "exponential(0.01)", "exponential(1.1)"],
    "gamma": ["gamma(2, 3)", "gamma(0.3, 1)", "gamma(50, 2)", "gamma(2.1, 3.3)"],
    "inverse_gamma": ["inverse_gamma(3, 2)", "inverse_gamma(0.7, 1)", "inverse_gamma(20, 5)"],
    "beta": ["beta(2, 3)", "beta(5, 1.5)", "beta(1, 1)", "beta(30, 40)"],
    "log_normal": ["log_normal(0, 1)", "log_normal(-2, 0.3)", "log_normal(3, 0.5)"],
    "weibull": ["weibull(1, 1.5)", "weibull(3, 0.7)", "weibull(1.1, 1.4)", "weibull(0.2, 4)"],
    "pareto": ["pareto(1, 2.5)", "pareto(2, 5)", "pareto(3, 0.8)", "pareto(1.01, 2)"],
    "half_normal": ["half_normal(1)", "half_normal(5)", "half_normal(0.9)"],
    "half_cauchy": ["half_cauchy(1)", "half_cauchy(4)", "half_cauchy(0.01)"],
    "student_t": ["student_t(5, 0, 1)", "student_t(2.5, 1, 3)"],
    "cauchy": ["cauchy(0, 1)", "cauchy(2, 5)", "cauchy(-9, 0.1)", "cauchy(0.1, 1.1)"],
    "poisson": ["poisson(3)", "poisson(0.1)", "poisson(400)", "poisson(3.3)"],
    "geometric": ["geometric(0.3)", "geometric(0.8)", "geometric(0.01)", "geometric(0.33)"],
    "bernoulli": ["bernoulli(0.3)", "bernoulli(0.9)", "bernoulli(1e-6)", "bernoulli(0.31)"],
    "binomial": ["binomial(10, 0.3)", "binomial(10, 0.7)", "binomial(10, 0.001)", "binomial(10, 0.31)"],
    "negative_binomial": ["negative_binomial(2.5, 0.6)", "negative_binomial(2.5, 0.2)", "negative_binomial(2.5, 0.9)"],
    "discrete_uniform": ["discrete_uniform(0, 9)", "discrete_uniform(2, 5)"],
}
ALL = [text for texts in MEMBERS.values() for text in texts]


@pytest.mark.parametrize("p", ALL)
def test_closed_forms_agree_with_the_integral_or_the_sum(p: str) -> None:
    for q in ALL:
        reasons = kl.plan(p, q).reasons
        if reasons["support"] is None or reasons["closed"] is not None:
            continue
        closed = kl.divergence(p, q, method="closed")
        other = kl.divergence(p, q, method="lattice" if reasons["lattice"] is None else "quadrature")
        assert abs(closed.value - other.value) <= closed.error + other.error, (q, closed.value, other.value)
        if (p, q) != ("laplace(0.01, 1.02)", "gumbel(0.1, 1.05)"):  # log q leaves the doubles where P still counts
            assert other.error <= 1e-8 * max(abs(other.value), 1e-3), q


@pytest.mark.parametrize("text", [t for name in SAME for t in MEMBERS[name]])
def test_equal_parameters_give_exactly_zero(text: str) -> None:
    found = kl.divergence(text, text, method="closed")
    assert found.value == 0


def test_every_same_family_form_is_tried() -> None:
    assert set(SAME) <= set(MEMBERS)
    for name in SAME:
        assert len(list(itertools.permutations(MEMBERS[name], 2))) >= 4


def bernoulli(a: Any, b: Any) -> Any:
    return a * mp.log(a / b) + (1 - a) * mp.log((1 - a) / (1 - b))


def gamma(a: Any, r: Any, b: Any, s: Any) -> Any:
    return (a - b) * mp.psi(0, a) - mp.loggamma(a) + mp.loggamma(b) + b * mp.log(r / s) + a * (s - r) / r


def gumbel(m: Any, s: Any, n: Any, t: Any) -> Any:
    r, z = s / t, (m - n) / t
    return -mp.log(r) + z + mp.euler * (r - 1) + mp.exp(-z) * mp.gamma(1 + r) - 1


def half_normal(s: Any, t: Any) -> Any:
    return mp.log(t / s) + s**2 / (2 * t**2) - mp.mpf(1) / 2


def beta(a: Any, b: Any, c: Any, d: Any) -> Any:
    log_beta = mp.log(mp.beta(c, d)) - mp.log(mp.beta(a, b))
    return log_beta + (a - c) * mp.psi(0, a) + (b - d) * mp.psi(0, b) + (c - a + d - b) * mp.psi(0, a + b)


# The textbook forms, evaluated with 50 digits: parameters of P, then of Q.
TEXTBOOK: dict[str, tuple[tuple[float, ...], Callable[..., Any]]] = {
    "poisson": ((3.0,), lambda a, b: a * mp.log(a / b) + b - a),
    "exponential": ((2.0,), lambda a, b: mp.log(a / b) + b / a - 1),
    "gamma": ((2.5, 3.0), gamma),
    "inverse_gamma": ((2.5, 3.0), gamma),
    "bernoulli": ((0.3,), bernoulli),
    "geometric": ((0.3,), lambda a, b: bernoulli(a, b) / a),
    "beta": ((2.0, 3.5), beta),
    "laplace": (
        (1.0, 2.0),
        lambda m, s, n, t: mp.log(t / s) + abs(m - n) / t + s / t * mp.exp(-abs(m - n) / s) - 1,
    ),
    "cauchy": ((1.0, 2.0), lambda m, s, n, t: mp.log(((s + t) ** 2 + (m - n) ** 2) / (4 * s * t))),
    "half_cauchy": ((2.0,), lambda s, t: mp.log((s + t) ** 2 / (4 * s * t))),
    "half_normal": ((2.0,), half_normal),
    "normal": ((1.0, 2.0), lambda m, s, n, t: half_normal(s, t) + (m - n) ** 2 / (2 * t**2)),
    "log_normal": ((1.0, 2.0), lambda m, s, n, t: half_normal(s, t) + (m - n) ** 2 / (2 * t**2)),
    "gumbel": ((1.0, 2.0), gumbel),
    "weibull": ((1.5, 2.5), lambda s, k, t, j: gumbel(-mp.log(s), 1 / k, -mp.log(t), 1 / j)),
    "pareto": ((2.0, 2.5), lambda s, a, t, b: mp.log(a / b) + b * mp.log(s / t) + b / a - 1),
    "uniform": ((0.0, 2.0), lambda a, b, c, d: mp.log((d - c) / (b - a))),
}


@pytest.mark.parametrize("name", TEXTBOOK)
@pytest.mark.parametrize("step", [1e-6, 1e-3, 0.3])
def test_digits_hold_near_p_equals_q(name: str, step: float) -> None:
    start, form = TEXTBOOK[name]
    moved = tuple(v * (1 + step * (1 if i % 2 else -0.7)) for i, v in enumerate(start))
    if name == "uniform":
        moved = (start[0] - step, start[1] + step)
    q = tuple(float(v) for v in moved)
    found = kl.divergence(_text(name, start), _text(name, q), method="closed")
    with mp.workdps(50):
        truth = form(*(mp.mpf(v) for v in start), *(mp.mpf(v) for v in q))
        relative = float(abs(mp.mpf(found.value) - truth) / truth)
    assert relative < 1e-12
    assert abs(float(truth) - found.value) <= found.error + 1e-16 * found.value


def _text(name: str, values: tuple[float, ...]) -> str:
    return f"{name}({', '.join(repr(float(v)) for v in values)})"


def test_a_difference_of_entropies_says_that_it_lost_its_digits() -> None:
    found = kl.divergence("gamma(1.000001, 1)", "exponential(1)", method="closed")
    integral = kl.divergence("gamma(1.000001, 1)", "exponential(1)")
    assert found.status is kl.Status.TOLERANCE_MISSED
    assert abs(found.value - integral.value) <= found.error
    assert integral.method == "quadrature"
    assert integral.error < 1e-6 * integral.value


def test_torchs_two_wrong_pairs_have_no_false_infinity() -> None:
    """torch gives ∞ for uniform‖continuous Bernoulli; the density is smooth on the same interval."""
    c = float(np.log(2 * np.arctanh(1 - 2 * 0.3) / (1 - 2 * 0.3)))
    q = kl.Density(
        lambda x: x * np.log(0.3) + (1 - x) * np.log(0.7) + c, support=(0, 1), vectorized=True, name="cb(0.3)"
    )
    assert kl.divergence(q, "uniform(0, 1)").value == pytest.approx(0.029386202, abs=5e-10)
    assert kl.divergence("uniform(0, 1)", q).value == pytest.approx(0.029736123, abs=5e-10)
