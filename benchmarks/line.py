"""Pairs on the line without a closed form, against scipy.integrate.quad on the same integrand.

quad gets p·log(p/q) from SciPy's own objects, point by point, with the ends of P's support as limits; the
reference is a double-exponential sum of the textbook log densities with 40 digits.
"""

from __future__ import annotations

import math
import statistics
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import mpmath as mp
import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import integrate, stats

import kullback as kl

REPEATS = 15
CONSOLE = Console(width=130)
Log = Callable[[Any], Any]


class Pair(NamedTuple):
    name: str
    p: Any
    q: Any
    log_p: Log
    log_q: Log
    knots: list[float]  # where the reference splits


def normal(m: float, s: float) -> Log:
    return lambda x: -(((x - m) / s) ** 2) / 2 - mp.log(s) - mp.log(2 * mp.pi) / 2


def student(v: float, m: float = 0.0, s: float = 1.0) -> Log:
    v = mp.mpf(v)
    constant = mp.loggamma((v + 1) / 2) - mp.loggamma(v / 2) - mp.log(v * mp.pi) / 2
    return lambda x: constant - mp.log(s) - (v + 1) / 2 * mp.log1p(((x - m) / s) ** 2 / v)


def laplace(m: float, s: float) -> Log:
    return lambda x: -abs(x - m) / s - mp.log(2 * s)


def logistic(m: float, s: float) -> Log:
    return lambda x: -abs(x - m) / s - 2 * mp.log1p(mp.exp(-abs(x - m) / s)) - mp.log(s)


def gumbel(m: float, s: float) -> Log:
    return lambda x: -(x - m) / s - mp.exp(-(x - m) / s) - mp.log(s)


def gamma(a: float) -> Log:
    return lambda x: (mp.mpf(a) - 1) * mp.log(x) - x - mp.loggamma(mp.mpf(a))


def weibull(c: float) -> Log:
    c = mp.mpf(c)
    return lambda x: mp.log(c) + (c - 1) * mp.log(x) - x**c


def log_normal(s: float) -> Log:
    return lambda x: -((mp.log(x) / s) ** 2) / 2 - mp.log(x) - mp.log(s) - mp.log(2 * mp.pi) / 2


def skew_normal(a: float) -> Log:
    return lambda x: mp.log(2) - x * x / 2 - mp.log(2 * mp.pi) / 2 + mp.log(mp.ncdf(a * x))


def beta(a: float, b: float) -> Log:
    a, b = mp.mpf(a), mp.mpf(b)
    return lambda x: (a - 1) * mp.log(x) + (b - 1) * mp.log1p(-x) - mp.log(mp.beta(a, b))


def fisk(c: float) -> Log:
    c = mp.mpf(c)
    return lambda x: mp.log(c) + (c - 1) * mp.log(x) - 2 * mp.log1p(x**c)


