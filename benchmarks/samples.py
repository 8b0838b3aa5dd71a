"""Two samples: errors relative to plain kNN, coverage of the intervals, and speed against kNN codes in public use.

The peers are written out here as their sources are, so that the numbers need nothing installed: `universal-divergence`,
`KL-divergence-estimators` and NPEET all ask a k-d tree (SciPy's or scikit-learn's) for the k-th distance on both sides.
`python -m benchmarks.samples errors|coverage|series|groups|beside|levels|speed` runs one part.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import stats
from scipy.integrate import quad
from scipy.spatial import cKDTree

import kullback as kl
from benchmarks.intervals import beside, groups, series
from kullback._measure._samples import tested
from kullback.numerics import counts, neighbours

CONSOLE = Console(width=130)
SIZES, REPEATS = (100, 1000, 10_000), {100: 100, 1000: 100, 10_000: 100}
Draw = Callable[[np.random.Generator, int], Any]


class Pair(NamedTuple):
    p: Draw
    q: Draw
    truth: float
    named: bool


def main(parts: tuple[str, ...] = ("errors", "coverage", "series", "groups", "beside", "levels", "speed")) -> None:
    known = {
        "errors": errors,
        "coverage": coverage,
        "series": series,
        "groups": groups,
        "beside": beside,
        "levels": levels,
        "speed": speed,
    }
    for part in parts:
        known[part]()


def normals(mean_p: Any, cov_p: Any, mean_q: Any, cov_q: Any, carry: Any = None) -> Pair:
    """Normals, or what `carry` makes of both: the divergence is the same."""
    m, s, m0, s0 = (np.asarray(v, dtype=float) for v in (mean_p, cov_p, mean_q, cov_q))
    inverse, delta = np.linalg.inv(s0), m0 - m
    logs = np.linalg.slogdet(s0)[1] - np.linalg.slogdet(s)[1]
    truth = 0.5 * (np.trace(inverse @ s) + delta @ inverse @ delta - len(m) + logs)

    def draw(mean: Any, cov: Any) -> Draw:
        tril = np.linalg.cholesky(cov)

        def drawn(r: np.random.Generator, n: int) -> Any:
            x = mean + r.normal(size=(n, len(mean))) @ tril.T
            return x if carry is None else carry(x)

        return drawn

    return Pair(draw(m, s), draw(m0, s0), float(truth), carry is None)


def on_the_line(p: Any, q: Any, named: bool) -> Pair:
    """Of frozen SciPy distributions, or lists of (weight, frozen) for mixtures."""

    def parts(d: Any) -> list[tuple[float, Any]]:
        return d if isinstance(d, list) else [(1.0, d)]

    def pdf(d: Any, x: float) -> float:
        return float(sum(w * f.pdf(x) for w, f in parts(d)))

    def draw(d: Any) -> Draw:
        def drawn(r: np.random.Generator, n: int) -> Any:
            which = r.choice(len(parts(d)), size=n, p=[w for w, _ in parts(d)])
            columns = np.column_stack([f.rvs(size=n, random_state=r) for _, f in parts(d)])
            return columns[np.arange(n), which][:, None]

        return drawn

    lows, highs = zip(*(f.ppf([1e-15, 1 - 1e-15]) for _, f in parts(p)), strict=True)
    edges = (
        np.linspace(min(lows), max(highs), 60)
        if max(highs) < 100
        else np.r_[-np.geomspace(1e5, 0.1), np.geomspace(0.1, 1e5)]
    )

    def integrand(x: float) -> float:
        a = pdf(p, x)
        return a * np.log(a / pdf(q, x)) if a > 0 else 0.0

    truth = sum(quad(integrand, a, b, epsabs=1e-12)[0] for a, b in pairwise(edges))
    return Pair(draw(p), draw(q), truth, named)


def pairs() -> dict[str, Pair]:
    three = [[1, 0.5, 0.3], [0.5, 1, 0.5], [0.3, 0.5, 1]]
    skew, t = stats.skewnorm, stats.t
    return {
        "N(0,1)‖N(1,2²)": normals([0], [[1]], [1], [[4]]),
        "N(0,1)‖N(2,1)": normals([0], [[1]], [2], [[1]]),
        "Exp(1)‖Exp(1/12)": on_the_line(stats.expon(), stats.expon(scale=12), True),
        "U(1,2)‖U(0,4)": on_the_line(stats.uniform(1, 1), stats.uniform(0, 4), True),
        "2-D normals, Q correlated": normals([0, 0], np.eye(2), [1, 1], [[1, 0.5], [0.5, 1]]),
        "10-D normals, shift ½": normals(np.zeros(10), np.eye(10), np.full(10, 0.5), np.eye(10)),
        "t₃‖1 + 1.5 t₃": on_the_line(t(3), t(3, 1, 1.5), False),
        "two-component mixtures": on_the_line(
            [(0.35, stats.norm(-3, 1)), (0.65, stats.norm(3, 1.2))],
            [(0.6, stats.norm(-2, 1)), (0.4, stats.norm(2.5, 1.5))],
            False,
        ),
        "skew normals": on_the_line(skew(4), skew(-2, 1, 1.5), False),
        "correlated log-normals, 3-D": normals(
            np.zeros(3), 0.49 * np.array(three), np.full(3, 0.4), 0.81 * np.eye(3), np.exp
        ),
    }  # fmt: skip


def unbounded() -> dict[str, Pair]:
    """Densities or ratios that grow without end, by kullback's own closed forms."""
    betas = {
        "Beta(½,½)‖U(0,1)": ((0.5, 0.5), (1, 1)),
        "U(0,1)‖Beta(2,2)": ((1, 1), (2, 2)),
        "Beta(½,½)‖Beta(2,2)": ((0.5, 0.5), (2, 2)),
        "Beta(½,½)‖Beta(½,1)": ((0.5, 0.5), (0.5, 1)),
        "Beta(2,2)‖Beta(½,½)": ((2, 2), (0.5, 0.5)),
    }
    gammas = {"Gamma(1)‖Gamma(0.3)": ((1,), (0.3,)), "Gamma(½)‖Gamma(3)": ((0.5,), (3,))}

    def pair(name: str, p: tuple[float, ...], q: tuple[float, ...], rest: str) -> Pair:
        truth = float(kl.divergence(*(f"{name}({', '.join(map(str, v))}{rest})" for v in (p, q))))
        return Pair(lambda r, n: getattr(r, name)(*p, size=n), lambda r, n: getattr(r, name)(*q, size=n), truth, False)

    found = {name: pair("beta", p, q, "") for name, (p, q) in betas.items()}
    return found | {name: pair("gamma", p, q, ", 1") for name, (p, q) in gammas.items()}


