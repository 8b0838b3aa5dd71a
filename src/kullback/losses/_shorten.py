"""A teacher cut down to a few classes a token, to be stored or sent."""

from __future__ import annotations

import math
from typing import Any

from kullback._result import InputError
from kullback.losses import _door
from kullback.losses._inputs import Head, Top


def shorten(
    *tensors: Any,
    p_logits: Any = None,
    p: Any = None,
    k: int = 32,
    draws: int = 0,
    temperature: float = 1.0,
    classes: int | None = None,
    seed: int = 0,
) -> Top:
    """The k largest classes of each token, with the mass of the rest; or with draws from the rest.

    Parameters
    ----------
    p_logits : tensor of shape (..., classes), or p : Head
        The teacher.
    k : int
        Classes kept.
    draws : int
        Draws from the rest, with replacement, each standing for an equal share of its mass: the forward KL is then
        estimated without bias. 0: the rest is one class.
    temperature : float
        That of the loss it is for. It cannot be changed afterwards.
    classes : int, optional
        Take the first so many classes.
    seed : int
        Of the draws.

    Returns
    -------
    Top
        With tail="bucket", or "draws".

    Examples
    --------
    >>> import numpy as np
    >>> from kullback import losses
    >>> top = losses.shorten(p_logits=np.log([0.1, 0.5, 0.3, 0.1]), k=2)
    >>> top.ids.tolist(), np.exp(top.log_probs).round(6).tolist(), np.exp(top.log_tail).round(6).item()
    ([1, 2], [0.5, 0.3], 0.2)
    """
    _door.refuse(tensors, "shorten")
    sides = {name: x for name, x in (("p_logits", p_logits), ("p", p)) if x is not None}
    if isinstance(p, Top):
        raise InputError("p is a Top already; shorten takes p_logits or a Head")
    read = _door.read_one(sides, temperature, classes)
    width = classes or (p.weight.shape[0] if isinstance(p, Head) else p_logits.shape[-1])
    for name, x, least, most in (("k", k, 1, width), ("draws", draws, 0, math.inf)):
        if not isinstance(x, int) or not least <= x <= most:
            raise InputError(f"{name} must be a whole number from {least} to {most}, not {x!r}")
    ids, log_probs, log_tail = read.backend.shorten(read.settings, read.given, k, draws, seed)
    weights = None
    if draws:
        module = read.backend
        head, tail = module.exp(log_probs[:, :k]), module.exp(log_tail) / draws
        weights = module.ops().join(head, 0.0 * log_probs[:, k:] + tail)
    shaped = [None if x is None else x.reshape(*read.shape, -1) for x in (ids, log_probs, weights)]
    return Top(
        shaped[0],
        shaped[1],
        tail="draws" if draws else "bucket",
        weights=shaped[2],
        temperature=float(temperature),
        log_tail=None if draws else log_tail.reshape(read.shape),
    )
