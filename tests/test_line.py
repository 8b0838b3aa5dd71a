"""One dimension: SciPy's objects, callables, locations and scales, infinity that only numbers show."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
from scipy import stats

import kullback as kl
from kullback.sources import as_distribution
from kullback.sources._scipy_logpdf import EXACT, FROM_HIGH, FROM_LOW

INF = math.inf

SHAPES: dict[str, tuple[float, ...]] = {
    "argus": (1.3,), "beta": (2.3, 0.6), "bradford": (0.3,), "foldcauchy": (4.7,), "foldnorm": (1.95,),
    "gausshyper": (13.8, 3.1, 2.5, 5.2), "genhalflogistic": (0.77,), "genhyperbolic": (0.5, 1.5, -0.5),
    "invweibull": (10.6,), "jf_skew_t": (8, 4), "johnsonsb": (4.3, 3.2), "johnsonsu": (2.6, 2.2), "kappa3": (1.5,),
    "loglaplace": (3.25,), "ncf": (27, 27, 0.42),
    "nct": (14, 0.24), "norminvgauss": (1.25, 0.5), "pareto": (2.6,), "powerlaw": (1.66,),
    "tukeylambda": (-0.3,),
    "rdist": (1.6,), "rel_breitwigner": (36.5,), "rice": (0.77,), "skewcauchy": (0.5,), "trapezoid": (0.2, 0.8),
    "triang": (0.16,),
}  # fmt: skip

# truths by mpmath, 30 digits
PAIRS: list[tuple[Any, Any, float]] = [
    (stats.skewnorm(3), stats.norm(0.5, 1), 0.21263368586083519),
    (stats.rayleigh(), stats.rice(2), 0.70842316579486484),
    (stats.expon(), stats.foldnorm(1.5), 0.34384480785056427),
    (stats.norm(), stats.moyal(), 0.32436063535006407),
    (stats.norm(0, 2), stats.moyal(), 2.5013808689053798),
    (stats.gamma(5), stats.invweibull(2), 1.7549560014480457),
    (stats.t(2), stats.hypsecant(), 0.13741700149668145),
    (stats.cauchy(), stats.johnsonsu(0.5, 1), 0.43976201693149709),
    (stats.arcsine(), stats.beta(0.5, 0.9), 0.16814195543037043),
    (stats.arcsine(), stats.johnsonsb(1, 2), 17.933975907854154),
]


def name(obj: Any) -> str:
    return f"{obj.dist.name}{obj.args}"


@pytest.mark.parametrize(("p", "q", "truth"), PAIRS, ids=[f"{name(p)} ‖ {name(q)}" for p, q, _ in PAIRS])
@pytest.mark.parametrize(("loc", "scale"), [(0.0, 1.0), (1e9, 1.0), (0.0, 1e-9), (1e9, 1e-9), (1e9, 1e9)])
def test_pairs_of_scipys_at_any_location_and_scale(p: Any, q: Any, truth: float, loc: float, scale: float) -> None:
    def moved(obj: Any) -> Any:
        shapes, m, s = obj.dist._parse_args(*obj.args, **obj.kwds)
        return obj.dist(*shapes, loc=loc + scale * m, scale=scale * s)

    if loc == 1e9 and scale == 1e-9 and (p.dist.name, q.dist.name) == ("skewnorm", "norm"):
        q = stats.norm(0, 1)  # half a scale is no double there
        truth = kl.divergence(p, q).value
    found = kl.divergence(moved(p), moved(q), method="quadrature")
    assert found.status is kl.Status.OK
    assert abs(found.value - truth) <= found.error + 4e-16 * truth
    assert found.error <= 1e-9 * truth


@pytest.mark.parametrize(
    ("p", "q", "truth"),
    [
        ("normal(1e9, 1e-9)", "laplace(1e9, 1e-9)", 0.072093208158137924),
        ("beta(0.1, 0.1)", "0.5*beta(0.3, 0.7) + 0.5*beta(2, 2)", 2.9478316608701726),
    ],
)
def test_what_no_draw_could_show(p: str, q: str, truth: float) -> None:
    """Doubles cannot hold the points, only their distance from 1e9, or from 1; truths by mpmath."""
    found = kl.divergence(p, q, method="quadrature")
    assert abs(found.value - truth) <= found.error + 2e-16 * truth
    assert found.error <= 1e-9 * truth


@pytest.mark.parametrize("family", sorted(EXACT))
def test_log_densities_by_formula_agree_with_scipys(family: str) -> None:
    """Where SciPy's own is a number that has not lost digits; kstwobign's holds eight."""
    shapes = SHAPES.get(family, ())
    frozen = getattr(stats, family)(*shapes)
    found = as_distribution(frozen, "p")
    low, high = (float(v) for v in frozen.ppf([0.001, 0.999])) if family != "norminvgauss" else (-8.0, 20.0)
    x = np.linspace(low, high, 41)
    tolerance = 1e-7 if family == "kstwobign" else 1e-11
    np.testing.assert_allclose(found.log_prob(x), frozen.logpdf(x), rtol=tolerance, atol=tolerance)  # type: ignore[union-attr]


@pytest.mark.parametrize("family", sorted(FROM_HIGH))
def test_log_densities_from_the_ends_agree(family: str) -> None:
    shapes = SHAPES.get(family, ())
    frozen = getattr(stats, family)(*shapes)
    low, high = frozen.support()
    t = (high - low) * np.array([1e-3, 0.1, 0.5, 0.9])
    np.testing.assert_allclose(FROM_HIGH[family](*shapes)(t), frozen.logpdf(high - t), rtol=1e-9, atol=1e-9)
    if family in FROM_LOW:
        np.testing.assert_allclose(FROM_LOW[family](*shapes)(t), frozen.logpdf(low + t), rtol=1e-9, atol=1e-9)


def test_kolmogorovs_density_against_its_series() -> None:
    """SciPy's is off by 2e-8 at 0.83."""
    import mpmath as mp

    def series(point: float) -> float:
        with mp.workdps(40):
            x = mp.mpf(point)
            return float(
                mp.log(8 * sum((-1) ** (k - 1) * k * k * x * mp.exp(-2 * k * k * x * x) for k in range(1, 61)))
            )

    density = as_distribution(stats.kstwobign(), "p")
    for x in (0.2, 0.5, 0.83, 0.999, 1.001, 2.0):
        assert density.log_prob(x) == pytest.approx(series(x), rel=1e-14, abs=1e-14)  # type: ignore[union-attr]


