"""One vocabulary for text forms, sources and families: canonical distributions by NumPyro's names."""

from kullback._vocabulary import (  # the imports enter their words
    _bounded,
    _lattice,
    _matrices,
    _positive,
    _real,
    _steps,
    _vectors,
)
from kullback._vocabulary._carried import carried, shifted
from kullback._vocabulary._lattice import displaced, of_failures
from kullback._vocabulary._onto import onto
from kullback._vocabulary._parse import Call, distribution, parse
from kullback._vocabulary._space import (
    factored,
    laplace_product,
    mixture,
    multivariate_normal,
    multivariate_student_t,
    product,
    rooted,
    whitened,
)
from kullback._vocabulary._words import WORDS, build, suggest
from kullback.numerics.many import log_sum_exp

__all__ = [
    "WORDS",
    "Call",
    "_bounded",
    "_lattice",
    "_matrices",
    "_positive",
    "_real",
    "_steps",
    "_vectors",
    "build",
    "carried",
    "displaced",
    "distribution",
    "factored",
    "laplace_product",
    "log_sum_exp",
    "mixture",
    "multivariate_normal",
    "multivariate_student_t",
    "of_failures",
    "onto",
    "parse",
    "product",
    "rooted",
    "shifted",
    "suggest",
    "whitened",
]
