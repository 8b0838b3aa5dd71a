"""Masses on the integers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kullback._distribution import Density, Discrete, Facts, Tail
from kullback._result import InputError
from kullback._support import Array, Lattice, ends
from kullback._vocabulary._words import count, positive, probability, scalar, univariate, word
from kullback.numerics import masses
from kullback.numerics.lazy import special
from kullback.numerics.sums import two_sum

GEOMETRIC_TAIL = Tail(exponent=1.0)
NO_TAIL = Tail()


@word
def poisson(rate: Any) -> Density:
    r = scalar(rate, "rate")
    if r < 0:
        raise InputError(f"rate must not be negative, not {r:g}")
    return univariate(
        "poisson",
        {"rate": r},
        Lattice(0, math.inf if r > 0 else 0),
        lambda k: masses.poisson(k, r) if r > 0 else np.zeros_like(k),
        moments=(r, r),
        tails=(NO_TAIL, GEOMETRIC_TAIL),
        sample=lambda rng, n: rng.poisson(r, n).astype(float),
    )


@word
def geometric(probs: Any) -> Density:
    """The number of failures before the first success, from 0."""
    p = positive(probability(probs, "probs"), "probs")
    return univariate(
        "geometric",
        {"probs": p},
        Lattice(0, math.inf if p < 1 else 0),
        lambda k: math.log(p) + special.xlog1py(k, -p),
        moments=((1 - p) / p, (1 - p) / p / p),
        tails=(NO_TAIL, GEOMETRIC_TAIL),
        sample=lambda rng, n: rng.geometric(p, n) - 1.0,
    )


@word
def binomial(total_count: Any, probs: Any) -> Density:
    n, p = count(total_count, "total_count"), probability(probs, "probs")
    low, high = (n if p == 1 else 0), (0 if p == 0 else n)

    def log_prob(k: Array) -> Array:
        return masses.binomial(k, n, p) if 0 < p < 1 else np.zeros_like(k)

    return univariate(
        "binomial",
        {"total_count": float(n), "probs": p},
        Lattice(low, high),
        log_prob,
        moments=(n * p, n * p * (1 - p)),
        tails=(NO_TAIL, NO_TAIL),
        sample=lambda rng, size: rng.binomial(n, p, size).astype(float),
    )


@word
def bernoulli(probs: Any) -> Density:
    p = probability(probs, "probs")
    return univariate(
        "bernoulli",
        {"probs": p},
        Lattice(1 if p == 1 else 0, 0 if p == 0 else 1),
        lambda k: special.xlogy(k, p) + special.xlog1py(1 - k, -p),
        entropy=float(-special.xlogy(p, p) - special.xlog1py(1 - p, -p)),
        moments=(p, p * (1 - p)),
        tails=(NO_TAIL, NO_TAIL),
        sample=lambda rng, n: rng.binomial(1, p, n).astype(float),
    )


@word
def negative_binomial(total_count: Any, probs: Any) -> Density:
    """The number of successes of chance `probs` before `total_count` failures."""
    r, p = positive(total_count, "total_count"), probability(probs, "probs")
    if p == 1:
        raise InputError("probs must be below 1 for negative_binomial")
    return of_failures(r, (p, 0.0), masses.complement(p))


def of_failures(r: float, p: tuple[float, float], rest: tuple[float, float]) -> Density:
    """The negative binomial of p and 1 − p, each as high + low: where one is near 1, the other has the digits."""
    odds = p[0] / rest[0]
    return univariate(
        "negative_binomial",
        {"total_count": r, "probs": p[0]},
        Lattice(0, math.inf if p[0] > 0 else 0),
        lambda k: masses.negative_binomial(k, r, p, rest) if p[0] > 0 else np.zeros_like(k),
        moments=(r * odds, r * odds / rest[0]),
        tails=(NO_TAIL, GEOMETRIC_TAIL),
        sample=lambda rng, n: rng.negative_binomial(r, rest[0], n).astype(float),
    )


@word
def beta_binomial(concentration1: Any, concentration0: Any, total_count: Any = 1) -> Density:
    a, b = positive(concentration1, "concentration1"), positive(concentration0, "concentration0")
    n = count(total_count, "total_count")
    share = a / (a + b)

    return univariate(
        "beta_binomial",
        {"concentration1": a, "concentration0": b, "total_count": float(n)},
        Lattice(0, n),
        lambda k: masses.polya(k, n - k, a, b),
        moments=(n * share, n * share * (1 - share) * (a + b + n) / (a + b + 1)),
        tails=(NO_TAIL, NO_TAIL),
        sample=lambda rng, size: rng.binomial(n, rng.beta(a, b, size)).astype(float),
    )


@word
def gamma_poisson(concentration: Any, rate: Any = 1.0) -> Density:
    """A Poisson whose rate is a gamma variable: a negative binomial."""
    c, r = positive(concentration, "concentration"), positive(rate, "rate")
    whole = two_sum(np.float64(1.0), np.float64(r))  # type: ignore[arg-type]
    high, low = float(whole[0]), float(whole[1])
    return of_failures(c, masses.quotient(1.0, high, low), masses.quotient(r, high, low))


@word
def logarithmic(probs: Any) -> Density:
    """∝ probs^k/k on 1, 2, 3, …"""
    p = scalar(probs, "probs")
    if not 0 < p < 1:
        raise InputError(f"probs must lie strictly between 0 and 1 for logarithmic, not {p:g}")
    norm = -math.log1p(-p)
    mean = p / ((1 - p) * norm)
    return univariate(
        "logarithmic",
        {"probs": p},
        Lattice(1),
        lambda k: k * math.log(p) - np.log(k) - math.log(norm),
        moments=(mean, mean / (1 - p) - mean * mean),
        tails=(NO_TAIL, GEOMETRIC_TAIL),
        sample=lambda rng, n: rng.logseries(p, n).astype(float),
    )


@word
def zipf(alpha: Any) -> Density:
    """k^(−alpha) on 1, 2, 3, …"""
    a = scalar(alpha, "alpha")
    if a <= 1:
        raise InputError(f"alpha must exceed 1 for zipf, not {a:g}")
    whole = float(special.zeta(a))
    mean = float(special.zeta(a - 1)) / whole if a > 2 else math.inf
    variance = float(special.zeta(a - 2)) / whole - mean**2 if a > 3 else math.inf
    return univariate(
        "zipf",
        {"alpha": a},
        Lattice(1),
        lambda k: -a * np.log(k) - math.log(whole),
        moments=(mean, variance),
        tails=(NO_TAIL, Tail(power=a - 1)),
        sample=lambda rng, n: rng.zipf(a, n).astype(float),
    )


@word
def discrete_uniform(low: Any = 0, high: Any = 1) -> Density:
    a, b = scalar(low, "low"), scalar(high, "high")
    if a != int(a) or b != int(b) or b < a:
        raise InputError(f"discrete_uniform needs whole numbers low <= high, not {low!r} and {high!r}")
    size = b - a + 1
    return univariate(
        "discrete_uniform",
        {"low": a, "high": b},
        Lattice(a, b),
        lambda k: np.full(k.shape, -math.log(size)),
        moments=(0.5 * (a + b), (size * size - 1) / 12),
        entropy=math.log(size),
        tails=(NO_TAIL, NO_TAIL),
        sample=lambda rng, n: rng.integers(int(a), int(b), n, endpoint=True).astype(float),
    )


def displaced(f: Density, loc: float) -> Density:
    """X + loc, for a whole loc."""
    if loc == 0:
        return f
    low, high = ends(f.support)
    draw, inner, moments = f.facts.sample, f._log_prob, f.facts.moments
    facts = Facts(
        moments=None if moments is None else (moments[0] + loc, moments[1]),
        entropy=f.facts.entropy,
        tails=f.facts.tails,
        sample=None if draw is None else lambda rng, n: draw(rng, n) + loc,
        underflows=f.facts.underflows,
        noise=f.facts.noise,
        base=(("affine", loc, 1.0), f),
    )
    return Density(
        lambda k: inner(k - loc), support=Lattice(low + loc, high + loc), vectorized=True, facts=facts,
        name=f"{loc:g} + {f}",
    )  # fmt: skip


@word
def categorical(probs: Any) -> Discrete:
    return Discrete(probs, name="categorical")
