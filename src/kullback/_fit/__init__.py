"""Fit Q to P in either direction, and report what is left, covered and missed."""

from kullback._fit._both import both, refit
from kullback._fit._convert import to_numpyro, to_scipy
from kullback._fit._run import Say, fit
from kullback._fit._sampling import same_normal

__all__ = ["Say", "both", "fit", "refit", "same_normal", "to_numpyro", "to_scipy"]
