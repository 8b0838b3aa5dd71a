"""Results as files: one HTML page with its pictures, Markdown, or JSON."""

from __future__ import annotations

import os
from pathlib import Path

from kullback._format import dumps
from kullback._result import InputError, TableComparison, Verdict
from kullback._result._write import whole
from kullback.report._markdown import markdown
from kullback.report._page import page

ENDINGS = (".html", ".htm", ".md", ".json")


def understood(path: str | os.PathLike[str]) -> str:
    """The ending of `path`, refused before anything is measured if it names no known kind."""
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise InputError(f"report = {os.fspath(path)!r} must end in .html, .md or .json")
    folder = Path(path).parent
    if not folder.is_dir():
        raise InputError(f"report = {os.fspath(path)!r}: there is no folder {str(folder)!r}; make it first")
    return ending


def write(found: TableComparison, path: str | os.PathLike[str], verdict: Verdict | None = None) -> None:
    """The comparison, and what a gate says of it, as a file of the kind that its ending names, whole or not at all."""
    ending = understood(path)
    if ending == ".json":
        judged = {} if verdict is None else {"verdict": verdict.to_dict()}
        text = dumps({**found.to_dict(), **judged}) + "\n"
    elif ending == ".md":
        text = markdown(found, verdict)
    else:
        text = page(found, verdict)
    whole(path, text)


__all__ = ["markdown", "page", "understood", "write"]
