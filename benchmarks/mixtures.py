"""Ten-dimensional normal mixtures: variance at equal draws against plain Monte Carlo, over 20 random pairs.

The variance of an answer is the spread of its own value over seeds, not what it states of itself. Plain Monte Carlo's
is known from its terms: their variance over the number of draws that the answer took, pilot included.
"""

from __future__ import annotations

import time
from statistics import median

import numpy as np
from rich.console import Console
from rich.table import Table

import kullback as kl
from kullback._distribution import Density
from kullback._vocabulary import mixture, multivariate_normal

PAIRS, SEEDS, BUDGET, DIMENSIONS = 20, 12, 100_000, 10
CONSOLE = Console(width=110)


def main() -> None:
    table = Table("", "least", "median", "most", title=f"{PAIRS} pairs in {DIMENSIONS} dimensions, {SEEDS} seeds each")
    for components in (3, 5):
        ratios, stated, seconds = [], [], []
        for i in range(PAIRS):
            ratio, honesty, took = contest(*pair(i, components), i)
            ratios.append(ratio)
            stated.append(honesty)
            seconds.append(took)
        name = f"{components} components: "
        row(table, name + "plain variance over ours, equal draws", ratios, "{:.0f}")
        row(table, name + "stated error over true", stated, "{:.2f}")
        row(table, name + "seconds an answer", seconds, "{:.2f}")
    CONSOLE.print(table)


def row(table: Table, name: str, values: list[float], shape: str) -> None:
    table.add_row(name, *(shape.format(v) for v in (min(values), median(values), max(values))))


def pair(seed: int, components: int) -> tuple[Density, Density]:
    """Means three apart or so, covariances of Wishart kind, weights uniform on the simplex."""
    rng = np.random.default_rng([seed, components])

    def one() -> Density:
        parts = []
        for _ in range(components):
            half = rng.normal(size=(DIMENSIONS, DIMENSIONS)) / np.sqrt(DIMENSIONS)
            parts.append(multivariate_normal(rng.normal(size=DIMENSIONS), half @ half.T + 0.3 * np.eye(DIMENSIONS)))
        return mixture(rng.dirichlet(np.ones(components)), parts)

    return one(), one()


def contest(p: Density, q: Density, seed: int) -> tuple[float, float, float]:
    start = time.perf_counter()
    found = [
        kl.divergence(p, q, method="monte carlo", budget=BUDGET, tolerance=1e-9, seed=1000 * seed + s)
        for s in range(SEEDS)
    ]
    took = (time.perf_counter() - start) / SEEDS
    ours = float(np.var([d.value for d in found], ddof=1))
    x = p.sample(200_000, seed=seed)
    plain = float(np.var(p.log_prob(x) - q.log_prob(x))) / median(d.n for d in found)
    stated = float(np.sqrt(np.mean([d.error**2 for d in found]) / ours))
    return plain / ours, stated, took


if __name__ == "__main__":
    main()
