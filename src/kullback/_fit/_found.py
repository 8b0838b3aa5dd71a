"""A local optimum as its fitter tells it."""

from __future__ import annotations

from typing import NamedTuple

from kullback._distribution import Density
from kullback._result import Status


class Local(NamedTuple):
    """Q where P lives, the objective there (up to log Z where that is unknown), and how the search ended."""

    q: Density
    value: float
    gradient: float
    status: Status
    start: str
    detail: str = ""
