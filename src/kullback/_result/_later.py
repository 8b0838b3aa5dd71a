"""A value that is made when it is first asked for, and kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from kullback.numerics.quiet import quiet

T = TypeVar("T")


class Later(Generic[T]):
    """`later()` is the value; what no one asks for is never made."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], T]) -> None:
        self._make: Callable[[], T] | None = make
        self._made: list[T] = []

    @classmethod
    def of(cls, value: T) -> Later[T]:
        """A value that is known already."""
        return cls(lambda: value)

    @quiet
    def __call__(self) -> T:
        make = self._make
        if make is not None:  # two threads that come at once make the same value
            self._made = [make()]
            self._make = None  # and what it was made of may go
        return self._made[0]
