"""What comes in by mistake, in odd types, or under odd settings: the same numbers, or an error that helps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

import kullback as kl

HALF = 0.14384103622589045  # KL((½, ½)‖(¾, ¼)) = ½ log(4/3)
DRAWS = np.random.default_rng(0).normal(size=100)
BESIDE = ["normal(0, 1)", stats.norm(), kl.Density(lambda x: -abs(x) - math.log(2)), kl.Sample([0.1, 0.7, 2.0])]


@pytest.mark.parametrize("q", BESIDE, ids=["text", "scipy", "density", "sample"])
@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ([0.3, -1.2, 2.2], "holds -1.2 at index 1"),
        ([math.nan, 1.0], "holds nan at index 0"),
        ([math.inf, 1.0], "holds inf at index 0"),
        ([0.5, 0.6], r"sums to 1.1, not to 1.*kl.Sample"),
        (DRAWS, r"kl.Sample"),
        (DRAWS.reshape(50, 2), r"index \(0, 1\).*kl.Sample"),
        (kl.Discrete(logits=[math.nan, 0.0]), "holds nan"),
        ("categorical([0.5, 0.6])", "sums to 1.1"),
    ],
)
def test_draws_passed_as_an_array_are_caught_by_their_sum(bad: Any, says: str, q: Any) -> None:
    for call in (
        lambda: kl.divergence(bad, q),
        lambda: kl.divergence(bad, q, direction="reverse"),
        lambda: kl.compare(bad, q),
        lambda: kl.plan(bad, q),
    ):
        with pytest.raises(kl.InputError, match=f"^p .*{says}"):
            call()
    with pytest.raises(kl.InputError, match=f"^q .*{says}"):
        kl.divergence(q, bad)
    with pytest.raises(kl.InputError, match=f"^q .*{says}"):
        kl.divergence(q, bad, direction="reverse")


def test_errors_of_two_arrays_name_the_arguments_of_the_caller() -> None:
    for direction in ("forward", "reverse"):
        with pytest.raises(kl.InputError, match=r"^p sums to 1.1"):
            kl.divergence([0.5, 0.6], [0.5, 0.5], direction=direction)


def test_rows_of_tables_are_measured_against_one_mass() -> None:
    rows = np.array([[0.2, 0.8], [0.1, 0.9]])
    found = kl.divergence(rows, "poisson(3)")
    assert found.value.tolist() == [kl.divergence(row, "poisson(3)").value for row in rows]
    assert np.isinf(kl.divergence("poisson(3)", rows).value).all()


@pytest.mark.parametrize(
    ("p", "q"),
    [
        ("student_t(3, 0, 1)", "laplace(1, 1)"),
        (stats.poisson(1000), stats.nbinom(10, 0.01)),
        (kl.Discrete(logits=[0.0, -1000.0]), kl.Discrete(logits=[-1000.0, 0.0])),
        (np.array([5e-324, 1.0]), np.array([1e-300, 1.0])),
        (stats.genhyperbolic(1, 2, 0.3), stats.t(3)),
        ("multivariate_normal([0, 0], [[1, 0], [0, 1e-9]])", "multivariate_student_t(3, [0, 0], [[1, 0], [0, 1]])"),
    ],
)
def test_the_callers_floating_point_settings_change_nothing(p: Any, q: Any) -> None:
    plain = kl.compare(p, q)
    with np.errstate(all="raise"):
        strict = kl.compare(p, q)
        assert (strict.forward.value, strict.reverse.value) == (plain.forward.value, plain.reverse.value)
        assert strict.to_json() == plain.to_json()
        if not isinstance(plain.forward.value, np.ndarray):
            assert kl.divergence(p, q).value == plain.forward.value


def test_axes() -> None:
    p, q = np.full((2, 2), 0.25), np.array([[0.1, 0.2], [0.3, 0.4]])
    whole = kl.divergence(p.ravel(), q.ravel()).value
    assert kl.divergence(p, q, axis=None).value == kl.divergence(p, q, axis=(0, 1)).value == pytest.approx(whole)
    assert kl.compare(p, q, axis=None).forward.value == pytest.approx(whole)
    assert kl.divergence([0.5, 0.5], [0.75, 0.25], axis=None).value == pytest.approx(HALF)
    with pytest.raises(kl.InputError, match=r"axis must be different axes; \(0, -2\)"):
        kl.divergence(p, q, axis=(0, -2))
    many = np.ones((1,) * 60 + (2, 2)) / 4
    with pytest.raises(kl.InputError, match="62 dimensions"):
        kl.divergence(many, many, axis=None)


def test_a_divergence_is_a_number_where_one_is_expected() -> None:
    d, e = kl.divergence("normal(0, 1)", "normal(1, 1)"), kl.divergence("normal(0, 1)", "normal(2, 1)")
    assert d < 0.6
    assert d <= e
    assert not d > e
    assert d == 0.5
    assert d != e
    assert {d, e, 0.5} == {0.5, 2.0}
    assert (d is None, d == "a") == (False, False)
    assert f"{d:.3f}" == "0.500"
    assert f"{d}" == str(d)
    assert sum([d, e]) == 2.5
    assert max([d, e]) is e
    assert sorted([e, d])[0] is d
    assert np.mean([d, e]) == 1.25
    assert np.sqrt(e) == math.sqrt(2)
    assert (d + 1, 1 - d, -d, abs(d), d * 2, 1 / d, d / e, 2**e, e**2) == (1.5, 0.5, -0.5, 0.5, 1, 2, 0.25, 4, 4)
    assert round(kl.divergence([0.5, 0.5], [0.75, 0.25]), 3) == 0.144
    assert d == pytest.approx(0.5)
    with pytest.raises(TypeError):
        d + "a"
    many = kl.divergence(np.full((2, 2), 0.5), [0.75, 0.25])
    assert (many < 1).tolist() == [True, True]
    assert (2 * many).tolist() == pytest.approx([2 * HALF] * 2)
    assert np.mean(many) == pytest.approx(HALF)
    assert (many == many.value).all()
    assert hash(many) == hash(many)


def test_base_is_answered_with_the_way() -> None:
    with pytest.raises(kl.InputError, match=r"\.bits"):
        kl.divergence([0.5, 0.5], [0.75, 0.25], base=2)  # type: ignore[arg-type]
