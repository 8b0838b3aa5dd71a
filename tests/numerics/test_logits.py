"""Rows of logits compared: by compiled code, by NumPy and in Python's floats, the same numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import kullback as kl
from kullback.numerics import _compiled_logits, logits
from losses_cases import exact_pair, generated, ratios, truth, wrong

ENGINES: dict[str, Any] = {"compiled": _compiled_logits, "numpy": None}


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
@pytest.mark.parametrize("size", [1, 2, 7, 40, 3000])
def test_both_directions(size: int, engine: Any) -> None:
    t, s = generated(size, size, 200)
    found = logits.compared(t, s, engine)
    for loss, value in (("forward", found.forward), ("reverse", found.reverse)):
        true = truth(t, s, loss, {})
        assert not [*wrong(value, None, *true, 0.0)]
        finite = np.isfinite(true[0]) & (true[0] > 1e-9)
        np.testing.assert_allclose(value[finite], true[0][finite].astype(float), rtol=1e-9)


@pytest.mark.parametrize("direction", ["forward", "reverse"])
@pytest.mark.parametrize("size", [1, 2, 7, 40, 3000])
def test_gradients(size: int, direction: str) -> None:
    t, s = generated(10 + size, size, 200)
    which = {"forward": logits.FORWARD, "reverse": logits.REVERSE}[direction]
    heat, scale = np.random.default_rng(0).uniform(0.5, 2, (2, 200))
    out = np.empty((200, size + 3), np.float32)
    found = logits.compared(
        t, s, _compiled_logits, heat=heat, scale=scale, gradient=which, out=out[:, :size], workers=2
    )
    value, gradient = truth(
        t / heat[:, None].astype(np.longdouble), s / heat[:, None].astype(np.longdouble), direction, {}
    )
    gradient = gradient * scale[:, None]
    assert not [*wrong(getattr(found, direction), out[:, :size], value, gradient, 1e-12)]


def test_long_doubles_are_as_good_as_fifty_digits() -> None:
    t, s = generated(3, 12, 20)
    true = [truth(t, s, loss, {})[0] for loss in ("forward", "reverse")]
    for i in range(20):
        if np.isfinite(t[i]).all() and np.isfinite(s[i]).all():
            for one, exact in zip(true, exact_pair(t[i].tolist(), s[i].tolist()), strict=True):
                assert float(one[i]) == pytest.approx(exact, rel=1e-9, abs=1e-18)


@pytest.mark.parametrize("shape", [(6,), (300,), (3, 5), (400, 700), (300_000,)])
def test_logits_of_tables_have_an_error_that_covers(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    for scale, apart in ((1.0, 1.0), (30.0, 1.0), (1.0, 1e-6), (1.0, 0.05)):
        t = rng.normal(size=shape) * scale
        s = t + apart * rng.normal(size=shape)
        for kind in (np.float64, np.float32):
            a, b = t.astype(kind), s.astype(kind)
            found = kl.divergence(kl.Discrete(logits=a), kl.Discrete(logits=b))
            p, _, d = ratios(*(np.atleast_2d(x).astype(np.longdouble) for x in (a, b)))
            true = (p * (d + np.expm1(-d))).sum(-1)
            off = np.abs(np.atleast_1d(found.value) - true)
            assert (off <= np.atleast_1d(found.error)).all()
            assert (np.atleast_1d(found.error) <= 2e-11 * np.sqrt(true * np.maximum(true, 1.0)) * scale).all()


def test_bad_logits_are_told() -> None:
    flat = np.zeros(1000)
    for bad in (math.nan, math.inf):
        with pytest.raises(kl.InputError, match=f"holds {bad}"):
            kl.divergence(kl.Discrete(logits=np.where(np.arange(1000) == 7, bad, flat)), kl.Discrete(logits=flat))
    with pytest.raises(kl.InputError, match="no outcome"):
        kl.divergence(kl.Discrete(logits=np.full(1000, -math.inf)), kl.Discrete(logits=flat))
    gap = kl.divergence(kl.Discrete(logits=flat), kl.Discrete(logits=np.where(np.arange(1000) < 250, -math.inf, flat)))
    assert gap.value == math.inf
    assert "25" in gap.detail
