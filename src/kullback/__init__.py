"""The Kullback-Leibler divergence, both ways: measured and minimised, with the method and the error stated.

>>> import kullback as kl
>>> float(kl.divergence([0.5, 0.5], [0.25, 0.75])) > 0
True
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kullback import families, losses, plots, tables
    from kullback._advise import advise
    from kullback._distribution import Density, Discrete, Sample, Table
    from kullback._fit import fit, load, plan, to_numpyro, to_scipy
    from kullback._measure import compare, divergence, pairwise
    from kullback._path import path
    from kullback._result import (
        Advice,
        CheckError,
        Comparison,
        Divergence,
        Fit,
        InputError,
        KindError,
        KullbackError,
        MissingExtraError,
        NoMethodError,
        Pairwise,
        Path,
        Plan,
        Status,
        TableComparison,
        Verdict,
    )
    from kullback.sources import from_model, read
    from kullback.tables import compare_tables

__version__ = "0.1.0"

# The public names and the rooms they live in; a room is opened when a name of it is first used.
_ROOMS = {
    "divergence": "_measure",
    "compare": "_measure",
    "compare_tables": "tables",
    "pairwise": "_measure",
    "plan": "_fit",
    "fit": "_fit",
    "load": "_fit",
    "path": "_path",
    "advise": "_advise",
    "read": "sources",
    "from_model": "sources",
    "Discrete": "_distribution",
    "Density": "_distribution",
    "Sample": "_distribution",
    "Table": "_distribution",
    "to_scipy": "_fit",
    "to_numpyro": "_fit",
    "Divergence": "_result",
    "Comparison": "_result",
    "Fit": "_result",
    "Advice": "_result",
    "Pairwise": "_result",
    "Path": "_result",
    "Plan": "_result",
    "Status": "_result",
    "TableComparison": "_result",
    "Verdict": "_result",
    "KullbackError": "_result",
    "CheckError": "_result",
    "InputError": "_result",
    "KindError": "_result",
    "MissingExtraError": "_result",
    "NoMethodError": "_result",
}
_MODULES = ("families", "losses", "plots", "tables")

__all__ = [
    "Advice",
    "CheckError",
    "Comparison",
    "Density",
    "Discrete",
    "Divergence",
    "Fit",
    "InputError",
    "KindError",
    "KullbackError",
    "MissingExtraError",
    "NoMethodError",
    "Pairwise",
    "Path",
    "Plan",
    "Sample",
    "Status",
    "Table",
    "TableComparison",
    "Verdict",
    "__version__",
    "advise",
    "compare",
    "compare_tables",
    "divergence",
    "families",
    "fit",
    "from_model",
    "load",
    "losses",
    "pairwise",
    "path",
    "plan",
    "plots",
    "read",
    "tables",
    "to_numpyro",
    "to_scipy",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        value = getattr(import_module(f"kullback.{_ROOMS[name]}"), name)
    elif name in _MODULES:
        value = import_module(f"kullback.{name}")
    else:
        raise AttributeError(f"module 'kullback' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
