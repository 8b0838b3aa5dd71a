"""Two decoders of the digits, of one family: one trained by the reverse direction, one by the forward.

    python examples/vae.py --out vae.svg

A decoder turns latents z ~ normal(0, 1) into an 8 × 8 picture. The data are scikit-learn's 1797 handwritten digits.

- *Reverse*: a variational autoencoder. Its loss is the error of the picture plus KL(Q‖P) of the encoder's Q(z | x) from
  the prior, by `losses.normal`, dimension by dimension. A latent whose KL is near 0 says nothing: it has collapsed.
- *Forward*: maximum likelihood, which is least KL(data‖model), for it is −E_data log model(x) less the data's own
  entropy. The likelihood of a digit is estimated by weighted draws: many z from the same kind of encoder, each weighted
  by how well it explains the digit (Burda et al. 2016); and the encoder learns by the forward direction too, from the
  same weights: KL(posterior‖Q) (Bornschein & Bengio 2015, wake phase).

What each model covers is measured by `kl.compare` of its draws with the digits, in the plane of their first two
principal components.
"""

from __future__ import annotations

import argparse
import itertools
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import gaussian_kde
from sklearn.datasets import load_digits

import kullback as kl
from kullback import losses
from kullback.plots import _file, _ink

LATENTS, HIDDEN, BATCH, RATE = 32, 128, 100, 2e-3
HELD_OUT = 297
COLLAPSED = 0.02  # nats a digit
LOG_2PI = float(np.log(2 * np.pi))


def layers(rng: np.random.Generator, *sizes: int) -> list[tuple[Any, Any]]:
    shapes = itertools.pairwise(sizes)
    return [((rng.standard_normal(ab) / np.sqrt(ab[0])).astype("f4"), np.zeros(ab[1], "f4")) for ab in shapes]


@jax.jit
def apply(net: list[tuple[Any, Any]], x: Any) -> Any:
    for w, b in net[:-1]:
        x = jnp.tanh(x @ w + b)
    return x @ net[-1][0] + net[-1][1]


def made(seed: int, pixels: int) -> dict[str, Any]:
    """An encoder, a decoder, and the logarithm of the decoder's noise, one for all pixels."""
    rng = np.random.default_rng(seed)
    return {
        "encoder": layers(rng, pixels, HIDDEN, 2 * LATENTS),
        "decoder": layers(rng, LATENTS, HIDDEN, pixels),
        "log_noise": np.float32(np.log(0.3)),
    }


def encode(net: dict[str, Any], x: Any) -> tuple[Any, Any]:
    """Location and log-variance of Q(z | x)."""
    loc, log_var = jnp.split(apply(net["encoder"], x), 2, -1)
    return loc, log_var


def log_normal(x: Any, loc: Any, log_scale: Any) -> Any:
    return (-0.5 * ((x - loc) / jnp.exp(log_scale)) ** 2 - log_scale - 0.5 * LOG_2PI).sum(-1)


def reverse(net: dict[str, Any], x: Any, key: Any, draws: int) -> Any:
    """−ELBO a digit: KL(data‖model) and, on top, KL(Q‖posterior)."""
    loc, log_var = encode(net, x)
    z = loc + jnp.exp(0.5 * log_var) * jax.random.normal(key, loc.shape)
    error = -log_normal(x, apply(net["decoder"], z), net["log_noise"])
    return (error + losses.normal(q_loc=loc, q_log_var=log_var).sum(-1)).mean()


def weighed(net: dict[str, Any], x: Any, key: Any, draws: int) -> tuple[Any, Any, Any]:
    """log p(x, z) and log Q(z | x) of draws of z from Q, which are held fixed; and their log-weights."""
    loc, log_var = encode(net, x)
    noise = jax.random.normal(key, (draws, *loc.shape))
    z = jax.lax.stop_gradient(loc + jnp.exp(0.5 * log_var) * noise)
    joint = log_normal(x, apply(net["decoder"], z), net["log_noise"]) + log_normal(z, 0.0, 0.0)
    guide = log_normal(z, loc, 0.5 * log_var)
    return joint, guide, jax.lax.stop_gradient(joint - guide)


def forward(net: dict[str, Any], x: Any, key: Any, draws: int) -> Any:
    """Its gradient is that of −log model(x), and of KL(posterior‖Q) for the encoder, as far as the draws are enough."""
    joint, guide, log_weight = weighed(net, x, key, draws)
    share = jax.nn.softmax(log_weight, 0)
    return -(share * (joint + guide)).sum(0).mean()


@partial(jax.jit, static_argnums=3)
def log_likelihood(net: dict[str, Any], x: Any, key: Any, draws: int) -> Any:
    """log model(x) a digit, by importance-weighted draws: from below, and closer the more there are."""
    return jax.nn.logsumexp(weighed(net, x, key, draws)[2], 0) - jnp.log(draws)


