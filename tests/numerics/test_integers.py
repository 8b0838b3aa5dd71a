"""Sums over integers: slow tails, far spikes, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from kullback.numerics.integers import total
from kullback.numerics.masses import poisson


@pytest.mark.parametrize("power", [1.05, 1.5, 2.0, 4.0])
def test_zeta(power: float) -> None:
    found = total(lambda k: (k**-power)[None], 1.0, np.inf, np.zeros(1))
    assert abs(found.value[0] - special.zeta(power)) <= found.error[0] + found.last[0]
    assert found.error[0] + found.last[0] < 1e-10 * found.value[0]
    assert found.n < 100_000


def test_a_far_spike_is_found_by_its_breaks() -> None:
    breaks = 1e8 + 1e4 * np.array([-40.0, -10, -5, -1, 0, 1, 5, 10, 40])
    found = total(lambda k: np.exp(poisson(k, 1e8))[None], 0.0, np.inf, breaks)
    assert found.value[0] == pytest.approx(1, abs=1e-12)


def test_a_finite_range_leaves_nothing_out() -> None:
    found = total(lambda k: np.ones((1, len(k))), 3.0, 100_002.0, np.zeros(1))
    assert found.value[0] == pytest.approx(100_000, rel=1e-12)
    assert found.last[0] == 0
