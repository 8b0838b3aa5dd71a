"""The errors, one tree:

KullbackError
├── InputError        (also a ValueError)   an argument's value is wrong
├── KindError         (also a TypeError)    an argument is of a kind that cannot serve here
├── MissingExtraError (also an ImportError) an optional dependency is not installed
├── NoMethodError     (also a ValueError)   no method applies, with each one's reason
└── CheckError        (also an AssertionError) two tables did not pass their thresholds

Every text says what was wrong, which argument, the values, and the next step.
"""

from __future__ import annotations

from typing import Any


class KullbackError(Exception):
    """The root of every error that kullback raises on purpose."""


class InputError(KullbackError, ValueError):
    """An argument's value is wrong."""


class KindError(KullbackError, TypeError):
    """An argument is of a kind that cannot serve here."""


class MissingExtraError(KullbackError, ImportError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        way = f'pip install "kullback[{extra}]", in a clone: pip install ".[{extra}]"'
        super().__init__(f"{purpose} needs {package}. Install it with: {way}")


class NoMethodError(KullbackError, ValueError):
    """No method applies to this pair."""


class CheckError(KullbackError, AssertionError):
    """Two tables did not pass their thresholds; `verdict` says what failed, and why."""

    def __init__(self, message: str, verdict: Any = None) -> None:
        super().__init__(message)
        self.verdict = verdict
