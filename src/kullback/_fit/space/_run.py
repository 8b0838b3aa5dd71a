"""From P in many dimensions and a family to a Fit."""

from __future__ import annotations

import contextlib
import math
from dataclasses import replace

import numpy as np

from kullback._distribution import Density
from kullback._fit._sampling import OWN, same_normal, with_sampling
from kullback._fit.space._assess import Assessment, assess, false_claim
from kullback._fit.space._cloud import larger
from kullback._fit.space._factors import SHOWN, Factors
from kullback._fit.space._forward import fit_forward
from kullback._fit.space._members import member_of
from kullback._fit.space._optimum import Interrupted, Optimum
from kullback._fit.space._product import ProductFit
from kullback._fit.space._reverse import minimise
from kullback._fit.space._starts import Start, starts
from kullback._fit.space._target import SpaceTarget
from kullback._measure import measure
from kullback._result import Divergence, Fit, InputError, Status
from kullback._result import Optimum as Told
from kullback._support import reals
from kullback.families import Family, Laplace, Mixture, Normal, StudentT

WANTED, FINE = 0.01, 0.001  # of KL(P‖Q), and nats: the error from which more draws are taken, where they are cheap
STOPPED = "the fit was stopped before it had a first Q; there is nothing to go on from"
FOLLOWED = 2  # of a mixture's starts, how many are carried through


def fit_space(target: SpaceTarget, family: Family, direction: str, given: Density | None) -> Fit:
    """The fit of a prepared target."""
    if not isinstance(family, Normal | StudentT | Mixture | Laplace) or (
        isinstance(family, Laplace) and direction == "reverse"
    ):
        raise InputError(
            f"{family} is fitted {direction} in one and two dimensions; P has {target.dim}. "
            "Take normal, student_t or mixture(K)"
        )
    if target.density.support != reals(target.dim):
        raise InputError(
            f"P lives on {target.density.support} and {family} on {reals(target.dim)}: KL(Q‖P) is infinite for "
            f'every such Q. Take carried("{family}"), which lives where P does.'
        )
    if target.factors is not None and isinstance(family, Normal):
        return _product(target, target.factors, family, direction)
    interrupted = False
    if direction == "forward":
        found = [fit_forward(target, family)]
        names = [found[0].start]
    else:
        found, interrupted = _reverse(target, family, given)
        names = [o.start for o in found]
    best = found[0]
    cloud = target.cloud(best.density)
    known = 0.0 if target.density.normalized else None
    seen = assess(target.oracle, best.density, cloud, target.peaks, target.seed, target.power, known)
    while _vague(seen.forward) and target.oracle.exact and (more := larger(target.oracle, cloud, [target.seed, 2])):
        cloud = more  # few heavy terms are half of KL(P‖Q): few draws see too few of them, and too small an error
        target.say(f"KL(P‖Q): {len(cloud.x)} draws")
        seen = assess(target.oracle, best.density, cloud, target.peaks, target.seed, target.power, known)
    forward, reverse = _values(target, best.density, seen)
    if target.sample is None and not target.enumerated:
        forward, reverse = (
            replace(d, status=Status.TOLERANCE_MISSED) if d.status is Status.OK else d for d in (forward, reverse)
        )
    if target.estimated is not None:
        refit = family if direction == "forward" and isinstance(family, Normal) else None
        forward, reverse = with_sampling(target.estimated, refit, best.density, (forward, reverse), target.seed)
    left = forward if direction == "forward" else reverse
    log_z = seen.importance.log_evidence
    optima = tuple(
        Told(o.density, float(left.value) if i == 0 else o.value + log_z, o.start, o.gradient)
        for i, o in enumerate(found)
    )
    return Fit(
        best.density, target.name, str(family), direction, forward, replace(reverse, direction="reverse"),
        seen.coverage, optima, tuple(dict.fromkeys(names)),
        Status.INTERRUPTED if interrupted else best.status, _detail(best, direction),
        _notes(target, best.density, seen), target, importance=seen.importance,
    )  # fmt: skip


def _vague(left: Divergence) -> bool:
    return math.isfinite(left.value) and left.error > max(WANTED * abs(left.value), FINE)


def _product(target: SpaceTarget, factors: Factors, family: Normal, direction: str) -> Fit:
    """Coordinates that look independent: each by quadrature, with an error for what the looks may have missed."""
    if target.density.normalized and abs(factors.log_z) > max(6 * factors.slack, factors.unseen):
        raise InputError(false_claim(factors.log_z))
    found = ProductFit(factors, direction, target.seed)
    cloud = target.cloud(found.q)
    seen = assess(target.oracle, found.q, cloud, [target.first], target.seed, target.power)
    importance = replace(seen.importance, log_evidence=factors.log_z, log_evidence_error=factors.slack + factors.unseen)
    left = found.forward if direction == "forward" else found.reverse
    optima = (replace(found.optima[0], value=float(left.value)), *found.optima[1:])
    notes = [
        f"the coordinates of P look independent, which rests on {factors.looks} looks and is not proven; "
        f"it has {factors.modes} modes"
    ]
    if factors.modes > SHOWN:
        notes[0] += f", of which the {SHOWN} heaviest are listed"
    notes.append("a part of P that none of the looks met is in no number here; begin where one may lie: start=")
    notes.append(f"{target.oracle.evaluations} evaluations of log_prob")
    return Fit(
        found.q, target.name, str(family), direction, found.forward, replace(found.reverse, direction="reverse"),
        factors.coverage(found.q, seen.coverage), optima, ("each coordinate by itself",), found.status, "",
        tuple(notes), target, importance=importance,
    )  # fmt: skip


