"""The ladder of fitters: every one that applies agrees with the others, and says why where it does not."""

from __future__ import annotations

import contextlib
import graphlib
import json
import math
import re
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import kullback as kl
from cases import MURPHY, humps
from kullback._fit import FITTERS
from kullback.families._base import Family
from targets import density

TWO = "0.35*normal(-3, 1) + 0.65*normal(3, 1.2)"
STUDENT = "multivariate_student_t(6, [0, 1, 2], [[1, 0, 0], [0.5, 2, 0], [0, 0.3, 1]])"
COUNTS = "0.5*poisson(2) + 0.5*poisson(9)"
rng = np.random.default_rng(0)
DRAWS = kl.Sample(np.concatenate([rng.normal(0, 1, 300), rng.normal(6, 1, 200)]))
ROWS = kl.Sample(rng.normal(size=(200, 3)) * [1, 2, 3])


def wells(x: Any) -> Any:
    return -jnp.sum(x**4) / 4 + jnp.sum(x**2)


FITS = [  # P, family, direction, the fitters that serve it, of which the first runs
    (TWO, "normal", "forward", ("moments", "likelihood", "nodes", "weighted draws")),
    (TWO, "normal", "reverse", ("nodes", "draws")),
    (TWO, "laplace", "forward", ("medians", "likelihood", "nodes", "weighted draws")),
    (TWO, "student_t", "forward", ("likelihood", "nodes", "weighted draws")),
    (TWO, "student_t", "reverse", ("nodes", "draws")),
    (TWO, "mixture(2)", "forward", ("EM", "likelihood", "nodes", "weighted draws")),
    (TWO, "mixture(2)", "reverse", ("nodes", "draws")),
    (MURPHY, "normal", "forward", ("moments", "likelihood", "nodes", "weighted draws")),
    (MURPHY, 'normal(covariance="diagonal")', "reverse", ("nodes", "draws")),
    (STUDENT, "normal", "forward", ("moments", "weighted draws")),
    (density(wells, 3), "normal", "forward", ("coordinates", "weighted draws")),
    (density(wells, 3), "normal", "reverse", ("coordinates", "draws")),
    (DRAWS, "normal", "forward", ("moments", "likelihood", "nodes")),
    (DRAWS, "mixture(2)", "forward", ("EM", "likelihood", "nodes")),
    (ROWS, "normal", "forward", ("moments", "likelihood")),
    (COUNTS, "poisson", "forward", ("moments", "integers")),
    ("gamma(2, 3)", 'carried("normal")', "forward", ("moments", "likelihood", "nodes")),
]
KNOWN = 0.02  # of Q's spread: what draws leave of an optimum, by which it is off twice over in its square's nats


@pytest.mark.parametrize(("p", "family", "direction", "fitters"), FITS, ids=lambda v: v if isinstance(v, str) else "")
def test_every_fitter_that_applies_agrees(p: Any, family: str, direction: str, fitters: tuple[str, ...]) -> None:
    served = []
    for fitter in FITTERS:
        with contextlib.suppress(kl.NoMethodError):
            served.append(kl.fit(p, family, direction=direction, method=fitter.name))
            assert served[-1].method == fitter.name
    assert tuple(fit.method for fit in served) == fitters
    assert kl.plan(p, family=family, direction=direction).method == fitters[0]
    first = served[0]
    for other in served[1:]:
        error = 4 * math.hypot(first.residual.error, other.residual.error)
        assert abs(other.residual.value - first.residual.value) <= error + KNOWN**2


def test_a_plan_of_a_fit_tells_the_ladder() -> None:
    found = kl.plan(TWO, family="normal", direction="reverse")
    assert list(found.reasons) == [fitter.name for fitter in FITTERS]
    assert found.reasons["nodes"] is None
    assert found.reasons["moments"] == "serves forward alone"
    assert "fitted to P" in repr(found)
    assert json.loads(found.to_json())["method"] == "nodes"
    assert kl.plan("gamma(2, 3)", family="gamma", direction=0.5).method == "nodes"
    assert kl.fit(TWO, "normal", direction="reverse").to_dict()["method"] == "nodes"
    with pytest.raises(kl.InputError, match="one of them"):
        kl.plan(TWO)
    with pytest.raises(kl.InputError, match="one of them"):
        kl.plan(TWO, TWO, family="normal")


