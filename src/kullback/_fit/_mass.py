"""P on the integers, as fits see it: every number is a sum."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import partial

import numpy as np

from kullback._distribution import Density, Discrete, Measured, Sample
from kullback._estimate import Estimate, points_and_weights
from kullback._fit._view import Look
from kullback._measure import measure
from kullback._result import Coverage, Divergence, InputError, Later, Mode
from kullback._support import Array
from kullback.methods.alpha import alpha_divergence
from kullback.methods.lattice import as_lattice, points

THRESHOLD = math.log(0.01)


@dataclass(frozen=True, eq=False)
class Mass:
    """P as a mass function; it has no coordinates but its own."""

    density: Density
    name: str
    seed: int
    notes: tuple[str, ...] = ()
    sample: Sample | None = None
    estimated: Estimate | None = None

    @property
    def shown(self) -> Mass:
        return self

    def left(self, q: Density, direction: str | float) -> Divergence:
        if not isinstance(direction, str):
            return alpha_divergence(self.density, q, direction)
        return measure(self.density, q) if direction == "forward" else measure(q, self.density)

    def look(self, q: Density, direction: str | float, left: Divergence | None) -> Look:
        forward = left if left is not None and direction == "forward" else measure(self.density, q)
        reverse = left if left is not None and direction == "reverse" else measure(q, self.density)
        return Look(forward, reverse, Later(partial(_coverage, self.density, q)), Later.of(None), self.notes)

    def free(self, q: Density) -> Density:
        return q


def mass_of(p: Measured, seed: int) -> Mass:
    """P's mass on the integers: a mass function, probabilities, or the frequencies of draws."""
    if isinstance(p, Sample):
        x, w = points_and_weights(p)
        if p.dim > 1 or (x != np.floor(x)).any():
            bad = x.ravel()[(x != np.floor(x)).ravel()][:1]
            raise InputError(f"a family on the integers needs integer draws in one dimension; found {bad}")
        values, owner = np.unique(x[:, 0], return_inverse=True)
        shares = np.bincount(owner, weights=w)
        table = Discrete(shares, labels=[int(v) for v in values], normalize=True, n=p.n, name=str(p))
        return Mass(as_lattice(table), str(p), seed, (f"P is the empirical distribution of {p.n} draws",))
    if isinstance(p, Discrete):
        if p.values.ndim != 1:
            raise InputError(f"p is a batch of shape {p.values.shape}; fit one distribution at a time")
        if p.labels is not None and not all(isinstance(x, int | np.integer) for x in p.labels):
            raise InputError(f"p has the labels {p.labels[:3]}, which are not integers; {_lattice_only()}")
        note = () if p.labels is not None else (f"outcomes taken as the integers 0 to {p.size - 1}",)
        return Mass(as_lattice(p), str(p), seed, note)
    assert isinstance(p, Density)
    return Mass(p, str(p), seed)


def _lattice_only() -> str:
    return "poisson, geometric and binomial live on the integers"


def _coverage(p: Density, q: Density) -> Coverage:
    def lost(f: Density, g: Density) -> float:
        k, _ = points(f, 1 << 22)
        log_f = f._log_prob(k)
        with np.errstate(invalid="ignore"):
            return math.fsum(np.exp(log_f)[(g._log_prob(k) - log_f < THRESHOLD) & (log_f > -np.inf)])

    k, _ = points(p, 1 << 22)
    log_p = p._log_prob(k)
    modes = _modes(k, log_p, q)
    return Coverage(lost(p, q), lost(q, p), modes)


def _modes(k: Array, log_p: Array, q: Density) -> tuple[Mode, ...]:
    """Local maxima of the mass; ties belong to the first; a basin ends at the next minimum."""
    padded = np.concatenate([[-np.inf], log_p, [-np.inf]])
    peaks = [i for i in range(len(k)) if padded[i + 1] > padded[i] and padded[i + 1] >= padded[i + 2]]
    cuts = [a + int(np.argmin(log_p[a : b + 1])) for a, b in itertools.pairwise(peaks)]
    edges = [0, *cuts, len(k)]
    mass = np.exp(log_p)
    with np.errstate(invalid="ignore"):
        gone = q._log_prob(k) - log_p < THRESHOLD
    out = []
    for i, a, b in zip(peaks, edges[:-1], edges[1:], strict=True):
        share = float(mass[a:b].sum())
        if share > 1e-4:
            out.append(Mode(float(k[i]), share, float(mass[a:b][gone[a:b]].sum()) / share))
    return tuple(out)