def train(loss: Any, x: np.ndarray, epochs: int, draws: int, seed: int) -> dict[str, Any]:
    """Adam, its rate falling to nothing."""
    rng = np.random.default_rng(seed)
    batches = np.concatenate([rng.permutation(len(x)).reshape(-1, BATCH) for _ in range(epochs)])
    net, key, data = made(seed, x.shape[1]), jax.random.key(seed), jnp.asarray(x)

    def step(state: Any, now: Any) -> tuple[Any, None]:
        (net, first, second), (count, batch) = state, now
        g = jax.grad(loss)(net, data[batch], jax.random.fold_in(key, count), draws)
        first = jax.tree.map(lambda m, d: 0.9 * m + 0.1 * d, first, g)
        second = jax.tree.map(lambda v, d: 0.999 * v + 0.001 * d * d, second, g)
        whole = jnp.sqrt(1 - 0.999 ** (count + 1.0)) / (1 - 0.9 ** (count + 1.0))
        rate = RATE * (1 - count / len(batches)) * whole
        net = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-8), net, first, second)
        return (net, first, second), None

    zero = jax.tree.map(np.zeros_like, net)
    state = jax.tree.map(jnp.asarray, (net, zero, zero))
    return jax.jit(partial(jax.lax.scan, step))(state, (np.arange(len(batches)), batches))[0][0]


