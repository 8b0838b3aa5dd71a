"""A log density with a support, and the facts that methods may read."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from kullback._distribution._callable import EPS, UserBatch, UserPoints
from kullback._distribution._power_gamma import PowerGamma
from kullback._distribution._sites import Sites
from kullback._format import vector
from kullback._result import InputError, KindError
from kullback._support import Array, Box, Interval, Support, reals
from kullback.numerics.factors import Factor
from kullback.numerics.quiet import quiet

SEVERAL = 8  # components that are told one by one
SQUARE, MANY = 3, 64  # larger matrices are told by their diagonals, longer arrays by their shapes


@dataclass(frozen=True, slots=True)
class Tail:
    """How a density falls: like y^−(power+1) if power is finite, else like exp(−c·y^exponent).

    y is |x| towards infinity, and 1/|x − end| towards a finite end, where a density that is flat has power 1.
    """

    power: float = np.inf
    exponent: float = 0.0


@dataclass(frozen=True, slots=True)
class Facts:
    """What a source knows of a density beyond its log_prob; every entry may be missing.

    `parameters` are NumPyro's, by name. `components` are (weight, Density) pairs of a mixture. `quantile`
    maps levels in (0, 1) to points. `moments` is (mean, covariance). `breaks` are kinks, `landmarks` points
    already found to split the line at. `sample(rng, n)` draws. `tails` are the left and right `Tail`.
    `transport` is (m, f): f carries uniform points (n, m) to draws. `moved(a, s)` is the density of (X − a)/s by its
    own formula, where the arithmetic would round digits away: at a large location, in a tiny unit, and near an end that
    doubles resolve worse than 0. `frame` is (location, scale). `view` is the (a, s) by which it was moved. `noise` is
    the relative error of a log density that is not ours, or whose parts cancel. `free()` is the variable in coordinates
    without ends, as `unbound` takes it, by a formula of its own: what lies nearer to an end than doubles can tell is
    not lost there. `factors` are the densities of independent coordinates. `base` is (key, Z) if the variable is g(Z)
    for a bijection g, which the key names with its parameters: of two variables with the same key the divergence is
    that of their Z. `power_gamma` makes it a power of a gamma variable, or the logarithm of one. `points` is how many
    evaluations a slow log density is worth. `grad` is that of the log density at a batch of points. `sites` names the
    parts of the vector. `assumed` says that the support was not given: it is the whole line or space, which proves
    nothing. `claimed` says that a person's own class vouches for the integral, and no one else. `spreads` are the
    factors of the covariance, or of the scale, of normals, t and Wishart: one, or those of rows and columns.
    """

    family: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    components: tuple[tuple[float, Density], ...] = ()
    quantile: Callable[[Array], Array] | None = None
    moments: tuple[Any, Any] | None = None
    entropy: float | None = None
    tails: tuple[Tail, Tail] | None = None
    breaks: tuple[float, ...] = ()
    sample: Callable[[np.random.Generator, int], Array] | None = None
    underflows: bool = False
    transport: tuple[int, Callable[[Array], Array]] | None = None
    factors: tuple[Density, ...] = ()
    base: tuple[Hashable, Density] | None = None
    power_gamma: PowerGamma | None = None
    moved: Callable[[float, float], Density] | None = None
    frame: tuple[float, float] = (0.0, 1.0)
    view: tuple[float, float] = (0.0, 1.0)
    noise: float = 0.0
    points: int | None = None
    free: Callable[[], Density] | None = None
    landmarks: tuple[float, ...] = ()
    sites: Sites | None = None
    spreads: tuple[Factor, ...] = ()
    grad: Callable[[Array], Array] | None = None
    source: Any = None
    assumed: bool = False
    claimed: bool = False


class Density:
    """A probability density on the line or in space, or a probability mass on the integers.

    Parameters
    ----------
    log_prob : callable
        The log density, in NumPy, JAX or torch. It takes one point (a float for dim 1, else an array of shape
        (dim,)), or with `vectorized=True` a batch of shape (n,) or (n, dim), and returns a number or an array of
        shape (n,). It is called with float64; JAX's 64 bits are switched on around the call.
    dim : int
        The dimension.
    support : pair, list of pairs, or None
        (low, high), one pair a dimension; None is the whole line or space.
    sample : callable, optional
        sample(rng, n) returns draws of shape (n,) or (n, dim).
    normalized : bool
        False is the permission to integrate: the density is divided by its integral.
    vectorized : bool
        Whether `log_prob` (and `grad`) takes a batch.
    grad : callable, optional
        The gradient of `log_prob` for fits, called as `log_prob` is: one point gives an array of shape (dim,), a
        batch one of shape (n, dim). A function of JAX or torch needs none; any other is differentiated by
        differences, at 2·dim evaluations a gradient.

    Examples
    --------
    >>> import kullback as kl
    >>> p = kl.Density(lambda x: -0.5 * x * x, normalized=False)
    >>> round(float(kl.divergence(p, "normal(1, 1)")), 9)
    0.5
    """

    __slots__ = ("_log_prob", "dim", "facts", "name", "normalized", "support")

    def __init__(
        self,
        log_prob: Callable[[Any], Any],
        *,
        dim: int = 1,
        support: Any = None,
        sample: Callable[[np.random.Generator, int], Any] | None = None,
        normalized: bool = True,
        vectorized: bool = False,
        grad: Callable[[Any], Any] | None = None,
        facts: Facts | None = None,
        name: str = "",
        sites: Sites | None = None,
    ) -> None:
        if not callable(log_prob):
            raise KindError(f"log_prob must be callable, not {type(log_prob).__name__}")
        if not isinstance(dim, int | np.integer) or dim < 1:
            raise InputError(f"dim must be a whole number of at least 1, not {dim!r}")
        self.dim = dim
        self.support: Support = _as_support(support, dim)
        self.normalized = normalized
        if facts is None:
            log_prob = UserBatch(log_prob) if vectorized else UserPoints(log_prob)
        self._log_prob = log_prob
        if grad is not None and not callable(grad):
            raise KindError(f"grad must be callable, not {type(grad).__name__}")
        slope = None if grad is None else grad if vectorized else partial(_by_point, grad)
        self.facts = (
            facts if facts is not None else Facts(sample=sample, grad=slope, sites=sites, assumed=support is None)
        )
        self.name = name or self.facts.family or getattr(log_prob, "__name__", "density")

    @property
    def anonymous(self) -> bool:
        """Whether only the callable is known: nothing vouches for its integral."""
        facts = self.facts
        if facts.claimed:
            return True
        known = facts.components or facts.quantile or facts.moments or facts.moved
        return not facts.family and not known

    @property
    def takes_arrays(self) -> bool:
        """Whether it is a person's function that takes many points in one call, and so can be looked at closely."""
        return bool(getattr(self._log_prob, "at_once", False))

    @property
    def precision(self) -> float:
        """The relative rounding of its log densities: that of float32 if a callable was seen to return it."""
        return getattr(self._log_prob, "precision", EPS)

    @property
    def family(self) -> str:
        return self.facts.family

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters by NumPyro's names; empty where they are not known."""
        return dict(self.facts.parameters)

    @quiet
    def log_prob(self, x: Any) -> Any:
        """The log density at a point, or at each point of a batch, in nats; −∞ outside the support."""
        points = np.asarray(x, dtype=np.float64)
        one = points.ndim == len(self.support.shape)
        batch = points[None] if one else points
        values = self._log_prob(batch)
        return float(values[0]) if one else values

    @quiet
    def sample(self, n: int, *, seed: int = 0) -> Array:
        """`n` draws of shape (n,) or (n, dim); the same seed gives the same draws."""
        if self.facts.sample is None:
            raise KindError(f"{self} has no sampler; give one with Density(..., sample=f(rng, n))")
        return np.asarray(self.facts.sample(np.random.default_rng(seed), n), dtype=np.float64)

    def __repr__(self) -> str:
        if len(self.facts.components) > SEVERAL:
            return f"a mixture of {len(self.facts.components)} in {self.dim} dimensions"
        if self.facts.components:
            return " + ".join(f"{w:.6g}·{c}" for w, c in self.facts.components)
        if self.facts.parameters:
            return f"{self.name}({', '.join(f'{k}={_short(v)}' for k, v in self.facts.parameters.items())})"
        return self.name

    __str__ = __repr__


