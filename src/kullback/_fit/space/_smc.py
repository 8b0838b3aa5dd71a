"""Tempered sequential Monte Carlo (Del Moral, Doucet and Jasra 2006): several independent runs side by side.

From a wide Student-t around what was found, β rises from 0 to 1 by steps that keep a stated share of the particles;
they are resampled systematically within each run and moved by preconditioned Langevin steps whose length follows
their acceptance. The runs' own values of Z give the error.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kullback._distribution import Density
from kullback._fit.space._climb import Peak, as_one, factor, laplace
from kullback._fit.space._oracle import Oracle
from kullback._support import Array
from kullback._vocabulary import log_sum_exp
from kullback._vocabulary._real import log_t_constant

RUNS, PARTICLES = 8, 512
KEEP = 0.7  # the effective share of the particles that a step of β leaves
MOVES = 6
STAGES = 200
ACCEPT = 0.6
SPREAD = (-2.2, 0.3)  # of the logarithm of step lengths
WIDE = 2.0
PILOTS = 4  # single runs that widen the start until P is no wider


def smc(
    oracle: Oracle, q: Density | None, peaks: list[Peak], df: float, seed: list[int], say: Callable[[str], None]
) -> tuple[Array, Array, Array, Array]:
    """Points (RUNS·PARTICLES, d), log weights with log Σ exp = log Z, the run of each point, and log p̃."""
    start = _start(oracle, q, peaks, df)
    for round_ in range(PILOTS):
        say(f"tempered SMC: pilot {round_ + 1}")
        x, *_ = _runs(oracle, start, 1, np.random.default_rng([*seed, 51, round_]), lambda _: None)
        wider = start.widened(x)
        if wider is None:
            break
        start = wider
    return _runs(oracle, start, RUNS, np.random.default_rng([*seed, 50]), say)


def _runs(
    oracle: Oracle, start: _Start, runs: int, rng: np.random.Generator, say: Callable[[str], None]
) -> tuple[Array, Array, Array, Array]:
    d, n = oracle.dim, runs * PARTICLES
    run = np.repeat(np.arange(runs), PARTICLES)
    x = start.draw(n, rng)
    f, g = oracle(x) if oracle.exact else oracle.without_slopes(x)
    log_z = np.zeros(runs)
    beta, step = 0.0, 1.0 / max(d, 1) ** (1 / 3)
    for stage in range(STAGES):
        r, _ = start(x)
        gain = np.where(f > -np.inf, f - r, -np.inf)
        change = _next(gain, 1 - beta)
        log_w = (change * gain).reshape(runs, PARTICLES)
        top = log_w.max(axis=1, keepdims=True)
        w = np.exp(log_w - top)
        log_z += np.log(w.mean(axis=1)) + top[:, 0]
        beta = min(1.0, beta + change)
        chosen = _systematic(w / w.sum(axis=1, keepdims=True), rng)
        x, f, g = x[chosen], f[chosen], g[chosen]
        say(f"tempered SMC: β = {beta:.3g}, stage {stage + 1}")
        shape = factor(np.cov(x.T).reshape(d, d) + 1e-12 * np.diag(np.var(x, axis=0) + 1e-300))
        for _ in range(MOVES if beta < 1 else 3 * MOVES):
            x, f, g, accepted = _move(oracle, x, f, g, beta, start, shape, step, rng)
            step = float(np.clip(step * np.exp(0.7 * (accepted - ACCEPT)), 1e-4, 3.0))
        if beta >= 1:
            break
    return x, np.repeat(log_z - np.log(n), PARTICLES), run, f


class _Start:
    """An equal mixture of Student-t's of several widths: its log density and gradient, and draws."""

    def __init__(self, parts: list[tuple[Array, Array]], df: float) -> None:
        self.parts, self.df = parts, df
        d = len(parts[0][0])
        self.back = [np.linalg.inv(tril) for _, tril in parts]
        self.constants = [log_t_constant(df, d) - float(np.log(np.diag(tril)).sum()) for _, tril in parts]

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        d = len(self.parts[0][0])
        z = rng.standard_normal((n, d)) / np.sqrt(rng.chisquare(self.df, n) / self.df)[:, None]
        x = np.empty((n, d))
        for k, (centre, tril) in enumerate(self.parts):
            x[k :: len(self.parts)] = centre + z[k :: len(self.parts)] @ tril.T
        return x

    def __call__(self, x: Array) -> tuple[Array, Array]:
        values, pulls = [], []
        for (centre, _), back, constant in zip(self.parts, self.back, self.constants, strict=True):
            z = (x - centre) @ back.T
            squared = (z * z).sum(axis=1)
            total = self.df + z.shape[1]
            values.append(constant - 0.5 * total * np.log1p(squared / self.df))
            pulls.append(-(total / (self.df + squared))[:, None] * (z @ back))
        stacked = np.stack(values)
        whole = log_sum_exp(stacked)
        share = np.exp(stacked - whole)
        return whole - np.log(len(self.parts)), np.einsum("kn,knd->nd", share, np.stack(pulls))

    def widened(self, x: Array) -> _Start | None:
        """With one more part around points that lie wider than all of them, or None where they do not."""
        centre, tril = x.mean(axis=0), WIDE * factor(np.cov(x.T).reshape(x.shape[1], -1))
        widest = np.max([np.diag(t) for _, t in self.parts], axis=0)
        if np.log(np.diag(tril) / widest).max() < 0.2:
            return None
        return _Start([*self.parts, (centre, tril)], self.df)


