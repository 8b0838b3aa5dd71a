"""The one door: what a person passes becomes rows of one library's tensors, or an error that says what is wrong."""

from __future__ import annotations

import math
import sys
from types import ModuleType
from typing import Any, NamedTuple, TypedDict

from kullback._result import InputError, KindError
from kullback.losses._inputs import Head, Top
from kullback.losses._settings import Given, Settings

KINDS = {"logits": "logits", "log_probs": "logits", "probs": "probs"}
REDUCTIONS = ("none", "sum", "mean", "batchmean")


class Sides(TypedDict, total=False):
    """P and Q, each under the name of what it is."""

    p_logits: Any
    p_log_probs: Any
    p_probs: Any
    p: Any
    q_logits: Any
    q_log_probs: Any
    q_probs: Any
    q: Any
    temperature: Any
    mask: Any
    classes: int | None
    axis: int


class Options(Sides, total=False):
    """What every loss takes."""

    rescale: bool
    weights: Any
    reduction: str
    count: Any
    p_grad: bool
    lean: bool | str
    overwrite: bool
    rows: int | None
    group: Any


class Read(NamedTuple):
    """Rows of P and Q and what is said of them; the backend; and the shape of the tokens."""

    backend: ModuleType
    settings: Settings
    given: Given
    shape: tuple[int, ...]


def refuse(positional: tuple[Any, ...], name: str) -> None:
    if positional:
        raise KindError(
            f"losses.{name} takes no tensor by position, so that P and Q cannot be mixed up: name them, "
            f"losses.{name}(p_logits=teacher, q_logits=student); P is the target, Q the model"
        )


def check(options: Any, allowed: type, name: str) -> None:
    known = set().union(*(base.__annotations__ for base in (Sides, allowed)))
    if unknown := sorted(set(options) - known):
        raise KindError(f"losses.{name} has no argument {unknown[0]!r}; it has {', '.join(sorted(known))}")


def library(x: Any) -> str | None:
    """torch, jax or numpy; looked for among what is loaded, never imported to look."""
    torch, jax, numpy = (sys.modules.get(name) for name in ("torch", "jax", "numpy"))
    if torch is not None and isinstance(x, torch.Tensor):
        return "torch"
    if jax is not None and isinstance(x, jax.Array):
        return "jax"
    if numpy is not None and isinstance(x, numpy.ndarray):
        return "numpy"
    return None


def backend(name: str) -> ModuleType:
    if name == "torch":
        from kullback.losses import _torch

        return _torch
    if name == "jax":
        from kullback.losses import _jax

        return _jax
    from kullback.losses import _numpy

    return _numpy


def read(options: Any, divergence: tuple[str, float, bool]) -> Read:
    """Check and flatten everything; the number that scales the rows is found by `scaled`."""
    axis, classes = options.get("axis", -1), options.get("classes")
    sides = {letter: _side(options, letter) for letter in "pq"}
    tensors = {name: x for side in sides.values() for name, x in _parts(*side)}
    kind = _one_library(tensors)
    module = backend(kind)
    for name, x in tensors.items():
        _check_dtype(module, name, x)
    shapes = {letter: _shape(*sides[letter], axis) for letter in "pq"}
    _check_shapes(sides, shapes, classes)
    shape, _ = shapes["q"]
    flat = {letter: _rows(module, *sides[letter], axis) for letter in "pq"}
    for letter, (name, x) in sides.items():
        _check_values(module, name, flat[letter][0], x)
    temperature, heat = _temperature(module, options.get("temperature", 1.0), shape)
    mask = options.get("mask")
    if mask is not None:
        mask = _tokens(module, "mask", mask, shape)
        if not module.is_bool(mask):
            raise KindError(
                f"mask must hold booleans, True where a token counts, not {mask.dtype}; numbers are weights="
            )
    kinds = [
        "head" if isinstance(x, Head) else "top" if isinstance(x, Top) else KINDS[name[2:]]
        for name, x in sides.values()
    ]
    heads = [_head_numbers(x) for _, x in sides.values()]
    top = sides["p"][1]
    tail = top.tail if isinstance(top, Top) else ""
    if isinstance(top, Top):
        if heat is not None or temperature != top.temperature:
            raise InputError(
                f"this Top was made at temperature {top.temperature}, and the loss asks for "
                f"{'one a token' if heat is not None else temperature}: what was left out cannot be had at another. "
                "Shorten the teacher at the temperature of the loss"
            )
        if tail == "draws" and divergence[0] != "Forward":
            raise InputError("tail='draws' is unbiased for the forward KL alone; use losses.forward, or tail='bucket'")
        if options.get("p_grad"):
            raise InputError("p_grad=True needs the teacher's logits; a Top has none")
    (p_kind, q_kind), ((p_scale, p_softcap), (q_scale, q_softcap)) = kinds, heads
    name, number, is_scaled = divergence
    settings = Settings(
        name, number, is_scaled, p_kind, q_kind, tail, p_scale, p_softcap, q_scale, q_softcap, temperature, classes or 0
    )
    return Read(module, settings, Given(flat["p"], flat["q"], heat, mask, 1.0), shape)


