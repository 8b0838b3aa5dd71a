"""What weights p/q say of a fit on the line or in the plane, where the nodes of P are known."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from kullback._distribution import Density
from kullback._result import Importance
from kullback._support import Array
from kullback._vocabulary import log_sum_exp
from kullback.families import Frame
from kullback.methods._proposal import strata
from kullback.numerics.draws import lattice
from kullback.numerics.pareto import meaning, pareto_k

DRAWS = 1 << 11


class OnNodes(Protocol):
    """P on nodes in a frame, its log Z, and the error of that."""

    density: Density
    frame: Frame
    log_z: float
    slack: float
    seed: int

    @property
    def density_nodes(self) -> tuple[Array, Array]: ...


def importance(target: OnNodes, q: Density) -> Importance | None:
    """log Z, effective sample sizes both ways, and k̂; None where Q cannot be drawn from."""
    parts = strata(q)
    if any(part.facts.transport is None and part.facts.sample is None for _, part in parts):
        return None
    p = target.density
    x, w = _draws(parts, target.seed)
    log_w = p._log_prob(x) - q._log_prob(x)
    mean, square = (float(log_sum_exp((c * log_w + np.log(w))[:, None])[0]) for c in (1, 2))
    reverse = DRAWS * math.exp(2 * mean - square) if math.isfinite(square) else 0.0
    nodes, weights = target.density_nodes
    points = target.frame.outward(nodes)
    keep = weights > 0
    with np.errstate(over="ignore"):
        ratio = p._log_prob(points)[keep] - q._log_prob(points)[keep] + np.log(weights[keep])
    top = float(log_sum_exp(ratio[:, None])[0])
    forward = DRAWS * math.exp(-max(top, 0.0)) if math.isfinite(top) else 0.0
    k = pareto_k(log_w)
    return Importance(target.log_z, target.slack, (forward, min(reverse, DRAWS)), DRAWS, k, meaning(k, DRAWS))


def _draws(parts: list[tuple[float, Density]], seed: int) -> tuple[Array, Array]:
    """Draws of Q, each component's share of them its own, and weights that sum to one."""
    xs, ws = [], []
    for i, (weight, part) in enumerate(parts):
        n = max(8, 1 << round(math.log2(max(weight * DRAWS, 1))))
        if part.facts.transport is not None:
            m, carry = part.facts.transport
            xs.append(carry(lattice(n, m)))
        else:
            assert part.facts.sample is not None
            xs.append(np.asarray(part.facts.sample(np.random.default_rng([seed, 61, i]), n), dtype=np.float64))
        ws.append(np.full(n, weight / n))
    return np.concatenate(xs), np.concatenate(ws)
