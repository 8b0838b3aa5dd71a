"""min KL(Q‖P): the deterministic objective from several starts, on nodes that double until they no longer matter."""

from __future__ import annotations

import numpy as np

from kullback._fit._search import Found, distinct, hessian, minimise, search
from kullback._fit._target import Target
from kullback._format import vector
from kullback._objectives import Objective, reverse
from kullback._result import InputError, Status
from kullback._support import Array, reals
from kullback.families import Family, Mixture
from kullback.numerics import em

LEVELS = {1: (0, 4), 2: (0, 3)}
ZERO = 1e-12  # nats: Q is P, as far as the nodes can tell
TARGET = 1e-10  # nats that a doubling of the nodes may still promise


def fit_reverse(target: Target, family: Family, start: Array | None, seed: int) -> list[Found]:
    """The distinct optima found, the best first; their values are KL(Q‖P)."""
    if target.density.support != reals(target.dim):
        raise InputError(
            f"P lives on {target.density.support} and {family} on {reals(target.dim)}: KL(Q‖P) is infinite for "
            f"every such Q. Carry the family to P's support, carried({str(family)!r}), or fit forward."
        )
    begin = [] if start is None else [("given", start)]
    begin += starts(target, family, seed)
    last = LEVELS[target.dim][1]
    objectives = [reverse(family, target.log_prob, target.dim, level, target.breaks) for level in range(last + 2)]
    found = settled(target, family, objectives, begin, mixture_first(target, family))
    if not found:
        raise InputError(
            f"KL(Q‖P) is infinite at every start for {family} and P = {target.name}: P's density vanishes, or is "
            "lost to underflow, where Q must have mass"
        )
    return found


def mixture_first(target: Target, family: Family) -> int:
    """The coarsest nodes: in the plane a mixture bends between coarse ones, and settles where they do not look."""
    return 1 if target.dim == 2 and isinstance(family, Mixture) else LEVELS[target.dim][0]


def settled(
    target: Target, family: Family, objectives: list[Objective], begin: list[tuple[str, Array]], first: int
) -> list[Found]:
    """The distinct optima from these starts, each on nodes that double until they no longer matter."""
    found = distinct(search(objectives[first], begin, ZERO), target.density_nodes[0], family)
    last = LEVELS[target.dim][1]
    return distinct([refined(f, objectives, first, last) for f in found], target.density_nodes[0], family)


def refined(found: Found, objectives: list[Objective], level: int, last: int) -> Found:
    """The optimum on ever finer nodes, until the next doubling promises less than TARGET."""
    while level < last and abs(found.value) > ZERO:
        finer = objectives[level + 1]
        value, gradient = finer(found.theta)
        same = abs(value - found.value) < TARGET * max(1.0, abs(value))
        if same and np.abs(gradient).max() < 1e-7:
            return found
        step = np.linalg.lstsq(hessian(finer, found.theta), gradient, rcond=1e-10)[0]
        if same and abs(float(gradient @ step)) < TARGET**2:
            return found
        found = minimise(finer, found.theta, found.start, ZERO)
        level += 1
    if abs(found.value) <= ZERO and found.gradient < 1e-5:  # nothing is left to gain, whatever the curvature
        return found._replace(status=Status.STATIONARY)
    return found


def starts(target: Target, family: Family, seed: int) -> list[tuple[str, Array]]:
    """P's moments, its components, each mode with its curvature, and for mixtures what EM finds."""
    frame = target.frame
    inner = target.moments
    out: list[tuple[str, Array]] = []
    own = family.encode(target.density, frame)
    if own is not None and not (target.density.facts.components and not isinstance(family, Mixture)):
        out.append(("P itself", own))
    if inner is not None:
        mean, covariance = inner
        scaled = covariance / np.outer(frame.scale, frame.scale)
        out.append(("moments", family.from_moments((mean - frame.centre) / frame.scale, scaled)))
    else:
        out.append(("quartiles", family.from_moments(np.zeros(target.dim), np.eye(target.dim))))
    if isinstance(family, Mixture) and family.count > 1:
        return out + _mixture_starts(target, family, seed)
    for mode, mass in zip(target.basins.modes, target.basins.masses, strict=True):
        if len(out) > 12 or mass < 0.01:
            continue
        centre = (mode - frame.centre) / frame.scale
        width = _curvature(target, centre)
        if width is not None:
            out.append((f"mode at {vector(mode)}", family.from_moments(centre, width)))
    for weight, part in target.density.facts.components:
        theta = family.encode(part, frame)
        if theta is not None and weight >= 0.01 and len(out) < 16:
            out.append((f"component {part}", theta))
    return out


def _mixture_starts(target: Target, family: Mixture, seed: int) -> list[tuple[str, Array]]:
    y, w = target.density_nodes
    rng = np.random.default_rng([seed, 3])
    count = 6
    begin = em.spread_starts(y, w, family.count, rng, count)
    floor = 1e-8 * np.eye(target.dim)
    found = em.climb(y, np.repeat(w[None], count, axis=0), begin, floor=floor, tolerance=1e-5, max_steps=60)
    out = []
    for r in range(count):
        for kind, m in (("EM", found.mixtures.pick(r)), ("cluster", begin.pick(r))):
            out.append((f"{kind} {r + 1}", family.from_components(m.weights, m.means, m.covariances)))
    return out


def _curvature(target: Target, centre: Array) -> Array | None:
    """The inverse of −∂² log p at a mode, by differences; None where it is no smooth maximum."""
    dim, h = target.dim, 1e-3
    steps = h * np.eye(dim)
    rows = np.empty((dim, dim))

    def log_p(y: Array) -> float:
        return float(target.log_prob(y[None])[0])

    for i in range(dim):
        for j in range(dim):
            a, b = steps[i], steps[j]
            corner = log_p(centre + a + b) - log_p(centre + a - b) - log_p(centre - a + b) + log_p(centre - a - b)
            rows[i, j] = -corner / (4 * h * h)
    if not np.isfinite(rows).all():
        return None
    values = np.linalg.eigvalsh(rows)
    if values[0] <= 1e-6 or values[-1] > 1e8:
        return None
    return np.asarray(np.linalg.inv(rows))
