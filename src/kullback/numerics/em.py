"""Maximum likelihood of a mixture of normals by expectation-maximisation, weighted and in batches.

Every array has a leading batch axis R, so that the replicates of a bootstrap climb together.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # of floats

LARGE, BLOCK = 20_000, 1 << 15  # points that are climbed on as they are, and that are in memory at once beyond
NARROWEST = 1e6  # the sum of the inverse squares of a component's widths beyond which its exponent is not expanded
FEWER = 40  # steps on many points
LOG_2PI = float(np.log(2 * np.pi))


class Mixtures(NamedTuple):
    """R mixtures of K normals in d dimensions: weights (R, K), means (R, K, d), covariances (R, K, d, d)."""

    weights: Array
    means: Array
    covariances: Array

    def pick(self, which: int | slice | Array) -> Mixtures:
        return Mixtures(self.weights[which], self.means[which], self.covariances[which])


class Climb(NamedTuple):
    mixtures: Mixtures
    log_likelihood: Array
    steps: int


def monomials(x: Array) -> Array:
    """The products xᵢxⱼ, i ≤ j, and the xᵢ of each point, as rows: what an exponent and its moments are linear in."""
    i, j = np.triu_indices(x.shape[1])
    return np.concatenate([(x[:, i] * x[:, j]).T, x.T])


def log_components(x: Array, m: Mixtures, terms: Array | None = None) -> Array:
    """log wₖ + log N(x; mₖ, Cₖ) of shape (R, K, n) for points x of shape (n, d).

    With their monomials it is one product, if no component is so narrow that the parts of its exponent would cancel.
    """
    d = x.shape[1]
    tril = np.linalg.cholesky(m.covariances)
    log_det = np.log(np.diagonal(tril, axis1=-2, axis2=-1)).sum(axis=-1)
    with np.errstate(divide="ignore"):
        log_w = np.log(m.weights)
    constant = log_w - log_det - 0.5 * d * LOG_2PI
    back = np.linalg.inv(tril)
    if terms is not None and d > 2 and (back**2).sum(axis=(-2, -1)).max() < NARROWEST:
        precision = np.swapaxes(back, -1, -2) @ back
        i, j = np.triu_indices(d)
        linear = (precision @ m.means[..., None])[..., 0]
        square = np.where(i == j, -0.5, -1.0) * precision[..., i, j]
        rows = np.concatenate([square, linear], axis=-1)
        found = (rows.reshape(-1, rows.shape[-1]) @ terms).reshape(*m.weights.shape, len(x))
        found += (constant - 0.5 * (linear * m.means).sum(axis=-1))[..., None]
        return found
    offset = x.T[None, None] - m.means[..., None]
    z = back @ offset if d > 2 else _solve_small(tril, offset)  # a product is far faster for many points
    return np.asarray(constant[..., None] - 0.5 * (z * z).sum(axis=-2))


def _solve_small(tril: Array, offset: Array) -> Array:
    first = offset[..., 0, :] / tril[..., 0, 0, None]
    if tril.shape[-1] == 1:
        return first[..., None, :]
    second = (offset[..., 1, :] - tril[..., 1, 0, None] * first) / tril[..., 1, 1, None]
    return np.stack([first, second], axis=-2)


def climb(
    x: Array,
    weights: Array,
    start: Mixtures,
    *,
    floor: Array,
    tolerance: float = 1e-10,
    max_steps: int = 2000,
) -> Climb:
    """EM from `start` for weights (R, n), each row summing to one, until the mean log likelihood gains less.

    `floor` (d, d) is added to nothing: a covariance that falls below it in any direction is held there, which
    keeps a component from collapsing on tied points.
    """
    m = start
    total = weights.shape[0]
    previous = np.full(total, -np.inf)
    likelihood = previous
    step, terms = 0, monomials(x)
    for step in range(1, max_steps + 1):  # noqa: B007
        log_parts = log_components(x, m, terms)
        top = log_parts.max(axis=1, keepdims=True)
        parts = np.exp(log_parts - top)
        scale = parts.sum(axis=1, keepdims=True)
        likelihood = ((np.log(scale) + top)[:, 0] * weights).sum(axis=1)
        done = np.abs(likelihood - previous) <= tolerance * np.maximum(1.0, np.abs(likelihood))
        if done.all():
            break
        previous = likelihood
        parts *= weights[:, None] / scale
        m = maximise(x, parts, floor, terms)
    return Climb(m, likelihood, step)


def climb_many(x: Array, weights: Array, start: Mixtures, *, floor: Array, tolerance: float, max_steps: int) -> Climb:
    """`climb` of one mixture (batch axis of one) for weights (n,), however many points there are.

    Beyond LARGE of them it climbs on some, on eight times as many from there, and on all in the end, where a step
    that gains less than a hundredth of a nat in the whole log likelihood is far below what the points can tell.
    """
    n = len(x)
    if n <= LARGE:
        return climb(x, weights[None], start, floor=floor, tolerance=tolerance, max_steps=max_steps)
    order = np.random.default_rng(0).permutation(n)
    size, m = LARGE, start
    while size < n:
        some = np.sort(order[:size])
        w = weights[some] / weights[some].sum()
        m = climb(x[some], w[None], m, floor=floor, tolerance=0.01 / size, max_steps=FEWER).mixtures
        size *= 8
    previous, likelihood = -np.inf, -np.inf
    for step in range(1, FEWER + 1):  # noqa: B007
        m_next, likelihood = _blockwise(x, weights, m, floor)
        if abs(likelihood - previous) <= 0.01 / n * max(1.0, abs(likelihood)):
            break
        previous, m = likelihood, m_next
    return Climb(m, np.array([likelihood]), step)


def _blockwise(x: Array, weights: Array, m: Mixtures, floor: Array) -> tuple[Mixtures, float]:
    """One step of EM, block after block, and the mean log likelihood before it."""
    d = x.shape[1]
    mass, sums, likelihood = 0.0, 0.0, 0.0
    for i in range(0, len(x), BLOCK):
        part, w = x[i : i + BLOCK], weights[i : i + BLOCK]
        terms = monomials(part)
        log_parts = log_components(part, m, terms)[0]
        top = log_parts.max(axis=0)
        shares = np.exp(log_parts - top)
        total = shares.sum(axis=0)
        likelihood += float((np.log(total) + top) @ w)
        shares *= w / total
        mass = mass + shares.sum(axis=1)
        sums = sums + shares @ terms.T
    held = np.maximum(np.asarray(mass), 1e-300)[:, None]
    moments = np.asarray(sums) / held
    means = moments[:, -d:]
    covariances = _full(moments[:, :-d], d) - means[:, :, None] * means[:, None, :]
    found = Mixtures((held[:, 0] / held.sum())[None], means[None], hold_above(covariances, floor)[None])
    return found, likelihood


def maximise(x: Array, shares: Array, floor: Array, terms: Array | None = None) -> Mixtures:
    """The M step: weighted means and covariances for shares of shape (R, K, n).

    Moments come from one product with the monomials; x is expected centred and of order one, so that subtracting
    the means loses no digit that matters.
    """
    d = x.shape[1]
    terms = monomials(x) if terms is None else terms
    mass = np.maximum(shares.sum(axis=-1), 1e-300)[..., None]
    sums = (shares.reshape(-1, len(x)) @ terms.T).reshape(*shares.shape[:-1], len(terms)) / mass
    means = sums[..., -d:]
    covariances = _full(sums[..., :-d], d) - means[..., :, None] * means[..., None, :]
    mass = mass[..., 0]
    return Mixtures(mass / mass.sum(axis=1, keepdims=True), means, hold_above(covariances, floor))


def _full(upper: Array, d: int) -> Array:
    """The symmetric matrices of which `upper` holds the upper triangles."""
    i, j = np.triu_indices(d)
    found = np.empty((*upper.shape[:-1], d, d))
    found[..., i, j] = found[..., j, i] = upper
    return found


def hold_above(covariances: Array, floor: Array) -> Array:
    """Covariances with every direction at least as wide as `floor`."""
    half = np.linalg.cholesky(floor)
    back = np.linalg.inv(half)
    values, vectors = np.linalg.eigh(back @ covariances @ back.T)
    if (values >= 1.0).all():
        return covariances
    held = (vectors * np.maximum(values, 1.0)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    return np.asarray(half @ held @ half.T)


def spread_starts(x: Array, weights: Array, k: int, rng: np.random.Generator, count: int) -> Mixtures:
    """`count` starts: centres far apart (k-means++ in whitened coordinates), each with the points nearest to it."""
    mean = weights @ x
    offset = x - mean
    covariance = (offset * weights[:, None]).T @ offset
    z = np.linalg.solve(np.linalg.cholesky(covariance), offset.T).T
    shares = np.empty((count, k, len(x)))
    for r in range(count):
        chosen = [int(rng.choice(len(x), p=weights))]
        distance = np.full(len(x), np.inf)
        for _ in range(k - 1):
            distance = np.minimum(distance, ((z - z[chosen[-1]]) ** 2).sum(axis=1))
            score = weights * distance
            total = score.sum()
            chosen.append(int(rng.choice(len(x), p=score / total if total > 0 else weights)))
        squared = ((z[None] - z[chosen][:, None]) ** 2).sum(axis=-1)
        owner = squared == squared.min(axis=0, keepdims=True)
        shares[r] = owner / owner.sum(axis=0) * weights
    # a tenth of everything keeps a component that owns one point from having no width
    blended = 0.9 * shares + 0.1 * weights / k
    return maximise(x, blended, 1e-12 * np.diag(np.diag(covariance)))


def fit(x: Array, weights: Array, k: int, *, floor: Array, seed: int, starts: int = 8) -> tuple[Mixtures, float]:
    """The best of several climbs, near its summit: one mixture (batch axis of one) and its mean log likelihood."""
    rng = np.random.default_rng(seed)
    if k == 1:
        one = maximise(x, weights[None, None], floor)
        return one, float(climb(x, weights[None], one, floor=floor, max_steps=1).log_likelihood[0])
    begin = spread_starts(x, weights, k, rng, starts)
    rows = np.repeat(weights[None], starts, axis=0)
    rough = climb(x, rows, begin, floor=floor, tolerance=1e-5, max_steps=50)
    best = np.argsort(-rough.log_likelihood, kind="stable")[:2]
    fine = climb(x, rows[:2], rough.mixtures.pick(best), floor=floor, tolerance=1e-8, max_steps=300)
    top = int(np.argmax(fine.log_likelihood))
    chosen = fine.mixtures.pick(slice(top, top + 1))
    order = np.lexsort((chosen.means[0, :, 0],))
    chosen = Mixtures(chosen.weights[:, order], chosen.means[:, order], chosen.covariances[:, order])
    return chosen, float(fine.log_likelihood[top])
