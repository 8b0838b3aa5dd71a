"""Counts against counts made another way, and what the columns are taken for."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import kullback as kl
from kullback.tables._cells import power
from kullback.tables._partition import Partition, bins

Pair = tuple[pl.DataFrame, pl.DataFrame]
NUMBERS = ("x", "odd", "heavy", "zeros", "far", "wide")


@pytest.fixture(scope="module")
def found(pair: Pair) -> kl.TableComparison:
    return kl.compare_tables(*pair)


def by_hand(x: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.histogram(x[np.isfinite(x)], edges)[0]


@pytest.mark.parametrize("name", NUMBERS)
def test_bins_are_those_of_numpy_on_the_same_edges(name: str, pair: Pair, found: kl.TableComparison) -> None:
    edges = np.array(found.reference.partitions[name].edges)
    assert (np.diff(edges) > 0).all()
    terms = found[name].terms
    for frame, side in zip(pair, ("count_p", "count_q"), strict=True):
        x = frame[name].cast(pl.Float64).to_numpy()
        np.testing.assert_array_equal(terms[side][: len(edges) - 1], by_hand(x, edges))


def test_what_is_no_finite_number_is_a_category(pair: Pair, found: kl.TableComparison) -> None:
    odd = dict(zip(found["odd"].terms["outcome"], found["odd"].terms["count_p"], strict=True))
    assert (odd["NaN"], odd["∞"], odd["−∞"]) == (3, 1, 1)
    missing = dict(zip(found["x"].terms["outcome"], found["x"].terms["count_p"], strict=True))["missing"]
    assert missing == pair[0]["x"].null_count()


def test_bins_hold_nearly_the_same_mass(found: kl.TableComparison) -> None:
    for name in ("x", "heavy", "far", "wide"):
        terms = found[name].terms
        mass = 0.5 * (terms["p"] + terms["q"])
        mass = mass[: len(found.reference.partitions[name].edges) - 1]
        assert mass.max() < 2 / bins(2000)
        assert len(mass) >= 0.8 * bins(2000)


def test_a_heavy_value_has_a_bin_of_its_own(pair: Pair, found: kl.TableComparison) -> None:
    zeros = (pair[0]["zeros"] == 0).sum()
    assert zeros <= found["zeros"].terms["count_p"].max() < zeros + 20


def test_kinds_and_labels(found: kl.TableComparison) -> None:
    assert found["few"].terms["outcome"] == ["0", "0.1", "0.2", "0.3"]
    assert found["one"].terms["outcome"] == ["7.25"]
    assert found["flag"].terms["outcome"] == ["false", "true", "missing"]
    assert set(found["colour"].terms["outcome"]) == {"blue", "null", "red", "''", "naïve", "missing"}
    assert found["day"].terms["outcome"][0].startswith("[2020-01-01, 2020-01-")
    assert found["moment"].kind == "datetime"
    assert {c.kind for c in found.columns} == {"number", "integer", "boolean", "date", "datetime", "text"}


def test_text_is_counted_by_value(pair: Pair, found: kl.TableComparison) -> None:
    wanted = dict(pair[1]["colour"].fill_null("missing").value_counts().rows())
    wanted["''"] = wanted.pop("")
    assert dict(zip(found["colour"].terms["outcome"], found["colour"].terms["count_q"], strict=True)) == wanted


def test_days_against_polars(pair: Pair, found: kl.TableComparison) -> None:
    outcomes = found["day"].terms["outcome"]
    low, high = outcomes[3].strip("[)").split(", ")
    wanted = pair[0].filter((pl.col("day").cast(str) >= low) & (pl.col("day").cast(str) < high)).height
    assert found["day"].terms["count_p"][3] == wanted


def test_values_from_every_scale() -> None:
    """Doubles from 1e-300 to 1e300: the cells are counted anew until they are fine enough or eight times."""
    rng = np.random.default_rng(0)
    x = 10 ** rng.uniform(-30, 300, 4000)
    found = kl.compare_tables(pl.DataFrame({"x": x[:2000]}), pl.DataFrame({"x": x[2000:]}))
    edges = np.array(found.reference.partitions["x"].edges)
    np.testing.assert_array_equal(found["x"].terms["count_p"], by_hand(x[:2000], edges)[by_hand(x, edges) > 0])


def test_extreme_doubles() -> None:
    for x in ([1e308, -1e308, 0.0, 5.0], [2.0**-999, 2.0**-998, 0.0], [1 + 2e-16, 1.0], [2.0**60, 2.0**60 + 256]):
        frame = pl.DataFrame({"x": x * 30})
        found = kl.compare_tables(frame, frame)
        assert found["x"].forward.value == 0
        assert found["x"].terms["count_p"].sum() == 30 * len(x)
        assert len(found["x"].terms) == len(set(x))


def test_rule_for_the_number_of_bins() -> None:
    assert [bins(n) for n in (0, 8, 27, 1000, 10_000, 10**6)] == [4, 4, 6, 20, 44, 64]
    assert power(0, 4095, False) == 1
    assert power(3, 3, True) == 0


def test_a_long_list_of_texts_is_cut() -> None:
    p = pl.DataFrame({"id": [f"a{i}" for i in range(3000)] + ["common"] * 500})
    q = pl.DataFrame({"id": [f"b{i}" for i in range(3000)] + ["common"] * 900})
    found = kl.compare_tables(p, q)
    outcomes = dict(zip(found["id"].terms["outcome"], found["id"].terms["count_q"], strict=True))
    assert outcomes["common"] == 900
    assert outcomes["any other value"] == 3900 - 900 - sum(n for k, n in outcomes.items() if k[0] == "b")
    assert any("rare ones" in note for note in found.notes)


def test_types_that_differ_are_listed() -> None:
    p = pl.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": [1, 2]})
    q = pl.DataFrame({"a": ["1", "2"], "b": ["x", "y"], "d": [1, 2]})
    found = kl.compare_tables(p, q)
    assert found.different_types == (("a", "Int64", "String"),)
    assert (found.only_p, found.only_q) == (("c",), ("d",))
    assert [c.column for c in found.columns] == ["b"]


def test_integers_and_doubles_are_both_numbers() -> None:
    p, q = pl.DataFrame({"a": [1, 2, 3, 3]}), pl.DataFrame({"a": [1.0, 2.0, 2.0, 3.0]})
    found = kl.compare_tables(p, q)["a"]
    assert list(found.terms["count_p"]) == [1, 1, 2]
    assert found.forward.value == pytest.approx(kl.divergence([0.25, 0.25, 0.5], [0.25, 0.5, 0.25]).value)


def test_bins_of_a_reference_have_ends() -> None:
    part = Partition("x", "number", (0.0, 1.0, 2.5))
    assert part.label(("under",)) == "below 0"
    assert part.label(("over",)) == "above 2.5"
    assert part.label(("bin", 1)) == "[1, 2.5]"
    assert math.isfinite(part.edges[0])  # type: ignore[index]


def test_moments_in_time_are_the_same_in_every_zone(tmp_path: Path) -> None:
    start = dt.datetime(2024, 3, 31, 0, 30)
    hours = pl.datetime_range(start, start + dt.timedelta(hours=60), "1h", time_zone="UTC", eager=True)
    utc = pl.DataFrame({"t": hours})
    berlin = utc.with_columns(pl.col("t").dt.convert_time_zone("Europe/Berlin"))
    utc.write_parquet(tmp_path / "t.parquet")
    for p, q in ((utc, berlin), (berlin.to_arrow(), utc), (berlin, tmp_path / "t.parquet"), (berlin.to_pandas(), utc)):
        found = kl.compare_tables(p, q)["t"]
        assert found.forward.value == 0
        assert found.terms["outcome"][0].startswith("[2024-03-31 00:30:00Z, ")
    naive = utc.with_columns(pl.col("t").dt.replace_time_zone(None))
    assert len(kl.compare_tables(utc.with_columns(a=1), naive.with_columns(a=1)).different_types) == 1


def test_days_of_any_year() -> None:
    every = pl.date_range(pl.date(1, 1, 1), pl.date(9999, 12, 31), "101d", eager=True)
    found = kl.compare_tables(pl.DataFrame({"d": every}), pl.DataFrame({"d": every[100:]}))["d"]
    assert found.terms["outcome"][0].startswith("[0001-01-01, ")
    assert found.terms["outcome"][-1].endswith(f", {every[-1]}]")
