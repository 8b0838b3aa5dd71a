"""Which direction to use: the rules in order, one table, each with its reason and source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from kullback._fit import Say, both, refit, same_normal
from kullback._format import number, percent, uncertain
from kullback._result import Advice, Fit, InputError, KullbackError, Status
from kullback._support import Box, Interval, reals
from kullback.families import Carried, Family, LatticeFamily, Normal, NumPyro, StudentT, as_family, richer
from kullback.numerics.quiet import quiet

CLOSE = 0.05  # nats
HALF = 0.5  # of the residual: what a richer family must remove
UNKNOWN = 0.5  # an error of KL(P‖Q) above this share of it (and above CLOSE): draws could not tell
LIGHT_TAILS = 0.7  # k̂ above which the weights p/q are told
NEEDS = ("cover", "major")
SHOWN, LONG = 4, 6  # modes told, and coordinates of each
WHOLE = 0.99  # of what belongs to a mode: missing more is missing all of it


@dataclass(frozen=True)
class Evidence:
    """What the rules look at: what is needed, both fits, and the family one step richer where it helps."""

    need: str | None
    forward: Fit
    reverse: Fit
    richer: Fit | None = None

    @property
    def unknown(self) -> bool:
        """Whether the forward fit rests on draws that do not carry it."""
        if self.trivial:
            return False
        left = self.forward.forward
        vague = left.error > max(CLOSE, UNKNOWN * abs(left.value)) and left.error_kind == "standard_error"
        return self.forward.status is Status.TOLERANCE_MISSED or vague

    @property
    def trivial(self) -> bool:
        """Whether Q is the normal that stands for P in its draws."""
        estimated = getattr(self.forward.target, "estimated", None)
        return estimated is not None and same_normal(estimated, self.forward.q)


@dataclass(frozen=True)
class Rule:
    """Which direction, when, why, and who says so; the first rule that holds is the advice."""

    key: str
    holds: Callable[[Evidence], bool]
    direction: Callable[[Evidence], str]
    why: Callable[[Evidence], str]
    source: str


RULES = (
    Rule(
        "need",
        lambda e: e.need is not None,
        lambda e: "forward" if e.need == "cover" else "reverse",
        lambda e: (
            "You need it: " + ("Q must cover all of P." if e.need == "cover" else "the major part of P is enough.")
        ),
        "what the fit is for, which no number tells",
    ),
    Rule(
        "unknown",
        lambda e: e.unknown,
        lambda e: "reverse",
        lambda e: (
            f"KL(P‖Q) = {_nats(e.forward)} could not be told well from weighted draws of P in "
            f"{_dim(e.forward)} dimensions; reverse needs draws of Q alone."
        ),
        "Dhaka et al. 2021, Challenges and Opportunities in High-Dimensional Variational Inference",
    ),
    Rule(
        "close",
        lambda e: e.trivial or e.forward.residual.value + 2 * _sampling(e.forward) <= CLOSE,
        lambda e: "forward",
        lambda e: (
            f"P is known by draws alone, and {e.forward.family} is what stands for it: that Q fits it is no evidence."
            if e.trivial
            else f"Forward leaves only {_nats(e.forward)}, at most {CLOSE} nats: Q comes close to P everywhere."
        ),
        "Kristiadi 2016; Minka 2005, Divergence Measures and Message Passing",
    ),
    Rule(
        "richer",
        lambda e: e.richer is not None,
        lambda e: "reverse",
        lambda e: (
            f"{e.forward.family} cannot come close to P: {_nats(e.forward)} remain at the forward optimum, "
            f"more than {CLOSE}."
        ),
        "the trouble lies in the family, not in the direction",
    ),
    Rule(
        "settle",
        lambda e: True,
        lambda e: "reverse",
        lambda e: (
            f"{e.forward.family} cannot come close to P: {_nats(e.forward)} remain at the forward optimum, "
            f"more than {CLOSE}."
        ),
        "Kristiadi 2016: reverse if Q cannot come close and the major part of P is enough",
    ),
)


@quiet
def advise(p: Any, family: Any, *, need: str | None = None, seed: int = 0, progress: Say | None = None) -> Advice:
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
    return decide(forward, reverse, need=need)


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


@quiet
def decide(forward: Fit, reverse: Fit, *, need: str | None = None) -> Advice:
    """The rules of the table on two finished fits."""
    found = Evidence(need, forward, reverse)
    if need is None and not found.unknown and not RULES[2].holds(found):
        found = replace(found, richer=_richer(forward))
    rule = next(r for r in RULES if r.holds(found))
    direction = rule.direction(found)
    reasons = [rule.why(found), *_evidence(found)]
    if found.richer is not None:
        reasons.insert(
            0,
            f"First consider a richer family: {found.richer.family}, forward, leaves {_nats(found.richer)} "
            f"where {forward.family} leaves {_nats(forward)}.",
        )
    condition = ""
    if need is None and direction == "reverse":
        condition = f"If settling on the major part of P is acceptable: it misses {percent(reverse.missed)} of P."
    return Advice(direction, rule.key, tuple(reasons), forward, reverse, condition, found.richer, rule.source)


def _evidence(e: Evidence) -> list[str]:
    """What both fits show, in words."""
    out = [
        f"Forward leaves KL(P‖Q) = {_nats(e.forward)} and wastes {percent(e.forward.wasted)} of Q where P has "
        "next to nothing.",
        f"Reverse leaves KL(Q‖P) = {_nats(e.reverse)} and misses {percent(e.reverse.missed)} of P "
        f"({_lost(e.reverse)}).",
    ]
    k = e.reverse.pareto_k
    if k > LIGHT_TAILS:
        out.append(f"Seen from the reverse fit k̂ = {number(round(k, 2))}: {e.reverse.importance.meaning}.")  # type: ignore[union-attr]
    if "diagonal" in e.forward.family and _dim(e.forward) > 1:
        out.append(
            "A factorised Q cannot have both: forward keeps the marginal variances, reverse the marginal precisions, "
            "which understates spread where coordinates are correlated (Margossian and Saul 2024)."
        )
    return out


def _dim(fit: Fit) -> int:
    return int(fit.q.support.dim)


def _sampling(fit: Fit) -> float:
    """The error of the residual where draws gave it."""
    d = fit.residual
    return float(d.error) if d.error_kind == "standard_error" and d.method != "mixture plug-in" else 0.0


def _nats(f: Fit) -> str:
    d = f.residual
    return uncertain(d.value, d.error, d.error_kind) + " nats"


def _lost(f: Fit) -> str:
    gone = [m for m in f.modes if not m.covered]
    if not gone:
        return "all modes are covered"
    named = ", ".join(f"{m.label or 'the mode'} at {number_pair(m.location)}" for m in gone[:SHOWN])
    more = f" and {len(gone) - SHOWN} more" if len(gone) > SHOWN else ""
    whole = all(m.missed > WHOLE for m in gone)
    return ("the whole of " if whole else "most of ") + named + more


def number_pair(location: Any) -> str:
    try:
        shown = ", ".join(number(float(v)) for v in location[:LONG])
        return f"({shown}, …)" if len(location) > LONG else f"({shown})"
    except TypeError:
        return number(float(location))


def _has_ends(fit: Fit) -> bool:
    """Whether P is a density on a part of the line or of space, to which a normal can be carried."""
    support = getattr(getattr(fit.target, "density", None), "support", None)
    return isinstance(support, Interval | Box) and support != reals(support.dim)


def _richer(forward: Fit) -> Fit | None:
    """The fit of a family one step richer, if it removes at least half of the residual: the one that leaves least.

    Beside the next family of the ladder a normal is tried with heavier tails, which need fewer parameters; where P
    has ends and one of NumPyro's families was fitted, a normal that is carried there.
    """
    try:
        chosen = as_family(forward.family)
    except KullbackError:  # one of the person's own, which has no name
        return None
    family = richer(chosen) if isinstance(chosen, Family | LatticeFamily) else None
    heavier: list[Family | Carried] = [StudentT()] if isinstance(chosen, Normal) and chosen.full else []
    carried: list[Family | Carried] = (
        [Carried(Normal())] if family is None and isinstance(chosen, NumPyro) and _has_ends(forward) else []
    )
    fitted: list[Fit] = []
    for candidate in (*heavier, *carried, *([] if family is None else [family])):
        try:
            fitted.append(refit(forward, candidate))
        except KullbackError:
            continue
    best = min(fitted, key=lambda f: float(f.residual.value), default=None)
    return best if best is not None and best.residual.value <= HALF * forward.residual.value else None
