"""Torch: rows in chunks, and the gradient in the forward pass, so that nothing of the logits' size is made but it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import torch
from kullback._result import InputError, KindError
from kullback.losses import _chunk, _measured
from kullback.losses._pair import Ops
from kullback.losses._settings import Given, Settings, decode, encode
from kullback.numerics import logits as compiled_logits

BLOCK = 2**15  # entries worked on at a time: they stay near the processor, and in one thread
HEAD_BLOCK = 2**22  # logits of a head made at a time
SMALL = 1e-5  # below, the rounding of plain float64 sums shows
SHARED_ROWS = 64  # rows at a time where processes share the classes: all must take the same
DIRECTIONS = {"Forward": compiled_logits.FORWARD, "Reverse": compiled_logits.REVERSE}
HALF = (torch.float16, torch.bfloat16)


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
        ctx.again = _is_again(ctx.text)
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


def _is_again(text: str) -> bool:
    """Whether the gradient can be had only once the upstream one is known: of heads, summed over tokens."""
    settings = decode(text)
    return not settings.reduced and "head" in (settings.p_kind, settings.q_kind) and "1" in settings.wanted


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
    value = q[0].new_empty((() if settings.reduced else q[0].shape[:1]), dtype=_value_dtype(q[0]))
    if _is_again(text):
        return [value]
    tensors = zip([*p, *q], settings.wanted, strict=True)
    return [value, *(torch.empty_like(x, dtype=_held_dtype(x)) for x, flag in tensors if flag == "1")]


_op = torch.library.custom_op("kullback::loss", _op_eager, mutates_args=())
_op.register_fake(_op_shapes)


def _value_dtype(x: torch.Tensor) -> torch.dtype:
    return torch.float64 if x.dtype == torch.float64 else torch.float32


def _held_dtype(x: torch.Tensor) -> torch.dtype:
    """float16 ends at 6e-8, which a mean over tokens passes before a gradient scaler could help."""
    return torch.float32 if x.dtype == torch.float16 else x.dtype


def run(
    settings: Settings, p: Sequence[Any], q: Sequence[Any], temperature: Any, mask: Any, scale: Any, group: Any
) -> tuple[torch.Tensor, list[Any]]:
    """The values, or their sum, and the gradients wanted; masked rows are not read."""
    with torch.no_grad(), torch.autocast(q[0].device.type, enabled=False):
        return _run(settings, p, q, temperature, mask, scale, group)


def _run(
    settings: Settings, p: Sequence[Any], q: Sequence[Any], temperature: Any, mask: Any, scale: Any, group: Any
) -> tuple[torch.Tensor, list[Any]]:
    wanted = settings.wanted if not _is_again(encode(settings)) else "0" * len(settings.wanted)
    p_wanted, q_wanted = wanted[: len(p)], wanted[len(p) :]
    n = q[0].shape[0]
    sides = [
        _side(settings.p_kind, p, p_wanted, settings, settings.p_scale, settings.p_softcap, False),
        _side(settings.q_kind, q, q_wanted, settings, settings.q_scale, settings.q_softcap, settings.overwrite),
    ]
    kept = None if mask is None else mask.nonzero()[:, 0]
    if kept is not None and len(kept) == n:
        kept = None
    for side in sides:
        side.prepare(kept is not None)
    values = torch.zeros(n, dtype=torch.float64, device=q[0].device)
    operations = _operations(q[0].device, group)
    width = sides[1].width
    size = HEAD_BLOCK if "head" in (settings.p_kind, settings.q_kind) else BLOCK
    if group is None and _engine(settings, q[0].device, n * width) is not None:
        size = HEAD_BLOCK
    step = settings.rows or (SHARED_ROWS if group is not None else max(1, size // max(width, 1)))
    needs = ("1" in p_wanted, "1" in q_wanted)
    for start in range(0, n if kept is None else len(kept), step):
        stop = min(start + step, n if kept is None else len(kept))
        rows = slice(start, stop) if kept is None else kept[start:stop]
        t, s = (side.take(rows) for side in sides)
        each = scale if scale.ndim == 0 else scale[rows]
        heat = settings.temperature if temperature is None else temperature[rows].to(torch.float64)
        outs = [side.room(rows) if need else None for side, need in zip(sides, needs, strict=True)]
        v = _block(settings, operations, t, s, heat, each, outs, group)
        values[rows] = v * each
        for side, out in zip(sides, outs, strict=True):
            if out is not None:
                side.give(rows, out)
    total = values.sum() if settings.reduced else values
    return total.to(_value_dtype(q[0])), [*sides[0].grads, *sides[1].grads]


def _operations(device: torch.device, group: Any) -> tuple[Ops, torch.dtype]:
    narrow = device.type == "mps"  # has no float64
    return ops(narrow, group), torch.float32 if narrow else torch.float64


def _block(
    settings: Settings,
    operations: tuple[Ops, torch.dtype],
    t: Any,
    s: Any,
    heat: Any,
    scale: Any,
    outs: Any,
    group: Any,
) -> torch.Tensor:
    """Values of some rows; their gradients, scaled, are written to the outs, one of which may be s."""
    engine = None if group is not None else _engine(settings, s.device, s.numel())
    if engine is not None:
        return _compiled(settings, engine, t, s, heat, scale, outs[1])
    found = torch.empty(s.shape[0], dtype=torch.float64, device=s.device)
    step = s.shape[0] if group is not None else max(1, BLOCK // max(s.shape[1], 1))
    for start in range(0, s.shape[0], step):
        rows = slice(start, start + step)
        each = scale if scale.ndim == 0 else scale[rows, None]
        at = heat if isinstance(heat, float) else heat[rows]
        a = _chunk.Top(*(None if x is None else x[rows] for x in t)) if isinstance(t, _chunk.Top) else t[rows]
        v, *grads = _values(settings, *operations, a, s[rows], at, (outs[0] is not None, outs[1] is not None), group)
        found[rows] = v[:, 0]
        for out, g in zip(outs, grads, strict=True):
            if out is not None:
                out[rows] = g.mul_(each)
    return found


def _engine(settings: Settings, device: torch.device, size: int) -> Any:
    """The compiled rows, where they serve: both KLs of logits on a processor, with the gradient of Q."""
    kinds = settings.p_kind in ("logits", "head") and settings.q_kind in ("logits", "head")
    wanted = settings.wanted[: 3 if settings.p_kind == "head" else 1]
    if device.type != "cpu" or not kinds or settings.divergence not in DIRECTIONS or "1" in wanted:
        return None
    return compiled_logits.engine(size)


def _compiled(
    settings: Settings, engine: Any, t: torch.Tensor, s: torch.Tensor, heat: Any, scale: torch.Tensor, out: Any
) -> torch.Tensor:
    t, s = (x.float() if x.dtype in HALF else x for x in (t, s))
    own = out if out is None or out.dtype not in HALF else torch.empty_like(s)
    found = compiled_logits.compared(
        t.detach().numpy(),
        s.detach().numpy(),
        engine,
        heat=np.full(1, heat) if isinstance(heat, float) else heat[:, 0].numpy(),
        scale=scale.double().reshape(-1).numpy(),
        gradient=compiled_logits.NONE if own is None else DIRECTIONS[settings.divergence],
        small=SMALL,
        out=None if own is None else own.detach().numpy(),
        workers=torch.get_num_threads(),
    )
    if own is not out:
        out.copy_(own)
    return torch.from_numpy(found.forward if settings.divergence == "Forward" else found.reverse)


def _values(
    settings: Settings, op: Ops, dtype: torch.dtype, t: Any, s: torch.Tensor, heat: Any, needs: Any, group: Any
) -> Any:
    """Plain float64 where it does, with the terms near equality for the rows that need them."""
    quick = s.device.type == "cpu" and group is None
    gaps = not quick or _has_gaps(t) or _has_gaps(s) or "probs" in (settings.p_kind, settings.q_kind)
    a, b = _wide(t, dtype), s.to(dtype)
    plan = settings.plan
    out = _chunk.value_and_gradients(op, plan, a, b, heat, needs, gaps=gaps, near=not quick)
    if quick and (few := (out[0][:, 0] < SMALL).nonzero()[:, 0]).numel() and plan.tail != "draws":
        a = _chunk.Top(*(None if x is None else x[few] for x in a)) if isinstance(a, _chunk.Top) else a[few]
        at = heat if isinstance(heat, float) else heat[few]
        out[0][few] = _chunk.value(op, plan, a, b[few], at, gaps=gaps, near=True)
    return out


def _has_gaps(x: Any) -> bool:
    if isinstance(x, _chunk.Top):
        return True
    return bool(x.amin() == -torch.inf)


def _wide(x: Any, dtype: torch.dtype) -> Any:
    if isinstance(x, _chunk.Top):
        return _chunk.Top(x.ids, *(None if y is None else y.to(dtype) for y in x[1:]))
    return x.to(dtype)


def _side(
    kind: str, tensors: Sequence[Any], wanted: str, settings: Settings, scale: float, cap: float, over: bool
) -> Any:
    if kind == "head":
        return _Head(tensors, wanted, scale, cap, settings.classes)
    if kind == "top":
        return _Top(tensors)
    return _Dense(tensors[0], wanted == "1", settings.classes, over)


class _Dense:
    def __init__(self, x: torch.Tensor, wanted: bool, classes: int, overwrite: bool) -> None:
        self.x, self.wanted, self.classes, self.overwrite = x, wanted, classes or x.shape[1], overwrite
        self.width = self.classes
        self.grads: list[Any] = [None]

    def prepare(self, masked: bool) -> None:
        if self.wanted and self.overwrite:
            self.grads = [self.x.detach()]
            return
        make = torch.zeros_like if masked or self.classes < self.x.shape[1] else torch.empty_like
        if self.wanted:
            self.grads = [make(self.x, dtype=_held_dtype(self.x), memory_format=torch.contiguous_format)]

    def take(self, rows: Any) -> torch.Tensor:
        return self.x[rows, : self.classes]

    def room(self, rows: Any) -> torch.Tensor:
        if isinstance(rows, slice):
            return self.grads[0][rows, : self.classes]
        return self.x.new_empty((len(rows), self.classes), dtype=self.grads[0].dtype)

    def give(self, rows: Any, g: torch.Tensor) -> None:
        if not isinstance(rows, slice):
            self.grads[0][rows, : self.classes] = g


class _Top:
    width = 0

    def __init__(self, tensors: Sequence[Any]) -> None:
        self.tensors = tensors
        self.grads = [None] * len(tensors)

    def prepare(self, masked: bool) -> None:
        pass

    def take(self, rows: Any) -> _chunk.Top:
        return _chunk.Top(*(None if x is None else x[rows] for x in self.tensors))


class _Head:
    """Logits made from hidden states, in float32 at least, and gradients sent back through them."""

    def __init__(self, tensors: Sequence[Any], wanted: str, scale: float, cap: float, classes: int) -> None:
        self.hidden, weight, bias = tensors
        self.dtype = torch.float32 if self.hidden.dtype in HALF else self.hidden.dtype
        self.full = weight.shape
        self.width = classes or weight.shape[0]
        self.weight = weight[: self.width].to(self.dtype)
        self.bias = None if bias is None else bias[: self.width].to(self.dtype)
        self.wanted, self.scale, self.cap = [flag == "1" for flag in wanted], scale, cap
        self.tensors = tensors
        self.grads: list[Any] = [None, None, None]

    def prepare(self, masked: bool) -> None:
        for i, (x, wanted) in enumerate(zip(self.tensors, self.wanted, strict=True)):
            if wanted:
                dtype = _held_dtype(x) if i == 0 else self.dtype
                self.grads[i] = torch.zeros_like(x, dtype=dtype, memory_format=torch.contiguous_format)

    def take(self, rows: Any) -> torch.Tensor:
        z = self.hidden[rows].to(self.dtype) @ self.weight.T
        if self.bias is not None:
            z += self.bias
        if self.scale != 1.0:
            z *= self.scale
        self.made = z
        if self.cap:
            self.made = (z / self.cap).tanh_()
            return self.made * self.cap
        return z

    def room(self, rows: Any) -> torch.Tensor:
        return torch.empty_like(self.made) if self.cap else self.made  # read before it is written, a few rows at a time

    def give(self, rows: Any, g: torch.Tensor) -> None:
        if self.cap:
            g *= 1.0 - self.made * self.made
        if self.scale != 1.0:
            g *= self.scale
        if self.wanted[0]:
            self.grads[0][rows] = (g @ self.weight).to(self.grads[0].dtype)
        if self.wanted[1]:
            self.grads[1][: self.width].addmm_(g.T, self.hidden[rows].to(self.dtype))
        if self.wanted[2]:
            self.grads[2][: self.width] += g.sum(0)


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
    op, dtype = _operations(q[0].device, None)
    with torch.autocast(q[0].device.type, enabled=False):
        t = _full(settings.p_kind, p, settings.p_scale, settings.p_softcap, settings.classes, dtype)
        s = _full(settings.q_kind, q, settings.q_scale, settings.q_softcap, settings.classes, dtype)
        if not settings.p_grad:
            t = _chunk.Top(*(None if x is None else x.detach() for x in t)) if isinstance(t, tuple) else t.detach()
        heat = settings.temperature if temperature is None else temperature.to(dtype)
        v = _chunk.value(op, settings.plan, t, s, heat, gaps=True, near=True)[:, 0]
        v = v * (scale if mask is None or scale.ndim == 0 else scale[index])
        if settings.reduced:
            return v.sum().to(_value_dtype(given.q[0]))
        if mask is not None:
            v = v.new_zeros(len(mask)).index_put((index,), v)
        return v.to(_value_dtype(given.q[0]))


def _full(kind: str, tensors: Sequence[Any], scale: float, cap: float, classes: int, dtype: torch.dtype) -> Any:
    if kind == "top":
        return _chunk.Top(tensors[0], *(None if x is None else x.to(dtype) for x in tensors[1:]))
    x = tensors[0].to(dtype)
    if kind == "head":
        x = x @ tensors[1].to(dtype).T
        x = (x if tensors[2] is None else x + tensors[2].to(dtype)) * scale
        x = cap * torch.tanh(x / cap) if cap else x
    return x[:, :classes] if classes else x


def ops(narrow: bool = False, group: Any = None) -> Ops:
    return Ops(
        xp=torch,
        total=lambda x: _all(x.sum(-1, keepdim=True), "SUM", group),
        largest=lambda x: _all(x.detach().amax(-1, keepdim=True), "MAX", group),
        place=lambda x: x.detach().argmax(-1, keepdim=True),
        pick=lambda x, k: x.gather(-1, k),
        put=lambda x, k, y: x.scatter(-1, k, y),
        add=lambda x, k, y: x.scatter_add(-1, k, y),
        join=lambda x, y: torch.cat((x, y), -1),
        narrow=narrow,
        ghost=_Ghost.apply,
    )


class _Ghost(torch.autograd.Function):  # type: ignore[misc]
    """0, with the derivative of its argument."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, upstream: Any) -> Any:
        return upstream

    @staticmethod
    def jvp(ctx: Any, tangent: Any) -> Any:
        return tangent.clone()