def levels() -> None:
    """How often p < 5 % where nothing differs; 1,000 replicates, so that ± 1.4 % is chance."""
    draws: dict[str, Draw] = {
        "normal": lambda r, n: r.normal(size=n),
        "Cauchy": lambda r, n: r.standard_cauchy(n),
        "rounded to 0.1": lambda r, n: np.round(r.normal(size=n), 1),
        "zeros, 70 %": lambda r, n: np.where(r.random(n) < 0.7, 0, r.normal(size=n)),
        "Poisson(3)": lambda r, n: r.poisson(3, n),
        "Zipf's fifty": lambda r, n: np.minimum(r.zipf(1.5, n), 50),
        "normal, 2-D": lambda r, n: r.normal(size=(n, 2)),
        "Cauchy with zeros, 5-D": lambda r, n: np.where(r.random((n, 5)) < 0.5, 0, r.standard_cauchy((n, 5))),
    }
    sizes = ((5, 5), (5, 100), (20, 30), (61, 61), (61, 2000), (200, 200), (1000, 300), (20, 100_000), (30_000, 30_000))
    table = Table("draws", *(f"{n}, {m}" for n, m in sizes), title="Share of p < 0.05 where P = Q, %")
    for name, draw in draws.items():
        cells = []
        for n, m in sizes:
            times, low = 1000 if n + m < 10_000 else 200, 0
            for s in range(times):
                r = np.random.default_rng([s, n, m])
                found = tested(kl.Sample(draw(r, n)), kl.Sample(draw(r, m)), s)
                low += found is not None and found.p_value < 0.05
            cells.append(f"{100 * low / times:.1f}")
        table.add_row(name, *cells)
    CONSOLE.print(table)


