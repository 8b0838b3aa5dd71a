"""Adaptive Gauss-Kronrod quadrature of several integrands at once, on panels that reach to the ends.

Between the outer breaks the panels are straight. Beyond them x = b ± s·sinh(t) reaches towards infinity and
x = end ∓ L·exp(−t) towards a finite end, so that heavy tails and end-point singularities become smooth. All new
panels of a round are evaluated in one call. The error of a panel is QUADPACK's estimate from the embedded
Gauss rule (Piessens et al. 1983).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kullback.numerics.seams import hidden

Array = NDArray[Any]  # of floats

_HALF_NODES = [
    0.995657163025808080735527280689003,
    0.973906528517171720077964012084452,
    0.930157491355708226001207180059508,
    0.865063366688984510732096688423493,
    0.780817726586416897063717578345042,
    0.679409568299024406234327365114874,
    0.562757134668604683339000099272694,
    0.433395394129247190799265943165784,
    0.294392862701460198131126603103866,
    0.148874338981631210884826001129720,
]
_HALF_KRONROD = [
    0.011694638867371874278064396062192,
    0.032558162307964727478818972459390,
    0.054755896574351996031381300244580,
    0.075039674810919952767043140916190,
    0.093125454583697605535065465083366,
    0.109387158802297641899210590325805,
    0.123491976262065851077958109585166,
    0.134709217311473325928054001771707,
    0.142775938577060080797094273138717,
    0.147739104901338491374841515972068,
]
_HALF_GAUSS = [
    0.066671344308688137593568809893332,
    0.149451349150580593145863397657697,
    0.219086362515982043995534934228163,
    0.269266719309996355091226921569469,
    0.295524224714752870173815619188769,
]
NODES = np.array([-x for x in _HALF_NODES] + [0.0] + _HALF_NODES[::-1])
KRONROD = np.array([*_HALF_KRONROD, 0.149445554002916905664936468389821, *_HALF_KRONROD[::-1]])
GAUSS = np.zeros(21)
GAUSS[1:10:2] = _HALF_GAUSS
GAUSS[11:20:2] = _HALF_GAUSS[::-1]

OUTER = [0, 1, 2, 18, 19, 20]  # the nodes that tell of a panel's ends

STRAIGHT, UP, DOWN, TO_HIGH, TO_LOW = range(5)
NOWHERE = np.empty(0)
STRONG = 0.65  # the spread of |x|^−0.6 beside its mean
FARTHEST = 1e150  # squares of points beyond it overflow
NEAREST = 1e-290  # ratios of points nearer to 0 underflow; near another end, stay some roundings away
NEAREST_ROUNDINGS = 512
GRADE = 8.0
_LADDER = np.array([0.0, 0.5, 1, 1.5, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32, 64, 128, 256, 745])
EPS = float(np.finfo(float).eps)


class Integral(NamedTuple):
    """Values and absolute errors of the integrands, what of the values lies beyond the last panels, and the nodes.

    `ends` extrapolates the integrand, as an exponential in the panels' own coordinate (a power of x), past the
    last point; ∞ where it does not fall off.
    """

    value: Array
    error: Array
    ends: Array
    n: int
    x: Array
    w: Array


class _Panels(NamedTuple):
    """Panels [a, b] in their own coordinate, with the map that leads to x."""

    a: Array
    b: Array
    kind: Array
    origin: Array
    scale: Array
    last: Array

    def take(self, which: Array) -> _Panels:
        return _Panels(*(field[which] for field in self))

    def halves(self) -> _Panels:
        middle = 0.5 * (self.a + self.b)
        left, right = self._replace(b=middle, last=np.zeros_like(self.last)), self._replace(a=middle)
        return _Panels(*(np.concatenate(pair) for pair in zip(left, right, strict=True)))

    def points(self) -> tuple[Array, Array]:
        """x and dx of every node, shape (panels, 21)."""
        half = 0.5 * (self.b - self.a)
        x, slope = self.at((0.5 * (self.a + self.b))[:, None] + half[:, None] * NODES)
        return x, slope * half[:, None]

    def at(self, t: Array) -> tuple[Array, Array]:
        """x and dx/dt at t, one row a panel."""
        kind, origin, scale = self.kind[:, None], self.origin[:, None], self.scale[:, None]
        x, slope = t.copy(), np.ones_like(t)
        with np.errstate(over="ignore"):
            for sign, sinh, exp in ((1.0, UP, TO_LOW), (-1.0, DOWN, TO_HIGH)):
                rows = kind[:, 0] == sinh
                if rows.any():
                    x[rows] = origin[rows] + sign * scale[rows] * np.sinh(t[rows])
                    slope[rows] = scale[rows] * np.cosh(t[rows])
                rows = kind[:, 0] == exp
                if rows.any():
                    slope[rows] = scale[rows] * np.exp(-t[rows])
                    x[rows] = origin[rows] + sign * slope[rows]
        return x, slope


class _Evaluated(NamedTuple):
    """Panels with their integrals, errors, the effect of rounded nodes, the nodes, and the values at the outer ones."""

    panels: _Panels
    value: Array
    error: Array
    jitter: Array
    x: Array
    w: Array
    outer: Array

    def keep(self, which: Array) -> _Evaluated:
        return _Evaluated(self.panels.take(which), *(field[which] for field in self[1:]))

    def join(self, other: _Evaluated) -> _Evaluated:
        panels = _Panels(*(np.concatenate(pair) for pair in zip(self.panels, other.panels, strict=True)))
        return _Evaluated(panels, *(np.concatenate(pair) for pair in zip(self[1:], other[1:], strict=True)))


def integrate(
    f: Callable[[Array], Array],
    low: float,
    high: float,
    breaks: Array,
    *,
    rtol: float = 1e-12,
    atol: float = 0.0,
    drivers: int | None = None,
    max_points: int = 400_000,
    noise: float = 0.0,
    summed: tuple[bool, bool] = (False, False),
    known: Array = NOWHERE,
) -> Integral:
    """∫ f over (low, high); f maps (n,) points to (k, n) values, and the first `drivers` rows steer the halving.

    `known` are the breaks, in order, at which f is known to jump or to bend. `noise` is the relative error of f itself,
    below which no panel is halved. `summed` says of the low and the high end
    that the caller sums what lies past −FARTHEST and FARTHEST.
    """
    first, thin = _affordable_panels(low, high, breaks, max_points)
    known = known if thin == 1 else NOWHERE
    done = _evaluate(f, first)
    n = done.x.size
    k = drivers or done.value.shape[1]
    while True:
        sums = done.value.sum(axis=0)
        tolerance = np.maximum(rtol * np.abs(sums), atol)[:k]
        floor = np.maximum((20 * EPS + noise) * np.abs(done.value[:, :k]), done.jitter[:, :k])
        seams = hidden(done.x[:, OUTER], done.outer, known)
        over = (done.error[:, :k] + seams[:, :k] > np.maximum(tolerance / (2 * len(done.value)), floor)).any(axis=1)
        a, b = done.panels.a, done.panels.b
        over &= np.abs(b - a) > 64 * EPS * np.maximum(np.abs(a), np.abs(b))
        settled = bool(((done.error + seams)[:, :k].sum(axis=0) <= tolerance).all())
        more = 42 * int(over.sum())
        if settled or not more or n + more > max_points or not np.isfinite(sums[:k]).all():
            break
        done = done.keep(~over).join(_evaluate(f, done.panels.take(over).halves()))
        n += more
    ends, beyond = _beyond(f, first, np.abs(sums), summed)
    a, b = done.panels.a, done.panels.b
    stuck = np.abs(b - a) <= 64 * EPS * np.maximum(np.abs(a), np.abs(b))
    done.error[stuck] *= _missed(done.value[stuck], done.error[stuck])
    error = done.error.sum(axis=0) + seams.sum(axis=0) + done.jitter.sum(axis=0) + beyond
    return Integral(sums + ends, error, ends, n, done.x.ravel(), done.w.ravel())


def _missed(value: Array, error: Array) -> Array:
    """How many times more than its rules tell is missing of a panel at a pole that cannot be halved.

    The stronger the pole, the less of it any rule sees, and the wider what it saw is spread beside its mean.
    """
    with np.errstate(all="ignore"):
        strong = np.nan_to_num(error / np.abs(value)) > STRONG
    return np.where(strong, 4.0, 1.0)


def _beyond(
    f: Callable[[Array], Array], panels: _Panels, sums: Array, summed: tuple[bool, bool]
) -> tuple[Array, Array]:
    """What lies past the ends, and its error.

    There h(t) = f·dx/dt goes on like e^(−ct), a power of x or of the distance to a finite end, perhaps times a slower
    function, such as a logarithm. With the rate r = −(log h)′ and its slope r′, from three points before the end,
    ∫h = (h/r)·(1 − r′/r² + …); the second term is the error. ∞ where h does not fall.
    """
    beyond, error = np.zeros(len(sums)), np.zeros(len(sums))
    for i in np.flatnonzero(panels.last):
        if (summed[1] and panels.kind[i] == UP) or (summed[0] and panels.kind[i] == DOWN):
            continue
        end = panels.b[i]
        t = end - max(0.1 * (end - panels.a[i]), 3.0) * np.array([3.0, 2.0, 1.0])
        chosen = panels.take(np.full(3, i))
        x, slope = chosen.at(t[:, None])
        with np.errstate(all="ignore"):
            h = np.nan_to_num(f(x.ravel()) * slope.ravel(), nan=0.0, posinf=np.inf, neginf=-np.inf)
            step = t[1] - t[0]
            early, late = (np.log(np.abs(h[:, :-1] / h[:, 1:])) / step).T
            bend = (late - early) / step
            rate = late + 1.5 * step * bend  # at the end itself
            last = h[:, 2] * np.exp(-(late + step * bend) * step)
            second = np.nan_to_num(bend / rate**2)
            tails = last / rate * (1 - second)
            unsure = (np.abs(second) + 1e-3) * np.abs(tails)
        counts = np.abs(h[:, -1]) > 1e-14 * sums
        flat = counts & ~(np.minimum(late, rate) > 1e-4)
        tail = np.where(counts & np.isfinite(tails), tails, 0.0)
        beyond += np.where(flat, np.inf, tail)
        error += np.where(flat, np.inf, np.where(tail == 0, 0.0, unsure))
    return beyond, error


def _evaluate(f: Callable[[Array], Array], panels: _Panels) -> _Evaluated:
    x, dx = panels.points()
    fx = f(x.ravel()).reshape(-1, *x.shape)
    with np.errstate(invalid="ignore", over="ignore"):
        kronrod = (fx * (KRONROD * dx)).sum(axis=-1)
        gauss = (fx * (GAUSS * dx)).sum(axis=-1)
    error = _panel_error(fx, dx, kronrod, gauss)
    outer = np.moveaxis(fx[..., OUTER], 0, 1)
    return _Evaluated(panels, kronrod.T, error.T, _jitter(fx, x).T, x, KRONROD * dx, outer)


def _jitter(fx: Array, x: Array) -> Array:
    """What the rounding of the nodes themselves can move: half a unit of x times the variation of f."""
    with np.errstate(invalid="ignore", over="ignore"):
        size = np.minimum(np.abs(x[:, 1:]), np.abs(x[:, :-1]))  # nodes may lie decades apart
        moved = 0.5 * EPS * (size * np.abs(np.diff(fx, axis=-1))).sum(axis=-1)
    return np.nan_to_num(moved, nan=0.0, posinf=np.inf)


def _panel_error(fx: Array, dx: Array, kronrod: Array, gauss: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        weights = KRONROD * dx
        mean = kronrod / weights.sum(axis=-1)
        spread = (np.abs(fx - mean[..., None]) * weights).sum(axis=-1)
        size = (np.abs(fx) * weights).sum(axis=-1)
        raw = np.abs(kronrod - gauss)
        scaled = spread * np.minimum(1.0, (200 * raw / spread) ** 1.5)
        # at a kink the rules differ by some thirty times the error of the better, not by a power of it
        error = np.where(spread > 0, np.maximum(scaled, raw / 10), raw)
        return np.asarray(np.maximum(error, 2 * EPS * size))


def _graded(x: Array) -> Array:
    """More points where a gap is much longer than its neighbour: the longer one may begin with the shorter's scale."""
    gaps = np.diff(x)
    more = [x]
    for i in range(len(gaps)):
        for other, start, sign in ((i - 1, x[i], 1.0), (i + 1, x[i + 1] if i + 1 < len(x) else 0.0, -1.0)):
            if 0 <= other < len(gaps) and gaps[i] > 2 * GRADE * gaps[other]:
                count = int((np.log(gaps[i]) - np.log(gaps[other])) / np.log(GRADE))
                more.append(start + sign * gaps[other] * GRADE ** np.arange(1.0, count + 0.5))
    return np.unique(np.concatenate(more)) if len(more) > 1 else x


