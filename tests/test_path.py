"""The optimum from reverse to forward: its ends, its branches and its jumps."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize

import kullback as kl
from cases import HUMPS, MURPHY, Humps, humps

X, DX = np.linspace(-40, 50, 30_001, retstep=True)


def log_normal(m: float, s: float) -> np.ndarray:
    return np.asarray(-0.5 * ((X - m) / s) ** 2 - math.log(s) - 0.5 * math.log(2 * math.pi))


def by_hand(m: float, alpha: float, mean: float, sd: float) -> float:
    """D_α between the two humps and a normal, by the trapezoidal rule on a line."""
    log_p = np.logaddexp(log_normal(0, 1), log_normal(m, 1)) - math.log(2)
    return float((1 - DX * np.exp(alpha * log_p + (1 - alpha) * log_normal(mean, sd)).sum()) / (alpha * (1 - alpha)))


def optimum(m: float, alpha: float, mean: float, sd: float) -> optimize.OptimizeResult:
    return optimize.minimize(
        lambda t: by_hand(m, alpha, t[0], math.exp(t[1])), [mean, math.log(sd)], method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-14},
    )  # fmt: skip


@cache
def path(m: float) -> kl.Path:
    return kl.path(humps(m), "normal", steps=4)


@pytest.mark.parametrize("truth", HUMPS, ids=lambda h: f"m={h.m}")
def test_the_ends_are_the_two_fits(truth: Humps) -> None:
    found = path(truth.m)
    forward, reverse = found.q[-1].parameters, found.q[0].parameters
    assert forward["scale"] == pytest.approx(truth.forward_sd, abs=6e-7)
    assert found.residuals[-1].value == pytest.approx(truth.forward, abs=6e-8)
    mean, sd, value = truth.optima[0]
    assert abs(reverse["loc"] - truth.m / 2) == pytest.approx(abs(mean - truth.m / 2), abs=6e-7)
    assert reverse["scale"] == pytest.approx(sd, abs=6e-7)
    assert found.residuals[0].value == pytest.approx(value, abs=6e-8)
    assert len(found.jumps) == (0 if truth.m <= 5 else 1)
    ends = [branch for branch in found.branches if branch.alphas[0] == 0]
    assert len(ends) == (3 if truth.m >= 5 else 1)


def test_a_jump_is_where_both_are_equally_good() -> None:
    """Against optima by Nelder-Mead of a sum by hand."""
    (jump,) = path(7.5).jumps

    def lead(alpha: float) -> float:
        return float(optimum(7.5, alpha, 3.75, 3.7).fun - optimum(7.5, alpha, 0.0, 1.0).fun)

    alpha = optimize.brentq(lead, 0.3, 0.45, xtol=1e-10)
    assert jump.alpha == pytest.approx(alpha, abs=1e-7)
    assert jump.value == pytest.approx(optimum(7.5, alpha, 3.75, 3.7).fun, abs=1e-9)
    assert jump.after.parameters["loc"] == pytest.approx(3.75, abs=1e-9)
    assert jump.before.parameters["scale"] == pytest.approx(math.exp(optimum(7.5, alpha, 0.0, 1.0).x[1]), abs=1e-6)


def test_hysteresis() -> None:
    """The seeking branch lives beyond the jump until it folds; the covering one all the way back."""
    (jump,) = path(7.5).jumps
    assert jump.downwards == 0.0
    assert jump.alpha < jump.upwards < 1
    seeking = next(b for b in path(7.5).branches if abs(b.q[0].parameters["loc"]) < 0.1)
    assert seeking.above == "it folds"
    assert seeking.alphas[-1] == jump.upwards
    before = optimum(7.5, jump.upwards - 2e-3, 0.05, 1.14)
    assert abs(before.x[0]) < 0.2
    beyond = optimum(7.5, jump.upwards + 2e-3, *(seeking.q[-1].parameters[k] for k in ("loc", "scale")))
    assert beyond.x[0] == pytest.approx(3.75, abs=1e-3)


def test_every_place_is_a_local_optimum() -> None:
    for branch in path(5).branches:
        for i in range(len(branch.alphas)):
            alpha, q = float(branch.alphas[i]), branch.q[i].parameters
            folds = (branch.below and i == 0) or (branch.above and i == len(branch.alphas) - 1)  # no search stays there
            if 0 < alpha < 1 and not folds:
                again = optimum(5, alpha, q["loc"], q["scale"])
                assert branch.values[i] == pytest.approx(again.fun, abs=1e-9)


@pytest.mark.slow
def test_what_is_best_is_no_worse_than_any_fit() -> None:
    p = "0.2*normal(-4, 0.5) + 0.5*normal(0, 1) + 0.3*normal(5, 2)"
    found = kl.path(p, "normal", steps=4)
    for alpha, left in zip(found.alphas, found.residuals, strict=True):
        assert left.value <= kl.fit(p, "normal", direction=float(alpha)).residual.value + 1e-9


@pytest.mark.slow
def test_mirror_images_meet() -> None:
    """A Laplace on two humps leaves the middle for one of them, either one, below alpha 0.87."""
    found = kl.path(humps(5), "laplace", steps=4)
    assert not found.jumps
    joined = [b for b in found.branches if b.above == "it joins another"]
    assert len(joined) == 1
    assert 0.8 < joined[0].alphas[-1] < 0.9
    loc = [q.parameters["loc"] for q in found.q]
    assert loc[-1] == pytest.approx(2.5, abs=1e-6)
    assert abs(loc[0] - 2.5) == pytest.approx(2.2678, abs=1e-3)


@cache
def murphy() -> kl.Path:
    return kl.path(MURPHY, "normal", steps=4)


def test_murphys_mixture_goes_over_without_a_jump() -> None:
    found = murphy()
    assert not found.jumps
    assert found.residuals[0].value == pytest.approx(0.20071, abs=5e-6)
    assert found.residuals[-1].value == pytest.approx(0.16561, abs=5e-6)
    np.testing.assert_allclose(found.q[0].parameters["loc"], [-0.156, -0.103], atol=6e-4)
    np.testing.assert_allclose(found.q[0].parameters["covariance_matrix"], [[1.235, 0.860], [0.860, 1.746]], atol=6e-4)
    np.testing.assert_allclose(found.q[-1].parameters["covariance_matrix"], [[1.5, 1], [1, 2]], atol=1e-6)
    width = [q.parameters["covariance_matrix"][0, 0] for q in found.q]
    assert width == sorted(width)


@pytest.mark.slow  # the jump by the same steps on the line, and the plane without one, are told above
def test_a_jump_in_the_plane() -> None:
    """Two humps beside a coordinate that both share: the jump is that of the line."""
    p = (
        "0.5*multivariate_normal([0, 0], [[1, 0], [0, 1]])"
        " + 0.5*multivariate_normal([6.5, 0], [[1, 0], [0, 1]])"
    )  # fmt: skip
    found = kl.path(p, 'normal(covariance="diagonal")', steps=2, ends=1e-4)
    (jump,) = found.jumps
    (line,) = kl.path(humps(6.5), "normal", steps=4, ends=1e-6).jumps
    assert jump.alpha == pytest.approx(line.alpha, abs=1e-6)
    assert jump.upwards == pytest.approx(line.upwards, abs=2e-4)


def test_an_end_without_optima_is_left_out_and_told() -> None:
    heavy = kl.path("cauchy(0, 1)", "normal", steps=4)
    assert heavy.alphas.tolist() == [0, 0.25, 0.5, 0.75]
    assert "leaves out alpha 1, forward" in heavy.notes[0]
    half = kl.path("gamma(2, 1)", "normal", steps=4)
    assert half.alphas.tolist() == [0.25, 0.5, 0.75, 1]
    assert "leaves out alpha 0, reverse" in half.notes[0]


def test_draws_are_followed_by_their_density() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 1, 300), rng.normal(6, 1, 200)])
    found = kl.path(kl.Sample(x), "normal", steps=4)
    assert any("mixture" in note for note in found.notes)
    assert found.q[-1].parameters["loc"] == pytest.approx(x.mean(), abs=1e-6)


def test_a_carried_family_is_followed_without_ends() -> None:
    """Two humps of log x: the path of the log-normal is that of the normal on log x."""
    p = "0.5*log_normal(0, 1) + 0.5*log_normal(7.5, 1)"
    found = kl.path(p, "log_normal", steps=4)
    same = path(7.5)
    assert found.jumps[0].alpha == pytest.approx(same.jumps[0].alpha, abs=1e-9)
    assert found.q[0].family == "log_normal"
    for a, b in zip(found.residuals, same.residuals, strict=True):
        assert a.value == pytest.approx(b.value, abs=1e-8)


def test_a_path_tells_itself() -> None:
    found = path(7.5)
    told = repr(found)
    assert "Jump at alpha 0.3622" in told
    assert "it folds at 0.69" in told
    data = json.loads(found.to_json())
    assert set(data) >= {"alphas", "parameters", "residuals", "forward", "reverse", "jumps", "branches"}
    assert data["jumps"][0]["alpha"] == found.jumps[0].alpha
    assert found._repr_html_().startswith("<p>")
    assert kl.path(humps(7.5), "normal", steps=4).to_json() == found.to_json()


def test_what_cannot_be_followed() -> None:
    for steps in (1, 2.5, True):
        with pytest.raises(kl.InputError, match="steps must be"):
            kl.path(humps(5), "normal", steps=steps)  # type: ignore[arg-type]
    with pytest.raises(kl.InputError, match="paths serve"):
        kl.path("poisson(3)", "poisson")
    with pytest.raises(kl.InputError, match="mass on points"):
        kl.path([0.5, 0.5], "normal")


@pytest.mark.parametrize("case", ["line, a jump", "line, heavy tails", "plane"])
def test_its_picture(case: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from test_plots import outside, overlaps

    found = {
        "line, a jump": lambda: path(7.5),
        "line, heavy tails": lambda: kl.path("cauchy(0, 1)", "normal", steps=4),
        "plane": murphy,
    }[case]()
    file = tmp_path / "path.png"
    figure = kl.plots.path(found, path=file)
    assert file.read_bytes().startswith(b"\x89PNG")
    labels = [axes.get_label() for axes in figure.axes]
    assert labels == (["target"] if case != "plane" else []) + ["members", "left", "table"]
    assert not overlaps(figure)
    assert not outside(figure)
    words = " ".join(text.get_text() for axes in figure.axes for text in axes.texts)
    assert ("jump at 0.362" in words) == (case == "line, a jump")
    assert ("is infinite for all of these" in words) == (case == "line, heavy tails")


@pytest.mark.parametrize("p", [humps(5), MURPHY], ids=["line", "plane"])
def test_the_picture_of_a_fit_between(p: str) -> None:
    pytest.importorskip("matplotlib")
    figure = kl.plots.fits(kl.fit(p, "normal", direction=0.5))
    words = " ".join(text.get_text() for axes in figure.axes for text in (*axes.texts, axes.title, *figure.texts))
    assert "alpha 0.5" in words
    with pytest.raises(kl.KindError, match=r"what kl\.path returns"):
        kl.plots.path(kl.fit(humps(5), "normal", direction=0.5))  # type: ignore[arg-type]


def test_on_the_command_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from kullback._cli import main

    main(["path", humps(7.5), "--steps", "4", "--json"])
    assert json.loads(capsys.readouterr().out)["jumps"][0]["alpha"] == pytest.approx(path(7.5).jumps[0].alpha, abs=1e-7)
    main(["path", humps(2.5), "--steps", "3", "--plot", str(tmp_path / "p.svg")])
    assert "No jump" in capsys.readouterr().out
    assert (tmp_path / "p.svg").exists()
