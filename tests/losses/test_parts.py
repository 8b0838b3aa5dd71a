"""What surrounds the losses, in NumPy and JAX: masks, heads, shortened teachers, policies, normals, measures, laws."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kullback as kl
from kullback import losses
from losses_cases import LOSSES

LIBRARIES: dict[str, Any] = {"numpy": np.asarray, "jax": jnp.asarray}
mostly_numpy = pytest.mark.parametrize(
    "make", [np.asarray, pytest.param(jnp.asarray, marks=pytest.mark.slow)], ids=["numpy", "jax"]
)  # JAX compiles each step of these
every_library = pytest.mark.parametrize("make", LIBRARIES.values(), ids=LIBRARIES)


def call(loss: str, options: dict[str, Any], **more: Any) -> Any:
    first = (options["alpha"],) if loss == "between" else ()
    return getattr(losses, loss)(*first, **{k: v for k, v in options.items() if k != "alpha"}, **more)


def pair(seed: int = 0, shape: tuple[int, ...] = (6, 9)) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape).astype(np.float32), rng.normal(size=shape).astype(np.float32)


def test_import_brings_neither_torch_nor_jax() -> None:
    code = "import sys, kullback.losses; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "jax", "scipy"} & set(done.stdout.split())


@given(st.integers(0, 10**6), st.integers(1, 12), st.sampled_from(LOSSES), st.floats(-1e4, 1e4))
@settings(max_examples=60, deadline=None)
def test_laws(seed: int, size: int, case: tuple[str, dict[str, Any]], shift: float) -> None:
    loss, options = case
    t, s = (x.astype(np.float64) for x in pair(seed, (4, size)))
    value = call(loss, options, p_logits=t, q_logits=s)
    assert (value >= 0).all()
    order = np.random.default_rng(seed).permutation(size)
    for p, q in ((t[:, order], s[:, order]), (t + shift, s), (t, s - shift)):
        np.testing.assert_allclose(call(loss, options, p_logits=p, q_logits=q), value, rtol=1e-9, atol=1e-20)
    assert (call(loss, options, p_logits=t, q_logits=t) == 0).all()
    mask = np.array([True, False, True, True])
    mean = call(loss, options, p_logits=t, q_logits=s, mask=mask, reduction="mean")
    assert mean == pytest.approx(value[mask].mean(), rel=1e-12)
    parts = [
        call(loss, options, p_logits=t[i], q_logits=s[i], mask=mask[i], reduction="mean", count=3)
        for i in (slice(0, 1), slice(1, 4))
    ]
    assert sum(parts) == pytest.approx(mean, rel=1e-12)
    np.testing.assert_allclose(
        losses.forward(p_logits=t, q_logits=s), losses.reverse(p_logits=s, q_logits=t), rtol=1e-12
    )
    for near, end in ((losses.between(1e-7, p_logits=t, q_logits=s), "reverse"),
                      (losses.jensen_shannon(p_logits=t, q_logits=s, weight=1e-7, scaled=True), "forward"),
                      (losses.reverse(p_logits=t, q_logits=s, skew=1e-9), "reverse")):  # fmt: skip
        np.testing.assert_allclose(near, getattr(losses, end)(p_logits=t, q_logits=s), rtol=1e-4, atol=1e-12)


@every_library
def test_masked_rows_are_not_read(make: Any) -> None:
    t, s = pair()
    mask = np.array([True, False, True, True, False, True])
    broken = s.copy()
    broken[1], broken[4, 0] = math.nan, math.inf
    found = losses.reverse(p_logits=make(t), q_logits=make(broken), mask=make(mask))
    np.testing.assert_allclose(found, np.where(mask, losses.reverse(p_logits=t, q_logits=s), 0), rtol=1e-5)
    nothing = losses.forward(p_logits=make(t), q_logits=make(broken), mask=make(0 * mask > 0), reduction="mean")
    assert nothing == 0


def test_masked_rows_have_no_gradient_in_jax() -> None:
    t, s = pair()
    mask = jnp.array([True, False, True, True, False, True])
    broken = jnp.asarray(s).at[1].set(math.nan)
    for reduction, lean in (("none", True), ("mean", False)):

        def run(q: Any, mask: Any, reduction: str = reduction, lean: bool = lean) -> Any:
            options: dict[str, Any] = {"mask": mask, "reduction": reduction, "lean": lean}
            return losses.reverse(p_logits=jnp.asarray(t), q_logits=q, **options).sum()

        grad = jax.jit(jax.grad(run))
        g = grad(broken, mask)
        assert (g[~np.asarray(mask)] == 0).all()
        np.testing.assert_allclose(g, grad(jnp.asarray(s), mask), atol=1e-7)
        assert (grad(broken, mask & False) == 0).all()


def test_transforms_of_jax() -> None:
    t, s = (jnp.asarray(x) for x in pair(1, (3, 5)))
    loss = lambda t, s, **more: losses.forward(p_logits=t, q_logits=s, **more)  # noqa: E731
    true = jax.nn.softmax(s) - jax.nn.softmax(t)
    grad = jax.grad(lambda t, s: loss(t, s).sum(), 1)
    for run in (grad, jax.jit(jax.vmap(jax.jit(grad)))):
        np.testing.assert_allclose(run(t, s), true, atol=1e-7)
    _, each = jax.lax.scan(lambda c, x: (c, grad(x[0], x[1])), 0.0, (t[:, None], s[:, None]))
    np.testing.assert_allclose(each[:, 0], true, atol=1e-7)
    both = jax.grad(lambda t, s: loss(t, s, p_grad=True).sum())(t, s)
    np.testing.assert_allclose(both, jax.grad(lambda t: losses.reverse(p_logits=s, q_logits=t).sum())(t), atol=1e-6)
    assert (jax.grad(lambda t: loss(t, s).sum())(t) == 0).all()


@pytest.mark.slow
def test_derivatives_of_any_order_in_jax() -> None:
    t, s = (jnp.asarray(x) for x in pair(1, (3, 5)))
    true = jax.nn.softmax(s) - jax.nn.softmax(t)
    loss = lambda t, s, **more: losses.forward(p_logits=t, q_logits=s, **more)  # noqa: E731
    plain = lambda s: loss(t[:1], s[None], lean=False)[0]  # noqa: E731
    q = jax.nn.softmax(s[0])
    np.testing.assert_allclose(jax.hessian(plain)(s[0]), jnp.diag(q) - jnp.outer(q, q), atol=1e-6)
    np.testing.assert_allclose(jax.jvp(plain, (s[0],), (s[1],))[1], true[0] @ s[1], rtol=1e-4)


def test_wide_arithmetic_where_jax_has_it() -> None:
    with jax.enable_x64(True):
        t, s = (jnp.asarray(x, jnp.float64) for x in pair(2))
        value = losses.reverse(p_logits=t, q_logits=s)
        assert value.dtype == jnp.float64
        np.testing.assert_allclose(value, losses.reverse(p_logits=np.asarray(t), q_logits=np.asarray(s)), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_in_jax(dtype: str) -> None:
    t, s = (jnp.asarray(x).astype(dtype) for x in pair(3))
    value, g = jax.value_and_grad(lambda s: losses.forward(p_logits=t, q_logits=s).sum())(s)
    wide = [np.asarray(x.astype(jnp.float32)) for x in (t, s)]
    assert value == pytest.approx(losses.forward(p_logits=wide[0], q_logits=wide[1]).sum(), rel=1e-6)
    assert g.dtype == dtype


@pytest.mark.parametrize(
    ("reduction", "more"),
    [
        ("mean", {"scale": 0.5, "softcap": 2.0}),
        pytest.param("none", {}, marks=pytest.mark.slow),
        pytest.param("mean", {}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_heads(reduction: str, more: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    hidden, weight, bias = (jnp.asarray(rng.normal(size=x), jnp.float32) for x in ((7, 3), (11, 3), (11,)))
    t = jnp.asarray(rng.normal(size=(7, 11)), jnp.float32)
    mask = jnp.arange(7) != 2

    def logits(h: Any, w: Any, b: Any) -> Any:
        z = (h @ w.T + b) * more.get("scale", 1.0)
        return more["softcap"] * jnp.tanh(z / more["softcap"]) if more else z

    def run(parts: Any, reduction: str, made: bool) -> Any:
        options: dict[str, Any] = {"mask": mask, "reduction": reduction, "rows": 3}
        side = {"q_logits": logits(*parts)} if made else {"q": losses.Head(*parts, **more)}
        return (losses.reverse(p_logits=t, **side, **options) * (1.0 + jnp.arange(7.0))).sum()

    found, true = (
        jax.jit(jax.grad(run), static_argnums=(1, 2))((hidden, weight, bias), reduction, made) for made in (False, True)
    )
    for a, b in zip(found, true, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5)
    plain = losses.forward(
        p_logits=np.asarray(t), q=losses.Head(*(np.asarray(x) for x in (hidden, weight, bias)), **more)
    )
    np.testing.assert_allclose(
        losses.forward(p_logits=t, q=losses.Head(hidden, weight, bias, **more)), plain, rtol=1e-5
    )


@every_library
@pytest.mark.parametrize(
    ("q", "value"),
    [
        ((0.55, 0.35, 0.05, 0.05), 0.044729142261649),
        ((0.5, 0.3, 0.1, 0.1), 0.0),
        ((0.05, 0.03, 0.46, 0.46), 1.53685681),
    ],
)
def test_a_bucket_for_the_tail(q: Any, value: float, make: Any) -> None:
    top = losses.Top(make(np.array([0, 1])), make(np.log(np.array([0.5, 0.3], np.float32))))
    found = losses.forward(p=top, q_logits=make(np.log(np.array(q, np.float32))))
    assert found == pytest.approx(value, rel=1e-6, abs=1e-7)


@pytest.mark.slow
def test_a_bucket_has_the_right_gradient() -> None:
    """A confident student: the tail's pull is −0.1."""
    top = losses.Top(jnp.array([0, 1]), jnp.log(jnp.array([0.8, 0.1])))
    value, g = jax.value_and_grad(lambda s: losses.forward(p=top, q_logits=s))(jnp.array([30.0, 0.0, 0.0]))
    assert value == pytest.approx(5.36096814035001, rel=1e-6)
    np.testing.assert_allclose(g, [0.2, -0.1, -0.1], atol=1e-6)
    same = jax.grad(lambda s: losses.forward(p=losses.shorten(p_logits=s, k=2), q_logits=s))(jnp.array([1.0, 0, 3, 2]))
    np.testing.assert_allclose(same, 0.0, atol=1e-7)


