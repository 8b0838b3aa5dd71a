"""The register of names: NumPyro's distributions in snake_case, with NumPyro's parameters."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

import numpy as np

from kullback._distribution import Density, Discrete, Facts, PowerGamma, Tail, translated
from kullback._result import InputError
from kullback._support import Array, Interval, Support

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


def count(value: Any, name: str) -> int:
    number = scalar(value, name)
    if number < 0 or number != int(number):
        raise InputError(f"{name} must be a whole number of at least 0, not {number:g}")
    return int(number)


def univariate(
    family: str,
    parameters: dict[str, float],
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
) -> Density:
    """A canonical density on the line or mass on the integers; `log_prob` need only hold on the support.

    `from_high(t)` is the log density at high − t, where that difference would round t away.
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

    def moved(a: float) -> Density:
        if from_high is not None and isinstance(support, Interval) and a == support.high:
            return translated(found, a, lambda t: from_high(-t))
        return relocated(found, a) or translated(found, a)

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
        moved=moved,
        transport=None if quantile is None else (1, lambda u: quantile(u[:, 0])),
    )
    found = Density(guarded, support=support, vectorized=True, facts=facts)
    return found


def relocated(f: Density, a: float) -> Density | None:
    """The same word at loc − a, where `loc` is a location: if the support begins or moves with it."""
    loc, support = f.parameters.get("loc"), f.support
    if loc is None or f.family not in WORDS or not isinstance(support, Interval) or support.high < np.inf:
        return None
    if support.low not in (loc, -np.inf):
        return None
    found = WORDS[f.family](**{**f.parameters, "loc": loc - a})
    assert isinstance(found, Density)
    return found if found.support == Interval(support.low - a) else None
