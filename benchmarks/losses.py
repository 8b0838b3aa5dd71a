"""KL as a training loss beside the common spellings: processor seconds at one thread, wall time at two, memory.

Each contestant runs in a fresh process, round by round, so that a slow moment of the machine meets them all; memory is
the peak beyond the inputs, in copies of the logits. The formulas of TRL and optax are written out as in their sources.
`python -m benchmarks losses`; the torch part needs torch.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

ROUNDS = 3
SHAPES = [(2048, 32_000), (512, 128_256), (8192, 4096)]
HIDDEN = 256
CONSOLE = Console(width=120)
LOGITS = [
    "F.kl_div",
    "F.kl_div, log_target",
    "torch.compile of F.kl_div",
    "losses.forward",
    "losses.reverse",
    "losses.forward, overwrite",
    "losses.forward, masked",
    "TRL generalized JSD, 0.5",
    "losses.jensen_shannon",
]
HEADS = ["two matmuls and F.kl_div", "losses.forward of Heads"]
JAX = ["optax.kl_divergence", "losses.forward in JAX"]


def main() -> None:
    if importlib.util.find_spec("torch") is None:
        CONSOLE.print("The torch part needs torch: make test-torch sets it up.")
    else:
        for shape in SHAPES:
            CONSOLE.print(table(LOGITS if shape == SHAPES[0] else LOGITS[:4], shape, "from logits"))
        CONSOLE.print(table(HEADS, SHAPES[0], f"from {HIDDEN} hidden states"))
    CONSOLE.print(table(JAX, SHAPES[0], "JAX, jitted; memory is XLA's temporary"))


def table(names: list[str], shape: tuple[int, int], title: str) -> Table:
    """Minimum and median over the rounds; ratios are the first row's by this one's, round by round."""
    found: dict[tuple[str, int], list[dict[str, float]]] = {}
    for _ in range(ROUNDS):
        for threads in (1, 2):
            for name in names:
                found.setdefault((name, threads), []).append(fresh(name, shape, threads))
    out = Table("", "CPU s, 1 thread", "times less", "wall s, 2 threads", "times less", "extra memory, copies")
    out.title = f"{shape[0]} × {shape[1]} float32, {title}"
    first = {threads: found[names[0], threads] for threads in (1, 2)}
    for name in names:
        row = [name]
        for threads, key in ((1, "cpu"), (2, "wall")):
            seconds = [run[key] for run in found[name, threads]]
            ratios = [a[key] / b for a, b in zip(first[threads], seconds, strict=True)]
            row += [f"{min(seconds):.2f} | {median(seconds):.2f}", f"{min(ratios):.2f} – {max(ratios):.2f}"]
        memory = min(run["memory"] for run in found[name, 1])
        out.add_row(*row, f"{memory / (4 * shape[0] * shape[1]):.2f}")
    return out


def fresh(name: str, shape: tuple[int, int], threads: int) -> dict[str, float]:
    places = {key: str(threads) for key in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    if threads == 1:
        places["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    command = [sys.executable, "-m", "benchmarks.losses", name, *map(str, shape), str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **places})
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def one(name: str, n: int, v: int, threads: int) -> None:
    if name in JAX:
        print(json.dumps(jax_run(name, n, v)))
        return
    import torch

    torch.set_num_threads(threads)
    make = head_step if name in HEADS else logits_step
    step = make(name, n, v)
    small = make(name, -(-(2**23) // v), v)  # what is compiled or loaded once
    small()
    small()
    before = memory_now()
    seconds = [timed(step)]
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    seconds += [timed(step) for _ in range(2)]
    cpu, wall = (min(times) for times in zip(*seconds, strict=True))
    print(json.dumps({"cpu": cpu, "wall": wall, "memory": max(0, peak)}))


def memory_now() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def timed(step: Callable[[], Any]) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    step()
    return time.process_time() - cpu, time.perf_counter() - wall


def logits_step(name: str, n: int, v: int) -> Callable[[], Any]:
    from torch.nn import functional as F

    import torch
    from kullback import losses

    rng = torch.Generator().manual_seed(0)
    t = torch.randn(n, v, generator=rng).mul_(2.0)
    s = torch.randn(n, v, generator=rng).mul_(0.5).add_(t)
    s.requires_grad_()
    mask = torch.arange(n) % 8 > 0

    def plain(s: Any, t: Any) -> Any:
        return F.kl_div(F.log_softmax(s, -1), F.softmax(t, -1), reduction="batchmean")

    def logs(s: Any, t: Any) -> Any:
        return F.kl_div(F.log_softmax(s, -1), F.log_softmax(t, -1), reduction="batchmean", log_target=True)

    def trl(s: Any, t: Any) -> Any:
        a, b = F.log_softmax(s, -1), F.log_softmax(t, -1)
        m = torch.logsumexp(torch.stack([a + math.log(0.5), b + math.log(0.5)]), 0)
        parts = [F.kl_div(m, x, reduction="none", log_target=True) for x in (b, a)]
        return (0.5 * parts[0] + 0.5 * parts[1]).sum() / s.shape[0]

    def ours(loss: Any, **more: Any) -> Any:
        return lambda s, t: loss(p_logits=t, q_logits=s, reduction="mean", **more)

    run = {
        "F.kl_div": plain,
        "F.kl_div, log_target": logs,
        "torch.compile of F.kl_div": torch.compile(plain, dynamic=True) if "compile" in name else plain,
        "losses.forward": ours(losses.forward),
        "losses.reverse": ours(losses.reverse),
        "losses.forward, overwrite": ours(losses.forward, overwrite=True),
        "losses.forward, masked": ours(losses.forward, mask=mask),
        "TRL generalized JSD, 0.5": trl,
        "losses.jensen_shannon": ours(losses.jensen_shannon),
    }[name]

    def step() -> None:
        s.grad = None
        run(s, t).backward()

    return step


def head_step(name: str, n: int, v: int) -> Callable[[], Any]:
    from torch.nn import functional as F

    import torch
    from kullback import losses

    rng = torch.Generator().manual_seed(0)
    parts = [torch.randn(x, HIDDEN, generator=rng).mul_(0.2) for x in (n, v, n, v)]
    student, teacher = [x.requires_grad_() for x in parts[:2]], parts[2:]

    def step() -> None:
        for x in student:
            x.grad = None
        if name == HEADS[1]:
            q, p = losses.Head(*student), losses.Head(*teacher)
            loss = losses.forward(p=p, q=q, reduction="mean")
        else:
            q, p = student[0] @ student[1].T, teacher[0] @ teacher[1].T
            loss = F.kl_div(F.log_softmax(q, -1), F.softmax(p, -1), reduction="batchmean")
        loss.backward()

    return step


def jax_run(name: str, n: int, v: int) -> dict[str, float]:
    import jax
    import jax.numpy as jnp
    import numpy as np

    from kullback import losses

    rng = np.random.default_rng(0)
    t = jnp.asarray(2 * rng.standard_normal((n, v), np.float32))
    s = t + jnp.asarray(0.5 * rng.standard_normal((n, v), np.float32))

    def optax(s: Any, t: Any) -> Any:
        log_q, p = jax.nn.log_softmax(s), jax.nn.softmax(t)
        return (p * (jnp.where(p == 0, 0, jnp.log(p)) - log_q)).sum(-1).mean()

    def ours(s: Any, t: Any) -> Any:
        return losses.forward(p_logits=t, q_logits=s, reduction="mean")

    run = jax.jit(jax.value_and_grad(optax if name == JAX[0] else ours)).lower(s, t).compile()
    seconds = [timed(lambda: jax.block_until_ready(run(s, t))) for _ in range(4)][1:]
    cpu, wall = (min(times) for times in zip(*seconds, strict=True))
    return {"cpu": cpu, "wall": wall, "memory": run.memory_analysis().temp_size_in_bytes}


if __name__ == "__main__":
    one(sys.argv[1], *map(int, sys.argv[2:5]))
