"""SciPy's frozen distributions: the known ones become canonical, the others are asked for what they have."""

from __future__ import annotations

import contextlib
import inspect
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from kullback._distribution import Batch, Density, Discrete, Distribution, Facts, translated
from kullback._result import InputError, KindError
from kullback._support import Array, Interval, Lattice
from kullback._vocabulary import build, mixture, multivariate_normal, shifted
from kullback.sources._scipy_canonical import canonical
from kullback.sources._scipy_logpdf import COSTLY, EXACT, FROM_HIGH, FROM_LOW, INTEGRATED, KINKS, PARTLY
from kullback.sources._scipy_logpmf import MASSES
from kullback.sources._scipy_space import in_space
from kullback.sources._scipy_tails import TAILS


def recognise(obj: Any, argument: str) -> Distribution | None:
    if "scipy.stats" not in sys.modules:
        return None
    known = _known(obj)
    if known is not None:
        return known
    from scipy import stats

    found = in_space(obj)
    if found is not None:
        return found
    if isinstance(obj, stats.gaussian_kde):
        return _kernel_estimate(obj)
    if isinstance(obj, stats.rv_continuous | stats.rv_discrete) and not hasattr(obj, "xk"):
        obj = _standard(obj, argument)
    sample = getattr(obj, "dist", obj)
    if isinstance(sample, stats.rv_discrete) and hasattr(sample, "xk"):
        return _table(obj, sample)
    if not hasattr(obj, "dist") or not isinstance(obj.dist, stats.rv_continuous | stats.rv_discrete):
        return None
    if obj.dist.name == "poisson_binom":
        return _poisson_binom(obj)
    shapes, loc, scale = obj.dist._parse_args(*obj.args, **obj.kwds)
    if any(np.ndim(v) for v in (*shapes, loc, scale)):
        return _batch(obj.dist, (*shapes, loc, scale))
    return one(obj.dist, [float(np.asarray(v)) for v in (*shapes, loc, scale)], obj)


def _standard(family: Any, argument: str) -> Any:
    """The standard member of a family that was not called, if it has no shapes to be given."""
    if not family.numargs:
        return family()
    form = f"scipy.stats.{family.name}({family.shapes}, loc=0, scale=1)"
    raise KindError(f"{argument} is a family of distributions; give its shapes: {form}")


def one(distribution: Any, values: list[float], frozen: Any = None) -> Density:
    """The canonical family of these shapes, loc and scale, or SciPy's own as it was frozen."""
    if np.isnan(values).any() or not np.isfinite(values[-2:]).all():
        raise InputError(f"scipy.stats.{distribution.name} has the parameters {values}; they must be finite")
    from scipy import stats

    if isinstance(distribution, stats.rv_histogram):
        return _histogram(distribution, *values)
    # a person's sub-class may bear one of SciPy's names
    scipys_own = type(distribution).__module__.startswith("scipy.stats")
    found = canonical(distribution.name, tuple(values[:-2]), *values[-2:]) if scipys_own else None
    if found is not None:
        if frozen is not None:
            _remember(frozen, found)
        return found
    return _generic(distribution, tuple(values[:-2]), *values[-2:])


def _histogram(distribution: Any, loc: float, scale: float) -> Density:
    """What rv_histogram made of counts and edges."""
    edges, heights = distribution._hbins, distribution._hpdf[1:-1]
    whole = bool(((loc + scale * edges) - loc == scale * edges).all())  # doubles hold every edge
    found = build("histogram", (scale * edges + (loc if whole else 0.0), heights * np.diff(edges)))
    assert isinstance(found, Density)
    return found if whole else shifted(found, loc)


def _kernel_estimate(kde: Any) -> Density:
    """A kernel estimate is a mixture of as many normals as it has points."""
    points, covariance = np.asarray(kde.dataset), np.asarray(kde.covariance)
    if len(points) == 1:
        width = math.sqrt(covariance[0, 0])
        return mixture(kde.weights, [build("normal", (x, width)) for x in points[0]])
    return mixture(kde.weights, [multivariate_normal(point, covariance) for point in points.T])


def _batch(distribution: Any, parameters: tuple[Any, ...]) -> Batch:
    """Frozen with arrays, which broadcast."""
    arrays = np.broadcast_arrays(*[np.asarray(v, dtype=np.float64) for v in parameters])
    family, names = BATCHES.get(distribution.name, ("", ()))
    usual = (0.0, 1.0)[: len(arrays) - len(names)]  # what loc, and then scale, must be that are none of the names
    plain = all((v == x).all() for v, x in zip(arrays[len(names) :], usual, strict=True))
    return Batch(
        arrays[0].shape,
        lambda index: one(distribution, [float(v[index]) for v in arrays]),
        name=f"scipy.stats.{distribution.name}",
        family=family if plain else "",
        parameters=dict(zip(names, arrays, strict=False)) if plain else None,
    )


