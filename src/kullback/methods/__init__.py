"""The methods, in the order they are tried: one final class each, and METHODS is the only registry."""

from __future__ import annotations

from kullback.methods._request import Method, Request, reason
from kullback.methods.bijection import Bijection
from kullback.methods.classifier import Classifier
from kullback.methods.closed import Closed
from kullback.methods.coordinates import Coordinates
from kullback.methods.counts import CountSum
from kullback.methods.exact import Exact
from kullback.methods.lattice import LatticeSum
from kullback.methods.mixed import Mixed
from kullback.methods.mixture_plug_in import MixturePlugIn
from kullback.methods.monte_carlo import MonteCarlo
from kullback.methods.neighbours import Neighbours
from kullback.methods.parametric import Parametric
from kullback.methods.plug_in import PlugIn, ZhangGrabchak
from kullback.methods.quadrature import Quadrature
from kullback.methods.same import SameDraws
from kullback.methods.steps import Steps
from kullback.methods.support import Support
from kullback.methods.weighted_draws import WeightedDraws

_BEFORE: tuple[Method, ...] = (Support(), Exact(), Steps(), Closed())
_AFTER: tuple[Method, ...] = (LatticeSum(), CountSum(), Quadrature(), MonteCarlo())
_WITHIN: tuple[Method, ...] = (Parametric(), Neighbours())
_DRAWS: tuple[Method, ...] = (
    SameDraws(),
    ZhangGrabchak(),
    PlugIn(),
    Mixed(_WITHIN),
    *_WITHIN,
    Classifier(),
    MixturePlugIn(),
)
_BIJECTION = Bijection((*_BEFORE, Coordinates((*_BEFORE, *_AFTER)), *_AFTER))

METHODS: tuple[Method, ...] = (
    *_BEFORE,
    _BIJECTION,
    Coordinates((*_BEFORE, _BIJECTION, *_AFTER)),
    *_AFTER,
    WeightedDraws(),
    *_DRAWS,
)

__all__ = ["METHODS", "Method", "Request", "reason"]
