"""The examples, run small."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_vae() -> None:
    vae = load("vae")
    found = vae.main(30)
    assert set(found) == {"reverse", "forward"}
    for one in found.values():
        assert (one["by_latent"] >= 0).all()
        assert one["samples"].shape == (20, 64)


def test_k3_as_a_loss_follows_the_other_direction() -> None:
    found = load("penalty").main(2)
    assert found["k3, worst"][0] == pytest.approx(-0.543, abs=1e-3)
    assert np.allclose(found["policy, worst"] + found["policy, typical"], 1.0, atol=1e-12)
