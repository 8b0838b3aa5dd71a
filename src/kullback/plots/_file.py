"""A picture on disk: whole or not at all, and the same bytes every time."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

from kullback._result import InputError
from kullback._result._write import whole

# A date would make every file differ from the last.
ENDINGS: dict[str, dict[str, Any]] = {
    ".png": {},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None, "ModDate": None},
}


def understood(path: str | os.PathLike[str] | None) -> str:
    """The ending of `path`, refused before anything is drawn if it names no known kind."""
    if path is None:
        return ""
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise InputError(f"path = {os.fspath(path)!r} must end in .png, .svg or .pdf")
    folder = Path(path).parent
    if not folder.is_dir():
        raise InputError(f"path = {os.fspath(path)!r}: there is no folder {str(folder)!r}; make it first")
    return ending


def write(figure: Any, path: str | os.PathLike[str] | None, ending: str) -> None:
    """The figure under `path`, by way of a file beside it that is moved into place when complete."""
    if path is None:
        return
    buffer = io.BytesIO()
    figure.savefig(buffer, format=ending[1:], metadata=ENDINGS[ending])
    whole(path, buffer.getbuffer(), "path")
