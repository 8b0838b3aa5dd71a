"""Groups of ArviZ: an InferenceData's datasets, a DataTree's nodes, and xarray's datasets and arrays of draws."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from kullback._distribution import Distribution
from kullback._format import listing
from kullback._result import InputError, KindError
from kullback._support import Array
from kullback.sources._drawn import Drawn

STACKED = "sample"  # the dimension that az.extract makes of chain and draw


def recognise(obj: Any, argument: str) -> Distribution | None:
    found = drawn(obj, argument)
    return None if found is None else found.sample()


def drawn(obj: Any, argument: str) -> Drawn | None:
    """Scalars by name, one column for each coordinate: mu, theta[a], theta[b]."""
    if hasattr(obj, "data_vars"):
        variables = {str(name): obj[name] for name in obj.data_vars}
        if not variables and getattr(obj, "children", None):
            raise _whole(argument, [str(name) for name in obj.children])
    elif callable(getattr(obj, "groups", None)) and hasattr(obj, "_groups"):
        raise _whole(argument, [str(name) for name in obj.groups()])
    elif hasattr(obj, "dims") and hasattr(obj, "coords") and {"draw", STACKED} & set(obj.dims):
        variables = {str(obj.name or "x"): obj}
    else:
        return None
    if not variables:
        raise InputError(f"{argument} holds no variables; give a group of draws that has some")
    chain, order = _order(next(iter(variables.values())), argument)
    names: list[str] = []
    columns: list[Array] = []
    for name, variable in variables.items():
        scalars, values = _scalars(name, variable, argument)
        if len(values) != len(order):
            raise InputError(
                f"{argument} holds {len(values)} draws of {name} and {len(order)} of {next(iter(variables))}; take the "
                f'variables that were drawn together: {argument}[["{name}"]]'
            )
        names += scalars
        columns.append(values[order])
    title = str(getattr(obj, "name", None) or argument)
    return Drawn(title, tuple(names), np.concatenate(columns, axis=1), chain=chain)


def _whole(argument: str, groups: list[str]) -> KindError:
    first = next((g for g in groups if "posterior" in g), groups[0] if groups else "posterior")
    return KindError(f"{argument} has the groups {listing(groups)}; give one of them: {argument}.{first}")


def _order(variable: Any, argument: str) -> tuple[Array, Array]:
    """The chain of each draw, and the order in which the draws of each follow one another."""
    sizes = dict(zip(variable.dims, variable.shape, strict=True))
    if "draw" in sizes:
        chains, draws = sizes.get("chain", 1), sizes["draw"]
        return np.repeat(np.arange(chains), draws), np.arange(chains * draws)
    if STACKED not in sizes:
        dims = [str(d) for d in sizes]
        step = f"; rename that of the draws: {argument}.rename({dims[0]}='draw')" if dims else ""
        raise InputError(
            f"{argument} has the dimensions {listing(dims) or '(none)'}, and draws have draw, with chain or without, "
            f"or {STACKED}{step}"
        )
    if "draw" not in variable.coords:
        return np.zeros(sizes[STACKED], int), np.arange(sizes[STACKED])
    draw = np.asarray(variable.coords["draw"].values)
    chain = np.asarray(variable.coords["chain"].values) if "chain" in variable.coords else np.zeros(len(draw), int)
    order = np.lexsort([draw, chain])
    return chain[order], order


def _scalars(name: str, variable: Any, argument: str) -> tuple[list[str], Array]:
    """The names of a variable's scalars, and their draws of shape (n, scalars)."""
    dims = [str(d) for d in variable.dims]
    first = [d for d in ("chain", "draw") if d in dims] if "draw" in dims else [STACKED]
    if not set(first) <= set(dims):
        raise InputError(
            f"{name} has the dimensions {listing(dims) or '(none)'}, and none of them is that of draws; "
            f"leave it out: {argument}.drop_vars({name!r})"
        )
    rest = [d for d in dims if d not in first]
    values = np.asarray(variable.values)
    shape = [values.shape[dims.index(d)] for d in rest]
    values = values.transpose([dims.index(d) for d in (*first, *rest)]).reshape(-1, int(np.prod(shape, dtype=int)))
    if values.dtype.kind not in "biuf":
        raise InputError(f"{name} holds {values.dtype}, no numbers; leave it out: {argument}.drop_vars({name!r})")
    coords = [_labels(variable, d, n) for d, n in zip(rest, shape, strict=True)]
    places = [", ".join(place) for place in itertools.product(*coords)]
    return [f"{name}[{place}]" if place else name for place in places], values.astype(np.float64)


def _labels(variable: Any, dim: str, size: int) -> list[str]:
    if dim in variable.coords:
        return [str(v) for v in np.asarray(variable.coords[dim].values)]
    return [str(i) for i in range(size)]
