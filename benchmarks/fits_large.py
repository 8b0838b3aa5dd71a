"""A logistic regression of many rows: `python -m benchmarks.fits large [rows]`, CPU seconds of one thread.

Ours gives both divergences and log Z; beside it NumPyro's NUTS (1,000 + 1,000 draws), SVI (10⁴ Adam steps) and Laplace.
The first run of each is told apart, as it compiles.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

COORDINATES = 20


def data(rows: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, COORDINATES)) @ (np.eye(COORDINATES) + 0.3 * rng.standard_normal((20, 20)) / 4)
    x[:, 0] = 1.0
    beta = rng.standard_normal(COORDINATES) / 2
    return x, (rng.random(rows) < 1 / (1 + np.exp(-x @ beta))).astype(float)


def log_posterior(x: np.ndarray, y: np.ndarray) -> Callable[[Any], Any]:
    import jax
    import jax.numpy as jnp

    with jax.enable_x64(True):
        x, y = jnp.asarray(x), jnp.asarray(y)

    def log_prob(beta: Any) -> Any:
        eta = x @ beta
        return jnp.sum(y * eta - jnp.logaddexp(0.0, eta)) - 0.5 * jnp.sum(beta**2)

    return log_prob


def ours(x: np.ndarray, y: np.ndarray) -> Callable[[], tuple[np.ndarray, np.ndarray]]:
    import kullback as kl

    log_prob = log_posterior(x, y)

    def run() -> tuple[np.ndarray, np.ndarray]:
        fit = kl.fit(kl.Density(log_prob, dim=COORDINATES, normalized=False), "normal", direction="reverse")
        for name, value, error in (
            ("KL(P‖Q)", fit.forward.value, fit.forward.error),
            ("KL(Q‖P)", fit.reverse.value, fit.reverse.error),
            ("log Z", fit.log_evidence, fit.log_evidence_error),
        ):
            print(f"   {name} {value:.6g} ± {error:.1g}")
        print("  ", *fit.notes)
        a = fit.q.parameters
        return a["loc"], np.sqrt(np.diag(a["covariance_matrix"]))

    return run


def model(x: Any, y: Any) -> None:
    import numpyro
    import numpyro.distributions as dist

    beta = numpyro.sample("beta", dist.Normal(0, 1).expand([COORDINATES]).to_event(1))
    numpyro.sample("y", dist.Bernoulli(logits=x @ beta), obs=y)


def nuts(x: np.ndarray, y: np.ndarray) -> Callable[[], tuple[np.ndarray, np.ndarray]]:
    import jax
    from numpyro.infer import MCMC, NUTS

    def run() -> tuple[np.ndarray, np.ndarray]:
        with jax.enable_x64(True):
            mcmc = MCMC(NUTS(model), num_warmup=1000, num_samples=1000, progress_bar=False)
            mcmc.run(jax.random.PRNGKey(0), x, y)
            beta = np.asarray(mcmc.get_samples()["beta"])
        return beta.mean(axis=0), beta.std(axis=0)

    return run


def guided(kind: str, steps: int) -> Callable[[np.ndarray, np.ndarray], Callable[[], tuple[np.ndarray, np.ndarray]]]:
    def made(x: np.ndarray, y: np.ndarray) -> Callable[[], tuple[np.ndarray, np.ndarray]]:
        import jax
        from numpyro.infer import SVI, Trace_ELBO, autoguide
        from numpyro.optim import Adam

        def run() -> tuple[np.ndarray, np.ndarray]:
            with jax.enable_x64(True):
                guide = getattr(autoguide, kind)(model)
                svi = SVI(model, guide, Adam(1e-2), Trace_ELBO())
                found = svi.run(jax.random.PRNGKey(0), steps, x, y, progress_bar=False)
                q = guide.get_posterior(found.params)
                return np.asarray(q.mean), np.sqrt(np.diag(np.asarray(q.covariance_matrix)))

        return run

    return made


METHODS = {
    "kullback": ours, "NUTS": nuts, "SVI": guided("AutoMultivariateNormal", 10_000),
    "Laplace": guided("AutoLaplaceApproximation", 10_000),
}  # fmt: skip


def main(arguments: list[str]) -> None:
    rows = int(float(arguments[0])) if arguments else 100_000
    names = arguments[1:] or list(METHODS)
    x, y = data(rows)
    first: tuple[np.ndarray, np.ndarray] | None = None
    for name in names:
        run = METHODS[name](x, y)
        took = []
        for _ in range(2):
            begin = time.process_time()
            mean, sd = run()
            took.append(time.process_time() - begin)
        first = first or (mean, sd)
        apart = float(np.abs((mean - first[0]) / first[1]).max())
        print(f"{name:<10} {took[0]:8.1f} s CPU first, {took[1]:8.1f} s again; means {apart:.3f} sd from the first's")


if __name__ == "__main__":
    main(sys.argv[1:])
