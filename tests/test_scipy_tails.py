"""What is declared of SciPy's tails, against the slopes of their log densities far out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

import kullback as kl
from kullback.sources import as_distribution
from kullback.sources._scipy_tails import TAILS

SHAPES: dict[str, list[tuple[float, ...]]] = {
    "alpha": [(3.57,)],
    "betaprime": [(5, 6), (0.4, 1.3)],
    "burr": [(10.5, 4.3), (0.5, 2.0)],
    "burr12": [(2.0, 1.5)],
    "crystalball": [(2, 3)],
    "dgamma": [(1.1,)],
    "dweibull": [(2.07,)],
    "exponnorm": [(1.5,)],
    "exponweib": [(2.9, 1.95)],
    "f": [(29, 18)],
    "fatiguelife": [(2.0,)],
    "foldcauchy": [(4.7,)],
    "foldnorm": [(1.95,)],
    "genextreme": [(-0.4,), (0.4,), (0.0,)],
    "genhyperbolic": [(0.5, 1.5, -0.5)],
    "genlogistic": [(0.412,)],
    "gennorm": [(1.3,)],
    "genpareto": [(0.7,), (0.0,), (-0.4,)],
    "halfgennorm": [(0.675,)],
    "jf_skew_t": [(8, 4)],
    "kappa3": [(1.5,)],
    "laplace_asymmetric": [(2,)],
    "loglaplace": [(3.25,)],
    "mielke": [(10.4, 4.6)],
    "ncf": [(27, 27, 0.415)],
    "nct": [(14, 0.24)],
    "norminvgauss": [(1.25, 0.5)],
    "rel_breitwigner": [(36.5,)],
    "rice": [(0.775,)],
    "skewcauchy": [(0.5,)],
    "tukeylambda": [(-0.7,)],
    "weibull_max": [(2.87,)],
}


@pytest.mark.parametrize("name", sorted(set(TAILS) - {"levy_stable"}))
def test_the_declared_tails_are_those_of_the_log_density(name: str) -> None:
    for shapes in SHAPES.get(name, [()]):
        f = as_distribution(getattr(stats, name)(*shapes), "p")
        assert isinstance(f, kl.Density)
        for side, tail in enumerate(TAILS[name](*shapes)):
            end = (f.support.low, f.support.high)[side]
            steps = np.array([1.0, 2.0, 4.0])
            for reach in (1e30, 1e8, 1e4, 100.0, 30.0, 8.0):  # as far as the log density is a number
                y = reach * steps
                d = (y if math.isinf(end) else 1 / y) * (1.0 if side else -1.0)
                x = d if math.isinf(end) else end - d
                with np.errstate(all="ignore"):
                    log_p = f._log_prob(x)
                if np.isfinite(log_p).all() and (math.isinf(end) or end == 0 or reach < 1e9):
                    break
            if tail.power < math.inf:
                slope = -np.diff(log_p) / math.log(2)
                steeper = 1.0 if math.isinf(end) else -1.0
                assert slope[-1] == pytest.approx(tail.power + steeper, abs=0.05), (name, side)
            elif 0 < tail.exponent < math.inf:
                slope = np.diff(np.log(-np.diff(log_p))) / math.log(2)
                assert slope[-1] == pytest.approx(tail.exponent, rel=0.25), (name, shapes, side)


@pytest.mark.parametrize(
    ("p", "q", "truth"),
    [  # mpmath: integrals in log x to 40,000 decades; ½·log 2π + variance/2 − ∫log Q′(u) du; log b + (1 − b)/b
        (stats.t(0.01), stats.cauchy(), 91.947116954775605),
        (stats.t(0.001), stats.cauchy(), 988.41479015388796),
        (stats.t(0.05), stats.t(0.06), 0.016912642873507374),
        (stats.lomax(0.01), stats.lomax(1.0), 94.394829814011909),
        (stats.lomax(0.001), stats.lomax(1.0), 992.09224472101786),
        (stats.tukeylambda(-0.1), stats.norm(), 1.1581661707775043),
    ],
)
def test_heavy_tails_are_finite_where_they_are(p: object, q: object, truth: float) -> None:
    found = kl.divergence(p, q)
    assert found.status is kl.Status.OK
    assert abs(found.value - truth) <= found.error + 1e-13
    assert found.error <= 1e-10 * truth


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (stats.kappa3(1), stats.expon()),
        (stats.tukeylambda(-0.5), stats.norm()),
        (stats.genpareto(1.0), stats.gennorm(1.0)),
        (stats.skewcauchy(0.5), stats.hypsecant()),
        (stats.burr(0.5, 2), stats.invgauss(1)),
    ],
)
def test_tails_without_the_moment_are_infinite_by_proof(p: object, q: object) -> None:
    found = kl.divergence(p, q)
    assert (found.value, found.status) == (math.inf, kl.Status.TAIL_GAP)
