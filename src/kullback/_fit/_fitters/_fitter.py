"""What every fitter is, and the choice between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from kullback._fit._found import Local
from kullback._fit._task import Task
from kullback._fit._view import View
from kullback._result import InputError, NoMethodError


class Fitter(Protocol):
    """`applies` gives the reason if the task cannot be solved so; `search` finds its optima, the best first.

    `defers` is the reason for which it leaves a task that it could solve to another, unless it is asked for by name.
    `view` is P as it was searched, by which the optima are measured afresh.
    """

    name: str
    direction: str  # the only one that it serves; empty where it serves every alpha

    def applies(self, task: Task) -> str | None: ...

    def defers(self, task: Task) -> str | None: ...

    def view(self, task: Task) -> View: ...

    def search(self, task: Task) -> list[Local]: ...


def on_nodes(task: Task) -> str | None:
    """Why a fitter in space cannot have a problem that lost its ends on the line or in the plane."""
    if task.problem.dim <= 2 and task.problem.place is not None:
        return "P on the line or in the plane with ends is seen on nodes"
    return None


def better_on_nodes(task: Task) -> str | None:
    """Why a fitter in space leaves a problem to those on nodes."""
    if task.problem.dim <= 2 and not task.problem.cells:
        return "nodes tell P on the line and in the plane better than draws"
    return None


def reasons(fitters: Sequence[Fitter], task: Task) -> dict[str, str | None]:
    """Of every fitter why it would not run; None where it would."""
    found = {f.name: _why_not(f, task) for f in fitters}
    if all(found.values()):  # who would have left it to another, must
        found.update({f.name: None for f in fitters if _cannot(f, task) is None})
    return found


def chosen(fitters: Sequence[Fitter], task: Task, method: str) -> Fitter:
    """The first fitter that applies, or the one that is asked for by name."""
    if method != "auto":
        named = next((f for f in fitters if f.name == method), None)
        if named is None:
            raise InputError(f"unknown method {method!r}; the fitters are {', '.join(f.name for f in fitters)}")
        why = _cannot(named, task)
        if why is not None:
            raise NoMethodError(f"{method} does not serve {task}: {why}")
        return named
    late: Fitter | None = None
    why_not: dict[str, list[str]] = {}
    for f in fitters:
        why = _cannot(f, task)
        if why is None and f.defers(task) is None:
            return f
        if why is None:
            late = late or f
        elif _serves(f, task):
            why_not.setdefault(why, []).append(f.name)
    if late is not None:
        return late
    told = "; ".join(f"{', '.join(names)}: {why}" for why, names in why_not.items())
    raise InputError(f"no fitter serves {task}. {told}")


def _cannot(fitter: Fitter, task: Task) -> str | None:
    held = task.problem.only(fitter.name)
    if held is None and not _serves(fitter, task):
        return f"serves {fitter.direction} alone"
    return held or fitter.applies(task)


def _serves(fitter: Fitter, task: Task) -> bool:
    return not fitter.direction or fitter.direction == task.direction


def _why_not(fitter: Fitter, task: Task) -> str | None:
    why = _cannot(fitter, task)
    return fitter.defers(task) if why is None else why
