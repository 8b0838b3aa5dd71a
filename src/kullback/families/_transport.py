"""The members of normals, Student-t and mixtures as images of standard draws, with the gradients of that."""

from __future__ import annotations

from typing import Any

import numpy as np

from kullback._distribution import Density
from kullback._support import Array
from kullback._vocabulary import mixture, multivariate_normal, multivariate_student_t
from kullback.families._base import Base, unpack
from kullback.numerics.lazy import special

DF_RANGE = (-1.0, 9.0)  # of the logarithm of the degrees of freedom, while they are searched for


def factor_back(gy: Array, e: Array, tril: Array, full: bool) -> Array:
    """∂/∂(mean, log diagonal, below) of Σ gy·(mean + tril·e)."""
    dim = e.shape[1]
    outer = gy.T @ e
    parts = [gy.sum(axis=0), np.diag(outer) * np.diag(tril)]
    if full:
        parts.append(outer[np.tril_indices(dim, -1)])
    return np.concatenate(parts)


class NormalTransport:
    extra = 0

    def __init__(self, family: Any) -> None:
        self.family = family

    def spread(self, theta: Array, e: Array) -> tuple[Array, Array]:
        mean, tril = unpack(theta, e.shape[1], self.family.full)
        return mean + e @ tril.T, np.full(len(e), 1 / len(e))

    def pull_back(self, theta: Array, e: Array, gy: Array, gw: Array) -> Array:
        _, tril = unpack(theta, e.shape[1], self.family.full)
        return factor_back(gy, e, tril, self.family.full)

    def log_prob(self, theta: Array, y: Array) -> tuple[Array, Array, Array]:
        log_q, score = self.family.log_prob(theta, y)
        mean, tril = unpack(theta, y.shape[1], self.family.full)
        back = np.linalg.inv(tril)
        return log_q, -((y - mean) @ back.T) @ back, score

    def density(self, theta: Array, base: Base) -> Density:
        mean, tril = unpack(theta, len(base.centre), self.family.full)
        return multivariate_normal(base.outward(mean[None])[0], scale_tril=base.base @ tril)


class StudentTransport:
    def __init__(self, family: Any) -> None:
        self.family = family
        self.extra = 1

    def _radius(self, theta: Array, u: Array) -> tuple[Array, Array]:
        """√(v/χ²ᵥ) at the levels u, of which few differ, and its derivative in theta's last entry, log v."""
        u, places = np.unique(u, return_inverse=True)
        if self.family.df is not None:
            v = self.family.df
            return np.sqrt(0.5 * v / special.gammaincinv(0.5 * v, u))[places], np.zeros(len(places))
        log_v = float(np.clip(theta[-1], *DF_RANGE))
        step = 1e-4
        r, up, down = (
            np.sqrt(0.5 * v / special.gammaincinv(0.5 * v, u)) for v in np.exp(log_v + np.array([0, step, -step]))
        )
        return r[places], ((up - down) / (2 * step))[places]

    def spread(self, theta: Array, e: Array) -> tuple[Array, Array]:
        z, u = e[:, :-1], special.ndtr(e[:, -1])
        mean, tril = unpack(theta, z.shape[1], True)
        return mean + (z * self._radius(theta, u)[0][:, None]) @ tril.T, np.full(len(e), 1 / len(e))

    def pull_back(self, theta: Array, e: Array, gy: Array, gw: Array) -> Array:
        z, u = e[:, :-1], special.ndtr(e[:, -1])
        _, tril = unpack(theta, z.shape[1], True)
        r, slope = self._radius(theta, u)
        out = factor_back(gy, z * r[:, None], tril, True)
        if self.family.df is None:
            inside = DF_RANGE[0] < theta[-1] < DF_RANGE[1]
            out = np.append(out, float((gy * (z @ tril.T)).sum(axis=1) @ slope) * inside)
        return out

    def log_prob(self, theta: Array, y: Array) -> tuple[Array, Array, Array]:
        log_q, score = self.family.log_prob(theta, y)
        dim = y.shape[1]
        mean, tril = unpack(theta, dim, True)
        v = self.family.df if self.family.df is not None else float(np.exp(theta[-1]))
        back = np.linalg.inv(tril)
        z = (y - mean) @ back.T
        pull = -(z @ back) * ((v + dim) / (v + (z * z).sum(axis=1)))[:, None]
        return log_q, pull, score

    def density(self, theta: Array, base: Base) -> Density:
        mean, tril = unpack(theta, len(base.centre), True)
        v = self.family.df if self.family.df is not None else float(np.exp(np.clip(theta[-1], *DF_RANGE)))
        return multivariate_student_t(v, base.outward(mean[None])[0], base.base @ tril)


class MixtureTransport:
    extra = 0

    def __init__(self, family: Any) -> None:
        self.family = family

    def spread(self, theta: Array, e: Array) -> tuple[Array, Array]:
        log_w, rows = self.family.split(theta)
        points = []
        for row in rows:
            mean, tril = unpack(row, e.shape[1], True)
            points.append(mean + e @ tril.T)
        return np.concatenate(points), np.repeat(np.exp(log_w) / len(e), len(e))

    def pull_back(self, theta: Array, e: Array, gy: Array, gw: Array) -> Array:
        log_w, rows = self.family.split(theta)
        n, w = len(e), np.exp(log_w)
        means = gw.reshape(len(rows), n).mean(axis=1)
        logits = w * (means - w @ means)
        parts = [logits[1:]]
        for k, row in enumerate(rows):
            _, tril = unpack(row, e.shape[1], True)
            parts.append(factor_back(gy[k * n : (k + 1) * n], e, tril, True))
        return np.concatenate(parts)

    def log_prob(self, theta: Array, y: Array) -> tuple[Array, Array, Array]:
        log_q, score = self.family.log_prob(theta, y)
        log_w, rows = self.family.split(theta)
        dim = y.shape[1]
        slope = np.zeros_like(y)
        for a, row in zip(log_w, rows, strict=True):
            mean, tril = unpack(row, dim, True)
            back = np.linalg.inv(tril)
            z = (y - mean) @ back.T
            log_part = a - 0.5 * (z * z).sum(axis=1) - np.log(np.diag(tril)).sum() - 0.5 * dim * np.log(2 * np.pi)
            slope -= np.exp(log_part - log_q)[:, None] * (z @ back)
        return log_q, slope, score

    def density(self, theta: Array, base: Base) -> Density:
        log_w, rows = self.family.split(theta)
        parts = []
        for row in rows:
            mean, tril = unpack(row, len(base.centre), True)
            parts.append(multivariate_normal(base.outward(mean[None])[0], scale_tril=base.base @ tril))
        order = sorted(range(len(parts)), key=lambda k: tuple(np.atleast_1d(parts[k].parameters["loc"])))
        w = np.exp(log_w)
        return mixture(w[order] / w.sum(), [parts[k] for k in order])
