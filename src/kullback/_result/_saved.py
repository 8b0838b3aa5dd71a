"""A finished fit as one file: its numbers as arrays, all else as JSON, nothing that would have to be unpickled.

What is written of Q are the words and parameters that it was made of; `kl.load` makes it again.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kullback._result._errors import InputError
from kullback._result._later import Later
from kullback._result._status import Status
from kullback._result._write import whole

FORMAT = 1
HELD = ("target", "problem")  # P as the search saw it, which is not written
WORDS = (
    "normal", "multivariate_normal", "log_normal", "logit_normal", "laplace", "student_t", "multivariate_student_t",
    "uniform", "pareto", "poisson", "geometric", "binomial",
)  # fmt: skip


def save(fit: Any, path: str | os.PathLike[str]) -> None:
    """The fit under `path`, by way of a file beside it that is moved into place when complete."""
    if fit.family.startswith("custom"):
        raise InputError(
            f"a fit of {fit.family} cannot be saved: the family is a function of your own, which no file holds. Keep "
            "fit.to_json(), or the theta in fit.q.facts.source"
        )
    arrays: dict[str, np.ndarray] = {}
    record = {"format": FORMAT, "fit": _encoded(fit, arrays)}
    buffer = io.BytesIO()
    text = np.frombuffer(json.dumps(record, ensure_ascii=False).encode(), dtype=np.uint8)
    np.savez_compressed(buffer, fit=text, **arrays)  # type: ignore[arg-type]
    final = Path(path)
    if not final.parent.is_dir():
        raise InputError(f"path = {os.fspath(path)!r}: there is no folder {str(final.parent)!r}; make it first")
    whole(path, buffer.getbuffer(), "path")


def _encoded(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Any part of a fit as JSON holds it; arrays are numbered and put beside it."""
    if isinstance(value, Later):
        value = value()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return {"float": repr(value)}
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Status):
        return {"status": value.key}
    if isinstance(value, np.ndarray):
        name = f"array{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if isinstance(value, tuple | list):
        return {"tuple": [_encoded(v, arrays) for v in value]}
    if isinstance(value, Mapping):
        return {"mapping": [[_encoded(k, arrays), _encoded(v, arrays)] for k, v in value.items()]}
    if hasattr(value, "facts"):
        return {"density": _density(value, arrays)}
    if is_dataclass(value):
        own = {f.name: _encoded(getattr(value, f.name), arrays) for f in fields(value) if f.name not in HELD}
        return {"of": type(value).__name__, "fields": own}
    raise InputError(f"a {type(value).__name__} in this fit cannot be saved")


def _density(q: Any, arrays: dict[str, np.ndarray]) -> Any:
    """What a distribution is made of: a word, a mixture, one carried to a support, or a class of NumPyro."""
    facts = q.facts
    if facts.source is not None:
        return {"numpyro": _of_numpyro(facts.source.distribution, arrays)}
    if facts.family in WORDS:
        return {"word": facts.family, "parameters": _encoded(dict(facts.parameters), arrays)}
    if facts.base is not None:
        sides = getattr(q.support, "sides", (q.support,))
        ends = [[_encoded(s.low, arrays), _encoded(s.high, arrays)] for s in sides]
        return {"carried": _density(facts.base[1], arrays), "ends": ends, "box": hasattr(q.support, "sides")}
    if facts.components:
        parts = [[float(w), _density(part, arrays)] for w, part in facts.components]
        return {"mixture": parts}
    raise InputError(f"Q = {q} cannot be saved: no word makes it again. Keep fit.to_json()")


def _of_numpyro(made: Any, arrays: dict[str, np.ndarray]) -> Any:
    kind = type(made)
    if kind.__name__ == "Independent":
        inner = _of_numpyro(made.base_dist, arrays)
        return {"independent": int(made.reinterpreted_batch_ndims), "base": inner}
    names = [name for name in kind.arg_constraints if name in vars(made)]
    if not kind.__module__.startswith("numpyro.distributions") or not names or hasattr(made, "base_dist"):
        raise InputError(f"a {kind.__name__} cannot be saved: its parameters are not numbers. Keep fit.to_json()")
    values = {name: np.asarray(getattr(made, name), dtype=np.float64) for name in names}
    return {"class": kind.__name__, "parameters": _encoded(values, arrays)}