@mostly_numpy
def test_shortening(make: Any) -> None:
    t, s = pair(5, (3, 2, 50))
    top = losses.shorten(p_logits=make(t), k=4, temperature=2.0)
    assert top.ids.shape == (3, 2, 4)
    p = np.exp(t / 2)
    p /= p.sum(-1, keepdims=True)
    np.testing.assert_allclose(np.exp(top.log_probs), -np.sort(-p, -1)[..., :4], rtol=1e-5)
    bucket = losses.forward(p=top, q_logits=make(s), temperature=2.0)
    whole = losses.forward(p_logits=make(t), q_logits=make(s), temperature=2.0)
    assert (bucket < whole).all()
    alls = losses.shorten(p_logits=make(t), k=50, temperature=2.0)
    true = losses.reverse(p_logits=make(t), q_logits=make(s), temperature=2.0)
    np.testing.assert_allclose(losses.reverse(p=alls, q_logits=make(s), temperature=2.0), true, rtol=2e-5)
    with pytest.raises(kl.InputError, match=r"made at temperature 2.0"):
        losses.forward(p=top, q_logits=make(s))
    head = losses.Head(make(t[..., :5]), make(np.eye(9, 5, dtype=np.float32)))
    logits = np.pad(t[..., :5], ((0, 0), (0, 0), (0, 4)))
    np.testing.assert_allclose(
        losses.shorten(p=head, k=3).log_probs, losses.shorten(p_logits=logits, k=3).log_probs, rtol=1e-5
    )


