"""KL between normals, as a VAE needs it: from the parameters, sums of terms that are never negative."""

from __future__ import annotations

import math
from typing import Any, TypedDict, Unpack

from kullback._result import InputError, KindError
from kullback.losses import _door

SPREADS = ("scale", "log_scale", "log_var", "scale_tril", "factor")
TERMS = 15


class Parts(TypedDict, total=False):
    """Locations and spreads of Q and of P."""

    q_loc: Any
    q_scale: Any
    q_log_scale: Any
    q_log_var: Any
    q_scale_tril: Any
    q_factor: Any
    q_diag: Any
    p_loc: Any
    p_scale: Any
    p_log_scale: Any
    p_log_var: Any
    p_scale_tril: Any


def normal(*tensors: Any, direction: str = "reverse", free: float = 0.0, **parts: Unpack[Parts]) -> Any:
    """The KL divergence of two normals, per dimension: that of a VAE's ELBO, KL(Q‖P), if nothing else is said.

    Parameters
    ----------
    q_loc : tensor of shape (..., d)
        Where Q, the encoder's distribution, lies.
    q_scale, q_log_scale, q_log_var, q_scale_tril, q_factor with q_diag
        Its spread, under the name of what it is: standard deviations, their logarithms, logarithms of variances, all of
        shape (..., d); a lower Cholesky factor (..., d, d); or a factor F (..., d, k) and a diagonal D (..., d), where
        the covariance is F·Fᵀ + D.
    p_loc, p_scale, p_log_scale, p_log_var, p_scale_tril
        P, the prior, alike; 0 and 1 unless given.
    direction : "reverse" or "forward"
        KL(Q‖P) or KL(P‖Q).
    free : float
        Free bits, in nats: where a dimension's KL is less, that much stands in its place, and no gradient flows.

    Returns
    -------
    tensor of shape (..., d), or (...) with q_factor
        In nats. The sum over the last axis is the KL; for full covariances the parts are those of the coordinates in
        which P is standard.

    Raises
    ------
    InputError, KindError
        Spreads missing or given twice, shapes that do not fit, tensors by position.

    Examples
    --------
    >>> import numpy as np
    >>> from kullback import losses
    >>> losses.normal(q_loc=np.array([0.0, 1.0]), q_log_var=np.array([2e-4, 0.0])).round(12).tolist()
    [1.0001e-08, 0.5]
    """
    _door.refuse(tensors, "normal")
    if unknown := sorted(set(parts) - set(Parts.__annotations__)):
        raise KindError(f"losses.normal has no argument {unknown[0]!r}; it has {', '.join(Parts.__annotations__)}")
    if direction not in ("forward", "reverse"):
        raise InputError(f"direction must be 'forward' or 'reverse', not {direction!r}")
    if not free >= 0.0:
        raise InputError(f"free must be a number of nats from 0, not {free!r}")
    xp, given = _tensors(parts)
    q, p = _side(xp, given, "q"), _side(xp, given, "p")
    if q[0] is None:
        raise InputError("q_loc is missing: where Q lies")
    if direction == "forward":
        if q[1] == "factor":
            raise InputError("q_factor serves the reverse direction, KL(Q‖P); the forward needs q_scale_tril")
        q, p = p, q
    return _free(xp, _kl(xp, q, p), free)


def _tensors(parts: Any) -> tuple[Any, dict[str, Any]]:
    given = {name: x for name, x in parts.items() if x is not None}
    kinds = {name: _door.library(x) for name, x in given.items()}
    found = {kind for kind in kinds.values() if kind is not None}
    if len(found) != 1:
        told = ", ".join(f"{name} of {kind}" for name, kind in kinds.items())
        raise KindError(f"losses.normal takes tensors of one library, torch, JAX or NumPy; got {told or 'none'}")
    module = _door.backend(found.pop())
    for name, x in given.items():
        if kinds[name] is None and not isinstance(x, int | float):
            raise KindError(f"{name} must be a tensor or a number, not {type(x).__name__}")
        if kinds[name] is not None and not module.is_floating(x):
            raise KindError(f"{name} must hold floating-point numbers, not {x.dtype}")
    return module.ops().xp, given


def _side(xp: Any, given: dict[str, Any], letter: str) -> tuple[Any, str, Any, Any]:
    """The location, the kind of spread, the spread, and the diagonal beside a factor."""
    named = [kind for kind in SPREADS if f"{letter}_{kind}" in given]
    if len(named) > 1:
        raise InputError(f"give one spread of {letter.upper()}, not {' and '.join(f'{letter}_{x}' for x in named)}")
    if letter == "q" and not named:
        names = ", ".join(f"q_{kind}" for kind in SPREADS)
        raise InputError(f"the spread of Q is missing; give one of {names}")
    kind = named[0] if named else "log_scale"
    spread = given.get(f"{letter}_{kind}", 0.0)
    diagonal = given.get(f"{letter}_diag")
    if (kind == "factor") != (diagonal is not None):
        raise InputError("q_factor and q_diag belong together: the covariance is F·Fᵀ + D")
    loc = given.get(f"{letter}_loc", 0.0 if letter == "p" else None)
    if kind in ("scale_tril", "factor") and loc is not None and not isinstance(loc, float):
        shape = tuple(spread.shape)
        if len(shape) < 2 or shape[-2] != loc.shape[-1] or (kind == "scale_tril" and shape[-1] != shape[-2]):
            raise InputError(f"{letter}_{kind} of shape {shape} does not fit {letter}_loc of shape {tuple(loc.shape)}")
    return loc, kind, spread, diagonal


