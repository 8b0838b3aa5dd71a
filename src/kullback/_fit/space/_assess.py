"""Both divergences, log Z, coverage and effective sample sizes of a finished Q, on draws that no search has seen.

With draws x from a proposal r, u = p/r and v = q/r: KL(P‖Q) = E_r[u·log(p/q)], KL(Q‖P) = E_r[v·log(q/p)], and as
E_r[v] = 1 is known, v − 1 is a control for each of them and for Z. The errors are jackknife over blocks of draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kullback._distribution import Density
from kullback._fit.space._climb import Peak
from kullback._fit.space._cloud import Cloud
from kullback._fit.space._oracle import Oracle
from kullback._fit.space._proposal import Proposal
from kullback._result import Coverage, Divergence, Importance, InputError, Mode, Status
from kullback._support import Array
from kullback._vocabulary import log_sum_exp
from kullback.numerics.pareto import meaning, pareto_k, threshold

DEAR = 1 << 8  # draws of Q alone where log p̃ is dear
OWN, FINE = 1 << 11, 1 << 15  # draws of Q alone, for what weights p/q look like from there; and where log Z is known
BLOCKS = 16
THRESHOLD = math.log(0.01)
LIGHT = 1e-4
SEEN = 1e-6  # of Q's mass where P has none, that makes KL(Q‖P) infinite
MOST = 1e100  # a term larger than this would drown all others anyway
SHOWN = 64  # modes listed at most


@dataclass(frozen=True, eq=False)
class Assessment:
    forward: Divergence
    reverse: Divergence
    coverage: Coverage
    importance: Importance
    notes: tuple[str, ...]


def assess(
    oracle: Oracle, q: Density, cloud: Cloud, peaks: list[Peak], seed: int, power: float, known_z: float | None = None
) -> Assessment:
    """`power` is that of P's tails; `known_z` is log Z where P is known to be normalised."""
    oracle.nan_at = None
    own = _own(oracle, q, seed, DEAR if oracle.dear else OWN)
    if oracle.nan_at is not None:
        raise InputError(
            f"log_prob is NaN at {oracle.nan_at}, where Q has its mass. Let it return −∞ outside the support, or "
            "state the support"
        )
    x = cloud.x[:, 0] if oracle.dim == 1 else cloud.x
    log_q = q._log_prob(x)
    zero = cloud.log_z
    if cloud.log_r is not None and cloud.base is not None:
        u = np.exp(cloud.log_p - cloud.log_r - zero)
        v = np.exp(log_q - cloud.log_r)
        sets = _Sets(cloud.block, cloud.base, u, v, cloud.log_p - log_q)
        values, errors = _by_importance(sets, zero, known_z)
    else:
        values, errors = _by_runs(cloud, log_q, own, known_z)
    if known_z is not None:
        _check_claim(values[0], errors[0], cloud)
        values[0], errors[0] = known_z, 0.0
    alone, error = _reverse_alone(own if known_z is None or oracle.dear else _own(oracle, q, seed, FINE))
    if math.hypot(error, errors[0]) < errors[2]:
        values[2], errors[2] = alone + values[0], math.hypot(error, errors[0])
    if known_z is None:
        errors[:3] = [math.hypot(e, cloud.doubt) for e in errors[:3]]
    log_z, forward, reverse, missed, wasted = values
    notes = _doubts(cloud, forward, reverse, errors)
    status = Status.TOLERANCE_MISSED if notes else Status.OK
    method = cloud.method
    n = len(cloud.x)
    kinds = {"error_kind": "standard_error", "method": method, "n": n, "seed": seed}
    heavy = _few(cloud, log_q)
    if heavy:
        notes = (*notes, heavy)
    forward_status = Status.TOLERANCE_MISSED if heavy else status
    left = Divergence(forward, errors[1], status=forward_status, **kinds)  # type: ignore[arg-type]
    right = Divergence(reverse, errors[2], status=status, **kinds)  # type: ignore[arg-type]
    if power <= 2 and q.facts.tails is not None and max(t.exponent for t in q.facts.tails) >= 2:
        left = Divergence(math.inf, 0.0, "estimate", method=method, n=n, seed=seed, status=Status.TAIL_EVIDENCE,
                          detail=f"P's tails have power {power:.3g}: it has no second moments")  # fmt: skip
    if reverse == math.inf:
        right = Divergence(math.inf, 0.0, "estimate", method=method, n=n, seed=seed, status=Status.SUPPORT_GAP,
                           detail="Q has mass where log_prob is −∞")  # fmt: skip
    covered = _coverage(cloud, peaks, log_q, log_z, missed, wasted, max(errors[3], errors[4]))
    forward_share = _forward_share(cloud, log_q, log_z)
    importance = Importance(log_z, errors[0], (forward_share * OWN, own.share * OWN), OWN, own.k, own.meaning)
    return Assessment(left, right, covered, importance, notes)


