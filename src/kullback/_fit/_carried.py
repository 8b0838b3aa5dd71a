"""Fits of a family carried to the target's support: the base's own fit without ends."""

from __future__ import annotations

from typing import Any

from kullback._distribution import Density, Discrete, Sample, unbound
from kullback._fit._alpha import fit_alpha
from kullback._fit._chart import Chart, chart, common, told
from kullback._fit._forward import fit_forward
from kullback._fit._reverse import fit_reverse
from kullback._fit._search import Found
from kullback._fit._start import begin_around, begin_at, start_density
from kullback._fit.space import fit_carried_space
from kullback._measure import prepared
from kullback._result import Fit, InputError
from kullback._support import Array, Lattice, Support, reals
from kullback._vocabulary import onto
from kullback.families import Carried
from kullback.methods._progress import Progress


def fit_carried(p: Any, family: Carried, direction: str | float, start: Any, seed: int) -> Fit:
    """The fit of a carried family to P on its support."""
    if isinstance(p, Density) and p.dim > 2:
        return _in_space(p, family, direction, start, seed)
    seen = carried_chart(p, family, direction, seed)
    base = family.family
    begin = None if start is None else _encoded(start, family, seen)
    if isinstance(direction, str):
        found = (fit_forward if direction == "forward" else fit_reverse)(seen.target, base, begin, seed)
    else:
        found = fit_alpha(seen.target, base, begin, seed, direction)
    members = carried_members(seen, family, found)
    return told(seen, str(family), direction, found, members, seed, base=base)


def carried_chart(p: Any, family: Carried, direction: str | float, seed: int) -> Chart:
    """P without the ends that the family has."""
    target = prepared(p, "p")
    if isinstance(target, Discrete) or isinstance(target.support, Lattice):
        raise InputError(f"P = {target} has its mass on points, {family} is a density: KL is infinite both ways.")
    own: Support | None = family.support
    if isinstance(target, Sample):
        if own is None:
            raise InputError(
                f"P = {target} are draws, which do not say where P lives: give the support, for example "
                "kl.families.Carried('normal', support=(0, inf)), or take log_normal or logit_normal"
            )
        return chart(target, own, seed)
    return chart(target, _support(target, family, direction), seed)


def _support(target: Density, family: Carried, direction: str | float) -> Support:
    """Where the carried family lives: where P does, if it does not say."""
    own: Support | None = family.support
    support = target.support if own is None else common(target.support, own, direction, str(target), str(family))
    if support != (own or support):
        raise InputError(f"P lives on {target.support}, more than the {own} of {family}; carry it to P's support")
    if support == reals(target.dim) and own is None:
        raise InputError(
            f"P = {target} lives on {support} already: nothing is to be carried. Fit {family.family} itself"
        )
    return support


def _in_space(p: Density, family: Carried, direction: str | float, start: Any, seed: int) -> Fit:
    if not isinstance(direction, str):
        raise InputError(f"alpha = {direction:g} is fitted in one and two dimensions; P = {p} has {p.dim}")
    given = start_density(start)
    places = begin_at(start, given, p.dim)
    with Progress() as say:
        return fit_carried_space(p, family, _support(p, family, direction), direction, given, places, seed, say)


def carried_members(seen: Chart, family: Carried, found: list[Found]) -> list[Density]:
    return [onto(family.family.density(f.theta, seen.target.frame), seen.support) for f in found]


def _encoded(start: Any, family: Carried, seen: Chart) -> Array | None:
    given = start_density(start)
    if given is None:
        dim = seen.target.dim
        places = [seen.inward(x[None]).reshape(dim) for x in begin_at(start, None, dim)]
        return begin_around(places, family.family, seen.target.frame)
    theta = family.family.encode(unbound(given, seen.support).density, seen.target.frame)
    if theta is None:
        raise InputError(f"start = {given} is no member of {family}")
    return theta
