"""An array of distributions, whose members are made when asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kullback._distribution._density import Density
from kullback._distribution._discrete import Discrete


class Batch:
    """Distributions in an array of that shape; `member(index)` makes one of them.

    `parameters` are those of all members by name, as arrays of that shape, where each is one number a member and
    `family` is the word that they all are.
    """

    __slots__ = ("_member", "family", "name", "parameters", "shape")

    def __init__(
        self,
        shape: tuple[int, ...],
        member: Callable[[tuple[int, ...]], Density | Discrete],
        *,
        name: str = "",
        family: str = "",
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        self.shape = shape
        self.family = family
        self.parameters = {k: np.broadcast_to(v, shape) for k, v in (parameters or {}).items()}
        self._member = member
        self.name = name

    def __getitem__(self, index: tuple[int, ...]) -> Density | Discrete:
        return self._member(index)

    def __repr__(self) -> str:
        return f"a batch of shape {self.shape} of {self.name or 'distributions'}"
