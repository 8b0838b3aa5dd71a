"""What a fit minimises: functions of theta, each with its gradient and its Hessian.

Forward: −E_P log q, on nodes of P or on draws. Reverse: E_q[log q − log p], on nodes of q; its gradient is
E_q[∂log q·(log q − log p)], for which P needs no derivative. Between them, Minka's D_α, with the gradient
−∫ ∂log q·(p^α q^(1−α) − q)/α.

Every one of them is, at its nodes, a gradient Σ pull·∂log q; its Hessian is Σ pull·∂∂log q + Σ bend·∂log q·∂log qᵀ,
so that one look at P serves value, gradient and Hessian.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from kullback._support import Array
from kullback.families import Family
from kullback.numerics.grids import balanced, panels
from kullback.numerics.terms import between, drift

FAINT = -230.0  # of a log density: e^−230 of anything is nothing
STEP = 1e-4  # of differences, in coordinates of order one

LogDensity = Callable[[Array], Array]


class Look(NamedTuple):
    """At one theta: the value, and at nodes y what the gradient and the Hessian weigh the scores by."""

    value: float
    y: Array
    score: Array
    pull: Array
    bend: Array


class Objective(ABC):
    """A function of theta with its gradient; `hessian` is by central differences where no formula is known."""

    @abstractmethod
    def __call__(self, theta: Array) -> tuple[float, Array]: ...

    def hessian(self, theta: Array) -> Array:
        """The Hessian; the identity where it leaves the doubles."""
        n = len(theta)
        rows = np.empty((n, n))
        for i in range(n):
            move = np.zeros(n)
            move[i] = STEP
            rows[i] = (self(theta + move)[1] - self(theta - move)[1]) / (2 * STEP)
        return rows_or_unit(rows)


class Seen(Objective):
    """An objective of one family's score, which remembers its last look."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self._last: tuple[bytes, Look | None] = (b"", None)

    @abstractmethod
    def look(self, theta: Array) -> Look | None:
        """None where the value is infinite, or left the doubles."""

    def _seen(self, theta: Array) -> Look | None:
        key = theta.tobytes()
        if self._last[0] != key:
            self._last = key, self.look(theta)
        return self._last[1]

    def __call__(self, theta: Array) -> tuple[float, Array]:
        seen = self._seen(theta)
        if seen is None or not np.isfinite(seen.value):
            return np.inf, np.zeros_like(theta)
        with np.errstate(over="ignore", invalid="ignore"):
            gradient = seen.pull @ seen.score
        if not (np.abs(gradient) < 1e100).all():
            return np.inf, np.zeros_like(theta)
        return seen.value, gradient

    def hessian(self, theta: Array) -> Array:
        if not self.family.smooth:
            return super().hessian(theta)
        seen = self._seen(theta)
        if seen is None:
            return np.eye(len(theta))
        with np.errstate(over="ignore", invalid="ignore"):
            own = self.family.curvature(theta, seen.y, seen.pull)
            return rows_or_unit(own + (seen.score * seen.bend[:, None]).T @ seen.score)


def rows_or_unit(rows: Array) -> Array:
    return 0.5 * (rows + rows.T) if np.isfinite(rows).all() else np.eye(len(rows))


class Forward(Seen):
    """Cross-entropy of the weighted points y (n, d) with the member of theta."""

    def __init__(self, family: Family, y: Array, w: Array) -> None:
        super().__init__(family)
        self.y, self.w = y, w

    def look(self, theta: Array) -> Look:
        log_q, score = self.family.log_prob(theta, self.y)
        return Look(-float(self.w @ log_q), self.y, score, -self.w, np.zeros(len(self.w)))


class Reverse(Seen):
    """KL(q‖p) in standard coordinates; ∞ where q has mass and p none."""

    def __init__(self, family: Family, log_p: LogDensity, dim: int, level: int, breaks: Array) -> None:
        super().__init__(family)
        self.log_p, self.dim, self.level, self.breaks = log_p, dim, level, breaks

    def look(self, theta: Array) -> Look | None:
        cloud = self.family.cloud(theta, self.dim, self.level, self.breaks)
        keep = cloud.w > 0
        y, w = cloud.y[keep], cloud.w[keep]
        ratio = cloud.log_q[keep] - self.log_p(y)
        value = float(w @ ratio)
        if _lost(w) or not np.isfinite(value):
            return None
        pull = w * (ratio - value)
        return Look(value, y, cloud.score[keep], pull, pull + w)


class BetweenOnLine(Seen):
    """Minka's D_α on panels that hold both P and the member; exact at either end, where it is a KL."""

    def __init__(self, family: Family, log_p: LogDensity, level: int, breaks: Array, alpha: float) -> None:
        super().__init__(family)
        self.log_p, self.level, self.breaks, self.alpha = log_p, level, breaks, alpha

    def look(self, theta: Array) -> Look | None:
        edges = balanced(np.union1d(self.family.edges(theta), self.breaks))
        if self.level:
            places = np.arange(len(edges))
            edges = np.interp(np.linspace(0, places[-1], places[-1] * 2**self.level + 1), places, edges)
        y, dy = panels(edges, 16)
        with np.errstate(over="ignore", invalid="ignore"):  # far out on P's tails, where q and its slope are 0
            log_q, score = self.family.log_prob(theta, y[:, None])
        return _between(y[:, None], dy, self.log_p(y[:, None]), log_q, score, self.alpha)


