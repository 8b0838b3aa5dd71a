"""A gate: what of two tables passed a threshold, what is gone, and the reason of each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Literal

from kullback._format import listing, plain, visible
from kullback._result._column import ColumnComparison, CountDivergence, brief, probability
from kullback._result._divergence import Divergence
from kullback._result._errors import CheckError, InputError

if TYPE_CHECKING:
    from kullback._result._tables import TableComparison

LEVEL = 0.05  # of the runs of equal tables alarm at most so many, over all that is judged
REASONS = {
    "over": "over",
    "gone": "missing",
    "empty": "wholly missing",
    "type": "of another type",
    "uncounted": "not comparable",
}
Judge = Literal["lower", "value"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """One thing that was judged: a column, a column in a slice, or columns together.

    `reason` is "" for what passed, else one of "over", "gone", "empty", "type" and "uncounted"; `value` and `lower`
    are in nats, NaN where nothing was measured.
    """

    column: str
    text: str
    reason: str = ""
    slice: str | None = None
    value: float = math.nan
    lower: float = math.nan
    threshold: float = math.nan
    joint: bool = False

    @property
    def name(self) -> str:
        return visible(self.column if self.slice is None else f"{self.column} in {self.slice}")

    def to_dict(self) -> dict[str, Any]:
        return {
            "column": self.column,
            "slice": self.slice,
            "joint": self.joint,
            "passed": not self.reason,
            "reason": self.reason or None,
            "text": self.text,
            "value": plain(self.value),
            "lower": plain(self.lower),
            "threshold": plain(self.threshold),
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a gate says of two tables; true if nothing failed.

    Attributes
    ----------
    judged : tuple of Judgement
        All that was judged, the columns of the whole tables first.
    threshold : float or None
        In nats, of the columns that have none of their own.
    judge : str
        "lower": the lower ends of the intervals were judged; "value": the values.
    """

    judged: tuple[Judgement, ...]
    threshold: float | None
    judge: str
    own: bool = field(default=False, repr=False)  # some columns have thresholds of their own

    @property
    def failures(self) -> tuple[Judgement, ...]:
        return tuple(j for j in self.judged if j.reason)

    @property
    def passed(self) -> bool:
        return not self.failures

    def __bool__(self) -> bool:
        return self.passed

    @property
    def summary(self) -> str:
        """One line: how many of the columns failed, and why."""
        whole = [j for j in self.judged if j.slice is None and not j.joint]
        limit = "their thresholds" if self.threshold is None or self.own else f"{self.threshold:g} nats"
        count = {reason: sum(j.reason == reason for j in whole) for reason in REASONS}
        parts = [f"{count['over'] or 'none'} of {_columns(len(whole))} over {limit}"] if whole else []
        parts += [f"{count[r]} {words}" for r, words in REASONS.items() if r != "over" and count[r]]
        parts += [f"{j.name} together over" for j in self.judged if j.joint and j.reason]
        sliced = [j for j in self.judged if j.slice is not None]
        if sliced:
            bad = [j for j in sliced if j.reason]
            slices = len({j.slice for j in bad})
            parts.append(f"{slices or 'none'} of {len({j.slice for j in sliced})} slices")
        unsure = [j for j in self.judged if not j.reason and j.value > j.threshold]
        if unsure:
            parts.append(f"{listing([j.name for j in unsure], 3)} may be over, not surely")
        return "; ".join(parts) or "nothing to judge"

    def lines(self) -> list[str]:
        """Each failure with its reason."""
        return [f"{j.name}: {visible(j.text)}" for j in self.failures]

    def required(self) -> Verdict:
        """Itself; raises CheckError if something failed."""
        if self.failures:
            raise CheckError(str(self), self)
        return self

    def to_dict(self) -> dict[str, Any]:
        return {
            "passed": self.passed,
            "summary": self.summary,
            "judge": self.judge,
            "threshold": self.threshold,
            "failures": [j.to_dict() for j in self.failures],
            "judged": len(self.judged),
        }

    def __repr__(self) -> str:
        return "\n".join([self.summary, *(f"  {line}" for line in self.lines())])

    __str__ = __repr__


def verdict(
    found: TableComparison,
    threshold: float | None,
    thresholds: Mapping[str, float] | None,
    judge: Judge,
    allow_missing_columns: bool,
    allow_type_change: bool,
) -> Verdict:
    own = dict(thresholds or {})
    if threshold is None and not own:
        raise InputError("a check needs a threshold in nats, such as 0.1, or thresholds={column: nats}")
    understood(threshold, own, judge)
    joint = "" if found.joint is None else ", ".join(found.joint.columns)
    _known(found, own, joint)

    def limit(column: str) -> float | None:
        return own.get(column, threshold)

    judged: list[Judgement] = []
    for name, text, reason, allowed in _absent(found, allow_missing_columns, allow_type_change):
        if limit(name) is not None and not allowed:
            judged.append(Judgement(name, text, reason))
    broken = {j.column for j in judged}
    items: list[tuple[ColumnComparison, str | None]] = [(c, None) for c in found.columns if c.column not in broken]
    items += [(c, s.label) for s in found.slices for c in s.columns]
    wanted = [(c, s, t) for c, s in items if (t := limit(c.column)) is not None]
    together = joint if found.joint is not None and limit(joint) is not None else ""
    over = _over([(c, t) for c, _, t in wanted], judge, len(wanted) + bool(together))
    for (c, s, t), (low, fails) in zip(wanted, over, strict=True):
        judged.append(Judgement(c.column, _said(c, low, t, judge), "over" if fails else "", s, c.score, low, t))
    if together and found.joint is not None:
        t = float(limit(joint) or 0.0)
        judged.append(_together(joint, (found.joint.forward, found.joint.reverse), t, judge, len(wanted) + 1))
    judged.sort(key=lambda j: (j.slice is not None, j.joint))
    return Verdict(tuple(judged), threshold, judge, bool(own))


