"""A PyMC model: the posterior of its free variables through JAX, on the unconstrained scale, the variables by name."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from kullback._distribution import Density
from kullback._distribution._sites import Sites
from kullback._result import InputError, MissingExtraError
from kullback._support import Array


def is_pymc(model: Any) -> bool:
    """Whether it is a model of PyMC, which then has been imported."""
    pymc = sys.modules.get("pymc")
    return pymc is not None and isinstance(model, pymc.Model)


def of_pymc(model: Any) -> Density:
    """The unnormalised posterior; PyMC's own compiled functions take one point at a time, and JAX's take batches."""
    try:
        import jax
        from pymc.sampling.jax import get_jaxified_graph
    except ImportError:
        raise MissingExtraError("JAX", "fit", "from_model of a PyMC model") from None
    if model.discrete_value_vars:
        names = [v.name for v in model.discrete_value_vars]
        raise InputError(
            f"the model has discrete variables {names}, and a density in them has no gradient. Sum them out, as "
            "pymc.Mixture does"
        )
    values = list(model.value_vars)
    if not values:
        raise InputError("the model has no free variables: everything in it is observed")
    start = model.initial_point()
    shapes = [np.shape(start[v.name]) for v in values]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    free = [model.values_to_rvs[v] for v in values]
    with jax.enable_x64(True):
        whole = get_jaxified_graph(inputs=values, outputs=[model.logp()])
        outward = get_jaxified_graph(inputs=values, outputs=model.replace_rvs_by_values(free))

    def parts(u: Any) -> list[Any]:
        cut = jax.numpy.split(jax.numpy.reshape(u, (int(ends[-1]),)), ends[:-1])
        return [jax.numpy.reshape(part, shape) for part, shape in zip(cut, shapes, strict=True)]

    def log_prob(u: Any) -> Any:
        return whole(*parts(u))[0]

    def constrain(points: Array) -> dict[str, Array]:
        with jax.enable_x64(True):
            found = jax.jit(jax.vmap(lambda u: outward(*parts(u))))(np.asarray(points, dtype=np.float64))
        return {v.name: np.asarray(value) for v, value in zip(free, found, strict=True)}

    own = {v.name: shape for v, shape in zip(free, shapes, strict=True)}
    name = model.name or "the PyMC model"
    return Density(log_prob, dim=int(ends[-1]), normalized=False, name=name, sites=Sites(own, constrain))
