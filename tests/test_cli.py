"""The command line: what people see, what machines read, and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from command import run

PENGUINS = str(Path(__file__).parent.parent / "examples" / "penguins.csv")
COLUMNS = "flipper_length_mm,bill_depth_mm"


def test_fit_of_the_penguins_as_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    picture = tmp_path / "out.png"
    code, out, err = run(
        capsys, "fit", PENGUINS, "--columns", COLUMNS, "--label", "species", "--json", "--plot", str(picture)
    )
    assert code == 0, err
    found = json.loads(out)
    assert found["schema"] == 1
    forward, reverse = found["fits"]["forward"], found["fits"]["reverse"]
    assert forward["parameters"]["loc"] == pytest.approx([200.915, 17.151], abs=6e-4)
    assert len(reverse["parameters"]["covariance_matrix"]) == 2
    assert reverse["regime"] == "seeking"
    assert set(reverse["reverse"]) >= {"value", "error", "error_kind", "method", "status"}
    assert [m["label"] for m in reverse["coverage"]["modes"] if not m["covered"]] == ["Gentoo"]
    assert found["advice"]["direction"] == "reverse"
    assert found["advice"]["reasons"]
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_fit_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "fit", "0.5*normal(0,1)+0.5*normal(8,1)", "--family", "normal")
    assert code == 0
    assert "seeking" in out
    assert "Use reverse" in out
    code, out, _ = run(capsys, "fit", "normal(0,1)", "--family", "laplace", "--direction", "forward", "--json")
    assert set(json.loads(out)["fits"]) == {"forward"}


def test_compare_plan_and_advise(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "compare", "normal(0,1)", "laplace(0,1)", "--json")
    assert code == 0
    assert json.loads(out)["forward"]["value"] == pytest.approx(0.072093208158)
    code, out, _ = run(capsys, "compare", "normal(0,1)", "cauchy(0,1)")
    assert "cross-entropy" in out
    code, out, _ = run(capsys, "compare", PENGUINS, "normal(200, 14)", "--columns", "flipper_length_mm", "--json")
    assert json.loads(out)["forward"]["error_kind"] == "standard_error"
    code, out, _ = run(capsys, "plan", "student_t(3,0,1)", "laplace(0,1)")
    assert "quadrature" in out
    code, out, _ = run(capsys, "plan", "student_t(3,0,1)", "laplace(0,1)", "--direction", "reverse", "--json")
    assert json.loads(out)["method"] == "quadrature"
    code, out, _ = run(capsys, "advise", "normal(0,1)", "--family", "laplace")
    assert "Use" in out
    code, out, _ = run(capsys, "advise", "normal(0,1)", "--need", "cover", "--json")
    assert json.loads(out)["advice"]["direction"] == "forward"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["fit", "nowhere.csv", "--columns", "a"], "no file 'nowhere.csv'"),
        (["fit", PENGUINS], "--columns"),
        (["fit", PENGUINS, "--columns", "species"], "not a number"),
        (["fit", PENGUINS, "--columns", "fliper_length_mm"], "did you mean 'flipper_length_mm'"),
        (["fit", PENGUINS, "--columns", COLUMNS, "--label", "sort"], "no column 'sort'"),
        (["fit", "normal(0,1)", "--family", "nromal"], "did you mean 'normal'"),
        (["fit", "normal(0,1)", "--columns", "a"], "go with a file"),
        (["fit", "normal(0,1)", "--plot", "out.bmp"], "bmp"),
        (["fit", "normal(0,1)", "--direction", "up"], "up"),
        (["fit", "normal(0,1)", "--speed", "3"], "--speed"),
        (["compare", "normal(0,-1)", "normal(0,1)"], "scale must be positive"),
        (["plan", PENGUINS, PENGUINS], "two files"),
        (["compare", "normal(0,1)"], "Q"),
        (["conquer"], "conquer"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], text: str
) -> None:
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert text in err
    assert "Traceback" not in err
    assert err.startswith("kullback: ")


def test_missing_values_are_counted_and_dropped_when_asked(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a\n1\n2\nNA\n5\n7\n", encoding="utf-8")
    code, _, err = run(capsys, "fit", str(path), "--columns", "a")
    assert code == 2
    assert "1 in a" in err
    code, out, _ = run(capsys, "fit", str(path), "--columns", "a", "--drop-missing", "--json")
    assert code == 0
    assert "1 of 5 rows dropped" in json.loads(out)["fits"]["forward"]["notes"][0]
