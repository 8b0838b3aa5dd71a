"""Normal, Laplace and Student-t."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kullback._distribution import Density
from kullback._result import InputError
from kullback._support import Array
from kullback._vocabulary import laplace_product, multivariate_normal, multivariate_student_t, whitened
from kullback._vocabulary._real import log_t_constant
from kullback._vocabulary._tails import HALF_LOG_2PI
from kullback.families._base import (
    Cloud,
    Family,
    Frame,
    Transport,
    factor_curvature,
    factor_score,
    graded_cloud,
    line_cloud,
    pack,
    unpack,
)
from kullback.families._transport import NormalTransport, StudentTransport
from kullback.numerics.grids import normal_plane
from kullback.numerics.lazy import special

NORMAL_EDGES = np.linspace(-9.0, 9.0, 13)
LAPLACE_EDGES = np.concatenate([-np.array([40.0, 24, 12, 6, 3, 1.5, 0.5]), [0], [0.5, 1.5, 3, 6, 12, 24, 40]])
_DOUBLING = np.concatenate([[0.0, 0.5], 2.0 ** np.arange(0, 34)])
STUDENT_EDGES = np.concatenate([-_DOUBLING[:0:-1], _DOUBLING])

BEYOND = 1e75  # sds: farther out squares, and what is made of them, would leave the doubles


@dataclass(frozen=True, repr=False)
class Normal(Family):
    """The normal; in several dimensions with a full or a diagonal covariance.

    Parameters
    ----------
    covariance : {"full", "diagonal"}
        Whether coordinates may be correlated.
    """

    covariance: str = "full"

    exact = "moments"
    transports = True
    normals = 1

    def __post_init__(self) -> None:
        if self.covariance not in ("full", "diagonal"):
            raise InputError(f"covariance must be 'full' or 'diagonal', not {self.covariance!r}")

    @property
    def full(self) -> bool:  # type: ignore[override]
        return self.covariance == "full"

    def transport(self) -> Transport:
        return NormalTransport(self)

    def __str__(self) -> str:
        return "normal" if self.full else 'normal(covariance="diagonal")'

    def size(self, dim: int) -> int:
        return 2 * dim + (dim * (dim - 1) // 2 if self.full else 0)

    def log_prob(self, theta: Array, y: Array) -> tuple[Array, Array]:
        dim = y.shape[1]
        mean, tril = unpack(theta, dim, self.full)
        z = np.clip(whitened(y, mean, tril), -BEYOND, BEYOND)
        log_q = -0.5 * (z * z).sum(axis=1) - float(np.log(np.diag(tril)).sum()) - dim * HALF_LOG_2PI
        return log_q, factor_score(tril, z, z, self.full)

    def curvature(self, theta: Array, y: Array, w: Array) -> Array:
        mean, tril = unpack(theta, y.shape[1], self.full)
        z = np.clip(whitened(y, mean, tril), -BEYOND, BEYOND)
        return factor_curvature(tril, z, w, self.full)

    def cloud(self, theta: Array, dim: int, level: int, breaks: Array) -> Cloud:
        mean, tril = unpack(theta, dim, self.full)
        if dim == 1:
            return line_cloud(self, theta, breaks, level)
        z, w, log_z = normal_plane(32 * 2**level + 1)
        log_q = log_z - float(np.log(np.diag(tril)).sum())
        return Cloud(mean + z @ tril.T, w, log_q, factor_score(tril, z, z, self.full))

    def edges(self, theta: Array) -> Array:
        mean, tril = unpack(theta, 1, self.full)
        return mean[0] + tril[0, 0] * NORMAL_EDGES

    def from_moments(self, mean: Array, covariance: Array) -> Array:
        if not self.full:
            covariance = np.diag(np.diag(covariance))
        return pack(mean, np.linalg.cholesky(covariance), self.full)

    def density(self, theta: Array, frame: Frame) -> Density:
        mean, tril = unpack(theta, frame.dim, self.full)
        return multivariate_normal(frame.centre + frame.scale * mean, scale_tril=frame.scale[:, None] * tril)

    def encode(self, q: Density, frame: Frame) -> Array | None:
        if q.facts.moments is None or not np.isfinite(q.facts.moments[1]).all():
            return None
        mean, covariance = (np.atleast_1d(q.facts.moments[0]), np.atleast_2d(q.facts.moments[1]))
        inner = covariance / np.outer(frame.scale, frame.scale)
        return self.from_moments((mean - frame.centre) / frame.scale, inner)


@dataclass(frozen=True, repr=False)
class Laplace(Family):
    """The Laplace; in several dimensions one independent Laplace a coordinate."""

    smooth = False
    exact = "medians"
    full = False

    def __str__(self) -> str:
        return "laplace"

    def size(self, dim: int) -> int:
        return 2 * dim

    def log_prob(self, theta: Array, y: Array) -> tuple[Array, Array]:
        dim = y.shape[1]
        scale = np.exp(np.clip(theta[dim:], -300, 300))
        z = (y - theta[:dim]) / scale
        log_q = -(np.abs(z) + np.log(2 * scale)).sum(axis=1)
        return log_q, np.concatenate([np.sign(z) / scale, np.abs(z) - 1.0], axis=1)

    def cloud(self, theta: Array, dim: int, level: int, breaks: Array) -> Cloud:
        scale = np.exp(np.clip(theta[dim:], -300, 300))
        if dim == 1:
            return line_cloud(self, theta, breaks, level)
        return graded_cloud(self, theta, theta[:dim], np.diag(scale), level, 40.0)

    def edges(self, theta: Array) -> Array:
        return theta[0] + np.exp(np.clip(theta[1], -300, 300)) * LAPLACE_EDGES

    def from_moments(self, mean: Array, covariance: Array) -> Array:
        return np.concatenate([mean, 0.5 * np.log(np.diag(covariance) / 2)])

    def density(self, theta: Array, frame: Frame) -> Density:
        dim = frame.dim
        return laplace_product(frame.centre + frame.scale * theta[:dim], frame.scale * np.exp(theta[dim:]))

    def encode(self, q: Density, frame: Frame) -> Array | None:
        if q.facts.family != "laplace":
            return None
        loc, scale = np.atleast_1d(q.parameters["loc"]), np.atleast_1d(q.parameters["scale"])
        return np.concatenate([(loc - frame.centre) / frame.scale, np.log(scale / frame.scale)])


@dataclass(frozen=True, repr=False)
class StudentT(Family):
    """Student's t; in several dimensions with a full scale matrix.

    Parameters
    ----------
    df : float, optional
        The degrees of freedom; fitted when not given.
    """

    df: float | None = None

    transports = True

    def __post_init__(self) -> None:
        if self.df is not None and not self.df > 0:
            raise InputError(f"df must be positive, not {self.df!r}")

    def __str__(self) -> str:
        return "student_t" if self.df is None else f"student_t(df={self.df:g})"

    def size(self, dim: int) -> int:
        return 2 * dim + dim * (dim - 1) // 2 + (self.df is None)

    def transport(self) -> Transport:
        return StudentTransport(self)

    def unit(self, dim: int) -> Array:
        theta = super().unit(dim)
        return theta if self.df is not None else np.append(theta, np.log(8.0))

    def _split(self, theta: Array, dim: int) -> tuple[Array, Array, float]:
        mean, tril = unpack(theta, dim, True)
        v = self.df if self.df is not None else float(np.exp(np.clip(theta[-1], -5.0, 16.0)))
        return mean, tril, v

    def log_prob(self, theta: Array, y: Array) -> tuple[Array, Array]:
        dim = y.shape[1]
        mean, tril, v = self._split(theta, dim)
        z = whitened(y, mean, tril)
        r = (z * z).sum(axis=1)
        log_q = log_t_constant(v, dim) - float(np.log(np.diag(tril)).sum()) - 0.5 * (v + dim) * np.log1p(r / v)
        pull = ((v + dim) / (v + r))[:, None] * z
        score = factor_score(tril, z, pull, True)
        if self.df is not None:
            return log_q, score
        in_v = 0.5 * (special.digamma(0.5 * (v + dim)) - special.digamma(0.5 * v) - dim / v - np.log1p(r / v)) + 0.5 * (
            v + dim
        ) * r / (v * (v + r))
        return log_q, np.concatenate([score, (v * in_v)[:, None]], axis=1)

    def cloud(self, theta: Array, dim: int, level: int, breaks: Array) -> Cloud:
        mean, tril, v = self._split(theta, dim)
        if dim == 1:
            return line_cloud(self, theta, breaks, level)
        return graded_cloud(self, theta, mean, tril, level, min(1e6, max(64.0, 10 ** (13 / v))))

    def edges(self, theta: Array) -> Array:
        mean, tril, _ = self._split(theta, 1)
        return mean[0] + tril[0, 0] * STUDENT_EDGES

    def from_moments(self, mean: Array, covariance: Array) -> Array:
        v = self.df if self.df is not None else 8.0
        shrink = (v - 2) / v if v > 2.5 else 0.5
        theta = pack(mean, np.linalg.cholesky(covariance * shrink), True)
        return theta if self.df is not None else np.append(theta, np.log(v))

    def density(self, theta: Array, frame: Frame) -> Density:
        mean, tril, v = self._split(theta, frame.dim)
        return multivariate_student_t(v, frame.centre + frame.scale * mean, frame.scale[:, None] * tril)

    def encode(self, q: Density, frame: Frame) -> Array | None:
        if q.facts.family not in ("student_t", "multivariate_student_t"):
            return None
        loc = np.atleast_1d(q.parameters["loc"])
        tril = np.atleast_2d(q.parameters["scale" if q.dim == 1 else "scale_tril"])
        theta = pack((loc - frame.centre) / frame.scale, tril / frame.scale[:, None], True)
        return theta if self.df is not None else np.append(theta, np.log(q.parameters["df"]))

    def limit(self, theta: Array) -> str:
        if self.df is None and theta[-1] > np.log(1e4):
            return "The degrees of freedom grow without bound: the normal is the limit."
        return ""
