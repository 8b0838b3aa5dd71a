"""One line on a terminal's standard error for what takes long; nothing in a pipe."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

PATIENCE = 1.0  # seconds without a word
Rows = TypeVar("Rows", bound=Callable[..., Any])


def followed(rows: Rows, say: Callable[[str], None], what: str) -> Rows:
    """The same function, telling how many points it has been asked for; they are its last argument."""
    asked = 0

    def tell(*points: Any) -> Any:
        nonlocal asked
        found = rows(*points)
        asked += len(points[-1])
        say(f"{what}: {asked:.2g} points")
        return found

    return tell  # type: ignore[return-value]


class Progress:
    """`with Progress() as say: … say("half way")`: shown after a second, and wiped at the end.

    What was said before is shown then too, as the second may pass in one long step.
    """

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._width = 0
        self._text = ""
        self._seen = sys.stderr is not None and sys.stderr.isatty()
        self._later: threading.Timer | None = None

    def __enter__(self) -> Progress:
        return self

    def __call__(self, text: str) -> None:
        self._text = text
        if not self._seen:
            return
        if time.monotonic() - self._start >= PATIENCE:
            self._show()
        elif self._later is None:
            self._later = threading.Timer(PATIENCE, self._show)
            self._later.daemon = True
            self._later.start()

    def _show(self) -> None:
        sys.stderr.write("\r" + self._text.ljust(self._width))
        sys.stderr.flush()
        self._width = len(self._text)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._later is not None:
            self._later.cancel()
        if self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")
            sys.stderr.flush()
