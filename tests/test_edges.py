"""Parameters near the ends of the doubles, and places far out: right, or with an error that covers."""

from __future__ import annotations

import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from scipy import stats

import kullback as kl

Form = Any

PLACES = [(0.0, 1.0), (1000.0, 1e-12), (1e9, 1e-8), (1.7e9, 1e-3), (-2.46e6, 1e-5), (0.0, 1e-250), (0.0, 1e250)]


def at(dist: Any, shapes: tuple[float, ...], loc: float, scale: float, stretch: float = 1.0) -> Any:
    return dist(*shapes, loc=loc, scale=stretch * scale)


PAIRS = [
    # P, Q and how many times wider Q is; closed forms
    ((stats.expon, ()), (stats.expon, ()), 2.0, math.log(2) - 0.5),
    ((stats.uniform, ()), (stats.uniform, ()), 2.0, math.log(2)),
    ((stats.triang, (0.5,)), (stats.uniform, ()), 1.0, math.log(2) - 0.5),
    ((stats.beta, (2, 3)), (stats.uniform, ()), 1.0, 0.23490664978800031),
    ((stats.gamma, (2,)), (stats.gamma, (3,)), 1.0, 0.27036284546147817),
    (
        (stats.norm, ()),
        (stats.laplace, ()),
        1.0,
        math.log(2) + math.sqrt(2 / math.pi) - 0.5 * math.log(2 * math.pi * math.e),
    ),
]


@pytest.mark.parametrize(("p", "q", "wider", "truth"), PAIRS, ids=[f"{p[0].name}-{q[0].name}" for p, q, _, _ in PAIRS])
@pytest.mark.parametrize(("loc", "scale"), PLACES)
def test_a_place_costs_no_digits(p: Any, q: Any, wider: float, truth: float, loc: float, scale: float) -> None:
    found = kl.divergence(at(*p, loc, scale), at(*q, loc, scale, wider))
    assert found.status is kl.Status.OK
    assert abs(found.value - truth) <= found.error + 4e-16 * truth
    assert found.error <= 1e-9 * truth


def test_different_places_and_where_the_answer_lies() -> None:
    loc, width = 1.7e9, 2.0**-10
    found = kl.divergence(stats.uniform(loc, width), stats.uniform(loc - width, 4 * width))
    assert found.value == pytest.approx(math.log(4), rel=1e-14)
    outside = kl.divergence(stats.uniform(loc, width), stats.uniform(loc + width / 2, 4 * width))
    assert outside.value == math.inf
    assert "50 % of P lies below 1700000000.00049" in outside.detail
    compared = kl.compare(stats.expon(loc, width), stats.gamma(2, loc, width))
    assert compared.jensen_shannon == pytest.approx(kl.compare(stats.expon(), stats.gamma(2)).jensen_shannon, rel=1e-9)
    assert compared.entropy_p == pytest.approx(1 + math.log(width), rel=1e-14)
    assert compared.terms is not None
    assert loc <= compared.terms["x"][0] <= loc + width
    assert np.ptp(compared.terms["x"]) > width


def test_what_lies_beyond_the_doubles_says_so() -> None:
    found = kl.divergence("exponential(1e-300)", "exponential(1e300)")
    assert (found.value, found.error, found.status) == (math.inf, math.inf, kl.Status.BEYOND_DOUBLES)
    assert kl.divergence(stats.norm(0, 1e-300), stats.norm(0, 1e300)).value == pytest.approx(
        1381.0510557964274, rel=1e-14
    )
    assert kl.divergence("laplace(0, 1e-300)", "normal(0, 1e-300)").value == pytest.approx(
        0.22579135264472744, rel=1e-14
    )


def _power_gamma(p: Any, q: Any) -> Any:
    """(X/s)^k a standard gamma variable of shape a; Bauckhage 2014, as log-normalisers and means."""
    (a, k, s), (b, j, t) = ((mp.mpf(v) for v in side) for side in (p, q))
    ratio, log_c, psi = j / k, j * mp.log(s / t), mp.digamma(a)
    grown = mp.exp(log_c + mp.loggamma(a + ratio) - mp.loggamma(a))
    return mp.log(abs(k / j)) - mp.loggamma(a) + mp.loggamma(b) + a * psi - a - b * (log_c + ratio * psi) + grown


def _beta(p: Any, q: Any) -> Any:
    (a, b), (c, d) = ((mp.mpf(v) for v in side) for side in (p, q))
    both = (mp.loggamma(x) + mp.loggamma(y) - mp.loggamma(x + y) for x, y in ((c, d), (a, b)))
    spread = (a - c) * mp.digamma(a) + (b - d) * mp.digamma(b) + (c - a + d - b) * mp.digamma(a + b)
    return next(both) - next(both) + spread


