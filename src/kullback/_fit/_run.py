"""From a target and a family to a Fit: search, then measure afresh."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from kullback._distribution import Density, Measured, Sample
from kullback._estimate import estimate
from kullback._fit._alpha import fit_alpha
from kullback._fit._carried import fit_carried
from kullback._fit._coverage import coverage
from kullback._fit._custom import fit_custom
from kullback._fit._forward import fit_forward
from kullback._fit._importance import importance
from kullback._fit._lattice import fit_lattice
from kullback._fit._reverse import fit_reverse
from kullback._fit._sampling import OWN, of_draws, same_normal, with_sampling
from kullback._fit._search import Found
from kullback._fit._sizes import by_residual
from kullback._fit._start import as_places, begin_around, begin_at, start_density
from kullback._fit._table import held_by_an_engine, rows_for, with_moments
from kullback._fit._target import Target, is_counting, prepare
from kullback._fit.space import STOPPED, SpaceTarget, fit_space
from kullback._measure import check_seed, measure, prepared
from kullback._result import Divergence, Fit, InputError, Optimum, Status
from kullback._support import reals
from kullback.families import Carried, Custom, Family, Laplace, LatticeFamily, Mixture, Normal, NumPyro, as_family
from kullback.methods import _line
from kullback.methods._progress import Progress
from kullback.methods.alpha import alpha_divergence
from kullback.numerics.quiet import quiet

Say = Callable[[str], None]


@quiet
def fit(p: Any, family: Any, *, direction: str | float, start: Any = None, seed: int = 0) -> Fit:
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
    seed : int
        For the starts of mixtures and the bootstrap of draws.

    Returns
    -------
    Fit
        q, both divergences at the optimum (in nats, measured afresh), what is missed and wasted, the modes
        of P, the regime, all distinct optima, and the status.

    Raises
    ------
    InputError
        A family that cannot have a finite divergence from this P; draws that are too few or constant.

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
    chosen = as_family(family)
    if isinstance(chosen, LatticeFamily):
        check_seed(seed)
        return fit_lattice(for_lattice(prepared(p, "p"), chosen), chosen, direction, _mean(start))
    check_seed(seed)
    if held_by_an_engine(p):
        rows, moments = rows_for(p, chosen, direction, seed)
        assert isinstance(chosen, Family)
        with Progress() as say:
            return fitted(with_moments(made_ready(rows, start, seed, say), moments), chosen, direction, start, seed)
    target = prepared(p, "p")
    if not isinstance(chosen, Family):
        return elsewhere(target, chosen, direction, start, seed)
    refuse_discrete(target, chosen)
    try:
        with Progress() as say:
            return fitted(made_ready(target, start, seed, say), chosen, direction, start, seed)
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(str(stop) or STOPPED) from None


def elsewhere(p: Any, family: Carried | Custom | NumPyro, direction: str | float, start: Any, seed: int) -> Fit:
    """Families that do not live on the whole line or space of their own."""
    if isinstance(family, Carried):
        return fit_carried(p, family, direction, start, seed)
    return fit_custom(p, family, direction, start, seed)


def ready(p: Any, family: Family, seed: int) -> Target:
    """P made ready for a family of densities, on the line or in the plane."""
    check_seed(seed)
    target = prepared(p, "p")
    refuse_discrete(target, family)
    return prepare(target, seed)


def made_ready(p: Measured, start: Any, seed: int, say: Say) -> Target | SpaceTarget:
    """P made ready: on the line and in the plane by quadrature, beyond them by its gradient.

    A callable in the plane that shows several modes goes by its gradient too: cells around one of them would have to
    find the others.
    """
    if isinstance(p, Sample):
        say("P is estimated from its draws")
    if isinstance(p, Sample) and p.dim > 2:
        found = estimate(p, seed=seed)
        return SpaceTarget(found.density, seed, say, sample=p, estimated=found)
    if not isinstance(p, Density) or (p.dim <= 2 and not p.anonymous):
        return prepare(p, seed)
    say("P is looked at; a first fit in a process also imports and compiles")
    target = SpaceTarget(p, seed, say, begin_at(start, start_density(start), p.dim))
    if p.dim > 2:
        return target
    if p.dim == 1 and start is not None and len(target.known) > 1:
        return prepare(_marked(target), seed)
    if p.dim == 2 and p.support == reals(2):
        if len(target.peaks) > 1:
            return target
        try:
            return prepare(target.oracle.as_density(), seed)
        except InputError:  # a long curved ridge, on which cells do not settle; what is improper was told before
            if not target.power > 2 or p.normalized:
                raise
            return target
    return prepare(target.oracle.as_density(), seed)


def _marked(target: SpaceTarget) -> Density:
    """P on the line with its known modes among the places at which quadrature splits it."""
    p = target.oracle.as_density()
    widths = np.array([0.0, -8, -3, -1, 1, 3, 8])
    marks = [_line.landmarks(p), *(peak.x[0] + widths * peak.tril[0, 0] for peak in target.known)]
    low, high = _line.interval(p).low, _line.interval(p).high
    inside = [float(x) for x in np.unique(np.concatenate(marks)) if low < x < high]
    facts = replace(p.facts, landmarks=tuple(inside))
    return Density(p._log_prob, support=p.support, normalized=p.normalized, facts=facts, name=p.name)


def fitted(ready: Target | SpaceTarget, family: Family, direction: str | float, start: Any, seed: int) -> Fit:
    """The fit of a family of densities to a prepared target."""
    if isinstance(family, Mixture) and family.components is None:
        if ready.estimated is not None:
            return fitted(ready, Mixture(ready.estimated.size), direction, start, seed)  # BIC has chosen
        modes = len(ready.peaks if isinstance(ready, SpaceTarget) else ready.basins.modes)
        return by_residual(lambda sized: fitted(ready, sized, direction, start, seed), modes)
    if isinstance(ready, SpaceTarget) and ready.dim <= 2 and (not isinstance(direction, str) or family == Laplace()):
        ready = prepare(ready.oracle.as_density(), seed)  # what only quadrature serves
    if isinstance(ready, SpaceTarget):
        if not isinstance(direction, str):
            raise InputError(
                f"alpha = {direction:g} is fitted on the line and in the plane; P = {ready.name} goes by its gradient. "
                "Take direction='forward' or 'reverse'"
            )
        given = start_density(start)
        if given is not None and given.dim != ready.dim:
            raise InputError(f"start = {given} is no member of {family} in {ready.dim} dimensions")
        return fit_space(ready, family, direction, given)
    return fit_target(ready, family, direction, start, seed)


def fit_target(target: Target, family: Family, direction: str | float, start: Any, seed: int) -> Fit:
    """The fit of a prepared target."""
    begin = _encoded(start, family, target)
    return told(target, family, direction, found_at(target, family, direction, begin, seed), seed)


def found_at(target: Target, family: Family, direction: str | float, begin: Any, seed: int) -> list[Found]:
    """The distinct optima that the search for a direction finds, the best first."""
    if not isinstance(direction, str):
        return fit_alpha(target, family, begin, seed, direction)
    run = fit_forward if direction == "forward" else fit_reverse
    return run(target, family, begin, seed)


def told(target: Target, family: Family, direction: str | float, found: list[Found], seed: int) -> Fit:
    """The Fit of optima that were found: all that it states is measured afresh."""
    members = [family.density(f.theta, target.frame) for f in found]
    left = [residual(target, m, direction) for m in members]
    order = sorted(range(len(found)), key=lambda i: _rank(left[i]))
    found, members, left = [found[i] for i in order], [members[i] for i in order], [left[i] for i in order]
    q, limit = members[0], family.limit(found[0].theta)
    forward = left[0] if direction == "forward" else measure(target.density, q)
    reverse = left[0] if direction == "reverse" else measure(q, target.density)
    if target.slack:
        forward = replace(forward, error=forward.error + target.slack)
        reverse = replace(reverse, error=reverse.error + target.slack)
    if target.estimated is not None:
        refit = family if direction == "forward" and isinstance(family, Normal) else None
        forward, reverse = with_sampling(target.estimated, refit, q, (forward, reverse), seed)
    reverse = replace(reverse, direction="reverse")
    optima = tuple(Optimum(m, _rank(d), f.start, f.gradient) for f, m, d in zip(found, members, left, strict=True))
    return Fit(
        q,
        target.name,
        str(family),
        direction,
        forward,
        reverse,
        coverage(target.density, q, target.basins, target.sample),
        optima,
        tuple(dict.fromkeys(f.start for f in found)),
        Status.BOUNDARY if limit else found[0].status,
        limit or _detail(found[0]),
        target.notes + own_note(target, q),
        target,
        None if isinstance(direction, str) else of_draws(target.estimated, left[0]),
        importance(target, q, seed),
    )


def own_note(target: Target, q: Density) -> tuple[str, ...]:
    if target.sample is None or target.estimated is None or not same_normal(target.estimated, q):
        return ()
    return (OWN.format(n=target.sample.n),)


def _detail(found: Found) -> str:
    if found.status in (Status.STATIONARY, Status.NOT_STATIONARY, Status.BOUNDARY):
        return f"Largest gradient {found.gradient:.1g}."
    return ""


def residual(target: Target, member: Density, direction: str | float) -> Divergence:
    """The divergence that the direction minimises, measured afresh."""
    if not isinstance(direction, str):
        return alpha_divergence(target.density, member, direction)
    return measure(target.density, member) if direction == "forward" else measure(member, target.density)


def _rank(left: Divergence) -> float:
    """What an optimum is ordered by: its value, or last of all where nothing is known of it."""
    return float(left.value) if np.isfinite(left.error) else np.inf


def _encoded(start: Any, family: Family, target: Target) -> Any:
    given = start_density(start)
    if given is None:
        return begin_around(begin_at(start, None, target.dim), family, target.frame)
    theta = family.encode(given, target.frame)
    if theta is None or given.dim != target.dim:
        raise InputError(f"start = {given} is no member of {family} in {target.dim} dimensions")
    return theta


def _mean(start: Any) -> float | None:
    if start is None:
        return None
    places = as_places(start)
    if places is not None:
        return float(places.ravel()[0]) if places.size == 1 else None
    given = start.q if isinstance(start, Fit) else prepared(start, "start")
    return float(given.facts.moments[0]) if isinstance(given, Density) and given.facts.moments else None


def for_lattice(target: Measured, family: LatticeFamily) -> Measured:
    if isinstance(target, Sample) or is_counting(target):
        return target
    raise InputError(
        f"P = {target} is a density and {family} a mass on the integers: no such Q has a finite divergence. "
        "Choose normal, laplace, student_t or mixture(K)."
    )


def refuse_discrete(target: Measured, family: Family) -> None:
    if is_counting(target):
        raise InputError(
            f"P = {target} has its mass on points, {family} is a density: KL is infinite both ways. "
            "Choose poisson, geometric or binomial(total_count), or pass draws as kl.Sample(x)."
        )


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