@dataclass(frozen=True, eq=False)
class _Own:
    """Q's own draws: log w = log p̃ − log q there, their blocks, effective share, k̂."""

    log_w: Array
    log_q: Array
    block: Array
    base: Array
    share: float
    k: float
    meaning: str


def _own(oracle: Oracle, q: Density, seed: int, n: int) -> _Own:
    parts = q.facts.components or ((1.0, q),)
    proposal = Proposal(np.array([w for w, _ in parts]), tuple(part for _, part in parts))
    x, base, block, _ = proposal.draw(n, BLOCKS, [seed, 60])
    log_q = q._log_prob(x[:, 0] if oracle.dim == 1 else x)
    log_w = oracle.values(x) - log_q
    w = base * np.exp(log_w - log_w.max()) if (log_w > -np.inf).any() else np.zeros(len(x))
    share = float(w.sum() ** 2 / (w**2 / base).sum()) if w.any() else 0.0
    k = pareto_k(log_w)
    return _Own(log_w, log_q, block, base, share, k, meaning(k, n))


@dataclass(frozen=True, eq=False)
class _Sets:
    block: Array
    base: Array
    u: Array
    v: Array
    log_ratio: Array  # log p̃ − log q


def _check_claim(log_z: float, error: float, cloud: Cloud) -> None:
    """A callable that claims to be normalised is held to it, where its integral is known."""
    if cloud.log_r is not None and cloud.k < 0.5 and not cloud.doubt and abs(log_z) > max(6 * error, 1e-3):
        raise InputError(false_claim(log_z))


def false_claim(log_z: float) -> str:
    return (
        f"P integrates to {math.exp(min(log_z, 700)):.6g} where it was found, not to 1; pass normalized=False if it is "
        "known up to a constant, or start= a place of P that was not found"
    )


def _reverse_alone(own: _Own) -> tuple[float, float]:
    """E_Q[log q − log p̃] from Q's own draws, and its error."""
    if not (own.log_w > -np.inf).all():
        return math.inf, math.inf
    values, errors = _jackknife((-own.base * own.log_w)[:, None], own.block, lambda t: t)
    return values[0], errors[0]


def _by_importance(s: _Sets, zero: float, known: float | None) -> tuple[list[float], list[float]]:
    """(log Z, forward, reverse, missed, wasted) and their errors."""
    u, v, d = s.u, s.v, s.log_ratio
    gap = float(s.base @ np.where(d == -np.inf, v, 0.0)) > SEEN  # less may be where log_prob leaves the doubles
    with np.errstate(invalid="ignore"):
        forth = np.where(u > 0, u * d, 0.0)
        back = np.clip(np.where((v > 0) & (d > -np.inf), -v * d, 0.0), -MOST, MOST)
    missed = u * (d > zero - THRESHOLD)
    wasted = v * (d < zero + THRESHOLD)
    control = v - 1
    spread = float(s.base @ control**2)
    columns = []
    for h in (u, forth, back, missed, wasted, v):
        slope = float(s.base @ ((h - s.base @ h) * control)) / spread if spread > 1e-12 and h is not v else 0.0
        columns.append(s.base * (h - slope * control))

    def told(total: Array) -> Array:
        found = zero + math.log(max(total[0], 1e-300))
        log_z = found if known is None else known
        return np.array([found, total[1] / total[0] - log_z, total[2] + log_z, total[3] / total[0], total[4]])

    values, errors = _jackknife(np.stack(columns, axis=1), s.block, told)
    if gap:
        values[2], errors[2] = math.inf, 0.0
    return values, errors


def _by_runs(cloud: Cloud, log_q: Array, own: _Own, known: float | None) -> tuple[list[float], list[float]]:
    """The same from SMC's runs and Q's own draws, which know nothing of each other."""
    zero = cloud.log_z
    w = np.exp(cloud.log_b - zero)
    d = cloud.log_p - log_q
    columns = (w, w * d, w * (d > zero - THRESHOLD))

    def of_p(total: Array) -> Array:
        found = zero + math.log(total[0])
        log_z = found if known is None else known
        return np.array([found, total[1] / total[0] - log_z, total[2] / total[0]])

    (found_z, forward, missed), (e_z, e_f, e_m) = _jackknife(np.stack(columns, axis=1), cloud.block, of_p)
    log_z = found_z if known is None else known
    finite = own.log_w > -np.inf
    back = own.base * np.where(finite, -own.log_w, 0.0)
    low = own.base * (own.log_w < log_z + THRESHOLD)
    (reverse, wasted), (e_r, e_w) = _jackknife(np.stack([back, low], axis=1), own.block, lambda t: t)
    reverse = reverse + log_z if finite.all() else math.inf
    e_r = e_r if known is not None else math.hypot(e_r, e_z)
    return [found_z, forward, reverse, missed, wasted], [e_z, e_f, e_r, e_m, e_w]


