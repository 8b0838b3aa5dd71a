"""Draws as samplers' libraries hold them: ArviZ, getdist, anesthetic, or what has their shape.

Real libraries where they are installed; else stand-ins with the attributes that are read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import kullback as kl
from kullback.sources import as_distribution, drawn_table

TRUTH = 3 * (math.log(2) + 1 / 8 - 1 / 2)  # N(0, I) from N(0, 4I) in three dimensions


class Variable:
    """As xarray.DataArray."""

    def __init__(self, name: str, dims: tuple[str, ...], values: Any, coords: dict[str, Any] | None = None) -> None:
        self.name, self.dims, self.values, self.shape = name, dims, np.asarray(values), np.shape(values)
        self.coords = {k: SimpleNamespace(values=np.asarray(v)) for k, v in (coords or {}).items()}


class Dataset(Mapping[str, Variable]):
    """As xarray.Dataset, and, with children, as DataTree."""

    def __init__(self, variables: list[Variable], children: dict[str, Any] | None = None) -> None:
        self.data_vars, self.children = {v.name: v for v in variables}, children or {}

    def __getitem__(self, name: str) -> Variable:
        return self.data_vars[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.data_vars)

    def __len__(self) -> int:
        return len(self.data_vars)


def stand_in(groups: dict[str, dict[str, Any]]) -> Any:
    made = {}
    for group, variables in groups.items():
        made[group] = Dataset([
            Variable(name, ("chain", "draw", "school")[: x.ndim], x, {"school": ["a", "b"]} if x.ndim > 2 else None)
            for name, x in variables.items()
        ])  # fmt: skip
    return SimpleNamespace(root=Dataset([], made), **made)


def arviz(groups: dict[str, dict[str, Any]]) -> Any:
    base = pytest.importorskip("arviz_base")
    root = base.from_dict(groups, coords={"school": ["a", "b"]}, dims={"theta": ["school"]})
    return SimpleNamespace(root=root, **{name: root[name] for name in groups})


def posterior_and_prior(make: Callable[[dict[str, dict[str, Any]]], Any]) -> Any:
    r = np.random.default_rng(0)
    return make({
        "posterior": {"mu": r.normal(size=(4, 500)), "theta": r.normal(size=(4, 500, 2))},
        "prior": {"theta": 2 * r.normal(size=(1, 1500, 2)), "mu": 2 * r.normal(size=(1, 1500))},
    })  # fmt: skip


@pytest.mark.parametrize("make", [stand_in, arviz])
def test_groups_of_arviz_are_draws_in_chains_with_names(make: Any) -> None:
    idata = posterior_and_prior(make)
    found = kl.divergence(idata.posterior, idata.prior)  # variables of one name belong together, in any order
    assert abs(found.value - TRUTH) < 4.5 * found.error < 0.4
    draws = as_distribution(idata.posterior, "p")
    assert isinstance(draws, kl.Sample)
    assert draws.columns == ("mu", "theta[a]", "theta[b]")
    assert draws.design.chains == (500,) * 4
    np.testing.assert_array_equal(draws.x[:, 2], np.asarray(idata.posterior["theta"].values)[:, :, 1].ravel())
    alone = as_distribution(idata.posterior["mu"], "p")
    assert isinstance(alone, kl.Sample)
    assert alone.columns == ("mu",)
    np.testing.assert_array_equal(alone.x, draws.x[:, 0])
    assert kl.compare(idata.posterior, idata.prior).p_value < 0.01
    with pytest.raises(kl.KindError, match=r"p has the groups posterior, prior; give one of them: p\.posterior"):
        kl.divergence(idata.root, idata.prior)
    with pytest.raises(kl.InputError, match=r"only q has theta\[a\], theta\[b\]. Give both .*: 'mu'"):
        kl.divergence(idata.posterior["mu"], idata.prior)
    with pytest.raises(kl.InputError, match=r"only p has theta\[a\], theta\[b\]"):
        kl.divergence(idata.prior, idata.posterior["mu"], direction="reverse")
    rows = drawn_table(idata.posterior, "p")
    assert rows is not None
    assert rows.weights is None
    assert rows.groups is not None
    np.testing.assert_array_equal(rows.columns["theta[a]"], draws.x[:, 1])
    stretch = np.bincount(rows.groups)
    assert len(rows.groups) == 2000
    assert 5 <= stretch.min() <= stretch.max() <= 100  # several draws, for a little correlation, and many stretches
    assert drawn_table([0.5, 0.5], "p") is None


def test_a_whole_inference_data_asks_for_a_group() -> None:
    class InferenceData:
        _groups = ("prior", "posterior")

        def groups(self) -> list[str]:
            return list(self._groups)

    with pytest.raises(kl.KindError, match=r"q has the groups prior, posterior; give one of them: q\.posterior"):
        kl.divergence("normal(0, 1)", InferenceData())


def test_stacked_draws_return_to_their_chains() -> None:
    r = np.random.default_rng(1)
    x, chain, draw = r.normal(size=40), np.tile([1, 0], 20), np.repeat(np.arange(20), 2)
    coords = {"chain": chain, "draw": draw}
    found = as_distribution(Variable("mu", ("sample",), x, coords), "p")
    assert isinstance(found, kl.Sample)
    assert found.design.chains == (20, 20)
    np.testing.assert_array_equal(found.x, np.r_[x[1::2], x[::2]])
    plain = as_distribution(Variable("mu", ("sample",), x), "p")
    assert isinstance(plain, kl.Sample)
    assert plain.design.chains == (40,)


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ([Variable("x", ("chain", "draw"), np.full((2, 9), "a"))], "x holds <U1, no numbers; leave it out"),
        ([Variable("x", ("n",), np.zeros(9))], r"^q has the dimensions n, and draws .*: q\.rename\(n='draw'\)"),
        ([Variable("x", ("draw",), np.zeros(9)), Variable("y", ("k",), np.zeros(9))], "^q: y has the dimensions k"),
        ([Variable("x", ("draw",), np.zeros(9)), Variable("y", ("draw",), np.zeros(8))], "8 draws of y and 9 of x"),
        ([], "holds no variables"),
    ],
)
def test_datasets_that_hold_no_draws_say_so(variables: list[Variable], says: str) -> None:
    with pytest.raises(kl.InputError, match=says):
        kl.divergence("normal(0, 1)", Dataset(variables))


def test_an_array_whose_rows_are_chains_is_no_sample_of_them() -> None:
    with pytest.raises(kl.InputError, match="dimensions chain, draw, and its rows are chains"):
        kl.Sample(Variable("mu", ("chain", "draw"), np.zeros((4, 9))))


def getdist(x: list[Any], **more: Any) -> Any:
    module = pytest.importorskip("getdist")
    return module.MCSamples(samples=x, names=["a", "b", "a2*"], **more)


def like_getdist(x: list[Any], weights: list[Any], sampler: str = "mcmc", ranges: dict[str, Any] | None = None) -> Any:
    ends = [v[:2] for v in (ranges or {}).values()]
    bounds = SimpleNamespace(
        periodic=set(ranges or {}), getLower=lambda name: ends[0][0], getUpper=lambda name: ends[0][1]
    )
    names = [SimpleNamespace(name=n, isDerived=n == "a2") for n in ("a", "b", "a2")]
    return SimpleNamespace(
        samples=np.concatenate(x), weights=np.concatenate(weights), sampler=sampler, label=None, ranges=bounds,
        chain_offsets=np.cumsum([0, *map(len, x)]), getParamNames=lambda: SimpleNamespace(names=names),
    )  # fmt: skip


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("make", [like_getdist, getdist])
def test_chains_of_getdist(make: Any) -> None:
    """A chain that stays w steps in a place is the chain with that place written w times."""
    r = np.random.default_rng(2)
    x = [r.normal(size=(n, 2)) for n in (900, 600)]
    stays = [r.integers(1, 4, len(v)).astype(float) for v in x]
    chains = make([np.column_stack([v, v[:, 0] ** 2]) for v in x], weights=stays)
    found = as_distribution(chains, "p")
    assert isinstance(found, kl.Sample)
    assert found.columns == ("a", "b")
    assert found.design.chains == (900, 600)
    assert "functions of the others: a2" in " ".join(found.notes)
    measured = kl.divergence(chains, "multivariate_normal([0, 0], [[4, 0], [0, 4]])")
    assert abs(measured.value - TRUTH * 2 / 3) < 4.5 * measured.error < 0.3
    steps = [np.repeat(v, w.astype(int), axis=0) for v, w in zip(x, stays, strict=True)]
    written = kl.Sample(np.concatenate(steps), chains=np.repeat([0, 1], [len(v) for v in steps]))
    assert found.effective_sample_size == pytest.approx(written.effective_sample_size, rel=0.1)
    rows = drawn_table(chains, "p")
    assert rows is not None
    assert list(rows.columns) == ["a", "b", "a2"]
    assert rows.weights is not None
    assert rows.groups is not None
    nested = as_distribution(
        make([np.column_stack([v, v[:, 0] ** 2]) for v in x], weights=stays, sampler="nested",
             ranges={"b": [-9.0, 9.0, "periodic"]}), "p",
    )  # fmt: skip
    assert isinstance(nested, kl.Sample)
    assert nested.design.chains is None
    assert nested.period is not None
    assert nested.period.tolist() == [math.inf, 18]


class Frame:
    """As a frame of anesthetic."""

    def __init__(self, columns: dict[Any, Any], weights: Any) -> None:
        self.columns, self._x, self._w = list(columns), np.column_stack(list(columns.values())), np.asarray(weights)

    def to_numpy(self) -> Any:
        return self._x

    def get_weights(self) -> Any:
        return self._w


class MCMCSamples(Frame): ...


def test_frames_of_anesthetic() -> None:
    r = np.random.default_rng(3)
    x, w = r.normal(size=(800, 2)), r.gamma(2, size=800)
    level = np.arange(800.0)
    nested = Frame({("x", "$x$"): x[:, 0], ("y", "$y$"): x[:, 1], ("logL", "$L$"): level, ("nlive", "n"): level}, w)
    found = as_distribution(nested, "p")
    assert isinstance(found, kl.Sample)
    assert found.columns == ("x", "y")
    assert found.design.chains is None
    assert "left out: logL, nlive" in found.notes[0]
    assert found.design.mean(found.x) == pytest.approx(w @ x / w.sum(), rel=1e-12)
    chain = as_distribution(MCMCSamples({"x": x[:, 0], "chain": np.repeat([1, 2], 400)}, w), "p")
    assert isinstance(chain, kl.Sample)
    assert chain.design.chains == (400, 400)
    rows = drawn_table(nested, "p")
    assert rows is not None
    assert rows.groups is None
    assert list(rows.columns) == ["x", "y"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of pandas, in anesthetic's own calls
def test_real_frames_of_anesthetic() -> None:
    made = pytest.importorskip("anesthetic")
    r = np.random.default_rng(4)
    chain = made.MCMCSamples(data=r.normal(size=(400, 2)), columns=["x", "y"], logL=r.normal(size=400))
    live = made.NestedSamples(
        data=r.random((300, 2)), columns=["y", "x"], logL=np.sort(r.normal(size=300)),
        logL_birth=np.r_[[-np.inf] * 50, np.sort(r.normal(size=250)) - 5],
    )  # fmt: skip
    for obj, names, chains in ((chain, ("x", "y"), (400,)), (live, ("y", "x"), None)):
        found = as_distribution(obj, "p")
        assert isinstance(found, kl.Sample)
        assert found.columns == names
        assert found.design.chains == chains
    assert kl.divergence(chain, live).value > 0


def test_columns_of_one_name_belong_together() -> None:
    r = np.random.default_rng(5)
    x = r.normal(size=(300, 2)) * [1, 5]
    p = kl.Sample(x, columns=["a", "b"])
    turned = kl.Sample(2 * r.normal(size=(300, 2)) * [5, 1], columns=["b", "a"])
    found = kl.divergence(p, turned)
    assert abs(found.value - TRUTH * 2 / 3) < 4.5 * found.error
    assert kl.compare(p, turned).forward.value == found.value
    with pytest.raises(kl.InputError, match=r"only p has b; only q has c. Give both .*: 'a'"):
        kl.divergence(p, kl.Sample(x, columns=["a", "c"]))
    other = kl.Sample(x, columns=["c", "d"])  # names that have nothing in common: the places count
    assert kl.plan(p, other).method


@pytest.mark.parametrize("make", [stand_in, arviz])
def test_tables_of_draws_know_of_their_chains(make: Callable[[dict[str, dict[str, Any]]], Any]) -> None:
    """A chain whose draws follow each other is worth fewer; the chains of two samplers are not the same ones."""
    r = np.random.default_rng(1)
    slow = np.zeros((4, 500))
    for t in range(1, 500):
        slow[:, t] = 0.9 * slow[:, t - 1] + math.sqrt(1 - 0.9**2) * r.normal(size=4)
    drawn = make({
        "posterior": {"mu": slow, "theta": r.normal(size=(4, 500, 2))},
        "prior": {"mu": r.normal(size=(1, 1000)), "theta": r.normal(size=(1, 1000, 2))},
    })  # fmt: skip
    found = kl.compare_tables(drawn.posterior, drawn.prior)
    assert {c.column for c in found.columns} == {"mu", "theta[a]", "theta[b]"}
    assert found["mu"].worth is not None
    assert found["mu"].worth[0] < 0.4 * 2000  # bins of few correlation lengths: (1 − φ)/(1 + φ) is .05 for the mean
    assert found["theta[a]"].p_value > 0.01
    assert not any("both sides" in note for note in found.notes)
    frame = kl.compare_tables(drawn.posterior, kl.Table({"mu": r.normal(size=300)}))
    assert frame["mu"].worth is not None
