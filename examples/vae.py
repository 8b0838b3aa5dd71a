"""A VAE on scikit-learn's digits, in JAX: its ELBO's reverse KL by `losses.normal`; the forward direction beside it.

The reverse one is the VAE: encoder and decoder are trained on E log p(x|z) − KL(Q‖P). The forward one has the same
decoder, trained on pairs (z, x) in which z are the first coordinates of the digits' own principal components, scaled to
the prior: Q then covers the codes of all digits, and maximises E log q(z|x), the forward KL's loss. Both are
measured by `kl.compare` of their codes, binned, against the prior. `python -m examples.vae [STEPS]`
"""

from __future__ import annotations

import math
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.datasets import load_digits

import kullback as kl
from kullback import losses

LATENTS, HIDDEN, BATCH, RATE = 6, 64, 128, 2e-3


def digits() -> Any:
    return jnp.asarray(load_digits().data / 16.0, jnp.float32)


def layer(rng: np.random.Generator, a: int, b: int) -> tuple[Any, Any]:
    return jnp.asarray(rng.normal(size=(a, b)) / np.sqrt(a), jnp.float32), jnp.zeros(b)


def start(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    sizes = {"encode": (64, HIDDEN), "to": (HIDDEN, 2 * LATENTS), "from": (LATENTS, HIDDEN), "decode": (HIDDEN, 64)}
    return {name: layer(rng, *size) for name, size in sizes.items()}


@jax.jit
def encode(w: Any, x: Any) -> tuple[Any, Any]:
    h = jnp.tanh(x @ w["encode"][0] + w["encode"][1]) @ w["to"][0] + w["to"][1]
    return h[:, :LATENTS], h[:, LATENTS:]


@jax.jit
def decode(w: Any, z: Any) -> Any:
    h = jnp.tanh(z @ w["from"][0] + w["from"][1])
    return h @ w["decode"][0] + w["decode"][1]


def error(logits: Any, x: Any) -> Any:
    """−log p(x|z) of pixels between 0 and 1."""
    return (jax.nn.softplus(logits) - x * logits).sum(-1)


def reverse_loss(w: Any, x: Any, _: Any, key: Any) -> Any:
    """−ELBO: what the decoder loses, and KL(Q‖P) of the encoder from the prior."""
    loc, log_var = encode(w, x)
    z = loc + jnp.exp(log_var / 2) * jax.random.normal(key, loc.shape)
    return (error(decode(w, z), x) + losses.normal(q_loc=loc, q_log_var=log_var).sum(-1)).mean()


def forward_loss(w: Any, x: Any, z: Any, key: Any) -> Any:
    """The forward KL of Q(z|x) from pairs that are given, up to a constant, and the decoder on the same pairs."""
    loc, log_var = encode(w, x)
    missed = 0.5 * (log_var + (z - loc) ** 2 * jnp.exp(-log_var)).sum(-1)
    return (error(decode(w, z), x) + missed).mean()


def codes(x: Any) -> Any:
    """Principal coordinates, each with the prior's spread."""
    centred = np.asarray(x - x.mean(0))
    found = centred @ np.linalg.svd(centred, full_matrices=False)[2][:LATENTS].T
    return jnp.asarray(found / found.std(0), jnp.float32)


def train(loss: Any, x: Any, z: Any, steps: int, seed: int = 0) -> Any:
    """Adam, written out."""
    w = start(seed)
    moments = jax.tree_util.tree_map(lambda a: (jnp.zeros_like(a), jnp.zeros_like(a)), w)

    @jax.jit
    def step(w: Any, moments: Any, i: Any) -> Any:
        key = jax.random.fold_in(jax.random.key(seed), i)
        rows = jax.random.randint(key, (BATCH,), 0, len(x))
        g = jax.grad(loss)(w, x[rows], z[rows], key)
        leaves, shape = jax.tree_util.tree_flatten(w)
        pairs, slopes = jax.tree_util.tree_leaves(moments), jax.tree_util.tree_leaves(g)
        first = [0.9 * m + 0.1 * s for m, s in zip(pairs[::2], slopes, strict=True)]
        second = [0.999 * v + 0.001 * s * s for v, s in zip(pairs[1::2], slopes, strict=True)]
        t = i + 1.0
        moved = [
            a - RATE * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8)
            for a, m, v in zip(leaves, first, second, strict=True)
        ]
        both = [x for pair in zip(first, second, strict=True) for x in pair]
        return jax.tree_util.tree_unflatten(shape, moved), jax.tree_util.tree_unflatten(
            jax.tree_util.tree_structure(moments), both
        )

    for i in range(steps):
        w, moments = step(w, moments, float(i))
    return w


def told(w: Any, x: Any, seed: int = 0) -> dict[str, Any]:
    """KL by latent, which of them have collapsed, and how codes and prior cover each other."""
    loc, log_var = encode(w, x)
    by_latent = losses.normal(q_loc=loc, q_log_var=log_var).mean(0)
    z = loc + jnp.exp(log_var / 2) * jax.random.normal(jax.random.key(seed), loc.shape)
    edges = np.linspace(-4, 4, 25)
    inner = np.diff([0.0, *(0.5 + 0.5 * math.erf(e / math.sqrt(2)) for e in edges[1:-1]), 1.0])
    compared = []
    for column in np.asarray(z).T:
        counts = np.histogram(np.clip(column, -4, 4), edges)[0] + 0.5
        compared.append(kl.compare(inner, counts / counts.sum()))
    return {
        "by_latent": np.asarray(by_latent),
        "collapsed": [i for i, value in enumerate(np.asarray(by_latent)) if value < 0.05],
        "prior_missed": [c.forward.value for c in compared],  # KL(prior‖codes): what the codes leave out
        "codes_outside": [c.reverse.value for c in compared],
        "samples": jax.nn.sigmoid(decode(w, jax.random.normal(jax.random.key(seed + 1), (20, LATENTS)))),
    }


def main(steps: int = 4000) -> dict[str, dict[str, Any]]:
    x = digits()
    z = codes(x)
    found = {name: told(train(f, x, z, steps), x) for name, f in (("reverse", reverse_loss), ("forward", forward_loss))}
    for name, one in found.items():
        print(f"{name}: KL by latent {one['by_latent'].round(3)}; collapsed: {one['collapsed'] or 'none'}")
        print(
            f"  KL(prior‖codes) {np.round(one['prior_missed'], 3)}, KL(codes‖prior) {np.round(one['codes_outside'], 3)}"
        )
    return found


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
