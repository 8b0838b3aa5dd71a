"""Several distributions, each against each: the same numbers as one by one, in any mixture of kinds."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import kullback as kl

ITEMS = {"a": "normal(0, 1)", "b": stats.norm(1), "c": "student_t(3, 0, 1)", "d": "uniform(0, 1)"}


@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_each_entry_is_the_divergence_of_its_pair(direction: str) -> None:
    found = kl.pairwise(ITEMS, direction=direction)
    assert found.labels == tuple(ITEMS)
    for i, (one, p) in enumerate(ITEMS.items()):
        for j, (other, q) in enumerate(ITEMS.items()):
            pair = kl.divergence(p, q, direction=direction)
            assert found.value[i, j] == found.of(one, other) == (pair.value if i != j else 0)
            assert found.error[i, j] == (pair.error if i != j else 0)
            assert found.status[i, j] is pair.status or i == j
    assert math.isinf(found.of("a", "d") if direction == "forward" else found.of("d", "a"))


def test_rows_of_an_array_are_measured_by_one_pass() -> None:
    rows = np.random.default_rng(0).dirichlet(np.ones(6), 5)
    expected = [[kl.divergence(p, q).value for q in rows] for p in rows]
    for items in (rows, list(rows), rows.tolist(), dict(enumerate(rows))):
        found = kl.pairwise(items)
        assert np.array_equal(found.value, expected)
        assert found.method == "exact"
        assert (np.diag(found.value) == 0).all()
    assert kl.pairwise(7 * rows, normalize=True).value == pytest.approx(np.array(expected), rel=1e-13)
    assert np.array(kl.pairwise(rows)).shape == (5, 5)
    logits = kl.Discrete(logits=np.log(rows))
    assert kl.pairwise(logits).value == pytest.approx(np.array(expected), rel=1e-12, abs=1e-15)


def test_labelled_tables_batches_and_draws() -> None:
    tables = [{"x": 0.5, "y": 0.5}, {"y": 0.25, "x": 0.75}]
    assert kl.pairwise(tables).value[0, 1] == pytest.approx(0.5 * math.log(4 / 3))
    batch = kl.pairwise(stats.norm([0.0, 1.0, 2.0]))
    assert batch.value.tolist() == [[0, 0.5, 2], [0.5, 0, 0.5], [2, 0.5, 0]]
    draws = kl.Sample(np.random.default_rng(0).normal(size=300))
    mixed = kl.pairwise([draws, "normal(0, 1)"], labels=["seen", "meant"])
    assert mixed.error_kind == "standard_error"
    assert mixed.seed == 0


def test_how_it_is_told() -> None:
    found = kl.pairwise(ITEMS)
    assert json.loads(found.to_json())["value"][0][3] == "inf"
    assert "KL(row‖column) in nats" in repr(found)
    assert "support_gap" in repr(found)
    assert "<table>" in kl.pairwise({"<b>": [0.5, 0.5], "c": [0.1, 0.9]})._repr_html_()
    assert "&lt;b&gt;" in kl.pairwise({"<b>": [0.5, 0.5], "c": [0.1, 0.9]})._repr_html_()
    assert "the first 12 shown" in repr(kl.pairwise(np.full((20, 2), 0.5)))
    assert found.bits == pytest.approx(found.value / math.log(2))


@pytest.mark.parametrize(
    ("items", "says"),
    [
        ([], "empty"),
        ([[0.5, 0.6], [0.5, 0.5]], r"items\[0\] sums to 1.1"),
        ({"z": [0.5, 0.6]}, r"items\['z'\] sums to 1.1"),
        (np.array([[0.5, 0.6], [0.5, 0.5]]), "items sums to 1.1"),
        ("normal(0, 1)", "several distributions"),
        ([0.5, 0.5], r"items\[0\] is of type"),
        ([stats.norm([0, 1])], "several in one"),
        ([[0.5, 0.5], [0.2, 0.3, 0.5]], "p = 0, q = 1"),
        (["poisson(3)", {"a": 1.0}], "p = 0, q = 1: no method"),
    ],
)
def test_errors_name_the_item(items: object, says: str) -> None:
    with pytest.raises(kl.KullbackError, match=says):
        kl.pairwise(items)
    with pytest.raises(kl.InputError, match="labels"):
        kl.pairwise([[0.5, 0.5]], labels=["a", "b"])
    with pytest.raises(kl.InputError, match="differ"):
        kl.pairwise([[0.5, 0.5]] * 2, labels=["a", "a"])


@pytest.mark.parametrize("n", [4, 50])
def test_the_picture(n: int, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    rows = np.random.default_rng(0).dirichlet(np.ones(6), n)
    rows[0] = [1, 0, 0, 0, 0, 0]
    found = kl.pairwise(rows, direction="reverse")
    figure = kl.plots.pairwise(found, path=tmp_path / "pairs.png")
    (axes,) = figure.axes
    assert len(axes.texts) == (n * n if n < 12 else 0)
    assert (tmp_path / "pairs.png").stat().st_size > 5000
    with pytest.raises(kl.KindError):
        kl.plots.pairwise(rows)  # type: ignore[arg-type]
