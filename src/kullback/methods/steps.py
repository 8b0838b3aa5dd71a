"""Densities that are constant between edges: a sum over the cells of both."""

from __future__ import annotations

import math

import numpy as np

from kullback._distribution import Density, Measured, as_given
from kullback._format import percent
from kullback._result import Divergence, Status
from kullback._support import Array, place
from kullback.methods._request import Request
from kullback.numerics import kernel

EPS = float(np.finfo(float).eps)
STEPS = ("histogram", "uniform")


class Steps:
    """KL of the masses in the cells that the edges of both cut, on which both are constant."""

    name = "steps"
    random = False

    def applies(self, p: Measured, q: Measured) -> str | None:
        for d, name in ((p, "P"), (q, "Q")):
            if not (isinstance(d, Density) and d.facts.family in STEPS):
                return f"needs two densities that are constant between edges; {name} is none"
        return None

    def estimate(self, p: Measured, q: Measured, request: Request) -> Divergence:
        assert isinstance(p, Density)
        assert isinstance(q, Density)
        bins = _bins(p), _bins(q)
        cells = np.union1d(bins[0][0], bins[1][0])
        a, b = (_cut(*own, cells) for own in bins)
        found = kernel.relative_entropy(a, b)
        if found.gap > 0:
            low, high = (place(as_given(p, float(x))) for x in cells[found.gap_index : found.gap_index + 2])
            detail = f"{percent(found.gap)} of P lies where Q has none, most of it from {low} to {high}"
            return Divergence(
                math.inf, 0.0, "bound", method=self.name, n=len(a), status=Status.SUPPORT_GAP, detail=detail
            )
        inside = (a > 0) & (b > 0)
        # the masses are rounded as they are cut: two units each, on what a term is and on its logarithm
        size = math.fsum((a[inside] * (2 + np.abs(np.log(a[inside]) - np.log(b[inside])))).tolist())
        error = found.error + 4 * EPS * size
        return Divergence(float(found.value), float(error), method=self.name, n=len(a))


def _bins(f: Density) -> tuple[Array, Array]:
    """Edges, and the masses between them."""
    if f.facts.family == "uniform":
        return np.array([f.parameters["low"], f.parameters["high"]]), np.ones(1)
    return f.parameters["edges"], f.parameters["weights"]


def _cut(edges: Array, weights: Array, cells: Array) -> Array:
    """The masses of finer cells, each of which lies in one bin or outside all."""
    own = np.searchsorted(edges, cells[:-1], side="right") - 1
    inside = (own >= 0) & (own < len(weights))
    own = np.clip(own, 0, len(weights) - 1)
    shares = np.diff(cells) / np.diff(edges)[own]
    return np.where(inside, weights[own] * shares, 0.0)
