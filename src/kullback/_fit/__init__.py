"""Fit Q to P in either direction, and report what is left, covered and missed."""

from kullback._fit._both import both, refit
from kullback._fit._convert import to_numpyro, to_scipy
from kullback._fit._run import Say, fit

__all__ = ["Say", "both", "fit", "refit", "to_numpyro", "to_scipy"]
