"""The examples in JAX, run small."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name: str, tmp_path: Path) -> Any:
    found = runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"](["--small", "--out", str(tmp_path / "it.svg")])
    assert (tmp_path / "it.svg").stat().st_size > 10_000
    return found


def test_policy(tmp_path: Path) -> None:
    """The truths are sums over four actions, by mpmath; the end with a reward is ref·exp(reward/β), normalised."""
    found = run("policy", tmp_path)
    assert found.value == pytest.approx(1.3283980183916999, rel=1e-14)
    true = [-0.081581112304743, 0.041112937579626, 0.041489198157456, -0.0010210234323396]
    np.testing.assert_allclose(found.meant, true, atol=1e-14)
    np.testing.assert_allclose(found.other, [0.6905, 0.01465, 0.01475, -0.7199], atol=1e-14)
    np.testing.assert_allclose(found.worst["k1 as a loss"].gradient, 0.0, atol=1e-14)
    np.testing.assert_allclose(found.worst["k3 as a loss"].gradient, found.other, atol=1e-13)
    for name in ("losses.policy", "the same, with logits"):
        np.testing.assert_allclose(found.worst[name].gradient, found.meant, atol=1e-14)
    assert found.worst["k3 as a loss"].cosine == pytest.approx(-0.543, abs=5e-4)
    assert all(np.median(c) > 0.3 for c in found.typical.values())
    rises, falls = found.descents.values()
    assert rises.max() > 2.0
    assert (np.diff(falls) <= 1e-12).all()
    tilted = np.array([0.4, 0.3, 0.2, 0.1 * np.exp(2.0)])
    np.testing.assert_allclose(found.ends["the same, with logits"], tilted / tilted.sum(), atol=1e-9)


def test_vae(tmp_path: Path) -> None:
    """A few rounds: better already than a normal about the mean digit, whose likelihood is of its variance alone."""
    found = run("vae", tmp_path)
    pixels = load_digits().data / 16.0
    plain = -0.5 * pixels.shape[1] * np.log(2 * np.pi * np.e * np.mean((pixels - pixels.mean(0)) ** 2))
    assert found.data.shape == (len(pixels), 2)
    for m in found.models.values():
        assert m.log_likelihood > plain
        assert (m.per_latent >= 0.0).all()
        assert np.isfinite([m.plane.forward.value, m.plane.reverse.value]).all()
