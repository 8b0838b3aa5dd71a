"""One clear error each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import kullback as kl

GOOD = pl.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "empty.csv").write_text("", encoding="utf-8")
    (tmp_path / "header.csv").write_text("a,b\n", encoding="utf-8")
    (tmp_path / "ragged.csv").write_text("a,b\n1,2\n3,4,5\n6\n7,8,9,10\n" * 3, encoding="utf-8")
    (tmp_path / "good.csv").write_text("a,b\n1,x\n2,y\n3,z\n", encoding="utf-8")
    GOOD.write_parquet(tmp_path / "good.parquet")
    whole = (tmp_path / "good.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "noise.parquet").write_bytes(np.random.default_rng(0).bytes(500))
    (tmp_path / "notes.doc").write_text("hello", encoding="utf-8")
    (tmp_path / "mixed").mkdir()
    (tmp_path / "mixed" / "a.csv").write_text("a\n1\n", encoding="utf-8")
    GOOD.write_parquet(tmp_path / "mixed" / "b.parquet")
    (tmp_path / "hollow").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("empty.csv", "q: the file .*empty.csv' is empty"),
        ("header.csv", "q: .*header.csv has no rows"),
        ("ragged.csv", "q: cannot read .*ragged.csv"),
        ("cut.parquet", "q: cannot read .*cut.parquet"),
        ("noise.parquet", "q: cannot read .*noise.parquet"),
        ("notes.doc", "neither CSV nor Parquet"),
        ("mixed", "CSV and Parquet files together"),
        ("hollow", "holds no file"),
        ("god.parquet", "no file .*god.parquet'; there is .*good.parquet"),
        ("*.xls", "no file matches"),
    ],
)
def test_files(folder: Path, name: str, text: str) -> None:
    with pytest.raises(kl.InputError, match=text) as caught:
        kl.compare_tables(folder / "good.parquet", folder / name)
    assert "\n" not in str(caught.value)


LISTS = pl.DataFrame({"a": [1, 2], "tags": [["x"], ["y", "z"]]})


@pytest.mark.parametrize(
    ("p", "q", "options", "error", "text"),
    [
        (LISTS, LISTS, {"columns": "tags"}, kl.InputError, "column 'tags' holds lists"),
        (GOOD, GOOD.rename({"a": "c", "b": "d"}), {}, kl.InputError, "share no column"),
        (GOOD, GOOD.clear(), {}, kl.InputError, "q: the polars frame has no rows"),
        (GOOD.clear(), GOOD, {}, kl.InputError, "p: the polars frame has no rows"),
        (GOOD, GOOD, {"columns": ["a", "bb"]}, kl.InputError, "p: .* has no column 'bb'; did you mean 'b'"),
        (GOOD, GOOD, {"columns": []}, kl.InputError, "columns is empty"),
        (GOOD, GOOD, {"names": "ab"}, kl.InputError, "names must be two"),
        (GOOD, GOOD, {"names": 3}, kl.InputError, "names must be two"),
        ("", GOOD, {}, kl.InputError, "p: the name of the file is empty"),
        (GOOD, GOOD, {"columns": "a", "joint": ["a", "b"], "seed": -1}, kl.InputError, "seed must be a whole number"),
        (GOOD, GOOD, {"by": "month"}, kl.InputError, r"q \(by\): .* no column 'month'"),
        (GOOD, GOOD, {"joint": ["a", "b"]}, kl.InputError, "column 'b' is not a number"),
        (GOOD, GOOD, {"joint": ["a"]}, kl.InputError, "at least two"),
        (GOOD, np.zeros(3), {}, kl.KindError, "q is of type numpy.ndarray, which holds no table"),
        (GOOD["a"], GOOD, {}, kl.KindError, "p is of type polars"),
        (GOOD, pl.DataFrame(), {}, kl.InputError, "q: the polars frame has no columns"),
    ],
)
def test_tables(p: Any, q: Any, options: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        kl.compare_tables(p, q, **options)


def test_a_file_that_is_broken_inside(tmp_path: Path) -> None:
    """The footer is whole, the pages are not: found only when the rows are counted."""
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"a": rng.normal(size=50_000), "b": [f"x{i % 1000}" for i in range(50_000)]})
    frame.write_parquet(tmp_path / "good.parquet")
    data = bytearray((tmp_path / "good.parquet").read_bytes())
    for i in range(1000, len(data) // 2, 997):
        data[i] ^= 0xFF
    (tmp_path / "broken.parquet").write_bytes(data)
    with pytest.raises(kl.InputError, match="duckdb could not count the rows"):
        kl.compare_tables(tmp_path / "good.parquet", tmp_path / "broken.parquet")
    with pytest.raises(kl.InputError, match="polars could not count the rows"):
        kl.compare_tables(frame, pl.scan_parquet(tmp_path / "broken.parquet"))


def test_names_twice() -> None:
    frame = pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"])
    with pytest.raises(kl.InputError, match="unique column names"):
        kl.compare_tables(frame, frame)


def test_lists_may_be_left_out() -> None:
    assert kl.compare_tables(LISTS, LISTS, columns="a").columns[0].forward.value == 0


def test_too_many_slices() -> None:
    frame = pl.DataFrame({"a": range(2000), "b": range(2000)})
    with pytest.raises(kl.InputError, match="more than 1000 values"):
        kl.compare_tables(frame, frame, by="b")


def test_limits(folder: Path) -> None:
    with pytest.raises(kl.InputError, match="memory_limit must be an amount such as '4GB', not 'lots'"):
        kl.compare_tables(folder / "good.csv", folder / "good.csv", memory_limit="lots")
    with pytest.raises(kl.InputError, match="not '-1GB'"):
        kl.compare_tables(folder / "good.csv", folder / "good.csv", memory_limit="-1GB")


def test_references(folder: Path) -> None:
    reference = kl.compare_tables(GOOD, GOOD).reference
    with pytest.raises(kl.KindError, match="pass it as p"):
        kl.compare_tables(GOOD, reference)
    with pytest.raises(kl.InputError, match="joint"):
        kl.compare_tables(reference, GOOD, joint=["a", "b"])
    with pytest.raises(kl.InputError, match="no column 'z'"):
        kl.compare_tables(reference, GOOD, columns=["z"])
    with pytest.raises(kl.InputError, match="none of the columns"):
        kl.compare_tables(reference, GOOD.rename({"a": "c", "b": "d"}))
    with pytest.raises(kl.InputError, match="has no rows"):
        kl.compare_tables(reference, GOOD.clear())
    changed = kl.compare_tables(reference, GOOD.with_columns(pl.col("a").cast(str)))
    assert changed.different_types == (("a", "integer", "String"),)
    with pytest.raises(kl.InputError, match="column 'a' is String"):
        kl.tables.count(GOOD.with_columns(pl.col("a").cast(str)), reference)
    with pytest.raises(kl.InputError, match="cannot read the reference"):
        kl.tables.load(folder / "nothing.json")
    (folder / "bad.json").write_text('{"schema": 7}', encoding="utf-8")
    with pytest.raises(kl.InputError, match="schema 7"):
        kl.tables.load(folder / "bad.json")
    (folder / "bad.json").write_text("[1", encoding="utf-8")
    with pytest.raises(kl.InputError, match="no reference"):
        kl.tables.load(folder / "bad.json")
