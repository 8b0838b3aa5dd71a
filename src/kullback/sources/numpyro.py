"""NumPyro's distributions: the known ones become canonical from the parameters they hold, others are asked."""

from __future__ import annotations

import re
import sys
from typing import Any

import numpy as np

from kullback._distribution import Density, Discrete, Distribution, Facts
from kullback._result import InputError, KindError
from kullback._support import Array, Interval, Lattice, reals
from kullback._vocabulary import WORDS, build, mixture, multivariate_normal, multivariate_student_t
from kullback._vocabulary import product as independent

ALIASES = {
    "binomial_probs": "binomial",
    "bernoulli_probs": "bernoulli",
    "geometric_probs": "geometric",
    "negative_binomial_probs": "negative_binomial",
    "categorical_probs": "categorical",
    "binomial_logits": "binomial",
    "bernoulli_logits": "bernoulli",
    "geometric_logits": "geometric",
    "negative_binomial_logits": "negative_binomial",
}


def recognise(obj: Any, argument: str) -> Distribution | None:
    numpyro = sys.modules.get("numpyro")
    if numpyro is None or not isinstance(obj, numpyro.distributions.Distribution):
        return None
    if obj.batch_shape and not _categorical(obj):
        raise InputError(
            f"this {type(obj).__name__} is a batch of shape {obj.batch_shape}; pass one at a time, "
            "or .to_event() if its coordinates are one point"
        )
    return _convert(obj)


def _categorical(obj: Any) -> bool:
    return type(obj).__name__ in ("CategoricalProbs", "CategoricalLogits")


def _convert(obj: Any) -> Density | Discrete:
    name = type(obj).__name__
    if _categorical(obj):
        held = obj.__dict__
        if "logits" in held and name == "CategoricalLogits":
            return Discrete(logits=_value(obj.logits), name=name)
        return Discrete(np.asarray(obj.probs), name=name)  # in its own precision, whose rounding the sum is held to
    if name == "MultivariateNormal":
        held = obj.__dict__
        if "covariance_matrix" in held:
            return multivariate_normal(_value(obj.loc), _value(obj.covariance_matrix))
        return multivariate_normal(_value(obj.loc), scale_tril=_value(obj.scale_tril))
    if name == "MultivariateStudentT":
        return multivariate_student_t(_value(obj.df), _value(obj.loc), _value(obj.scale_tril))
    if name in ("MixtureSameFamily", "MixtureGeneral"):
        return _mixture(obj)
    if name == "Independent" and len(obj.event_shape) == 1:
        sides = [_convert(_pick(obj.base_dist, i)) for i in range(obj.event_shape[0])]
        return independent([s for s in sides if isinstance(s, Density)], name, {})
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    snake = ALIASES.get(snake, snake)
    if snake in WORDS and all(hasattr(obj, p) for p in _parameters(snake)):
        held = {
            p: _value(getattr(obj, p)) for p in _parameters(snake) if not (p == "probs" and name.endswith("Logits"))
        }
        if name.endswith("Logits"):  # from the logits that it holds, not from the probabilities it rounded
            held["probs"] = 1 / (1 + np.exp(-_value(obj.logits)))
        return build(snake, kwargs=held)
    return _generic(obj)


def _parameters(word: str) -> list[str]:
    import inspect

    return list(inspect.signature(WORDS[word]).parameters)


def _mixture(obj: Any) -> Density:
    mixing = _convert(obj.mixing_distribution)
    assert isinstance(mixing, Discrete)
    weights = mixing.probs
    if weights is None:
        logits = np.asarray(mixing.logits)
        weights = np.exp(logits - np.max(logits))
    weights = np.asarray(weights, dtype=np.float64)
    if type(obj).__name__ == "MixtureSameFamily":
        parts = [_convert(_pick(obj.component_distribution, k)) for k in range(len(weights))]
    else:
        parts = [_convert(part) for part in obj.component_distributions]
    return mixture(weights / weights.sum(), parts)


def _pick(batch: Any, index: int) -> Any:
    """The distribution at `index` of the last batch axis: every parameter indexed after broadcasting."""
    name = type(batch).__name__
    if name == "ExpandedDistribution":
        return _pick(batch.base_dist, index) if batch.base_dist.batch_shape else batch.base_dist
    if name == "Independent":
        return type(batch)(_pick(batch.base_dist, index), batch.reinterpreted_batch_ndims)
    size = batch.batch_shape[-1]
    parameters = {}
    for key, constraint in batch.arg_constraints.items():
        if key not in batch.__dict__:
            continue
        value = _value(batch.__dict__[key])
        event = constraint.event_dim
        shape = np.broadcast_shapes(value.shape[: value.ndim - event], (size,))
        value = np.broadcast_to(value, shape + value.shape[value.ndim - event :])
        parameters[key] = value[index]
    if "scale_tril" in parameters:  # MultivariateNormal holds one of three matrices and derives the others
        for other in ("covariance_matrix", "precision_matrix"):
            parameters.pop(other, None)
    return type(batch)(**parameters)


def _value(x: Any) -> Any:
    return np.asarray(x, dtype=np.float64)


def _generic(obj: Any) -> Density:
    """Any other density with a real or interval support, evaluated by NumPyro in 64 bits."""
    name = type(obj).__name__
    if len(obj.event_shape) > 1:
        raise KindError(f"{name} has events of shape {obj.event_shape}; vectors and numbers are understood")
    dim = obj.event_shape[0] if obj.event_shape else 1
    support = _support(obj, dim)

    def log_prob(x: Array) -> Array:
        import jax

        with jax.enable_x64(True):
            return np.asarray(obj.log_prob(jax.numpy.asarray(x, dtype="float64")), dtype=np.float64)

    def sample(rng: np.random.Generator, n: int) -> Array:
        import jax

        key = jax.random.PRNGKey(int(rng.integers(2**31)))
        return np.asarray(obj.sample(key, (n,)), dtype=np.float64)

    return Density(log_prob, dim=dim, support=support, vectorized=True, facts=Facts(sample=sample), name=name)


def _support(obj: Any, dim: int) -> Any:
    support = obj.support
    kind = type(support).__name__.lower()
    low = float(getattr(support, "lower_bound", -np.inf))
    high = float(getattr(support, "upper_bound", np.inf))
    if getattr(support, "is_discrete", False):
        if "nonnegative" in kind:
            low = 0.0
        if not np.isfinite(low):
            raise KindError(f"the support of {type(obj).__name__} ({support}) cannot be enumerated")
        return Lattice(low, high)
    if dim > 1 or "real" in kind:
        return reals(dim)
    if kind == "_positive" or "positive" in kind:
        low = max(low, 0.0)
    if not np.isfinite(low) and not np.isfinite(high):
        raise KindError(f"{type(obj).__name__} lives on {support}, which is not a part of the real line")
    return Interval(low, high)