def test_a_plan_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    from kullback._cli import main

    main(["plan", TWO, "--family", "normal", "--direction", "reverse", "--json"])
    assert json.loads(capsys.readouterr().out)["method"] == "nodes"
    main(["plan", TWO, "--family", "laplace"])
    assert "medians" in capsys.readouterr().out
    main(["fit", TWO, "--direction", "reverse", "--method", "draws", "--json"])
    assert json.loads(capsys.readouterr().out)["fits"]["reverse"]["method"] == "draws"
    for arguments in (["plan", TWO], ["fit", TWO, "--method", "draws"], ["fit", TWO, "--method", "guess"]):
        with pytest.raises(SystemExit):
            main(arguments)


@pytest.mark.parametrize(
    ("p", "family", "direction", "method", "text"),
    [
        (TWO, "normal", "reverse", "moments", "serves forward alone"),
        (TWO, "normal", "forward", "EM", "no mixture of normals"),
        (TWO, "normal", "forward", "coordinates", "seen on nodes"),
        (STUDENT, "normal", "reverse", "nodes", "has 3 dimensions"),
        (DRAWS, "normal", "forward", "weighted draws", "P is draws itself"),
        (COUNTS, "poisson", "reverse", "nodes", "mass on points"),
        (COUNTS, "poisson", "reverse", "draws", "mass on points"),
    ],
)
def test_a_fitter_that_does_not_apply_says_why(p: Any, family: str, direction: str, method: str, text: str) -> None:
    with pytest.raises(kl.NoMethodError, match=text):
        kl.fit(p, family, direction=direction, method=method)


def test_a_method_that_no_one_knows_is_told() -> None:
    with pytest.raises(kl.InputError, match="the fitters are moments"):
        kl.fit(TWO, "normal", direction="forward", method="guess")
    with pytest.raises(kl.InputError, match=r"no fitter serves laplace.*student_t or mixture"):
        kl.fit(STUDENT, "laplace", direction="reverse")


def test_a_start_may_be_the_only_one() -> None:
    """From the lighter hump the search ends there, which all starts together leave for the heavier."""
    light = kl.fit(TWO, "normal", direction="reverse", start="normal(-3, 1)", starts="given")
    assert light.starts == ("given",)
    assert len(light.optima) == 1
    assert light.parameters["loc"] == pytest.approx(-2.9414, abs=1e-4)
    p = "0.35*normal(-3.1, 1) + 0.65*normal(3, 1.2)"
    moved = kl.fit(p, "normal", direction="reverse", start=light, starts="given")
    assert moved.parameters["loc"] == pytest.approx(-3.045, abs=0.01)
    all_of_them = kl.fit(TWO, "normal", direction="reverse", start=light)
    assert all_of_them.parameters["loc"] > 0
    space = kl.fit(density(wells, 3), "student_t", direction="reverse", start="multivariate_student_t(5, [1, 1, 1])",
                   starts="given")  # fmt: skip
    assert space.starts == ("given",)
    with pytest.raises(kl.InputError, match="none was given"):
        kl.fit(TWO, "normal", direction="reverse", starts="given")
    with pytest.raises(kl.InputError, match="'all' or 'given'"):
        kl.fit(TWO, "normal", direction="reverse", starts="some")


def test_the_room_of_fits_has_no_circle() -> None:
    """Each file imports only files whose own imports end; those under TYPE_CHECKING count."""
    room = Path(kl.__file__).parent / "_fit"
    files = {".".join(["kullback", "_fit", *f.relative_to(room).with_suffix("").parts]): f for f in room.rglob("*.py")}
    files = {name.removesuffix(".__init__"): f for name, f in files.items()}
    needs: dict[str, set[str]] = {}
    for name, file in files.items():
        found = re.findall(r"^ *from (kullback\._fit[\w.]*) import (.*)$", file.read_text(), flags=re.MULTILINE)
        named = {f"{module}.{part.strip()}" for module, parts in found for part in parts.split(",")}
        needs[name] = ({module for module, _ in found} | named) & set(files)
    graphlib.TopologicalSorter(needs).prepare()  # raises CycleError with the circle


class Enough(Exception):
    pass


@pytest.mark.parametrize("run", [
    lambda say: kl.fit(density(wells, 3), "normal", direction="reverse", progress=say),
    lambda say: kl.advise(TWO, "normal", progress=say),
    lambda say: kl.path(TWO, "normal", progress=say),
])  # fmt: skip
def test_progress_that_raises_ends_it(run: Any) -> None:
    said = []

    def say(text: str) -> None:
        said.append(text)
        raise Enough

    with pytest.raises(Enough):
        run(say)
    assert all(isinstance(text, str) for text in said)


