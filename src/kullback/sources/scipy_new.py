"""SciPy's new distributions: scipy.stats.Normal, Mixture, make_distribution, and what is derived from them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from kullback._distribution import Batch, Density, Discrete, Distribution, Facts
from kullback._support import Array, Interval, Lattice
from kullback._vocabulary import build, mixture
from kullback.sources._evaluated import Index, at, column

# class → (word, {our parameter: theirs}); a Logistic has none, as only its shifted and scaled form does
CANONICAL: dict[str, tuple[str, dict[str, str]]] = {
    "Normal": ("normal", {"loc": "mu", "scale": "sigma"}),
    "StandardNormal": ("normal", {"loc": "mu", "scale": "sigma"}),
    "Uniform": ("uniform", {"low": "a", "high": "b"}),
    "Binomial": ("binomial", {"total_count": "n", "probs": "p"}),
    "Logistic": ("logistic", {}),
}
LOCATED = ("normal", "logistic")  # words whose loc and scale a ShiftedScaledDistribution moves


def recognise(obj: Any, argument: str) -> Distribution | None:
    if "scipy.stats" not in sys.modules:
        return None
    from scipy import stats

    if isinstance(obj, stats.Mixture):
        parts = [recognise(c, argument) for c in obj.components]
        return mixture(obj.weights, [p for p in parts if isinstance(p, Density | Discrete)])
    if not isinstance(obj, _root(stats)):
        return None
    shape = tuple(int(n) for n in obj._shape)
    make = _maker(obj)
    return Batch(shape, make, name=type(obj).__name__) if shape else make(())


def _root(stats: Any) -> Any:
    """The class of all of them, which has no public name."""
    return next(cls for cls in stats.Normal.__mro__ if cls.__name__ == "_ProbabilityDistribution")


def _maker(obj: Any) -> Callable[[Index], Density | Discrete]:
    name = type(obj).__name__
    if name in CANONICAL and type(obj).__module__.startswith("scipy."):
        word, names = CANONICAL[name]
        held = {ours: np.asarray(getattr(obj, theirs), dtype=np.float64) for ours, theirs in names.items()}
        return lambda index: build(word, kwargs={k: at(v, 0, index) for k, v in held.items()})
    if name == "ShiftedScaledDistribution":
        inner = _maker(obj._dist)
        loc, scale = (np.asarray(v, dtype=np.float64) for v in (obj.loc, obj.scale))
        whole = _generic(obj)

        def make(index: Index) -> Density | Discrete:
            base = inner(index)
            a, b = at(loc, 0, index), at(scale, 0, index)
            if not isinstance(base, Density) or base.family not in LOCATED:
                return whole(index)
            held = base.parameters
            return build(base.family, kwargs={"loc": a + b * held["loc"], "scale": abs(b) * held["scale"]})

        return make
    return _generic(obj)


def _generic(obj: Any) -> Callable[[Index], Density]:
    discrete = any(cls.__name__ == "DiscreteDistribution" for cls in type(obj).__mro__)
    raw = obj.logpmf if discrete else obj.logpdf
    batch = tuple(int(n) for n in obj._shape)
    ends = [np.asarray(v, dtype=np.float64) for v in obj.support()]

    def make(index: Index) -> Density:
        def member(function: Callable[[Any], Any]) -> Callable[[Array], Array]:
            def values(x: Array) -> Array:
                points = np.asarray(x, dtype=np.float64).reshape(-1, *(1,) * len(batch))
                with np.errstate(all="ignore"):
                    return np.asarray(column(function(points), index), dtype=np.float64)

            return values

        low, high = (float(at(v, 0, index)) for v in ends)
        with np.errstate(all="ignore"):
            moments = tuple(float(at(np.asarray(f()), 0, index)) for f in (obj.mean, obj.variance))
        facts = Facts(
            quantile=None if discrete else member(obj.icdf),
            moments=(moments[0], moments[1]),
            sample=lambda rng, n: np.asarray(column(obj.sample((n,), rng=rng), index), dtype=np.float64),
            underflows=_underflows(obj),
        )
        support = Lattice(low, high) if discrete else Interval(low, high)
        return Density(member(raw), support=support, vectorized=True, facts=facts, name=_name(obj))

    return make


def _underflows(obj: Any) -> bool:
    """Whether the log density is the logarithm of a density, at the root of what it is derived from."""
    while hasattr(obj, "_dist"):
        obj = obj._dist
    return not (obj._overrides("_logpdf_formula") or obj._overrides("_logpmf_formula"))


def _name(obj: Any) -> str:
    inner = f" of {type(obj._dist).__name__}" if hasattr(obj, "_dist") else ""
    return f"{type(obj).__name__}{inner}"
