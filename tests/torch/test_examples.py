"""The example in torch, run small."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_distill(tmp_path: Path) -> None:
    """Sixty steps: forward misses least of the teacher and reverse wastes least."""
    found = runpy.run_path(str(EXAMPLES / "distill.py"))["main"](["--small", "--out", str(tmp_path / "it.svg")])
    assert (tmp_path / "it.svg").stat().st_size > 10_000
    rows = found.rows
    assert min(rows, key=lambda name: rows[name].missed) == "forward"
    assert min(rows, key=lambda name: rows[name].wasted) == "reverse"
    for name, row in rows.items():
        assert 0.0 < row.jensen_shannon < min(row.forward, row.reverse), name
        assert (row.missed, row.wasted) == pytest.approx(tuple(found.places[name].mean(0)), rel=1e-6)
