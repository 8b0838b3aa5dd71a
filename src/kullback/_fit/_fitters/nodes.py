"""On the line and in the plane, at every alpha: a deterministic objective on nodes."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from kullback._distribution import Density
from kullback._fit._fixed_nodes import FixedNodes
from kullback._fit._found import Local
from kullback._fit._own_nodes import OwnNodes
from kullback._fit._search import Found
from kullback._fit._target import Target
from kullback._fit._task import Task
from kullback._objectives import Objective
from kullback._result import Status
from kullback._support import Array


class NodeSearch(Protocol):
    """One family on the nodes of one P, in coordinates theta of its own: what every alpha asks, and a path."""

    target: Target
    first: int  # the coarsest nodes, and the finest, among `levels`
    last: int

    def levels(self, alpha: float) -> list[Objective]: ...

    def found(self, alpha: float) -> list[Found]: ...

    def heights(self, theta: Array) -> Array: ...

    def q(self, theta: Array) -> Density: ...

    def limit(self, theta: Array) -> str: ...


def node_search(task: Task, by_density: bool = False) -> NodeSearch:
    """The search for a family, by the nodes that its members bring or by nodes that stay.

    With `by_density` P is the density that stands for its draws, forward too.
    """
    target = task.problem.nodes
    if by_density and target.sample is not None:
        target = replace(target, sample=None, estimated=None)
    if task.members is not None:
        return FixedNodes(target, task.members, task.start)
    return OwnNodes(target, task.searched, task.begin(), task.start.only)


class Nodes:
    """Several starts, each followed to an optimum, on nodes that double until they no longer matter."""

    name = "nodes"
    direction = ""

    def applies(self, task: Task) -> str | None:
        if task.lattice:
            return f"{task.family} has its mass on points"
        if task.moving:
            return task.moving
        if task.problem.dim > 2:
            return f"nodes serve the line and the plane, and P has {task.problem.dim} dimensions"
        return None

    def defers(self, task: Task) -> str | None:
        return task.problem.cells or None

    def view(self, task: Task) -> Target:
        return task.problem.nodes

    def search(self, task: Task) -> list[Local]:
        nodes = node_search(task)
        return [told(task, nodes.q(f.theta), f, nodes.limit(f.theta)) for f in nodes.found(task.alpha)]


def told(task: Task, q: Density, found: Found, limit: str = "") -> Local:
    """An optimum where P lives; `limit` is the simpler family that it has become."""
    status = Status.BOUNDARY if limit else found.status
    ended = found.status in (Status.STATIONARY, Status.NOT_STATIONARY, Status.BOUNDARY)
    detail = limit or (f"Largest gradient {found.gradient:.1g}." if ended else "")
    return Local(task.onto(q), found.value, found.gradient, status, found.start, detail)
