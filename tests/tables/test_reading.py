"""One understanding of both tables, however they are kept."""

from __future__ import annotations

import datetime as dt
import decimal
import io
import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import feather

import kullback as kl
from kullback.tables import Csv


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, text: str, encoding: str = "utf-8") -> str:
    Path(name).write_bytes(text.encode(encoding))
    return name


def days(pattern: str, count: int) -> str:
    """A column of days, `{d}` in each month `{m}`."""
    return "day\n" + "".join(pattern.format(d=f"{d:02d}", m=f"{1 + d % 12:02d}") + "\n" for d in range(1, count))


def equal(p: Any, q: Any, **options: Any) -> kl.TableComparison:
    found = kl.compare_tables(p, q, **options)
    assert found.different_types == ()
    assert {c.column: c.forward.value for c in found.columns} == {c.column: 0 for c in found.columns}
    assert {c.column: c.reverse.value for c in found.columns} == {c.column: 0 for c in found.columns}
    return found


N = 240
START = dt.datetime(2024, 1, 1)
EVERYTHING = pa.table(
    {
        "dictionary": pa.array([i % 7 + 30 for i in range(N)]).dictionary_encode(),
        "words": pa.array([("NA", "US", "", None)[i % 4] for i in range(N)]).dictionary_encode(),
        "clock": pa.array([dt.time(i % 24, i % 60, 5) for i in range(N)]),
        "money": pa.array([decimal.Decimal(i) / 100 for i in range(N)]),
        "day": pa.array([dt.date(2024, 1, 1) + dt.timedelta(days=i) for i in range(N)]),
        "moment": pa.array([START + dt.timedelta(hours=i) for i in range(N)]),
        "zoned": pa.array([START + dt.timedelta(hours=i) for i in range(N)], pa.timestamp("us", "America/New_York")),
        "span": pa.array([dt.timedelta(seconds=i) for i in range(N)], pa.duration("us")),
        "flag": pa.array([(True, False, None)[i % 3] for i in range(N)]),
        "number": pa.array(np.arange(N) / 7),
        "nothing": pa.array([None] * N, pa.int64()),
    }
)


def kept(how: str) -> Any:
    """The same table, kept in one of many ways."""
    frame = pl.from_arrow(EVERYTHING)
    assert isinstance(frame, pl.DataFrame)
    if how == "polars":
        return frame
    if how == "pyarrow":
        return EVERYTHING
    if how == "pandas":
        return EVERYTHING.to_pandas()
    if how == "pandas of Arrow":
        return EVERYTHING.to_pandas(types_mapper=pd.ArrowDtype)
    if how == "Arrow":
        feather.write_feather(EVERYTHING, "t.feather")
        return "t.feather"
    if how == "Parquet":
        frame.write_parquet("t.parquet")
        return "t.parquet"
    if how == "CSV":
        # a text that is empty stands in quotes there, and nothing tells it from a missing one
        spans = EVERYTHING.column("span").to_pandas().astype(str)  # 0 days 00:03:59
        frame.with_columns(pl.Series("span", spans)).write_csv("t.csv")
        return "t.csv"
    lines = frame.select("words", "day", "moment", "flag", "number", "nothing").to_dicts()
    Path("t.jsonl").write_text("".join(json.dumps(row, default=str) + "\n" for row in lines), encoding="utf-8")
    return "t.jsonl"


@pytest.mark.parametrize("how", ["pyarrow", "pandas", "pandas of Arrow", "Arrow", "Parquet", "CSV", "JSON"])
def test_one_table_kept_in_many_ways(how: str) -> None:
    words = ["words"] if how == "CSV" else []
    found = equal(kept(how), kept("polars"), exclude=words)
    assert found.left_out == ()
    assert found.only_p == ()
    if how != "JSON":
        assert len(found.columns) == EVERYTHING.num_columns - len(words)
    assert not any(c.kind == "text" for c in found.columns if c.column not in ("words", "nothing"))


def test_folders_are_read_by_names() -> None:
    rng = np.random.default_rng(0)
    a, b = (pl.DataFrame({"amount": rng.integers(0, 999, 300), "age": rng.integers(18, 90, 300)}) for _ in "ab")
    Path("d").mkdir()
    a.write_csv("d/a.csv")
    b.select("age", "amount").write_csv("d/b.csv")
    equal(pl.concat([a, b]), "d")
    Path("e").mkdir()
    a.write_parquet("e/b.parquet")
    b.with_columns(pl.col("age").cast(pl.Float64) + 0.5, new=1).write_parquet("e/a.parquet")
    whole = pl.concat([a, b.with_columns(pl.col("age").cast(pl.Float64) + 0.5, new=1)], how="diagonal_relaxed")
    found = equal(whole, "e")
    assert {c.column: c.kind for c in found.columns} == {"amount": "integer", "age": "number", "new": "integer"}


