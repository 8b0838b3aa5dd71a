"""The one table of known truths: (P, Q, KL(P‖Q) in nats, source). Add a case, not a test.

"mpmath" means 30-digit quadrature or summation of the textbook log densities; the digits were printed to 17.
"""

from __future__ import annotations

import math
from typing import NamedTuple

INF = math.inf


class Case(NamedTuple):
    p: str
    q: str
    value: float
    source: str


GMM_P = "0.35*normal(-1, 0.5916079783099616) + 0.65*normal(1.25, 0.8944271909999159)"
GMM_Q = "0.55*normal(-0.4, 0.7745966692414834) + 0.45*normal(2, 1.0488088481701516)"
MURPHY = (
    "0.5*multivariate_normal([1, 1], [[0.5, -0.25], [-0.25, 1]])"
    " + 0.5*multivariate_normal([-1, -1], [[0.5, 0.25], [0.25, 1]])"
)

LINE = [
    Case("normal(0, 1)", "laplace(0, 1)", 0.072093208158137924, "mpmath"),
    Case("laplace(0.5, 2)", "normal(0, 1)", 2.6576441720847821, "mpmath"),
    Case("normal(0, 1)", "cauchy(0, 1)", 0.25924453248886226, "mpmath"),
    Case("student_t(3, 0, 1)", "normal(0, 2)", 0.2136081419013271, "mpmath"),
    Case("cauchy(0, 1)", "cauchy(1, 3)", 0.34830669426821577, "log((s₁+s₂)²+Δ²)/(4s₁s₂), Chyzak & Nielsen 2019"),
    Case("logistic(0, 1)", "normal(0, 2)", 0.02331923047667466, "mpmath"),
    Case("gumbel(0, 1)", "normal(0, 2)", 0.28213404769507833, "mpmath"),
    Case("beta(2, 3)", "uniform(0, 1)", 0.23490664978800031, "mpmath"),
    Case("gamma(2, 3)", "exponential(1)", 0.1880632904332435, "mpmath"),
    Case("gamma(0.3, 2)", "log_normal(-1, 1.5)", 3.8684439932850099, "mpmath"),
    Case("log_normal(0, 1)", "gamma(2, 1)", 0.22978273749545541, "mpmath"),
    Case("weibull(2, 1.5)", "gamma(2, 1)", 0.017066554523985273, "mpmath"),
    Case("pareto(1, 2.5)", "log_normal(0, 1)", 0.99522926507882781, "mpmath"),
    Case("inverse_gamma(3, 2)", "log_normal(0, 1)", 0.21797800273651655, "mpmath"),
    Case("uniform(-1, 2)", "normal(0, 1)", 0.32032624453656305, "mpmath"),
    Case("normal(0, 1e-9)", "normal(0, 1)", 20.223265836946411, "mpmath"),
    Case("normal(0, 1)", "normal(1, 1)", 0.5, "½μ²"),
    Case("normal(0, 1)", "normal(1, 2)", math.log(2) + 2 / 8 - 0.5, "R package kldest: 0.44315"),
    Case("exponential(1)", "exponential(0.08333333333333333)", math.log(12) - 1 + 1 / 12, "kldest: 1.56824"),
    Case("uniform(1, 2)", "uniform(0, 4)", math.log(4), "kldest"),
    Case("exponential(0.2)", "exponential(0.4)", 1 - math.log(2), "R package FNN"),
    Case(GMM_P, GMM_Q, 0.1129823940300846, "gmm-divergence, tests/test_kl_estimators.py"),
    Case("0.5*normal(0, 1) + 0.5*normal(40, 0.01)", "normal(20, 20)", 4.6057952484880914, "mpmath"),
    Case(
        "0.35*normal(-3, 1) + 0.65*normal(3, 1.2)",
        "0.5*laplace(-3, 1) + 0.5*student_t(2, 3, 1)",
        0.10304747888182659,
        "mpmath",
    ),
    Case("continuous_bernoulli(0.3)", "uniform(0, 1)", 0.029386202232129083, "mpmath; torch gives ∞"),
    Case("uniform(0, 1)", "continuous_bernoulli(0.3)", 0.029736123251875434, "mpmath; torch gives ∞"),
    Case("continuous_bernoulli(0.3)", "normal(0.5, 1)", 0.99097176121321065, "mpmath"),
    Case("continuous_bernoulli(0.3)", "exponential(2)", 0.19668402395984111, "mpmath"),
    Case("beta(2, 3)", "continuous_bernoulli(0.3)", 0.17991298700115538, "mpmath"),
    Case("beta(2, 3)", "normal(0, 1)", 1.2538451829926731, "mpmath"),
    Case("beta(2, 3)", "gamma(2, 3)", 0.32101540578511426, "mpmath"),
    Case("beta(2, 3)", "logit_normal(0, 1)", 0.13211258317423282, "mpmath"),
    Case("kumaraswamy(2, 3)", "beta(2, 3)", 0.040186152773388024, "mpmath"),
    Case("kumaraswamy(0.5, 1.5)", "beta(0.7, 2)", 0.06471162152164735, "mpmath"),
    Case("von_mises(0.5, 2)", "von_mises(-1, 3)", 2.0087875161614432, "mpmath"),
    Case("exponential(2)", "gumbel(0, 1)", 0.85981384722661198, "mpmath"),
    Case("levy(0, 1)", "levy(0, 3)", 1 - math.log(3) / 2, "½(3 − 1 − log 3)"),
    # sharp peaks far apart, heavy tails, scales, location, ends that are infinite
    Case("0.5*normal(-10000, 0.001) + 0.5*normal(10000, 0.001)", "student_t(2, 0, 1)", 32.426690711146052, "mpmath"),
    Case("student_t(1.2, 0, 1)", "laplace(0, 1)", 2.3012230914205833, "mpmath"),
    Case("student_t(1.2, 0, 1)", "logistic(0, 1)", 2.2519717279452425, "mpmath"),
    Case("student_t(1.2, 0, 1)", "cauchy(1, 2)", 0.26955067094908389, "mpmath"),
    Case("pareto(1, 0.5)", "half_cauchy(1)", 0.91947465464909902, "mpmath"),
    Case("pareto(1, 1.2)", "exponential(1)", 4.3489882234606213, "mpmath"),
    Case("half_cauchy(1)", "log_normal(0, 2)", 0.082633784889315024, "mpmath"),
    Case("inverse_gamma(0.5, 0.5)", "half_cauchy(1)", 0.33265692608031423, "mpmath; P is Lévy's"),
    Case("inverse_gamma(0.5, 0.5)", "log_normal(0, 3)", 0.32724330814146298, "mpmath"),
    Case("student_t(3, 0, 1e9)", "cauchy(0, 1e-9)", 39.916396276547041, "mpmath"),
    Case("normal(0, 1e-9)", "laplace(1e-9, 1e9)", 40.720740321248095, "mpmath"),
    Case("logistic(0, 1e9)", "normal(0, 1e9)", 0.56387260005289918, "mpmath"),
    Case("normal(1e9, 1)", "laplace(1000000000.5, 1)", 0.16980176215788463, "mpmath, at location 0"),
    Case("student_t(3, 1e9, 1)", "logistic(1000000000.5, 1.5)", 0.27590295425944661, "mpmath, at location 0"),
    Case(
        "0.25*normal(1e9, 1) + 0.75*normal(1000000003, 2)",
        "student_t(3, 1000000001, 2)",
        0.20495006915706874,
        "mpmath, at location 0",
    ),
    Case("gamma(0.1, 1)", "log_normal(0, 3)", 10.294016354349529, "mpmath"),
]

