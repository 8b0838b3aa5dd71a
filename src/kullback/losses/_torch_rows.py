"""Torch: the walker of rows. They are taken in chunks, and the gradient is made with the values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import torch
from kullback.losses import _chunk
from kullback.losses._pair import Ops
from kullback.losses._settings import Settings
from kullback.numerics import logits as compiled_logits

BLOCK = 2**15  # entries worked on at a time: they stay near the processor, and in one thread
HEAD_BLOCK = 2**22  # logits of a head made at a time
SMALL = 1e-5  # below, the rounding of plain float64 sums shows
SHARED_ROWS = 64  # rows at a time where processes share the classes: all must take the same
DIRECTIONS = {"Forward": compiled_logits.FORWARD, "Reverse": compiled_logits.REVERSE}
HALF = (torch.float16, torch.bfloat16)


def is_again(settings: Settings) -> bool:
    """Whether the gradient can be had only once the upstream one is known: of heads, summed over tokens."""
    return not settings.reduced and "head" in (settings.p_kind, settings.q_kind) and "1" in settings.wanted


def value_dtype(x: torch.Tensor) -> torch.dtype:
    return torch.float64 if x.dtype == torch.float64 else torch.float32


def held_dtype(x: torch.Tensor) -> torch.dtype:
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
    wanted = settings.wanted if not is_again(settings) else "0" * len(settings.wanted)
    p_wanted, q_wanted = wanted[: len(p)], wanted[len(p) :]
    n = q[0].shape[0]
    sides = [
        side_of(settings.p_kind, p, p_wanted, settings, settings.p_scale, settings.p_softcap, False),
        side_of(settings.q_kind, q, q_wanted, settings, settings.q_scale, settings.q_softcap, settings.overwrite),
    ]
    kept = None if mask is None else mask.nonzero()[:, 0]
    if kept is not None and len(kept) == n:
        kept = None
    for side in sides:
        side.prepare(kept is not None)
    values = torch.zeros(n, dtype=torch.float64, device=q[0].device)
    operations = operations_of(q[0].device, group)
    width = sides[1].width
    size = HEAD_BLOCK if "head" in (settings.p_kind, settings.q_kind) else BLOCK
    engine = None if group is not None else _engine(settings, q[0], n * width)
    if engine is not None:
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
        v = _block(settings, operations, engine, t, s, heat, each, outs, group)
        values[rows] = v * each
        for side, out in zip(sides, outs, strict=True):
            if out is not None:
                side.give(rows, out)
    total = values.sum() if settings.reduced else values
    return total.to(value_dtype(q[0])), [*sides[0].grads, *sides[1].grads]


def operations_of(device: torch.device, group: Any) -> tuple[Ops, torch.dtype]:
    narrow = device.type == "mps"  # has no float64
    return ops(narrow, group), torch.float32 if narrow else torch.float64


def _block(
    settings: Settings,
    operations: tuple[Ops, torch.dtype],
    engine: Any,
    t: Any,
    s: Any,
    heat: Any,
    scale: Any,
    outs: Any,
    group: Any,
) -> torch.Tensor:
    """Values of some rows; their gradients, scaled, are written to the outs, one of which may be s."""
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


def _engine(settings: Settings, s: torch.Tensor, size: int) -> Any:
    """The compiled rows, where they serve: both KLs of logits on a processor, with the gradient of Q."""
    kinds = settings.p_kind in ("logits", "head") and settings.q_kind in ("logits", "head")
    wanted = settings.wanted[: 3 if settings.p_kind == "head" else 1]
    if s.device.type != "cpu" or not kinds or settings.divergence not in DIRECTIONS or "1" in wanted:
        return None
    return compiled_logits.engine(size, "float64" if s.dtype == torch.float64 else "float32")


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


def side_of(
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
            self.grads = [make(self.x, dtype=held_dtype(self.x), memory_format=torch.contiguous_format)]

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
                dtype = held_dtype(x) if i == 0 else self.dtype
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
