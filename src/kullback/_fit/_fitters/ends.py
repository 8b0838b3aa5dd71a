"""Forward, a family whose support moves with its parameters: it begins and ends where P does."""

from __future__ import annotations

import numpy as np

from kullback._fit._found import Local
from kullback._fit._target import Target
from kullback._fit._task import Task
from kullback._result import Status
from kullback._support import Interval


class Ends:
    """Exact: from P's ends, and the mean of log x where that is asked for."""

    name = "ends"
    direction = "forward"

    def applies(self, task: Task) -> str | None:
        if task.searched.exact != "ends":
            return f"the support of {task.family} does not move with its parameters, or where it goes is not known"
        return None

    def defers(self, task: Task) -> str | None:
        return None

    def view(self, task: Task) -> Target:
        return task.problem.nodes

    def search(self, task: Task) -> list[Local]:
        target, support = task.problem.nodes, task.problem.support
        assert isinstance(support, Interval)
        y, w = target.nodes
        log_mean = float(w @ np.log(target.frame.outward(y) / support.low)) if support.low > 0 else np.nan
        q = task.searched.member(support.low, support.high, log_mean)
        return [Local(q, float(-w @ q._log_prob(target.frame.outward(y))), 0.0, Status.EXACT, "P's ends")]
