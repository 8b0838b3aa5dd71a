"""Names of cases that are the same in every process."""

from __future__ import annotations

from typing import Any


def pytest_make_parametrize_id(config: Any, val: Any, argname: str) -> str | None:
    """A frozen distribution of SciPy by its name; its own text holds an address."""
    if hasattr(val, "dist") and hasattr(val, "kwds"):
        given = [*map(str, val.args), *(f"{key}={value}" for key, value in val.kwds.items())]
        return f"{val.dist.name}({', '.join(given)})"
    return None