def errors() -> None:
    """Root mean square errors over those of plain kNN with k = 5 on the same draws."""
    table = Table("pair", "n", "kNN", "ours over it", "neighbours over it", "bias", "coverage", "methods",
                  title="Root mean square error against kNN with k = 5")  # fmt: skip
    found: dict[tuple[bool, int], list[tuple[float, float]]] = {}
    for name, pair in pairs().items():
        for n in SIZES:
            ours, plain, near, held, methods = [], [], [], 0, Counter[str]()
            for s in range(REPEATS[n]):
                r = np.random.default_rng([s, n])
                x, y = pair.p(r, n), pair.q(r, n)
                d = kl.divergence(kl.Sample(x), kl.Sample(y))
                ours.append(d.value)
                methods[d.method] += 1
                held += holds(d, pair.truth)
                plain.append(neighbours.fixed(x, y, 5))
                near.append(kl.divergence(kl.Sample(x), kl.Sample(y), method="neighbours").value)
            peer, mine, forced = (float(np.sqrt(np.mean((np.array(v) - pair.truth) ** 2))) for v in (plain, ours, near))
            found.setdefault((pair.named, n), []).append((mine / peer, forced / peer))
            table.add_row(name, f"{n}", f"{peer:.3f}", f"{mine / peer:.2f}", f"{forced / peer:.2f}",
                          f"{np.mean(ours) - pair.truth:+.3f}", f"{100 * held / REPEATS[n]:.0f} %",
                          ", ".join(f"{k} {v}" for k, v in methods.items()))  # fmt: skip
    CONSOLE.print(table)
    for named in (True, False):
        rows = [found[named, n] for n in SIZES]
        means = [[float(np.exp(np.mean(np.log([v[i] for v in row])))) for row in rows] for i in (0, 1)]
        every = [v[0] for row in rows for v in row]
        whole = float(np.exp(np.mean(np.log(every))))
        CONSOLE.print(
            f"{'named' if named else 'other'} pairs, geometric mean at n = {SIZES}: ours "
            f"{', '.join(f'{v:.2f}' for v in means[0])} (all {whole:.2f}, worst {max(every):.2f}); neighbours alone "
            f"{', '.join(f'{v:.2f}' for v in means[1])}"
        )


