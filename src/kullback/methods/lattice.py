"""Masses on the integers: the sum, with what its tail can still add."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from kullback._distribution import Density, Discrete, Facts, Measured
from kullback._result import Divergence, InputError, Status
from kullback._support import Array, Lattice
from kullback.methods._gap import Gap
from kullback.methods._request import Request
from kullback.methods.exact import check_sum
from kullback.numerics import integers
from kullback.numerics.terms import deviance, gain, rounding

EPS = float(np.finfo(float).eps)
# families whose log masses are right to a few units in the last place
PRECISE = {"poisson", "geometric", "binomial", "bernoulli", "discrete_uniform", "negative_binomial", "zipf"}
BLOCK, LONGEST = 1024, 1 << 22


class LatticeSum:
    """Σ p·log(p/q) over the integers; long runs of a slow tail are summed through their interpolation.

    Near P = Q, where that sum cancels, the non-negative deviances p·log(p/q) − p + q are summed instead.
    """

    name = "lattice"
    random = False

    def applies(self, p: Measured, q: Measured) -> str | None:
        reasons = [_not_on_lattice(d, name) for d, name in ((p, "P"), (q, "Q"))]
        return next((reason for reason in reasons if reason), None)

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence:
        f, g = as_lattice(p), as_lattice(q)
        support, around = _lattice(f), np.concatenate([_spread(f), _spread(g)])
        if not math.isfinite(support.low):
            raise InputError(f"{f} is on {support}, which has no lowest point to sum from")
        gap = Gap()
        rows = _rows(f, g, gap)
        budget = request.budget or LONGEST
        found = integers.total(lambda k: rows(k)[:3], support.low, support.high, around, budget=budget)
        if gap:
            detail = f"P has {gap.p:.3g} of its mass at {gap.x:g}, where Q has none"
            return Divergence(math.inf, 0.0, method=self.name, n=found.n, status=Status.SUPPORT_GAP, detail=detail)
        value, mass, size = (float(v) for v in found.value)
        if math.isinf(support.high) and found.last[0] > 1e-3 * abs(value) and found.last[0] > 1e-6:
            return Divergence(
                math.inf, 0.0, "estimate", method=self.name, n=found.n, status=Status.TAIL_EVIDENCE,
                detail="the terms p·log(p/q) do not fall off",
            )  # fmt: skip
        error = float(found.error[0] + found.last[0]) + 4 * EPS * size + abs(mass - 1) * (1 + abs(value))
        if value < 0.1 and error > 1e-12 * abs(value):
            whole = _lattice(g)
            near = integers.total(lambda k: rows(k)[3:], whole.low, whole.high, around, budget=budget)
            # a deviance is stationary in log p − log q, so that their rounding counts only times its root
            spare = float(near.value[0])
            closer = float(near.error[0] + near.last[0]) + 4 * EPS * (size * math.sqrt(2 * spare) + spare)
            if closer < error:
                value, error = spare, closer
        wanted = request.tolerance if request.tolerance is not None else max(1e-9 * abs(value), 1e-13)
        status = Status.OK if error <= wanted else Status.TOLERANCE_MISSED
        kind = "bound" if found.n <= integers.SHORT and math.isfinite(support.high) else "estimate"
        return Divergence(value, error, kind, method=self.name, n=found.n, status=status)


def _rows(f: Density, g: Density, gap: Gap) -> Callable[[Array], Array]:
    """The terms: gain, mass, the reach of rounding, and the deviance. The heaviest point without q goes to `gap`."""

    def rows(k: Array) -> Array:
        log_p, log_q = f._log_prob(k), g._log_prob(k)
        gap.see(k, log_p, log_q)
        p = np.where(log_q == -np.inf, 0.0, np.exp(log_p))
        log_q = np.where(log_q == -np.inf, -745.0, log_q)
        size = rounding(p, log_p, log_q)
        if not {f.facts.family, g.facts.family} <= PRECISE:
            size = size + p * k * np.log(k + 2)
        kept = np.where(p > 0, log_p, -np.inf)
        return np.stack([gain(kept, log_q), p, size, deviance(kept, log_q)])

    return rows


def _lattice(f: Density) -> Lattice:
    assert isinstance(f.support, Lattice)
    return f.support


def _spread(f: Density) -> Array:
    """Points around the mean, at multiples of the standard deviation."""
    if f.facts.components:
        return np.concatenate([_spread(part) for _, part in f.facts.components])
    mean, variance = f.facts.moments or (0.0, 1.0)
    if not (math.isfinite(mean) and math.isfinite(variance)):
        return np.zeros(1)
    return np.asarray(mean + math.sqrt(variance) * np.array([-40.0, -10, -5, -2, 0, 2, 5, 10, 40]))


def _not_on_lattice(d: Measured, name: str) -> str | None:
    if isinstance(d, Density) and isinstance(d.support, Lattice):
        return None
    if isinstance(d, Discrete):
        if d.values.ndim != 1:
            return f"{name} is a batch; a lattice sum takes one distribution"
        if d.labels is None or all(isinstance(x, int | np.integer) for x in d.labels):
            return None
        return f"{name} has labels that are not integers"
    return f"{name} does not live on the integers"


def as_lattice(d: Measured) -> Density:
    """A finite table as a mass on the integers: its labels, or the positions 0 … n−1."""
    if isinstance(d, Density):
        return d
    assert isinstance(d, Discrete)
    places = np.arange(d.size) if d.labels is None else np.array(d.labels, dtype=np.int64)
    if d.logits is not None:
        shifted = d.logits - d.logits.max()
        log_p = shifted - math.log(math.fsum(np.exp(shifted)))
    else:
        values = np.asarray(d.probs, dtype=np.float64)
        if not np.isfinite(values).all() or (values < 0).any():
            bad = values[~(np.isfinite(values) & (values >= 0))][0]
            raise InputError(f"the probabilities hold {bad:g}; they must be finite and not negative")
        total = math.fsum(values)
        check_sum("the array", d.probs, total, d.normalize, d.size)
        with np.errstate(divide="ignore"):
            log_p = np.log(values / total)
    order = np.argsort(places, kind="stable")
    places, log_p = places[order], log_p[order]
    low, high = int(places[0]), int(places[-1])

    def log_prob(x: Array) -> Array:
        at = np.searchsorted(places, x).clip(0, len(places) - 1)
        return np.where(places[at] == x, log_p[at], -np.inf)

    p = np.exp(log_p)
    mean = float(p @ places)
    facts = Facts(moments=(mean, float(p @ (places - mean) ** 2)))
    return Density(log_prob, support=Lattice(low, high), vectorized=True, facts=facts, name=str(d))


def _first(f: Density, support: Lattice) -> float:
    """Where f begins to matter: 40 standard deviations below the mean of every component, or the low end."""
    around = _spread(f)
    return float(max(support.low, np.floor(around.min()))) if len(around) > 1 else support.low


def points(f: Density, longest: int) -> tuple[Array, float]:
    """The integers that carry f, from its low end until the rest is below 1e-18, and what is left."""
    support = f.support
    assert isinstance(support, Lattice)
    if not math.isfinite(support.low):
        raise InputError(f"{f} is on {support}, which has no lowest point to sum from")
    first = start = _first(f, support)
    mean = f.facts.moments[0] if f.facts.moments is not None else start
    size, blocks, mass = BLOCK, [], 0.0
    while True:
        stop = min(start + size, support.high + 1)
        x = np.arange(start, stop)
        p = np.exp(f._log_prob(x))
        blocks.append(x)
        mass += math.fsum(p)
        past = x[-1] > mean if len(x) else True
        if stop > support.high or stop - first > longest:
            break
        if past and 1 - mass < 1e-10 and p[-1] < 1e-30:  # what is left is the rounding of the masses
            break
        start, size = stop, min(2 * size, 1 << 20)
    return np.concatenate(blocks), max(1 - mass, 0.0)
