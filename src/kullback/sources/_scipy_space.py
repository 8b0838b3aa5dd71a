"""SciPy's frozen distributions of vectors and matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kullback._distribution import Density, Discrete
from kullback._result import KindError
from kullback._vocabulary import build


def in_space(obj: Any) -> Density | Discrete | None:
    """The canonical density; None for what is no frozen distribution of vectors or matrices."""
    from scipy.stats import _multivariate

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


def _word(name: str, *args: Any) -> Density | Discrete:
    """The word of these numbers; small ones are kept, as checking and factoring them takes longer than the rest."""
    if sum(np.size(a) for a in args) > 512:
        return build(name, args)
    key = (name, *((np.shape(a), np.asarray(a, dtype=np.float64).tobytes()) for a in args))
    if key not in _SEEN:
        if len(_SEEN) >= 256:
            _SEEN.clear()
        _SEEN[key] = build(name, args)
    return _SEEN[key]


def _student_t(obj: Any) -> Density | Discrete:
    if obj.df == np.inf:
        return _word("multivariate_normal", obj.loc, obj.shape)
    return _word("multivariate_student_t", obj.df, obj.loc, np.linalg.cholesky(obj.shape))


WORDS: dict[str, Callable[[Any], Density | Discrete]] = {
    "multivariate_normal": lambda d: _word("multivariate_normal", d.mean, d.cov_object.covariance),
    "multivariate_t": _student_t,
    "dirichlet": lambda d: _word("dirichlet", d.alpha),
    "wishart": lambda d: _word("wishart", d.df, d.scale),
    "invwishart": lambda d: _word("inverse_wishart", d.df, d.scale),
    "matrix_normal": lambda d: _word(
        "matrix_normal", d.mean, np.linalg.cholesky(d.rowcov), np.linalg.cholesky(d.colcov)
    ),
    "vonmises_fisher": lambda d: _word("von_mises_fisher", d.mu, d.kappa),
    "uniform_direction": lambda d: _word("von_mises_fisher", np.eye(d.dim)[0], 0.0),
    "multinomial": lambda d: _word("multinomial", d.n, d.p),
    "dirichlet_multinomial": lambda d: _word("dirichlet_multinomial", d.alpha, d.n),
}
