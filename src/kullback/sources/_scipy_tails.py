"""How SciPy's own continuous families fall at their two ends, by their shapes: what proves an infinite divergence.

A power c means that the density falls like |x|^−(c + 1), or goes like d^(c − 1) in the distance d from a finite end; an
exponent e that it falls like exp(−c·|x|^e), or exp(−c/d^e). NOTHING says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from kullback._distribution import Tail

Ends = tuple[Tail, Tail]
NOTHING, FLAT = Tail(), Tail(power=1.0)


def power(c: float) -> Tail:
    return Tail(power=c)


def exponent(e: float) -> Tail:
    return Tail(exponent=e)


def _genextreme(c: float) -> Ends:
    if c == 0:
        return exponent(math.inf), exponent(1.0)
    return (exponent(-1 / c), power(-1 / c)) if c < 0 else (exponent(1 / c), power(1 / c))


def _genpareto(c: float) -> Ends:
    return FLAT, power(1 / c) if c > 0 else exponent(1.0) if c == 0 else power(-1 / c)


def _tukeylambda(shape: float) -> Ends:
    one = power(-1 / shape) if shape < 0 else exponent(1.0) if shape == 0 else NOTHING
    return one, one


def _levy_stable(alpha: float, beta: float) -> Ends:
    one = power(alpha) if alpha < 2 and abs(beta) < 1 else NOTHING
    return one, one


TAILS: dict[str, Callable[..., Ends]] = {
    "alpha": lambda a: (exponent(2.0), power(1.0)),
    "betaprime": lambda a, b: (power(a), power(b)),
    "burr": lambda c, d: (power(c * d), power(c)),
    "burr12": lambda c, d: (power(c), power(c * d)),
    "crystalball": lambda beta, m: (power(m - 1), exponent(2.0)),
    "dgamma": lambda a: (exponent(1.0), exponent(1.0)),
    "dweibull": lambda c: (exponent(c), exponent(c)),
    "exponnorm": lambda k: (exponent(2.0), exponent(1.0)),
    "exponweib": lambda a, c: (power(a * c), exponent(c)),
    "f": lambda dfn, dfd: (power(dfn / 2), power(dfd / 2)),
    "fatiguelife": lambda c: (exponent(1.0), exponent(1.0)),
    "foldcauchy": lambda c: (FLAT, power(1.0)),
    "foldnorm": lambda c: (FLAT, exponent(2.0)),
    "genextreme": _genextreme,
    "genhyperbolic": lambda p, a, b: (exponent(1.0), exponent(1.0)),
    "genlogistic": lambda c: (exponent(1.0), exponent(1.0)),
    "gennorm": lambda beta: (exponent(beta), exponent(beta)),
    "genpareto": _genpareto,
    "halfgennorm": lambda beta: (FLAT, exponent(beta)),
    "halflogistic": lambda: (FLAT, exponent(1.0)),
    "hypsecant": lambda: (exponent(1.0), exponent(1.0)),
    "jf_skew_t": lambda a, b: (power(2 * a), power(2 * b)),
    "kappa3": lambda a: (FLAT, power(a)),
    "laplace_asymmetric": lambda kappa: (exponent(1.0), exponent(1.0)),
    "levy_l": lambda: (power(0.5), exponent(1.0)),
    "levy_stable": _levy_stable,
    "loglaplace": lambda c: (power(c), power(c)),
    "mielke": lambda k, s: (power(k), power(s)),
    "ncf": lambda dfn, dfd, nc: (power(dfn / 2), power(dfd / 2)),
    "nct": lambda df, nc: (power(df), power(df)),
    "norminvgauss": lambda a, b: (exponent(1.0), exponent(1.0)),
    "rel_breitwigner": lambda rho: (FLAT, power(3.0)),
    "rice": lambda b: (power(2.0), exponent(2.0)),
    "skewcauchy": lambda a: (power(1.0), power(1.0)),
    "tukeylambda": _tukeylambda,
    "weibull_max": lambda c: (exponent(c), power(c)),
}
