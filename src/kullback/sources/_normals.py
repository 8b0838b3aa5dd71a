"""Multivariate normals by another name: what they are made of gives the factor of their covariance."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from kullback._distribution import Density
from kullback._result import InputError
from kullback._support import Array
from kullback._vocabulary import multivariate_normal
from kullback.numerics import factors

Held = dict[str, Any]


def _low_rank(held: Held) -> Density:
    try:
        covariance = factors.of_low_rank(held["cov_factor"], held["cov_diag"])
    except factors.NotPositive:
        raise InputError(f"cov_diag must be positive, not {held['cov_diag'].tolist()}") from None
    return multivariate_normal(held["loc"], covariance)


def _random_walk(steps: int, held: Held) -> Density:
    """Sums of independent steps: the factor is a triangle of ones."""
    return multivariate_normal(np.zeros(steps), scale_tril=held["scale"] * np.tri(steps))


def _circulant(held: Held) -> Density:
    loc = held["loc"]
    n = len(loc)
    row: Array = held["covariance_row"] if "covariance_row" in held else np.fft.irfft(held["covariance_rfft"], n)
    return multivariate_normal(loc, row[(np.arange(n) - np.arange(n)[:, None]) % n])


# by the class: the member of its parameters, and those with their event dimensions
NORMALS: dict[str, Callable[[Any], tuple[Callable[[Held], Density], dict[str, int]]]] = {
    "LowRankMultivariateNormal": lambda obj: (_low_rank, {"loc": 1, "cov_factor": 2, "cov_diag": 1}),
    "GaussianRandomWalk": lambda obj: (partial(_random_walk, int(obj.num_steps)), {"scale": 0}),
    "CirculantNormal": lambda obj: (
        _circulant,
        {"loc": 1, "covariance_row" if "covariance_row" in vars(obj) else "covariance_rfft": 1},
    ),
}
