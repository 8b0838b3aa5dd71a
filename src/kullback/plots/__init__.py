"""Results as pictures: what Q covers, what it misses, and where each direction pays.

Nothing is computed here but log densities on a window. P is grey, forward blue and solid, reverse orange and dashed.
"""

from __future__ import annotations

import os
from typing import Any

from kullback._result import Comparison, Fit, InputError, KindError, Pairwise, Path, TableComparison, Verdict
from kullback._support import Lattice
from kullback.numerics.quiet import quiet
from kullback.plots import _bars, _file, _ink, _line, _plane, _space
from kullback.plots import _pairwise as _pairs
from kullback.plots import _path as _paths


@quiet
def fits(forward: Fit, reverse: Fit | None = None, *, path: str | os.PathLike[str] | None = None) -> Any:
    """Draw the fits of one target: the densities, where each direction pays, and the divergences.

    Parameters
    ----------
    forward, reverse : Fit
        Two fits of the same P in the two directions; one alone is enough, whichever it is.
    path : str or path-like, optional
        Where to write the picture: a name ending in .png, .svg or .pdf. It is written whole or not at all.

    Returns
    -------
    matplotlib.figure.Figure
        One dimension: the densities above their integrands. Two dimensions: contours around 50, 90 and 99 % of
        the mass, and maps of the integrands. More: the middle nine tenths of every coordinate. Beside them the
        table of both divergences in nats, the minimised one of each fit in bold.

    Raises
    ------
    InputError
        Fits of different targets, two fits in one direction, or a path with another ending.
    MissingExtraError
        If Matplotlib is not installed.

    Examples
    --------
    >>> import kullback as kl
    >>> p = "0.5*normal(0, 1) + 0.5*normal(7.5, 1)"
    >>> pair = [kl.fit(p, "normal", direction=d) for d in ("forward", "reverse")]
    >>> figure = kl.plots.fits(*pair)
    >>> [axes.get_label() for axes in figure.axes]
    ['densities', 'integrands', 'table']
    """
    ending = _file.understood(path)
    pair = _in_order([f for f in (forward, reverse) if f is not None])
    target = pair[0].target
    if target is None:
        raise InputError("the fit carries no target to draw; pass it as kl.fit returned it")
    density = getattr(target, "density", target)
    with _ink.style():
        if hasattr(target, "intervals"):
            figure = _space.fits(pair)
        elif density.dim > 1:
            figure = _plane.fits(pair, density, getattr(target, "sample", None))
        elif isinstance(density.support, Lattice):
            figure = _line.lattice_fits(pair, density)
        else:
            figure = _line.fits(pair, density, getattr(target, "sample", None))
        _file.write(figure, path, ending)
    return figure


@quiet
def comparison(comparison: Comparison, *, path: str | os.PathLike[str] | None = None) -> Any:
    """Draw P and Q, and where each divergence comes from.

    Parameters
    ----------
    comparison : Comparison
        What `compare` returned for one pair; a batch, or densities of more than two dimensions, have no picture.
    path : str or path-like, optional
        Where to write the picture: a name ending in .png, .svg or .pdf. It is written whole or not at all.

    Returns
    -------
    matplotlib.figure.Figure
        Outcomes: bars of p and q above their terms. Densities: both curves above the integrands, or contours
        beside maps of the integrands. Beside them the table of both divergences in nats.

    Raises
    ------
    InputError
        A comparison without terms, or a path with another ending.
    MissingExtraError
        If Matplotlib is not installed.

    Examples
    --------
    >>> import kullback as kl
    >>> figure = kl.plots.comparison(kl.compare({"a": 0.5, "b": 0.5}, {"a": 0.9, "b": 0.1}))
    >>> [axes.get_label() for axes in figure.axes]
    ['outcomes', 'terms', 'table']
    """
    ending = _file.understood(path)
    if not isinstance(comparison, Comparison):
        raise KindError(f"comparison must be what kl.compare returns, not {type(comparison).__name__}")
    if comparison.terms is None:
        raise InputError(
            "this comparison has no terms to draw: it is a batch, has more than two dimensions, or sets a density "
            "beside outcomes. Compare one pair of one kind, in one or two dimensions."
        )
    with _ink.style():
        if "outcome" in comparison.terms.columns:
            figure = _bars.comparison(comparison)
        elif "y" in comparison.terms.columns:
            figure = _plane.comparison(comparison)
        else:
            figure = _line.comparison(comparison)
        _file.write(figure, path, ending)
    return figure