INTEGERS = [
    Case("poisson(3)", "geometric(0.3)", 0.3425274379935642, "mpmath"),
    Case("geometric(0.3)", "poisson(3)", 0.53433396398719069, "mpmath"),
    Case("binomial(10, 0.3)", "poisson(3)", 0.029497175576529443, "mpmath"),
    Case("poisson(1e-3)", "poisson(1000)", 999.98518448944204, "closed form"),
    Case("negative_binomial(2.5, 0.6)", "poisson(4)", 0.2724727766612328, "mpmath"),
    Case("zipf(2.1)", "poisson(3)", 52.561951669075268, "Euler-Maclaurin; ten million terms give 18.8"),
    Case("zipf(1.01)", "zipf(1.5)", 45.067407695414936, "exponential family: E log k = −ζ′/ζ; mpmath"),
    Case("zipf(2.05)", "geometric(0.5)", 8.0539714467199369, "E k = ζ(a − 1)/ζ(a); mpmath"),
    Case("discrete_uniform(0, 9)", "binomial(9, 0.5)", 0.9261710877280379, "mpmath"),
]

PLANE = [
    Case(
        "multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]])",
        "multivariate_normal([0, 0], [[1, 0], [0, 1]])",
        -0.5 * math.log(0.19),
        "−½ log(1 − ρ²)",
    ),
    Case(MURPHY, "multivariate_normal([0, 0], [[1.5, 1], [1, 2]])", 0.16560626557, "research table: 0.1656"),
]