def test_landaus_density_where_scipys_is_zero() -> None:
    density = as_distribution(stats.landau(), "p")
    # mpmath: the Laplace integral along the vertical through its saddle point
    assert density.log_prob(-5.1) == pytest.approx(-703.0910708099427, rel=1e-12)  # type: ignore[union-attr]
    assert density.log_prob(-4.95) == pytest.approx(stats.landau.logpdf(-4.95), rel=1e-12)  # type: ignore[union-attr]
    assert np.isfinite(density.log_prob(-100.0))  # type: ignore[union-attr]


NORMAL = -0.5 * math.log(2 * math.pi)


@pytest.mark.parametrize(
    "p",
    [
        kl.Density(lambda x: NORMAL - 0.5 * (x - 1e9) ** 2, vectorized=True),
        kl.Density(lambda x: -0.5 * (x - 1e9) ** 2, normalized=False, vectorized=True),
        kl.Density(lambda x: -0.5 * (x - 1e9) ** 2, normalized=False),
        kl.Density(
            lambda x: stats.norm.logpdf(x, 1e9, 1), vectorized=True, sample=lambda rng, n: rng.normal(1e9, 1, n)
        ),
    ],
    ids=["normalised", "unnormalised", "by point", "with draws"],
)
def test_callables_at_a_far_location(p: kl.Density) -> None:
    """x itself has seven digits after the point there, and so has the answer."""
    found = kl.divergence(p, "laplace(1000000000.5, 1)", method="quadrature")
    truth = 0.16980176215788463
    assert abs(found.value - truth) <= min(found.error, 1e-7 * truth)
    assert found.error < 2e-6
    assert found.n < 20_000


