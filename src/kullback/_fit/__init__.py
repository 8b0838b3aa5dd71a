"""Fit Q to P in either direction, and report what is left, covered and missed.

The way of a fit: `_run` opens P as a `Problem`, whatever it is, and makes a `Task` of it with the family and the
direction; `FITTERS` is the one ladder of ways to solve that; `_tell` makes the Fit of what was found.
"""

from kullback._fit._convert import to_numpyro, to_scipy
from kullback._fit._fitters import FITTERS
from kullback._fit._fitters.nodes import NodeSearch, node_search
from kullback._fit._plan import plan
from kullback._fit._problem import Problem, Say
from kullback._fit._run import both, fit, opened, refit
from kullback._fit._sampling import same_normal
from kullback._fit._saved import load
from kullback._fit._start import Start
from kullback._fit._target import Target
from kullback._fit._task import Task, task_for

__all__ = [
    "FITTERS",
    "NodeSearch",
    "Problem",
    "Say",
    "Start",
    "Target",
    "Task",
    "both",
    "fit",
    "load",
    "node_search",
    "opened",
    "plan",
    "refit",
    "same_normal",
    "task_for",
    "to_numpyro",
    "to_scipy",
]
