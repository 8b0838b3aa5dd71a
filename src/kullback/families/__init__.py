"""What Q may be.

As text `normal`, `normal(covariance="diagonal")`, `laplace`, `student_t`, `mixture(3)`, `poisson`, `geometric`,
`binomial(10)`; as objects `kl.families.Normal()`, `kl.families.Mixture(3)` and so on. `carried("normal")` takes one
of them to the target's support, `log_normal` and `logit_normal` are two of those. Every distribution of NumPyro is a
family too, as its class or its name in snake_case, and `kl.families.Custom(build, size=…)` is your own.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from typing import Any

from kullback._result import InputError, KindError
from kullback._support import Interval
from kullback._vocabulary import WORDS, Call, parse, suggest
from kullback.families._base import Base, Cloud, Family, Frame, Transport
from kullback.families._carried import Carried
from kullback.families._custom import Custom, Look, Members, Start
from kullback.families._ends import ByEnds
from kullback.families._ladder import richer
from kullback.families._lattice import Binomial, Geometric, LatticeFamily, Poisson, log_mean_range
from kullback.families._location import Laplace, Normal, StudentT
from kullback.families._mixture import Mixture
from kullback.families._numpyro import NumPyro, class_of, numpyro_class, of_numpyro

Chosen = Family | LatticeFamily | Carried | Custom | NumPyro

FAMILIES: dict[str, Callable[..., Any]] = {
    "normal": Normal,
    "laplace": Laplace,
    "student_t": StudentT,
    "mixture": Mixture,
    "poisson": Poisson,
    "geometric": Geometric,
    "binomial": Binomial,
    "carried": Carried,
    "log_normal": lambda: Carried(Normal(), Interval(0.0)),
    "logit_normal": lambda: Carried(Normal(), Interval(0.0, 1.0)),
}
SAME = {"multivariate_normal": "normal", "multivariate_student_t": "student_t"}


def as_family(family: Any) -> Chosen:
    """A family from its object, its text, or NumPyro's class."""
    if isinstance(family, Chosen):
        return family
    if inspect.isclass(family) and issubclass(family, Chosen):
        return _made(family.__name__.lower(), family, (), {})
    if not isinstance(family, str):
        if of_numpyro(family):
            return NumPyro(class_of(family))
        raise KindError(
            f"family is of type {type(family).__name__}; give a text such as 'normal' or 'mixture(2)', "
            "an object such as kl.families.Mixture(2), a distribution class of NumPyro, or kl.families.Custom(build, "
            "size=…)"
        )
    terms = parse(family)
    if len(terms) != 1 or terms[0][0] != 1.0:
        raise InputError(f"family must be one name, not the sum {family!r}; write mixture(2) for two normals")
    call = terms[0][1]
    name = SAME.get(call.name, call.name)
    if name not in FAMILIES:
        return _of_numpyro(call)
    return _made(name, FAMILIES[name], call.args, call.kwargs)


def _of_numpyro(call: Call) -> NumPyro:
    """A family by the name of NumPyro's class; what stands in brackets is held."""
    near = difflib.get_close_matches(call.name.lower(), [*FAMILIES, *WORDS], n=1, cutoff=0.75)
    cls = None if near and call.name not in WORDS else numpyro_class(call.name)
    if cls is None:
        raise InputError(f"unknown family {call.name!r}; {suggest(call.name, [*FAMILIES, *WORDS])}")
    order = [name for name in inspect.signature(cls.__init__).parameters if name in cls.arg_constraints]
    if len(call.args) > len(order):
        raise InputError(f"{call.name} has {len(order)} parameters: {', '.join(order)}")
    return NumPyro(cls, {**dict(zip(order, call.args, strict=False)), **call.kwargs})


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
    "Base",
    "Binomial",
    "ByEnds",
    "Carried",
    "Chosen",
    "Cloud",
    "Custom",
    "Family",
    "Frame",
    "Geometric",
    "Laplace",
    "LatticeFamily",
    "Look",
    "Members",
    "Mixture",
    "Normal",
    "NumPyro",
    "Poisson",
    "Start",
    "StudentT",
    "Transport",
    "as_family",
    "log_mean_range",
    "richer",
]