INFINITE = [
    Case("uniform(0, 2)", "uniform(0, 1)", INF, "support"),
    Case("normal(0, 1)", "exponential(1)", INF, "support"),
    Case("poisson(3)", "binomial(10, 0.3)", INF, "support"),
    Case("poisson(3)", "normal(3, 2)", INF, "base measure"),
    Case("normal(3, 2)", "poisson(3)", INF, "base measure"),
    Case("cauchy(0, 1)", "normal(0, 1)", INF, "tails"),
    Case("student_t(1.5, 0, 1)", "normal(0, 1)", INF, "tails; Distributions.jl issue 1443"),
    Case("pareto(1, 1)", "exponential(1)", INF, "tails"),
    Case("zipf(1.9)", "poisson(3)", INF, "tails"),
    Case("half_cauchy(1)", "half_normal(1)", INF, "tails"),
    Case("exponential(1)", "levy(0, 1)", INF, "E 1/x at 0"),
    Case("log_normal(0, 0.1)", "gompertz(1, 1)", INF, "tails: no exponential moment"),
    Case("laplace(0, 2)", "gumbel(0, 1)", INF, "no exponential moment of that order"),
    Case("gamma(0.7, 1)", "inverse_gamma(2, 1)", INF, "E 1/x at 0"),
    Case("uniform(0, 3)", "0.5*uniform(0, 1) + 0.5*uniform(2, 3)", INF, "a gap inside the support"),
]

CASES = LINE + INTEGERS + PLANE


class Humps(NamedTuple):
    """p = ½N(0,1) + ½N(m,1) fitted by one normal: `minimise.md` §4, digits as published there."""

    m: float
    forward_sd: float
    forward: float
    optima: tuple[tuple[float, float, float], ...]  # mean, sd, KL(Q‖P), the best first; mirror images left out


HUMPS = [
    Humps(2.5, 1.600781, 0.0287972, ((1.25, 1.5517602, 0.0330601),)),
    Humps(5, 2.692582, 0.3145582, ((2.5, 2.3905887, 0.4810618), (0.1139061, 1.136456, 0.6664630))),
    Humps(7.5, 3.881044, 0.6632163, ((0.001058, 1.001982, 0.6928835), (3.75, 3.2881430, 1.5751119))),
    Humps(10, 5.099020, 0.9359020, ((4.465e-6, 1.000011, 0.6931463), (5, 4.2225719, 3.3066038))),
]
FOLD = (4.824459, 0.26651, 1.29099, 0.653977)  # separation, mean, sd, KL where seeking minima appear
SWITCH = 5.600164  # the separation at which the best reverse fit turns from covering to seeking


def humps(m: float) -> str:
    return f"0.5*normal(0, 1) + 0.5*normal({m!r}, 1)"


