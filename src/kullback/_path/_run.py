"""From a target and a family to a Path."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from kullback._distribution import Density
from kullback._fit._carried import carried_chart
from kullback._fit._run import found_at, ready, residual
from kullback._fit._target import Target
from kullback._measure import check_seed, measure
from kullback._path._branches import best, branches, crossing
from kullback._path._follow import Follower, Place, Trace
from kullback._result import Branch, Divergence, InputError, Jump, Path
from kullback._support import Array, Support, reals
from kullback._vocabulary import onto
from kullback.families import Carried, Family, as_family
from kullback.numerics.quiet import quiet

Progress = Callable[[str], None]


@quiet
def path(p: Any, family: Any, *, seed: int = 0, steps: int = 20, progress: Progress | None = None) -> Path:
    """The optimum followed from reverse to forward, with its jumps.

    At each alpha from 0 to 1 the best member by Minka's alpha-divergence, whose limits are KL(Q‖P) at 0 and
    KL(P‖Q) at 1. Local optima are followed both ways from where they were found, as far as they exist: where the
    best one changes branch, the path jumps, and followed in the two ways it would jump at different places.

    Parameters
    ----------
    p, family, seed
        As in `fit`: a density or draws in one or two dimensions, and normal, laplace, student_t or mixture(K), or
        one of these carried to P's support.
    steps : int
        Into how many equal steps alpha is cut; branches take smaller ones where they bend.

    Returns
    -------
    Path
        alphas, the best q at each with what is left and both divergences, the jumps, and all branches.

    Raises
    ------
    InputError
        As `fit` does, if neither direction nor anything between them has an optimum.

    Examples
    --------
    >>> import kullback as kl
    >>> path = kl.path("0.5*normal(0, 1) + 0.5*normal(7.5, 1)", "normal")
    >>> [round(jump.alpha, 4) for jump in path.jumps]
    [0.3622]
    >>> round(path.residuals[0].value, 6), round(path.residuals[-1].value, 6)
    (0.692883, 0.663216)
    """
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 2:
        raise InputError(f"steps must be a whole number of at least 2, not {steps!r}")
    check_seed(seed)
    chosen = as_family(family)
    say = progress or (lambda _: None)
    say("preparing P")
    if isinstance(chosen, Carried):
        seen = carried_chart(p, chosen, "between", seed)
        target, base, support, density = seen.target, chosen.family, seen.support, seen.density
    elif isinstance(chosen, Family):
        target = ready(p, chosen, seed)
        base, support, density = chosen, reals(target.dim), target.density
    else:
        raise InputError(
            f"paths serve normal, laplace, student_t, mixture(K), and these carried, not {chosen}: "
            "fit it at each alpha with direction="
        )
    notes = target.notes
    if target.sample is not None:  # the path is that of the density, to the very end
        target = replace(target, sample=None, estimated=None)
    alphas = np.linspace(0.0, 1.0, steps + 1)
    follower = Follower(target, base)
    seeds, missing = _seeds(follower, seed, alphas, say)
    alphas = alphas[~np.isin(alphas, list(missing))]
    say("following the optima")
    traces = branches(follower, seeds, alphas)
    say("measuring")
    shown = replace(target, density=density)  # where P lives
    return _told(shown, str(chosen), support, follower, traces, alphas, (*notes, *missing.values()))


def _seeds(follower: Follower, seed: int, alphas: Array, say: Progress) -> tuple[list[Place], dict[float, str]]:
    """Optima from many starts at a few alphas; and the ends that have none, with the reason."""
    target, family = follower.target, follower.family
    seeds: list[Place] = []
    missing: dict[float, str] = {}
    middle = float(alphas[len(alphas) // 2])
    for alpha, direction in ((0.0, "reverse"), (1.0, "forward"), (middle, middle)):
        say(f"searching at alpha {alpha:g}")
        try:
            found = found_at(target, family, direction, None, seed)
            left = residual(target, family.density(found[0].theta, target.frame), direction)
            if not np.isfinite(left.value):
                raise InputError(f"the divergence is infinite there: {left.detail}")
        except InputError as error:
            if alpha == middle:
                raise
            missing[alpha] = f"The path leaves out alpha {alpha:g}, {direction}: {error}"
            continue
        if direction == "forward":  # their values are cross-entropies
            found = [follower.at(alpha, f) for f in found]
        seeds += [Place(alpha, f) for f in found]
    return seeds, missing


def _told(
    target: Target,
    family: str,
    support: Support,
    follower: Follower,
    traces: list[Trace],
    alphas: Array,
    notes: tuple[str, ...],
) -> Path:
    chosen = best(traces, alphas)
    members: dict[int, Density] = {}

    def member(place: Place) -> Density:
        if id(place) not in members:
            members[id(place)] = onto(follower.family.density(place.found.theta, target.frame), support)
        return members[id(place)]

    jumps = []
    for i, j in itertools.pairwise(range(len(alphas))):
        if chosen[i] != chosen[j]:
            a, b = traces[chosen[i]], traces[chosen[j]]
            before, after, error = crossing(follower, a, b, float(alphas[i]), float(alphas[j]))
            pair = member(before), member(after)
            both = (_forward(target, pair), _reverse(target, pair))
            jumps.append(Jump(before.alpha, error, *pair, after.found.value, a.high, b.low, *both))  # type: ignore[arg-type]
    q = tuple(member(traces[k].near(float(alpha))) for k, alpha in zip(chosen, alphas, strict=True))
    ways = {0.0: "reverse", 1.0: "forward"}
    forward, reverse = _forward(target, q), _reverse(target, q)
    left: list[Divergence] = []
    for alpha, one, f, r in zip(alphas, q, forward, reverse, strict=True):
        way = ways.get(float(alpha), float(alpha))
        left.append({"forward": f, "reverse": r}[way] if isinstance(way, str) else residual(target, one, way))
    told = tuple(
        Branch(
            np.array([place.alpha for place in trace.places]),
            tuple(member(place) for place in trace.places),
            np.array([place.found.value for place in trace.places]),
            trace.below,
            trace.above,
        )
        for trace in traces
    )
    return Path(
        target.name, family, alphas, q, tuple(left), forward, reverse, tuple(jumps), told, notes,
        target,
    )  # fmt: skip


def _forward(target: Target, members: Sequence[Density]) -> tuple[Divergence, ...]:
    return tuple(measure(target.density, one) for one in members)


def _reverse(target: Target, members: Sequence[Density]) -> tuple[Divergence, ...]:
    return tuple(replace(measure(one, target.density), direction="reverse") for one in members)
