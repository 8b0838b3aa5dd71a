"""What a fit minimises: pure functions of theta, each with its gradient.

Forward: −E_P log q, on nodes of P or on draws. Reverse: E_q[log q − log p], on nodes of q; its gradient is
E_q[∂log q·(log q − log p)], for which P needs no derivative. Between them, Minka's D_α, with the gradient
−∫ ∂log q·(p^α q^(1−α) − q)/α.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kullback._support import Array
from kullback.families import Family
from kullback.numerics.grids import balanced, panels
from kullback.numerics.terms import between, drift

FAINT = -230.0  # of a log density: e^−230 of anything is nothing

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


def between_on_line(
    family: Family, log_p: Callable[[Array], Array], level: int, breaks: Array, alpha: float
) -> Objective:
    """Minka's D_α on panels that hold both P and the member; exact at either end, where it is a KL."""

    def value_and_gradient(theta: Array) -> tuple[float, Array]:
        edges = balanced(np.union1d(family.edges(theta), breaks))
        if level:
            places = np.arange(len(edges))
            edges = np.interp(np.linspace(0, places[-1], places[-1] * 2**level + 1), places, edges)
        y, dy = panels(edges, 16)
        with np.errstate(over="ignore", invalid="ignore"):  # far out on P's tails, where q and its slope are 0
            log_q, score = family.log_prob(theta, y[:, None])
        found = log_p(y[:, None])
        value = float(dy @ between(found, log_q, alpha))
        lost = abs(float(dy @ np.exp(log_q)) - 1) > 1e-3
        if lost or not np.isfinite(value):
            return np.inf, np.zeros_like(theta)
        return _sloped(value, -dy * drift(found, log_q, alpha), score)

    return value_and_gradient


def _sloped(value: float, pull: Array, score: Array) -> tuple[float, Array]:
    """The value with the gradient Σ pull·score; ∞ where that leaves the doubles."""
    keep = pull != 0
    with np.errstate(over="ignore", invalid="ignore"):
        gradient = pull[keep] @ score[keep]
    if not (np.abs(gradient) < 1e100).all():
        return np.inf, np.zeros(score.shape[1])
    return value, gradient


def between_near_q(
    family: Family, log_p: Callable[[Array], Array], dim: int, level: int, breaks: Array, alpha: float
) -> Objective:
    """Minka's D_α on the nodes of the member: for α ≤ ½, as they then hold most of p^α q^(1−α), or for its kinks."""

    def value_and_gradient(theta: Array) -> tuple[float, Array]:
        cloud = family.cloud(theta, dim, level, breaks)
        keep = cloud.w > 0
        w, ratio = cloud.w[keep], log_p(cloud.y[keep]) - cloud.log_q[keep]
        share = drift(ratio, np.zeros_like(ratio), alpha)
        mean = float(w @ share)
        # near 1 what is left of ∫ p^α q^(1−α) − 1 is lost in the rule's own error, and the non-negative terms are not
        value = -mean / (1 - alpha) if alpha <= 0.5 else float(w @ between(ratio, np.zeros_like(ratio), alpha))
        if abs(float(w.sum()) - 1) > 1e-3 or not np.isfinite(value):
            return np.inf, np.zeros_like(theta)
        return value, -((w * (share - mean)) @ cloud.score[keep])

    return value_and_gradient


def between_near_p(family: Family, nodes: Callable[[], tuple[Array, Array, Array]], alpha: float) -> Objective:
    """Minka's D_α for α > ½ on the nodes of P: points y, weights, and log p there."""

    def value_and_gradient(theta: Array) -> tuple[float, Array]:
        y, w, log_p = nodes()
        log_q, score = family.log_prob(theta, y)
        ratio = log_q - log_p
        value = -float(w @ drift(ratio, np.zeros_like(ratio), 1 - alpha)) / alpha
        if not np.isfinite(value):
            return np.inf, np.zeros_like(theta)
        with np.errstate(over="ignore"):
            pull = w * np.exp((1 - alpha) * ratio)
        return value, -(pull @ score) / alpha

    return value_and_gradient


def between_on_nodes(
    log_prob: Callable[[Array], tuple[Array, Array]], dy: Array, log_p: Array, alpha: float
) -> Objective:
    """Minka's D_α on nodes that stay, where log p is known and the member's log density is found with its gradient."""

    def value_and_gradient(theta: Array) -> tuple[float, Array]:
        log_q, score = log_prob(theta)
        # where only one of the formulas has left the doubles, far out on the other's tail
        log_f = np.where((log_q == -np.inf) & (log_p < FAINT), -np.inf, log_p)
        log_q = np.where((log_p == -np.inf) & (log_q < FAINT), -np.inf, log_q)
        with np.errstate(invalid="ignore", over="ignore"):
            value, mass = float(dy @ between(log_f, log_q, alpha)), float(dy @ np.exp(log_q))
        lost = not mass < 1 + 1e-3 or (alpha < 1 and mass < 1 - 1e-3)
        if lost or not np.isfinite(value):
            return np.inf, np.zeros_like(theta)
        return _sloped(value, -dy * drift(log_f, log_q, alpha), score)

    return value_and_gradient
