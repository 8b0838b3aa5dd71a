"""Divergences of counts: values, bias, intervals and p-values against simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import digamma

import kullback as kl
from kullback.numerics import pearson, tallies
from kullback.numerics.gathered import gathered


def truths(p: np.ndarray, q: np.ndarray) -> dict[str, float]:
    forward, reverse = float(np.sum(p * np.log(p / q))), float(np.sum(q * np.log(q / p)))
    m = (p + q) / 2
    js = 0.5 * float(np.sum(p * np.log(p / m)) + np.sum(q * np.log(q / m)))
    return {"forward": forward, "reverse": reverse, "jensen_shannon": js, "jeffreys": forward + reverse}


def tilted(k: int, size: float) -> tuple[np.ndarray, np.ndarray]:
    p = np.ones(k) / k
    q = np.exp(size * np.sin(np.arange(k)))
    return p, q / q.sum()


def test_values_are_those_of_the_shares() -> None:
    a, b = np.array([3, 10, 7, 0, 5]), np.array([6, 2, 9, 0, 4])
    found = truths(*(x[[0, 1, 2, 4]] / x.sum() for x in (a, b)))
    for measure, value in found.items():
        assert tallies.estimate(a, b, measure).value == pytest.approx(value, rel=1e-13)
    assert tallies.estimate(a, b, "forward").value == kl.divergence(a / 25, b / 21).value


def test_zeros_are_infinite_and_estimated_by_digammas() -> None:
    a, b = np.array([5, 5, 0]), np.array([10, 0, 0])
    assert math.isinf(tallies.estimate(a, b, "forward").value)
    assert math.isfinite(tallies.estimate(a, b, "reverse").value)
    assert math.isinf(tallies.estimate(a, b, "jeffreys").value)
    assert tallies.estimate(a, b, "jensen_shannon").value <= math.log(2)
    a, b = np.array([50, 50, 0]), np.array([100, 0, 0])
    found = tallies.estimate(a, b, "forward")
    wanted = digamma(50) - digamma(100) + digamma(101) - 0.5 * (digamma(101) + digamma(1))
    assert found.corrected == pytest.approx(wanted, rel=1e-13)
    assert 0 < found.low < found.corrected
    assert (found.value, found.high) == (math.inf, math.inf)


@pytest.mark.parametrize("measure", tallies.MEASURES)
@pytest.mark.parametrize("size", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("count", [400, pytest.param(2000, marks=pytest.mark.slow)])
def test_bias_and_standard_error(measure: str, size: float, count: int) -> None:
    """Over many replications: 2,000 know the mean to 1/45 of the standard error, and its square to 3 %."""
    p, q = tilted(12, size)
    rng = np.random.default_rng(5)
    found = [
        tallies.estimate(a, b, measure)
        for a, b in zip(rng.multinomial(2000, p, count), rng.multinomial(3000, q, count), strict=True)
    ]
    values = np.array([e.value for e in found])
    corrected = np.mean([e.corrected for e in found])
    assert abs(corrected - truths(p, q)[measure]) < 4 * values.std() / math.sqrt(count)
    assert np.mean([e.error**2 for e in found]) == pytest.approx(
        values.var(), rel=0.12 * math.sqrt(2000 / count) if size else 0.5
    )


COVERAGE = [(5, 200, 200), (10, 200, 500), (20, 1000, 1000), (30, 5000, 1000), (60, 5000, 5000)]


def coverage(p: np.ndarray, q: np.ndarray, n: int, m: int, replications: int, ordered: int = 0) -> dict[str, float]:
    """How often the interval holds the true divergence."""
    rng = np.random.default_rng(11)
    pairs = list(zip(rng.multinomial(n, p, replications), rng.multinomial(m, q, replications), strict=True))
    found = []
    for a, b in pairs:
        seen = (a + b) > 0
        groups = np.zeros(len(a), dtype=np.intp)
        groups[seen] = gathered(*(x[seen].astype(float) for x in (a, b)), int(seen[:ordered].sum()))
        found.append(tallies.estimates(a, b, groups))
    held = {}
    for measure, truth in truths(p, q).items():
        every = [e[measure] for e in found]
        assert all(e.low - 1e-12 <= max(e.corrected, 0) <= e.high for e in every)
        held[measure] = float(np.mean([e.low - 1e-12 <= truth <= e.high for e in every]))
    return held


@pytest.mark.parametrize("case", COVERAGE[1:3])
@pytest.mark.parametrize("size", [0.0, 0.4])
def test_intervals_hold(case: tuple[int, int, int], size: float) -> None:
    """Correct code fails a cell of 400 replications below 0.92 once in 500 runs; the seed is fixed."""
    k, n, m = case
    for measure, held in coverage(*tilted(k, size), n, m, 400).items():
        assert held >= 0.92, (measure, held)


@pytest.mark.slow
@pytest.mark.parametrize("case", COVERAGE)
@pytest.mark.parametrize("size", [0.0, 0.2, 0.4, 0.8])
def test_intervals_hold_over_4000_replications(case: tuple[int, int, int], size: float) -> None:
    k, n, m = case
    for measure, held in coverage(*tilted(k, size), n, m, 4000).items():
        assert held >= 0.92, (measure, held)


def zipf(k: int, power: float) -> np.ndarray:
    p = np.arange(1.0, k + 1) ** -power
    return p / p.sum()


def shifted(by: float) -> np.ndarray:
    edges = np.array([-np.inf, *np.linspace(-2, 5, 19), np.inf])
    return np.diff(stats.norm.cdf(edges - by))


SPARSE = {
    "fifty categories, equal": (zipf(50, 1.5), zipf(50, 1.5), 0),
    "fifty categories": (zipf(50, 1.5), zipf(50, 1.95), 0),
    "five hundred": (zipf(500, 1.1), zipf(500, 1.43), 0),
    "a rare flag": (np.array([0.01, 0.99]), np.array([0.03, 0.97]), 0),
    "three sd apart": (shifted(0), shifted(3), 20),
    "one sd apart": (shifted(0), shifted(1), 20),
}
SIZES = [(5000, 100), (1000, 30), (200, 200), (1000, 1000), (20_000, 1000)]


@pytest.mark.parametrize("case", SPARSE)
@pytest.mark.parametrize(
    ("n", "m", "count"),
    [(5000, 100, 100), *(pytest.param(n, m, 2000, marks=pytest.mark.slow) for n, m in SIZES)],
)
def test_intervals_hold_where_rows_are_few_and_where_sides_lie_apart(case: str, n: int, m: int, count: int) -> None:
    """Few rows a cell, and divergences of 0 to 4.4; an interval may be too long, and mostly has no end."""
    p, q, ordered = SPARSE[case]
    for measure, held in coverage(p, q, n, m, count, ordered).items():
        assert held >= 0.94 - 3.3 * math.sqrt(0.06 * 0.94 / count), (measure, held)


@pytest.mark.parametrize("m", [1, 2, 5, 20, 100])
def test_the_level_of_p_values_where_rows_are_few(m: int) -> None:
    """At most 5 %, and near it where the cells allow."""
    rng = np.random.default_rng(2)
    for p, ordered in ((np.array([0.02, 0.23, 0.25, 0.25, 0.23, 0.02]), 6), (zipf(50, 1.5), 0)):
        pairs = zip(rng.multinomial(1000, p, 300), rng.multinomial(m, p, 300), strict=True)
        level = np.mean([pearson.p_value(a, b, ordered) <= 0.05 for a, b in pairs])
        assert level <= 0.05 + 3.3 * math.sqrt(0.05 * 0.95 / 300)
        assert level >= 0.01 or not ordered


def test_what_chance_does_not_part_is_taken_together() -> None:
    a, b = np.array([400.0, 400, 198, 1, 1, 0]), np.array([42.0, 38, 19, 0, 0, 1])
    assert gathered(a, b).tolist() == [0, 1, 2, 2, 2, 2]
    apart = gathered(np.array([250.0, 250, 250, 250, 0]), np.array([0.0, 0, 0, 0, 5]), 5)
    assert apart.tolist() == [0, 0, 0, 0, 1]
    ids = gathered(np.array([1.0] * 500 + [0.0] * 500), np.array([0.0] * 500 + [1.0] * 500))
    assert set(ids.tolist()) == {0}
    fours = gathered(np.array([4.0] * 250 + [0.0] * 250), np.array([0.0] * 250 + [4.0] * 250))
    assert fours.tolist() == [1] * 250 + [0] * 250 or fours.tolist() == [0] * 250 + [1] * 250


@pytest.mark.parametrize(("n", "m", "k"), [(50, 80, 8), (300, 200, 20), (40, 4000, 10)])
def test_p_values_are_uniform_when_nothing_differs(n: int, m: int, k: int) -> None:
    rng = np.random.default_rng(3)
    p = rng.dirichlet(np.ones(k))
    found = np.array([pearson.p_value(rng.multinomial(n, p), rng.multinomial(m, p)) for _ in range(500)])
    for level in (0.01, 0.05, 0.2):
        assert abs((found <= level).mean() - level) < 4 * math.sqrt(level * (1 - level) / 500) + 0.004


def test_p_value_is_the_chi_square_test_of_large_counts() -> None:
    a, b = np.array([5100, 4900, 10_000]), np.array([10_150, 10_000, 19_850])
    wanted = stats.chi2_contingency([a, b], correction=False).pvalue
    assert pearson.p_value(a, b) == pytest.approx(wanted, rel=2e-3)


def test_p_value_given_the_margins_is_exact_in_mean_and_variance() -> None:
    """Against all tables with these margins, drawn from the hypergeometric distribution."""
    a, b = np.array([28, 16, 9]), np.array([18, 27, 12])
    rng = np.random.default_rng(0)
    total, n, m = 110, 53, 57
    draws = rng.multivariate_hypergeometric(a + b, n, 200_000)
    statistic = n * m / total * (((draws / n - (a + b - draws) / m) ** 2) / ((a + b) / total)).sum(axis=1)
    assert statistic.mean() == pytest.approx(2 * 110 / 109, rel=5e-3)
    assert pearson._dawson(np.array([n, m]), a + b, total) == pytest.approx(statistic.var(), rel=1e-2)
    seen = n * m / total * (((a / n - b / m) ** 2) / ((a + b) / total)).sum()
    assert pearson.p_value(a, b) == pytest.approx((statistic >= seen - 1e-12).mean(), abs=0.005)


def test_one_category_says_nothing() -> None:
    assert pearson.p_value([5, 0], [9, 0]) == 1
    found = tallies.estimate([5, 0], [9, 0], "jeffreys")
    assert (found.value, found.low, found.high) == (0, 0, 0)


@pytest.mark.parametrize("shift", [0.0, 3.0, 800.0, 5e4, 1e7])
def test_non_central_chi_square(shift: float) -> None:
    for freedom in (1.0, 7.5, 63.0):
        for x in stats.ncx2.ppf([0.01, 0.3, 0.975], freedom, max(shift, 1e-12)):
            assert tallies._chi(x, freedom, shift) == pytest.approx(
                stats.ncx2.cdf(x, freedom, max(shift, 1e-12)), abs=5e-4
            )
