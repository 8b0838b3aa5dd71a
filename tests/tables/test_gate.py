"""The gate: what fails, what passes, and what a run of equal tables may do."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import command
import kullback as kl
from kullback._cli import _tables


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    return command.run(capsys, "compare", *arguments)


def normals(n: int, shift: float, seed: int, columns: int = 6) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame({f"c{i}": rng.normal(shift if i == 0 else 0, 1, n) for i in range(columns)})


def mixed(rng: np.random.Generator, n: int) -> pl.DataFrame:
    """Thirty columns of every kind that has many ties, rare values or a heavy tail."""
    columns: dict[str, Any] = {f"n{i}": rng.normal(size=n) for i in range(10)}
    columns |= {f"t{i}": [f"c{v}" for v in np.minimum(rng.zipf(1.7, n), 60)] for i in range(7)}
    columns |= {f"rare{i}": rng.random(n) < 0.01 for i in range(4)}
    columns |= {f"zero{i}": np.where(rng.random(n) < 0.5, 0, rng.lognormal(0, 2, n)) for i in range(4)}
    return pl.DataFrame(columns | {f"p{i}": rng.poisson(4, n) for i in range(5)})


def alarms(runs: int, rows: tuple[tuple[int, int], ...]) -> tuple[int, int]:
    found = 0
    for n, m in rows:
        for seed in range(runs):
            rng = np.random.default_rng([n, m, seed])
            found += not kl.compare_tables(mixed(rng, n), mixed(rng, m)).verdict(0.1)
    return found, runs * len(rows)


def test_equal_tables_pass_whatever_their_size() -> None:
    # of 8 runs at a level of 5 % more than 3 alarm with probability 4e-4; the values themselves are over in most
    found, runs = alarms(2, ((50, 50), (1000, 30), (1000, 100), (1000, 1000)))
    assert runs == 8
    assert found <= 3


@pytest.mark.slow
def test_the_level_of_the_gate() -> None:
    found, runs = alarms(60, ((30, 30), (50, 50), (1000, 30), (1000, 100), (1000, 300), (5000, 1000), (1000, 1000)))
    assert found <= 0.05 * runs + 2 * (0.05 * 0.95 * runs) ** 0.5


@pytest.mark.parametrize(("n", "m", "shift"), [(1000, 1000, 0.8), (1000, 100, 1.2), (1000, 30, 2.0), (5000, 300, 1.0)])
def test_what_is_far_fails(n: int, m: int, shift: float) -> None:
    """KL of normals apart is shift²/2, far over the threshold; one of six columns moved."""
    verdict = kl.compare_tables(normals(n, 0, 1), normals(m, shift, 2)).verdict(0.1)
    assert [j.name for j in verdict.failures] == ["c0"]
    (failure,) = verdict.failures
    assert 0.1 < failure.lower < shift**2 / 2
    assert failure.lower < failure.value
    assert verdict.summary.startswith("1 of 6 columns over 0.1 nats")


@pytest.mark.parametrize("rows", [3, 5])
def test_a_few_rows_that_lie_elsewhere_fail_among_many_columns(rows: int) -> None:
    """All rows of a batch lie beyond all of P: of 1,000 + 3 rows the chance is 6e-9, and the lower end says so too."""
    verdict = kl.compare_tables(normals(1000, 0, 1, 30), normals(rows, 100, 2, 30)).verdict(0.1)
    (failure,) = verdict.failures
    # that all rows lie beyond has, at a 30th of 2.5 %, the share (1/1200)^(1/rows) at least; P's is at most 7/1000
    share, most = (0.05 / 60) ** (1 / rows), 7.1 / 1000
    least = share * np.log(share / most) + (1 - share) * np.log((1 - share) / (1 - most))
    assert 0.1 < failure.lower < failure.value
    assert least / 3 < failure.lower < 8 * least


def test_the_lower_end_is_that_of_an_interval_at_the_level_of_all() -> None:
    found = kl.compare_tables(normals(1000, 0, 1, 30), normals(1000, 1, 2, 30))
    failure = next(j for j in found.verdict(0.0).judged if j.column == "c0")
    ends = [d.low_at(1 - 0.05 / 30) for d in (found["c0"].forward, found["c0"].reverse) if d.low_at is not None]
    assert failure.lower == max(ends) < max(d.interval[0] for d in (found["c0"].forward, found["c0"].reverse))


def test_what_is_near_is_not_sure() -> None:
    found = kl.compare_tables(normals(1000, 0, 1, 30), normals(1000, 0.5, 2, 30))  # KL 0.125
    assert found["c0"].score > 0.1
    assert found.verdict(0.1)
    assert "c0 may be over, not surely" in found.verdict(0.1).summary
    assert [j.column for j in found.verdict(0.1, judge="value").failures] == ["c0"]
    assert found.verdict(0.1, judge="value").failures[0].column == found.over(0.1)[0].column


def test_thresholds_by_column() -> None:
    found = kl.compare_tables(normals(2000, 0, 1), normals(2000, 1.0, 2))  # KL 0.5
    assert not found.verdict(0.1)
    assert found.verdict(0.1, thresholds={"c0": 1.0})
    assert [j.name for j in found.verdict(thresholds={"c0": 0.2}).judged] == ["c0"]
    assert not found.verdict(thresholds={"c0": 0.2})
    assert found.verdict(thresholds={"c1": 0.2})
    with pytest.raises(kl.InputError, match="threshold for 'c00', which was not compared; did you mean 'c0'"):
        found.verdict(0.1, thresholds={"c00": 1.0})
    for bad in (float("nan"), -1, float("inf"), "x", True):
        with pytest.raises(kl.InputError, match="must be a number of nats"):
            found.verdict(bad)  # type: ignore[arg-type]
        with pytest.raises(kl.InputError, match="must be a number of nats"):
            found.verdict(0.1, thresholds={"c0": bad})  # type: ignore[dict-item]
    with pytest.raises(kl.InputError, match="needs a threshold"):
        found.verdict()
    with pytest.raises(kl.InputError, match="judge must be"):
        found.verdict(0.1, judge="mean")  # type: ignore[arg-type]


P = pl.DataFrame({"kept": [1, 2] * 60, "gone": [1, 2] * 60, "age": [30, 40] * 60, "empty": ["a", "b"] * 60})
Q = pl.DataFrame({"kept": [1, 2] * 60, "age": ["30", "x"] * 60, "empty": [None, None] * 60, "new": [1, 2] * 60})


@pytest.mark.parametrize(
    ("options", "reasons"),
    [
        ({}, {"gone": "gone", "age": "type", "empty": "empty"}),
        ({"allow_missing_columns": True}, {"age": "type"}),
        ({"allow_type_change": True}, {"gone": "gone", "empty": "empty"}),
        ({"allow_missing_columns": True, "allow_type_change": True}, {}),
    ],
)
def test_what_cannot_be_compared_fails(options: dict[str, bool], reasons: dict[str, str]) -> None:
    verdict = kl.compare_tables(P, Q.with_columns(pl.col("empty").cast(pl.String))).verdict(5.0, **options)
    assert {j.column: j.reason for j in verdict.failures} == reasons
    if not options:
        assert verdict.summary == "none of 4 columns over 5 nats; 1 missing; 1 wholly missing; 1 of another type"


def test_columns_that_are_named_may_be_gone() -> None:
    found = kl.compare_tables(P, Q, columns=["kept", "gone"])
    assert found.only_p == ("gone",)
    assert [c.column for c in found.columns] == ["kept"]
    assert not found.verdict(1)
    assert kl.compare_tables(P, Q, exclude=["gone", "age", "empty"]).check(1)
    with pytest.raises(kl.InputError, match="no column 'gon'; did you mean 'gone'"):
        kl.compare_tables(P, Q, exclude="gon")
    with pytest.raises(kl.InputError, match="no column is left"):
        kl.compare_tables(P, P, columns="kept", by="kept")


def test_a_column_that_cannot_be_counted_is_left_out() -> None:
    lists = pl.DataFrame({"a": [1, 2], "tags": [["x"], ["y", "z"]]})
    found = kl.compare_tables(lists, lists)
    assert [name for name, _ in found.left_out] == ["tags"]
    assert "tags was not compared: it holds lists" in repr(found)
    assert [j.reason for j in found.verdict(1).failures] == ["uncounted"]
    assert kl.compare_tables(lists, lists, exclude="tags").check(1)
    with pytest.raises(kl.InputError, match="no column is left to compare: column 'tags' holds lists"):
        kl.compare_tables(lists, lists, columns="tags")


def test_slices_and_joint_are_judged() -> None:
    rng = np.random.default_rng(0)
    p = pl.DataFrame({"x": rng.normal(size=4000), "day": [0] * 4000})
    days = np.repeat([1, 2, 3, 4], 1000)
    q = pl.DataFrame({"x": rng.normal(size=4000) + 2.0 * (days == 3), "day": days})
    found = kl.compare_tables(p, q, by="day")
    failed = {j.name for j in found.verdict(0.4).failures}
    assert failed == {"x in 3"}
    assert found.verdict(0.4).summary == "none of 1 column over 0.4 nats; 1 of 4 slices"
    x, y = rng.normal(size=(2, 2000)), rng.normal(size=(2, 2000))
    p = pl.DataFrame({"a": x[0], "b": 0.9 * x[0] + 0.19**0.5 * x[1]})
    q = pl.DataFrame({"a": y[0], "b": -0.9 * y[0] + 0.19**0.5 * y[1]})
    found = kl.compare_tables(p, q, joint=["a", "b"])
    assert [j.joint for j in found.verdict(0.5).failures] == [True]
    assert found.verdict(0.5).summary == "none of 2 columns over 0.5 nats; a, b together over"
    assert found.verdict(0.5, thresholds={"a, b": 50})


def test_check_raises_what_a_test_fails_by() -> None:
    found = kl.compare_tables(P, Q)
    with pytest.raises(AssertionError, match="1 missing") as caught:
        found.check(0.1)
    assert isinstance(caught.value, kl.CheckError)
    assert isinstance(caught.value, kl.KullbackError)
    assert "gone: is not in Q" in str(caught.value)
    assert not caught.value.verdict.passed
    assert kl.compare_tables(P, P).check(0.1).passed


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    P.select("kept", "gone", "age").write_csv("p.csv")
    pl.DataFrame({"kept": [1] * 110 + [2] * 10, "age": [30, 40] * 60}).write_csv("q.csv")
    return tmp_path


def test_the_command_names_what_failed(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    code, out, err = run(capsys, "p.csv", "q.csv", "--fail-over", "0.1")
    assert code == 1
    assert out.startswith("failed: 1 of 3 columns over 0.1 nats; 1 missing\n")
    lines = err.splitlines()
    assert lines[0] == "kullback: 1 of 3 columns over 0.1 nats; 1 missing"
    assert [line.split(":")[0].strip() for line in lines[1:]] == ["gone", "kept"]
    allowed = ("--fail-over", "0.1", "--fail-over", "kept=2", "--allow-missing-columns")
    code, out, err = run(capsys, "p.csv", "q.csv", *allowed)
    assert (code, err) == (0, "")
    assert out.startswith("passed: none of 2 columns over their thresholds\n")
    code, out, err = run(capsys, "p.csv", "q.csv", "--fail-over", "0.1", "--exclude", "kept,gone")
    assert (code, err) == (0, "")


def test_formats_for_machines(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    code, out, _ = run(capsys, "p.csv", "q.csv", "--fail-over", "0.1", "--format", "json")
    found = json.loads(out)["verdict"]
    assert (code, found["passed"], len(found["failures"])) == (1, False, 2)
    code, out, _ = run(capsys, "p.csv", "q.csv", "--fail-over", "0.1", "--format", "junit")
    suite = ET.fromstring(out.encode())[0]
    assert (code, suite.get("tests"), suite.get("failures")) == (1, "3", "2")
    assert {case.get("name") for case in suite.iter("testcase") if case.find("failure") is not None} == {"gone", "kept"}
    code, out, _ = run(capsys, "p.csv", "q.csv", "--fail-over", "0.1", "--format", "github")
    assert [line.split(" ")[0] for line in out.splitlines()] == ["::error"] * 3
    code, out, err = run(capsys, "p.csv", "q.csv", "--format", "junit")
    assert (code, out) == (2, "")
    assert "give --fail-over" in err


def test_names_cannot_leave_their_place(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    name = "a\n::stop-commands::x%0A,<b>&\"'\x00\x1b[31m"
    pl.DataFrame({name: ["u", "v"] * 60}).write_parquet("p.parquet")
    pl.DataFrame({name: ["w", "x"] * 60}).write_parquet("q.parquet")
    code, out, _ = run(capsys, "p.parquet", "q.parquet", "--fail-over", "0.1", "--format", "github")
    assert code == 1
    assert all(line.startswith("::error title=kullback") for line in out.splitlines())
    assert "%250A" in out
    code, out, _ = run(capsys, "p.parquet", "q.parquet", "--fail-over", "0.1", "--format", "junit")
    assert ET.fromstring(out.encode())[0].get("failures") == "1"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--fail-over", "nan"], "must be a number of nats"),
        (["--fail-over", "-1"], "must be a number of nats"),
        (["--fail-over", "kept=inf"], "must be a number of nats"),
        (["--fail-over", "lots"], "is no threshold; write 0.1"),
        (["--fail-over", "kep=1"], "did you mean 'kept'"),
        (["--fail-over", "=0.1"], "is no threshold; write 0.1"),
        (["--date-format", "%Q"], "date_format = '%Q' is not understood"),
        (["--threads", "0"], "threads must be a whole number, at least 1"),
        (["--threads", "-3"], "threads must be a whole number, at least 1"),
        (["--every", "1d"], "goes with by"),
        (["--drop-missing"], "--drop-missing goes with one file"),
        (["--columns", "kept", "--by", "kept"], "no column is left to compare"),
        (["--config", "none.toml"], "cannot read the settings"),
    ],
)
def test_what_is_refused(capsys: pytest.CaptureFixture[str], files: Path, arguments: list[str], text: str) -> None:
    code, out, err = run(capsys, "p.csv", "p.csv", *arguments)
    assert (code, out) == (2, "")
    assert text in err


def test_a_bug_is_neither_drift_nor_input(
    capsys: pytest.CaptureFixture[str], files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("division by zero\nmore")

    monkeypatch.setattr(_tables, "run", broken)
    code, _, err = run(capsys, "p.csv", "q.csv")
    assert code == 3
    assert err.startswith("kullback: internal error, ZeroDivisionError: division by zero (")
    assert err.count("\n") == 1


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_job_that_is_ended_leaves_nothing(tmp_path: Path, sent: signal.Signals, code: int) -> None:
    """The signal comes while DuckDB counts: the folder for what spills is there then."""
    rng = np.random.default_rng(0)
    pl.DataFrame({f"c{i}": rng.lognormal(0, 3, 400_000) for i in range(30)}).write_parquet(tmp_path / "a.parquet")
    spill = tmp_path / "spill"
    spill.mkdir()
    script = f"import os, tempfile; tempfile.tempdir = {str(spill)!r}; from kullback._cli import main; main()"
    arguments = ["compare", str(tmp_path / "a.parquet"), str(tmp_path / "a.parquet"), "--threads", "1"]
    job = subprocess.Popen([sys.executable, "-c", script, *arguments], stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    until = time.monotonic() + 60
    while not list(spill.iterdir()) and job.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    job.send_signal(sent)
    _, err = job.communicate(timeout=60)
    assert job.returncode == code, err
    assert err.count(b"\n") == 1
    assert list(spill.iterdir()) == []


SETTINGS = """
exclude = ["gone"]
by = "kept"
fail-over = 0.1
judge = "value"
report = "out.md"
null = "NA"
[thresholds]
age = 0.5
"""


def test_settings_of_a_folder(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    Path("kullback.toml").write_text(SETTINGS, encoding="utf-8")
    code, out, err = run(capsys, "p.csv", "q.csv")
    assert (code, err) == (0, "")
    assert "passed: none of 1 column over their thresholds; none of 2 slices" in out
    assert "Settings of kullback.toml" in out
    assert "Q in 2 slices by kept" in out
    assert Path("out.md").is_file()
    rules = kl.tables.settings()
    assert (rules.exclude, rules.thresholds, rules.csv.null) == (["gone"], {"age": 0.5}, ["NA"])
    assert rules.check(rules.compare("p.csv", "q.csv")).passed
    code, out, err = run(capsys, "p.csv", "q.csv", "--exclude", "kept")
    assert code == 1  # what the command line says stands in the place of the file's: gone is judged now
    assert err.splitlines()[1:] == [line for line in err.splitlines() if line.startswith("  gone")]


def test_settings_of_a_project(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    Path("pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    assert not kl.tables.settings().judges
    text = "[tool.kullback]\ncolumns = ['age']\nfail_over = 0.1\nreference = 'r.json'\n"
    Path("pyproject.toml").write_text(text, encoding="utf-8")
    code, _, err = run(capsys, "p.csv", "q.csv", "--save-reference", "r.json")
    assert (code, err) == (0, "")
    code, out, err = run(capsys, "q.csv", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["verdict"]["summary"] == "none of 1 column over 0.1 nats"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("excluded = ['x']", "unknown setting 'excluded'; did you mean exclude"),
        ("fail-over = 'x'", "fail-over must be a number of nats, not 'x'"),
        ("fail-over = nan", "must be a number of nats"),
        ("thresholds = 0.1", "thresholds must be a table of columns and nats"),
        ("columns = 3", "columns must be a list of names"),
        ("threads = true", "threads must be a whole number"),
        ("by = 1", "by must be a text"),
        ("allow-type-change = 'yes'", "must be true or false"),
        ("fail-over = ", "are no TOML"),
    ],
)
def test_settings_that_are_wrong(tmp_path: Path, text: str, match: str) -> None:
    (tmp_path / "k.toml").write_text(text, encoding="utf-8")
    with pytest.raises(kl.InputError, match=match):
        kl.tables.settings(tmp_path / "k.toml")


def test_names_that_need_quotes(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    pl.DataFrame({"a,b": [1, 2] * 9, " c": [1, 2] * 9, "d": [1, 2] * 9, "e=f": [1, 2] * 9}).write_parquet("n.parquet")

    def columns(*given: str) -> set[str]:
        code, out, err = run(capsys, "n.parquet", "n.parquet", "--json", *given)
        assert (code, err) == (0, "")
        return {c["column"] for c in json.loads(out)["columns"]}

    assert columns("--columns", '"a,b",d') == {"a,b", "d"}
    assert columns("--columns", '" c"') == {" c"}
    assert columns("--columns", "d", "--columns", "e=f") == {"d", "e=f"}
    assert columns("--exclude", 'd, "a,b"', "--fail-over", "e=f=0.2") == {" c", "e=f"}
