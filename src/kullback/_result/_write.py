"""A file on disk, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from kullback._result._errors import InputError


def whole(path: str | os.PathLike[str], data: str | bytes | memoryview, argument: str = "") -> None:
    """Text or bytes under `path`, by way of a file beside it that is moved into place when complete."""
    final = Path(path)
    part = final.with_name(f".{final.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
        os.replace(part, final)
    except OSError as error:
        named = f"{argument} = " if argument else ""
        raise InputError(f"{named}{os.fspath(path)!r} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
