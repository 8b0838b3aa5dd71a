"""The modes of P: where tempered draws, sent out far from the first mode, come down.

Particles start from a Cauchy around the first mode, several of its widths across, and follow p̃^β·r^(1−β) by Langevin
steps while β rises to 1. Where one ends, a straight way up to a known mode shows that it belongs there; the others
climb. As long as a round finds new modes, or some mode was met only by a few, twice as many particles follow.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kullback._fit.space._climb import Peak, as_one, climb, factor, own_scale, summit
from kullback._fit.space._cloud import laplace_masses
from kullback._fit.space._looks import looks
from kullback._fit.space._oracle import Oracle
from kullback._result import InputError
from kullback._support import Array

PARTICLES, DEAR_PARTICLES = 64, 8  # of the first round; where a value costs much
FEWEST, FEW, SMALL = 1536, 512, 5  # particles before a search may end, in up to SMALL dimensions and in more: a fifth
# of P in a narrow mode is met by one in several hundred, and in many dimensions by none of any affordable number
MOST = 4096
PATIENCE, EACH = 20.0, 12  # seconds that a search may take, and evaluations of a particle
MODES = 128  # more than this are not enumerated
WIDE = 4.0  # the Cauchy's scale in widths of the first mode
TEMPERATURES, FASTER = np.geomspace(0.01, 1.0, 8), np.geomspace(0.05, 1.0, 4)  # of the first particles, of the rest
MOVES = 2
FARTHEST = 1e30
SHALLOW = 0.5  # nats: a way up that never falls by more is a way up
SAME = 0.05  # two summits closer than this many widths are one
NEW = 0.05  # the share of modes that the last round may have found anew, if all count as enumerated
OFTEN = 10  # how often the rarest mode must have been met before the search ends
LIGHT, NOTHING = 1e-4, 1e-6  # shares of P, by curvature: of modes that must be met often, and that are kept at all
ASIDE = 16  # climbs from around a saddle
AROUND = 1.5  # once there are several, the Cauchy's scale in units of all of them


def first_peaks(oracle: Oracle, starts: list[Array], seed: int) -> list[Peak]:
    """The modes that the starts lead to, the highest first."""
    rng = np.random.default_rng([seed, 30])
    d = oracle.dim
    far = [rng.standard_normal((2 if oracle.dear else 8, d)) * size for size in (0.1, 1.0, 10.0, 100.0)]
    tries = np.concatenate([np.array(starts).reshape(-1, d), *far])
    values = oracle.values(tries)
    if not (values > -np.inf).any():
        what = f"NaN (at {oracle.nan_at})" if oracle.nan_at is not None else "−∞"
        raise InputError(
            f"log_prob is {what} at every one of {len(tries)} points from {tries[0]} outwards: "
            "pass start= a point with finite log_prob, or state the support"
        )
    known = values[: len(starts)] > -np.inf
    chosen = tries[: len(starts)][known] if known.any() else tries[[int(np.argmax(values))]]
    peaks: list[Peak] = []
    for x in chosen:
        found = summit(oracle, x) if oracle.dear else None
        if found is not None:
            peaks.append(found)
            continue
        oracle.scale = own_scale(oracle, x)
        peaks += climb(oracle, x[None], oracle.scale)
        if len(chosen) > 1:  # a start of one's own may stand in a mode that longer steps leave for a higher one
            peaks += climb(oracle, x[None], oracle.scale, near=True)
    if not any(p.found for p in peaks):  # a saddle, as between modes that are each other's mirror images
        aside = max(peaks, key=lambda p: p.height).x + rng.standard_normal((ASIDE, d)) * oracle.scale
        aside = aside[oracle.values(aside) > -np.inf]
        peaks += climb(oracle, aside, oracle.scale) if len(aside) else []
    peaks = sorted(peaks, key=lambda p: (-p.found, -p.height))
    best = peaks[0]
    if not (np.isfinite(best.x).all() and np.isfinite(best.tril).all() and np.abs(best.x).max() < FARTHEST):
        raise InputError(
            f"log_prob rises without end: from {chosen[0]} it was followed to {best.x}, where it is {best.height:.6g}. "
            "P has no finite integral; give the parameters proper priors, or a support"
        )
    oracle.scale = np.sqrt((best.tril**2).sum(axis=1))
    return distinct(best, peaks[1:])


def distinct(first: Peak, others: list[Peak]) -> list[Peak]:
    """The first, and of the others the maxima that are no other's."""
    kept = [first]
    for found in others:
        if found.found and np.isfinite(found.tril).all() and not any(same(p, found) for p in kept):
            kept.append(found)
    return kept