def _values(target: SpaceTarget, q: Density, seen: Assessment) -> tuple[Divergence, Divergence]:
    """Where P is normalised by its own formula, its divergences by the methods that know it."""
    p = target.density
    if p.anonymous or not p.normalized:
        return seen.forward, seen.reverse
    found = []
    for a, b, fallback in ((p, q, seen.forward), (q, p, seen.reverse)):
        exact = measure(a, b)
        found.append(exact if exact.error <= fallback.error or not np.isfinite(fallback.value) else fallback)
    return found[0], found[1]


def _reverse(target: SpaceTarget, family: Family, given: Density | None) -> tuple[list[Optimum], bool]:
    """The distinct optima, the best first, and whether the search was interrupted."""
    found: list[Optimum] = []
    failed: InputError | None = None
    interrupted = False
    try:
        several = starts(target, family, given)
        if isinstance(family, Mixture) and len(several) > 1:
            several = _promising(target, family, several)
    except (KeyboardInterrupt, Interrupted):
        return [_summit(target, family)], True
    for name, base, theta in several:
        try:
            found.append(minimise(target.oracle, family, base, theta, name, target.seed, target.say))
        except InputError as error:
            failed = error
        except Interrupted as stop:
            interrupted = True
            if stop.best is not None:
                found.append(stop.best)
            break
    if interrupted:
        first = target.hurry()
        if not found and first is not None:
            found.append(_summit(target, family))
    if not found:
        if interrupted:
            raise KeyboardInterrupt(STOPPED)
        assert failed is not None
        raise failed
    return _distinct(found), interrupted


def _summit(target: SpaceTarget, family: Family) -> Optimum:
    """After Ctrl-C before any search: the member that has the first mode's place and curvature."""
    first = target.hurry()
    if first is None or isinstance(family, Mixture):
        raise KeyboardInterrupt(STOPPED)
    name, base, theta = starts(target, family, None)[0]
    density = member_of(family).density(theta, base)
    return Optimum(theta, base, np.inf, np.inf, np.inf, 0, Status.INTERRUPTED, name, density)


def _promising(target: SpaceTarget, family: Family, several: list[Start]) -> list[Start]:
    """The starts that lead lowest on few draws, from where they ended there."""
    ended: list[Optimum] = []
    for name, base, theta in several:
        with contextlib.suppress(InputError):
            ended.append(minimise(target.oracle, family, base, theta, name, target.seed, target.say, np.inf))
    kept = _distinct(ended)[:FOLLOWED]
    return [(o.start, o.base, o.theta) for o in kept] or several[:1]


def _distinct(found: list[Optimum]) -> list[Optimum]:
    kept: list[Optimum] = []
    for o in sorted(found, key=lambda o: o.value):
        if not any(_same(o, other) for other in kept):
            kept.append(o)
    return kept


def _same(a: Optimum, b: Optimum) -> bool:
    """Whether two optima differ by less than what is known of them."""
    if abs(a.value - b.value) > 0.02 + 0.01 * abs(a.value - b.value):
        return False
    one, other = a.density.facts.moments, b.density.facts.moments
    if one is None or other is None:
        return True
    sd = np.sqrt(np.diag(np.atleast_2d(one[1])))
    apart = np.abs(np.atleast_1d(one[0]) - np.atleast_1d(other[0])) / sd
    wider = np.abs(0.5 * np.log(np.diag(np.atleast_2d(other[1]))) - np.log(sd))
    return bool(apart.max() < 0.1 and wider.max() < 0.1)


def _detail(o: Optimum, direction: str) -> str:
    if o.status is Status.TOLERANCE_MISSED:
        return (
            f"The moments of P are not known: {o.draws} weighted draws leave {o.error:.1g} of its spread, and their "
            "largest terms say that far more would be needed. Fit a family with heavier tails, or reverse."
        )
    if o.status is Status.INTERRUPTED:
        if not o.draws:
            return "Q is the normal of the first mode's place and curvature; no search had begun."
        return f"Largest gradient {o.gradient:.1g} on {o.draws} draws."
    if o.status is Status.EXACT or o.start == "draws":
        return ""
    if direction == "forward":
        return f"The moments of P are known to {o.error:.1g} of its spread, from {o.draws} weighted draws."
    return f"Largest gradient {o.gradient:.1g} on {o.draws} draws; the optimum is known to {o.error:.1g} of Q's spread."


def _notes(target: SpaceTarget, q: Density, seen: Assessment) -> tuple[str, ...]:
    notes = list(seen.notes)
    if target.sample is not None and target.estimated is not None:
        own = (OWN.format(n=target.sample.n),) if same_normal(target.estimated, q) else ()
        return (*target.sample.notes, target.estimated.note, *own)
    if target.oracle.note:
        notes.append(target.oracle.note)
    if target.summit != "mode":
        why = "no summit of log_prob could be climbed to"
        if target.summit == "spike":
            why = "the summit of log_prob that was climbed to holds next to nothing of P"
        notes.append(f"{why}; the best normal stands in for the first mode")
    if not target.enumerated:
        notes.append(f"P has more modes than were enumerated ({len(target.peaks)} were found)")
    notes.append(f"{target.oracle.evaluations} evaluations of log_prob")
    return tuple(notes)
