"""One vocabulary for text forms, sources and families: canonical distributions by NumPyro's names."""

from kullback._vocabulary import _continuous, _lattice  # the imports enter their words
from kullback._vocabulary._parse import Call, distribution, parse
from kullback._vocabulary._space import (
    laplace_product,
    log_sum_exp,
    mixture,
    multivariate_normal,
    multivariate_student_t,
    product,
    whitened,
)
from kullback._vocabulary._words import WORDS, build, suggest

__all__ = [
    "WORDS",
    "Call",
    "_continuous",
    "_lattice",
    "build",
    "distribution",
    "laplace_product",
    "log_sum_exp",
    "mixture",
    "multivariate_normal",
    "multivariate_student_t",
    "parse",
    "product",
    "suggest",
    "whitened",
]
