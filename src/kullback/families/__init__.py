"""What Q may be.

As text `normal`, `normal(covariance="diagonal")`, `laplace`, `student_t`, `mixture(3)`, `poisson`, `geometric`,
`binomial(10)`; as objects `kl.families.Normal()`, `kl.families.Mixture(3)` and so on.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from kullback._result import InputError, KindError
from kullback._vocabulary import parse, suggest
from kullback.families._base import Cloud, Family, Frame
from kullback.families._ladder import richer
from kullback.families._lattice import Binomial, Geometric, LatticeFamily, Poisson, log_mean_range
from kullback.families._location import Laplace, Normal, StudentT
from kullback.families._mixture import Mixture

FAMILIES: dict[str, Callable[..., Any]] = {
    "normal": Normal,
    "laplace": Laplace,
    "student_t": StudentT,
    "mixture": Mixture,
    "poisson": Poisson,
    "geometric": Geometric,
    "binomial": Binomial,
}
SAME = {"multivariate_normal": "normal", "multivariate_student_t": "student_t"}


def as_family(family: Any) -> Family | LatticeFamily:
    """A family from its object or its text."""
    if isinstance(family, Family | LatticeFamily):
        return family
    if inspect.isclass(family) and issubclass(family, Family | LatticeFamily):
        return _made(family.__name__.lower(), family, (), {})
    if not isinstance(family, str):
        raise KindError(
            f"family is of type {type(family).__name__}; give a text such as 'normal' or 'mixture(2)', "
            "or an object such as kl.families.Mixture(2)"
        )
    terms = parse(family)
    if len(terms) != 1 or terms[0][0] != 1.0:
        raise InputError(f"family must be one name, not the sum {family!r}; write mixture(2) for two normals")
    call = terms[0][1]
    name = SAME.get(call.name, call.name)
    if name not in FAMILIES:
        raise InputError(f"unknown family {call.name!r}; {suggest(call.name, FAMILIES)}")
    return _made(name, FAMILIES[name], call.args, call.kwargs)


def _made(name: str, make: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    signature = inspect.signature(make)
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        names = ", ".join(signature.parameters)
        raise InputError(f"{name}: {error}; its parameters are ({names})") from None
    return make(*args, **kwargs)


__all__ = [
    "FAMILIES",
    "Binomial",
    "Cloud",
    "Family",
    "Frame",
    "Geometric",
    "Laplace",
    "LatticeFamily",
    "Mixture",
    "Normal",
    "Poisson",
    "StudentT",
    "as_family",
    "log_mean_range",
    "richer",
]
