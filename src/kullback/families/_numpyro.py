"""NumPyro's distribution classes as families: every parameter free, by the bijection of its constraint."""

from __future__ import annotations

import inspect
import itertools
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from kullback._result import InputError, KindError
from kullback._support import Array
from kullback.families._custom import Look, Members, Start, compiled, numpyro_distributions
from kullback.families._ends import ENDS, ByEnds

ALTERNATIVES = (  # of several spellings of one parameter, the one that is fitted
    ("scale_tril", ("covariance_matrix", "precision_matrix", "scale_tril", "scale_matrix", "rate_matrix")),
    ("probs", ("probs", "logits")),
)
MOST_STARTS = 400


class Slot(NamedTuple):
    """A free parameter: its name, its bijection from real numbers, its shape and that of the real numbers."""

    name: str
    bijection: Any
    shape: tuple[int, ...]
    free: tuple[int, ...]

    @property
    def size(self) -> int:
        return int(np.prod(self.free))


@dataclass(frozen=True, repr=False, eq=False)
class NumPyro:
    """A NumPyro distribution class, some of whose parameters may be held.

    Parameters
    ----------
    cls : type
        The class. For more dimensions than it has, its coordinates are independent.
    held : mapping
        Parameters that are not fitted, by name.
    """

    cls: Any
    held: Mapping[str, Any] = field(default_factory=dict)
    made: dict[int, Members] = field(default_factory=dict)

    def __str__(self) -> str:
        word = snake(self.cls.__name__)
        held = ", ".join(f"{k}={v:g}" if isinstance(v, int | float) else f"{k}={v}" for k, v in self.held.items())
        return f"{word}({held})" if held else word

    def __repr__(self) -> str:
        return f"kl.families: {self}"

    @property
    def by_ends(self) -> ByEnds | None:
        """How the best member is known from P's ends, where the support moves with the parameters."""
        return None if self.held else ENDS.get(self.cls.__name__)

    def members(self, dim: int) -> Members:
        """The members for targets of `dim` dimensions."""
        if dim not in self.made:
            self.made[dim] = self._made(dim)
        return self.made[dim]

    def _made(self, dim: int) -> Members:
        import jax

        own = _event_dim(self.cls)
        if own and dim == 1:
            raise InputError(f"P has one dimension, and the members of {self} are vectors or matrices")
        apart = own == 0 and dim > 1
        slots = self._slots(dim, apart)
        cls, held = self.cls, dict(self.held)

        def free(theta: Any) -> dict[str, Any]:
            values, place = {}, 0
            for slot in slots:
                values[slot.name] = slot.bijection(jax.numpy.reshape(theta[place : place + slot.size], slot.free))
                place += slot.size
            return values

        parameters = jax.jit(free)  # one compilation for all, where a member is made outside a compiled function

        def build(theta: Any) -> Any:
            values = parameters(theta)
            if not isinstance(theta, jax.core.Tracer):
                values = {name: np.asarray(value) for name, value in values.items()}
            made = cls(**values, **held)
            return made.to_event(1) if apart else made

        def begin(look: Look) -> list[Start]:
            return _starts(slots, look)

        return Members(str(self), build, sum(slot.size for slot in slots), begin, compiled(build))

    def _slots(self, dim: int, apart: bool) -> list[Slot]:
        dist = numpyro_distributions(str(self))
        known = self.cls.arg_constraints
        unknown = [name for name in self.held if name not in inspect.signature(self.cls.__init__).parameters]
        if unknown:
            raise InputError(f"{self} has no parameter {unknown[0]!r}; it has {', '.join(known)}")
        left_out = {n for one, names in ALTERNATIVES for n in names if _other(n, one, names, known, self.held)}
        slots = []
        for name, parameter in inspect.signature(self.cls.__init__).parameters.items():
            if name not in known and name not in self.held and name != "self" and _required(parameter):
                raise InputError(
                    f"{self} is made of {name}, which is no number: give kl.families.Custom(build, size=…)"
                )
            if name not in known or name in self.held or name in left_out:
                continue
            constraint = known[name]
            if getattr(constraint, "is_discrete", False) or type(constraint).__name__.strip("_") == "Dependent":
                given = "" if parameter.default is inspect.Parameter.empty else f", for example {parameter.default}"
                raise InputError(
                    f"{name} of {self} is no free real number: hold it, as text {snake(self.cls.__name__)}"
                    f"({name}=…){given}, or with kl.families.Custom(build, size=…)"
                )
            event = int(getattr(constraint, "event_dim", 0))
            shape: tuple[int, ...] = (dim,) * event if event else ((dim,) if apart else ())
            bijection = dist.biject_to(constraint)
            slots.append(Slot(name, bijection, shape, tuple(bijection.inverse_shape(shape))))
        if not slots:
            raise InputError(f"{self} has no parameter left to fit")
        return slots


