"""References, slices, joint divergences, moments, and the numbers behind a column."""

from __future__ import annotations

import datetime as dt
import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.special import digamma

import kullback as kl

Pair = tuple[pl.DataFrame, pl.DataFrame]


def test_a_column_is_the_divergence_of_its_shares(pair: Pair) -> None:
    found = kl.compare_tables(*pair)
    for c in found.columns:
        p, q = c.terms["p"], c.terms["q"]
        assert c.forward.value == kl.divergence(p, q).value
        assert c.reverse.value == kl.divergence(q, p).value
        assert c.psi.value == pytest.approx(c.forward.value + c.reverse.value)
        assert c.jensen_shannon.value == pytest.approx(kl.compare(p, q).jensen_shannon, rel=1e-12)
        if math.isfinite(c.forward.value):
            assert c.terms["forward"].sum() == pytest.approx(c.forward.value, abs=1e-12)
            assert c.forward.corrected < c.forward.value or c.forward.value == 0
        assert c.p_adjusted >= c.p_value
    scores = [c.score for c in found.columns]
    assert scores == sorted(scores, reverse=True)


def test_infinity_says_what_makes_it_and_how_much() -> None:
    p = pl.DataFrame({"c": ["a"] * 60 + ["b"] * 30 + ["new"] * 10})
    q = pl.DataFrame({"c": ["a"] * 60 + ["b"] * 40})
    c = kl.compare_tables(p, q)["c"]
    assert (c.forward.value, c.forward.status) == (math.inf, kl.Status.SUPPORT_GAP)
    assert c.forward.detail == "Q has no row where P has new (10 %)"
    # Zhang and Grabchak's estimate: Σ a/n·(ψ(a) − ψ(n) − ψ(b + 1) + ψ(m + 1))
    terms = [
        n / 100 * (digamma(n) - digamma(100) - digamma(k + 1) + digamma(101)) for n, k in ((60, 60), (30, 40), (10, 0))
    ]
    assert c.forward.best == c.forward.smoothed == pytest.approx(sum(terms))
    low, high = c.forward.interval
    assert 0 < low < c.forward.best < high == math.inf
    assert math.isfinite(c.reverse.value)
    assert c.only_p == (("new", 0.1),)
    assert c.only_q == ()


def test_equal_shares_of_missing_values_add_nothing() -> None:
    p = pl.DataFrame({"x": [1.0, 2.0, None, None], "n": [math.nan, 1.0, 2.0, math.nan]})
    found = kl.compare_tables(p, pl.concat([p, p]))
    assert [c.forward.value for c in found.columns] == [0, 0]
    apart = kl.compare_tables(pl.DataFrame({"x": [None, 1.0]}), pl.DataFrame({"x": [math.nan, 1.0]}))["x"]
    assert apart.forward.value == math.inf
    assert dict(apart.only_p) == {"missing": 0.5}
    assert dict(apart.only_q) == {"NaN": 0.5}


def test_a_column_with_nothing_in_it() -> None:
    p, q = pl.DataFrame({"x": [math.nan] * 4}), pl.DataFrame({"x": [1.0, 2.0]})
    assert kl.compare_tables(p, q)["x"].jensen_shannon.value == pytest.approx(math.log(2))
    assert kl.compare_tables(p, p)["x"].forward.value == 0
    empty = pl.DataFrame({"x": [None, None]})
    assert kl.compare_tables(empty, empty)["x"].forward.value == 0


def test_a_reference_on_disk_gives_the_same_numbers(pair: Pair, tmp_path: Path) -> None:
    found = kl.compare_tables(*pair)
    path = tmp_path / "reference.json"
    found.reference.save(path)
    assert path.stat().st_size < 60_000
    assert json.loads(path.read_text(encoding="utf-8"))["schema"] == 3
    again = kl.compare_tables(kl.tables.load(path), pair[1])
    assert again.rows == found.rows
    for c in found.columns:
        other = again[c.column]
        assert other.forward.value == c.forward.value, c.column
        np.testing.assert_array_equal(other.terms["count_q"], c.terms["count_q"], err_msg=c.column)