@every_library
def test_draws_from_the_tail_are_unbiased(make: Any) -> None:
    """4 standard errors of 20,000 tokens."""
    n = 20_000
    t, s = (np.tile(x, (n, 1)) for x in pair(6, (1, 12)))
    top = losses.shorten(p_logits=make(t), k=3, draws=2, seed=1)
    found = np.asarray(losses.forward(p=top, q_logits=make(s)))
    true = losses.forward(p_logits=t[0], q_logits=s[0])
    assert abs(found.mean() - true) < 4 * found.std() / math.sqrt(n)
    again = losses.shorten(p_logits=make(t), k=3, draws=2, seed=1)
    assert (np.asarray(again.ids) == np.asarray(top.ids)).all()
    with pytest.raises(kl.InputError, match="unbiased for the forward"):
        losses.reverse(p=top, q_logits=make(s))
    if make is jnp.asarray:
        g = jax.grad(lambda q: losses.forward(p=top, q_logits=q, reduction="mean"))(make(s)).sum(0)
        p, q = (np.exp(x[0]) / np.exp(x[0]).sum() for x in (t, s))
        assert np.abs(np.asarray(g) - (q - p)).max() < 4 * 0.5 / math.sqrt(n)


ACTIONS, STEPS = 3, 4
EVERY = np.array(list(itertools.product(range(ACTIONS), repeat=STEPS)))
PLACES = np.cumsum([0, *(ACTIONS**i for i in range(STEPS))])  # where the prefixes of each length begin in a table
ROWS = np.stack([PLACES[i] + EVERY[:, :i] @ ACTIONS ** np.arange(i)[::-1] for i in range(STEPS)], 1).astype(int)


