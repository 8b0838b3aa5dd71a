"""The losses in torch: known values and gradients in every dtype, generated inputs, memory, compilers, transforms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from torch.utils._python_dispatch import TorchDispatchMode

import kullback as kl
import losses_cases
import torch
from kullback import losses
from losses_cases import CASES, LOSSES, Case

KINDS = {"lean": True, "plain": False}


def compute(loss: str, options: dict[str, Any], p: Any, q: Any, **more: Any) -> tuple[Any, Any]:
    call = {**options, **more}
    first = (call.pop("alpha"),) if loss == "between" else ()
    q = q.detach().requires_grad_()
    values = getattr(losses, loss)(*first, p_logits=p, q_logits=q, **call)
    (gradient,) = torch.autograd.grad(values.sum(), q)
    return values.detach().numpy(), gradient


@pytest.mark.parametrize("lean", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("case", CASES, ids=losses_cases.name_of)
def test_cases(case: Case, lean: bool) -> None:
    p, q = (torch.tensor(np.asarray([x], np.float32)) for x in (case.p, case.q))
    value, gradient = compute(case.loss, case.options, p, q, lean=lean)
    assert value[0] == pytest.approx(case.value, rel=1e-6 if case.value < 1e-6 else 2e-7)
    assert not gradient.isnan().any()
    if case.gradient is not None:
        np.testing.assert_allclose(gradient[0], case.gradient, rtol=1e-6, atol=2e-7)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("lean", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize(("loss", "options"), LOSSES, ids=str)
def test_dtypes(loss: str, options: dict[str, Any], lean: bool, dtype: Any) -> None:
    """The truth is of the numbers as they are stored; a gradient is rounded to the dtype it is in."""
    t, s = losses_cases.generated(5, 9, 60)
    t, s = (torch.tensor(np.where(np.abs(x) < 1e3, x, np.sign(x))).to(dtype) for x in (t, s))
    value, gradient = compute(loss, options, t, s, lean=lean)
    assert gradient.dtype == dtype
    wide = [x.double().numpy() for x in (t, s)]
    coarse = {torch.float64: 1e-9, torch.bfloat16: 2.0**-8, torch.float16: 2.0**-10}[dtype]
    true = losses_cases.truth(*wide, loss, options)
    bad = [*losses_cases.wrong(value, gradient.double().numpy(), *true, 1e-7, coarse)]
    assert not bad, (len(bad), bad[:3])


@pytest.mark.parametrize("lean", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize(("loss", "options"), LOSSES, ids=str)
def test_generated(loss: str, options: dict[str, Any], lean: bool) -> None:
    for size, rows in ((1, 40), (2, 150), (3, 150), (7, 150), (19, 150), (40, 150), (32_000, 4)):
        t, s = losses_cases.generated(size, size, rows)
        value, gradient = compute(loss, options, torch.tensor(t), torch.tensor(s), lean=lean)
        bad = [*losses_cases.wrong(value, gradient.numpy(), *losses_cases.truth(t, s, loss, options), 1e-12)]
        assert not bad, (size, len(bad), bad[:3])


def test_bfloat16_near_equality() -> None:
    rng = torch.Generator().manual_seed(0)
    t = (4 * torch.randn(3, 32_000, generator=rng)).bfloat16()
    s = (t.float() + 0.03 * torch.randn(3, 32_000, generator=rng)).bfloat16()
    _, gradient = compute("forward", {}, t, s)
    true = s.double().softmax(-1) - t.double().softmax(-1)
    assert (gradient.double() - true).norm() < 2e-3 * true.norm()
    assert losses.forward(p_logits=t, q_logits=t.clone()).tolist() == [0.0] * 3


def test_float16_gradients_outlive_a_mean_over_many_tokens() -> None:
    """1/count times a small q is below float16's range: the gradient is cast after a gradient scaler's factor."""
    s = torch.randn(64, 200, dtype=torch.float16).requires_grad_()
    t = torch.randn(64, 200, dtype=torch.float16)
    (65536 * losses.forward(p_logits=t, q_logits=s, reduction="mean", count=10**6)).backward()
    true = 65536e-6 * (s.detach().double().softmax(-1) - t.double().softmax(-1))
    assert s.grad is not None
    assert (s.grad.double() - true).norm() < 1e-3 * true.norm()


@pytest.mark.parametrize("lean", KINDS.values(), ids=KINDS)
def test_masked_rows_are_not_read(lean: bool) -> None:
    t, s = torch.randn(4, 5), torch.randn(4, 5)
    mask = torch.tensor([True, False, True, False])
    broken = s.clone()
    broken[1], broken[3, 0] = math.nan, math.inf
    for reduction in ("none", "mean", "sum"):
        kept = compute("reverse", {}, t[mask], s[mask], reduction=reduction, lean=lean)
        found = compute("reverse", {}, t, broken, mask=mask, reduction=reduction, lean=lean)
        assert found[0].sum() == pytest.approx(kept[0].sum(), rel=1e-6)
        np.testing.assert_allclose(found[1][mask], kept[1], rtol=1e-6)
        assert (found[1][~mask] == 0).all()
    nothing = compute("forward", {}, t, broken, mask=torch.zeros(4, dtype=torch.bool), reduction="mean", lean=lean)
    assert nothing[0] == 0
    assert (nothing[1] == 0).all()


def test_reductions_and_micro_batches() -> None:
    t, s = torch.zeros(2, 3, 4), torch.tensor([1.0, 0, 0, 0]).expand(2, 3, 4).clone()
    one = 0.107374019509
    assert losses.forward(p_logits=t, q_logits=s, reduction="mean").item() == pytest.approx(one)
    assert losses.forward(p_logits=t, q_logits=s, reduction="sum").item() == pytest.approx(6 * one)
    assert losses.forward(p_logits=t, q_logits=s, reduction="batchmean").item() == pytest.approx(3 * one)
    assert losses.forward(p_logits=t, q_logits=s).shape == (2, 3)
    t, s = torch.randn(6, 9), torch.randn(6, 9)
    mask, weights = torch.rand(6) < 0.7, torch.rand(6)
    whole = compute("reverse", {}, t, s, mask=mask, weights=weights, reduction="mean")
    count = (mask * weights).sum()
    halves = [slice(0, 2), slice(2, 6)]
    parts = [
        compute("reverse", {}, t[i], s[i], mask=mask[i], weights=weights[i], reduction="mean", count=count)
        for i in halves
    ]
    assert sum(value for value, _ in parts) == pytest.approx(whole[0], rel=1e-6)
    np.testing.assert_allclose(torch.cat([g for _, g in parts]), whole[1], atol=1e-8)


@pytest.mark.parametrize("lean", KINDS.values(), ids=KINDS)
def test_temperatures(lean: bool) -> None:
    t, s = torch.randn(3, 7), torch.randn(3, 7)
    heat = torch.tensor([0.5, 1.0, 3.0])
    for loss, options in LOSSES[:4]:
        value, gradient = compute(loss, options, t, s, temperature=heat, rescale=True, lean=lean)
        for i, x in enumerate(heat.tolist()):
            true = losses_cases.truth(t[i : i + 1].numpy() / x, s[i : i + 1].numpy() / x, loss, options)
            assert value[i].item() == pytest.approx(float(x * x * true[0][0]), rel=1e-5)
            np.testing.assert_allclose(gradient[i].numpy(), (x * true[1][0]).astype(float), rtol=1e-4, atol=1e-6)


def test_padded_vocabularies() -> None:
    """The classes both have are compared, whatever stands beyond them."""
    for c in (0.0, 5.0, -20.0):
        q = torch.tensor([[0.0 + c, 1.0 + c]]).requires_grad_()
        value = losses.forward(p_logits=torch.tensor([[1.0, 0.0, -30.0]]), q_logits=q, classes=2)
        assert value.item() == pytest.approx(losses_cases.TANH, rel=1e-6)
    wide = torch.tensor([[1.0, 0.0, -30.0]]).requires_grad_()
    losses.reverse(p_logits=torch.tensor([[0.0, 1.0]]), q_logits=wide, classes=2).sum().backward()
    assert wide.grad is not None
    assert wide.grad[0, 2] == 0
    assert wide.grad[0, 0] != 0
    with pytest.raises(kl.InputError, match="classes=2"):
        losses.forward(p_logits=torch.zeros(1, 3), q_logits=torch.zeros(1, 2))


def test_probabilities_and_axes() -> None:
    p, q = torch.rand(5, 4).softmax(0), torch.rand(5, 4).softmax(0).requires_grad_()
    value = losses.forward(p_probs=p, q_probs=q, axis=0)
    (g,) = torch.autograd.grad(value.sum(), q)
    logs = q.detach().log().requires_grad_()
    same = losses.forward(p_log_probs=p.log(), q_log_probs=logs, axis=0)
    (h,) = torch.autograd.grad(same.sum(), logs)
    torch.testing.assert_close(value, same)
    torch.testing.assert_close(g * q, h)
    hole = losses.forward(p_probs=torch.tensor([0.5, 0.5]), q_probs=torch.tensor([1.0, 0.0]))
    assert hole == math.inf


def head(seed: int, dtype: Any = torch.float64, **more: Any) -> losses.Head:
    rng = torch.Generator().manual_seed(seed)
    hidden, weight, bias = (
        torch.randn(shape, generator=rng).to(dtype).requires_grad_() for shape in ((6, 3), (11, 3), (11,))
    )
    return losses.Head(hidden, weight, bias, **more)


def logits(x: losses.Head) -> Any:
    z = (x.hidden @ x.weight.T + x.bias) * x.scale
    return x.softcap * torch.tanh(z / x.softcap) if x.softcap else z


@pytest.mark.parametrize("more", [{}, {"scale": 0.5, "softcap": 2.0}], ids=str)
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_heads(reduction: str, more: dict[str, Any]) -> None:
    student, teacher = head(0, **more), head(1, **more)
    parts = [student.hidden, student.weight, student.bias, teacher.hidden, teacher.weight, teacher.bias]
    mask = torch.tensor([True, True, False, True, True, True])
    each = torch.rand(6, dtype=torch.float64) if reduction == "none" else torch.tensor(1.0)
    found = []
    for lean, rows in ((True, 4), (False, None)):
        value = losses.reverse(p=teacher, q=student, mask=mask, reduction=reduction, p_grad=True, lean=lean, rows=rows)
        found.append([value, *torch.autograd.grad((each * value).sum(), parts)])
    plain = losses.reverse(
        p_logits=logits(teacher), q_logits=logits(student), mask=mask, reduction=reduction, p_grad=True, lean=False
    )
    true = [plain, *torch.autograd.grad((each * plain).sum(), parts)]
    for one in found:
        for a, b in zip(one, true, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


def test_a_frozen_head_costs_nothing() -> None:
    frozen = head(0, torch.float32)
    frozen.weight.requires_grad_(False)
    loss = losses.forward(p_logits=torch.randn(6, 11), q=frozen, reduction="mean")
    loss.backward()
    assert frozen.weight.grad is None
    assert frozen.hidden.grad is not None


class Largest(TorchDispatchMode):
    """The entries of the largest tensor made."""

    def __init__(self) -> None:
        super().__init__()
        self.most = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = function(*args, **(kwargs or {}))
        for x in out if isinstance(out, tuple | list) else [out]:
            if isinstance(x, torch.Tensor) and not any(
                isinstance(a, torch.Tensor) and a.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
                for a in args
            ):
                self.most = max(self.most, x.numel())
        return out


def test_nothing_of_the_size_of_the_logits_is_made() -> None:
    n, v = 256, 4096
    t, s = torch.randn(n, v), torch.randn(n, v).requires_grad_()
    with Largest() as watch, torch.no_grad():
        losses.forward(p_logits=t, q_logits=s, reduction="mean")
    assert watch.most <= n * v // 8
    with Largest() as watch:
        losses.jensen_shannon(p_logits=t, q_logits=s * 1.0, reduction="mean", overwrite=True)
    assert watch.most <= n * v  # s * 1
    student = losses.Head(torch.randn(n, 8).requires_grad_(), torch.randn(v, 8).requires_grad_())
    with Largest() as watch:
        losses.reverse(
            p=losses.Head(torch.randn(n, 8), torch.randn(v, 8)), q=student, reduction="mean", rows=32
        ).backward()
    assert watch.most <= n * v // 8


def test_overwrite() -> None:
    t, s = torch.randn(5, 7), torch.randn(5, 7)
    true = compute("forward", {}, t, s, reduction="mean")
    leaf = s.clone().requires_grad_()
    made = leaf * 1.0
    loss = losses.forward(p_logits=t, q_logits=made, reduction="mean", overwrite=True)
    loss.backward()
    assert loss.item() == pytest.approx(float(true[0]))
    torch.testing.assert_close(leaf.grad, true[1])
    torch.testing.assert_close(made.detach(), true[1])
    used = leaf.exp()
    again = losses.forward(p_logits=t, q_logits=used, reduction="mean", overwrite=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        (again + used.sum()).backward()


def test_a_second_backward_pass_is_refused_and_derivatives_of_any_order_are_had() -> None:
    t, s = torch.randn(2, 4, dtype=torch.float64), torch.randn(2, 4, dtype=torch.float64).requires_grad_()
    loss = losses.forward(p_logits=t, q_logits=s, reduction="mean")
    loss.backward(retain_graph=True)
    with pytest.raises(kl.InputError, match="lean=False"):
        loss.backward()
    (g,) = torch.autograd.grad(losses.forward(p_logits=t, q_logits=s).sum(), s, create_graph=True)
    with pytest.raises(kl.InputError, match="lean=False"):
        g.sum().backward()
    for loss_name, options in LOSSES:
        first = (options["alpha"],) if loss_name == "between" else ()
        more = {key: x for key, x in options.items() if key != "alpha"}

        def run(p: Any, q: Any, lean: bool = False, name: str = loss_name, first: Any = first, more: Any = more) -> Any:
            return getattr(losses, name)(*first, p_logits=p, q_logits=q, lean=lean, p_grad=True, **more)

        p = t.clone().requires_grad_()
        assert torch.autograd.gradcheck(run, (p, s))
        assert torch.autograd.gradgradcheck(run, (p, s))


def test_transforms() -> None:
    t, s = torch.randn(3, 5), torch.randn(3, 5)
    true = compute("forward", {}, t, s)[1]
    for lean in (True, False):
        run = torch.func.grad(lambda q, lean=lean: losses.forward(p_logits=t, q_logits=q, lean=lean).sum())
        torch.testing.assert_close(run(s), true)
    inner = torch.func.grad(lambda q: losses.forward(p_logits=t, q_logits=q).sum())
    with pytest.raises(kl.InputError, match="lean=False"):  # and not a wrong number
        torch.func.grad(lambda q: inner(q).pow(2).sum())(s)
    rows = torch.func.vmap(lambda p, q: losses.forward(p_logits=p, q_logits=q, lean=False))(t, s)
    torch.testing.assert_close(rows, losses.forward(p_logits=t, q_logits=s))


def test_autocast() -> None:
    student = head(0, torch.float32)
    t = torch.randn(6, 11)
    plain = losses.forward(p_logits=t, q=student, reduction="mean")
    with torch.autocast("cpu", torch.bfloat16):
        assert losses.forward(p_logits=t, q=student, reduction="mean") == plain
        made = student.hidden @ student.weight.T
        assert made.dtype == torch.bfloat16
        loss = losses.forward(p_logits=t, q_logits=made, reduction="mean")
    loss.backward()
    assert student.weight.grad is not None


@pytest.mark.filterwarnings("ignore")  # of what the compiler's own imports say
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_compiled(reduction: str) -> None:
    """The whole as one graph, from hidden states and from logits."""
    t, mask = torch.randn(6, 11), torch.tensor([True] * 5 + [False])

    def step(hidden: Any, weight: Any, use_head: bool) -> Any:
        if use_head:
            loss = losses.reverse(p_logits=t, q=losses.Head(hidden, weight), mask=mask, reduction=reduction)
        else:
            loss = losses.reverse(p_logits=t, q_logits=hidden @ weight.T, mask=mask, reduction=reduction)
        return (loss * 2.0).sum()

    hidden, weight = torch.randn(6, 3).requires_grad_(), torch.randn(11, 3).requires_grad_()
    for use_head in (False, True):
        compiled = torch.compile(step, fullgraph=True, backend="aot_eager")
        found = [(loss := compiled(hidden, weight, use_head)), *torch.autograd.grad(loss, (hidden, weight))]
        true = [(loss := step(hidden, weight, use_head)), *torch.autograd.grad(loss, (hidden, weight))]
        for a, b in zip(found, true, strict=True):
            torch.testing.assert_close(a, b)


def test_errors() -> None:
    t = torch.randn(2, 3)
    with pytest.raises(kl.KindError, match="name them"):
        losses.forward(t, t)
    with pytest.raises(kl.KindError, match="one library"):
        losses.forward(p_logits=t.numpy(), q_logits=t)
    with pytest.raises(kl.KindError, match="int64"):
        losses.forward(p_logits=t, q_logits=torch.tensor([[1, 2, 3], [1, 2, 3]]))
    with pytest.raises(kl.InputError, match="q_probs="):
        losses.forward(p_logits=t, q_logits=t.softmax(-1))
    with pytest.raises(kl.InputError, match="q_logits="):
        losses.forward(p_logits=t, q_probs=t)
    with pytest.raises(kl.InputError, match="tokens"):
        losses.forward(p_logits=t, q_logits=torch.randn(3, 3))
    with pytest.raises(kl.InputError, match="mask has shape"):
        losses.forward(p_logits=t, q_logits=t, mask=torch.ones(3, dtype=torch.bool))
    with pytest.raises(kl.KindError, match="booleans"):
        losses.forward(p_logits=t, q_logits=t, mask=torch.ones(2))


def test_measures_and_shortened_teachers() -> None:
    t, s = torch.randn(5, 30), torch.randn(5, 30)
    found = losses.measure(p_logits=t, q_logits=s)
    plain = losses.measure(p_logits=t.double().numpy(), q_logits=s.double().numpy())
    for a, b in zip(found, plain, strict=True):
        np.testing.assert_allclose(a.numpy(), b, rtol=1e-6)
    assert found.forward.dtype == torch.float32
    top = losses.shorten(p_logits=t, k=4)
    q = s.clone().requires_grad_()
    for loss, options in LOSSES:
        first = (options["alpha"],) if loss == "between" else ()
        more = {key: x for key, x in options.items() if key != "alpha"}
        values = [getattr(losses, loss)(*first, p=top, q_logits=q, lean=lean, **more) for lean in (True, False)]
        gradients = [torch.autograd.grad(value.sum(), q)[0] for value in values]
        torch.testing.assert_close(*values, rtol=1e-5, atol=1e-7)
        torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-6)
    many = losses.shorten(p_logits=t[:1].expand(20_000, 30), k=3, draws=2, seed=1)
    estimates = losses.forward(p=many, q_logits=s[:1].expand(20_000, 30))
    error = estimates.std() / math.sqrt(20_000)
    assert abs(estimates.mean() - losses.forward(p_logits=t[0], q_logits=s[0])) < 4 * error


def test_penalties_and_normals() -> None:
    logits, reference = torch.randn(6, 4, 5, dtype=torch.float64), torch.randn(6, 4, 5, dtype=torch.float64)
    drawn = torch.distributions.Categorical(logits=logits).sample()
    pick = lambda x: x.log_softmax(-1).gather(-1, drawn[..., None])[..., 0]  # noqa: E731
    x = logits.clone().requires_grad_()
    found = losses.policy(q_log_prob=pick(x), q_logits=x, p_logits=reference)
    true = losses.reverse(p_logits=reference, q_logits=logits).sum(-1)
    assert found.value.item() == pytest.approx(true.mean().item())
    found.loss.backward()
    assert x.grad is not None
    assert x.grad.norm() > 0
    loc, log_var = torch.randn(4, 3).requires_grad_(), torch.randn(4, 3).requires_grad_()
    value = losses.normal(q_loc=loc, q_log_var=log_var)
    q = torch.distributions.Normal(loc, (log_var / 2).exp())
    true = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0))
    torch.testing.assert_close(value, true, rtol=1e-5, atol=1e-6)
    value.sum().backward()
    torch.testing.assert_close(loc.grad, loc.detach())


def shard(rank: int, folder: str) -> None:
    import torch.distributed as dist

    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    try:
        t, s = (torch.tensor(x) for x in losses_cases.generated(3, 40, 50))
        part = slice(0, 17) if rank == 0 else slice(17, 40)
        for loss, options in LOSSES:
            value, gradient = compute(loss, options, t[:, part], s[:, part], group=dist.group.WORLD)
            whole, true = compute(loss, options, t, s)
            np.testing.assert_allclose(value, whole, rtol=1e-6, atol=1e-12)
            torch.testing.assert_close(gradient, true[:, part], rtol=2e-6, atol=1e-7)
    finally:
        dist.destroy_process_group()


def test_vocabulary_in_two_processes(tmp_path: Any) -> None:
    import torch.multiprocessing as mp

    mp.spawn(shard, (str(tmp_path),), nprocs=2)
