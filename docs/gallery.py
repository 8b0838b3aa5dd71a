"""Draw the gallery: python docs/gallery.py OUTDIR."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import numpy as np
import numpyro
import numpyro.distributions as dist

import kullback as kl
from kullback.plots import _file, _ink

HERE = Path(__file__).parent
BOTH = ("forward", "reverse")
FOLD, SWITCH = 4.824459, 5.600164

MURPHY = (
    "0.5*multivariate_normal([1, 1], [[0.5, -0.25], [-0.25, 1]])"
    " + 0.5*multivariate_normal([-1, -1], [[0.5, 0.25], [0.25, 1]])"
)


def humps(m: float) -> str:
    return f"0.5*normal(0, 1) + 0.5*normal({m:.9f}, 1)"


def pair(p: object, family: str = "normal") -> list[kl.Fit]:
    return [kl.fit(p, family, direction=d) for d in BOTH]


def penguins() -> kl.Sample:
    table = kl.read(HERE.parent / "examples" / "penguins.csv")
    return table.to_sample(["flipper_length_mm", "bill_depth_mm"], label="species")


def branches(separations: np.ndarray) -> dict[str, np.ndarray]:
    """(m, mean, KL) of every reverse optimum: the covering one, and the seeking one on the left hump."""
    covering, seeking = [], []
    for m in separations:
        for optimum in kl.fit(humps(m), "normal", direction="reverse").optima:
            mean = float(optimum.q.parameters["loc"])
            if abs(mean - m / 2) < 1e-3:
                covering.append((m, mean, optimum.value))
            elif mean < m / 2:
                seeking.append((m, mean, optimum.value))
    return {"covering": np.array(covering), "seeking": np.array(seeking)}


def switch(path: Path) -> None:
    """Every reverse optimum against the separation of the humps, forward beside it."""
    m = np.linspace(2, 10, 41)
    near = [SWITCH - 1e-6, SWITCH + 1e-6, *(FOLD + np.geomspace(1e-5, 0.2, 8))]
    found = branches(np.unique(np.concatenate([m, near])))
    forward = np.array([(s, s / 2, kl.fit(humps(s), "normal", direction="forward").forward.value) for s in m])
    with _ink.style():
        page = _ink.Page(10.4, 4.6)
        page.header(
            "Where reverse stops covering and starts to seek",
            "P = ½ normal(0, 1) + ½ normal(m, 1), Q a normal: every optimum as the humps move apart",
            0.78,
        )
        for k, (label, title) in enumerate((("value", "divergence left, nats"), ("mean", "mean of Q"))):
            axes = page.axes(label, 0.78 + 4.85 * k, 0.62, 4.2, 2.95)
            axes.set_title(title, loc="left", color=_ink.QUIET, pad=8)
            axes.set_xlabel("separation m")
            axes.set_xlim(2, 10)
            axes.set_xticks([2, 4, 6, 8, 10])
            _draw_branches(axes, found, forward, 2 if k == 0 else 1)
            axes.set_ylim(*((0, 1.5) if k == 0 else (-0.5, 10.5)))
            for at in (FOLD, SWITCH):
                axes.axvline(at, color=_ink.RULE, linewidth=0.9, zorder=0)
            for x, y, text, colour, side in _notes(k):
                axes.text(x, y, text, color=colour, size=8.8, ha=side, va="center")
        _file.write(page.figure, path, path.suffix)


def _draw_branches(axes: object, found: dict[str, np.ndarray], forward: np.ndarray, column: int) -> None:
    """Full lines where a branch is the global optimum, thin ones where it is a local one."""
    line = {"color": _ink.REVERSE, "zorder": 3}
    for name, table in found.items():
        best = table[:, 0] <= SWITCH if name == "covering" else table[:, 0] >= SWITCH
        for mirrored in (False, True) if name == "seeking" and column == 1 else (False,):
            y = table[:, 0] - table[:, 1] if mirrored else table[:, column]
            axes.plot(table[best, 0], y[best], linewidth=2.4, **line)
            axes.plot(table[~best, 0], y[~best], linewidth=1.1, linestyle=(0, (3, 2)), **line)
    if column == 2:
        axes.plot(forward[:, 0], forward[:, 2], color=_ink.FORWARD, linewidth=1.9, zorder=2)
    else:
        axes.plot(forward[:, 0], forward[:, 1], color=_ink.FORWARD, linewidth=1.9, linestyle=(0, (5, 5)), zorder=4)


def _notes(k: int) -> list[tuple[float, float, str, str, str]]:
    if k == 0:
        return [
            (9.9, 0.99, "forward", _ink.FORWARD, "right"),
            (9.9, 0.62, "reverse, seeking", _ink.REVERSE, "right"),
            (7.55, 1.38, "reverse, covering", _ink.REVERSE, "left"),
            (FOLD - 0.08, 1.12, "fold\n4.824459", _ink.QUIET, "right"),
            (SWITCH + 0.08, 0.22, "switch\n5.600164", _ink.QUIET, "left"),
        ]
    return [
        (9.9, 3.1, "covering, and forward", _ink.QUIET, "right"),
        (9.9, 8.4, "seeking", _ink.REVERSE, "right"),
        (9.9, 0.75, "seeking, its mirror image", _ink.REVERSE, "right"),
        (FOLD - 0.08, 8.6, "fold", _ink.QUIET, "right"),
        (SWITCH + 0.08, 9.9, "switch", _ink.QUIET, "left"),
    ]


def schools(y: np.ndarray, sigma: np.ndarray) -> None:
    """Eight schools (Rubin 1981), not centred."""
    mu = numpyro.sample("mu", dist.Normal(0.0, 5.0))
    tau = numpyro.sample("tau", dist.HalfCauchy(5.0))
    with numpyro.plate("schools", 8):
        theta = numpyro.sample("theta", dist.Normal(0.0, 1.0))
    numpyro.sample("y", dist.Normal(mu + tau * theta, sigma), obs=y)


def example(name: str, path: Path) -> None:
    """An example of training, whole: it draws its own picture."""
    runpy.run_path(str(HERE.parent / "examples" / f"{name}.py"))["main"](["--out", str(path)])


def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for m in (5, 7.5):
        kl.plots.fits(*pair(f"0.5*normal(0, 1) + 0.5*normal({m}, 1)"), path=out / f"humps-{m}.svg")
    switch(out / "switch.svg")
    kl.plots.fits(*pair(MURPHY), path=out / "murphy.svg")
    kl.plots.fits(*pair(penguins()), path=out / "penguins.svg")
    correlated = "multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]])"
    kl.plots.fits(*pair(correlated, 'normal(covariance="diagonal")'), path=out / "diagonal.svg")
    kl.plots.comparison(kl.compare("normal(0, 1)", "laplace(1, 1)"), path=out / "comparison.svg")
    effects, errors = np.array([28.0, 8, -3, 7, -1, 1, 18, 12]), np.array([15.0, 10, 16, 11, 9, 11, 10, 18])
    kl.plots.fits(*pair(kl.from_model(schools, effects, errors)), path=out / "schools.svg")
    kl.plots.path(kl.path(humps(7.5), "normal"), path=out / "path.svg")
    for name in ("vae", "policy"):
        example(name, out / f"{name}.svg")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
