"""`kullback compare` with two tables."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kullback._cli import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = 0
    try:
        main(list(arguments))
    except SystemExit as stop:
        code = int(stop.code or 0)
    out = capsys.readouterr()
    return code, out.out, out.err


@pytest.fixture
def names(files: tuple[Path, Path]) -> tuple[str, str]:
    return str(files[0]), str(files[1])


def test_for_people(capsys: pytest.CaptureFixture[str], names: tuple[str, str]) -> None:
    code, out, err = run(capsys, "compare", *names)
    assert (code, err) == (0, "")
    assert "KL(P‖Q)" in out
    assert "3,000 rows" in out
    assert "count: only Q has 15" in out


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
