"""How often what is said of two rows of counts holds: intervals at 95 %, and p-values of equal tables at 5 %.

`python -m benchmarks counts` prints both tables of docs/tables.md; `python -m benchmarks.counts 4000` takes so many
replications.
"""

from __future__ import annotations

import sys

import numpy as np
from scipy import stats

from kullback.numerics import pearson, tallies
from kullback.numerics.gathered import gathered

MEASURES = tallies.MEASURES
Case = tuple[np.ndarray, np.ndarray, int]  # the shares of P and of Q, and how many of the cells are bins in order


def tilted(k: int, size: float) -> Case:
    q = np.exp(size * np.sin(np.arange(k)))
    return np.ones(k) / k, q / q.sum(), 0


def zipf(k: int, power: float) -> np.ndarray:
    p = np.arange(1.0, k + 1) ** -power
    return p / p.sum()


def shifted(by: float) -> np.ndarray:
    edges = np.array([-np.inf, *np.linspace(-2, 5, 19), np.inf])
    return np.asarray(np.diff(stats.norm.cdf(edges - by)))


INTERVALS: list[tuple[str, Case]] = [
    ("10 categories alike, P = Q", tilted(10, 0)),
    ("10 categories alike, KL 0.08", tilted(10, 0.4)),
    ("50 categories by Zipf, P = Q", (zipf(50, 1.5), zipf(50, 1.5), 0)),
    ("50 categories by Zipf, KL 0.10", (zipf(50, 1.5), zipf(50, 1.95), 0)),
    ("500 categories by Zipf, KL 0.18", (zipf(500, 1.1), zipf(500, 1.43), 0)),
    ("a flag of 1 % and 3 %", (np.array([0.01, 0.99]), np.array([0.03, 0.97]), 0)),
    ("20 bins, one sd apart, KL 0.49", (shifted(0), shifted(1), 20)),
    ("20 bins, three sd apart, KL 4.4", (shifted(0), shifted(3), 20)),
]
SIZES = [(200, 200), (1000, 30), (5000, 100), (1000, 1000), (20_000, 1000)]
TAILED = np.array([0.02, 0.23, 0.25, 0.25, 0.23, 0.02])  # as a batch of few rows is cut
LEVELS: list[tuple[str, np.ndarray, int]] = [
    ("bins", TAILED, 6),
    ("50 categories by Zipf", zipf(50, 1.5), 0),
    ("500 categories by Zipf", zipf(500, 1.1), 0),
    ("10,000 categories alike", np.full(10_000, 1e-4), 0),
    ("a flag of 0.3 %", np.array([0.003, 0.997]), 0),
]
BATCHES = [1, 2, 5, 10, 30, 100, 1000, 100_000]


def main(replications: int = 1000) -> None:
    print(f"intervals at 95 %: how many of {replications} held, the least and the most of the four measures, in %")
    print(f"{'':34s}" + "".join(f"{f'{n:,} : {m:,}':>16s}" for n, m in SIZES))
    for name, case in INTERVALS:
        held = [coverage(case, n, m, replications) for n, m in SIZES]
        print(f"{name:34s}" + "".join(f"{f'{100 * min(h):.1f} – {100 * max(h):.1f}':>16s}" for h in held), flush=True)
    print(f"\np-values of equal tables: how many of {replications} were at most 0.05, in %; 1,000 rows against")
    print(f"{'':34s}" + "".join(f"{m:>10,d}" for m in BATCHES))
    for name, p, ordered in LEVELS:
        found = [level(p, ordered, m, replications) for m in BATCHES]
        print(f"{name:34s}" + "".join(f"{100 * x:>10.1f}" for x in found), flush=True)


def coverage(case: Case, n: int, m: int, replications: int) -> list[float]:
    """How often the interval of each measure holds the true divergence."""
    p, q, ordered = case
    rng = np.random.default_rng(11)
    pairs = list(zip(rng.multinomial(n, p, replications), rng.multinomial(m, q, replications), strict=True))
    return [np.mean([_holds(a, b, ordered, measure, truth) for a, b in pairs]) for measure, truth in truths(p, q)]


def truths(p: np.ndarray, q: np.ndarray) -> list[tuple[str, float]]:
    forward, reverse = float(np.sum(p * np.log(p / q))), float(np.sum(q * np.log(q / p)))
    mean = (p + q) / 2
    jensen_shannon = 0.5 * float(np.sum(p * np.log(p / mean)) + np.sum(q * np.log(q / mean)))
    return list(zip(MEASURES, (forward, reverse, jensen_shannon, forward + reverse), strict=True))


def _holds(a: np.ndarray, b: np.ndarray, ordered: int, measure: str, truth: float) -> bool:
    seen = (a + b) > 0
    a, b = a[seen].astype(float), b[seen].astype(float)
    found = tallies.estimate(a, b, measure, gathered(a, b, int(seen[:ordered].sum())))
    return bool(found.low - 1e-12 <= truth <= found.high)


def level(p: np.ndarray, ordered: int, m: int, replications: int) -> float:
    rng = np.random.default_rng(2)
    found = [pearson.p_value(rng.multinomial(1000, p), rng.multinomial(m, p), ordered) for _ in range(replications)]
    return float(np.mean(np.array(found) <= 0.05))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
