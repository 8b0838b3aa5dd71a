"""The package tests itself: names, imports, layers, a base-only environment."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import kullback as kl

ROOT = Path(__file__).parent.parent
EXPORTED = """
    Advice CheckError Comparison Density Discrete Divergence Fit InputError KindError KullbackError
    MissingExtraError NoMethodError Pairwise Path Plan Sample Status Table TableComparison Verdict __version__ advise
    compare compare_tables divergence families fit from_model load losses pairwise path plan plots read tables
    to_numpyro to_scipy
""".split()  # noqa: SIM905


def python(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *environment.pop("flags", "").split(), "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_exported_names() -> None:
    assert sorted(kl.__all__) == sorted(EXPORTED)
    assert sorted(dir(kl)) == sorted(EXPORTED)
    with pytest.raises(AttributeError, match="nothing"):
        kl.nothing  # type: ignore[attr-defined]


def test_no_module_hides_a_public_name() -> None:
    """Every submodule imported, every public name still is what it was."""
    has_torch = getattr(importlib.util.find_spec("torch"), "origin", None) is not None  # and not the folder of tests
    for module in pkgutil.walk_packages(kl.__path__, "kullback."):
        if not module.name.endswith("__main__") and (has_torch or "losses._torch" not in module.name):
            importlib.import_module(module.name)
    assert callable(kl.fit)
    assert callable(kl.divergence)
    assert callable(kl.compare)
    assert callable(kl.plan)
    assert callable(kl.advise)
    assert callable(kl.read)
    assert kl.divergence([1.0], [1.0]).value == 0
    assert kl.fit("normal(0, 1)", "normal", direction="forward").forward.value == 0
    for name in EXPORTED:
        assert getattr(kl, name) is not None


def test_public_names_have_docstrings() -> None:
    for name in EXPORTED:
        if name != "__version__":
            assert getattr(kl, name).__doc__, name


def test_import_loads_nothing() -> None:
    loaded = python("import sys; import kullback; print(*sys.modules)").split()
    heavy = {
        "numpy",
        "scipy",
        "numba",
        "jax",
        "numpyro",
        "pandas",
        "polars",
        "matplotlib",
        "duckdb",
        "narwhals",
        "rich",
    }
    assert not heavy & set(loaded)


def test_a_small_array_needs_numpy_alone() -> None:
    code = "import sys, kullback as kl; kl.divergence([0.5, 0.5], [0.2, 0.8]); print(*sys.modules)"
    loaded = set(python(code).split())
    assert not {"scipy", "numba", "jax", "pandas", "matplotlib", "duckdb", "narwhals"} & loaded


def test_fits_on_the_line_need_no_jax() -> None:
    code = (
        "import sys, kullback as kl; kl.fit('0.5*normal(0, 1) + 0.5*normal(5, 1)', 'normal', direction='reverse');"
        "print(*sys.modules)"
    )
    assert not {"jax", "numpyro", "scipy.stats", "pandas", "matplotlib", "duckdb"} & set(python(code).split())


def test_fits_in_the_plane_need_no_jax() -> None:
    code = (
        "import sys, kullback as kl; p = 'multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]])';"
        "kl.fit(p, 'normal', direction='reverse'); print(*sys.modules)"
    )
    assert not {"jax", "numpyro", "scipy.stats", "matplotlib"} & set(python(code).split())


def test_files_are_compared_without_the_methods(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,x\n2,y\n", encoding="utf-8")
    code = (
        "import sys; from kullback._cli import main\n"
        f"sys.argv = ['kullback', 'compare', {str(tmp_path / 'a.csv')!r}, {str(tmp_path / 'a.csv')!r}]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*sys.modules)"
    )
    loaded = set(python(code).split())
    assert {"duckdb", "kullback.tables"} <= loaded
    unwanted = {"kullback.methods", "kullback.sources", "kullback.plots", "scipy.stats", "scipy.optimize", "pandas"}
    assert not unwanted & loaded


@pytest.fixture(scope="session")
def base_only(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the base dependencies alone, linked from this environment."""
    folder = tmp_path_factory.mktemp("base")
    wanted, seen = ["numpy", "scipy", "narwhals", "cyclopts", "rich"], set()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # a requirement for another Python or system
        tops = {Path(str(file)).parts[0] for file in distribution.files or [] if ".." not in str(file)}
        for top in tops:
            source = Path(str(distribution.locate_file(top)))
            if source.exists() and not (folder / top).exists():
                (folder / top).symlink_to(source)
        needed = [r for r in distribution.requires or [] if "extra ==" not in r]
        wanted += [re.split(r"[^A-Za-z0-9._-]", r)[0] for r in needed]
    return folder


def run_base(folder: Path, code: str) -> str:
    return python(code, flags="-S -W error", PYTHONPATH=f"{folder}:{ROOT / 'src'}")


def test_a_base_only_environment_measures_and_fits(base_only: Path) -> None:
    code = """
import importlib.util
for extra in ("numba", "jax", "numpyro", "duckdb", "matplotlib", "sklearn", "pandas", "pyarrow"):
    assert importlib.util.find_spec(extra) is None, extra
import numpy as np, kullback as kl
from scipy import stats
assert kl.divergence([0.5, 0.5], [0.25, 0.75]).value > 0
big = np.random.default_rng(0).dirichlet(np.ones(300_000))
assert kl.divergence(big, big[::-1]).value > 0
assert abs(kl.divergence(stats.norm(0, 1), stats.norm(1, 1)).value - 0.5) < 1e-14
assert abs(kl.divergence(stats.norm(0, 1), stats.laplace(0, 1)).value - 0.0720932) < 1e-7
fit = kl.fit("0.5*normal(0, 1) + 0.5*normal(5, 1)", "normal", direction="reverse")
assert abs(fit.reverse.value - 0.4810618) < 1e-7
for extra, call in {
    "tables": lambda: kl.read("{PENGUINS}"),
    "fit": lambda: kl.to_numpyro(fit),
    "plots": lambda: kl.plots.fits(fit),
}.items():
    try:
        call()
    except kl.MissingExtraError as error:
        assert f"kullback[{extra}]" in str(error), error
    else:
        raise AssertionError(extra)
print("fine")
""".replace("{PENGUINS}", str(ROOT / "examples" / "penguins.csv"))
    assert run_base(base_only, code).strip() == "fine"


def test_a_base_only_environment_has_the_command_line(base_only: Path) -> None:
    code = "from kullback._cli import main; main(['compare', 'normal(0,1)', 'laplace(0,1)'])"
    assert "0.0720932" in run_base(base_only, code)


def test_no_registry_host_and_no_foreign_path_stands_in_the_project() -> None:
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!_-]+", line), line
