"""What every family of densities offers a fit, and the packing of a Cholesky factor.

A fit works in standard coordinates y = (x − centre)/scale of the target, where every parameter is of order one.
`theta` is the unconstrained vector there; `density(theta, frame)` carries it back.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple, Protocol

import numpy as np

from kullback._distribution import Density
from kullback._support import Array
from kullback.numerics.grids import graded_plane, panels


class Frame(NamedTuple):
    """The affine map x = centre + scale·y, one entry a coordinate."""

    centre: Array
    scale: Array

    @property
    def dim(self) -> int:
        return len(self.centre)

    def inward(self, x: Array) -> Array:
        """Points x of shape (n,) or (n, d) as y of shape (n, d)."""
        return np.asarray((x.reshape(len(x), -1) - self.centre) / self.scale)

    def outward(self, y: Array) -> Array:
        """Points y of shape (n, d) as x of shape (n,) or (n, d)."""
        x = self.centre + self.scale * y
        return x[:, 0] if self.dim == 1 else x


class Base(NamedTuple):
    """The affine map x = centre + base·y; `base` is lower triangular, or diagonal where the family is."""

    centre: Array
    base: Array

    def outward(self, y: Array) -> Array:
        return np.asarray(self.centre + y @ self.base.T)

    def inward(self, x: Array) -> Array:
        return np.asarray(np.linalg.solve(self.base, (x - self.centre).T).T)


class Transport(Protocol):
    """How the members of a family are carried from standard normal draws, in any dimension."""

    extra: int  # uniform coordinates a draw needs beyond the dimension

    def spread(self, theta: Array, e: Array) -> tuple[Array, Array]: ...

    def pull_back(self, theta: Array, e: Array, gy: Array, gw: Array) -> Array: ...

    def log_prob(self, theta: Array, y: Array) -> tuple[Array, Array, Array]:
        """log q, its gradient in y, its gradient in theta for each point."""

    def density(self, theta: Array, base: Base) -> Density: ...


class Cloud(NamedTuple):
    """Nodes y (n, d) with Σ w·h(y) = E_q h, and log q and its gradient in theta there."""

    y: Array
    w: Array
    log_q: Array
    score: Array


class Family(ABC):
    """A family of densities on the line or in space.

    What a fitter must know of it, it says itself; no fitter asks what class it has.
    """

    lattice = False  # whether its members have their mass on points
    brings_nodes = True  # whether its members bring nodes of their own, by which P is integrated
    smooth = True  # whether log q has no kinks, so that nodes of P serve as well as its own
    exact = ""  # "moments" or "medians": what of P its best member has, forward
    full = True  # whether coordinates may be correlated
    transports = False  # whether its members are images of standard draws, in any dimension
    whitens = True  # whether a member is one place and one factor, from which it can be seen anew
    normals: int | None = 0  # of how many normals its members are mixtures, which EM can move; None: not said yet

    @abstractmethod
    def __str__(self) -> str: ...

    def __repr__(self) -> str:
        return f"kl.families: {self}"

    @abstractmethod
    def size(self, dim: int) -> int:
        """The number of free parameters."""

    @abstractmethod
    def log_prob(self, theta: Array, y: Array) -> tuple[Array, Array]:
        """log q (n,) and its gradient in theta (n, size)."""

    def curvature(self, theta: Array, y: Array, w: Array) -> Array:
        """Σ w·∂∂log q over points y, in theta: by differences of the score there."""
        n, step = len(theta), 1e-4
        rows = np.empty((n, n))
        for i in range(n):
            move = np.zeros(n)
            move[i] = step
            rows[i] = w @ (self.log_prob(theta + move, y)[1] - self.log_prob(theta - move, y)[1]) / (2 * step)
        return rows

    @abstractmethod
    def cloud(self, theta: Array, dim: int, level: int, breaks: Array) -> Cloud:
        """Nodes for expectations under q; each level about doubles the points a side."""

    @abstractmethod
    def edges(self, theta: Array) -> Array:
        """On the line: where panels that hold all of a member begin and end."""

    @abstractmethod
    def from_moments(self, mean: Array, covariance: Array) -> Array:
        """The theta of the member with these moments, as near as the family comes."""

    @abstractmethod
    def density(self, theta: Array, frame: Frame) -> Density:
        """The member in the target's own coordinates."""

    @abstractmethod
    def encode(self, q: Density, frame: Frame) -> Array | None:
        """The theta of a member given as a Density, or None if it is none."""

    def transport(self) -> Transport:
        """How members are carried from standard draws, where the family `transports`."""
        raise NotImplementedError

    def unit(self, dim: int) -> Array:
        """The theta of mean 0 and unit factor."""
        return pack(np.zeros(dim), np.eye(dim), self.full)

    def limit(self, theta: Array) -> str:
        """Which simpler family the member has become, if it lies at the edge; else nothing."""
        return ""


