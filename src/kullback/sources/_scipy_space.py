"""SciPy's frozen distributions of vectors and matrices."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from kullback._distribution import Density, Discrete
from kullback._result import KindError
from kullback._vocabulary import build, factored, multivariate_normal, multivariate_student_t


def in_space(obj: Any) -> Density | Discrete | None:
    """The canonical density; None for what is no frozen distribution of vectors or matrices."""
    from scipy.stats import _multivariate

    if isinstance(obj, _multivariate.multi_rv_generic):
        name = type(obj).__name__.removesuffix("_gen")
        raise KindError(f"scipy.stats.{name} is a family of distributions; give its parameters: scipy.stats.{name}(…)")
    if not isinstance(obj, _multivariate.multi_rv_frozen):
        return None
    name = type(obj).__name__.removesuffix("_frozen")
    if name not in WORDS:
        raise KindError(
            f"scipy.stats.{name} is not understood; of SciPy's distributions of vectors and matrices "
            f"{', '.join(sorted(WORDS))} are"
        )
    return WORDS[name](obj)


_SEEN: dict[Any, Density | Discrete] = {}


def _word(name: str, *args: Any, make: Callable[..., Density | Discrete] | None = None) -> Density | Discrete:
    """The word of these numbers; small ones are kept, as checking and factoring them takes longer than the rest."""
    build_it = make or partial(_built, name)
    arrays = [np.asarray(a, dtype=np.float64) for a in args]
    if sum([a.size for a in arrays]) > 512:
        return build_it(*args)
    key = (name, make, *[(a.shape, a.tobytes()) for a in arrays])
    if key not in _SEEN:
        if len(_SEEN) >= 256:
            _SEEN.clear()
        _SEEN[key] = build_it(*args)
    return _SEEN[key]


def _built(name: str, *args: Any) -> Density | Discrete:
    return build(name, args)


def _normal(loc: Any, covariance: Any) -> Density | Discrete:
    """By what SciPy's covariance object was made of."""
    kind = type(covariance).__name__
    if kind in ("CovViaCholesky", "CovViaEigendecomposition", "CovViaDiagonal"):
        root = covariance.colorize(np.eye(covariance.shape[-1])).T
        return _word("multivariate_normal", loc, root, make=_by_root)
    if kind == "CovViaPrecision":
        return _word("multivariate_normal", loc, covariance._precision, make=_by_precision)
    return _word("multivariate_normal", loc, covariance.covariance)


def _by_root(loc: Any, root: Any) -> Density:
    return multivariate_normal(loc, scale_tril=root)


def _by_precision(loc: Any, precision: Any) -> Density:
    return multivariate_normal(loc, precision_matrix=precision)


def _student_t(obj: Any) -> Density | Discrete:
    if obj.df == np.inf:
        return _word("multivariate_normal", obj.loc, obj.shape)
    return _word("multivariate_student_t", obj.df, obj.loc, obj.shape, make=_by_shape)


def _by_shape(df: Any, loc: Any, shape: Any) -> Density:
    return multivariate_student_t(df, loc, factored(shape, len(shape), "shape"))


def _by_covariances(loc: Any, rows: Any, columns: Any) -> Density | Discrete:
    return build("matrix_normal", (loc, factored(rows, len(rows), "rowcov"), factored(columns, len(columns), "colcov")))


WORDS: dict[str, Callable[[Any], Density | Discrete]] = {
    "multivariate_normal": lambda d: _normal(d.mean, d.cov_object),
    "multivariate_t": _student_t,
    "dirichlet": lambda d: _word("dirichlet", d.alpha),
    "wishart": lambda d: _word("wishart", d.df, d.scale),
    "invwishart": lambda d: _word("inverse_wishart", d.df, d.scale),
    "matrix_normal": lambda d: _word("matrix_normal", d.mean, d.rowcov, d.colcov, make=_by_covariances),
    "vonmises_fisher": lambda d: _word("von_mises_fisher", d.mu, d.kappa),
    "uniform_direction": lambda d: _word("von_mises_fisher", np.eye(d.dim)[0], 0.0),
    "multinomial": lambda d: _word("multinomial", d.n, d.p),
    "dirichlet_multinomial": lambda d: _word("dirichlet_multinomial", d.alpha, d.n),
}
