"""Two and three free coordinates: the integral over each part of P in cells of its own, with its error."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np

from kullback._distribution import Density, _charts
from kullback._result import Divergence, InputError, Status
from kullback._support import Array
from kullback.methods._free import resolved, without_ends
from kullback.methods._gap import Gap, breaks_off
from kullback.methods._line import checked
from kullback.methods._pace import affordable
from kullback.methods._parts import Part, blurred, parts
from kullback.methods._progress import Progress, followed
from kullback.methods._request import Request
from kullback.numerics.cubature import Cubature, cubature
from kullback.numerics.terms import rounding

EPS = float(np.finfo(float).eps)
POINTS = {2: 2_000_000, 3: 5_000_000}
RTOL = {2: 1e-10, 3: 1e-8}
GOAL = {2: 1e-8, 3: 1e-6}
MOST_PARTS = 100  # cells for more would take minutes


def serves(f: Density) -> str:
    """Why f cannot be integrated here, or nothing."""
    d = _charts.free(f.support)
    if d in POINTS:
        n = _number(f)
        return f"has {n} components, each with cells of its own" if n > MOST_PARTS and not blurred(f) else ""
    return f"has {d} free coordinates" if d > 3 else f"lives on {f.support}"


def _number(f: Density) -> int:
    return sum(_number(part) for _, part in f.facts.components) or 1


def measure(p: Density, q: Density, request: Request) -> Divergence:
    """KL(P‖Q) by cubature."""
    free = without_ends(p, q) if resolved(p) and resolved(q) else None
    p, q = free or (p, q)
    p, error_p, of_p = _ready(p, "P")
    q, error_q, of_q = _ready(q, "Q")
    wanted = request.tolerance
    gap = Gap()
    noise = p.facts.noise + q.facts.noise
    dim = len(of_p[0].centre)
    x, _ = of_p[0].outward(np.full((1, dim), 0.5))
    budget = affordable(request.budget, POINTS[dim], x, p, q)
    slow = budget < POINTS[dim] and request.budget is None
    rtol = 0.0 if wanted is not None else 0.1 * GOAL[dim] if slow else RTOL[dim]
    value, error, mass, lost, n = 0.0, 0.0, 0.0, 0.0, 0
    for left, part in zip(range(len(of_p), 0, -1), of_p, strict=True):
        with Progress() as say:
            found = _over(
                part, [o for o in of_p + of_q if o is not part], followed(_terms(p, q, gap), say, "quadrature"),
                rtol=rtol, atol=part.weight * (1e-13 if wanted is None else wanted / 2),
                drivers=2, max_points=max((budget - n) // left, 1),
            )  # fmt: skip
        n += found.n
        if gap and not q.facts.underflows and breaks_off(q._log_prob, _centres(of_p + of_q), gap.x):
            detail = f"P has density {gap.p:.3g} at {np.array2string(gap.x, precision=6)}, where Q has none"
            return Divergence(
                math.inf, 0.0, "bound", method="quadrature", n=n, status=Status.SUPPORT_GAP, detail=detail
            )
        value += float(found.value[0])
        mass += float(found.value[1])
        lost += float(found.value[3])
        error += float(found.error[0]) + (_noise(part) * EPS + noise) * float(found.value[2])
    evidence, beyond = _outside(p, q, of_p)
    if evidence or not math.isfinite(value):
        return Divergence(
            math.inf, 0.0, "estimate", method="quadrature", n=n, status=Status.TAIL_EVIDENCE,
            detail=evidence or "p·log(p/q) grows without bound",
        )  # fmt: skip
    error += beyond + abs(mass - 1) * (1 + abs(value)) + error_p + error_q
    detail = ""
    if gap or lost > 0:
        error, detail = math.inf, "Q's log density is only known as log of a density that underflows"
    goal = wanted if wanted is not None else max(GOAL[dim] * abs(value), 1e-12)
    status = Status.OK if error <= goal + error_p + error_q else Status.TOLERANCE_MISSED
    return Divergence(value, error, "estimate", method="quadrature", n=n, status=status, detail=detail)


def _centres(parts: list[Part]) -> Array:
    return np.concatenate([_charts.outward(part.density.support, part.centre[None])[0] for part in parts])


def _over(
    part: Part,
    others: list[Part],
    rows: Callable[[Part, Array, Array], Array],
    *,
    max_points: int,
    **options: float | int | None,
) -> Cubature:
    """The integral over one part's cells; `rows` takes the part, points x and log |dx/du|.

    Where the part's shape had to be searched for, a ridge may lie between all nodes: cells turned by one radian
    must give the same, and what they differ by is added to the error.
    """

    each = max_points if part.stated else max_points // 2

    def once(part: Part) -> Cubature:
        def f(u: Array) -> Array:
            x, slope = part.outward(u)
            return rows(part, x, slope)

        low, high = part.cells(others, most=0.4 * each / 15 ** len(part.centre))
        return cubature(f, low, high, max_points=each, **options)  # type: ignore[arg-type]

    found = once(part)
    if part.stated:
        return found
    again = once(part.turned())
    apart = 2 * np.abs(found.value - again.value)
    return found._replace(error=np.maximum(found.error, again.error) + apart, n=found.n + again.n)


def _terms(p: Density, q: Density, gap: Gap) -> Callable[[Part, Array, Array], Array]:
    """Rows of the part's share of p·log(p/q), its mass, the reach of rounding, and mass that no double can weigh."""

    def rows(part: Part, x: Array, slope: Array) -> Array:
        log_part = checked(part.density, x, "P")
        log_p = log_part if part.density is p else checked(p, x, "P")
        log_q = checked(q, x, "Q")
        with np.errstate(over="ignore", invalid="ignore"):
            mass = part.weight * np.exp(log_part + slope)
            mass = np.where(np.isfinite(mass), mass, 0.0)
            gone = gap.see(x, np.where(mass > 0, log_p, -np.inf), log_q)
            over = (log_q == -np.inf) & ~gone & (mass > 0)
            lost = np.where(over & (mass > 1e-250) & q.facts.underflows, mass, 0.0)
            mass = np.where(over | gone, 0.0, mass)
            d = np.where(mass > 0, log_p - log_q, 0.0)
        unsure = rounding(mass, log_p, np.where(mass > 0, log_q, 0.0))
        if _charts.bounded(p.support):
            unsure = unsure + mass * (1 + np.abs(d)) * _charts.blur(p.support, x)
        return np.stack([mass * d, mass, unsure, lost])

    return rows