def _normal(p: Any, q: Any) -> Any:
    (m, s), (n, t) = ((mp.mpf(v) for v in side) for side in (p, q))
    return mp.log(t / s) + (s * s + (m - n) ** 2) / (2 * t * t) - mp.mpf(1) / 2


def _cauchy(p: Any, q: Any) -> Any:
    (m, s), (n, t) = ((mp.mpf(v) for v in side) for side in (p, q))
    return mp.log(((s + t) ** 2 + (m - n) ** 2) / (4 * s * t))


def _inverse_gaussian(p: Any, q: Any) -> Any:
    (m, k), (n, j) = ((mp.mpf(v) for v in side) for side in (p, q))
    return (mp.log(k / j) + j / k - 1) / 2 + j * (m - n) ** 2 / (2 * m * n * n)


def _trial(a: Any, b: Any) -> Any:
    return a * mp.log(a / b) + (1 - a) * mp.log((1 - a) / (1 - b))


# family, what its parameters are, and KL in 60 digits
EXTREMES: list[tuple[str, str, Form]] = [
    ("generalized_gamma", "spz", _power_gamma),
    ("gamma", "sz", lambda p, q: _power_gamma((p[0], 1, 1 / mp.mpf(p[1])), (q[0], 1, 1 / mp.mpf(q[1])))),
    ("inverse_gamma", "sz", lambda p, q: _power_gamma((p[0], -1, p[1]), (q[0], -1, q[1]))),
    ("weibull", "zp", lambda p, q: _power_gamma((1, p[1], p[0]), (1, q[1], q[0]))),
    ("beta", "ss", _beta),
    ("normal", "lz", _normal),
    ("log_normal", "lz", _normal),
    ("cauchy", "lz", _cauchy),
    ("inverse_gaussian", "zz", _inverse_gaussian),
    ("poisson", "z", lambda p, q: p[0] * mp.log(mp.mpf(p[0]) / q[0]) - p[0] + q[0]),
    ("geometric", "c", lambda p, q: _trial(mp.mpf(p[0]), mp.mpf(q[0])) / p[0]),
]


def _parameters(rng: np.random.Generator, kinds: str) -> list[float]:
    """A shape, a scale, a location, a power, a chance; near the ends of what doubles hold, or ordinary."""
    orders = {"s": (-11, 11), "z": (-290, 290), "l": (-3, 9), "p": (-3, 3), "c": (-11, -0.01)}
    found = []
    for kind in kinds:
        low, high = orders[kind] if kind == "c" or rng.random() < 0.5 else (-2, 2)
        found.append(float(10 ** rng.uniform(low, high)))
    return found


@pytest.mark.parametrize(("family", "kinds", "form"), EXTREMES, ids=[row[0] for row in EXTREMES])
def test_closed_forms_at_extreme_parameters(family: str, kinds: str, form: Form) -> None:
    _against_digits(family, kinds, form, 25)


@pytest.mark.slow
@pytest.mark.parametrize(("family", "kinds", "form"), EXTREMES, ids=[row[0] for row in EXTREMES])
def test_closed_forms_at_more_extreme_parameters(family: str, kinds: str, form: Form) -> None:
    _against_digits(family, kinds, form, 1000)


def _against_digits(family: str, kinds: str, form: Form, count: int) -> None:
    rng = np.random.default_rng(7)
    for i in range(count):
        p, q = _parameters(rng, kinds), _parameters(rng, kinds)
        if i % 3 == 0:  # near each other, where digits cancel
            step = float(10 ** rng.uniform(-12, -1))
            q = [v * (1 + step) if kind != "c" else v * (1 - step) for v, kind in zip(p, kinds, strict=True)]
        texts = [f"{family}({', '.join(map(repr, side))})" for side in (p, q)]
        with mp.workdps(60):
            truth = form(p, q)
            found = kl.divergence(*texts)
            if truth > mp.mpf(10) ** 308:
                assert found.error == math.inf, texts
                continue
            off = float(abs(mp.mpf(found.value) - truth))
        assert off <= found.error * (1 + 1e-9) + 1e-320, (texts, float(truth), found)


@pytest.mark.parametrize(
    ("p", "q", "truth"),
    [  # mpmath, 50 digits
        (stats.gamma(5), stats.gamma(1e-9), 25.075800346674135),
        (stats.invgamma(1), stats.invgamma(1e-11), 24.75122035803297),
        (stats.beta(2, 3), stats.beta(1e-5, 1e-5), 10.774329295153683),
        (stats.beta(1.0, 1e-16), stats.beta(1e-16, 1e-16), math.log(2)),
        (stats.dirichlet([1 + 1e-13, 1e-13, 1e-13]), stats.dirichlet([1e-13] * 3), math.log(3)),
        (stats.dirichlet([1.0, 1e-16, 1e-16]), stats.dirichlet([1e-16] * 3), math.log(3)),
        (stats.dirichlet([1.0, 1.0]), stats.dirichlet([1e-300, 1.0]), 689.77552789821371),
    ],
)
def test_tiny_shapes_keep_their_digits(p: Any, q: Any, truth: float) -> None:
    found = kl.divergence(p, q)
    assert abs(found.value - truth) <= found.error
    assert found.error <= 1e-11 * truth


