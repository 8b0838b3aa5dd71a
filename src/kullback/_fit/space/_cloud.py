"""Weighted draws that stand for P, with log Z: importance sampling where it can be relied on, else tempered SMC.

The proposal is half Q and half Student-t's around the modes. It learns: a pilot gives the modes their shares, and
where the weights stay uneven, a mixture is fitted to the weighted pilot. If k̂ still says that the weights have no
mean to rely on, particles are tempered from the proposal to P (`_smc`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kullback._distribution import Density
from kullback._fit.space._climb import Peak, as_one
from kullback._fit.space._oracle import Oracle
from kullback._fit.space._proposal import DF, Proposal, student
from kullback._fit.space._ridge import ridges
from kullback._fit.space._smc import smc
from kullback._result import InputError
from kullback._support import Array
from kullback._vocabulary import log_sum_exp
from kullback.methods._proposal import strata
from kullback.numerics import em
from kullback.numerics.pareto import pareto_k, threshold

REPLICATES = 16
LEARN = 1 << 11  # resampled draws that a mixture is fitted to
PILOT, DRAWS, MOST = 1 << 9, 1 << 12, 1 << 17
PATIENCE = 10.0  # seconds that more draws may take
ROUNDS = 3
BEYOND = 30  # dimensions above which no mixture is fitted to draws
ENOUGH = 0.2  # an effective share of the draws with which the proposal is left as it is
FEW = 0.02  # an effective share of the draws below which the proposal is improved


@dataclass(eq=False)
class Cloud:
    """Draws x (n, d) with log weights of mean Z: log Σ exp(log_b) = log Z; and the block of each.

    `log_r` is the proposal's density there and `base` the weight of each draw under it; None where SMC drew.
    """

    x: Array
    log_b: Array
    block: Array
    log_p: Array
    log_r: Array | None
    base: Array | None
    k: float
    method: str
    proposal: Proposal | None = None
    control: Density | None = None
    doubt: float = 0.0  # how far two ways to log Z differ, where one alone is not to be relied on

    @property
    def log_z(self) -> float:
        return float(log_sum_exp(self.log_b[:, None])[0])

    @property
    def weights(self) -> Array:
        w = np.exp(self.log_b - self.log_z)
        return np.asarray(w / w.sum())

    def resampled(self, n: int) -> Array:
        """n draws of equal weight, systematically."""
        places = np.searchsorted(np.cumsum(self.weights), (np.arange(n) + 0.5) / n)
        return np.asarray(self.x[np.minimum(places, len(self.x) - 1)])

    @property
    def effective(self) -> float:
        return float(1 / (self.weights**2).sum())

    @property
    def reliable(self) -> bool:
        """Whether the weights have a mean to rely on."""
        return not self.k > threshold(len(self.x))

    def moments(self) -> tuple[Array, Array, float]:
        """Mean and covariance, and the largest standard error of a mean or a log sd in units of the sd.

        Where the normal `control` was drawn from too, the difference of its weighted draws from its own moments
        is taken off: near it, that is nearly all of the error.
        """
        u, v = np.exp(self.log_b - self.log_z), np.zeros(len(self.x))
        if self.control is not None and self.log_r is not None and self.base is not None:
            assert self.control.facts.moments is not None
            centre, tril = self.control.facts.moments
            centre, tril = np.atleast_1d(centre), np.linalg.cholesky(np.atleast_2d(tril))
            x = self.x[:, 0] if self.x.shape[1] == 1 else self.x
            v = self.base * np.exp(self.control._log_prob(x) - self.log_r)
        else:
            centre = u @ self.x
            tril = np.diag(np.sqrt(u @ (self.x - centre) ** 2))
        z = np.linalg.solve(tril, (self.x - centre).T).T
        radius = (z * z).sum(axis=1)
        blocks = int(self.block.max()) + 1
        slopes = [_slope(u, v, size) for size in (np.ones_like(radius), radius, radius**2)]
        mean, covariance = _moments(u, v, slopes, z, 1.0)
        if np.linalg.eigvalsh(covariance)[0] <= 0:  # the control does not fit: without it
            slopes = [0.0, 0.0, 0.0]
            mean, covariance = _moments(u, v, slopes, z, 1.0)
        told = []
        for r in range(blocks):
            keep = self.block == r
            m, c = _moments(u[keep], v[keep], slopes, z[keep], 1 / blocks)
            told.append((centre + tril @ m, np.diag(tril @ c @ tril.T)))
        mean, covariance = centre + tril @ mean, tril @ covariance @ tril.T
        sd = np.sqrt(np.diag(covariance))
        shifts = [np.concatenate([(m - mean) / sd, 0.5 * (c / sd**2 - 1)]) for m, c in told]
        error = np.std(shifts, axis=0, ddof=1) / np.sqrt(blocks)
        return mean, covariance, float(error.max())

    @property
    def moment_k(self) -> float:
        """k̂ of the terms that second moments are the mean of: above 0.7 no number of draws at hand knows them."""
        w = self.weights
        centre = w @ self.x
        spread = np.sqrt(w @ (self.x - centre) ** 2)
        far = np.abs((self.x - centre) / spread).max(axis=1)
        return pareto_k(np.log(np.maximum(w, 1e-300)) + 2 * np.log(np.maximum(far, 1e-3)))


def _moments(u: Array, v: Array, slopes: list[float], z: Array, share: float) -> tuple[Array, Array]:
    """Mean and covariance of draws z weighed by u, less what v's weights miss of a standard normal of that share."""
    none, first, second = slopes
    total = float(u.sum() - none * (v.sum() - share))
    mean = (u - first * v) @ z / total
    square = (((u - second * v)[:, None] * z).T @ z + second * share * np.eye(z.shape[1])) / total
    return mean, square - np.outer(mean, mean)


