"""Results as values: text, intervals, JSON."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import kullback as kl


def test_json_is_valid_and_infinity_is_a_string() -> None:
    found = json.loads(kl.divergence([0.5, 0.5], [1.0, 0.0]).to_json())
    assert found["schema"] == 1
    assert found["value"] == "inf"
    assert found["status"] == "support_gap"
    batch = json.loads(kl.divergence([[0.5, 0.5], [1.0, 0.0]], [1.0, 0.0]).to_json())
    assert batch["value"] == ["inf", 0.0]
    assert batch["status"] == ["support_gap", "ok"]
    for c in (kl.compare([0.5, 0.5], [1.0, 0.0]), kl.compare("normal(0, 1)", "cauchy(0, 1)")):
        loaded = json.loads(c.to_json())
        assert set(loaded) >= {"schema", "forward", "reverse", "entropy", "cross_entropy", "terms", "support"}
    assert json.loads(kl.plan([1.0], [1.0]).to_json())["method"] == "exact"


def test_intervals_bits_and_floats() -> None:
    d = kl.divergence("normal(0, 1)", "laplace(0, 1)")
    low, high = d.confidence_interval(0.9)
    assert low <= d.value <= high
    assert high - low == pytest.approx(2 * d.error, abs=1e-16)
    assert d.bits == pytest.approx(float(d) / math.log(2))
    with pytest.raises(kl.InputError, match="level"):
        d.confidence_interval(95)
    gap = kl.divergence([0.5, 0.5], [1.0, 0.0])
    assert gap.confidence_interval() == (math.inf, math.inf)
    batch = kl.divergence(np.full((2, 2), 0.5), [0.25, 0.75])
    assert batch.confidence_interval()[0].shape == (2,)


def test_texts() -> None:
    d = kl.divergence([0.5, 0.5], [1.0, 0.0])
    assert repr(d).startswith("KL(P‖Q) = ∞")
    assert "index 1" in repr(d)
    assert "<table>" in d._repr_html_()
    c = kl.compare({"<b>": 0.5, "c": 0.5}, {"<b>": 0.9, "c": 0.1})
    assert "cross-entropy" in repr(c)
    assert "<b>'" not in c._repr_html_().replace("<p><b>", "")
    assert c.terms is not None
    assert "&lt;b&gt;" in c.terms._repr_html_()
    plan = kl.plan("student_t(3, 0, 1)", "laplace(0, 1)")
    assert "runs" in repr(plan)
    assert plan.reasons["closed"]
    assert "quadrature" in plan._repr_html_()


def test_compare_of_densities() -> None:
    c = kl.compare("normal(0, 1)", "normal(1, 2)")
    assert c.entropy_p == pytest.approx(0.5 * math.log(2 * math.pi * math.e))
    assert c.cross_entropy_reverse - c.entropy_q == pytest.approx(c.reverse.value)
    assert 0 < c.jensen_shannon < math.log(2)
    assert c.terms is not None
    x = c.terms["x"]
    assert np.trapezoid(c.terms["forward"], x) == pytest.approx(c.forward.value, abs=0.02)
    apart = kl.compare("uniform(0, 1)", "uniform(2, 3)")
    assert apart.jensen_shannon == pytest.approx(math.log(2), abs=1e-9)
    assert apart.support.p_outside_q == pytest.approx(1)
    half = kl.compare("uniform(0, 2)", "uniform(1, 2)")
    assert half.support.p_outside_q == pytest.approx(0.5)
    assert half.reverse.value == pytest.approx(math.log(2))
    mixed = kl.compare("poisson(3)", "normal(3, 2)")
    assert mixed.forward.value == mixed.reverse.value == math.inf
    assert mixed.jensen_shannon == pytest.approx(math.log(2))


def test_compare_on_the_integers_and_in_the_plane() -> None:
    c = kl.compare("poisson(3)", "geometric(0.25)")
    assert c.terms is not None
    assert c.terms["forward"].sum() == pytest.approx(c.forward.value, abs=1e-6)
    entropy = -np.sum([p * math.log(p) for p in c.terms["p"]])
    assert c.entropy_p == pytest.approx(entropy, abs=1e-6)
    plane = kl.compare(
        "multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]])", "multivariate_normal([1, 0], [[1, 0], [0, 2]])"
    )
    assert plane.terms is not None
    assert {"x", "y", "p", "q", "forward", "reverse"} <= set(plane.terms.columns)
    assert 0 < plane.jensen_shannon < math.log(2)


def test_results_are_frozen() -> None:
    d = kl.divergence([0.5, 0.5], [0.25, 0.75])
    with pytest.raises(AttributeError):
        d.value = 0.0  # type: ignore[misc]


def test_progress_shows_what_was_said_before_a_long_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from kullback.methods import _progress

    monkeypatch.setattr(_progress.sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(_progress, "PATIENCE", 0.0)
    monkeypatch.setattr(_progress.time, "monotonic", iter([0.0, -1.0]).__next__)  # said at once, shown by the timer
    with _progress.Progress() as say:
        say("compiling")
        assert say._later is not None
        say._later.join()
    assert "compiling" in capsys.readouterr().err
