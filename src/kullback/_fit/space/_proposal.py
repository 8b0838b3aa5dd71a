"""Where draws that stand for P come from: Q itself and Student-t's around the modes, each a stratum of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kullback._distribution import Density
from kullback._support import Array
from kullback._vocabulary import log_sum_exp, multivariate_student_t
from kullback.methods.monte_carlo import Stream

DF = 5.0  # heavy enough for most posteriors, and with finite variance


@dataclass(frozen=True, eq=False)
class Proposal:
    """Σ aₖ·rₖ; each rₖ is drawn from its own stream."""

    weights: Array
    parts: tuple[Density, ...]

    def log_prob(self, x: Array) -> Array:
        terms = np.stack([part._log_prob(x[:, 0] if part.dim == 1 else x) for part in self.parts])
        return log_sum_exp(terms + np.log(self.weights)[:, None])

    def draw(self, n: int, blocks: int, seed: list[int]) -> tuple[Array, Array, Array, Array]:
        """Points (N, d), the weight of each so that Σ w·h(x) ≈ E_r h, its block, and its stratum."""
        xs, ws, rows, strata = [], [], [], []
        for k, (a, part) in enumerate(zip(self.weights, self.parts, strict=True)):
            each = max(4, 1 << round(np.log2(max(a * n / blocks, 1))))
            x = np.concatenate([Stream(part, [*seed, k, r]).next(each) for r in range(blocks)])
            xs.append(x.reshape(len(x), -1))
            ws.append(np.full(blocks * each, a / (blocks * each)))
            rows.append(np.repeat(np.arange(blocks), each))
            strata.append(np.full(blocks * each, k))
        return np.concatenate(xs), np.concatenate(ws), np.concatenate(rows), np.concatenate(strata)


def student(centre: Array, tril: Array, df: float) -> Density:
    return multivariate_student_t(df, centre, tril)
