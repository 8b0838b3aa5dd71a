"""A family to be fitted to P in one direction, in the coordinates in which it is searched.

Here is the one change of coordinates: a family that is carried to P's support, and one that a library makes, see P
without the ends of that support. What the fitters find there is told where P lives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kullback._distribution import Density
from kullback._fit._place import common
from kullback._fit._problem import Problem
from kullback._fit._start import Start, begin_around
from kullback._result import InputError
from kullback._support import Array, Interval, Lattice, Support, is_subset, reals
from kullback.families import ByEnds, Carried, Chosen, Custom, Members, NumPyro

ALPHA = {"reverse": 0.0, "forward": 1.0}


@dataclass(frozen=True, eq=False)
class Task:
    """`family` is what was asked for and `searched` what is searched in its place, on `problem`."""

    problem: Problem
    whole: Problem  # the same where P lives, with its ends
    family: Chosen
    searched: Any  # a Family, a LatticeFamily, or the Members of a library's family
    direction: str | float
    start: Start
    support: Support  # where Q lives
    moving: str = ""  # why no search by gradients serves: Q's support moves with its parameters

    def __str__(self) -> str:
        way = self.direction if isinstance(self.direction, str) else f"alpha = {self.direction:g}"
        return f"{self.family} for P = {self.problem.name}, {way}"

    @property
    def alpha(self) -> float:
        return ALPHA[self.direction] if isinstance(self.direction, str) else self.direction

    @property
    def lattice(self) -> bool:
        """Whether Q has its mass on points."""
        return isinstance(self.support, Lattice)

    @property
    def members(self) -> Members | None:
        """The members of a library's family, which stand where P lives."""
        return self.searched if isinstance(self.searched, Members) else None

    def onto(self, q: Density) -> Density:
        """A member of what is searched, where P lives."""
        place = self.problem.place
        return q if place is None or not place.carried else place.onto(q)

    def given(self) -> Density | None:
        """The density to begin from, in the coordinates of the search."""
        given = self.start.density
        if given is None:
            return None
        if given.dim != self.problem.dim:
            raise InputError(f"start = {given} is no member of {self.family} in {self.problem.dim} dimensions")
        return given if self.problem.place is None else self.problem.place.free(given)

    def begin(self) -> Array | None:
        """The theta to begin from on nodes."""
        given, frame, dim = self.given(), self.problem.nodes.frame, self.problem.dim
        if given is None:
            places = self.start.places(dim)
            if self.problem.place is not None:
                places = [self.problem.place.inward(x[None]).reshape(dim) for x in places]
            return begin_around(places, self.searched, frame)
        theta: Array | None = self.searched.encode(given, frame)
        if theta is None:
            raise InputError(f"start = {given} is no member of {self.family} in {dim} dimensions")
        return theta


def task_for(problem: Problem, family: Chosen, direction: str | float, start: Start) -> Task:
    """The task; that no member can be at a finite divergence from P is told here, before any search."""
    if isinstance(family, Carried):
        return _carried(problem, family, direction, start)
    if isinstance(family, Custom | NumPyro):
        return _made(problem, family, direction, start)
    if family.lattice:
        if not (problem.draws or problem.counting):
            raise InputError(
                f"P = {problem.name} is a density and {family} a mass on the integers: no such Q has a finite "
                "divergence. Choose normal, laplace, student_t or mixture(K)."
            )
        support: Support = family.support  # type: ignore[union-attr]
        _check_points(problem, family, support, direction)
        return Task(problem, problem, family, family, direction, start, support)
    refuse_points(problem, family)
    whole = reals(problem.dim)
    if problem.support not in (None, whole):
        _check_ends(problem, family, direction)
    return Task(problem, problem, family, family, direction, start, whole)


def refuse_points(problem: Problem, family: Chosen) -> None:
    if problem.counting:
        raise InputError(
            f"P = {problem.name} has its mass on points, {family} is a density: KL is infinite both ways. "
            "Choose poisson, geometric or binomial(total_count), or pass draws as kl.Sample(x)."
        )


