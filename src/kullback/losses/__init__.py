"""KL as a training loss, in the direction that is meant: of PyTorch and JAX tensors, without importing either.

P is the target or teacher, Q the model or student. `forward` is KL(P‖Q), `reverse` KL(Q‖P); `between` and
`jensen_shannon` lie between them, `jeffreys` is their sum. Values are in nats, one a token unless reduced.
"""

from kullback.losses._inputs import Head, Top
from kullback.losses._kl import Measured, between, forward, jeffreys, jensen_shannon, measure, reverse
from kullback.losses._normal import normal
from kullback.losses._policy import Penalty, policy
from kullback.losses._shorten import shorten

__all__ = [
    "Head",
    "Measured",
    "Penalty",
    "Top",
    "between",
    "forward",
    "jeffreys",
    "jensen_shannon",
    "measure",
    "normal",
    "policy",
    "reverse",
    "shorten",
]
