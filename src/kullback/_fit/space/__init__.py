"""P in many dimensions: modes at any scale, the reverse objective on fixed draws, weighted draws that stand for P."""

from kullback._fit.space._likeliest import fit_draws, medians
from kullback._fit.space._target import SpaceTarget

STOPPED = "the fit was stopped before it had a first Q; there is nothing to go on from"

__all__ = ["STOPPED", "SpaceTarget", "fit_draws", "medians"]