def _over(items: list[tuple[ColumnComparison, float]], judge: Judge, judged: int) -> list[tuple[float, bool]]:
    """The lower end of each column and whether it is over; Holm's way: what has failed no longer counts.

    A column is over when its lower end is, and when its p-value among all that is judged says that the tables differ
    at all; where there is no interval, the value stands for the lower end.
    """
    if judge == "value":
        return [(_lower(c, 1), c.score > t) for c, t in items]
    lows: dict[int, float] = {}  # of those that are over
    while True:
        left = judged - len(lows)
        now: dict[int, float] = {}
        for i, (c, t) in enumerate(items):
            # cheap first: an end that all hold at once is not above that of one alone
            if i not in lows and c.p_value * left <= LEVEL and _shown(c, _lower(c, 1)) > t:
                low = _lower(c, left)
                now |= {i: low} if _shown(c, low) > t else {}
        lows |= now
        if not now:
            return [(lows[i] if i in lows else _lower(c, left), i in lows) for i, (c, _) in enumerate(items)]


def _shown(c: ColumnComparison, low: float) -> float:
    return low if math.isfinite(low) else c.score


def _lower(c: ColumnComparison, judged: int) -> float:
    """The lower end of a column's score, so far out that those of all of `judged` columns hold at once."""
    ends = [_end(d, judged) for d in (c.forward, c.reverse)]
    return max((e for e in ends if not math.isnan(e)), default=math.nan)


def _end(d: CountDivergence, judged: int) -> float:
    low = d.interval[0]
    if judged <= 1 or d.low_at is None or not low > 0:  # further out it is not higher
        return low
    return min(d.low_at(1 - LEVEL / judged), low)


def _together(name: str, both: tuple[Divergence, Divergence], t: float, judge: Judge, judged: int) -> Judgement:
    z = NormalDist().inv_cdf(1 - LEVEL / 2 / judged)
    values = [float(d.value) for d in both]
    if any(math.isnan(v) for v in values):
        return Judgement(name, "could not be measured together", "uncounted", joint=True)
    errors = [float(d.error) if math.isfinite(float(d.error)) else math.inf for d in both]
    value = max(values)
    lower = max(v if math.isinf(v) else v - z * e for v, e in zip(values, errors, strict=True))
    fails = (value if judge == "value" else lower) > t
    text = f"{brief(value)} nats together, at least {brief(lower)}; the threshold is {t:g}"
    return Judgement(name, text, "over" if fails else "", None, value, lower, t, joint=True)


def _said(c: ColumnComparison, low: float, t: float, judge: Judge) -> str:
    larger = max((c.forward, c.reverse), key=lambda d: d.best)
    infinite = f" (∞ as counted: {larger.detail})" if larger.detail else ""
    at_least = f", at least {brief(low)} surely" if math.isfinite(low) and judge == "lower" else ""
    return f"{brief(c.score)} nats{at_least}{infinite}, p {probability(c.p_value)}; the threshold is {t:g}"


def _absent(found: TableComparison, missing: bool, types: bool) -> Iterator[tuple[str, str, str, bool]]:
    """Column, text, reason and whether it is allowed: what cannot be compared."""
    way = "(--allow-missing-columns, allow_missing_columns=True, lets it pass)"
    for name in found.only_p:
        yield name, f"is not in Q {way}", "gone", missing
    for c in found.columns:
        for one, other, q, p in (("Q", "P", "q", "p"), ("P", "Q", "p", "q")):
            if c.wholly_missing(q) and not c.wholly_missing(p):
                yield c.column, f"has no value in {one}, but has in {other} {way}", "empty", missing
    for name, a, b in found.different_types:
        text = f"is {a} in P and {b} in Q (--allow-type-change, allow_type_change=True, lets it pass)"
        yield name, text, "type", types
    for name, why in found.left_out:
        yield name, f"{why}; leave it out with --exclude (exclude=)", "uncounted", types


def _known(found: TableComparison, own: Mapping[str, float], joint: str) -> None:
    import difflib

    names = [c.column for c in found.columns] + [*found.only_p, *found.only_q]
    names += [n for n, *_ in found.different_types] + [n for n, _ in found.left_out] + ([joint] if joint else [])
    for name in own:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise InputError(
                f"there is a threshold for {name!r}, which was not compared; {hint}there are {listing(names)}"
            )


def understood(threshold: float | None, thresholds: Mapping[str, float], judge: str) -> None:
    """Refuse thresholds that could never fail or always do; asked before anything is counted."""
    if judge not in ("lower", "value"):
        raise InputError(f'judge must be "lower" or "value", not {judge!r}')
    for name, t in [("the threshold", threshold), *((f"the threshold of {n!r}", t) for n, t in thresholds.items())]:
        if t is not None and (isinstance(t, bool) or not isinstance(t, int | float) or not 0 <= t < math.inf):
            raise InputError(f"{name} must be a number of nats, at least 0 and finite, not {t!r}; 0.1 is a usual one")


def _columns(n: int) -> str:
    return f"{n} column" if n == 1 else f"{n} columns"


__all__ = ["Judge", "Judgement", "Verdict", "understood", "verdict"]