def _slope(u: Array, v: Array, size: Array) -> float:
    """How much of v's deviation to take off from u's, where both weigh terms of that size."""
    total = float((v * v) @ size)
    return float(np.clip((u * v) @ size / total, 0.0, 1.5)) if total > 0 else 0.0


def cloud(
    oracle: Oracle,
    q: Density | None,
    peaks: list[Peak],
    seed: list[int],
    say: Callable[[str], None],
    *,
    power: float = np.inf,
    many: bool = False,
) -> Cloud:
    """A cloud for P; `power` is that of its tails, `many` says that the modes were too many to enumerate."""
    df = min(DF, power)
    known = q is not None and q.facts.family in ("normal", "multivariate_normal")
    control = q if known else None
    proposal = _first(q, peaks, df)
    rounds = 0 if many else ROUNDS
    found = _draw(oracle, proposal, PILOT, [*seed, 40, 0], 2)
    if not many and (found.effective < ENOUGH * PILOT or oracle.dim <= BEYOND):
        proposal = _bent(oracle, proposal, q, peaks, df)
        found = _draw(oracle, proposal, PILOT, [*seed, 40, 1], 2)
    best: Cloud | None = None
    seen: list[float] = []  # log Z by every way that was tried
    for round_ in range(rounds):
        proposal = _learned(proposal, found, q)
        found = _draw(oracle, proposal, DRAWS, [*seed, 41, round_])
        found.control = control
        say(f"importance sampling: {found.effective:.0f} of {len(found.x)} draws count, k̂ = {found.k:.2f}")
        if _good(found):
            best = found if best is None or found.effective > best.effective else best
            if best.effective > ENOUGH * len(best.x) or oracle.dim > BEYOND or round_ == rounds - 1:
                return best
        elif best is not None:
            return best
        seen.append(found.log_z)
        if (
            best is None and (round_ > 0 or oracle.dim > BEYOND) and found.reliable
        ):  # but not well: another way must say the same
            seen.append(_particles(oracle, q, peaks, df, seed, say).log_z)
            found.doubt = max(seen) - min(seen)
            return found
        if oracle.dim > BEYOND:
            break
        proposal = _refitted(proposal, found, df, [*seed, 42, round_]) or proposal
    particles = _particles(oracle, q, peaks, df, seed, say)
    seen.append(particles.log_z)
    if oracle.dim > BEYOND:
        particles.doubt = 0.0 if many else max(seen) - min(seen)
        return particles
    for round_ in range(rounds):  # what the particles found, drawn from afresh: weights tell how well that is known
        refitted = _refitted(proposal, particles if round_ == 0 else found, df, [*seed, 44, round_], most=16)
        if refitted is None:
            break
        proposal = refitted
        found = _draw(oracle, proposal, 2 * DRAWS, [*seed, 45, round_])
        found.control = control
        seen.append(found.log_z)
        found.doubt = max(seen) - min(seen)
        say(f"importance sampling after SMC: {found.effective:.0f} of {len(found.x)} draws count, k̂ = {found.k:.2f}")
        if found.reliable and found.effective > FEW * len(found.x):
            return found
    particles.doubt = max(seen) - min(seen)
    return particles


def _bent(oracle: Oracle, proposal: Proposal, q: Density | None, peaks: list[Peak], df: float) -> Proposal:
    """With proposals that follow P along the coordinates with which its spread or place elsewhere changes."""
    if not (oracle.exact and oracle.swift):
        return proposal
    known = None if q is None else q.facts.moments
    mean, covariance = as_one(peaks) if known is None or not np.isfinite(known[1]).all() else known
    found = ridges(oracle, np.atleast_1d(mean), np.atleast_2d(covariance), df)
    if not found:
        return proposal
    weights = np.concatenate([0.5 * proposal.weights, np.full(len(found), 0.5 / len(found))])
    return Proposal(weights, (*proposal.parts, *found))


def _particles(
    oracle: Oracle, q: Density | None, peaks: list[Peak], df: float, seed: list[int], say: Callable[[str], None]
) -> Cloud:
    x, log_b, block, log_p = smc(oracle, q, peaks, df, seed, say)
    return Cloud(x, log_b, block, log_p, None, None, 0.0, "tempered SMC")


def _good(found: Cloud) -> bool:
    return found.reliable and found.k < 0.5 and found.effective > FEW * len(found.x)