def fewest(oracle: Oracle) -> int:
    """How many particles at least are sent out: differences are too dear for many."""
    if not oracle.exact or oracle.dim > 20:
        return 0
    return FEWEST if oracle.dim <= SMALL else FEW


def modes(oracle: Oracle, known: list[Peak], seed: int, say: Callable[[str], None]) -> tuple[list[Peak], bool]:
    """The modes found, the highest first, and whether the search ended because no new ones came."""
    peaks = known
    most = MOST if oracle.dim <= 20 else MOST // 2
    if oracle.dear:
        most = int(min(most, max(2 * DEAR_PARTICLES, PATIENCE / (EACH * oracle.cost))))
    least = fewest(oracle)
    total, round_ = 0, 0
    if oracle.swift:
        x = looks(oracle, known[0], seed)
        peaks = sorted_in(oracle, peaks, x, oracle.values(x))[0] if len(x) else peaks
    counts = np.zeros(0, dtype=int)
    while True:
        n = PARTICLES if total == 0 else min(total, most - total)
        n = n if not oracle.dear else DEAR_PARTICLES
        ladder = TEMPERATURES if round_ == 0 and not oracle.dear else FASTER
        x, f = tempered(oracle, _surrounding(peaks), n, [seed, 31, round_], ladder)
        before = len(peaks)
        peaks, owner = sorted_in(oracle, peaks, x, f)
        counts = np.bincount(owner, minlength=len(peaks)) + np.pad(counts, (0, len(peaks) - len(counts)))
        total, round_ = total + n, round_ + 1
        say(f"modes: {len(peaks)} found with {total} particles")
        shares = laplace_masses(peaks)
        heavy = shares > LIGHT  # many small ones, as a mixture's parameters have, need not all be met often
        often = not heavy[1:].any() or int(counts[1:][heavy[1:]].min()) >= OFTEN
        new = int(heavy[before:].sum())
        settled = round_ > 1 and new == 0 and often and total >= least
        if oracle.dear and new == 0:  # what these few met is all that was looked for, and the report says so
            return sorted(peaks, key=lambda p: -p.height), True
        if settled or total >= most or len(peaks) > MODES:
            few = len(peaks) <= MODES and new <= NEW * int(heavy.sum())
            kept = [p for p, share in zip(peaks, shares, strict=True) if share > NOTHING or p is known[0]]
            return sorted(kept, key=lambda p: -p.height), settled or few


def _surrounding(peaks: list[Peak]) -> Peak:
    """All peaks as one: their mean and covariance, each with its own."""
    if len(peaks) == 1:
        return peaks[0]
    mean, covariance = as_one(peaks)
    return Peak(mean, peaks[0].height, factor(covariance) / WIDE * AROUND, True)


