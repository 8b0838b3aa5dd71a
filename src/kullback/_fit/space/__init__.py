"""Fits in many dimensions: modes at any scale, reverse on fixed draws, forward on weighted ones."""

from kullback._fit.space._carried import fit_carried_space
from kullback._fit.space._run import STOPPED, fit_space
from kullback._fit.space._target import SpaceTarget

__all__ = ["STOPPED", "SpaceTarget", "fit_carried_space", "fit_space"]
