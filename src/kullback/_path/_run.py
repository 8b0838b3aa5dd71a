"""From a target and a family to a Path."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from kullback._distribution import Density
from kullback._fit import Start, Target, Task, node_search, opened, task_for
from kullback._measure import measure
from kullback._path._branches import best, branches, crossing
from kullback._path._follow import Follower, Place, Trace
from kullback._result import Branch, Divergence, InputError, Jump, Path
from kullback._support import Array
from kullback.families import as_family
from kullback.numerics.quiet import quiet

Progress = Callable[[str], None]


@quiet
def path(
    p: Any, family: Any, *, seed: int = 0, steps: int = 20, ends: float = 1e-3, progress: Progress | None = None
) -> Path:
    """The optimum followed from reverse to forward, with its jumps.

    At each alpha from 0 to 1 the best member by Minka's alpha-divergence, whose limits are KL(Q‖P) at 0 and
    KL(P‖Q) at 1. Local optima are followed both ways from where they were found, as far as they exist: where the
    best one changes branch, the path jumps, and followed in the two ways it would jump at different places.

    Parameters
    ----------
    p, family, seed
        As in `fit`: a density or draws in one or two dimensions, and normal, laplace, student_t or mixture(K), one of
        these carried to P's support, or a density family of NumPyro or your own.
    steps : int
        Into how many equal steps alpha is cut; branches take smaller ones where they bend.
    ends : float
        How closely the ends of branches are told, in alpha; jumps are told to 1e-7 whatever it is.
    progress : callable, optional
        Called with one line of text as the path goes on; what it raises ends it.

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
    if isinstance(ends, bool) or not isinstance(ends, int | float | np.floating) or not 1e-9 <= ends <= 0.1:
        raise InputError(f"ends must be between 1e-9 and 0.1 of alpha, not {ends!r}")
    chosen = as_family(family)
    say = progress or (lambda _: None)
    say("preparing P")
    alphas = np.linspace(0.0, 1.0, steps + 1)
    task = task_for(opened(p, seed, say), chosen, float(alphas[1]), Start())
    if task.lattice or task.searched.normals is None:
        raise InputError(
            "paths serve normal, laplace, student_t, mixture(K), these carried, and NumPyro's densities, not "
            f"{chosen}: fit it at each alpha with direction="
        )
    notes = task.problem.nodes.notes
    nodes = node_search(task, by_density=True)  # the path is that of the density that stands for draws, to the end
    follower = Follower(nodes, float(ends))
    seeds, missing = _seeds(follower, task, alphas, say)
    alphas = alphas[~np.isin(alphas, list(missing))]
    say("following the optima")
    traces = branches(follower, seeds, alphas)
    say("measuring")
    return _told(task, follower, traces, alphas, (*notes, *missing.values()))


def _seeds(follower: Follower, task: Task, alphas: Array, say: Progress) -> tuple[list[Place], dict[float, str]]:
    """Optima from many starts at a few alphas; and the ends that have none, with the reason."""
    target = follower.nodes.target
    seeds: list[Place] = []
    missing: dict[float, str] = {}
    middle = float(alphas[len(alphas) // 2])
    for alpha, direction in ((0.0, "reverse"), (1.0, "forward"), (middle, middle)):
        say(f"searching at alpha {alpha:g}")
        try:
            task_for(task.whole, task.family, direction, Start())  # an end at which no Q is finite says why
            found = follower.nodes.found(alpha)
            left = target.left(task.onto(follower.nodes.q(found[0].theta)), direction)
            if not np.isfinite(left.value):
                raise InputError(f"the divergence is infinite there: {left.detail}")
        except InputError as error:
            if alpha == middle:
                raise
            missing[alpha] = f"The path leaves out alpha {alpha:g}, {direction}: {error}"
            continue
        seeds += [Place(alpha, f) for f in found]
    return seeds, missing


def _told(task: Task, follower: Follower, traces: list[Trace], alphas: Array, notes: tuple[str, ...]) -> Path:
    target = follower.nodes.target
    chosen = best(traces, alphas)
    members: dict[int, Density] = {}

    def member(place: Place) -> Density:
        if id(place) not in members:
            members[id(place)] = task.onto(follower.nodes.q(place.found.theta))
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
        left.append({"forward": f, "reverse": r}[way] if isinstance(way, str) else target.left(one, way))
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
        target.name, str(task.family), alphas, q, tuple(left), forward, reverse, tuple(jumps), told, notes,
        target.shown,
    )  # fmt: skip


def _forward(target: Target, members: Sequence[Density]) -> tuple[Divergence, ...]:
    return tuple(measure(target.here, one) for one in members)


def _reverse(target: Target, members: Sequence[Density]) -> tuple[Divergence, ...]:
    return tuple(replace(measure(one, target.here), direction="reverse") for one in members)