def _required(parameter: inspect.Parameter) -> bool:
    named = parameter.kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return named and parameter.default is inspect.Parameter.empty


def _other(name: str, one: str, names: tuple[str, ...], known: Any, held: Mapping[str, Any]) -> bool:
    """Whether this spelling gives way to another of the same parameter."""
    present = [n for n in names if n in known]
    chosen = next((n for n in present if n in held), one if one in present else (present or [one])[0])
    return name in present and name != chosen


def _event_dim(cls: Any) -> int:
    support = inspect.getattr_static(cls, "support", None)
    try:
        return int(getattr(support, "event_dim", 0) or 0)
    except NotImplementedError:  # it depends on the member; the first one that is made decides
        return 0


def snake(name: str) -> str:
    word = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return re.sub("_probs$", "", word)


def numpyro_class(name: str) -> Any | None:
    """The class of that name in snake_case or in NumPyro's own, if there is one."""
    dist = numpyro_distributions(name)
    for known in dist.__all__:
        if name in (known, snake(known)):
            return class_of(getattr(dist, known))
    return None


def of_numpyro(family: Any) -> bool:
    """Whether it is a distribution class of NumPyro's kind, or NumPyro's function that chooses between two."""
    numpyro = sys.modules.get("numpyro")
    if numpyro is None:
        return False
    if inspect.isclass(family):
        return issubclass(family, numpyro.distributions.Distribution)
    return callable(family) and getattr(family, "__module__", "").startswith("numpyro.distributions")


def class_of(made: Any) -> Any:
    """The class itself; for NumPyro's functions that choose between two, the one with probabilities."""
    dist = numpyro_distributions(str(made))
    if inspect.isclass(made):
        return made
    chosen = getattr(dist, f"{getattr(made, '__name__', '')}Probs", None)
    if chosen is None:
        raise KindError(
            f"{getattr(made, '__name__', made)} is a function of NumPyro, no class whose parameters are known; "
            "give kl.families.Custom(build, size=…)"
        )
    return chosen


def _starts(slots: list[Slot], look: Look) -> list[Start]:
    """Every combination of a few likely values of each parameter, with the step that goes with them."""
    import jax

    with jax.enable_x64(True):
        choices = [_choices(slot, look) for slot in slots]
    while np.prod([len(c) for c in choices]) > MOST_STARTS:
        longest = max(range(len(choices)), key=lambda i: len(choices[i]))
        choices[longest] = choices[longest][:-1]
    out = []
    for i, pick in enumerate(itertools.product(*choices)):
        theta, step = np.concatenate([t for t, _ in pick]), np.concatenate([s for _, s in pick])
        out.append(Start(f"likely values {i + 1}", theta, step))
    return out


def _choices(slot: Slot, look: Look) -> list[tuple[Array, Array]]:
    """Likely values as unconstrained numbers: those that a middle, a width or a rate of P would be."""
    plain = [(np.zeros(slot.size), np.ones(slot.size))]
    if len(slot.shape) == 2 and slot.shape == (len(look.width),) * 2:
        value = np.diag(look.width) if slot.name == "scale_tril" else np.diag(look.width**2)
        return [*_real(slot, value, np.ones(slot.size)), *plain]
    if slot.shape != slot.free or slot.shape not in ((), look.middle.shape):
        return plain
    m, s, mean = look.middle, look.width, look.mean
    if not slot.shape:
        m, s, mean = m[0], s[0], mean[0]
    kind = type(slot.bijection).__name__
    one = np.ones(slot.size)
    with np.errstate(all="ignore"):
        if kind == "IdentityTransform" or (
            kind == "IndependentTransform" and np.all(slot.bijection(np.array(-1.0)) < 0)
        ):
            values = [(m, s), (np.zeros_like(m), one), (np.log(m), one)]
        elif kind == "SigmoidTransform":
            values = [(np.full_like(m, 0.5), one), (mean, one), (1 / (1 + mean), one)]
        else:
            values = [(v, one) for v in (np.ones_like(m), s, m, 1 / m, 1 / s, (m / s) ** 2, m / s**2)]
    found = [pair for value, step in values for pair in _real(slot, value, np.broadcast_to(step, slot.size))]
    kept: list[tuple[Array, Array]] = []
    for theta, step in found:
        if all(np.abs(theta - other).max() > 0.05 * step.max() for other, _ in kept):
            kept.append((theta, step))
    return kept or plain


def _real(slot: Slot, value: Any, step: Any) -> list[tuple[Array, Array]]:
    """The value as unconstrained numbers, where its constraint allows it."""
    with np.errstate(all="ignore"):
        theta = np.asarray(slot.bijection._inverse(np.asarray(value, dtype=float)), dtype=float).reshape(-1)
    if theta.shape != (slot.size,) or not np.isfinite(theta).all():
        return []
    return [(theta, np.asarray(step, dtype=float).reshape(-1))]
