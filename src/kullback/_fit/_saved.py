"""load: a fit that was saved, made again from its file."""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import replace
from typing import Any

import numpy as np

from kullback import _result
from kullback._distribution import Density
from kullback._result import Fit, InputError, Later, MissingExtraError, Status
from kullback._result._saved import FORMAT
from kullback._support import Box, Interval
from kullback._vocabulary import build, laplace_product, mixture, onto
from kullback.families._custom import Made, numpyro_distributions
from kullback.sources import as_distribution

KINDS = ("Fit", "Divergence", "Coverage", "Mode", "Optimum", "Importance")


def load(path: str | os.PathLike[str]) -> Fit:
    """A fit that `fit.save` wrote.

    Q, its divergences, coverage, optima and weights are those of the fit; P itself is not in the file, so that pictures
    and sites are not to be had from it.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    Fit

    Raises
    ------
    InputError
        A file that is not there, or no fit of this version.
    MissingExtraError
        For a fit of NumPyro's families without NumPyro.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import kullback as kl
    >>> fit = kl.fit("0.5*normal(-1, 1) + 0.5*normal(1, 1)", "normal", direction="forward")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "fit.npz")
    ...     fit.save(file)
    ...     kl.load(file).q
    normal(loc=0, scale=1.41421)
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise InputError(f"path = {os.fspath(path)!r}: there is no such file") from None
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise InputError(f"path = {os.fspath(path)!r} is no saved fit: {error}") from error
    try:
        record = json.loads(bytes(arrays["fit"]).decode())
        version = record["format"]
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"path = {os.fspath(path)!r} is an npz file, but no saved fit") from error
    if version != FORMAT:
        raise InputError(f"path = {os.fspath(path)!r} has format {version}, this version reads {FORMAT}")
    found = _decoded(record["fit"], arrays)
    if not isinstance(found, Fit):
        raise InputError(f"path = {os.fspath(path)!r} holds a {type(found).__name__}, no fit")
    return found


def _decoded(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if not isinstance(value, dict):
        return value
    if "float" in value:
        return float(value["float"])
    if "status" in value:
        return Status[value["status"].upper()]
    if "array" in value:
        return arrays[value["array"]]
    if "tuple" in value:
        return tuple(_decoded(v, arrays) for v in value["tuple"])
    if "mapping" in value:
        return {_decoded(k, arrays): _decoded(v, arrays) for k, v in value["mapping"]}
    if "density" in value:
        return _density(value["density"], arrays)
    if value["of"] not in KINDS:
        raise InputError(f"the file holds a {value['of']}, which is no part of a fit")
    own = {name: _decoded(v, arrays) for name, v in value["fields"].items()}
    if value["of"] == "Fit":
        own.update(covered=Later.of(own["covered"]), weighed=Later.of(own["weighed"]))
    return getattr(_result, value["of"])(**own)


def _density(record: Any, arrays: dict[str, np.ndarray]) -> Density:
    if "numpyro" in record:
        return _of_numpyro(record["numpyro"], arrays)
    if "mixture" in record:
        return mixture([w for w, _ in record["mixture"]], [_density(part, arrays) for _, part in record["mixture"]])
    if "carried" in record:
        sides = tuple(Interval(_decoded(low, arrays), _decoded(high, arrays)) for low, high in record["ends"])
        return onto(_density(record["carried"], arrays), Box(sides) if record["box"] else sides[0])
    parameters = _decoded(record["parameters"], arrays)
    if record["word"] == "laplace":
        return laplace_product(*(np.atleast_1d(parameters[name]) for name in ("loc", "scale")))
    found = build(record["word"], kwargs=parameters)
    assert isinstance(found, Density)
    return found


def _of_numpyro(record: Any, arrays: dict[str, np.ndarray]) -> Density:
    """As a fit has it: the distribution of float64 parameters, and no theta, which only a search needs."""
    try:
        import jax
    except ImportError:
        raise MissingExtraError("JAX", "fit", "This fit") from None
    with jax.enable_x64(True):
        made = _made(record, arrays)
        found = as_distribution(made, "q")
    assert isinstance(found, Density)
    facts = replace(found.facts, source=Made(made, np.full(0, np.nan)))
    return Density(found._log_prob, dim=found.dim, support=found.support, vectorized=True, facts=facts, name=found.name)


def _made(record: Any, arrays: dict[str, np.ndarray]) -> Any:
    dist = numpyro_distributions("this fit")
    if "independent" in record:
        return _made(record["base"], arrays).to_event(record["independent"])
    cls = getattr(dist, record["class"], None)
    if cls is None:
        raise InputError(f"this NumPyro has no distribution {record['class']}")
    return cls(**_decoded(record["parameters"], arrays))