def coverage() -> None:
    """The share of 95 % intervals that hold the truth."""
    table = Table("interval", "n = 200", "n = 1000", "n = 5000", title="Coverage of 95 % intervals")
    for name, (p, q) in tables().items():
        table.add_row(f"counts: {name}", *(f"{100 * counted(p, q, n):.1f} %" for n in (200, 1000, 5000)))
    for name, pair in (pairs() | unbounded()).items():
        for method, replicates in (("parametric", 4000 if pair.named else 0), ("neighbours", 400)):
            if replicates and not (name.startswith(("10", "2-D")) and method == "neighbours"):
                cells = [intervals(pair, n, method, replicates // (1 if n < 5000 else 4)) for n in (200, 1000, 5000)]
                table.add_row(f"{method}: {name}", *cells)
    CONSOLE.print(table)


def tables() -> dict[str, tuple[Any, Any]]:
    twenty, five = (np.random.default_rng(s).dirichlet(np.full(k, 3.0), 2) for s, k in ((5, 20), (6, 5)))
    ten, edges = (stats.norm.ppf(np.linspace(0, 1, k)) for k in (11, 21))
    return {
        "two categories, ½ and ¼": (np.array([0.5, 0.5]), np.array([0.25, 0.75])),
        "five categories": (five[0], five[1]),
        "twenty categories": (twenty[0], twenty[1]),
        "twenty equal on both sides": (np.full(20, 0.05), np.full(20, 0.05)),
        "two categories, ½ and 0.45": (np.array([0.5, 0.5]), np.array([0.45, 0.55])),
        "three categories, nearly equal": (np.array([0.5, 0.3, 0.2]), np.array([0.45, 0.32, 0.23])),
        "histogram of ten, N(0,1)‖N(½,1)": (np.diff(stats.norm.cdf(ten)), np.diff(stats.norm.cdf(ten, 0.5))),
        "histogram of twenty, N(0,1)‖N(0.2,1.1²)": (
            np.diff(stats.norm.cdf(edges)), np.diff(stats.norm.cdf(edges, 0.2, 1.1)),
        ),
    }  # fmt: skip


def counted(p: Any, q: Any, n: int, replicates: int = 4000) -> float:
    r, truth, held = np.random.default_rng(n), float(p @ np.log(p / q)), 0
    for a, b in zip(r.multinomial(n, p, replicates), r.multinomial(n, q, replicates), strict=True):
        lost = bool((b[a > 0] == 0).any())
        found = counts.smoothed(a, b) if lost else counts.zhang_grabchak(a, b)
        held += holds(kl.Divergence(*found[:2], "standard_error", chi_square=found.chi_square), truth)
    return held / replicates


def holds(found: kl.Divergence, truth: float) -> bool:
    low, high = found.confidence_interval()
    return bool(low <= truth <= high)


def intervals(pair: Pair, n: int, method: str, replicates: int) -> str:
    """Of all replicates; and of those whose error leaves nothing out, with their share."""
    held, clear, both = 0, 0, 0
    for s in range(replicates):
        r = np.random.default_rng([s, n, 1])
        found = kl.divergence(kl.Sample(pair.p(r, n)), kl.Sample(pair.q(r, n)), method=method)
        hit = holds(found, pair.truth)
        held += hit
        clear += found.status is kl.Status.ESTIMATED
        both += hit and found.status is kl.Status.ESTIMATED
    share = f"; {100 * both / clear:.1f} % of the {100 * clear / replicates:.0f} % clear" if clear else "; none clear"
    return f"{100 * held / replicates:.1f} %" + (share if clear < replicates else "")


def speed() -> None:
    table = Table(
        "draws a side", "dimensions", "ours, s", *PEERS, title="One divergence, ratios to ours; best of three"
    )
    near = kl.divergence(kl.Sample(np.random.default_rng(0).normal(size=(3000, 9))),
                         kl.Sample(np.random.default_rng(1).normal(size=(3000, 9))), method="neighbours")  # fmt: skip
    assert near.method == "neighbours"  # and everything is compiled
    for n, d in ((100_000, 1), (100_000, 2), (100_000, 3), (100_000, 5), (50_000, 20)):
        r = np.random.default_rng(d)
        x, y = r.normal(size=(n, d)), 0.5 + 1.5 * r.normal(size=(n, d))
        ours = clock(lambda x=x, y=y: kl.divergence(kl.Sample(x), kl.Sample(y), method="neighbours"))
        row = []
        for peer in PEERS.values():
            if d < 10:
                row.append(f"{clock(lambda x=x, y=y, peer=peer: peer(x, y)) / ours:.2f}")
            else:  # a twentieth of the questions: a tree answers each by itself
                asked = n // 20
                took = clock(lambda x=x, y=y, asked=asked: by_scipy(x, y, asked), 1) if peer is by_scipy else np.nan
                row.append(f"{20 * took / ours:.0f} (from n/20 questions)" if took == took else "")
        table.add_row(f"{n}", f"{d}", f"{ours:.2f}", *row)
    CONSOLE.print(table)


def clock(run: Callable[[], Any], times: int = 3) -> float:
    best = np.inf
    for _ in range(times):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return float(best)


def by_scipy(x: Any, y: Any, asked: int | None = None, k: int = 5) -> float:
    z = x if asked is None else x[:asked]
    rho, nu = cKDTree(x).query(z, k=[k + 1])[0][:, 0], cKDTree(y).query(z, k=[k])[0][:, 0]
    return float(x.shape[1] * np.log(nu / rho).mean() + np.log(len(y) / (len(x) - 1)))


def by_sklearn(x: Any, y: Any, asked: int | None = None, k: int = 5) -> float:
    from sklearn.neighbors import BallTree, KDTree

    tree = BallTree if x.shape[1] >= 20 else KDTree
    rho, nu = tree(x).query(x, k=k + 1)[0][:, k], tree(y).query(x, k=k)[0][:, k - 1]
    return float(x.shape[1] * np.log(nu / rho).mean() + np.log(len(y) / (len(x) - 1)))


PEERS: dict[str, Callable[..., float]] = {
    "SciPy's tree (universal-divergence)": by_scipy,
    "scikit-learn's tree (NPEET)": by_sklearn,
}

if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or ("errors", "coverage", "levels", "speed"))
