"""Units, rounding, text, JSON and HTML pieces: how a number is shown, never how it is computed."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

LOG2 = math.log(2.0)


def number(value: float, error: float | None = None) -> str:
    """A number as a person would write it: six figures, or as many as its error lets stand."""
    if value is None or math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    digits = 6
    if error is not None and 0 < error < math.inf:
        digits = min(max(math.floor(math.log10(abs(value))) - math.floor(math.log10(error)) + 2, 1), 6)
    text = f"{value:.{digits}g}"
    return text.replace("-", "−") if "e" not in text else text


def uncertain(value: float, error: float, kind: str) -> str:
    """A value with the error that goes with it: ± for a standard error, nothing where all digits shown hold."""
    if not math.isfinite(value) or error == 0 or not math.isfinite(error):
        return number(value)
    shown = "0" if abs(value) <= error / 10 else number(value, error)
    if kind == "standard_error" or error > 1e-6 * abs(value):
        return f"{shown} ± {error:.1g}"
    return shown


def percent(share: float) -> str:
    """A probability as a percentage with at most three figures."""
    if share < 1e-9:
        return "0 %"
    return f"{100 * share:.3g} %" if share >= 1e-4 else "< 0.01 %"


SHOWN = 6  # entries of a vector


def vector(values: Any) -> str:
    """Numbers side by side, in brackets when there are several, the first few of many."""
    flat = np.atleast_1d(np.asarray(values, dtype=float))
    text = ", ".join(f"{v:.6g}" if abs(v) < 1e6 else f"{v:.12g}" for v in flat[:SHOWN])
    more = f", … {flat.size} in all" if flat.size > SHOWN else ""
    return f"({text}{more})" if flat.size > 1 else text


def plain(value: Any) -> Any:
    """`value` as JSON can hold it: arrays become lists, infinities "inf", NaN null, mappings keep their order."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        if math.isnan(value):
            return None
        if math.isinf(value):
            return "inf" if value > 0 else "-inf"
        return value
    if isinstance(value, str | int | bool) or value is None:
        return value
    if isinstance(value, Sequence | set | frozenset):
        return [plain(item) for item in value]
    return str(value)


def dumps(value: Any) -> str:
    """JSON text of anything `plain` takes; always valid JSON."""
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False, indent=2)


def html_table(rows: Sequence[Sequence[str]], header: Sequence[str] = ()) -> str:
    """A small HTML table; every cell is escaped."""
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>{f'<thead><tr>{head}</tr></thead>' if header else ''}<tbody>{body}</tbody></table>"


def visible(text: str) -> str:
    """A text whose letters that do not print, or that turn others around, are written out: \\n, \\x1b, \\u202e."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


MARKS = ("missing", "NaN", "∞", "−∞", "any other value")  # what stands for no value of a column


def value_text(text: str) -> str:
    """A text of the data as people read it: in quotes where it could be taken for something else."""
    plainly = text.isprintable() and text == text.strip() and text and text[0] not in "'\""
    return text if plainly and text not in MARKS else repr(text)


def text_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as aligned plain text."""
    if not rows:
        return ""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def listing(names: Sequence[Any], limit: int = 8) -> str:
    """Names in a sentence, cut after `limit`."""
    shown = ", ".join(str(name) for name in names[:limit])
    return f"{shown}, … ({len(names)} in all)" if len(names) > limit else shown
