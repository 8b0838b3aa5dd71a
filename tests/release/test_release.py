"""What is released: the built files, installed where nothing else is, with the newest and the lowest versions allowed.

`make test-all` runs this; unlike the other tests it downloads packages.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

BASE = """
import math, sys
import kullback as kl
assert not {"pandas", "jax", "matplotlib", "duckdb"} & set(sys.modules)
assert kl.divergence([0.5, 0.5], [0.9, 0.1]).method == "exact"
from scipy import stats
assert math.isclose(kl.divergence(stats.norm(), stats.norm(1, 1)).value, 0.5)
p = "0.5*normal(0, 1) + 0.5*normal(7.5, 1)"
assert math.isclose(kl.fit(p, "normal", direction="reverse").reverse.value, 0.692883, abs_tol=1e-6)
"""

ALL = """
import sys
import numpy as np
import jax.numpy as jnp
import kullback as kl
rng = np.random.default_rng(0)
p = rng.dirichlet(np.ones(200_000))
assert kl.divergence(p, p[::-1].copy()).error < 1e-12
funnel = kl.Density(lambda x: -0.5 * jnp.sum(x**2) - x[0] ** 4, dim=4, normalized=False)
assert kl.fit(funnel, "normal", direction="reverse").reverse.value >= 0
folder = sys.argv[1]
for name, shift in (("a", 0.0), ("b", 0.5)):
    rows = "\\n".join(f"{x:.6f},{'u' if x > 0 else 'v'}" for x in rng.normal(shift, 1, 500))
    open(f"{folder}/{name}.csv", "w").write("x,k\\n" + rows + "\\n")
tables = kl.compare_tables(f"{folder}/a.csv", f"{folder}/b.csv")
assert len(tables.columns) == 2
from kullback import report
report.write(tables, f"{folder}/tables.html")
found = kl.divergence(kl.Sample(rng.normal(size=(500, 12))), kl.Sample(rng.normal(0.2, 1, size=(500, 12))))
assert found.value > 0
mixed = "0.5*normal(0, 1) + 0.5*normal(7.5, 1)"
kl.plots.fits(kl.fit(mixed, "normal", direction="forward"), path=f"{folder}/fit.png")
"""


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", str(folder)], cwd=ROOT, check=True)
    return folder


def _environment(folder: Path) -> Path:
    """The interpreter of a new virtual environment."""
    venv.create(folder, with_pip=True)
    return folder / "bin" / "python"


def _install(python: Path, *wanted: str, constrained: bool = True) -> None:
    found = dict(os.environ)
    found.pop("PIP_CONSTRAINT", None)
    if constrained:
        found["PIP_CONSTRAINT"] = str(ROOT / "constraints.txt")
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
    subprocess.run(command, check=True, env=found)


def _run(python: Path, script: str, *arguments: str) -> None:
    found = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    subprocess.run([str(python), "-c", script, *arguments], check=True, env=found, cwd=python.parent)


@pytest.mark.slow
def test_what_the_built_files_hold(built: Path) -> None:
    wheel, sdist = next(built.glob("*.whl")), next(built.glob("*.tar.gz"))
    inside = zipfile.ZipFile(wheel).namelist()
    assert "kullback/py.typed" in inside
    assert all(name.startswith(("kullback/", "kullback-")) for name in inside)
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[-1] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "constraints.txt", "src/kullback/__init__.py"} <= names


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz"])
def test_alone_with_the_newest(built: Path, kind: str, tmp_path: Path) -> None:
    python = _environment(tmp_path / "venv")
    _install(python, str(next(built.glob(kind))))
    _run(python, BASE)
    command = python.with_name("kullback")
    shown = subprocess.run([command, "compare", "normal(0, 1)", "normal(1, 1)"], check=True, capture_output=True)
    assert "0.5" in shown.stdout.decode()


@pytest.mark.slow
def test_all_extras_with_the_lowest_versions(built: Path, tmp_path: Path) -> None:
    extras = PROJECT["optional-dependencies"]
    named = [
        *PROJECT["dependencies"],
        *(each for name in ("fast", "fit", "tables", "plots", "learn") for each in extras[name]),
    ]
    python = _environment(tmp_path / "venv")
    _install(python, *(each.replace(">=", "==") for each in named), str(next(built.glob("*.whl"))), constrained=False)
    _run(python, BASE)
    _run(python, ALL, str(tmp_path))
