"""Figures that other packages publish or test against, read as facts: SciPy, dit, Distributions.jl, kldest."""

from __future__ import annotations

import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from scipy import stats

import kullback as kl

ROWS_P = np.array([[0.1, 0.2], [0.6, 0.3], [0.3, 0.5]])
ROWS_Q = np.array([[0.2, 0.1], [0.3, 0.6], [0.5, 0.3]])


@pytest.mark.parametrize(
    ("p", "q", "axis", "expected"),
    [
        (ROWS_P, ROWS_Q, 0, [0.1933259, 0.18609809]),
        (ROWS_P, ROWS_Q, 1, [0.23104906, 0.23104906, 0.12770641]),
        (ROWS_P.T, ROWS_Q.T, 1, [0.1933259, 0.18609809]),
        (ROWS_P, np.where(ROWS_Q[0, 0] == ROWS_Q, 0.0, ROWS_Q), 0, [math.inf, 0.18609809]),
        (np.where(ROWS_P == 0.1, 0.0, ROWS_P), np.where(ROWS_Q == 0.2, 0.0, ROWS_Q), 0, [0.17403988, 0.18609809]),
    ],
)
def test_scipys_entropy_of_two_rows(p: Any, q: Any, axis: int, expected: Any) -> None:
    """SciPy normalises silently; here one asks for it."""
    found = kl.divergence(p, q, axis=axis, normalize=True)
    np.testing.assert_allclose(found.value, expected, atol=5e-9)


def test_scipys_entropy_elsewhere() -> None:
    assert float(kl.divergence([0.5, 0.2, 0.3], [0.5, 0.2, 0.3])) == 0
    assert float(kl.divergence([0.5, 0.2, 0.3], [0.1, 0.25, 0.65])) > 0
    found = kl.divergence(np.ones(16), np.where(np.arange(16) < 8, 2.0, 1.0), normalize=True)
    assert found.bits == pytest.approx(found.value / math.log(2), rel=1e-15)
    rng = np.random.default_rng(74187315492831452)
    x, y = rng.random(3), rng.random((2, 3))
    rows = kl.divergence(x, y, normalize=True).value
    assert rows.tolist() == [float(kl.divergence(x, row, normalize=True)) for row in y]
    with pytest.raises(kl.InputError):
        kl.divergence(ROWS_P, ROWS_Q[:2], axis=0, normalize=True)


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (0.9456657713430001, 0.9456657713430094),
        (0.48066098564791515, 0.48066098564794774),
        (0.786048657854401, 0.7860486578542367),
        (0.3, 5e-324),
        (1e-300, 0.5),
    ],
)
def test_scipys_rel_entr_near_equality_and_at_the_ends(p: float, q: float) -> None:
    with mp.workdps(60):
        a, b = mp.mpf(p), mp.mpf(q)
        c, d = mp.mpf(1 - p), mp.mpf(1 - q)
        a, c, b, d = a / (a + c), c / (a + c), b / (b + d), d / (b + d)
        truth = a * mp.log(a / b) + c * mp.log(c / d)
        found = kl.divergence([p, 1 - p], [q, 1 - q])
        assert abs(found.value - truth) <= max(found.error, 4e-16 * float(truth))
        assert found.error <= 1e-12 * truth


HALF = {"0": 0.5, "1": 0.5}
OTHER = {"0": 0.5, "2": 0.5}
THIRDS = {"0": 1 / 3, "1": 1 / 3, "2": 1 / 3}
FORTY, FIFTY = {"00": 0.4, "11": 0.6}, {"00": 0.5, "11": 0.5}


@pytest.mark.parametrize(
    ("p", "q", "bits"),
    [
        (HALF, THIRDS, 0.5849625007211563),
        (FORTY, FIFTY, 0.029049405545331419),
        (FIFTY, FORTY, 0.0294468445267841),
        (HALF, OTHER, math.inf),
        (OTHER, HALF, math.inf),
        (THIRDS, HALF, math.inf),
        (HALF, FORTY, math.inf),  # dit matches these by position; the labels share nothing
    ],
)
def test_dits_values_in_bits(p: Any, q: Any, bits: float) -> None:
    assert kl.divergence(p, q).bits == pytest.approx(bits, rel=1e-14)


@pytest.mark.parametrize("d", [HALF, OTHER, THIRDS, FORTY, FIFTY])
def test_dits_zeros(d: Any) -> None:
    assert float(kl.divergence(d, d)) == 0


def test_distributions_jls_edges() -> None:
    assert float(kl.divergence("binomial(0, 0.3)", "binomial(0, 0.9)")) == 0
    assert float(kl.divergence("poisson(0)", "poisson(0)")) == 0
    assert float(kl.divergence("poisson(0)", "poisson(2.5)")) == 2.5
    assert float(kl.divergence("poisson(2.5)", "poisson(0)")) == math.inf
    tiny = math.nextafter(0, 1)
    # one trial of chance 5e-324 says nothing of 0.5 but that it fails: the mean is beyond the doubles
    assert float(kl.divergence(f"geometric({tiny!r})", f"geometric({tiny!r})")) == 0
    assert float(kl.divergence("binomial(10, 0)", "binomial(10, 0.5)")) == pytest.approx(10 * math.log(2), rel=1e-15)
    assert float(kl.divergence("binomial(10, 0.5)", "binomial(10, 1)")) == math.inf
    assert float(kl.divergence("student_t(1, 0, 1)", "normal(0, 1)")) == math.inf  # its issue 1443


def test_kldests_values() -> None:
    assert float(kl.divergence("normal(0, 1)", "normal(1, 2)")) == pytest.approx(0.4431472, abs=5e-8)
    assert float(kl.divergence(stats.norm(0, 1), stats.norm(1, 1))) == pytest.approx(0.5, rel=1e-15)
    assert float(kl.divergence(stats.expon(0, 1), stats.expon(0, 12))) == pytest.approx(1.56824, abs=5e-6)


def test_what_a_deterministic_peer_gets_wrong() -> None:
    """A point against a density is ∞, not −log q at the point; disjoint labels are ∞, not negative."""
    point = kl.Discrete([1.0], labels=[0.3])
    assert float(kl.divergence(point, "normal(0, 1)")) == math.inf
    assert float(kl.divergence({"a": 1.0}, {"b": 1.0})) == math.inf
