"""Log densities that SciPy takes as the log of a density that underflows, or loses far out, by their formulas.

A third of SciPy's continuous families know only log(pdf): −∞ as soon as the density leaves the doubles. The
functions here take the shapes and give the log density of the standard form, `EXACT` as a function of the point
z, `FROM_HIGH` of the distance from the high end (where z itself rounds it away). `KINKS` are the points at which
a density is not smooth. The formulas are those of SciPy's reference pages.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np

from kullback._support import Array
from kullback.numerics.lazy import special

LogDensity = Callable[[Array], Array]

LOG_PI = math.log(math.pi)
HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def _log1p_square(z: Array) -> Array:
    """log(1 + z²), also where z² overflows."""
    size = np.abs(z)
    return np.where(size < 1e100, np.log1p(z * z), 2 * np.log(size))


def _hypot(z: Array) -> Array:
    return np.hypot(1.0, z)


def _arcsine(t: Array) -> Array:
    return -LOG_PI - 0.5 * np.log(t) - 0.5 * np.log1p(-t)


def _beta_like(a: float, b: float) -> LogDensity:
    constant = special.betaln(a, b)
    return lambda z: special.xlogy(a - 1, z) + special.xlog1py(b - 1, -z) - constant


def _rdist_from_end(c: float) -> LogDensity:
    """(1 − z²)^(c/2 − 1) in t = 1 − |z|."""
    constant = special.betaln(0.5, c / 2)
    return lambda t: special.xlogy(c / 2 - 1, t * (2 - t)) - constant


def _argus_from_high(chi: float) -> LogDensity:
    psi = special.gammainc(1.5, 0.5 * chi * chi) / 2  # Φ(χ) − χφ(χ) − ½
    constant = 3 * math.log(chi) - HALF_LOG_2PI - math.log(psi)

    def log_density(t: Array) -> Array:
        rest = t * (2 - t)
        return constant + np.log1p(-t) + 0.5 * np.log(rest) - 0.5 * chi * chi * rest

    return log_density


def _genhalflogistic(c: float, from_high: bool) -> LogDensity:
    def log_density(z: Array) -> Array:
        log_base = np.log(c * z) if from_high else np.log1p(-c * z)
        return math.log(2) + (1 / c - 1) * log_base - 2 * np.log1p(np.exp(log_base / c))

    return log_density


def _gausshyper(a: float, b: float, c: float, z0: float, from_high: bool) -> LogDensity:
    constant = special.betaln(a, b) + math.log(special.hyp2f1(c, a, a + b, -z0))

    def log_density(z: Array) -> Array:
        if from_high:
            return (a - 1) * np.log1p(-z) + (b - 1) * np.log(z) - c * np.log1p(z0 * (1 - z)) - constant
        return (a - 1) * np.log(z) + (b - 1) * np.log1p(-z) - c * np.log1p(z0 * z) - constant

    return log_density


def _johnsonsb(a: float, b: float, from_high: bool) -> LogDensity:
    sign = -1.0 if from_high else 1.0

    def log_density(z: Array) -> Array:
        log_z, log_rest = np.log(z), np.log1p(-z)
        y = a + sign * b * (log_z - log_rest)
        return math.log(b) - HALF_LOG_2PI - log_z - log_rest - 0.5 * y * y

    return log_density


def _johnsonsu(a: float, b: float) -> LogDensity:
    def log_density(z: Array) -> Array:
        y = a + b * np.arcsinh(z)
        return math.log(b) - HALF_LOG_2PI - np.log(_hypot(z)) - 0.5 * y * y

    return log_density


def _jf_skew_t(a: float, b: float) -> LogDensity:
    constant = (a + b - 1) * math.log(2) + special.betaln(a, b) + 0.5 * math.log(a + b)

    def log_density(z: Array) -> Array:
        size = np.abs(z)
        r = np.hypot(math.sqrt(a + b), size)
        wide, narrow = np.log1p(size / r), math.log(a + b) - np.log(r) - np.log(r + size)  # 1 ± |z|/r
        up, down = np.where(z > 0, wide, narrow), np.where(z > 0, narrow, wide)
        return (a + 0.5) * up + (b + 0.5) * down - constant

    return log_density


def _kappa3(a: float) -> LogDensity:
    return lambda z: math.log(a) - (1 + 1 / a) * np.logaddexp(math.log(a), a * np.log(z))


def _invweibull(c: float) -> LogDensity:
    return lambda z: math.log(c) - (c + 1) * np.log(z) - np.exp(-c * np.log(z))


def _loglaplace(c: float) -> LogDensity:
    return lambda z: math.log(c / 2) - np.log(z) - c * np.abs(np.log(z))


def _foldcauchy(c: float) -> LogDensity:
    return lambda z: np.logaddexp(-_log1p_square(z - c), -_log1p_square(z + c)) - LOG_PI


def _foldnorm(c: float) -> LogDensity:
    return lambda z: -0.5 * (z - c) ** 2 + np.log1p(np.exp(-2 * c * z)) - HALF_LOG_2PI


def _rice(b: float) -> LogDensity:
    return lambda z: np.log(z) - 0.5 * (z - b) ** 2 + np.log(special.i0e(b * z))


def _skewcauchy(a: float) -> LogDensity:
    return lambda z: -LOG_PI - _log1p_square(z / (1 + a * np.sign(z)))


def _norminvgauss(a: float, b: float) -> LogDensity:
    root = math.sqrt((a - b) * (a + b))

    def log_density(z: Array) -> Array:
        r = _hypot(z)
        # b·z − a·r without the difference of two large numbers: −|z|·(a ∓ b) − a·(r − |z|)
        size = np.abs(z)
        fall = -size * np.where(z > 0, a - b, a + b) - a / (r + size)
        return math.log(a) - LOG_PI + root + fall + np.log(special.k1e(a * r)) - np.log(r)

    return log_density


def _genhyperbolic(p: float, a: float, b: float) -> LogDensity:
    root = math.sqrt((a - b) * (a + b))
    constant = p * math.log(root) - HALF_LOG_2PI - (p - 0.5) * math.log(a) - math.log(special.kve(p, root)) + root

    def log_density(z: Array) -> Array:
        r, size = _hypot(z), np.abs(z)
        fall = -size * np.where(z > 0, a - b, a + b) - a / (r + size)
        scaled = special.kve(p - 0.5, a * r)
        far = 0.5 * (math.log(math.pi / 2) - np.log(a * r))  # kve where its argument is too large for SciPy
        return constant + fall + np.where(scaled > 0, np.log(scaled), far) + (p - 0.5) * np.log(r)

    return log_density


def _rel_breitwigner(rho: float) -> LogDensity:
    inner = math.sqrt(1 + 1 / rho**2)
    constant = math.log(2 * math.sqrt(2) / math.pi * inner / math.sqrt(1 + inner))
    # f = C / (((z − ρ)(z + ρ)/ρ)² + 1); the constant is checked against the integral in the tests

    def log_density(z: Array) -> Array:
        w = np.abs(z - rho)
        near = np.where(z < 1e70, np.minimum(w, 1e70) * ((np.minimum(z, 1e70) + rho) / rho), 0.0)
        far = 2 * (2 * np.log(np.maximum(z, 1.0)) - math.log(rho))
        return constant - np.where(z < 1e70, np.log1p(near * near), far)

    return log_density


def _ncf(dfn: float, dfd: float, nc: float) -> LogDensity:
    """A Poisson mixture of betas in w = dfn·z/(dfd + dfn·z)."""
    half, reach = 0.5 * nc, 40 + 12 * math.sqrt(0.5 * nc)
    j = np.arange(max(0.0, math.floor(half - reach)), math.ceil(half + reach))[:, None]
    log_weight = special.xlogy(j, half) - half - special.gammaln(j + 1) - special.betaln(dfn / 2 + j, dfd / 2)

    def log_density(z: Array) -> Array:
        log_z = np.log(z)
        log_rest = -np.logaddexp(0.0, math.log(dfn / dfd) + log_z)  # log(1 − w)
        log_w = math.log(dfn / dfd) + log_z + log_rest
        terms = log_weight + (dfn / 2 + j) * log_w
        return special.logsumexp(terms, axis=0) + 0.5 * dfd * log_rest - log_z

    return log_density


def _nct(df: float, nc: float) -> LogDensity:
    """SciPy's own where it is a number; far out (1 + z²/df)^(−(df + 1)/2) times what it is at ±10⁸√df."""
    from scipy import stats

    far = 1e8 * math.sqrt(df)
    low, high = stats.nct.logpdf(np.array([-far, far]), df, nc)

    def power(z: Array) -> Array:
        return -0.5 * (df + 1) * _log1p_square(z / math.sqrt(df))

    def log_density(z: Array) -> Array:
        own = np.asarray(stats.nct.logpdf(z, df, nc))
        beyond = np.where(z > 0, high, low) + power(z) - power(np.array([far]))
        return np.where((np.abs(z) > far) & (own == -np.inf), beyond, own)

    return log_density


