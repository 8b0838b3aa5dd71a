"""The same draws on both sides, which leave nothing between them."""

from __future__ import annotations

import numpy as np

from kullback._distribution import Measured, Sample
from kullback._result import Divergence, Status
from kullback.methods._request import Request


class SameDraws:
    """Zero for one and the same set of draws: the corrections of the other estimators are for independent ones."""

    name = "same draws"
    random = False

    def applies(self, p: Measured, q: Measured) -> str | None:
        if not (isinstance(p, Sample) and isinstance(q, Sample)):
            return "needs draws on both sides"
        if p.x.shape != q.x.shape or not np.array_equal(p.design.shares, q.design.shares):
            return "P and Q are different draws"
        return None if np.array_equal(p.x, q.x) else "P and Q are different draws"

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence:
        note = "P and Q are the same draws; how far draws of one distribution fall apart, others tell"
        return Divergence(0.0, 0.0, "standard_error", method=self.name, status=Status.ESTIMATED, notes=(note,))
