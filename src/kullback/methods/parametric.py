"""Draws that a named family fits: the closed form at what was fitted, without the bias of plugging in."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from kullback._distribution import Density, Measured, Sample
from kullback._format import number
from kullback._result import Divergence, Status
from kullback._support import Array, reals
from kullback.methods._levels import level
from kullback.methods._looks import lines, look, plain, rows, sharing, spaced
from kullback.methods._named import FAMILIES, NORMAL, UNIFORM, Named, inside
from kullback.methods._request import Request
from kullback.methods.neighbours import _serves, flat, thinner
from kullback.numerics import unbiased
from kullback.numerics.counts import Estimate
from kullback.numerics.weighed import from_moments

LEAST = 20  # draws a side: fewer could not contradict a family
LEVEL, PER_DRAW, FLOOR = 0.05, 2.0, 0.001  # 2/n, within these ends: the more draws, the better they contradict


class _Choice(NamedTuple):
    family: Named
    p_value: float  # the smaller of the two sides'
    level: float  # below which the family is rejected

    @property
    def holds(self) -> bool:
        return self.p_value >= self.level


class Parametric:
    """Both sides by one family (normal, log-normal, exponential, uniform), if its test rejects neither.

    The level of the test is 2/n, but 5 % at most and 0.1 % at least: few draws could not contradict a wrong
    family otherwise, and many would contradict a right one too often. Of several families the one with the better BIC.
    Draws that have weights, groups or an order are tested by as many of them as they are worth, and never by a uniform.
    A known side needs no fit: −entropy of P by the family, log q as it is.
    """

    name = "parametric"
    random = False

    def applies(self, p: Measured, q: Measured) -> str | None:
        draws = [d for d in (p, q) if isinstance(d, Sample)]
        if not draws:
            return "needs draws on at least one side"
        least = LEAST + 2 * draws[0].dim
        for d, name in ((p, "P"), (q, "Q")):
            if isinstance(d, Sample) and d.n < least:
                return f"needs {least} draws in {d.dim} dimensions to try a family; {name} has {d.n}"
            if isinstance(d, Density) and not _serves(d):
                return f"needs draws or a normalised density on the line or in space; {name} is {d}"
            if not isinstance(d, Sample | Density):
                return f"needs draws or a density; {name} is a {type(d).__name__}"
        if isinstance(p, Density) and (p.facts.entropy is None or not _has_moments(p) or p.support != reals(p.dim)):
            return f"needs the entropy, mean and covariance of P; {p} does not state them all"
        if (kinds := look(*draws).kinds) & {"discrete", "mixed"}:
            return f"leaves outcomes that recur to counting; the draws are {', '.join(sorted(kinds))}"
        why = lines(p, q) or flat([rows(d) for d in level(p, q) if isinstance(d, Sample)]) or thinner(p, q)
        return why or None

    def defers(self, p: Measured, q: Measured) -> str | None:
        found = _chosen(*level(p, q))
        if found.holds:
            return None
        return (
            f"no family fits both sides: nearest is {found.family.name}, whose test gives {number(found.p_value, 1e-3)}"
        )

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence:
        shared = sharing(p, q) if isinstance(p, Sample) and isinstance(q, Sample) else ()
        p, q = level(p, q)
        family, p_value, limit = _chosen(p, q)
        form: tuple[float, float] | None = None
        freedom, simple = math.inf, plain(p, q)
        drawn = sum(d.n for d in (p, q) if isinstance(d, Sample))
        if isinstance(p, Sample) and isinstance(q, Sample):
            found, notes = family.divergence(rows(p), rows(q)) if simple else _weighed(family, p, q), shared
            value, error, form, freedom = found
        elif isinstance(p, Sample):
            assert isinstance(q, Density)
            terms, notes = _log_density(family, p) - q._log_prob(p.x), ()
            value, freedom = float(p.design.mean(terms)), p.design.degrees
            hidden = family.hidden(p.n) if simple else 0.0
            error = math.sqrt(float(p.design.variance(terms)[0]) + hidden) if math.isfinite(value) else 0.0
            if not math.isfinite(value):
                return Divergence(
                    math.inf, 0.0, "estimate", method=self.name, n=drawn, status=Status.SUPPORT_GAP,
                    detail="P has draws where Q's density is zero",
                )  # fmt: skip
        else:
            assert isinstance(p, Density)
            assert isinstance(q, Sample)
            notes = ()
            if simple:
                value, error = _from_moments(p, rows(q))
            else:
                assert p.facts.moments is not None
                assert p.facts.entropy is not None
                mean, spread = np.atleast_1d(p.facts.moments[0]), np.atleast_2d(p.facts.moments[1])
                value, error, _, freedom = from_moments(mean, spread, p.facts.entropy, rows(q), q.design)
        who = "both sides" if isinstance(p, Sample) and isinstance(q, Sample) else "P" if isinstance(p, Sample) else "Q"
        fit = f"{who} fitted by {family.name}"
        fit += f", whose test gives {number(p_value, 1e-3)}" + ("" if p_value >= limit else " and rejects it")
        return Divergence(
            value, error, "standard_error", method=self.name, n=drawn,
            status=Status.ESTIMATED if p_value >= limit else Status.BIASED, notes=(fit, *notes), chi_square=form,
            degrees_of_freedom=freedom if math.isfinite(freedom) else None,
        )  # fmt: skip


@lru_cache(maxsize=4)  # `defers` asks, then `estimate`
def _chosen(p: Measured, q: Measured) -> _Choice:
    draws = [d for d in (p, q) if isinstance(d, Sample)]
    open_to: tuple[Named, ...] = FAMILIES if isinstance(p, Sample) else (NORMAL,)
    if not plain(*draws):
        open_to = tuple(f for f in open_to if f.weighed is not None)
    able = [f for f in open_to if all(f.fits(rows(d)) for d in draws)]
    sides = [spaced(d, LEAST + 2 * d.dim) for d in draws]
    able = [f for f in able if f is not UNIFORM or _within(sides)]
    levels = [min(f.p_value(x) for x in sides) for f in able]
    limit = max(min(LEVEL, PER_DRAW / min(len(x) for x in sides)), FLOOR)
    held = [i for i, level in enumerate(levels) if level >= limit] or [int(np.argmax(levels))]
    best = max(held, key=lambda i: sum(able[i].evidence(x) for x in sides)) if len(held) > 1 else held[0]
    return _Choice(able[best], levels[best], limit)


def _weighed(family: Named, p: Sample, q: Sample) -> Estimate:
    assert family.weighed is not None
    return family.weighed(rows(p), rows(q), p.design, q.design)


def _log_density(family: Named, p: Sample) -> Array:
    if p.design.plain:
        return family.log_density(rows(p))
    assert family.weighed_log_density is not None
    return family.weighed_log_density(rows(p), p.design)


def _within(sides: list[Array]) -> bool:
    return len(sides) == 1 or inside(*sides)


def _has_moments(p: Density) -> bool:
    return p.facts.moments is not None and bool(np.isfinite(p.facts.moments[1]).all())


def _from_moments(p: Density, y: Array) -> tuple[float, float]:
    """KL of a known P from a normal fitted to Q's draws: −entropy less E_P log q, each part unbiased."""
    assert p.facts.moments is not None
    assert p.facts.entropy is not None
    m, d = y.shape
    mean, cov_p = np.atleast_1d(p.facts.moments[0]), np.atleast_2d(p.facts.moments[1])
    cov_q = unbiased.covariance(y)
    inverse = np.linalg.inv(cov_q) * ((m - d - 2) / (m - 1))
    delta = y.mean(axis=0) - mean
    grown = inverse @ (cov_p + np.outer(delta, delta))
    cross = unbiased.log_det(cov_q, m) + d * math.log(2 * math.pi) + float(np.trace(grown)) - d / m
    of_q = np.eye(d) - grown
    variance = (0.5 * float(np.trace(of_q @ of_q)) + float(delta @ inverse @ delta)) / m
    return 0.5 * cross - p.facts.entropy, math.sqrt(max(variance, 0.0))