def _tukeylambda(shape: float) -> LogDensity | None:
    """1/Q′ at the upper level w < ½ with Q(1 − w) = |z|: log w by Newton, in logarithms; SciPy's own for shape > 0."""
    if shape >= 0:
        return None

    def log_density(z: Array) -> Array:
        size = np.abs(z)
        log_w = np.minimum(np.log(1 - shape * size) / shape, math.log(0.5))
        for _ in range(40):
            w = np.exp(log_w)
            whole = np.exp(shape * np.log1p(-w)) - shape * size  # w^shape, of the w sought
            slope = shape * (1 + w * np.exp((shape - 1) * np.log1p(-w)) / whole)
            log_w = np.minimum(log_w - (shape * log_w - np.log(whole)) / slope, math.log(0.5))
        return -np.logaddexp((shape - 1) * np.log1p(-np.exp(log_w)), (shape - 1) * log_w)

    return log_density


@cache
def _kolmogorov_terms() -> Array:
    return np.arange(1.0, 40.0)[:, None]


def _kstwobign(z: Array) -> Array:
    """8z·Σ (−1)^(k−1) k² exp(−2k²z²) above 1, the dual series of Jacobi's theta below."""
    k = _kolmogorov_terms()
    high, low = np.maximum(z, 0.9), np.minimum(z, 1.1)
    signs = np.where(k % 2 == 1, 1.0, -1.0)
    rest = (signs * k * k * np.exp(-2 * (k * k - 1) * high * high)).sum(axis=0)
    above = np.log(8 * high) - 2 * high * high + np.log(rest)
    # F = √(2π)/z Σ exp(−(2k−1)²π²/(8z²)), so f = √(2π)/z² Σ (c_k/z² − 1)·exp(−c_k/(2z²)), c_k = (2k−1)²π²/4
    c = (2 * k - 1) ** 2 * math.pi**2 / 4
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        u = 1 / (low * low)
        first = math.pi**2 / 4 * u
        series = ((c / (math.pi**2 / 4) - 1 / first) * np.exp(-0.5 * (c - math.pi**2 / 4) * u)).sum(axis=0)
        below = HALF_LOG_2PI + 2 * np.log(u) + 2 * math.log(math.pi / 2) - 0.5 * first + np.log(series)
    return np.where(z > 1, above, np.where(u < np.inf, below, -np.inf))


