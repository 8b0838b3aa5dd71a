"""What comes in by mistake, in odd types, or under odd settings: the same numbers, or an error that helps."""

from __future__ import annotations

import array
import datetime
import math
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import scipy.sparse
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


def numbers() -> dict[str, Any]:
    half = np.array([0.5, 0.5])
    return {
        "fractions": [Fraction(1, 2)] * 2,
        "decimals": [Decimal("0.5")] * 2,
        "mixed": [Fraction(1, 2), 0.5],
        "objects": half.astype(object),
        "array.array": array.array("d", [0.5, 0.5]),
        "memoryview": memoryview(half),
        "sparse": scipy.sparse.coo_array(half),
        "half": half.astype(np.float16),
        "long": half.astype(np.longdouble),
        "column": scipy.sparse.csr_matrix(half[None]),
        "as a Discrete": kl.Discrete([Fraction(1, 2)] * 2),
    }


@pytest.mark.parametrize("name", numbers())
def test_every_type_of_number(name: str) -> None:
    assert float(np.squeeze(kl.divergence(numbers()[name], [0.75, 0.25]))) == pytest.approx(HALF, rel=1e-15)
    assert float(np.squeeze(kl.divergence([0.5, 0.5], numbers()[name]))) == 0


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_small_floats(name: str) -> None:
    small = getattr(pytest.importorskip("ml_dtypes"), name)
    p = np.array([0.5, 0.5]).astype(small)
    assert kl.divergence(p, [0.75, 0.25]).value == pytest.approx(HALF, rel=1e-15)
    rounded = np.array([0.5, 0.4995]).astype(np.float32)  # what a sum may be off is what their digits are worth
    with pytest.raises(kl.InputError, match=r"sums to 0\.9995"):
        kl.divergence(rounded, rounded)
    coarse = kl.Discrete(p)
    assert coarse.coarse


def test_what_holds_no_numbers_says_what_it_holds() -> None:
    for bad in ([0.5, "a"], [0.5, None], [10**400, 1], ["a", "b"], np.array([(0.5,)], dtype=[("x", float)])):
        with pytest.raises(kl.InputError, match=r"^p: probs (must hold|holds) numbers"):
            kl.divergence(np.array(bad, dtype=object) if isinstance(bad, list) else bad, [0.5, 0.5])


NAN = float("nan")


@pytest.mark.parametrize(
    ("p", "q", "true"),
    [
        ({NAN: 0.5, "a": 0.5}, {float("nan"): 0.75, "a": 0.25}, HALF),
        ({np.float32("nan"): 0.5, "a": 0.5}, {NAN: 0.75, "a": 0.25}, HALF),
        ({Decimal("nan"): 0.5, "a": 0.5}, {NAN: 0.75, "a": 0.25}, HALF),
        ({np.str_("a"): 0.5, np.str_("b"): 0.5}, {"a": 0.75, "b": 0.25}, HALF),
        ({np.int8(1): 0.5, 2: 0.5}, {1.0: 0.75, np.float32(2): 0.25}, HALF),
        ({Decimal(1): 0.5, Fraction(2): 0.5}, {1.0: 0.75, 2: 0.25}, HALF),
        ({True: 0.5, False: 0.5}, {1: 0.75, 0: 0.25}, HALF),
        ({np.datetime64("2020-01-01"): 1.0}, {datetime.date(2020, 1, 1): 1.0}, 0),
        ({np.datetime64("2020-01-01T00:00:00.000000000"): 1.0}, {datetime.datetime(2020, 1, 1): 1.0}, 0),
    ],
)
def test_labels_that_are_equal_in_python_are_one(p: Any, q: Any, true: float) -> None:
    assert kl.divergence(p, q).value == pytest.approx(true, rel=1e-15)
    assert kl.divergence(kl.Discrete(p), kl.Discrete(q)).value == pytest.approx(true, rel=1e-15)


def test_labels_of_pandas() -> None:
    pd = pytest.importorskip("pandas")
    stamp = {pd.Timestamp("2020-01-01"): 0.5, pd.NaT: 0.5}
    assert kl.divergence(stamp, {datetime.datetime(2020, 1, 1): 0.75, NAN: 0.25}).value == pytest.approx(HALF)
    counts = [pd.Series(x).value_counts(dropna=False, normalize=True) for x in ([1, NAN, NAN, 1], [1, NAN, NAN, NAN])]
    assert kl.divergence(*(kl.Discrete(c) for c in counts)).value == pytest.approx(HALF)
    assert kl.divergence({pd.NA: 0.5, "a": 0.5}, {pd.NA: 0.75, "a": 0.25}).value == pytest.approx(HALF)