@quiet
def path(found: Path, *, path: str | os.PathLike[str] | None = None) -> Any:
    """Draw the optimum from reverse to forward: the members, their jumps, and what is left of each divergence.

    Parameters
    ----------
    found : Path
        What `kl.path` returned.
    path : str or path-like, optional
        Where to write the picture: a name ending in .png, .svg or .pdf. It is written whole or not at all.

    Returns
    -------
    matplotlib.figure.Figure
        One dimension: P on its side, and the density of Q in columns over alpha. Two dimensions: contours of Q
        around half of its mass. Below them both divergences over alpha; beside them the table and the jumps.

    Raises
    ------
    InputError
        A path with another ending.
    MissingExtraError
        If Matplotlib is not installed.

    Examples
    --------
    >>> import kullback as kl
    >>> figure = kl.plots.path(kl.path("0.5*normal(0, 1) + 0.5*normal(3, 1)", "normal", steps=4))
    >>> [axes.get_label() for axes in figure.axes]
    ['target', 'members', 'left', 'table']
    """
    ending = _file.understood(path)
    if not isinstance(found, Path):
        raise KindError(f"path draws what kl.path returns, not {type(found).__name__}")
    with _ink.style():
        figure = _paths.path(found)
        _file.write(figure, path, ending)
    return figure


def _in_order(pair: list[Fit]) -> list[Fit]:
    """Forward first, whichever way they were given."""
    for fit in pair:
        if not isinstance(fit, Fit):
            raise KindError(f"fits takes what kl.fit returns, not {type(fit).__name__}")
    if len(pair) == 2:
        if pair[0].direction == pair[1].direction:
            raise InputError(f"both fits are {pair[0].direction}; give one forward and one reverse")
        if pair[0].p != pair[1].p:
            raise InputError(f"the fits have different targets, {pair[0].p} and {pair[1].p}; fit both to one P")
    return sorted(pair, key=lambda fit: ("forward", "between", "reverse").index(_ink.kind(fit)))


def tables(
    found: TableComparison, *, verdict: Verdict | None = None, path: str | os.PathLike[str] | None = None
) -> Any:
    """Draw how far apart the columns of two tables are; with slices, how that changes from one to the next.

    Parameters
    ----------
    found : TableComparison
        What `compare_tables` returned.
    verdict : Verdict, optional
        What `found.verdict` or `found.check` said: its thresholds are drawn too.
    path : str or path-like, optional
        Where to write the picture: a name ending in .png, .svg or .pdf. It is written whole or not at all.

    Returns
    -------
    matplotlib.figure.Figure
        Both divergences of every column, less their bias (or estimated, where a category of one table only makes them
        ∞), with their 95 % intervals, on a logarithmic scale; with `by=`, lines over the slices instead.

    Raises
    ------
    KindError
        Something else than a TableComparison.
    InputError
        A path with another ending.
    MissingExtraError
        If Matplotlib is not installed.

    Examples
    --------
    >>> import polars as pl
    >>> import kullback as kl
    >>> p, q = pl.DataFrame({"x": [1, 1, 2]}), pl.DataFrame({"x": [1, 2, 2]})
    >>> [axes.get_label() for axes in kl.plots.tables(kl.compare_tables(p, q)).axes]
    ['columns']
    """
    ending = _file.understood(path)
    if not isinstance(found, TableComparison):
        raise KindError(f"found must be what kl.compare_tables returns, not {type(found).__name__}")
    from kullback.plots import _tables  # with what reads tables: not for every other picture

    with _ink.style():
        figure = _tables.slices(found, verdict) if found.slices else _tables.overview(found, verdict)
        _file.write(figure, path, ending)
    return figure


def pairwise(found: Pairwise, *, path: str | os.PathLike[str] | None = None) -> Any:
    """Draw a matrix of divergences: a cell for each pair, darker where the two are further apart.

    Parameters
    ----------
    found : Pairwise
        What `kl.pairwise` returned.
    path : str or path-like, optional
        Where to write the picture: a name ending in .png, .svg or .pdf. It is written whole or not at all.

    Returns
    -------
    matplotlib.figure.Figure
        Cells with their values in nats, of up to twelve distributions; of more the colours alone. ∞ is hatched.

    Raises
    ------
    KindError
        Something else than a Pairwise.
    InputError
        A path with another ending.
    MissingExtraError
        If Matplotlib is not installed.

    Examples
    --------
    >>> import kullback as kl
    >>> figure = kl.plots.pairwise(kl.pairwise({"a": [0.5, 0.5], "b": [0.9, 0.1]}))
    >>> [axes.get_label() for axes in figure.axes]
    ['pairs']
    """
    ending = _file.understood(path)
    if not isinstance(found, Pairwise):
        raise KindError(f"found must be what kl.pairwise returns, not {type(found).__name__}")
    with _ink.style():
        figure = _pairs.pairwise(found)
        _file.write(figure, path, ending)
    return figure


__all__ = ["comparison", "fits", "pairwise", "path", "tables"]
