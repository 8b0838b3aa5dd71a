"""Closed forms: against quadrature and sums, and against 50-digit arithmetic where P and Q almost agree."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest

import kullback as kl
from cases import MEMBERS
from kullback.methods.closed._same import SAME

ALL = [(name, i) for name, texts in MEMBERS.items() for i in range(len(texts))]


@pytest.mark.parametrize("p", MEMBERS)
def test_closed_forms_agree_with_the_integral_or_the_sum(p: str) -> None:
    """One member of each family against one of every other; which ones rotates. `test-all` takes them all."""
    for k, q in enumerate(MEMBERS):
        i = (k + list(MEMBERS).index(p)) % len(MEMBERS[p])
        compared(MEMBERS[p][i], MEMBERS[q][(i + 1 + k) % len(MEMBERS[q])])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "i"), ALL)
def test_every_closed_form_agrees_with_the_integral_or_the_sum(name: str, i: int) -> None:
    for texts in MEMBERS.values():
        for q in texts:
            compared(MEMBERS[name][i], q)


def compared(p: str, q: str) -> None:
    reasons = kl.plan(p, q).reasons
    if reasons["support"] is None or (reasons["closed"] is not None and reasons["bijection"] is not None):
        return
    method = "closed" if reasons["closed"] is None else "bijection"
    closed = kl.divergence(p, q, method=method)
    other = kl.divergence(p, q, method="lattice" if reasons["lattice"] is None else "quadrature")
    if closed.value == np.inf:
        assert other.value == np.inf or other.error == np.inf, (p, q, closed, other)
        return
    assert abs(closed.value - other.value) <= closed.error + other.error, (p, q, closed.value, other.value)
    assert other.error <= 1e-8 * max(abs(other.value), 1e-3), (p, q, other.value, other.error)


@pytest.mark.parametrize("name", MEMBERS)
def test_equal_parameters_give_exactly_zero(name: str) -> None:
    for text in MEMBERS[name]:
        if kl.plan(text, text).reasons["closed"] is None:
            assert kl.divergence(text, text, method="closed").value == 0, text


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


def powers(a: Any, p: Any, s: Any, b: Any, k: Any, t: Any) -> Any:
    """(x/s)^p is a gamma variable of shape a: the plain difference of entropy and cross-entropy."""
    r, c = k / p, (s / t) ** k
    return (
        -mp.log(r)
        + mp.loggamma(b)
        - mp.loggamma(a)
        + (a - b * r) * mp.psi(0, a)
        - b * mp.log(c)
        + c * mp.gamma(a + r) / mp.gamma(a)
        - a
    )


def bregman(f: Callable[[Any], Any], a: Any, b: Any) -> Any:
    return f(b) - f(a) - (b - a) * mp.diff(f, a)


def tilt(probs: Any) -> Any:
    return mp.log(probs / (1 - probs))


def von_mises(m: Any, k: Any, n: Any, j: Any) -> Any:
    mean = mp.besseli(1, k) / mp.besseli(0, k)
    return mp.log(mp.besseli(0, j) / mp.besseli(0, k)) + mean * (k - j * mp.cos(m - n))


def inverse_gaussian(m: Any, k: Any, n: Any, j: Any) -> Any:
    return (mp.log(k / j) + j / k - 1 + j * (m - n) ** 2 / (m * n**2)) / 2


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
    "exp_gamma": ((2.5, 3.0), gamma),
    "exp_inverse_gamma": ((2.5, 3.0), gamma),
    "log_gamma": (
        (2.5, 1.0, 2.0),
        lambda a, m, s, b, n, t: powers(a, 1 / s, mp.exp(m), b, 1 / t, mp.exp(n)),
    ),
    "moyal": (
        (1.0, 2.0),
        lambda m, s, n, t: powers(0.5, -1 / s, mp.exp(m) / 2**s, 0.5, -1 / t, mp.exp(n) / 2**t),
    ),
    "chi": ((3.0,), lambda v, w: powers(v / 2, 2, mp.sqrt(2), w / 2, 2, mp.sqrt(2))),
    "maxwell": ((2.0,), lambda s, t: powers(mp.mpf(1.5), 2, s, mp.mpf(1.5), 2, t)),
    "rayleigh": ((2.0,), lambda s, t: powers(mp.mpf(1), 2, s, mp.mpf(1), 2, t)),
    "nakagami": ((1.5, 3.0), lambda m, w, n, v: powers(m, 2, mp.sqrt(w / m), n, 2, mp.sqrt(v / n))),
    "generalized_gamma": ((2.5, 1.5, 3.0), powers),
    "frechet": ((1.5, 2.5), lambda s, k, t, j: powers(mp.mpf(1), -k, s, mp.mpf(1), -j, t)),
    "levy": ((0.0, 3.0), lambda m, s, n, t: powers(mp.mpf(0.5), -1, s, mp.mpf(0.5), -1, t)),
    "continuous_bernoulli": (
        (0.3,),
        lambda a, b: bregman(lambda h: mp.log((mp.exp(h) - 1) / h), tilt(a), tilt(b)),
    ),
    "von_mises": ((0.5, 3.0), von_mises),
    "inverse_gaussian": ((1.5, 2.0), inverse_gaussian),
    "lindley": ((1.5,), lambda a, b: bregman(lambda r: mp.log(1 + r) - 2 * mp.log(r), a, b)),
    "logarithmic": (
        (0.4,),
        lambda a, b: bregman(lambda h: mp.log(-mp.log(1 - mp.exp(h))), mp.log(a), mp.log(b)),
    ),
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
    found = kl.divergence("beta(1.000001, 1)", "uniform(0, 1)", method="closed")
    integral = kl.divergence("beta(1.000001, 1)", "uniform(0, 1)")
    assert found.status is kl.Status.TOLERANCE_MISSED
    assert abs(found.value - integral.value) <= found.error
    assert integral.method == "quadrature"
    assert integral.error < 1e-6 * integral.value


def test_torchs_two_wrong_pairs_have_no_false_infinity() -> None:
    """torch gives ∞ for both; research found these values by quadrature."""
    forward = kl.divergence("continuous_bernoulli(0.3)", "uniform(0, 1)")
    assert forward.value == pytest.approx(0.029386202, abs=5e-10)
    reverse = kl.divergence("uniform(0, 1)", "continuous_bernoulli(0.3)")
    assert reverse.value == pytest.approx(0.029736123, abs=5e-10)
    assert forward.method == reverse.method == "closed"
