"""All branches that were found, and the best of them at every alpha."""

from __future__ import annotations

import numpy as np

from kullback._path._follow import SAME, Follower, Place, Trace
from kullback._support import Array
from kullback.numerics.lazy import optimize

MOST = 12  # branches
CLOSE = 1e-7  # of alpha: how closely a jump is told
TIE = 1e-9  # nats: mirror images differ by less


def branches(follower: Follower, seeds: list[Place], alphas: Array) -> list[Trace]:
    """The branch through each place that lies on none yet, and through each place that the ends of branches fall to."""
    found: list[Trace] = []
    waiting = list(seeds)
    while waiting and len(found) < MOST:
        seed = waiting.pop(0)
        if not np.isfinite(seed.found.value) or _on(follower, seed, found):
            continue
        trace = _through(follower, seed, alphas, found)
        found.append(trace)
        waiting += trace.landed
    return found


def _through(follower: Follower, seed: Place, alphas: Array, others: list[Trace]) -> Trace:
    """Both ways from the seed."""

    def stop(place: Place) -> str:
        return "it joins another" if _on(follower, place, others) else ""

    above, why_above, fell_above = follower.follow(seed, alphas[alphas > seed.alpha], stop)
    below, why_below, fell_below = follower.follow(seed, alphas[alphas < seed.alpha][::-1], stop)
    return Trace([*below[::-1], seed, *above], why_below, why_above, [*fell_below, *fell_above])


def _on(follower: Follower, place: Place, traces: list[Trace]) -> bool:
    """Whether a place lies on one of these branches."""
    for trace in traces:
        if trace.low <= place.alpha <= trace.high:
            near = trace.near(place.alpha)
            known = near.found if near.alpha == place.alpha else follower.at(place.alpha, near.found)
            if abs(known.value - place.found.value) < 1e-5 and follower.apart(known, place.found) < SAME:
                return True
    return False


def best(traces: list[Trace], alphas: Array) -> list[int]:
    """The branch of the least value at each alpha; of equal ones the one that was on before."""
    chosen: list[int] = []
    for alpha in alphas:
        values = [_value(trace, float(alpha)) for trace in traces]
        least = int(np.argmin(values))
        if chosen and values[chosen[-1]] <= values[least] + TIE * max(1.0, abs(values[least])):
            least = chosen[-1]
        chosen.append(least)
    return chosen


def _value(trace: Trace, alpha: float) -> float:
    return next((place.found.value for place in trace.places if place.alpha == alpha), np.inf)


def crossing(follower: Follower, a: Trace, b: Trace, low: float, high: float) -> tuple[Place, Place, float]:
    """Where b becomes better than a between two alphas: the place on each, and how closely alpha is known."""

    seen: dict[int, list[Place]] = {id(trace): list(trace.places) for trace in (a, b)}

    def there(trace: Trace, alpha: float) -> Place:
        near = min(seen[id(trace)], key=lambda place: abs(place.alpha - alpha))
        if near.alpha != alpha:
            near = Place(alpha, follower.at(alpha, near.found))
            seen[id(trace)].append(near)
        return near

    def lead(alpha: float) -> float:
        return there(b, alpha).found.value - there(a, alpha).found.value

    def jump() -> float | None:
        first, last = max(low, b.low), min(high, a.high)
        if first < last and lead(first) > 0 > lead(last):
            return float(optimize.brentq(lead, first, last, xtol=1e-10, rtol=1e-10))
        return None

    alpha = jump()
    if alpha is None and (a.high < high or b.low > low):  # between where a branch was followed to and where it ends
        a.places += follower.further(a.places[-1], high, CLOSE)
        b.places[:0] = follower.further(b.places[0], low, CLOSE)
        seen.update({id(trace): list(trace.places) for trace in (a, b)})
        alpha = jump()
    if alpha is not None:
        return there(a, alpha), there(b, alpha), 1e-9
    low, high = max(low, b.low), min(high, a.high)
    alpha = max(low, min(high, a.high))  # one of them ends first
    return there(a, alpha), there(b, alpha), abs(high - low)
