"""Two samples at the edges: gaps and tails, atoms and planes, ends of densities, extreme places and units."""

from __future__ import annotations

import math

import numpy as np
import pytest

import kullback as kl
from kullback.numerics import counts


def rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng(list(seed))


def holds(found: kl.Divergence, truth: float) -> None:
    """To 4.5 standard errors."""
    assert found.error_kind == "standard_error"
    assert abs(found.value - truth) < 4.5 * found.error, (found, truth)


UNITS = {  # what is done to both sides, which no divergence sees
    "subnormal": lambda x: x * 2.0**-1040,
    "tiny": lambda x: x * 1e-200,
    "huge": lambda x: x * 1e200,
    "near the largest double": lambda x: x * 2.0**1015,
    "far out": lambda x: x * 2.0**24 + 2.0**52,
}


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(("d", "method"), [(1, "parametric"), (1, "neighbours"), (2, "parametric"), (2, "neighbours")])
def test_extreme_units_do_not_matter(unit: str, d: int, method: str) -> None:
    r = rng(30, d)
    x, y = (v - v % 2.0**-24 for v in (r.normal(size=(300, d)), r.normal(0.5, 1.5, size=(280, d))))
    one = kl.divergence(kl.Sample(x), kl.Sample(y), method=method)
    other = kl.divergence(kl.Sample(UNITS[unit](x)), kl.Sample(UNITS[unit](y)), method=method)
    assert other.value == pytest.approx(one.value, rel=1e-3, abs=1e-3)
    assert other.error == pytest.approx(one.error, rel=1e-3)


@pytest.mark.parametrize("d", [1, 2, pytest.param(7, marks=pytest.mark.slow)])
def test_one_draw_far_beyond_doubles_of_the_rest(d: int) -> None:
    r = rng(31, d)
    x, y = r.random((200, d)) * 1e-300, r.random((200, d)) * 1e-300
    x[0, 0] = 1e300
    found = kl.divergence(kl.Sample(x), kl.Sample(y))
    assert abs(found.value) < 4.5 * found.error  # but for the one draw nothing differs
    assert kl.compare(kl.Sample(x), kl.Sample(y)).p_value > 0.01


def test_a_known_side_of_an_extreme_unit_is_told() -> None:
    x = kl.Sample(1e-200 * rng(32).normal(size=60))
    with pytest.raises(kl.NoMethodError, match="column 0 is too narrow; give both sides in another unit"):
        kl.divergence(x, "normal(0, 1e-200)", method="neighbours")


def test_rounding_makes_some_draws_of_both_equal() -> None:
    r = rng(33)
    x, y = (kl.Sample(r.standard_t(3, 60_000).astype(np.float32)) for _ in range(2))
    assert not any("not independent" in note for note in kl.divergence(x, y).notes)


ENDS = {  # P and Q as (name, parameters) of SciPy, whose density or ratio grows without end; KL by its closed form
    "Beta(½,½)‖U": (("beta", (0.5, 0.5)), ("beta", (1, 1))),
    "U‖Beta(2,2)": (("beta", (1, 1)), ("beta", (2, 2))),
    "Beta(½,½)‖Beta(2,2)": (("beta", (0.5, 0.5)), ("beta", (2, 2))),
    "Beta(½,½)‖Beta(½,1)": (("beta", (0.5, 0.5)), ("beta", (0.5, 1))),
    "Beta(2,2)‖Beta(½,½)": (("beta", (2, 2)), ("beta", (0.5, 0.5))),
    "Gamma(1)‖Gamma(0.3)": (("gamma", (1,)), ("gamma", (0.3,))),
    "Gamma(½)‖Gamma(3)": (("gamma", (0.5,)), ("gamma", (3,))),
}


def covered(name: str, n: int, replicates: int) -> tuple[float, float]:
    """The share of intervals that hold, or whose status says that they may not; and of those given as whole that do."""
    (p, a), (q, b) = ENDS[name]
    truth = float(kl.divergence(f"{p}({', '.join(map(str, a))}{', 1' * (p == 'gamma')})",
                                f"{q}({', '.join(map(str, b))}{', 1' * (q == 'gamma')})"))  # fmt: skip
    good = whole = right = 0
    for s in range(replicates):
        r = rng(34, s, n)
        x, y = (kl.Sample(getattr(r, d)(*v, size=n)) for d, v in ((p, a), (q, b)))
        found = kl.divergence(x, y, method="neighbours")
        low, high = found.confidence_interval()
        clear = found.status is kl.Status.ESTIMATED
        good += low <= truth <= high or not clear
        whole += clear
        right += clear and low <= truth <= high
    return good / replicates, right / max(whole, 1)


