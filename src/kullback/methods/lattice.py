"""Masses on the integers: the sum, with what its tail can still add."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from kullback._distribution import Density, Discrete, Facts, Measured
from kullback._result import Divergence, InputError, Status
from kullback._support import Array, Lattice, ends
from kullback.methods._beyond import Beyond, beyond, noise, reach, rough
from kullback.methods._gap import Gap, Holes
from kullback.methods._pace import affordable
from kullback.methods._request import Request
from kullback.methods.exact import check_sum
from kullback.numerics import integers
from kullback.numerics.terms import deviance, gain, rounding

EPS = float(np.finfo(float).eps)
BLOCK, MOST = 1024, 1 << 20
UNSEEN = 1e6  # how large −log q may be where q underflows, on the little mass where it may
FAINT_MASS = 1e-12  # the most mass of P for which that is believed
GAIN, MASS, REACH, HIDDEN, DEVIANCE, BLUR = range(6)  # the rows of `_rows`


class LatticeSum:
    """Σ p·log(p/q) over the integers; long runs of a slow tail are summed through their interpolation.

    Near P = Q, where that sum cancels, the non-negative deviances p·log(p/q) − p + q are summed instead. What lies
    beyond the doubles goes on as a power law does.
    """

    name = "lattice"
    random = False

    def applies(self, p: Measured, q: Measured) -> str | None:
        reasons = [_not_on_lattice(d, name) for d, name in ((p, "P"), (q, "Q"))]
        return next((reason for reason in reasons if reason), None)

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence:
        f, g = as_lattice(p), as_lattice(q)
        around = np.concatenate([_spread(f), _spread(g)])
        gap = Gap()
        rows = _rows(f, g, gap, around)
        budget = affordable(request.budget, MOST, np.floor(around), f, g)
        if isinstance(p, Discrete):
            found, tail = _listed(rows, f), Beyond()
        else:
            found, tail = _summed(f, g, rows, f, around, budget, HIDDEN - 1)
        if gap:
            detail = f"P has {gap.p:.3g} of its mass at {gap.x:g}, where Q has none"
            return Divergence(math.inf, 0.0, method=self.name, n=found.n, status=Status.SUPPORT_GAP, detail=detail)
        if tail.infinite:
            return Divergence(
                math.inf, 0.0, "estimate", method=self.name, n=found.n, status=Status.TAIL_EVIDENCE,
                detail=tail.infinite,
            )  # fmt: skip
        value, mass, moved = (float(v) for v in found.value[:HIDDEN])
        value, mass = value + tail.gain, mass + tail.mass
        error = float(found.error[GAIN] + found.last[GAIN]) + 16 * EPS * moved + tail.error
        error += abs(mass - 1) * (1 + abs(value)) + _of_hidden(float(found.value[HIDDEN]))
        n = found.n
        if value < 0.1 and error > 1e-12 * abs(value) and not isinstance(p, Discrete):
            near, far = _summed(f, g, lambda k: rows(k)[[DEVIANCE, BLUR]], g, around, budget, 1)
            # the rounding of log p and log q moves a deviance by p − q times theirs
            spare = float(near.value[0]) + far.deviance
            closer = float(near.error[0] + near.last[0]) + far.error
            closer += 16 * EPS * (float(near.value[1]) + spare)
            n += near.n
            if closer < error and not far.infinite:
                value, error = spare, closer
        wanted = request.tolerance if request.tolerance is not None else max(1e-9 * abs(value), 1e-13)
        status = Status.OK if error <= wanted else Status.TOLERANCE_MISSED
        kind = "bound" if n <= integers.SHORT and math.isfinite(_lattice(f).high) else "estimate"
        return Divergence(value, error, kind, method=self.name, n=n, status=status)


def _summed(
    f: Density,
    g: Density,
    rows: Callable[[Array], Array],
    over: Density,
    around: Array,
    budget: int,
    drivers: int | None,
) -> tuple[integers.Total, Beyond]:
    """The rows over the support of `over`, and what lies beyond the last point."""
    found: list[integers.Total] = []
    tails: list[Beyond] = []
    for sign, low, high in _sides(_lattice(over), around):
        side = integers.total(
            partial(_mirrored, rows, sign), low, high, sign * around, budget=budget, drivers=drivers,
            farthest=min(reach(d, sign, low) for d in (f, g)),
        )  # fmt: skip
        if math.isfinite(side.end):
            tails.append(beyond(f, g, sign, low, side.end))
            side = side._replace(last=np.zeros_like(side.last))
        found.append(side)
    return found[0] if len(found) == 1 else found[0].join(found[1]), Beyond.join(tails)


def _mirrored(rows: Callable[[Array], Array], sign: int, k: Array) -> Array:
    return rows(sign * k)


def _sides(support: Lattice, around: Array) -> list[tuple[int, float, float]]:
    """(sign, low, high) of the ranges of sign·k that make up the support: both ways from a middle if it has no low."""
    if math.isfinite(support.low):
        return [(1, support.low, support.high)]
    middle = min(float(np.floor(np.median(around))), support.high)
    return [(1, middle, support.high), (-1, 1 - middle, math.inf)]


def _listed(rows: Callable[[Array], Array], f: Density) -> integers.Total:
    """The rows at the places of a table."""
    values = np.array([math.fsum(row) for row in rows(np.array(f.facts.landmarks, dtype=np.float64))])
    return integers.Total(values, EPS * np.abs(values), len(f.facts.landmarks), np.zeros(len(values)), math.inf)


def _of_hidden(mass: float) -> float:
    """What P's mass where log q has left the doubles may add."""
    if mass <= 0:
        return 0.0
    return UNSEEN * mass if mass < FAINT_MASS else math.inf


