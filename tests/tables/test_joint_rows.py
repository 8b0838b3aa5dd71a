"""Rows for a joint divergence are taken by chance, also where they repeat."""

from __future__ import annotations

import numpy as np
import polars as pl

import kullback as kl

ROWS = 60_000


def _alike(share: float, seed: int) -> pl.DataFrame:
    """Two digits that agree in this share of rows, and else by chance."""
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 10, ROWS)
    return pl.DataFrame({"a": a, "b": np.where(rng.random(ROWS) < share, a, rng.integers(0, 10, ROWS))})


def test_rows_that_repeat_are_taken_as_often_as_chance_has_it() -> None:
    p, q = _alike(0, 1), _alike(0.5, 2)
    cells = 0.05 * np.eye(10) + 0.005
    truths = float((0.01 * np.log(0.01 / cells)).sum()), float((cells * np.log(cells / 0.01)).sum())
    for seed in range(4):
        found = kl.compare_tables(p, q, joint=["a", "b"], seed=seed).joint
        assert found is not None
        for d, truth in zip((found.forward, found.reverse), truths, strict=True):
            assert abs(d.value - truth) < 4 * d.error  # eight draws: one in two thousand fails
        assert min(found.rows) > 4_500


def test_zeros_in_both_columns_are_no_single_row() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, ROWS, 2))
    y[:, 1] = 0.8 * y[:, 0] + 0.6 * y[:, 1]
    p, q = (np.where(rng.random((ROWS, 2)) < 0.5, 0, z) for z in (x, y))
    tables = [pl.DataFrame(z, schema=["a", "b"]) for z in (p, q)]
    found = kl.compare_tables(*tables, joint=["a", "b"], seed=1).joint
    again = kl.compare_tables(*(t.to_pandas() for t in tables), joint=["a", "b"], seed=1).joint
    assert found is not None
    assert again is not None
    assert abs(found.forward.value - 0.3167) < 4 * found.forward.error  # a quarter of the normals', by the chain rule
    assert found.forward.value == again.forward.value
