"""What a finished Q is like in space: both divergences and log Z on draws that no search has seen."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from kullback._distribution import Density
from kullback._fit._view import Look
from kullback._fit.space._assess import Assessment, assess
from kullback._fit.space._climb import Peak
from kullback._fit.space._cloud import Cloud, larger
from kullback._fit.space._oracle import Oracle
from kullback._measure import measure
from kullback._result import Divergence, Later, Status

WANTED, FINE = 0.01, 0.001  # of KL(P‖Q), and nats: the error from which more draws are taken, where they are cheap
ROUGH = 0.02  # nats, where they are dear


def looked_at(
    oracle: Oracle, q: Density, cloud: Cloud, peaks: list[Peak], seed: int, power: float, say: Callable[[str], None],
    settled: bool,
) -> Look:  # fmt: skip
    """`settled` says that P is known well enough for an error to be its whole error."""
    p = oracle.density
    known = 0.0 if p.normalized else None
    seen = assess(oracle, q, cloud, peaks, seed, power, known)
    fine = ROUGH if oracle.dear else FINE
    while _vague(seen.forward, fine) and oracle.exact and (more := larger(oracle, cloud, [seed, 2])):
        cloud = more  # few heavy terms are half of KL(P‖Q): few draws see too few of them, and too small an error
        say(f"KL(P‖Q): {len(cloud.x)} draws")
        seen = assess(oracle, q, cloud, peaks, seed, power, known)
    forward, reverse = _values(p, q, seen)
    if not settled:
        forward, reverse = (
            replace(d, status=Status.TOLERANCE_MISSED) if d.status is Status.OK else d for d in (forward, reverse)
        )
    importance = seen.importance
    return Look(forward, reverse, Later.of(seen.coverage), Later.of(importance), seen.notes, importance.log_evidence)


def _vague(left: Divergence, fine: float) -> bool:
    return math.isfinite(left.value) and left.error > max(WANTED * abs(left.value), fine)


def _values(p: Density, q: Density, seen: Assessment) -> tuple[Divergence, Divergence]:
    """Where P is normalised by its own formula, its divergences by the methods that know it."""
    if p.anonymous or not p.normalized:
        return seen.forward, seen.reverse
    found = []
    for a, b, fallback in ((p, q, seen.forward), (q, p, seen.reverse)):
        exact = measure(a, b)
        found.append(exact if exact.error <= fallback.error or not np.isfinite(fallback.value) else fallback)
    return found[0], found[1]