def _landau(z: Array) -> Array:
    """SciPy's own where it is a number; where it is 0, by the saddle point s of the Laplace integral."""
    from scipy import stats

    own = np.asarray(stats.landau.logpdf(z))
    with np.errstate(over="ignore"):
        log_s = -(math.pi / 2 * z + math.log(math.pi / 2)) - 1
        s = np.exp(log_s)
        saddle = -s + 0.5 * log_s - HALF_LOG_2PI + 1 / (24 * s) - 1 / (48 * s * s) + math.log(math.pi / 2)
    return np.where(z < -4.9, saddle, own)


EXACT: dict[str, Callable[..., LogDensity | None]] = {
    "anglit": lambda: lambda z: np.log(np.sin(2 * np.minimum(math.pi / 4 + z, math.pi / 4 - z))),
    "arcsine": lambda: _arcsine,
    "bradford": lambda c: lambda z: math.log(c) - np.log1p(c * z) - math.log(math.log1p(c)),
    "foldcauchy": _foldcauchy,
    "foldnorm": _foldnorm,
    "gausshyper": lambda a, b, c, z0: _gausshyper(a, b, c, z0, False),
    "genhalflogistic": lambda c: _genhalflogistic(c, False),
    "genhyperbolic": _genhyperbolic,
    "hypsecant": lambda: lambda z: -np.abs(z) - np.log1p(np.exp(-2 * np.abs(z))) + math.log(2 / math.pi),
    "invweibull": _invweibull,
    "jf_skew_t": _jf_skew_t,
    "johnsonsb": lambda a, b: _johnsonsb(a, b, False),
    "johnsonsu": _johnsonsu,
    "kappa3": _kappa3,
    "kstwobign": lambda: _kstwobign,
    "landau": lambda: _landau,
    "levy": lambda: lambda z: -HALF_LOG_2PI - 1.5 * np.log(z) - 0.5 / z,
    "levy_l": lambda: lambda z: -HALF_LOG_2PI - 1.5 * np.log(-z) + 0.5 / z,
    "loglaplace": _loglaplace,
    "moyal": lambda: lambda z: -0.5 * (z + np.exp(-z)) - HALF_LOG_2PI,
    "ncf": _ncf,
    "nct": _nct,
    "norminvgauss": _norminvgauss,
    "pareto": lambda b: lambda z: math.log(b) - (b + 1) * np.log(z),
    "rel_breitwigner": _rel_breitwigner,
    "rice": _rice,
    "skewcauchy": _skewcauchy,
    "tukeylambda": _tukeylambda,
}