def _rows(f: Density, g: Density, gap: Gap, around: Array) -> Callable[[Array], Array]:
    """The rows named above. The heaviest point that Q's support leaves out goes to `gap`."""
    holes = Holes(lambda k: g._log_prob(np.floor(k)), np.unique(np.floor(around))) if rough(g) else None

    def rows(k: Array) -> Array:
        log_p, log_q = f._log_prob(k), g._log_prob(k)
        none = (log_q == -np.inf) & (log_p > -np.inf)
        hidden = np.zeros_like(log_p)
        if none.any():
            real = none.copy()
            if g.facts.underflows:
                real[:] = False
            elif holes is not None:
                real[none] = holes.real(k[none])
            gap.see(k[real], log_p[real], log_q[real])
            hidden = np.where(none & ~real, np.exp(log_p), 0.0)
            log_q = np.where(none, -745.0, log_q)
        kept = np.where(none & (hidden == 0), -np.inf, log_p)
        p, q = np.exp(kept), np.exp(log_q)
        both = np.where((p > 0) & (q > 0), np.abs(p - q), 0.0)
        reached, blur = rounding(p, log_p, log_q), rounding(both, log_p, log_q)
        if rough(f) or rough(g):
            lost = (noise(f, k) + noise(g, k)) / EPS
            reached, blur = reached + p * lost, blur + both * lost
        return np.stack([gain(kept, log_q), p, reached, hidden, deviance(kept, log_q), blur])

    return rows


def mass_between(f: Density, low: float, high: float) -> float:
    """Σ p from low to high, both included."""
    if low > high:
        return 0.0
    part = Density(f._log_prob, support=Lattice(low, high), vectorized=True, facts=f.facts)
    found, tail = _summed(part, part, lambda k: np.exp(f._log_prob(k))[None], part, _spread(f), MOST, None)
    return min(float(found.value[0]) + tail.mass, 1.0)


def entropy(f: Density) -> float:
    """−Σ p·log p, by the same sum."""
    flat = Density(lambda k: np.zeros(len(k)), support=Lattice(-math.inf), vectorized=True, facts=Facts(family="flat"))
    around = _spread(f)
    found, tail = _summed(f, flat, _rows(f, flat, Gap(), around), f, around, MOST, HIDDEN - 1)
    return math.inf if tail.infinite else -(float(found.value[GAIN]) + tail.gain)


def _lattice(f: Density) -> Lattice:
    assert isinstance(f.support, Lattice)
    return f.support


def _spread(f: Density) -> Array:
    """Points around the mean, at multiples of the standard deviation, and the ends of the support."""
    if f.facts.components:
        return np.concatenate([_spread(part) for _, part in f.facts.components])
    edges = [end for end in ends(f.support) if math.isfinite(end)] or [0.0]
    return np.concatenate([_around_mean(f), edges])


def _around_mean(f: Density) -> Array:
    if f.facts.components:
        return np.concatenate([_around_mean(part) for _, part in f.facts.components])
    mean, variance = f.facts.moments or (math.nan, math.nan)
    if not (math.isfinite(mean) and math.isfinite(variance)):
        low = _lattice(f).low
        return np.array([low if math.isfinite(low) else 0.0])
    return np.asarray(mean + math.sqrt(max(variance, 0.0)) * np.array([-40.0, -10, -5, -2, 0, 2, 5, 10, 40]))


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
        shifted = d.logits.astype(np.float64) - d.logits.max()
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
    facts = Facts(moments=(mean, float(p @ (places - mean) ** 2)), landmarks=tuple(places[p > 0].tolist()))
    return Density(log_prob, support=Lattice(low, high), vectorized=True, facts=facts, name=str(d))


def points(f: Density, longest: int) -> tuple[Array, float]:
    """The integers that carry f, from where it begins to matter until the rest is below 1e-18, and what is left."""
    support = f.support
    assert isinstance(support, Lattice)
    first = start = float(max(support.low, np.floor(_around_mean(f).min())))
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