def _start(oracle: Oracle, q: Density | None, peaks: list[Peak], df: float) -> _Start:
    """Around the modes, or around Q where its bound of log Z says that a mode alone would mislead."""
    centre, covariance = as_one(peaks)
    if q is not None and q.facts.moments is not None and np.isfinite(q.facts.moments[1]).all():
        points = q.sample(256).reshape(-1, oracle.dim)
        bound = float((oracle.values(points) - q._log_prob(points if oracle.dim > 1 else points[:, 0])).mean())
        if bound > max(laplace(p) for p in peaks):
            centre, covariance = np.atleast_1d(q.facts.moments[0]), np.atleast_2d(q.facts.moments[1])
    tril = factor(covariance)
    return _Start([(centre, tril), (centre, WIDE * tril)], max(df, 3.0) if df > 2 else df)


def _next(gain: Array, left: float) -> float:
    """The step of β that keeps KEEP of the particles effective."""

    def share(change: float) -> float:
        w = np.exp(change * (gain - gain.max()))
        return float(w.sum() ** 2 / (w**2).sum() / len(w))

    if share(left) >= KEEP:
        return left
    low, high = 0.0, left
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if share(middle) >= KEEP else (low, middle)
    return max(low, 1e-12)


def _systematic(shares: Array, rng: np.random.Generator) -> Array:
    """Indices of the resampled particles, run by run."""
    runs, n = shares.shape
    chosen = []
    for r in range(runs):
        points = (rng.random() + np.arange(n)) / n
        places = np.minimum(np.searchsorted(np.cumsum(shares[r]), points), n - 1)
        chosen.append(r * n + places)
    return np.concatenate(chosen)


def _move(
    oracle: Oracle, x: Array, f: Array, g: Array, beta: float, start: _Start,
    shape: Array, step: float, rng: np.random.Generator,
) -> tuple[Array, Array, Array, float]:  # fmt: skip
    """One Langevin step on p̃^β·r^(1−β), its length spread over half a decade so that narrow places move too."""
    n, d = x.shape

    def bridge(x: Array, f: Array, g: Array) -> tuple[Array, Array]:
        value, pull = start(x)
        return beta * f + (1 - beta) * value, beta * g + (1 - beta) * pull

    h = (step * np.exp(rng.uniform(*SPREAD, n)))[:, None]
    here, slope = bridge(x, f, g)
    noise = rng.standard_normal((n, d))
    limit = 3 * np.sqrt(d) / h

    def drift(slope: Array) -> Array:
        with np.errstate(over="ignore", invalid="ignore"):  # slopes may be as large as doubles go
            pull = np.clip(np.nan_to_num(slope @ shape), -1e100, 1e100)
        return pull * np.minimum(1.0, limit / np.maximum(np.linalg.norm(pull, axis=1, keepdims=True), 1e-300))

    y = x + (0.5 * h**2 * drift(slope) + h * noise) @ shape.T
    fy, gy = oracle(y) if oracle.exact else oracle.without_slopes(y)
    there, slope_y = bridge(y, fy, gy)
    returned = np.linalg.solve(shape, (x - y).T).T - 0.5 * h**2 * drift(slope_y)
    forth = 0.5 * (noise**2).sum(axis=1) - 0.5 * (returned**2).sum(axis=1) / h[:, 0] ** 2
    with np.errstate(invalid="ignore"):
        taken = np.log(rng.random(n)) < there - here + forth
    taken &= fy > -np.inf
    out = [np.where(taken[:, None] if a.ndim == 2 else taken, b, a) for a, b in ((x, y), (f, fy), (g, gy))]
    return out[0], out[1], out[2], float(taken.mean())