def test_one_way_to_write_days_for_both() -> None:
    sure, unsure = write("a.csv", days("{d}/{m}/2024", 28)), write("b.csv", days("{d}/{m}/2024", 12))
    found = kl.compare_tables(sure, unsure)
    assert found["day"].kind == "date"
    assert "day: read as %d/%m/%Y (P and Q)" in found.notes
    both = kl.compare_tables(unsure, unsure).notes
    assert both == ("day: read as %d/%m/%Y; %m/%d/%Y would do as well, and --date-format decides (P and Q)",)
    said = kl.compare_tables(unsure, unsure, csv=Csv(date_format="%m/%d/%Y"))
    assert said.notes == ("day: read as %m/%d/%Y (P and Q)",)
    equal(sure, write("c.csv", days("{m}/{d}/2024", 28)))
    equal(sure, write("d.csv", days("2024-{m}-{d}", 28)))
    equal(sure, write("e.csv", days("{d}.{m}.24", 28)))
    text = pl.read_csv("a.csv")
    assert equal("a.csv", text)["day"].kind == "text"


def test_marks_of_what_is_missing() -> None:
    write("a.csv", "n,c\n" + "1,NA\n2,US\nNA,\n" * 20)
    write("b.csv", "n,c\n" + "1,NA\n2,US\n,\n" * 20)
    found = equal("a.csv", "b.csv")
    assert found["n"].kind == "integer"
    assert "NA" in found["c"].terms["outcome"]
    assert [note for note in found.notes if note.startswith("n: NA,")]
    declared = kl.compare_tables("a.csv", "b.csv", csv=Csv(null="NA"))
    assert declared["c"].terms["outcome"] == ["US", "missing"]
    assert declared.notes == ()


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (["1,5", "2,25"], "decimal commas; --decimal ,"),
        (["1,500", "12,250"], "marks between thousands"),
        (["1.234,50", "2.000,00"], "marks between thousands"),
        (["$5", "$6.50"], "amounts with a currency"),
        (["5 €", "6 €"], "amounts with a currency"),
        (["5 %", "6.5%"], "percentages"),
        ([*map(str, range(30)), "Total"], "1 of its 31 values no number, such as 'Total'"),
    ],
)
def test_what_looks_like_numbers_says_so(values: list[str], text: str) -> None:
    write("a.csv", "x;y\n" + "".join(f"{v};1\n" for v in values))
    found = kl.compare_tables("a.csv", "a.csv")
    assert found["x"].kind == "text"
    assert text in found.notes[0]
    assert "(P and Q)" in found.notes[0]


def test_how_text_is_written() -> None:
    write("a.csv", "x;y\n" + "1,5;naïve\n2,25;b\n" * 9, "latin-1")
    with pytest.raises(kl.InputError, match="not written in UTF-8; say in what with --encoding"):
        kl.compare_tables("a.csv", "a.csv")
    frame = pl.DataFrame({"x": [1.5, 2.25] * 9, "y": ["naïve", "b"] * 9})
    equal("a.csv", frame, csv=Csv(decimal=",", encoding="latin-1"))
    equal(write("b.csv", "x;y\n" + "1.5;naïve\n2.25;b\n" * 9, "utf-16"), frame)
    equal(write("c.csv", "x^y\n" + "1.5^naïve\n2.25^b\n" * 9), frame, csv=Csv(delimiter="^"))
    with pytest.raises(kl.InputError, match="there is no encoding 'klingon'"):
        kl.compare_tables("a.csv", "a.csv", csv=Csv(encoding="klingon"))
    for wrong in ({"decimal": ";"}, {"delimiter": ""}, {"date_format": "d.m.Y"}):
        with pytest.raises(kl.InputError, match="must"):
            Csv(**wrong)  # type: ignore[arg-type]


def test_types_that_changed() -> None:
    """Codes with zeros in front are no numbers; true is no 1; a time in a zone is none without."""
    for p, q in (("01234", "1234"), ("true", "1"), ("2024-01-01T10:00:00Z", "2024-01-01 10:00"), ("12", "Total")):
        write("p.csv", f"x,y\n{p},1\n")
        write("q.csv", f"x,y\n{q},1\n")
        assert [name for name, *_ in kl.compare_tables("p.csv", "q.csv").different_types] == ["x"], (p, q)
    write("p.csv", "t\n2024-01-01T10:00:00Z\n")
    equal("p.csv", write("q.csv", "t\n2024-01-01 11:00:00+01:00\n"))
    write("p.csv", "id\n9223372036854775900\n1180591620717411303424\n")
    assert kl.compare_tables("p.csv", "p.csv")["id"].kind == "integer"


