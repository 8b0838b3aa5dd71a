"""One vocabulary for text forms, sources and families: canonical distributions by NumPyro's names."""

from kullback._vocabulary import (  # the imports enter their words
    _bounded,
    _lattice,
    _matrices,
    _positive,
    _real,
    _vectors,
)
from kullback._vocabulary._carried import carried, shifted
from kullback._vocabulary._onto import onto
from kullback._vocabulary._parse import Call, distribution, parse
from kullback._vocabulary._space import (
    factored,
    laplace_product,
    log_sum_exp,
    mixture,
    multivariate_normal,
    multivariate_student_t,
    product,
    rooted,
    whitened,
)
from kullback._vocabulary._words import WORDS, build, suggest

__all__ = [
    "WORDS",
    "Call",
    "_bounded",
    "_lattice",
    "_matrices",
    "_positive",
    "_real",
    "_vectors",
    "build",
    "carried",
    "distribution",
    "factored",
    "laplace_product",
    "log_sum_exp",
    "mixture",
    "multivariate_normal",
    "multivariate_student_t",
    "onto",
    "parse",
    "product",
    "rooted",
    "shifted",
    "suggest",
    "whitened",
]
