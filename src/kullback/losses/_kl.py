"""The losses."""

from __future__ import annotations

from typing import Any, NamedTuple, Unpack

from kullback._result import InputError
from kullback.losses import _door
from kullback.losses._door import Options, Sides

_SHARED = """
    Parameters
    ----------
    p_logits, p_log_probs, p_probs, p
        The target or teacher, under the name of what it is: a tensor with the classes along `axis`; p= takes a `Head`
        or a `Top`. No gradient flows to it unless p_grad=True.
    q_logits, q_log_probs, q_probs, q
        The model or student, alike; q= takes a `Head`.
    temperature : float or tensor
        Both sets of logits are divided by it; one number, or one a token.
    rescale : bool
        Multiply by temperature², which keeps the size of the gradient.
    mask : tensor of bool, optional
        One entry a token, True where it counts. Where it does not, nothing is read: NaN there does no harm.
    weights : tensor, optional
        One factor a token.
    classes : int, optional
        Take the first so many classes of both, where vocabularies are padded differently.
    axis : int
        Where the classes lie.
    reduction : "none", "sum", "mean" or "batchmean"
        *none*: one value a token. *mean*: over the tokens that count, never over classes; with weights, the weighted
        mean. *batchmean*: the sum divided by the length of the first axis. Nothing counted gives 0.
    count : number, optional
        What the sum is divided by instead: the tokens of all micro-batches together.
    p_grad : bool
        Let the gradient flow to P too.
    lean : "auto", True or False
        Lean, the gradient is made in the forward pass, a few rows at a time; False is the formula over whole tensors,
        for derivatives of any order.
    overwrite : bool
        Torch: write the gradient over Q's logits, which then are gone.
    rows : int, optional
        Rows taken at a time.
    group : torch.distributed.ProcessGroup, optional
        Each process holds a part of the classes of both P and Q, and the same tokens.

    Returns
    -------
    tensor
        In nats, of the library that was given. ∞ where one has mass and the divergence asks the other to.

    Raises
    ------
    InputError, KindError
        Shapes, kinds or values that cannot be meant; tensors by position.
"""


def forward(*tensors: Any, skew: float = 0.0, **options: Unpack[Options]) -> Any:
    """KL(P‖Q), or KL(P ‖ λP + (1−λ)Q) with skew λ: Q covers what P covers.

    Examples
    --------
    >>> import numpy as np
    >>> from kullback import losses
    >>> teacher, student = np.array([[1.0, 0.0, -np.inf]]), np.array([[0.0, 1.0, -np.inf]])
    >>> losses.forward(p_logits=teacher, q_logits=student).round(6).tolist()
    [0.462117]
    """
    return _loss("forward", _skewed("Forward", skew), tensors, options)


def reverse(*tensors: Any, skew: float = 0.0, **options: Unpack[Options]) -> Any:
    """KL(Q‖P), or KL(Q ‖ λQ + (1−λ)P) with skew λ: Q stays where P is.

    Examples
    --------
    >>> import numpy as np
    >>> from kullback import losses
    >>> teacher, student = np.array([[1.0, 0.0, 0.0]]), np.array([[0.0, 1.0, -np.inf]])
    >>> losses.reverse(p_logits=teacher, q_logits=student).round(6).tolist()
    [0.7003]
    """
    return _loss("reverse", _skewed("Reverse", skew), tensors, options)


def jeffreys(*tensors: Any, **options: Unpack[Options]) -> Any:
    """KL(P‖Q) + KL(Q‖P).

    Examples
    --------
    >>> import numpy as np
    >>> from kullback import losses
    >>> losses.jeffreys(p_logits=np.array([1.0, 0.0]), q_logits=np.array([0.0, 1.0])).round(6).item()
    0.924234
    """
    return _loss("jeffreys", ("Jeffreys", 0.0, False), tensors, options)


def between(alpha: float, *tensors: Any, **options: Unpack[Options]) -> Any:
    """Minka's divergence D_α = (1 − Σ p^α q^(1−α))/(α(1−α)): KL(Q‖P) at α = 0, KL(P‖Q) at 1, as `kl.path` has it.

    Examples
    --------
    >>> import numpy as np
    >>> from kullback import losses
    >>> p, q = np.array([2.0, 0.0, 0.0]), np.array([0.0, 1.0, 2.0])
    >>> [losses.between(a, p_logits=p, q_logits=q).round(4).item() for a in (0, 0.5, 1)]
    [1.2271, 1.2248, 1.4225]
    """
    if not (isinstance(alpha, int | float) and 0.0 <= alpha <= 1.0):
        raise InputError(f"alpha must be a number from 0, KL(Q‖P), to 1, KL(P‖Q); got {alpha!r}")
    ends = {0.0: ("Reverse", 0.0, False), 1.0: ("Forward", 0.0, False)}
    return _loss("between", ends.get(float(alpha), ("Between", float(alpha), False)), tensors, options)


