"""The one place that makes a Fit: the optima in order, measured afresh, with what is known of the best."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kullback._fit._found import Local
from kullback._fit._sampling import of_draws, with_sampling
from kullback._fit._task import Task
from kullback._fit._view import View
from kullback._result import Divergence, Fit, InputError, Optimum


def tell(task: Task, method: str, view: View, found: list[Local]) -> Fit:
    """The Fit of optima that a fitter found; its own objective is in none of the numbers."""
    direction = task.direction
    ranked = _ranked(view, found, direction)
    best, left = ranked[0]
    if task.problem.place is not None and left is not None and not np.isfinite(left.value):
        raise InputError(
            f"{left.formula} is infinite for {best.q}, the best {task.family} that was found for P = {view.name}: "
            f"{left.detail or 'its tails differ from P’s'}. Take another family, or the other direction."
        )
    seen = view.look(best.q, direction, left)
    forward, reverse = seen.forward, seen.reverse
    if view.estimated is not None:
        by_moments = direction == "forward" and task.searched.exact == "moments"
        refit, free = (task.searched if by_moments else None), view.free(best.q)
        forward, reverse = with_sampling(view.estimated, refit, free, (forward, reverse), view.seed)
    middle = None if isinstance(direction, str) or left is None else of_draws(view.estimated, left)
    residual = middle or (forward if direction == "forward" else reverse)
    optima = []
    for i, (local, d) in enumerate(ranked):
        value = _rank(d) if d is not None else float(residual.value) if i == 0 else local.value + seen.log_z
        optima.append(Optimum(local.q, value, local.start, local.gradient))
    return Fit(
        best.q,
        view.name,
        str(task.family),
        direction,
        forward,
        replace(reverse, direction="reverse"),
        seen.coverage,
        tuple(optima),
        tuple(dict.fromkeys(local.start for local, _ in ranked)),
        best.status,
        best.detail,
        seen.notes,
        view.shown,
        task.whole,
        middle,
        seen.importance,
        method,
    )


def _ranked(view: View, found: list[Local], direction: str | float) -> list[tuple[Local, Divergence | None]]:
    """Each optimum with what it leaves, the best first; as the search left them where they are not measured."""
    left = [view.left(local.q, direction) for local in found]
    order = sorted(range(len(found)), key=lambda i: _rank(left[i]))
    return [(found[i], left[i]) for i in order]


def _rank(left: Divergence | None) -> float:
    """What an optimum is ordered by: its value, or last of all where nothing is known of it."""
    if left is None:
        return 0.0
    return float(left.value) if np.isfinite(left.error) else np.inf
