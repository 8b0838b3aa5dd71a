"""What a point costs, by a clock that is set: one tick a point and some a call."""

import itertools

import numpy as np
import pytest

from kullback._distribution import Density, Facts
from kullback.methods._pace import affordable
from kullback.numerics import pace


class Clock:
    """Time passes only where the function is called."""

    def __init__(self, each: float, call: float) -> None:
        self.now, self.each, self.call = 0.0, each, call

    def perf_counter(self) -> float:
        return self.now

    process_time = perf_counter

    def __call__(self, x: np.ndarray) -> np.ndarray:
        self.now += self.call + self.each * len(x)
        return np.zeros(len(x))


@pytest.mark.parametrize(("each", "call"), list(itertools.product([1e-7, 1e-5, 1e-2], [0.0, 1e-5])))
def test_the_cost_is_a_power_of_ten(monkeypatch: pytest.MonkeyPatch, each: float, call: float) -> None:
    clock = Clock(each, call)
    monkeypatch.setattr(pace, "time", clock)
    assert pace.cost(clock, np.zeros(3)) == pytest.approx(each)
    assert clock.now < 2


def test_a_busy_machine_does_not_make_a_function_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(1e-4, 0.0)
    monkeypatch.setattr(pace, "time", clock)
    monkeypatch.setattr(clock, "process_time", lambda: clock.now / 3, raising=False)
    assert pace.cost(clock, np.zeros(3)) == pytest.approx(10**-4.5)
    monkeypatch.setattr(clock, "process_time", lambda: 0.0, raising=False)  # it waits by its nature
    assert pace.cost(clock, np.zeros(3)) == pytest.approx(10**-4.5)


def test_words_are_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    from kullback._measure._divergence import opened

    monkeypatch.setattr(pace, "time", None)
    x = np.zeros((1, 2))
    for text in ("normal(0, 1)", "0.5*normal(0, 1) + 0.5*gamma(2, 1)"):
        found = opened(text, "p")
        assert isinstance(found, Density)
        assert affordable(None, 10**5, x, found) == 10**5


def test_a_budget_is_the_callers_or_what_a_density_is_worth(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(1e-3, 0.0)
    monkeypatch.setattr(pace, "time", clock)
    slow = Density(clock, vectorized=True, facts=Facts())
    known = Density(clock, vectorized=True, facts=Facts(points=700))
    ours = Density(clock, vectorized=True, facts=Facts(family="normal"))
    x = np.zeros(1)
    assert affordable(7, 10**6, x, slow) == 7
    assert affordable(None, 10**6, x, slow) == 2000
    assert affordable(None, 100, x, slow) == 100
    clock.now = 0.0
    assert affordable(None, 10**6, x, known, ours) == 700
    assert clock.now == 0
