"""Nearest neighbours: two samples, or one against a known density, in any dimension and of any shape."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from kullback._distribution import Density, Measured, Sample
from kullback._format import number
from kullback._result import Divergence, Status
from kullback._support import Array, Box, Interval
from kullback.methods._levels import level, tame
from kullback.methods._looks import circle, look, plain, rows, sharing, spaced
from kullback.methods._request import Request
from kullback.methods.classifier import Classifier
from kullback.numerics import neighbours, weighed_neighbours
from kullback.numerics.neighbours import Found, default_k

LEAST = 5  # draws a side
DEPENDENT = 1e-10  # of a unit variance: what a free direction of columns has at least
CLEAR, DOUBT = 0.3, 0.75  # of the error: a bias, or what was lost at ends, below leaves the interval what it says
FAR = 5  # dimensions above which the draws are too far apart; a classifier comes nearer there
DRAWN = 20_000  # of a known P


class Neighbours:
    """Wang, Kulkarni and Verdú's bias-reduced estimate; against a known density Pérez-Cruz's.

    Columns are whitened by the covariance of both sides, so that units do not matter.
    """

    name = "neighbours"
    random = False

    def applies(self, p: Measured, q: Measured) -> str | None:
        draws = [d for d in (p, q) if isinstance(d, Sample)]
        if not draws:
            return "needs draws on at least one side"
        for d, name in ((p, "P"), (q, "Q")):
            if isinstance(d, Sample):
                if d.n < LEAST + d.dim:
                    return f"needs {LEAST + d.dim} draws in {d.dim} dimensions; {name} has {d.n}"
            elif not _serves(d):
                return f"needs draws or a normalised density on the line or in space; {name} is {d}"
        if circle(p, q) is not None and not (isinstance(p, Sample) and isinstance(q, Sample)):
            return "needs draws on both sides where columns have a period"
        if isinstance(p, Density) and p.facts.sample is None:
            return f"needs draws of P; {p} has no sampler"
        return _tied(p, q) or _unfit(p, q) or None

    def defers(self, p: Measured, q: Measured) -> str | None:
        if thinner(p, q):
            return None
        if p.support.dim > FAR and Classifier().applies(p, q) is None:
            return f"draws in {p.support.dim} dimensions are far apart; the classifier comes nearer"
        return None

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence:
        drawn = sum(d.n for d in (p, q) if isinstance(d, Sample))
        if why := thinner(p, q):
            return Divergence(
                math.inf, 0.0, "estimate", method=self.name, n=drawn, status=Status.UNSEEN, detail=why
            )  # fmt: skip
        if isinstance(p, Sample) and isinstance(q, Sample):
            how = "balls that hold {} draws of either side"
            found, freedom = _two_samples(p, q, request.seed)
            notes = sharing(p, q)
        elif isinstance(p, Sample):
            assert isinstance(q, Density)
            (found, freedom), how, notes = _against_density(p, q), "densities from the {} nearest draws", ()
            if math.isinf(found.value):
                return Divergence(
                    math.inf, 0.0, "estimate", method=self.name, n=drawn, status=Status.SUPPORT_GAP,
                    detail="P has draws where Q's density is zero",
                )  # fmt: skip
        else:
            assert isinstance(p, Density)
            assert isinstance(q, Sample)
            found, freedom = _density_against(p, q, request.seed)
            how, notes = "densities from the {} nearest draws", ()
        reached = found.doubt < DOUBT * found.error and _columns_reach(p, q, found)
        notes = (how.format(found.k), *notes)
        if found.lost > 0.1 * found.error:
            notes = (*notes, f"{number(found.lost, found.error)} nats were added for P's draws beyond Q's last ones")
        clear = abs(found.bias) < CLEAR * found.error
        if not reached:
            notes = (*notes, "P's draws go on where Q's last ones lie: what is lost there is more than the error tells")
        if not clear:
            bias = (
                "cannot be estimated here" if math.isinf(found.bias) else f"is about {number(found.bias, found.error)}"
            )
            notes = (*notes, f"the error is that of the draws alone: the method's own bias, left out, {bias}")
        return Divergence(
            found.value, found.error, "standard_error", method=self.name, n=drawn, seed=request.seed,
            status=Status.ESTIMATED if clear and reached else Status.BIASED, notes=notes,
            degrees_of_freedom=freedom if math.isfinite(freedom) else None,
        )  # fmt: skip


def _columns_reach(p: Measured, q: Measured, found: Found) -> bool:
    """Whether in each of several columns P ends where Q does, for all that the error sees."""
    if p.support.dim == 1 or not (isinstance(p, Sample) and isinstance(q, Sample)) or circle(p, q) is not None:
        return True
    x, y = spaced(p), spaced(q)
    return sum(neighbours.beyond(x[:, [i]], y[:, [i]], found.k)[1] for i in range(p.dim)) < DOUBT * found.error


def near(p: Sample, q: Sample) -> tuple[Array, Array]:
    """Both as `whitened` has them; on the line as they are, where distances need no common unit."""
    a, b = level(p, q)
    assert isinstance(a, Sample)
    assert isinstance(b, Sample)
    if p.dim == 1:
        return rows(a), rows(b)
    x, y, _ = whitened(*tame(a, b))
    return x, y


def whitened(*sides: Array) -> tuple[Array, ...]:
    """The sides centred and turned to unit covariance on the mean of theirs, and last the factor's log determinant."""
    centre = np.mean([x.mean(axis=0) for x in sides], axis=0)
    tril = np.linalg.cholesky(_covariance(sides))
    turned = [np.linalg.solve(tril, (x - centre).T).T for x in sides]
    return (*turned, np.log(np.diag(tril)).sum())


