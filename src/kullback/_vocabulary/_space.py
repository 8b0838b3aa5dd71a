"""Densities in space, products of densities, and mixtures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kullback._distribution import Density, Discrete, Facts, Tail, moved
from kullback._result import InputError
from kullback._support import Array, Box, Interval, Lattice, Support, ends, is_subset, reals
from kullback._vocabulary._real import laplace, log_t_constant, normal, student_t
from kullback._vocabulary._tails import HALF_LOG_2PI
from kullback._vocabulary._words import positive, word
from kullback.numerics import factors, many
from kullback.numerics.factors import Factor
from kullback.numerics.lazy import linalg, special
from kullback.numerics.many import log_sum_exp
from kullback.numerics.masses import digamma_step


def _location(loc: Any) -> Array:
    try:
        m = np.atleast_1d(np.asarray(loc, dtype=np.float64))
    except (TypeError, ValueError):
        raise InputError(f"loc must be a point of numbers, not {loc!r}") from None
    if m.ndim != 1 or not np.isfinite(m).all():
        raise InputError(f"loc must be one finite point, not {loc!r}")
    return m


def square(matrix: Any, dim: int, name: str) -> Array:
    """A finite matrix of that size."""
    try:
        c = np.asarray(matrix, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be a matrix of numbers, not {matrix!r}") from None
    if c.shape != (dim, dim):
        raise InputError(f"{name} must have shape ({dim}, {dim}) to go with loc, not {c.shape}")
    if not np.isfinite(c).all():
        raise InputError(f"{name} must be finite; it holds {c[~np.isfinite(c)][0]:g}")
    return c


def factored(matrix: Any, dim: int, name: str, of: Callable[..., Factor] = factors.of_covariance) -> Factor:
    """The factor of a symmetric positive definite matrix, or of what `of` makes of it; one that is known is kept."""
    if isinstance(matrix, Factor):
        return matrix
    c = square(matrix, dim, name)
    if (c == c.T).all():
        uneven = 0.0
    else:
        widths = np.sqrt(np.abs(np.diagonal(c)))
        uneven = float((np.abs(c - c.T) / np.maximum(widths[:, None] * widths, 1e-300)).max())
        if uneven > 1e-6:
            raise InputError(f"{name} must be symmetric; it is {c.tolist()}")
        c = 0.5 * (c + c.T)
    try:
        return of(c, uneven=uneven)
    except factors.NotPositive:
        least = f"its smallest eigenvalue is {float(np.linalg.eigvalsh(c)[0]):g}, within rounding"
        raise InputError(f"{name} must be positive definite; {least}") from None


def rooted(matrix: Any, dim: int, name: str) -> Factor:
    """The factor of matrix·matrixᵀ: a lower triangle, the usual case, is taken as it is."""
    if isinstance(matrix, Factor):
        return matrix
    try:
        return factors.of_root(square(matrix, dim, name))
    except factors.NotPositive:
        raise InputError(f"{name} must have an inverse; there are zeros on the diagonal of its triangle") from None


def whitened(x: Array, loc: Array, tril: Array) -> Array:
    """L⁻¹(x − loc) for each row of x, shape (n, d)."""
    if len(loc) == 1:
        return (x - loc) / tril[0, 0]
    if len(loc) == 2:  # two dimensions are solved by hand: the solver's overhead would dominate
        first = (x[:, 0] - loc[0]) / tril[0, 0]
        return np.column_stack([first, (x[:, 1] - loc[1] - tril[1, 0] * first) / tril[1, 1]])
    return np.asarray(linalg.solve_triangular(tril, (x - loc).T, lower=True, check_finite=False).T)


@word
def multivariate_normal(
    loc: Any = 0.0, covariance_matrix: Any = None, *, scale_tril: Any = None, precision_matrix: Any = None
) -> Density:
    m = _location(loc)
    d = len(m)
    if sum(given is not None for given in (covariance_matrix, scale_tril, precision_matrix)) != 1:
        raise InputError("multivariate_normal needs one of covariance_matrix, scale_tril and precision_matrix")
    if scale_tril is not None:
        spread = rooted(scale_tril, d, "scale_tril")
    elif precision_matrix is not None:
        spread = factored(precision_matrix, d, "precision_matrix", factors.of_precision)
    else:
        spread = factored(covariance_matrix, d, "covariance_matrix")
    tril = spread.matrix
    if d == 1:
        return normal(m[0], tril[0, 0])
    given = covariance_matrix is not None and not isinstance(covariance_matrix, Factor)
    covariance = np.asarray(covariance_matrix, dtype=np.float64) if given else spread.covariance
    log_det = float(np.log(np.diag(tril)).sum())
    constant = d * HALF_LOG_2PI + log_det
    facts = Facts(
        family="multivariate_normal",
        parameters={"loc": m, "covariance_matrix": covariance},
        moments=(m, covariance),
        entropy=constant + 0.5 * d,
        tails=(Tail(exponent=2.0), Tail(exponent=2.0)),
        sample=lambda rng, n: m + rng.standard_normal((n, d)) @ tril.T,
        transport=(d, lambda u: m + special.ndtri(u) @ tril.T),
        spreads=(spread,),
    )
    return Density(
        lambda x: -0.5 * (whitened(x, m, tril) ** 2).sum(axis=-1) - constant,
        dim=d,
        vectorized=True,
        facts=facts,
    )


@word
def multivariate_student_t(df: Any, loc: Any = 0.0, scale_tril: Any = None) -> Density:
    v, m = positive(df, "df"), _location(loc)
    d = len(m)
    spread = rooted(np.eye(d) if scale_tril is None else scale_tril, d, "scale_tril")
    tril = spread.matrix
    if d == 1:
        return student_t(v, m[0], tril[0, 0])
    constant = log_t_constant(v, d) - float(np.log(np.diag(tril)).sum())
    power = 0.5 * (v + d)

    def carry(u: Array) -> Array:
        widths = np.sqrt(2 * special.gammaincinv(v / 2, u[:, d]) / v)
        return np.asarray(m + (special.ndtri(u[:, :d]) @ tril.T) / widths[:, None])

    covariance = spread.covariance * (v / (v - 2)) if v > 2 else np.full((d, d), math.inf if v > 1 else math.nan)
    facts = Facts(
        family="multivariate_student_t",
        parameters={"df": v, "loc": m, "scale_tril": tril},
        moments=(m if v > 1 else np.full(d, math.nan), covariance),
        entropy=power * digamma_step(v / 2, d / 2) - constant,
        tails=(Tail(power=v), Tail(power=v)),
        sample=lambda rng, n: m + (rng.standard_normal((n, d)) @ tril.T) / np.sqrt(rng.chisquare(v, n) / v)[:, None],
        transport=(d + 1, carry),
        spreads=(spread,),
    )
    return Density(
        lambda x: constant - power * np.log1p((whitened(x, m, tril) ** 2).sum(axis=-1) / v),
        dim=d,
        vectorized=True,
        facts=facts,
    )


def product(sides: Sequence[Density], family: str, parameters: dict[str, Any]) -> Density:
    """Independent coordinates, one density each."""
    moments = None
    if all(side.facts.moments is not None for side in sides):
        pairs = [side.facts.moments or (0.0, 0.0) for side in sides]
        moments = (np.array([m for m, _ in pairs]), np.diag([v for _, v in pairs]))
    entropies = [side.facts.entropy for side in sides]

    quantiles = [side.facts.quantile for side in sides]

    def carry(u: Array) -> Array:
        return np.column_stack([f(u[:, i]) for i, f in enumerate(quantiles) if f is not None])

    def sample(rng: np.random.Generator, n: int) -> Array:
        return np.column_stack([side.facts.sample(rng, n) for side in sides if side.facts.sample])

    facts = Facts(
        family=family,
        parameters=parameters,
        moments=moments,
        entropy=None if any(e is None for e in entropies) else float(sum(e or 0.0 for e in entropies)),
        tails=_heaviest_tails(sides, Interval()) if all(side.support == Interval() for side in sides) else None,
        factors=tuple(sides),
        sample=sample,
        transport=None if any(q is None for q in quantiles) else (len(sides), carry),
    )
    supports = tuple(s.support if isinstance(s.support, Interval | Lattice) else Interval() for s in sides)
    return Density(
        lambda x: np.sum([side._log_prob(x[:, i]) for i, side in enumerate(sides)], axis=0),
        dim=len(sides),
        support=Box(supports),
        vectorized=True,
        facts=facts,
        name=family,
    )


def laplace_product(loc: Any, scale: Any) -> Density:
    """Independent Laplace coordinates; one dimension gives the plain Laplace."""
    m, s = _location(loc), np.atleast_1d(np.asarray(scale, dtype=np.float64))
    if len(m) == 1:
        return laplace(m[0], s[0])
    sides = [laplace(a, b) for a, b in zip(m, s, strict=True)]
    return product(sides, "laplace", {"loc": m, "scale": s})


def mixture(weights: Any, components: Sequence[Density | Discrete]) -> Density:
    """Σ wₖ·componentₖ; weights must be non-negative and sum to one."""
    w = np.atleast_1d(np.asarray(weights, dtype=np.float64))
    parts = [c for c in components if isinstance(c, Density)]
    if len(parts) != len(components) or len(parts) != len(w):
        raise InputError(f"a mixture needs one weight for each of its densities; {len(w)} for {len(parts)}")
    if (w < 0).any() or not np.isfinite(w).all() or abs(float(w.sum()) - 1) > 1e-6:
        raise InputError(f"the weights of a mixture must be positive and sum to 1; {w.tolist()} sum to {w.sum():g}")
    keep = [i for i in range(len(w)) if w[i] > 0]
    w, parts = w[keep] / w.sum(), [parts[i] for i in keep]
    if len(parts) == 1:
        return parts[0]
    if len({(part.dim, part.support.measure) for part in parts}) > 1:
        raise InputError("the components of a mixture must share dimension and base measure")
    log_w = np.log(w)
    dim = parts[0].dim
    normals = all(part.facts.family in ("normal", "multivariate_normal") for part in parts)
    parameters = _mixture_parameters(w, parts, dim) if normals else {}
    in_one_sweep = _normals_at_once(log_w, parameters, dim) if normals else None

    def log_prob(x: Array) -> Array:
        if in_one_sweep is not None:
            return in_one_sweep(x)
        return log_sum_exp(np.stack([c._log_prob(x) + a for a, c in zip(log_w, parts, strict=True)]))

    def sample(rng: np.random.Generator, n: int) -> Array:
        which = rng.choice(len(w), size=n, p=w)
        out = np.empty(n if dim == 1 else (n, dim))
        order = np.argsort(which, kind="stable")
        ends = np.cumsum(np.bincount(which, minlength=len(parts)))
        for part, start, end in zip(parts, [0, *ends], ends, strict=False):
            if part.facts.sample is None:
                raise InputError(f"the component {part} has no sampler")
            if start < end:
                out[order[start:end]] = part.facts.sample(rng, int(end - start))
        return out

    facts = Facts(
        family="normal_mixture" if normals else "mixture",
        parameters=parameters,
        components=tuple(zip(w.tolist(), parts, strict=True)),
        moments=_mixture_moments(w, parts),
        tails=_heaviest_tails(parts, _union(parts)),
        breaks=tuple(sorted({b for part in parts for b in part.facts.breaks})),
        sample=sample,
        underflows=any(part.facts.underflows for part in parts),
        noise=max(part.facts.noise for part in parts),
        points=min((part.facts.points for part in parts if part.facts.points is not None), default=None),
        moved=lambda a, s: mixture(w, [moved(part, a, s) for part in parts]),
        frame=min((part.facts.frame for part in parts), key=lambda place: place[1]),
    )
    return Density(log_prob, dim=dim, support=_union(parts), vectorized=True, facts=facts)


def _normals_at_once(log_w: Array, parameters: dict[str, Any], dim: int) -> Callable[[Array], Array] | None:
    """Their log density in one sweep: on the line, or in space if all have one covariance."""
    loc = parameters["loc"]
    if dim == 1:
        return many.on_line(log_w, loc, parameters["scale"])
    covariances = parameters["covariance_matrix"]
    if (covariances != covariances[0]).any():
        return None
    tril = np.linalg.cholesky(covariances[0])
    return many.alike(log_w, loc, tril, lambda x: whitened(x, np.zeros(dim), tril))


def _mixture_parameters(w: Array, parts: Sequence[Density], dim: int) -> dict[str, Any]:
    loc = np.array([part.parameters["loc"] for part in parts])
    if dim == 1:
        return {"weights": w, "loc": loc, "scale": np.array([part.parameters["scale"] for part in parts])}
    return {
        "weights": w,
        "loc": loc,
        "covariance_matrix": np.array([p.parameters["covariance_matrix"] for p in parts]),
    }


def _mixture_moments(w: Array, parts: Sequence[Density]) -> tuple[Any, Any] | None:
    if any(part.facts.moments is None for part in parts):
        return None
    pairs = [part.facts.moments or (0.0, 0.0) for part in parts]
    means = np.array([np.atleast_1d(m) for m, _ in pairs])
    with np.errstate(invalid="ignore"):  # moments that do not exist
        mean = w @ means
        spread = [
            a * (np.atleast_2d(v) + np.outer(m - mean, m - mean)) for a, m, (_, v) in zip(w, means, pairs, strict=True)
        ]
        covariance = np.sum(spread, axis=0)
    return (mean[0], covariance[0, 0]) if parts[0].dim == 1 else (mean, covariance)


def _heaviest_tails(parts: Sequence[Density], whole: Support) -> tuple[Tail, Tail] | None:
    """The heaviest tail at either end that reaches it; a power beats any exponential, a smaller exponent a larger."""
    if any(part.facts.tails is None for part in parts):
        return None
    sides = []
    for side, end in enumerate(ends(whole)):
        mine = [part.facts.tails[side] for part in parts if part.facts.tails and ends(part.support)[side] == end]
        sides.append(min(mine, key=lambda t: (t.power, t.exponent), default=Tail()))
    return sides[0], sides[1]


def _union(parts: Sequence[Density]) -> Any:
    supports = list(dict.fromkeys(part.support for part in parts))  # the different ones
    widest = max(supports, key=lambda s: sum(is_subset(other, s) for other in supports))
    if all(is_subset(other, widest) for other in supports):
        return widest
    boxes = [s for s in supports if isinstance(s, Box)]
    if len(boxes) == len(supports) and all(isinstance(side, Interval) for box in boxes for side in box.sides):
        columns = zip(*(box.sides for box in boxes), strict=True)  # the smallest box around them
        return Box(tuple(Interval(min(s.low for s in c), max(s.high for s in c)) for c in columns))
    if all(isinstance(s, Interval | Lattice) for s in supports):
        low = min(s.low for s in supports if isinstance(s, Interval | Lattice))
        high = max(s.high for s in supports if isinstance(s, Interval | Lattice))
        return Interval(low, high) if isinstance(supports[0], Interval) else Lattice(low, high)
    return reals(parts[0].dim)
