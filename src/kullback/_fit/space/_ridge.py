"""A proposal that follows P along one coordinate, where its place and spread in all others change with it.

In a hierarchical model the spread of many coordinates follows the logarithm of one, and along a bent ridge the place
does: no normal and few mixtures are like that. From the middle outwards log p̃ is climbed in the other coordinates;
where that ends and how it bends there is P's conditional normal, and what it integrates to the marginal density of
the first (Laplace's method, as in Tierney and Kadane 1986). Between the steps all is interpolated, so that the
proposal's density is known exactly, whatever Laplace's method is off by.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kullback._distribution import Density, Facts
from kullback._fit.space._climb import climb, scaled_hessian
from kullback._fit.space._oracle import Oracle
from kullback._support import Array
from kullback._vocabulary._real import log_t_constant
from kullback.numerics.lazy import special

STEP, LONGER, STEPS = 0.3, 1.08, 80  # the first step in sds of the coordinate, each next one's growth, and how many
DEPTH = 14.0  # nats below its top at which the marginal is followed no further
FLAT = 0.2  # of the proposal's mass: even over the nodes
BENT = 0.5  # nats: less than that is followed by a normal well enough
WIDER = 1.1
MOST = 2  # coordinates that are followed
SIDE = 2.5  # sds from the middle at which it is seen how P changes


class _Node(NamedTuple):
    """At t: where log p̃ is highest in the other coordinates, a factor of their covariance, the log marginal."""

    t: float
    x: Array
    tril: Array
    height: float


class _Rest:
    """log p̃ with one coordinate held, of the others' coordinates y with x = centre + tril·y."""

    def __init__(self, oracle: Oracle, i: int, t: float, centre: Array, tril: Array) -> None:
        self.oracle, self.i, self.t, self.centre, self.tril = oracle, i, t, centre, tril
        self.dim = oracle.dim - 1

    def _whole(self, y: Array) -> Array:
        return np.insert(self.centre + y @ self.tril.T, self.i, self.t, axis=1)

    def __call__(self, y: Array) -> tuple[Array, Array]:
        values, slopes = self.oracle(self._whole(y))
        return values, np.delete(slopes, self.i, axis=1) @ self.tril

    def values(self, y: Array) -> Array:
        return self.oracle.values(self._whole(y))


def ridges(oracle: Oracle, mean: Array, covariance: Array, df: float) -> list[Density]:
    """A proposal along each coordinate with which P's spread or place elsewhere changes most; none where none does."""
    if oracle.dim < 2:
        return []
    scores = np.array([_bend(oracle, mean, covariance, i) for i in range(oracle.dim)])
    found = []
    for i in np.argsort(-scores, kind="stable")[:MOST]:
        if scores[i] > BENT:
            nodes = _followed(oracle, mean, covariance, int(i))
            if len(nodes) > 2:
                found.append(_proposal(int(i), nodes, df))
    return found


def _conditional(mean: Array, covariance: Array, i: int, t: float) -> tuple[Array, Array]:
    """Where a normal's other coordinates lie given that one, and their conditional sds."""
    rest = np.delete(np.arange(len(mean)), i)
    slope = covariance[rest, i] / covariance[i, i]
    left = np.diag(covariance)[rest] - slope * covariance[rest, i]
    return mean[rest] + slope * (t - mean[i]), np.sqrt(np.maximum(left, 1e-12 * np.diag(covariance)[rest]))


def _bend(oracle: Oracle, mean: Array, covariance: Array, i: int) -> float:
    """How far P is from a normal along a coordinate: by volumes on either side, and by what a step would gain."""
    sd = np.sqrt(covariance[i, i])
    volumes, gains = [], 0.0
    for side in (-SIDE, SIDE):
        x, widths = _conditional(mean, covariance, i, mean[i] + side * sd)
        rest = _Rest(oracle, i, mean[i] + side * sd, x, np.diag(widths))
        origin = np.zeros((1, rest.dim))
        value, slope = rest(origin)
        if not value[0] > -np.inf:
            return np.inf
        bent, vectors = np.linalg.eigh(scaled_hessian(rest, origin, np.ones((1, rest.dim)))[0])  # type: ignore[arg-type]
        size = np.maximum(np.abs(bent), 1e-6)
        volumes.append(-0.5 * np.log(size).sum())
        gains += 0.5 * float(((slope[0] @ vectors) ** 2 / size).sum())
    return float(0.5 * (volumes[1] - volumes[0]) ** 2 + gains)


