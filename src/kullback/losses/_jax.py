"""JAX: rows in a loop, and the gradient in the forward pass, so that nothing of the logits' size is made but it.

Where 64 bits are off the arithmetic is *narrow*. A masked row is computed from zeros; nothing of it is read.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from kullback._result import InputError, KindError
from kullback.losses import _chunk, _measured
from kullback.losses._pair import Ops
from kullback.losses._settings import Given, Settings

BLOCK = 2**16  # entries worked on at a time: they stay near the processor
HEAD_BLOCK = 2**21
Cut = Callable[[Any], Any]


def loss(settings: Settings, given: Given, *, lean: bool, group: Any) -> Any:
    """The scaled divergence of each row, 0 where it does not count; or, reduced, their sum."""
    if group is not None or settings.overwrite:
        raise InputError("group= and overwrite= are for torch tensors; JAX shards under jit and reuses donated buffers")
    p = given.p if settings.p_grad else lax.stop_gradient(given.p)
    beside = Beside(given.temperature, given.mask, jnp.asarray(given.scale, _work()))
    value = (_one_lean if lean else _one_plain)(settings, p, given.q, beside)
    return value.astype(_value_dtype(given.q[0]))


class Beside(NamedTuple):
    temperature: Any
    mask: Any
    scale: Any


def _work() -> Any:
    return jnp.float64 if jax.config.jax_enable_x64 else jnp.float32


def _value_dtype(x: Any) -> Any:
    return jnp.float64 if x.dtype == jnp.float64 else jnp.float32


def _plain(settings: Settings, p: Any, q: Any, beside: Beside) -> Any:
    """The formula over whole arrays, differentiable as often as wished."""
    t, s, heat = _rows(settings, p, q, beside, lambda x: x)
    values = _counted(beside.mask, _value(settings, t, s, lax.stop_gradient(heat)) * beside.scale)
    return values.sum() if settings.reduced else values


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _value(settings: Settings, t: Any, s: Any, heat: Any) -> Any:
    return _chunk.value(ops(), settings.plan, t, s, heat)[:, 0]


@_value.defjvp  # type: ignore[untyped-decorator]
def _value_jvp(settings: Settings, primals: tuple[Any, Any, Any], tangents: Any) -> Any:
    """By the gradient's own formula, which has more digits than the derivative of the value's."""
    value, *gradients = _chunk.value_and_gradients(ops(), settings.plan, *primals, (settings.p_grad, True))
    moved = sum((g * x).sum(-1) for g, x in zip(gradients, tangents, strict=False) if g is not None)
    return value[:, 0], moved


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _lean(settings: Settings, p: Any, q: Any, beside: Beside) -> Any:
    values, _, _ = _walk(settings, p, q, beside, ((False,) * len(p), (False,) * len(q)))
    return values.sum() if settings.reduced else values


def _forward(settings: Settings, p: Any, q: Any, beside: Beside) -> Any:
    is_primal = lambda x: hasattr(x, "perturbed")  # noqa: E731
    needs = tuple(tuple(x is not None and bool(x.perturbed) for x in side) for side in (p, q))
    p, q, beside = jax.tree_util.tree_map(lambda x: x.value, (p, q, beside), is_leaf=is_primal)
    if _is_again(settings):
        return _lean(settings, p, q, beside), (p, q, beside, _Needs(needs))
    values, *grads = _walk(settings, p, q, beside, needs)
    return (values.sum() if settings.reduced else values), grads


def _backward(settings: Settings, kept: Any, upstream: Any) -> Any:
    if _is_again(settings):
        p, q, beside, needs = kept
        beside = beside._replace(scale=beside.scale * upstream)
        _, *grads = _walk(settings, p, q, beside, needs.needs)
    else:
        each = upstream if settings.reduced else upstream[:, None]
        grads = [[None if g is None else (g * each).astype(g.dtype) for g in side] for side in kept]
    return (*grads, None)


_lean.defvjp(_forward, _backward, symbolic_zeros=True)
# compiled as a whole: step by step, each step would be compiled by itself
_one_lean, _one_plain = (jax.jit(run, static_argnums=0) for run in (_lean, _plain))


@jax.tree_util.register_static
class _Needs(NamedTuple):
    needs: Any


def _is_again(settings: Settings) -> bool:
    """Whether the gradient can be had only once the upstream one is known: of heads, summed over tokens."""
    return not settings.reduced and "head" in (settings.p_kind, settings.q_kind)


def _walk(settings: Settings, p: Any, q: Any, beside: Beside, needs: Any) -> tuple[Any, Any, Any]:
    """The scaled values, and of the arrays wanted their scaled gradients."""
    n, width = len(q[0]), (q[1] if settings.q_kind == "head" else q[0].T).shape[0]
    block = HEAD_BLOCK if "head" in (settings.p_kind, settings.q_kind) else BLOCK
    step = min(n, settings.rows or max(1, block // width))
    operations, plan, wanted = ops(), settings.plan, (any(needs[0]), any(needs[1]))

    def body(i: Any, carry: Any) -> Any:
        values, *sums = carry
        start = jnp.minimum(i * step, n - step)  # the last chunk takes some rows again
        fresh = (start + jnp.arange(step) >= i * step)[:, None]
        cut: Cut = lambda x: lax.dynamic_slice_in_dim(x, start, step)  # noqa: E731
        some = Beside(*(x if x is None or x.ndim == 0 else cut(x) for x in beside))
        t, s, heat = _rows(settings, p, q, some, cut)
        v, *grads = _chunk.value_and_gradients(operations, plan, t, s, heat, wanted)
        each = some.scale if some.scale.ndim == 0 else some.scale[:, None]
        values = lax.dynamic_update_slice_in_dim(values, _counted(some.mask, v[:, 0] * some.scale), start, 0)
        out = []
        for letter, arrays, total, g in zip("pq", (p, q), sums, grads, strict=True):
            if g is not None:
                g = _counted(some.mask, g * each)
                parts = _sent_back(settings, letter, arrays, some.mask, cut, g, fresh)
                total = [_gathered(j, a, b, start) for j, (a, b) in enumerate(zip(total, parts, strict=True))]
            out.append(total)
        return values, *out

    rooms = [
        [_room(x, need, j) for j, (x, need) in enumerate(zip(*side, strict=True))]
        for side in zip((p, q), needs, strict=True)
    ]
    values = jnp.zeros(n, _work())
    if n:
        values, *rooms = lax.fori_loop(0, -(-n // step), body, (values, *rooms))
    cast = [
        [None if g is None else g.astype(x.dtype) for x, g in zip(*side, strict=True)]
        for side in zip((p, q), rooms, strict=True)
    ]
    return values, cast[0], cast[1]


def _room(x: Any, need: bool, j: int) -> Any:
    """Where a gradient is collected; one that is summed over rows, in float32 at least."""
    return jnp.zeros(x.shape, x.dtype if j == 0 else jnp.promote_types(x.dtype, jnp.float32)) if need else None


def _gathered(j: int, total: Any, part: Any, start: Any) -> Any:
    if total is None:
        return None
    if j == 0:
        return lax.dynamic_update_slice(total, part.astype(total.dtype), (start, 0))
    return total + part


def _sent_back(settings: Settings, letter: str, arrays: Any, mask: Any, cut: Cut, g: Any, fresh: Any) -> list[Any]:
    """The gradients of a side's arrays, from that of its logits."""
    if getattr(settings, f"{letter}_kind") != "head":
        return [g]
    hidden, weight, bias = arrays
    make = functools.partial(_head, settings, letter)
    operands = [_zeroed(mask, cut(hidden)), *(x for x in (weight, bias) if x is not None)]
    _, back = jax.vjp(make, *[x.astype(jnp.promote_types(x.dtype, jnp.float32)) for x in operands])
    whole, once = back(g.astype(make(*operands).dtype)), back(jnp.where(fresh, g, 0.0).astype(make(*operands).dtype))
    return [whole[0], *once[1:], *([None] if bias is None else [])]


