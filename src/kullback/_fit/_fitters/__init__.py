"""The fitters, in the order they are tried: one final class each, and FITTERS is the only registry."""

from __future__ import annotations

from kullback._fit._fitters._fitter import Fitter, chosen, reasons
from kullback._fit._fitters.coordinates import Coordinates
from kullback._fit._fitters.draws import Draws
from kullback._fit._fitters.em import EM
from kullback._fit._fitters.ends import Ends
from kullback._fit._fitters.integers import Integers
from kullback._fit._fitters.likelihood import Likelihood
from kullback._fit._fitters.medians import Medians
from kullback._fit._fitters.moments import Moments
from kullback._fit._fitters.nodes import Nodes
from kullback._fit._fitters.weighted import Weighted

FITTERS: tuple[Fitter, ...] = (
    Moments(),
    Medians(),
    Ends(),
    EM(),
    Likelihood(),
    Integers(),
    Nodes(),
    Coordinates(),
    Draws(),
    Weighted(),
)

__all__ = ["FITTERS", "Fitter", "chosen", "reasons"]
