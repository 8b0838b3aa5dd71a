"""Two samples, or one and a known side: the right method by itself, its reasons, its value, its error.

Values are held to 4.5 standard errors where the method states one that leaves nothing out.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from typing import Any

import numpy as np
import pytest

import kullback as kl
from kullback.numerics import counts


def rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng(list(seed))


def holds(found: kl.Divergence, truth: float, slack: float = 0.0) -> None:
    assert found.error_kind == "standard_error"
    assert abs(found.value - truth) < 4.5 * found.error + slack, (found, truth)


def exponential(r: np.random.Generator, n: int, rate: float) -> Any:
    return r.exponential(1 / rate, n)


PAIRS = [  # what is drawn, and the text that it is drawn from
    ("normal(0, 1)", "normal(1, 2)"),
    ("normal(0, 1)", "normal(2, 1)"),
    ("exponential(0.2)", "exponential(0.4)"),
    ("exponential(1)", "exponential(0.08333333333333333)"),
    ("uniform(1, 2)", "uniform(0, 4)"),
    ("log_normal(0, 1)", "log_normal(0.5, 0.8)"),
    ("multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]])", "multivariate_normal([1, 0], [[1, 0], [0, 2]])"),
]


@pytest.mark.parametrize(("p", "q"), PAIRS, ids=[f"{p[:18]} ‖ {q[:18]}" for p, q in PAIRS])
def test_named_pairs_go_by_their_family(p: str, q: str) -> None:
    from kullback.sources import as_distribution

    truth = float(kl.divergence(p, q))
    a, b = as_distribution(p, "p"), as_distribution(q, "q")
    x, y = kl.Sample(a.sample(3000, seed=1)), kl.Sample(b.sample(2500, seed=2))
    found = kl.divergence(x, y)
    assert found.method == "parametric"
    assert found.status is kl.Status.ESTIMATED
    holds(found, truth)
    holds(kl.divergence(x, b), truth)
    forced = kl.divergence(x, y, method="neighbours")
    holds(forced, truth, 0.3 * truth)
    assert kl.divergence(y, x, direction="reverse").value == found.value


def test_the_checks_of_kldest() -> None:
    """N(0,1)‖N(5,5²) with 10⁴ draws: every estimator within 2 %; in the plane within 10 %."""
    r = rng(5)
    x, y = kl.Sample(r.normal(0, 1, 10_000)), kl.Sample(r.normal(5, 5, 10_000))
    truth = math.log(5) + 26 / 50 - 0.5
    for method in ("parametric", "neighbours"):
        assert kl.divergence(x, y, method=method).value == pytest.approx(truth, rel=0.03), method
    x, y = kl.Sample(r.normal(size=(10_000, 2))), kl.Sample(r.normal(1, 2, size=(10_000, 2)))
    truth = 2 * (math.log(2) + 2 / 8 - 0.5)
    for method in ("parametric", "neighbours", "classifier"):
        assert kl.divergence(x, y, method=method).value == pytest.approx(truth, rel=0.1), method
    few = kl.divergence(kl.Sample([1, 1, 2, 2]), kl.Sample([1, 2, 2, 2]), method="plug-in")
    assert few.value == pytest.approx(float(kl.divergence([0.5, 0.5], [0.25, 0.75])), rel=1e-14)


def test_the_example_of_fnn() -> None:
    """R's FNN: Exp(0.2)‖Exp(0.4) is 1 − log 2, both ways together 0.5, with 10⁴ draws and k = 5."""
    r = rng(6)
    x, y = kl.Sample(exponential(r, 10_000, 0.2)), kl.Sample(exponential(r, 10_000, 0.4))
    forward, reverse = (kl.divergence(*pair, method="neighbours") for pair in ((x, y), (y, x)))
    holds(forward, 1 - math.log(2))
    assert forward.value + reverse.value == pytest.approx(0.5, abs=0.06)


def test_what_no_family_fits_goes_by_neighbours() -> None:
    r = rng(7)
    x, y = kl.Sample(r.standard_t(3, 2000)), kl.Sample(1 + 1.5 * r.standard_t(3, 2000))
    plan = kl.plan(x, y)
    assert plan.method == "neighbours"
    assert "no family fits both sides" in repr(plan)
    found = kl.divergence(x, y)
    holds(found, 0.26111101702)
    forced = kl.divergence(x, y, method="parametric")
    assert forced.status is kl.Status.BIASED
    assert "rejects it" in forced.notes[0]


