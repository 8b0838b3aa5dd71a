"""Several distributions, each against each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kullback._distribution import Batch, Density, Discrete, Measured
from kullback._measure._batch import KINDS
from kullback._measure._divergence import check_direction, check_options, check_tables, measure, opened
from kullback._result import Divergence, InputError, KindError, NoMethodError, Pairwise, Status
from kullback.methods import Request
from kullback.methods.exact import check_table
from kullback.numerics.quiet import quiet


@quiet
def pairwise(
    items: Any,
    *,
    direction: str = "forward",
    labels: Sequence[str] | None = None,
    normalize: bool = False,
    tolerance: float | None = None,
    seed: int = 0,
) -> Pairwise:
    """The divergences of several distributions, each against each, in one matrix.

    Parameters
    ----------
    items : sequence, mapping, or 2-D array
        Distributions as `divergence` takes them, of any kinds that can be compared; a mapping of names to them; or an
        array whose rows are probabilities, which is measured in one pass.
    direction : {"forward", "reverse"}
        forward: the entry (i, j) is KL(itemᵢ‖itemⱼ); reverse: KL(itemⱼ‖itemᵢ).
    labels : sequence of str, optional
        Names of the rows and columns; else the mapping's, or what each item is called.
    normalize, tolerance, seed
        As in `divergence`.

    Returns
    -------
    Pairwise
        Value, error and status as matrices, with the labels; `kl.plots.pairwise` draws it.

    Raises
    ------
    InputError
        Fewer than one item, labels that are not one a distribution, or an item that is none; it is named.
    KindError
        `items` is one distribution, not several.
    NoMethodError
        No method applies to a pair; it is named.

    Examples
    --------
    >>> import kullback as kl
    >>> kl.pairwise(["normal(0, 1)", "normal(1, 1)", "normal(1, 2)"], labels=["a", "b", "c"])
       a         b         c
    a  0         0.5       0.443147
    b  0.5       0         0.318147
    c  1.30685   0.806853  0
    KL(row‖column) in nats by closed; largest error ...
    """
    check_direction(direction)
    check_options("auto", tolerance, None, seed)
    given = list(items) if isinstance(items, Mapping) else None
    members = _members(list(items.values()) if isinstance(items, Mapping) else items, given, normalize)
    names = _names(labels, given, members)
    request = Request(tolerance, None, seed)
    n = len(members) if isinstance(members, list) else len(members.values)
    if isinstance(members, Discrete):
        found = measure(_placed(members, (slice(None), None)), _placed(members, (None, slice(None))), request=request)
        value, error, status = (np.array(x) for x in (found.value, found.error, found.status))
        return _told(names, value, error, status, [found], direction, seed)
    value, error = np.zeros((n, n)), np.zeros((n, n))
    status = np.full((n, n), Status.OK, dtype=object)
    parts = []
    for i, p in enumerate(members):
        for j, q in enumerate(members):
            if i == j:  # no divergence from itself, whatever it is
                continue
            part = _one(p, q, (names[i], names[j]), request)
            parts.append(part)
            value[i, j], error[i, j], status[i, j] = part.value, part.error, part.status
    return _told(names, value, error, status, parts, direction, seed)


def _members(items: Any, names: list[Any] | None, normalize: bool) -> Discrete | list[Measured]:
    """One array of rows where all are of that, else a list of distributions."""
    if isinstance(items, Sequence) and not isinstance(items, str):
        opened_items = []
        places = [f"items[{i if names is None else names[i]!r}]" for i in range(len(items))]
        for name, item in zip(places, items, strict=True):
            found = opened(item, name, -1, normalize)
            if isinstance(found, Batch) or (isinstance(found, Discrete) and found.values.ndim > 1):
                raise InputError(f"{name} is {found}, several in one; give each as an item of its own")
            opened_items.append(found)
        rows = _stacked(opened_items, places)
        return rows if rows is not None else opened_items
    found = opened(items, "items", -1, normalize)
    if isinstance(found, Batch) and len(found.shape) == 1:
        return [found[(i,)] for i in range(found.shape[0])]
    if not isinstance(found, Discrete) or found.values.ndim != 2:
        raise KindError(f"items must be several distributions, in a list, a mapping or a 2-D array, not {found}")
    check_table(found, "items")
    return found


def _stacked(members: list[Any], places: list[str]) -> Discrete | None:
    """Bare tables of equal length and type, as the rows of one array."""
    tables = [d for d in members if isinstance(d, Discrete) and d.probs is not None and d.labels is None]
    if not tables or len(tables) < len(members):
        return None
    if len({(d.probs.shape, d.probs.dtype) for d in tables}) > 1:  # type: ignore[union-attr]
        return None
    for name, d in zip(places, tables, strict=True):
        check_table(d, name)
    return Discrete(np.stack([d.probs for d in tables]), normalize=True)  # type: ignore[misc]


def _placed(rows: Discrete, index: tuple[Any, ...]) -> Discrete:
    key = "probs" if rows.probs is not None else "logits"
    return Discrete(**{key: rows.values[index]}, normalize=True)  # each row was checked


def _one(p: Measured, q: Measured, names: tuple[str, str], request: Request) -> Divergence:
    try:
        check_tables(p, q)
        return measure(p, q, request=request)
    except (InputError, NoMethodError) as error:
        raise type(error)(f"p = {names[0]}, q = {names[1]}: {error}") from None


def _names(labels: Any, given: list[Any] | None, members: Any) -> tuple[str, ...]:
    n = len(members) if isinstance(members, list) else len(members.values)
    if not n:
        raise InputError("items is empty; give at least one distribution")
    if labels is not None:
        names = tuple(str(x) for x in labels)
        if len(names) != n:
            raise InputError(f"labels has {len(names)} names for {n} distributions; give one each")
    elif given is not None:
        names = tuple(str(x) for x in given)
    else:
        names = tuple(str(d) if isinstance(d, Density) else "" for d in members) if isinstance(members, list) else ()
        if len(set(names)) < n or "" in names or max(map(len, names)) > 40:
            names = tuple(str(i) for i in range(n))
    if len(set(names)) < n:
        twice = next(x for x in names if names.count(x) > 1)
        raise InputError(f"labels must differ; {twice!r} stands more than once")
    return names


def _told(
    names: tuple[str, ...], value: Any, error: Any, status: Any, parts: list[Divergence], direction: str, seed: int
) -> Pairwise:
    kind = max((d.error_kind for d in parts), key=KINDS.index, default="rounding")
    if direction == "reverse":
        value, error, status = value.T, error.T, status.T
    return Pairwise(
        names,
        value,
        error,
        status,
        error_kind=kind,
        direction=direction,
        method=", ".join(dict.fromkeys(d.method for d in parts)) or "exact",
        seed=seed if kind == "standard_error" else None,
        notes=tuple(dict.fromkeys(note for d in parts for note in d.notes))[:8],
    )