# Members of every family that has a closed form, extreme ones included
MEMBERS = {
    "normal": ["normal(0, 1)", "normal(3, 0.5)", "normal(-20, 7)", "normal(1e-3, 1e3)"],
    "laplace": ["laplace(0, 1)", "laplace(2, 0.3)", "laplace(-7, 4)", "laplace(0.01, 1.02)"],
    "logistic": ["logistic(0, 1)", "logistic(1, 0.2)", "logistic(-30, 3)", "logistic(0.1, 1.1)"],
    "gumbel": ["gumbel(0, 1)", "gumbel(2, 3)", "gumbel(1, 0.4)", "gumbel(0.1, 1.05)"],
    "exp_gamma": ["exp_gamma(2, 3)", "exp_gamma(0.3, 1)", "exp_gamma(50, 2)", "exp_gamma(2.1, 3.3)"],
    "exp_inverse_gamma": ["exp_inverse_gamma(2, 3)", "exp_inverse_gamma(0.4, 1)", "exp_inverse_gamma(30, 2)"],
    "log_gamma": ["log_gamma(2, 1, 1)", "log_gamma(1, 0, 2)", "log_gamma(20, -1, 3)", "log_gamma(2.1, 1, 1.1)"],
    "moyal": ["moyal(0, 1)", "moyal(2, 0.5)", "moyal(-3, 4)", "moyal(0.1, 1.1)"],
    "uniform": ["uniform(0, 1)", "uniform(0.2, 0.7)", "uniform(-3, 5)", "uniform(0.1, 0.8)"],
    "exponential": ["exponential(1)", "exponential(20)", "exponential(0.01)", "exponential(1.1)"],
    "gamma": ["gamma(2, 3)", "gamma(0.3, 1)", "gamma(50, 2)", "gamma(2.1, 3.3)"],
    "chi": ["chi(1)", "chi(3.5)", "chi(60)", "chi(0.3)"],
    "maxwell": ["maxwell(1)", "maxwell(5)", "maxwell(0.9)", "maxwell(1e-3)"],
    "rayleigh": ["rayleigh(1)", "rayleigh(5)", "rayleigh(0.9)", "rayleigh(1e3)"],
    "nakagami": ["nakagami(1.5, 2)", "nakagami(0.5, 1)", "nakagami(40, 3)", "nakagami(1.6, 2.1)"],
    "generalized_gamma": [
        "generalized_gamma(2, 1.5, 1)",
        "generalized_gamma(0.5, 3, 2)",
        "generalized_gamma(3, -2, 1)",
        "generalized_gamma(20, 0.7, 0.1)",
    ],
    "inverse_gamma": ["inverse_gamma(3, 2)", "inverse_gamma(0.7, 1)", "inverse_gamma(20, 5)", "inverse_gamma(3.1, 2)"],
    "frechet": ["frechet(1, 3)", "frechet(2, 0.8)", "frechet(0.5, 12)", "frechet(1.1, 3.1)"],
    "levy": ["levy(0, 1)", "levy(0, 30)", "levy(0, 0.01)", "levy(0, 1.1)"],
    "beta": ["beta(2, 3)", "beta(5, 1.5)", "beta(1, 1)", "beta(30, 40)"],
    "kumaraswamy": ["kumaraswamy(2, 3)", "kumaraswamy(0.7, 1.5)", "kumaraswamy(5, 0.4)", "kumaraswamy(1, 30)"],
    "continuous_bernoulli": [
        "continuous_bernoulli(0.3)",
        "continuous_bernoulli(0.5)",
        "continuous_bernoulli(1e-9)",
        "continuous_bernoulli(0.999)",
    ],
    "logit_normal": ["logit_normal(0, 1)", "logit_normal(2, 0.5)", "logit_normal(-1, 1.5)", "logit_normal(0.1, 1.1)"],
    "von_mises": ["von_mises(0, 1)", "von_mises(2, 50)", "von_mises(-3, 0.01)", "von_mises(0.1, 1.1)"],
    "log_normal": ["log_normal(0, 1)", "log_normal(-2, 0.3)", "log_normal(3, 0.5)", "log_normal(0.1, 1.1)"],
    "log_uniform": ["log_uniform(1, 2)", "log_uniform(0.1, 30)", "log_uniform(1e-6, 1e6)", "log_uniform(0.9, 2.2)"],
    "inverse_gaussian": ["inverse_gaussian(1, 2)", "inverse_gaussian(5, 0.3)", "inverse_gaussian(0.2, 40)"],
    "lindley": ["lindley(1)", "lindley(0.01)", "lindley(30)", "lindley(1.1)"],
    "weibull": ["weibull(1, 1.5)", "weibull(3, 0.7)", "weibull(1.1, 1.4)", "weibull(0.2, 4)"],
    "pareto": ["pareto(1, 2.5)", "pareto(2, 5)", "pareto(3, 0.8)", "pareto(1.01, 2)"],
    "half_normal": ["half_normal(1)", "half_normal(5)", "half_normal(0.9)", "half_normal(1e-6)"],
    "half_cauchy": ["half_cauchy(1)", "half_cauchy(4)", "half_cauchy(0.01)", "half_cauchy(1.1)"],
    "student_t": ["student_t(5, 0, 1)", "student_t(2.5, 1, 3)"],
    "cauchy": ["cauchy(0, 1)", "cauchy(2, 5)", "cauchy(-9, 0.1)", "cauchy(0.1, 1.1)"],
    "poisson": ["poisson(3)", "poisson(0.1)", "poisson(400)", "poisson(3.3)"],
    "geometric": ["geometric(0.3)", "geometric(0.8)", "geometric(0.01)", "geometric(0.33)"],
    "bernoulli": ["bernoulli(0.3)", "bernoulli(0.9)", "bernoulli(1e-6)", "bernoulli(0.31)"],
    "binomial": ["binomial(10, 0.3)", "binomial(10, 0.7)", "binomial(10, 0.001)", "binomial(10, 0.31)"],
    "negative_binomial": [
        "negative_binomial(2.5, 0.6)",
        "negative_binomial(2.5, 0.2)",
        "negative_binomial(2.5, 0.9)",
        "negative_binomial(2.5, 0.61)",
    ],
    "logarithmic": ["logarithmic(0.3)", "logarithmic(0.99)", "logarithmic(1e-4)", "logarithmic(0.31)"],
    "discrete_uniform": ["discrete_uniform(0, 9)", "discrete_uniform(2, 5)", "discrete_uniform(0, 1)"],
}

SPACE_MEMBERS = {
    "multivariate_normal": "multivariate_normal([0, 1], [[1, 0.5], [0.5, 2]])",
    "dirichlet": "dirichlet([2, 3, 4])",
    "multinomial": "multinomial(6, [0.2, 0.3, 0.5])",
    "von_mises_fisher": "von_mises_fisher([0, 1, 0], 3)",
    "power_spherical": "power_spherical([0, 1, 0], 3)",
    "wishart": "wishart(3, [[1, 0], [0, 2]])",
    "inverse_wishart": "inverse_wishart(3, [[1, 0], [0, 2]])",
    "matrix_normal": "matrix_normal([[0, 1, 2]], [[1]], [[1, 0, 0], [0, 1, 0], [0, 0, 1]])",
}