def test_the_error_says_when_it_leaves_out_a_bias() -> None:
    r = rng(8)
    x, y = r.normal(size=(300, 5)), r.normal(0.6, 1, size=(300, 5))
    found = kl.divergence(kl.Sample(x), kl.Sample(y), method="neighbours")
    assert found.status is kl.Status.BIASED
    assert "left out" in repr(found)
    assert found.value < 0.5 * 5 * 0.36  # and it says too little


def test_units_and_correlations_do_not_matter() -> None:
    r = rng(9)
    x, y = r.standard_t(4, size=(400, 3)), r.standard_t(4, size=(400, 3)) + 0.5
    turn = np.array([[1e6, 0, 0], [2, 1e-3, 0], [50, 0, 1]])
    for method in ("neighbours", "parametric"):
        one, other = (
            kl.divergence(kl.Sample(a), kl.Sample(b), method=method).value
            for a, b in ((x, y), (x @ turn.T + 1e3, y @ turn.T + 1e3))
        )
        assert one == pytest.approx(other, rel=1e-6), method
    offset = kl.divergence(kl.Sample(x + 1e9), kl.Sample(y + 1e9), method="neighbours").value
    assert offset == pytest.approx(kl.divergence(kl.Sample(x), kl.Sample(y), method="neighbours").value, abs=1e-5)


@pytest.mark.parametrize("d", [1, 4])
def test_one_side_known(d: int) -> None:
    r = rng(10, d)
    unit, wide = np.eye(d).tolist(), (2.25 * np.eye(d)).tolist()
    known = f"multivariate_normal({[0.5] * d}, {wide})" if d > 1 else "normal(0.5, 1.5)"
    standard = f"multivariate_normal({[0.0] * d}, {unit})" if d > 1 else "normal(0, 1)"
    truth = float(kl.divergence(standard, known))
    shape = (600, d) if d > 1 else 600
    x, y = kl.Sample(r.normal(size=shape)), kl.Sample(r.normal(0.5, 1.5, size=shape))
    for method in ("parametric", "neighbours", "mixture plug-in"):
        holds(kl.divergence(x, known, method=method), truth, 0.06 * d)
        holds(kl.divergence(standard, y, method=method), truth, 0.06 * d)


def test_draws_outside_a_known_support_prove_infinity() -> None:
    found = kl.divergence(kl.Sample(rng(0).normal(size=50)), "exponential(1)")
    assert found.value == math.inf
    assert found.status is kl.Status.SUPPORT_GAP
    assert "of P's 50 draws" in found.detail
    whole = kl.divergence(kl.Sample([0, 1, 2, 2, 1, 0, 5, 5]), kl.Discrete([0.5, 0.25, 0.25]))
    assert whole.status is kl.Status.SUPPORT_GAP
    assert "25 % of P's draws are at 5" in whole.detail
    assert whole.smoothed is None


def test_integers_and_few_values_are_counted() -> None:
    r = rng(11)
    x, y = kl.Sample(r.poisson(3, 4000).astype(float)), kl.Sample(r.poisson(4, 4000).astype(float))
    truth = 3 * math.log(3 / 4) + 1
    plan = kl.plan(x, y)
    assert plan.method == "zhang-grabchak"
    assert "the draws are discrete" in str(plan.reasons["neighbours"])
    found = kl.divergence(x, y)
    holds(found, truth)
    holds(kl.divergence(x, "poisson(4)"), truth)
    holds(kl.divergence(kl.Sample(r.integers(0, 5, 500)), [0.2] * 5), 0.0)
    a, b = np.bincount(r.integers(0, 3, 60)), np.bincount(r.integers(0, 3, 50))
    by_rows = kl.divergence(kl.Sample(np.repeat(np.arange(3), a)), kl.Sample(np.repeat(np.arange(3), b)))
    assert by_rows.value == counts.zhang_grabchak(a.astype(float), b.astype(float)).value
    pairs = kl.divergence(kl.Sample(r.integers(0, 2, (900, 2))), kl.Sample(r.integers(0, 2, (900, 2))))
    holds(pairs, 0.0)
    assert "4 outcomes" in pairs.notes[0]


def test_counted_tables_can_be_asked_for_their_sampling() -> None:
    p, q = Counter({"a": 30, "b": 20}), Counter({"a": 25, "b": 30, "c": 3})
    assert kl.divergence(p, q).method == "exact"
    found = kl.divergence(p, q, method="zhang-grabchak")
    a, b = np.array([30.0, 20, 0]), np.array([25.0, 30, 3])
    assert found.value == pytest.approx(counts.zhang_grabchak(a, b).value, rel=1e-14)
    assert kl.divergence(p, q, method="plug-in").value == pytest.approx(kl.divergence(p, q).value, rel=1e-13)


