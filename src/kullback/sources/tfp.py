"""TensorFlow Probability on JAX, recognised by the name of its module."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from kullback._distribution import Batch, Density, Discrete, Distribution
from kullback._distribution._jax import drawn_in_blocks, in_blocks
from kullback._result import KindError
from kullback._support import Array, Box, Interval, Lattice, Named, Simplex, Support
from kullback._vocabulary import WORDS, build, mixture, multivariate_normal
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


def recognise(obj: Any, argument: str) -> Distribution | None:
    if not any(c.__module__ == "tensorflow_probability.substrates.jax.distributions.distribution" and
               c.__name__ == "Distribution" for c in type(obj).__mro__):  # fmt: skip
        return None
    shape = tuple(int(n) for n in obj.batch_shape)
    make = maker(obj)
    return Batch(shape, make, name=type(obj).__name__) if shape else make(())


def maker(obj: Any) -> Make:
    name = type(obj).__name__
    if name in ("Deterministic", "VectorDeterministic"):
        raise KindError(f"{name} is a point mass: no density to compare")
    if name.startswith("JointDistribution"):
        raise KindError(f"{name} has several parts as its outcome; pass kl.Density(its log_prob, dim=…)")
    if name.startswith("MultivariateNormal"):
        tril = _value(obj.scale.to_dense(), name)
        loc = np.zeros(1) if obj.loc is None else _value(obj.loc, name)
        loc = np.broadcast_to(loc, (*loc.shape[:-1], tril.shape[-1]))
        with_scale = {"loc": (loc, 1), "scale_tril": (tril, 2)}
        return at_parameters(lambda held: multivariate_normal(**held), with_scale)
    if name == "MixtureSameFamily":
        shares, parts = maker(obj.mixture_distribution), maker(obj.components_distribution)
        return lambda index: _mixture(shares(index), parts, index)
    if name == "Independent":
        return _independent(obj)
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


def _independent(obj: Any) -> Make:
    inner = maker(obj.distribution)
    shape = tuple(obj.distribution.batch_shape)[len(obj.batch_shape) :]

    def make(index: Index) -> Density | Discrete:
        sides = [inner((*index, *place)) for place in np.ndindex(*shape)]
        return stacked([s for s in sides if isinstance(s, Density)], shape) if shape else inner(index)

    return make


def _value(x: Any, name: str) -> Array:
    return np.asarray(to_numpy(x, f"a parameter of {name}")).astype(np.float64)


class TFP:
    """A copy with parameters in float64; the support is what its default bijector reaches."""

    module = "tensorflow_probability"

    def double(self, obj: Any) -> Any:
        import jax

        with jax.enable_x64(True):
            floats = {k: _cast(v) for k, v in obj.parameters.items() if _floating(v)}
            inner = {k: self.double(v) for k, v in obj.parameters.items() if hasattr(v, "parameter_properties")}
            return obj.copy(**floats, **{k: v for k, v in inner.items() if hasattr(v, "log_prob")})

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


def _floating(v: Any) -> bool:
    return (isinstance(v, float) or getattr(getattr(v, "dtype", None), "kind", "") == "f") and not hasattr(
        v, "log_prob"
    )


def _cast(v: Any) -> Any:
    import jax

    return jax.numpy.asarray(v, dtype="float64")
