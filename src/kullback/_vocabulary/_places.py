"""Where a word's density lies, and the parameters it has seen from another point, in another unit of length."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

Parameters = Mapping[str, Any]

LOCATED = {"normal", "laplace", "student_t", "cauchy", "logistic", "gumbel", "log_gamma", "moyal"}
LOGARITHMIC = {"log_normal", "log_logistic"}  # their loc is the logarithm of a scale
FAR = 690.0

# the power of a length that each parameter is
UNITS: dict[str, dict[str, float]] = {
    **{family: {"scale": 1} for family in LOCATED},
    **{family: {"scale": 1} for family in ("maxwell", "rayleigh", "half_normal", "half_cauchy", "levy")},
    **{family: {"scale": 1} for family in ("weibull", "frechet", "generalized_gamma", "pareto")},
    "exponential": {"rate": -1},
    "gamma": {"rate": -1},
    "gompertz": {"rate": -1},
    "inverse_gamma": {"rate": 1},
    "nakagami": {"spread": 2},
    "log_uniform": {"low": 1, "high": 1},
    "inverse_gaussian": {"loc": 1, "concentration": 1},
}


def frame(family: str, parameters: Parameters) -> tuple[float, float]:
    """Location and scale; (0, 1) of a family that has neither."""
    if family == "histogram":
        return float(parameters["edges"][0]), float(parameters["edges"][-1] - parameters["edges"][0])
    if family == "uniform":
        return parameters["low"], parameters["high"] - parameters["low"]
    if family in LOGARITHMIC:
        return 0.0, math.exp(min(max(parameters["loc"], -FAR), FAR))
    if family not in UNITS:
        return 0.0, 1.0
    name, power = next(iter(UNITS[family].items()))
    loc = parameters["loc"] if family in LOCATED else 0.0
    return loc, float(parameters[name] ** (1 / power))


def seen_from(family: str, parameters: Parameters, loc: float, scale: float) -> dict[str, Any] | None:
    """The parameters of (X − loc)/scale, if it is of the same family."""
    if family == "histogram":
        return {"edges": (parameters["edges"] - loc) / scale, "weights": parameters["weights"]}
    if family == "uniform":
        return {name: (value - loc) / scale for name, value in parameters.items()}
    if family in LOGARITHMIC and loc == 0:
        return {**parameters, "loc": parameters["loc"] - math.log(scale)}
    if family not in UNITS or (loc != 0 and family not in LOCATED):
        return None
    found = {name: value / scale ** UNITS[family].get(name, 0) for name, value in parameters.items()}
    if family in LOCATED:
        found["loc"] = (parameters["loc"] - loc) / scale
    return found
