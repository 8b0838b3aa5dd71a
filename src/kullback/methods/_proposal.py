"""What a mean under P is drawn from: P's own components, or where its tails are too heavy, copies of them spread out.

E_P h = E_G[h·p/g] for any G that covers P. G = Σ wⱼ Gⱼ takes each component of P at the scales 1, 16, 16², … around
its centre; with wⱼ falling like 16^(−jτ) its tails are heavier than P's by a power, so that h·p/g is bounded where
h itself has no variance. Each Gⱼ is a stratum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from kullback._distribution import Density, Facts
from kullback._support import Array, reals

MOST = 128  # strata that are drawn from one by one
STEP = 16.0  # from scale to scale
LEFT = 1e-4  # the share of a term's mean that may lie beyond the largest scale
SCALES = 20
LIGHTEST = 4.0  # moments of the terms that must exist for P's own draws to serve
UNDECLARED = 0.1  # the power by which the proposal's tails fall where P's are not known


@dataclass(frozen=True, slots=True)
class Proposal:
    """Strata with their weights, and whether they are more than P's own."""

    parts: list[tuple[float, Density]]
    spread: bool = False
    scales: tuple[int, ...] = ()  # the power of STEP that each of the parts is spread by
    fall: float | None = None  # the power by which the terms' mean falls from scale to scale, if it is declared

    def beyond(self, means: Array) -> float:
        """What the largest scale leaves, from the parts' shares of the mean: they fall from scale to scale."""
        if not self.spread:
            return 0.0
        shares = np.bincount(np.array(self.scales), weights=np.abs(means))
        half = len(shares) // 2
        seen = float(shares[-1] / max(shares[half], 1e-300)) ** (1 / (len(shares) - 1 - half))
        ratio = seen if self.fall is None else STEP**-self.fall
        return float(shares[-1]) * ratio / (1 - ratio) if ratio < 1 else math.inf

    def log_density(self, x: Array) -> Array:
        terms = np.stack([math.log(w) + part._log_prob(x) for w, part in self.parts])
        return np.asarray(np.logaddexp.reduce(terms, axis=0))


def strata(p: Density) -> list[tuple[float, Density]]:
    """The components of p, and theirs, with their weights in p."""
    if not p.facts.components:
        return [(1.0, p)]
    return [(w * v, part) for w, component in p.facts.components for v, part in strata(component)]


def streams(p: Density) -> list[tuple[float, Density]]:
    """What is drawn from apart: the strata of p, or where they are too many for a stream each, p itself."""
    found = strata(p)
    if len(found) <= MOST or p.facts.sample is None or any(part.facts.sample is None for _, part in found):
        return found
    return [(1.0, p)]


def _heavy_ends(p: Density, q: Density) -> list[tuple[float, float]]:
    """The power by which P falls and that by which −log q grows, at the ends that both declare so."""
    if p.facts.tails is None or q.facts.tails is None:
        return []
    pairs = zip(p.facts.tails, q.facts.tails, strict=True)
    return [(t.power, u.exponent) for t, u in pairs if t.power < math.inf and 0 < u.exponent < math.inf]


def proposal(p: Density, q: Density, *, heavy: bool = False) -> Proposal:
    """P's own strata, or where the tails are declared (or were seen to be) heavy, spread ones."""
    own = streams(p)
    ends = _heavy_ends(p, q)
    known = min((power / grows for power, grows in ends), default=math.inf)  # moments of log p − log q under P
    if p.support != reals(p.dim) or not (heavy or known < LIGHTEST):
        return Proposal(own)
    spare = min((power - grows for power, grows in ends), default=None)
    fall = UNDECLARED if spare is None else min(max(spare, 0.05), 1.0)
    number = min(math.ceil(-math.log(LEFT) / (math.log(STEP) * fall)) + 1, SCALES)
    weights = STEP ** (-fall * np.arange(number))
    weights /= weights.sum()
    parts: list[tuple[float, Density]] = []
    scales: list[int] = []
    for w, part in own:
        parts.append((w * float(weights[0]), part))
        scales.append(0)
        ways = list(np.eye(p.dim)) if part.facts.factors else [np.ones(p.dim)]  # coordinates that stray one at a time
        for j, v in enumerate(weights[1:], 1):
            parts += [(w * float(v) / len(ways), _scaled(part, STEP ** (j * way))) for way in ways]
            scales += [j] * len(ways)
    return Proposal(parts, True, tuple(scales), spare)


def _scaled(f: Density, scale: Array) -> Density:
    """The density of c + scale·(X − c), for X's mean or the middle of some draws c."""
    facts = f.facts
    mean = None if facts.moments is None else np.asarray(facts.moments[0], dtype=np.float64)
    if mean is None or not np.isfinite(mean).all():
        mean = np.median(_few(f), axis=0)
    inner, step = f._log_prob, float(np.log(scale).sum())
    draw, carry = facts.sample, facts.transport
    found = Facts(
        family=facts.family,
        sample=None if draw is None else lambda rng, n: mean + scale * (draw(rng, n) - mean),
        transport=None if carry is None else (carry[0], lambda u: mean + scale * (carry[1](u) - mean)),
    )
    return Density(
        lambda x: inner(mean + (x - mean) / scale) - step, dim=f.dim, support=f.support, vectorized=True,
        facts=replace(found, points=facts.points), name=f.name,
    )  # fmt: skip


def _few(f: Density) -> Array:
    rng = np.random.default_rng(0)
    if f.facts.sample is not None:
        return np.asarray(f.facts.sample(rng, 256), dtype=np.float64)
    assert f.facts.transport is not None
    return np.asarray(f.facts.transport[1](rng.random((256, f.facts.transport[0]))))