def read_one(options: Any, temperature: Any, classes: int | None) -> Read:
    """A teacher alone, in the place of Q."""
    name, x = _side(options, "p")
    tensors = dict(_parts(name, x))
    module = backend(_one_library(tensors))
    for part, tensor in tensors.items():
        _check_dtype(module, part, tensor)
    shape, width = _shape(name, x, -1)
    if classes is not None and not 1 <= classes <= width:
        raise InputError(f"classes={classes} must be from 1 to {width}, which {name} has")
    flat = _rows(module, name, x, -1)
    _check_values(module, name, flat[0], x)
    heat, several = _temperature(module, temperature, shape)
    if several is not None:
        raise InputError("shorten takes one temperature, a number")
    kind, (scale, softcap) = ("head" if isinstance(x, Head) else "logits"), _head_numbers(x)
    settings = Settings("Forward", 0.0, False, kind, kind, "", scale, softcap, scale, softcap, heat, classes or 0)
    return Read(module, settings, Given(flat, flat, None, None, 1.0), shape)


def scaled(read: Read, options: Any) -> Read:
    """With what multiplies each row: T², the weights, and what a mean divides by."""
    reduction, module, given = options.get("reduction", "none"), read.backend, read.given
    if reduction not in REDUCTIONS:
        raise InputError(f"reduction must be one of {', '.join(map(repr, REDUCTIONS))}, not {reduction!r}")
    count, weights = options.get("count"), options.get("weights")
    if count is not None and reduction == "none":
        raise InputError("count= is what the sum is divided by; reduction='none' has no sum")
    scale: Any = 1.0
    if options.get("rescale", False):
        heat = read.settings.temperature if given.temperature is None else given.temperature[:, 0]
        scale = heat * heat
    if weights is not None:
        weights = _tokens(module, "weights", weights, read.shape)
        if given.mask is not None:
            weights = module.where(given.mask, weights, 0.0)
        scale = scale * module.wide(weights)
    if count is not None:
        scale = scale / count
    elif reduction == "batchmean":
        scale = scale / max(1, read.shape[0] if read.shape else 1)
    elif reduction == "mean":
        counted = weights if weights is not None else given.mask
        if counted is None:
            scale = scale / max(1, math.prod(read.shape))
        else:
            total = module.wide(counted).sum()
            scale = module.where(total == 0.0, 0.0, scale / module.where(total == 0.0, 1.0, total))
    lean = options.get("lean", "auto")
    if lean not in (True, False, "auto"):
        raise InputError(f"lean must be True, False or 'auto', not {lean!r}")
    settings = read.settings._replace(
        rows=options.get("rows") or 0,
        p_grad=bool(options.get("p_grad", False)),
        reduced=reduction != "none",
        overwrite=bool(options.get("overwrite", False)),
    )
    if settings.overwrite and (settings.q_kind == "head" or not lean):
        raise InputError(
            "overwrite=True writes the gradient over Q's logits: it needs them (no Head), and not lean=False"
        )
    return read._replace(settings=settings, given=given._replace(scale=scale))