def _rows(settings: Settings, p: Any, q: Any, beside: Beside, cut: Cut) -> tuple[Any, Any, Any]:
    """Logits of P (or its few classes) and of Q, and the temperature, of some rows; what is masked, from zeros."""
    sides = []
    for letter, arrays in zip("pq", (p, q), strict=True):
        kind = getattr(settings, f"{letter}_kind")
        x = _zeroed(beside.mask, cut(arrays[0]))
        if kind == "top":
            rest = [None if y is None else _zeroed(beside.mask, cut(y)).astype(_work()) for y in arrays[1:]]
            sides.append(_chunk.Top(x, *rest))
            continue
        if kind == "head":
            x = _head(settings, letter, x, arrays[1], arrays[2])
        elif kind == "probs" and beside.mask is not None:
            x = jnp.where(beside.mask[:, None], x, 1.0)
        x = x[:, : settings.classes] if settings.classes else x
        sides.append(x.astype(_work()))
    heat = settings.temperature
    if beside.temperature is not None:
        heat = beside.temperature.astype(_work())
        heat = heat if beside.mask is None else jnp.where(beside.mask[:, None], heat, 1.0)
    return sides[0], sides[1], heat


def _head(settings: Settings, letter: str, hidden: Any, weight: Any, bias: Any = None) -> Any:
    scale, cap = (settings.p_scale, settings.p_softcap) if letter == "p" else (settings.q_scale, settings.q_softcap)
    kind = jnp.promote_types(hidden.dtype, jnp.float32)
    z = jnp.matmul(hidden, weight.T, preferred_element_type=kind)
    z = (z if bias is None else z + bias.astype(kind)) * scale
    return cap * jnp.tanh(z / cap) if cap else z


def _zeroed(mask: Any, x: Any) -> Any:
    return x if mask is None else jnp.where(mask[:, None], x, jnp.zeros((), x.dtype))


def _counted(mask: Any, x: Any) -> Any:
    return x if mask is None else jnp.where(mask[:, None] if x.ndim == 2 else mask, x, 0.0)


def measure(settings: Settings, given: Given) -> list[Any]:
    return _measure(settings, given)


