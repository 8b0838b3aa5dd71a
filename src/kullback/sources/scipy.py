"""SciPy's frozen distributions: the known ones become canonical, the others are asked for what they have."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from kullback._distribution import Density, Discrete, Distribution, Facts
from kullback._result import InputError
from kullback._support import Array, Interval, Lattice
from kullback._vocabulary import _continuous as c
from kullback._vocabulary import _lattice as k
from kullback._vocabulary import multivariate_normal


def recognise(obj: Any, argument: str) -> Distribution | None:
    if "scipy.stats" not in sys.modules:
        return None
    from scipy import stats
    from scipy.stats._multivariate import multivariate_normal_frozen

    if isinstance(obj, multivariate_normal_frozen):
        return multivariate_normal(obj.mean, obj.cov_object.covariance)
    sample = getattr(obj, "dist", obj)
    if isinstance(sample, stats.rv_discrete) and hasattr(sample, "xk"):
        return _table(obj, sample)
    if not hasattr(obj, "dist") or not isinstance(obj.dist, stats.rv_continuous | stats.rv_discrete):
        return None
    shapes, loc, scale = obj.dist._parse_args(*obj.args, **obj.kwds)
    if any(np.size(v) != 1 for v in (*shapes, loc, scale)):
        raise InputError(f"this scipy.stats.{obj.dist.name} is a batch; pass one distribution at a time")
    values = [float(np.asarray(v).reshape(())) for v in (*shapes, loc, scale)]
    if np.isnan(values).any() or not np.isfinite(values[-2:]).all():
        raise InputError(f"scipy.stats.{obj.dist.name} has the parameters {values}; they must be finite")
    canonical = CANONICAL.get(obj.dist.name)
    found = canonical(*values) if canonical is not None else None
    return found if found is not None else _generic(obj, values[-2])


def _table(obj: Any, distribution: Any) -> Discrete:
    """rv_discrete(values=(points, probabilities)): a table under its points."""
    loc = 0.0
    if hasattr(obj, "dist"):
        _, loc, _ = distribution._parse_args(*obj.args, **obj.kwds)
    points = np.asarray(distribution.xk, dtype=float) + float(loc)
    whole = bool((points == np.floor(points)).all())
    return Discrete(distribution.pk, labels=[int(x) if whole else float(x) for x in points], name="rv_discrete")


Canon = Callable[..., Density | None]

# SciPy's shapes, then loc and scale; None where the canonical family has no such shift.
CANONICAL: dict[str, Canon] = {
    "norm": lambda loc, s: c.normal(loc, s),
    "laplace": lambda loc, s: c.laplace(loc, s),
    "t": lambda df, loc, s: c.student_t(df, loc, s),
    "cauchy": lambda loc, s: c.cauchy(loc, s),
    "logistic": lambda loc, s: c.logistic(loc, s),
    "gumbel_r": lambda loc, s: c.gumbel(loc, s),
    "uniform": lambda loc, s: c.uniform(loc, loc + s),
    "expon": lambda loc, s: c.exponential(1 / s) if loc == 0 else None,
    "gamma": lambda a, loc, s: c.gamma(a, 1 / s) if loc == 0 else None,
    "chi2": lambda df, loc, s: c.gamma(df / 2, 0.5 / s) if loc == 0 else None,
    "beta": lambda a, b, loc, s: c.beta(a, b) if (loc, s) == (0, 1) else None,
    "halfnorm": lambda loc, s: c.half_normal(s) if loc == 0 else None,
    "halfcauchy": lambda loc, s: c.half_cauchy(s) if loc == 0 else None,
    "lognorm": lambda a, loc, s: c.log_normal(float(np.log(s)), a) if loc == 0 else None,
    "weibull_min": lambda a, loc, s: c.weibull(s, a) if loc == 0 else None,
    "pareto": lambda a, loc, s: c.pareto(s, a) if loc == 0 else None,
    "invgamma": lambda a, loc, s: c.inverse_gamma(a, s) if loc == 0 else None,
    "poisson": lambda rate, loc, s: k.poisson(rate) if loc == 0 and rate > 0 else None,
    "geom": lambda p, loc, s: k.geometric(p) if loc == -1 else None,
    "binom": lambda n, p, loc, s: k.binomial(n, p) if loc == 0 else None,
    "bernoulli": lambda p, loc, s: k.bernoulli(p) if loc == 0 else None,
    "nbinom": lambda n, p, loc, s: k.negative_binomial(n, 1 - p) if loc == 0 else None,
    "zipf": lambda a, loc, s: k.zipf(a) if loc == 0 else None,
    "randint": lambda a, b, loc, s: k.discrete_uniform(a + loc, b - 1 + loc),
}


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