@pytest.mark.parametrize("zone", ["America/New_York", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "Asia/Kolkata"])
def test_zones_of_every_name(zone: str) -> None:
    moments = pd.date_range("2024-01-01", periods=60, freq="h", tz="UTC")
    found = equal(pd.DataFrame({"t": moments.tz_convert(zone)}), pl.DataFrame({"t": moments}))
    assert found["t"].kind == "instant"


@pytest.mark.parametrize("every", ["1d", "1w", "2w", "1mo", "1q", "1y"])
def test_slices_of_time_begin_alike_everywhere(every: str) -> None:
    first = dt.date(2023, 12, 28)
    day = [first + dt.timedelta(days=i) for i in range(90)]
    frame = pl.DataFrame({"x": range(90), "day": day})
    frame.write_csv("a.csv")
    found = []
    for q in (frame, frame.to_arrow(), frame.to_pandas(), "a.csv"):
        slices = kl.compare_tables(frame, q, by="day", every=every).slices
        found.append([(s.key, s.rows, int(s["x"].terms["count_q"].sum())) for s in slices])
    assert found[0] == found[1] == found[2] == found[3]
    keys = [key for key, *_ in found[0]]
    assert all(isinstance(key, dt.date) for key in keys)
    assert sum(n for _, n, _ in found[0]) == 90
    if every == "1w":
        assert keys[0] == dt.date(2023, 12, 25)
        assert {key.weekday() for key in keys} == {0}
    if every == "1mo":
        assert [n for _, n, _ in found[0]] == [4, 31, 29, 26]


def test_slices_of_hours() -> None:
    frame = pl.DataFrame({"x": range(48), "t": [START + dt.timedelta(minutes=30 * i) for i in range(48)]})
    keys = [s.key for s in kl.compare_tables(frame, frame, by="t", every="6h").slices]
    assert keys == [START + dt.timedelta(hours=6 * i) for i in range(4)]
    for every, text in (("1x", "no length of time"), ("0d", "no length of time")):
        with pytest.raises(kl.InputError, match=text):
            kl.compare_tables(frame, frame, by="t", every=every)
    with pytest.raises(kl.InputError, match="cuts days or times, and column 'x'"):
        kl.compare_tables(frame, frame, by="x", every="1d")


def test_names_of_pandas() -> None:
    levels = pd.DataFrame({("a", "b"): [1, 2] * 9, ("a", "c"): [3, 4] * 9})
    assert {c.column for c in equal(levels, levels).columns} == {"a.b", "a.c"}
    numbers = pd.DataFrame({1: [1, 2] * 9, 2: [3, 4] * 9})
    assert {c.column for c in equal(numbers, numbers).columns} == {"1", "2"}
    with pytest.raises(kl.InputError, match="unique column names, and as texts 1 comes more than once"):
        kl.compare_tables(pd.DataFrame({1: [1], "1": [1]}), numbers)


def test_days_beyond_those_of_python() -> None:
    with duckdb.connect() as c:
        c.sql("select (date '10183-09-21' + range::int) as d from range(60)").write_parquet("far.parquet")
        c.sql("select (date '0222-09-04 (BC)' + range::int) as d from range(60)").write_parquet("old.parquet")
    assert equal("far.parquet", "far.parquet")["d"].terms["outcome"][0].startswith("[10183-09-21,")
    assert equal("old.parquet", "old.parquet")["d"].terms["outcome"][0].startswith("[-221-09-04,")


ODD = {
    "half": pa.array(np.arange(N) / 8, pa.float16()),
    "day": pa.array([dt.date(2024, 1, 1)] * N, pa.date64()),
    "wide": pa.array([decimal.Decimal(i) for i in range(N)], pa.decimal256(50, 2)),
    "map": pa.array([[("a", 1)]] * N, pa.map_(pa.string(), pa.int64())),
    "months": pa.array([(1, 2, 3)] * N, pa.month_day_nano_interval()),
    "bytes": pa.array([b"ab"] * N, pa.binary(2)),
}


