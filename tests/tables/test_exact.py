"""Integers beyond those that doubles hold, and times of any fineness, are what they are on every engine."""

from __future__ import annotations

import bisect
import datetime as dt
import decimal
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import kullback as kl
from kullback.tables import _rows

N = 300
BIG = 2**60
MOMENT = 1_700_000_000_000_000_000  # 2023-11-14 22:13:20
DAY = 86_400 * 10**9


def table(seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    moments = MOMENT + rng.integers(0, 10**17, N)
    return pa.table(
        {
            "ids": BIG + np.arange(N) * (1 + seed),
            "sentinel": np.where(rng.random(N) < 0.3, -1, BIG + rng.integers(0, 3, N)),
            "unsigned": np.uint64(2**63) + rng.integers(0, 1000, N).astype(np.uint64),
            "hashed": rng.integers(0, 2**64, N, dtype=np.uint64),
            "below": -(2**62) + rng.integers(0, 50, N),
            "decimal": pa.array([decimal.Decimal(BIG + int(i)) for i in rng.integers(0, 30, N)], pa.decimal128(30, 0)),
            "holes": pa.array([None if i % 7 == 0 else BIG + int(i) for i in rng.integers(0, 500, N)], pa.int64()),
            "micro": pa.array((np.arange(N) % 60) * 1000 + seed * 500_000, pa.timestamp("us")),
            "nano": pa.array(MOMENT + rng.integers(0, 40, N), pa.timestamp("ns")),
            "wide": pa.array(moments, pa.timestamp("ns")),
            "early": pa.array(-MOMENT + rng.integers(0, 30, N), pa.timestamp("ns")),
            "zoned": pa.array(MOMENT // 1000 + rng.integers(0, 4000, N), pa.timestamp("us", "UTC")),
            "hours": pa.array(
                [None if i % 9 == 0 else int(i) * 3600 for i in rng.integers(0, 9000, N)], pa.timestamp("s")
            ),
            "clock": pa.array(rng.integers(0, DAY // 1000, N), pa.time64("us")),
            "span": pa.array(rng.integers(0, 400, N), pa.duration("ns")),
            "codes": pa.array(rng.integers(0, 40, N)).dictionary_encode(),
        }
    )


STEP = {"micro": 1000, "zoned": 1000, "hours": 10**9, "clock": 1000}  # nanoseconds in an integer of the column


def integers(whole: pa.Table, name: str) -> list[int | None]:
    column = whole.column(name)
    if pa.types.is_dictionary(column.type):
        column = column.cast(pa.int64())
    if pa.types.is_decimal(column.type) or pa.types.is_integer(column.type):
        return [None if v is None else int(v) for v in column.to_pylist()]
    return [None if v is None else v * STEP.get(name, 1) for v in column.cast(pa.int64()).to_pylist()]


TABLES = (table(0), table(1))


@pytest.fixture(scope="module")
def base() -> kl.TableComparison:
    return kl.compare_tables(*TABLES)


@pytest.mark.parametrize("name", TABLES[0].column_names)
def test_counts_are_those_of_whole_numbers(name: str, base: kl.TableComparison) -> None:
    part = base.reference.partitions[name]
    for side, whole in zip(("count_p", "count_q"), TABLES, strict=True):
        values = integers(whole, name)
        there = [v for v in values if v is not None]
        if part.edges is None:
            wanted = [there.count(v) for v in part.values or ()]
        else:
            places = [min(bisect.bisect_right(part.edges, v), len(part.edges) - 1) - 1 for v in there]
            wanted = [places.count(i) for i in range(len(part.edges) - 1)]
        counts = list(base[name].terms[side])
        if part.gaps:  # a stretch without a value of either side is no term
            counts, wanted = [n for n in counts if n], [n for n in wanted if n]
        assert counts == [*wanted, *([values.count(None)] if len(counts) > len(wanted) else ())]


def way(engine: str, folder: Path) -> list[Any]:
    paths = [folder / "p.parquet", folder / "q.parquet"]
    if engine in ("files", "files, small", "relations"):
        for t, path in zip(TABLES, paths, strict=True):
            pq.write_table(t, path)
        return [duckdb.read_parquet(str(path)) for path in paths] if engine == "relations" else list(paths)
    ways: dict[str, Callable[[pa.Table], Any]] = {
        "polars": pl.from_arrow,
        "polars, lazy": lambda t: pl.from_arrow(t).lazy(),  # type: ignore[union-attr]
        "pandas": lambda t: t.drop_columns(["holes"]).to_pandas(),  # which would be doubles
        "pandas on Arrow": lambda t: t.to_pandas(types_mapper=pd.ArrowDtype),
    }
    return [ways[engine](t) for t in TABLES]


ENGINES = ("files", "files, small", "relations", "polars", "polars, lazy", "pandas", "pandas on Arrow")


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine(engine: str, base: kl.TableComparison, tmp_path: Path, monkeypatch: Any) -> None:
    if engine in ("files", "relations"):
        monkeypatch.setattr(_rows, "SMALL", -1)  # nothing is taken out of the engine
    tables = way(engine, tmp_path)
    found = kl.compare_tables(*tables)
    again = kl.compare_tables(base.reference, tables[1])
    for c in base.columns:
        if engine == "pandas" and c.column == "holes":
            continue
        if engine == "relations" and c.column == "span":  # of which DuckDB knows no more than that they are integers
            assert "span" in {n for n, *_ in again.different_types}
            continue
        for mine in (found[c.column], again[c.column]):
            assert mine.kind == c.kind
            for key in ("outcome", "count_p", "count_q"):
                assert list(mine.terms[key]) == list(c.terms[key]), c.column


def test_what_has_nothing_in_common_is_infinitely_far(base: kl.TableComparison) -> None:
    assert base["micro"].forward.value == base["micro"].reverse.value == np.inf
    assert base["micro"].terms["outcome"][-1] == "[1970-01-01 00:00:00.552, 1970-01-01 00:00:00.559]"


@pytest.mark.parametrize("lazy", [False, True])
def test_integers_of_128_bits(lazy: bool) -> None:
    values = [2**100 + i % 5 for i in range(60)]
    p = pl.DataFrame(
        {"x": pl.Series(values, dtype=pl.Int128), "far": pl.Series([i * 2**80 for i in range(60)], dtype=pl.Int128)}
    )
    found = kl.compare_tables(*([p.lazy()] * 2 if lazy else [p] * 2))
    assert found["x"].terms["outcome"] == [str(2**100 + i) for i in range(5)]
    assert list(found["x"].terms["count_p"]) == [12] * 5
    assert found["far"].terms["count_p"].sum() == 60


def test_units_of_both_sides_meet() -> None:
    """Nanoseconds against seconds; spans of milliseconds against microseconds; a day of the calendar against hours."""
    one = pa.table({"t": pa.array([0, 1, 2] * 20, pa.timestamp("s")), "d": pa.array([0, 1, 2] * 20, pa.duration("ms"))})
    two = pa.table(
        {
            "t": pa.array([0, 10**9, 2 * 10**9 + 1] * 20, pa.timestamp("ns")),
            "d": pa.array([0, 1000, 2001] * 20, pa.duration("us")),
        }
    )
    for tables in ((one, two), (pl.from_arrow(one), pl.from_arrow(two)), (one.to_pandas(), two.to_pandas())):
        found = kl.compare_tables(*tables)
        assert found["t"].terms["outcome"] == [
            "1970-01-01 00:00:00", "1970-01-01 00:00:01", "1970-01-01 00:00:02", "1970-01-01 00:00:02.000000001",
        ]  # fmt: skip
        assert found["d"].terms["outcome"] == ["00:00:00", "00:00:00.001", "00:00:00.002", "00:00:00.002001"]
    days = pl.DataFrame({"t": [dt.date(2024, 1, 1)] * 9 + [dt.date(2024, 3, 1)]})
    found = kl.compare_tables(days, days.with_columns(pl.col("t").cast(pl.Datetime("us"))))
    assert found["t"].terms["outcome"] == ["2024-01-01 00:00:00", "2024-03-01 00:00:00"]
    assert found["t"].forward.value == 0


def test_a_reference_of_the_first_schema(tmp_path: Path) -> None:
    """Its times were ((year·12 + month)·31 + day)·86,400 plus the second, its times of day microseconds."""

    def code(year: int, month: int, day: int, second: int = 0) -> float:
        return float(((year * 12 + month) * 31 + day) * 86_400 + second)

    old = {
        "schema": 1,
        "reference": "old",
        "rows": 4,
        "columns": [
            {
                "column": "t", "kind": "datetime", "values": None, "other": False,
                "edges": [code(2023, 1, 1), code(2023, 2, 30), code(2023, 12, 31, 5)],  # an edge on no day
                "counts": [["bin", 0, 1], ["bin", 1, 3]],
            },
            {
                "column": "c", "kind": "time", "values": [3.6e9, 7.2e9], "edges": None, "other": False,
                "counts": [["value", 3.6e9, 3], ["null", 1]],
            },
        ],
    }  # fmt: skip
    (tmp_path / "old.json").write_text(json.dumps(old), encoding="utf-8")
    loaded = kl.tables.load(tmp_path / "old.json")
    moments = [dt.datetime(2023, 1, 1), dt.datetime(2023, 2, 28, 23), dt.datetime(2023, 3, 1), dt.datetime(2024, 1, 1)]
    clocks = [dt.time(1), dt.time(2), dt.time(2), None]
    found = kl.compare_tables(loaded, pl.DataFrame({"t": moments, "c": clocks}))
    terms = dict(zip(found["t"].terms["outcome"], found["t"].terms["count_q"], strict=True))
    assert terms == {
        "[2023-01-01 00:00:00, 2023-03-01 00:00:00)": 2,
        "[2023-03-01 00:00:00, 2023-12-31 00:00:05]": 1,
        "above 2023-12-31 00:00:05": 1,
    }
    assert list(found["c"].terms["outcome"]) == ["01:00:00", "02:00:00", "missing"]
    assert list(found["c"].terms["count_q"]) == [1, 2, 1]
    loaded.save(tmp_path / "new.json")
    assert dict(kl.tables.load(tmp_path / "new.json").partitions) == dict(loaded.partitions)


@pytest.mark.parametrize("lazy", [False, True])
def test_days_that_python_does_not_have(lazy: bool) -> None:
    """Of polars, from the year 10183 and before Christ; and some that no calendar of its reaches."""
    days, far = (pl.DataFrame({"d": pl.Series(x, dtype=pl.Int32).cast(pl.Date)}) for x in (range(60), [2**31 - 1] * 9))
    later = pl.DataFrame({"d": pl.Series([*range(3_000_000, 3_000_060), -800_000, None], dtype=pl.Int32).cast(pl.Date)})
    found = kl.compare_tables(days, later.lazy() if lazy else later)["d"]
    assert found.forward.value == found.reverse.value == math.inf
    assert "10183-09" in str(found.terms["outcome"])
    assert found.terms["count_q"].sum() == 62
    assert kl.compare_tables(later, later)["d"].forward.value == 0
    with pytest.raises(kl.InputError, match="'d' of the polars frame holds days that its engine"):
        kl.compare_tables(days, far)


@pytest.mark.parametrize("infinite", [False, True])
def test_nan_in_a_file_whose_least_and_greatest_values_leave_it_out(
    infinite: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB takes such a column for one without NaN, and NaN was counted as ∞ against references and in slices."""
    monkeypatch.setattr(_rows, "SMALL", -1)
    r = np.random.default_rng(4)
    x = r.normal(size=400)
    x[::9] = np.nan
    if infinite:
        x[1::9], x[2::9] = np.inf, -np.inf
    frame = pl.DataFrame({"x": x, "part": np.arange(400) % 2, "user": np.arange(400) // 8})
    frame.write_parquet(tmp_path / "q.parquet")
    reference = kl.compare_tables(frame, frame, columns="x").reference
    file = tmp_path / "q.parquet"
    assert kl.compare_tables(reference, file)["x"].forward.value == 0
    for said in ({}, {"groups": "user"}):
        here, there = (kl.compare_tables(frame, q, columns="x", by="part", **said) for q in (frame, file))
        for mine, theirs in zip(here.slices, there.slices, strict=True):
            assert theirs["x"].terms["outcome"] == mine["x"].terms["outcome"]
            np.testing.assert_array_equal(theirs["x"].terms["count_q"], mine["x"].terms["count_q"])
    frame.with_columns(w=pl.when(pl.col("part") == 0).then(float("nan")).otherwise(1.0)).write_parquet(file)
    with pytest.raises(kl.InputError, match="must be numbers"):
        kl.compare_tables(file, file, columns="x", weights="w")