# SciPy's families whose parameters are the word's, in order
BATCHES: dict[str, tuple[str, tuple[str, ...]]] = {
    "norm": ("normal", ("loc", "scale")),
    "laplace": ("laplace", ("loc", "scale")),
    "cauchy": ("cauchy", ("loc", "scale")),
    "poisson": ("poisson", ("rate",)),
    "binom": ("binomial", ("total_count", "probs")),
    "bernoulli": ("bernoulli", ("probs",)),
    "beta": ("beta", ("concentration1", "concentration0")),
}


_SEEN: dict[Any, Density] = {}


def _known(obj: Any) -> Density | None:
    """A canonical density made before of the same class and numbers: reading SciPy's object takes the longest."""
    try:
        return _SEEN.get(_key(obj))
    except TypeError:  # arrays among the numbers
        return None


def _remember(obj: Any, found: Density) -> None:
    if len(_SEEN) >= 256:
        _SEEN.clear()
    with contextlib.suppress(TypeError):
        _SEEN[_key(obj)] = found


def _key(obj: Any) -> Any:
    held = getattr(obj, "__dict__", {})
    return type(held.get("dist")), held.get("args"), *held.get("kwds", {}).items()


def _table(obj: Any, distribution: Any) -> Discrete:
    """rv_discrete(values=(points, probabilities)): a table under its points."""
    loc = 0.0
    if hasattr(obj, "dist"):
        _, loc, _ = distribution._parse_args(*obj.args, **obj.kwds)
    points = np.asarray(distribution.xk, dtype=float) + float(loc)
    whole = bool((points == np.floor(points)).all())
    return Discrete(distribution.pk, labels=[int(x) if whole else float(x) for x in points], name="rv_discrete")


def _poisson_binom(obj: Any) -> Discrete:
    """The number of successes in trials of chances p: a table, built trial by trial from sums of positive numbers."""
    held = inspect.signature(lambda p, loc=0: None).bind(*obj.args, **obj.kwds).arguments
    chances, loc = np.asarray(held["p"], dtype=np.float64).ravel(), held.get("loc", 0)
    table, scale = np.ones(1), 0.0
    for p in chances:
        table = np.append(table * (1 - p), 0.0) + np.append(0.0, table * p)
        top = float(table.max())
        table, scale = table / top, scale + float(np.log(top))
    with np.errstate(divide="ignore"):
        logits = np.log(table) + scale
    return Discrete(logits=logits, labels=[int(k + loc) for k in range(len(table))], name="poisson_binom")


SCIPYS_OWN = 1e-12  # the relative error to expect of its log densities: kappa4 is off by 6e-13


def _generic(dist: Any, shapes: tuple[float, ...], loc: float, scale: float) -> Density:
    """What SciPy's object says of itself; the log density by its formula where SciPy's underflows."""
    from scipy import stats

    obj = dist(*shapes, loc=loc) if isinstance(dist, stats.rv_discrete) else dist(*shapes, loc=loc, scale=scale)
    place = [f"{key}={v:g}" for key, v, usual in (("loc", loc, 0), ("scale", scale, 1)) if v != usual]
    name = f"{dist.name}({', '.join([f'{v:g}' for v in shapes] + place)})"
    facts = Facts(
        moments=_moments(obj if isinstance(dist, stats.rv_discrete) else dist(*shapes)),
        sample=lambda rng, n: np.asarray(obj.rvs(size=n, random_state=rng), dtype=np.float64),
    )
    if isinstance(dist, stats.rv_discrete):
        return _discrete(dist, shapes, loc, obj, facts, name)
    return _continuous(dist, shapes, loc, scale, facts, name)


def _discrete(dist: Any, shapes: tuple[float, ...], loc: float, obj: Any, facts: Facts, name: str) -> Density:
    from scipy import stats

    low, high = (float(v) for v in obj.support())
    support = Lattice(low, high)
    known = MASSES[dist.name](*shapes) if dist.name in MASSES and loc == int(loc) else None
    facts = replace(facts, quantile=_quiet(obj.ppf))
    if known is None:
        underflows = type(dist)._logpmf is stats.rv_discrete._logpmf
        facts = replace(facts, underflows=underflows, noise=SCIPYS_OWN)
        return Density(_quiet(obj.logpmf), support=support, vectorized=True, facts=facts, name=name)
    formula, tails = known

    def log_prob(k: Array) -> Array:
        out = np.where(np.isnan(k), np.nan, -np.inf)
        inside = support.contains(k)
        with np.errstate(all="ignore"):
            out[inside] = formula(k[inside] - loc)
        return out

    return Density(log_prob, support=support, vectorized=True, facts=replace(facts, tails=tails), name=name)