def sample(net: dict[str, Any], n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures drawn from the model: their means, and with the noise."""
    rng = np.random.default_rng(seed)
    mean = np.asarray(apply(net["decoder"], rng.standard_normal((n, LATENTS), "f4")))
    return mean, mean + np.exp(net["log_noise"]) * rng.standard_normal(mean.shape, "f4")


class Model(NamedTuple):
    per_latent: np.ndarray  # KL(Q‖P) of each, a digit
    log_likelihood: float  # nats a digit held out
    draws: np.ndarray  # in the plane
    pictures: np.ndarray
    plane: kl.Comparison


class Found(NamedTuple):
    data: np.ndarray  # in the plane
    pictures: np.ndarray
    models: dict[str, Model]


def run(epochs: int, draws: int, seed: int) -> Found:
    x = (load_digits().data / 16.0).astype(np.float32)
    x = x[np.random.default_rng(seed).permutation(len(x))]
    held, seen = x[:HELD_OUT], x[HELD_OUT:]
    centre = seen.mean(0)
    plane = np.linalg.svd(seen - centre, full_matrices=False)[2][:2].T
    models = {}
    for loss in (forward, reverse):
        net = train(loss, seen, epochs, draws, seed)
        loc, log_var = encode(net, held)
        latents = losses.normal(q_loc=np.asarray(loc), q_log_var=np.asarray(log_var)).mean(0)
        likelihood = log_likelihood(net, held, jax.random.key(seed + 1), 25 * draws).mean()
        mean, noisy = sample(net, 4000, seed + 1)
        drawn = (noisy - centre) @ plane
        compared = kl.compare(kl.Sample((x - centre) @ plane), kl.Sample(drawn))
        models[loss.__name__] = Model(np.asarray(latents), float(likelihood), drawn, mean[:30], compared)
    return Found((x - centre) @ plane, x[:30], models)


def region(draws: np.ndarray) -> tuple[Any, float]:
    """A smoothed density of draws in the plane, and the level above which nine tenths of them lie."""
    density = gaussian_kde(draws.T)
    return density, float(np.quantile(density(draws.T), 0.1))


def outside(points: np.ndarray, draws: np.ndarray) -> float:
    """The share of the points where nine tenths of the draws are not: a tenth, if they are alike."""
    density, level = region(draws)
    return float((density(points.T) < level).mean())


def told(found: Found) -> str:
    head = ("log model(x)", "KL in the latents", "collapsed", "KL(data‖model)", "KL(model‖data)")
    lines = [f"{'':8}" + "".join(f"{h:>20}" for h in head) + "   (the last two in the plane)"]
    for name, m in found.models.items():
        collapsed = f"{(m.per_latent < COLLAPSED).sum()} of {LATENTS}"
        cells = (f"{m.log_likelihood:.2f}", f"{m.per_latent.sum():.2f}", collapsed)
        lines.append(
            f"{name:8}" + "".join(f"{c:>20}" for c in (*cells, _short(m.plane.forward), _short(m.plane.reverse)))
        )
    lines += ["", "Outside the region where nine tenths of the other lie, in the plane"]
    for name, m in found.models.items():
        missed, wasted = outside(found.data, m.draws), outside(m.draws, found.data)
        lines.append(f"{name:8} {100 * missed:.1f} % of the digits, {100 * wasted:.1f} % of its draws")
    lines += [
        "",
        f"KL of each latent, nats a digit; under {COLLAPSED} it has collapsed: the decoder gets the prior's noise",
    ]
    lines += [f"{name:8} " + " ".join(f"{v:.2f}" for v in np.sort(m.per_latent)) for name, m in found.models.items()]
    return "\n".join(lines)


def _short(d: Any) -> str:
    return f"{d.value:.2f} ± {d.error:.2f}"


def draw(found: Found, path: Path) -> None:
    with _ink.style():
        page = _ink.Page(10.4, 4.6)
        page.header(
            "Digits, and two decoders of one family",
            "reverse: a variational autoencoder, KL(Q‖posterior) on top; forward: maximum likelihood by weighted draws",
            0.72,
        )
        _plane(page.axes("plane", 0.72, 0.65, 3.2, 2.95), found)
        _latents(page.axes("latents", 4.65, 0.65, 2.1, 2.95), found)
        _pictures(page, found)
        _file.write(page.figure, path, path.suffix)


COLOURS = {"forward": _ink.FORWARD, "reverse": _ink.REVERSE}


def _plane(axes: Any, found: Found) -> None:
    """The digits as points, and where half and nine tenths of each model's draws lie."""
    axes.scatter(*found.data.T, s=5, color=_ink.BARS, linewidth=0)
    grid = np.stack(np.meshgrid(np.linspace(-2.3, 2.3, 90), np.linspace(-2.1, 2.5, 90)))
    for name, m in found.models.items():
        density, level = region(m.draws)
        levels = [level, np.quantile(density(m.draws.T), 0.5)]
        z = density(grid.reshape(2, -1)).reshape(grid.shape[1:])
        axes.contour(*grid, z, levels=levels, colors=COLOURS[name], linewidths=1.7, linestyles=[_ink.DASHES[name]])
    axes.set_title("where half and nine tenths of the draws lie", loc="left", color=_ink.QUIET, pad=8)
    axes.set_xlabel("first principal component of the digits")
    axes.set_ylabel("second")
    axes.set_xlim(-2.3, 2.3)
    axes.set_ylim(-2.1, 2.5)
    axes.set_xticks([-2, -1, 0, 1, 2])
    axes.set_yticks([-2, -1, 0, 1, 2])
    words = {"digits": _ink.QUIET, "forward": _ink.FORWARD, "reverse": _ink.REVERSE}
    for k, (text, colour) in enumerate(words.items()):
        axes.text(2.2, 2.35 - 0.28 * k, text, color=colour, size=8.8, ha="right", va="center")


def _latents(axes: Any, found: Found) -> None:
    values = np.sort(found.models["reverse"].per_latent)[::-1]
    gone = values < COLLAPSED
    axes.barh(np.arange(LATENTS), values, 0.75, color=_ink.REVERSE)
    axes.set_title("reverse: KL of each latent, nats", loc="left", color=_ink.QUIET, pad=8)
    axes.set_ylim(LATENTS - 0.4, -0.6)
    axes.set_yticks([])
    axes.set_xlim(0, 2.5)
    axes.set_xticks([0, 1, 2])
    if gone.any():
        first = int(np.argmax(gone))
        axes.axhspan(first - 0.5, LATENTS - 0.4, color=_ink.tint(_ink.LIMIT, 0.08), linewidth=0, zorder=0)
        axes.text(0.14, (first + LATENTS - 1) / 2, f"{gone.sum()} collapsed", color=_ink.LIMIT, size=8.8, va="center")


def _pictures(page: _ink.Page, found: Found) -> None:
    shown = {"digits": (found.pictures, _ink.QUIET)}
    shown |= {name: (m.pictures, COLOURS[name]) for name, m in found.models.items()}
    for k, (name, (pictures, colour)) in enumerate(shown.items()):
        axes = page.axes(name, 7.3, 2.7 - 1.0 * k, 2.6, 0.9)
        sheet = np.pad(pictures.reshape(3, 10, 8, 8), ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=0)
        sheet = sheet.transpose(0, 2, 1, 3).reshape(30, 100)
        axes.imshow(sheet, cmap="Greys", vmin=0, vmax=1, interpolation="nearest")
        axes.set_axis_off()
        axes.text(1.02, 0.5, name, transform=axes.transAxes, rotation=90, color=colour, size=8.8, va="center")
        if not k:
            axes.set_title("digits, and the means of draws", loc="left", color=_ink.QUIET, pad=8)


def main(arguments: list[str] | None = None) -> Found:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("vae.svg"), help="the picture: .svg, .png or .pdf")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--small", action="store_true", help="a few rounds, for the tests")
    options = parser.parse_args(arguments)
    found = run(*((30, 4) if options.small else (200, 16)), options.seed)
    print(told(found))
    draw(found, options.out)
    return found


if __name__ == "__main__":
    main()
