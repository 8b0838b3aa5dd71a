"""A policy held near a reference by a KL penalty: what k3 descends when it is used as a loss, and what was meant.

    python examples/policy.py --out policy.svg

P is the reference, Q the policy π; the penalty that is meant is KL(π‖ref), the reverse direction. Its usual estimate
from a drawn action, k3 = r − 1 − log r with r = ref/π, has the right value. Differentiated as a loss it has, in
expectation, the gradient of KL(ref‖π), the forward direction: Σ π ∇k3 = −Σ ref ∇log π. Nothing here is drawn: every
expectation is a sum over the actions.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from kullback import losses
from kullback.plots import _file, _ink

# Found by a search for the worst: most of π is where the reference has some mass, little of it where it has most.
POLICY, REFERENCE = (0.97, 0.0149, 0.015, 0.0001), (0.2795, 0.00025, 0.00025, 0.72)
KINDS = ((1.0, 4), (1.0, 50), (0.3, 4), (0.3, 50))  # random policies: Dirichlet(concentration) over so many actions
TIMES = np.concatenate([np.geomspace(1, 26, 400) - 1, np.arange(25.5, 10_000.0, 0.5)])  # short steps


def k1(logits: Any, reference: Any, action: Any) -> Any:
    """log π/ref of the action drawn: right as a value."""
    return jax.nn.log_softmax(logits)[action] - reference[action]


def k3(logits: Any, reference: Any, action: Any) -> Any:
    """As the trainers differentiate it."""
    log_r = reference[action] - jax.nn.log_softmax(logits)[action]
    return jnp.expm1(log_r) - log_r


def ours(logits: Any, reference: Any, action: Any) -> Any:
    """From the logarithms of probability of the action drawn, as k1 and k3 have them."""
    log_q = jax.nn.log_softmax(logits)[action]
    return losses.policy(q_log_prob=log_q[None], p_log_prob=reference[action][None]).loss


def ours_exact(logits: Any, reference: Any, action: Any) -> Any:
    """With the logits: the whole distribution at the place where the action was drawn."""
    log_q = jax.nn.log_softmax(logits)[action]
    return losses.policy(q_log_prob=log_q[None], q_logits=logits[None], p_logits=reference[None]).loss


PENALTIES = {"k1 as a loss": k1, "k3 as a loss": k3, "losses.policy": ours, "the same, with logits": ours_exact}


@partial(jax.jit, static_argnums=0)
def expected(loss: Any, logits: Any, reference: Any) -> tuple[Any, Any]:
    """The expectation over the actions of the gradient of a loss, and its standard deviation (of the whole vector)."""
    pi = jax.nn.softmax(logits)
    each = jax.vmap(jax.grad(loss), (None, None, 0))(logits, reference, jnp.arange(len(logits)))
    mean = pi @ each
    return mean, jnp.sqrt(pi @ ((each - mean) ** 2).sum(-1))


@jax.jit
def meant(logits: Any, reference: Any) -> Any:
    return jax.grad(lambda s: losses.reverse(p_logits=reference, q_logits=s).sum())(logits)


def cosine(a: Any, b: Any) -> Any:
    return (a * b).sum(-1) / jnp.sqrt((a * a).sum(-1) * (b * b).sum(-1))


class Row(NamedTuple):
    gradient: np.ndarray
    spread: float
    cosine: float


class Found(NamedTuple):
    value: float  # KL(π‖ref) of the worst case
    meant: np.ndarray  # its gradient
    other: np.ndarray  # that of KL(ref‖π)
    worst: dict[str, Row]
    typical: dict[tuple[float, int], np.ndarray]  # cosines of k3's gradient with the one meant
    descents: dict[str, np.ndarray]  # KL(π‖ref), step by step
    ends: dict[str, np.ndarray]  # where a policy with a reward comes to rest


def run(policies: int, seed: int) -> Found:
    q, p = jnp.log(jnp.array(POLICY)), jnp.log(jnp.array(REFERENCE))
    true = meant(q, p)
    other = jax.grad(lambda s: losses.forward(p_logits=p, q_logits=s).sum())(q)
    worst = {}
    for name, loss in PENALTIES.items():
        gradient, spread = expected(loss, q, p)
        length = float(jnp.sqrt((gradient**2).sum()))
        worst[name] = Row(
            np.asarray(gradient), float(spread), float(cosine(gradient, true)) if length > 1e-9 else np.nan
        )
    return Found(
        float(losses.reverse(p_logits=p, q_logits=q)),
        np.asarray(true),
        np.asarray(other),
        worst,
        {kind: cosines(*kind, policies, seed) for kind in KINDS},
        {name: descent(PENALTIES[name], q, p) for name in ("k3 as a loss", "the same, with logits")},
        ends(np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.0, 0.0, 0.0, 1.0]), 0.5),
    )


def cosines(concentration: float, actions: int, policies: int, seed: int) -> np.ndarray:
    """Of k3's gradient, enumerated, with the one that is meant; for random policies and references."""
    rng = np.random.default_rng(seed)
    q, p = (jnp.log(jnp.array(rng.dirichlet([concentration] * actions, policies) + 1e-300)) for _ in range(2))
    gradients = jax.vmap(lambda s, t: expected(k3, s, t)[0])(q, p)
    return np.asarray(cosine(gradients, meant(q, p)))


