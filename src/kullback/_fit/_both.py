"""Both directions of one prepared target, and another family on the target of a finished fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kullback._distribution import Sample
from kullback._fit._lattice import fit_lattice
from kullback._fit._run import Say, elsewhere, fit, fitted, for_lattice, made_ready, refuse_discrete
from kullback._fit._target import Target
from kullback._fit.space import SpaceTarget
from kullback._measure import check_seed, prepared
from kullback._result import Fit, InputError
from kullback.families import Carried, Family, LatticeFamily, as_family


def both(
    p: Any, family: Any, *, seed: int = 0, progress: Say | None = None
) -> tuple[Fit | InputError, Fit | InputError]:
    """The forward and the reverse fit of one prepared target; in the place of one that cannot be, why not."""
    check_seed(seed)
    chosen = as_family(family)
    target = prepared(p, "p")
    say = progress or (lambda _: None)
    if not isinstance(chosen, Family | LatticeFamily):
        say("fitting forward")
        forward = _tried(lambda: elsewhere(target, chosen, "forward", None, seed))
        say("fitting reverse")
        return _one_of(forward, _tried(lambda: elsewhere(target, chosen, "reverse", None, seed)))
    if isinstance(chosen, LatticeFamily):
        counts, members = for_lattice(target, chosen), chosen
        forward = _tried(lambda: fit_lattice(counts, members, "forward", None))
        return _one_of(forward, _tried(lambda: fit_lattice(counts, members, "reverse", None)))
    refuse_discrete(target, chosen)
    say("estimating P" if isinstance(target, Sample) else "preparing P")
    ready = made_ready(target, None, seed, say)
    say("fitting forward")
    forward = _tried(lambda: fitted(ready, chosen, "forward", None, seed))
    say("fitting reverse")
    return _one_of(forward, _tried(lambda: fitted(ready, chosen, "reverse", None, seed)))


def refit(done: Fit, family: Family | Carried, *, direction: str = "forward", seed: int = 0) -> Fit:
    """Another family fitted to the target of a finished fit, which need not be prepared again."""
    if isinstance(family, Carried):
        return elsewhere(done.target.density, family, direction, None, seed)
    if isinstance(done.target, Target | SpaceTarget):
        return fitted(done.target, family, direction, None, seed)
    return fit(done.target, family, direction=direction, seed=seed)


def _tried(run: Callable[[], Fit]) -> Fit | InputError:
    try:
        return run()
    except InputError as error:
        return error


def _one_of(forward: Fit | InputError, reverse: Fit | InputError) -> tuple[Fit | InputError, Fit | InputError]:
    if isinstance(forward, InputError) and isinstance(reverse, InputError):
        raise forward
    return forward, reverse