def jensen_shannon(*tensors: Any, weight: float = 0.5, scaled: bool = False, **options: Unpack[Options]) -> Any:
    """w·KL(P‖M) + (1−w)·KL(Q‖M) with M = wP + (1−w)Q.

    It tends to 0 as the weight goes to either end. scaled=True divides it by w(1−w), and then its ends are the KLs:
    KL(P‖Q) at weight 0, KL(Q‖P) at weight 1.

    Examples
    --------
    >>> import numpy as np
    >>> from kullback import losses
    >>> p, q = np.array([2.0, 0.0, 0.0]), np.array([0.0, 1.0, 2.0])
    >>> losses.jensen_shannon(p_logits=p, q_logits=q).round(6).item()
    0.285436
    """
    if not (isinstance(weight, int | float) and 0.0 <= weight <= 1.0):
        raise InputError(f"weight must be a number from 0 to 1, P's share of the mixture; got {weight!r}")
    if weight in (0.0, 1.0):
        if not scaled:
            raise InputError(f"at weight={weight} it is 0 whatever P and Q are; with scaled=True its ends are the KLs")
        return _loss("jensen_shannon", ("Reverse" if weight else "Forward", 0.0, False), tensors, options)
    return _loss("jensen_shannon", ("JensenShannon", float(weight), scaled), tensors, options)


class Measured(NamedTuple):
    """What `measure` finds, one value a token, in nats."""

    forward: Any
    reverse: Any
    jensen_shannon: Any
    entropy_p: Any
    entropy_q: Any
    cross_entropy_pq: Any
    cross_entropy_qp: Any
    total_variation: Any
    same_top: Any


def measure(*tensors: Any, **options: Unpack[Sides]) -> Measured:
    """How far Q is from P, token by token, in one pass and without gradients.

    Forward and reverse KL, Jensen–Shannon of equal weights, both entropies, the cross-entropies −Σ p·log q and
    −Σ q·log p, the total variation ½Σ|p − q|, and whether the largest class is the same. The same numbers as
    `kl.compare` of the same softmaxes. Masked tokens are NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from kullback import losses
    >>> found = losses.measure(p_logits=np.array([1.0, 0.0]), q_logits=np.array([0.0, 1.0]))
    >>> round(float(found.forward), 4), round(float(found.total_variation), 4), bool(found.same_top)
    (0.4621, 0.4621, False)
    """
    _door.refuse(tensors, "measure")
    _door.check(options, Sides, "measure")
    read = _door.read(options, ("Forward", 0.0, False))
    if read.settings.p_kind == "top":
        raise InputError("measure needs all of P; give its logits, or a Head")
    found = read.backend.measure(read.settings, read.given)
    return Measured(*(x.reshape(read.shape) for x in found))


def _skewed(name: str, skew: float) -> tuple[str, float, bool]:
    if not (isinstance(skew, int | float) and 0.0 <= skew < 1.0):
        raise InputError(f"skew must be a number from 0 up to 1, where the divergence is 0 by itself; got {skew!r}")
    return (f"Skewed{name}", float(skew), False) if skew else (name, 0.0, False)


def _loss(name: str, divergence: tuple[str, float, bool], tensors: tuple[Any, ...], options: Any) -> Any:
    _door.refuse(tensors, name)
    _door.check(options, Options, name)
    read = _door.scaled(_door.read(options, divergence), options)
    lean, group = options.get("lean", "auto"), options.get("group")
    value = read.backend.loss(read.settings, read.given, lean=bool(lean), group=group)
    return value if read.settings.reduced else value.reshape(read.shape)


for _function in (forward, reverse, jeffreys, between, jensen_shannon):
    _head, _rest = (_function.__doc__ or "").split("    Examples\n")
    _function.__doc__ = f"{_head.rstrip()}\n{_SHARED}\n    Examples\n{_rest}"
