"""Families whose members a library makes: a callable from an unconstrained vector to a NumPyro distribution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from kullback._distribution import Density
from kullback._format import vector
from kullback._result import InputError, KindError, MissingExtraError
from kullback._support import Array, Support
from kullback.sources import as_distribution

BLOCKS = (
    2048,
    16384,
)  # points go to the compiled function in blocks of two sizes, so that it is compiled once or twice


class Look(NamedTuple):
    """What a start is guessed from: middle and width of P, coordinate by coordinate, and its mean."""

    middle: Array
    width: Array
    mean: Array


class Start(NamedTuple):
    """An unconstrained vector, and the size of a step in each entry."""

    name: str
    theta: Array
    step: Array


class Made(NamedTuple):
    """A NumPyro distribution and the unconstrained vector that it was built from."""

    distribution: Any
    theta: Array


@dataclass(frozen=True, eq=False)
class Members:
    """The members of a family for targets of one dimension; what a fitter must know of them as of any `Family`."""

    name: str
    build: Callable[[Any], Any]
    size: int
    begin: Callable[[Look], list[Start]]
    compiled: Callable[[Any, Any], Any]

    brings_nodes = transports = whitens = False
    exact = ""
    normals = 0

    def support(self, dim: int) -> tuple[Support, str]:
        """Where the members live, and if that moves with their parameters, a sentence that says so."""
        first = self.begin(Look(np.zeros(dim), np.ones(dim), np.zeros(dim)))[0]
        one, other = (self.density(first.theta + move).support for move in (0.0, 0.1))
        if one == other:
            return one, ""
        return one, (
            f"the support of {self.name} moves with its parameters, from {one} to {other}; a fit by "
            "gradients needs it fixed: hold those parameters, in brackets or with kl.families.Custom"
        )

    def member(self, theta: Array) -> Any:
        """The NumPyro distribution of an unconstrained vector."""
        import jax

        with jax.enable_x64(True):
            try:
                made = self.build(jax.numpy.asarray(theta, dtype="float64"))
            except Exception as error:  # whatever a person's function raises, NumPyro's validation among it
                raise InputError(
                    f"{self.name} failed at theta = {vector(theta)}: {error}. Every theta must give a distribution: "
                    "take exp of what must be positive, and start= a theta that serves"
                ) from error
        if not isinstance(made, numpyro_distributions(self.name).Distribution):
            raise KindError(f"{self.name} must return a NumPyro distribution, not {type(made).__name__}")
        return made

    def density(self, theta: Array) -> Density:
        """The member as a Density that remembers the NumPyro distribution."""
        made = self.member(theta)
        found = as_distribution(made, self.name)
        if not isinstance(found, Density):
            raise InputError(f"the members of {self.name} are {found}; a fit needs one density or mass function")
        facts = replace(found.facts, source=Made(made, theta))
        return Density(
            found._log_prob, dim=found.dim, support=found.support, vectorized=True, facts=facts, name=found.name
        )

    def log_prob(self, theta: Array, x: Array) -> tuple[Array, Array]:
        """log q (n,) and its gradient in theta (n, size)."""
        import jax

        values, scores = [], []
        with jax.enable_x64(True):
            block = BLOCKS[len(x) > 4 * BLOCKS[0]]
            for begin in range(0, len(x), block):
                part = x[begin : begin + block]
                padded = np.concatenate([part, np.repeat(part[:1], block - len(part), axis=0)])
                score, value = self.compiled(jax.numpy.asarray(theta), jax.numpy.asarray(padded))
                values.append(np.asarray(value)[: len(part)])
                scores.append(np.asarray(score)[: len(part)])
        value, score = np.concatenate(values), np.concatenate(scores)
        lost = ~np.isfinite(value)  # outside a member's support, or where its formula leaves the doubles
        value = np.where(lost, -np.inf, value)
        return value, np.where(lost[:, None] | ~np.isfinite(score), 0.0, score)


@dataclass(frozen=True, repr=False, eq=False)
class Custom:
    """Your own family: a callable that builds a NumPyro distribution from an unconstrained vector.

    Parameters
    ----------
    build : callable
        build(theta) returns a numpyro.distributions.Distribution; it is traced by JAX.
    size : int, optional
        The length of theta; the search then begins at zeros. Give `size` or `start`.
    start : sequence of float, optional
        A theta to begin the search from.

    Examples
    --------
    >>> import kullback as kl
    >>> import numpyro.distributions as dist, jax.numpy as jnp
    >>> family = kl.families.Custom(lambda t: dist.Gamma(jnp.exp(t[0]), jnp.exp(t[1])), size=2)
    >>> fit = kl.fit("gamma(2, 3)", family, direction="reverse")
    >>> {name: round(value, 6) for name, value in fit.parameters.items()}
    {'concentration': 2.0, 'rate': 3.0}
    """

    build: Callable[[Any], Any]
    size: int | None = None
    start: Sequence[float] | None = None

    by_ends = None  # nothing is known of where its support goes

    def __post_init__(self) -> None:
        if not callable(self.build):
            raise KindError(f"build must be callable, not {type(self.build).__name__}")
        if (self.size is None) == (self.start is None):
            raise InputError("Custom needs the length of theta: size=…, or a theta to begin from: start=[…]; not both")
        if self.size is not None and (not isinstance(self.size, int | np.integer) or self.size < 1):
            raise InputError(f"size must be a whole number of at least 1, not {self.size!r}")
        if self.start is not None and not np.isfinite(np.asarray(self.start, dtype=float)).all():
            raise InputError(f"start must be finite numbers, not {self.start!r}")

    def __str__(self) -> str:
        name = getattr(self.build, "__name__", type(self.build).__name__)
        return "custom" if name == "<lambda>" else f"custom({name})"

    def __repr__(self) -> str:
        return f"kl.families: {self}"

    def members(self, dim: int) -> Members:
        """The members for targets of `dim` dimensions; the callable decides whether it has any."""
        numpyro_distributions(str(self))
        return self._members

    @cached_property
    def _members(self) -> Members:
        given = np.zeros(self.size or 0) if self.start is None else np.asarray(self.start, dtype=float)

        def begin(look: Look) -> list[Start]:
            rng = np.random.default_rng(0)
            others = [given + scale * rng.normal(size=len(given)) for scale in (0.3, 1.0, 1.0, 2.0, 2.0)]
            step = np.ones(len(given))
            name = "zeros" if self.start is None else "given"
            return [Start(name, given, step)] + [Start(f"{name} moved {i + 1}", t, step) for i, t in enumerate(others)]

        return Members(str(self), self.build, len(given), begin, compiled(self.build))


def numpyro_distributions(family: str) -> Any:
    """The module, or what to install."""
    try:
        import numpyro.distributions as dist
    except ImportError:
        raise MissingExtraError("NumPyro", "fit", f"The family {family}") from None
    return dist


def compiled(build: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    """(gradient in theta (n, size), log q (n,)) of points, in one compiled function made when it is first called."""
    made: list[Any] = []

    def call(theta: Any, x: Any) -> Any:
        if not made:
            import jax

            def log_prob(t: Any, points: Any) -> Any:
                value = build(t).log_prob(points)
                return value, value

            made.append(jax.jit(jax.jacfwd(log_prob, has_aux=True)))
        return made[0](theta, x)

    return call