def test_outcomes_that_q_never_showed() -> None:
    x, y = kl.Sample(np.repeat([0, 1, 2, 3], 100)), kl.Sample(np.repeat([0, 0, 0, 1, 1, 1, 2, 2], 50))
    assert "as rare, not as impossible" in str(kl.plan(x, y).reasons["zhang-grabchak"])
    found = kl.divergence(x, y)
    assert found.value == math.inf
    assert found.status is kl.Status.UNSEEN
    assert found.detail == "25 % of P's draws are at 3, where Q has no draw in 400"
    assert found.smoothed is not None
    assert 0 < found.smoothed.value < math.inf
    assert "smoothed" in repr(found)
    assert json.loads(found.to_json())["smoothed"]["method"] == "smoothed"
    comparison = kl.compare(x, y)
    assert "smoothed by a Jeffreys prior" in repr(comparison)
    assert comparison.support.p_outside_q == pytest.approx(0.25)
    assert comparison.reverse.value < math.inf


def test_atoms_beside_a_density() -> None:
    r = rng(12)
    x = np.where(r.random(3000) < 0.3, 0.0, r.normal(5, 1, 3000))
    y = np.where(r.random(3000) < 0.5, 0.0, r.normal(6, 1, 3000))
    truth = 0.3 * math.log(0.3 / 0.5) + 0.7 * math.log(0.7 / 0.5) + 0.7 * 0.5
    found = kl.divergence(kl.Sample(x), kl.Sample(y))
    assert found.method == "mixed"
    holds(found, truth)
    assert "2 cells" in found.notes[0]
    gone = kl.divergence(kl.Sample(x), kl.Sample(r.normal(6, 1, 3000)))
    assert gone.status is kl.Status.UNSEEN
    assert math.isnan(kl.compare(kl.Sample(x), kl.Sample(y)).jensen_shannon)


def test_discrete_columns_beside_continuous_ones() -> None:
    r = rng(13)
    g, h = r.integers(0, 3, 3000), r.integers(0, 3, 3000)
    x, y = np.c_[g, r.normal(g, 1), r.normal(size=3000)], np.c_[h, r.normal(0, 1, 3000), r.normal(size=3000)]
    found = kl.divergence(kl.Sample(x), kl.Sample(y))
    assert found.method == "mixed"
    holds(found, (0 + 0.5 + 2) / 3)
    few = np.c_[np.r_[np.zeros(290), np.ones(10)], r.normal(size=300)]
    plan = kl.plan(kl.Sample(few), kl.Sample(few[::-1] * [1, 2]))
    assert "has 10 of P and 10 of Q" in str(plan.reasons["mixed"])
    assert plan.method == "classifier"


def test_rounded_measures_are_no_categories() -> None:
    r = rng(14)
    x, y = kl.Sample(np.round(r.normal(200, 14, 342))), kl.Sample(np.round(r.normal(210, 14, 300)))
    plan = kl.plan(x, y)
    assert "rounded" in str(plan.reasons["plug-in"])
    assert "rounded" in str(plan.reasons["neighbours"])
    assert plan.method in ("parametric", "mixture plug-in", "classifier")
    holds(kl.divergence(x, y, method="mixture plug-in"), 0.5 * (10 / 14) ** 2)


def test_single_precision_is_no_grid() -> None:
    r = rng(23)
    x, y = (kl.Sample(r.standard_t(3, 60_000).astype(np.float32)) for _ in range(2))
    assert len(np.unique(x.x)) < x.n  # some draws are tied
    found = kl.divergence(x, y)
    assert found.method == "neighbours"
    holds(found, 0.0)


def test_shared_rows_are_noticed() -> None:
    r = rng(15)
    z = r.normal(size=300)
    x, y = kl.Sample(z), kl.Sample(np.r_[z[:100], r.normal(size=250)])
    assert "100 of P's 300 draws (33.3 %) are draws of Q too" in " ".join(kl.divergence(x, y).notes)
    assert "100 of Q's 300 draws" in " ".join(kl.divergence(y, x, direction="reverse").notes)
    wide = r.normal(size=(200, 4))
    reason = kl.plan(kl.Sample(wide), kl.Sample(np.r_[wide[:7], r.normal(size=(200, 4))])).reasons["neighbours"]
    assert "7 of P's are among Q's" in str(reason)
    twice = kl.Sample(np.r_[wide, wide[:1]])
    assert "2 are equal" in str(kl.plan(twice, kl.Sample(r.normal(size=(200, 4)))).reasons["neighbours"])


