"""What a loss may be given for P and for Q beside plain arrays: a head, and a shortened teacher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kullback._result import InputError

TAILS = ("bucket", "draws", "renormalize")


@dataclass(frozen=True)
class Head:
    """Logits that need not exist: of a token, hidden @ weight.T + bias, made a few rows at a time.

    Parameters
    ----------
    hidden : tensor of shape (..., h)
        The last hidden states, one a token.
    weight : tensor of shape (classes, h)
    bias : tensor of shape (classes,), optional
    scale : float
        The logits are multiplied by it.
    softcap : float, optional
        Then they become softcap·tanh(logits/softcap).

    Examples
    --------
    >>> import numpy as np
    >>> from kullback import losses
    >>> hidden, weight = np.ones((2, 3)), np.eye(4, 3)
    >>> head = losses.Head(hidden, weight)
    >>> losses.forward(p_logits=np.zeros((2, 4)), q=head).round(4).tolist()
    [0.078, 0.078]
    """

    hidden: Any
    weight: Any
    bias: Any = None
    scale: float = 1.0
    softcap: float | None = None


@dataclass(frozen=True)
class Top:
    """A teacher of which a few classes are kept, as `shorten` makes it or a server gives it.

    Parameters
    ----------
    ids : integer tensor of shape (..., k)
        The classes kept; none twice, except among draws.
    log_probs : tensor of shape (..., k)
        Their logarithms of probability, under the teacher's whole softmax at `temperature`.
    tail : "bucket", "draws" or "renormalize"
        What becomes of the rest. *bucket*: one class for all of it; the loss then is a lower bound of the whole
        divergence, and 0 where the two agree. *draws*: `weights` says for how much mass each entry stands, those drawn
        from the tail for a share of it; the forward KL and its gradient are then unbiased. *renormalize*: P and Q are
        both taken given that the class is one of these; the rest of Q is not seen.
    weights : tensor of shape (..., k), optional
        With draws only.
    temperature : float
        That of the softmax the probabilities came from. Another cannot be had from them.
    log_tail : tensor of shape (...), optional
        The logarithm of the mass of the rest, where it is known better than by 1 − Σp.
    """

    ids: Any
    log_probs: Any
    tail: str = "bucket"
    weights: Any = None
    temperature: float = 1.0
    log_tail: Any = None

    def __post_init__(self) -> None:
        if self.tail not in TAILS:
            raise InputError(f"tail must be one of {', '.join(map(repr, TAILS))}, not {self.tail!r}")
        if (self.weights is not None) != (self.tail == "draws"):
            raise InputError("weights belong to tail='draws', and it needs them: the mass each entry stands for")
        shapes = {"ids": self.ids, "log_probs": self.log_probs, "weights": self.weights}
        found = {name: tuple(x.shape) for name, x in shapes.items() if x is not None}
        if len(set(found.values())) > 1:
            told = ", ".join(f"{name} {shape}" for name, shape in found.items())
            raise InputError(f"the parts of a Top have one shape, not {told}")
