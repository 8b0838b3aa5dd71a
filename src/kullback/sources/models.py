"""A model with its data: the posterior of its latent sites, on the unconstrained scale."""

from __future__ import annotations

from typing import Any

import numpy as np

from kullback._distribution import Density
from kullback._distribution._sites import Sites
from kullback._result import InputError, KindError, MissingExtraError
from kullback._support import Array
from kullback.sources.pymc import is_pymc, of_pymc


def from_model(model: Any, *args: Any, **kwargs: Any) -> Density:
    """The unnormalised posterior of a model's latent sites, for `fit` and `divergence`.

    Parameters
    ----------
    model : callable or pymc.Model
        A NumPyro model: a function with `numpyro.sample` statements; or a model of PyMC, which is taken through JAX.
        Its latent sites must be continuous.
    *args, **kwargs
        What a NumPyro model is called with: its data.

    Returns
    -------
    Density
        An unnormalised density on the unconstrained scale, the sites one after the other in the order of their
        names, as NumPyro's own guides have them. A Fit of it tells its results by site: `fit.sites` on the
        unconstrained scale, `fit.draws(n)` on each site's own support.

    Raises
    ------
    InputError
        A model without latent sites, or with discrete ones.
    MissingExtraError
        NumPyro, or for a PyMC model JAX, is not installed.

    Examples
    --------
    >>> import kullback as kl
    >>> import numpyro, numpyro.distributions as dist
    >>> def model(y):
    ...     x = numpyro.sample("x", dist.Normal(0.0, 1.0))
    ...     numpyro.sample("y", dist.Normal(x, 0.5), obs=y)
    >>> fit = kl.fit(kl.from_model(model, 10.0), "normal", direction="reverse")
    >>> round(float(fit.q.parameters["loc"]), 6), round(float(fit.q.parameters["scale"]), 6)
    (8.0, 0.447214)
    """
    if is_pymc(model):
        if args or kwargs:
            raise InputError("a PyMC model has its own data in it; pass it alone")
        return of_pymc(model)
    try:
        import jax
        from jax.flatten_util import ravel_pytree
        from numpyro import handlers
        from numpyro.distributions import biject_to
        from numpyro.infer import init_to_uniform
        from numpyro.infer.util import constrain_fn, potential_energy
    except ImportError:
        raise MissingExtraError("NumPyro", "fit", "from_model") from None
    if not callable(model):
        raise KindError(
            f"model must be a function with numpyro.sample statements or a pymc.Model, not {type(model).__name__}"
        )
    with jax.enable_x64(True):
        begun = handlers.substitute(handlers.seed(model, jax.random.PRNGKey(0)), substitute_fn=init_to_uniform)
        try:
            trace = handlers.trace(begun).get_trace(*args, **kwargs)
        except Exception as error:  # whatever a person's function raises
            name = getattr(model, "__name__", "model")
            raise InputError(f"the model {name} failed with the arguments given after it: {error}") from error
        _check_served(trace)
        latent = {k: s for k, s in trace.items() if s["type"] == "sample" and not s["is_observed"]}
        discrete = [k for k, s in latent.items() if getattr(s["fn"], "is_discrete", False)]
        if discrete:
            raise InputError(
                f"the model has discrete latent sites {discrete}, and a density in them has no gradient. Sum them out: "
                "write each with its observation as a numpyro.distributions.MixtureSameFamily, or pass "
                "kl.Density(log_prob, normalized=False) with the sum that enumeration would make"
            )
        if not latent:
            raise InputError("the model has no latent sites: every sample statement has obs=")
        start = {k: jax.numpy.asarray(biject_to(s["fn"].support).inv(s["value"]), "float64") for k, s in latent.items()}
        flat, unravel = ravel_pytree(start)
        try:
            potential_energy(model, args, kwargs, start)
        except Exception as error:
            raise InputError(
                "the model runs with a random key but not without one, as with numpyro.prng_key() or other draws "
                f"that are no sites ({error}); give each random quantity a numpyro.sample site, or fix it outside of "
                "the model"
            ) from error
    dim = int(flat.size)

    def log_prob(u: Any) -> Any:
        return -potential_energy(model, args, kwargs, unravel(jax.numpy.reshape(u, (dim,))))

    def one(u: Any) -> Any:
        return constrain_fn(model, args, kwargs, unravel(u))

    def constrain(points: Array) -> dict[str, Array]:
        with jax.enable_x64(True):
            found = jax.jit(jax.vmap(one))(np.asarray(points, dtype=np.float64).reshape(len(points), dim))
        return {k: np.asarray(v) for k, v in found.items()}

    shapes = {k: tuple(start[k].shape) for k in sorted(start)}
    name = getattr(model, "__name__", "model")
    return Density(log_prob, dim=dim, normalized=False, name=name, sites=Sites(shapes, constrain))


def _check_served(trace: dict[str, Any]) -> None:
    """Only a part of the rows, anew each time, has no one posterior density."""
    for name, site in trace.items():
        size, part = site["args"] if site["type"] == "plate" else (None, None)
        if part is not None and part != size:
            raise InputError(
                f"the plate {name!r} takes {part} of {size} rows at random (subsample_size), so that the model has no "
                "one posterior; leave subsample_size out, and all rows are taken"
            )