def test_many_columns_go_to_the_classifier() -> None:
    r = rng(16)
    x, y = r.standard_t(5, size=(1000, 8)), r.standard_t(5, size=(1000, 8))
    y[:, 0] += 1
    plan = kl.plan(kl.Sample(x), kl.Sample(y))
    assert plan.method == "classifier"
    assert "far apart" in str(plan.reasons["neighbours"])
    found = kl.divergence(kl.Sample(x), kl.Sample(y))
    assert found.status is kl.Status.BIASED
    assert found.value == pytest.approx(0.38, abs=0.12)  # t₅ against itself one off: 0.3777
    assert kl.divergence(kl.Sample(x), kl.Sample(y)).value == found.value


def test_small_samples_take_one_thread_and_leave_the_callers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from threadpoolctl import threadpool_info

    from kullback.methods import classifier

    seen: list[int] = []

    class Looking:
        def fit(self, *_: object) -> Looking:
            seen.extend(pool["num_threads"] for pool in threadpool_info())
            return self

        def decision_function(self, x: np.ndarray) -> np.ndarray:
            return np.zeros(len(x))

    x, of_p = rng(3).normal(size=(100, 1)), np.arange(100) < 50
    before = [pool["num_threads"] for pool in threadpool_info()]
    classifier._held_out(Looking, x, of_p, np.arange(100) % classifier.FOLDS)
    assert set(seen) == {1}
    assert [pool["num_threads"] for pool in threadpool_info()] == before


def test_without_scikit_learn_the_neighbours_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "sklearn" else real(name, *a))
    r = rng(17)
    plan = kl.plan(kl.Sample(r.standard_t(3, size=(200, 8))), kl.Sample(r.standard_t(3, size=(200, 8))))
    assert plan.method == "neighbours"
    assert 'pip install "kullback[learn]"' in str(plan.reasons["classifier"])


def test_what_cannot_be_measured_says_why() -> None:
    r = rng(18)
    with pytest.raises(kl.InputError, match="2 dimensions and q has 3"):
        kl.divergence(kl.Sample(r.normal(size=(50, 2))), kl.Sample(r.normal(size=(50, 3))))
    x = r.normal(size=(60, 2))
    flat = np.c_[x, x.sum(axis=1)]
    assert "linearly dependent" in str(kl.plan(kl.Sample(flat), kl.Sample(flat + 1)).reasons["neighbours"])
    with pytest.raises(kl.NoMethodError, match="needs 6 draws in 1 dimensions; P has 3"):
        kl.divergence(kl.Sample([1.0, 2.0, 4.0]), kl.Sample([1.5, 3.0, 7.0]), method="neighbours")


def test_seeds_repeat_bit_for_bit() -> None:
    r = rng(19)
    x, y = kl.Sample(r.normal(size=(150, 2))), kl.Sample(r.standard_t(5, size=(150, 2)))
    for method in ("neighbours", "classifier", "mixture plug-in"):
        one, other = (kl.divergence(x, y, method=method, seed=3) for _ in range(2))
        assert (one.value, one.error) == (other.value, other.error), method


def test_a_comparison_of_samples_has_a_p_value() -> None:
    r = rng(20)
    same = kl.compare(kl.Sample(r.normal(size=(150, 3))), kl.Sample(r.normal(size=(150, 3))))
    assert same.p_value is not None
    assert same.p_value > 0.05
    assert same.jensen_shannon < 0.05
    other = kl.compare(kl.Sample(r.poisson(3, 500)), kl.Sample(r.poisson(4, 500)))
    assert other.p_value == 0.001
    assert "They differ: p = 0.001, by permutation of the likelihood ratio" in repr(other)
    assert "all 500 and 500 draws" in other.test
    assert json.loads(other.to_json())["p_value"] == 0.001
    assert len(other.terms) >= 9
    assert kl.compare("normal(0, 1)", "normal(1, 1)").p_value is None
    assert kl.compare([0.5, 0.5], [0.4, 0.6]).p_value is None
    words = kl.compare(Counter("aaaabbbb" * 20), Counter("abbbbbbb" * 20))
    assert words.p_value == 0.001


