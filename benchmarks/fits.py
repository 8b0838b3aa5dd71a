"""Reverse fits of a full normal against NumPyro's and DADVI's method: seconds, evaluations, distance to the optimum.

On the eight public posteriors of tests/data and two targets of two humps, all methods on the same log density in
JAX, 64 bits. The optimum is that on 2¹⁶ draws of another seed; distances are root mean squares over coordinates, of
means in units of the optimum's sds, and of the sds' logarithms. `python -m benchmarks fits` prints the table and draws
fits.png, error against time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

TESTS = Path(__file__).parents[1] / "tests"
FLOOR = 1e-5  # sds: nearer than the optimum itself is known
STEPS, RATE, FIXED = 10_000, 1e-2, 30
WARM, FRESH, SEEDS = 3, 1, 3
METHODS = ("kullback", "SVI", "Laplace", "DADVI")
POSTERIORS = (
    "arK", "arma", "eight_schools", "gp_regr", "kid_momiq", "mesquite_logvolume", "nes1972", "sblrc",
)  # fmt: skip
HUMPS = ("two humps, 4-D", "two humps, 10-D")
LABELS = {  # beside which point of a method its name stands
    "kullback": ("first", "left", (-4, 12)), "SVI": ("top", "left", (8, 0)),
    "Laplace": ("top", "right", (-8, 0)), "DADVI": ("first", "center", (6, 12)),
}  # fmt: skip
COLOURS = {"kullback": "#d55e00", "SVI": "#56b4e9", "Laplace": "#999999", "DADVI": "#009e73"}


def target(name: str) -> tuple[Callable[[Any], Any], int]:
    import jax.numpy as jnp
    from jax.scipy.stats import norm

    if name in POSTERIORS:
        sys.path.insert(0, str(TESTS))
        from posteriors import posterior

        found = posterior(name)
        return found.log_prob, found.dim
    dim, apart, width = (4, 3.0, 0.5) if name == HUMPS[0] else (10, 2.0, 0.7)

    def log_prob(x: Any) -> Any:
        first = jnp.log(0.3) + norm.logpdf(x).sum()
        return jnp.logaddexp(first, jnp.log(0.7) + norm.logpdf(x, apart, width).sum())

    return log_prob, dim


Told = tuple[np.ndarray, np.ndarray, int]  # means, sds, evaluations of the log density


def by_kullback(log_prob: Callable[[Any], Any], dim: int, seed: int) -> Told:
    import kullback as kl

    fit = kl.fit(kl.Density(log_prob, dim=dim, normalized=False), "normal", direction="reverse", seed=seed)
    a = fit.q.parameters
    return a["loc"], np.sqrt(np.diag(a["covariance_matrix"])), fit.target.oracle.evaluations


def _guide(log_prob: Callable[[Any], Any], dim: int, kind: str) -> tuple[Any, Any]:
    import numpyro
    import numpyro.distributions as dist
    from numpyro.infer import autoguide

    def model() -> None:
        u = numpyro.sample("u", dist.ImproperUniform(dist.constraints.real_vector, (), (dim,)))
        numpyro.factor("log_prob", log_prob(u))

    return model, getattr(autoguide, kind)(model)


def _svi(log_prob: Callable[[Any], Any], dim: int, seed: int, kind: str) -> Told:
    import jax
    from numpyro.infer import SVI, Trace_ELBO
    from numpyro.optim import Adam

    with jax.enable_x64(True):
        model, guide = _guide(log_prob, dim, kind)
        svi = SVI(model, guide, Adam(RATE), Trace_ELBO())
        found = svi.run(jax.random.PRNGKey(seed), STEPS, progress_bar=False)
        q = guide.get_posterior(found.params)
        covariance = np.asarray(q.covariance_matrix)
        return np.asarray(q.mean), np.sqrt(np.diag(covariance)), STEPS


def by_svi(log_prob: Callable[[Any], Any], dim: int, seed: int) -> Told:
    return _svi(log_prob, dim, seed, "AutoMultivariateNormal")


def by_laplace(log_prob: Callable[[Any], Any], dim: int, seed: int) -> Told:
    return _svi(log_prob, dim, seed, "AutoLaplaceApproximation")


def by_dadvi(log_prob: Callable[[Any], Any], dim: int, seed: int) -> Told:
    """30 fixed draws, a diagonal normal, a Newton trust region on Hessian-vector products."""
    import jax
    import jax.numpy as jnp
    from scipy.optimize import minimize

    with jax.enable_x64(True):
        z = jnp.asarray(np.random.default_rng(seed).standard_normal((FIXED, dim)))

        def loss(theta: Any) -> Any:
            x = theta[:dim] + jnp.exp(theta[dim:]) * z
            return -jax.vmap(log_prob)(x).mean() - theta[dim:].sum()

        value = jax.jit(jax.value_and_grad(loss))
        product = jax.jit(lambda t, v: jax.jvp(jax.grad(loss), (t,), (v,))[1])
        start = np.concatenate([np.zeros(dim), np.full(dim, -3.0)])
        found = minimize(value, start, jac=True, hessp=product, method="trust-ncg", options={"maxiter": 500})
        calls = FIXED * (found.nfev + 2 * found.nhev)
        return found.x[:dim], np.exp(found.x[dim:]), calls


RUN = {"kullback": by_kullback, "SVI": by_svi, "Laplace": by_laplace, "DADVI": by_dadvi}


def optimum(name: str) -> tuple[np.ndarray, np.ndarray]:
    """The full normal's optimum on 2¹⁶ fresh draws, from where kullback's own fit ended."""
    import kullback as kl
    from kullback._fit.space._oracle import Oracle
    from kullback._fit.space._reverse import _search
    from kullback._fit.space._rules import BLOCKS, Draws
    from kullback.families import Base

    log_prob, dim = target(name)
    p = kl.Density(log_prob, dim=dim, normalized=False)
    q = kl.fit(p, "normal", direction="reverse").q.parameters
    family = kl.families.Normal()
    base = Base(q["loc"], np.linalg.cholesky(q["covariance_matrix"]))
    rule = Draws(dim, (1 << 16) // BLOCKS, 991, 7)
    theta, *_ = _search(rule.whole(Oracle(p), family, base), family.unit(dim))
    found = kl.families.Normal()

    a = found.transport().density(theta, base).parameters
    return a["loc"], np.sqrt(np.diag(a["covariance_matrix"]))


def fresh(name: str, method: str) -> float:
    """Seconds of a whole process that makes one fit, imports and compilation included."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "benchmarks.fits", name, method], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def one(name: str) -> dict[str, dict[str, float]]:
    """Every method on one target."""
    best = optimum(name)
    log_prob, dim = target(name)
    rows: dict[str, dict[str, float]] = {}
    for method in METHODS:
        seconds, means, spreads, calls = [], [], [], 0
        for run in range(WARM + 1):
            start = time.perf_counter()
            mean, sd, calls = RUN[method](log_prob, dim, run)
            seconds.append(time.perf_counter() - start)
            means.append(float(np.sqrt(np.mean(((mean - best[0]) / best[1]) ** 2))))
            spreads.append(float(np.sqrt(np.mean(np.log(sd / best[1]) ** 2))))
        rows[method] = {
            "warm": min(seconds[1:]), "warm_median": median(seconds[1:]), "evaluations": calls,
            "mean": median(means[1:]), "spread": median(spreads[1:]),
            "fresh": min(fresh(name, method) for _ in range(FRESH)),
        }  # fmt: skip
    return rows


