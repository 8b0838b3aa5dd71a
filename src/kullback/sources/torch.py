"""torch.distributions."""

from __future__ import annotations

import copy
import sys
from typing import Any

import numpy as np

from kullback._distribution import Distribution
from kullback._support import Array, Named, Support
from kullback.sources import _supports
from kullback.sources._evaluated import Index
from kullback.sources._named import convert, raw


def recognise(obj: Any, argument: str) -> Distribution | None:
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(obj, torch.distributions.Distribution):
        return None
    return convert(obj, Torch())


class Torch:
    """Rebuilt with tensors of float64; draws leave torch's own generator where it stood."""

    module = "torch.distributions"
    renamed: dict[str, tuple[str, dict[str, str]]] = {  # noqa: RUF012
        "Wishart": (
            "wishart",
            {
                "concentration": "df",
                "scale_matrix": "covariance_matrix",
                "rate_matrix": "precision_matrix",
            },
        ),
    }
    in_scipy: dict[str, tuple[str, tuple[str, ...]]] = {  # noqa: RUF012
        "GeneralizedPareto": ("genpareto", ("concentration", "loc", "scale"))
    }
    refused: dict[str, str] = {}  # noqa: RUF012

    def double(self, obj: Any) -> Any:
        return _double(obj)

    def log_prob(self, double: Any, x: Array) -> Array:
        import torch

        with torch.no_grad():
            return np.asarray(double.log_prob(torch.from_numpy(np.array(x))).numpy(), dtype=np.float64)

    def sample(self, double: Any, rng: np.random.Generator, n: int) -> Array:
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**31)))
            return np.asarray(double.sample((n,)).numpy(), dtype=np.float64)

    def support(self, obj: Any, name: str, index: Index) -> Support:
        if name == "ExpRelaxedCategorical":  # torch says the whole space
            return Named("the logarithms of shares", tuple(obj.event_shape))
        return _supports.support(obj.support, tuple(obj.event_shape), name, index)

    def quantile(self, double: Any, u: Array) -> Array:
        import torch

        return np.asarray(double.icdf(torch.from_numpy(np.array(u))).numpy(), dtype=np.float64)

    def number(self, double: Any, key: str) -> Array:
        return np.asarray(getattr(double, key).numpy(), dtype=np.float64)


def _double(obj: Any) -> Any:
    """A copy whose tensors, and those of the distributions and transforms in it, are of float64."""
    import torch

    held: dict[str, Any] = {}
    for key, inner in vars(obj).items():
        if key == "_inv" and type(obj).__name__ != "_InverseTransform":
            continue  # a transform and its inverse hold each other
        if isinstance(inner, torch.Tensor):
            raw(obj, key)  # refuses gradients
            held[key] = inner.double() if inner.is_floating_point() else inner
        elif isinstance(inner, torch.distributions.Distribution | torch.distributions.Transform):
            held[key] = _double(inner)
        elif isinstance(inner, list) and "cache" not in key:
            held[key] = [_double(part) for part in inner]
    if not held:
        return obj
    found = copy.copy(obj)
    vars(found).update(held, _validate_args=False)
    return found
