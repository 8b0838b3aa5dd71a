"""What a fit minimises: pure functions of theta, each with its gradient.

Forward: −E_P log q, on nodes of P or on draws. Reverse: E_q[log q − log p], on nodes of q; its gradient is
E_q[∂log q·(log q − log p)], for which P needs no derivative.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kullback._support import Array
from kullback.families import Family

Objective = Callable[[Array], tuple[float, Array]]


def forward(family: Family, y: Array, w: Array) -> Objective:
    """Cross-entropy of the weighted points y (n, d) with the member of theta."""

    def value_and_gradient(theta: Array) -> tuple[float, Array]:
        log_q, score = family.log_prob(theta, y)
        return -float(w @ log_q), -(w @ score)

    return value_and_gradient


def reverse(family: Family, log_p: Callable[[Array], Array], dim: int, level: int, breaks: Array) -> Objective:
    """KL(q‖p) in standard coordinates; ∞ where q has mass and p none."""

    def value_and_gradient(theta: Array) -> tuple[float, Array]:
        cloud = family.cloud(theta, dim, level, breaks)
        keep = cloud.w > 0
        ratio = cloud.log_q[keep] - log_p(cloud.y[keep])
        w = cloud.w[keep]
        value = float(w @ ratio)
        lost = abs(float(w.sum()) - 1) > 1e-3  # a member too narrow for the doubles around it has no nodes
        if lost or not np.isfinite(value):
            return np.inf, np.zeros_like(theta)
        return value, (w * (ratio - value)) @ cloud.score[keep]

    return value_and_gradient