def _as_support(support: Any, dim: int) -> Support:
    if support is None:
        return reals(dim)
    if isinstance(support, Support):
        return support
    try:
        pairs = np.asarray(support, dtype=float).reshape(-1, 2)
    except (TypeError, ValueError):
        raise InputError(f"support must be (low, high), one pair a dimension, not {support!r}") from None
    if len(pairs) != dim or not (pairs[:, 0] < pairs[:, 1]).all():
        raise InputError(f"support must give low < high for each of {dim} dimensions, not {support!r}")
    sides = tuple(Interval(float(a), float(b)) for a, b in pairs)
    return sides[0] if dim == 1 else Box(sides)


def _by_point(grad: Callable[[Any], Any], x: Array) -> Array:
    return np.array([np.asarray(grad(point), dtype=np.float64).reshape(-1) for point in x])


def _short(value: Any) -> str:
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        return str(value)
    if array.ndim == 2 and len(array) > SQUARE and array.shape[0] == array.shape[1]:
        return f"{len(array)} by {len(array)} with the diagonal {vector(np.diag(array))}"
    if array.ndim > 2 or len(np.atleast_1d(array)) > MANY:
        return f"an array of shape {array.shape}"
    if array.ndim == 2:
        return "(" + ", ".join(vector(row) for row in array) + ")"
    return vector(array)
