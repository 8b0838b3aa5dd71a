"""The moment rule: if log q needs only means that P knows, KL(P‖Q) = −entropy(P) − E_P log q.

`_means` says what each P knows, NEEDS what each Q asks for: the terms of −E_P log q. It is a difference of
entropies: near P = Q its digits cancel, and the stated error says so. A term that diverges is an answer, ∞.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from kullback._distribution import Density, PowerGamma, moved
from kullback._support import Lattice
from kullback.methods.closed._means import Beyond, Diverges, Means, Parameters, means, viewed
from kullback.numerics import bessel
from kullback.numerics.lazy import special
from kullback.numerics.masses import log_beta

EPS = float(np.finfo(float).eps)
HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
Terms = tuple[float, ...]


def by_moments(p: Density, q: Density) -> tuple[float, float, str] | None:
    """The value, its rounding error and why it is infinite; None if Q asks for a mean that P does not know."""
    if isinstance(p.support, Lattice) != isinstance(q.support, Lattice):
        return None
    known = means(p)
    if known is None or p.facts.entropy is None:
        return None
    try:
        terms = _asked(known, q)
    except (KeyError, OverflowError, ValueError):
        return None
    except Beyond:
        unit = q.facts.frame[1]
        if abs(unit - 1) < 1e-6:  # in Q's own unit such a mean makes the value what it is
            return math.inf, math.inf, ""
        return by_moments(moved(p, 0.0, unit), moved(q, 0.0, unit))
    except Diverges:
        return math.inf, 0.0, "the mean of −log q under P diverges: a term of it does, and the others are finite"
    if terms is None:
        return None
    if math.inf in terms:
        return math.inf, math.inf, ""
    value = math.fsum(terms) - p.facts.entropy
    # a term that is an exponential has lost as many units as its logarithm is large
    size = math.fsum(abs(t) * (1 + abs(math.log(abs(t))) / 32) for t in terms if t) + abs(p.facts.entropy)
    # log gammas and digammas of a large shape meet in the entropy and in the terms with the size of shape·log(shape)
    size += math.fsum(v * (1 + abs(math.log(v))) for d in (p, q) for v in _shapes(d))
    return (value, 64 * EPS * size, "") if math.isfinite(value) else None


def _shapes(d: Density) -> list[float]:
    if d.facts.power_gamma is not None:
        return [d.facts.power_gamma.a]
    return [v for k, v in d.parameters.items() if k.startswith("concentration")]


def _asked(known: Means, q: Density) -> Terms | None:
    if q.facts.power_gamma is not None:
        return _power_gamma(known, q.facts.power_gamma)
    if q.facts.family in NEEDS:
        return NEEDS[q.facts.family](known, q.parameters)
    if q.facts.base is None:
        return None
    key, base = q.facts.base
    if isinstance(key, tuple) and key[0] == "affine":
        inner = _asked(viewed(known, key[1], key[2]), base)
        return None if inner is None else (*inner, math.log(key[2]))
    return None


def _power_gamma(e: Means, q: PowerGamma) -> Terms:
    """−log|k| + log Γ(b) + E[y] − b·E log y with y = (x/t)^k; the Jacobian adds E log x where x is not a logarithm."""
    b, k = q.a, q.power
    constant = float(special.gammaln(b)) - math.log(abs(k))
    if q.logged:
        return constant, -b * k * (e["mean"](0.0) - q.loc), math.exp(-k * q.loc) * e["exp"](k)
    rate = math.exp(-k * q.loc)
    if k == 2 and "square" in e:
        grows = rate * e["square"](0.0)
    else:
        grows = rate * (e["mean"](0.0) if k == 1 and "mean" in e else e["power"](k))
    if b * k == 1:
        return constant, q.loc, grows
    log_mean = e["log"](0.0)
    return constant, -b * k * (log_mean - q.loc), log_mean, grows


Needs = Callable[[Means, Parameters], Terms]

NEEDS: dict[str, Needs] = {
    "normal": lambda e, q: (HALF_LOG_2PI + math.log(q["scale"]), 0.5 * e["square"](q["loc"], q["scale"])),
    "laplace": lambda e, q: (math.log(2 * q["scale"]), e["absolute"](q["loc"]) / q["scale"]),
    "uniform": lambda e, q: (math.log(q["high"] - q["low"]),),
    "log_uniform": lambda e, q: (math.log(math.log(q["high"] / q["low"])), e["log"](0.0)),
    "beta": lambda e, q: (
        log_beta(q["concentration1"], q["concentration0"]),
        (1 - q["concentration1"]) * e["log"](0.0) if q["concentration1"] != 1 else 0.0,
        (1 - q["concentration0"]) * e["log1m"](0.0) if q["concentration0"] != 1 else 0.0,
    ),
    "continuous_bernoulli": lambda e, q: _tilted(e["mean"](0.0), math.log(q["probs"] / (1 - q["probs"]))),
    "logit_normal": lambda e, q: (
        HALF_LOG_2PI + math.log(q["scale"]),
        e["log"](0.0),
        e["log1m"](0.0),
        0.5 * e["logit_square"](q["loc"]) / q["scale"] / q["scale"],
    ),
    "log_normal": lambda e, q: (
        HALF_LOG_2PI + math.log(q["scale"]),
        e["log"](0.0),
        0.5 * e["log_square"](q["loc"]) / q["scale"] / q["scale"],
    ),
    "inverse_gaussian": lambda e, q: (
        HALF_LOG_2PI - 0.5 * math.log(q["concentration"]),
        1.5 * e["log"](0.0),
        0.5 * (q["concentration"] / q["loc"]) * (e["mean"](0.0) / q["loc"] - 2),
        0.5 * q["concentration"] * e["power"](-1.0),
    ),
    "pareto": lambda e, q: (
        -math.log(q["alpha"]) - q["alpha"] * math.log(q["scale"]),
        (1 + q["alpha"]) * e["log"](0.0),
    ),
    "geometric": lambda e, q: (-math.log(q["probs"]), -e["mean"](0.0) * math.log1p(-q["probs"])),
    "poisson": lambda e, q: (q["rate"], -e["mean"](0.0) * math.log(q["rate"]), e["log_factorial"](0.0)),
    "discrete_uniform": lambda e, q: (math.log(q["high"] - q["low"] + 1),),
}


def _tilted(mean: float, h: float) -> Terms:
    """The normaliser of e^(hx) on (0, 1), less h·mean."""
    constant = bessel.log_scaled(0.5, 0.5 * h) - 0.5 * math.log(2 / math.pi)
    return constant, h * (1 - mean) if h > 0 else -h * mean
