"""Draws with weights, groups, chains, an order or a period: what is said of them, their values and their errors.

Values are held to 4.5 standard errors, coverages to 4.5 of their own by the binomial.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.signal import lfilter

import kullback as kl
from kullback.numerics import exchange
from kullback.numerics.dependence import Design, sampling_covariance

TRUTH = math.log(2) - 0.25  # N(0, 1) from N(1, 2²): log 2 + (1 + 1)/8 − 1/2


def rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng(list(seed))


def series(r: np.random.Generator, n: int, phi: float) -> Any:
    """A stationary AR(1) of unit variance."""
    steps = r.normal(size=n) * math.sqrt(1 - phi**2)
    steps[0] = r.normal()
    return lfilter([1], [1, -phi], steps)


def in_groups(r: np.random.Generator, groups: int, each: int, within: float) -> tuple[Any, Any]:
    """Normals of unit variance, `within` the correlation in a group."""
    g = np.repeat(np.arange(groups), each)
    return math.sqrt(within) * r.normal(size=groups)[g] + math.sqrt(1 - within) * r.normal(size=len(g)), g


def holds(found: kl.Divergence, truth: float, slack: float = 0.0) -> None:
    assert abs(found.value - truth) < 4.5 * found.error + slack, (found, truth)


def covered(make: Callable[[np.random.Generator], tuple[Any, Any]], truth: float, times: int, **how: Any) -> float:
    hits = 0
    for i in range(times):
        low, high = kl.divergence(*make(rng(31, i)), **how).confidence_interval()
        hits += low <= truth <= high
    return hits / times


BAD = [
    ({"groups": [1, 1, 1, 1]}, "groups holds one value, '1', for all 4 draws"),
    ({"groups": [1, 2]}, r"groups has shape \(2,\) for 4 draws"),
    ({"groups": ["a", None, "b", "b"]}, "groups has no value for 1 of 4 draws, first at index 1"),
    ({"groups": [1.0, math.nan, 2, 2]}, "groups has no value for 1 of 4"),
    ({"groups": [1, 1, 2, 2], "order": "time"}, "either in groups or in an order"),
    ({"weights": [1, -1, 1, 1]}, "found -1 at index 1"),
    ({"weights": [1, math.nan, 1, 1]}, "found nan at index 1"),
    ({"weights": [0, 0, 0, 0]}, "only zeros"),
    ({"chains": 3}, "chains=3 does not divide 4 draws"),
    ({"chains": [1, 2]}, "the chain of each of the 4 draws"),
    ({"chains": [1, 1, 2, 2]}, "a chain has 2 draws"),
    ({"order": "space"}, "order must be"),
    ({"order": "chains"}, r"x has the shape \(chains, draws\)"),
    ({"period": 2}, "spans 3, more than its period 2"),
    ({"period": -1}, "must be positive, not -1"),
    ({"period": np.inf}, "must be finite, not inf"),
    ({"period": [1, 2]}, "period has 2 entries for 1 columns"),
]


@pytest.mark.parametrize(("said", "text"), BAD, ids=[str(b[0]) for b in BAD])
def test_what_does_not_go_together_is_an_error(said: dict[str, Any], text: str) -> None:
    with pytest.raises(kl.InputError, match=text):
        kl.Sample([1.0, 2.0, 4.0, 3.0], **said)


def test_what_goes_with_a_note() -> None:
    x = rng(0).normal(size=40)
    alone = kl.Sample(x, groups=np.arange(40))
    assert alone.design.plain
    assert "taken as independent" in alone.notes[0]
    still = kl.Sample(np.r_[x, np.ones(40)], chains=2)
    assert "chain 1 never moves" in still.notes[0]
    assert still.effective_sample_size < 20
    alone_still = kl.Sample(np.ones(40), order="time")
    assert "chain 0 never moves" in alone_still.notes[0]
    assert kl.divergence(alone_still, kl.Sample(x)).value == math.inf  # a mass beside a density
    assert "20 to 60 draws" in kl.Sample(np.r_[x, x], chains=np.repeat([0, 1], [20, 60])).notes[0]
    light = kl.Sample(x, weights=np.r_[np.zeros(10), np.arange(1.0, 31)])
    assert light.n == 30
    assert "10 of 40 draws have no weight" in light.notes[0]
    assert repr(kl.Sample(x, groups=np.arange(40) // 4)) == "40 draws in 10 groups"
    with pytest.raises(kl.InputError, match=r'pass order="chains"'):
        kl.Sample(np.zeros((2, 3, 4)))


def test_chains_come_in_any_shape() -> None:
    x = np.array([series(rng(1, i), 200, 0.7) for i in range(3)])
    forms = [
        kl.Sample(x, order="chains"),
        kl.Sample(x[..., None], order="chains"),
        kl.Sample(x.ravel(), chains=3),
        kl.Sample(x.T.ravel(), chains=np.tile([0, 1, 2], 200)),
    ]
    assert len({(s.effective_sample_size, s.x.tobytes()) for s in forms}) == 1
    assert 20 < forms[0].effective_sample_size < 200  # (1 − φ)/(1 + φ) of 600 is 106


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9, 0.98])
def test_the_variance_of_a_series_mean(phi: float) -> None:
    """(1 + φ)/(1 − φ) over n, to a fifth: the standard error of the estimate is below 4 %."""
    x = series(rng(2), 400_000, phi)
    found = kl.Sample(x, order="time")
    assert found.design.variance(x)[0] * len(x) == pytest.approx((1 + phi) / (1 - phi), rel=0.2)
    assert found.correlation_length == pytest.approx((1 + phi) / (1 - phi), rel=0.2)


def test_the_covariance_of_means_of_a_series() -> None:
    """Two columns of one AR(1) noise and their own: (1 + φ)/(1 − φ)/n times the covariance of the draws."""
    r, n = rng(36), 100_000
    both, one, other = (series(r, n, 0.8) for _ in range(3))
    f = np.column_stack([both + one, both - 2 * other])
    sample = kl.Sample(f, order="time")
    found = sampling_covariance(sample.design, f, sample.correlation_length) * n
    assert found == pytest.approx(9 * np.array([[2.0, 1.0], [1.0, 5.0]]), rel=0.2)
    assert np.diag(found) / n == pytest.approx(sample.design.variance(f), rel=1e-12)
    g = np.repeat(np.arange(n // 10), 10)
    grouped = sampling_covariance(Design(n, None, g, np.arange(n // 10)), f)
    assert np.diag(grouped) == pytest.approx(Design(n, None, g, np.arange(n // 10)).variance(f), rel=1e-12)


def test_the_variance_of_a_mean_of_groups() -> None:
    """By hand, from the means without each group; of one size G/(G − 1) times sums of w·(f − mean), squared."""
    f, w, g = np.array([1.0, 2, 4, 7, 1]), np.array([0.1, 0.3, 0.2, 0.2, 0.2]), np.array([0, 0, 1, 1, 2])
    without = np.array([np.average(f[g != k], weights=w[g != k]) for k in range(3)])
    design = Design(5, w, g, np.arange(3))
    assert design.variance(f)[0] == pytest.approx(2 / 3 * np.square(without - w @ f).sum(), rel=1e-14)
    assert design.degrees == 2
    even = np.array([0.2, 0.2, 0.2, 0.2, 0.2, 0.2]) / 1.2
    moved = np.append(f, 5.0) / 6 - np.append(f, 5.0).mean() / 6
    sums = moved.reshape(3, 2).sum(axis=1)
    found = Design(6, even, np.array([0, 0, 1, 1, 2, 2]), np.arange(3)).variance(np.append(f, 5.0))
    assert found[0] == pytest.approx(1.5 * (sums @ sums), rel=1e-13)


@pytest.mark.parametrize("kind", ["density", "sample"])
def test_one_group_that_holds_nearly_all(kind: str) -> None:
    """Two groups of 399 and of 1 draw: sums over groups said ± 7e-5 of what was .002 off, and held in 11 and 48 %."""

    def make(r: np.random.Generator) -> tuple[Any, Any]:
        g = np.array([0] * 399 + [1])
        p = kl.Sample(r.normal(size=400), groups=g)
        return p, "normal(1, 2)" if kind == "density" else kl.Sample(1 + 2 * r.normal(size=400), groups=g + 2)

    assert covered(make, TRUTH, 60) >= 0.8


MADE = {
    "parametric": lambda r, n: (r.normal(size=n), r.normal(1, 2, n)),
    "neighbours": lambda r, n: (r.standard_t(3, n), 1 + r.standard_t(3, n)),
    "zhang-grabchak": lambda r, n: (r.integers(0, 5, n).astype(float), r.binomial(4, 0.5, n).astype(float)),
    "classifier": lambda r, n: (r.normal(size=n), r.normal(1, 2, n)),
}


@pytest.mark.parametrize("method", [*list(MADE)[:-1], pytest.param("classifier", marks=pytest.mark.slow)])
def test_equal_weights_are_none_and_copies_are_no_draws(method: str) -> None:
    x, y = MADE[method](rng(3), 120)
    plain = kl.divergence(kl.Sample(x), kl.Sample(y), method=method)
    same = kl.divergence(kl.Sample(x, weights=np.full(120, 0.3)), kl.Sample(y), method=method)
    twice = [kl.Sample(np.repeat(v, 2), groups=np.repeat(np.arange(120), 2) + s) for v, s in ((x, 0), (y, 500))]
    copied = kl.divergence(*twice, method=method)
    for other in (same, copied):
        assert (other.value, other.error) == (plain.value, plain.error)
        assert other.confidence_interval() == plain.confidence_interval()
    assert plain.effective_sample_size == 120
    assert plain.correlation_length == 1


@pytest.mark.parametrize("d", [2, 6, 15, 27])
def test_weighted_draws_against_a_known_prior(d: int) -> None:
    """N(0, I/4) by importance from a wider normal, from N(0, 4I): d/2·(log 16 + 1/16 − 1)."""
    r, wide = rng(4, d), 0.5 * (1 + 0.3 / math.sqrt(d))
    x = wide * r.normal(size=(3000, d))
    log_weight = -0.5 * np.square(x).sum(axis=1) * (4 - 1 / wide**2)
    p = kl.Sample(x, weights=np.exp(log_weight - log_weight.max()))
    truth = 0.5 * d * (math.log(16) + 1 / 16 - 1)
    found = kl.divergence(p, f"multivariate_normal({[0.0] * d}, {(4 * np.eye(d)).tolist()})")
    assert found.method == "parametric"
    assert found.error < 0.15
    holds(found, truth)
    holds(kl.divergence(p, kl.Sample(2 * r.normal(size=(3000, d)), weights=r.gamma(4, size=3000))), truth)


def test_weighted_outcomes_are_counted() -> None:
    r, p, q = rng(5), np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])
    x = r.integers(0, 3, 3000)
    truth = float(p @ np.log(p / q))
    weighted = kl.Sample(x, weights=p[x])
    for other in (q.tolist(), kl.Sample(r.choice(3, 3000, p=q))):
        found = kl.divergence(weighted, other)
        assert found.method == "zhang-grabchak"
        holds(found, truth)
    assert "counting" in str(kl.plan(weighted, kl.Sample(r.choice(3, 3000))).reasons["mixture plug-in"])
    # by hand, of log p/q as it is in truth
    w = p[x] / p[x].sum()
    spread = math.sqrt(float(np.square(w * (np.log(p / q)[x] - w @ np.log(p / q)[x])).sum()))
    assert kl.divergence(weighted, q.tolist()).error == pytest.approx(spread, rel=0.1)


def test_weighted_outcomes_against_other_ones() -> None:
    """(.5, .3, .2) from (.2, .6, .2): ½·log(5/2) − .3·log 2, all draws even and weighed by their shares."""
    r, p, q = rng(37), np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.6, 0.2])
    truth = 0.5 * math.log(2.5) - 0.3 * math.log(2)
    assert truth == pytest.approx(0.25020121176909393, rel=1e-15)
    x, y = r.integers(0, 3, (2, 2000))
    for a, b in (
        (kl.Sample(x, weights=p[x]), kl.Sample(y, weights=q[y])),
        (kl.Sample(x, weights=p[x]), q.tolist()),
        (p.tolist(), kl.Sample(y, weights=q[y])),
    ):
        found = kl.divergence(a, b)
        assert found.method == "zhang-grabchak"
        assert found.error < 0.03
        holds(found, truth)
    codes = np.arange(3) * 2  # every outcome three times, at weights that hold its exact share
    exact = kl.Sample(np.repeat(codes, 3), weights=np.repeat(p, 3) * np.tile([1, 2, 3], 3))
    shares = kl.divergence(exact, dict(zip(codes.tolist(), q.tolist(), strict=True)), method="plug-in")
    assert shares.value == pytest.approx(truth, rel=1e-12)


def with_zeros(z: Any, u: Any, share: float, shift: float = 0.0, scale: float = 1.0) -> Any:
    return np.where(stats.norm.cdf(u) < share, 0.0, shift + scale * z)


def test_zeros_beside_a_density_with_weights_groups_or_an_order() -> None:
    """The divergence of the shares .4 and .6 of zeros, and .6 of that of N(0, 1) from N(1, 2²)."""
    truth = 0.2 * math.log(1.5) + 0.6 * TRUTH
    n, g = 900, np.repeat(np.arange(60), 15)

    def even(r: np.random.Generator) -> Any:
        return r.normal(size=n)

    def grouped(r: np.random.Generator) -> Any:
        return in_groups(r, 60, 15, 0.2)[0]

    def ordered(r: np.random.Generator) -> Any:
        return series(r, n, 0.5)

    r = rng(38)
    for make, of_p, of_q in (
        (even, {"weights": r.gamma(2, size=n)}, {}),
        (grouped, {"groups": g}, {"groups": g + 60}),
        (ordered, {"order": "time"}, {"order": "time"}),
    ):
        p, q = with_zeros(make(r), make(r), 0.4), with_zeros(make(r), make(r), 0.6, 1, 2)
        alone = kl.divergence(kl.Sample(p), kl.Sample(q), method="mixed")
        found = kl.divergence(kl.Sample(p, **of_p), kl.Sample(q, **of_q))
        assert found.method == "mixed"
        holds(found, truth)
        assert 1.02 * alone.error < found.error < 3 * alone.error
    one = kl.Sample(np.r_[np.zeros(30), r.normal(size=60)], groups=np.repeat([1, 2, 3], [15, 15, 60]))
    assert "two groups a side in each cell; (·) has one of P" in str(kl.plan(one, kl.Sample(q)).reasons["mixed"])


LONG = [pytest.param(m, marks=pytest.mark.slow) for m in ("neighbours", "classifier")]


@pytest.mark.parametrize("method", ["parametric", *LONG])
def test_draws_with_weights_and_in_an_order_by_every_method(method: str) -> None:
    r = rng(6)
    slack = 0.1 if method == "classifier" else 0.03
    x, y = series(r, 2000, 0.8), 1 + 2 * series(r, 2000, 0.8)
    u = r.normal(0.3, 1.2, 2000)
    weights = np.exp(-0.5 * u**2 + 0.5 * ((u - 0.3) / 1.2) ** 2)
    holds(kl.divergence(kl.Sample(x, order="time"), kl.Sample(y, chains=2), method=method), TRUTH, slack)
    found = kl.divergence(kl.Sample(u, weights=weights), kl.Sample(r.normal(1, 2, 2000)), method=method)
    holds(found, TRUTH, slack)
    assert found.effective_sample_size == pytest.approx(weights.sum() ** 2 / (weights @ weights), rel=0.3)
    if method != "classifier":
        holds(kl.divergence(kl.Sample(x, order="time"), "normal(1, 2)", method=method), TRUTH, slack)
        holds(kl.divergence("normal(0, 1)", kl.Sample(y, order="time"), method=method), TRUTH, slack)


def test_neighbours_of_draws_with_weights_are_not_off_by_what_weights_vary() -> None:
    """Weights that know nothing of the draws, of a variance of twice their squared mean."""
    found = []
    for i in range(40):
        r = rng(33, i)
        x, y = r.normal(size=600), r.normal(1, 2, 600)
        sides = (kl.Sample(v, weights=r.gamma(0.5, size=600)) for v in (x, y))
        d = kl.divergence(*sides, method="neighbours")
        found.append((d.value - TRUTH) / d.error)
    assert abs(np.mean(found)) < 4.5 / math.sqrt(40)
    assert 0.5 < np.std(found) < 1.5


def test_neighbours_on_the_line_are_asked_of_some_draws_of_an_order() -> None:
    """As many draws as balls tell apart: the value is that of asking all of them, within a part of the error."""
    r = rng(34)
    x, y = (kl.Sample(s, order="time") for s in (series(r, 4000, 0.5), 1 + 2 * series(r, 4000, 0.5)))
    found = kl.divergence(x, y, method="neighbours")
    holds(found, TRUTH)
    every = [kl.Sample(s.x, order="time", weights=1 + 1e-9 * r.random(4000)) for s in (x, y)]  # as good as none
    assert abs(kl.divergence(*every, method="neighbours").value - found.value) < 0.3 * found.error


def test_exponentials_in_an_order() -> None:
    """log 3 + 1/3 − 1; groups of four that share nothing."""
    r = rng(7)
    x, y = r.exponential(1, 2000), r.exponential(3, 2000)
    found = kl.divergence(kl.Sample(x, weights=r.gamma(2, size=2000)), kl.Sample(y, groups=np.arange(2000) // 4))
    assert "exponential" in found.notes[0]
    holds(found, math.log(3) + 1 / 3 - 1)


@pytest.mark.parametrize(("phi", "times"), [(0.5, 100), pytest.param(0.9, 150, marks=pytest.mark.slow)])
def test_intervals_of_series_cover(phi: float, times: int) -> None:
    def make(r: np.random.Generator) -> tuple[Any, Any]:
        return kl.Sample(series(r, 2000, phi), order="time"), kl.Sample(1 + 2 * series(r, 2000, phi), order="time")

    assert covered(make, TRUTH, times, method="parametric") >= 0.95 - 4.5 * math.sqrt(0.95 * 0.05 / times)


@pytest.mark.slow
@pytest.mark.parametrize(("phi", "n", "least"), [(0.0, 2000, 0.935), (0.5, 2000, 0.935), (0.9, 10_500, 0.93),
                                                 (0.9, 2000, 0.91), (0.98, 50_000, 0.93)])  # fmt: skip
def test_intervals_of_series_cover_in_many_cases(phi: float, n: int, least: float) -> None:
    def make(r: np.random.Generator) -> tuple[Any, Any]:
        return kl.Sample(series(r, n, phi), order="time"), kl.Sample(1 + 2 * series(r, n, phi), order="time")

    assert covered(make, TRUTH, 600, method="parametric") >= least


@pytest.mark.slow
@pytest.mark.parametrize("groups", [30, 100])
@pytest.mark.parametrize("within", [0.01, 0.1, 0.5])
def test_intervals_of_groups_cover(groups: int, within: float) -> None:
    def make(r: np.random.Generator) -> tuple[Any, Any]:
        (x, g), (y, h) = (in_groups(r, groups, 20, within) for _ in range(2))
        return kl.Sample(x, groups=g), kl.Sample(1 + 2 * y, groups=h + groups)

    assert abs(covered(make, TRUTH, 1000) - 0.95) <= 0.03


@pytest.mark.parametrize(("groups", "within", "shift"), [(30, 0.1, 0.1), (10, 0.1, 0.2), (30, 0.5, 0.2)])
def test_intervals_of_few_groups_near_each_other_cover(groups: int, within: float, shift: float) -> None:
    """N(0, 1) from N(shift, 1), shift²/2, about a standard error away: means vary with groups, and variances hardly."""

    def make(r: np.random.Generator) -> tuple[Any, Any]:
        (x, g), (y, h) = (in_groups(r, groups, 20, within) for _ in range(2))
        return kl.Sample(x, groups=g), kl.Sample(y + shift, groups=h + groups)

    assert covered(make, shift**2 / 2, 250, method="parametric") >= 0.95 - 2.5 * math.sqrt(0.95 * 0.05 / 250)


def test_groups_widen_the_error_and_have_degrees() -> None:
    (x, g), (y, h) = in_groups(rng(8), 30, 20, 0.5), in_groups(rng(9), 40, 20, 0.5)
    alone = kl.divergence(kl.Sample(x), kl.Sample(1 + 2 * y), method="parametric")
    found = kl.divergence(kl.Sample(x, groups=g), kl.Sample(1 + 2 * y, groups=h + 100), method="parametric")
    assert found.error > 2 * alone.error
    assert 29 <= found.degrees_of_freedom <= 68
    assert 20 < found.effective_sample_size < 200
    assert "P's 600 draws, with 30 groups, are worth" in " ".join(found.notes)
    assert found.to_dict()["correlation_length"] == found.correlation_length > 4


def test_a_group_on_both_sides_is_one() -> None:
    """What a day does to both sides is no difference between them."""
    r = rng(10)
    day, shift = np.repeat(np.arange(60), 10), np.repeat(r.normal(size=60), 10)
    x, y = shift + 0.5 * r.normal(size=600), shift + 0.6 + 0.5 * r.normal(size=600)
    both = kl.divergence(kl.Sample(x, groups=day), kl.Sample(y, groups=day), method="parametric")
    apart = kl.divergence(kl.Sample(x, groups=day), kl.Sample(y, groups=day + 1000), method="parametric")
    assert both.error < 0.6 * apart.error
    assert "60 groups stand on both sides" in " ".join(both.notes)
    holds(both, 0.5 * 0.36 / 1.25)
    for values in (x, np.digitize(x, [-1.0, 0, 1])):
        same = kl.divergence(kl.Sample(values, groups=day), kl.Sample(values, groups=day))
        assert abs(same.value) < 1e-9
        assert max(map(abs, same.confidence_interval())) < 1e-6


def test_few_effective_draws_and_one_that_owns_the_weight_are_told() -> None:
    r = rng(11)
    y = kl.Sample(r.normal(size=500))
    owns = kl.divergence(kl.Sample(r.normal(size=500), weights=np.r_[np.ones(499), 2000.0]), y)
    assert owns.status is kl.Status.BIASED
    assert "one of P's 500 draws has 80" in " ".join(owns.notes)
    few = kl.divergence(kl.Sample(series(r, 500, 0.99), order="time"), y)
    assert few.status is kl.Status.BIASED
    assert "fewer than 10 each" in " ".join(few.notes)


def test_draws_that_follow_each_other_unsaid_are_told() -> None:
    r = rng(12)
    x, y = series(r, 500, 0.6), r.normal(1, 2, 500)
    found = kl.divergence(kl.Sample(x), kl.Sample(y))
    assert found.status is kl.Status.DEPENDENT
    assert "P's draws were given as independent" in " ".join(found.notes)
    assert 'order="time"' in repr(found)
    turned = kl.divergence(kl.Sample(y), kl.Sample(x), direction="reverse")
    assert "Q's draws were given as independent" in " ".join(turned.notes)
    told = kl.divergence(kl.Sample(x, order="time"), kl.Sample(y))
    assert told.status is kl.Status.ESTIMATED
    assert told.error > 1.2 * found.error
    for fine in (r.permutation(x), np.sort(x), np.sort(x)[::-1]):  # sorted draws have lost their order
        assert kl.divergence(kl.Sample(fine), kl.Sample(y)).status is kl.Status.ESTIMATED
    steps = np.digitize(series(r, 500, 0.9), [-1.0, 0, 1])
    assert kl.divergence(kl.Sample(steps), kl.Sample(r.integers(0, 4, 500))).status is kl.Status.DEPENDENT
    assert all(
        kl.divergence(kl.Sample(rng(13, i).normal(size=100)), "normal(0, 1)").status is not kl.Status.DEPENDENT
        for i in range(50)
    )


def test_p_values_of_draws_that_go_together() -> None:
    def level(make: Callable[[np.random.Generator], tuple[Any, Any]], times: int = 25) -> float:
        return sum(kl.compare(*make(rng(14, i))).p_value < 0.05 for i in range(times)) / times

    def groups(r: np.random.Generator) -> tuple[Any, Any]:
        (x, g), (y, h) = in_groups(r, 20, 10, 0.4), in_groups(r, 25, 10, 0.4)
        return kl.Sample(x, groups=g), kl.Sample(y, groups=h + 100)

    def days(r: np.random.Generator) -> tuple[Any, Any]:
        x, y = groups(r)
        return x, kl.Sample(y.x[:200], groups=x.design.groups)

    def times(r: np.random.Generator) -> tuple[Any, Any]:
        return kl.Sample(series(r, 1000, 0.8), order="time"), kl.Sample(series(r, 800, 0.8), order="time")

    def short(r: np.random.Generator) -> tuple[Any, Any]:
        return kl.Sample(series(r, 1000, 0.98), order="time"), kl.Sample(series(r, 1000, 0.98), order="time")

    def unlike(r: np.random.Generator) -> tuple[Any, Any]:
        return groups(r)[0], kl.Sample(r.normal(size=200), weights=r.gamma(2, size=200))

    for make, how in (
        (groups, "permutation of whole groups"),
        (days, "swapping groups"),
        (times, "circular shifts"),
        (short, "Rao and Scott's F"),
        (unlike, "Rao and Scott's F"),
    ):
        assert level(make) < 0.05 + 4.5 * math.sqrt(0.05 * 0.95 / 25)  # rows taken as independent: half of them
        assert how in kl.compare(*make(rng(15))).test
    r = rng(16)
    (x, g), (y, h) = in_groups(r, 40, 10, 0.2), in_groups(r, 40, 10, 0.2)
    assert kl.compare(kl.Sample(x, groups=g), kl.Sample(y + 1.5, groups=h + 100)).p_value == 0.001
    z = kl.Sample(np.digitize(x, [-1.0, 0, 1]), groups=g)
    assert kl.compare(z, kl.Sample(np.digitize(y + 1.5, [-1.0, 0, 1]), groups=h + 100)).p_value == 0.001
    mixed = kl.compare(kl.Sample(x, groups=g), kl.Sample(r.normal(3, 1, 400), weights=r.gamma(2, size=400)))
    assert mixed.p_value < 1e-6


def test_one_feature_of_groups_is_a_t_test() -> None:
    """T²/V of a difference of means, V with G − 1 degrees: F of (1, G − 1) where the other side is known well."""
    r = rng(35)
    (x, g), y = in_groups(r, 9, 10, 0.3), r.normal(size=4000) * 1e-6 + 0.2
    p, q = Design(90, None, g, np.arange(9)), Design(4000, np.full(4000, 1 / 4000) * (1 + np.arange(4000) % 2) / 1.5)
    level, how = exchange.test(x[:, None], p, y[:, None], q, (1.0, 1.0), 0)
    assert how == "by Rao and Scott's F of"
    ratio = (x.mean() - q.mean(y)) ** 2 / p.variance(x)[0]
    assert level == pytest.approx(stats.f.sf(ratio, 1, 8), rel=1e-4)
    still = kl.Sample(np.zeros(40), groups=np.arange(40) // 5), kl.Sample(np.zeros(40), order="time")
    assert kl.compare(*still).p_value == 1


def test_angles_close_at_their_ends() -> None:
    """von Mises(π, 2) from von Mises(π − 0.3, 2): 2·I₁(2)/I₀(2)·(1 − cos 0.3)."""
    r, turn = rng(17), 2 * math.pi
    truth = 0.0623301320477041
    x, y = r.vonmises(math.pi, 2, 4000), r.vonmises(math.pi - 0.3, 2, 4000)
    found = kl.divergence(kl.Sample(x, period=turn), kl.Sample(y, period=turn))
    assert found.method == "neighbours"
    holds(found, truth)
    moved = kl.divergence(kl.Sample(x % turn, period=turn), kl.Sample(y, period=turn))
    assert moved.value == pytest.approx(found.value, abs=1e-9)
    classes = [kl.Sample(np.round(v / 0.5) * 0.5 % 3, period=3) for v in (x, y)]
    assert kl.divergence(*classes).notes[0].endswith("6 outcomes")
    both = kl.Sample(np.c_[x, r.normal(size=4000)], period=[turn, None])
    assert "on a line" in str(kl.plan(both, both).reasons["parametric"])
    with pytest.raises(kl.InputError, match="column 0 has the period"):
        kl.divergence(kl.Sample(x, period=turn), kl.Sample(y))
    assert math.isnan(kl.compare(kl.Sample(x, period=turn), kl.Sample(y, period=turn)).entropy_p)


def test_a_fit_of_draws_that_go_together_has_errors_by_them() -> None:
    """Thirty groups whose correlation is a half: 600 draws are worth about 60, which errs thrice as much."""
    r = np.random.default_rng(0)
    g = np.repeat(np.arange(30), 20)
    x = np.sqrt(0.5) * r.normal(size=30)[g] + np.sqrt(0.5) * r.normal(size=600)
    for family in ("normal", "laplace"):
        plain, groups, series = (
            kl.fit(kl.Sample(x, **said), family, direction="forward").forward
            for said in ({}, {"groups": g}, {"order": "time"})
        )
        assert plain.value == groups.value == series.value
        assert groups.error > 2 * plain.error
        assert series.error > 2 * plain.error
