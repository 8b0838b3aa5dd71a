"""The optimum followed from reverse to forward, with its jumps."""

from kullback._path._run import path

__all__ = ["path"]