@functools.partial(jax.jit, static_argnums=0)
def _measure(settings: Settings, given: Given) -> list[Any]:
    beside = Beside(given.temperature, given.mask, None)

    def some(cut: Cut, _: Any) -> Any:
        part = Beside(*(None if x is None else cut(x) for x in beside))
        t, s, heat = _rows(settings, given.p, given.q, part, cut)
        return jnp.concatenate(_measured.measured(ops(), settings.plan, t, s, heat), -1)

    found = _each(settings, given.q, some)
    found = found if given.mask is None else jnp.where(given.mask[:, None], found, jnp.nan)
    columns = list(found.T.astype(_value_dtype(given.q[0])))
    return [*columns[:-1], columns[-1] == 1.0]


def shorten(settings: Settings, given: Given, k: int, draws: int, seed: int) -> tuple[Any, Any, Any]:
    return _shorten(settings, given, k, draws, seed)


@functools.partial(jax.jit, static_argnums=(0, 2, 3))
def _shorten(settings: Settings, given: Given, k: int, draws: int, seed: Any) -> tuple[Any, Any, Any]:
    operations = ops()

    def some(cut: Cut, start: Any) -> Any:
        _, x, _ = _rows(settings, given.q, given.q, Beside(None, None, None), cut)
        log_p = jax.nn.log_softmax(x / settings.temperature)
        ids = lax.top_k(log_p, k)[1]
        rest = operations.put(log_p, ids, -jnp.inf)
        log_tail = jax.nn.logsumexp(rest, -1, keepdims=True)
        if draws:
            key = jax.random.fold_in(jax.random.key(seed), start)
            weights = jnp.where(log_tail > -jnp.inf, rest, 0.0)
            drawn = jax.random.categorical(key, weights[:, None], axis=-1, shape=(len(x), draws))
            ids = jnp.concatenate((ids, drawn.astype(ids.dtype)), -1)
        return ids, operations.pick(log_p, ids), log_tail

    ids, log_probs, log_tail = _each(settings, given.q, some)
    return ids, log_probs, log_tail


def _each(settings: Settings, arrays: Any, some: Callable[[Cut, Any], Any]) -> Any:
    """What `some` makes of the rows, a few at a time."""
    n, width = len(arrays[0]), (arrays[1] if settings.q_kind == "head" else arrays[0].T).shape[0]
    step = min(n, max(1, BLOCK // width))
    many = -(-n // max(step, 1))
    starts = jnp.minimum(jnp.arange(many) * step, n - step)  # the last takes some rows again
    found = lax.map(lambda start: some(lambda x: lax.dynamic_slice_in_dim(x, start, step), start), starts)

    def joined(x: Any) -> Any:
        last = n - (many - 1) * step
        return jnp.concatenate((x[:-1].reshape(-1, *x.shape[2:]), x[-1, step - last :]))

    return jax.tree_util.tree_map(joined, found)


@jax.custom_jvp  # type: ignore[untyped-decorator]
def _ghost(x: Any) -> Any:
    return jnp.zeros_like(x)


_ghost.defjvp(lambda primals, tangents: (jnp.zeros_like(primals[0]), tangents[0]))


def ops() -> Ops:
    return Ops(
        xp=jnp,
        total=lambda x: jnp.sum(x, axis=-1, keepdims=True),
        largest=lambda x: lax.stop_gradient(jnp.max(x, axis=-1, keepdims=True)),
        place=lambda x: jnp.argmax(x, axis=-1, keepdims=True),
        pick=lambda x, k: jnp.take_along_axis(x, k, axis=-1),
        put=lambda x, k, y: jnp.put_along_axis(x, k, y, axis=-1, inplace=False),
        add=lambda x, k, y: x.at[jnp.arange(len(x))[:, None], k].add(y),
        join=lambda x, y: jnp.concatenate((x, y), -1),
        narrow=not jax.config.jax_enable_x64,
        ghost=_ghost,
    )


where, moveaxis, exp, expm1 = jnp.where, jnp.moveaxis, jnp.exp, jnp.expm1


def is_bool(x: Any) -> bool:
    return x.dtype == jnp.bool_


def is_integer(x: Any) -> bool:
    return bool(jnp.issubdtype(x.dtype, jnp.integer))


def is_floating(x: Any) -> bool:
    return bool(jnp.issubdtype(x.dtype, jnp.floating))


def can_look(x: Any) -> bool:
    return not isinstance(x, jax.core.Tracer) and next(iter(x.devices())).platform == "cpu"


def first(x: Any) -> Any:
    return np.asarray(x)[0].astype(np.float64)  # an operation of JAX would be traced


def eps(x: Any) -> float:
    return float(jnp.finfo(x.dtype).eps)


def wide(x: Any) -> Any:
    return x.astype(_work())


def asarray(x: Any, name: str) -> Any:
    if not isinstance(x, jax.Array | np.ndarray):
        raise KindError(f"{name} must be a JAX array, as P and Q are, not {type(x).__name__}")
    return jnp.asarray(x)


def broadcast(x: Any, shape: tuple[int, ...]) -> Any:
    return jnp.broadcast_to(x, shape)


def still(x: Any) -> Any:
    return lax.stop_gradient(x)