@pytest.mark.parametrize(
    ("p", "q", "truth"),
    [  # the entropy of t and the second moment, mpmath, 40 digits
        (stats.t(2e9), stats.norm(0, 0.5), 0.80685282094005469252),
        ("multivariate_student_t(2e9, [0, 0])", "multivariate_normal([0, 0], [[0.25, 0], [0, 0.25]])",
         1.6137056418801093852),
        ("multivariate_student_t(1e5, [0, 0, 0])", "multivariate_normal([0, 0, 0], [[4, 0, 0], [0, 4, 0], [0, 0, 4]])",
         0.95441904190483742833),
    ],
)  # fmt: skip
def test_many_degrees_of_freedom_are_nearly_normal(p: Any, q: Any, truth: float) -> None:
    found = kl.divergence(p, q)
    assert abs(found.value - truth) <= found.error <= 1e-12


@pytest.mark.parametrize("scale", [1e-250, 1e250])
@pytest.mark.parametrize(
    ("family", "shapes"),
    [("logistic", ()), ("gumbel_l", ()), ("loggamma", (1.2,)), ("moyal", ()), ("nakagami", (1.3,)), ("fisk", (3.0,))],
)
def test_a_scale_whose_square_leaves_the_doubles(family: str, shapes: tuple[float, ...], scale: float) -> None:
    """The same as in the unit 1; 2^800 and its like are exact factors."""
    dist, unit = getattr(stats, family), 2.0 ** round(math.log2(scale))
    other = stats.halflogistic if dist(*shapes).support()[0] == 0 else stats.gennorm
    more = () if other is stats.halflogistic else (1.0,)
    near = kl.divergence(dist(*shapes), other(*more, loc=-0.5, scale=2.0))
    far = kl.divergence(dist(*shapes, scale=unit), other(*more, loc=-0.5 * unit, scale=2.0 * unit))
    assert math.isfinite(near.value)
    assert abs(near.value - far.value) <= near.error + far.error


@pytest.mark.parametrize(
    ("p", "q", "truth"),
    [  # mpmath, 30 digits, in the logit
        ("beta(0.020544057599574228, 0.5722961106404242)", "kumaraswamy(0.1442535329457488, 0.012188740222424202)",
         8.0779355461581133),
        ("beta(0.0364, 0.00148)", "kumaraswamy(22, 0.54)", 365.63907075080472),
        ("beta(0.0014212653426599606, 1.7720453689675566)", "kumaraswamy(57.09481250631398, 0.3348242855073178)",
         40209.27738112174),
        ("0.5*beta(0.05, 0.05) + 0.5*beta(2, 2)", "kumaraswamy(2, 2)", 16.4478311855021486),
    ],
)  # fmt: skip
def test_poles_with_mass_nearer_to_an_end_than_doubles_reach(p: str, q: str, truth: float) -> None:
    found = kl.divergence(p, q)
    assert found.status is kl.Status.OK
    assert abs(found.value - truth) <= found.error <= 1e-10 * truth


def test_a_far_unit_costs_what_is_said() -> None:
    """A log density and the logarithm of its unit cancel; mpmath, 40 digits."""
    found = kl.divergence(stats.powerlaw(1.7, 0, 1e250), stats.lomax(3.2, 0, 5e249))
    assert abs(found.value - 1.5677060929848550966) <= found.error <= 1e-12


@pytest.mark.parametrize(
    ("p", "q"),
    [
        ("generalized_gamma(2000, 0.1, 1)", "generalized_gamma(1800, 0.1, 1)"),
        (
            "generalized_gamma(3179928.652185517, 0.05183876516759775, 1.808986821280338e-68)",
            "generalized_gamma(156827.32081848037, 0.3023457218109744, 3.254322280064445e+40)",
        ),
        (
            "generalized_gamma(1369127.1683000356, 0.36405603554789934, 3.7762561358349363e204)",
            "generalized_gamma(26237703.722315572, 0.023391952945257366, 1.8872327165590314e-96)",
        ),
    ],
)
def test_the_reach_of_panels_and_ratios_of_scales_beyond_doubles(p: str, q: str) -> None:
    """Nothing between them overflows, which was taken for an end without fall; the truth is the closed form."""
    closed, found = kl.divergence(p, q, method="closed"), kl.divergence(p, q, method="quadrature")
    assert abs(found.value - closed.value) <= found.error + closed.error
    assert found.error <= 1e-3 * closed.value
