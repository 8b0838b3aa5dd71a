"""Every kind of object through the door."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import kullback as kl
from kullback.sources import as_distribution
from kullback.sources._scipy_canonical import LATTICE, LOCATED, SCALED, STANDARD


def test_text_forms() -> None:
    p = as_distribution("0.35*normal(-3, 1) + 0.65*normal(3, 1.2)", "p")
    assert isinstance(p, kl.Density)
    assert p.parameters["weights"].tolist() == [0.35, 0.65]
    assert p.log_prob(0.0) == pytest.approx(
        math.log(0.35 * math.exp(-4.5) + 0.65 / 1.2 * math.exp(-4.5 / 1.44)) - 0.5 * math.log(2 * math.pi)
    )
    assert as_distribution("normal(scale=2, loc=1)", "p").parameters == {"loc": 1.0, "scale": 2.0}
    assert as_distribution("1/3*normal(0, 1) + 2/3*normal(1, 1)", "p").parameters["weights"][0] == pytest.approx(1 / 3)
    assert as_distribution("normal", "p").parameters == {"loc": 0.0, "scale": 1.0}
    assert isinstance(as_distribution("categorical([0.2, 0.8])", "p"), kl.Discrete)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("__import__('os').system('true')", "not a distribution"),
        ("normal(__import__('os').getpid(), 1)", "not a number"),
        ("(lambda: 1)()", "not a distribution"),
        ("normal(0, 1)[0]", "not a distribution"),
        ("normal(**{})", "not understood"),
        ("normal(open)", "not a number"),
        ("nromal(0, 1)", "did you mean 'normal'"),
        ("normal(0, 1, 2)", "too many"),
        ("normal(mean=0)", "unexpected keyword"),
        ("normal(0, -1)", "scale must be positive"),
        ("normal(0, 1) + normal(1, 1)", "sum to 2"),
        ("0.5*normal(0, 1) + 0.5*poisson(1)", "base measure"),
        ("-0.5*normal(0, 1) + 1.5*normal(1, 1)", "must be positive"),
        ("normal(1/0)", "division by zero"),
        ("normal(0, 1", "cannot read"),
        ("", "cannot read"),
        ("multivariate_normal([0, 0], [[1, 2], [2, 1]])", "positive definite"),
        ("multivariate_normal([0, 0], [[1]])", "shape"),
        ("binomial(2.5, 0.1)", "whole number"),
        ("examples/penguins.csv", "not a"),
        ("a" * 20_000, "characters long"),
    ],
)
def test_text_that_is_no_distribution(text: str, message: str) -> None:
    with pytest.raises(kl.InputError, match=message):
        kl.divergence(text, "normal(0, 1)")


SCIPY = {
    "norm": (1.0, 2.0),
    "laplace": (1.0, 2.0),
    "t": (3.0, 1.0, 2.0),
    "cauchy": (1.0, 2.0),
    "logistic": (1.0, 2.0),
    "gumbel_r": (1.0, 2.0),
    "uniform": (1.0, 2.0),
    "expon": (0.0, 2.0),
    "gamma": (2.5, 0.0, 2.0),
    "chi2": (3.0, 0.0, 1.0),
    "beta": (2.0, 3.0),
    "halfnorm": (0.0, 2.0),
    "halfcauchy": (0.0, 2.0),
    "lognorm": (0.5, 0.0, 2.0),
    "weibull_min": (1.5, 0.0, 2.0),
    "lomax": (1.5, 1.0, 2.0),
    "pareto": (2.5, 0.0, 2.0),
    "invgamma": (3.0, 0.0, 2.0),
    "poisson": (3.0,),
    "geom": (0.3, -1.0),
    "binom": (10, 0.3),
    "bernoulli": (0.3,),
    "nbinom": (2.5, 0.4),
    "zipf": (3.5,),
    "randint": (2.0, 9.0),
    "gumbel_l": (1.0, 2.0),
    "loggamma": (2.5, 1.0, 2.0),
    "moyal": (1.0, 2.0),
    "levy": (1.0, 2.0),
    "vonmises": (2.0, 0.5, 1.0),
    "erlang": (3, 1.0, 2.0),
    "chi": (3.5, 1.0, 2.0),
    "maxwell": (1.0, 2.0),
    "rayleigh": (1.0, 2.0),
    "nakagami": (1.5, 1.0, 2.0),
    "gengamma": (2.5, -1.5, 0.0, 2.0),
    "loguniform": (0.5, 3.0, 0.0, 2.0),
    "reciprocal": (0.5, 3.0, 1.0, 2.0),
    "fisk": (4.5, 0.0, 2.0),
    "invweibull": (4.5, 0.0, 2.0),
    "invgauss": (1.5, 0.0, 2.0),
    "gompertz": (0.7, 0.0, 2.0),
    "arcsine": (1.0, 2.0),
    "powerlaw": (1.5, 1.0, 2.0),
    "betabinom": (10, 2.0, 3.0),
    "logser": (0.4,),
}


def test_every_canonical_scipy_family_is_tried() -> None:
    assert set(SCIPY) == {*LOCATED, *SCALED, *STANDARD, *LATTICE}


@pytest.mark.parametrize("name", SCIPY)
def test_scipy_families_become_canonical_and_mean_the_same(name: str) -> None:
    from scipy import stats

    frozen = getattr(stats, name)(*SCIPY[name])
    density = as_distribution(frozen, "p")
    assert isinstance(density, kl.Density)
    assert density.facts.family or density.facts.base
    x = np.asarray(frozen.rvs(size=50, random_state=1), dtype=float)
    logs = frozen.logpmf if hasattr(frozen.dist, "pmf") else frozen.logpdf
    np.testing.assert_allclose(density.log_prob(x), logs(x), rtol=1e-11, atol=1e-12)
    mean, variance = (np.asarray(v) for v in density.facts.moments or frozen.stats("mv"))
    np.testing.assert_allclose([mean, variance], frozen.stats("mv"), rtol=1e-10)
    if density.facts.entropy is not None:
        assert density.facts.entropy == pytest.approx(float(frozen.entropy()), rel=1e-8)
    if density.facts.quantile is not None:
        u = np.array([0.01, 0.3, 0.5, 0.9])
        np.testing.assert_allclose(density.facts.quantile(u), frozen.ppf(u), rtol=1e-9)
    draws = density.sample(4000, seed=1)
    if np.isfinite(variance):
        assert abs(draws.mean() - mean) < 6 * math.sqrt(variance / 4000)


def test_other_scipy_families_are_asked_for_what_they_have() -> None:
    from scipy import stats

    p, q = stats.skewnorm(4, 1, 2), stats.norm(2, 1.5)
    found = kl.divergence(p, q)
    from scipy import integrate

    truth = integrate.quad(lambda x: p.pdf(x) * (p.logpdf(x) - q.logpdf(x)), -5, 20, epsabs=1e-13, limit=400)[0]
    assert found.value == pytest.approx(truth, abs=1e-9)
    z = kl.divergence(stats.planck(0.5), stats.nbinom(2, 0.3))
    assert z.value > 0
    with pytest.raises(kl.InputError, match="finite"):
        kl.divergence(stats.norm(0, np.nan), "normal(0, 1)")


def test_scipy_multivariate_normal() -> None:
    from scipy import stats

    p = stats.multivariate_normal([0, 1, 2], np.diag([1.0, 2.0, 3.0]))
    q = stats.multivariate_normal([0, 0, 0], np.eye(3))
    truth = 0.5 * (1 + 2 + 3 - 3 + 5 - math.log(6))
    assert kl.divergence(p, q).value == pytest.approx(truth, rel=1e-13)


def test_numpyro() -> None:
    import jax.numpy as jnp
    import numpyro.distributions as dist

    pairs = [
        (dist.Normal(1.0, 2.0), "normal(1, 2)"),
        (dist.StudentT(3.0, 1.0, 2.0), "student_t(3, 1, 2)"),
        (dist.Gamma(2.0, 3.0), "gamma(2, 3)"),
        (dist.Poisson(3.0), "poisson(3)"),
        (dist.Binomial(10, probs=0.25), "binomial(10, 0.25)"),
        (dist.Geometric(probs=0.25), "geometric(0.25)"),
        (dist.Bernoulli(probs=0.25), "bernoulli(0.25)"),
        (dist.LogNormal(0.0, 1.0), "log_normal(0, 1)"),
        (dist.MultivariateNormal(jnp.zeros(2), jnp.eye(2)), "multivariate_normal([0, 0], [[1, 0], [0, 1]])"),
        (dist.Normal(jnp.zeros(2), 1.0).to_event(1), "multivariate_normal([0, 0], [[1, 0], [0, 1]])"),
        (dist.Categorical(probs=jnp.array([0.25, 0.75])), [0.25, 0.75]),
        (
            dist.MixtureSameFamily(
                dist.Categorical(probs=jnp.array([0.25, 0.75])), dist.Normal(jnp.array([0.0, 4.0]), 1.0)
            ),
            "0.25*normal(0, 1) + 0.75*normal(4, 1)",
        ),
        (
            dist.MixtureSameFamily(
                dist.Categorical(logits=jnp.zeros(2)),
                dist.MultivariateNormal(jnp.array([[0.0, 0.0], [2.0, 2.0]]), jnp.stack([jnp.eye(2)] * 2)),
            ),
            "0.5*multivariate_normal([0, 0], [[1, 0], [0, 1]]) + 0.5*multivariate_normal([2, 2], [[1, 0], [0, 1]])",
        ),
    ]
    for theirs, ours in pairs:
        assert abs(kl.divergence(theirs, ours).value) < 1e-12, theirs
        assert abs(kl.divergence(ours, theirs).value) < 1e-12, theirs
    soft = dist.SoftLaplace(0.0, 1.0)
    assert kl.divergence(soft, "laplace(0, 1)").value > 0
    half = kl.divergence(dist.TruncatedNormal(0.0, 1.0, low=0.0), "half_normal(1)")
    assert abs(half.value) < 1e-6  # NumPyro holds float32 parameters and constants


def test_numpyro_logits_are_not_rounded_to_probabilities() -> None:
    import jax.numpy as jnp
    import numpyro.distributions as dist

    q = dist.Categorical(logits=jnp.array([0.0, -500.0]))
    assert kl.divergence([0.5, 0.5], q).value == pytest.approx(250 + math.log(0.5), rel=1e-6)


def test_frames_of_three_libraries() -> None:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    data = {"a": [1.0, 2.0, 4.0, 3.0], "b": [0.1, 0.3, 0.2, 0.9]}
    fits = [
        kl.fit(frame, "normal", direction="forward").parameters["loc"]
        for frame in (pd.DataFrame(data), pl.DataFrame(data), pa.table(data))
    ]
    for loc in fits:
        np.testing.assert_allclose(loc, [2.5, 0.375])
    with pytest.raises(kl.KindError, match=r"kl\.Discrete\(p\) or kl\.Sample\(p\)"):
        kl.divergence(pd.Series([0.5, 0.5]), [0.5, 0.5])
    series = pd.Series([0.25, 0.75], index=["x", "y"])
    assert kl.divergence(kl.Discrete(series), {"y": 0.75, "x": 0.25}).value == 0
    with pytest.raises(kl.InputError, match="missing values: 1 in a"):
        kl.fit(pd.DataFrame({"a": [1.0, None, 2.0]}), "normal", direction="forward")


def test_files(tmp_path: Path) -> None:
    csv = tmp_path / "rows.csv"
    csv.write_text("a,b,kind\n1,2.5,x\n3,NA,y\n4,1.5,x\n", encoding="utf-8")
    table = kl.read(csv)
    assert list(table.columns) == ["a", "b", "kind"]
    with pytest.raises(kl.InputError, match="missing values: 1 in b"):
        table.to_sample(["a", "b"])
    kept = table.to_sample(["a", "b"], drop_missing=True)
    assert kept.n == 2
    assert "1 of 3 rows dropped" in kept.notes[0]
    with pytest.raises(kl.InputError, match=r"holds 'x' \(row 1\), not a number"):
        table.to_sample(["kind"])
    with pytest.raises(kl.InputError, match="did you mean 'kind'"):
        kl.read(csv, ["kin"])
    with pytest.raises(kl.InputError, match=r"rows\.csv"):
        kl.read(tmp_path / "row.csv")
    (tmp_path / "empty.csv").write_text("", encoding="utf-8")
    with pytest.raises(kl.InputError, match="is empty"):
        kl.read(tmp_path / "empty.csv")
    (tmp_path / "bad.parquet").write_bytes(b"not parquet at all")
    with pytest.raises(kl.InputError, match="cannot read"):
        kl.read(tmp_path / "bad.parquet")
    (tmp_path / "rows.xlsx").write_bytes(b"x")
    with pytest.raises(kl.InputError, match="neither CSV nor Parquet"):
        kl.read(tmp_path / "rows.xlsx")
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"a": [1, 2, 3], "b": [1.0, None, 2.0]}), tmp_path / "rows.parquet")
    assert kl.read(tmp_path / "rows.parquet", ["a"]).to_sample().n == 3


def test_callables() -> None:
    one = kl.Density(lambda x: -0.5 * x * x - 0.5 * math.log(2 * math.pi))
    assert kl.divergence(one, "normal(1, 1)").value == pytest.approx(0.5, abs=1e-12)
    batch = kl.Density(lambda x: -x - 0.0, support=(0, math.inf), vectorized=True)
    assert kl.divergence(batch, "exponential(1)").value == pytest.approx(0, abs=1e-14)
    scaled = kl.Density(lambda x: -0.5 * ((x - 3e5) / 7) ** 2 + 40, normalized=False)
    assert kl.divergence(scaled, "normal(3e5, 7)").value == pytest.approx(0, abs=1e-9)
    with pytest.raises(kl.InputError, match="is nan at x"):
        kl.divergence(kl.Density(lambda x: math.nan if abs(x) < 1 else -x * x), "normal(0, 1)")
    with pytest.raises(kl.InputError, match="must return one number"):
        kl.divergence(kl.Density(lambda x: np.zeros(3)), "normal(0, 1)")
    with pytest.raises(kl.InputError, match="one number a point"):
        kl.divergence(kl.Density(lambda x: np.zeros(3), vectorized=True), "normal(0, 1)")
    with pytest.raises(kl.InputError, match="does not fall off"):
        kl.divergence(kl.Density(lambda x: 0.0, normalized=False), "normal(0, 1)")
    with pytest.raises(kl.InputError, match="low < high"):
        kl.Density(lambda x: 0.0, support=(1, 0))
    with pytest.raises(kl.KindError, match="callable"):
        kl.Density(3)  # type: ignore[arg-type]
    with pytest.raises(kl.InputError, match="dimensions"):
        kl.divergence("normal(0, 1)", "multivariate_normal([0, 0], [[1, 0], [0, 1]])")


def test_draws_against_a_density() -> None:
    x = np.random.default_rng(0).normal(size=800)
    found = kl.divergence(kl.Sample(x), "normal(1, 1)")
    assert found.error_kind == "standard_error"
    assert abs(found.value - 0.5) < 4 * found.error
    low, high = found.confidence_interval(0.95)
    assert (high - low) / (2 * found.error) == pytest.approx(1.96, abs=0.01)
    assert kl.divergence(kl.Sample(x), "normal(1, 1)").value == found.value
    plan = kl.plan(kl.Sample(x), "normal(0, 1)")
    assert plan.method == "parametric"
    forced = kl.divergence(kl.Sample(x), "normal(1, 1)", method="mixture plug-in")
    assert abs(forced.value - 0.5) < 4 * forced.error


def test_what_a_source_could_get_wrong() -> None:
    import jax.numpy as jnp
    import numpyro.distributions as dist
    import pandas as pd

    with pytest.raises(kl.InputError, match="masks 30 of 90"):
        kl.Sample(np.ma.masked_array([1.0, 99.0, 3.0] * 30, [0, 1, 0] * 30))
    with pytest.raises(kl.InputError, match="masks 1 of 2"):
        kl.divergence(np.ma.masked_array([0.5, 0.5], [1, 0]), [0.9, 0.1])
    with pytest.raises(kl.InputError, match="'scale' is given twice"):
        kl.divergence("normal(0, scale=1, scale=2)", "normal")
    assert kl.divergence(dist.Categorical(jnp.array([0.1, 0.9])), [0.2, 0.8]).value > 0
    logits = kl.divergence(dist.Bernoulli(logits=0.2), "bernoulli(0.5)")
    assert logits.value == pytest.approx(0.00497511, abs=5e-8)
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(300, 2)))
    assert kl.fit(frame, "normal", direction="forward").parameters["loc"].shape == (2,)
    draws = kl.Sample(np.random.default_rng(0).exponential(size=50))
    with pytest.raises(kl.NoMethodError, match="leak out of it"):
        kl.divergence(draws, "exponential(1)", method="mixture plug-in")
    assert kl.divergence("weibull(1, 0.005)", "normal(0, 1)").status is kl.Status.BEYOND_DOUBLES  # Γ(401)/2


def test_options_that_cannot_be() -> None:
    for options, text in [
        ({"axis": "a"}, "axis must be"),
        ({"axis": (0, 0)}, "axis must be"),
        ({"method": 3}, "method must be"),
        ({"tolerance": -1}, "tolerance must be"),
        ({"budget": 0}, "budget must be"),
        ({"seed": -1}, "seed must be"),
    ]:
        with pytest.raises(kl.KullbackError, match=text):
            kl.divergence([0.5, 0.5], [0.5, 0.5], **options)


def test_new_scipy_distributions() -> None:
    from scipy import stats

    gamma, poisson = stats.make_distribution(stats.gamma), stats.make_distribution(stats.poisson)
    normal, cut = stats.Normal(), stats.truncate(stats.Normal(), lb=0.0, ub=math.inf)
    canonical = [
        (stats.Normal(mu=1.0, sigma=2.0), "normal(1, 2)"),
        (3 * stats.Normal(mu=1.0) + 1, "normal(4, 3)"),
        (-2 * stats.Logistic() + 1, "logistic(1, 2)"),
        (stats.Uniform(a=0.5, b=2.0), "uniform(0.5, 2)"),
        (stats.Binomial(n=10, p=0.3), "binomial(10, 0.3)"),
        (
            stats.Mixture([normal, stats.Normal(mu=3.0, sigma=2.0)], weights=[0.25, 0.75]),
            "0.25*normal(0, 1) + 0.75*normal(3, 2)",
        ),
    ]
    asked = [
        (stats.exp(normal), "log_normal(0, 1)"),
        (stats.abs(normal), "half_normal(1)"),
        (stats.log(stats.exp(normal)), "normal(0, 1)"),
        (cut, "half_normal(1)"),
        (gamma(a=2.0), "gamma(2, 1)"),
        (poisson(mu=2.0), "poisson(2)"),
        (2 * gamma(a=2.0), "gamma(2, 0.5)"),
    ]
    for theirs, ours in canonical + asked:
        assert abs(kl.divergence(theirs, ours).value) < 1e-13, ours
        assert abs(kl.divergence(ours, theirs).value) < 1e-13, ours
        read = as_distribution(theirs, "p")
        assert isinstance(read, kl.Density)
        assert read.sample(3, seed=1).tolist() == read.sample(3, seed=1).tolist()
    for theirs, _ in canonical:
        assert as_distribution(theirs, "p").facts.family  # type: ignore[union-attr]
    batch = kl.divergence(gamma(a=[2.0, 3.0]), stats.Normal(mu=[[0.0], [1.0]]))
    assert batch.value.shape == (2, 2)
    assert batch.value[1, 0] == pytest.approx(kl.divergence("gamma(2, 1)", "normal(1, 1)").value, rel=1e-10)


def test_scipy_batches() -> None:
    from scipy import stats

    found = kl.divergence(stats.norm([0.0, 1.0], [[1.0], [2.0]]), stats.norm(0.0, 1.0))
    truth = [[0, 0.5], [1.5 - math.log(2), 2 - math.log(2)]]
    np.testing.assert_allclose(found.value, truth, rtol=1e-13)
    assert kl.divergence(stats.poisson([1.0, 2.0]), "poisson(1)").value[0] == 0
    generic = kl.divergence(stats.skewnorm([0.0, 4.0]), "normal(0, 1)")
    assert generic.value[0] == pytest.approx(0, abs=1e-12)
    half = kl.divergence(stats.norm(0, 1), stats.uniform([-1.0, 0.0], 1.0))
    assert np.isposinf(half.value).all()
    assert half.status.tolist() == [kl.Status.SUPPORT_GAP] * 2
    assert half.detail.startswith("at (0,)")
    with pytest.raises(kl.InputError, match="divergence measures a batch"):
        kl.fit(stats.norm([0.0, 1.0], 1.0), "normal", direction="forward")


C = 0.5 * math.log(2 * math.pi)


def test_callables_in_jax() -> None:
    import jax
    import jax.numpy as jnp

    for vectorized in (False, True):
        for wrap in (jax.jit, lambda f: f):
            p = kl.Density(wrap(lambda x: -0.5 * jnp.square(x) - C), vectorized=vectorized)
            assert kl.divergence(p, "normal(1, 1)").value == pytest.approx(0.5, abs=1e-12)
    plane = kl.Density(lambda x: -0.5 * jnp.sum(x * x) - 2 * C, dim=2)
    assert kl.divergence(plane, "multivariate_normal([1, 0], [[1, 0], [0, 1]])").value == pytest.approx(0.5, abs=1e-9)
    branching = kl.Density(lambda x: -jnp.abs(x) if x > 0 else jnp.asarray(x))  # does not trace: point by point
    assert branching.log_prob(np.array([-1.0, 2.0, 3.0])).tolist() == [-1, -2, -3]
    assert not jax.config.jax_enable_x64


def test_a_claim_to_be_vectorised_is_checked() -> None:
    for log_prob, message in [
        (lambda x: -0.5 * (x - x.mean()) ** 2 - C, r"not vectorised: at the point .* in a batch of \d+ and .* alone"),
        (lambda x: -x if x > 0 else x, "failed on a batch .* of which the first is"),
        (lambda x: -math.cosh(x), "failed on a batch .* of which the first is"),
        (lambda x: float(np.sum(-x * x)), r"returned shape \(\) for a batch of \d+ points of which the first is"),
        (lambda x: np.zeros((len(x), 2)), r"returned shape \(\d+, 2\)"),
    ]:
        with pytest.raises(kl.InputError, match=message):
            kl.divergence(kl.Density(log_prob, vectorized=True), "normal(0, 1)")  # type: ignore[arg-type]
    broken = kl.Density(lambda x: np.where(abs(x - 0.5) < 0.2, np.nan, -0.5 * x * x - C), vectorized=True)
    with pytest.raises(kl.InputError, match="is nan at x = 0"):
        kl.divergence(broken, "normal(0, 1)")
    with pytest.raises(kl.KindError, match=r"builtins\.object.*SciPy, NumPyro, torch or TFP"):
        kl.divergence(object(), "normal(0, 1)")