def main() -> None:
    console = Console(width=120)
    found = {}
    for name in POSTERIORS:
        found[name] = one(name)
        console.print(_table(name, found[name]))
    _told(console, found)
    _humps(console)
    draw(found, "fits.png")


def _table(name: str, rows: dict[str, dict[str, float]]) -> Table:
    table = Table(name, "fresh, s", "warm, s (min)", "(median)", "evaluations", "mean off, sd", "log sd off")
    for method, r in rows.items():
        table.add_row(
            method, f"{r['fresh']:.2f}", f"{r['warm']:.3f}", f"{r['warm_median']:.3f}", f"{r['evaluations']:.2g}",
            f"{r['mean']:.4f}", f"{r['spread']:.4f}",
        )  # fmt: skip
    return table


def _told(console: Console, found: dict[str, dict[str, dict[str, float]]]) -> None:
    for key, word in (("warm", "warm"), ("fresh", "fresh")):
        ratios = [rows["SVI"][key] / rows["kullback"][key] for rows in found.values()]
        console.print(
            f"SVI takes {min(ratios):.1f} to {max(ratios):.1f} times as long {word}, median {median(ratios):.1f}"
        )
    for key in ("mean", "spread"):
        ratios = [rows["kullback"][key] / rows["SVI"][key] for rows in found.values()]
        console.print(f"{key}: our distance over SVI's, median {median(ratios):.3f}, most {max(ratios):.3f}")


def _humps(console: Console) -> None:
    """How often each method ends at the heavier hump."""
    for name in HUMPS:
        log_prob, dim = target(name)
        best = optimum(name)
        row = []
        for method in METHODS:
            near = 0
            for seed in range(SEEDS):
                mean, _, _ = RUN[method](log_prob, dim, seed)
                near += float(np.abs((mean - best[0]) / best[1]).max()) < 0.5
            row.append(f"{method} {near} of {SEEDS}")
        console.print(f"{name}, the global optimum found: " + ", ".join(row))


def draw(found: dict[str, dict[str, dict[str, float]]], path: str) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7.5, 4.8), layout="constrained")
    for method in METHODS:
        x = [rows[method]["warm"] for rows in found.values()]
        y = [max(rows[method]["mean"], FLOOR) for rows in found.values()]
        axes.scatter(x, y, color=COLOURS[method], s=36, edgecolor="white", linewidth=0.8, zorder=3)
        near, side, shift = LABELS[method]
        i = int(np.argmin(x)) if near == "first" else int(np.argmax(y))
        axes.annotate(method, (x[i], y[i]), color=COLOURS[method], weight="bold", xytext=shift, ha=side, va="center",
                      textcoords="offset points")  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="seconds, warm", ylabel="distance of the mean from the optimum, sds")
    axes.set_title("A full normal on eight public posteriors, one point each", loc="left", fontsize=11)
    axes.grid(alpha=0.25, which="major")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
    print(f"drawn: {path}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["speed"]:
        from benchmarks.fits_speed import main as speed

        speed(sys.argv[2:])
    elif sys.argv[1:2] == ["large"]:
        from benchmarks.fits_large import main as large

        large(sys.argv[2:])
    elif len(sys.argv) == 3:
        log_density, size = target(sys.argv[1])
        json.dumps([float(v) for v in RUN[sys.argv[2]](log_density, size, 0)[0]])
    else:
        main()
