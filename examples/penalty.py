"""A policy held to a reference: k3 as a loss follows KL(ref‖π), `losses.policy` follows KL(π‖ref). All of it exact.

The expectation of each loss's gradient is taken over all actions, for typical random policies and for the worst case
found by search. `python -m examples.penalty`
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from kullback import losses

WORST = [0.97, 0.0149, 0.015, 0.0001], [0.2795, 0.00025, 0.00025, 0.72]


def gradients(policy: np.ndarray, reference: np.ndarray) -> dict[str, np.ndarray]:
    """With respect to the policy's logits: of KL(π‖ref), and what k3 and `policy` have in expectation."""
    logits, log_p = jnp.log(jnp.asarray(policy)), jnp.log(jnp.asarray(reference))
    chance = jax.nn.softmax(logits)

    def whole(x):  # type: ignore[no-untyped-def]
        return losses.reverse(p_logits=log_p, q_logits=x, lean=False)

    def k3(x):  # type: ignore[no-untyped-def]
        r = log_p - jax.nn.log_softmax(x)
        return (chance * (jnp.exp(r) - 1 - r)).sum()  # the mean over draws, which the loss does not see through

    def ours(x):  # type: ignore[no-untyped-def]
        log_q = jax.nn.log_softmax(x)
        each = [
            losses.policy(q_log_prob=log_q[i : i + 1], p_log_prob=log_p[i : i + 1]).loss for i in range(len(chance))
        ]
        return sum(c * loss for c, loss in zip(chance, each, strict=True))

    return {
        name: np.asarray(jax.jit(jax.grad(f))(logits))
        for name, f in (("KL(π‖ref)", whole), ("k3", k3), ("policy", ours))
    }


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def main(many: int = 50) -> dict[str, list[float]]:
    rng = np.random.default_rng(0)
    pairs = {"typical": [rng.dirichlet(np.ones(4), 2) for _ in range(many)], "worst": [np.array(WORST)]}
    found: dict[str, list[float]] = {}
    with jax.enable_x64(True):
        for kind, each in pairs.items():
            for policy, reference in each:
                g = gradients(policy, reference)
                for name in ("k3", "policy"):
                    found.setdefault(f"{name}, {kind}", []).append(cosine(g[name], g["KL(π‖ref)"]))
    for name, values in found.items():
        print(f"{name}: cosine with the gradient of KL(π‖ref): median {np.median(values):.3f}, least {min(values):.3f}")
    return found


if __name__ == "__main__":
    main()