@pytest.mark.parametrize("name", ENDS)
def test_unbounded_densities_hold_or_say_so(name: str) -> None:
    """Of 40 intervals of 95 % at least 33 hold but once in 2,000; here all that do not must say so."""
    assert covered(name, 300, 40)[0] >= 33 / 40


@pytest.mark.slow
@pytest.mark.parametrize("n", [200, 1000, 5000])
@pytest.mark.parametrize("name", ENDS)
def test_intervals_at_unbounded_ends(name: str, n: int) -> None:
    assert covered(name, n, 400 if n < 5000 else 100)[0] >= 0.92


def test_what_balls_do_not_reach_is_added_and_told() -> None:
    r = rng(35)
    found = kl.divergence(kl.Sample(r.beta(0.5, 0.5, 1000)), kl.Sample(r.beta(2, 2, 1000)))
    assert found.method == "neighbours"
    assert found.status is kl.Status.BIASED
    assert "nats were added for P's draws beyond Q's last ones" in " ".join(found.notes)
    beside = r.normal(size=(1000, 1))
    wide = kl.divergence(
        kl.Sample(np.c_[r.beta(0.5, 0.5, 1000), beside]), kl.Sample(np.c_[r.beta(2, 2, 1000), beside + 1])
    )
    assert wide.status is kl.Status.BIASED


def test_few_draws_do_not_prove_a_gap() -> None:
    x, y = kl.Sample([0, 0, 1, 1, 2, 2, 3, 3]), kl.Sample([0, 0, 0, 1, 1, 1, 2, 2])
    found = kl.divergence(x, y)
    assert found.status is kl.Status.SMOOTHED
    assert found.detail == "25 % of P's draws are at 3, where Q has no draw in 8: taken as rare there"
    assert abs(found.value) < found.error  # the value may be negative: it is free of bias, and so never clipped
    forced = kl.divergence(x, y, method="plug-in")
    assert forced.value == math.inf
    assert forced.smoothed is not None
    known = kl.divergence("poisson(3)", x)
    assert known.status is kl.Status.SMOOTHED
    assert "all others" in known.detail


@pytest.mark.parametrize("n", [30, 300, 3000, 100_000])
@pytest.mark.parametrize(("p", "q"), [(3, 3), (4, 3), (3, 4)])
def test_more_draws_of_counts_reach_farther_and_stay_finite(p: float, q: float, n: int) -> None:
    """Poisson's divergence is p·log(p/q) − p + q; the error holds what the unseen tail may add."""
    r = rng(24, n)
    for _ in range(3):
        found = kl.divergence(kl.Sample(r.poisson(p, n)), kl.Sample(r.poisson(q, n)))
        assert found.status in (kl.Status.ESTIMATED, kl.Status.SMOOTHED, kl.Status.BIASED)
        holds(found, p * math.log(p / q) - p + q)


def test_a_tail_is_told_however_much_of_p_lies_in_it() -> None:
    r = rng(25)
    found = kl.divergence(kl.Sample(r.poisson(10, 100_000)), kl.Sample(r.poisson(3, 100_000)))
    assert found.status is kl.Status.SMOOTHED
    assert 4 < found.value < 10 * math.log(10 / 3) - 7  # too small, as the status says
    assert "where Q has no draw in 100000" in found.detail


GAPS = {  # P has draws where Q's counts break off, or never were
    "dice of eight and of six": lambda r: (r.integers(1, 9, 1000), r.integers(1, 7, 1000)),
    "a hole": lambda r: (r.integers(1, 9, 1000), r.choice([1, 2, 3, 5, 6, 7, 8], 1000)),
    "nothing shared": lambda r: (r.integers(0, 5, 60), r.integers(10, 15, 60)),
    "odd and even": lambda r: (2 * r.poisson(3, 500), 2 * r.poisson(3, 500) + 1),
    "rows that exclude each other": lambda r: (r.integers(0, 2, (500, 2)), np.c_[a := r.integers(0, 2, 500), 1 - a]),
}