def test_a_reference_sees_what_lies_beyond_it() -> None:
    first = pl.DataFrame({"x": np.linspace(0, 1, 500), "k": [1, 2] * 250, "c": ["a", "b"] * 250})
    reference = kl.compare_tables(first, first).reference
    later = pl.DataFrame({"x": [-5.0, 0.5, 0.6, 7.0, 8.0], "k": [1, 1, 1, 9, 2], "c": ["a", "a", "z", "b", "b"]})
    found = kl.compare_tables(reference, later)
    assert dict(found["x"].only_q) == {"above 1": 0.4, "below 0": 0.2}
    assert dict(found["k"].only_q) == {"9": 0.2}
    assert dict(found["c"].only_q) == {"z": 0.2}
    assert found["x"].reverse.value == math.inf
    assert math.isfinite(found["x"].reverse.smoothed)


def test_counts_merge_by_addition(pair: Pair) -> None:
    p, q = pair
    whole = kl.compare_tables(p, q).reference
    parts = [kl.tables.count(part, whole) for part in (p[:1000], p[1000:1100], p[1100:])]
    total = parts[0] + parts[1] + parts[2]
    assert total.rows == whole.rows
    for name, counts in whole.counts.items():
        assert {k: n for k, n in total.counts[name].items() if n} == dict(counts)
    other = kl.compare_tables(q, p[:500]).reference
    with pytest.raises(kl.InputError, match="differently"):
        whole + other


def test_slices_are_what_the_parts_would_be(pair: Pair) -> None:
    p, q = pair
    found = kl.compare_tables(p, q, by="month")
    assert [s.key for s in found.slices] == [1, 2, 3, 4]
    assert "month" not in [c.column for c in found.columns]
    reference = found.reference
    for s in found.slices:
        part = q.filter(pl.col("month") == s.key)
        assert s.rows == part.height
        alone = kl.compare_tables(reference, part)
        for c in alone.columns:
            assert s[c.column].forward.value == c.forward.value, c.column
    totals = {c.column: sum(s[c.column].terms["count_q"].sum() for s in found.slices) for c in found.columns}
    assert set(totals.values()) == {q.height}


def test_slices_against_a_reference_in_one_pass(pair: Pair) -> None:
    p, q = pair[0], pair[1].filter(pl.col("day") < dt.date(2020, 2, 15))
    found = kl.compare_tables(p, q, by="day", columns=["x", "colour", "few"])
    again = kl.compare_tables(found.reference, q, by="day")
    assert again.rows == found.rows
    assert [s.rows for s in again.slices] == [s.rows for s in found.slices]
    assert isinstance(again.slices[0].key, dt.date)
    for mine, other in zip(again.columns, found.columns, strict=True):
        assert mine.forward.value == other.forward.value


def test_joint_of_a_pair_that_differs_together_only() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 400)), rng.normal(size=(2, 400))
    p = pl.DataFrame({"a": x[0], "b": 0.9 * x[0] + math.sqrt(0.19) * x[1]})
    q = pl.DataFrame({"a": y[0], "b": -0.9 * y[0] + math.sqrt(0.19) * y[1]})
    found = kl.compare_tables(p, q, joint=["a", "b"])
    truth = 0.5 * (2 * (1 + 0.81) / 0.19 - 2)
    assert found.joint is not None
    assert found.joint.rows == (400, 400)
    assert max(c.score for c in found.columns) < 0.1
    assert found.joint.forward.value == pytest.approx(truth, rel=0.35)
    assert "a, b together, by" in repr(found)