def _kl(xp: Any, q: Any, p: Any) -> Any:
    """KL(Q‖P) by dimension."""
    if q[1] == "factor":
        return _low_rank(xp, q, p)
    if "scale_tril" in (q[1], p[1]):
        return _full(xp, q, p)
    away = (q[0] - p[0]) / _scale(xp, p)
    try:
        return 0.5 * away * away + 0.5 * _excess(xp, _log_ratio(xp, q, p))
    except (ValueError, RuntimeError, TypeError):
        shapes = [tuple(getattr(x, "shape", ())) for x in (q[0], q[2], p[0], p[2])]
        raise InputError(f"q_loc, its spread, p_loc and its spread do not fit: {shapes}") from None


def _full(xp: Any, q: Any, p: Any) -> Any:
    loc = q[0] - p[0] + 0.0 * (q[2][..., 0] if q[1] == "scale_tril" else p[2][..., 0])
    q_tril, p_tril = (_tril(xp, side, loc) for side in (q, p))
    m = _solve(xp, p_tril, q_tril)
    away = _solve(xp, p_tril, loc[..., None])[..., 0]
    diagonal = _diagonal(xp, m)
    beside = xp.tril(m, -1)
    return 0.5 * (away * away + (beside * beside).sum(-1) + _excess(xp, 2.0 * xp.log(diagonal)))


def _low_rank(xp: Any, q: Any, p: Any) -> Any:
    loc, _, factor, diagonal = q
    if p[1] == "scale_tril":
        raise InputError("q_factor needs a P of independent dimensions: p_scale, p_log_scale or p_log_var")
    scale = _scale(xp, p)
    away = (loc - p[0]) / scale
    variance = scale * scale
    f = factor / (scale[..., None] if getattr(scale, "ndim", 0) else scale)
    plain = _excess(xp, xp.log(diagonal / variance)).sum(-1)
    inner = xp.swapaxes(factor, -1, -2) @ (factor / diagonal[..., None])
    eye = _eye(xp, inner)
    log_det = xp.linalg.slogdet(inner + eye)[1]
    return 0.5 * ((away * away).sum(-1) + plain + (f * f).sum((-1, -2)) - log_det)


def _eye(xp: Any, like: Any) -> Any:
    place = {"device": like.device} if xp.__name__ == "torch" else {}
    return xp.eye(like.shape[-1], dtype=like.dtype, **place)


def _scale(xp: Any, side: Any) -> Any:
    kind, spread = side[1], side[2]
    if kind == "scale":
        return spread
    half = 0.5 * spread if kind == "log_var" else spread
    return math.exp(half) if isinstance(half, float) else xp.exp(half)


def _log_ratio(xp: Any, q: Any, p: Any) -> Any:
    """The logarithm of the ratio of the variances."""
    if q[1] == p[1] == "scale":
        a, b = q[2], p[2]
        near = (a < 2.0 * b) & (b < 2.0 * a)
        return 2.0 * xp.where(near, xp.log1p(xp.where(near, (a - b) / b, 0.0)), xp.log(xp.where(near, 1.0, a / b)))
    return _log_variance(xp, q) - _log_variance(xp, p)


def _log_variance(xp: Any, side: Any) -> Any:
    kind, spread = side[1], side[2]
    if kind == "log_var":
        return spread
    if kind == "log_scale":
        return 2.0 * spread
    if isinstance(spread, int | float):
        return 2.0 * math.log(spread)
    near = (spread > 0.5) & (spread < 2.0)
    return 2.0 * xp.where(near, xp.log1p(xp.where(near, spread - 1.0, 0.0)), xp.log(xp.where(near, 1.0, spread)))


def _excess(xp: Any, x: Any) -> Any:
    """e^x − 1 − x, near 0 by its series."""
    near = xp.abs(x) < 0.5
    y = xp.where(near, x, 0.0)
    series = 1.0 / math.factorial(TERMS)
    for n in range(TERMS - 1, 1, -1):
        series = 1.0 / math.factorial(n) + y * series
    z = xp.where(near, 0.0, x)
    return xp.where(near, y * y * series, xp.expm1(z) - z)


def _tril(xp: Any, side: Any, loc: Any) -> Any:
    if side[1] == "scale_tril":
        return xp.tril(side[2])
    scale = _scale(xp, side) + 0.0 * loc
    eye = (
        _eye(xp, loc[..., None] * loc[..., None, :])
        if xp.__name__ == "torch"
        else xp.eye(loc.shape[-1], dtype=loc.dtype)
    )
    return eye * scale[..., None, :]


def _solve(xp: Any, lower: Any, x: Any) -> Any:
    if xp.__name__ == "torch":
        return xp.linalg.solve_triangular(lower, x, upper=False)
    if xp.__name__ == "jax.numpy":
        from jax.scipy.linalg import solve_triangular

        shape = xp.broadcast_shapes(lower.shape[:-2], x.shape[:-2])
        lower = xp.broadcast_to(lower, shape + lower.shape[-2:])
        return solve_triangular(lower, xp.broadcast_to(x, shape + x.shape[-2:]), lower=True)
    return xp.linalg.solve(lower, x)


def _diagonal(xp: Any, m: Any) -> Any:
    return xp.diagonal(m, 0, -2, -1)


def _free(xp: Any, value: Any, free: float) -> Any:
    return value if not free else xp.where(value > free, value, free)