def _between(y: Array, dy: Array, log_p: Array, log_q: Array, score: Array, alpha: float) -> Look | None:
    with np.errstate(over="ignore", invalid="ignore"):
        value, q = float(dy @ between(log_p, log_q, alpha)), dy * np.exp(log_q)
    if _lost(q) or not np.isfinite(value):
        return None
    moved = dy * drift(log_p, log_q, alpha)
    keep = (moved != 0) | (q != 0)
    moved, q = moved[keep], q[keep]
    return Look(value, y[keep], score[keep], -moved, (alpha - 1) * moved + q)


class BetweenNearQ(Seen):
    """Minka's D_α on the nodes of the member: for α ≤ ½, as they then hold most of p^α q^(1−α), or for its kinks."""

    def __init__(self, family: Family, log_p: LogDensity, dim: int, level: int, breaks: Array, alpha: float) -> None:
        super().__init__(family)
        self.log_p, self.dim, self.level, self.breaks, self.alpha = log_p, dim, level, breaks, alpha

    def look(self, theta: Array) -> Look | None:
        cloud, alpha = self.family.cloud(theta, self.dim, self.level, self.breaks), self.alpha
        keep = cloud.w > 0
        y, w = cloud.y[keep], cloud.w[keep]
        ratio = self.log_p(y) - cloud.log_q[keep]
        share = drift(ratio, np.zeros_like(ratio), alpha)
        mean = float(w @ share)
        # near 1 what is left of ∫ p^α q^(1−α) − 1 is lost in the rule's own error, and the non-negative terms are not
        value = -mean / (1 - alpha) if alpha <= 0.5 else float(w @ between(ratio, np.zeros_like(ratio), alpha))
        if _lost(w) or not np.isfinite(value):
            return None
        pull = -w * (share - mean)
        return Look(value, y, cloud.score[keep], pull, pull + w * (alpha * share + 1))


class BetweenNearP(Seen):
    """Minka's D_α for α > ½ on the nodes of P: points y, weights, and log p there."""

    def __init__(self, family: Family, nodes: Callable[[], tuple[Array, Array, Array]], alpha: float) -> None:
        super().__init__(family)
        self.nodes, self.alpha = nodes, alpha

    def look(self, theta: Array) -> Look | None:
        y, w, log_p = self.nodes()
        log_q, score = self.family.log_prob(theta, y)
        ratio = log_q - log_p
        value = -float(w @ drift(ratio, np.zeros_like(ratio), 1 - self.alpha)) / self.alpha
        if not np.isfinite(value):
            return None
        with np.errstate(over="ignore"):
            pull = -w * np.exp((1 - self.alpha) * ratio) / self.alpha
        return Look(value, y, score, pull, (1 - self.alpha) * pull)


class OnNodes(Objective):
    """Minka's D_α on nodes that stay, where log p is known and the member's log density is found with its gradient."""

    def __init__(self, log_prob: Callable[[Array], tuple[Array, Array]], dy: Array, log_p: Array, alpha: float) -> None:
        self.log_prob, self.dy, self.log_p, self.alpha = log_prob, dy, log_p, alpha

    def __call__(self, theta: Array) -> tuple[float, Array]:
        log_q, score = self.log_prob(theta)
        log_p, alpha, dy = self.log_p, self.alpha, self.dy
        # where only one of the formulas has left the doubles, far out on the other's tail
        log_f = np.where((log_q == -np.inf) & (log_p < FAINT), -np.inf, log_p)
        log_q = np.where((log_p == -np.inf) & (log_q < FAINT), -np.inf, log_q)
        with np.errstate(invalid="ignore", over="ignore"):
            value, mass = float(dy @ between(log_f, log_q, alpha)), float(dy @ np.exp(log_q))
        lost = not mass < 1 + 1e-3 or (alpha < 1 and mass < 1 - 1e-3)
        if lost or not np.isfinite(value):
            return np.inf, np.zeros_like(theta)
        pull = -dy * drift(log_f, log_q, alpha)
        keep = pull != 0
        with np.errstate(over="ignore", invalid="ignore"):
            gradient = pull[keep] @ score[keep]
        if not (np.abs(gradient) < 1e100).all():
            return np.inf, np.zeros(score.shape[1])
        return value, gradient


class Likelihood(Objective):
    """Cross-entropy of weighted draws with a member whose log density there is found with its gradient."""

    def __init__(self, log_prob: Callable[[Array], tuple[Array, Array]], w: Array) -> None:
        self.log_prob, self.w = log_prob, w

    def __call__(self, theta: Array) -> tuple[float, Array]:
        log_q, score = self.log_prob(theta)
        return -float(self.w @ log_q), -(self.w @ score)


class Delayed(Objective):
    """An objective that is made when it is first asked."""

    def __init__(self, make: Callable[[], Objective]) -> None:
        self.made = cache(make)

    def __call__(self, theta: Array) -> tuple[float, Array]:
        return self.made()(theta)


class Stepped(Objective):
    """The same function of t, where theta = centre + step·t."""

    def __init__(self, objective: Objective, centre: Array, step: Array) -> None:
        self.objective, self.centre, self.step = objective, centre, step

    def __call__(self, t: Array) -> tuple[float, Array]:
        value, gradient = self.objective(self.centre + self.step * t)
        return value, gradient * self.step


def _lost(w: Array) -> bool:
    """Whether a member is too narrow for the doubles around it, and has no nodes."""
    return abs(float(w.sum()) - 1) > 1e-3