def tempered(oracle: Oracle, first: Peak, n: int, seed: list[int], ladder: Array = TEMPERATURES) -> tuple[Array, Array]:
    """Particles and their log p̃ after Langevin steps up the ladder, each with a step length of its own."""
    rng = np.random.default_rng(seed)
    d = oracle.dim
    z = rng.standard_normal((n, d)) / np.sqrt(rng.chisquare(1, n))[:, None]
    x = first.x + WIDE * z @ first.tril.T
    sloped = oracle if oracle.exact else oracle.without_slopes  # differences cost far more than they save steps
    f, g = sloped(x)
    lost = f == -np.inf
    if lost.any():  # outside of P's support, or where it overflows: nearer in
        x[lost] = first.x + rng.standard_normal((int(lost.sum()), d)) @ first.tril.T
        f, g = sloped(x)
    back = np.linalg.inv(first.tril)

    def bridge(x: Array, f: Array, g: Array, beta: float) -> tuple[Array, Array]:
        """log of p̃^β·r^(1−β), and its slope in units of the first mode, held where a far start would overshoot."""
        z = (x - first.x) @ back.T / WIDE
        squared = np.minimum((z * z).sum(axis=1), 1e300)
        pull = -((1 + d) / (1 + squared))[:, None] * z / WIDE
        with np.errstate(over="ignore", invalid="ignore"):  # slopes may be as large as doubles go
            drift = np.nan_to_num(beta * (g @ first.tril) + (1 - beta) * pull)
        drift = np.clip(drift, -1e100, 1e100)
        size = np.linalg.norm(drift, axis=1, keepdims=True)
        value = beta * f - (1 - beta) * 0.5 * (1 + d) * np.log1p(squared)
        return value, drift * np.minimum(1.0, 5 * np.sqrt(d) / np.maximum(size, 1e-300))

    step = np.full(n, 1.0)
    for beta in ladder:
        for _ in range(MOVES):
            here, drift = bridge(x, f, g, beta)
            h = step[:, None]
            noise = rng.standard_normal((n, d))
            y = x + (0.5 * h**2 * drift + h * noise) @ first.tril.T
            fy, gy = sloped(y)
            there, back_drift = bridge(y, fy, gy, beta)
            returned = (x - y) @ back.T - 0.5 * h**2 * back_drift
            forth = 0.5 * (noise**2).sum(axis=1) - 0.5 * (returned**2).sum(axis=1) / step**2
            with np.errstate(invalid="ignore", over="ignore"):
                taken = np.log(rng.random(n)) < there - here + forth
            taken &= np.isfinite(there)
            x, f, g = np.where(taken[:, None], y, x), np.where(taken, fy, f), np.where(taken[:, None], gy, g)
            step = np.clip(step * np.where(taken, 1.3, 0.6), 1e-8, 3.0)
    return x, f


def sorted_in(oracle: Oracle, peaks: list[Peak], x: Array, f: Array) -> tuple[list[Peak], Array]:
    """Each particle with the mode it belongs to; those that see no known mode climb, a few at a time."""
    owner = np.full(len(x), -1)
    tried = np.zeros(len(x), int)  # how many peaks were held against each
    batch = 16
    peaks = list(peaks)
    while True:
        for k in range(int(tried.min()), len(peaks)):
            rows = np.flatnonzero((owner < 0) & (tried <= k))
            if len(rows):
                seen = _uphill(oracle, x[rows], f[rows], peaks[k])
                owner[rows[seen]] = k
                tried[rows] = k + 1
        rows = np.flatnonzero(owner < 0)
        if not len(rows) or len(peaks) > MODES:
            return peaks, np.maximum(owner, 0)
        rows = rows[np.argsort(-f[rows], kind="stable")][:batch]
        scale = np.sqrt((peaks[0].tril ** 2).sum(axis=1))
        for i, found in zip(rows, climb(oracle, x[rows], scale, near=True), strict=True):
            known = next((k for k, p in enumerate(peaks) if same(p, found)), None)
            if known is None and found.found:
                peaks.append(found)
                known = len(peaks) - 1
            owner[i] = known if known is not None else 0


def same(a: Peak, b: Peak) -> bool:
    apart = np.linalg.solve(a.tril, b.x - a.x)
    other = np.linalg.solve(b.tril, b.x - a.x)
    return bool(min(np.abs(apart).max(), np.abs(other).max()) < SAME) and abs(a.height - b.height) < 0.05


def _uphill(oracle: Oracle, x: Array, f: Array, peak: Peak) -> Array:
    """Whether the straight way from each point to the peak never falls by more than SHALLOW."""
    steps = np.array([0.2, 0.4, 0.6, 0.8])
    points = x[:, None] + steps[:, None] * (peak.x - x)[:, None]
    values = oracle.values(points.reshape(-1, x.shape[1])).reshape(len(x), -1)
    path = np.column_stack([f, values, np.full(len(x), peak.height)])
    path = np.maximum(path, -1e300)
    falls = np.maximum.accumulate(path, axis=1) - path
    return np.asarray(falls.max(axis=1) <= SHALLOW)