def _side(options: Any, letter: str) -> tuple[str, Any]:
    names = [f"{letter}_{kind}" for kind in KINDS] + [letter]
    found = [(name, options[name]) for name in names if options.get(name) is not None]
    if len(found) != 1:
        got = " and ".join(name for name, _ in found) or "none of them"
        raise InputError(f"give {letter.upper()} as one of {', '.join(names)}; got {got}")
    name, x = found[0]
    served = (Head, Top) if letter == "p" else (Head,)
    if name == letter and not isinstance(x, served):
        kinds = " or a ".join(f"losses.{kind.__name__}" for kind in served)
        raise KindError(f"{name}= takes a {kinds}, not {type(x).__name__}; logits go to {letter}_logits=")
    if name != letter and isinstance(x, Head | Top):
        raise KindError(f"{name}= takes a tensor; a {type(x).__name__} goes to {letter}=")
    return name, x


def _parts(name: str, x: Any) -> list[tuple[str, Any]]:
    if isinstance(x, Head):
        parts = {"hidden": x.hidden, "weight": x.weight, "bias": x.bias}
    elif isinstance(x, Top):
        parts = {"ids": x.ids, "log_probs": x.log_probs, "weights": x.weights, "log_tail": x.log_tail}
    else:
        return [(name, x)]
    return [(f"{name}.{part}", value) for part, value in parts.items() if value is not None]


def _one_library(tensors: dict[str, Any]) -> str:
    found = {name: library(x) for name, x in tensors.items()}
    for name, kind in found.items():
        if kind is None:
            raise KindError(
                f"{name} must be a torch tensor, a JAX array or a NumPy array, not {type(tensors[name]).__name__}"
            )
    if len(set(found.values())) > 1:
        told = ", ".join(f"{name} of {kind}" for name, kind in found.items())
        raise KindError(f"P and Q must come from one library; got {told}. Convert one of them")
    return next(iter(found.values())) or ""


def _check_dtype(module: ModuleType, name: str, x: Any) -> None:
    if name == "p.ids":
        if not module.is_integer(x):
            raise KindError(f"{name} must hold integers, the classes kept, not {x.dtype}")
    elif not module.is_floating(x):
        hint = "labels are no distribution; their loss is the cross-entropy" if module.is_integer(x) else "convert it"
        raise KindError(f"{name} must hold floating-point numbers, not {x.dtype}: {hint}")


def _shape(name: str, x: Any, axis: int) -> tuple[tuple[int, ...], int]:
    """The shape of the tokens, and how many classes."""
    if isinstance(x, Head):
        hidden, weight = tuple(x.hidden.shape), tuple(x.weight.shape)
        if len(weight) != 2 or not hidden or hidden[-1] != weight[-1]:
            raise InputError(f"{name}.hidden {hidden} and {name}.weight {weight} must be (..., h) and (classes, h)")
        if x.bias is not None and tuple(x.bias.shape) != weight[:1]:
            raise InputError(f"{name}.bias has shape {tuple(x.bias.shape)}; its weight has {weight[0]} classes")
        return hidden[:-1], weight[0]
    if isinstance(x, Top):
        return tuple(x.ids.shape[:-1]), 0
    shape = tuple(x.shape)
    if not -len(shape) <= axis < len(shape):
        raise InputError(f"axis {axis} does not exist: {name} has shape {shape}")
    axis %= len(shape)
    if shape[axis] == 0:
        raise InputError(f"{name} of shape {shape} has no class along axis {axis}")
    return shape[:axis] + shape[axis + 1 :], shape[axis]


