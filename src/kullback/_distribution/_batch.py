"""An array of distributions, whose members are made when asked for."""

from __future__ import annotations

from collections.abc import Callable

from kullback._distribution._density import Density
from kullback._distribution._discrete import Discrete


class Batch:
    """Distributions in an array of that shape; `member(index)` makes one of them."""

    __slots__ = ("_member", "name", "shape")

    def __init__(
        self, shape: tuple[int, ...], member: Callable[[tuple[int, ...]], Density | Discrete], *, name: str = ""
    ) -> None:
        self.shape = shape
        self._member = member
        self.name = name

    def __getitem__(self, index: tuple[int, ...]) -> Density | Discrete:
        return self._member(index)

    def __repr__(self) -> str:
        return f"a batch of shape {self.shape} of {self.name or 'distributions'}"
