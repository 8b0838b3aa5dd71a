"""Every example in the README and the docs runs as written."""

from __future__ import annotations

import doctest
import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "README.ko.md", *sorted((ROOT / "docs").glob("*.md"))]
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