def descent(loss: Any, logits: Any, reference: Any) -> np.ndarray:
    """KL(π‖ref) at TIMES, along the flow against the expected gradient."""

    def step(s: Any, length: Any) -> tuple[Any, Any]:
        return s - length * expected(loss, s, reference)[0], losses.reverse(p_logits=reference, q_logits=s)

    return np.asarray(jax.lax.scan(step, logits, jnp.diff(TIMES, append=TIMES[-1]))[1])


def ends(reference: np.ndarray, reward: np.ndarray, beta: float) -> dict[str, np.ndarray]:
    """What reward − β·penalty comes to, by following each gradient to rest."""
    found = {"reference": reference}
    p, r = jnp.log(jnp.array(reference)), jnp.array(reward)
    for name in ("k3 as a loss", "the same, with logits"):

        def step(s: Any, _: None, loss: Any = PENALTIES[name]) -> tuple[Any, None]:
            gain = jax.grad(lambda x: jax.nn.softmax(x) @ r)(s)
            return s + gain - beta * expected(loss, s, p)[0], None

        found[name] = np.asarray(jax.nn.softmax(jax.lax.scan(step, p, None, length=2000)[0]))
    return found


def told(found: Found) -> str:
    lines = [f"Worst case: KL(π‖ref) = {found.value:.6f} nats", ""]
    rows = [("gradient meant, of KL(π‖ref)", found.meant), ("gradient of KL(ref‖π)", found.other)]
    lines += [f"{name:30} {_numbers(g)}" for name, g in rows]
    for name, row in found.worst.items():
        angle = "none" if np.isnan(row.cosine) else f"{row.cosine:+.3f}"
        lines.append(f"{name:30} {_numbers(row.gradient)}   cosine {angle:>6}   sd {row.spread:.3f}")
    lines += ["", "KL(π‖ref) along the flow against it, from there"]
    for name, values in found.descents.items():
        at = "  ".join(f"{np.interp(t, TIMES, values):.3f} at {t}" for t in (0, 10, 100, 10_000))
        lines.append(f"{name:30} {at}; at most {values.max():.3f}")
    lines += ["", "Random policies: cosine of k3's gradient with the one meant"]
    for (concentration, actions), c in found.typical.items():
        share = f"{100 * (c < 0).mean():.1f} % against it"
        lines.append(f"Dirichlet({concentration}), {actions:2} actions: median {np.median(c):.2f}, {share}")
    lines += ["", "With a reward of 1 for the last action, and β = 0.5, π comes to rest at"]
    lines += [f"{name:30} {_numbers(pi)}" for name, pi in found.ends.items()]
    return "\n".join(lines)


def _numbers(x: np.ndarray) -> str:
    return "  ".join(f"{v:+.4f}" if (x < 0).any() else f"{v:.4f}" for v in x)


def draw(found: Found, path: Path) -> None:
    with _ink.style():
        page = _ink.Page(10.4, 4.05)
        page.header(
            "The penalty that is meant, and the one that k3 descends",
            "π a policy over four actions, ref its reference; every expectation is a sum over the actions",
            0.72,
        )
        _gradients(page.axes("gradients", 0.72, 0.6, 2.75, 2.38), found)
        _descents(page.axes("descents", 4.05, 0.6, 2.6, 2.38), found)
        _typical(page.axes("typical", 7.4, 0.6, 2.6, 2.38), found)
        _file.write(page.figure, path, path.suffix)


