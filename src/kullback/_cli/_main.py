"""The command line's end: every exit has its code, and what spilled is cleaned away."""

from __future__ import annotations

import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

from cyclopts import CycloptsError

from kullback._cli._app import app
from kullback._format import visible
from kullback._result import KullbackError


def main(arguments: list[str] | None = None) -> None:
    """Run the command line: 0 well, 1 a threshold passed, 2 bad input, 3 a bug, 130 on Ctrl-C, 143 when ended."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal without these letters gets marks in their place
            stream.reconfigure(errors="replace")
    ended: list[int] = []
    with _ending(ended):
        try:
            app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
        except (KullbackError, CycloptsError) as error:
            _leave(str(error).strip(), 2)
        except KeyboardInterrupt as stop:
            _leave("ended" if ended else str(stop) or "stopped", 143 if ended else 130)
        except BrokenPipeError:
            sys.stderr.close()
            raise SystemExit(0) from None
        except OSError as error:
            _leave(f"cannot write the result: {error}", 2)
        except Exception as error:
            _leave(f"internal error, {_place(error)}. This is a bug: please report it with the command line", 3)


@contextmanager
def _ending(ended: list[int]) -> Iterator[None]:
    """While it runs, the signal that ends a job is taken as Ctrl-C is, so that what spilled is cleaned away."""

    def stop(number: int, _: object) -> None:
        ended.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _place(error: Exception) -> str:
    """What went wrong, and where, in one line."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    first = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first} ({Path(last.filename).name}, line {last.lineno})"


def _leave(message: str, code: int) -> None:
    sys.stderr.write("\n".join(map(visible, f"kullback: {message}".split("\n"))) + "\n")
    raise SystemExit(code)