def _noise(part: Part) -> float:
    """How many roundings a log density takes: by the condition of its factor and the distance from the origin."""
    widths = np.sqrt((part.factor**2).sum(axis=1))
    shape = part.factor / widths[:, None]
    return 4 * (1 + float(np.linalg.cond(shape)) + float(np.max(np.abs(part.centre) / widths)))


def _outside(p: Density, q: Density, of_p: list[Part]) -> tuple[str, float]:
    """Why the integral looks infinite, or nothing; and what may lie beyond the cells.

    |p·log(p/q)| is weighed on three shells, each ten (or, where the chart has logarithms, two) times as far as the
    one before. It must fall from shell to shell.
    """
    beyond = 0.0
    for part in of_p:
        facts = part.density.facts
        if part.product or part.reach() < 1e4 or q.facts.underflows:
            continue
        if facts.tails is not None and min(t.power for t in facts.tails) == math.inf:
            continue
        end = part.reach()
        edges = [end / 8, end / 4, end / 2, end] if _charts.bounded(p.support) else [1e3, 1e4, 1e5, 1e6]
        first, second, third = (_shell(part, p, q, a, b) for a, b in itertools.pairwise(edges))
        if third > 1e-290 and third >= 0.9995 * second >= 0.999 * first:
            return "p·log(p/q) does not fall off far out", 0.0
        if third > 0 and not _charts.bounded(p.support):
            rate = third / second
            beyond += third * rate ** (math.log10(end) - 6) / (1 - rate) if rate < 1 else math.inf
    return "", beyond