def _jackknife(terms: Array, block: Array, told: Callable[[Array], Array]) -> tuple[list[float], list[float]]:
    """Statistics of the sums of terms (n, c), and their errors from leaving out each block.

    Two things make an estimate lie farther off, in its own errors, than a normal would. Few blocks: z is Student-t,
    whose variance is (r − 1)/(r − 3). Skew terms, of which a sum that met none of the largest is too small and seems
    too sure: E[z²] = 1 + 2γ²/n to second order, γ the skewness of the terms' influence on the statistic (Hall 1987).
    """
    sums = np.stack([np.bincount(block, weights=c) for c in terms.T], axis=1)
    r, total = len(sums), sums.sum(axis=0)
    values = told(total)
    left_out = np.array([told((total - row) * r / (r - 1)) for row in sums])
    errors = np.sqrt((r - 1) / r * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
    h = 1e-6 * np.maximum(np.abs(total), 1e-6)
    slopes = np.array([(told(total + step) - told(total - step)) / (2 * np.abs(step).max()) for step in np.diag(h)])
    influence = (terms - total / len(terms)) @ slopes
    size = (influence**2).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        skew = np.where(size > 0, (influence**3).sum(axis=0) ** 2 / size**3, 0.0)
    errors = errors * np.sqrt((r - 1) / (r - 3) * (1 + 2 * skew))
    return [float(v) for v in values], [float(e) for e in errors]


def _forward_share(cloud: Cloud, log_q: Array, log_z: float) -> float:
    """1/E_P[p/q] over as many draws of P as of Q: Q's effective share as P's draws see it, missed parts included."""
    places = np.searchsorted(np.cumsum(cloud.weights), (np.arange(OWN) + 0.5) / OWN)
    chosen = np.minimum(places, len(log_q) - 1)
    ratios = np.minimum(cloud.log_p[chosen] - log_z - log_q[chosen], 700.0)
    return math.exp(-max(float(log_sum_exp(ratios[:, None])[0]) - math.log(OWN), 0.0))


def _few(cloud: Cloud, log_q: Array) -> str:
    """Why KL(P‖Q) may be larger than draws can show: its terms have a tail that few of them reach."""
    with np.errstate(divide="ignore", invalid="ignore"):
        sizes = cloud.log_b + np.log(np.abs(cloud.log_p - log_q))
    k = pareto_k(sizes[np.isfinite(sizes)])
    if not k > threshold(len(sizes)):
        return ""
    return f"KL(P‖Q) rests on few of the draws for P (k̂ of its terms = {k:.2f}) and may be larger than stated"


def _doubts(cloud: Cloud, forward: float, reverse: float, errors: list[float]) -> tuple[str, ...]:
    """What would make the numbers untrue although their errors look small."""
    out = []
    if cloud.log_r is not None and not cloud.reliable:
        out.append(f"the weights of the draws for P have k̂ = {cloud.k:.2f}: log Z and KL(P‖Q) may be far off")
    if cloud.doubt:
        out.append(
            f"the draws for P were found with difficulty, and several ways to log Z differ by {cloud.doubt:.2g}, which "
            "is in the errors: parts of P may still be missing"
        )
    if cloud.log_r is None and errors[0] > 0.3:
        out.append(f"independent tempered runs differ in log Z by {errors[0]:.1g}: P's parts may be weighed wrongly")
    if reverse < -4 * errors[2] - 1e-9 or forward < -4 * errors[1] - 1e-9:
        out.append("a divergence came out negative beyond its error: the draws have not reached a part of P that Q has")
    return tuple(out)


def _coverage(
    cloud: Cloud, peaks: list[Peak], log_q: Array, log_z: float, missed: float, wasted: float, error: float
) -> Coverage:
    """Of what belongs to each mode, its share of P's draws and how much of that Q misses."""
    dim = cloud.x.shape[1]
    shares = _belonging(cloud.x, peaks) * cloud.weights
    masses = shares.sum(axis=1)
    gone = shares @ (log_q < cloud.log_p - log_z + THRESHOLD)
    order = np.argsort(-masses, kind="stable")[:SHOWN]
    modes = tuple(
        Mode(
            float(peaks[i].x[0]) if dim == 1 else peaks[i].x, float(masses[i]),
            float(gone[i] / masses[i]) if masses[i] > 0 else 0.0,
        )
        for i in order if masses[i] > LIGHT or i == order[0]
    )  # fmt: skip
    return Coverage(missed, wasted, modes, error)


def _belonging(x: Array, peaks: list[Peak]) -> Array:
    """How far each draw belongs to each mode, by the normals around them: (modes, draws)."""
    if len(peaks) == 1:
        return np.ones((1, len(x)))
    terms = []
    for peak in peaks:
        z = np.linalg.solve(peak.tril, (x - peak.x).T)
        terms.append(peak.height - 0.5 * (z * z).sum(axis=0))
    stacked = np.stack(terms)
    return np.asarray(np.exp(stacked - log_sum_exp(stacked)))
