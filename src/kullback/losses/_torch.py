"""Torch: rows in chunks, and the gradient in the forward pass, so that nothing of the logits' size is made but it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from kullback._result import InputError, KindError
from kullback.losses import _chunk, _measured
from kullback.losses._settings import Given, Settings, decode, encode
from kullback.losses._torch_rows import BLOCK, held_dtype, is_again, operations_of, run, side_of, value_dtype
from kullback.losses._torch_rows import ops as ops


def loss(settings: Settings, given: Given, *, lean: bool, group: Any) -> torch.Tensor:
    """The scaled divergence of each row, 0 where it does not count; or, reduced, their sum."""
    scale = given.scale
    if not isinstance(scale, torch.Tensor):
        scale = torch.full((), scale, dtype=torch.float64, device=given.q[0].device)
    if not lean:
        return _plain(settings, given, scale)
    tensors = [*given.p, *given.q]
    wanted = _wanted(given.p, settings.p_grad) + _wanted(given.q, True)
    text = encode(settings._replace(wanted=wanted))
    box: list[Any] | None = [] if _is_eager() else None
    if settings.overwrite and box is None:
        raise InputError("overwrite=True is for eager torch: a compiler or a transform must not find its input changed")
    links = [x[:0].clone() for x, flag in zip(tensors, wanted, strict=True) if flag == "1"]
    out = _Loss.apply(text, group, box, given.temperature, given.mask, scale, len(given.p), *tensors, *links)
    return out[0] if isinstance(out, tuple) else out


def _wanted(tensors: list[Any], asked: bool) -> str:
    asked = asked and torch.is_grad_enabled()
    return "".join(["1" if asked and x is not None and x.requires_grad else "0" for x in tensors])


def _is_eager() -> bool:
    return not torch.compiler.is_compiling() and torch._C._functorch.peek_interpreter_stack() is None


class _Loss(torch.autograd.Function):  # type: ignore[misc]
    """In eager mode the gradients wait in a box, so that autograd holds no second reference and makes no copy.

    The last arguments are empty parts of the tensors whose gradient is wanted. They hold no memory, and tie the
    gradient to them: who differentiates it once more meets an error, and not a derivative of zero.
    """

    @staticmethod
    def forward(
        text: str, group: Any, box: Any, temperature: Any, mask: Any, scale: Any, count: int, *tensors: Any
    ) -> Any:
        tensors = tensors[: _length(text)]
        if torch.compiler.is_compiling():
            return tuple(_op(text, list(tensors[:count]), list(tensors[count:]), temperature, mask, scale))
        settings = decode(text)
        value, grads = run(settings, tensors[:count], tensors[count:], temperature, mask, scale, group)
        if box is None:
            return (value, *(x for x in grads if x is not None))
        box.extend(grads)
        return value

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.text, ctx.group, ctx.box, temperature, mask, scale, ctx.count, *tensors = inputs
        tensors, ctx.links = tensors[: _length(ctx.text)], len(tensors) - _length(ctx.text)
        ctx.again = is_again(decode(ctx.text))
        grads = [] if ctx.box is not None else list(output[1:])
        if grads:
            ctx.mark_non_differentiable(*grads)
        kept = [temperature, mask, scale, *tensors] if ctx.again else grads
        ctx.save_for_backward(*inputs[len(inputs) - ctx.links :], *kept)
        ctx.dtypes = [None if x is None else x.dtype for x in tensors]

    @staticmethod
    def backward(ctx: Any, upstream: Any, *_: Any) -> Any:
        settings = decode(ctx.text)
        links, kept = ctx.saved_tensors[: ctx.links], ctx.saved_tensors[ctx.links :]
        if ctx.again:
            temperature, mask, scale, *tensors = kept
            text = encode(settings._replace(reduced=True))
            p, q, scale = tensors[: ctx.count], tensors[ctx.count :], scale * upstream.detach()
            if torch.compiler.is_compiling():
                grads = _placed(settings.wanted, _op(text, p, q, temperature, mask, scale)[1:])
            else:
                _, grads = run(decode(text), p, q, temperature, mask, scale, ctx.group)
        elif ctx.box is None:
            each = upstream.detach() if settings.reduced else upstream.detach()[:, None]
            grads = [None if g is None else g * each for g in _placed(settings.wanted, kept)]
        else:
            grads = list(ctx.box)
            if "1" in settings.wanted and not grads:
                raise InputError(
                    "the gradient of this loss was already handed out, and is held once; "
                    "call the loss again, or pass lean=False, for a second backward pass"
                )
            ctx.box.clear()
            _times(grads, upstream.detach() if settings.reduced else upstream.detach()[:, None])
        cast = [None if g is None else g.to(dtype) for g, dtype in zip(grads, ctx.dtypes, strict=True)]
        if torch.is_grad_enabled() and not torch.compiler.is_compiling():
            cast = [None if g is None else _Once.apply(g, upstream, *links) for g in cast]
        return (None, None, None, None, None, None, None, *cast, *[None] * ctx.links)


class _Once(torch.autograd.Function):  # type: ignore[misc]
    """A gradient that cannot be differentiated: it was made without a graph."""

    @staticmethod
    def forward(g: torch.Tensor, *links: torch.Tensor) -> torch.Tensor:
        return g.view_as(g)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, upstream: Any) -> Any:
        raise InputError("a lean loss has a first derivative alone; pass lean=False for derivatives of any order")


def _length(text: str) -> int:
    return len(decode(text).wanted)


def _times(grads: list[Any], each: torch.Tensor) -> None:
    if each.device.type == "cpu" and bool((each == 1.0).all()):
        return  # the usual case: no second pass
    for g in grads:
        if g is not None:
            g.mul_(each)


def _placed(wanted: str, grads: Sequence[Any]) -> list[Any]:
    waiting = iter(grads)
    return [next(waiting) if flag == "1" else None for flag in wanted]


def _op_eager(
    text: str,
    p: list[torch.Tensor | None],
    q: list[torch.Tensor | None],
    temperature: torch.Tensor | None,
    mask: torch.Tensor | None,
    scale: torch.Tensor,
) -> list[torch.Tensor]:
    value, grads = run(decode(text), p, q, temperature, mask, scale, None)
    return [value, *(x for x in grads if x is not None)]


def _op_shapes(text: str, p: Any, q: Any, temperature: Any, mask: Any, scale: Any) -> list[torch.Tensor]:
    settings = decode(text)
    value = q[0].new_empty((() if settings.reduced else q[0].shape[:1]), dtype=value_dtype(q[0]))
    if is_again(decode(text)):
        return [value]
    tensors = zip([*p, *q], settings.wanted, strict=True)
    return [value, *(torch.empty_like(x, dtype=held_dtype(x)) for x, flag in tensors if flag == "1")]


_op = torch.library.custom_op("kullback::loss", _op_eager, mutates_args=())
_op.register_fake(_op_shapes)


def _plain(settings: Settings, given: Given, scale: torch.Tensor) -> torch.Tensor:
    """The formula over whole tensors, differentiable as often as wished."""
    mask = given.mask
    p, q, temperature = given.p, given.q, given.temperature
    if mask is not None:
        index = mask.nonzero()[:, 0]
        row = {"head": 1, "top": len(p)}
        p = [x if x is None or i >= row.get(settings.p_kind, 1) else x[index] for i, x in enumerate(p)]
        q = [x if x is None or i >= 1 else x[index] for i, x in enumerate(q)]
        temperature = None if temperature is None else temperature[index]
    op, dtype = operations_of(q[0].device, None)
    with torch.autocast(q[0].device.type, enabled=False):
        t = _full(settings.p_kind, p, settings.p_scale, settings.p_softcap, settings.classes, dtype)
        s = _full(settings.q_kind, q, settings.q_scale, settings.q_softcap, settings.classes, dtype)
        if not settings.p_grad:
            t = _chunk.Top(*(None if x is None else x.detach() for x in t)) if isinstance(t, tuple) else t.detach()
        heat = settings.temperature if temperature is None else temperature.to(dtype)
        v = _chunk.value(op, settings.plan, t, s, heat, gaps=True, near=True)[:, 0]
        v = v * (scale if mask is None or scale.ndim == 0 else scale[index])
        if settings.reduced:
            return v.sum().to(value_dtype(given.q[0]))
        if mask is not None:
            v = v.new_zeros(len(mask)).index_put((index,), v)
        return v.to(value_dtype(given.q[0]))


def _full(kind: str, tensors: Sequence[Any], scale: float, cap: float, classes: int, dtype: torch.dtype) -> Any:
    if kind == "top":
        return _chunk.Top(tensors[0], *(None if x is None else x.to(dtype) for x in tensors[1:]))
    x = tensors[0].to(dtype)
    if kind == "head":
        x = x @ tensors[1].to(dtype).T
        x = (x if tensors[2] is None else x + tensors[2].to(dtype)) * scale
        x = cap * torch.tanh(x / cap) if cap else x
    return x[:, :classes] if classes else x


def measure(settings: Settings, given: Given) -> list[torch.Tensor]:
    n, device = given.q[0].shape[0], given.q[0].device
    op, dtype = operations_of(device, None)
    found = [torch.full((n,), torch.nan, dtype=dtype, device=device) for _ in _measured.NAMES]
    sides = [
        side_of(settings.p_kind, given.p, "000", settings, settings.p_scale, settings.p_softcap, False),
        side_of(settings.q_kind, given.q, "000", settings, settings.q_scale, settings.q_softcap, False),
    ]
    kept = torch.arange(n, device=device) if given.mask is None else given.mask.nonzero()[:, 0]
    with torch.no_grad(), torch.autocast(device.type, enabled=False):
        for rows in kept.split(max(1, BLOCK // sides[1].width)):
            t, s = (side.take(rows).to(dtype) for side in sides)
            heat = settings.temperature if given.temperature is None else given.temperature[rows].to(dtype)
            for column, part in zip(found, _measured.measured(op, settings.plan, t, s, heat), strict=True):
                column[rows] = part[:, 0].to(dtype)
    out = value_dtype(given.q[0])
    return [*(x.to(out) for x in found[:-1]), found[-1] == 1.0]


where, moveaxis, exp, expm1 = torch.where, torch.moveaxis, torch.exp, torch.expm1


def is_bool(x: Any) -> bool:
    return x.dtype == torch.bool


def is_integer(x: Any) -> bool:
    return x.dtype != torch.bool and not x.dtype.is_floating_point and not x.dtype.is_complex


def is_floating(x: Any) -> bool:
    return x.dtype.is_floating_point


def can_look(x: torch.Tensor) -> bool:
    return x.device.type == "cpu" and _is_eager()


def first(x: torch.Tensor) -> torch.Tensor:
    return x[0].detach().double()


def eps(x: torch.Tensor) -> float:
    return torch.finfo(x.dtype).eps


def wide(x: torch.Tensor) -> torch.Tensor:
    return x.double()


def asarray(x: Any, name: str) -> torch.Tensor:
    if not isinstance(x, torch.Tensor):
        raise KindError(f"{name} must be a torch tensor, as P and Q are, not {type(x).__name__}")
    return x


def broadcast(x: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    return x.expand(shape)


def still(x: torch.Tensor) -> torch.Tensor:
    return x.detach()


def shorten(settings: Settings, given: Given, k: int, draws: int, seed: int) -> tuple[Any, Any, Any]:
    x = given.q[0]
    side = side_of(settings.q_kind, given.q, "000", settings, settings.q_scale, settings.q_softcap, False)
    _, dtype = operations_of(x.device, None)
    generator = torch.Generator(x.device).manual_seed(seed)
    parts = []
    with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
        for rows in torch.arange(x.shape[0], device=x.device).split(max(1, BLOCK // side.width)):
            log_p = (side.take(rows).to(dtype) / settings.temperature).log_softmax(-1)
            ids = log_p.topk(k, -1).indices
            rest = log_p.scatter(-1, ids, -torch.inf).exp()
            tail = rest.sum(-1, keepdim=True)
            if draws:
                drawn = torch.multinomial(torch.where(tail > 0.0, rest, 1.0), draws, True, generator=generator)
                ids = torch.cat((ids, drawn), -1)
            parts.append((ids, log_p.gather(-1, ids), tail.log()))
    ids, *logs = (torch.cat(part) for part in zip(*parts, strict=True))
    return ids, *(part.to(value_dtype(x)) for part in logs)
