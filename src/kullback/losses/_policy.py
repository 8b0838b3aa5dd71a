"""A KL penalty on a policy: the value is an estimate, the gradient is that of the KL."""

from __future__ import annotations

from typing import Any, NamedTuple

from kullback._result import InputError, KindError
from kullback.losses import _door, _kl

ESTIMATORS = ("auto", "exact", "k1", "k2", "k3")


class Penalty(NamedTuple):
    """What `policy` finds: `loss`, to be minimised; its `value` without gradient, with the standard error over
    sequences; and the share of each token."""

    loss: Any
    value: Any
    standard_error: Any
    per_token: Any


def policy(
    *tensors: Any,
    q_log_prob: Any = None,
    p_log_prob: Any = None,
    mask: Any = None,
    behaviour_log_prob: Any = None,
    q_logits: Any = None,
    p_logits: Any = None,
    q: Any = None,
    p: Any = None,
    temperature: float = 1.0,
    horizon: str = "sequence",
    estimator: str = "auto",
) -> Penalty:
    """KL(Q‖P) of a policy Q from a reference P, on sequences drawn from the policy.

    With logits the KL of each token's whole distribution is taken, exactly, and its effect on the tokens that follow is
    added by the score: the gradient is unbiased, and varies far less than that of log-ratios. Without, the gradient is
    the score times the log-ratios still to come. From either the mean of the other sequences at the same place is
    subtracted first, so that sequences must be drawn independently.

    Parameters
    ----------
    q_log_prob, p_log_prob : tensors of shape (..., tokens)
        The logarithms of probability that the policy, with its gradient, and the reference give the tokens drawn; the
        last axis is a sequence. p_log_prob is not needed where there are logits.
    mask : tensor of bool, optional
        True for the tokens that count.
    behaviour_log_prob : tensor, optional
        Those of the policy that drew the sequences, if it was another one: they are weighted by the ratio.
    q_logits, p_logits : tensors of shape (..., tokens, classes), optional
        Or q=, p=, each a `Head`.
    temperature : float
        That of the policy, if logits are given: of the log-probabilities too.
    horizon : "sequence" or "token"
        *sequence*: the KL of whole sequences, averaged over them. *token*: the mean KL a token, at the prefixes drawn;
        that the policy also chooses these is left out.
    estimator : "auto", "exact", "k1", "k2" or "k3"
        Of the value alone; the gradient is the same. With r = p/q of the token drawn: k1 = −log r, unbiased; k2 =
        ½log² r, biased; k3 = r − 1 − log r, unbiased, never negative, of heavy tail where r may be large. *auto* is
        *exact* with logits and k1 without.

    Returns
    -------
    Penalty
        In nats.

    Raises
    ------
    InputError, KindError
        Tensors missing, of different shapes, or by position.

    Examples
    --------
    >>> import numpy as np
    >>> from kullback import losses
    >>> q, p = np.log([[0.5, 0.25], [0.5, 0.5]]), np.log([[0.25, 0.25], [0.5, 0.25]])
    >>> found = losses.policy(q_log_prob=q, p_log_prob=p)
    >>> round(float(found.value), 4), round(float(found.standard_error), 4)
    (0.6931, 0.0)
    """
    _door.refuse(tensors, "policy")
    for name, options in (("horizon", ("sequence", "token")), ("estimator", ESTIMATORS)):
        given = {"horizon": horizon, "estimator": estimator}[name]
        if given not in options:
            raise InputError(f"{name} must be one of {', '.join(map(repr, options))}, not {given!r}")
    sides = {"q_logits": q_logits, "q": q, "p_logits": p_logits, "p": p}
    sides = {name: x for name, x in sides.items() if x is not None}
    if q_log_prob is None:
        raise InputError("q_log_prob is missing: what the policy gives the tokens drawn, with its gradient")
    exact = bool(sides)
    if exact and len({name[0] for name in sides}) < 2:
        raise InputError("logits are needed of both the policy, q_logits, and the reference, p_logits, or of neither")
    if estimator == "exact" and not exact:
        raise InputError("estimator='exact' needs q_logits and p_logits; without them there are k1, k2 and k3")
    if p_log_prob is None and (not exact or estimator not in ("auto", "exact")):
        raise InputError("p_log_prob is missing: what the reference gives the tokens drawn")
    named = {"q_log_prob": q_log_prob, "p_log_prob": p_log_prob, "behaviour_log_prob": behaviour_log_prob}
    module, shape = _checked(named, mask)

    def keep(x: Any) -> Any:
        return x if mask is None else module.where(mask, x, 0.0)

    log_q = keep(module.wide(q_log_prob))
    behind = log_q if behaviour_log_prob is None else keep(module.wide(behaviour_log_prob))
    ratio = log_q - module.still(behind)
    reached = ratio.cumsum(-1) if horizon == "sequence" else ratio
    log_r: Any = None if p_log_prob is None else keep(module.wide(p_log_prob)) - log_q
    if exact:
        if sides.get("p_logits") is not None and tuple(sides["p_logits"].shape[:-1]) != shape:
            raise InputError(f"p_logits of shape {tuple(sides['p_logits'].shape)} do not fit tokens of shape {shape}")
        tokens = _kl.reverse(**sides, mask=mask, temperature=temperature)
        if tuple(tokens.shape) != shape:
            raise InputError(f"the logits have tokens of shape {tuple(tokens.shape)}, and q_log_prob {shape}")
        weight = module.exp(reached - ratio)  # of the prefix alone: 1, but with the score for its derivative
        cost = module.wide(tokens)
    else:
        weight = module.exp(reached)
        cost = module.still(-log_r)
    shares = module.still(weight * cost)
    parts = weight * (cost - _elsewhere(module, module.still(cost), mask))
    if estimator in ("k2", "k3") or (exact and estimator == "k1"):
        r = module.still(log_r)
        value = {"k1": -r, "k2": 0.5 * r * r, "k3": module.expm1(r) - r}[estimator]
        shares = module.still(module.exp(reached)) * value
    counts = module.wide(mask).sum(-1) if mask is not None else 0.0 * shares.sum(-1) + shape[-1]
    value, error = _mean(shares.sum(-1).reshape(-1), counts.reshape(-1), horizon, module)
    moved, _ = _mean(parts.sum(-1).reshape(-1), counts.reshape(-1), horizon, module)
    loss = value + (moved - module.still(moved))
    return Penalty(loss, value, error, shares)