def line_cloud(family: Family, theta: Array, breaks: Array, level: int) -> Cloud:
    """Gauss-Legendre panels between a member's own edges and the target's breaks."""
    edges = family.edges(theta)
    inner = breaks[(breaks > edges[0]) & (breaks < edges[-1])]
    both = np.union1d(edges, inner)
    if level:
        both = np.interp(np.linspace(0, len(both) - 1, (len(both) - 1) * 2**level + 1), np.arange(len(both)), both)
    y, dy = panels(both, 16)
    log_q, score = family.log_prob(theta, y[:, None])
    return Cloud(y[:, None], np.exp(log_q) * dy, log_q, score)


def graded_cloud(family: Family, theta: Array, location: Array, tril: Array, level: int, reach: float) -> Cloud:
    """A product of panels that double away from the location, along the columns of the factor."""
    z, dz = graded_plane((4, 6, 10, 16, 20)[min(level, 4)], reach)
    y = location + z @ tril.T
    log_q, score = family.log_prob(theta, y)
    w = np.exp(log_q) * dz * float(np.prod(np.diag(tril)))
    keep = w > 1e-20
    return Cloud(y[keep], w[keep], log_q[keep], score[keep])


def pack(mean: Array, tril: Array, full: bool) -> Array:
    """(mean, log of the factor's diagonal, what lies below it)."""
    below = tril[np.tril_indices(len(mean), -1)] if full else np.zeros(0)
    return np.concatenate([mean, np.log(np.diag(tril)), below])


def unpack(theta: Array, dim: int, full: bool) -> tuple[Array, Array]:
    tril = np.diag(np.exp(np.clip(theta[dim : 2 * dim], -300, 300)))
    if full and dim > 1:
        tril[np.tril_indices(dim, -1)] = theta[2 * dim : 2 * dim + dim * (dim - 1) // 2]
    return theta[:dim], tril


def back_solved(tril: Array, z: Array) -> Array:
    """L⁻ᵀ z for each row of z."""
    if tril.shape[0] == 1:
        return z / tril[0, 0]
    return np.asarray(z @ np.linalg.inv(tril))


def factor_score(tril: Array, z: Array, pull: Array, full: bool) -> Array:
    """The gradient of log q in (mean, log diagonal, below), where pull = −∂log q/∂z of the standard density."""
    dim = tril.shape[0]
    u = back_solved(tril, pull)
    columns = [u, u * z * np.diag(tril) - 1.0]
    if full and dim > 1:
        rows, cols = np.tril_indices(dim, -1)
        columns.append(u[:, rows] * z[:, cols])
    return np.concatenate(columns, axis=1)


def factor_curvature(tril: Array, z: Array, w: Array, full: bool) -> Array:
    """Σ w·∂∂log q of a normal in (mean, log diagonal, below), at standard points z: it takes their moments alone.

    With u = L⁻ᵀz the slopes in the mean and in L are u and u·zᵀ − diag(1/L).
    """
    dim = tril.shape[0]
    none, first, second = float(w.sum()), w @ z, (z * w[:, None]).T @ z
    if dim == 1:
        s = float(tril[0, 0])
        return np.array([[-none / s**2, -2 * first[0] / s], [-2 * first[0] / s, -2 * second[0, 0]]])
    back = np.linalg.inv(tril).T
    precision = back @ back.T
    u = second @ back.T  # Σ w·z·uᵀ
    rows, cols = np.diag_indices(dim)
    if full:
        below = np.tril_indices(dim, -1)
        rows, cols = np.concatenate([rows, below[0]]), np.concatenate([cols, below[1]])
    slope = back @ first
    mixed = -precision[:, rows] * first[cols] - back[:, cols] * slope[rows]
    # ∂(uᵢzⱼ)/∂L_mn = −A_im z_n z_j − B_in u_m z_j − u_i B_mj z_n
    i, j, m, n = rows[:, None], cols[:, None], rows[None], cols[None]
    inner = -precision[i, m] * second[n, j] - back[i, n] * u[j, m] - back[m, j] * u[n, i]
    scale = np.concatenate([np.diag(tril), np.ones(len(rows) - dim)])
    inner = inner * np.outer(scale, scale)
    own = np.arange(dim)
    inner[own, own] += np.diag(u) * np.diag(tril)  # the slope in L itself, as its logarithm is what moves
    return np.block([[-none * precision, mixed * scale], [(mixed * scale).T, inner]])
