"""Sums on the integers: slow tails, infinite means, large counts, SciPy's masses, and what noise may not prove."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

import kullback as kl
from kullback._support import Lattice
from kullback.sources import as_distribution
from kullback.sources._scipy_logpmf import MASSES


def holds(p: Any, q: Any, truth: float, relative: float) -> None:
    """The value is right within its error, and the error is no wider than that share of it."""
    found = kl.divergence(p, q)
    assert found.status is kl.Status.OK
    assert abs(found.value - truth) <= found.error + 2e-16 * truth
    assert found.error <= relative * truth


# mpmath, 40 digits: Zipf is an exponential family in log k, E log k = −ζ′(a)/ζ(a) and E k = ζ(a − 1)/ζ(a)
@pytest.mark.parametrize(
    ("p", "q", "truth", "relative"),
    [
        ("zipf(1.01)", "zipf(1.5)", 45.067407695414936, 1e-12),
        ("zipf(1.001)", "zipf(1.5)", 492.76399044489363, 1e-11),
        ("zipf(1.0000001)", "zipf(1.2)", 1999984.4865558170, 1e-8),
        ("zipf(1.5)", "zipf(1.01)", 2.9131077554511824, 1e-13),
        ("zipf(2.05)", "geometric(0.5)", 8.0539714467199369, 1e-12),
        ("zipf(2.0001)", "geometric(0.5)", 4213.3686739576928, 1e-10),
        ("zipf(2.0000001)", "geometric(0.3)", 2168323.4683705656, 1e-7),
        (stats.yulesimon(0.5), stats.yulesimon(1.5), 0.649464882543642, 1e-12),
        (stats.betanbinom(5, 2.3, 3), stats.nbinom(5, 0.4), 1.3799563848691079, 1e-12),
    ],
)
def test_a_slow_tail_is_summed_to_its_end(p: Any, q: Any, truth: float, relative: float) -> None:
    holds(p, q, truth, relative)


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (stats.zipf(1.8), stats.geom(0.2)),
        (stats.zipf(2.0), stats.geom(0.2)),
        (stats.zipf(2.0, loc=3), stats.poisson(4)),
        (stats.yulesimon(0.9), stats.geom(0.5)),
        (stats.betanbinom(5, 1.0, 3), stats.nbinom(5, 0.4)),
        (stats.yulesimon(1.0), stats.planck(0.5, loc=1)),
        (stats.yulesimon(1.0, loc=-1), stats.poisson(3)),
    ],
)
def test_an_infinite_mean_is_infinite_at_once(p: Any, q: Any) -> None:
    found = kl.divergence(p, q)
    assert found.value == math.inf
    assert found.status is kl.Status.TAIL_GAP


# mpmath, 50 digits: integrals over ±14 standard deviations, from which such smooth sums differ by less than any digit
@pytest.mark.parametrize(
    ("p", "q", "truth"),
    [
        ("poisson(1e4)", "negative_binomial(1e4, 0.5)", 0.09657254853518135),
        ("poisson(1e6)", "negative_binomial(1e6, 0.5)", 0.09657357986329818),
        ("poisson(1e8)", "negative_binomial(1e8, 0.5)", 0.09657359017580598),
        ("poisson(1e10)", "negative_binomial(1e10, 0.5)", 0.09657359027893099),
        ("poisson(1e12)", "negative_binomial(1e12, 0.5)", 0.09657359027996224),
        (stats.poisson(1e12), stats.nbinom(10, 1e-11), 12.172548574910197),
        ("binomial(1000000000000, 0.3)", "poisson(3e11)", 0.02833747196937690),
        ("binomial(1000000000000, 0.3)", "poisson(3.00001e11)", 1.6950004349786065),
    ],
)
def test_large_counts_take_milliseconds(p: Any, q: Any, truth: float) -> None:
    holds(p, q, truth, 1e-12)
    assert kl.divergence(p, q).n < 100_000


def test_both_ways_from_the_middle() -> None:
    holds(stats.skellam(15, 8), stats.dlaplace(0.1), 0.7387668799771278, 1e-12)  # mpmath, besseli
    rate = 0.8
    mean = 1 / math.sinh(rate)  # E|k|
    other = math.log(math.tanh(0.4) / math.tanh(0.15)) + (0.3 - rate) * mean
    holds(stats.dlaplace(rate), stats.dlaplace(0.3), other, 1e-12)


SHAPES: dict[str, tuple[float, ...]] = {
    "betanbinom": (5, 2.3, 3),
    "boltzmann": (1.4, 19),
    "dlaplace": (0.8,),
    "hypergeom": (20, 7, 12),
    "nchypergeom_fisher": (140, 80, 60, 0.5),
    "nhypergeom": (20, 7, 12),
    "planck": (0.51,),
    "skellam": (15, 8),
    "yulesimon": (11,),
    "zipfian": (1.25, 10),
}


@pytest.mark.parametrize("name", sorted(MASSES))
def test_our_formulas_are_scipys(name: str) -> None:
    known = MASSES[name](*map(float, SHAPES[name]))
    theirs = getattr(stats, name)(*SHAPES[name])
    low, high = theirs.support()
    k = np.arange(max(low, -30), min(high, 40) + 1.0)
    assert known is not None
    assert known[0](k) == pytest.approx(theirs.logpmf(k), abs=1e-12, rel=1e-12)


def test_a_skellam_mass_far_out() -> None:
    known = MASSES["skellam"](15.0, 8.0)
    assert known is not None
    far = known[0](np.array([400.0, 700.0]))
    assert far == pytest.approx([-939.9814769445972, -2017.1445283493487], rel=1e-14)  # mpmath


def test_a_tail_that_nothing_declares_is_seen() -> None:
    """The Yule–Simon mass as a person's own callable, against the declared one."""

    def yule(alpha: float) -> kl.Density:
        return kl.Density(
            lambda k: math.log(alpha) + special.betaln(k, alpha + 1),
            support=Lattice(1),
            vectorized=True,
        )

    declared = kl.divergence(stats.yulesimon(1.3), stats.geom(0.5))
    found = kl.divergence(yule(1.3), stats.geom(0.5))
    assert abs(found.value - declared.value) <= found.error
    assert found.error < 1e-3 * found.value
    endless = kl.divergence(yule(0.8), stats.geom(0.5))
    assert endless.value == math.inf
    assert endless.status is kl.Status.TAIL_EVIDENCE


