"""What every family of densities offers a fit, and the packing of a Cholesky factor.

A fit works in standard coordinates y = (x − centre)/scale of the target, where every parameter is of order one.
`theta` is the unconstrained vector there; `density(theta, frame)` carries it back.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

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


class Cloud(NamedTuple):
    """Nodes y (n, d) with Σ w·h(y) = E_q h, and log q and its gradient in theta there."""

    y: Array
    w: Array
    log_q: Array
    score: Array


class Family(ABC):
    """A family of densities on the line or in space."""

    lattice = False
    smooth = True  # whether log q has no kinks, so that nodes of P serve as well as its own

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
