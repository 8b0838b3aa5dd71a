"""mixture(): as many components as the residual divergence asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kullback._format import uncertain
from kullback._result import Fit
from kullback.families import Mixture

SIZES = (1, 2, 3, 4, 6, 8, 12)
CLOSE = 0.01  # nats: near enough, whatever the size
WORTH = 0.2  # of the residual: what more components must remove


def by_residual(run: Callable[[Mixture], Fit], modes: int) -> Fit:
    """The smallest mixture that leaves at most CLOSE nats, or after which two more sizes gain little.

    `modes` is how many P is known to have: that many components are tried as well.
    """
    tried: list[Fit] = []
    best = 0
    for size in sorted({*SIZES, *([modes] if 1 < modes <= 64 else [])}):
        if tried and size < modes and size > 2:
            continue  # fewer components than modes leave whole modes out
        tried.append(run(Mixture(size)))
        left = [f.residual for f in tried]
        if left[-1].value < (1 - WORTH) * left[best].value - 2 * left[best].error:
            best = len(tried) - 1
        if left[-1].value <= CLOSE or len(tried) - 1 - best >= 2:
            break
    if tried[-1].residual.value <= CLOSE:
        best = len(tried) - 1
    said = ", ".join(f"{f.family} leaves {_left(f)}" for f in tried)
    chosen = tried[best]
    return replace(chosen, notes=(*chosen.notes, f"the number of components by the residual: {said}"))


def _left(fit: Fit) -> str:
    d = fit.residual
    return uncertain(d.value, d.error, d.error_kind)
