"""Quadrature, terms and landmarks against closed forms and mpmath."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest

from kullback.numerics.grids import graded, plane, trapezoid
from kullback.numerics.locate import landmarks
from kullback.numerics.masses import binomial, poisson, stirling
from kullback.numerics.quadrature import GAUSS, KRONROD, NODES, integrate
from kullback.numerics.terms import deviance, excess, gain


def test_the_rules_are_exact_to_their_degree() -> None:
    for degree in range(0, 32, 2):
        assert KRONROD @ NODES**degree == pytest.approx(2 / (degree + 1), rel=1e-14)
    for degree in range(0, 20, 2):
        assert GAUSS @ NODES**degree == pytest.approx(2 / (degree + 1), rel=1e-14)


@pytest.mark.parametrize(
    ("f", "low", "high", "breaks", "truth"),
    [
        (lambda x: np.exp(-x * x), -np.inf, np.inf, [-1, 0, 1], math.sqrt(math.pi)),
        (lambda x: 1 / (1 + x * x), -np.inf, np.inf, [0], math.pi),
        (lambda x: x**-0.9, 0, 1, [0.5], 10.0),
        (lambda x: np.log(x), 0, 1, [0.5], -1.0),
        (lambda x: 1 / (x * x), 1, np.inf, [2], 1.0),
        (lambda x: np.exp(-np.abs(x - 0.3)), -np.inf, np.inf, [0.3], 2.0),
        (lambda x: np.exp(x), -np.inf, 1, [0], math.e),
        (lambda x: np.abs(x) < 0.123, -1, 1, [0], 0.246),
        (lambda x: np.cos(200 * x), 0, math.pi / 2, [0.7], math.sin(100 * math.pi) / 200),
        (lambda x: np.exp(-0.5 * ((x - 5) / 1e-6) ** 2), 0, 10, [5 - 1e-5, 5, 5 + 1e-5], 1e-6 * math.sqrt(2 * math.pi)),
    ],
)
def test_integrals_lie_within_their_error(f, low, high, breaks, truth) -> None:  # type: ignore[no-untyped-def]
    found = integrate(lambda x: f(x)[None] + 0.0, low, high, np.array(breaks, dtype=float))
    assert abs(found.value[0] - truth) <= found.error[0] + 1e-15 * abs(truth)
    assert found.error[0] <= max(1e-9 * abs(truth), 1e-12)


def test_a_divergent_integral_shows_at_its_end() -> None:
    found = integrate(lambda x: (1 / x)[None], 1, np.inf, np.array([2.0]))
    assert found.ends[0] == found.value[0] == math.inf


def test_a_slow_tail_is_extrapolated_within_its_error() -> None:
    found = integrate(lambda x: (x**-1.01)[None], 1, np.inf, np.array([2.0]))
    assert abs(found.value[0] - 100) <= found.error[0] < 1


def test_deviances_and_excesses_keep_their_digits() -> None:
    for d in [1e-12, 1e-6, -1e-3, 0.3, -0.49, 0.51, -5.0, 20.0]:
        with mp.workdps(40):
            truth = mp.exp(-mp.mpf(d)) + mp.mpf(d) - 1
            assert float(deviance(np.array([0.0]), np.array([-d]))[0] / truth) == pytest.approx(1, rel=1e-14)
    for e in [1e-12, -1e-6, 0.1, -0.2, 0.26, -0.9, 30.0]:
        with mp.workdps(40):
            truth = mp.mpf(e) - mp.log1p(mp.mpf(e))
            assert float(excess(np.array(e)) / truth) == pytest.approx(1, rel=1e-14)
    gone = deviance(np.array([-np.inf, 0.0, -np.inf]), np.array([0.0, -np.inf, -np.inf]))
    np.testing.assert_array_equal(gone, [1.0, np.inf, 0.0])
    np.testing.assert_array_equal(gain(np.array([-np.inf, 0.0]), np.array([-np.inf, -np.inf])), [0.0, np.inf])


@pytest.mark.parametrize("rate", [1e-3, 0.7, 30.0, 1e6])
def test_poisson_masses(rate: float) -> None:
    for k in {0, 1, 15, 16, 1000, int(rate), 3 * int(rate)}:
        with mp.workdps(40):
            truth = k * mp.log(mp.mpf(rate)) - mp.mpf(rate) - mp.loggamma(k + 1)
        found = poisson(np.array([float(k)]), rate)[0]
        assert abs(float(found - truth)) <= 8e-16 * (1 + abs(float(truth)))


@pytest.mark.parametrize(("n", "p"), [(1, 0.3), (10, 0.3), (1000, 1e-4), (100_000, 0.5)])
def test_binomial_masses(n: int, p: float) -> None:
    for k in {0, 1, n // 2, n - 1, n}:
        with mp.workdps(40):
            truth = mp.log(mp.binomial(n, k)) + k * mp.log(mp.mpf(p)) + (n - k) * mp.log1p(-mp.mpf(p))
        found = binomial(np.array([float(k)]), n, p)[0]
        assert abs(float(found - truth)) <= 2e-15 * (1 + abs(float(truth)))


def test_stirling() -> None:
    for x in [16.0, 50.5, 1e6]:
        with mp.workdps(40):
            m = mp.mpf(x)
            truth = mp.loggamma(m) - ((m - 0.5) * mp.log(m) - m + 0.5 * mp.log(2 * mp.pi))
        assert stirling(x) == pytest.approx(float(truth), rel=1e-14)


def test_landmarks_find_sharp_peaks_far_apart() -> None:
    def log_prob(x: np.ndarray) -> np.ndarray:
        return np.logaddexp(-0.5 * ((x - 100) / 0.1) ** 2, -0.5 * ((x + 3) / 0.001) ** 2)

    found = landmarks(log_prob, -np.inf, np.inf)
    assert np.abs(found - 100).min() < 1e-6
    assert np.abs(found + 3).min() < 1e-8


def test_grids() -> None:
    z, w = trapezoid(65)
    assert float(w @ np.exp(-z * z / 2)) == pytest.approx(math.sqrt(2 * math.pi), rel=1e-14)
    z, w = graded(12, 64.0)
    assert float(w @ np.exp(-np.abs(z))) == pytest.approx(2, rel=1e-12)
    x, w = plane(trapezoid(65))
    assert float(w @ np.exp(-(x**2).sum(axis=1) / 2)) == pytest.approx(2 * math.pi, rel=1e-13)
