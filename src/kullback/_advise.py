"""Which direction to use: the rules in order, one table.

| rule | holds when | advice |
|---|---|---|
| only | one direction is infinite for every member | the other one, with the reason |
| need | the person says "cover" or "major" | forward for cover, reverse for major |
| close | forward residual ≤ 0.05 nats | forward: Q comes close to P everywhere |
| richer | a family one step richer removes half of the residual | said first, then the next rule |
| settle | otherwise | reverse, if the major part of P is enough, with what it misses |
"""

from __future__ import annotations

from typing import Any

from kullback._fit import both, fit
from kullback._fit._run import Progress
from kullback._format import number, percent, uncertain
from kullback._result import Advice, Fit, InputError, KullbackError
from kullback.families import Family, LatticeFamily, as_family, richer

CLOSE = 0.05
NEEDS = ("cover", "major")


def advise(p: Any, family: Any, *, need: str | None = None, seed: int = 0, progress: Progress | None = None) -> Advice:
    """Fit both ways and say which direction to use, with the numbers it rests on.

    Parameters
    ----------
    p, family, seed
        As in `fit`.
    need : {"cover", "major"}, optional
        What the fit is for: "cover" if Q must have mass wherever P has (importance sampling, safety),
        "major" if the major part of P is enough.

    Returns
    -------
    Advice
        direction, reasons, the condition under which it holds, both fits, and the richer family if one
        would remove half of the forward residual.

    Examples
    --------
    >>> import kullback as kl
    >>> kl.advise("0.5*normal(0, 1) + 0.5*normal(1, 1)", "normal").direction
    'forward'
    """
    if need is not None and need not in NEEDS:
        raise InputError(f"need must be 'cover', 'major' or None, not {need!r}")
    forward, reverse = both(p, family, seed=seed, progress=progress)
    if isinstance(forward, InputError) or isinstance(reverse, InputError):
        return _only(forward, reverse, need)
    return decide(p, forward, reverse, need=need, seed=seed)


def _only(forward: Fit | InputError, reverse: Fit | InputError, need: str | None) -> Advice:
    """One direction has no finite fit: the other, and why; what was asked for may not be had."""
    found, error, direction = (
        (reverse, forward, "reverse") if isinstance(forward, InputError) else (forward, reverse, "forward")
    )
    assert isinstance(found, Fit)
    other = "forward" if direction == "reverse" else "reverse"
    reasons = [f"Only {direction} has a finite fit. {other.capitalize()}: {error}"]
    reasons.append(f"{direction.capitalize()} leaves {_nats(found)} and misses {percent(found.missed)} of P.")
    condition = ""
    if need is not None and direction != ("forward" if need == "cover" else "reverse"):
        condition = f"You need {other}, and no member of {found.family} can give it: take another family."
    forward_fit, reverse_fit = (found, None) if direction == "forward" else (None, found)
    return Advice(direction, "only", tuple(reasons), forward_fit, reverse_fit, condition)


def decide(p: Any, forward: Fit, reverse: Fit, *, need: str | None = None, seed: int = 0) -> Advice:
    """The rules of the table on two finished fits."""
    left = _nats(forward)
    found = [
        f"Forward leaves KL(P‖Q) = {left} and wastes {percent(forward.wasted)} of Q where P has next to nothing.",
        f"Reverse leaves KL(Q‖P) = {_nats(reverse)} and misses {percent(reverse.missed)} of P ({_lost(reverse)}).",
    ]
    if need is not None:
        direction = "forward" if need == "cover" else "reverse"
        why = "Q must cover all of P" if need == "cover" else "the major part of P is enough"
        return Advice(direction, "need", (f"You need it: {why}.", *found), forward, reverse)
    if forward.residual.value <= CLOSE:
        reason = f"Forward leaves only {left}, at most {CLOSE} nats: Q comes close to P everywhere."
        return Advice("forward", "close", (reason, *found), forward, reverse)
    richer = _richer(p, forward, seed)
    first = []
    if richer is not None:
        first = [
            f"First consider a richer family: {richer.family}, forward, leaves {_nats(richer)} "
            f"where {forward.family} leaves {left}."
        ]
    condition = f"If settling on the major part of P is acceptable: it misses {percent(reverse.missed)} of P."
    reason = f"{forward.family} cannot come close to P: {left} remain at the forward optimum, more than {CLOSE}."
    rule = "richer" if richer is not None else "settle"
    return Advice("reverse", rule, (*first, reason, *found), forward, reverse, condition, richer)


def _nats(f: Fit) -> str:
    d = f.residual
    return uncertain(d.value, d.error, d.error_kind) + " nats"


def _lost(f: Fit) -> str:
    gone = [f"{m.label or 'the mode'} at {number_pair(m.location)}" for m in f.modes if not m.covered]
    return "all modes are covered" if not gone else "the whole of " + ", ".join(gone)


def number_pair(location: Any) -> str:
    try:
        return "(" + ", ".join(number(float(v)) for v in location) + ")"
    except TypeError:
        return number(float(location))


def _richer(p: Any, forward: Fit, seed: int) -> Fit | None:
    """The fit of the family one step richer, if it removes at least half of the residual."""
    try:
        chosen = as_family(forward.family)
    except KullbackError:  # one of the person's own, which has no name
        return None
    family = richer(chosen) if isinstance(chosen, Family | LatticeFamily) else None
    if family is None:
        return None
    try:
        candidate = fit(p, family, direction="forward", seed=seed)
    except KullbackError:
        return None
    return candidate if candidate.residual.value <= 0.5 * forward.residual.value else None