def _all(x: torch.Tensor, how: str, group: Any) -> torch.Tensor:
    if group is not None:
        import torch.distributed as dist

        dist.all_reduce(x, op=getattr(dist.ReduceOp, how), group=group)
    return x


def measure(settings: Settings, given: Given) -> list[torch.Tensor]:
    n, device = given.q[0].shape[0], given.q[0].device
    op, dtype = _operations(device, None)
    found = [torch.full((n,), torch.nan, dtype=dtype, device=device) for _ in _measured.NAMES]
    sides = [
        _side(settings.p_kind, given.p, "000", settings, settings.p_scale, settings.p_softcap, False),
        _side(settings.q_kind, given.q, "000", settings, settings.q_scale, settings.q_softcap, False),
    ]
    kept = torch.arange(n, device=device) if given.mask is None else given.mask.nonzero()[:, 0]
    with torch.no_grad(), torch.autocast(device.type, enabled=False):
        for rows in kept.split(max(1, BLOCK // sides[1].width)):
            t, s = (side.take(rows).to(dtype) for side in sides)
            heat = settings.temperature if given.temperature is None else given.temperature[rows].to(dtype)
            for column, part in zip(found, _measured.measured(op, settings.plan, t, s, heat), strict=True):
                column[rows] = part[:, 0].to(dtype)
    out = _value_dtype(given.q[0])
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
    side = _side(settings.q_kind, given.q, "000", settings, settings.q_scale, settings.q_softcap, False)
    _, dtype = _operations(x.device, None)
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
    return ids, *(part.to(_value_dtype(x)) for part in logs)
