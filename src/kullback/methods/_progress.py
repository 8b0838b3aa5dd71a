"""One line on a terminal's standard error for what takes long; nothing in a pipe."""

from __future__ import annotations

import sys
import time
from types import TracebackType

PATIENCE = 2.0  # seconds without a word


class Progress:
    """`with Progress() as say: … say("half way")`: shown after two seconds, and wiped at the end."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._width = 0

    def __enter__(self) -> Progress:
        return self

    def __call__(self, text: str) -> None:
        if time.monotonic() - self._start < PATIENCE or sys.stderr is None or not sys.stderr.isatty():
            return
        sys.stderr.write("\r" + text.ljust(self._width))
        sys.stderr.flush()
        self._width = len(text)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")
            sys.stderr.flush()