@pytest.mark.parametrize("family", ["normal", 'normal(covariance="diagonal")', "mixture(1)", "mixture(3)", "student_t"])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_the_curvature_by_formula_is_that_of_differences(family: str, dim: int) -> None:
    chosen: Any = kl.families.as_family(family)
    here = np.random.default_rng(dim)
    theta = here.normal(size=chosen.size(dim)) / 2
    y, w = here.normal(size=(50, dim)), here.normal(size=50)
    by_differences = Family.curvature(chosen, theta, y, w)
    found = chosen.curvature(theta, y, w)
    np.testing.assert_allclose(found, 0.5 * (by_differences + by_differences.T), atol=2e-6 * np.abs(found).max())


@pytest.mark.slow
def test_a_path_of_a_librarys_family() -> None:
    """Its ends are the two fits, and between them it is the fit at each alpha."""
    p = "0.5*log_normal(0, 0.5) + 0.5*log_normal(1, 0.5)"
    found = kl.path(p, "gamma", steps=2)
    assert not found.jumps
    for alpha, q in zip(found.alphas, found.q, strict=True):
        fit = kl.fit(p, "gamma", direction=float(alpha))
        for name, value in fit.parameters.items():
            assert q.parameters[name] == pytest.approx(value, rel=1e-6)


def test_mixtures_begin_from_the_modes_that_they_could_have() -> None:
    """Of three humps two normals keep the two heaviest, or join two: by a search from every pair, not by luck."""
    p = "0.2*normal(-4, 0.5) + 0.5*normal(0, 1) + 0.3*normal(5, 2)"
    fit = kl.fit(p, "mixture(2)", direction="reverse")
    assert fit.reverse.value == pytest.approx(0.178253, abs=1e-6)
    assert fit.optima[0].start.startswith("modes at")


def test_what_no_one_asks_for_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    from kullback._fit import _target

    def fail(*_: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(_target, "coverage", fail)
    monkeypatch.setattr(_target, "importance", fail)
    fit = kl.fit(humps(5), "normal", direction="reverse")
    assert fit.residual.value < 1
    monkeypatch.undo()
    assert fit.coverage is fit.coverage
    assert fit.missed == fit.coverage.missed
    assert fit.importance is not None


@pytest.mark.parametrize(
    ("p", "family", "parameters", "left"),
    [
        ("beta(2, 3)", "uniform", {"low": 0, "high": 1}, "beta"),  # log(high − low) − H(P) is least for P's own ends
        ("uniform(-2, 5)", "uniform", {"low": -2, "high": 5}, 0.0),
        ("pareto(2, 3)", "pareto", {"scale": 2, "alpha": 3}, 0.0),
        # 1/α = E log(x/scale) = ∫₁² log x dx
        ("uniform(1, 2)", "pareto", {"scale": 1, "alpha": 1 / (2 * math.log(2) - 1)}, None),
    ],
)
def test_a_support_that_moves_goes_where_p_does(
    p: str, family: str, parameters: dict[str, float], left: float | str | None
) -> None:
    fit = kl.fit(p, family, direction="forward")
    assert (fit.method, fit.status) == ("ends", kl.Status.EXACT)
    for name, value in parameters.items():
        assert fit.parameters[name] == pytest.approx(value, rel=1e-11)
    if left == "beta":
        left = -float(stats.beta(2, 3).entropy())
    if left is not None:
        assert fit.residual.value == pytest.approx(left, abs=1e-12)
    x = fit.q.sample(5)
    np.testing.assert_allclose(kl.to_scipy(fit).logpdf(x), fit.q.log_prob(x), rtol=1e-12)
    np.testing.assert_allclose(kl.to_numpyro(fit).log_prob(x), fit.q.log_prob(x), rtol=1e-5, atol=1e-6)


def test_a_support_that_moves_and_a_p_without_ends() -> None:
    for p, family in (("normal(0, 1)", "uniform"), ("gamma(2, 1)", "pareto")):
        with pytest.raises(kl.InputError, match="infinite for every such Q"):
            kl.fit(p, family, direction="forward")
    with pytest.raises(kl.InputError, match="moves with its parameters"):
        kl.fit("pareto(1, 3)", "pareto", direction="reverse")