def _affordable_panels(low: float, high: float, breaks: Array, max_points: int) -> tuple[_Panels, int]:
    """The first panels; for a slow f fewer, so that half of the points are left for where they are needed.

    And by how much the breaks were thinned.
    """
    for thin in (1, 2, 3, 4, 6):
        panels = _first_panels(low, high, breaks, thin)
        if 2 * len(NODES) * len(panels.a) <= max_points:
            break
    return panels, thin


def _first_panels(low: float, high: float, breaks: Array, thin: int = 1) -> _Panels:
    for end in (low, high):  # a break that rounding cannot tell from an end would leave it no panels
        if np.isfinite(end):
            breaks = breaks[np.abs(breaks - end) > max(1e-9 * abs(end), 1e6 * NEAREST)]
    if not (np.isfinite(low) and np.isfinite(high)):  # and none so far out that panels end before it
        breaks = breaks[np.abs(breaks) < 1e-20 * FARTHEST]
    inner = np.unique(breaks[(breaks > low) & (breaks < high) & np.isfinite(breaks)])
    if not len(inner):
        middle = 0.5 * (low + high) if np.isfinite(low) and np.isfinite(high) else 0.0
        if not low < middle < high:
            middle = low + 1.0 if np.isfinite(low) else high - 1.0
        inner = np.array([middle])
    inner = _graded(inner) if thin == 1 else inner[thin // 2 :: thin] if len(inner) > thin else inner
    rows: list[tuple[float, float, int, float, float, bool]] = [
        (a, b, STRAIGHT, 0.0, 1.0, False) for a, b in itertools.pairwise(inner)
    ]
    centre = inner[len(inner) // 2]
    for end, edge, sinh, exp in ((high, inner[-1], UP, TO_HIGH), (low, inner[0], DOWN, TO_LOW)):
        if np.isfinite(end):
            origin, scale, kind = float(end), float(abs(end - edge)), exp
            # as near to the end as doubles can tell from it, where a density may be infinite
            reach = math.log(scale) - math.log(max(NEAREST, NEAREST_ROUNDINGS * EPS * abs(end)))
        else:
            # the size of things on this side: the other may be longer by decades
            gap = abs(edge - (inner[-2:][0] if end > edge else inner[:2][-1]))
            origin, scale, kind = float(edge), float(max(gap, 0.25 * abs(edge - centre))) or 1.0, sinh
            # arsinh(FARTHEST / scale), whose quotient may lie beyond the doubles
            reach = (
                math.log(2 * FARTHEST) - math.log(scale) if scale < 1e-9 * FARTHEST else math.asinh(FARTHEST / scale)
            )
        ladder = _LADDER[::thin]
        steps = np.append(ladder[reach > ladder], reach)
        rows += [(a, b, kind, origin, scale, i == len(steps) - 2) for i, (a, b) in enumerate(itertools.pairwise(steps))]
    a, b, kinds, origins, scales, last = zip(*rows, strict=True)
    return _Panels(np.array(a), np.array(b), np.array(kinds), np.array(origins), np.array(scales), np.array(last))
