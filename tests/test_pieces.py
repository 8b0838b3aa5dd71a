"""Densities in pieces: histograms, kernel estimates, and functions with kinks, jumps, gaps and poles."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from scipy import integrate, stats

import kullback as kl


def _bins(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    n = int(rng.integers(3, 60))
    edges = np.concatenate([[0.0], np.sort(rng.uniform(0, 1, n - 1)), [1.0]])
    return edges, rng.dirichlet(np.full(n, 0.7))


def _exactly(p: Any, q: Any) -> float:
    """Σ over the cells of both, in 40 digits."""
    cells = np.union1d(p[0], q[0])
    with mp.workdps(40):
        masses = []
        for edges, weights in (p, q):
            own = np.searchsorted(edges, cells[:-1], side="right") - 1
            whole = mp.fsum(mp.mpf(float(w)) for w in weights)
            masses.append(
                [
                    mp.mpf(float(weights[j]))
                    / whole
                    * (mp.mpf(float(b)) - float(a))
                    / (mp.mpf(float(edges[j + 1])) - float(edges[j]))
                    for j, a, b in zip(own, cells[:-1], cells[1:], strict=True)
                ]
            )
        return float(mp.fsum(a * mp.log(a / b) for a, b in zip(*masses, strict=True) if a))


def _steps(bins: Any) -> Callable[[Any], Any]:
    edges, weights = bins
    heights = np.log(weights / np.diff(edges))
    return lambda x: heights[np.clip(np.searchsorted(edges, x, side="right") - 1, 0, len(weights) - 1)]


@pytest.mark.parametrize("seed", range(8))
def test_steps_as_histograms_and_as_functions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, q = _bins(rng), _bins(rng)
    truth = _exactly(p, q)
    scipys = [stats.rv_histogram((w / np.diff(e), e), density=True)() for e, w in (p, q)]
    words = [f"histogram({e.tolist()}, {w.tolist()})" for e, w in (p, q)]
    for pair in (scipys, words):
        found = kl.divergence(*pair)
        assert found.method == "steps"
        assert abs(found.value - truth) <= found.error + 4e-16 * truth
        assert found.error <= 1e-13 * max(1, truth)
    functions = [kl.Density(_steps(bins), support=(0, 1)) for bins in (p, q)]
    for a, b in ((functions[0], functions[1]), (functions[0], words[1]), (words[0], functions[1])):
        found = kl.divergence(a, b)
        assert abs(found.value - truth) <= found.error
        assert found.error <= 1e-9 * max(1, truth)


def test_an_empty_bin_of_q() -> None:
    whole = stats.rv_histogram((np.ones(50), np.linspace(0, 1, 51)))()
    holed = stats.rv_histogram((np.r_[np.ones(30), 0, np.ones(19)], np.linspace(0, 1, 51)))()
    found = kl.divergence(whole, holed)
    assert (found.value, found.status) == (math.inf, kl.Status.SUPPORT_GAP)
    assert "from 0.6 to 0.62" in found.detail
    assert kl.divergence("beta(2, 3)", holed).value == math.inf
    assert kl.divergence(holed, whole).value == pytest.approx(math.log(50 / 49), rel=1e-14)
    assert kl.divergence(holed, "uniform(0, 1)").value == pytest.approx(math.log(50 / 49), rel=1e-14)


def test_a_histogram_against_other_densities_and_far_out() -> None:
    counts, edges = np.array([29, 37, 35, 20, 37]), np.linspace(0, 1, 6)
    found = kl.divergence(stats.rv_histogram((counts, edges))(), "normal(0.5, 1)")
    p = counts / counts.sum()
    square = math.fsum(
        w * ((b - 0.5) ** 3 - (a - 0.5) ** 3) / (3 * 0.2) for w, a, b in zip(p, edges, edges[1:], strict=False)
    )
    truth = math.fsum(p * np.log(p / 0.2)) + 0.5 * math.log(2 * math.pi) + 0.5 * square
    assert abs(found.value - truth) <= found.error + 4e-16
    far = [stats.rv_histogram((counts, edges))(loc=1.7e9, scale=1e-6), stats.uniform(1.7e9, 1e-6)]
    assert kl.divergence(*far).value == pytest.approx(
        kl.divergence("uniform(0, 1)", "uniform(0, 1)").value + math.fsum(p * np.log(p / 0.2)), rel=1e-9
    )
    for text, message in (
        ("histogram([0, 1], [1, 2])", "one edge more"),
        ("histogram([0, 0, 1], [1, 2])", "must rise"),
        ("histogram([0, 1], [-1])", "non-negative"),
        ("histogram([0, 'a'], [1])", "list of numbers"),
    ):
        with pytest.raises(kl.InputError, match=message):
            kl.divergence(text, "uniform(0, 1)")


@pytest.mark.parametrize("n", [50, 400])
def test_a_kernel_estimate_is_its_mixture(n: int) -> None:
    rng = np.random.default_rng(n)
    kde = stats.gaussian_kde(rng.normal(size=n), weights=rng.uniform(0.5, 1, n))
    found = kl.divergence(kde, "normal(0, 1)")
    truth = integrate.quad(
        lambda x: float(kde(x)[0] * (kde.logpdf(x)[0] - stats.norm.logpdf(x))), -8, 8, limit=500, epsabs=1e-11
    )[0]
    assert found.value == pytest.approx(truth, abs=1e-11)
    assert found.error <= 1e-13
    assert found.n < 20_000  # not some panels for every point
    function = kl.divergence(kl.Density(kde.logpdf), "normal(0, 1)")
    assert abs(function.value - found.value) <= function.error


def test_a_kernel_estimate_in_the_plane() -> None:
    rng = np.random.default_rng(0)
    kde = stats.gaussian_kde(rng.normal(size=(2, 200)))
    found = kl.divergence(kde, stats.multivariate_normal(np.zeros(2)))
    x = kde.resample(100_000, seed=1)
    terms = kde.logpdf(x) - stats.multivariate_normal(np.zeros(2)).logpdf(x.T)
    assert abs(found.value - terms.mean()) <= 5 * terms.std() / math.sqrt(len(terms)) + 4 * found.error


def test_a_function_that_takes_arrays_is_called_with_them() -> None:
    calls = []

    def log_prob(x: Any) -> Any:
        calls.append(np.shape(x))
        return -0.5 * (x[0] ** 2 + x[1] ** 2) - math.log(2 * math.pi)

    p = kl.Density(log_prob, dim=2)
    assert kl.divergence(
        p, kl.Density(lambda x: -0.5 * ((x[0] - 1) ** 2 + x[1] ** 2) - math.log(2 * math.pi), dim=2)
    ).value == pytest.approx(0.5, rel=1e-9)
    assert len(calls) < 1000
    tricky = kl.Density(lambda x: -np.max(np.abs(x)) - math.log(2.0))  # of a batch it would be one number
    assert kl.divergence(tricky, "laplace(0, 1)").value == pytest.approx(0, abs=1e-12)
    leaky = kl.Density(lambda x: -np.abs(x) - math.log(2.0) + 1e-3 * (np.size(x) > 1))  # not the same in a batch
    assert kl.divergence(leaky, "laplace(0, 1)").value == pytest.approx(0, abs=1e-12)


def _with(values: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def quiet(x: Any) -> Any:
        with np.errstate(all="ignore"):
            return values(x)

    return quiet


POLE = math.log(2 * (math.sqrt(0.3) + math.sqrt(0.7)))
FUNCTIONS: list[tuple[str, Callable[[Any], Any], Any, Any, float]] = [
    (
        "gap of P",
        _with(lambda x: np.where((x > 0.4) & (x < 0.45), -np.inf, -math.log(0.95))),
        (0, 1),
        "uniform(0, 1)",
        -math.log(0.95),
    ),
    ("pole", _with(lambda x: -0.5 * np.log(np.abs(x - 0.3)) - POLE), (0, 1), "uniform(0, 1)", None),
    ("sawtooth", _with(lambda x: np.log(2 * ((7 * x) % 1))), (0, 1), "uniform(0, 1)", math.log(2) - 0.5),
    (
        "kinks",
        _with(lambda x: np.log(0.15 * np.exp(-np.abs(x)) + 35 * np.exp(-np.abs(x - 3.3) / 0.01))),
        None,
        "normal(0, 3)",
        None,
    ),
    ("branches", lambda x: -x if x > 0 else -math.inf, None, "exponential(2)", 1 - math.log(2)),
]


@pytest.mark.parametrize(("name", "log_prob", "support", "q", "truth"), FUNCTIONS, ids=[row[0] for row in FUNCTIONS])
def test_functions_in_pieces(name: str, log_prob: Any, support: Any, q: str, truth: float | None) -> None:
    if name == "pole":  # ∫ p log p, by x = 0.3 ± t²
        sides = [mp.quad(lambda t: 2 * mp.exp(-POLE) * (-mp.log(t) - POLE), [0, mp.sqrt(side)]) for side in (0.3, 0.7)]
        truth = float(sum(sides))
    elif name == "kinks":
        truth = kl.divergence("0.3*laplace(0, 1) + 0.7*laplace(3.3, 0.01)", q).value
    found = kl.divergence(kl.Density(log_prob, support=support), q)
    assert truth is not None
    assert abs(found.value - truth) <= found.error
    # a function of x knows nothing of what lies within 64 roundings of its pole: 1.3e-7 of the mass, at −log of 17
    assert found.error <= (4e-6 if name == "pole" else 1e-9)


@pytest.mark.parametrize("width", [0.05, 3e-4])
def test_a_gap_of_a_function_is_infinite(width: float) -> None:
    holed = kl.Density(
        _with(lambda x: np.where((x > 0.4137) & (x < 0.4137 + width), -np.inf, -math.log1p(-width))), support=(0, 1)
    )
    found = kl.divergence("uniform(0, 1)", holed)
    assert (found.value, found.status) == (math.inf, kl.Status.SUPPORT_GAP)


def test_a_support_that_was_not_given_proves_nothing() -> None:
    half = kl.Density(lambda x: -x if x > 0 else -math.inf)
    assert kl.divergence(half, "exponential(1)").value == pytest.approx(0, abs=1e-12)
    whole = kl.Density(lambda x: -0.5 * x * x - 0.5 * math.log(2 * math.pi))
    assert kl.divergence(whole, "exponential(1)").value == math.inf


def test_a_name_of_scipys_on_a_class_of_ones_own() -> None:
    class Mine(stats.rv_continuous):
        def _pdf(self, x: Any) -> Any:
            return np.where((x >= 0) & (x <= 1), 1.0, 0.0)

    class Double(Mine):
        def _pdf(self, x: Any) -> Any:
            return 2 * super()._pdf(x)

    for pair in ((Double(a=0, b=1)(), "uniform(0, 1)"), ("uniform(0, 1)", Double(a=0, b=1)())):
        with pytest.raises(kl.InputError, match="integrates to 2, not to 1"):
            kl.divergence(*pair)
    mine = Mine(a=0, b=1, name="norm")()
    assert kl.divergence(mine, "uniform(0, 1)").value == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("family", ["Normal", "Gamma"])
def test_many_components(family: str) -> None:
    import jax.numpy as jnp
    import numpyro.distributions as dist

    rng = np.random.default_rng(1)
    weights, places, scales = rng.dirichlet(np.ones(300)), rng.uniform(2, 100, 300), rng.uniform(0.1, 3, 300)

    def mixed(shift: float) -> Any:
        parts = getattr(dist, family)(jnp.asarray(places + shift), jnp.asarray(scales))
        return dist.MixtureSameFamily(dist.Categorical(probs=jnp.asarray(weights)), parts)

    found = kl.divergence(mixed(0.0), mixed(0.1))
    assert found.status is kl.Status.OK
    assert 0 < found.value < 0.1
    assert found.n < 100_000


@pytest.mark.parametrize("bins", [300, 12_000])
def test_a_histogram_of_unequal_bins_against_a_smooth_density(bins: int) -> None:
    """Its edges are known to be where it jumps: nothing hides there. −log q of a normal by the exact moments."""
    rng = np.random.default_rng(5)
    edges = np.sort(np.r_[0.0, rng.uniform(size=bins - 1), 1.0])
    counts = rng.integers(0, 40, bins).astype(float)
    w = counts / counts.sum()
    middle, width, filled = 0.5 * (edges[1:] + edges[:-1]), np.diff(edges), w > 0
    mean, square = w @ middle, w @ (middle**2 + width**2 / 12)
    truth = math.fsum(w[filled] * np.log(w[filled] / width[filled])) + 0.5 * math.log(2 * math.pi * 0.16)
    truth += (square - 0.6 * mean + 0.09) / 0.32
    found = kl.divergence(stats.rv_histogram((counts, edges), density=False), stats.norm(0.3, 0.4))
    assert abs(found.value - truth) <= found.error + 1e-14
    assert found.error <= 1e-13


@pytest.mark.parametrize(
    ("c", "power"), [(0.2511670152444879, 0.8681630870331961), (0.10701779623213242, 0.3685724030727556), (0.5, 0.8)]
)
def test_a_pole_inside(c: float, power: float) -> None:
    """|x − c|^−r on (0, 1): a node may round to c, and doubles do not reach all of a strong pole's mass."""

    def log_p(x: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return -power * np.log(np.abs(x - c)) - math.log(whole)

    rest = 1 - power
    whole = (c**rest + (1 - c) ** rest) / rest
    mean_log = sum(t**rest * (math.log(t) / rest - 1 / rest**2) for t in (c, 1 - c)) / whole
    found = kl.divergence(kl.Density(log_p, support=(0, 1)), "uniform(0, 1)")
    assert abs(found.value - (-power * mean_log - math.log(whole))) <= found.error
    assert found.error <= (1e-7 if power < 0.5 else 1.0)


def test_a_log_density_without_a_maximum_is_told() -> None:
    with pytest.raises(kl.InputError, match="no finite integral"):
        kl.divergence(kl.Density(lambda x: x), "normal(0, 1)")
