"""A warm closed form: two SciPy objects here, the same pair in torch (float64), and what it costs the first time."""

from __future__ import annotations

import importlib
import timeit
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import stats

import kullback as kl
from kullback.methods import closed
from kullback.sources import _scipy_space, scipy

CONSOLE = Console(width=110)
EYE = np.eye(3)
SHAPE = np.array([[1.0, 0.5, 0.2], [0.5, 2.0, 0.3], [0.2, 0.3, 1.5]])

# the pair in SciPy, and torch's class and parameters
PAIRS: list[tuple[str, Callable[[], tuple[Any, Any]], tuple[str, Any], tuple[str, Any]]] = [
    (
        "normal ‖ normal",
        lambda: (stats.norm(0, 1), stats.norm(1, 2)),
        ("Normal", (0.0, 1.0)),
        ("Normal", (1.0, 2.0)),
    ),
    (
        "gamma ‖ gamma",
        lambda: (stats.gamma(2), stats.gamma(3, scale=0.5)),
        ("Gamma", (2.0, 1.0)),
        ("Gamma", (3.0, 2.0)),
    ),
    ("beta ‖ beta", lambda: (stats.beta(2, 3), stats.beta(3, 2)), ("Beta", (2.0, 3.0)), ("Beta", (3.0, 2.0))),
    (
        "laplace ‖ normal",
        lambda: (stats.laplace(0, 1), stats.norm(0, 1)),
        ("Laplace", (0.0, 1.0)),
        ("Normal", (0.0, 1.0)),
    ),
    (
        "exponential ‖ gumbel",
        lambda: (stats.expon(), stats.gumbel_r(0, 1)),
        ("Exponential", (1.0,)),
        ("Gumbel", (0.0, 1.0)),
    ),
    ("poisson ‖ poisson", lambda: (stats.poisson(3), stats.poisson(4)), ("Poisson", (3.0,)), ("Poisson", (4.0,))),
    (
        "normal ‖ normal, 3 dimensions",
        lambda: (stats.multivariate_normal(np.zeros(3), SHAPE), stats.multivariate_normal(np.ones(3), EYE)),
        ("MultivariateNormal", (np.zeros(3), SHAPE)),
        ("MultivariateNormal", (np.ones(3), EYE)),
    ),
    (
        "dirichlet ‖ dirichlet",
        lambda: (stats.dirichlet([2.0, 3.0, 4.0]), stats.dirichlet([3.0, 3.0, 3.0])),
        ("Dirichlet", (np.array([2.0, 3.0, 4.0]),)),
        ("Dirichlet", (np.array([3.0, 3.0, 3.0]),)),
    ),
]


def main() -> None:
    try:
        torch, d = importlib.import_module("torch"), importlib.import_module("torch.distributions")
    except ImportError:
        CONSOLE.print("torch is not installed here: make test-torch installs it")
        return
    torch.set_num_threads(1)
    table = Table(title="A closed form, µs, minimum | median of 9", caption="cold: nothing kept from the call before")
    for column in ("pair", "kullback", "torch", "torch ÷ kullback", "kullback, cold"):
        table.add_column(column, justify="left" if column == "pair" else "right")
    ratios = []
    for name, ours, *theirs in PAIRS:
        p, q = ours()
        a, b = (getattr(d, kind)(*(torch.as_tensor(x, dtype=torch.float64) for x in args)) for kind, args in theirs)
        mine = times(lambda p=p, q=q: kl.divergence(p, q))
        other = times(lambda a=a, b=b: d.kl_divergence(a, b))
        cold = times(lambda p=p, q=q: forgetful(p, q))
        ratios.append(other[1] / mine[1])
        table.add_row(name, shown(mine), shown(other), f"{ratios[-1]:.1f}", shown(cold))
    CONSOLE.print(table)
    CONSOLE.print(
        f"torch takes {min(ratios):.1f} to {max(ratios):.1f} times as long, in the median {median(ratios):.1f}"
    )


def forgetful(p: Any, q: Any) -> Any:
    """A divergence of objects and numbers that were never met before."""
    scipy._SEEN.clear()
    _scipy_space._SEEN.clear()
    closed._form.cache_clear()
    return kl.divergence(p, q)


def times(f: Callable[[], Any]) -> tuple[float, float]:
    f()
    runs = [t / 200 * 1e6 for t in timeit.repeat(f, number=200, repeat=9)]
    return min(runs), median(runs)


def shown(pair: tuple[float, float]) -> str:
    return f"{pair[0]:.0f} | {pair[1]:.0f}"
