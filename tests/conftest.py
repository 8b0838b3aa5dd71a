"""Names of cases that are the same in every process, and less looking for garbage."""

from __future__ import annotations

import gc
from typing import Any


def pytest_make_parametrize_id(config: Any, val: Any, argname: str) -> str | None:
    """A frozen distribution of SciPy by its name; its own text holds an address."""
    if hasattr(val, "dist") and hasattr(val, "kwds"):
        given = [*map(str, val.args), *(f"{key}={value}" for key, value in val.kwds.items())]
        return f"{val.dist.name}({', '.join(given)})"
    return None


def pytest_collection_finish(session: Any) -> None:
    """What was imported and collected stays: Python need not look through all of it for garbage, again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
