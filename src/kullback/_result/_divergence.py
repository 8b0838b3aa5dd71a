"""One number, how it was obtained, and its error."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from kullback._format import LOG2, dumps, html_table, number, plain, uncertain
from kullback._result._errors import InputError
from kullback._result._status import Status
from kullback.numerics import chi_square
from kullback.numerics.lazy import special


@dataclass(frozen=True, slots=True, eq=False)
class Divergence:
    """A Kullback-Leibler divergence in nats, with the method, the error and what the error means.

    In comparisons, arithmetic, formats and NumPy's functions it is its value (elementwise for a batch); what comes of
    them is a plain number or array, without the error.

    Attributes
    ----------
    value : float or ndarray
        The divergence in nats; ∞ is an answer. An array for a batch.
    error : float or ndarray
        Absolute, in nats.
    error_kind : {"rounding", "bound", "estimate", "standard_error"}
        What `error` is: floating-point rounding, a provable bound, a numerical estimate, or one standard
        deviation of a random value.
    direction : {"forward", "reverse"} or float
        Forward is KL(P‖Q), reverse is KL(Q‖P); a number in (0, 1) is the alpha of Minka's divergence between them.
    method : str
        The method that gave the value.
    n : int
        Terms summed or points evaluated.
    status : Status
        For a batch, an array of statuses.
    detail : str
        Where and how much, when the status needs it.
    notes : tuple of str
        What a reader must know: estimated densities, methods tried first.
    degrees_of_freedom : float or None
        Of Student's t for the interval of a standard error that comes from so few replicates or groups of draws; None
        is the normal.
    chi_square : pair of float, or None
        (ν, scale), if value/scale + ν is nearly a noncentral χ² of ν degrees with the noncentrality KL/scale: the
        interval is then its, and not symmetric.
    bounds : pair of float, or None
        Guaranteed lower and upper bounds of the divergence between normal mixtures.
    variational : float or None
        Hershey and Olsen's variational approximation for them; it is neither a bound nor the value.
    smoothed : Divergence or None
        Where counts make the value infinite: the finite one with Q's shares under a Jeffreys prior, half a count more
        for each outcome.
    effective_sample_size : float or None
        Of draws: how many independent ones of equal weight they are worth, on the side that has fewer.
    correlation_length : float or None
        Of draws: how many count for one, on the side where it is more: the autocorrelation time of draws in an order,
        the design effect of groups, 1 for independent draws.

    Examples
    --------
    >>> import kullback as kl
    >>> d = kl.divergence([0.5, 0.5], [0.9, 0.1])
    >>> round(float(d), 6), d.method, d.error_kind
    (0.510826, 'exact', 'rounding')
    >>> d < 0.6, f"{d:.3f}", round(d + 1, 6), round(sum([d, d]), 6)
    (True, '0.511', 1.510826, 1.021651)
    """

    value: Any
    error: Any = 0.0
    error_kind: str = "rounding"
    direction: str | float = "forward"
    method: str = "exact"
    n: int = 0
    seed: int | None = None
    status: Any = Status.OK
    detail: str = ""
    notes: tuple[str, ...] = ()
    degrees_of_freedom: float | None = None
    bounds: tuple[float, float] | None = None
    variational: float | None = None
    smoothed: Divergence | None = None
    chi_square: tuple[float, float] | None = None
    effective_sample_size: float | None = None
    correlation_length: float | None = None

    def __float__(self) -> float:
        if isinstance(self.value, np.ndarray) and self.value.ndim:
            raise TypeError(f"this is a batch of shape {self.value.shape}; use .value, an array")
        return float(self.value)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.value, dtype=dtype)

    def __format__(self, spec: str) -> str:
        return format(float(self), spec) if spec else str(self)

    def __hash__(self) -> int:
        return object.__hash__(self) if isinstance(self.value, np.ndarray) else hash(self.value)

    def __eq__(self, other: Any) -> Any:
        return self.value == _number(other) if _is_number(other) else NotImplemented

    def __lt__(self, other: Any) -> Any:
        return self.value < _number(other) if _is_number(other) else NotImplemented

    def __le__(self, other: Any) -> Any:
        return self.value <= _number(other) if _is_number(other) else NotImplemented

    def __gt__(self, other: Any) -> Any:
        return self.value > _number(other) if _is_number(other) else NotImplemented

    def __ge__(self, other: Any) -> Any:
        return self.value >= _number(other) if _is_number(other) else NotImplemented

    def __add__(self, other: Any) -> Any:
        return self.value + _number(other) if _is_number(other) else NotImplemented

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self.value - _number(other) if _is_number(other) else NotImplemented

    def __rsub__(self, other: Any) -> Any:
        return _number(other) - self.value if _is_number(other) else NotImplemented

    def __mul__(self, other: Any) -> Any:
        return self.value * _number(other) if _is_number(other) else NotImplemented

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self.value / _number(other) if _is_number(other) else NotImplemented

    def __rtruediv__(self, other: Any) -> Any:
        return _number(other) / self.value if _is_number(other) else NotImplemented

    def __pow__(self, other: Any) -> Any:
        return self.value ** _number(other) if _is_number(other) else NotImplemented

    def __rpow__(self, other: Any) -> Any:
        return _number(other) ** self.value if _is_number(other) else NotImplemented

    def __neg__(self) -> Any:
        return -self.value

    def __abs__(self) -> Any:
        return abs(self.value)

    def __round__(self, digits: int | None = None) -> Any:
        if isinstance(self.value, np.ndarray):
            return np.round(self.value, digits or 0)
        return round(self.value, digits)

    @property
    def bits(self) -> Any:
        """The value in bits."""
        return self.value / LOG2

    def confidence_interval(self, level: float = 0.95) -> tuple[Any, Any]:
        """The interval that holds the true value: at `level` for a standard error, ± the error otherwise.

        That of draws holds for independent ones, or for such as go together in the way that was said of them.
        """
        if not 0 < level < 1:
            raise InputError(f"level must lie between 0 and 1, not {level!r}")
        freedom = math.inf if self.degrees_of_freedom is None else self.degrees_of_freedom
        if self.chi_square is not None and math.isfinite(self.value):
            return chi_square.interval(float(self.value), float(self.error), *self.chi_square, level, freedom)
        width = 1.0
        if self.error_kind == "standard_error":
            width = float(special.stdtrit(freedom, 0.5 + level / 2))
        with np.errstate(invalid="ignore"):
            half = np.where(np.isfinite(self.value), width * np.asarray(self.error), 0.0)
        low, high = self.value - half, self.value + half
        return (low, high) if isinstance(self.value, np.ndarray) else (float(low), float(high))

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON holds it; ∞ is the string "inf"."""
        many = isinstance(self.status, np.ndarray)
        status = [s.key for s in self.status.ravel()] if many else self.status.key
        return {
            "schema": 1,
            "value": plain(self.value),
            "error": plain(self.error),
            "error_kind": self.error_kind,
            "unit": "nats",
            "direction": self.direction,
            "method": self.method,
            "n": self.n,
            "seed": self.seed,
            "status": status,
            "detail": self.detail,
            "notes": list(self.notes),
            "degrees_of_freedom": self.degrees_of_freedom,
            "effective_sample_size": self.effective_sample_size,
            "correlation_length": self.correlation_length,
            "bounds": plain(self.bounds),
            "variational": plain(self.variational),
            "smoothed": None if self.smoothed is None else self.smoothed.to_dict(),
        }

    def to_json(self) -> str:
        return dumps(self.to_dict())

    @property
    def formula(self) -> str:
        if isinstance(self.direction, float):
            return f"D(P, Q) at alpha {self.direction:g}"
        return "KL(P‖Q)" if self.direction == "forward" else "KL(Q‖P)"

    def __str__(self) -> str:
        if isinstance(self.value, np.ndarray) and self.value.ndim:
            return f"{self.formula} of a batch of shape {self.value.shape}: {self.value} nats"
        if math.isinf(self.value):
            return f"{self.formula} = ∞"
        return f"{self.formula} = {uncertain(self.value, self.error, self.error_kind)} nats"

    def _facts(self) -> list[tuple[str, str]]:
        rows = [("method", self.method)]
        if not isinstance(self.value, np.ndarray):
            if math.isfinite(self.value):
                rows.insert(0, ("bits", number(self.bits)))
                rows.append(("error", f"{self.error:.2g} nats ({self.error_kind.replace('_', ' ')})"))
            rows.append(("status", self.status.key))
            if self.status is not Status.OK:
                rows.append(("advice", self.status.value))
        if self.bounds is not None:
            rows.append(("guaranteed", f"between {number(self.bounds[0])} and {number(self.bounds[1])} nats"))
        if self.variational is not None:
            rows.append(("variational", f"{number(self.variational)} nats"))
        if self.smoothed is not None:
            rows.append(("smoothed", f"{uncertain(self.smoothed.value, self.smoothed.error, 'standard_error')} nats"))
        if self.detail:
            rows.append(("where", self.detail))
        rows.extend(("note", note) for note in self.notes)
        return rows

    def __repr__(self) -> str:
        return "\n".join([str(self), *(f"  {name}: {text}" for name, text in self._facts())])

    def _repr_html_(self) -> str:
        return f"<p><b>{html.escape(str(self))}</b></p>{html_table(self._facts())}"


def _is_number(x: Any) -> bool:
    return isinstance(x, Divergence | int | float | np.number | np.ndarray)


def _number(x: Any) -> Any:
    return x.value if isinstance(x, Divergence) else x