def test_samples_wake_no_library_that_they_do_not_need() -> None:
    import subprocess

    code = (
        "import sys, numpy as np, kullback as kl; r = np.random.default_rng(0);"
        "kl.divergence(kl.Sample(r.normal(size=100)), kl.Sample(r.normal(size=100)));"
        "assert not {'sklearn', 'numba', 'jax'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_intervals_near_no_difference_are_those_of_a_noncentral_chi_square() -> None:
    """Two categories: the signed root is a normal z of variance 1, and the interval of its square is |z| ± 1.96."""
    a, b = np.array([530.0, 470.0]), np.array([490.0, 510.0])
    found = kl.divergence(Counter(a=530, b=470), Counter(a=490, b=510), method="zhang-grabchak")
    degrees, unit = found.chi_square
    z = math.sqrt(found.value / unit + 1)
    low, high = found.confidence_interval()
    assert degrees == 1
    assert unit == pytest.approx(0.001, rel=0.01)
    # both tails of a noncentral χ² count: the far one is negligible here
    assert high == pytest.approx(unit * (z + 1.959964) ** 2, rel=1e-3)
    assert low == 0.0 or low < unit * z * z
    wide = kl.divergence(Counter(a=900, b=100), Counter(a=100, b=900), method="zhang-grabchak")
    low, high = wide.confidence_interval()
    assert low == pytest.approx(wide.value - 1.96 * wide.error, rel=0.02)
    assert high == pytest.approx(wide.value + 1.96 * wide.error, rel=0.02)
    assert counts.zhang_grabchak(a, b).value == found.value


COVERED = {  # truth by exact sums and closed forms; the interval is that of 95 %
    "dirichlet": tuple(np.random.default_rng(5).dirichlet(np.full(20, 3.0), 2)),
    "five": tuple(np.random.default_rng(6).dirichlet(np.full(5, 3.0), 2)),
    "near": (np.array([0.5, 0.3, 0.2]), np.array([0.45, 0.32, 0.23])),
    "two": (np.array([0.5, 0.5]), np.array([0.25, 0.75])),
}


def covers(found: Any, truth: float) -> bool:
    low, high = kl.Divergence(*found[:2], "standard_error", chi_square=found.chi_square).confidence_interval()
    return bool(low <= truth <= high)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "slack"), [(200, 0.03), (1000, 0.015), (5000, 0.015)])
@pytest.mark.parametrize("name", COVERED)
def test_intervals_of_counts_cover(name: str, n: int, slack: float) -> None:
    """4,000 replicates; where a draw of Q lacks an outcome, the smoothed value's interval stands in."""
    r = rng(21, n)
    p, q = COVERED[name]
    truth, hits = float(p @ np.log(p / q)), 0
    for a, b in zip(r.multinomial(n, p, 4000).astype(float), r.multinomial(n, q, 4000).astype(float), strict=True):
        lost = bool((b[a > 0] == 0).any())
        hits += covers(counts.smoothed(a, b) if lost else counts.zhang_grabchak(a, b), truth)
    assert abs(hits / 4000 - 0.95) <= slack


@pytest.mark.slow
@pytest.mark.parametrize(("n", "slack"), [(200, 0.03), (1000, 0.015), (5000, 0.015)])
@pytest.mark.parametrize(("p", "q"), PAIRS, ids=lambda text: str(text)[:22])
def test_intervals_of_families_cover(p: str, q: str, n: int, slack: float) -> None:
    """4,000 replicates of draws that the family fits."""
    from kullback.methods._named import FAMILIES, NORMAL
    from kullback.sources import as_distribution

    family = next((f for f in FAMILIES if p.startswith(f.name)), NORMAL)
    truth, hits = float(kl.divergence(p, q)), 0
    a, b = as_distribution(p, "p"), as_distribution(q, "q")
    r = rng(22, n)
    for _ in range(4000):
        x, y = (d.facts.sample(r, n).reshape(n, -1) for d in (a, b))
        hits += covers(family.divergence(x, y), truth)
    assert abs(hits / 4000 - 0.95) <= slack


@pytest.mark.parametrize("dim", [1, 2, 5])
def test_the_same_draws_are_nothing_apart(dim: int) -> None:
    """Corrections for independent draws would make it surely negative."""
    x = np.random.default_rng(0).normal(size=(300, dim))
    found = kl.compare(kl.Sample(x), kl.Sample(x.copy()))
    assert found.forward.method == found.reverse.method == "same draws"
    assert found.forward.value == found.reverse.value == found.forward.error == 0
    assert "the same draws" in found.forward.notes[0]
    moved = kl.divergence(kl.Sample(x), kl.Sample(x + 1e-9))
    assert moved.method != "same draws"
