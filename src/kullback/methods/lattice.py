"""Masses on the integers: the sum, with what its tail can still add."""

from __future__ import annotations

import math

import numpy as np

from kullback._distribution import Density, Discrete, Facts, Measured
from kullback._result import Divergence, InputError, Status
from kullback._support import Array, Lattice
from kullback.methods._request import Request
from kullback.methods.exact import check_sum
from kullback.numerics.terms import deviance, gain

EPS = float(np.finfo(float).eps)
# families whose log masses are right to a few units in the last place
PRECISE = {"poisson", "geometric", "binomial", "bernoulli", "discrete_uniform"}
BLOCK, LONGEST = 1024, 1 << 24


class LatticeSum:
    """Σ p·log(p/q) over the integers from the low end, in growing blocks, until the tail is bounded.

    The tail bound is geometric: past both modes the ratio of successive terms falls (log-concave masses), so the
    rest is at most the last term times r/(1 − r).
    """

    name = "lattice"

    def applies(self, p: Measured, q: Measured) -> str | None:
        reasons = [_not_on_lattice(d, name) for d, name in ((p, "P"), (q, "Q"))]
        return next((reason for reason in reasons if reason), None)

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence:
        f, g = as_lattice(p), as_lattice(q)
        support = f.support
        assert isinstance(support, Lattice)
        x, tail = points(f, request.budget or LONGEST)
        log_p, log_q = f._log_prob(x), g._log_prob(x)
        lost = (log_q == -np.inf) & (log_p > -np.inf)
        if lost.any():
            k = x[lost][int(np.argmax(log_p[lost]))]
            mass = float(np.exp(log_p[lost]).sum())
            detail = f"{100 * mass:.3g} % of P lies where Q has none, most of it at {k:g}"
            return Divergence(math.inf, 0.0, method=self.name, n=len(x), status=Status.SUPPORT_GAP, detail=detail)
        terms = gain(log_p, log_q)
        value = math.fsum(terms)
        noise = rounding(f, g, x, log_p, log_q)
        bounded = tail_bound(x, terms, support)
        covered = math.isinf(support.high) or x[-1] >= support.high
        q_support = g.support
        assert isinstance(q_support, Lattice)
        if value < 0.1 and noise > 1e-12 * abs(value):
            y, _ = points(g, LONGEST)
            both = np.union1d(x, y)
            a, b = f._log_prob(both), g._log_prob(both)
            near = math.fsum(deviance(a, b))
            # a deviance is stationary in log p − log q, so that their rounding counts only times its root
            closer = rounding(f, g, both, a, b) * math.sqrt(2 * near) + 4 * EPS * near
            if closer < noise:
                value, noise = near, closer
                bounded = max(bounded, tail_bound(both, deviance(a, b), q_support))
        error = noise + bounded + tail * abs(terms[-1] if len(terms) else 0.0)
        wanted = request.tolerance if request.tolerance is not None else max(1e-9 * abs(value), 1e-13)
        status = Status.OK if error <= wanted and covered else Status.TOLERANCE_MISSED
        return Divergence(value, error, "bound", method=self.name, n=len(x), status=status)


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


def points(f: Density, longest: int) -> tuple[Array, float]:
    """The integers that carry f, from its low end until the rest is below 1e-18, and what is left."""
    support = f.support
    assert isinstance(support, Lattice)
    if not math.isfinite(support.low):
        raise InputError(f"{f} is on {support}, which has no lowest point to sum from")
    start = support.low
    mean = f.facts.moments[0] if f.facts.moments is not None else start
    size, blocks, mass = BLOCK, [], 0.0
    while True:
        stop = min(start + size, support.high + 1)
        x = np.arange(start, stop)
        p = np.exp(f._log_prob(x))
        blocks.append(x)
        mass += math.fsum(p)
        past = x[-1] > mean if len(x) else True
        if stop > support.high or (past and p[-1] <= 1e-40 * max(p.max(), 1e-300)) or stop - support.low > longest:
            break
        if past and 1 - mass < 1e-15 and p[-1] < 1e-30:
            break
        start, size = stop, min(2 * size, 1 << 20)
    return np.concatenate(blocks), max(1 - mass, 0.0)


def rounding(f: Density, g: Density, x: Array, log_p: Array, log_q: Array) -> float:
    """How far the rounding of log p and log q can move the sum; log gammas of size k·log k lose most."""
    with np.errstate(invalid="ignore"):
        size = np.where(log_p > -np.inf, 2 + np.abs(log_p) + np.abs(np.where(log_q > -np.inf, log_q, 0.0)), 0.0)
    if not {f.facts.family, g.facts.family} <= PRECISE:
        size += np.abs(x) * np.log(np.abs(x) + 2)
    return 4 * EPS * float(np.exp(log_p) @ size)


def tail_bound(x: Array, terms: Array, support: Lattice) -> float:
    """At most this much lies beyond the last point, by the ratio of the last terms."""
    if len(x) < 3 or x[-1] >= support.high:
        return 0.0
    last, before = abs(float(terms[-1])), abs(float(terms[-2]))
    if last == 0.0:
        return 0.0
    ratio = last / before if before else 1.0
    return last * ratio / (1 - ratio) if ratio < 1 else math.inf