def _covariance(sides: tuple[Array, ...] | list[Array]) -> Array:
    return np.mean([np.cov(x.T, bias=True).reshape(x.shape[1], -1) for x in sides], axis=0)


def _serves(d: Measured) -> bool:
    if not isinstance(d, Density) or not d.normalized or d.facts.underflows:
        return False
    sides = d.support.sides if isinstance(d.support, Box) else (d.support,)
    return all(isinstance(side, Interval) for side in sides)


def _unfit(p: Measured, q: Measured) -> str:
    a, b = level(p, q)
    sides = [d for d in (a, b) if isinstance(d, Sample)]
    if len(sides) == 2 and p.support.dim > 1:
        return flat(list(tame(*sides)))
    if len(sides) == 2 and any(np.ptp(d.x) > 0 for d in sides):
        return ""
    return flat([rows(d) for d in sides])


@lru_cache(maxsize=4)
def thinner(p: Measured, q: Measured) -> str:
    """Whether one side's draws lie in a plane of fewer dimensions than the other's: neither has mass where that has."""
    sides = [d for d in level(p, q) if isinstance(d, Sample)]
    if len(sides) < 2 or p.support.dim == 1:
        return ""
    ranks = []
    for x in tame(*sides):
        spread = x.std(axis=0)
        z = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
        ranks.append(int((np.linalg.eigvalsh(z.T @ z / len(z)) > DEPENDENT).sum()))
    if ranks[0] == ranks[1]:
        return ""
    return f"P's draws lie in {ranks[0]} dimensions of {p.support.dim} and Q's in {ranks[1]}: columns depend on others"


def flat(sides: list[Array]) -> str:
    """Why the columns cannot be whitened, if so."""
    covariance = _covariance(sides)
    size = np.sqrt(np.diag(covariance))
    if (size == 0).any() or not np.isfinite(size).all():
        i = int(np.argmax((size == 0) | ~np.isfinite(size)))
        if max(float(np.ptp(x[:, i])) for x in sides) == 0:
            return f"needs columns that vary; column {i} is constant"
        too = "wide" if size[i] else "narrow"
        return f"needs columns whose squares are doubles, and column {i} is too {too}; give both sides in another unit"
    if np.linalg.eigvalsh(covariance / np.outer(size, size))[0] < DEPENDENT:
        return "needs columns that are free; these are linearly dependent in the draws. Drop one"
    return ""