def test_rows_for_the_joint_are_bounded_and_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    from kullback.tables import _joint

    rng = np.random.default_rng(1)
    frame = pl.DataFrame({"a": rng.normal(size=20_000), "b": rng.integers(0, 3, 20_000), "c": rng.normal(size=20_000)})
    drawn: list[np.ndarray] = []

    def measured(p: kl.Sample, q: kl.Sample, seed: int) -> tuple[kl.Divergence, kl.Divergence]:
        drawn.append(p.x)
        return kl.divergence([1.0], [1.0]), kl.divergence([1.0], [1.0], direction="reverse")

    monkeypatch.setattr(_joint, "_measured", measured)
    for table in (frame, frame.to_arrow(), frame.sample(fraction=1.0, shuffle=True, seed=3)):
        kl.compare_tables(table, frame, joint=["a", "b"])
    assert 0.9 * _joint.ROWS < len(drawn[0]) < 1.3 * _joint.ROWS
    np.testing.assert_array_equal(drawn[0], drawn[1])
    np.testing.assert_array_equal(np.sort(drawn[0][:, 0]), np.sort(drawn[2][:, 0]))
    # what the rows hold does not decide in any way that shows: the mean and the shares are those of all rows
    assert abs(drawn[0][:, 0].mean()) < 4 / math.sqrt(len(drawn[0]))
    shares = np.bincount(drawn[0][:, 1].astype(int)) / len(drawn[0])
    assert np.abs(shares - 1 / 3).max() < 4 * math.sqrt(2 / 9 / len(drawn[0]))


def test_moments_keep_their_digits(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    z = rng.normal(size=(5000, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0.2], [0, 0, 2.0]])
    frame = pl.DataFrame({"a": 1e9 + z[:, 0], "b": z[:, 1], "c": 1e-6 * z[:, 2]})
    x = frame.to_numpy()
    centred = x - x.mean(axis=0)
    wanted = centred.T @ centred / 5000
    frame.write_parquet(tmp_path / "t.parquet")
    for table in (frame, frame.to_pandas(), frame.to_arrow(), tmp_path / "t.parquet"):
        n, mean, covariance = kl.tables.moments(table, ["a", "b", "c"])
        assert n == 5000
        np.testing.assert_allclose(mean, x.mean(axis=0), rtol=1e-15, atol=1e-16)
        np.testing.assert_allclose(covariance, wanted, rtol=1e-7, atol=1e-15)


def test_moments_of_rows_with_holes() -> None:
    frame = pl.DataFrame({"a": [1.0, None, 3.0, math.nan], "b": [1, 2, 3, 4], "c": ["x", "y", "z", "w"]})
    with pytest.raises(kl.InputError, match="2 of 4 rows with missing"):
        kl.tables.moments(frame, ["a", "b"])
    n, mean, covariance = kl.tables.moments(frame, ["a", "b"], drop_missing=True)
    assert (n, mean.tolist(), covariance.tolist()) == (2, [2.0, 2.0], [[1.0, 1.0], [1.0, 1.0]])
    with pytest.raises(kl.InputError, match="'c' of the polars frame holds text"):
        kl.tables.moments(frame, ["c"])
    with pytest.raises(kl.InputError, match="did you mean"):
        kl.tables.moments(frame, "aa")
    with pytest.raises(kl.InputError, match="no row that is complete"):
        kl.tables.moments(frame.filter(pl.col("a").is_null()), "a", drop_missing=True)


def test_shuffled_rows_give_the_same_bits(pair: Pair) -> None:
    p, q = pair
    found = kl.compare_tables(p, q)
    again = kl.compare_tables(p.sample(fraction=1.0, shuffle=True, seed=1), q[::-1])
    assert found.to_json() == again.to_json()


def test_names(pair: Pair) -> None:
    found = kl.compare_tables(*pair, columns="x", names=("before", "after"))
    assert repr(found).startswith("P = before, 3,000 rows\nQ = after, 2,000 rows")
    assert kl.compare_tables(found.reference, pair[1], names=("then", "now")).p == "then"


def test_one_number_stands_in_every_table(pair: Pair) -> None:
    found = kl.compare_tables(*pair)
    for row, c in zip(found.table(), found.columns, strict=True):
        assert row[1:5] == tuple(str(d) for d in (c.forward, c.reverse, c.jensen_shannon, c.psi))
        assert all(d.interval[0] <= d.best <= d.interval[1] for d in (c.forward, c.reverse, c.jensen_shannon, c.psi))