def _continuous(dist: Any, shapes: tuple[float, ...], loc: float, scale: float, standard: Facts, name: str) -> Density:
    """loc + scale·Z by the formulas of Z, whose moments are the `standard` ones."""
    from scipy import stats

    obj = dist(*shapes, loc=loc, scale=scale)
    exact = EXACT[dist.name](*shapes) if dist.name in EXACT else None
    ends = _ends(dist, shapes)
    support = Interval(loc + scale * ends[0], loc + scale * ends[1])
    open_ends = np.nextafter(ends[0], np.inf), np.nextafter(ends[1], -np.inf)
    log_scale = float(np.log(scale))

    def log_prob(x: Array) -> Array:
        z = (x - loc) / scale
        out = np.where(np.isnan(z), np.nan, -np.inf)
        inside = (z >= ends[0]) & (z <= ends[1])
        within = np.clip(z[inside], *open_ends)  # an end that z was rounded to is no point of the density
        with np.errstate(all="ignore"):
            out[inside] = (exact(within) if exact is not None else dist.logpdf(within, *shapes)) - log_scale
        return out

    def moved(a: float, s: float) -> Density:
        size = scale / s
        found = _continuous(dist, shapes, (loc - a) / s, size, standard, name)
        for end, side, sign in ((support.high, FROM_HIGH, -1.0), (support.low, FROM_LOW, 1.0)):
            if a == end and support.low < support.high and dist.name in side:
                formula = _from_end(side[dist.name](*shapes), sign / size, math.log(size))
                return translated(found, 0.0, log_prob=formula)
        return found

    kinks = KINKS[dist.name](*shapes) if dist.name in KINKS else ()
    moments = standard.moments
    facts = replace(
        standard,
        moments=None if moments is None else (loc + scale * moments[0], scale * scale * moments[1]),
        # without a formula of its own SciPy inverts the distribution function point by point, and may fail
        quantile=_quiet(obj.ppf) if type(dist)._ppf is not stats.rv_continuous._ppf or dist.name in COSTLY else None,
        points=COSTLY.get(dist.name),
        tails=TAILS[dist.name](*shapes) if dist.name in TAILS else None,
        breaks=tuple(loc + scale * z for z in kinks),
        underflows=exact is None and type(dist)._logpdf is stats.rv_continuous._logpdf,
        moved=moved,
        frame=(loc, scale),
        claimed=not type(dist).__module__.startswith("scipy.stats"),
        noise=INTEGRATED.get(dist.name, SCIPYS_OWN) if exact is None or dist.name in PARTLY else 0.0,
    )
    return Density(log_prob, support=support, vectorized=True, facts=facts, name=name)


def _moments(obj: Any) -> tuple[float, float] | None:
    """Mean and variance, unless SciPy would integrate for them."""
    from scipy import stats

    kind, base = type(obj.dist), stats.rv_discrete if isinstance(obj.dist, stats.rv_discrete) else stats.rv_continuous
    if base is stats.rv_continuous and kind._stats is base._stats and kind._munp is base._munp:
        return None
    with np.errstate(all="ignore"):
        mean, variance = (float(v) for v in obj.stats("mv"))
    return mean, variance


def _from_end(f: Callable[[Array], Array], sign: float, log_scale: float) -> Callable[[Array], Array]:
    def log_prob(t: Array) -> Array:
        d = sign * t
        with np.errstate(all="ignore"):
            return np.where(d > 0, f(np.abs(d)) - log_scale, -np.inf)

    return log_prob


def _ends(dist: Any, shapes: tuple[float, ...]) -> tuple[float, float]:
    """The ends of the standard form's support; for two families SciPy gives the whole line."""
    if dist.name == "vonmises":
        return -np.pi, np.pi
    if dist.name == "pearson3" and abs(shapes[0]) > 1.6e-5:  # below, SciPy takes the normal
        return (-2 / shapes[0], np.inf) if shapes[0] > 0 else (-np.inf, -2 / shapes[0])
    low, high = dist.support(*shapes)
    return float(low), float(high)


def _quiet(f: Callable[[Array], Array]) -> Callable[[Array], Array]:
    def quiet(x: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(f(x), dtype=np.float64)

    return quiet