def _gradients(axes: Any, found: Found) -> None:
    """Steps of length one, against the gradients: positive is towards doing it more."""
    pairs = ((found.meant, _ink.REVERSE), (found.worst["k3 as a loss"].gradient, _ink.FORWARD))
    for k, (g, colour) in enumerate(pairs):
        axes.bar(np.arange(4) + 0.38 * (k - 0.5), -g / np.linalg.norm(g), 0.36, color=colour)
    axes.axhline(0, color=_ink.RULE, linewidth=0.9, zorder=0)
    axes.set_title("the worst case: a step of the logits", loc="left", color=_ink.QUIET, pad=8)
    axes.set_xticks(range(4), [f"{a:g}\n{b:g}" for a, b in zip(POLICY, REFERENCE, strict=True)])
    axes.tick_params(axis="x", length=0, labelsize=8)
    axes.text(
        -0.5, -0.045, "π\nref", transform=axes.get_xaxis_transform(), size=8, ha="right", va="top", color=_ink.QUIET
    )
    axes.set_xlim(-0.5, 3.5)
    axes.set_ylim(-1, 1)
    axes.set_yticks([-1, -0.5, 0, 0.5, 1])
    axes.text(2.68, 0.56, "k3: towards what\nref does most", color=_ink.FORWARD, size=8.8, va="center", ha="right")
    axes.text(0.72, -0.78, "meant: out of what\nref hardly does", color=_ink.REVERSE, size=8.8, va="center")


def _descents(axes: Any, found: Found) -> None:
    for name, colour in (("k3 as a loss", _ink.FORWARD), ("the same, with logits", _ink.REVERSE)):
        axes.plot(TIMES[1:], found.descents[name][1:], color=colour)
    axes.set_title("from there on: KL(π‖ref), nats", loc="left", color=_ink.QUIET, pad=8)
    axes.set_xlabel("time along the flow")
    axes.set_xscale("log")
    axes.set_xlim(0.1, TIMES[-1])
    axes.set_xticks([0.1, 10, 1000], ["0.1", "10", "1000"])
    axes.minorticks_off()
    axes.set_ylim(0, 2.5)
    axes.text(0.13, 2.2, "k3 rises first", color=_ink.FORWARD, size=8.8)
    axes.text(28, 1.4, "meant: never rises", color=_ink.REVERSE, size=8.8)


def _typical(axes: Any, found: Found) -> None:
    for (concentration, actions), c in found.typical.items():
        shade = _ink.FORWARD if actions == 4 else _ink.tint(_ink.FORWARD, 0.55)
        dashes = "solid" if concentration == 1 else (0, (4, 1.5))
        axes.plot(np.sort(c), np.linspace(0, 1, len(c)), color=shade, linestyle=dashes)
    axes.axvspan(-1, 0, color=_ink.tint(_ink.LIMIT, 0.08), linewidth=0, zorder=0)
    axes.text(-0.47, 0.93, "against it", color=_ink.LIMIT, size=8.8)
    for text, x, y, strong in (
        ("4 actions", 0.99, 0.05, True),
        ("50", 0.66, 0.56, False),
        ("4, uneven", -0.03, 0.13, True),
        ("50, uneven", 0.44, 0.8, False),
    ):
        colour = _ink.FORWARD if strong else _ink.shade(_ink.tint(_ink.FORWARD, 0.55), 0.85)
        axes.text(x, y, text, color=colour, size=8.8, ha="right")
    axes.set_title("random policies: the share of them below", loc="left", color=_ink.QUIET, pad=8)
    axes.set_xlabel("cosine of k3’s gradient with the one meant")
    axes.set_xlim(-0.5, 1)
    axes.set_xticks([-0.5, 0, 0.5, 1])
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.5, 1])


def main(arguments: list[str] | None = None) -> Found:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("policy.svg"), help="the picture: .svg, .png or .pdf")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--small", action="store_true", help="fewer random policies, for the tests")
    options = parser.parse_args(arguments)
    with jax.enable_x64(True):
        found = run(200 if options.small else 4000, options.seed)
    print(told(found))
    draw(found, options.out)
    return found


if __name__ == "__main__":
    main()
