"""Large tables of files are counted at once as finely as a few of their rows say will be needed.

The first rows of both sides are counted in memory as all would be; the stretches that turn out crowded are counted
finer in the first pass over all rows. Whatever is asked later and follows from these counts is answered from them, and
the rest is asked of the engine: rows that mislead cost a pass, and no count.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from kullback.tables._cells import Answer, Cells, Level, Task
from kullback.tables._count import count
from kullback.tables._held import Held
from kullback.tables._kinds import NUMBERS
from kullback.tables._rows import SMALL
from kullback.tables._sides import Side

LARGE = 1_000_000  # rows of either side
Counter = Callable[[list[Task]], list[list[Answer]]]
Rule = Callable[[Cells, int], np.ndarray]
Refine = Callable[[dict[str, Cells], list[Task], Counter, Rule], None]


class Foresight:
    """Counts of an engine, some of them made before they are asked for."""

    def __init__(self, ask: Counter, levels: Mapping[str, tuple[Level, ...]]) -> None:
        self._ask, self._levels = ask, levels
        self._made: dict[str, tuple[Task, list[Answer]]] = {}

    def count(self, tasks: list[Task]) -> list[list[Answer]]:
        fresh = [t for t in tasks if t.column not in self._made and self._levels.get(t.column) and t.whole]
        wanted = [t._replace(levels=self._levels[t.column]) for t in fresh]
        open_ = [t for t in tasks if t not in fresh and not self._follows(t)]
        answers = self._ask([*wanted, *open_])
        self._made |= {t.column: (t, a) for t, a in zip(wanted, answers, strict=False)}
        asked = dict(zip(open_, answers[len(wanted) :], strict=True))
        return [asked[t] if t in asked else [_summed(a, t) for a in self._made[t.column][1]] for t in tasks]

    def _follows(self, t: Task) -> bool:
        """Whether a question is answered by cells that were counted, none of them larger than it asks for."""
        if t.look or t.column not in self._made:
            return False
        made = self._made[t.column][0]
        if t.whole:
            return t.power >= made.power
        return any(low <= t.low and t.high <= high and k <= t.power for low, high, k in made.levels)


def _summed(made: Answer, t: Task) -> Answer:
    """Finer cells, which are known by where they begin, as those of a question."""
    inside = np.ones(len(made.cells), dtype=bool) if t.whole else (made.cells >= t.low) & (made.cells < t.high)
    cells, at = np.unique(np.floor(made.cells[inside] * 2.0**-t.power), return_inverse=True)
    return Answer(cells, np.bincount(at, made.rows[inside], len(cells)), None, None, made.odd if t.whole else ())


def foreseen(
    sides: tuple[Side, Side], tables: Mapping[str, Cells], tasks: Sequence[Task], refine: Refine
) -> dict[str, tuple[Level, ...]]:
    """Of each column the stretches that will be asked for finer, the finest first."""
    some = [t for t in tasks if t.kind in NUMBERS and t.start is None and (t.kind == "number" or t.power)]
    if not some or not all(side.ours for side in sides) or min(tables[some[0].column].rows) < LARGE:
        return {}
    heads = [replace(side, frame=side.frame.head(SMALL)) for side in sides]
    held = [Held(head, {t.column: t.kind for t in some}) for head in heads]
    levels: dict[str, tuple[Level, ...]] = {}
    for task in some:
        if not all(h.holds(task.column) for h in held):
            continue
        whole = tables[task.column]
        rounds: list[list[Level]] = []

        def counted(tasks: list[Task], rounds: list[list[Level]] = rounds) -> list[list[Answer]]:
            rounds.append([(t.low, t.high, t.power) for t in tasks if not t.whole and not t.look])
            none_odd = {t.column: False for t in tasks}
            return count((heads[0], heads[1]), tasks, (none_odd, none_odd), (held[0], held[1]))

        sample = Cells(whole.least, whole.most, (held[0].rows, held[1].rows), sample=True)
        refine({task.column: sample}, [task], counted, _soon)
        levels[task.column] = _nested(rounds, task.power)
    return levels


def _soon(table: Cells, bins: int) -> np.ndarray:
    """Cells that may be heavy: of some thousand rows a bin's share is known to a tenth of itself."""
    return table.weights() > 0.7 / bins


def _nested(rounds: Sequence[Sequence[Level]], base: int) -> tuple[Level, ...]:
    """Stretches with room for chance: a cell more on either side, and cells of a quarter of the width."""
    levels: list[Level] = []
    around: list[Level] = [(-math.inf, math.inf, base)]
    for runs in rounds:
        wider: list[Level] = []
        for low, high, k in sorted(runs):
            outer = next((o for o in around if o[0] <= low and high <= o[1]), None)
            if outer is None:
                continue
            step = 2.0 ** outer[2]
            low, high = max(low - step, outer[0]), min(high + step, outer[1])
            if wider and low < wider[-1][1]:
                before = wider.pop()
                low, k = before[0], min(before[2], k)
                high = max(high, before[1])
            wider.append((low, high, min(k, outer[2]) - 2))
        if wider:
            levels = [*wider, *levels]
            around = wider
    return tuple(levels)
