"""What a few rows foresee saves passes, and changes no count."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import kullback as kl
from kullback.tables import _foresee, _grid

N = 60_000


def _columns(seed: int, shift: float) -> pl.DataFrame:
    r = np.random.default_rng(seed)
    late = np.where(np.arange(N) < 30_000, 0.0, 1e6)  # what the first rows do not tell
    return pl.DataFrame(
        {
            "normal": r.normal(size=N) + shift,
            "far": r.standard_cauchy(N) * (1 + shift),
            "amount": np.floor(r.lognormal(8 + shift, 1.5, N)).astype(np.int64),
            "zeros": np.where(r.random(N) < 0.4, 0.0, r.lognormal(3, 2, N)),
            "late": r.normal(size=N) + late,
            "few": r.integers(0, 5, N) * 1.5,
            "odd": np.where(r.random(N) < 0.01, np.nan, r.pareto(1.0, N)),
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("large")
    for name, seed, shift in (("p", 0, 0.0), ("q", 1, 0.2)):
        _columns(seed, shift).write_parquet(folder / f"{name}.parquet")
    return folder


def test_the_numbers_are_the_same_in_fewer_queries(folder: Path, monkeypatch: Any) -> None:
    asked: list[int] = []
    real = _grid.count

    def counted(sides: Any, tasks: Any, odd: Any, held: Any) -> Any:
        asked.append(len(tasks))
        return real(sides, tasks, odd, held)

    monkeypatch.setattr(_grid, "count", counted)
    found = {}
    for large in (10**9, 1000):
        asked.clear()
        monkeypatch.setattr(_foresee, "LARGE", large)
        found[large] = (kl.compare_tables(folder / "p.parquet", folder / "q.parquet"), sum(asked))
    (plain, many), (foreseen, fewer) = found.values()
    assert fewer < many
    for c in plain.columns:
        other = foreseen[c.column]
        assert foreseen.reference.partitions[c.column] == plain.reference.partitions[c.column]
        for key in ("outcome", "count_p", "count_q"):
            assert list(other.terms[key]) == list(c.terms[key]), c.column
