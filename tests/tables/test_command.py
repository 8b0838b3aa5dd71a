"""`kullback compare` with two tables."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.cells import cell_len

import kullback as kl
from command import run
from kullback._result._column import brief, probability


@pytest.fixture
def names(files: tuple[Path, Path]) -> tuple[str, str]:
    return str(files[0]), str(files[1])


def test_for_people(capsys: pytest.CaptureFixture[str], names: tuple[str, str]) -> None:
    code, out, err = run(capsys, "compare", *names)
    assert (code, err) == (0, "")
    assert "KL(P‖Q)" in out
    assert "3,000 rows" in out
    assert "count: only Q has 15" in out


@pytest.mark.parametrize(("first", "why"), [("no_folder", "p: no file 'no_folder'"), ("", "name of the file is empty")])
def test_what_is_not_there_is_named(
    capsys: pytest.CaptureFixture[str], names: tuple[str, str], first: str, why: str
) -> None:
    code, out, err = run(capsys, "compare", first, names[1])
    assert (code, out) == (2, "")
    assert why in err


def test_for_machines_and_the_threshold(capsys: pytest.CaptureFixture[str], names: tuple[str, str]) -> None:
    code, out, err = run(capsys, "compare", *names, "--json", "--fail-over", "0.05", "--columns", "x,far,flag")
    assert code == 1
    assert err.startswith("kullback: 2 of 3 columns over 0.05 nats\n  far: ")
    assert [c["column"] for c in json.loads(out)["columns"]] == ["far", "x", "flag"]
    code, out, err = run(capsys, "compare", *names, "--json", "--fail-over", "0.2")
    assert (code, err) == (0, "")


def test_files_that_it_writes(capsys: pytest.CaptureFixture[str], names: tuple[str, str], tmp_path: Path) -> None:
    kept = tmp_path / "reference.json"
    code, out, err = run(
        capsys, "compare", *names, "--columns", "x,day,colour", "--by", "month",
        "--report", str(tmp_path / "out.html"), "--plot", str(tmp_path / "out.svg"), "--save-reference", str(kept),
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert "Q in 4 slices by month" in out
    assert {p.name for p in tmp_path.iterdir()} == {"out.html", "out.svg", "reference.json"}
    code, out, err = run(capsys, "compare", "--reference", str(kept), names[1], "--json")
    assert (code, err) == (0, "")
    first = json.loads(out)
    code, out, _ = run(capsys, "compare", *names, "--columns", "x,day,colour", "--json")
    assert [c["forward"]["value"] for c in first["columns"]] == [
        c["forward"]["value"] for c in json.loads(out)["columns"]
    ]


def test_bad_input_writes_nothing(capsys: pytest.CaptureFixture[str], names: tuple[str, str], tmp_path: Path) -> None:
    report = str(tmp_path / "out.md")
    for arguments, text in (
        (["compare", names[0], str(tmp_path / "none.parquet"), "--report", report], "no file"),
        (["compare", *names, "--columns", "y", "--report", report], "no column 'y'"),
        (["compare", *names, "--report", str(tmp_path / "out.pdf")], "must end in"),
        (["compare", *names, "--reference", "r.json"], "takes the place of P"),
        (["compare", names[0]], "needs P and Q"),
        (["compare", names[0], "normal(0, 1)", "--by", "month"], "--by go"),
        (["compare", "normal(0, 1)", "normal(1, 1)", "--fail-over", "1"], "--fail-over go"),
    ):
        code, out, err = run(capsys, *arguments)
        assert (code, out) == (2, ""), arguments
        assert err.startswith("kullback: ")
        assert text in err
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_on_standard_error(names: tuple[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kullback", "compare", *names, "--columns", "x"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_terminal_cuts_no_number(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    rng = np.random.default_rng(0)
    long = ["a_rather_long_name_of_a_column_with_many_words", "한국어 열 이름이 길어요 아주"]
    p = pl.DataFrame({name: rng.normal(size=500) for name in long})
    p.write_parquet(tmp_path / "p.parquet")
    q = p.with_columns(pl.col(long[0]) * 2, pl.col(long[1]) + 9)
    q.write_parquet(tmp_path / "q.parquet")
    monkeypatch.setenv("COLUMNS", str(width))
    code, out, _ = run(capsys, "compare", str(tmp_path / "p.parquet"), str(tmp_path / "q.parquet"))
    assert code == 0
    table = [line for line in out.splitlines() if line.startswith("│")]
    found = kl.compare_tables(p, q)
    for c in found.columns:
        # the first letters of the name: it is folded, and nothing else is
        (row,) = [line for line in table if line.startswith("│" + c.column[:3])]
        cells = [cell.strip() for cell in row.strip("│").split("│")]
        assert cells[1] in (f"∞ ({brief(c.forward.best)})", brief(c.forward.best))
        assert probability(c.p_value) in cells
    assert "…" not in "".join(table) or width == 120
    if width >= 60:
        assert max(cell_len(line) for line in table) <= width
    folded = "".join(line.strip("│").split("│")[0].strip() for line in table)
    assert long[0] in folded
