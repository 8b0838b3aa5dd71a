"""What NumPyro's, torch's and TFP's distributions share: a name, parameters by name, batches, and wrappers.

A class whose name is a word of the vocabulary becomes canonical, in float64, from the parameters that the object
holds. Mixtures, independent coordinates and transformed variables are taken apart. The rest is evaluated by its
own library in float64. A `Make` gives the distribution at an index of the batch; parameters broadcast as they lie.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from kullback._distribution import Batch, Density, Discrete, Facts
from kullback._result import InputError, KindError
from kullback._support import Array, Interval, Matrices, Named, reals
from kullback._vocabulary import WORDS, build, factored, mixture, rooted
from kullback._vocabulary import product as independent
from kullback.numerics import factors
from kullback.sources import _logits, _marginals, _transformed, scipy
from kullback.sources._evaluated import Index, Library, at, evaluated
from kullback.sources._normals import NORMALS
from kullback.sources.arrays import to_numpy

Make = Callable[[Index], "Density | Discrete"]


# families whose batches are handed on with their parameters
SAME = ("normal", "laplace", "cauchy", "log_normal", "poisson", "bernoulli", "geometric", "binomial", "beta")

ONE_OF = (  # held: the first of them that the object was given; the others it derives when asked
    ("probs", "logits"),
    ("covariance_matrix", "precision_matrix", "scale_matrix", "rate_matrix", "scale_tril"),
)


def convert(obj: Any, library: Library) -> Density | Discrete | Batch:
    """The distribution, or the batch of them."""
    shape = tuple(int(n) for n in obj.batch_shape)
    name = type(obj).__name__
    if shape and _word(obj, library) == "categorical":
        return _categorical(obj)
    make = maker(obj, library)
    if not shape:
        return make(())
    family, parameters = _numbers(obj, library)
    return Batch(shape, make, name=name, family=family, parameters=parameters)


def _numbers(obj: Any, library: Library) -> tuple[str, dict[str, Array]]:
    """The word and the parameters of a batch, where each member's are plain numbers; else nothing."""
    while type(obj).__name__ == "ExpandedDistribution":
        obj = obj.base_dist
    word = _word(obj, library)
    if word not in SAME or any(obj.event_shape) or type(obj).__name__ in library.in_scipy:
        return "", {}
    held = _held(obj, word, library, _class_name(obj, library))
    if "logits" in held:
        return "", {}
    return word, {ours: value(obj, theirs) for ours, theirs in held.items()}


def maker(obj: Any, library: Library) -> Make:
    name = type(obj).__name__
    if name in library.refused:
        raise KindError(f"{name} {library.refused[name]}")
    if name == "ExpandedDistribution":
        return maker(obj.base_dist, library)
    if name == "MaskedDistribution":
        if not np.all(to_numpy(obj._mask, "the mask")):
            raise KindError("MaskedDistribution leaves out part of its log density, so it is none; pass its base_dist")
        return maker(obj.base_dist, library)
    if name == "Independent":
        return _independent(obj, library)
    if hasattr(obj, "component_distribution") or hasattr(obj, "component_distributions"):
        return _mixture(obj, library)
    if name.startswith("OneHotCategorical"):
        table = maker(obj._categorical, library)
        return lambda index: build("multinomial", (1, np.exp(_table(table(index))._log_probs())))
    if name in library.in_scipy:
        return _by_scipy(obj, *library.in_scipy[name])
    if name in NORMALS:
        member, keys = NORMALS[name](obj)
        return at_parameters(member, {k: (value(obj, k), n) for k, n in keys.items()})
    word = _word(obj, library)
    if word == "categorical":
        return lambda index: _categorical(obj, index)
    if word is not None:
        return _canonical(obj, word, library)
    whole = evaluated(obj, library)
    known = _known(obj, whole, library)
    if known is not None:
        return known
    if hasattr(obj, "transforms") and hasattr(obj, "base_dist"):
        return _transformed.maker(obj, whole, maker(obj.base_dist, library))
    return whole


