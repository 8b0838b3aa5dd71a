"""The relative entropy of two arrays: speed, memory and accuracy beside scipy.stats.entropy and a JAX sum."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from statistics import median
from typing import Any

import mpmath
import numpy as np
from rich.console import Console
from rich.table import Table

from kullback.numerics.kernel import relative_entropy

PAIRS = 10**7
CONSOLE = Console(width=110)


def main() -> None:
    CONSOLE.print(large())
    CONSOLE.print(small())
    CONSOLE.print(kinds())
    CONSOLE.print(memory())
    CONSOLE.print(accuracy())


def large() -> Table:
    """Ten million pairs; the contestants take turns, so that a slow moment of the machine meets them all."""
    import jax
    import jax.numpy as jnp
    from scipy.stats import entropy
    from threadpoolctl import threadpool_limits

    p, q = pair(PAIRS)
    threads = min(2, os.cpu_count() or 1)
    with jax.enable_x64(True), threadpool_limits(threads):
        x, y = jnp.asarray(p), jnp.asarray(q)
        jitted = jax.jit(lambda x, y: jnp.sum(x * jnp.log(x / y)))
        contest = {
            "kullback": lambda: relative_entropy(p, q).value,
            "np.dot(p, q)": lambda: np.dot(p, q),
            "jax.jit sum(p*log(p/q))": lambda: jitted(x, y).block_until_ready(),
            "scipy.stats.entropy": lambda: entropy(p, q),
        }
        return timings(f"{PAIRS:.0e} float64 pairs, {threads} threads", contest, PAIRS, repeats=15)


def small() -> Table:
    from scipy.stats import entropy

    p, q = pair(10)
    fresh = first_call()
    contest = {"kullback": lambda: relative_entropy(p, q), "scipy.stats.entropy": lambda: entropy(p, q)}
    table = timings("ten float64 pairs", contest, 10, repeats=15, inner=2000)
    table.caption = f"the first call of a fresh process: {fresh:.0f} µs"
    return table


def kinds() -> Table:
    """Other inputs of the same ten million entries."""
    p, q = pair(PAIRS)
    zeros = np.where(np.arange(PAIRS) % 3, p, 0.0)
    zeros /= zeros.sum()
    triple, p32, q32 = 3 * q, p.astype(np.float32), q.astype(np.float32)
    contest: dict[str, Callable[[], Any]] = {
        "one row": lambda: relative_entropy(p, q),
        "q not normalised: two passes": lambda: relative_entropy(p, triple),
        "a third of p zero": lambda: relative_entropy(zeros, q),
        "float32": lambda: relative_entropy(p32, q32),
        "rows of 1000": lambda: relative_entropy(p.reshape(-1, 1000), q.reshape(-1, 1000)),
        "columns of 1000": lambda: relative_entropy(p.reshape(1000, -1), q.reshape(1000, -1), 0),
        "rows of 10": lambda: relative_entropy(p.reshape(-1, 10), q.reshape(-1, 10)),
    }
    return timings("kullback by kind of input", contest, PAIRS, repeats=7)


def memory() -> Table:
    from scipy.stats import entropy

    p, q = pair(PAIRS)
    table = Table("call", "peak, MB", title=f"memory beyond the arrays ({16 * PAIRS / 1e6:.0f} MB)")
    for name, call in {"kullback": relative_entropy, "scipy.stats.entropy": entropy}.items():
        tracemalloc.start()
        call(p, q)
        table.add_row(name, f"{tracemalloc.get_traced_memory()[1] / 1e6:.1f}")
        tracemalloc.stop()
    return table


def accuracy() -> Table:
    """Relative errors for q = p(1 + εr), r uniform in [−1, 1], against mpmath."""
    from scipy.stats import entropy

    table = Table("n", "ε", "KL, nats", "kullback", "its bound", "scipy.stats.entropy", title="relative error")
    rng = np.random.default_rng(0)
    for n in (2, 10**3, 10**5):
        for epsilon in (1.0, 1e-2, 1e-4, 1e-6, 1e-8, 1e-10):
            p = rng.dirichlet(np.ones(n))
            q = p * (1.0 + epsilon * rng.uniform(-1.0, 1.0, n))
            value, parts = truth(p, q), relative_entropy(p, q)
            errors = [abs(float((x - value) / value)) for x in (parts.value, entropy(p, q))]
            table.add_row(
                f"{n:.0e}",
                f"{epsilon:.0e}",
                f"{float(value):.2e}",
                f"{errors[0]:.0e}",
                f"{parts.error / parts.value:.0e}",
                f"{errors[1]:.0e}",
            )
    return table


def truth(p: np.ndarray, q: np.ndarray) -> Any:
    with mpmath.workdps(50):
        x, y = ([mpmath.mpf(v) for v in values.tolist()] for values in (p, q))
        total = mpmath.fsum(x)
        ratio = mpmath.fsum(y) / total
        return mpmath.fsum(a * mpmath.log(a / b * ratio) for a, b in zip(x, y, strict=True)) / total


def pair(n: int) -> tuple[np.ndarray, np.ndarray]:
    p, q = np.random.default_rng(1).exponential(size=(2, n))
    return p / p.sum(), q / q.sum()


def first_call() -> float:
    code = """
import time, numpy as np
from kullback.numerics.kernel import relative_entropy
p, q = np.full(10, 0.1), np.arange(10.0) / 45
q[0], q[9] = q[9] / 2, q[9] / 2
start = time.perf_counter(); relative_entropy(p, q); print(1e6 * (time.perf_counter() - start))
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return float(out)


def timings(title: str, contest: dict[str, Callable[[], Any]], size: int, repeats: int, inner: int = 1) -> Table:
    """Minimum and median of each, and what each takes in units of the first."""
    seconds: dict[str, list[float]] = {name: [] for name in contest}
    for run in contest.values():
        run()
    for _ in range(repeats):
        for name, run in contest.items():
            start = time.perf_counter()
            for _ in range(inner):
                run()
            seconds[name].append((time.perf_counter() - start) / inner)
    table = Table("", "minimum", "median", "ns a pair", "times the first", title=title)
    first = next(iter(seconds.values()))
    for name, times in seconds.items():
        table.add_row(
            name,
            *(f"{1e3 * t:.2f} ms" if t > 1e-3 else f"{1e6 * t:.1f} µs" for t in (min(times), median(times))),
            f"{1e9 * min(times) / size:.2f}",
            f"{min(times) / min(first):.2f} | {median(times) / median(first):.2f}",
        )
    return table


if __name__ == "__main__":
    main()