def table_policy(seed: int) -> Any:
    """Logits for every prefix."""
    return jnp.asarray(np.random.default_rng(seed).normal(size=(PLACES[-1], ACTIONS)))


def chosen(table: Any) -> Any:
    """The log-probability of each step of each sequence there is."""
    return jnp.take_along_axis(jax.nn.log_softmax(table)[ROWS], EVERY[..., None], -1)[..., 0]


@pytest.mark.parametrize("behaviour", [None, pytest.param(3, marks=pytest.mark.slow)])
def test_a_policy_gradient_has_no_bias(behaviour: int | None) -> None:
    """Every sequence, weighted by its probability under the policy that drew it, against the KL of whole sequences."""
    with jax.enable_x64(True):
        logits = table_policy(0)
        reference = logits + 0.5 * table_policy(1)
        drawn = logits if behaviour is None else table_policy(behaviour)
        chance = jnp.exp(chosen(drawn).sum(-1))

        def whole(x: Any) -> Any:
            return (jnp.exp(chosen(x).sum(-1)) * (chosen(x) - chosen(reference)).sum(-1)).sum()

        spreads = []
        for exact in (True, False):

            def one(x: Any, i: Any, exact: bool = exact) -> Any:
                tensors = {"q_log_prob": chosen(x)[i][None], "p_log_prob": chosen(reference)[i][None]}
                if behaviour is not None:
                    tensors["behaviour_log_prob"] = chosen(drawn)[i][None]
                if exact:
                    tensors |= {"q_logits": x[ROWS][i][None], "p_logits": reference[ROWS][i][None]}
                found = losses.policy(**tensors)
                return found.loss, found.value

            each = jax.jit(jax.vmap(jax.grad(one, has_aux=True), (None, 0)))
            gradients, values = each(logits, jnp.arange(len(EVERY)))
            mean = jnp.tensordot(chance, gradients, 1)
            np.testing.assert_allclose(mean, jax.grad(whole)(logits), atol=1e-12)
            assert float(chance @ values) == pytest.approx(float(whole(logits)), abs=1e-12)
            spreads.append(float(chance @ ((gradients - mean) ** 2).sum((1, 2))))
        if behaviour is None:
            assert spreads[0] < 0.3 * spreads[1]


