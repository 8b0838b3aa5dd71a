"""NumPyro's distributions."""

from __future__ import annotations

import sys
from functools import cache, partial
from typing import Any

import numpy as np

from kullback._distribution import Distribution, is_tracer, traced
from kullback._distribution._jax import drawn_in_blocks, in_blocks
from kullback._result import KindError
from kullback._support import Array, Support
from kullback.sources import _supports
from kullback.sources._evaluated import Index
from kullback.sources._named import convert


def recognise(obj: Any, argument: str) -> Distribution | None:
    numpyro = sys.modules.get("numpyro")
    if numpyro is None or not isinstance(obj, numpyro.distributions.Distribution):
        return None
    return convert(obj, NumPyro())


CENSORED = "has mass at single points and density between them; it is neither a density nor a mass function"


class NumPyro:
    """Parameters are leaves of a tree, and 64 bits are switched on around each evaluation."""

    module = "numpyro"
    renamed: dict[str, tuple[str, dict[str, str]]] = {}  # noqa: RUF012
    in_scipy: dict[str, tuple[str, tuple[str, ...]]] = {}  # noqa: RUF012
    refused = {  # noqa: RUF012
        "Delta": "is a point mass: no density to compare",
        "Unit": "has no outcome to compare",
        "TruncatedPolyaGamma": "has a log density of seven terms, cut at 2.5: its integral is not 1",
        "ImproperUniform": "has no integral, so no divergence is defined",
        "HurdleGamma": CENSORED,
        "HurdleLogNormal": CENSORED,
        "LeftCensoredDistribution": CENSORED,
        "RightCensoredDistribution": CENSORED,
        "IntervalCensoredDistribution": CENSORED,
    }

    def double(self, obj: Any) -> Any:
        import jax

        def cast(leaf: Any) -> Any:
            if is_tracer(leaf):
                raise traced(f"a parameter of this {type(obj).__name__}")
            return jax.numpy.asarray(leaf, dtype="float64") if _floating(leaf) else leaf

        try:
            with jax.enable_x64(True):
                return jax.tree_util.tree_map(cast, obj)
        except AttributeError as error:
            raise KindError(
                f"NumPyro cannot rebuild {type(obj).__name__} from its parameters ({error}); "
                "pass kl.Density(its log_prob, …)"
            ) from None

    def log_prob(self, double: Any, x: Array) -> Array:
        whole = getattr(double.support, "is_discrete", False)
        return in_blocks(partial(_compiled("log_prob"), double), x.astype("int64" if whole else "float64"))

    def sample(self, double: Any, rng: np.random.Generator, n: int) -> Array:
        return drawn_in_blocks(partial(_drawn, double), rng, n)

    def support(self, obj: Any, name: str, index: Index) -> Support:
        return _supports.support(obj.support, tuple(obj.event_shape), name, index)

    def quantile(self, double: Any, u: Array) -> Array:
        return in_blocks(partial(_compiled("icdf"), double), u)

    def number(self, double: Any, key: str) -> Array:
        import jax

        with jax.enable_x64(True):
            return np.asarray(getattr(double, key), dtype=np.float64)


def _floating(leaf: Any) -> bool:
    return isinstance(leaf, float) or getattr(getattr(leaf, "dtype", None), "kind", "") == "f"


def _drawn(double: Any, key: Any, size: int) -> Any:
    try:
        return _compiled("sample", static=2)(double, key, (size,))
    except Exception:  # of JAX's many, whatever says that the sampler looks at its parameters and does not trace
        return double.sample(key, (size,))


@cache
def _compiled(method: str, static: int | None = None) -> Any:
    """The method; the argument of that number is known to the compiler."""
    import jax

    return jax.jit(lambda distribution, *x: getattr(distribution, method)(*x), static_argnums=static)