@pytest.mark.parametrize("name", GAPS)
def test_gaps_are_infinite(name: str) -> None:
    x, y = (kl.Sample(v) for v in GAPS[name](rng(26)))
    found = kl.divergence(x, y)
    assert found.value == math.inf
    assert found.status is kl.Status.UNSEEN
    assert found.smoothed is not None


def test_few_draws_an_outcome_lose_their_bias_where_nothing_differs() -> None:
    """Zipf's 200 categories, P = Q: 0 within two standard deviations of the mean of 40, and within the stated error."""
    r, shares = rng(27), 1 / np.arange(1, 201)
    shares /= shares.sum()
    for n, m in ((1000, 200), (200, 1000), (100, 5000), (5000, 100)):
        a, b = r.multinomial(n, shares, 40).astype(float), r.multinomial(m, shares, 40).astype(float)
        found = [counts.rare(x, y) for x, y in zip(a, b, strict=True)]
        assert abs(np.mean([f.value for f in found])) < 0.08
        assert np.mean([abs(f.value) < 1.96 * f.error for f in found]) >= 0.9


ATOMS = {  # what is drawn, and whether KL(P‖Q) and KL(Q‖P) are infinite
    "equal draws": (lambda r: (np.ones(50), r.normal(1, 1, 500)), (True, True)),
    "five equal draws": (lambda r: (np.ones(5), r.normal(1, 1, 30)), (True, True)),
    "a few values": (lambda r: (r.integers(0, 5, 30), r.normal(2, 1, 200)), (True, True)),
    "counts": (lambda r: (r.poisson(5, 300), r.normal(5, 2, 300)), (True, True)),
    "zeros in P": (lambda r: (np.where(r.random(500) < 0.3, 0, r.normal(size=500)), r.normal(size=400)), (True, False)),
    "a constant column": (lambda r: (np.c_[np.ones(60), r.normal(size=60)], r.normal(size=(200, 2))), (True, True)),
    "equal rows": (lambda r: (np.ones((50, 2)), r.normal(size=(300, 2))), (True, True)),
}


@pytest.mark.parametrize("name", ATOMS)
def test_atoms_against_densities_are_infinite(name: str) -> None:
    draw, infinite = ATOMS[name]
    x, y = (kl.Sample(v) for v in draw(rng(28)))
    for pair, wanted in zip(((x, y), (y, x)), infinite, strict=True):
        found = kl.divergence(*pair)
        assert found.method == "mixed"
        assert math.isinf(found.value) == wanted
        assert not wanted or "of P's draws are at" in found.detail
    assert kl.compare(x, y).p_value < 0.05


@pytest.mark.parametrize("d", [2, 7])
def test_draws_in_a_plane_against_draws_in_space_are_infinite(d: int) -> None:
    r = rng(36)
    x, y = r.normal(size=(200, d)), r.normal(size=(150, d))
    x[:, 0] = x[:, 1:].sum(axis=1)
    for pair, wanted in (((x, y), f"P's draws lie in {d - 1} dimensions of {d}"), ((y, x), f"and Q's in {d - 1}")):
        found = kl.divergence(*(kl.Sample(v) for v in pair))
        assert found.value == math.inf
        assert wanted in found.detail


def test_equal_draws_on_both_sides_are_no_divergence() -> None:
    found = kl.divergence(kl.Sample(np.ones(50)), kl.Sample(np.ones(60)))
    assert found.value == pytest.approx(0, abs=1e-15)
    assert found.status is kl.Status.ESTIMATED
    assert kl.compare(kl.Sample(np.ones(50)), kl.Sample(np.ones(60))).p_value == 1


def test_a_rare_atom_may_be_unseen_by_chance() -> None:
    r = rng(29)
    found = kl.divergence(kl.Sample(np.r_[np.zeros(5), r.normal(size=495)]), kl.Sample(r.normal(size=500)))
    assert found.status is kl.Status.SMOOTHED
    assert "1 % of P's draws are at (0)" in found.detail