@pytest.mark.slow
@pytest.mark.parametrize("exact", [True, False])
def test_other_sequences_lower_the_variance_without_bias(exact: bool) -> None:
    """All pairs of sequences of two steps."""
    with jax.enable_x64(True):
        logits, reference = (jnp.asarray(np.random.default_rng(i).normal(size=(3, 2))) for i in range(2))
        every = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
        rows = np.stack([0 * every[:, 0], 1 + every[:, 0]], 1)
        pick = lambda x: jnp.take_along_axis(jax.nn.log_softmax(x)[rows], every[..., None], -1)[..., 0]  # noqa: E731
        chance = jnp.exp(pick(logits).sum(-1))

        def one(x: Any, i: Any) -> Any:
            tensors = {"q_log_prob": pick(x)[i], "p_log_prob": pick(reference)[i]}
            if exact:
                tensors |= {"q_logits": x[rows][i], "p_logits": reference[rows][i]}
            return losses.policy(**tensors).loss

        pairs = jnp.asarray(list(itertools.product(range(4), repeat=2)))
        weights = chance[pairs].prod(-1)
        gradients = jax.jit(jax.vmap(jax.grad(one), (None, 0)))(logits, pairs)
        whole = lambda x: (jnp.exp(pick(x).sum(-1)) * (pick(x) - pick(reference)).sum(-1)).sum()  # noqa: E731
        np.testing.assert_allclose(jnp.tensordot(weights, gradients, 1), jax.grad(whole)(logits), atol=1e-12)


@mostly_numpy
def test_estimators_of_a_penalty(make: Any) -> None:
    rng = np.random.default_rng(0)
    q, p = (make(rng.normal(size=(5, 4)).astype(np.float32)) for _ in range(2))
    mask = make(np.arange(20).reshape(5, 4) % 3 > 0)
    r = np.where(np.asarray(mask), np.asarray(p) - np.asarray(q), 0)
    true = {"k1": -r, "k2": r * r / 2, "k3": np.exp(r) - 1 - r}
    for name, each in true.items():
        found = losses.policy(q_log_prob=q, p_log_prob=p, mask=mask, estimator=name)
        assert float(found.value) == pytest.approx(each.sum(-1).mean(), rel=1e-5)
        assert float(found.loss) == pytest.approx(float(found.value), rel=1e-6)
        assert float(found.standard_error) == pytest.approx(each.sum(-1).std(ddof=1) / math.sqrt(5), rel=1e-5)
        token = losses.policy(q_log_prob=q, p_log_prob=p, mask=mask, estimator=name, horizon="token")
        assert float(token.value) == pytest.approx(each.sum() / np.asarray(mask).sum(), rel=1e-5)
    with pytest.raises(kl.InputError, match="q_log_prob is missing"):
        losses.policy(p_log_prob=p)


@mostly_numpy
def test_normals(make: Any) -> None:
    """Against the textbook formula, and where it cancels."""
    rng = np.random.default_rng(0)
    m, v = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    true = 0.5 * (np.exp(v) + m * m - 1 - v)
    parts = [{"q_log_var": v}, {"q_scale": np.exp(v / 2)}, {"q_log_scale": v / 2}]
    for part in parts:
        found = losses.normal(q_loc=make(m), **{name: make(x) for name, x in part.items()})
        np.testing.assert_allclose(found, true, rtol=1e-5)
    tril = np.tril(rng.normal(size=(3, 3))) + 2 * np.eye(3)
    other = np.tril(rng.normal(size=(3, 3))) + 3 * np.eye(3)
    a, b = tril @ tril.T, other @ other.T
    whole = 0.5 * (
        np.trace(np.linalg.solve(b, a))
        + m[0] @ np.linalg.solve(b, m[0])
        - 3
        + np.log(np.linalg.det(b) / np.linalg.det(a))
    )
    found = losses.normal(q_loc=make(m[0]), q_scale_tril=make(tril), p_scale_tril=make(other))
    assert float(found.sum()) == pytest.approx(whole, rel=1e-5)
    spreads = {"p_scale_tril": make(tril), "q_scale_tril": make(other)}
    back = losses.normal(p_loc=make(m[0]), q_loc=make(0 * m[0]), **spreads, direction="forward")
    assert float(back.sum()) == pytest.approx(whole, rel=1e-5)
    factor, diagonal = rng.normal(size=(3, 2)), np.exp(v[0])
    low = losses.normal(q_loc=make(m[0]), q_factor=make(factor), q_diag=make(diagonal))
    cov = factor @ factor.T + np.diag(diagonal)
    assert float(low) == pytest.approx(0.5 * (np.trace(cov) + m[0] @ m[0] - 3 - np.log(np.linalg.det(cov))), rel=1e-5)
    tiny = losses.normal(q_loc=make(np.zeros(1, np.float32)), q_log_var=make(np.full(1, 2e-4, np.float32)))
    assert float(tiny[0]) == pytest.approx(1.0000666e-8, rel=1e-6)
    free = losses.normal(q_loc=make(m), q_log_var=make(v), free=0.4)
    np.testing.assert_allclose(free, np.maximum(true, 0.4), rtol=1e-5)
    with pytest.raises(kl.InputError, match="spread of Q is missing"):
        losses.normal(q_loc=make(m))


