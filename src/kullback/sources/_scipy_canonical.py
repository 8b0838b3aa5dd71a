"""Which of SciPy's distributions are members of the vocabulary, and with which parameters."""

from __future__ import annotations

import math
from collections.abc import Callable

from kullback._distribution import Density
from kullback._vocabulary import build, displaced, of_failures, shifted
from kullback.numerics.masses import complement

Place = Callable[..., Density | None]


def canonical(name: str, shapes: tuple[float, ...], loc: float, scale: float) -> Density | None:
    """The canonical density, moved by loc where its family has no location; None where there is none."""
    if name == "uniform" and (loc + scale) - loc == scale:  # doubles hold both ends
        return _word("uniform", loc, loc + scale)
    if name in LOCATED:
        return LOCATED[name](*shapes, loc, scale)
    if name in SCALED:
        found = SCALED[name](*shapes, scale)
        return found if found is None or loc == 0 else shifted(found, loc)
    if name in STANDARD:
        found = STANDARD[name](*shapes)
        return found if found is None or (loc, scale) == (0, 1) else shifted(found, loc, scale)
    if name in LATTICE and loc == int(loc):
        found = LATTICE[name](*shapes)
        return None if found is None else _at(found, loc)
    return None


def _at(found: Density, loc: float) -> Density:
    base = found.facts.base  # X + 1 at loc −1 is X
    return displaced(found, loc) if base is None else displaced(base[1], base[0][1] + loc)  # type: ignore[index]


def _word(name: str, *args: float) -> Density:
    found = build(name, args)
    assert isinstance(found, Density)
    return found


def _nakagami(m: float, s: float) -> Density:
    if 1e-150 < s < 1e150:
        return _word("nakagami", m, s * s)
    return _word("generalized_gamma", m, 2.0, s / math.sqrt(m))  # the same, where the square leaves the doubles


LOCATED: dict[str, Place] = {
    "norm": lambda loc, s: _word("normal", loc, s),
    "laplace": lambda loc, s: _word("laplace", loc, s),
    "t": lambda df, loc, s: _word("student_t", df, loc, s) if df < math.inf else _word("normal", loc, s),
    "cauchy": lambda loc, s: _word("cauchy", loc, s),
    "logistic": lambda loc, s: _word("logistic", loc, s),
    "gumbel_r": lambda loc, s: _word("gumbel", loc, s),
    "gumbel_l": lambda loc, s: _word("log_gamma", 1.0, loc, s),
    "loggamma": lambda c, loc, s: _word("log_gamma", c, loc, s),
    "moyal": lambda loc, s: _word("moyal", loc, s),
    "levy": lambda loc, s: _word("levy", loc, s),
    "vonmises": lambda k, loc, s: _word("von_mises", loc, k) if s == 1 else None,
}

SCALED: dict[str, Place] = {
    "uniform": lambda s: _word("uniform", 0.0, s),
    "expon": lambda s: _word("exponential", 1 / s),
    "gamma": lambda a, s: _word("gamma", a, 1 / s),
    "erlang": lambda a, s: _word("gamma", a, 1 / s),
    "chi2": lambda df, s: _word("gamma", df / 2, 0.5 / s),
    "chi": lambda df, s: _word("chi", df) if s == 1 else _word("generalized_gamma", df / 2, 2.0, s * math.sqrt(2)),
    "maxwell": lambda s: _word("maxwell", s),
    "rayleigh": lambda s: _word("rayleigh", s),
    "nakagami": lambda m, s: _nakagami(m, s),
    "gengamma": lambda a, c, s: _word("generalized_gamma", a, c, s),
    "halfnorm": lambda s: _word("half_normal", s),
    "halfcauchy": lambda s: _word("half_cauchy", s),
    "lognorm": lambda a, s: _word("log_normal", math.log(s), a),
    "loguniform": lambda a, b, s: _word("log_uniform", a * s, b * s),
    "reciprocal": lambda a, b, s: _word("log_uniform", a * s, b * s),
    "fisk": lambda c, s: _word("log_logistic", math.log(s), 1 / c),
    "weibull_min": lambda c, s: _word("weibull", s, c),
    "invweibull": lambda c, s: _word("frechet", s, c),
    "invgauss": lambda m, s: _word("inverse_gaussian", m * s, s),
    "lomax": lambda c, s: shifted(_word("pareto", s, c), -s),
    "pareto": lambda a, s: _word("pareto", s, a),
    "invgamma": lambda a, s: _word("inverse_gamma", a, s),
    "gompertz": lambda c, s: _word("gompertz", c, 1 / s),
}

STANDARD: dict[str, Place] = {
    "beta": lambda a, b: _word("beta", a, b),
    "arcsine": lambda: _word("beta", 0.5, 0.5),
    "powerlaw": lambda a: _word("beta", a, 1.0),
}

LATTICE: dict[str, Place] = {
    "poisson": lambda rate: _word("poisson", rate),
    "geom": lambda p: displaced(_word("geometric", p), 1.0),
    "binom": lambda n, p: _word("binomial", n, p),
    "bernoulli": lambda p: _word("bernoulli", p),
    "nbinom": lambda n, p: of_failures(n, complement(p), (p, 0.0)) if 0 < p <= 1 else None,
    "betabinom": lambda n, a, b: _word("beta_binomial", a, b, n),
    "logser": lambda p: _word("logarithmic", p),
    "zipf": lambda a: _word("zipf", a),
    "randint": lambda a, b: _word("discrete_uniform", a, b - 1),
}
