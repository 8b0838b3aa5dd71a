"""Arrays, tables of labels and counts through the front door."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import kullback as kl


def test_a_list_a_tuple_and_an_array_are_probabilities() -> None:
    for p, q in [([0.5, 0.5], [0.9, 0.1]), ((0.5, 0.5), (0.9, 0.1)), (np.array([0.5, 0.5]), np.array([0.9, 0.1]))]:
        assert kl.divergence(p, q).value == pytest.approx(0.5 * math.log(0.5 / 0.9) + 0.5 * math.log(5), rel=1e-15)


def test_the_direction_swaps_the_arguments() -> None:
    p, q = [0.2, 0.8], [0.6, 0.4]
    assert kl.divergence(p, q, direction="reverse").value == kl.divergence(q, p).value
    assert kl.divergence(p, q, direction="reverse").direction == "reverse"


def test_batches_axes_and_joint_tables() -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(4), size=(3, 2))
    q = rng.dirichlet(np.ones(4), size=(3, 2))
    found = kl.divergence(p, q)
    assert found.value.shape == found.error.shape == (3, 2)
    assert found.value[1, 1] == pytest.approx(kl.divergence(p[1, 1], q[1, 1]).value, rel=1e-14)
    turned = kl.divergence(np.moveaxis(p, -1, 0), np.moveaxis(q, -1, 0), axis=0)
    np.testing.assert_allclose(turned.value, found.value, rtol=1e-14)
    joint = kl.divergence(p / 6, q / 6, axis=(0, 1, 2))
    assert float(joint) == pytest.approx(found.value.mean(), rel=1e-13)
    broadcast = kl.divergence(p, q[0, 0])
    assert broadcast.value.shape == (3, 2)
    with pytest.raises(TypeError, match="batch of shape"):
        float(found)
    assert found.status.shape == (3, 2)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f8"])
def test_dtypes(dtype: str) -> None:
    p, q = np.array([0.25, 0.75], dtype), np.array([0.5, 0.5], dtype)
    assert kl.divergence(p, q).value == pytest.approx(0.25 * math.log(0.5) + 0.75 * math.log(1.5), rel=1e-15)


def test_float32_probabilities_pass_their_own_rounding() -> None:
    logits = np.random.default_rng(1).normal(size=(5, 50_000)).astype(np.float32)
    p = np.exp(logits)
    p /= p.sum(axis=-1, keepdims=True)
    assert kl.divergence(p, p[::-1]).value.min() >= 0


def test_memory_maps_and_views(tmp_path: Path) -> None:
    values = np.random.default_rng(2).dirichlet(np.ones(1000))
    np.save(tmp_path / "p.npy", values)
    mapped = np.load(tmp_path / "p.npy", mmap_mode="r")
    strided = np.repeat(values, 2)[::2][::-1]
    assert kl.divergence(mapped, values).value == 0
    assert kl.divergence(strided, values[::-1]).value == 0


def test_jax_arrays_and_tracers() -> None:
    import jax
    import jax.numpy as jnp

    assert kl.divergence(jnp.array([0.5, 0.5]), [0.25, 0.75]).value > 0
    with pytest.raises(kl.KindError, match=r"tracer.*detach"):
        jax.jit(lambda p: kl.divergence(p, p).value)(jnp.array([0.5, 0.5]))


def test_a_tensor_that_carries_gradients_is_refused() -> None:
    class Tensor:
        requires_grad = True

        def __array__(self) -> None:  # pragma: no cover
            raise AssertionError

    with pytest.raises(kl.KindError, match="detach"):
        kl.divergence(Tensor(), [0.5, 0.5])


def test_labels_align_and_counts_are_normalised() -> None:
    p = {"a": 0.5, "b": 0.25, "c": 0.25}
    q = {"c": 0.25, "b": 0.25, "a": 0.5}
    assert kl.divergence(p, q).value == 0
    counts = kl.compare(Counter("aabbbb"), {"a": 0.5, "b": 0.5})
    assert counts.entropy_p == pytest.approx(math.log(3) - 2 / 3 * math.log(2))
    assert "6 counts" in counts.p


def test_a_label_of_p_that_q_lacks_makes_infinity_and_is_named() -> None:
    found = kl.divergence({"a": 0.75, "b": 0.25}, {"a": 0.9, "c": 0.1})
    assert found.value == math.inf
    assert found.status is kl.Status.SUPPORT_GAP
    assert "25 %" in found.detail
    assert "'b'" in found.detail
    back = kl.divergence({"a": 0.9, "c": 0.1}, {"a": 0.75, "b": 0.25}, direction="reverse")
    assert back.value == math.inf
    assert back.detail.startswith("25 % of Q lies where P has none")


def test_logits_keep_what_exp_would_lose() -> None:
    p = kl.Discrete([0.5, 0.5])
    q = kl.Discrete(logits=[0.0, -2000.0])
    assert kl.divergence(p, q).value == pytest.approx(1000 + math.log(0.5), rel=1e-14)
    assert kl.divergence(kl.Discrete(logits=[0.0, -2000.0]), kl.Discrete(logits=[5.0, -1995.0])).value == 0
    assert kl.divergence(kl.Discrete(logits=[0.0, 0.0]), kl.Discrete(logits=[0.0, -np.inf])).value == math.inf
    batch = kl.divergence(kl.Discrete(logits=np.zeros((3, 4))), kl.Discrete(logits=np.eye(3, 4)))
    assert batch.value.shape == (3,)


def test_near_equal_logits_are_exact() -> None:
    rng = np.random.default_rng(3)
    logits = rng.normal(size=100)
    shift = 1e-7 * rng.normal(size=100)
    p, q = np.exp(logits), np.exp(logits + shift)
    p, q = p / p.sum(), q / q.sum()
    found = kl.divergence(kl.Discrete(logits=logits), kl.Discrete(logits=logits + shift))
    quadratic = 0.5 * float(p @ shift**2 - (p @ shift) ** 2)
    assert found.value == pytest.approx(quadratic, rel=1e-6)
    assert found.error < 1e-6 * found.value


@pytest.mark.parametrize(
    ("p", "q", "text"),
    [
        ([0.5, 0.6], [0.5, 0.5], "p sums to 1.1"),
        ([0.5, 0.5], [1.0, 2.0], "q sums to 3"),
        ([1.5, -0.5], [0.5, 0.5], "p holds -0.5 at index 1"),
        ([0.5, 0.5], [math.nan, 0.5], "q holds nan at index 0"),
        ([0.5, math.inf], [0.5, 0.5], "p holds inf at index 1"),
        ([0.5, 0.5], [0.2, 0.3, 0.5], "2 outcomes .* 3"),
        ([], [], "empty"),
        ([0.0, 0.0], [0.5, 0.5], "sums to 0"),
        (["a", "b"], [0.5, 0.5], "numbers"),
        ([[0.5, 0.5], [1.0]], [0.5, 0.5], "ragged"),
        (0.5, [0.5, 0.5], "float"),
        ([1j, 1], [0.5, 0.5], "complex"),
        ({}, {"a": 1.0}, "empty"),
        ({"a": 1.0}, [1.0], "labels"),
        ({"a": 1.0}, {1: 1.0}, "never match"),
        ({"a": "x"}, {"a": 1.0}, "numbers"),
        (object(), [1.0], "no known kind"),
        (None, [1.0], "no known kind"),
    ],
)
def test_bad_input_is_one_clear_error(p: object, q: object, text: str) -> None:
    with pytest.raises(kl.KullbackError, match=text):
        kl.divergence(p, q)


def test_unnormalised_arrays_are_divided_only_when_asked() -> None:
    assert kl.divergence([2, 6], [1, 1], normalize=True).value == pytest.approx(
        kl.divergence([0.25, 0.75], [0.5, 0.5]).value, rel=1e-14
    )


def test_options_that_do_not_exist() -> None:
    with pytest.raises(kl.InputError, match="direction must be"):
        kl.divergence([1.0], [1.0], direction="backward")
    with pytest.raises(kl.InputError, match="did you mean 'exact'"):
        kl.divergence([1.0], [1.0], method="exakt")
    with pytest.raises(kl.NoMethodError, match="does not apply"):
        kl.divergence([1.0], [1.0], method="quadrature")
    with pytest.raises(kl.InputError, match="axis 2 does not exist"):
        kl.divergence([1.0], [1.0], axis=2)
    with pytest.raises(kl.InputError, match="broadcast"):
        kl.divergence(np.full((2, 2), 0.5), np.full((3, 2), 0.5))
    with pytest.raises(kl.InputError, match="2 names for 3"):
        kl.Discrete([0.2, 0.3, 0.5], labels=["a", "b"])
    with pytest.raises(kl.InputError, match="more than once"):
        kl.Discrete([0.5, 0.5], labels=["a", "a"])


def test_compare_of_arrays() -> None:
    c = kl.compare([0.5, 0.3, 0.2, 0.0], [0.25, 0.25, 0.25, 0.25])
    assert c.reverse.value == math.inf
    assert c.jeffreys == math.inf
    assert c.cross_entropy_forward == pytest.approx(math.log(4))
    assert c.cross_entropy_forward - c.entropy_p == pytest.approx(c.forward.value)
    assert c.support.q_outside_p == pytest.approx(0.25)
    terms = c.terms
    assert terms is not None
    assert terms["forward"].sum() == pytest.approx(c.forward.value)
    assert terms["forward_share"].sum() == pytest.approx(1)
    assert terms["reverse_share"].tolist() == [0, 0, 0, 1]
    np.testing.assert_allclose(terms["information_q"], math.log(4))


def test_compare_of_a_batch() -> None:
    c = kl.compare([[0.5, 0.5], [0.1, 0.9]], [0.5, 0.5])
    np.testing.assert_allclose(c.jensen_shannon[0], 0, atol=1e-16)
    assert c.terms is None
    assert "batch" in repr(c)


probabilities = hnp.arrays(np.float64, st.integers(2, 30), elements=st.floats(0, 1, allow_subnormal=True)).filter(
    lambda p: p.sum() > 1e-3
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(probabilities, st.randoms(use_true_random=False))
def test_gibbs_and_data_processing(p: np.ndarray, random: object) -> None:
    rng = np.random.default_rng(random.randrange(2**32))  # type: ignore[attr-defined]
    q = rng.dirichlet(np.ones(len(p)))
    whole = kl.divergence(p, q, normalize=True)
    assert whole.value >= 0
    assert kl.divergence(p, p, normalize=True).value == 0
    cut = int(rng.integers(1, len(p)))
    coarse = kl.divergence([p[:cut].sum(), p[cut:].sum()], [q[:cut].sum(), q[cut:].sum()], normalize=True)
    assert coarse.value <= whole.value + whole.error + coarse.error + 1e-14
    order = rng.permutation(len(p))
    shuffled = kl.divergence(p[order], q[order], normalize=True)
    assert abs(shuffled.value - whole.value) <= whole.error + shuffled.error


def test_a_discrete_is_a_distribution_of_its_own() -> None:
    p = kl.Discrete([0.25, 0.75], labels=["a", "b"])
    assert p.log_prob("b") == pytest.approx(math.log(0.75))
    assert p.log_prob("c") == -math.inf
    draws = p.sample(1000, seed=3)
    assert draws == p.sample(1000, seed=3)
    assert abs(draws.count("b") - 750) < 60
    assert kl.Discrete(logits=[0.0, -800.0]).log_prob(1) == pytest.approx(-800)
    with pytest.raises(kl.InputError, match="batch"):
        kl.Discrete(np.full((2, 2), 0.5)).log_prob(0)
