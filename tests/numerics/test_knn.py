"""Every finder against all pairs in float64, on data that float32 alone would get wrong."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kullback.numerics import knn

NEEDS_NUMBA = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="Numba is not installed")


def all_pairs(x: Any, y: Any) -> Any:
    x, y = x.reshape(len(x), -1), y.reshape(len(y), -1)
    return np.sqrt(sum((x[:, None, i] - y[None, :, i]) ** 2 for i in range(x.shape[1])))


def plain(rng: np.random.Generator, n: int, d: int) -> Any:
    return rng.normal(size=(n, d))


def far_off(rng: np.random.Generator, n: int, d: int) -> Any:
    return rng.normal(size=(n, d)) + 1e6


def clusters(rng: np.random.Generator, n: int, d: int) -> Any:
    x = rng.normal(size=(n, d))
    x[: n // 2] += 1e6  # in float32 each cluster would be a handful of points
    x[:3] *= 1e3
    return x


def grid(rng: np.random.Generator, n: int, d: int) -> Any:
    return rng.integers(0, 3, size=(n, d)).astype(float)  # many ties


@pytest.mark.parametrize("make", [plain, far_off, clusters, grid])
@pytest.mark.parametrize(("kind", "d"), [(knn.Line, 1), (knn.Tree, 2), (knn.Tree, 5), (knn.Blocks, 3), (knn.Blocks, 9)])
def test_distances_and_balls_are_those_of_all_pairs(kind: Any, d: int, make: Callable[..., Any]) -> None:
    if kind is knn.Blocks:
        pytest.importorskip("numba")
    rng = np.random.default_rng([d, len(make.__name__)])
    y, x = make(rng, 700, d), make(rng, 150, d)
    found = kind(y.reshape(-1) if d == 1 else y)
    strangers, own = np.sort(all_pairs(x, y), axis=1), np.sort(all_pairs(y, y), axis=1)
    for k in (1, 4, 30):
        np.testing.assert_allclose(found.search(x, k).kth, strangers[:, k - 1], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found.search(y, k, own=True).kth, own[:, k], rtol=1e-9, atol=1e-12)
    radius = 0.5 * (strangers[:, 3] + strangers[:, 4])
    within = strangers <= radius[:, None]
    for most in (3, 40):
        count, reach = found.search(x, 1).within(np.arange(150), radius, most)
        wanted = np.minimum(within.sum(axis=1), most)
        np.testing.assert_array_equal(count, wanted)
        np.testing.assert_allclose(reach, strangers[np.arange(150), wanted - 1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("d", [1, 2, 9])
def test_a_ball_may_be_empty(d: int) -> None:
    y = np.random.default_rng(0).normal(size=(3000, d))
    count, reach = knn.finder(y).search(y[:5] + 100.0, 2).within(np.arange(5), np.full(5, 1.0), 8)
    assert (count == 0).all()
    assert np.isnan(reach).all()


def test_each_finder_where_it_wins() -> None:
    rng = np.random.default_rng(0)
    assert isinstance(knn.finder(rng.normal(size=50)), knn.Line)
    assert isinstance(knn.finder(rng.normal(size=(50, 1))), knn.Line)
    assert isinstance(knn.finder(rng.normal(size=(50, 20))), knn.Tree)


@NEEDS_NUMBA
def test_many_dimensions_go_by_blocks_with_numba_and_by_the_tree_without(monkeypatch: pytest.MonkeyPatch) -> None:
    y = np.random.default_rng(0).normal(size=(5000, 12))
    by_blocks = knn.finder(y)
    assert isinstance(by_blocks, knn.Blocks)
    monkeypatch.setattr(knn, "_topk", lambda: None)
    by_tree = knn.finder(y)
    assert isinstance(by_tree, knn.Tree)
    np.testing.assert_allclose(by_blocks.search(y, 5, own=True).kth, by_tree.search(y, 5, own=True).kth, rtol=1e-12)


@NEEDS_NUMBA
def test_the_number_of_threads_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    from kullback.numerics import _topk

    y = np.random.default_rng(1).normal(size=(5000, 10))
    found = knn.finder(y).search(y, 3, own=True).kth
    for workers in (1, 3):
        monkeypatch.setattr(_topk, "_workers", lambda workers=workers: workers)
        assert (knn.finder(y).search(y, 3, own=True).kth == found).all()
