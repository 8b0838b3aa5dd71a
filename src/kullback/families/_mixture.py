"""A mixture of K normals with full covariances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kullback._distribution import Density
from kullback._result import InputError
from kullback._support import Array
from kullback._vocabulary import log_sum_exp, mixture, multivariate_normal
from kullback.families._base import Cloud, Family, Frame, Transport, line_cloud, pack, unpack
from kullback.families._location import Normal
from kullback.families._transport import MixtureTransport
from kullback.numerics.grids import plane, trapezoid

NORMAL = Normal()
FAINTEST = -1e100  # of a log density


@dataclass(frozen=True, repr=False)
class Mixture(Family):
    """A mixture of normals, each with its own weight, mean and full covariance.

    Parameters
    ----------
    components : int, optional
        How many. Left out, `fit` takes as many as the residual divergence asks for (for draws, as BIC does).
    """

    components: int | None = None

    transports = True
    whitens = False

    def __post_init__(self) -> None:
        if self.components is not None and not (isinstance(self.components, int | np.integer) and self.components >= 1):
            raise InputError(f"mixture needs a whole number of components, at least 1, not {self.components!r}")

    def __str__(self) -> str:
        return f"mixture({self.components})" if self.components is not None else "mixture()"

    @property
    def normals(self) -> int | None:  # type: ignore[override]
        return self.components

    def transport(self) -> Transport:
        return MixtureTransport(self)

    @property
    def count(self) -> int:
        """The number of components, once it is known."""
        assert self.components is not None
        return int(self.components)

    def size(self, dim: int) -> int:
        return self.count * (1 + NORMAL.size(dim)) - 1

    def split(self, theta: Array) -> tuple[Array, Array]:
        """Log weights (the first logit is 0), and one row of normal parameters a component."""
        k = self.count
        logits = np.concatenate([[0.0], theta[: k - 1]])
        return logits - log_sum_exp(logits[:, None])[0], theta[k - 1 :].reshape(k, -1)

    def log_prob(self, theta: Array, y: Array) -> tuple[Array, Array]:
        log_w, rows = self.split(theta)
        found = [NORMAL.log_prob(row, y) for row in rows]
        terms = np.stack([a + log_q for a, (log_q, _) in zip(log_w, found, strict=True)])
        total = log_sum_exp(terms)
        share = np.exp(terms - total)
        columns = [(share - np.exp(log_w)[:, None])[1:].T]
        columns += [r[:, None] * score for r, (_, score) in zip(share, found, strict=True)]
        return total, np.concatenate(columns, axis=1)

    def curvature(self, theta: Array, y: Array, w: Array) -> Array:
        """∂∂log q = Σ r·∂∂log qₖ + Cov_r(∂log qₖ), with the shares r of the components at each point.

        The covariance is a sum over pairs: far out on a heavy tail of P, where one share is all, nothing cancels.
        """
        log_w, rows = self.split(theta)
        found = [NORMAL.log_prob(row, y) for row in rows]
        terms = np.stack([a + log_q for a, (log_q, _) in zip(log_w, found, strict=True)])
        total = log_sum_exp(terms)
        w = np.where(total > FAINTEST, w, 0.0)  # farther out distances are clipped, and all components look alike
        share = np.exp(terms - total)
        prior, k, n = np.exp(log_w), self.count, rows.shape[1]
        scores = [score for _, score in found]
        out = np.zeros((len(theta), len(theta)))
        logits = [slice(i - 1, i) if i else slice(0, 0) for i in range(k)]
        blocks = [slice(k - 1 + i * n, k - 1 + (i + 1) * n) for i in range(k)]
        out[: k - 1, : k - 1] -= float(w.sum()) * (np.diag(prior) - np.outer(prior, prior))[1:, 1:]
        for i, (row, score) in enumerate(zip(rows, scores, strict=True)):
            out[blocks[i], blocks[i]] += NORMAL.curvature(row, y, w * share[i])
            for j in range(k):
                if i == j:
                    continue
                both = w * share[i] * share[j]
                slope = both @ score
                out[logits[i], logits[i]] += both.sum()
                out[logits[i], logits[j]] -= both.sum()
                out[logits[i], blocks[i]] += slope
                out[blocks[i], logits[i]] += slope[:, None]
                out[logits[j], blocks[i]] -= slope
                out[blocks[i], logits[j]] -= slope[:, None]
                out[blocks[i], blocks[i]] += (score * both[:, None]).T @ score
                out[blocks[i], blocks[j]] -= (score * both[:, None]).T @ scores[j]
        return out

    def cloud(self, theta: Array, dim: int, level: int, breaks: Array) -> Cloud:
        log_w, rows = self.split(theta)
        members = [unpack(row, dim, True) for row in rows]
        if dim == 1:
            return line_cloud(self, theta, breaks, level)
        z, dz = plane(trapezoid(32 * 2**level + 1))
        w = np.exp(-0.5 * (z * z).sum(axis=1)) * dz / (2 * np.pi)
        keep = w > 1e-18
        z, w = z[keep], w[keep]
        y = np.concatenate([m + z @ tril.T for m, tril in members])
        weights = np.concatenate([np.exp(a) * w for a in log_w])
        log_q, score = self.log_prob(theta, y)
        return Cloud(y, weights, log_q, score)

    def edges(self, theta: Array) -> Array:
        return np.unique(np.concatenate([NORMAL.edges(row) for row in self.split(theta)[1]]))

    def from_moments(self, mean: Array, covariance: Array) -> Array:
        """K normals spread along the widest direction, together with these moments."""
        values, vectors = np.linalg.eigh(covariance)
        k = self.count
        places = np.linspace(-1, 1, k) if k > 1 else np.zeros(1)
        spread = float(np.var(places)) or 1.0
        share = 0.5 if k > 1 else 0.0
        axis = vectors[:, -1] * np.sqrt(values[-1])
        inner = covariance - share * np.outer(axis, axis)
        means = [mean + place * np.sqrt(share / spread) * axis for place in places]
        return self.from_components(np.full(k, 1 / k), np.array(means), np.array([inner] * k))

    def from_components(self, weights: Array, means: Array, covariances: Array) -> Array:
        rows = [pack(m, np.linalg.cholesky(c), True) for m, c in zip(means, covariances, strict=True)]
        logits = np.log(np.maximum(weights, 1e-12))
        return np.concatenate([logits[1:] - logits[0], *rows])

    def density(self, theta: Array, frame: Frame) -> Density:
        log_w, rows = self.split(theta)
        parts = []
        for row in rows:
            mean, tril = unpack(row, frame.dim, True)
            loc = frame.centre + frame.scale * mean
            parts.append(multivariate_normal(loc, scale_tril=frame.scale[:, None] * tril))
        order = sorted(range(len(parts)), key=lambda k: tuple(np.atleast_1d(parts[k].parameters["loc"])))
        w = np.exp(log_w)
        return mixture(w[order] / w.sum(), [parts[k] for k in order])

    def encode(self, q: Density, frame: Frame) -> Array | None:
        components = q.facts.components or ((1.0, q),)
        if len(components) != self.count or any(c.facts.moments is None for _, c in components):
            return None
        rows = [NORMAL.encode(c, frame) for _, c in components]
        logits = np.log(np.array([w for w, _ in components]))
        return np.concatenate([logits[1:] - logits[0], *[row for row in rows if row is not None]])