FROM_HIGH: dict[str, Callable[..., LogDensity]] = {
    "anglit": lambda: lambda t: np.log(np.sin(2 * t)),
    "arcsine": lambda: _arcsine,
    "argus": _argus_from_high,
    "cosine": lambda: lambda t: math.log(1 / math.pi) + 2 * np.log(np.sin(0.5 * t)),
    "beta": lambda a, b: _beta_like(b, a),
    "gausshyper": lambda a, b, c, z0: _gausshyper(a, b, c, z0, True),
    "genhalflogistic": lambda c: _genhalflogistic(c, True),
    "johnsonsb": lambda a, b: _johnsonsb(a, b, True),
    "powerlaw": lambda a: lambda t: math.log(a) + special.xlog1py(a - 1, -t),
    "rdist": _rdist_from_end,
    "semicircular": lambda: lambda t: math.log(2 / math.pi) + 0.5 * np.log(t * (2 - t)),
    "trapezoid": lambda c, d: (
        lambda t: (
            math.log(2 / (1 + d - c)) + np.minimum(np.minimum(np.log(t / (1 - d)), 0.0), np.log1p(-t) - math.log(c))
        )
    ),
    "triang": lambda c: lambda t: math.log(2) + np.minimum(np.log(t / (1 - c)), np.log1p(-t) - math.log(c)),
}

FROM_LOW = {name: FROM_HIGH[name] for name in ("anglit", "cosine", "rdist", "semicircular")}

PARTLY = frozenset({"landau", "nct"})  # by formula only where SciPy's own ends

# a point of their log density costs more than a look at their quantiles
# Log densities of 20 µs to 30 ms a point, with the number of points that a few seconds pay for
COSTLY = {"irwinhall": 50_000, "ksone": 3000, "kstwo": 3000, "levy_stable": 2000, "studentized_range": 800}

# relative errors of log densities that SciPy integrates for
INTEGRATED = {"levy_stable": 1e-7}

KINKS: dict[str, Callable[..., tuple[float, ...]]] = {
    "crystalball": lambda beta, m: (-beta,),
    "dgamma": lambda a: (0.0,),
    "dweibull": lambda c: (0.0,),
    "gennorm": lambda beta: (0.0,),
    "irwinhall": lambda n: tuple(float(k) for k in range(1, int(n))),
    "laplace_asymmetric": lambda kappa: (0.0,),
    "loglaplace": lambda c: (1.0,),
    "skewcauchy": lambda a: (0.0,),
    "trapezoid": lambda c, d: (c, d),
    "triang": lambda c: (c,),
}
