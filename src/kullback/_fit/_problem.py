"""What is known of P: made once, when first asked for, and shared by every fit of it in either direction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from kullback._distribution import Density, Discrete, Measured, Sample
from kullback._estimate import estimate
from kullback._fit._frame import log_integral, near
from kullback._fit._mass import Mass, mass_of
from kullback._fit._place import Place, moved_density, moved_draws, moved_in_space
from kullback._fit._start import Start
from kullback._fit._table import Held
from kullback._fit._target import Target, prepare
from kullback._fit.space import SpaceTarget
from kullback._fit.space._oracle import Oracle
from kullback._result import InputError
from kullback._support import Lattice, Support, reals
from kullback.methods import _line

Say = Callable[[str], None]


class Problem:
    """P as a mass on the integers, on nodes (the line and the plane), or in space by its gradient.

    Which of them a fitter looks at is its own choice; `view` is the one that serves P best. `place` is set where P had
    ends, and this is P without them.
    """

    def __init__(self, p: Measured | Held, seed: int, say: Say, start: Start, place: Place | None = None) -> None:
        self._given = p
        self.seed, self.say, self.start, self.place = seed, say, start, place
        self._moved: dict[tuple[Support, bool], Problem] = {}

    @cached_property
    def p(self) -> Measured:
        """P through the door; of a table that an engine holds, some of its rows."""
        return self._given.sample if isinstance(self._given, Held) else self._given

    def only(self, method: str) -> str | None:
        """Why no other fitter than moments serves a table whose rows are elsewhere."""
        return self._given.only(method) if isinstance(self._given, Held) else None

    @property
    def name(self) -> str:
        if isinstance(self._given, Held):
            return self._given.name
        return str(self.p if self.place is None else self.place.p)

    @property
    def dim(self) -> int:
        p = self.p
        if isinstance(p, Discrete):
            return 1
        return p.support.dim if isinstance(p, Density) else p.dim

    @property
    def draws(self) -> bool:
        """Whether P came as draws, which a density stands for where one is needed."""
        return isinstance(self._given, Sample | Held)

    @property
    def counting(self) -> bool:
        """Whether P has its mass on points."""
        p = self._given
        return isinstance(p, Discrete) or (isinstance(p, Density) and isinstance(p.support, Lattice))

    @property
    def support(self) -> Support | None:
        """Where P lives; draws do not say."""
        if self.draws:
            return None
        return self.p.support if isinstance(self.p, Density) else Lattice()

    def moved(self, support: Support, carried: bool) -> Problem:
        """P without the ends of a support that contains its own; kept for the next fit."""
        key = support, carried
        if key not in self._moved:
            p, place = self._unbound(support, carried)
            self._moved[key] = Problem(p, self.seed, self.say, self.start, place)
        return self._moved[key]

    def _unbound(self, support: Support, carried: bool) -> tuple[Measured, Place]:
        if isinstance(self.p, Sample):
            return moved_draws(self.p, support, carried)
        assert isinstance(self.p, Density)
        if self.dim <= 2 or not carried:  # a simplex of three shares is a plane
            return moved_density(self.p, support, carried)
        return moved_in_space(Oracle(self.p).as_density(slopes=True), support)

    @cached_property
    def mass(self) -> Mass:
        """P on the integers."""
        return mass_of(self.p, self.seed)

    @property
    def seen(self) -> bool:
        """Whether P is told by points with weights: draws, or nodes on the line and in the plane."""
        return self.draws or self.dim <= 2

    @property
    def costly(self) -> str | None:
        """Why what needs nodes leaves P to what does not; draws are nodes already."""
        return None if self.draws else self.cells or None

    @property
    def view(self) -> Target | SpaceTarget:
        """P as it is seen best: on nodes, or where these do not serve in space."""
        return self.space if self.dim > 2 or self.cells else self.nodes

    @property
    def modes(self) -> int:
        """How many modes P is known to have."""
        return len(self.space.peaks if self.dim > 2 or self.cells else self.nodes.basins.modes)

    @cached_property
    def nodes(self) -> Target:
        """P on the line or in the plane."""
        found = self._looked_at[0] or self._prepared(self.space.oracle.as_density() if self.cells else self.p)
        if isinstance(self._given, Held):
            found = replace(found, stated=self._given.moments)
        if self.place is None:
            return found
        found = replace(found, name=self.name, place=self.place, slack=self.place.slack)
        p, whole = self.place.p, self.place.density
        if not isinstance(p, Density) or whole is None:
            return found
        return replace(found, log_z=log_integral(p, whole, self.place.outward(near(found.frame))))

    @property
    def cells(self) -> str:
        """Why nodes in cells around P's mode do not serve; empty where they do."""
        return self._looked_at[1]

    @cached_property
    def _looked_at(self) -> tuple[Target | None, str]:
        """A callable on the line or in the plane is looked at by its gradient first.

        One in the plane that shows several modes goes on so: cells around one of them would have to find the others.
        """
        p = self.p
        if not isinstance(p, Density) or not p.anonymous or p.dim > 2 or self.place is not None:
            return None, ""
        self.say("P is looked at; a first fit in a process also imports and compiles")
        space = self.space
        if p.dim == 1 and self.start.raw is not None and len(space.known) > 1:
            return self._prepared(_marked(space)), ""
        if p.dim == 2 and p.support == reals(2):
            if len(space.peaks) > 1:
                return None, f"P shows {len(space.peaks)} modes, and cells around one would have to find the others"
            try:
                return self._prepared(space.oracle.as_density()), ""
            except InputError:  # a long curved ridge, on which cells do not settle; what is improper was told before
                if not space.power > 2 or p.normalized:
                    raise
                return None, "P is a long curved ridge, on which cells do not settle"
        return self._prepared(space.oracle.as_density()), ""

    def _prepared(self, p: Measured) -> Target:
        if self.draws:
            self.say("P is estimated from its draws")
        return prepare(p, self.seed)

    @cached_property
    def space(self) -> SpaceTarget:
        """P by its gradient, in any number of dimensions."""
        p, places = self.p, self.start.places(self.dim)
        if isinstance(p, Sample):
            self.say("P is estimated from its draws")
            found = estimate(p, seed=self.seed)
            target = SpaceTarget(found.density, self.seed, self.say, sample=p, estimated=found)
            if isinstance(self._given, Held):
                target.stated = self._given.moments
            return target
        assert isinstance(p, Density)
        if self.place is not None:
            places = [self.place.inward(x[None])[0] for x in places]
            outside = [x for x in places if not p._log_prob(x[None])[0] > -np.inf]
            if outside:
                there = self.place.outward(outside[0][None])[0]
                raise InputError(f"start = {there} has no density under P, which lives on {self.place.support}")
        target = SpaceTarget(p, self.seed, self.say, places)
        target.place = self.place
        return target


def _marked(target: SpaceTarget) -> Density:
    """P on the line with its known modes among the places at which quadrature splits it."""
    p = target.oracle.as_density()
    widths = np.array([0.0, -8, -3, -1, 1, 3, 8])
    marks = [_line.landmarks(p), *(peak.x[0] + widths * peak.tril[0, 0] for peak in target.known)]
    low, high = _line.interval(p).low, _line.interval(p).high
    inside: list[Any] = [float(x) for x in np.unique(np.concatenate(marks)) if low < x < high]
    facts = replace(p.facts, landmarks=tuple(inside))
    return Density(p._log_prob, support=p.support, normalized=p.normalized, facts=facts, name=p.name)