def test_an_unknown_type_is_never_text() -> None:
    found = equal(pa.table(ODD | {"k": pa.array(range(N))}), pa.table(ODD | {"k": pa.array(range(N))}))
    kinds = {"k": "integer", "half": "number", "day": "date", "wide": "number"}
    assert {c.column: c.kind for c in found.columns} == kinds
    assert {name for name, _ in found.left_out} == {"map", "months", "bytes"}
    objects = {"complex": np.arange(9) * 1j, "interval": pd.interval_range(0, 9, 9), "mixed": [1, "a", None] * 3}
    frame = pd.DataFrame(objects | {"month": pd.period_range("2024-01", periods=9, freq="M"), "sets": [{1}] * 9})
    found = equal(frame, frame)
    assert {c.column: c.kind for c in found.columns} == {"month": "datetime"}
    assert {name for name, _ in found.left_out} == {*objects, "sets"}
    with duckdb.connect() as c:
        relation = c.sql("select 'a'::enum('a') as e, timetz '10:00:00+02' as t, '1'::bit as b")
        found = kl.compare_tables(relation, pa.table({"e": ["a"], "t": [dt.time(10)], "b": [b"1"]}))
    assert {c.column: c.kind for c in found.columns} == {"e": "text", "t": "time"}
    assert [name for name, _ in found.left_out] == ["b"]


def test_columns_without_a_value_are_of_any_type() -> None:
    p = pl.DataFrame({"a": [1, 2] * 9, "b": ["x"] * 18, "d": [dt.date(2024, 1, 1)] * 18, "k": [1] * 18})
    for q in (p.with_columns(a=None, b=None, d=None), p.to_pandas().assign(a=None, b=None, d=None)):
        found = kl.compare_tables(p, q)
        assert found.different_types == ()
        assert {j.column for j in found.verdict(10).failures} == {"a", "b", "d"}
        assert {j.reason for j in found.verdict(10).failures} == {"empty"}
        again = kl.compare_tables(found.reference, q)
        assert [c.forward.value for c in again.columns] == [c.forward.value for c in found.columns]
    p.with_columns(a=None).write_csv("q.csv")
    assert [j.reason for j in kl.compare_tables(p, "q.csv", columns="a").verdict(10).failures] == ["empty"]


def test_a_column_that_only_changed_its_type() -> None:
    p, q = pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": ["1", "2"]})
    found = kl.compare_tables(p, q)
    assert found.columns == ()
    assert found.verdict(1).summary == "none of 1 column over 1 nats; 1 of another type"


def test_databases_by_url(folder: Path) -> None:
    frame = pl.DataFrame({"n": [i % 5 for i in range(90)], "c": [f"k{i % 3}" for i in range(90)]})
    with sqlite3.connect("x.db") as c:
        c.execute("create table t (n integer, c text)")
        c.executemany("insert into t values (?, ?)", frame.rows())
    c.close()
    with duckdb.connect("y.duckdb") as d:
        d.execute("create table t as select * from frame")
    for url in ("sqlite:///x.db", "sqlite:///x.db#t", "sqlite:///x.db?table=t", f"sqlite:///{folder}/x.db#t"):
        equal(url, frame)
    equal("duckdb:///y.duckdb#t", "sqlite:///x.db#t")
    for url, text in (
        ("sqlite:///x.db#u", "has no table 'u'; there are t"),
        ("duckdb:///y.duckdb#u", "has no table 'u'; there are t"),
        ("sqlite:///z.db#t", "no file 'z.db'"),
        ("nowhere://x/y#t", "cannot open 'nowhere://x/y#t'"),
        ("https://localhost/x", "ends in none of"),
        ("file:///x.csv", "give the path itself"),
    ):
        with pytest.raises(kl.InputError, match=text) as caught:
            kl.compare_tables(url, frame)
        assert "\n" not in str(caught.value)
    assert not Path("z.db").exists()


