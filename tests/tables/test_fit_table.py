"""A forward normal of a table that an engine holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

import kullback as kl


def held(frame: pl.DataFrame, engine: str) -> Any:
    if engine == "polars":
        return frame.lazy()
    duckdb = pytest.importorskip("duckdb")
    return duckdb.from_arrow(frame.to_arrow())


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize("d", [2, 4])
def test_moments_of_all_rows_and_a_divergence_from_some(engine: str, d: int) -> None:
    rng = np.random.default_rng(d)
    x = rng.standard_normal((50_000, d)) @ rng.standard_normal((d, d)) + 1e6
    frame = pl.DataFrame({f"c{i}": x[:, i] for i in range(d)})
    fit = kl.fit(held(frame, engine), "normal", direction="forward")
    np.testing.assert_allclose(fit.q.parameters["loc"], x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(fit.q.parameters["covariance_matrix"], np.cov(x.T, bias=True), rtol=1e-8)
    assert "all 50000 rows" in " ".join(fit.notes)
    assert abs(fit.forward.value) < 0.01
    with pytest.raises(kl.InputError, match="collect rows first"):
        kl.fit(held(frame, engine), "mixture(2)", direction="forward")


def test_text_columns_are_named() -> None:
    with pytest.raises(kl.InputError, match="select the numeric columns"):
        kl.fit(pl.LazyFrame({"a": [1.0, 2.0], "b": ["x", "y"]}), "normal", direction="forward")