def _elsewhere(module: Any, cost: Any, mask: Any) -> Any:
    """For each token the mean cost of the other sequences at its place: subtracted, it leaves the gradient unbiased,
    for the score has mean zero and they are independent of it; and most of its variance goes."""
    flat = cost.reshape(-1, cost.shape[-1])
    counted = 0.0 * flat + 1.0 if mask is None else module.wide(mask).reshape(flat.shape)
    others = counted.sum(0) - counted
    mean = (flat * counted).sum(0) - flat * counted
    return module.where(others > 0.0, mean / module.where(others > 0.0, others, 1.0), 0.0).reshape(cost.shape)


def _mean(sums: Any, counts: Any, horizon: str, module: Any) -> tuple[Any, Any]:
    """The mean over sequences, or over tokens, and its standard error over sequences; NaN of a single one."""
    n = len(sums)
    unit = 0.0 * counts + 1.0 if horizon == "sequence" else counts
    whole = unit.sum()
    mean = module.where(whole > 0.0, sums.sum() / module.where(whole > 0.0, whole, 1.0), 0.0 * whole)
    spread = module.still(((sums - mean * unit) ** 2).sum())
    scale = n / (n - 1) if n > 1 else float("nan")
    return mean, (scale * spread) ** 0.5 / module.where(whole > 0.0, whole, 1.0)


def _checked(named: dict[str, Any], mask: Any) -> tuple[Any, tuple[int, ...]]:
    given = {name: x for name, x in {**named, "mask": mask}.items() if x is not None}
    kinds = {name: _door.library(x) for name, x in given.items()}
    if len(set(kinds.values())) > 1 or None in kinds.values():
        told = ", ".join(f"{name} of {kind or type(given[name]).__name__}" for name, kind in kinds.items())
        raise KindError(f"losses.policy takes tensors of one library, torch, JAX or NumPy; got {told}")
    module = _door.backend(kinds["q_log_prob"] or "")
    shapes = {name: tuple(x.shape) for name, x in given.items()}
    if len(set(shapes.values())) > 1 or not shapes["q_log_prob"]:
        told = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise InputError(f"the tensors of a policy have one shape, (..., tokens); got {told}")
    for name, x in given.items():
        if name != "mask" and not module.is_floating(x):
            raise KindError(f"{name} must hold floating-point numbers, not {x.dtype}")
        if name == "mask" and not module.is_bool(x):
            raise KindError(f"mask must hold booleans, True where a token counts, not {x.dtype}")
    return module, shapes["q_log_prob"]
