"""The register of names: NumPyro's distributions in snake_case, with NumPyro's parameters."""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

import numpy as np

from kullback._distribution import Density, Discrete, Facts, PowerGamma, Tail, translated
from kullback._result import InputError
from kullback._support import Array, Interval, Support
from kullback._vocabulary._places import frame, seen_from

Build = TypeVar("Build", bound=Callable[..., Any])

WORDS: dict[str, Callable[..., Density | Discrete]] = {}


def word(build: Build) -> Build:
    """Enter a function of the parameters in the register, under its own name."""
    WORDS[build.__name__] = build
    return build


def build(name: str, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None) -> Density | Discrete:
    """The distribution of that name; unknown names and parameters are errors that offer the nearest."""
    if name not in WORDS:
        raise InputError(f"unknown distribution {name!r}; {suggest(name, WORDS)}")
    make = WORDS[name]
    try:
        signature(make).bind(*args, **(kwargs or {}))
    except TypeError as error:
        raise InputError(f"{name}: {error}; its parameters are {name}{signature_text(name)}") from None
    return make(*args, **(kwargs or {}))


@cache
def signature(make: Callable[..., Any]) -> inspect.Signature:
    """Read once: to look takes longer than to build."""
    return inspect.signature(make)


def signature_text(name: str) -> str:
    """The parameters with their defaults, as one writes them."""
    parts = (
        p.name if p.default is inspect.Parameter.empty else f"{p.name}={p.default}"
        for p in signature(WORDS[name]).parameters.values()
    )
    return f"({', '.join(parts)})"


def suggest(name: str, known: Iterable[str]) -> str:
    """The nearest known name as a question, or the list of names."""
    names = sorted(known)
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"the known names are {', '.join(names)}"


def scalar(value: Any, name: str) -> float:
    """One finite number."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be a number, not {value!r}") from None
    if array.size != 1:
        raise InputError(f"{name} must be one number, not an array of shape {array.shape}")
    number = float(array.reshape(()))
    if not np.isfinite(number):
        raise InputError(f"{name} must be finite, not {number}")
    return number


def positive(value: Any, name: str) -> float:
    number = scalar(value, name)
    if number <= 0:
        raise InputError(f"{name} must be positive, not {number:g}")
    return number


def probability(value: Any, name: str) -> float:
    number = scalar(value, name)
    if not 0 <= number <= 1:
        raise InputError(f"{name} must lie between 0 and 1, not {number:g}")
    return number


def held(value: Callable[[], float]) -> float:
    """A number that may leave the doubles: NaN there, which no rule takes for infinite."""
    try:
        found = value()
    except (OverflowError, ZeroDivisionError):
        return math.nan
    return found if math.isfinite(found) else math.nan


def count(value: Any, name: str) -> int:
    number = scalar(value, name)
    if number < 0 or number != int(number):
        raise InputError(f"{name} must be a whole number of at least 0, not {number:g}")
    return int(number)


def univariate(
    family: str,
    parameters: dict[str, Any],
    support: Support,
    log_prob: Callable[[Array], Array],
    *,
    quantile: Callable[[Array], Array] | None = None,
    moments: tuple[float, float] | None = None,
    entropy: float | None = None,
    tails: tuple[Tail, Tail] | None = None,
    breaks: tuple[float, ...] = (),
    sample: Callable[[np.random.Generator, int], Array] | None = None,
    from_high: Callable[[Array], Array] | None = None,
    base: tuple[Hashable, Density] | None = None,
    power_gamma: PowerGamma | None = None,
    noise: float = 0.0,
    free: Callable[[], Density] | None = None,
) -> Density:
    """A canonical density on the line or mass on the integers; `log_prob` need only hold on the support.

    `from_high(t)` is the log density at high − t, where that difference would round t away. `noise` is the rounding of
    a formula whose parts cancel, beside the result's own size.
    """

    def guarded(x: Array) -> Array:
        inside = support.contains(x)  # type: ignore[union-attr]
        if inside.all():
            with np.errstate(divide="ignore", over="ignore"):
                return log_prob(x)
        out = np.full(x.shape, -np.inf)
        with np.errstate(divide="ignore", over="ignore"):
            out[inside] = log_prob(x[inside])
        return out

    if sample is None and quantile is not None:
        inverse = quantile

        def sample(rng: np.random.Generator, n: int) -> Array:
            return inverse(rng.random(n))

    def moved(loc: float, scale: float) -> Density:
        if from_high is not None and isinstance(support, Interval) and (loc, scale) == (support.high, 1):
            return translated(found, loc, log_prob=lambda t: from_high(-t))
        return replaced(found, loc, scale) or translated(found, loc, scale)

    facts = Facts(
        family=family,
        parameters=parameters,
        quantile=quantile,
        moments=moments,
        entropy=entropy,
        tails=tails,
        breaks=breaks,
        sample=sample,
        base=base,
        power_gamma=power_gamma,
        free=free,
        moved=moved,
        frame=frame(family, parameters),
        noise=noise,
        transport=None if quantile is None else (1, lambda u: quantile(u[:, 0])),
    )
    found = Density(guarded, support=support, vectorized=True, facts=facts)
    return found


def replaced(f: Density, loc: float, scale: float) -> Density | None:
    """(X − loc)/scale in the same word, or shifted from 0 if the word has no location; None if it knows no lengths."""
    if f.family not in WORDS:
        return None
    centred = seen_from(f.family, f.parameters, loc, scale)
    at = 0.0
    if centred is None:
        centred, at = seen_from(f.family, f.parameters, 0.0, scale), -loc / scale
    if centred is None:
        return None
    found = WORDS[f.family](**centred)
    assert isinstance(found, Density)
    if at == 0:
        return found
    from kullback._vocabulary._carried import shifted

    return shifted(found, at)