def _check_shapes(sides: Any, shapes: Any, classes: int | None) -> None:
    (p_name, _), (q_name, _) = sides["p"], sides["q"]
    (p_tokens, p_width), (q_tokens, q_width) = shapes["p"], shapes["q"]
    if p_tokens != q_tokens:
        raise InputError(
            f"{p_name} has tokens of shape {p_tokens} and {q_name} of {q_tokens}; they must be the same ones"
        )
    if classes is not None:
        least = min(q_width, p_width or q_width)
        if not 1 <= classes <= least:
            raise InputError(f"classes={classes} must be from 1 to {least}, which both P and Q have")
    elif p_width not in (q_width, 0):
        raise InputError(
            f"{p_name} has {p_width} classes and {q_name} {q_width}. If one vocabulary is the other with padding, "
            f"classes={min(p_width, q_width)} takes the first ones of both; otherwise they are not the same classes"
        )


def _rows(module: ModuleType, name: str, x: Any, axis: int) -> list[Any]:
    if isinstance(x, Head):
        return [x.hidden.reshape(-1, x.hidden.shape[-1]), x.weight, x.bias]
    if isinstance(x, Top):
        flat = [None if y is None else y.reshape(-1, y.shape[-1]) for y in (x.ids, x.log_probs, x.weights)]
        return [*flat, None if x.log_tail is None else x.log_tail.reshape(-1, 1)]
    moved = x if axis in (-1, len(x.shape) - 1) else module.moveaxis(x, axis, -1)
    return [moved.reshape(-1, moved.shape[-1])]


def _check_values(module: ModuleType, name: str, flat: Any, x: Any) -> None:
    """A look at the first row: probabilities for logits, or the reverse. Not where looking would wait for a device."""
    if isinstance(x, Head | Top) or not module.can_look(flat) or not flat.shape[0]:
        return
    row = module.first(flat)
    size, total = len(row), float(row.sum())
    digits = 8.0 * math.sqrt(size) * module.eps(flat)
    letter, kind = name[0], name[2:]
    if (
        kind == "logits"
        and size > 1
        and bool(((row > 0.0) & (row < 1.0)).all())
        and abs(total - 1.0) <= min(digits, 1e-2)
    ):
        raise InputError(
            f"{name} looks like probabilities: the first row lies in (0, 1) and sums to 1. Pass {letter}_probs=; "
            "if these are logits all the same, add a constant to them"
        )
    if kind == "probs" and (bool((row < 0.0).any()) or abs(total - 1.0) > max(digits, 1e-3)):
        what = f"holds {float(row.min()):.4g}" if bool((row < 0.0).any()) else f"sums to {total:.6g}"
        raise InputError(
            f"{name} must be probabilities: the first row {what}. If these are logits, pass {letter}_logits="
        )
    if kind == "log_probs":
        peak = float(row.max())
        sums = math.log(float(module.exp(row - peak).sum())) + peak if math.isfinite(peak) else peak
        if abs(sums) > max(1e-2, 64.0 * module.eps(flat)):
            raise InputError(
                f"{name} must be logarithms of probabilities: those of the first row sum to exp({sums:.4g}). "
                f"If these are logits, pass {letter}_logits="
            )


def _temperature(module: ModuleType, temperature: Any, shape: tuple[int, ...]) -> tuple[float, Any]:
    """A number, or else numbers a row."""
    if isinstance(temperature, int | float):
        if not 0.0 < temperature < math.inf:
            raise InputError(f"temperature must be positive and finite, not {temperature}")
        return float(temperature), None
    return 1.0, _tokens(module, "temperature", temperature, shape)[:, None]


def _tokens(module: ModuleType, name: str, x: Any, shape: tuple[int, ...]) -> Any:
    """Something with one entry a token, flat."""
    x = module.asarray(x, name)
    try:
        return module.broadcast(x, shape).reshape(-1)
    except (ValueError, RuntimeError, TypeError):
        raise InputError(f"{name} has shape {tuple(x.shape)}, and the tokens {shape}: give one entry a token") from None


def _head_numbers(x: Any) -> tuple[float, float]:
    return (float(x.scale), float(x.softcap or 0.0)) if isinstance(x, Head) else (1.0, 0.0)
