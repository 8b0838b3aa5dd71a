"""P in many dimensions as the fits see it: its oracle, its modes, and the clouds of draws that stand for it."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from kullback._distribution import Density, Sample
from kullback._estimate import Estimate
from kullback._fit._place import Place
from kullback._fit._sampling import OWN, same_normal
from kullback._fit._view import Look
from kullback._fit.space._broad import broad_peak, misleads
from kullback._fit.space._climb import Peak, laplace
from kullback._fit.space._cloud import Cloud, brief, cloud, of_draws
from kullback._fit.space._explore import MODES, distinct, first_peaks, modes, sorted_in
from kullback._fit.space._factors import Factors, factors
from kullback._fit.space._far import check_far
from kullback._fit.space._look import looked_at
from kullback._fit.space._optimum import Optimum
from kullback._fit.space._oracle import Oracle
from kullback._fit.space._reverse import minimise
from kullback._fit.space._starts import mode_starts
from kullback._result import Coverage, Divergence, InputError, Later
from kullback._support import Array
from kullback._vocabulary import multivariate_normal
from kullback.families import Normal
from kullback.methods._proposal import strata

Say = Callable[[str], None]
MANY = 64  # modes known, and more unknown: beyond them draws follow no single ones
HEAVIEST = 32  # weighted draws that are followed up to their modes


class SpaceTarget:
    """Made once for all fits of the same P; what is costly is looked for when it is first asked for."""

    def __init__(
        self,
        density: Density,
        seed: int,
        say: Say,
        starts: list[Array] | None = None,
        sample: Sample | None = None,
        estimated: Estimate | None = None,
    ) -> None:
        self.density = density
        self.sample, self.estimated = sample, estimated  # where P came as draws, which `density` stands for
        self.place: Place | None = None  # where P lives, and these are its coordinates without ends
        self.stated: tuple[Array, Array] | None = None  # moments known better than from the draws
        self._name = str(density) if sample is None else str(sample)
        self.seed = seed
        self.say = say
        self.oracle = Oracle(density)
        self.dim = density.dim
        self.hurried = False  # after Ctrl-C: only what is known already, and the least that a report needs
        self.summit = "mode"  # or "none" was climbed to, or a "spike" without mass
        self._starts = starts or []
        self._others: list[Peak] = []

    @cached_property
    def _begun(self) -> tuple[Peak, float]:
        """The first mode and the power of P's tails; where a climb found no summit, the best normal in its place."""
        known = [np.atleast_1d(part.facts.moments[0]) for part in _parts(self.density) if part.facts.moments]
        known = [x for x in known if np.isfinite(x).all()]
        begin = [*self._starts, *known[:64], np.zeros(self.dim)]
        peak, *self._others = first_peaks(self.oracle, begin, self.seed)
        failed: InputError | None = None
        power = np.inf
        try:
            power = check_far(self.oracle, peak, self.seed)
        except InputError as error:
            failed = error
        if failed is not None or misleads(self.oracle, peak, self.seed):
            broad = broad_peak(self.oracle, begin, self.seed, self.say)
            if broad is not None and (failed is not None or not peak.found or broad[1] > laplace(peak) + 1):
                power = check_far(self.oracle, broad[0], self.seed)
                self.summit = "spike" if peak.found else "none"
                self._others = distinct(broad[0], self._others)[1:] if failed is None else []
                return broad[0], power
            self.oracle.scale = np.sqrt((peak.tril**2).sum(axis=1))
        if failed is not None:
            raise failed
        return peak, power

    @property
    def name(self) -> str:
        return self._name if self.place is None else str(self.place.p)

    @property
    def shown(self) -> SpaceTarget:
        return self

    def free(self, q: Density) -> Density:
        return q if self.place is None else self.place.free(q)

    def left(self, q: Density, direction: str | float) -> Divergence | None:
        """Only the best optimum is measured afresh: a measurement costs as much as a search."""
        return None

    def look(self, q: Density, direction: str | float, left: Divergence | None) -> Look:
        free = self.free(q)
        settled = self.sample is not None or self.enumerated
        seen = looked_at(
            self.oracle, free, self.cloud(free), self.peaks, self.seed, self.power, self.say, settled
        )  # fmt: skip
        seen = replace(seen, notes=self._notes(free, seen.notes))
        return replace(seen, coverage=Later.of(self.outward(seen.coverage())))

    def outward(self, found: Coverage) -> Coverage:
        """Modes where P lives; the masses are the same there."""
        if self.place is None:
            return found
        outward = self.place.outward
        modes = tuple(replace(m, location=outward(np.atleast_2d(m.location))[0]) for m in found.modes)
        return replace(found, modes=modes)

    def _notes(self, q: Density, seen: tuple[str, ...]) -> tuple[str, ...]:
        if self.sample is not None and self.estimated is not None:
            own = (OWN.format(n=self.sample.n),) if same_normal(self.estimated, q) else ()
            return (*self.sample.notes, self.estimated.note, *own)
        notes = list(seen)
        if self.oracle.note:
            notes.append(self.oracle.note)
        if self.summit != "mode":
            why = "no summit of log_prob could be climbed to"
            if self.summit == "spike":
                why = "the summit of log_prob that was climbed to holds next to nothing of P"
            notes.append(f"{why}; the best normal stands in for the first mode")
        if not self.enumerated:
            notes.append(f"P has more modes than were enumerated ({len(self.peaks)} were found)")
        counted = f"{self.oracle.evaluations} evaluations of log_prob"
        if self.oracle.dear:
            counted += (
                f", at {1e3 * self.oracle.cost:.2g} ms each: few draws, and little looked for beyond the first mode"
            )
        notes.append(counted)
        return tuple(notes)

    @property
    def first(self) -> Peak:
        return self._begun[0]

    @property
    def known(self) -> list[Peak]:
        """The first mode, and those that other starts stand in."""
        return [self.first, *self._others]

    @property
    def power(self) -> float:
        """The power of P's tails."""
        return self._begun[1]

    @property
    def drawn(self) -> bool:
        """Whether P is a density that draws from itself."""
        known = self.density.normalized and not self.density.anonymous
        return known and all(
            part.facts.transport is not None or part.facts.sample is not None for _, part in strata(self.density)
        )

    @cached_property
    def factors(self) -> Factors | None:
        """P's coordinates, where its formula is not known and they are independent."""
        if (not self.density.anonymous and self.density.normalized) or not self.oracle.swift:
            return None
        assert self.power > 0
        return factors(self.oracle, self.known, self.seed, self.say)

    def hurry(self) -> Peak | None:
        """After Ctrl-C: the first mode if it has been found; no others are looked for, and few draws are taken."""
        self.hurried = True
        begun: tuple[Peak, float] | None = self.__dict__.get("_begun")
        if begun is None:
            return None
        self.__dict__.setdefault("factors", None)
        self.__dict__.setdefault("_modes", ([begun[0]], False))
        return begun[0]

    @cached_property
    def _modes(self) -> tuple[list[Peak], bool]:
        assert self.power > 0
        return modes(self.oracle, self.known, self.seed, self.say)

    @property
    def peaks(self) -> list[Peak]:
        return self._modes[0]

    @property
    def enumerated(self) -> bool:
        """Whether the search for modes ended because no new ones came."""
        return self._modes[1]

    @cached_property
    def guide(self) -> Density:
        """The best normal in reverse KL: where draws that stand for P begin."""
        family = Normal()
        found: list[Optimum] = []
        for name, base, theta in mode_starts(self.peaks, family):
            with contextlib.suppress(InputError):
                found.append(minimise(self.oracle, family, base, theta, name, self.seed, self.say, target=0.05))
        if not found:
            return multivariate_normal(self.first.x, scale_tril=self.first.tril)
        return min(found, key=lambda o: o.value).density

    def cloud(self, q: Density | None, stage: int = 1) -> Cloud:
        """Draws for P with Q among their proposals; another `stage` takes others."""
        if self.drawn:
            return of_draws(self.oracle, self.density, [self.seed, stage])
        if self.factors is not None:
            return self.factors.cloud(self.oracle, [self.seed, stage])
        if self.hurried or (self.oracle.dear and q is not None):
            return brief(self.oracle, q, self.peaks, [self.seed, stage], self.power)
        while True:
            many = not self.enumerated and len(self.peaks) > MANY
            found = cloud(self.oracle, q, self.peaks, [self.seed, stage], self.say, power=self.power, many=many)
            if not self.enumerated or not self._overlooked(found):
                return found

    def _overlooked(self, found: Cloud) -> bool:
        """Whether the heaviest draws lie around modes not known yet, which are then known."""
        top = np.argsort(-found.log_b, kind="stable")[:HEAVIEST]
        peaks, _ = sorted_in(self.oracle, self.peaks, found.x[top], found.log_p[top])
        if len(peaks) == len(self.peaks) or len(self.peaks) > MODES:
            return False
        self._modes = (sorted(peaks, key=lambda p: -p.height), True)
        return True

    @property
    def names(self) -> list[str]:
        """The coordinates by name: a model's sites, the columns of draws, or x0, x1, …"""
        sites = self.density.facts.sites
        if sites is not None:
            return [
                f"{name}{_place(i, shape)}" for name, shape in sites.shapes.items() for i in range(math.prod(shape))
            ]
        if self.sample is not None and self.sample.columns:
            return list(self.sample.columns)
        return [f"x{i}" for i in range(self.dim)]

    def intervals(self, levels: Sequence[float]) -> Array:
        """The quantiles of P's coordinates, of shape (dim, levels)."""
        cloud = self.own_cloud
        out = np.empty((self.dim, len(levels)))
        for i, column in enumerate(cloud.x.T):
            order = np.argsort(column)
            out[i] = np.interp(levels, np.cumsum(cloud.weights[order]), column[order])
        return out if self.place is None else np.asarray(self.place.outward(out.T).T)

    @cached_property
    def own_cloud(self) -> Cloud:
        """Draws for P around its modes and the best normal, for forward fits and starts."""
        return self.cloud(None if self.drawn else self.guide, stage=0)


def _place(i: int, shape: tuple[int, ...]) -> str:
    return "" if not shape else "[" + ", ".join(str(int(k)) for k in np.unravel_index(i, shape)) + "]"


def _parts(f: Density) -> list[Density]:
    return [part for _, part in f.facts.components] or [f]
