"""Log masses that SciPy takes as the log of a mass that underflows, or by log gammas that round, by their formulas.

Each function takes the shapes and gives the log mass of the standard form at whole k inside the support, and how the
mass falls at either end. The formulas are those of SciPy's reference pages; None where a table would be too long.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from kullback._distribution import Tail
from kullback._support import Array
from kullback.numerics import integers, masses
from kullback.numerics.lazy import special

LogMass = Callable[[Array], Array]
Known = tuple[LogMass, tuple[Tail, Tail]]

NO_TAIL, GEOMETRIC_TAIL = Tail(), Tail(exponent=1.0)
HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
LONGEST = 1 << 20  # entries of a table


def _betanbinom(n: float, a: float, b: float) -> Known:
    def log_mass(k: Array) -> Array:
        return np.log(n / (n + k)) + masses.polya(k, np.full(k.shape, float(n)), b, a)

    return log_mass, (NO_TAIL, Tail(power=a))


def _boltzmann(rate: float, n: float) -> Known:
    constant = math.log(-math.expm1(-rate)) - math.log(-math.expm1(-rate * n))
    return lambda k: constant - rate * k, (NO_TAIL, NO_TAIL)


def _planck(rate: float) -> Known:
    constant = math.log(-math.expm1(-rate))
    return lambda k: constant - rate * k, (NO_TAIL, GEOMETRIC_TAIL)


def _dlaplace(rate: float) -> Known:
    constant = math.log(math.tanh(0.5 * rate))
    return lambda k: constant - rate * np.abs(k), (GEOMETRIC_TAIL, GEOMETRIC_TAIL)


def _yulesimon(alpha: float) -> Known:
    constant = math.log(alpha) + float(special.gammaln(alpha + 1))
    return lambda k: constant - masses.log_gamma_steps(k, alpha + 1), (NO_TAIL, Tail(power=alpha))


def _zipfian(a: float, n: float) -> Known:
    whole = math.log(float(integers.total(lambda k: (k**-a)[None], 1.0, n, np.ones(1)).value[0]))
    return lambda k: -a * np.log(k) - whole, (NO_TAIL, NO_TAIL)


def _hypergeom(total: float, marked: float, drawn: float) -> Known:
    return lambda k: masses.hypergeometric(k, total, marked, np.asarray(drawn)), (NO_TAIL, NO_TAIL)


def _nhypergeom(total: float, marked: float, stop: float) -> Known | None:
    """k of the marked before `stop` of the others: k among the first k + stop, of which the last is no marked one."""
    if stop == 0:
        return None

    def log_mass(k: Array) -> Array:
        return masses.hypergeometric(k, total, marked, k + stop) + np.log(stop / (k + stop))

    return log_mass, (NO_TAIL, NO_TAIL)


def _nchypergeom_fisher(total: float, marked: float, drawn: float, odds: float) -> Known | None:
    low, high = max(0.0, drawn - (total - marked)), min(marked, drawn)
    if high - low > LONGEST:
        return None

    def weight(k: Array) -> Array:
        return masses.hypergeometric(k, total, marked, np.asarray(drawn)) + k * math.log(odds)

    whole = float(special.logsumexp(weight(np.arange(low, high + 1))))
    return lambda k: weight(k) - whole, (NO_TAIL, NO_TAIL)


def _skellam(first: float, second: float) -> Known:
    """The difference of two Poisson variables: by their deviances where Debye's series holds, by Bessel's I elsewhere.

    With r² = k² + 4·μ₁μ₂ the counts u, v = (r ± k)/2 have u − v = k and are the likeliest (NIST DLMF 10.41.3).
    """
    both, reach = first + second, 2 * math.sqrt(first) * math.sqrt(second)

    def log_mass(k: Array) -> Array:
        r = np.hypot(k, reach)
        step = masses.difference((1.0, k), (-1.0, first), (1.0, second))  # k less its mean
        up = 0.5 * step * (1 + (k + (first - second)) / (r + both))  # u − μ₁
        down = up - step
        small, large = 2 * first * second / (r + np.abs(k)), 0.5 * (r + np.abs(k))
        u, v = np.where(k > 0, large, small), np.where(k > 0, small, large)
        series = np.log(_debye(np.maximum(r, 1.0), (k / np.maximum(r, 1e-300)) ** 2))
        powers = -masses.deviance_of(u, first, -up) - masses.deviance_of(v, second, -down)
        far = powers - 0.5 * np.log(np.maximum(r, 1e-300)) - HALF_LOG_2PI + series
        near = np.abs(np.where(r < 500, k, 0.0))
        inner = _log_iv(near, reach) - both + 0.5 * k * math.log(first / second)
        return np.where(r < 500, inner, far)

    return log_mass, (GEOMETRIC_TAIL, GEOMETRIC_TAIL)


def _debye(r: Array, w: Array) -> Array:
    """Debye's series for I of a large order or argument, in 1/r, at w the square of order/r."""
    u1 = (3 - 5 * w) / 24
    u2 = (81 - w * (462 - 385 * w)) / 1152
    u3 = (30375 - w * (369603 - w * (765765 - 425425 * w))) / 414720
    u4 = (4465125 - w * (94121676 - w * (349922430 - w * (446185740 - 185910725 * w)))) / 39813120
    return np.asarray(1 + (u1 + (u2 + (u3 + u4 / r) / r) / r) / r)


def _log_iv(order: Array, x: float) -> Array:
    """log I of whole orders below 500."""
    scaled = special.ive(order, x)
    j = np.arange(80.0)[:, None]  # the power series, which is short where the scaled function underflows
    terms = 2 * j * math.log(0.5 * x) - special.gammaln(j + 1) - special.gammaln(order + j + 1)
    series = order * math.log(0.5 * x) + special.logsumexp(terms, axis=0)
    return np.where(scaled > 1e-280, np.log(np.maximum(scaled, 1e-300)) + x, series)


MASSES: dict[str, Callable[..., Known | None]] = {
    "betanbinom": _betanbinom,
    "boltzmann": _boltzmann,
    "dlaplace": _dlaplace,
    "hypergeom": _hypergeom,
    "nchypergeom_fisher": _nchypergeom_fisher,
    "nhypergeom": _nhypergeom,
    "planck": _planck,
    "skellam": _skellam,
    "yulesimon": _yulesimon,
    "zipfian": _zipfian,
}