def _check_points(problem: Problem, family: Chosen, own: Support, direction: str | float) -> None:
    """Forward Q must have mass where P has, reverse the other way round."""
    there = problem.mass.density.support
    if direction == "forward" and not is_subset(there, own):
        raise InputError(
            f"P has mass on {there}, {family} only on {own}: KL(P‖Q) is infinite for every Q. "
            "Fit reverse, or a family that contains P's support."
        )
    if direction == "reverse" and not is_subset(own, there):
        raise InputError(
            f"{family} has mass on {own}, P only on {there}: KL(Q‖P) is infinite for every Q. Fit forward."
        )


def _check_ends(problem: Problem, family: Chosen, direction: str | float) -> None:
    there, whole = problem.support, reals(problem.dim)
    if problem.dim == 1 and direction == "reverse":
        raise InputError(
            f"P lives on {there} and {family} on {whole}: KL(Q‖P) is infinite for "
            f"every such Q. Carry the family to P's support, carried({str(family)!r}), or fit forward."
        )
    if problem.dim > 2:
        raise InputError(
            f"P lives on {there} and {family} on {whole}: KL(Q‖P) is infinite for "
            f'every such Q. Take carried("{family}"), which lives where P does.'
        )


def _carried(problem: Problem, family: Carried, direction: str | float, start: Start) -> Task:
    """P without the ends that the family has."""
    name, own = problem.name, family.support
    if problem.counting:
        raise InputError(f"P = {name} has its mass on points, {family} is a density: KL is infinite both ways.")
    there = problem.support
    if there is None:
        if own is None:
            raise InputError(
                f"P = {name} are draws, which do not say where P lives: give the support, for example "
                "kl.families.Carried('normal', support=(0, inf)), or take log_normal or logit_normal"
            )
        return Task(problem.moved(own, True), problem, family, family.family, direction, start, own)
    support = there if own is None else common(there, own, direction, name, str(family))
    if support != (own or support):
        raise InputError(f"P lives on {there}, more than the {own} of {family}; carry it to P's support")
    if support == reals(problem.dim) and own is None:
        raise InputError(f"P = {name} lives on {support} already: nothing is to be carried. Fit {family.family} itself")
    if problem.dim > 2 and not isinstance(direction, str):
        raise InputError(f"alpha = {direction:g} is fitted in one and two dimensions; P = {name} has {problem.dim}")
    return Task(problem.moved(support, True), problem, family, family.family, direction, start, support)


def _ended(problem: Problem, family: Chosen, ends: ByEnds, start: Start) -> Task:
    """A family that begins and ends where P does."""
    refuse_points(problem, family)
    there = problem.support
    assert isinstance(there, Interval)
    why = ends.why_not(there)
    if why:
        raise InputError(
            f"P = {problem.name} lives on {there}: KL(P‖Q) is infinite for every such Q, as {why}. "
            "Take a family that lives where P does, or the other direction."
        )
    return Task(problem, problem, family, ends, "forward", start, there, "Q ends where P does; no search is needed")


def _made(problem: Problem, family: Custom | NumPyro, direction: str | float, start: Start) -> Task:
    """A library's members stand where they stand; P is seen without the ends of the larger support."""
    if direction == "forward" and family.by_ends is not None and problem.dim == 1 and not problem.draws:
        return _ended(problem, family, family.by_ends, start)
    members = family.members(problem.dim)
    own, moving = members.support(problem.dim)
    if own.dim != problem.dim:
        raise InputError(f"P = {problem.name} has {problem.dim} dimensions and {members.name} has {own.dim}")
    if isinstance(own, Lattice):
        if not (problem.draws or problem.counting):
            raise InputError(
                f"P = {problem.name} is a density and {members.name} a mass on the integers: no such Q has a finite "
                "divergence. Choose a family of densities."
            )
        common(problem.mass.density.support, own, direction, problem.name, members.name)
        return Task(problem, problem, family, members, direction, start, own, moving)
    if problem.counting:
        raise InputError(
            f"P = {problem.name} has its mass on points, {members.name} is a density: KL is infinite both ways. "
            "Choose a family on the integers, or pass draws as kl.Sample(x)."
        )
    if moving:
        return Task(problem, problem, family, members, direction, start, own, moving)
    there = problem.support or own
    support = common(there, own, direction, problem.name, members.name)
    return Task(problem.moved(support, False), problem, family, members, direction, start, support)
