"""Fit Q to P in either direction, and report what is left, covered and missed."""

from kullback._fit._convert import to_numpyro, to_scipy
from kullback._fit._run import both, fit

__all__ = ["both", "fit", "to_numpyro", "to_scipy"]
