"""Where P has mass and Q has none, noticed while the terms are evaluated."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kullback._support import Array

FAINT = -690.0  # log p below which a place without q proves nothing: q may only have underflowed


class Gap:
    """The heaviest such place seen so far: `p` there, 0 while there is none, and `x`."""

    __slots__ = ("p", "x")

    def __init__(self) -> None:
        self.p: float = 0.0
        self.x: Any = math.nan

    def __bool__(self) -> bool:
        return self.p > 0

    def see(self, x: Array, log_p: Array, log_q: Array) -> Array:
        """Which of the points lie in the gap."""
        gone = (log_q == -np.inf) & (log_p > FAINT)
        if gone.any():
            worst = int(np.argmax(np.where(gone, log_p, -np.inf)))
            if math.exp(log_p[worst]) > self.p:
                self.p, self.x = math.exp(log_p[worst]), x[worst]
        return np.asarray(gone)
