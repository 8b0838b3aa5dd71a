"""A module that is imported when something of it is first used, so that arrays never wait for SciPy."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any


class Lazy:
    """Stands for a module; the first look-up of each name imports it and keeps the name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(import_module(self._name), attribute)
        setattr(self, attribute, value)
        return value


@cache
def installed(name: str) -> bool:
    """Whether a module could be imported; it is not."""
    return find_spec(name) is not None


special: Any = Lazy("scipy.special")
linalg: Any = Lazy("scipy.linalg")
optimize: Any = Lazy("scipy.optimize")
spatial: Any = Lazy("scipy.spatial")