@every_library
def test_measures_are_those_of_compare(make: Any) -> None:
    t, s = (np.asarray(x, np.float64) for x in pair(7, (5, 30)))
    t[0, 3] = s[0, 3] = -math.inf
    with jax.enable_x64(True):
        found = losses.measure(p_logits=make(t), q_logits=make(s))
        masked = losses.measure(p_logits=make(t), q_logits=make(s), mask=make(np.arange(5) > 1))
    p, q = (np.exp(x) / np.exp(x).sum(-1, keepdims=True) for x in (t, s))
    true = kl.compare(p, q)
    for name, value in {
        "forward": true.forward.value,
        "reverse": true.reverse.value,
        "jensen_shannon": true.jensen_shannon,
        "entropy_p": true.entropy_p,
        "entropy_q": true.entropy_q,
        "total_variation": 0.5 * np.abs(p - q).sum(-1),
        "cross_entropy_pq": true.entropy_p + true.forward.value,
        "cross_entropy_qp": true.entropy_q + true.reverse.value,
    }.items():
        np.testing.assert_allclose(getattr(found, name), value, rtol=1e-9, err_msg=name)
        assert np.isnan(getattr(masked, name)[:2]).all()
    assert (np.asarray(found.same_top) == (p.argmax(-1) == q.argmax(-1))).all()


@every_library
def test_bad_input(make: Any) -> None:
    t = make(np.array([[1.0, 0.0, -2.0], [0.3, 0.1, 2.0]], np.float32))
    soft = make(np.full((2, 4), 0.25, np.float32))
    for error, text, run in [
        (kl.KindError, "name them", lambda: losses.forward(t, t)),
        (kl.KindError, "name them", lambda: losses.between(0.5, t, t)),
        (kl.KindError, "has no argument", lambda: losses.forward(p_logits=t, logits=t)),
        (kl.InputError, "give P as one of", lambda: losses.forward(q_logits=t)),
        (kl.InputError, "p_logits and p_probs", lambda: losses.forward(p_logits=t, p_probs=soft, q_logits=t)),
        (kl.KindError, "list", lambda: losses.forward(p_logits=[1.0, 2.0], q_logits=t)),
        (kl.InputError, "q_probs=", lambda: losses.forward(p_probs=soft, q_logits=soft)),
        (kl.InputError, "p_logits=", lambda: losses.forward(p_probs=t, q_logits=t)),
        (kl.InputError, "p_logits=", lambda: losses.forward(p_log_probs=t, q_logits=t)),
        (kl.KindError, "floating-point", lambda: losses.forward(p_logits=make(np.eye(2, dtype=np.int32)), q_logits=t)),
        (kl.InputError, "alpha", lambda: losses.between(1.5, p_logits=t, q_logits=t)),
        (kl.InputError, "scaled=True", lambda: losses.jensen_shannon(p_logits=t, q_logits=t, weight=0)),
        (kl.InputError, "temperature", lambda: losses.forward(p_logits=t, q_logits=t, temperature=0.0)),
        (kl.InputError, "reduction", lambda: losses.forward(p_logits=t, q_logits=t, reduction="average")),
        (kl.InputError, "torch", lambda: losses.forward(p_logits=t, q_logits=t, overwrite=True)),
        (kl.InputError, "axis 3", lambda: losses.forward(p_logits=t, q_logits=t, axis=3)),
        (kl.InputError, "tail must be", lambda: losses.Top(t, t, tail="none")),
        (kl.InputError, "k must be", lambda: losses.shorten(p_logits=t, k=9)),
    ]:
        with pytest.raises(error, match=text):
            run()
    with pytest.raises(kl.KindError, match="one library"):
        losses.forward(p_logits=jnp.zeros(3), q_logits=np.zeros(3))
    assert (
        losses.forward(p_logits=make(np.array([1.0, 0, 0])), q_logits=make(np.array([0.0, 1, 0]))) > 0
    )  # one-hot logits
