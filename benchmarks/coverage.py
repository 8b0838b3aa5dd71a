"""Which pairs are answered, and how many rightly: kullback beside torch, TFP, NumPyro and scipy.integrate.quad by hand.

The pairs and their truths are those of tests/cases.py. A peer that is not installed is left out.
"""

from __future__ import annotations

import importlib
import inspect
import math
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import kullback as kl
from kullback._vocabulary import WORDS, parse

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from cases import CASES, INFINITE, Case

CONSOLE = Console(width=110)
Peer = Callable[[str, str], float]


def main() -> None:
    cases = CASES + INFINITE
    table = Table(title=f"{len(cases)} pairs with a known divergence, {len(INFINITE)} of them infinite")
    for column in ("", "answered", "right to 1e-9", "∞ recognised", "finite called ∞", "wrong"):
        table.add_column(column, justify="left" if not column else "right")
    for name, peer in peers().items():
        table.add_row(name, *(str(n) for n in counts(peer, cases)))
    CONSOLE.print(table)


def counts(peer: Peer, cases: list[Case]) -> tuple[int, int, int, int, int]:
    answered = right = infinite = false = wrong = 0
    for case in cases:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                value = peer(case.p, case.q)
            except Exception:  # whatever a peer raises, it did not answer
                continue
        answered += 1
        if case.value == math.inf:
            infinite += value == math.inf
            wrong += value != math.inf
        elif value == math.inf:
            false += 1
        elif abs(value - case.value) <= 1e-9 * abs(case.value) + 1e-12:
            right += 1
        else:
            wrong += 1
    return answered, right, infinite, false, wrong


def peers() -> dict[str, Peer]:
    found: dict[str, Peer] = {"kullback": lambda p, q: float(kl.divergence(p, q).value)}
    for name, build in (("torch", _torch), ("TFP on JAX", _tfp), ("NumPyro", _numpyro)):
        try:
            found[name] = build()
        except ImportError:
            CONSOLE.print(f"{name} is not installed here")
    found["quad by hand"] = _quad
    return found


def _torch() -> Peer:
    d = importlib.import_module("torch.distributions")
    torch = importlib.import_module("torch")

    def made(text: str) -> Any:
        return assembled(text, d, lambda x: torch.tensor(x, dtype=torch.float64))

    return lambda p, q: float(d.kl_divergence(made(p), made(q)))


def _tfp() -> Peer:
    tfp = importlib.import_module("tensorflow_probability.substrates.jax")
    jax = importlib.import_module("jax")

    def measured(p: str, q: str) -> float:
        with jax.enable_x64(True):
            a, b = (assembled(t, tfp.distributions, lambda x: np.asarray(x, dtype=float)) for t in (p, q))
            return float(tfp.distributions.kl_divergence(a, b))

    return measured


def _numpyro() -> Peer:
    d = importlib.import_module("numpyro.distributions")
    jax = importlib.import_module("jax")

    def measured(p: str, q: str) -> float:
        with jax.enable_x64(True):
            a, b = (assembled(t, d, lambda x: np.asarray(x, dtype=float)) for t in (p, q))
            return float(d.kl_divergence(a, b))

    return measured


RENAMED = {"multivariate_normal": "MultivariateNormal", "student_t": "StudentT", "von_mises": "VonMises"}
TFP_PARAMETERS = {("pareto", "alpha"): "concentration", ("inverse_gamma", "rate"): "scale"}
TFP_NAMES = {"MultivariateNormal": "MultivariateNormalFullCovariance"}


def assembled(text: str, library: Any, number: Callable[[Any], Any]) -> Any:
    """The library's own object for a text form; AttributeError where it has none."""
    parts = parse(text)
    if len(parts) != 1:
        raise NotImplementedError("no library registers mixtures")
    (_weight, call) = parts[0]
    name = RENAMED.get(call.name) or "".join(word.capitalize() for word in call.name.split("_"))
    if not hasattr(library, name):
        name = TFP_NAMES.get(name, name)
    signature = inspect.signature(WORDS[call.name]).bind(*call.args, **call.kwargs).arguments
    if library.__name__.startswith("tensorflow_probability"):
        signature = {TFP_PARAMETERS.get((call.name, key), key): value for key, value in signature.items()}
    return getattr(library, name)(**{key: number(value) for key, value in signature.items()})


def _quad(p: str, q: str) -> float:
    """What one writes by hand: SciPy's densities, quad from end to end of P's support."""
    from scipy.integrate import quad

    a, b = frozen(p), frozen(q)

    def integrand(x: float) -> float:
        return float(a.pdf(x) * (a.logpdf(x) - b.logpdf(x)))

    return float(quad(integrand, *a.support(), limit=200)[0])


def frozen(text: str) -> Any:
    from scipy import stats

    makers: dict[str, Callable[..., Any]] = {
        "normal": stats.norm,
        "laplace": stats.laplace,
        "cauchy": stats.cauchy,
        "student_t": stats.t,
        "logistic": stats.logistic,
        "gumbel": stats.gumbel_r,
        "beta": stats.beta,
        "uniform": lambda a, b: stats.uniform(a, b - a),
        "gamma": lambda a, r=1.0: stats.gamma(a, scale=1 / r),
        "exponential": lambda r: stats.expon(scale=1 / r),
        "log_normal": lambda m, s: stats.lognorm(s, scale=math.exp(m)),
        "weibull": lambda s, k: stats.weibull_min(k, scale=s),
        "pareto": lambda s, a: stats.pareto(a, scale=s),
        "inverse_gamma": lambda a, r: stats.invgamma(a, scale=r),
        "half_normal": lambda s: stats.halfnorm(scale=s),
        "half_cauchy": lambda s: stats.halfcauchy(scale=s),
        "levy": stats.levy,
        "von_mises": lambda m, k: stats.vonmises(k, m),
    }
    parts = [(weight, makers[call.name](*call.args)) for weight, call in parse(text)]
    return parts[0][1] if len(parts) == 1 else _Sum(parts)


class _Sum:
    """A mixture as one writes it by hand."""

    def __init__(self, parts: list[tuple[float, Any]]) -> None:
        self.parts = parts

    def pdf(self, x: float) -> Any:
        return sum(w * d.pdf(x) for w, d in self.parts)

    def logpdf(self, x: float) -> Any:
        return np.log(self.pdf(x))

    def support(self) -> tuple[float, float]:
        ends = [d.support() for _, d in self.parts]
        return min(low for low, _ in ends), max(high for _, high in ends)