def test_passwords_are_not_shown() -> None:
    with pytest.raises(kl.InputError) as caught:
        kl.compare_tables("postgresql://me:secret@127.0.0.1:1/db?table=t&password=secret", pl.DataFrame({"a": [1]}))
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("how", ["csv", "parquet", "jsonl"])
def test_standard_input(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    frame = pl.DataFrame({"a": [1, 2] * 9, "b": ["x", "y"] * 9})
    data = io.BytesIO()
    {"csv": frame.write_csv, "parquet": frame.write_parquet, "jsonl": frame.write_ndjson}[how](data)

    class Input:
        buffer = io.BytesIO(data.getvalue())

    monkeypatch.setattr(sys, "stdin", Input)
    assert equal("-", frame).p == "standard input"
    Input.buffer.seek(0)
    with pytest.raises(kl.InputError, match="can be read once"):
        kl.compare_tables("-", "-")


def test_excel_where_its_reader_is_missing() -> None:
    Path("x.xlsx").write_bytes(b"PK")
    with pytest.raises(kl.InputError, match=r"needs a reader of Excel files|cannot read"):
        kl.compare_tables("x.xlsx", pl.DataFrame({"a": [1]}))


def test_excel() -> None:
    pytest.importorskip("openpyxl", reason="the reader of Excel files that pandas uses")
    frame = pd.DataFrame(
        {"n": [1.5, None, 3.0] * 6, "c": ["NA", "US", "DE"] * 6, "d": pd.date_range("2024-01-01", periods=18)}
    )
    frame.to_excel("t.xlsx", index=False)
    assert equal("t.xlsx", frame).p == "t.xlsx"


def test_files_that_are_not_there(folder: Path) -> None:
    Path("link.csv").symlink_to("gone")
    for name, text in (
        ("x.parquet", r"no file 'x.parquet' \(from "),
        ("nowhere/x.csv", "there is no folder 'nowhere'"),
        ("link.csv", "a link to 'gone', where there is nothing"),
    ):
        with pytest.raises(kl.InputError, match=text):
            kl.compare_tables(name, pl.DataFrame({"a": [1]}))


def damaged(data: dict[str, Any], how: str) -> None:
    column = data["columns"][0]
    if how == "kind":
        column["kind"] = "weight"
    elif how == "count gone":
        column["counts"].pop()
    elif how == "edges gone":
        del column["edges"]
    elif how == "edges mixed":
        column["edges"].reverse()
    elif how == "edges null":
        column["edges"][0] = None
    elif how == "rows":
        data["rows"] = -1
    elif how == "text":
        column["counts"][0][-1] = "many"
    elif how == "place":
        column["counts"][0][0] = "shelf"
    elif how == "twice":
        data["columns"].append(column)
    else:
        data["columns"] = 3


@pytest.mark.parametrize(
    "how",
    ["kind", "count gone", "edges gone", "edges mixed", "edges null", "rows", "text", "place", "twice", "columns"],
)
def test_a_damaged_reference_is_refused(how: str) -> None:
    frame = pl.DataFrame({"x": np.linspace(0, 1, 200), "c": ["a", "b"] * 100})
    reference = kl.compare_tables(frame, frame).reference
    reference.save("r.json")
    assert kl.tables.load("r.json").to_dict() == reference.to_dict()
    data = json.loads(Path("r.json").read_text(encoding="utf-8"))
    damaged(data, how)
    write("r.json", json.dumps(data))
    with pytest.raises(kl.InputError, match="is no reference that kullback saved, or is damaged"):
        kl.tables.load("r.json")


def test_spans_of_time_are_one_kind_in_every_unit() -> None:
    """Parquet has no type for them, pandas writes days and a clock, and a reference may be of another unit."""
    frame = pl.DataFrame({"d": [dt.timedelta(milliseconds=1500 * i) - dt.timedelta(days=1) for i in range(300)]})
    frame.write_parquet("t.parquet")
    frame.to_pandas().to_csv("t.csv", index=False)
    fine = frame.with_columns(pl.col("d").cast(pl.Duration("ns")))
    for other in ("t.parquet", "t.csv", fine, frame.to_pandas()):
        assert equal(frame, other)["d"].kind == "duration"
        assert kl.compare_tables(kl.compare_tables(fine, fine).reference, other)["d"].score == 0
    assert equal(frame, fine)["d"].terms["outcome"][-1].endswith("−23:52:31.5]")
    plain = kl.compare_tables(frame, pl.DataFrame({"d": range(300), "x": range(300)}).with_columns(pl.col("d") * 1500))
    assert plain.different_types == (("d", "Duration", "Int64"),)


def test_days_of_pandas_against_a_reference_of_days() -> None:
    """pandas has no type for days: moments that are all midnights are days."""
    days_ = pl.DataFrame({"d": [dt.date(2024, 1, 1) + dt.timedelta(days=i % 90) for i in range(300)]})
    reference = kl.compare_tables(days_, days_).reference
    frame = days_.to_pandas().astype({"d": "datetime64[ns]"})
    assert kl.compare_tables(reference, frame)["d"].score == 0
    assert kl.compare_tables(reference, days_.with_columns(pl.col("d").cast(pl.Datetime)))["d"].score == 0
    frame["d"] += pd.to_timedelta(1, "h")
    with pytest.raises(kl.InputError, match="no column"):
        kl.compare_tables(reference, frame)