def _known(obj: Any, whole: Make, library: Library) -> Make | None:
    """A matrix or a truncation that is one to one with a variable of known families."""
    name = type(obj).__name__
    if name in _marginals.CORRELATIONS:
        size = int(getattr(obj, "dimension", None) or obj.dim)
        if size < 2:
            return None
        independent_parts = at_parameters(
            lambda held: _marginals.partial_correlations(size, float(held["concentration"])),
            {"concentration": (value(obj, "concentration"), 0)},
        )
        return _marginals.carried(whole, name, independent_parts)
    if name == "WishartCholesky":
        return _marginals.carried(whole, name, _canonical(obj, "wishart", library))
    if name in _marginals.TRUNCATED:
        inner = maker(obj.base_dist, library)
        low, high = (
            value(obj, k) if hasattr(obj, k) else np.array(end) for k, end in (("low", -np.inf), ("high", np.inf))
        )

        def make(index: Index) -> Density | Discrete:
            base = inner(index)
            found = None
            if isinstance(base, Density):
                found = _marginals.truncated(base, float(at(low, 0, index)), float(at(high, 0, index)))
            return whole(index) if found is None else found

        return make
    return None


def _word(obj: Any, library: Library) -> str | None:
    """The word for the class, or for the library's class whose log density it inherits."""
    for cls in type(obj).__mro__:
        if cls.__module__.startswith(library.module):
            word = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
            word = library.renamed[cls.__name__][0] if cls.__name__ in library.renamed else word
            word = word if word in WORDS else re.sub("_(probs|logits)$", "", word)
            if word in WORDS and _held(obj, word, library, cls.__name__):
                return word
        if "log_prob" in vars(cls):
            return None
    return None


def _held(obj: Any, word: str, library: Library, name: str) -> dict[str, str]:
    """Our names of the parameters → theirs, as the object holds them; nothing if one that must be is not there."""
    names = library.renamed[name][1] if name in library.renamed else {}
    parameters = inspect.signature(WORDS[word]).parameters
    found: dict[str, str] = {}
    for group in ONE_OF:
        base = vars(getattr(obj, "base_dist", obj))  # where NumPyro's Wishart holds them
        given = [k for k in group if (vars(obj) | base).get(k) is not None]
        if not given and any(k in parameters for k in group):
            given = [k for k in group if getattr(obj, k, None) is not None]
        if given:
            found[next((ours for ours in names if names[ours] == given[0]), given[0])] = given[0]
        elif any(k in parameters for k in group):
            return {}
    grouped = {k for group in ONE_OF for k in group}
    for ours, parameter in parameters.items():
        theirs = names.get(ours, ours)
        if ours in found or theirs in grouped:
            continue
        if getattr(obj, theirs, None) is not None:
            found[ours] = theirs
        elif parameter.default is inspect.Parameter.empty:
            return {}
    return found


def _canonical(obj: Any, word: str, library: Library) -> Make:
    values = {}
    for ours, theirs in _held(obj, word, library, _class_name(obj, library)).items():
        constraint = obj.arg_constraints.get(theirs)
        event_dim = 2 if word == "matrix_normal" else getattr(constraint, "event_dim", 0) or 0
        values[ours] = (value(obj, theirs), event_dim)  # NumPyro's constraint says that a matrix of means is a vector

    def member(held: dict[str, Any]) -> Density | Discrete:
        if "logits" in held:
            return _logits.build(word, held)
        if "scale_matrix" in inspect.signature(WORDS[word]).parameters:
            if "rate_matrix" in held:
                rate = held.pop("rate_matrix")
                held["scale_matrix"] = factored(rate, len(rate), "rate_matrix", factors.of_precision)
            if "scale_tril" in held:
                half = held.pop("scale_tril")
                held["scale_matrix"] = rooted(half, len(half), "scale_tril")
        if "probs" in held and np.ndim(held["probs"]):
            held["probs"] = held["probs"] / held["probs"].sum()  # of float32 they sum to one within its rounding
        if word in ("multivariate_normal", "multivariate_student_t"):  # a loc of NumPyro's may be one number for all
            matrix = next(v for v in held.values() if np.ndim(v) == 2)
            held["loc"] = np.broadcast_to(held["loc"], matrix.shape[:1])
        return build(word, kwargs=held)

    return at_parameters(member, values)


def _class_name(obj: Any, library: Library) -> str:
    return next(c.__name__ for c in type(obj).__mro__ if c.__name__ in library.renamed or c is type(obj))


def at_parameters(member: Callable[[dict[str, Any]], Density | Discrete], values: dict[str, tuple[Array, int]]) -> Make:
    """member(parameters at the index), of (array, event dimensions) by name."""
    return lambda index: member({k: at(v, event, index) for k, (v, event) in values.items()})


def _table(d: Density | Discrete) -> Discrete:
    assert isinstance(d, Discrete)
    return d