def pairs() -> list[Pair]:
    s = stats
    wide = [-mp.inf, -40, -10, -3, -1, 0, 0.5, 1, 3, 10, 40, mp.inf]
    half = [0, 1e-3, 0.1, 0.5, 1, 2, 4, 10, 30, 100, mp.inf]
    unit = [0, 0.1, 0.5, 0.9, 1]
    return [
        Pair("t(3) ‖ laplace", s.t(3), s.laplace(0.5), student(3), laplace(0.5, 1), wide),
        Pair("t(2.5) ‖ logistic", s.t(2.5), s.logistic(), student(2.5), logistic(0, 1), wide),
        Pair("laplace ‖ t(2)", s.laplace(), s.t(2, 1, 2), laplace(0, 1), student(2, 1, 2), wide),
        Pair("logistic ‖ gumbel_r", s.logistic(0, 0.5), s.gumbel_r(), logistic(0, 0.5), gumbel(0, 1), wide),
        Pair("skewnorm(3) ‖ norm", s.skewnorm(3), s.norm(0.5, 1), skew_normal(3), normal(0.5, 1), wide),
        Pair("norm ‖ skewnorm(1)", s.norm(), s.skewnorm(1), normal(0, 1), skew_normal(1), wide),
        Pair(
            "norm(0, 1e-3) ‖ t(2)",
            s.norm(0, 1e-3),
            s.t(2),
            normal(0, 1e-3),
            student(2),
            [-mp.inf, -0.01, -1e-3, 0, 1e-3, 0.01, mp.inf],
        ),
        Pair("gamma(2) ‖ fisk(3)", s.gamma(2), s.fisk(3), gamma(2), fisk(3), half),
        Pair("weibull_min(1.5) ‖ lognorm(1)", s.weibull_min(1.5), s.lognorm(1), weibull(1.5), log_normal(1), half),
        Pair("lognorm(0.8) ‖ fisk(2)", s.lognorm(0.8), s.fisk(2), log_normal(0.8), fisk(2), half),
        Pair("gamma(0.3) ‖ fisk(0.5)", s.gamma(0.3), s.fisk(0.5), gamma(0.3), fisk(0.5), [0, 1e-9, 1e-3, *half[2:]]),
        Pair("beta(0.4, 0.6) ‖ arcsine", s.beta(0.4, 0.6), s.arcsine(), beta(0.4, 0.6), beta(0.5, 0.5), unit),
    ]


def reference(pair: Pair) -> float:
    with mp.workdps(40):
        return float(
            mp.quad(lambda x: mp.exp(pair.log_p(x)) * (pair.log_p(x) - pair.log_q(x)), pair.knots, maxdegree=9)
        )


def ours(p: Any, q: Any) -> float:
    return float(kl.divergence(p, q, method="quadrature"))


def by_quad(p: Any, q: Any) -> float:
    def term(x: float) -> float:
        log_p = p.logpdf(x)
        return float(np.exp(log_p) * (log_p - q.logpdf(x))) if log_p > -np.inf else 0.0

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return float(integrate.quad(term, *p.support(), limit=200)[0])


def main() -> None:
    title = "One dimension, no closed form, warm: kullback against scipy.integrate.quad"
    table = Table("pair", "kullback, ms", "quad, ms", "quad ÷ kullback", "its error", "quad's error", title=title)
    ratios: list[float] = []
    missed: list[dict[str, float]] = []
    for pair in pairs():
        p, q, truth = pair.p, pair.q, reference(pair)
        contest: dict[str, Callable[[], float]] = {"ours": partial(ours, p, q), "quad": partial(by_quad, p, q)}
        seconds: dict[str, list[float]] = {name: [] for name in contest}
        errors = {name: abs(run() / truth - 1) for name, run in contest.items()}  # both are warm now
        missed.append({name: e if e == e else math.inf for name, e in errors.items()})
        for _ in range(REPEATS):
            for name, run in contest.items():
                start = time.perf_counter()
                run()
                seconds[name].append(time.perf_counter() - start)
        least, median = ({name: f(times) for name, times in seconds.items()} for f in (min, statistics.median))
        ratios.append(median["quad"] / median["ours"])
        table.add_row(
            pair.name,
            *(f"{1e3 * least[name]:.1f} | {1e3 * median[name]:.1f}" for name in contest),
            f"{least['quad'] / least['ours']:.1f} | {ratios[-1]:.1f}",
            *(f"{errors[name]:.0e}" for name in contest),
        )
    CONSOLE.print(table)
    CONSOLE.print(f"times: minimum | median of {REPEATS}; errors relative to 40 digits")
    middle = statistics.median(ratios)
    CONSOLE.print(f"quad takes {min(ratios):.1f} to {max(ratios):.1f} times as long, in the median {middle:.1f}")
    mine, its = (statistics.median(e[name] for e in missed) for name in ("ours", "quad"))
    CONSOLE.print(f"median error: ours {mine:.0e}, quad {its:.0e} (an infinite or missing answer counts as ∞)")


if __name__ == "__main__":
    main()
