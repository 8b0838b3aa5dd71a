"""TensorFlow Probability on JAX, recognised by the name of its module."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from kullback._distribution import Batch, Density, Discrete, Distribution, is_tracer, traced
from kullback._distribution._jax import drawn_in_blocks, in_blocks
from kullback._result import KindError
from kullback._support import Array, Box, Interval, Lattice, Named, Simplex, Support
from kullback._vocabulary import WORDS, build, mixture, multivariate_normal, rooted
from kullback.sources import _logits
from kullback.sources._evaluated import Index, at, evaluated
from kullback.sources._named import Make, at_parameters, stacked
from kullback.sources.arrays import to_numpy

RENAMED = {"pareto": {"alpha": "concentration"}, "inverse_gamma": {"rate": "scale"}, "zipf": {"alpha": "power"}}
FAR = 1e300
# outcomes that are categories by another name: their probabilities, along the last axis
TABLES: dict[str, Callable[[Any], Any]] = {
    "OneHotCategorical": lambda d: d.probs_parameter(),
    "StoppingRatioLogistic": lambda d: d.categorical_probs(),
    "ProbitBernoulli": lambda d: np.stack([1 - np.asarray(d.probs_parameter()), np.asarray(d.probs_parameter())], -1),
}


# classes with a scale operator: the word, and our names of the other parameters with theirs and their event dimensions
WITH_SCALE: dict[str, tuple[str, dict[str, tuple[str, int]]]] = {
    "WishartTriL": ("wishart", {"df": ("df", 0)}),
    "WishartLinearOperator": ("wishart", {"df": ("df", 0)}),
    "MultivariateStudentTLinearOperator": ("multivariate_student_t", {"df": ("df", 0), "loc": ("loc", 1)}),
}


def recognise(obj: Any, argument: str) -> Distribution | None:
    if not any(c.__module__ == "tensorflow_probability.substrates.jax.distributions.distribution" and
               c.__name__ == "Distribution" for c in type(obj).__mro__):  # fmt: skip
        return None
    _refuse(type(obj).__name__)
    shape = tuple(int(n) for n in obj.batch_shape)
    make = maker(obj)
    return Batch(shape, make, name=type(obj).__name__) if shape else make(())


def maker(obj: Any) -> Make:
    name = type(obj).__name__
    _refuse(name)
    if name.startswith("MultivariateNormal"):
        tril = _value(obj.scale.to_dense(), name)
        loc = np.zeros(1) if obj.loc is None else _value(obj.loc, name)
        loc = np.broadcast_to(loc, (*loc.shape[:-1], tril.shape[-1]))
        with_scale = {"loc": (loc, 1), "scale_tril": (tril, 2)}
        return at_parameters(lambda held: multivariate_normal(**held), with_scale)
    if name == "MixtureSameFamily":
        shares, parts = maker(obj.mixture_distribution), maker(obj.components_distribution)
        return lambda index: _mixture(shares(index), parts, index)
    if name in ("Independent", "Sample"):
        return _independent(obj)
    if name in WITH_SCALE and not obj.parameters.get("input_output_cholesky"):
        word, keys = WITH_SCALE[name]
        values = {ours: (_value(getattr(obj, theirs), name), n) for ours, (theirs, n) in keys.items()}
        values["scale"] = (_value(obj.scale.to_dense(), name), 2)
        return at_parameters(partial(_with_scale, word), values)
    if name == "FiniteDiscrete" and (labelled := _finite(obj, name)) is not None:
        return labelled
    if name.startswith("GaussianProcess"):
        return maker(obj.get_marginal_distribution())  # a normal at its index points
    if name == "SphericalUniform":
        uniform = build("von_mises_fisher", (np.eye(int(obj.event_shape[0]))[0], 0.0))
        return lambda index: uniform
    if name in TABLES:
        import jax

        with jax.enable_x64(True):
            shares_of = TABLES[name](obj)
        table = {"probs": (np.asarray(to_numpy(shares_of, f"the probs of {name}")), 1)}
        return at_parameters(lambda values: Discrete(**values, name=name), table)
    word = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    names = RENAMED.get(word, {})
    properties = obj.parameter_properties()  # what is not among them is an option
    given = {k: obj.parameters[k] for k in properties if obj.parameters.get(k) is not None}
    ours = {next((o for o, t in names.items() if t == k), k): k for k in given}
    if word in WORDS and set(ours) <= set(_parameters(word)) | {"logits"} and "tensorflow_probability" in _home(obj):
        held = {o: (_value(given[t], name), int(properties[t].event_ndims or 0)) for o, t in ours.items()}
        if word == "categorical":
            if "probs" in held:  # in its own precision, to whose rounding the sum is held
                held["probs"] = (np.asarray(to_numpy(given["probs"], f"the probs of {name}")), 1)
            return at_parameters(lambda values: Discrete(**values, name=name), held)
        return at_parameters(lambda values: _build(word, values), held)
    return evaluated(obj, TFP())


def _refuse(name: str) -> None:
    if name in ("Deterministic", "VectorDeterministic"):
        raise KindError(f"{name} is a point mass: no density to compare")
    if name == "Horseshoe":
        raise KindError("Horseshoe has a log density that TFP approximates to some per cent: its integral is not 1")
    if name.startswith("JointDistribution"):
        raise KindError(
            f"{name} has several parts as its outcome; pass kl.Density(its log_prob, dim=…). Where the parts are "
            "independent on both sides, the divergence is the sum of theirs"
        )


def _build(word: str, values: dict[str, Any]) -> Density | Discrete:
    return _logits.build(word, values) if "logits" in values else build(word, kwargs=values)


def _home(obj: Any) -> str:
    return type(obj).__module__


def _parameters(word: str) -> list[str]:
    import inspect

    return list(inspect.signature(WORDS[word]).parameters)


def _mixture(shares: Density | Discrete, parts: Make, index: Index) -> Density:
    assert isinstance(shares, Discrete)
    weights = np.exp(shares._log_probs())
    return mixture(weights / weights.sum(), [parts((*index, k)) for k in range(len(weights))])


def _with_scale(word: str, held: dict[str, Any]) -> Density | Discrete:
    tril = rooted(held["scale"], len(held["scale"]), "scale")
    if word == "multivariate_student_t":
        return build(word, (held["df"], np.broadcast_to(held["loc"], tril.dim), tril))
    return build(word, (held["df"], tril))


def _finite(obj: Any, name: str) -> Make | None:
    """Outcomes that are not all whole and positive become the labels of a table."""
    outcomes = _value(obj.outcomes, name)
    if ((outcomes == np.floor(outcomes)) & (outcomes >= 0)).all():
        return None
    labels = [int(x) if x == np.floor(x) else float(x) for x in outcomes]
    key = "probs" if obj.parameters.get("probs") is not None else "logits"
    table = {key: (np.asarray(to_numpy(obj.parameters[key], f"the {key} of {name}")), 1)}
    return at_parameters(lambda values: Discrete(**values, labels=labels, name=name), table)


def _independent(obj: Any) -> Make:
    """Coordinates that a batch becomes, or that are one distribution many times."""
    inner = maker(obj.distribution)
    if type(obj).__name__ == "Sample":
        times = tuple(int(n) for n in np.atleast_1d(np.asarray(obj.sample_shape)))
        return lambda index: stacked([_density(inner(index))] * math.prod(times), times) if times else inner(index)
    shape = tuple(obj.distribution.batch_shape)[len(obj.batch_shape) :]

    def make(index: Index) -> Density | Discrete:
        return (
            stacked([_density(inner((*index, *place))) for place in np.ndindex(*shape)], shape)
            if shape
            else inner(index)
        )

    return make


def _density(d: Density | Discrete) -> Density:
    if isinstance(d, Discrete):
        raise KindError(
            "these independent coordinates are tables of probabilities; "
            "kullback takes a joint table: the outer product, with axis=(-2, -1)"
        )
    return d


def _value(x: Any, name: str) -> Array:
    return np.asarray(to_numpy(x, f"a parameter of {name}")).astype(np.float64)


class TFP:
    """A copy with parameters in float64; the support is what its default bijector reaches."""

    module = "tensorflow_probability"

    def double(self, obj: Any) -> Any:
        import jax

        with jax.enable_x64(True):
            return obj.copy(**{k: _double(v) for k, v in obj.parameters.items() if k in _held_in(obj)})

    def log_prob(self, double: Any, x: Array) -> Array:
        return in_blocks(double.log_prob, x)

    def quantile(self, double: Any, u: Array) -> Array:
        return in_blocks(double.quantile, u)

    def sample(self, double: Any, rng: np.random.Generator, n: int) -> Array:
        return drawn_in_blocks(lambda key, size: double.sample(size, seed=key), rng, n)

    def number(self, double: Any, key: str) -> Array:
        import jax

        with jax.enable_x64(True):
            return np.asarray(getattr(double, key)(), dtype=np.float64)

    def support(self, obj: Any, name: str, index: Index) -> Support:
        import jax

        shape = tuple(int(n) for n in obj.event_shape)
        bijector = obj.experimental_default_event_space_bijector()
        if bijector is None:
            if shape:
                raise KindError(f"{name} has discrete vectors as outcomes, which no word here describes")
            with jax.enable_x64(True):
                below = np.asarray(obj.log_prob(-1.0))
            if np.isfinite(below).any():
                raise KindError(f"{name} reaches below zero on the integers: no lowest point to sum from")
            return Lattice()
        with jax.enable_x64(True):
            if len(shape) > 1 or "simplex" in bijector.name.lower() or "softmax" in bijector.name.lower():
                return Simplex(shape[0]) if len(shape) == 1 else Named(bijector.name, shape)
            ends = [np.asarray(bijector.forward(np.full(shape, x)), dtype=np.float64) for x in (-FAR, FAR)]
        low, high = np.minimum(*ends), np.maximum(*ends)
        low, high = np.where(low < -1e100, -math.inf, low), np.where(high > 1e100, math.inf, high)
        if not shape:
            return Interval(float(at(low, 0, index)), float(at(high, 0, index)))
        sides = [Interval(float(a), float(b)) for a, b in zip(np.ravel(low), np.ravel(high), strict=True)]
        return sides[0] if shape == (1,) else Box(tuple(sides[-shape[0] :]))


def _held_in(obj: Any) -> list[str]:
    """The parameters to be cast: numbers, and the distributions and bijectors in it."""
    return [k for k, v in obj.parameters.items() if _floating(v) or _made(v) or isinstance(v, list | tuple)]


def _made(v: Any) -> bool:
    return hasattr(v, "parameter_properties") and hasattr(v, "copy")


def _double(v: Any) -> Any:
    import jax

    if is_tracer(v):
        raise traced("a parameter of this distribution")
    if isinstance(v, list | tuple):
        return type(v)(_double(part) for part in v)
    if _made(v):
        return v.copy(**{k: _double(part) for k, part in v.parameters.items() if k in _held_in(v)})
    return jax.numpy.asarray(v, dtype="float64") if _floating(v) else v


def _floating(v: Any) -> bool:
    return (isinstance(v, float) or getattr(getattr(v, "dtype", None), "kind", "") == "f") and not _made(v)
