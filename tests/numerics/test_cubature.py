"""Adaptive cubature: known integrals within the stated error, smooth, singular, kinked, jumping, hidden."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kullback.numerics.cubature import GAUSS, KRONROD, NODES, cubature, focused, graded

CENTRE = np.array([0.13, 0.21, 0.34])
INTEGRANDS: dict[str, tuple[Callable[[Any], Any], Callable[[int], float]]] = {
    "normal": (
        lambda x: np.exp(-50 * ((x - 0.5) ** 2).sum(axis=1)),
        lambda d: (math.sqrt(math.pi / 50) * math.erf(0.5 * math.sqrt(50))) ** d,
    ),
    "peak": (
        lambda x: np.prod(1 / (1 + (100 * (x - CENTRE[: x.shape[1]])) ** 2), axis=1),
        lambda d: math.prod((math.atan(100 * (1 - a)) + math.atan(100 * a)) / 100 for a in CENTRE[:d]),
    ),
    "root": (lambda x: np.prod(x**-0.5, axis=1), lambda d: 2.0**d),
    "waves": (lambda x: np.cos(20 * x.sum(axis=1)), lambda d: (((np.exp(20j) - 1) / 20j) ** d).real),
    "jump": (lambda x: (x.sum(axis=1) < 0.77) * 1.0, lambda d: 0.77**d / math.factorial(d)),
}


def test_the_rules_integrate_their_degrees() -> None:
    for degree in range(0, 23, 2):
        assert KRONROD @ NODES**degree == pytest.approx(2 / (degree + 1), rel=1e-14)
    for degree in range(0, 14, 2):
        assert GAUSS @ NODES**degree == pytest.approx(2 / (degree + 1), rel=1e-14)


@pytest.mark.parametrize("tolerance", [1e-3, 1e-6, 1e-10])
@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("name", INTEGRANDS)
def test_the_stated_error_covers_the_truth(name: str, d: int, tolerance: float) -> None:
    f, truth = INTEGRANDS[name]
    found = cubature(lambda x: f(x)[None], *graded([np.array([0.0, 1.0])] * d), rtol=tolerance)
    assert abs(found.value[0] - truth(d)) <= found.error[0]
    assert found.error[0] < 0.3 * abs(truth(d)) + 1e-6
    assert found.w @ f(found.x) == pytest.approx(found.value[0], rel=1e-12)


@pytest.mark.parametrize("bend", [0.1, 0.5, 2.0])
def test_a_thin_ridge_is_followed_where_it_runs(bend: float) -> None:
    """A normal sheared along a parabola: the first nodes see only part of it, and its far end may stay unseen."""

    def ridge(x: Any) -> Any:
        y = (x[:, 1] - bend * x[:, 0] ** 2) / 0.02
        return np.exp(-0.5 * (x[:, 0] ** 2 + y**2))[None] / (2 * math.pi * 0.02)

    found = cubature(
        ridge, *graded([np.array([-8.0, -2, 0, 2, 8]), np.array([-1.0, 0, 4, 130])]), rtol=1e-8, max_points=4_000_000
    )
    assert abs(found.value[0] - 1) <= found.error[0] + 1e-6
    assert found.error[0] < (1e-2 if bend < 1 else math.inf)


def test_focused_cells_fill_what_they_came_from() -> None:
    low, high = focused(*graded([np.array([0.0, 4.0])] * 3), np.array([1.0, 2.0, 3.3]), np.array([0.1, 0.01, 1.0]))
    assert (high - low).prod(axis=1).sum() == pytest.approx(64)
    inside = ((low <= [1.0, 2.0, 3.3]) & (high >= [1.0, 2.0, 3.3])).all(axis=1)
    assert ((high - low)[inside] <= [0.4, 0.04, 4.0]).all()


def test_the_budget_is_kept_and_the_error_says_so() -> None:
    found = cubature(
        lambda x: np.prod(x**-0.5, axis=1)[None], *graded([np.array([0.0, 1.0])] * 2), rtol=1e-12, max_points=20_000
    )
    assert found.n <= 20_000
    assert abs(found.value[0] - 4) <= found.error[0]