def test_a_peak_that_only_draws_show() -> None:
    """The density underflows everywhere but within 38 of 12345.678."""

    def log_prob(x: Any) -> Any:
        with np.errstate(divide="ignore"):
            return np.log(stats.norm.pdf(x, 12345.678, 1))

    p = kl.Density(log_prob, vectorized=True, sample=lambda rng, n: rng.normal(12345.678, 1, n))
    found = kl.divergence(p, "normal(12346.678, 1)")
    assert abs(found.value - 0.5) <= found.error < 1e-9


INFINITE: list[tuple[Any, Any]] = [
    (stats.expon(), stats.levy()),  # −log q ~ 1/2x at 0, and E[1/x] = ∞
    (stats.halfnorm(), stats.alpha(3.57)),  # 1/x²
    (stats.expon(), stats.invweibull(10.58)),
    (stats.gamma(0.9), stats.invgauss(1.5)),
    (stats.laplace(), stats.loggamma(1)),  # e^−|x| against e^x
    (stats.hypsecant(), stats.gumbel_l()),
    (stats.lognorm(0.1), stats.gompertz(1)),
    (stats.halfcauchy(), stats.exponpow(2.7)),
    (stats.rel_breitwigner(36.5), stats.exponpow(2.7)),  # log q leaves the doubles before P's peak
    (stats.alpha(3.57), stats.ncx2(21, 1.06)),  # P falls like x^−2
    (stats.genpareto(1), stats.rice(0.77)),
    (stats.levy(), stats.gengamma(4.4, 3.1)),
    (stats.beta(2, 1, -1, 1), stats.levy_l()),  # 1/2|x| at a high end
]  # fmt: skip

FINITE: list[tuple[Any, Any]] = [
    (stats.gamma(1.1), stats.invgauss(1.5)),  # E[1/x] = 10
    (stats.expon(scale=1 / 3), stats.gompertz(1)),
    (stats.invweibull(10.58), stats.levy()),
    (stats.nct(14, 0.24), stats.logistic()),
    (stats.gumbel_l(), stats.logistic()),
    (stats.foldcauchy(4.7), stats.landau()),
    (stats.levy(), stats.ncf(27, 27, 0.42)),
    (stats.levy(), stats.nct(14, 0.24)),
    (stats.expon(), stats.fisk(3.09)),
]


@pytest.mark.parametrize(("p", "q"), INFINITE, ids=[f"{name(p)} ‖ {name(q)}" for p, q in INFINITE])
def test_infinity_is_found(p: Any, q: Any) -> None:
    found = kl.divergence(p, q, method="quadrature")
    assert found.value == INF
    assert found.status.infinite
    assert found.detail


@pytest.mark.parametrize(("p", "q"), FINITE, ids=[f"{name(p)} ‖ {name(q)}" for p, q in FINITE])
def test_no_infinity_that_is_none(p: Any, q: Any) -> None:
    found = kl.divergence(p, q, method="quadrature")
    assert math.isfinite(found.value)
    assert found.error <= 1e-9 * found.value


def test_a_normal_leaves_pearsons_third_though_scipy_says_it_has_no_end() -> None:
    found = kl.divergence(stats.norm(), stats.pearson3(0.1))
    assert found.value == INF
    assert found.status is kl.Status.SUPPORT_GAP
    assert "below -20" in found.detail