@pytest.mark.parametrize("values", [10**12, 5000])
def test_texts_that_a_reference_lacks_by_chance_are_no_difference(values: int) -> None:
    """Ids, and a long list of which either side has a part: P = Q, and most values of Q are new."""
    rng = np.random.default_rng(8)
    p, q = (pl.DataFrame({f"c{i}": [f"{v:x}" for v in rng.integers(0, values, 900)] for i in range(8)}) for _ in "pq")
    found = kl.compare_tables(kl.compare_tables(p, p).reference, q)
    fresh = {c.column: c for c in kl.compare_tables(p, q).columns}
    assert len(found["c0"].only_q) == 101  # a hundred by name, the others together
    for c in found.columns:
        assert (c.p_value, c.score) == pytest.approx((fresh[c.column].p_value, fresh[c.column].score), rel=1e-9)
        assert c.forward.interval[0] == c.reverse.interval[0] == 0
    assert found.verdict(0.0)
    elsewhere = pl.DataFrame({"c0": ["a", "b", "c"] * 300})
    assert not kl.compare_tables(found.reference, elsewhere, columns="c0").verdict(0.1)


def _flat(seed: int, values: int, rows: int, power: float) -> pl.DataFrame:
    shares = 1.0 / np.arange(1, values + 1) ** power
    return pl.DataFrame({"v": np.random.default_rng(seed).choice(values, rows, p=shares / shares.sum())}).select(
        pl.format("v{}", "v").alias("v")
    )


@pytest.mark.parametrize(
    ("values", "rows", "power"),
    [
        (3000, (900, 5000), 0.0),
        (3000, (20_000, 5000), 0.0),
        (3000, (900, 5000), 1.0),
        pytest.param(40_000, (60_000, 20_000), 0.0, marks=pytest.mark.slow),
    ],
)
def test_a_long_list_against_a_reference_is_judged_as_a_fresh_one(
    values: int, rows: tuple[int, int], power: float
) -> None:
    """P = Q: what is named must not be what P happened to have most of. 16 draws at 5 %: over 4 by 1 in 500."""
    low = []
    for seed in range(0, 48, 3):
        p, other, q = (_flat(seed + i, values, n, power) for i, n in enumerate((rows[0], *rows)))
        reference = kl.compare_tables(p, other).reference
        found, fresh = (kl.compare_tables(x, q)["v"] for x in (reference, p))
        if not reference.unlisted:
            assert found.p_value == pytest.approx(fresh.p_value, rel=1e-9)
            assert found.score == pytest.approx(fresh.score, rel=1e-9)
        low.append(found.p_value <= 0.05)
    assert sum(low) <= 4
    assert (values > 10_000) == bool(reference.unlisted)


def test_a_value_that_is_new_is_named_against_a_reference_that_holds_a_part_of_a_list() -> None:
    p = _flat(0, 40_000, 60_000, 0.0)
    q = pl.concat([_flat(1, 40_000, 9_000, 0.0), pl.DataFrame({"v": ["new"] * 1000})])
    found = kl.compare_tables(kl.compare_tables(p, p).reference, q)["v"]
    assert found.p_value < 1e-9
    # all of Q's tenth that P lacks: at least log 1/(1 − 0.1) nats
    assert found.forward.interval[0] > 0.9 * -np.log(0.9)
    assert "new" in found.terms["outcome"]


@pytest.mark.parametrize("rows", [(5000, 900), (900, 5000)])
def test_ids_against_a_reference_of_ids_are_no_difference(rows: tuple[int, int]) -> None:
    """Values that are never seen twice tell of nothing, though not one of P's thousand named ones comes again."""
    p, q = (pl.DataFrame({"id": [f"{s}{i}" for i in range(n)]}) for s, n in zip("pq", rows, strict=True))
    found = kl.compare_tables(kl.compare_tables(p, p).reference, q)
    assert found["id"].p_value > 0.05
    assert found["id"].score == 0
