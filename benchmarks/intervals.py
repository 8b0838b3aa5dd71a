"""How often intervals hold the truth where draws go together, and beside what peers give: parts of `samples`.

The peers' formulas are written out here. kldest (R) subsamples n^(2/3) of the draws of either side and takes quantiles
of what its nearest neighbour estimate is off there, shrunk by √ (Politis and Romano 1994). Of a plain nearest neighbour
estimate the interval is that of the mean of its terms. NannyML's band is the mean of the chunks of P ± 3 of their
standard deviations. None of the three takes weights, groups or an order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import signal
from scipy.spatial import cKDTree

import kullback as kl

CONSOLE = Console(width=150)
TRUTH = float(np.log(2) - 0.25)  # N(0, 1) from N(1, 2²)
SUBSAMPLES, CHUNKS = 100, 10
Made = tuple[Any, Any, dict[str, Any], dict[str, Any]]  # draws of either side, and what is said of them


def series(times: int = 600) -> None:
    """How often 95 % intervals of N(0,1)‖N(1,2²) hold it, by AR(1) draws given in their order, and as independent."""
    table = Table("φ", "draws", "worth", "held", "as independent", title=f"{times} replicates")
    for phi, n in ((0.0, 2000), (0.5, 2000), (0.9, 2000), (0.9, 10_500), (0.98, 2000), (0.98, 10_500), (0.98, 50_000)):
        held = {"time": 0, None: 0}
        for i in range(times):
            x, y = (_steps(np.random.default_rng([31, i, side]), n, phi) for side in range(2))
            for order in held:
                found = kl.divergence(kl.Sample(x, order=order), kl.Sample(1 + 2 * y, order=order), method="parametric")
                low, high = found.confidence_interval()
                held[order] += low <= TRUTH <= high
        shares = [f"{100 * hits / times:.0f} %" for hits in held.values()]
        table.add_row(f"{phi:g}", f"{n}", f"{n * (1 - phi) / (1 + phi):.0f}", *shares)
    CONSOLE.print(table)


def groups(times: int = 400) -> None:
    """The same of groups of twenty draws, at N(1,2²) and one standard error or so away; and by nearest neighbours."""
    table = Table("groups", "correlation", "N(1,2²)", "N(0.1,1)", "N(1,2²), neighbours", title=f"{times} replicates")
    for number in (10, 30, 100):
        for within in (0.01, 0.1, 0.5):
            held = np.zeros(3)
            for i in range(times):
                r = np.random.default_rng([32, i])
                (x, g), (y, h) = (_in_groups(r, number, within) for _ in range(2))
                p = kl.Sample(x, groups=g)
                far, near = (kl.Sample(v, groups=h + number) for v in (1 + 2 * y, y + 0.1))
                asked = ((far, TRUTH, "parametric"), (near, 0.005, "parametric"), (far, TRUTH, "neighbours"))
                for k, (q, truth, method) in enumerate(asked):
                    low, high = kl.divergence(p, q, method=method).confidence_interval()
                    held[k] += low <= truth <= high
            table.add_row(f"{number}", f"{within:g}", *(f"{100 * hits / times:.0f} %" for hits in held))
    CONSOLE.print(table)


def _in_groups(r: np.random.Generator, number: int, within: float) -> tuple[Any, Any]:
    g = np.repeat(np.arange(number), 20)
    return np.sqrt(within) * r.normal(size=number)[g] + np.sqrt(1 - within) * r.normal(size=len(g)), g


def _steps(r: np.random.Generator, n: int, phi: float) -> Any:
    """A stationary AR(1) of unit variance."""
    steps = r.normal(size=n) * np.sqrt(1 - phi**2)
    steps[0] = r.normal()
    return signal.lfilter([1], [1, -phi], steps)


def beside(times: int = 300) -> None:
    """Coverage and median half-width of 95 % intervals of N(0,1)‖N(1,2²)."""
    names = ("by itself", "neighbours", "kldest", "plain kNN", "3σ of chunks")
    title = f"Share of intervals that hold the truth, and half their median width; {times} replicates"
    table = Table("draws a side", *names, title=title)
    for name, make in cases().items():
        held, widths = np.zeros(len(names)), np.zeros((times, len(names)))
        for i in range(times):
            x, y, of_x, of_y = make(np.random.default_rng([37, i]))
            p, q = kl.Sample(x, **of_x), kl.Sample(y, **of_y)
            found = [kl.divergence(p, q, method=m).confidence_interval() for m in ("auto", "neighbours")]
            if "weights" not in of_x:
                found += [kldest(x, y, i), plain(x, y), chunks(x, y)]
            for k, (low, high) in enumerate(found):
                held[k] += low <= TRUTH <= high
                widths[i, k] = 0.5 * (high - low)
        half = np.median(widths, axis=0)
        table.add_row(
            name, *(f"{100 * h / times:.0f} %, {w:.2f}" if w else "—" for h, w in zip(held, half, strict=True))
        )
    CONSOLE.print(table)


def cases() -> dict[str, Callable[[np.random.Generator], Made]]:
    def independent(r: np.random.Generator) -> Made:
        return r.normal(size=1000), r.normal(1, 2, 1000), {}, {}

    def ordered(r: np.random.Generator) -> Made:
        time = {"order": "time"}
        return _steps(r, 2000, 0.9), 1 + 2 * _steps(r, 2000, 0.9), time, time

    def grouped(r: np.random.Generator) -> Made:
        (x, g), (y, h) = (_in_groups(r, 30, 0.1) for _ in range(2))
        return x, 1 + 2 * y, {"groups": g}, {"groups": h + 30}

    def weighted(r: np.random.Generator) -> Made:
        u = r.normal(0.3, 1.2, 2000)
        return u, r.normal(1, 2, 2000), {"weights": np.exp(0.5 * ((u - 0.3) / 1.2) ** 2 - 0.5 * u**2)}, {}

    return {
        "1,000, independent": independent,
        "2,000 of a series, φ = 0.9": ordered,
        "30 groups of 20, correlation 0.1": grouped,
        "2,000, weighted by importance": weighted,
    }


def estimate(x: Any, y: Any, k: int = 1) -> Any:
    """The terms of Wang, Kulkarni and Verdú's equation 5."""
    rho = cKDTree(x[:, None]).query(x[:, None], k=[k + 1])[0][:, 0]
    nu = cKDTree(y[:, None]).query(x[:, None], k=[k])[0][:, 0]
    return np.log(nu / rho) + np.log(len(y) / (len(x) - 1))


def kldest(x: Any, y: Any, seed: int) -> tuple[float, float]:
    r, value = np.random.default_rng([seed, 1]), float(estimate(x, y).mean())
    n, m = (round(len(v) ** (2 / 3)) for v in (x, y))
    off = []
    for _ in range(SUBSAMPLES):
        one, other = r.choice(x, n, replace=False), r.choice(y, m, replace=False)
        off.append(np.sqrt(min(n, m)) * (float(estimate(one, other).mean()) - value))
    low, high = np.quantile(off, [0.025, 0.975]) / np.sqrt(min(len(x), len(y)))
    return value - float(high), value - float(low)


def plain(x: Any, y: Any) -> tuple[float, float]:
    terms = estimate(x, y, 5)
    half = 1.96 * float(terms.std()) / np.sqrt(len(x))
    return float(terms.mean()) - half, float(terms.mean()) + half


def chunks(x: Any, y: Any) -> tuple[float, float]:
    found = [float(estimate(part, y, 5).mean()) for part in np.array_split(x, CHUNKS)]
    middle, half = float(np.mean(found)), 3 * float(np.std(found, ddof=1))
    return middle - half, middle + half
