"""A fitted Q as a distribution of SciPy or NumPyro."""

from __future__ import annotations

from typing import Any

import numpy as np

from kullback._distribution import Density, carrier
from kullback._result import Fit, KindError, MissingExtraError
from kullback._support import Box, Interval


def to_scipy(q: Any) -> Any:
    """The SciPy distribution equal to a fitted Q.

    Parameters
    ----------
    q : Fit or Density
        A fit, or the q of one.

    Returns
    -------
    A frozen distribution of scipy.stats; a mixture on the line becomes a scipy.stats.Mixture.

    Examples
    --------
    >>> import kullback as kl
    >>> fit = kl.fit("0.5*normal(-1, 1) + 0.5*normal(1, 1)", "normal", direction="forward")
    >>> float(kl.to_scipy(fit).var().round(12))
    2.0
    """
    from scipy import stats

    density = _density(q)
    a = density.parameters
    family = density.facts.family
    if family == "normal_mixture" and density.dim == 1:
        parts = [stats.Normal(mu=m, sigma=s) for m, s in zip(a["loc"], a["scale"], strict=True)]
        return stats.Mixture(parts, weights=list(a["weights"]))
    if family == "laplace" and density.dim == 1:
        return stats.laplace(a["loc"], a["scale"])
    makers: dict[str, Any] = {
        "normal": lambda: stats.norm(a["loc"], a["scale"]),
        "multivariate_normal": lambda: stats.multivariate_normal(a["loc"], a["covariance_matrix"]),
        "student_t": lambda: stats.t(a["df"], a["loc"], a["scale"]),
        "multivariate_student_t": lambda: stats.multivariate_t(
            a["loc"], a["scale_tril"] @ a["scale_tril"].T, df=a["df"]
        ),
        "log_normal": lambda: stats.lognorm(a["scale"], scale=np.exp(a["loc"])),
        "exponential": lambda: stats.expon(scale=1 / a["rate"]),
        "gamma": lambda: stats.gamma(a["concentration"], scale=1 / a["rate"]),
        "beta": lambda: stats.beta(a["concentration1"], a["concentration0"]),
        "uniform": lambda: stats.uniform(a["low"], a["high"] - a["low"]),
        "pareto": lambda: stats.pareto(a["alpha"], scale=a["scale"]),
        "weibull": lambda: stats.weibull_min(a["concentration"], scale=a["scale"]),
        "poisson": lambda: stats.poisson(a["rate"]),
        "geometric": lambda: stats.geom(a["probs"], loc=-1),
        "binomial": lambda: stats.binom(int(a["total_count"]), a["probs"]),
    }
    if family not in makers:
        raise KindError(f"SciPy has no distribution for {density} in {density.dim} dimensions; try kl.to_numpyro")
    return makers[family]()


def to_numpyro(q: Any) -> Any:
    """The NumPyro distribution equal to a fitted Q.

    It keeps the parameters as float64 arrays; JAX computes with them in the precision that the caller has set.

    Parameters
    ----------
    q : Fit or Density
        A fit, or the q of one.

    Examples
    --------
    >>> import kullback as kl
    >>> fit = kl.fit("0.5*normal(-1, 1) + 0.5*normal(1, 1)", "normal", direction="forward")
    >>> type(kl.to_numpyro(fit)).__name__
    'Normal'
    """
    try:
        import numpyro.distributions as dist
    except ImportError:
        raise MissingExtraError("NumPyro", "fit", "to_numpyro") from None
    density = _density(q)
    if density.facts.source is not None:
        from jax.tree_util import tree_map

        return tree_map(np.asarray, density.facts.source.distribution)
    base = density.facts.base
    if base is not None and density.family != "log_normal" and base[0] == carrier(density.support):
        return dist.TransformedDistribution(to_numpyro(base[1]), _transform(density, dist.transforms))
    a = {key: np.asarray(value, dtype=np.float64) for key, value in density.parameters.items()}
    family = density.facts.family
    if family == "normal_mixture":
        mixing = dist.CategoricalProbs(a["weights"])
        if density.dim == 1:
            return dist.MixtureSameFamily(mixing, dist.Normal(a["loc"], a["scale"]))
        return dist.MixtureSameFamily(mixing, dist.MultivariateNormal(a["loc"], a["covariance_matrix"]))
    if family == "laplace":
        one = dist.Laplace(a["loc"], a["scale"])
        return one.to_event(1) if density.dim > 1 else one
    makers: dict[str, Any] = {
        "normal": lambda: dist.Normal(a["loc"], a["scale"]),
        "log_normal": lambda: dist.LogNormal(a["loc"], a["scale"]),
        "multivariate_normal": lambda: dist.MultivariateNormal(a["loc"], a["covariance_matrix"]),
        "student_t": lambda: dist.StudentT(a["df"], a["loc"], a["scale"]),
        "multivariate_student_t": lambda: dist.MultivariateStudentT(a["df"], a["loc"], a["scale_tril"]),
        "uniform": lambda: dist.Uniform(a["low"], a["high"]),
        "pareto": lambda: dist.Pareto(a["scale"], a["alpha"]),
        "poisson": lambda: dist.Poisson(a["rate"]),
        "geometric": lambda: dist.GeometricProbs(a["probs"]),
        "binomial": lambda: dist.BinomialProbs(a["probs"], total_count=int(a["total_count"])),
    }
    if family not in makers:
        raise KindError(f"there is no NumPyro distribution for {density}")
    return makers[family]()


def _transform(density: Density, t: Any) -> Any:
    """The bijection of the support as NumPyro's transforms; on a box one for all coordinates, if they are alike."""
    support = density.support
    sides = set(support.sides) if isinstance(support, Box) else {support}
    side = next(iter(sides))
    if len(sides) > 1 or not isinstance(side, Interval):
        raise KindError(f"NumPyro has no one transform towards {support}; use its log_prob and sample")
    if np.isinf(side.high):
        steps = [t.ExpTransform(), t.AffineTransform(side.low, 1.0)]
    elif np.isinf(side.low):
        steps = [t.AffineTransform(0.0, -1.0), t.ExpTransform(), t.AffineTransform(side.high, -1.0)]
    else:
        steps = [t.SigmoidTransform(), t.AffineTransform(side.low, side.high - side.low)]
    return [t.IndependentTransform(step, 1) for step in steps] if isinstance(support, Box) else steps


def _density(q: Any) -> Density:
    found = q.q if isinstance(q, Fit) else q
    if not isinstance(found, Density):
        raise KindError(f"give a Fit or a Density, not {type(q).__name__}")
    return found