def _shell(part: Part, p: Density, q: Density, inner: float, outer: float) -> float:
    def rows(u: Array) -> Array:
        x, slope = part.outward(u)
        with np.errstate(all="ignore"):
            log_p, log_q = p._log_prob(x), q._log_prob(x)
            size = np.exp(log_p + slope + np.log(np.abs(log_p - log_q)))
        return np.nan_to_num(size, nan=0.0, posinf=1e300)[None]

    low, high = part.cells([])
    keep = low[:, 0] == low[:, 0].min()
    low, high = low[keep].copy(), high[keep].copy()
    low[:, 0], high[:, 0] = math.asinh(inner), math.asinh(outer)
    return float(cubature(rows, low, high, rtol=1e-5, max_points=200_000).value[0])


def _ready(f: Density, name: str) -> tuple[Density, float, list[Part]]:
    """f with integral one, the error of its log, and its parts; of a Q that is trusted only those that it states."""
    if f.normalized and not f.anonymous:
        return f, 0.0, parts(f, known=name == "Q")
    found = parts(f)
    total, error = 0.0, 0.0
    x, _ = _charts.outward(f.support, found[0].centre[None])
    peak = float(checked(f, x, name)[0])

    def rows(part: Part, x: Array, slope: Array) -> Array:
        log_f = checked(part.density, x, name) - peak
        return np.exp(np.minimum(log_f + slope, 700.0))[None]

    dim = len(found[0].centre)
    budget = affordable(None, POINTS[dim], x, f)
    for part in found:
        # of a slow one the integral that follows sees the mass by turned cells too
        sure = part._replace(stated=True) if budget < POINTS[dim] else part
        result = _over(sure, [], rows, rtol=RTOL[dim], max_points=budget)
        total += part.weight * float(result.value[0])
        error += part.weight * float(result.error[0]) + 8 * EPS * total
    if not (math.isfinite(total) and total > 0 and error < 0.1 * total):
        raise InputError(f"{name} has no integral that settles over {f.support}: it may not be a density")
    log_z, error = peak + math.log(total), error / total
    if f.normalized:
        if abs(log_z) > 1e-4 + 10 * error:
            raise InputError(
                f"{name} = {f} integrates to {math.exp(min(log_z, 700)):.6g}, not to 1; "
                "pass normalized=False if it is known up to a constant"
            )
        return f, abs(log_z) + error, found
    inner = f._log_prob
    whole = Density(
        lambda x: inner(x) - log_z, dim=f.dim, support=f.support, vectorized=True, facts=f.facts, name=f.name
    )
    return whole, error, [part._replace(density=whole) for part in found]


def normalise(f: Density, name: str = "P") -> tuple[Density, float]:
    """A density whose integral is one, and the error of its log integral; a callable's claim is checked."""
    whole, error, _ = _ready(f, name)
    return whole, error


def nodes(f: Density, rtol: float = 1e-8) -> tuple[Array, Array]:
    """Points x and weights with Σ w·h(x) ≈ E_f h for smooth h; f is normalised."""
    f, _, found = _ready(f, "P")

    def rows(part: Part, x: Array, slope: Array) -> Array:
        log_f = checked(part.density, x, "P")
        mass = np.exp(np.minimum(log_f + slope, 700.0))
        return np.stack([mass, mass * np.where(mass > 0, log_f, 0.0)])

    xs, ws = [], []
    budget = affordable(None, POINTS[len(found[0].centre)], _charts.outward(f.support, found[0].centre[None])[0], f)
    for part in found:
        result = _over(part, [o for o in found if o is not part], rows, rtol=rtol, max_points=budget)
        x, slope = part.outward(result.x)
        w = part.weight * np.exp(checked(part.density, x, "P") + slope) * result.w
        keep = w > 1e-22 * part.weight
        xs.append(x[keep])
        ws.append(w[keep])
    return np.concatenate(xs), np.concatenate(ws)
