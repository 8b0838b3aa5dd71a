"""Every example in the README and the docs runs as written."""

from __future__ import annotations

import doctest
import importlib.util
import os
import re
import shlex
from contextlib import nullcontext
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "README.ko.md", *sorted((ROOT / "docs").glob("*.md"))]
NATS = r"(?<=price: )[\d.]+|(?<=at least )[\d.]+"
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
LONG = {"gallery.md": "kl.from_model("}  # by page: what stands in a long example, which no other one builds on
RUNS = [pytest.param(page, False, id=page.name) for page in PAGES]
RUNS += [
    pytest.param(page, True, id=f"all of {page.name}", marks=pytest.mark.slow) for page in PAGES if page.name in LONG
]


@pytest.mark.parametrize(("page", "whole"), RUNS)
def test_examples_run(page: Path, whole: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    text = page.read_text(encoding="utf-8")
    scope: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        if not whole and page.name in LONG and LONG[page.name] in block:
            continue
        if block.lstrip().startswith(">>>"):
            test = doctest.DocTestParser().get_doctest(block, scope, page.name, str(page), 0)
            runner = doctest.DocTestRunner(optionflags=FLAGS)
            runner.run(test, clear_globs=False)
            assert runner.summarize(verbose=False).failed == 0
            scope.update(test.globs)
        else:
            exec(compile(block, str(page), "exec"), scope)


def test_the_commands_of_the_page_on_gates_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its Python first, which writes the files; then each command, with the exit code that stands beside it."""
    from kullback._cli import main

    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    scope: dict[str, object] = {}
    exec(compile("\n".join(blocks), "ci.md", "exec"), scope)
    for name, test in scope.items():
        if name.startswith("test_"):
            assert callable(test)
            test()
    assert re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)[0].strip() in blocks[0]
    commands = re.findall(r"^kullback (compare .*?)(?: > \S+)?\s+# exits with (\d)$", text, flags=re.MULTILINE)
    assert len(commands) == 8
    for command, code in sorted(commands, key=lambda c: "--save-reference" not in c[0]):
        with pytest.raises(SystemExit) if code != "0" else nullcontext() as stop:
            without = ["--config", os.devnull] if "--fail-over" in command else []  # the page comes to settings later
            main([*shlex.split(command), *without])
        assert stop is None or stop.value.code == int(code), command
        err = capsys.readouterr().err
        if command.startswith("compare january.parquet broken"):
            shown = re.findall(r"```text\n(.*?)```", text, re.DOTALL)[0]
            assert re.sub(NATS, "#", err) == re.sub(NATS, "#", shown)


def test_the_table_of_pairs_is_what_the_code_says() -> None:
    spec = importlib.util.spec_from_file_location("pairs", ROOT / "docs" / "pairs.py")
    assert spec is not None
    assert spec.loader is not None
    pairs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pairs)
    assert (ROOT / "docs" / "pairs.md").read_text(encoding="utf-8") == pairs.page(), "run python docs/pairs.py"


def test_the_rules_of_advice_stand_in_the_page() -> None:
    from kullback._advise import RULES

    page = (ROOT / "docs" / "choose.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| (\w+) \|", page, flags=re.MULTILINE)
    assert [key for key in found if key not in ("rule", "only")] == [rule.key for rule in RULES]
