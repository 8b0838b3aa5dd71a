"""What `start=` may be: a fit, a density, or a place, or several, where a mode of P may lie."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any

import numpy as np

from kullback._distribution import Density
from kullback._measure import prepared
from kullback._result import Fit, InputError, KindError
from kullback._support import Array
from kullback._vocabulary import multivariate_normal
from kullback._vocabulary._real import normal
from kullback.families import Family, Frame

NARROW = 1 / 3  # of P's spread: how wide a search begins around a place
NUMBERS = re.compile(r"[\[\](),;\s\d.eE+-]+")


class Start:
    """What was given, in the forms that fitters take; `only` says that no search begins elsewhere."""

    def __init__(self, raw: Any = None, only: bool = False) -> None:
        self.raw, self.only = raw, only

    @cached_property
    def density(self) -> Density | None:
        """The density to begin from; None where there is none, or a place alone."""
        if self.raw is None or as_places(self.raw) is not None:
            return None
        given = self.raw.q if isinstance(self.raw, Fit) else prepared(self.raw, "start")
        if not isinstance(given, Density):
            raise KindError(
                f"start must be a Fit, a density, or a place as an array or a text, not {type(self.raw).__name__}"
            )
        return given

    def places(self, dim: int) -> list[Array]:
        """The points (dim,) where a search for modes begins: the places, or the mean of a density."""
        if self.density is not None:
            moments = self.density.facts.moments
            return [] if moments is None else [np.atleast_1d(moments[0])]
        places = None if self.raw is None else as_places(self.raw)
        if places is None:
            return []
        if places.size == 0 or places.size % dim or (places.ndim > 1 and places.shape[-1] != dim):
            raise InputError(
                f"start has shape {places.shape} and P {dim} dimensions: give {dim} numbers, or rows of {dim} for "
                "several places"
            )
        points = places.reshape(-1, dim)
        if not np.isfinite(points).all():
            raise InputError(f"start = {points[~np.isfinite(points).all(axis=1)][0]} is no place: it is not finite")
        return list(points)

    @property
    def mean(self) -> float | None:
        """The mean to begin from on the integers."""
        if self.raw is None:
            return None
        places = as_places(self.raw)
        if places is not None:
            return float(places.ravel()[0]) if places.size == 1 else None
        given = self.raw.q if isinstance(self.raw, Fit) else prepared(self.raw, "start")
        return float(given.facts.moments[0]) if isinstance(given, Density) and given.facts.moments else None


def as_places(start: Any) -> Array | None:
    """The numbers of a place, as given; None if it is none."""
    if isinstance(start, str):
        if not NUMBERS.fullmatch(start) or not re.search(r"\d", start):
            return None
        try:
            return np.array([float(t) for t in re.split(r"[\[\](),;\s]+", start) if t])
        except ValueError:
            return None
    if not isinstance(start, int | float | list | tuple | np.generic) and not hasattr(start, "__array__"):
        return None
    if hasattr(start, "columns") or isinstance(start, bool):
        return None
    try:
        return np.asarray(start, dtype=np.float64)
    except (TypeError, ValueError):
        return None


def begin_around(places: list[Array], family: Family, frame: Frame) -> Array | None:
    """A member of the family around the first place, a third as wide as P; None where a normal is no member."""
    if not places:
        return None
    x, sd = places[0], NARROW * np.asarray(frame.scale)
    one = normal(float(x[0]), float(sd[0])) if len(x) == 1 else multivariate_normal(x, np.diag(sd**2))
    return family.encode(one, frame)
