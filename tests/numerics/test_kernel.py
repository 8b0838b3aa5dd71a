"""The kernel against mpmath, and what must hold for every array."""

from __future__ import annotations

import importlib.util
import math
import os
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kullback.numerics import _rows, kernel, sums
from kullback.numerics.kernel import BadEntry, Parts, entropy, jensen_shannon, relative_entropy

PRECISE = 4e-15
PATHS = ["quick", "numpy", "compiled"]
NEEDS_NUMBA = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="Numba is not installed")


@pytest.fixture
def force(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Send arrays of any size down one path."""

    def to(path: str) -> None:
        if path == "compiled":
            pytest.importorskip("numba")
        monkeypatch.setattr(kernel, "QUICK", 10**9 if path == "quick" else 0)
        for name in ("LOADED", "COMPILED"):
            monkeypatch.setattr(_rows, name, 0 if path == "compiled" else 10**12)

    return to


def exact(x: np.ndarray) -> list[mpmath.mpf]:
    x = [mpmath.mpf(float(v)) for v in x.ravel()]
    total = mpmath.fsum(x)
    return [v / total for v in x]


def truth(p: np.ndarray, q: np.ndarray) -> mpmath.mpf:
    with mpmath.workdps(800 if p.size <= 60 else 120):
        return mpmath.fsum(a * mpmath.log(a / b) for a, b in zip(exact(p), exact(q), strict=True) if a)


def check(p: np.ndarray, q: np.ndarray, precise: float = PRECISE) -> Parts:
    parts, value = relative_entropy(p, q), truth(p, q)
    assert parts.value >= 0.0
    assert abs(parts.value - value) <= parts.error
    assert abs(parts.value - value) <= precise * value + 5e-324
    return parts


def pair(rng: np.random.Generator, n: int, epsilon: float, kind: str) -> tuple[np.ndarray, np.ndarray]:
    p = rng.dirichlet(np.full(n, 0.02 if kind == "skewed" else 1.0)) + 1e-300
    r = rng.choice([-1.0, 1.0], n) * 0.999 if kind == "signs" else rng.uniform(-1.0, 1.0, n)
    return p, p * (1.0 + epsilon * r)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", ["uniform", "signs", "skewed"])
@pytest.mark.parametrize("epsilon", [1.0, 1e-2, 1e-5, 1e-8, 1e-10])
def test_near_and_far(path: str, kind: str, epsilon: float, force: Any) -> None:
    force(path)
    rng = np.random.default_rng(7)
    for n in (2, 9, 200):
        p, q = pair(rng, n, epsilon, kind)
        check(p, q)
        check(p, q / q.sum())


@pytest.mark.parametrize("path", PATHS)
def test_long_rows_in_several_segments(path: str, force: Any) -> None:
    force(path)
    check(*pair(np.random.default_rng(1), 20_000, 1e-9, "uniform"))


@pytest.mark.parametrize("path", PATHS)
def test_one_constant_factor_leaves_only_rounding_noise(path: str, force: Any) -> None:
    force(path)
    p = np.random.default_rng(2).dirichlet(np.ones(100))
    for factor in (1 + 1e-10, 1.1, 3.0, 1e50):
        assert check(p, p * factor).value < 1e-32
    counts = np.arange(1.0, 101.0)
    proportional = relative_entropy(counts, 3 * counts)
    assert proportional.value == 0.0
    assert 0.0 < proportional.error < 1e-60


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("p", "q"),
    [
        ([1e-300, 1.0], [1.0, 1e-300]),
        ([1e300, 1.0], [1e-300, 1.0]),
        ([1.7e308, 1.7e308, 1.0], [1.0, 1.7e308, 1.6e308]),
        ([5e-324, 1e-310], [1e-309, 5e-324]),
        ([5e-324, 0.5, 0.5], [0.5, 5e-324, 0.5]),
        ([1e-300, 1e300, 3.0], [1e-320, 1e300, 3.0]),
        ([0.0, 0.25, 0.75], [0.5, 0.25, 0.25]),
        ([-0.0, 1.0, 3.0], [0.0, 1.0, 2.0]),
        ([1.0, 1e-40], [1.0, 1e-40 * (1 + 1e-14)]),
        ([0.5, 0.5], [0.5, np.nextafter(0.5, 1)]),
        ([1.0, 2.0, 4.0], [2.0, 1.0, 2.0]),
        ([0.3, 0.3 * math.sqrt(2) * (1 + 1e-9)], [0.3, 0.3]),
    ],
)
def test_the_ends_of_the_range(path: str, p: list[float], q: list[float], force: Any) -> None:
    force(path)
    check(np.array(p), np.array(q))


@pytest.mark.parametrize("path", PATHS)
def test_hundreds_of_orders_of_magnitude(path: str, force: Any) -> None:
    force(path)
    rng = np.random.default_rng(3)
    for low, high in ((-300, 300), (-300, 200), (-320, -280), (250, 308)):
        p, q = 10.0 ** rng.uniform(low, high, (2, 50))
        check(p, q)
        check(p, rng.permutation(p))
        check(q[:1].repeat(50) * rng.uniform(0.5, 1, 50), q)
    p, q = rng.dirichlet(np.full(300, 1e-3), 2)
    check(p, np.maximum(q, 5e-324))


@pytest.mark.parametrize("path", PATHS)
def test_a_gap_in_the_support(path: str, force: Any) -> None:
    force(path)
    p, q = np.array([0.5, 0.125, 0.25, 0.125]), np.array([1.0, 0.0, 0.0, 1.0])
    assert relative_entropy(p, q) == Parts(math.inf, 0.0, 1.0, 2.0, 0.375, 2)
    long_p, long_q = np.tile(p, 10_000), np.ones(40_000)
    long_q[[30_005, 30_006]] = 0.0
    parts = relative_entropy(long_p, long_q)
    assert (parts.value, parts.gap_index) == (math.inf, 30_006)
    assert parts.gap == pytest.approx(0.375 / 10_000)


@pytest.mark.parametrize("path", PATHS)
def test_a_sum_of_zero_is_the_callers_business(path: str, force: Any) -> None:
    force(path)
    assert math.isnan(relative_entropy(np.zeros(3), np.ones(3)).value)
    assert math.isnan(relative_entropy(np.ones(3), np.zeros(3)).value)
    assert relative_entropy(np.ones(3), np.zeros(3)).sum_q == 0.0


@pytest.mark.parametrize("path", PATHS)
def test_an_array_against_itself_is_exactly_zero(path: str, force: Any) -> None:
    force(path)
    for n in (1, 5, 3000):
        p = np.random.default_rng(n).dirichlet(np.full(n, 0.1))
        assert relative_entropy(p, p.copy())[:2] == (0.0, 0.0)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("value", "kind"), [(-1.0, "negative"), (math.nan, "nan"), (math.inf, "infinite"), (-5e-324, "negative")]
)
def test_bad_entries_are_named(path: str, value: float, kind: str, force: Any) -> None:
    force(path)
    good = np.ones((3, 50))
    bad = good.copy()
    bad[1, 7] = bad[2, 3] = value
    for arrays, name in (((bad, good), "p"), ((good, bad), "q"), ((good.T, bad.T), "q")):
        with pytest.raises(BadEntry) as caught:
            relative_entropy(*arrays, axis=(0, 1))
        index = (1, 7) if arrays[1].shape == (3, 50) else (3, 2)
        assert (caught.value.array, caught.value.index, caught.value.kind) == (name, index, kind)
        assert caught.value.value == value or math.isnan(value)
    with pytest.raises(BadEntry, match=r"q\[4\]"):
        relative_entropy(np.ones(5), np.array([1, 1, 1, 1, value]))
    with pytest.raises(BadEntry, match=r"p\[1, 7\]"):
        entropy(bad)
    with pytest.raises(BadEntry, match=r"q\[1, 7\]"):
        jensen_shannon(good, bad)


@pytest.mark.parametrize("dtype", ["f2", "f4", ">f8", ">f4", "i4", "u1", "?", "g"])
def test_dtypes(dtype: str) -> None:
    rng = np.random.default_rng(4)
    p, q = (rng.uniform(1, 9, 300).astype(dtype) for _ in range(2))
    assert relative_entropy(p, q) == relative_entropy(p.astype(float), q.astype(float))


def test_complex_numbers_are_refused() -> None:
    with pytest.raises(TypeError, match="real"):
        relative_entropy(np.ones(3, complex), np.ones(3))


@pytest.mark.parametrize("path", ["numpy", "compiled"])
def test_any_layout_gives_the_same_bits(path: str, force: Any, tmp_path: Any) -> None:
    force(path)
    rng = np.random.default_rng(5)
    p, q = rng.dirichlet(np.ones(600), (2, 20))
    plain = relative_entropy(p, q)
    mapped = np.memmap(tmp_path / "p", np.float64, "w+", shape=p.shape)
    mapped[:] = p
    unaligned = np.zeros(p.nbytes + 1, np.uint8)[1:].view(np.float64).reshape(p.shape)
    unaligned[:] = p
    flipped = p[:, ::-1].copy()[:, ::-1]
    for other in (np.asfortranarray(p), np.repeat(p, 2, axis=1)[:, ::2], mapped, unaligned, flipped):
        same = relative_entropy(other, q)
        assert all(np.array_equal(a, b) for a, b in zip(plain, same, strict=True))
    down = relative_entropy(p.T, q.T, axis=0)
    assert np.array_equal(down.value, plain.value)


@pytest.mark.parametrize("path", ["numpy", "compiled"])
def test_axes(path: str, force: Any) -> None:
    force(path)
    p, q = np.random.default_rng(6).uniform(0.1, 1, (2, 4, 30, 5, 6))
    for axis in (0, 1, -1, (1, 3), (3, 1), (0, 2), (0, 1, 2, 3)):
        axes = tuple(sorted(i % 4 for i in np.atleast_1d(axis)))
        rest = [i for i in range(4) if i not in axes]
        x, y = (v.transpose(rest + list(axes)).reshape([v.shape[i] for i in rest] + [-1]) for v in (p, q))
        got, expected = relative_entropy(p, q, axis), relative_entropy(x.copy(), y.copy())
        assert all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True))
        assert np.array_equal(entropy(p, axis), entropy(x.copy()))
        assert np.array_equal(jensen_shannon(p, q, axis), jensen_shannon(x.copy(), y.copy()))
    assert isinstance(relative_entropy(p, q, (0, 1, 2, 3)).gap_index, int)


def test_broadcasting_and_empty_batches() -> None:
    p, q = np.random.default_rng(8).dirichlet(np.ones(40), (2, 7))
    got = relative_entropy(p[:, None], q[None])
    assert got.value.shape == (7, 7)
    assert got.value[2, 5] == relative_entropy(p[2], q[5]).value
    uniform = relative_entropy(np.ones((7, 1)), q)
    assert uniform.value[3] == relative_entropy(np.ones(40), q[3]).value
    assert relative_entropy(np.ones((0, 4)), np.ones(4)).value.shape == (0,)
    assert entropy(np.ones((3, 0, 4))).shape == (3, 0)


def agree(a: Parts, b: Parts) -> bool:
    sums = all(abs(x - y) <= 1e-15 * abs(y) for x, y in ((a.sum_p, b.sum_p), (a.sum_q, b.sum_q)))
    same = a.value == b.value or abs(a.value - b.value) <= a.error + b.error
    return sums and same and a.gap_index == b.gap_index and abs(a.gap - b.gap) <= 1e-15 * b.gap


@pytest.mark.parametrize("n", [3, 15, 16, 65, 300, 1500, 9000])
@pytest.mark.parametrize("path", ["numpy", "compiled"])
def test_a_batch_is_its_rows(path: str, n: int, force: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rng, rows = np.random.default_rng(n), 150 if n < 1000 else 12
    p = rng.dirichlet(np.full(n, 0.3), rows)
    q = rng.dirichlet(np.ones(n), rows)
    p[3], p[4, 0], q[5, 1], q[6] = q[3], 0.0, 0.0, 3 * q[6]
    p[7, :2], p[9, 2], q[9, 2] = 1e-310, 0.0, 0.0
    force(path)
    batch = [Parts(*(part[i] for part in relative_entropy(p, q))) for i in range(rows)]
    entropies, distances = entropy(p), jensen_shannon(p, q)
    for i in range(rows):
        assert batch[i] == relative_entropy(p[i], q[i])
        assert (entropies[i], distances[i]) == (entropy(p[i]), jensen_shannon(p[i], q[i]))
    monkeypatch.undo()
    assert all(agree(batch[i], relative_entropy(p[i], q[i])) for i in range(rows))


@pytest.mark.parametrize("n", [2, 70, 5000, 20_000])
def test_the_paths_agree(n: int, force: Any) -> None:
    rng = np.random.default_rng(n)
    for p, q in [pair(rng, n, 1e-6, "uniform"), rng.dirichlet(np.full(n, 0.05), 2) + 1e-290]:
        found = []
        for path in PATHS:
            force(path)
            found.append(relative_entropy(p, q))
        assert all(agree(x, found[0]) for x in found)


@pytest.mark.parametrize("epsilon", [1.0, 1e-5, 1e-10])
def test_many_entries_against_exact_arithmetic(epsilon: float, force: Any) -> None:
    rng = np.random.default_rng(15)
    p, r = rng.exponential(size=20_000), rng.uniform(-1.0, 1.0, 20_000)
    for q in (p * (1.0 + epsilon * r), p * (1.0 + epsilon)):  # the second: nothing but rounding is left
        wholes = [sum(sums.integers(x.tolist())) for x in (p, q)]
        value = math.fsum(term for _, term in sums.exact(p.tolist(), q.tolist(), *wholes))
        for path in ("numpy", "compiled"):
            force(path)
            parts = relative_entropy(p, q)
            assert abs(parts.value - value) <= parts.error + 1e-46
            assert parts.error <= PRECISE * value + 1e-46


@NEEDS_NUMBA
@pytest.mark.parametrize("shape", [(3_000_000,), (3000, 1000), (3, 1_000_000)])
def test_threads_change_no_bit(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    p, q = np.random.default_rng(9).exponential(size=(2, *shape))
    found = []
    for workers in (1, 2, 3):
        monkeypatch.setattr(_rows, "_workers", lambda workers=workers: workers)
        found.append(relative_entropy(p, q))
    assert all(np.array_equal(a, b) and np.array_equal(a, c) for a, b, c in zip(*found, strict=True))


@NEEDS_NUMBA
def test_many_callers_at_once() -> None:
    p, q = np.random.default_rng(10).exponential(size=(2, 8, 300_000))
    expected = relative_entropy(p, q).value
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda i: relative_entropy(p[i % 8], q[i % 8]).value, range(24)))
    assert found == list(np.tile(expected, 3))


@pytest.mark.parametrize("path", ["numpy", "compiled"])
def test_no_temporary_as_large_as_the_input(path: str, force: Any) -> None:
    force(path)
    p = np.random.default_rng(11).exponential(size=2**21).astype(np.float32)
    rows = np.broadcast_to(p[: 2**12], (2**9, 2**12))
    relative_entropy(p[:10], p[:10])
    for arrays in ((p, p[::-1]), (rows, p.reshape(rows.shape))):
        tracemalloc.start()
        relative_entropy(*arrays)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < p.nbytes / 2


def test_without_numba() -> None:
    code = """
import sys
sys.modules["numba"] = None
import numpy as np
from kullback.numerics import kernel
p = np.arange(1.0, 300_001.0)
assert kernel.relative_entropy(p, p[::-1]).value > 0
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@NEEDS_NUMBA
def test_a_cache_that_cannot_be_written(tmp_path: Any) -> None:
    code = """
import numba.core.caching, numpy as np
numba.core.caching.CacheImpl._locator_classes = []
from kullback.numerics import _compiled
from kullback.numerics.sums import Scale
p, out, flags = np.full(4, 0.25), np.empty((1, 2)), np.empty(1, bool)
_compiled.run("total", p, p, 4, Scale(np.ones((1, 1)), np.zeros((1, 1)), np.zeros((1, 1), np.int64)), out, flags)
assert out[0, 0] == 1
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
@NEEDS_NUMBA
def test_passes_cached_by_different_processes_keep_apart(tmp_path: Any) -> None:
    code = """
import sys, numpy as np
from kullback.numerics import _compiled
from kullback.numerics.sums import Scale
p, out, flags = np.full(4, 0.25), np.empty((1, 2)), np.empty(1, bool)
scale = Scale(np.ones((1, 1)), np.zeros((1, 1)), np.zeros((1, 1), np.int64))
for name, value in (("total", 1.0), ("entropy", np.log(4.0))):
    if name in sys.argv:
        _compiled.run(name, p, p, 4, scale, out, flags)
        assert abs(out[0, 0] - value) < 1e-15
"""
    for names in (["total"], ["entropy"], ["total", "entropy"]):
        environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
        subprocess.run([sys.executable, "-c", code, *names], check=True, env=environment)


def test_small_arrays_import_no_numba() -> None:
    code = """
import sys, numpy as np
from kullback.numerics.kernel import relative_entropy
relative_entropy(np.ones(10), np.arange(1.0, 11.0))
relative_entropy(np.ones(10_000), np.arange(1.0, 10_001.0))
assert "numba" not in sys.modules and "scipy" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_sums() -> None:
    rng = np.random.default_rng(12)
    for n in (7, 1000, 50_000):
        p, q = rng.lognormal(0, 5, (2, n))
        parts = relative_entropy(p, q)
        assert parts.sum_p == pytest.approx(math.fsum(p), rel=1e-15)
        assert parts.sum_q == pytest.approx(math.fsum(q), rel=1e-15)


@pytest.mark.parametrize("path", ["numpy", "compiled"])
def test_entropy(path: str, force: Any) -> None:
    force(path)
    rng = np.random.default_rng(13)
    cases = [rng.dirichlet(np.full(n, a)) for n in (1, 2, 50, 10_000) for a in (0.01, 1.0)]
    cases += [np.array(x) for x in ([1e-12, 1.0], [5e-324, 1e-310], [1.7e308, 1.7e308], [3, 0, 1])]
    for p in cases:
        with mpmath.workdps(60):
            value = -mpmath.fsum(a * mpmath.log(a) for a in exact(p) if a)
            assert abs(entropy(p) - value) <= PRECISE * value
    assert math.isnan(entropy(np.zeros(3)))


@pytest.mark.parametrize("path", ["numpy", "compiled"])
def test_jensen_shannon(path: str, force: Any) -> None:
    force(path)
    rng = np.random.default_rng(14)
    cases = [pair(rng, n, epsilon, "uniform") for n in (2, 50) for epsilon in (1.0, 1e-5, 1e-10)]
    cases.append(pair(rng, 9000, 1e-5, "uniform"))  # more than a block
    cases += [tuple(rng.dirichlet(np.full(100, 0.01), 2)), (np.array([1.0, 2.0]), np.array([3e-310, 1e-320]))]
    cases += [(np.array([1.7e308, 1.7e308]), np.array([1e-300, 2e-300]))]
    for p, q in cases:
        with mpmath.workdps(60):
            both = list(zip(exact(p), exact(q), strict=True))
            value = mpmath.fsum(x * mpmath.log(2 * x / (a + b)) / 2 for a, b in both for x in (a, b) if x)
            found = jensen_shannon(p, q)
            assert abs(found - value) <= PRECISE * value
        assert jensen_shannon(q, p) == pytest.approx(found, rel=PRECISE)
    apart = np.array([0.2, 0.8, 0.0, 0.0])
    assert jensen_shannon(apart, apart[::-1]) == math.log(2)
    assert jensen_shannon(apart, apart) == 0.0


WEIGHTS = st.floats(0.0, 1e30) | st.floats(1e-3, 1e3) | st.floats(1e-320, 1e-290)
PAIRS = st.lists(st.tuples(WEIGHTS, WEIGHTS.filter(bool)), min_size=1, max_size=40).filter(
    lambda entries: any(x for x, _ in entries)
)


@settings(max_examples=50, deadline=None)
@given(PAIRS, st.randoms(use_true_random=False), st.integers(-30, 30))
def test_what_always_holds(entries: list[tuple[float, float]], random: Any, k: int) -> None:
    p, q = np.array(entries).T
    found = relative_entropy(p, q)
    assert found.value >= 0.0
    assert relative_entropy(p, p).value == 0.0
    random.shuffle(entries)
    shuffled = relative_entropy(*np.array(entries).T)
    assert abs(shuffled.value - found.value) <= shuffled.error + found.error
    larger = relative_entropy(p, q * 2.0**k)
    if q.min() > 1e-280:
        assert abs(larger.value - found.value) <= larger.error + found.error
    assert abs(found.value - truth(p, q)) <= found.error


def test_tail_is_one_function() -> None:
    z = np.linspace(0, 1 / 9, 100)
    assert sums.tail(z).tolist() == [sums.tail_of_one(x) for x in z.tolist()]


@pytest.mark.parametrize("length", [8192, 8193, 9000, 16384, 20000])
def test_rows_of_several_segments_together_give_the_bits_of_each_alone(length: int) -> None:
    rng = np.random.default_rng(length)
    p, q = (rng.dirichlet(np.ones(length), 7) for _ in range(2))
    q[2] = p[2] * (1 + 1e-9 * rng.normal(size=length))
    q[3] = p[3]
    q[4, -1] = q[5, 8191] = p[6, 100:8100] = 0
    q[1, 5] = 5e-324
    alone = [kernel.relative_entropy(a, b) for a, b in zip(p, q, strict=True)]
    for layout in (p, np.asfortranarray(p)):
        together = kernel.relative_entropy(layout, q)
        for name in together._fields:
            assert np.array_equal(getattr(together, name), [getattr(x, name) for x in alone], equal_nan=True), name


def test_joint_axes_of_several_segments() -> None:
    p, q = np.random.default_rng(0).random((2, 3, 100, 4, 100))
    found = kernel.relative_entropy(p, q, axis=(1, 3))
    flat = [x.transpose(0, 2, 1, 3).reshape(12, -1) for x in (p, q)]
    assert np.array_equal(found.value.ravel(), kernel.relative_entropy(*flat).value)