def _followed(oracle: Oracle, mean: Array, covariance: Array, i: int) -> list[_Node]:
    """Nodes from the middle outwards on both sides, as long as the marginal is not negligible."""
    sd = float(np.sqrt(covariance[i, i]))
    x, widths = _conditional(mean, covariance, i, float(mean[i]))
    middle = _node(oracle, i, float(mean[i]), x, np.diag(widths))
    if middle is None:
        return []
    top, sides = middle.height, []
    for way in (-1, 1):
        side = [middle]
        for k in range(STEPS):
            last, step = side[-1], STEP * sd * LONGER**k
            begin = last.x if k == 0 else last.x + LONGER * (last.x - side[-2].x)
            node = _node(oracle, i, last.t + way * step, begin, last.tril)
            if node is None:
                break
            side.append(node)
            top = max(top, node.height)
            if node.height < top - DEPTH:
                break
        sides.append(side[1:])
    return [*sides[0][::-1], middle, *sides[1]]


def _node(oracle: Oracle, i: int, t: float, x: Array, tril: Array) -> _Node | None:
    """The next node from one whose factor is nearly the same: seen through it nothing is badly scaled."""
    rest = _Rest(oracle, i, t, x, tril)
    origin = np.zeros((1, rest.dim))
    if not rest.values(origin)[0] > -np.inf:
        return None
    peak = climb(rest, origin, np.ones(rest.dim), near=True)[0]  # type: ignore[arg-type]
    if not (peak.found and np.isfinite(peak.x).all() and np.isfinite(peak.tril).all()):
        return None
    found = tril @ peak.tril
    return _Node(t, x + tril @ peak.x, found, peak.height + float(np.log(np.diag(found)).sum()))


def _proposal(i: int, nodes: list[_Node], df: float) -> Density:
    """t from the marginal at the nodes, joined by straight lines; the others Student-t around where they lie at t."""
    d = nodes[0].x.shape[0] + 1
    t = np.array([n.t for n in nodes])
    height = np.exp(np.array([n.height for n in nodes]) - max(n.height for n in nodes))
    height = (1 - FLAT) * height / np.trapezoid(height, t) + FLAT / (t[-1] - t[0])
    total = np.concatenate([[0.0], np.cumsum(0.5 * (height[1:] + height[:-1]) * np.diff(t))])
    height, total = height / total[-1], total / total[-1]
    places = np.array([n.x for n in nodes])
    below = np.tril_indices(d - 1, -1)
    logs = np.array([np.log(np.diag(n.tril)) for n in nodes])
    units = np.array([(n.tril / np.diag(n.tril))[below] for n in nodes])  # each column by its own scale, as in LDLᵀ
    constant = log_t_constant(df, d - 1) - (d - 1) * np.log(WIDER)

    def along(s: Array) -> tuple[Array, Array, Array]:
        """Place, factor and its log determinant at each s."""
        k = np.clip(np.searchsorted(t, s, side="right") - 1, 0, len(t) - 2)
        a = ((s - t[k]) / (t[k + 1] - t[k]))[:, None]
        log_sd = (1 - a) * logs[k] + a * logs[k + 1]
        tril = np.zeros((len(s), d - 1, d - 1))
        tril[:, below[0], below[1]] = (1 - a) * units[k] + a * units[k + 1]
        tril[:, np.arange(d - 1), np.arange(d - 1)] = 1.0
        return (1 - a) * places[k] + a * places[k + 1], tril * np.exp(log_sd)[:, None], log_sd.sum(axis=1)

    def log_prob(x: Array) -> Array:
        s = x[:, i]
        out = np.full(len(x), -np.inf)
        inside = (s >= t[0]) & (s <= t[-1])
        if inside.any():
            s = s[inside]
            centre, tril, log_det = along(s)
            z = np.linalg.solve(tril, (np.delete(x[inside], i, axis=1) - centre)[..., None])[..., 0] / WIDER
            radial = -0.5 * (df + d - 1) * np.log1p((z * z).sum(axis=1) / df)
            out[inside] = np.log(np.interp(s, t, height)) + constant - log_det + radial
        return out

    def carry(u: Array) -> Array:
        s = _inverse(u[:, 0], t, height, total)
        centre, tril, _ = along(s)
        widths = np.sqrt(2 * special.gammaincinv(df / 2, u[:, d]) / df)
        z = WIDER * special.ndtri(u[:, 1:d]) / widths[:, None]
        return np.insert(centre + np.einsum("nij,nj->ni", tril, z), i, s, axis=1)

    return Density(log_prob, dim=d, facts=Facts(family="ridge", transport=(d + 1, carry)))


def _inverse(u: Array, t: Array, height: Array, total: Array) -> Array:
    """The quantiles of a density that is linear between nodes."""
    k = np.clip(np.searchsorted(total, u, side="right") - 1, 0, len(t) - 2)
    left = u - total[k]
    a, slope = height[k], (height[k + 1] - height[k]) / (t[k + 1] - t[k])
    root = np.sqrt(np.maximum(a * a + 2 * slope * left, 0.0))
    return np.asarray(np.clip(t[k] + 2 * left / np.maximum(a + root, 1e-300), t[k], t[k + 1]))
