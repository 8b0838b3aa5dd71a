"""CPU seconds of fits, warm: `python -m benchmarks.fits speed`, a name after it to run only the rows that hold it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

import kullback as kl

TWO = "0.35*normal(-3, 1) + 0.65*normal(3, 1.2)"
FAR = "0.5*normal(0, 1) + 0.5*normal(7.5, 1)"
THREE = "0.3*normal(-6, 1) + 0.4*normal(0, 0.8) + 0.3*normal(5, 1.5)"
MOST = 2.0  # seconds of a row's first run, above which it runs once more only
RUNS = 5


def plane(centres: list[list[float]], n: int = 600) -> kl.Sample:
    """Draws around some centres, as a table of two columns would have them."""
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=(n, 2)) * [0.6, 0.9] + c for c in centres])
    return kl.Sample(x)


def cluster_texts(centres: list[list[float]]) -> str:
    parts = [f"multivariate_normal([{a}, {b}], [[0.5, 0.2], [0.2, 0.8]])" for a, b in centres]
    return " + ".join(f"{1 / len(parts):.17g}*{part}" for part in parts)


CLUSTERS2 = cluster_texts([[-2.0, 0.0], [2.5, 1.0]])
CLUSTERS3 = cluster_texts([[-3.0, 0.0], [3.0, 1.0], [0.0, 4.5]])


def many_draws() -> kl.Sample:
    rng = np.random.default_rng(1)
    hump = rng.random(100_000) < 0.35
    return kl.Sample(np.where(hump, rng.normal(-3, 1, 100_000), rng.normal(3, 1.2, 100_000)))


def fitting(p: Any, family: str, direction: str | float) -> Callable[[], Any]:
    return lambda: kl.fit(p, family, direction=direction)


def both(p: Any, family: str) -> Callable[[], Any]:
    from kullback._fit import both as run

    return lambda: run(p, family)


def rows() -> dict[str, Callable[[], Any]]:
    draws = many_draws()
    return {
        "line, 2 humps: normal, forward": fitting(TWO, "normal", "forward"),
        "line, 2 humps: normal, reverse": fitting(TWO, "normal", "reverse"),
        "line, 2 humps: normal, both": both(TWO, "normal"),
        "line, 3 humps: normal, forward": fitting(THREE, "normal", "forward"),
        "line, 3 humps: normal, reverse": fitting(THREE, "normal", "reverse"),
        "line, 3 humps: normal, both": both(THREE, "normal"),
        "line, 2 humps: student_t, reverse": fitting(TWO, "student_t", "reverse"),
        "line, 2 humps: student_t, forward": fitting(TWO, "student_t", "forward"),
        "line, 2 far humps: student_t, reverse": fitting(FAR, "student_t", "reverse"),
        "line, 2 humps: laplace, reverse": fitting(TWO, "laplace", "reverse"),
        "line, 2 humps: normal, alpha 0.5": fitting(TWO, "normal", 0.5),
        "line, 3 humps: mixture(2), reverse": fitting(THREE, "mixture(2)", "reverse"),
        "plane, 2 clusters: normal, reverse": fitting(CLUSTERS2, "normal", "reverse"),
        "plane, 3 clusters: normal, reverse": fitting(CLUSTERS3, "normal", "reverse"),
        "plane, 3 clusters: normal, forward": fitting(CLUSTERS3, "normal", "forward"),
        "plane, 2 clusters: mixture(2), reverse": fitting(CLUSTERS2, "mixture(2)", "reverse"),
        "plane, 3 clusters: mixture(2), reverse": fitting(CLUSTERS3, "mixture(2)", "reverse"),
        "line, 2 humps: path of a normal": lambda: kl.path(TWO, "normal"),
        "line, 3 humps: path of a normal": lambda: kl.path(THREE, "normal"),
        "plane, 2 clusters: path of a normal": lambda: kl.path(CLUSTERS2, "normal"),
        "10⁵ draws: normal, forward": fitting(draws, "normal", "forward"),
        "10⁵ draws: normal, reverse": fitting(draws, "normal", "reverse"),
        "10⁵ draws: mixture(2), forward": fitting(draws, "mixture(2)", "forward"),
    }


def seconds(run: Callable[[], Any]) -> list[float]:
    """CPU seconds of each of several warm runs."""
    times = []
    for _ in range(RUNS + 1):
        begin = time.process_time()
        run()
        times.append(time.process_time() - begin)
        if len(times) > 1 and max(times) > MOST:
            break
    return times[1:]


def main(wanted: list[str]) -> None:
    print(f"{'CPU milliseconds, warm':<45}{'least':>10}{'median':>10}")
    for name, run in rows().items():
        if all(word in name for word in wanted):
            took = seconds(run)
            print(f"{name:<45}{1e3 * min(took):>10.1f}{1e3 * median(took):>10.1f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
