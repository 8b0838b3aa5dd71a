"""A family carried to P's support in many dimensions: the base's fit without ends, told where P lives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from kullback._distribution import Density, unbound
from kullback._fit.space._oracle import Oracle
from kullback._fit.space._run import fit_space
from kullback._fit.space._target import SpaceTarget
from kullback._result import Fit, InputError
from kullback._support import Array, Support
from kullback._vocabulary import onto
from kullback.families import Carried


def fit_carried_space(
    p: Density, family: Carried, support: Support, direction: str, given: Density | None, places: list[Array],
    seed: int, say: Callable[[str], None],
) -> Fit:  # fmt: skip
    """Divergences and masses are unchanged by the bijection; Q, its optima and the modes are told on the support."""
    free, outward, inward = unbound(Oracle(p).as_density(slopes=True), support)
    outside = [x for x in places if not free._log_prob(inward(x[None]))[0] > -np.inf]
    if outside:
        raise InputError(f"start = {outside[0]} has no density under P, which lives on {support}")
    target = SpaceTarget(free, seed, say, [inward(x[None])[0] for x in places])
    target.outward = outward
    begin = None if given is None else unbound(given, support).density
    fit = fit_space(target, family.family, direction, begin)
    modes = tuple(replace(m, location=outward(np.atleast_2d(m.location))[0]) for m in fit.coverage.modes)
    return replace(
        fit,
        q=onto(fit.q, support),
        p=str(p),
        family=str(family),
        coverage=replace(fit.coverage, modes=modes),
        optima=tuple(replace(o, q=onto(o.q, support)) for o in fit.optima),
    )
