"""A character model taught to a smaller one, in torch: by forward and reverse KL, Jensen–Shannon and between.

The teacher sees two characters, the student one, so that it must choose: forward covers what the teacher says, reverse
keeps to its most likely. `python -m examples.distillation [STEPS]`
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from kullback import losses

TEXT = (Path(__file__).parent.parent / "LICENSE").read_text(encoding="utf-8").lower()
LOSSES: dict[str, Any] = {
    "forward": losses.forward,
    "between, ½": lambda **given: losses.between(0.5, **given),
    "Jensen–Shannon": losses.jensen_shannon,
    "reverse": losses.reverse,
}


def teacher(text: str) -> tuple[Any, Any, Any]:
    """Counts of every pair of characters and what follows; as logits, of each place; and the character before it."""
    known = sorted(set(text))
    ids = torch.tensor([known.index(c) for c in text])
    n = len(known)
    counts = torch.full((n, n, n), 0.01)
    counts.index_put_((ids[:-2], ids[1:-1], ids[2:]), torch.ones(len(ids) - 2), accumulate=True)
    return counts.log(), ids, n


def main(steps: int = 600) -> dict[str, dict[str, float]]:
    logits, ids, n = teacher(TEXT)
    told: dict[str, dict[str, float]] = {}
    for name, loss in LOSSES.items():
        torch.manual_seed(0)
        weight = torch.zeros(n, n, requires_grad=True)
        optimiser = torch.optim.Adam([weight], 0.1)
        rng = torch.Generator().manual_seed(0)
        for _ in range(steps):
            at = torch.randint(2, len(ids), (256,), generator=rng)
            p, q = logits[ids[at - 2], ids[at - 1]], weight[ids[at - 1]]
            optimiser.zero_grad()
            loss(p_logits=p, q_logits=q, reduction="mean").backward()
            optimiser.step()
        at = torch.arange(2, min(len(ids), 4000))
        p, q = logits[ids[at - 2], ids[at - 1]], weight.detach()[ids[at - 1]]
        found = losses.measure(p_logits=p, q_logits=q)
        told[name] = {
            "forward": found.forward.mean().item(),
            "reverse": found.reverse.mean().item(),
            "entropy": found.entropy_q.mean().item(),
            "missed": ((q.softmax(-1) < 0.01 * p.softmax(-1)) * p.softmax(-1)).sum(-1).mean().item(),
        }
        print(name, {key: round(value, 3) for key, value in told[name].items()})
    return told


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