def test_invariance_under_bijections() -> None:
    """Logarithm, exponential, reciprocal and tangent, each as SciPy's own pair of families."""
    base = kl.divergence(stats.t(5), stats.logistic(0.3, 0.8), method="quadrature")
    shifted = kl.divergence(stats.t(5, 2, 3), stats.logistic(2.9, 2.4), method="quadrature")
    mirrored = kl.divergence(stats.t(5), stats.logistic(-0.3, 0.8), method="quadrature")
    assert shifted.value == pytest.approx(base.value, rel=1e-12)
    assert mirrored.value == pytest.approx(base.value, rel=1e-12)
    pairs = [
        ((stats.gumbel_r(0.2, 0.5), stats.logistic()), (stats.invweibull(2, scale=math.exp(0.2)), stats.fisk(1))),
        ((stats.gamma(2.5), stats.fisk(1.5)), (stats.invgamma(2.5), stats.fisk(1.5))),
        ((stats.logistic(), stats.hypsecant()), (stats.fisk(1), stats.halfcauchy())),
        ((stats.uniform(), stats.beta(2, 0.7)), (stats.cauchy(), _tangent(2, 0.7))),
    ]
    for (p, q), (f, g) in pairs:
        one, other = (kl.divergence(*pair, method="quadrature") for pair in ((p, q), (f, g)))
        assert abs(one.value - other.value) <= one.error + other.error
        assert one.error < 1e-9 * one.value


def _tangent(a: float, b: float) -> kl.Density:
    """tan(π(U − ½)) of a beta variable U."""

    def log_prob(x: Any) -> Any:
        u, v = (np.arctan2(1.0, side * x) / math.pi for side in (-1.0, 1.0))  # U and 1 − U
        log_beta = stats.beta(a, b).logpdf(0.5) - (a + b - 2) * math.log(0.5)
        tail = np.where(np.abs(x) < 1e100, np.log1p(np.minimum(np.abs(x), 1e100) ** 2), 2 * np.log(np.abs(x) + 1.0))
        return log_beta + (a - 1) * np.log(u) + (b - 1) * np.log(v) - math.log(math.pi) - tail

    return kl.Density(log_prob, vectorized=True)


def test_a_tail_much_shorter_than_the_other_side() -> None:
    """Q reaches 1e15 on the right; P's left tail against log q ~ −exp(−1.57x) ends at −60. Truth by mpmath."""
    found = kl.divergence(stats.norminvgauss(1.25, 0.5), stats.landau(), method="quadrature")
    assert abs(found.value - (0.0299313182085914 + 0.363701648112165)) < 1e-9


def test_a_density_that_ends_at_a_height_inside_the_other() -> None:
    """Where P jumps to 0, and a kink of Q like |x|^1.3: truth by mpmath, with the shapes as doubles."""
    p, q = stats.vonmises_line(3.99390425810714), stats.gennorm(1.2988442399460265)
    found = kl.divergence(p, q, method="quadrature")
    assert abs(found.value - 0.174086211685655) <= found.error < 1e-10


def test_costly_densities_get_fewer_points() -> None:
    def slow(x: float) -> float:
        time.sleep(2e-4)
        return -(abs(x) ** 1.3)

    start = time.perf_counter()
    found = kl.divergence(kl.Density(slow, normalized=False), "student_t(3, 0, 1)", method="quadrature")
    assert time.perf_counter() - start < 30
    truth = kl.divergence(stats.gennorm(1.3), "student_t(3, 0, 1)")
    assert abs(found.value - truth.value) <= found.error + truth.error


@pytest.mark.slow
def test_a_log_density_that_is_slow_by_nature_takes_seconds() -> None:
    start = time.process_time()
    found = kl.divergence(stats.kstwo(100), stats.uniform())
    assert time.process_time() - start < 20
    assert abs(found.value - 2.304431434936) <= found.error + 1e-11  # by ten times as many points


def test_a_function_that_takes_its_time_is_called_some_thousand_times() -> None:
    """Its cost is told from a few calls, and one maximum is looked at once."""
    calls = 0

    def log_p(x: Any) -> float:
        nonlocal calls
        calls += 1
        time.sleep(1e-4)
        return -0.5 * float(x) ** 2 - 0.5 * math.log(2 * math.pi)

    found = kl.divergence(kl.Density(log_p), "normal(1, 2)")
    assert abs(found.value - (math.log(2) - 0.25)) <= found.error <= 1e-9
    assert calls < 8000
