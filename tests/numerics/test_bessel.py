"""The log-normaliser of directions against 60-digit arithmetic, over dimensions and concentrations."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import pytest

from kullback.numerics import bessel

EPS = 2.0**-52


def log_normaliser(v: float, k: Any) -> Any:
    v, k = mp.mpf(v), mp.mpf(k)
    return -v * mp.log(2) - mp.loggamma(v + 1) if k == 0 else mp.log(mp.besseli(v, k)) - v * mp.log(k)


def slope(v: float, k: Any) -> Any:
    return mp.besseli(v + 1, k) / mp.besseli(v, k) if k else mp.mpf(0)


@pytest.mark.parametrize("v", [0, 0.5, 1, 4, 24.5, 249])
def test_against_sixty_digits(v: float) -> None:
    with mp.workdps(60):
        for k in (0.0, 1e-8, 0.2, 2.0, 29.0, 31.0, 70.0, 300.0, 2e3, 1e5):
            truth = log_normaliser(v, k) - k
            assert abs(bessel.log_scaled(v, k) - truth) < 32 * EPS * max(1, abs(truth))
            ratio = slope(v, mp.mpf(k))
            assert abs(bessel.mean(v, k) - ratio) <= 32 * EPS * ratio
            for other in (k * (1 + 1e-6), k * 1.2, k * 4, 0.0, 1.0):
                if other == k or (v > 100 and k > 2e3):
                    continue
                truth = log_normaliser(v, other) - log_normaliser(v, k) - (mp.mpf(other) - mp.mpf(k)) * ratio
                value, size = bessel.bregman(v, k, other)
                assert abs(value - truth) <= 64 * EPS * size


def test_no_distance_at_all() -> None:
    for v in (0.0, 0.5, 3.0):
        for k in (0.0, 1.0, 1e3):
            assert bessel.bregman(v, k, k)[0] == 0