def test_where_a_mass_underflows_nothing_is_proved() -> None:
    """SciPy takes log(pmf) of Wallenius's distribution: 0 far out, where it has only underflowed."""
    q = stats.nchypergeom_wallenius(4000, 2000, 2000, 1e-3)
    found = kl.divergence(stats.hypergeom(4000, 2000, 2000), q)
    assert found.status is kl.Status.TOLERANCE_MISSED
    assert found.error == math.inf


def test_a_table_is_summed_at_its_places() -> None:
    p = {0: 0.5, 10_000_000: 0.5}
    found = kl.divergence(p, "poisson(5e6)")
    k, rate = 1e7, 5e6
    log_q = [-rate, k * math.log(rate) - rate - float(special.gammaln(k + 1))]
    assert found.value == pytest.approx(math.log(0.5) - 0.5 * sum(log_q), rel=1e-9)


def test_comparing_slow_tails_takes_no_minutes() -> None:
    start = time.perf_counter()
    found = kl.compare("zipf(1.01)", "zipf(1.5)")
    assert time.perf_counter() - start < 20  # 81 s when every integer was visited
    # mpmath: the entropy is a·E log k + log ζ(a)
    assert found.entropy_p == pytest.approx(105.02979, abs=1e-4)


def test_a_mass_that_is_steep_at_both_ends_is_seen_from_both() -> None:
    p, q = stats.betabinom(10**6, 0.05, 0.07), stats.betabinom(10**6, 0.5, 0.07)
    k = np.arange(10**6 + 1.0)
    log_p, log_q = (as_distribution(d, "p")._log_prob(k) for d in (p, q))
    holds(p, q, math.fsum(np.exp(log_p) * (log_p - log_q)), 1e-12)


def test_integers_that_are_shifted_by_a_half() -> None:
    found = kl.divergence(stats.poisson(3, loc=0.5), stats.poisson(4, loc=0.5))
    assert abs(found.value - (3 * math.log(3 / 4) + 1)) <= found.error < 1e-9
    assert kl.divergence(stats.poisson(3, loc=0.5), stats.poisson(4)).value == math.inf


def test_a_poisson_binomial_of_equal_chances_is_binomial() -> None:
    found = kl.divergence(stats.poisson_binom(np.full(20, 0.3)), stats.binom(20, 0.4))
    truth = 20 * (0.3 * math.log(0.3 / 0.4) + 0.7 * math.log(0.7 / 0.6))
    assert abs(found.value - truth) <= found.error < 1e-12


# mpmath, 40 digits: the sums term by term, and Zipf as an exponential family
@pytest.mark.parametrize(
    ("p", "q", "truth"),
    [
        (stats.poisson(30000.5), stats.nbinom(0.25, 0.125), 4008.9747245433969834),
        ({2: 0.5, 3: 0.5}, stats.nbinom(0.5, 0.25), 1.7911952125381558686),
        (stats.zipf(1.0012), stats.zipf(1.0007), 0.12232981063616524777),
        (stats.zipf(1.001), stats.zipf(1.0000755), 1.65912254261098879),
        (
            stats.betabinom(60, 9.930000663047204e-07, 0.09039855355864188),
            stats.betabinom(60, 0.00018020586118656256, 12656618.623852072),
            0.0085854852539726248131,
        ),
    ],
    ids=["integers-as-points", "a-table-of-integers", "zipf", "zipf-near-1", "betabinom"],
)
def test_whole_points_and_slow_tails_keep_their_digits(p: Any, q: Any, truth: float) -> None:
    holds(p, q, truth, 1e-10)