def test_labels_that_cannot_serve() -> None:
    with pytest.raises(kl.InputError, match=r"hashable; \['a'\] is a list"):
        kl.Discrete([0.5, 0.5], labels=[["a"], ["b"]])
    with pytest.raises(kl.InputError, match="more than once"):
        kl.divergence({NAN: 0.25, float("nan"): 0.25, "a": 0.5}, {"a": 1.0})
    with pytest.raises(kl.InputError, match="can never match"):
        kl.divergence({1: 0.5, 2: 0.5}, {"1": 0.5, "2": 0.5})


def test_scipys_families_that_were_not_called() -> None:
    assert kl.divergence(stats.norm, stats.norm(1)).value == 0.5
    histogram = stats.rv_histogram(np.histogram([1, 2, 2, 3]))
    assert kl.divergence(histogram, "normal(0, 3)").value == kl.divergence(histogram(), "normal(0, 3)").value
    with pytest.raises(kl.KindError, match=r"scipy.stats.gamma\(a, loc=0, scale=1\)"):
        kl.divergence(stats.gamma, "normal(0, 1)")
    with pytest.raises(kl.KindError, match="multivariate_normal is a family"):
        kl.divergence(stats.multivariate_normal, "normal(0, 1)")
    with pytest.raises(kl.KindError, match="is the class Normal itself"):
        kl.divergence(stats.Normal, "normal(0, 1)")


@pytest.mark.parametrize(
    "several", [[stats.norm(), stats.norm(1)], ["normal(0, 1)", "normal(1, 1)"], [{"a": 1.0}], [kl.Sample([1.0, 2])]]
)
def test_lists_of_distributions_are_pointed_to_pairwise(several: Any) -> None:
    with pytest.raises(kl.InputError, match=r"list of distributions.*kl\.pairwise"):
        kl.divergence(several, "normal(0, 1)")


def test_tracers_are_refused_wherever_they_come() -> None:
    jax = pytest.importorskip("jax")
    dist = pytest.importorskip("numpyro.distributions")
    flat, standard = [0.5, 0.5], "normal(0, 1)"
    calls = [
        lambda x: kl.divergence(x, flat),
        lambda x: kl.divergence([x[0], x[1]], flat),
        lambda x: kl.divergence({"a": x[0], "b": x[1]}, {"a": 0.5, "b": 0.5}),
        lambda x: kl.divergence(kl.Discrete(logits=x), flat),
        lambda x: kl.divergence(kl.Sample(x), standard),
        lambda x: kl.divergence(dist.Normal(x[0], 1.0), standard),
        lambda x: kl.divergence(dist.TruncatedNormal(x[0], 1.0, low=0.0), standard),
        lambda x: kl.compare(x, flat).forward,
    ]
    for call in calls:
        with pytest.raises(kl.KindError, match="tracer"):
            jax.jit(lambda x, call=call: call(x).value)(np.array(flat))


def test_threads_give_the_same_bits() -> None:
    rng = np.random.default_rng(0)
    p, q = (rng.dirichlet(np.ones(300_000)) for _ in range(2))

    def values() -> tuple[Any, ...]:
        pairs = [(p, q), ("student_t(3, 0, 1)", "laplace(0, 1)"), ("poisson(3)", "geometric(0.3)")]
        return tuple(kl.divergence(*pair).value for pair in pairs)

    def strictly() -> tuple[Any, ...]:
        with np.errstate(all="raise"):
            return values()

    with ThreadPoolExecutor(4) as pool:
        found = {future.result() for future in [pool.submit(f) for f in (values, strictly) * 3]}
    assert found == {values()}


@pytest.mark.parametrize(
    ("p", "q", "leads"),
    [
        ({"a": 0.2, "b": 0.8}, "poisson(3)", r"the outcomes of P are labels \('a', 'b'\) and Q lives on the integers"),
        ("poisson(3)", {"a": 0.2, "b": 0.8}, r"the outcomes of Q are labels \('a', 'b'\) and P lives on the integers"),
        ({"a": 0.2, "b": 0.8}, kl.Sample([1.0, 2.0]), "the outcomes of P are labels"),
        ([0.2, 0.8], kl.Sample([1.5, 2.0]), "needs outcomes that recur"),
    ],
)
def test_no_method_leads_with_what_is_missing(p: Any, q: Any, leads: str) -> None:
    with pytest.raises(
        kl.NoMethodError, match=rf"^no method measures KL of P = [^:]*: [^.]*{leads}.*All reasons: support:"
    ):
        kl.divergence(p, q)
