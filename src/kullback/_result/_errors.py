"""The errors, one tree:

KullbackError
├── InputError        (also a ValueError)   an argument's value is wrong
├── KindError         (also a TypeError)    an argument is of a kind that cannot serve here
├── MissingExtraError (also an ImportError) an optional dependency is not installed
└── NoMethodError     (also a ValueError)   no method applies, with each one's reason

Every text says what was wrong, which argument, the values, and the next step.
"""

from __future__ import annotations


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
