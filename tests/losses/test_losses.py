"""The losses in NumPy and JAX: known values and gradients, generated inputs, laws, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import losses_cases
from kullback import losses
from losses_cases import CASES, LOSSES, Case

JAX = ("forward", "reverse", "jensen_shannon")  # without options
KINDS = {"numpy": np.float32, "jax": jnp.float32, "jax plain": jnp.float32}
FLOOR = 3e-7


def compute(kind: str, loss: str, options: dict[str, Any], p: Any, q: Any, **more: Any) -> tuple[Any, Any]:
    """Values, and gradients if the kind has them."""
    call = {**options, **more}
    run = getattr(losses, loss)
    first = (call.pop("alpha"),) if loss == "between" else ()
    if kind == "numpy":
        return run(*first, p_logits=p, q_logits=q, **call), None
    lean = kind == "jax"

    def value(q: Any) -> Any:
        values = run(*first, p_logits=p, q_logits=q, lean=lean, **call)
        return jnp.where(jnp.isinf(values), 0.0, values).sum(), values

    (_, values), gradient = jax.value_and_grad(value, has_aux=True)(q)
    return np.asarray(values), np.asarray(gradient)


def runs(cases: Any, quick: Any) -> list[Any]:
    """Every case in NumPy; in JAX, which compiles each, the quick ones, the others with the long sweeps."""
    made = [(case, kind) for case in cases for kind in KINDS]
    long = [kind != "numpy" and not quick(case, kind) for case, kind in made]
    names = [f"{losses_cases.name_of(case)}, {kind}" for case, kind in made]
    marks = [[pytest.mark.slow] if slow else [] for slow in long]
    return [pytest.param(*one, id=name, marks=mark) for one, name, mark in zip(made, names, marks, strict=True)]


@pytest.mark.parametrize(("case", "kind"), runs(CASES, lambda case, kind: kind == "jax" and case.gradient is not None))
def test_cases(case: Case, kind: str) -> None:
    make = np.asarray if kind == "numpy" else jnp.asarray
    p, q = (make(np.asarray([x], np.float32)) for x in (case.p, case.q))
    value, gradient = compute(kind, case.loss, case.options, p, q)
    assert value[0] == pytest.approx(case.value, rel=1e-6 if case.value < 1e-6 else 4e-7)
    if gradient is not None and case.gradient is not None and case.value < math.inf:
        np.testing.assert_allclose(gradient[0], case.gradient, rtol=1e-6, atol=1e-7)


def check(t: Any, s: Any, kind: str, loss: str, options: dict[str, Any]) -> None:
    make = np.asarray if kind == "numpy" else jnp.asarray
    value, gradient = compute(kind, loss, options, make(t), make(s))
    coarse, floor = 2e-6, FLOOR
    if "skew" in options or loss in (
        "between",
        "jensen_shannon",
    ):
        # not linear in what 24 bits hold to the last of them
        coarse, floor = (1e-4, 1e-5) if options.get("scaled") else (1e-5, FLOOR)
    bad = [*losses_cases.wrong(value, gradient, *losses_cases.truth(t, s, loss, options), floor, coarse)]
    assert not bad, (loss, options, len(bad), bad[:3])


def padded(sizes: Any, rows: int, seed: int) -> tuple[Any, Any]:
    """Rows of several sizes in one array: a class absent from both is none."""
    made = [losses_cases.generated(seed + size, size, rows) for size in sizes]
    widen = [[np.pad(x, ((0, 0), (0, 40 - x.shape[1])), constant_values=-math.inf) for x in pair] for pair in made]
    t, s = (np.concatenate(side) for side in zip(*widen, strict=True))
    return t, s


@pytest.mark.parametrize(
    ("case", "kind"),
    runs(LOSSES, lambda case, kind: case[0] in (("reverse",) if "plain" in kind else JAX) and not case[1]),
)
def test_generated(case: tuple[str, dict[str, Any]], kind: str) -> None:
    loss, options = case
    check(*padded((1, 2, 3, 5, 8, 13, 40), 150, 0), kind, loss, options)


@pytest.mark.slow
def test_generated_sizes() -> None:
    for size in (1, 2, 7):
        for loss, options in LOSSES:
            check(*losses_cases.generated(size, size, 100), "numpy", loss, options)
    t, s = losses_cases.generated(0, 32_000, 6)
    for kind in ("numpy", "jax"):
        for loss, options in LOSSES[:2]:
            check(t, s, kind, loss, options)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 120))
def test_generated_more(seed: int) -> None:
    for kind in KINDS:
        for loss, options in LOSSES:
            check(*padded(range(1, 41, 3), 100, seed), kind, loss, options)