def brief(oracle: Oracle, q: Density | None, peaks: list[Peak], seed: list[int], power: float) -> Cloud:
    """A few weighted draws, for a report that someone waits for."""
    n = PILOT // 2 if oracle.dear else PILOT
    return _draw(oracle, _first(q, peaks, min(DF, power)), n, [*seed, 47])


def of_draws(oracle: Oracle, p: Density, seed: list[int]) -> Cloud:
    """Draws of P itself, where it is normalised and can be drawn from."""
    parts = strata(p)
    proposal = Proposal(np.array([w for w, _ in parts]), tuple(part for _, part in parts))
    x, base, block, _ = proposal.draw(2 * DRAWS, REPLICATES, [*seed, 46])
    return Cloud(x, np.log(base / base.sum()), block, oracle.values(x), None, None, -np.inf, "draws of P")


def larger(oracle: Oracle, found: Cloud, seed: list[int]) -> Cloud | None:
    """Four times as many draws of the same proposal, or None where there are enough or SMC drew."""
    if found.proposal is None or 4 * len(found.x) > MOST or 4 * len(found.x) * oracle.cost > PATIENCE:
        return None
    more = _draw(oracle, found.proposal, 4 * len(found.x), [*seed, 43, len(found.x)])
    more.control, more.doubt = found.control, found.doubt
    return more


def _first(q: Density | None, peaks: list[Peak], df: float) -> Proposal:
    parts, weights = [], []
    own = [] if q is None else list(q.facts.components or ((1.0, q),))
    for w, part in own:
        parts.append(part)
        weights.append(0.4 * w)
    masses = laplace_masses(peaks)
    moments = None if q is None else q.facts.moments
    if moments is not None and np.isfinite(moments[1]).all():
        tril = np.linalg.cholesky(_held(np.atleast_2d(moments[1])))
        parts.append(student(np.atleast_1d(moments[0]), 1.1 * tril, df))
        weights.append(0.2)
    left = 1 - sum(weights)
    for peak, mass in zip(peaks, masses, strict=True):
        parts.append(student(peak.x, 1.1 * peak.tril, df))
        weights.append(left * (0.8 * mass + 0.2 / len(peaks)))
    return Proposal(np.array(weights) / np.sum(weights), tuple(parts))


def _held(covariance: Array) -> Array:
    return covariance + 1e-14 * np.diag(np.diag(covariance))


def laplace_masses(peaks: list[Peak]) -> Array:
    """The share of each mode if P were normal around it."""
    log_mass = np.array([p.height + np.log(np.diag(p.tril)).sum() for p in peaks])
    w = np.exp(log_mass - log_mass.max())
    return np.asarray(w / w.sum())


def _draw(oracle: Oracle, proposal: Proposal, n: int, seed: list[int], blocks: int = REPLICATES) -> Cloud:
    x, base, block, _ = proposal.draw(n, blocks, seed)
    log_p = oracle.values(x)
    log_r = proposal.log_prob(x)
    log_b = log_p - log_r + np.log(base)
    if not (log_b > -np.inf).any():
        raise InputError("log_prob is −∞ at every draw around the modes that were found")
    return Cloud(x, log_b, block, log_p, log_r, base, pareto_k(log_p - log_r), "importance sampling", proposal)


def _learned(proposal: Proposal, found: Cloud, q: Density | None) -> Proposal:
    """The strata's shares moved halfway to what the weighted draws say; Q's own stay."""
    fixed = 0 if q is None else max(len(q.facts.components), 1)
    terms = np.stack([part._log_prob(found.x[:, 0] if part.dim == 1 else found.x) for part in proposal.parts])
    terms += np.log(proposal.weights)[:, None]
    share = np.exp(terms - log_sum_exp(terms)) @ found.weights
    free = share[fixed:] / max(share[fixed:].sum(), 1e-300)
    total = proposal.weights[fixed:].sum()
    moved = np.concatenate([proposal.weights[:fixed], total * (0.85 * free + 0.15 / len(free))])
    return Proposal(moved / moved.sum(), proposal.parts)


def _refitted(proposal: Proposal, found: Cloud, df: float, seed: list[int], most: int = 8) -> Proposal | None:
    """A mixture of Student-t's fitted to the weighted draws beside half of the proposal."""
    x = found.resampled(LEARN)
    d = x.shape[1]
    if found.effective < 4 * d:
        return None
    mean, sd = x.mean(axis=0), x.std(axis=0)
    if not (sd > 0).all():
        return None
    z, even = (x - mean) / sd, np.full(LEARN, 1 / LEARN)
    k = int(np.clip(found.effective / (10 * d), 1, most))
    begin = em.spread_starts(z, even, k, np.random.default_rng(seed), 1)
    m = em.climb(z, even[None], begin, floor=1e-3 * np.eye(d), tolerance=1e-4, max_steps=50).mixtures
    parts, weights = [], []
    for share, centre, covariance in zip(m.weights[0], m.means[0], m.covariances[0], strict=True):
        parts.append(student(mean + sd * centre, sd[:, None] * np.linalg.cholesky(1.2 * covariance), df))
        weights.append(0.6 * share)
    return Proposal(np.concatenate([0.4 * proposal.weights, weights]), (*proposal.parts, *parts))
