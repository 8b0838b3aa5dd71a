"""What stands beside the divergence of normal mixtures, by whatever method: a variational value and bounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kullback._distribution import Density, Measured
from kullback._result import Divergence
from kullback.numerics.normals import Normals, bracket

MANY = 200  # components whose pairs are not worth their time
SINGLE = ("normal", "multivariate_normal")
MIXTURE = "normal_mixture"


def with_bracket(found: Divergence, p: Measured, q: Measured) -> Divergence:
    """`found` with both, where P and Q are normals or mixtures of them and one is a mixture; else as it is."""
    if not isinstance(p, Density) or not isinstance(q, Density) or MIXTURE not in (p.family, q.family):
        return found
    if any(d.family not in (*SINGLE, MIXTURE) or len(d.facts.components) > MANY for d in (p, q)):
        return found
    try:
        beside = bracket(_normals(p), _normals(q))
    except np.linalg.LinAlgError:  # too ill-conditioned to be factored from its entries
        return found
    return replace(found, bounds=(beside.lower, beside.upper), variational=beside.variational)


def _normals(f: Density) -> Normals:
    values = f.parameters
    weights = np.atleast_1d(values.get("weights", 1.0))
    loc = np.asarray(values["loc"], dtype=float).reshape(len(weights), -1)
    if f.dim == 1:
        return Normals(weights, loc, np.reshape(np.asarray(values["scale"], dtype=float) ** 2, (-1, 1, 1)))
    return Normals(weights, loc, np.reshape(values["covariance_matrix"], (len(weights), f.dim, f.dim)))