def _by_scipy(obj: Any, name: str, keys: tuple[str, ...]) -> Make:
    """A family that SciPy has and the vocabulary has not: its shapes, then loc and scale."""
    from scipy import stats

    family = getattr(stats, name)
    return at_parameters(
        lambda held: scipy.one(family, [float(held[k]) for k in keys]), {k: (value(obj, k), 0) for k in keys}
    )


def _categorical(obj: Any, index: Index | None = None) -> Discrete:
    """In its own precision, to whose rounding the sum is held; of a batch the whole, or the one at the index."""
    key = next(k for k, v in vars(obj).items() if k in ("probs", "logits") and v is not None)
    values = value(obj, key) if key == "logits" else raw(obj, key)
    values = values if index is None else at(values, 1, index)
    name = type(obj).__name__
    return Discrete(logits=values, name=name) if key == "logits" else Discrete(values, name=name)


def _mixture(obj: Any, library: Library) -> Make:
    mixing = obj.mixture_distribution if hasattr(obj, "mixture_distribution") else obj.mixing_distribution
    shares = maker(mixing, library)
    if hasattr(obj, "component_distribution"):
        inner = maker(obj.component_distribution, library)

        def part(index: Index, k: int) -> Density | Discrete:
            return inner((*index, k))

    else:
        makers = [maker(d, library) for d in obj.component_distributions]

        def part(index: Index, k: int) -> Density | Discrete:
            return makers[k](index)

    def make(index: Index) -> Density | Discrete:
        weights = np.exp(_table(shares(index))._log_probs())
        return mixture(weights / weights.sum(), [part(index, k) for k in range(len(weights))])

    return make


def _independent(obj: Any, library: Library) -> Make:
    inner = maker(obj.base_dist, library)
    count = obj.reinterpreted_batch_ndims
    shape = tuple(int(n) for n in obj.base_dist.batch_shape)
    shape = shape[len(shape) - count :]

    def make(index: Index) -> Density | Discrete:
        if not count:
            return inner(index)
        sides = []
        for place in np.ndindex(*shape):
            side = inner((*index, *place))
            if isinstance(side, Discrete):
                raise KindError(
                    "the coordinates of this Independent are tables of probabilities; "
                    "kullback takes a joint table: the outer product, with axis=(-2, -1)"
                )
            sides.append(side)
        return stacked(sides, shape)

    return make


def stacked(sides: list[Density], shape: Index) -> Density:
    """Independent parts, each an outcome of its own, in an array of that shape."""
    inner = sides[0].support.shape
    whole = (*shape, *inner)
    if len(whole) == 1:
        return sides[0] if len(sides) == 1 else independent(sides, "Independent", {})
    real = all(side.support in (Interval(), reals(side.dim)) for side in sides)
    support = Matrices(*whole) if real and len(whole) == 2 else Named(f"arrays of {sides[0].support}", whole)

    def log_prob(x: Array) -> Array:
        parts = x.reshape(len(x), len(sides), *inner)
        return np.asarray(np.sum([side._log_prob(parts[:, i]) for i, side in enumerate(sides)], axis=0))

    def sample(rng: np.random.Generator, n: int) -> Array:
        draws = [side.facts.sample(rng, n) for side in sides if side.facts.sample is not None]
        return np.stack(draws, axis=1).reshape(n, *whole)

    entropies = [side.facts.entropy for side in sides]
    facts = Facts(
        factors=tuple(sides),
        sample=sample if all(side.facts.sample is not None for side in sides) else None,
        entropy=None if None in entropies else float(sum(e for e in entropies if e is not None)),
    )
    name = f"{len(sides)} independent parts such as {sides[0]}"
    return Density(log_prob, dim=support.dim, support=support, vectorized=True, facts=facts, name=name)


def raw(obj: Any, key: str) -> Any:
    """A parameter as the object holds it; one that carries gradients or is traced is an error."""
    held = getattr(obj, key)
    owner = type(obj).__name__
    if getattr(held, "requires_grad", False) is True:
        raise KindError(
            f"the {key} of this {owner} carries gradients; kullback measures values. Build it from {key}.detach()."
        )
    return to_numpy(held, f"the {key} of this {owner}")


def value(obj: Any, key: str) -> Array:
    array = np.asarray(raw(obj, key))
    if array.dtype.kind not in "fiub":
        raise InputError(f"the {key} of this {type(obj).__name__} holds {array.dtype}, not numbers")
    return array.astype(np.float64)
