"""Gradients of normals, Student-t and their mixtures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kullback._distribution import Density
from kullback._support import Array
from kullback._vocabulary import log_sum_exp

Sloped = Callable[[Array], tuple[Array, Array]]


def gradient_by_formula(f: Density) -> Sloped | None:
    """Values and gradients of f, or None where its family has no formula here."""
    if f.facts.components:
        parts = [gradient_by_formula(part) for _, part in f.facts.components]
        if any(part is None for part in parts):
            return None
        log_w = np.log(np.array([w for w, _ in f.facts.components]))
        return lambda x: _mixed(log_w, [part(x) for part in parts if part is not None])
    a = f.facts.parameters
    if f.facts.family in ("normal", "student_t"):
        loc, precision = np.atleast_1d(a["loc"]), np.atleast_2d(a["scale"]) ** -2.0
    elif f.facts.family in ("multivariate_normal", "multivariate_student_t"):
        loc = np.asarray(a["loc"])
        if "covariance_matrix" in a:
            precision = np.linalg.inv(a["covariance_matrix"])
        else:
            back = np.linalg.inv(a["scale_tril"])
            precision = back.T @ back
    else:
        return None
    df = a.get("df")
    dim = len(loc)

    def sloped(x: Array) -> tuple[Array, Array]:
        values = f._log_prob(x[:, 0] if dim == 1 else x)
        pull = -(x - loc) @ precision
        if df is not None:
            squared = -((x - loc) * pull).sum(axis=1, keepdims=True)
            pull = pull * ((df + dim) / (df + squared))
        return values, pull

    return sloped


def _mixed(log_w: Array, parts: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    terms = np.stack([a + value for a, (value, _) in zip(log_w, parts, strict=True)])
    total = log_sum_exp(terms)
    with np.errstate(invalid="ignore"):
        share = np.nan_to_num(np.exp(terms - total))
    return total, np.einsum("kn,knd->nd", share, np.stack([slope for _, slope in parts]))
