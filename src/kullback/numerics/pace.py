"""What a function costs a point, in half decades: coarse, so that the same function is given the same budget again."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # of floats

SIZES = (4, 16, 64, 256, 1024)  # points of a trial
CROWD = 4.0  # processes that may share a processor
ALONE = 0.6  # of the cost of a point in a batch a quarter as large: where no less is left, batches spare nothing
PATIENCE = 0.15  # seconds of a trial after which none is larger


def cost(f: Callable[[Array], Any], x: Array) -> float:
    """Seconds a point of f on batches of the points x, rounded to half a power of ten."""
    best = math.inf
    for size in SIZES:
        batch = np.resize(x, (size, *x.shape[1:]))
        f(batch)  # the first call may compile
        spent = _spent(f, batch)
        if spent < 0.1 * PATIENCE:
            spent = min(spent, _spent(f, batch), _spent(f, batch))
        before, best = best, min(best, spent / size)
        if spent > PATIENCE or best > ALONE * before:
            break
    return 10.0 ** (0.5 * round(2 * math.log10(max(best, 1e-9))))


def _spent(f: Callable[[Array], Any], batch: Array) -> float:
    """Seconds of work: on a busy machine the clock runs on while f waits, but f may also wait by its nature."""
    start, worked = time.perf_counter(), time.process_time()
    f(batch)
    passed = time.perf_counter() - start
    return min(passed, max(time.process_time() - worked, passed / CROWD))
