"""plan: of a pair which method would measure it, of a family which fitter would fit it."""

from __future__ import annotations

from typing import Any

from kullback._fit._run import plan_fit
from kullback._measure import plan as plan_pair
from kullback._result import InputError, Plan


def plan(
    p: Any,
    q: Any = None,
    *,
    family: Any = None,
    direction: str | float = "forward",
    axis: int | tuple[int, ...] | None = -1,
    normalize: bool = False,
) -> Plan:
    """Which method would measure this pair, or which fitter would fit a family, and for the others why not.

    Parameters
    ----------
    p, q, direction, axis, normalize
        As in `divergence`. For a batch of distribution objects the plan is that of the first pair.
    family : str or kl.families object, optional
        In the place of q: the plan is that of `fit`, whose directions these then are. P may be looked at, for what a
        fitter must know of it; no Q is searched for.

    Examples
    --------
    >>> import kullback as kl
    >>> kl.plan("student_t(3, 0, 1)", "laplace(0, 1)").method
    'quadrature'
    >>> kl.plan("student_t(3, 0, 1)", family="normal", direction="reverse").method
    'nodes'
    """
    if (q is None) == (family is None):
        raise InputError("plan needs q, for a divergence, or family=, for a fit; one of them")
    if family is not None:
        return plan_fit(p, family, direction)
    return plan_pair(p, q, direction=direction, axis=axis, normalize=normalize)  # type: ignore[arg-type]
