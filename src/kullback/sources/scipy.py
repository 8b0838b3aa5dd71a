"""SciPy's frozen distributions: the known ones become canonical, the others are asked for what they have."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from kullback._distribution import Batch, Density, Discrete, Distribution, Facts
from kullback._result import InputError
from kullback._support import Array, Interval, Lattice
from kullback.sources._scipy_canonical import canonical
from kullback.sources._scipy_space import in_space


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
    sample = getattr(obj, "dist", obj)
    if isinstance(sample, stats.rv_discrete) and hasattr(sample, "xk"):
        return _table(obj, sample)
    if not hasattr(obj, "dist") or not isinstance(obj.dist, stats.rv_continuous | stats.rv_discrete):
        return None
    shapes, loc, scale = obj.dist._parse_args(*obj.args, **obj.kwds)
    if any(np.ndim(v) for v in (*shapes, loc, scale)):
        return _batch(obj.dist, (*shapes, loc, scale))
    return one(obj.dist, [float(np.asarray(v)) for v in (*shapes, loc, scale)], obj)


def one(distribution: Any, values: list[float], frozen: Any = None) -> Density:
    """The canonical family of these shapes, loc and scale, or SciPy's own as it was frozen."""
    if np.isnan(values).any() or not np.isfinite(values[-2:]).all():
        raise InputError(f"scipy.stats.{distribution.name} has the parameters {values}; they must be finite")
    found = canonical(distribution.name, tuple(values[:-2]), *values[-2:])
    if found is not None:
        key = _key(frozen)
        if key is not None:
            if len(_SEEN) >= 256:
                _SEEN.clear()
            _SEEN[key] = found
        return found
    if frozen is None:
        frozen = distribution(*values[:-1] if hasattr(distribution, "pmf") else values)
    return _generic(frozen, values[-2])


def _batch(distribution: Any, parameters: tuple[Any, ...]) -> Batch:
    """Frozen with arrays, which broadcast."""
    arrays = np.broadcast_arrays(*[np.asarray(v, dtype=np.float64) for v in parameters])
    return Batch(
        arrays[0].shape,
        lambda index: one(distribution, [float(v[index]) for v in arrays]),
        name=f"scipy.stats.{distribution.name}",
    )


_SEEN: dict[Any, Density] = {}


def _known(obj: Any) -> Density | None:
    """A canonical density made before of the same class and numbers: reading SciPy's object takes the longest."""
    key = _key(obj)
    return _SEEN.get(key) if key is not None else None


def _key(obj: Any) -> Any:
    held = getattr(obj, "__dict__", {})
    dist, args, named = held.get("dist"), held.get("args"), held.get("kwds")
    if dist is None or type(args) is not tuple or type(named) is not dict:
        return None
    numbers = (*args, *named.values())
    if not all(type(v) is float or type(v) is int for v in numbers):
        return None
    return type(dist), numbers, tuple(named)


def _table(obj: Any, distribution: Any) -> Discrete:
    """rv_discrete(values=(points, probabilities)): a table under its points."""
    loc = 0.0
    if hasattr(obj, "dist"):
        _, loc, _ = distribution._parse_args(*obj.args, **obj.kwds)
    points = np.asarray(distribution.xk, dtype=float) + float(loc)
    whole = bool((points == np.floor(points)).all())
    return Discrete(distribution.pk, labels=[int(x) if whole else float(x) for x in points], name="rv_discrete")


def _generic(obj: Any, loc: float) -> Density:
    from scipy import stats

    discrete = isinstance(obj.dist, stats.rv_discrete)
    low, high = (float(v) for v in obj.support())
    if obj.dist.name == "vonmises":  # SciPy gives the whole line for a density on the circle
        scale = float(obj.kwds.get("scale", 1.0))
        low, high = loc - np.pi * scale, loc + np.pi * scale
    support = Lattice(low, high) if discrete else Interval(low, high)
    raw = obj.logpmf if discrete else obj.logpdf
    kind: Any = stats.rv_discrete if discrete else stats.rv_continuous
    own = type(obj.dist)._logpmf if discrete else type(obj.dist)._logpdf
    default = kind._logpmf if discrete else kind._logpdf

    def log_prob(x: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(raw(x), dtype=np.float64)

    with np.errstate(all="ignore"):
        mean, variance = (float(v) for v in obj.stats("mv"))
    facts = Facts(
        quantile=lambda u: np.asarray(obj.ppf(u), dtype=np.float64),
        moments=(mean, variance),
        sample=lambda rng, n: np.asarray(obj.rvs(size=n, random_state=rng), dtype=np.float64),
        underflows=own is default,
    )
    shapes = [f"{v:g}" for v in obj.args] + [f"{key}={v:g}" for key, v in obj.kwds.items()]
    return Density(
        log_prob, support=support, vectorized=True, facts=facts, name=f"{obj.dist.name}({', '.join(shapes)})"
    )
