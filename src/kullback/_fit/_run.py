"""Through the doors to a Problem and a Task, down the ladder of fitters, and on to the teller."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from kullback._fit._fitters import FITTERS, chosen, reasons
from kullback._fit._problem import Problem, Say
from kullback._fit._sizes import by_residual
from kullback._fit._start import Start
from kullback._fit._table import Held, held_by_an_engine
from kullback._fit._task import refuse_points, task_for
from kullback._fit._tell import tell
from kullback._fit.space import STOPPED
from kullback._measure import check_seed, prepared
from kullback._result import Fit, InputError, Plan
from kullback.families import Chosen, Mixture, as_family
from kullback.methods._progress import Progress
from kullback.numerics.quiet import quiet

STARTS = ("all", "given")


@quiet
def fit(
    p: Any,
    family: Any,
    *,
    direction: str | float,
    start: Any = None,
    starts: str = "all",
    method: str = "auto",
    seed: int = 0,
    progress: Say | None = None,
) -> Fit:
    """Fit a family to P by the least divergence in one direction.

    Parameters
    ----------
    p : distribution
        A density: normalised, or with normalized=False a log density of any dimension (JAX's gradients are
        taken, others by `grad=` or by differences), or kl.from_model(model, ...); draws (kl.Sample, a data frame
        of numeric columns; for a forward normal also a table that Spark, DuckDB or Ibis holds); for the lattice
        families probabilities of integers. P stays fixed.
    family : str or kl.families object
        What Q may be: ``"normal"``, ``'normal(covariance="diagonal")'``, ``"laplace"``, ``"student_t"``,
        ``"mixture(2)"``; for a discrete P ``"poisson"``, ``"geometric"``, ``"binomial(10)"``; for a P with ends
        ``'carried("normal")'``; any distribution class of NumPyro, or its name: ``"gamma"``, ``"beta"``; your own
        ``kl.families.Custom``.
    direction : {"forward", "reverse"} or float
        forward minimises KL(P‖Q), which makes Q cover P; reverse minimises KL(Q‖P), which lets Q settle on
        what it can match. A number alpha in [0, 1] minimises Minka's divergence
        D(P, Q) = (1 − ∫ p^alpha q^(1−alpha)) / (alpha (1 − alpha)) between them: 0 is reverse, 1 is forward.
    start : Fit, Density or place, optional
        One more place to begin the search from. A place is a point of P as a number, an array or a text
        (``"[6, 6, 6]"``), or several as the rows of an array: what is there is looked at for a mode of P.
    starts : {"all", "given"}
        Where the search begins beside `start`: "given" begins there alone, as when P has moved a little.
    method : str
        A fitter by name, as `kl.plan(p, family=...)` lists them; "auto" takes the first that applies.
    seed : int
        For the starts of mixtures and the bootstrap of draws.
    progress : callable, optional
        Called with one line of text as the fit goes on; what it raises ends the fit.

    Returns
    -------
    Fit
        q, both divergences at the optimum (in nats, measured afresh), what is missed and wasted, the modes
        of P, the regime, all distinct optima, and the status.

    Raises
    ------
    InputError
        A family that cannot have a finite divergence from this P; draws that are too few or constant.
    NoMethodError
        A method that does not serve this P and family, with the reason.

    Notes
    -----
    Minka's divergence is finite for alpha < 1 whatever the tails, and its optima follow as `alpha_divergence`:
    T. Minka, Divergence measures and message passing, Microsoft Research TR-2005-173 (2005).

    For draws, forward is maximum likelihood; both divergences then use a mixture of normals in P's place,
    its size chosen by BIC, and their error includes a bootstrap of the draws.

    Examples
    --------
    >>> import kullback as kl
    >>> fit = kl.fit("0.5*normal(0, 1) + 0.5*normal(7.5, 1)", "normal", direction="reverse")
    >>> round(fit.reverse.value, 6), fit.regime
    (0.692883, 'seeking')
    >>> fit = kl.fit("0.5*normal(0, 1) + 0.5*normal(7.5, 1)", "normal", direction="forward")
    >>> round(fit.forward.value, 6), fit.regime, round(fit.wasted, 3)
    (0.663216, 'covering', 0.154)
    """
    direction = checked_direction(direction)
    chosen_family = as_family(family)
    begin = _begin(start, starts)
    with _said(progress) as say:
        problem = opened(p, seed, say, begin)
        try:
            return solved(problem, chosen_family, direction, begin, method)
        except KeyboardInterrupt as stop:
            raise KeyboardInterrupt(str(stop) or STOPPED) from None


def opened(p: Any, seed: int, say: Say, start: Start | None = None) -> Problem:
    """P through the door; of a table that an engine holds, the rows stay there."""
    check_seed(seed)
    held = Held(p, seed) if held_by_an_engine(p) else prepared(p, "p")
    return Problem(held, seed, say, start or Start())


def solved(
    problem: Problem, family: Chosen, direction: str | float, start: Start | None = None, method: str = "auto"
) -> Fit:
    """The fit of a family to a problem that is known already as far as others have asked."""
    start = start or problem.start
    if isinstance(family, Mixture) and family.components is None:  # the number is a choice between fits
        refuse_points(problem, family)
        estimated = problem.view.estimated
        if estimated is not None:
            return solved(problem, Mixture(estimated.size), direction, start, method)  # BIC has chosen
        return by_residual(lambda sized: solved(problem, sized, direction, start, method), problem.modes)
    task = task_for(problem, family, direction, start)
    fitter = chosen(FITTERS, task, method)
    found = fitter.search(task)
    return tell(task, fitter.name, fitter.view(task), found)


def both(
    p: Any, family: Any, *, seed: int = 0, progress: Say | None = None
) -> tuple[Fit | InputError, Fit | InputError]:
    """The forward and the reverse fit of one problem; in the place of one that cannot be, why not."""
    chosen_family = as_family(family)
    with _said(progress) as say:
        problem = opened(p, seed, say)
        say("estimating P" if problem.draws else "preparing P")
        out: list[Fit | InputError] = []
        for direction in ("forward", "reverse"):
            say(f"fitting {direction}")
            try:
                out.append(solved(problem, chosen_family, direction))
            except InputError as error:
                out.append(error)
    forward, reverse = out
    if isinstance(forward, InputError) and isinstance(reverse, InputError):
        raise forward
    return forward, reverse


def refit(done: Fit, family: Chosen, *, direction: str = "forward") -> Fit:
    """Another family fitted to the problem of a finished fit, which need not be prepared again."""
    return solved(done.problem, family, direction, Start())


@quiet
def plan_fit(p: Any, family: Any, direction: str | float, seed: int = 0) -> Plan:
    """Which fitter would run, and why not the others; P is looked at, and no Q is searched for."""
    direction = checked_direction(direction)
    chosen_family = as_family(family)
    with _said(None) as say:
        task = task_for(opened(p, seed, say), chosen_family, direction, Start())
        return Plan(reasons(FITTERS, task), p=task.problem.name, q=str(chosen_family), direction=direction, fit=True)


@contextmanager
def _said(progress: Say | None) -> Iterator[Say]:
    """Where progress is told: to the caller, or on a terminal after a second, until the fit is done."""
    if progress is not None:
        yield progress
        return
    told: list[Say] = []
    with Progress() as show:
        told.append(show)
        yield lambda text: told[-1](text) if told else None  # a problem outlives the fit that opened it
        told.clear()


def _begin(start: Any, starts: str) -> Start:
    if starts not in STARTS:
        raise InputError(f"starts must be 'all' or 'given', not {starts!r}")
    if starts == "given" and start is None:
        raise InputError("starts='given' begins at start= alone, and none was given")
    return Start(start, starts == "given")


def checked_direction(direction: Any) -> str | float:
    """ "forward", "reverse", or a number strictly between the two."""
    if isinstance(direction, str) and direction in ("forward", "reverse"):
        return direction
    number = isinstance(direction, int | float | np.integer | np.floating) and not isinstance(direction, bool)
    if number and 0 <= direction <= 1:
        return {0.0: "reverse", 1.0: "forward"}.get(float(direction), float(direction))
    raise InputError(
        "direction must be 'forward' (covers P), 'reverse' (seeks a mode), or a number between 0 (reverse) and 1 "
        f"(forward), not {direction!r}"
    )
