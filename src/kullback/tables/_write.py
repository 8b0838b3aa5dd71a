"""A file on disk, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from kullback._result import InputError


def whole(path: str | os.PathLike[str], text: str) -> None:
    """The text under `path`, by way of a file beside it that is moved into place when complete."""
    final = Path(path)
    part = final.with_name(f".{final.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, final)
    except OSError as error:
        raise InputError(f"{os.fspath(path)!r} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
