"""log p̃ and its gradient at batches of points, wherever they come from, with a count of what was asked.

JAX differentiates a function that traces; torch one of torch; `grad=` is taken as it is; normals, Student-t and
their mixtures have formulas. Whatever else there is gets central differences, and the fit says what they cost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kullback._distribution import Density
from kullback._distribution._callable import EPS, FAILURES, UserBatch, UserPoints, to_tensor
from kullback._fit.space._formulas import gradient_by_formula
from kullback._fit.space._jitted import Jitted, jitted, remembered
from kullback._result import InputError
from kullback._support import Array

STEP = 6e-6  # ∛eps: of central differences, in units of the coordinate's own scale

Sloped = Callable[[Array], tuple[Array, Array]]


class Oracle:
    """What a fit asks of P: `values` (n,) and `slopes` (n, d) at points (n, d) in the target's own coordinates.

    A NaN is taken as −∞ here, for a search may look where a log density overflows; `worst` remembers where.
    """

    def __init__(self, density: Density) -> None:
        self.density = density
        self.dim = density.dim
        self.evaluations = 0
        self.nan_at: Array | None = None
        self.scale = np.ones(self.dim)  # of central differences
        self.note = ""
        self._sloped = self._choose()

    def __call__(self, x: Array) -> tuple[Array, Array]:
        """Values and slopes."""
        x = np.ascontiguousarray(x)
        self.evaluations += len(x)
        values, slopes = self._sloped(x)
        bad = np.isnan(values) | ((values > -np.inf) & ~np.isfinite(slopes).all(axis=1))
        if bad.any():
            self.nan_at = x[bad][0]
        gone = bad | (values == -np.inf)
        if gone.any():
            values, slopes = np.where(gone, -np.inf, values), np.where(gone[:, None], 0.0, slopes)
        if (values == np.inf).any():
            place = x[values == np.inf][0]
            raise InputError(f"log_prob is +∞ at {place}: it is no density there. Bound it, or exclude that point")
        return values, slopes

    def values(self, x: Array) -> Array:
        if not len(x):
            return np.zeros(0)
        if self._jitted is not None and not self.dear:
            return self(x)[0]
        self.evaluations += len(x)
        x = np.ascontiguousarray(x)
        found = self._plain(x) if self._jitted is None else self._jitted.values(x)
        if np.isnan(found).any():
            self.nan_at = x[np.isnan(found)][0]
        return np.where(np.isnan(found), -np.inf, found)

    @property
    def dear(self) -> bool:
        """Whether a value costs so much that work is given out by it."""
        return self._jitted is not None and self._jitted.dear

    @property
    def cost(self) -> float:
        """CPU seconds of a value with its slopes, where it was measured."""
        return 0.0 if self._jitted is None else self._jitted.cost

    def hessian(self, x: Array) -> Array | None:
        """The Hessian at one point (d,), where it is known without differences."""
        if self._jitted is None:
            return None
        self.evaluations += self.dim
        found = self._jitted.hessian(x)
        return found if np.isfinite(found).all() else None

    def without_slopes(self, x: Array) -> tuple[Array, Array]:
        """Values, and zeros in the place of slopes: a step that only needs some direction takes none."""
        return self.values(x), np.zeros_like(x)

    def as_density(self, slopes: bool = False) -> Density:
        """P itself, evaluated in compiled batches where it can be; with its slopes where they are asked for."""
        p = self.density
        if not slopes and (self._jitted is None or p.facts.grad is not None):
            return p
        last: list[tuple[Array, Array, Array]] = []

        def both(x: Array) -> tuple[Array, Array]:
            points = x.reshape(len(x), -1)
            if not last or not np.array_equal(last[0][0], points):  # slopes are asked for where values were
                last[:] = [(points, *self(points))]
            return last[0][1], last[0][2]

        return Density(
            lambda x: both(x)[0], dim=p.dim, support=p.support, normalized=p.normalized, vectorized=True,
            grad=(lambda x: both(x)[1]) if slopes else None, name=p.name, sites=p.facts.sites,
        )  # fmt: skip

    @property
    def swift(self) -> bool:
        """Whether a hundred thousand values are cheap: not where Python is called for each of them."""
        if self._jitted is not None:
            return not self._jitted.dear
        return not isinstance(self.density._log_prob, UserPoints)

    @property
    def exact(self) -> bool:
        """Whether slopes are exact, and cost about as much as values."""
        return not self._differences

    @property
    def noise(self) -> float:
        """What rounding leaves of a slope, in units of the coordinate's scale."""
        precision = self.density.precision
        return 10 * precision if self.exact else 10 * precision ** (2 / 3)

    def _plain(self, x: Array) -> Array:
        return self.density._log_prob(x[:, 0] if self.dim == 1 else x)

    def _choose(self) -> Sloped:
        self._differences = False
        self._jitted: Jitted | None = None
        f = self.density._log_prob
        if self.density.facts.grad is not None:
            self.note = "gradients by the grad that was given"
            return self._given(self.density.facts.grad)
        known = gradient_by_formula(self.density)
        if known is not None:
            return known
        if isinstance(f, UserPoints | UserBatch):
            found = self._of_library(f)
            if found is not None:
                return found
        self._differences = True
        self.note = (
            f"P has no gradient: each one costs {2 * self.dim} evaluations of log_prob (central differences); "
            "write it in JAX, or give grad="
        )
        return self._by_differences

    def _of_library(self, f: UserPoints | UserBatch) -> Sloped | None:
        """A user's function of JAX (or one that JAX can trace) or torch, differentiated there."""
        single = isinstance(f, UserPoints)
        if f.library != "torch":
            traced = jitted(f.function, self.dim, single)
            known = remembered(f.function)
            if traced is None or "precision" not in known:
                self._look(f, single)
                known["precision"] = f.precision
            f.precision = known["precision"]
            if traced is not None:
                self._jitted = traced
                return traced.sloped
        return _by_torch(f.function, self.dim, single) if f.library == "torch" else None

    def _look(self, f: UserPoints | UserBatch, single: bool) -> None:
        """The function once as it is, which tells its library, its precision, and an index that is too large.

        JAX reads the last entry there; NumPy's arrays tell it.
        """
        origin = np.zeros(()) if self.dim == 1 else np.zeros(self.dim)
        try:
            f.values(origin if single else origin[None])
        except IndexError as error:
            if "out of bounds" in str(error):
                raise InputError(f"log_prob reads more than dim={self.dim} coordinates: {error}") from error
        except FAILURES:  # it may be made for JAX's arrays alone
            return

    def _given(self, gradient: Callable[[Any], Any]) -> Sloped:
        def sloped(x: Array) -> tuple[Array, Array]:
            points = x[:, 0] if self.dim == 1 else x
            slopes = np.asarray(gradient(points), dtype=np.float64).reshape(len(x), -1)
            if slopes.shape != x.shape:
                raise InputError(f"grad returned shape {slopes.shape} for {len(x)} points in {self.dim} dimensions")
            return self._plain(x), slopes

        return sloped

    def _by_differences(self, x: Array) -> tuple[Array, Array]:
        n, d = x.shape
        self.evaluations += 2 * d * n
        coarse = float(np.cbrt(self.density.precision / EPS))  # numbers in float32 need longer steps
        h = STEP * coarse * np.maximum(self.scale, 1e-9 * np.abs(x).max(axis=0))
        moves = np.concatenate([np.diag(h), -np.diag(h)])
        both = self._plain((x[:, None] + moves).reshape(-1, d)).reshape(n, 2, d)
        with np.errstate(invalid="ignore"):
            return self._plain(x), (both[:, 0] - both[:, 1]) / (2 * h)


def _by_torch(function: Callable[[Any], Any], dim: int, single: bool) -> Sloped:
    """torch's autograd over the whole batch, or point by point where the function takes no batch."""
    import torch

    def total(x: Any) -> Any:
        points = x[:, 0] if dim == 1 else x
        return torch.stack([function(point).reshape(()) for point in points]) if single else function(points)

    def sloped(x: Array) -> tuple[Array, Array]:
        leaf = to_tensor(x).requires_grad_(True)
        values = total(leaf)
        (slopes,) = torch.autograd.grad(values.sum(), leaf)
        return values.detach().numpy().astype(np.float64), slopes.numpy().astype(np.float64)

    return sloped
