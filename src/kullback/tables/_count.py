"""Counts of columns on their cells, asked of an engine: a few grouped counts in one query."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw

from kullback._result import InputError
from kullback.tables._cells import Answer, Task, answer
from kullback.tables._ends import day
from kullback.tables._held import Held, occupied
from kullback.tables._kinds import finite, in_steps, number, value, whole
from kullback.tables._rows import rows
from kullback.tables._sides import Side

UNION = 24  # columns counted in one query


def count(
    sides: tuple[Side, Side], tasks: list[Task], odd: Sequence[Mapping[str, bool]], held: tuple[Held, Held]
) -> list[list[Answer]]:
    """The occupied cells of each task on each side.

    A few grouped counts are one query; where one DuckDB reads both sides' files, those of both.
    """
    held_: dict[tuple[int, int], Answer] = {}
    asked: dict[tuple[int, int], list[tuple[Any, ...]]] = {}
    wanted = []
    for j in (0, 1):
        for i, t in enumerate(tasks):
            if held[j].holds(t.column):
                held_[i, j] = _counted(sides[j], t, held[j])
            elif t.kind == "date":
                asked[i, j] = _days(sides[j], t)
            else:
                wanted.append((i, j))
                asked[i, j] = []
    apart = [wanted] if all(side.ours for side in sides) else [[w for w in wanted if w[1] == j] for j in (0, 1)]
    sorts = [(look, exact) for look in (False, True) for exact in (False, True)]
    batches = [[w for w in group if tasks[w[0]].sort == sort] for group in apart for sort in sorts]
    for batch in batches:
        for start in range(0, len(batch), UNION):
            parts = [
                _grouped(sides[j], tasks[i], 2 * i + j, odd[j][tasks[i].column])
                for i, j in batch[start : start + UNION]
            ]
            for number_, *rest in rows(parts[0] if len(parts) == 1 else nw.concat(parts)):
                asked[divmod(int(number_), 2)].append(tuple(rest))
    return [[held_[i, j] if (i, j) in held_ else answer(asked[i, j], t) for j in (0, 1)] for i, t in enumerate(tasks)]


def _counted(side: Side, task: Task, held: Held) -> Answer:
    timed = in_steps(task.kind) and task.column not in side.hollow
    values, odd = held.column(task.column, task.unit if timed else 0)
    index, n, *ends = occupied(values, task.power, task.low, task.high, task.look, task.start is not None)
    least, most = ends or (None, None)
    return Answer(index, n, least, most, odd if task.whole else ())


def _grouped(side: Side, task: Task, number: int, odd: bool) -> nw.LazyFrame[Any]:
    x = nw.col("x")
    exact = task.start is not None
    taken = whole(side, task.column, task.kind, task.unit)
    if not exact:
        taken = taken.cast(nw.Float64) if in_steps(task.kind) else value(side, task.column, task.kind)
    frame = side.frame.select(taken.alias("x"))
    if not task.whole:
        frame = frame.filter((x >= task.low) & (x < task.high))
    if task.start is not None:
        width = 2**task.power
        cell = ((x - x % width if task.power else x) - task.start).cast(nw.Float64) * 2.0**-task.power
    elif task.kind != "number" and task.power == 0:
        cell = x
    else:
        cell = (x * 2.0**-task.power).floor().cast(nw.Float64)
    if task.levels:
        cell = cell * 2.0**task.power
        for low, high, k in reversed(task.levels):
            cell = nw.when((x >= low) & (x < high)).then((x * 2.0**-k).floor() * 2.0**k).otherwise(cell)
    if odd and task.whole and not exact:  # Spark's floor is an integer, and what is not finite would become one too
        cell = nw.when(finite(side, x)).then(cell).otherwise(x)
    more = [x.min().alias("least"), x.max().alias("most")] if task.look else []
    frame = frame.with_columns(cell.alias("cell")).group_by("cell").agg(nw.len().alias("n"), *more)
    ends = [nw.col(end).cast(nw.String) if exact else nw.col(end) for end in (("least", "most") if task.look else ())]
    return frame.select(nw.lit(number).alias("task"), "cell", "n", *ends)


def _days(side: Side, task: Task) -> list[tuple[Any, ...]]:
    """A column of days by its days: never many, and no engine need take them apart."""
    x = nw.col(task.column)
    frame = side.frame.select(x.alias("x"), day(side, task.column).alias("day")).group_by("day")
    found = rows(frame.agg(nw.len().alias("n"), nw.col("x").count().alias("there")))
    if any(which is None and there for which, _, there in found):
        raise InputError(
            f"column {task.column!r} of {side.name} holds days that its engine knows no year of; leave it "
            "out (exclude=, --exclude)"
        )
    return [(None if math.isnan(number(which)) else number(which), n) for which, n, _ in found]