def _tied(p: Measured, q: Measured) -> str:
    """Equal draws have no distance: what the balls must hold more of than there are ties."""
    samples = [d for d in (p, q) if isinstance(d, Sample)]
    found = look(*samples)
    if not found.continuous:
        kinds = ", ".join(sorted(found.kinds - {"continuous"}))
        return f"needs draws that differ; {'the draws are' if len(found.columns) == 1 else 'some columns are'} {kinds}"
    k = max(1, default_k(min(d.n for d in samples), samples[0].dim) // 4)
    if found.most > k:
        return f"needs draws that differ; {found.most} are equal, and balls of {k} would have no radius"
    if found.shared and k <= found.most:
        return f"needs draws that differ; {found.shared} of P's are among Q's. Drop them from one side"
    return ""


def _two_samples(p: Sample, q: Sample, seed: int) -> tuple[Found, float]:
    """And the degrees of freedom of the error. Ends are looked at on as many draws as they are worth."""
    period = circle(p, q)
    x, y = near(p, q) if period is None else (rows(p), rows(q))
    if period is not None:
        unit = np.where(np.isfinite(period), period, np.std(np.concatenate([x, y]), axis=0))
        ends = np.where(np.isfinite(period), 1.0, 0.0)
        lengths = p.correlation_length, q.correlation_length
        return weighed_neighbours.two_samples(x / unit, y / unit, p.design, q.design, lengths, ends)
    if plain(p, q):
        return neighbours.two_samples(x, y, seed=seed), math.inf
    lengths = p.correlation_length, q.correlation_length
    found, freedom = weighed_neighbours.two_samples(x, y, p.design, q.design, lengths)
    lost, doubt = neighbours.beyond(spaced(p), spaced(q), max(1, round(found.k / max(lengths))))
    error = math.hypot(found.error, 0.5 * lost)
    return found._replace(value=found.value + lost, error=error, lost=lost, doubt=doubt), freedom


def _against_density(p: Sample, q: Density) -> tuple[Found, float]:
    """−entropy of P by its own neighbours, less the mean of log q over its draws."""
    z, stretch = whitened(rows(p))
    log_q = q._log_prob(p.x)
    if (log_q == -np.inf).any():
        return Found(math.inf, 0.0, 0.0, 0), math.inf
    if not plain(p):
        log_p, wide, part, k, held = weighed_neighbours.log_density(z, p.design, p.correlation_length)
        own = log_p[held] - stretch - log_q
        bias = float(p.design.mean(wide[held] - log_p[held])) / (neighbours.WIDER ** (1 / p.dim) - 1)
        error = math.sqrt(float(p.design.variance(own + part)[0]))
        return Found(float(p.design.mean(own)), error, bias, k), p.design.degrees
    k = min(default_k(p.n, p.dim), p.n - 1)

    def terms(k: int) -> Array:
        return neighbours.log_density(z, z, k, own=True) - stretch - log_q

    return _meaned(terms, k, p.n, p.dim, neighbours.noise(k) / p.n), math.inf


def _density_against(p: Density, q: Sample, seed: int) -> tuple[Found, float]:
    """log p at fresh draws of P, less log of Q's density there by Q's draws."""
    assert p.facts.sample is not None
    x = np.asarray(p.facts.sample(np.random.default_rng([seed, 8]), DRAWN), dtype=float)
    y, stretch = whitened(rows(q))
    tril = np.linalg.cholesky(_covariance([rows(q)]))
    z = np.linalg.solve(tril, (x.reshape(DRAWN, -1) - rows(q).mean(axis=0)).T).T
    log_p = p._log_prob(x)
    if not plain(q):
        log_q, wide, part, k, _ = weighed_neighbours.log_density(y, q.design, q.correlation_length, z)
        own, bias = log_p - log_q + stretch, float((log_q - wide).mean()) / (neighbours.WIDER ** (1 / q.dim) - 1)
        error = math.sqrt(float(np.var(own)) / DRAWN + float(q.design.variance(part)[0]))
        return Found(float(own.mean()), error, bias, k), q.design.degrees
    k = min(default_k(q.n, q.dim), q.n)

    def terms(k: int) -> Array:
        return log_p - (neighbours.log_density(y, z, k) - stretch)

    ratio = float(np.exp(terms(k)).mean())
    return _meaned(terms, k, DRAWN, q.dim, (max(ratio - 1, 0.0) + neighbours.noise(k)) / q.n), math.inf


def _meaned(terms: object, k: int, n: int, d: int, variance: float) -> Found:
    found, wide = terms(k), min(neighbours.WIDER * k, n - 1)  # type: ignore[operator]
    error = math.sqrt(float(np.var(found)) / n + variance)
    if wide == k:
        return Found(float(found.mean()), error, math.inf, k)
    bias = float((terms(wide) - found).mean()) / ((wide / k) ** (1 / d) - 1)  # type: ignore[operator]
    return Found(float(found.mean()), error, bias, k)
